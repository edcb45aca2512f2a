//! The legend below a mesh: the scales of phase and of power.

use super::{colour, sheet::Sheet};
use crate::plot::label::decimal;
use crate::plot::palette::{FAINT_INK, INK, TICK};
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
    let piece = LENGTH / f64::from(PIECES);
    for step in 0..PIECES {
        let middle = x + (f64::from(step) + 0.5) * piece;
        let phase = TAU * (f64::from(step) + 0.5) / f64::from(PIECES);
        sheet.stroke((middle - piece / 2.0, middle + piece / 2.0 + 0.3), y, HEIGHT, colour::phase_colour(phase));
    }
    for (quarter, label) in ["0", "π/2", "π", "3π/2", "2π"].iter().enumerate() {
        let at = x + LENGTH * quarter as f64 / 4.0;
        sheet.text(label, (at, y + 22.0), "middle", TICK, INK);
    }
    sheet.text("phase of a shifter (rad)", (x + LENGTH / 2.0, y - 12.0), "middle", TICK, FAINT_INK);
    if sheet.shows_light {
        let x = x + LENGTH + GAP;
        for step in 0..PIECES {
            let middle = x + (f64::from(step) + 0.5) * piece;
            let strength = (f64::from(step) + 0.5) / f64::from(PIECES);
            let ends = (middle - piece / 2.0, middle + piece / 2.0 + 0.3);
            sheet.stroke(ends, y, HEIGHT * (0.2 + 0.8 * strength), colour::strength_colour(strength));
        }
        for tick in 0..4 {
            let share = f64::from(tick) / 3.0;
            let level = decimal((share - 1.0) * -colour::FLOOR_DB);
            let label = if tick == 0 { format!("≤ {level}") } else { level };
            sheet.text(&label, (x + LENGTH * share, y + 22.0), "middle", TICK, INK);
        }
        sheet.text(
            "power in a waveguide (dB relative to the input)",
            (x + LENGTH / 2.0, y - 12.0),
            "middle",
            TICK,
            FAINT_INK,
        );
    }
}
