//! The strokes of each part, in distances between neighbouring guides.

use super::sheet::Sheet;
use super::{Part, Shifter, colour};
use crate::label::decimal;
use crate::palette::{Colour, INK};
use std::f64::consts::TAU;

/// A straight column, and one of interferometers.
const STRAIGHT: f64 = 1.0;
const INTERFEROMETER: f64 = 2.9;

/// Length and height of a shifter.
const SHIFTER: (f64, f64) = (0.62, 0.32);
/// Middle of φ and of θ.
const PHI: f64 = 0.45;
const THETA: f64 = 1.80;

/// Middle of each splitter, its length, and the length of the bends on both sides of it.
const SPLITTERS: [f64; 2] = [1.16, 2.44];
const COUPLER: f64 = 0.14;
const BEND: f64 = 0.26;
/// Distance of the guides in a splitter, and of the arms between them as a share of that of the guides outside.
const CLOSE: f64 = 0.12;
const ARMS: f64 = 0.74;
const SPLITTER_COLOUR: Colour = (226, 232, 240);

/// Side of the absorber at the end of a guide, and height of the bar at its beginning.
const ABSORBER: f64 = 0.16;

impl Part {
    pub(super) fn width(&self) -> f64 {
        match self {
            Self::Interferometer { .. } => INTERFEROMETER,
            _ => STRAIGHT,
        }
    }

    /// Height of its lowest guide.
    pub(super) fn lowest(&self) -> f64 {
        match self {
            Self::Guide { at, .. } | Self::Begin { at, .. } | Self::End { at, .. } | Self::Shifter { at, .. } => *at,
            Self::Interferometer { at, .. } => at[1],
        }
    }

    pub(super) fn shows_light(&self) -> bool {
        match self {
            Self::Guide { power, .. }
            | Self::Begin { power, .. }
            | Self::End { power, .. }
            | Self::Shifter { power, .. } => power.is_some(),
            Self::Interferometer { powers, .. } => powers.is_some(),
        }
    }

    /// Draws the part in a column that begins at `x` (px).
    pub(super) fn draw(&self, sheet: &mut Sheet, x: f64) {
        let (pitch, middle, end) = (sheet.pitch, x + sheet.pitch * STRAIGHT / 2.0, x + sheet.pitch * STRAIGHT);
        match self {
            Self::Guide { at, power } => sheet.guide(&straight(x, end, sheet.y(*at)), *power),
            Self::Begin { at, power } => {
                let y = sheet.y(*at);
                sheet.guide(&straight(middle, end, y), *power);
                sheet.rectangle("begin", (middle, y), (0.02 * pitch, ABSORBER * pitch), INK, Some("dark input"));
            }
            Self::End { at, power } => {
                let y = sheet.y(*at);
                sheet.guide(&straight(x, middle, y), *power);
                sheet.rectangle("end", (middle, y), (ABSORBER * pitch, ABSORBER * pitch), INK, Some("absorber"));
            }
            Self::Shifter { at, shifter, power } => {
                let y = sheet.y(*at);
                sheet.guide(&straight(x, end, y), *power);
                shifter.draw(sheet, (middle, y));
            }
            Self::Interferometer { at, phi, theta, powers } => {
                let outside = at.map(|at| sheet.y(at));
                let middle = (outside[0] + outside[1]) / 2.0;
                let inside = outside.map(|y| middle + ARMS * (y - middle));
                for splitter in SPLITTERS {
                    let size = ((COUPLER + 0.1) * pitch, (CLOSE + 0.16) * pitch);
                    sheet.rectangle("splitter", (x + splitter * pitch, middle), size, SPLITTER_COLOUR, None);
                }
                for line in 0..2 {
                    let close = middle + (line as f64 - 0.5) * CLOSE * pitch;
                    let power = |stage: usize| powers.map(|powers| powers[stage][line]);
                    let place = |at: f64| x + at * pitch;
                    let [first, second] = SPLITTERS;
                    let half = COUPLER / 2.0;
                    let before = format!(
                        "M{x:.2} {:.2}H{:.2}{}H{:.2}",
                        outside[line],
                        place(first - half - BEND),
                        bend(place(first - half - BEND), place(first - half), outside[line], close),
                        place(first),
                    );
                    let between = format!(
                        "M{:.2} {close:.2}H{:.2}{}H{:.2}{}H{:.2}",
                        place(first),
                        place(first + half),
                        bend(place(first + half), place(first + half + BEND), close, inside[line]),
                        place(second - half - BEND),
                        bend(place(second - half - BEND), place(second - half), inside[line], close),
                        place(second),
                    );
                    let behind = format!(
                        "M{:.2} {close:.2}H{:.2}{}H{:.2}",
                        place(second),
                        place(second + half),
                        bend(place(second + half), place(second + half + BEND), close, outside[line]),
                        place(INTERFEROMETER),
                    );
                    for (stage, path) in [before, between, behind].iter().enumerate() {
                        sheet.guide(path, power(stage));
                    }
                }
                phi.draw(sheet, (x + PHI * pitch, outside[0]));
                theta.draw(sheet, (x + THETA * pitch, inside[0]));
            }
        }
    }
}

impl Shifter {
    fn draw(&self, sheet: &mut Sheet, middle: (f64, f64)) {
        let size = (SHIFTER.0 * sheet.pitch, SHIFTER.1 * sheet.pitch);
        let title = format!("{}: {} rad", self.name, decimal(self.phase));
        sheet.rectangle("shifter", middle, size, colour::of_phase(self.phase), Some(&title));
        if sheet.prints_phases() {
            // Within a turn, and 0 where rounding would print a whole one.
            let wrapped = self.phase.rem_euclid(TAU);
            let printed = format!("{:.2}", if TAU - wrapped < 0.005 { 0.0 } else { wrapped });
            let height = 0.21 * sheet.pitch;
            sheet.text(&printed, (middle.0, middle.1 + 0.36 * height), "middle", height, INK);
        }
    }
}

fn straight(from: f64, to: f64, y: f64) -> String {
    format!("M{from:.2} {y:.2}H{to:.2}")
}

/// From where the path is, at (`from`, `y`), to (`to`, `end`); level at both.
fn bend(from: f64, to: f64, y: f64, end: f64) -> String {
    let middle = (from + to) / 2.0;
    format!("C{middle:.2} {y:.2} {middle:.2} {end:.2} {to:.2} {end:.2}")
}
