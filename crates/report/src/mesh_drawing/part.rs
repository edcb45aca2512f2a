//! The strokes of each part. Lengths are in distances between neighbouring waveguides.

use super::route::Route;
use super::sheet::Sheet;
use super::{Part, Shifter, colour};
use crate::plot::label::decimal;
use crate::plot::palette::{INK, SPLITTER, WHITE};
use std::f64::consts::TAU;

/// Width of a straight column, and of a column of interferometers.
const STRAIGHT: f64 = 0.9;
pub(super) const INTERFEROMETER: f64 = 2.76;

/// Length and height of a phase shifter.
const SHIFTER: (f64, f64) = (0.76, 0.42);
/// Height of the digits on it.
const DIGITS: f64 = 0.3;
/// Centres of φ and of θ.
const PHI: f64 = 0.43;
const THETA: f64 = 1.78;

/// Centre of each splitter, its length, and the length of the bends on both sides of it.
const SPLITTERS: [f64; 2] = [1.10, 2.46];
const COUPLER: f64 = 0.14;
const BEND: f64 = 0.22;
/// Distance of the waveguides in a splitter, and distance of the arms between splitters relative to that outside.
const CLOSE: f64 = 0.12;
const ARMS: f64 = 0.74;
/// The box of a splitter is larger than its waveguides by this length.
const RIM: f64 = 0.2;

/// Side of the absorber at the end of a waveguide, and height of the bar at its beginning.
const ABSORBER: f64 = 0.16;

impl Part {
    pub(super) fn width(&self) -> f64 {
        match self {
            Self::Interferometer { .. } => INTERFEROMETER,
            // A waveguide that crosses more others needs a longer column.
            Self::Bend { at: [from, to], .. } => STRAIGHT + 0.3 * (to - from).abs(),
            _ => STRAIGHT,
        }
    }

    /// Height of its lowest waveguide.
    pub(super) fn lowest(&self) -> f64 {
        match self {
            Self::Waveguide { at, .. } | Self::Begin { at } | Self::End { at, .. } | Self::Shifter { at, .. } => *at,
            Self::Bend { at, .. } => at[0].max(at[1]),
            Self::Splitter { at, .. } | Self::Interferometer { at, .. } => at[1],
        }
    }

    /// Draws the part in a column between two positions (px).
    pub(super) fn draw(&self, sheet: &mut Sheet, (x, end): (f64, f64)) {
        let (pitch, middle) = (sheet.pitch, (x + end) / 2.0);
        match self {
            Self::Waveguide { at, power } => sheet.waveguide(&Route::from(x, sheet.y(*at)).to(end), *power),
            Self::Bend { at, power } => {
                let [from, to] = at.map(|at| sheet.y(at));
                sheet.waveguide(&Route::from(x, from).bend(x, end, to).to(end), *power);
            }
            Self::Splitter { at, powers } => {
                splitters(sheet, "splitter", (x, end), &[middle], at.map(|at| sheet.y(at)), powers);
            }
            Self::Begin { at } => {
                let (y, size) = (sheet.y(*at), (0.02 * pitch, ABSORBER * pitch));
                sheet.waveguide(&Route::from(middle, y).to(end), 0.0);
                sheet.rectangle("begin", (middle, y), size, INK, Some("input without light"));
            }
            Self::End { at, power } => {
                let y = sheet.y(*at);
                sheet.waveguide(&Route::from(x, y).to(middle), *power);
                sheet.rectangle("end", (middle, y), (ABSORBER * pitch, ABSORBER * pitch), INK, Some("absorber"));
            }
            Self::Shifter { at, shifter, power } => {
                let y = sheet.y(*at);
                sheet.waveguide(&Route::from(x, y).to(end), *power);
                shifter.draw(sheet, (middle, y));
            }
            Self::Interferometer { at, phi, theta, symmetric, powers } => {
                let outside = at.map(|at| sheet.y(at));
                let inside = between(outside);
                let place = |along: f64| x + along * pitch;
                splitters(sheet, "splitter", (x, end), &SPLITTERS.map(place), outside, powers);
                let phi_at = if *symmetric { (place(THETA), inside[1]) } else { (place(PHI), outside[0]) };
                phi.draw(sheet, phi_at);
                theta.draw(sheet, (place(THETA), inside[0]));
            }
        }
    }
}

