//! Score against energy of one inference: the points of a run, and the front of those that no other beats.
//!
//! Columns used: energy_j, score_mean, pareto. Points without a laser are left out.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::{Axis, extremes};
use crate::plot::chart::{self, Frame};
use crate::plot::label::{decimal, quantity};
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::{FAINT_INK, SERIES};
use crate::style::FigureStyle;
use crate::table::Table;

/// The figure of score against energy.
pub(crate) const PARETO: Figure = Figure {
    key: "pareto",
    description: "score against energy of one inference, with the front of points that no other beats",
    draw,
};

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let points = points(table)?;
    if points.len() < 2 {
        return Err(ReportError::NoRows);
    }
    let mut energies: Vec<f64> = points.iter().map(|point| point.0).collect();
    // An axis needs two values that differ.
    energies.extend([0.9, 1.1].map(|factor| factor * energies[0]));
    let x = Axis::numeric(&energies, &quantity("energy_j"));
    let name = table.metadata("score").unwrap_or("accuracy");
    let is_percent = table.metadata("score_unit").is_none_or(|unit| unit == "%");
    let factor = if is_percent { 100.0 } else { 1.0 };
    let (low, high) = extremes(points.iter().map(|point| factor * point.1));
    let y = match is_percent {
        true => Axis::percent(low, high, &format!("{name} (%)")),
        false => Axis::amounts(low, high, name),
    };
    let front: Vec<(f64, f64)> = {
        let mut front: Vec<_> = points.iter().filter(|p| p.2).map(|p| (p.0, factor * p.1)).collect();
        front.sort_by(|a, b| a.0.total_cmp(&b.0));
        front
    };
    let stroke = Stroke { colour: SERIES[0], width: 2.0, dashes: None };
    let all = Stroke { colour: FAINT_INK, width: 0.0, dashes: None };
    let entry = |line, marker, text: &str| Entry {
        line: Some(line),
        marker: Some(marker),
        text: text.to_owned(),
        ..Entry::default()
    };
    let legend = vec![
        entry(stroke, Marker::Circle, "front: no other point is better and takes less"),
        entry(all, Marker::Diamond, "other points"),
    ];
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Score and energy").to_owned(),
        legend,
        x,
        y,
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        let others = points.iter().filter(|point| !point.2).map(|point| (point.0, factor * point.1));
        chart.markers(others, Marker::Diamond, FAINT_INK)?;
        if front.len() > 1 {
            chart.line(front.clone(), stroke)?;
        }
        chart.markers(front.iter().copied(), Marker::Circle, SERIES[0])?;
        for (energy, score, is_on_front) in &points {
            chart.value((*energy, factor * score), || {
                let energy = quantity("energy_j").value(&format!("{energy:.3e}"));
                let score = decimal(format!("{:.4e}", factor * score).parse().unwrap_or(*score));
                let unit = if is_percent { " %" } else { "" };
                format!("{energy}: {name} {score}{unit}{}", if *is_on_front { ", on the front" } else { "" })
            });
        }
        Ok(())
    })
}

/// (energy (J), score, whether it is on the front).
fn points(table: &Table) -> Result<Vec<(f64, f64, bool)>, ReportError> {
    let (energy, pareto) = (table.column("energy_j")?, table.column("pareto")?);
    let mut points = Vec::new();
    for row in table.rows().iter().filter(|row| !row.text(energy).is_empty()) {
        points.push((table.number(row, "energy_j")?, table.number(row, "score_mean")?, row.text(pareto) == "true"));
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_without_a_laser_are_left_out() {
        let text = "energy_j,score_mean,pareto\n1e-9,0.9,true\n2e-9,0.95,true\n3e-9,0.8,false\n,0.99,false\n";
        let table = Table::parse(text).unwrap();
        assert_eq!(points(&table).unwrap().len(), 3);
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        assert!(svg.contains("accuracy (%)") && svg.contains("energy of one inference (nJ)"), "{svg}");
        let one = Table::parse("energy_j,score_mean,pareto\n1e-9,0.9,true\n").unwrap();
        assert!(matches!(draw(&one, &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
