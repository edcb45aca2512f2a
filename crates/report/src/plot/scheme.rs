//! Colours in a dark scheme: the style sheet of every SVG.
//!
//! A figure is drawn for a light page, with colours in presentation attributes. The style sheet replaces them where the
//! reader prefers a dark scheme. A renderer without style sheets, such as the one of [`png`](crate::png()), ignores it.

use crate::plot::palette::{Colour, SENSITIVITY, SPLITTER};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Background and ink of a dark page, which replace white and black. Other greys lie between them.
const DARK_PAGE: [u8; 3] = [13, 17, 23];
const DARK_INK: [u8; 3] = [240, 246, 252];
/// The box of a splitter on a dark page, where its waveguides are light.
const DARK_SPLITTER: Colour = (48, 58, 70);

/// Class of a text that keeps its colour in both schemes, because it lies on a coloured area that does.
pub(crate) const FIXED: &str = "fixed";

/// A colour as an attribute of SVG.
pub(crate) fn hex((red, green, blue): Colour) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// What a colour becomes on a dark page. `None`: hues stay, because they contrast with both.
pub(crate) fn dark(colour: Colour) -> Option<Colour> {
    let (red, green, blue) = colour;
    if colour == SPLITTER {
        return Some(DARK_SPLITTER);
    }
    // The most sensitive cells contrast with the page: the darkest on a light one, the lightest on a dark one.
    if let Some(step) = SENSITIVITY.iter().position(|step| *step == colour) {
        return Some(SENSITIVITY[SENSITIVITY.len() - 1 - step]);
    }
    if red != green || green != blue {
        return None;
    }
    let mixed = |channel: usize| {
        let (ink, page) = (f64::from(DARK_INK[channel]), f64::from(DARK_PAGE[channel]));
        (ink + (page - ink) * f64::from(red) / 255.0).round() as u8
    };
    Some((mixed(0), mixed(1), mixed(2)))
}

/// The style sheet for the colours of the attributes `fill` and `stroke` in a drawing.
pub(crate) fn style_sheet(body: &str) -> String {
    format!("<style>\n@media (prefers-color-scheme: dark) {{\n{}}}\n</style>\n", dark_rules(body))
}

/// The rules of a dark page for the colours in a drawing.
pub(crate) fn dark_rules(body: &str) -> String {
    let mut rules = String::new();
    for attribute in ["fill", "stroke"] {
        let begin = format!("{attribute}=\"#");
        let found: BTreeSet<&str> = body.split(&begin).skip(1).filter_map(|rest| rest.get(..6)).collect();
        for digits in found {
            let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2).unwrap_or_default(), 16).ok();
            let (Some(red), Some(green), Some(blue)) = (channel(0), channel(2), channel(4)) else { continue };
            if let Some(colour) = dark((red, green, blue)) {
                let _ = writeln!(rules, "[{attribute}=\"#{digits}\"]:not(.{FIXED}){{{attribute}:{}}}", hex(colour));
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::palette::{BLACK, FAINT_INK, INK, SERIES, WHITE};

    /// Relative luminance of WCAG 2.
    fn luminance((red, green, blue): Colour) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(a: Colour, b: Colour) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        (a / b).max(b / a)
    }

    /// WCAG 2 asks for 4.5 for texts and 3 for graphics.
    #[test]
    fn texts_and_series_contrast_with_a_dark_page() {
        let page = dark(WHITE).unwrap();
        for ink in [BLACK, INK, FAINT_INK] {
            assert!(contrast(dark(ink).unwrap(), page) >= 4.5, "{ink:?}");
        }
        for colour in SERIES {
            assert!(contrast(dark(colour).unwrap_or(colour), page) >= 3.0, "{colour:?}");
        }
    }

    #[test]
    fn the_sheet_names_every_grey_once_and_no_hue() {
        let sheet = style_sheet("<a fill=\"#FFFFFF\"/><b fill=\"#FFFFFF\" stroke=\"#262626\"/><c fill=\"#0072B2\"/>");
        assert_eq!(sheet.matches("[fill=\"#FFFFFF\"]:not(.fixed){fill:#0D1117}").count(), 1);
        assert_eq!(sheet.matches("[stroke=\"#262626\"]").count(), 1);
        assert_eq!(sheet.matches('[').count(), 2, "{sheet}");
    }
}
