//! Time against size of several works, both logarithmic: ours a line, the reference of each work dashed beside it.
//!
//! ```text
//! columns  work, size, ours_s, reference, reference_s        one row a work and size, times in seconds
//! legend   name and fitted exponent of each line; works of fewer than three sizes are left out
//! ```
//!
//! It is drawn from a benchmark, not from an experiment, and so stands outside the list of figures of a run.

use crate::error::ReportError;
use crate::figure::provenance;
use crate::plot::axis::{Axis, Tick};
use crate::plot::label::{decimal, quantity};
use crate::plot::legend::{Entry, Swatch};
use crate::plot::palette::SERIES;
use crate::plot::panel;
use crate::plot::panel::Sheet;
use crate::plot::pen::{Marker, Stroke};
use crate::power_law_fit::Growth;
use crate::table::Table;

const MARKERS: [Marker; 4] = [Marker::Circle, Marker::Square, Marker::Diamond, Marker::Triangle];

/// One line of the figure: ours, with markers, or the reference of a work.
struct Line {
    text: String,
    stroke: Stroke,
    marker: Option<Marker>,
    points: Vec<(f64, f64)>,
}

pub(crate) fn draw(table: &Table) -> Result<String, ReportError> {
    let lines = lines(table)?;
    let mut sizes: Vec<f64> = lines.iter().flat_map(|line| &line.points).map(|(n, _)| *n).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let times: Vec<f64> = lines.iter().flat_map(|line| &line.points).map(|(_, t)| *t).collect();
    if times.is_empty() {
        return Err(ReportError::NoRows);
    }
    let mut x = Axis::logarithmic(&sizes, &quantity("size N"));
    // The sizes that were measured, not powers of ten.
    x.ticks = sizes.iter().map(|&n| Tick { at: x.at(n), label: decimal(n) }).collect();
    let y = Axis::logarithmic(&times, &quantity("time_s"));

    let entry = |line: &Line| {
        let stroke = line.stroke;
        let swatch = line.marker.map_or(Swatch::Line(stroke), |marker| Swatch::Series { stroke, marker, band: false });
        // A row for each work: ours first, its reference behind.
        Entry { swatch, text: line.text.clone(), breaks: line.marker.is_some() }
    };
    let legend = lines.iter().map(entry).collect();
    let mut footer = provenance(table);
    footer.extend(["machine", "date"].into_iter().filter_map(|key| table.metadata(key)).map(str::to_owned));
    let title = format!("{}, exponents of N in the legend", table.metadata("name").unwrap_or("Time"));
    let sheet = Sheet { title, legend, x: x.clone(), y: y.clone(), footer: footer.join(" · ") };
    panel::draw(sheet, |panel| {
        for line in &lines {
            let places: Vec<_> = line.points.iter().map(|&(n, t)| panel.at(x.at(n), y.at(t))).collect();
            panel.canvas.line(&places, line.stroke)?;
            for (place, marker) in places.into_iter().zip(line.marker.into_iter().cycle()) {
                panel.canvas.marker(place, marker, line.stroke.colour)?;
            }
        }
        Ok(())
    })
}

/// Two lines a work, in the order of the table; those without a fitted exponent are left out.
fn lines(table: &Table) -> Result<Vec<Line>, ReportError> {
    let (work, reference) = (table.column("work")?, table.column("reference")?);
    let mut works: Vec<(&str, &str)> = table.rows().iter().map(|row| (row.text(work), row.text(reference))).collect();
    works.dedup();
    let mut lines = Vec::new();
    for (index, (name, against)) in works.into_iter().enumerate() {
        let rows: Vec<_> = table.rows().iter().filter(|row| row.text(work) == name).collect();
        let points = |column| -> Result<Vec<(f64, f64)>, ReportError> {
            rows.iter().map(|row| Ok((table.number(row, "size")?, table.number(row, column)?))).collect()
        };
        let (colour, marker) = (SERIES[index % SERIES.len()], MARKERS[index % MARKERS.len()]);
        let ours = Stroke { colour, width: 2.0, dashes: &[] };
        let theirs = Stroke { colour, width: 1.4, dashes: &[5.0, 3.0] };
        let pair = [
            ("ours_s", ours, Some(marker), name.to_owned()),
            ("reference_s", theirs, None, format!("its reference, {against}")),
        ];
        for (column, stroke, marker, text) in pair {
            let points = points(column)?;
            if let Some(growth) = Growth::fit(&points) {
                lines.push(Line { text: format!("{text}: {growth}"), stroke, marker, points });
            }
        }
    }
    Ok(lines)
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
    fn each_work_has_two_lines_with_their_exponents() {
        let table = Table::parse(TABLE).unwrap();
        let lines = lines(&table).unwrap();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["program: 3.00 ± 0.00", "its reference, QR: 2.00 ± 0.00"]);
        let svg = draw(&table).unwrap();
        for text in ["time (ms)", "size N", "\n256\n", "a machine", "works, exponents of N in the legend"] {
            assert!(svg.contains(text), "{text} is missing");
        }
        assert!(!svg.contains("one size"));
    }

    #[test]
    fn a_table_without_works_of_three_sizes_has_no_figure() {
        let table = "work,size,ours_s,reference,reference_s\na,64,1,b,1\n";
        assert!(matches!(draw(&Table::parse(table).unwrap()), Err(ReportError::NoRows)));
    }
}
