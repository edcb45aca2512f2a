//! Matrix error E against σ: measured values as markers, the law of each series as a line.
//!
//! Columns used: series, x, predicted, measured. Rows without a series are left out.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::chart::{self, Frame};
use crate::plot::end_labels::{self, EndLabel};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::SERIES;
use crate::style::FigureStyle;
use crate::table::Table;

/// The figure of E against σ.
pub(crate) const MATRIX_ERROR: Figure = Figure {
    key: "matrix-error",
    description: "matrix error E against σ, measured (markers) and from the law (lines)",
    draw,
};

/// The points (σ, law, measured) of one series.
type Series<'a> = (&'a str, Vec<(f64, f64, f64)>);

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let series = series(table)?;
    let all = || series.iter().flat_map(|(_, points)| points);
    let sigmas: Vec<f64> = all().map(|p| p.0).collect();
    let errors: Vec<f64> = all().flat_map(|p| [p.1, p.2]).collect();
    if sigmas.is_empty() {
        return Err(ReportError::NoRows);
    }
    let x = Axis::logarithmic(&sigmas, &quantity("sigma_rad"));
    let y = Axis::logarithmic(&errors, &quantity("matrix error E"));
    let stroke = |index: usize| Stroke { colour: SERIES[index % SERIES.len()], width: 1.6, dashes: None };
    let marker = Marker::for_series;
    let labels: Vec<EndLabel> = series
        .iter()
        .enumerate()
        .filter_map(|(index, (name, points))| {
            let last = points.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
            let name = (*name).to_owned();
            Some(EndLabel { name, marker: marker(index), colour: stroke(index).colour, y: last.1 })
        })
        .collect();
    let room = end_labels::room(&labels, style.units());
    let legend = series.iter().enumerate().filter(|_| room.is_none()).map(|(index, (name, _))| {
        let (line, marker) = (Some(stroke(index)), Some(marker(index)));
        Entry { line, marker, text: (*name).to_owned(), ..Entry::default() }
    });
    let frame = Frame {
        title: "Matrix error of unitary meshes: markers measured, lines the law".to_owned(),
        legend: legend.collect(),
        x,
        y,
        footer: provenance(table).join(" · "),
        top: None,
        right: room.unwrap_or(0.0),
    };
    chart::draw(style, frame, |chart| {
        for (index, (_, points)) in series.iter().enumerate() {
            chart.line(points.iter().map(|&(sigma, law, _)| (sigma, law)), stroke(index))?;
            let measured = points.iter().map(|&(sigma, _, measured)| (sigma, measured));
            chart.markers(measured, marker(index), stroke(index).colour)?;
        }
        if room.is_some() { end_labels::draw(chart, &labels) } else { Ok(()) }
    })
}

fn series(table: &Table) -> Result<Vec<Series<'_>>, ReportError> {
    let column = table.column("series")?;
    let mut all: Vec<Series<'_>> = Vec::new();
    for row in table.rows().iter().filter(|row| !row.text(column).is_empty()) {
        let point = (table.number(row, "x")?, table.number(row, "predicted")?, table.number(row, "measured")?);
        let name = row.text(column);
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
    fn series_are_drawn_and_other_rows_left_out() {
        let text = "series,x,predicted,measured\n\"a, N = 4\",0.001,0.01,0.011\n,,1,1\n\"a, N = 4\",0.02,0.2,0.19\nb,0.02,0.1,0.1\n";
        let table = Table::parse(text).unwrap();
        assert_eq!(series(&table).unwrap().iter().map(|s| s.1.len()).collect::<Vec<_>>(), [2, 1]);
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        assert!(svg.contains("a, N = 4") && svg.contains("\nσ (rad)\n"), "{svg}");
        let none = Table::parse("series,x,predicted,measured\n,,1,1\n").unwrap();
        assert!(matches!(draw(&none, &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
