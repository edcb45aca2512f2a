//! How far each row of a validation lies from its prediction, in shares of what its criterion allows.
//!
//! ```text
//! claim ┃ row                    -1 ──────●──── +1     green passes, vermilion fails; beyond ±2 at the edge
//! ```
//!
//! Columns used: claim, row, share, verdict. The sheet is as long as there are rows.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::label::decimal;
use crate::plot::palette::{BLACK, FAINT_INK, FOOTER, FRAME, GRID, INK, LABEL, SERIES, TICK, TITLE};
use crate::plot::pen::{Anchor, Marker, Point, Stroke};
use crate::plot::{font, pen};
use crate::table::Table;

const WIDTH: f64 = 800.0;
const MARGIN: f64 = 20.0;
/// Where the axis begins; names of rows stand left of it.
const LEFT: f64 = 430.0;
const TOP: f64 = 64.0;
const ROW: f64 = 11.0;
const NAME: f64 = 8.5;
/// Shares shown; what lies beyond stands at the edge as a triangle.
const REACH: f64 = 2.0;

/// The forest of all rows.
pub(crate) struct Forest;

/// One row of the table.
struct Entry<'a> {
    claim: &'a str,
    name: &'a str,
    share: f64,
    passes: bool,
}

impl Figure for Forest {
    fn key(&self) -> &'static str {
        "forest"
    }

    fn description(&self) -> &'static str {
        "deviation of every row from its prediction, in shares of what its criterion allows"
    }

    fn draw(&self, table: &Table) -> Result<String, ReportError> {
        let entries = entries(table)?;
        let height = TOP + ROW * (entries.len() as f64 + claims(&entries) as f64) + 56.0;
        pen::svg(WIDTH, height, |canvas| {
            let title = "Deviation from the prediction, in shares of what is allowed";
            canvas.text(title, (MARGIN, 30.0), Anchor::Start, TITLE, INK)?;
            let key = "circle: pass; diamond: fail; triangle: beyond the frame. Bounds count from 0.";
            canvas.text(key, (MARGIN, 48.0), Anchor::Start, TICK, FAINT_INK)?;
            let at =
                |share: f64, y: f64| -> Point { (LEFT + (WIDTH - MARGIN - LEFT) * (share + REACH) / (2.0 * REACH), y) };
            let bottom = height - 50.0;
            for tick in [-2.0, -1.0, 0.0, 1.0, 2.0_f64] {
                let colour = if tick.abs() < 0.5 { FRAME } else { GRID };
                let dashes: &[f64] = if (tick.abs() - 1.0).abs() < 0.5 { &[4.0, 3.0] } else { &[] };
                let colour = if dashes.is_empty() { colour } else { BLACK };
                canvas.line(&[at(tick, TOP - 6.0), at(tick, bottom)], Stroke { colour, width: 1.0, dashes })?;
                canvas.text(&decimal(tick), at(tick, bottom + 14.0), Anchor::Middle, TICK, INK)?;
            }
            let middle = at(0.0, bottom + 30.0);
            canvas.text("(measured − predicted)/allowed", middle, Anchor::Middle, LABEL, INK)?;
            let mut y = TOP;
            let mut last = "";
            for entry in &entries {
                if entry.claim != last {
                    y += ROW;
                    let name = font::fit(entry.claim, NAME + 1.0, 140.0);
                    canvas.text(&name, (MARGIN, y), Anchor::Start, NAME + 1.0, INK)?;
                    last = entry.claim;
                }
                let name = font::fit(entry.name, NAME, LEFT - MARGIN - 150.0);
                canvas.text(&name, (LEFT - 8.0, y), Anchor::End, NAME, FAINT_INK)?;
                let shown = entry.share.clamp(-REACH, REACH);
                let marker = match (entry.share.abs() > REACH, entry.passes) {
                    (true, _) => Marker::Triangle,
                    (false, true) => Marker::Circle,
                    (false, false) => Marker::Diamond,
                };
                let colour = if entry.passes { SERIES[2] } else { SERIES[1] };
                canvas.marker(at(shown, y - 3.0), marker, colour)?;
                y += ROW;
            }
            let footer = provenance(table).join(" · ");
            canvas.text(&footer, (WIDTH - MARGIN, height - 8.0), Anchor::End, FOOTER, FAINT_INK)
        })
    }
}

/// The rows that were computed, in the order of the table.
fn entries(table: &Table) -> Result<Vec<Entry<'_>>, ReportError> {
    let (claim, name, verdict) = (table.column("claim")?, table.column("row")?, table.column("verdict")?);
    let mut entries = Vec::new();
    for row in table.rows().iter().filter(|row| row.text(verdict) != "skipped") {
        // A failed row may have no finite share; it stands at the edge.
        let share = table.number(row, "share").unwrap_or(f64::INFINITY);
        let passes = row.text(verdict) == "pass";
        entries.push(Entry { claim: row.text(claim), name: row.text(name), share, passes });
    }
    if entries.is_empty() { Err(ReportError::NoRows) } else { Ok(entries) }
}

fn claims(entries: &[Entry<'_>]) -> usize {
    1 + entries.windows(2).filter(|pair| pair[0].claim != pair[1].claim).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# phaseloom: 0.1.0\nclaim,row,share,verdict\n\
                         a,first row,0.5,pass\na,second row,-7,FAIL\nb,third row,,skipped\nb,fourth row,0,pass\n";

    #[test]
    fn every_computed_row_has_its_name_and_skipped_ones_have_none() {
        let svg = Forest.draw(&Table::parse(TABLE).unwrap()).unwrap();
        for text in ["first row", "second row", "fourth row", "phaseloom 0.1.0"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert!(!svg.contains("third row"));
        assert_eq!(claims(&entries(&Table::parse(TABLE).unwrap()).unwrap()), 2);
    }

    #[test]
    fn a_table_of_skipped_rows_has_no_figure() {
        let table = Table::parse("claim,row,share,verdict\na,b,,skipped\n").unwrap();
        assert!(matches!(Forest.draw(&table), Err(ReportError::NoRows)));
    }
}
