//! Names of lines at their right ends, in the place of entries of a legend.

use crate::error::ReportError;
use crate::plot::font;
use crate::plot::marker::Marker;
use crate::plot::page::{Anchor, Chart};
use crate::plot::palette::{Colour, INK, TICK};

/// More lines, or names wider than this share of the page, need a legend.
const MAX_LINES: usize = 8;
const MAX_SHARE: f64 = 0.2;
/// Distance of two names.
const SPACING: f64 = 1.25 * TICK;
/// Distances of marker and name from the plot.
const MARKER_AT: f64 = 12.0;
const NAME_AT: f64 = 20.0;

/// The name of a line, with the y value at which the line ends.
#[derive(Debug, Clone)]
pub(crate) struct EndLabel {
    pub name: String,
    pub marker: Marker,
    pub colour: Colour,
    pub y: f64,
}

/// Room that the names need right of the plot; `None` if a legend suits them better.
pub(crate) fn room(labels: &[EndLabel], page_width: f64) -> Option<f64> {
    let widest = labels.iter().map(|label| font::width(&label.name, TICK)).fold(0.0, f64::max);
    let fits = (2..=MAX_LINES).contains(&labels.len()) && widest <= MAX_SHARE * page_width;
    fits.then_some(NAME_AT + widest)
}

/// Draws the names, each at the height of its line or as close as the others allow.
pub(crate) fn draw(chart: &Chart, labels: &[EndLabel]) -> Result<(), ReportError> {
    let (right, top) = chart.place((f64::INFINITY, f64::INFINITY));
    let bottom = chart.place((f64::INFINITY, f64::NEG_INFINITY)).1;
    let mut placed: Vec<(f64, &EndLabel)> =
        labels.iter().map(|label| (chart.place((f64::INFINITY, label.y)).1.clamp(top, bottom), label)).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut heights: Vec<f64> = placed.iter().map(|(y, _)| *y).collect();
    spread(&mut heights, bottom);
    for (y, (_, label)) in heights.into_iter().zip(placed) {
        chart.page.marker((right + MARKER_AT, y), label.marker, label.colour)?;
        chart.page.text(&label.name, (right + NAME_AT, y + 0.36 * TICK), Anchor::Left, TICK, INK)?;
    }
    Ok(())
}

/// Moves sorted heights apart: down from the first one, then up from the lowest one allowed.
fn spread(heights: &mut [f64], bottom: f64) {
    for i in 1..heights.len() {
        heights[i] = heights[i].max(heights[i - 1] + SPACING);
    }
    let mut limit = bottom;
    for height in heights.iter_mut().rev() {
        *height = height.min(limit);
        limit = *height - SPACING;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_apart_and_inside() {
        let mut heights = [10.0, 10.0, 12.0, 198.0, 200.0];
        spread(&mut heights, 200.0);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= SPACING - 1e-9) && heights[4] <= 200.0);
        assert!((heights[0] - 10.0).abs() < 1e-9 && (heights[3] - (200.0 - SPACING)).abs() < 1e-9);
    }

    #[test]
    fn long_names_and_many_lines_need_a_legend() {
        let label = |name: &str| EndLabel { name: name.to_owned(), marker: Marker::Circle, colour: INK, y: 0.0 };
        let short = vec![label("4 bits"), label("8 bits")];
        assert!(room(&short, 800.0).is_some_and(|room| room < 80.0) && room(&short[..1], 800.0).is_none());
        assert!(room(&[label("4 bits"), label(&"long name ".repeat(4))], 800.0).is_none());
        assert!(room(&vec![label("k"); 9], 800.0).is_none());
    }
}
