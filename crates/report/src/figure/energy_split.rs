//! The energy of one inference part by part: light next to electronics.
//!
//! ```text
//! columns  side, part, joule          one row per side and part; parts below 1 % of the largest side are "other"
//! y        energy of one inference    one stacked bar per side
//! ```

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::chart::{self, Frame};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::{Colour, FAINT_INK, SERIES};
use crate::style::FigureStyle;
use crate::table::Table;

/// Half the width of a bar.
const HALF: f64 = 0.3;
/// Parts below this share of the largest side are not named.
const MIN_SHARE: f64 = 0.01;
const OTHER: &str = "other";

/// The figure of energies.
pub(crate) const ENERGY_SPLIT: Figure =
    Figure { key: "energy-split", description: "energy of one inference by part, light next to electronics", draw };

/// A side: its name and the energy of each named part (J), in the order of the parts.
type Side = (String, Vec<f64>);

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let (parts, sides) = sides(table)?;
    let total = |side: &Side| side.1.iter().sum::<f64>();
    let largest = sides.iter().map(total).fold(0.0, f64::max);
    let (factor, unit) = quantity("energy_j").scaled(largest);
    let y = Axis::amounts(0.0, largest / factor, &format!("energy of one inference ({unit})"));
    let names: Vec<String> = sides.iter().map(|side| side.0.clone()).collect();
    let colour =
        |index: usize| -> Colour { if parts[index] == OTHER { FAINT_INK } else { SERIES[index % SERIES.len()] } };
    let entry = |(index, part): (usize, &String)| Entry {
        line: Some(Stroke { colour: colour(index), width: 0.0, dashes: None }),
        marker: Some(Marker::Square),
        text: part.clone(),
        ..Entry::default()
    };
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Energy of one inference").to_owned(),
        legend: parts.iter().enumerate().map(entry).collect(),
        x: Axis::categories(&names, ""),
        y,
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        for (slot, (_, joules)) in sides.iter().enumerate() {
            let (mut low, x) = (0.0, slot as f64);
            for (index, joule) in joules.iter().enumerate().filter(|(_, joule)| **joule > 0.0) {
                let high = low + joule / factor;
                let corners = [(x - HALF, low), (x + HALF, low), (x + HALF, high), (x - HALF, high)];
                let corners = corners.map(|corner| chart.place(corner));
                chart.page.polygon(&corners, colour(index), 1.0)?;
                chart.value((x, (low + high) / 2.0), || {
                    let energy = quantity("energy_j").value(&format!("{joule:.3e}"));
                    format!("{}, {}: {energy}", names[slot], parts[index])
                });
                low = high;
            }
        }
        Ok(())
    })
}

/// The named parts, largest first, and the sides.
fn sides(table: &Table) -> Result<(Vec<String>, Vec<Side>), ReportError> {
    let (side, part) = (table.column("side")?, table.column("part")?);
    let mut rows: Vec<(&str, &str, f64)> = Vec::new();
    for row in table.rows() {
        rows.push((row.text(side), row.text(part), table.number(row, "joule")?));
    }
    let mut names: Vec<&str> = Vec::new();
    rows.iter().for_each(|row| {
        if !names.contains(&row.0) {
            names.push(row.0)
        }
    });
    let total = |name: &str| rows.iter().filter(|row| row.0 == name).map(|row| row.2).sum::<f64>();
    let largest = names.iter().map(|name| total(name)).fold(0.0, f64::max);
    if largest <= 0.0 {
        return Err(ReportError::NoRows);
    }
    let mut parts: Vec<(&str, f64)> = Vec::new();
    for &(_, part, joule) in &rows {
        match parts.iter_mut().find(|(name, _)| *name == part) {
            Some((_, most)) => *most = most.max(joule),
            None => parts.push((part, joule)),
        }
    }
    parts.retain(|(_, most)| *most >= MIN_SHARE * largest);
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    // The last colour is for all others.
    parts.truncate(SERIES.len());
    let named = |part: &str| parts.iter().position(|(name, _)| *name == part).unwrap_or(parts.len());
    let sides = names.iter().map(|name| {
        let mut joules = vec![0.0; parts.len() + 1];
        rows.iter().filter(|row| row.0 == *name).for_each(|row| joules[named(row.1)] += row.2);
        ((*name).to_owned(), joules)
    });
    let sides = sides.collect();
    Ok((parts.iter().map(|(name, _)| (*name).to_owned()).chain([OTHER.to_owned()]).collect(), sides))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_parts_are_together_and_sides_keep_their_totals() {
        let text = "side,part,joule\nlight,hold,9e-9\nlight,laser,1e-9\nlight,tiny,1e-12\nsystolic,mac,2e-9\n";
        let table = Table::parse(text).unwrap();
        let (parts, sides) = sides(&table).unwrap();
        assert_eq!(parts, ["hold", "mac", "laser", "other"]);
        assert!((sides[0].1.iter().sum::<f64>() - 10.001e-9).abs() < 1e-18 && (sides[0].1[3] - 1e-12).abs() < 1e-20);
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        for text in ["light", "systolic", "energy of one inference (nJ)", "hold"] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
