//! Loss and errors of a training over its epochs.
//!
//! ```text
//! columns  epoch, loss, train_accuracy, validation_accuracy      one row per epoch; the last column may be empty
//! x        epoch
//! y        loss, and the shares of wrong classes (1 − accuracy), logarithmic
//! ```
//!
//! A logarithmic axis has no zero: an epoch without wrong classes is left out of its curve.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::chart::{self, Frame};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::SERIES;
use crate::style::FigureStyle;
use crate::table::Table;

/// Epochs up to which each has a marker.
const MARKED: usize = 30;

/// The figure of a training.
pub(crate) const TRAINING: Figure =
    Figure { key: "training", description: "loss and share of wrong classes over the epochs of a training", draw };

/// A name, and the values by epoch.
type Curve = (&'static str, Vec<(f64, f64)>);

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let curves = curves(table)?;
    let points = || curves.iter().flat_map(|curve| &curve.1);
    let epochs: Vec<f64> = points().map(|point| point.0).collect();
    if table.rows().len() < 2 || epochs.is_empty() {
        return Err(ReportError::NoRows);
    }
    // An axis needs two values that differ.
    let values: Vec<f64> = points().flat_map(|point| [point.1, 1.1 * point.1]).collect();
    let x = Axis::numeric(&epochs, &quantity("epoch"));
    let y = Axis::logarithmic(&values, &quantity("loss, and share of wrong classes"));
    let stroke = |index: usize| Stroke { colour: SERIES[index % SERIES.len()], width: 2.0, dashes: None };
    let has_markers = table.rows().len() <= MARKED;
    let entry = |(index, curve): (usize, &Curve)| Entry {
        line: Some(stroke(index)),
        marker: has_markers.then(|| Marker::for_series(index)),
        text: curve.0.to_owned(),
        ..Entry::default()
    };
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Training").to_owned(),
        legend: curves.iter().enumerate().map(entry).collect(),
        x,
        y,
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        curves.iter().enumerate().try_for_each(|(index, (_, points))| {
            chart.line(points.clone(), stroke(index))?;
            match has_markers {
                true => chart.markers(points.iter().copied(), Marker::for_series(index), stroke(index).colour),
                false => Ok(()),
            }
        })
    })
}

fn curves(table: &Table) -> Result<Vec<Curve>, ReportError> {
    let validation = table.column("validation_accuracy")?;
    let mut all: [Curve; 3] =
        ["training loss", "wrong classes, training", "wrong classes, validation"].map(|name| (name, Vec::new()));
    for row in table.rows() {
        let epoch = table.number(row, "epoch")?;
        let mut values = vec![table.number(row, "loss")?, 1.0 - table.number(row, "train_accuracy")?];
        if !row.text(validation).is_empty() {
            values.push(1.0 - table.number(row, "validation_accuracy")?);
        }
        for ((_, points), value) in all.iter_mut().zip(values) {
            if value > 0.0 {
                points.push((epoch, value));
            }
        }
    }
    Ok(all.into_iter().filter(|(_, points)| !points.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_has_its_epochs() {
        let text = "epoch,loss,train_accuracy,validation_accuracy\n1,2,0.25,0.5\n2,1,0.75,1\n";
        let table = Table::parse(text).unwrap();
        let expected: [Curve; 3] = [
            ("training loss", vec![(1.0, 2.0), (2.0, 1.0)]),
            ("wrong classes, training", vec![(1.0, 0.75), (2.0, 0.25)]),
            ("wrong classes, validation", vec![(1.0, 0.5)]),
        ];
        assert_eq!(curves(&table).unwrap(), expected);
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        assert!(svg.contains("wrong classes, validation") && svg.contains("epoch"));
        let plain = Table::parse("epoch,loss,train_accuracy,validation_accuracy\n1,2,0.25,\n2,1,0.75,\n").unwrap();
        assert!(!draw(&plain, &FigureStyle::default()).unwrap().contains("validation"));
        let one = Table::parse("epoch,loss,train_accuracy,validation_accuracy\n1,2,0.25,\n").unwrap();
        assert!(matches!(draw(&one, &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
