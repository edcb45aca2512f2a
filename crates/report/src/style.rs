//! What the user chooses about a figure: its width, and whether it has title and footer.

use std::fmt;
use std::str::FromStr;

/// Pixels of CSS per millimetre: 96 per inch.
const PX_PER_MM: f64 = 96.0 / 25.4;

/// Width of a figure without a choice (px).
const NATURAL_PX: f64 = 800.0;

/// Size of texts in a narrow figure relative to [`NATURAL_PX`]: numbers of an axis have 9 px, or 6.75 pt.
const NARROW_TEXT: f64 = 0.75;

/// The style of a figure. The default is 800 px wide, with title and footer.
///
/// ```
/// use phaseloom_report::FigureStyle;
///
/// let column = FigureStyle { width: Some("86mm".parse()?), title: false, ..FigureStyle::default() };
/// assert_eq!(column.width.unwrap().to_string(), "86mm");
/// # Ok::<(), phaseloom_report::LengthError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureStyle {
    /// Width of the figure; `None`: its natural width.
    pub width: Option<Length>,
    /// Whether the figure has its title.
    pub title: bool,
    /// Whether the figure has its footer, which names version, identity and seed.
    pub footer: bool,
    /// Whether every point has an invisible mark that holds its value as a text, for a page with pointer and keyboard.
    pub values: bool,
}

impl Default for FigureStyle {
    fn default() -> Self {
        Self { width: None, title: true, footer: true, values: false }
    }
}

impl FigureStyle {
    /// Width of the page of a chart in its own units. A unit is a pixel in a figure of natural width. A narrower figure has
    /// fewer units, so that its texts stay readable, and a wider one is scaled.
    pub(crate) fn units(&self) -> f64 {
        self.width.map_or(NATURAL_PX, |width| (width.px() / NARROW_TEXT).round().min(NATURAL_PX))
    }

    /// The attributes `width` and `height` of an SVG of some units, by default pixels.
    pub(crate) fn size(&self, width: f64, height: f64) -> String {
        match self.width {
            None => format!("width=\"{width}\" height=\"{height}\""),
            Some(length) => {
                let height = Length { value: length.value * height / width, unit: length.unit };
                format!("width=\"{length}\" height=\"{height}\"")
            }
        }
    }
}

/// A length from 50 mm to 1000 mm, such as `86mm`, `8.6cm`, `3.4in` or `800px` (96 px are an inch).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    value: f64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Mm,
    Cm,
    In,
    Px,
}

/// Each unit with its name and its length in millimetres.
const UNITS: [(Unit, &str, f64); 4] =
    [(Unit::Mm, "mm", 1.0), (Unit::Cm, "cm", 10.0), (Unit::In, "in", 25.4), (Unit::Px, "px", 1.0 / PX_PER_MM)];

/// The error of a text that is no [`Length`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a length from 50mm to 1000mm, such as 86mm, 3.4in or 800px")]
pub struct LengthError;

impl Length {
    /// The length in millimetres.
    #[must_use]
    pub fn mm(self) -> f64 {
        self.px() / PX_PER_MM
    }

    /// The length in pixels of CSS.
    pub(crate) fn px(self) -> f64 {
        PX_PER_MM * self.value * self.unit_entry().2
    }

    fn unit_entry(self) -> (Unit, &'static str, f64) {
        UNITS.into_iter().find(|(unit, ..)| *unit == self.unit).unwrap_or(UNITS[0])
    }
}

impl FromStr for Length {
    type Err = LengthError;

    fn from_str(text: &str) -> Result<Self, LengthError> {
        let split = |&(unit, name, _): &(Unit, &str, f64)| Some((text.strip_suffix(name)?.trim_end(), unit));
        let (digits, unit) = UNITS.iter().find_map(split).ok_or(LengthError)?;
        let length = Self { value: digits.parse().map_err(|_| LengthError)?, unit };
        if (50.0 - 1e-9..=1000.0 + 1e-9).contains(&length.mm()) { Ok(length) } else { Err(LengthError) }
    }
}

impl fmt::Display for Length {
    /// The number with at most three decimals, and the unit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:.3}", self.value);
        write!(f, "{}{}", digits.trim_end_matches('0').trim_end_matches('.'), self.unit_entry().1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_four_units() {
        for (text, px) in [("86mm", 325.04), ("8.6 cm", 325.04), ("3.4in", 326.4), ("800px", 800.0)] {
            let length: Length = text.parse().unwrap();
            assert!((length.px() - px).abs() < 0.01, "{text}");
            assert_eq!(length.to_string(), text.replace(' ', ""));
        }
        for text in ["", "86", "mm", "49mm", "1001mm", "NaNmm", "infpx", "-86mm", "86 pt"] {
            assert_eq!(text.parse::<Length>(), Err(LengthError), "{text}");
        }
    }

    #[test]
    fn a_narrow_figure_has_fewer_units_and_a_wide_one_is_scaled() {
        let style = |width: &str| FigureStyle { width: width.parse().ok(), ..FigureStyle::default() };
        assert!((FigureStyle::default().units() - 800.0).abs() < 1e-12);
        assert!((style("86mm").units() - 433.0).abs() < 1e-12);
        assert!((style("300mm").units() - 800.0).abs() < 1e-12);
        assert_eq!(FigureStyle::default().size(800.0, 400.0), "width=\"800\" height=\"400\"");
        assert_eq!(style("86mm").size(433.0, 300.0), "width=\"86mm\" height=\"59.584mm\"");
    }
}
