//! Yield against the swept quantity: the share of chips that pass, with its 95 % interval.
//!
//! ```text
//! columns  point, one per swept key, criterion, yield, yield_low, yield_high
//! x        the swept value if one key has numbers, else one slot per point
//! y        yield (%)
//! ```

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::{Axis, extremes};
use crate::plot::chart::{self, Frame};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::SERIES;
use crate::style::FigureStyle;
use crate::table::{Row, Table};

/// The figure of yields over a sweep.
pub(crate) const YIELD: Figure =
    Figure { key: "yield", description: "share of chips that pass over a sweep, with its 95 % interval", draw };

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let keys: Vec<&String> = table
        .header()
        .iter()
        .skip_while(|name| *name != "point")
        .skip(1)
        .take_while(|name| *name != "criterion")
        .collect();
    if table.rows().len() < 2 || keys.is_empty() {
        return Err(ReportError::NoRows);
    }
    let mut intervals = Vec::new();
    for row in table.rows() {
        let value = |name| table.number(row, name).map(|share| 100.0 * share);
        intervals.push([value("yield_low")?, value("yield")?, value("yield_high")?]);
    }
    // Keys that move together have one axis.
    let numbers: Option<Vec<f64>> = table.rows().iter().map(|row| table.number(row, keys[0]).ok()).collect();
    let is_one = keys.iter().all(|key| {
        table
            .rows()
            .iter()
            .all(|row| table.column(key).is_ok_and(|i| table.column(keys[0]).is_ok_and(|j| row.text(i) == row.text(j))))
    });
    let (x, places) = match numbers.filter(|_| is_one) {
        Some(values) => (Axis::numeric(&values, &quantity(keys[0])), values),
        None => {
            let names: Vec<String> = table.rows().iter().map(|row| values_text(table, &keys, row)).collect();
            let places = (0..names.len()).map(|index| index as f64).collect();
            let titles: Vec<String> = keys.iter().map(|key| quantity(key).name).collect();
            (Axis::categories(&names, &titles.join(", ")), places)
        }
    };
    let (low, high) = extremes(intervals.iter().flatten().copied());
    let stroke = Stroke { colour: SERIES[0], width: 1.8, dashes: None };
    let entry = Entry {
        line: Some(stroke),
        marker: Some(Marker::Circle),
        text: "share of chips that pass, 95 % interval of Wilson".into(),
        ..Entry::default()
    };
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Yield").to_owned(),
        legend: vec![entry],
        x: x.clone(),
        y: Axis::percent(low, high, "yield (%)"),
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        let mut line: Vec<(f64, [f64; 3])> = places.iter().copied().zip(intervals.iter().copied()).collect();
        line.sort_by(|a, b| a.0.total_cmp(&b.0));
        for run in line.chunk_by(|a, b| x.joins(a.0, b.0)).filter(|run| run.len() > 1 && !x.is_categorical()) {
            chart.line(run.iter().map(|(x, [_, share, _])| (*x, *share)), stroke)?;
        }
        for (place, interval) in &line {
            chart.error_bar(*place, *interval, stroke)?;
        }
        chart.markers(line.iter().map(|(x, [_, share, _])| (*x, *share)), Marker::Circle, stroke.colour)?;
        for ((place, [low, share, high]), row) in places.iter().zip(&intervals).zip(table.rows()) {
            chart.value((*place, *share), || {
                let values = values_text(table, &keys, row);
                format!("{values}: {share:.1} % of the chips pass, 95 % interval {low:.1}–{high:.1} %")
            });
        }
        Ok(())
    })
}

/// The swept values of a row with their units.
fn values_text(table: &Table, keys: &[&String], row: &Row) -> String {
    let value = |key: &&String| Some(quantity(key).value(row.text(table.column(key).ok()?)));
    keys.iter().filter_map(value).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_has_an_axis_and_one_point_has_no_figure() {
        let head = "point,process.phase_error.sigma_rad,criterion,yield,yield_low,yield_high\n";
        let rows = "0,0.01,drop,1,0.9,1\n1,0.02,drop,0.8,0.7,0.9\n2,0.05,drop,0.1,0.05,0.2\n";
        let svg = draw(&Table::parse(&format!("{head}{rows}")).unwrap(), &FigureStyle::default()).unwrap();
        assert!(svg.contains("yield (%)"), "{svg}");
        let one = Table::parse("point,criterion,yield,yield_low,yield_high\n0,drop,1,0.9,1\n").unwrap();
        assert!(matches!(draw(&one, &FigureStyle::default()), Err(ReportError::NoRows)));
        let words =
            "point,correction,criterion,yield,yield_low,yield_high\n0,none,drop,1,0.9,1\n1,local,drop,1,0.9,1\n";
        assert!(draw(&Table::parse(words).unwrap(), &FigureStyle::default()).unwrap().contains("local"));
    }
}