/// Heights of the arms between splitters (px), from those outside.
fn between(outside: [f64; 2]) -> [f64; 2] {
    let middle = (outside[0] + outside[1]) / 2.0;
    outside.map(|y| middle + ARMS * (y - middle))
}

/// Splitters at some positions along a column (px), with the waveguides before, between and after them.
fn splitters(
    sheet: &mut Sheet,
    class: &str,
    (x, end): (f64, f64),
    positions: &[f64],
    outside: [f64; 2],
    powers: &[[f64; 2]],
) {
    let (pitch, middle, inside) = (sheet.pitch, (outside[0] + outside[1]) / 2.0, between(outside));
    let size = ((COUPLER + RIM) * pitch, (CLOSE + RIM) * pitch);
    for position in positions {
        sheet.rectangle(class, (*position, middle), size, SPLITTER, None);
    }
    let (half, far) = (COUPLER / 2.0 * pitch, (COUPLER / 2.0 + BEND) * pitch);
    for mode in 0..2 {
        let close = middle + (mode as f64 - 0.5) * CLOSE * pitch;
        for (stage, powers) in powers.iter().enumerate() {
            let level = if stage == 0 || stage == positions.len() { outside[mode] } else { inside[mode] };
            let begin = match stage {
                0 => Route::from(x, level),
                _ => {
                    let before = positions[stage - 1];
                    Route::from(before, close).bend(before + half, before + far, level)
                }
            };
            let path = match positions.get(stage) {
                Some(after) => begin.bend(after - far, after - half, close).to(*after),
                None => begin.to(end),
            };
            sheet.waveguide(&path, powers[mode]);
        }
    }
}

impl Shifter {
    fn draw(&self, sheet: &mut Sheet, middle: (f64, f64)) {
        let size = (SHIFTER.0 * sheet.pitch, SHIFTER.1 * sheet.pitch);
        let title = format!("{}: {} rad", self.name, decimal(self.phase));
        sheet.rectangle("shifter", middle, size, colour::phase_colour(self.phase), Some(&title));
        if sheet.prints_phases() {
            // Modulo 2π, and 0 if rounding would print 2π.
            let wrapped = self.phase.rem_euclid(TAU);
            let printed = format!("{:.2}", if TAU - wrapped < 0.005 { 0.0 } else { wrapped });
            sheet.text_on_colour(&printed, middle, DIGITS * sheet.pitch, colour::text_colour(self.phase));
        }
    }

    /// The letter of the shifter, at the end of its name.
    fn letter(&self) -> &str {
        self.name.rsplit(' ').next().unwrap_or_default()
    }
}

impl Part {
    /// What the letters of an interferometer mean.
    pub(super) fn key_title(&self) -> String {
        match self {
            Self::Interferometer { phi, theta, symmetric: true, .. } => {
                format!("internal phases {}, {}", theta.letter(), phi.letter())
            }
            Self::Interferometer { phi, theta, .. } => {
                format!("{} external, {} internal phase", phi.letter(), theta.letter())
            }
            _ => String::new(),
        }
    }

    /// Draws an interferometer without phases, with the letters of its shifters, around a level: the key of a drawing.
    pub(super) fn draw_key(&self, sheet: &mut Sheet, x: f64, y: f64) {
        let Self::Interferometer { phi, theta, symmetric, .. } = self else { return };
        let (pitch, outside) = (sheet.pitch, [y - 0.5 * sheet.pitch, y + 0.5 * sheet.pitch]);
        let place = |along: f64| x + along * pitch;
        splitters(sheet, "key", (x, x + INTERFEROMETER * pitch), &SPLITTERS.map(place), outside, &[[1.0; 2]; 3]);
        let inside = between(outside);
        let phi_at = if *symmetric { (place(THETA), inside[1]) } else { (place(PHI), outside[0]) };
        for (shifter, at) in [(phi, phi_at), (theta, (place(THETA), inside[0]))] {
            sheet.rectangle("key", at, (SHIFTER.0 * pitch, SHIFTER.1 * pitch), WHITE, None);
            sheet.text(shifter.letter(), (at.0, at.1 + 0.36 * DIGITS * pitch), "middle", DIGITS * pitch, INK);
        }
    }
}
