//! Time of several works relative to their references, against the size.
//!
//! ```text
//! columns  work, size, ours_s, reference, reference_s        one row per work and size, times in seconds
//! y        ours_s/reference_s, logarithmic; the level line 1 is the reference of each work
//! legend   name, reference, and fitted exponent of our time; works of fewer than three sizes are left out
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
use crate::plot::palette::{BLACK, SERIES};
use crate::power_law_fit::PowerLawFit;
use crate::style::FigureStyle;
use crate::table::Table;

/// The curve of one work: (size, time relative to its reference).
struct Curve {
    text: String,
    stroke: Stroke,
    marker: Marker,
    points: Vec<(f64, f64)>,
}

pub(crate) fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let curves = curves(table)?;
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let mut sizes: Vec<f64> = points().map(|(n, _)| *n).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    if sizes.is_empty() {
        return Err(ReportError::NoRows);
    }
    let mut x = Axis::logarithmic(&sizes, &quantity("size N"));
    x.set_ticks(&sizes);
    // An axis needs two values that differ, and the line of the references.
    let ratios: Vec<f64> = points().map(|(_, ratio)| *ratio).chain([0.9, 1.1]).collect();
    let y = Axis::logarithmic(&ratios, &quantity("time relative to the reference"));

    let reference = Stroke { colour: BLACK, width: 1.25, dashes: None };
    let entry = |curve: &Curve| Entry {
        line: Some(curve.stroke),
        marker: Some(curve.marker),
        text: curve.text.clone(),
        breaks: true,
        ..Entry::default()
    };
    let line = Entry { line: Some(reference), text: "the reference of each work".to_owned(), ..Entry::default() };
    let legend = std::iter::once(line).chain(curves.iter().map(entry)).collect();
    let mut footer = provenance(table);
    footer.extend(["machine", "date"].into_iter().filter_map(|key| table.metadata(key)).map(str::to_owned));
    let title = format!("{}, exponents of N in the legend", table.metadata("name").unwrap_or("Time"));
    let frame = Frame { title, legend, x, y, footer: footer.join(" · "), top: None, right: 0.0 };
    chart::draw(style, frame, |chart| {
        chart.line([(f64::NEG_INFINITY, 1.0), (f64::INFINITY, 1.0)], reference)?;
        for curve in &curves {
            chart.line(curve.points.clone(), curve.stroke)?;
            chart.markers(curve.points.iter().copied(), curve.marker, curve.stroke.colour)?;
        }
        Ok(())
    })
}

/// A curve per work, in the order of the table. Works without a fitted exponent are left out.
fn curves(table: &Table) -> Result<Vec<Curve>, ReportError> {
    let (work, reference) = (table.column("work")?, table.column("reference")?);
    let mut works: Vec<(&str, &str)> = table.rows().iter().map(|row| (row.text(work), row.text(reference))).collect();
    works.dedup();
    let mut curves = Vec::new();
    for (index, (name, against)) in works.into_iter().enumerate() {
        let (mut times, mut points) = (Vec::new(), Vec::new());
        for row in table.rows().iter().filter(|row| row.text(work) == name) {
            let (size, ours) = (table.number(row, "size")?, table.number(row, "ours_s")?);
            times.push((size, ours));
            points.push((size, ours / table.number(row, "reference_s")?));
        }
        if let Some(fit) = PowerLawFit::new(&times) {
            let stroke = Stroke { colour: SERIES[index % SERIES.len()], width: 2.0, dashes: None };
            let text = format!("{name}: {fit}; relative to {against}");
            curves.push(Curve { text, stroke, marker: Marker::for_series(index), points });
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
    fn each_work_has_a_curve_relative_to_its_reference() {
        let table = Table::parse(TABLE).unwrap();
        let curves = curves(&table).unwrap();
        let texts: Vec<&str> = curves.iter().map(|curve| curve.text.as_str()).collect();
        assert_eq!(texts, ["program: 3.00 ± 0.00; relative to QR"]);
        let ratios: Vec<f64> = curves[0].points.iter().map(|(_, ratio)| *ratio).collect();
        assert!(ratios.iter().zip([0.5, 1.0, 2.0]).all(|(ratio, expected)| (ratio - expected).abs() < 1e-12));
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        for text in
            ["time relative to the reference", "size N", "\n256\n", "a machine", "works, exponents of N in the legend"]
        {
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
