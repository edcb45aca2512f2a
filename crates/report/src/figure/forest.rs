//! How far each row of a validation lies from its prediction, as a fraction of the allowed deviation.
//!
//! ```text
//! claim ┃ row                    -1 ──────●──── +1     green: pass, vermilion: fail; beyond ±2 at the end of the axis
//! ```
//!
//! Columns used: claim, row, share, verdict. The page is as long as the table.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::font;
use crate::plot::page::{self, Anchor, MARGIN, Marker, Stroke, WIDTH};
use crate::plot::palette::{BLACK, FAINT_INK, FOOTER, FRAME, INK, SERIES, TICK, TITLE};
use crate::table::Table;

/// Left end of the axis; names of rows are left of it.
const LEFT: f64 = 430.0;
const TOP: f64 = 58.0;
const ROW: f64 = 11.0;
const NAME: f64 = 8.5;
/// Height of labels and title of the axis.
const BELOW: f64 = 44.0;
/// End of the axis. Larger deviations are drawn there as triangles.
const MAX_SHARE: f64 = 2.0;

/// The forest plot of all rows.
pub(crate) const FOREST: Figure = Figure {
    key: "forest",
    description: "deviation of every row from its prediction, relative to the tolerance of its criterion",
    draw,
};

/// One row of the table.
struct Entry<'a> {
    claim: &'a str,
    name: &'a str,
    share: f64,
    passes: bool,
}

fn draw(table: &Table) -> Result<String, ReportError> {
    let entries = entries(table)?;
    let ticks = [-2.0, -1.0, 0.0, 1.0, 2.0];
    let x = Axis::with_ticks(-MAX_SHARE..MAX_SHARE, &ticks, "(measured − predicted)/allowed");
    let rows = (entries.len() + claims(&entries)) as f64;
    let size = (WIDTH - MARGIN - LEFT, ROW * (rows + 0.5));
    let height = TOP + size.1 + BELOW + 20.0;
    page::svg(WIDTH, height, |page| {
        let title = "Deviation from the prediction, in shares of what is allowed";
        page.text(title, (MARGIN, 30.0), Anchor::Left, TITLE, INK)?;
        let key = "circle: pass; diamond: fail; triangle: beyond the frame. Bounds count from 0.";
        page.text(key, (MARGIN, 48.0), Anchor::Left, TICK, FAINT_INK)?;
        let chart = page.chart((LEFT, TOP), size, BELOW, (&x, &Axis::rows(rows + 0.5)))?;
        let vertical = |x: f64| [(x, f64::NEG_INFINITY), (x, f64::INFINITY)];
        chart.line(vertical(0.0), Stroke { colour: FRAME, width: 1.0, dashes: None })?;
        for limit in [-1.0, 1.0] {
            chart.line(vertical(limit), Stroke { colour: BLACK, width: 1.0, dashes: Some((4.0, 3.0)) })?;
        }
        let (mut row, mut last) = (0.5, "");
        for entry in &entries {
            if entry.claim != last {
                row += 1.0;
                let name = font::fit(entry.claim, NAME + 1.0, 140.0);
                page.text(&name, (MARGIN, TOP + ROW * row), Anchor::Left, NAME + 1.0, INK)?;
                last = entry.claim;
            }
            let name = font::fit(entry.name, NAME, LEFT - MARGIN - 150.0);
            page.text(&name, (LEFT - 8.0, TOP + ROW * row), Anchor::Right, NAME, FAINT_INK)?;
            let marker = match (entry.share.abs() > MAX_SHARE, entry.passes) {
                (true, _) => Marker::Triangle,
                (false, true) => Marker::Circle,
                (false, false) => Marker::Diamond,
            };
            let colour = if entry.passes { SERIES[2] } else { SERIES[1] };
            let point = (entry.share.clamp(-MAX_SHARE, MAX_SHARE), row - 3.0 / ROW);
            chart.markers([point], marker, colour)?;
            row += 1.0;
        }
        let footer = provenance(table).join(" · ");
        page.text(&footer, (WIDTH - MARGIN, height - 8.0), Anchor::Right, FOOTER, FAINT_INK)
    })
}

/// The rows that were computed, in the order of the table.
fn entries(table: &Table) -> Result<Vec<Entry<'_>>, ReportError> {
    let (claim, name, verdict) = (table.column("claim")?, table.column("row")?, table.column("verdict")?);
    let mut entries = Vec::new();
    for row in table.rows().iter().filter(|row| row.text(verdict) != "skipped") {
        // A failed row without a finite share lies at the end of the axis.
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
        let svg = draw(&Table::parse(TABLE).unwrap()).unwrap();
        for text in ["first row", "second row", "fourth row", "phaseloom 0.1.0"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert!(!svg.contains("third row"));
        assert_eq!(claims(&entries(&Table::parse(TABLE).unwrap()).unwrap()), 2);
    }

    #[test]
    fn a_table_of_skipped_rows_has_no_figure() {
        let table = Table::parse("claim,row,share,verdict\na,b,,skipped\n").unwrap();
        assert!(matches!(draw(&table), Err(ReportError::NoRows)));
    }
}
