//! How far each claim of a validation lies from its prediction: the worst of its rows, as a fraction of the allowed
//! deviation.
//!
//! ```text
//! claim  rows  worst row          -1 ──────●──── +1     circle: pass, diamond: fail; beyond ±2 at the end of the axis
//! ```
//!
//! Columns used: claim, row, share, verdict.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::font;
use crate::plot::legend::{Entry as LegendEntry, Legend};
use crate::plot::marker::Marker;
use crate::plot::page::{self, Anchor, MARGIN, Stroke};
use crate::plot::palette::{BLACK, FAINT_INK, FOOTER, FRAME, INK, SERIES, TICK, TITLE};
use crate::style::FigureStyle;
use crate::table::Table;

const TOP: f64 = 10.0;
const ROW: f64 = 18.0;
/// Size of the names of rows, and the gap between columns.
const NAME: f64 = 10.0;
const GAP: f64 = 10.0;
/// Share of the width for the axis.
const AXIS: f64 = 0.42;
/// Height of labels and title of the axis.
const BELOW: f64 = 44.0;
/// End of the axis. Larger deviations are drawn there.
const MAX_SHARE: f64 = 2.0;

/// The forest plot of all claims.
pub(crate) const FOREST: Figure = Figure {
    key: "forest",
    description: "largest deviation of each claim from its prediction, relative to the tolerance of its criterion",
    draw,
};

/// One claim: its worst row.
struct Entry<'a> {
    claim: &'a str,
    rows: usize,
    name: &'a str,
    share: f64,
    passes: bool,
}

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let claims = claims(table)?;
    let ticks = [-2.0, -1.0, 0.0, 1.0, 2.0];
    let x = Axis::with_ticks(-MAX_SHARE..MAX_SHARE, &ticks, "(measured − predicted)/allowed");
    let rows = claims.len() as f64;
    let width = style.units();
    let left = width * (1.0 - AXIS);
    let size = (width - MARGIN - left, ROW * rows);

    let title = "Validation: the worst row of each claim, in shares of what is allowed";
    let title = if style.title { font::wrap(title, TITLE, width - 2.0 * MARGIN) } else { Vec::new() };
    let legend = Legend::new(legend(), width - 2.0 * MARGIN);
    let legend_top = TOP + 1.35 * TITLE * title.len() as f64;
    let top = legend_top + legend.height() + 8.0;
    let height = top + size.1 + BELOW + if style.footer { 20.0 } else { 0.0 };
    page::svg(style, height, |page| {
        for (index, line) in title.iter().enumerate() {
            page.text(line, (MARGIN, 28.0 + 1.35 * TITLE * index as f64), Anchor::Left, TITLE, INK)?;
        }
        legend.draw(page, (MARGIN, legend_top))?;
        let chart = page.chart((left, top), size, BELOW, (&x, &Axis::rows(rows)))?;
        let vertical = |x: f64| [(x, f64::NEG_INFINITY), (x, f64::INFINITY)];
        chart.line(vertical(0.0), Stroke { colour: FRAME, width: 1.0, dashes: None })?;
        for limit in [-1.0, 1.0] {
            chart.line(vertical(limit), Stroke { colour: BLACK, width: 1.0, dashes: Some((4.0, 3.0)) })?;
        }
        for (index, claim) in claims.iter().enumerate() {
            let middle = index as f64 + 0.5;
            let baseline = chart.place((0.0, middle)).1 + 0.36 * TICK;
            page.text(claim.claim, (MARGIN, baseline), Anchor::Left, TICK, INK)?;
            let name = match claim.rows {
                1 => claim.name.to_owned(),
                rows => format!("{} (worst of {rows})", claim.name),
            };
            let room = left - GAP - MARGIN - font::width(claim.claim, TICK) - GAP;
            // The bundled font has no double bar.
            let name = font::fit(&name.replace('‖', "||"), NAME, room);
            page.text(&name, (left - GAP, baseline), Anchor::Right, NAME, FAINT_INK)?;
            let (marker, colour) = if claim.passes { PASS } else { FAIL };
            let marker = if claim.share.abs() > MAX_SHARE { Marker::Triangle } else { marker };
            chart.markers([(claim.share.clamp(-MAX_SHARE, MAX_SHARE), middle)], marker, colour)?;
        }
        let footer = if style.footer { provenance(table).join(" · ") } else { String::new() };
        page.text(&footer, (width - MARGIN, height - 8.0), Anchor::Right, FOOTER, FAINT_INK)
    })
}

/// Markers and colours of the verdicts.
const PASS: (Marker, (u8, u8, u8)) = (Marker::Circle, SERIES[0]);
const FAIL: (Marker, (u8, u8, u8)) = (Marker::Diamond, SERIES[1]);

fn legend() -> Vec<LegendEntry> {
    let entry = |(marker, colour), text: &str| LegendEntry {
        line: Some(Stroke { colour, width: 0.0, dashes: None }),
        marker: Some(marker),
        text: text.to_owned(),
        ..LegendEntry::default()
    };
    vec![entry(PASS, "pass"), entry(FAIL, "fail"), entry((Marker::Triangle, INK), "beyond the frame")]
}

/// The claims with a computed row, in the order of the table, each with its worst row: a failed one before any other.
fn claims(table: &Table) -> Result<Vec<Entry<'_>>, ReportError> {
    let (claim, name, verdict) = (table.column("claim")?, table.column("row")?, table.column("verdict")?);
    let mut claims: Vec<Entry> = Vec::new();
    for row in table.rows().iter().filter(|row| row.text(verdict) != "skipped") {
        // A failed row without a finite share lies at the end of the axis.
        let share = table.number(row, "share").unwrap_or(f64::INFINITY);
        let passes = row.text(verdict) == "pass";
        let entry = Entry { claim: row.text(claim), rows: 1, name: row.text(name), share, passes };
        match claims.iter_mut().find(|known| known.claim == entry.claim) {
            None => claims.push(entry),
            Some(known) => {
                let rows = known.rows + 1;
                let badness = |entry: &Entry| (!entry.passes, entry.share.abs());
                if badness(&entry).partial_cmp(&badness(known)).is_some_and(std::cmp::Ordering::is_gt) {
                    *known = entry;
                }
                known.rows = rows;
            }
        }
    }
    if claims.is_empty() { Err(ReportError::NoRows) } else { Ok(claims) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# phaseloom: 0.1.0\nclaim,row,share,verdict\n\
                         a,first row,0.5,pass\na,second row,-7,FAIL\nb,third row,,skipped\nb,fourth row,0,pass\n\
                         a,fifth row,9,pass\n";

    #[test]
    fn every_claim_has_its_worst_computed_row() {
        let svg = draw(&Table::parse(TABLE).unwrap(), &FigureStyle::default()).unwrap();
        for text in ["\nsecond row (worst of 3)\n", "\nfourth row\n", "\nb\n", "phaseloom 0.1.0"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        for text in ["first row", "third row", "fifth row"] {
            assert!(!svg.contains(text), "{text}");
        }
    }

    #[test]
    fn a_table_of_skipped_rows_has_no_figure() {
        let table = Table::parse("claim,row,share,verdict\na,b,,skipped\n").unwrap();
        assert!(matches!(draw(&table, &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
