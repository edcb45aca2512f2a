//! Time against size of several works, both logarithmic. Ours is a solid curve, the reference of each work a dashed one.
//!
//! ```text
//! columns  work, size, ours_s, reference, reference_s        one row per work and size, times in seconds
//! legend   name and fitted exponent of each curve; works of fewer than three sizes are left out
//! ```
//!
//! The figure shows a benchmark, not an experiment, so it is not in the list of figures of a run.

use crate::error::ReportError;
use crate::figure::provenance;
use crate::plot::axis::Axis;
use crate::plot::chart::{self, Frame};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::SERIES;
use crate::power_law_fit::PowerLawFit;
use crate::style::FigureStyle;
use crate::table::Table;

/// One curve of the figure: ours, with markers, or the reference of a work.
struct Curve {
    text: String,
    stroke: Stroke,
    marker: Option<Marker>,
    points: Vec<(f64, f64)>,
}

pub(crate) fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let curves = curves(table)?;
    let mut sizes: Vec<f64> = curves.iter().flat_map(|curve| &curve.points).map(|(n, _)| *n).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let times: Vec<f64> = curves.iter().flat_map(|curve| &curve.points).map(|(_, t)| *t).collect();
    if times.is_empty() {
        return Err(ReportError::NoRows);
    }
    let mut x = Axis::logarithmic(&sizes, &quantity("size N"));
    x.set_ticks(&sizes);
    let y = Axis::logarithmic(&times, &quantity("time_s"));

    let entry = |curve: &Curve| {
        let Curve { text, stroke, marker, .. } = curve;
        // A row per work: ours, then its reference.
        Entry { line: Some(*stroke), marker: *marker, text: text.clone(), breaks: marker.is_some(), ..Entry::default() }
    };
    let legend = curves.iter().map(entry).collect();
    let mut footer = provenance(table);
    footer.extend(["machine", "date"].into_iter().filter_map(|key| table.metadata(key)).map(str::to_owned));
    let title = format!("{}, exponents of N in the legend", table.metadata("name").unwrap_or("Time"));
    chart::draw(style, Frame { title, legend, x, y, footer: footer.join(" · ") }, |chart| {
        for curve in &curves {
            chart.line(curve.points.clone(), curve.stroke)?;
            if let Some(marker) = curve.marker {
                chart.markers(curve.points.iter().copied(), marker, curve.stroke.colour)?;
            }
        }
        Ok(())
    })
}

/// Two curves per work, in the order of the table. Curves without a fitted exponent are left out.
fn curves(table: &Table) -> Result<Vec<Curve>, ReportError> {
    let (work, reference) = (table.column("work")?, table.column("reference")?);
    let mut works: Vec<(&str, &str)> = table.rows().iter().map(|row| (row.text(work), row.text(reference))).collect();
    works.dedup();
    let mut curves = Vec::new();
    for (index, (name, against)) in works.into_iter().enumerate() {
        let rows: Vec<_> = table.rows().iter().filter(|row| row.text(work) == name).collect();
        let points = |column| -> Result<Vec<(f64, f64)>, ReportError> {
            rows.iter().map(|row| Ok((table.number(row, "size")?, table.number(row, column)?))).collect()
        };
        let (colour, marker) = (SERIES[index % SERIES.len()], Marker::for_series(index));
        let ours = Stroke { colour, width: 2.0, dashes: None };
        let theirs = Stroke { colour, width: 1.4, dashes: Some((5.0, 3.0)) };
        let pair = [
            ("ours_s", ours, Some(marker), name.to_owned()),
            ("reference_s", theirs, None, format!("its reference, {against}")),
        ];
        for (column, stroke, marker, text) in pair {
            let points = points(column)?;
            if let Some(fit) = PowerLawFit::new(&points) {
                curves.push(Curve { text: format!("{text}: {fit}"), stroke, marker, points });
            }
        }
    }
    Ok(curves)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
# name: works
# machine: a machine
work,size,ours_s,reference,reference_s
program,64,1e-3,QR,2e-3
program,128,8e-3,QR,8e-3
program,256,64e-3,QR,32e-3
one size,64,1,product,1
";

    #[test]
    fn each_work_has_two_curves_with_their_exponents() {
        let table = Table::parse(TABLE).unwrap();
        let curves = curves(&table).unwrap();
        let texts: Vec<&str> = curves.iter().map(|curve| curve.text.as_str()).collect();
        assert_eq!(texts, ["program: 3.00 ± 0.00", "its reference, QR: 2.00 ± 0.00"]);
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        for text in ["time (ms)", "size N", "\n256\n", "a machine", "works, exponents of N in the legend"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert!(!svg.contains("one size"));
    }

    #[test]
    fn a_table_without_works_of_three_sizes_has_no_figure() {
        let table = "work,size,ours_s,reference,reference_s\na,64,1,b,1\n";
        assert!(matches!(draw(&Table::parse(table).unwrap(), &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
