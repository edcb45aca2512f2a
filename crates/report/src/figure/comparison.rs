//! Infidelity of meshes before and after correction, with the quantiles over chips. One row per mesh.
//!
//! ```text
//! design   cells  dB     10⁻⁴   10⁻³   10⁻²   10⁻¹
//! name      28   −1.7      ──●──      ──○──          circle: as programmed; diamond: corrected
//! ```
//!
//! Columns used: topology, cell, cells, transmission_db, and median, q10, q90 of before and after.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::label::quantity;
use crate::plot::page::{self, Anchor, MARGIN, Marker, Stroke, WIDTH};
use crate::plot::palette::{FAINT_INK, FOOTER, INK, SERIES, TICK, TITLE};
use crate::table::Table;

/// Right ends of the columns of numbers, and left end of the axis.
const CELLS: f64 = 270.0;
const LOSS: f64 = 340.0;
const LEFT: f64 = 365.0;
const TOP: f64 = 76.0;
const ROW: f64 = 18.0;
/// Height of labels and title of the axis.
const BELOW: f64 = 44.0;
/// Smaller infidelities are drawn here.
const MIN_INFIDELITY: f64 = 1e-12;

/// The figure of meshes by infidelity.
pub(crate) const COMPARISON: Figure = Figure {
    key: "comparison",
    description: "infidelity of every mesh on the same process, before and after correction",
    draw,
};

struct Row {
    name: String,
    cells: String,
    loss: String,
    /// 10 % quantile, median, 90 % quantile, before and after correction.
    quantiles: [[f64; 3]; 2],
}

fn draw(table: &Table) -> Result<String, ReportError> {
    let rows = rows(table)?;
    let values = rows.iter().flat_map(|row| row.quantiles).flatten();
    // An axis needs two values that differ.
    let values: Vec<f64> = values.chain([1.0, 0.1]).collect();
    let (x, y) = (Axis::logarithmic(&values, &quantity("1 − F")), Axis::rows(rows.len() as f64));
    let size = (WIDTH - MARGIN - LEFT, ROW * rows.len() as f64);
    let height = TOP + size.1 + BELOW + 28.0;
    page::svg(WIDTH, height, |page| {
        let title = "Infidelity of meshes of one size on one process";
        page.text(title, (MARGIN, 30.0), Anchor::Left, TITLE, INK)?;
        let key = "circle: as programmed; diamond: locally corrected; bars: 10 to 90 % of chips";
        page.text(key, (MARGIN, 48.0), Anchor::Left, TICK, FAINT_INK)?;
        page.text("cells", (CELLS, TOP - 6.0), Anchor::Right, TICK, FAINT_INK)?;
        page.text("dB", (LOSS, TOP - 6.0), Anchor::Right, TICK, FAINT_INK)?;
        let chart = page.chart((LEFT, TOP), size, BELOW, (&x, &y))?;
        for (k, row) in rows.iter().enumerate() {
            let middle = k as f64 + 0.5;
            let baseline = chart.place((1.0, middle)).1 + 4.0;
            page.text(&row.name, (MARGIN, baseline), Anchor::Left, TICK, INK)?;
            page.text(&row.cells, (CELLS, baseline), Anchor::Right, TICK, INK)?;
            page.text(&row.loss, (LOSS, baseline), Anchor::Right, TICK, INK)?;
            let kinds = [(Marker::Circle, SERIES[1], -3.0), (Marker::Diamond, SERIES[0], 3.0)];
            for ([low, median, high], (marker, colour, shift)) in row.quantiles.into_iter().zip(kinds) {
                let y = middle + shift / ROW;
                chart.line([(low, y), (high, y)], Stroke { colour, width: 1.6, dashes: None })?;
                chart.markers([(median, y)], marker, colour)?;
            }
        }
        let footer = provenance(table).join(" · ");
        page.text(&footer, (WIDTH - MARGIN, height - 8.0), Anchor::Right, FOOTER, FAINT_INK)
    })
}

fn rows(table: &Table) -> Result<Vec<Row>, ReportError> {
    let text = |name: &str| table.column(name);
    let (topology, cell, cells) = (text("topology")?, text("cell")?, text("cells")?);
    let mut rows = Vec::new();
    for row in table.rows() {
        let quantiles = |when: &str| -> Result<[f64; 3], ReportError> {
            let quantile = |which: &str| table.number(row, &format!("{when}_{which}")).map(|v| v.max(MIN_INFIDELITY));
            Ok([quantile("q10")?, quantile("median")?, quantile("q90")?])
        };
        let name = match row.text(cell) {
            "mzi" => row.text(topology).to_owned(),
            other => format!("{} · {other}", row.text(topology)),
        };
        let loss = format!("{:.2}", table.number(row, "transmission_db")?);
        let (cells, quantiles) = (row.text(cells).to_owned(), [quantiles("before")?, quantiles("after")?]);
        rows.push(Row { name, cells, loss, quantiles });
    }
    if rows.is_empty() { Err(ReportError::NoRows) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# phaseloom: 0.1.0\ntopology,cell,cells,transmission_db,before_q10,before_median,before_q90,\
                         after_q10,after_median,after_q90\n\
                         rectangular,mzi,28,-1.5,0.01,0.02,0.03,0,1e-15,1e-4\ntree,crossing,7,0,0.1,0.2,0.3,0.1,0.1,0.1\n";

    #[test]
    fn every_mesh_has_its_row() {
        let svg = draw(&Table::parse(TABLE).unwrap()).unwrap();
        for text in ["rectangular", "tree · crossing", "-1.50", "phaseloom 0.1.0"] {
            assert!(svg.contains(text), "{text}");
        }
        let other = Table::parse("topology,cell\nrectangular,mzi\n").unwrap();
        assert!(draw(&other).is_err(), "columns are missing");
    }
}
