//! The bundled font: widths of texts, and line breaks.
//!
//! Widths are sums of advances. Kerning of DejaVu Sans would change a line by less than 1 %.

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// DejaVu Sans 2.37, with the characters of figures only; see `fonts/README.md`.
pub(crate) const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans-subset.ttf");

/// The family named in the SVG. Verdana has nearly the same widths.
pub(crate) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Advance of a character that the font lacks, in ems.
const UNKNOWN_ADVANCE: f64 = 0.6;

/// Width of a text, in the unit of `size`.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let Ok(font) = FontRef::new(FONT) else {
        return UNKNOWN_ADVANCE * size * text.chars().count() as f64;
    };
    let (characters, metrics) = (font.charmap(), font.glyph_metrics(Size::new(1.0), LocationRef::default()));
    let advance =
        |c| characters.map(c).and_then(|glyph| metrics.advance_width(glyph)).map_or(UNKNOWN_ADVANCE, f64::from);
    size * text.chars().map(advance).sum::<f64>()
}

/// The text, or its beginning with an ellipsis if it is wider than `limit`.
pub(crate) fn fit(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while kept.pop().is_some() {
        let shortened = format!("{}…", kept.trim_end());
        if width(&shortened, size) <= limit {
            return shortened;
        }
    }
    "…".to_owned()
}

/// Breaks a text between words into lines no wider than `limit`, except where a single word is wider.
pub(crate) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Like [`wrap`], with lines as even as possible for the same number of lines.
pub(crate) fn wrap_evenly(text: &str, size: f64, limit: f64) -> Vec<String> {
    let lines = wrap(text, size, limit);
    let tighter = (1..40).map(|step| wrap(text, size, limit * (1.0 - 0.025 * f64::from(step))));
    tighter.take_while(|tried| tried.len() == lines.len()).last().unwrap_or(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_our_own_labels_is_in_the_font() {
        let font = FontRef::new(FONT).unwrap();
        let needed = ('!'..='~').chain("σθφηµΩ ⁰¹²³⁴⁵⁶⁷⁸⁹⁻−–·×…±≤≥√".chars());
        for character in needed.filter(|c| *c != ' ') {
            assert!(font.charmap().map(character).is_some(), "{character}");
        }
    }

    #[test]
    fn widths_add_up() {
        assert!((width("0", 10.0) - 6.36).abs() < 0.01); // DejaVu's digits advance 1303/2048 em
        assert!((width("ab", 10.0) - width("a", 10.0) - width("b", 10.0)).abs() < 1e-6);
    }

    #[test]
    fn breaks_and_shortens() {
        assert_eq!(wrap("one two three", 10.0, 50.0), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 10.0, 5.0), ["unbreakable"]);
        assert_eq!(wrap_evenly("a bb cc d", 10.0, 40.0), ["a bb", "cc d"]);
        assert_eq!(fit("short", 10.0, 100.0), "short");
        let cut = fit("a very long text", 10.0, 50.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 50.0, "{cut}");
    }
}
