//! What each source of error costs: alone, among all others, and on the average over orders.
//!
//! ```text
//! columns  one per swept key, quantity, source, alone, left_out, shapley and the same with _se
//! x        one slot per source
//! y        the first quantity; one series per column, or per value of the other swept keys
//! ```

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::{Axis, extremes};
use crate::plot::chart::{self, Frame};
use crate::plot::label::{decimal, quantity};
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::{BAND_OPACITY, SERIES};
use crate::style::FigureStyle;
use crate::table::{Row, Table};

/// The figure of a budget.
pub(crate) const ERROR_BUDGET: Figure =
    Figure { key: "budget", description: "what each source of error costs, with standard errors", draw };

/// The columns of a budget with their names.
const COLUMNS: [(&str, &str); 3] =
    [("shapley", "average over orders (Shapley)"), ("left_out", "all − all but this one"), ("alone", "this one alone")];

/// Largest distance of two series in a slot, and the width that all series of a slot share.
const STEP: f64 = 0.16;
const SLOT: f64 = 0.8;
/// Half the width of the bar of the first series.
const HALF_BAR: f64 = 0.36;

/// Slot, mean and standard error of the sources of a series.
type Series = (String, Vec<(usize, f64, f64)>);

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let (source, of_quantity) = (table.column("source")?, table.column("quantity")?);
    let keys: Vec<usize> = (0..of_quantity).collect();
    let first = table.rows().first().map(|row| row.text(of_quantity)).ok_or(ReportError::NoRows)?;
    let is_shown = |row: &&Row| row.text(of_quantity) == first && !["all", "none"].contains(&row.text(source));
    let rows: Vec<&Row> = table.rows().iter().filter(is_shown).collect();
    let mut names: Vec<String> = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let value = |row: &Row, index: usize| quantity(&table.header()[index]).value(row.text(index));
    let group = |row: &Row| keys.iter().map(|index| value(row, *index)).collect::<Vec<_>>().join(", ");
    for row in &rows {
        for (list, name) in [(&mut names, row.text(source).to_owned()), (&mut groups, group(row))] {
            if !list.contains(&name) {
                list.push(name);
            }
        }
    }
    let is_percent = table.metadata("unit").is_none_or(|unit| unit == "%");
    let factor = if is_percent { 100.0 } else { 1.0 };
    let cell = |row: &Row, column: &str| -> Option<(f64, f64)> {
        Some((factor * table.number(row, column).ok()?, factor * table.number(row, &format!("{column}_se")).ok()?))
    };
    let slot = |row: &Row| names.iter().position(|name| name == row.text(source)).unwrap_or(0);
    let series: Vec<Series> = match groups.as_slice() {
        [_] => COLUMNS
            .iter()
            .map(|(column, name)| {
                let points =
                    rows.iter().filter_map(|row| cell(row, column).map(|(value, error)| (slot(row), value, error)));
                ((*name).to_owned(), points.collect())
            })
            .collect(),
        groups => groups
            .iter()
            .map(|name| {
                let own = rows.iter().filter(|row| group(row) == *name);
                let points = own.filter_map(|row| {
                    let (value, error) = cell(row, "shapley").or_else(|| cell(row, "left_out"))?;
                    Some((slot(row), value, error))
                });
                (name.clone(), points.collect())
            })
            .collect(),
    };
    let series: Vec<Series> = series.into_iter().filter(|(_, points)| !points.is_empty()).collect();
    if series.is_empty() {
        return Err(ReportError::NoRows);
    }
    let ends =
        series.iter().flat_map(|(_, points)| points).flat_map(|(_, value, error)| [value - error, value + error]);
    let (low, high) = extremes(ends.chain([0.0]));
    let title = table.metadata("quantity").unwrap_or("cost");
    let y = Axis::amounts(low, high, &format!("{title}{}", if is_percent { " (percentage points)" } else { "" }));
    let stroke = |index: usize| Stroke { colour: SERIES[index % SERIES.len()], width: 1.6, dashes: None };
    let legend = series.iter().enumerate().map(|(index, (name, _))| Entry {
        line: Some(stroke(index)),
        marker: Some(Marker::for_series(index)),
        text: name.clone(),
        ..Entry::default()
    });
    let names: Vec<String> = names.iter().map(|name| quantity(name).name.replace('_', " ")).collect();
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Error budget").to_owned(),
        legend: legend.collect(),
        x: Axis::categories(&names, ""),
        y,
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    let middle = (series.len() - 1) as f64 / 2.0;
    let step = STEP.min(SLOT / series.len() as f64);
    let unit = if is_percent { " percentage points" } else { "" };
    chart::draw(style, frame, |chart| {
        if groups.len() == 1 {
            // The bars lie beneath the marks.
            for (slot, value, _) in &series[0].1 {
                let (from, to) = (*slot as f64 - HALF_BAR, *slot as f64 + HALF_BAR);
                let corners = [(from, 0.0), (to, 0.0), (to, *value), (from, *value)].map(|corner| chart.place(corner));
                chart.page.polygon(&corners, stroke(0).colour, BAND_OPACITY)?;
            }
        }
        for (index, (name, points)) in series.iter().enumerate() {
            let place = |slot: usize| slot as f64 + step * (index as f64 - middle);
            for (slot, value, error) in points {
                chart.error_bar(place(*slot), [value - error, *value, value + error], stroke(index))?;
            }
            let marks = points.iter().map(|(slot, value, _)| (place(*slot), *value));
            chart.markers(marks, Marker::for_series(index), stroke(index).colour)?;
            for (slot, value, error) in points {
                chart.value((place(*slot), *value), || {
                    let rounded = |number: f64| match is_percent {
                        true => (100.0 * number).round() / 100.0,
                        false => format!("{number:.2e}").parse().unwrap_or(number),
                    };
                    let [value, error] = [value, error].map(|number| decimal(rounded(*number)));
                    format!("{}, {name}: {value} ± {error}{unit}", names[*slot])
                });
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_budget_has_three_series_and_several_have_one_each() {
        let text = "quantity,source,alone,alone_se,left_out,left_out_se,shapley,shapley_se\n\
            loss,phase_error,0.1,0.01,0.2,0.01,0.15,0.01\nloss,splitter_error,0.01,0.01,0.02,0.01,0.015,0.01\nloss,all,0.3,0.01,,,,\n";
        let svg = draw(&Table::parse(text).unwrap(), &FigureStyle::default()).unwrap();
        assert!(
            svg.contains("phase error") && svg.contains("this one alone") && svg.contains("percentage points"),
            "{svg}"
        );
        let two = "correction,quantity,source,alone,alone_se,left_out,left_out_se,shapley,shapley_se\n\
            none,loss,phase_error,0.1,0.01,0.2,0.01,,\nlocal,loss,phase_error,0.01,0.01,0.02,0.01,,\n";
        let svg = draw(&Table::parse(two).unwrap(), &FigureStyle::default()).unwrap();
        assert!(svg.contains("none") && svg.contains("local") && !svg.contains("this one alone"), "{svg}");
        let none = Table::parse("quantity,source,alone,alone_se\nloss,all,0.3,0.01\n").unwrap();
        assert!(matches!(draw(&none, &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
