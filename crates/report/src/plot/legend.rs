//! The legend of a figure: rows between title and plot, where they cover no data.

use crate::error::ReportError;
use crate::plot::font;
use crate::plot::marker::Marker;
use crate::plot::page::{Anchor, Page, Point, Stroke};
use crate::plot::palette::{BAND_OPACITY, INK, TICK};

const SWATCH: f64 = 26.0;
const GAP: f64 = 7.0;
const BETWEEN: f64 = 20.0;
const ROW: f64 = 20.0;

/// Words, after a line with its marker and its band. An entry without line introduces the entries that follow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub line: Option<Stroke>,
    pub marker: Option<Marker>,
    pub band: bool,
    pub text: String,
    /// Whether the entry begins a row, unless one row holds all.
    pub breaks: bool,
    /// Further lines of the words, which [`Legend::new`] makes.
    pub more: Vec<String>,
}

/// Entries, broken into lines of the width, with their places: x from the left end, row.
pub(crate) struct Legend {
    placed: Vec<(f64, usize, Entry)>,
    rows: usize,
}

impl Legend {
    /// Sets the entries in rows of at most this width.
    pub(crate) fn new(mut entries: Vec<Entry>, width: f64) -> Self {
        for entry in &mut entries {
            let mut lines = font::wrap(&entry.text, TICK, width - indent(entry)).into_iter();
            entry.text = font::fit(&lines.next().unwrap_or_default(), TICK, width - indent(entry));
            entry.more = lines.map(|line| font::fit(&line, TICK, width - indent(entry))).collect();
        }
        let extent = |entry: &Entry| indent(entry) + font::width(&entry.text, TICK) + BETWEEN;
        let total: f64 = entries.iter().map(extent).sum();
        let one_row = total - BETWEEN <= width;
        let mut legend = Self { placed: Vec::new(), rows: 0 };
        let mut x = f64::INFINITY;
        for entry in entries {
            let taken = extent(&entry);
            if x + taken - BETWEEN > width || entry.breaks && !one_row {
                legend.rows += 1;
                x = 0.0;
            }
            let (at, more) = (x + indent(&entry), entry.more.clone());
            legend.placed.push((x, legend.rows - 1, entry));
            x += taken;
            for text in more {
                legend.rows += 1;
                x = f64::INFINITY;
                legend.placed.push((at, legend.rows - 1, Entry { text, ..Entry::default() }));
            }
        }
        legend
    }

    pub(crate) fn height(&self) -> f64 {
        ROW * self.rows as f64
    }

    /// Draws the legend with its upper left corner at the point.
    pub(crate) fn draw(&self, page: &Page, (left, top): Point) -> Result<(), ReportError> {
        for (x, row, entry) in &self.placed {
            let (x, y) = (left + x, top + ROW * (*row as f64 + 0.5));
            if let Some(stroke) = entry.line {
                if entry.band {
                    let corners = [(x, y - 7.0), (x + SWATCH, y - 7.0), (x + SWATCH, y + 7.0), (x, y + 7.0)];
                    page.polygon(&corners, stroke.colour, BAND_OPACITY)?;
                }
                if stroke.width > 0.0 {
                    page.line(&[(x, y), (x + SWATCH, y)], stroke)?;
                }
                if let Some(marker) = entry.marker {
                    page.marker((x + SWATCH / 2.0, y), marker, stroke.colour)?;
                }
            }
            page.text(&entry.text, (x + indent(entry), y + 0.36 * TICK), Anchor::Left, TICK, INK)?;
        }
        Ok(())
    }
}

/// Width of the line before the words and the gap after it.
fn indent(entry: &Entry) -> f64 {
    if entry.line.is_none() { 0.0 } else { SWATCH + GAP }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, breaks: bool) -> Entry {
        Entry { text: text.to_owned(), breaks, ..Entry::default() }
    }

    #[test]
    fn entries_wrap_and_break_and_never_leave_the_width() {
        let long = "unbreakable".repeat(10);
        let entries = vec![
            words("first", false),
            words("second", false),
            words(&"long ".repeat(9), false),
            words(&long, false),
            words("last", true),
        ];
        let legend = Legend::new(entries, 200.0);
        assert_eq!(legend.placed.iter().map(|(_, row, ..)| *row).collect::<Vec<_>>(), [0, 0, 1, 2, 3, 4]);
        assert!(legend.placed.iter().all(|(x, _, entry)| x + font::width(&entry.text, TICK) <= 200.0));
        assert!(legend.placed[4].2.text.ends_with('…') && legend.height() > 4.9 * ROW);
    }

    #[test]
    fn few_entries_share_a_row_and_none_take_no_room() {
        assert_eq!(Legend::new(vec![words("first", false), words("second", true)], 200.0).rows, 1);
        assert!(Legend::new(Vec::new(), 200.0).height().abs() < 1e-12);
    }
}
