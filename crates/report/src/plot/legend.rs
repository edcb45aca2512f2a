//! The legend of a figure: rows between title and plot, where they cover no data.

use crate::error::ReportError;
use crate::plot::font;
use crate::plot::page::{Anchor, Marker, Page, Point, Stroke};
use crate::plot::palette::{BAND_OPACITY, INK, TICK};

const SWATCH: f64 = 26.0;
const GAP: f64 = 7.0;
const BETWEEN: f64 = 20.0;
const ROW: f64 = 20.0;

/// The sample before the words of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Swatch {
    /// Words alone, which introduce the entries that follow.
    None,
    /// A line with markers, on its band if it has one.
    Series { stroke: Stroke, marker: Marker, band: bool },
    /// A line without markers.
    Line(Stroke),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub swatch: Swatch,
    pub text: String,
    /// Whether the entry begins a row, unless one row holds all.
    pub breaks: bool,
}

/// Entries with their places: x from the left end, row, swatch, words shortened to the width.
pub(crate) struct Legend {
    placed: Vec<(f64, usize, Swatch, String)>,
    rows: usize,
}

impl Legend {
    /// Sets the entries in rows of at most this width.
    pub(crate) fn new(entries: Vec<Entry>, width: f64) -> Self {
        let fit = |entry: &Entry| font::fit(&entry.text, TICK, width - indent(entry.swatch));
        let extent = |swatch, text: &str| indent(swatch) + font::width(text, TICK) + BETWEEN;
        let total: f64 = entries.iter().map(|entry| extent(entry.swatch, &fit(entry))).sum();
        let one_row = total - BETWEEN <= width;
        let mut legend = Self { placed: Vec::new(), rows: 0 };
        let mut x = f64::INFINITY;
        for entry in entries {
            let text = fit(&entry);
            let taken = extent(entry.swatch, &text);
            if x + taken - BETWEEN > width || entry.breaks && !one_row {
                legend.rows += 1;
                x = 0.0;
            }
            legend.placed.push((x, legend.rows - 1, entry.swatch, text));
            x += taken;
        }
        legend
    }

    pub(crate) fn height(&self) -> f64 {
        ROW * self.rows as f64
    }

    /// Draws the legend with its upper left corner at the point.
    pub(crate) fn draw(&self, page: &Page, (left, top): Point) -> Result<(), ReportError> {
        for (x, row, swatch, text) in &self.placed {
            let (x, y) = (left + x, top + ROW * (*row as f64 + 0.5));
            let ends = [(x, y), (x + SWATCH, y)];
            match *swatch {
                Swatch::None => {}
                Swatch::Line(stroke) => page.line(&ends, stroke)?,
                Swatch::Series { stroke, marker, band } => {
                    if band {
                        let corners = [(x, y - 7.0), (x + SWATCH, y - 7.0), (x + SWATCH, y + 7.0), (x, y + 7.0)];
                        page.polygon(&corners, stroke.colour, BAND_OPACITY)?;
                    }
                    page.line(&ends, stroke)?;
                    page.marker((x + SWATCH / 2.0, y), marker, stroke.colour)?;
                }
            }
            page.text(text, (x + indent(*swatch), y + 0.36 * TICK), Anchor::Start, TICK, INK)?;
        }
        Ok(())
    }
}

/// Width of a swatch and the gap after it.
fn indent(swatch: Swatch) -> f64 {
    if matches!(swatch, Swatch::None) { 0.0 } else { SWATCH + GAP }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, breaks: bool) -> Entry {
        Entry { swatch: Swatch::None, text: text.to_owned(), breaks }
    }

    #[test]
    fn entries_wrap_and_break_and_never_leave_the_width() {
        let entries =
            vec![words("first", false), words("second", false), words(&"long ".repeat(40), false), words("last", true)];
        let legend = Legend::new(entries, 200.0);
        assert_eq!(legend.placed.iter().map(|(_, row, ..)| *row).collect::<Vec<_>>(), [0, 0, 1, 2]);
        assert!(legend.placed.iter().all(|(x, _, _, text)| x + font::width(text, TICK) <= 200.0));
        assert!(legend.placed[2].3.ends_with('…'));
    }

    #[test]
    fn few_entries_share_a_row() {
        let legend = Legend::new(vec![words("first", false), words("second", true)], 200.0);
        assert_eq!(legend.rows, 1);
    }

    #[test]
    fn no_entries_take_no_room() {
        assert!(Legend::new(Vec::new(), 200.0).height().abs() < 1e-12);
    }
}
