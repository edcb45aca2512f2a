//! The legend below a mesh: the scales of phase and of power.

use super::{colour, sheet::Sheet};
use crate::plot::label::decimal;
use crate::plot::palette::{Colour, FAINT_INK, INK, TICK};
use std::f64::consts::TAU;

/// Length and height of a scale, and the gap between the two scales (px).
const LENGTH: f64 = 200.0;
const HEIGHT: f64 = 12.0;
const GAP: f64 = 80.0;
/// Pieces of a scale, too many to be distinguished.
const PIECES: u32 = 80;

/// Draws the scales centred below the mesh.
pub(super) fn draw(sheet: &mut Sheet) {
    let scales = if sheet.shows_light { 2.0 } else { 1.0 };
    let x = (sheet.width - scales * LENGTH - (scales - 1.0) * GAP) / 2.0;
    let y = sheet.height - 38.0;
    let phases = ["0", "π/2", "π", "3π/2", "2π"].map(str::to_owned);
    scale(sheet, (x, y), "phase of a shifter (rad)", &phases, |share| (1.0, colour::phase_colour(TAU * share)));
    if sheet.shows_light {
        let levels = [0, 1, 2, 3].map(|tick| {
            let level = decimal((f64::from(tick) / 3.0 - 1.0) * -colour::FLOOR_DB);
            if tick == 0 { format!("≤ {level}") } else { level }
        });
        let title = "power in a waveguide (dB relative to the input)";
        let stroke = |share| (0.2 + 0.8 * share, colour::strength_colour(share));
        scale(sheet, (x + LENGTH + GAP, y), title, &levels, stroke);
    }
}

/// One scale from its left end: relative height and colour at each share of its length, and labels at equal distances.
fn scale(sheet: &mut Sheet, (x, y): (f64, f64), title: &str, labels: &[String], stroke: impl Fn(f64) -> (f64, Colour)) {
    let piece = LENGTH / f64::from(PIECES);
    for step in 0..PIECES {
        let middle = x + (f64::from(step) + 0.5) * piece;
        let (height, colour) = stroke((f64::from(step) + 0.5) / f64::from(PIECES));
        sheet.stroke((middle - piece / 2.0, middle + piece / 2.0 + 0.3), y, HEIGHT * height, colour);
    }
    for (tick, label) in labels.iter().enumerate() {
        let at = x + LENGTH * tick as f64 / (labels.len() - 1) as f64;
        sheet.text(label, (at, y + 22.0), "middle", TICK, INK);
    }
    sheet.text(title, (x + LENGTH / 2.0, y - 12.0), "middle", TICK, FAINT_INK);
}
