//! Where the verdict turns: energy of electronics over that of light, against one quantity at a time.
//!
//! ```text
//! columns  quantity, value, own, systolic, tree       one row per quantity and value
//! x        value/own, logarithmic: 1 is the run
//! y        ratio to the systolic array, logarithmic; light wins above 1
//! ```
//!
//! Quantities whose values are logarithms already, such as bits, have no factor and are left out.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::chart::{self, Frame};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::page::Stroke;
use crate::plot::palette::{BLACK, SERIES};
use crate::style::FigureStyle;
use crate::table::Table;

/// Ratios beyond these limits are drawn at the edge of the figure.
const LIMITS: [f64; 2] = [1e-3, 1e2];

/// Points of a curve with values as texts.
const MAX_VALUES: usize = 9;

/// The figure of break-even curves.
pub(crate) const BREAK_EVEN: Figure = Figure {
    key: "break-even",
    description: "energy of electronics over that of light against loss, hold power, symbol rate and more",
    draw,
};

/// The curve of one quantity: (value/own, ratio).
type Curve = (String, Vec<(f64, f64)>);

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let curves = curves(table)?;
    let points = || curves.iter().flat_map(|curve| &curve.1);
    let factors: Vec<f64> = points().map(|point| point.0).collect();
    if factors.is_empty() {
        return Err(ReportError::NoRows);
    }
    // An axis needs two values that differ, and the line of equal energies.
    let ratios: Vec<f64> = points().map(|point| point.1).chain([0.5, 2.0]).collect();
    let x = Axis::logarithmic(&factors, &quantity("value relative to the run"));
    let y = Axis::logarithmic(&ratios, &quantity("energy of a systolic array over that of light"));
    let stroke = |index: usize| Stroke { colour: SERIES[index % SERIES.len()], width: 2.0, dashes: None };
    let equal = Stroke { colour: BLACK, width: 1.25, dashes: None };
    let entry = |(index, curve): (usize, &Curve)| Entry {
        line: Some(stroke(index)),
        text: curve.0.clone(),
        ..Entry::default()
    };
    let line = Entry { line: Some(equal), text: "equal energies: light wins above".to_owned(), ..Entry::default() };
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Break-even").to_owned(),
        legend: std::iter::once(line).chain(curves.iter().enumerate().map(entry)).collect(),
        x,
        y,
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        chart.line([(f64::NEG_INFINITY, 1.0), (f64::INFINITY, 1.0)], equal)?;
        for (index, (name, points)) in curves.iter().enumerate() {
            // A ratio beyond the axis is drawn at its edge; its value is the true one.
            let inside = |&(factor, ratio): &(f64, f64)| (factor, ratio.clamp(LIMITS[0], LIMITS[1]));
            chart.line(points.iter().map(inside).collect::<Vec<_>>(), stroke(index))?;
            for point in points.iter().step_by(points.len().div_ceil(MAX_VALUES).max(1)) {
                let (factor, ratio) = *point;
                chart.value(inside(point), || format!("{name}, {factor:.3} times that of the run: ratio {ratio:.3e}"));
            }
        }
        Ok(())
    })
}

fn curves(table: &Table) -> Result<Vec<Curve>, ReportError> {
    let column = table.column("quantity")?;
    let mut all: Vec<Curve> = Vec::new();
    for row in table.rows() {
        let key = row.text(column);
        let (value, own) = (table.number(row, "value")?, table.number(row, "own")?);
        let ratio = table.number(row, "systolic")?;
        // No laser suffices: the curve ends.
        if key.ends_with("bits") || own <= 0.0 || ratio <= 0.0 {
            continue;
        }
        let point = (value / own, ratio);
        let name = quantity(key).name;
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push(point),
            None => all.push((name, vec![point])),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_relative_to_the_run() {
        let text = "quantity,value,own,systolic,tree\ncell_loss_db,0.05,0.1,2,1\ncell_loss_db,0.2,0.1,0.5,0.2\n\
                    cell_loss_db,0.4,0.1,0,0\nreadout_bits,4,3,1,1\n";
        let table = Table::parse(text).unwrap();
        let curves = curves(&table).unwrap();
        assert_eq!(curves, [("loss of a cell".to_owned(), vec![(0.5, 2.0), (2.0, 0.5)])]);
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        assert!(svg.contains("loss of a cell") && svg.contains("value relative to the run"));
        let none = Table::parse("quantity,value,own,systolic,tree\ncell_loss_db,0.4,0.1,0,0\n").unwrap();
        assert!(matches!(draw(&none, &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
