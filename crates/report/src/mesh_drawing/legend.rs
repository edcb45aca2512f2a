//! The legend below a mesh: the scales of phase and of power.

use super::part::INTERFEROMETER;
use super::{MeshDrawing, Part, colour, sheet::Sheet};
use crate::plot::font;
use crate::plot::label::decimal;
use crate::plot::palette::{Colour, FAINT_INK, INK, TICK};
use std::f64::consts::TAU;

/// Length and height of a scale, the gap between two scales, and the pitch of the key, in texts of size `TICK` (px).
const LENGTH: f64 = 200.0;
const HEIGHT: f64 = 12.0;
const GAP: f64 = 56.0;
const KEY_PITCH: f64 = 42.0;
/// Pieces of a scale, too many to be distinguished.
const PIECES: u32 = 80;

/// Draws the key and the scales centred below the mesh.
pub(super) fn draw(sheet: &mut Sheet, drawing: &MeshDrawing) {
    let parts = || drawing.columns.iter().flat_map(|column| &column.parts);
    let key = parts().find(|part| matches!(part, Part::Interferometer { .. }));
    let (scale_length, gap, key_pitch) = (sheet.scale * LENGTH, sheet.scale * GAP, sheet.scale * KEY_PITCH);
    let key_title = key.map_or_else(String::new, Part::key_title);
    let key_width = (INTERFEROMETER * key_pitch).max(font::width(&key_title, sheet.scale * TICK));
    let key_length = if key.is_some() { key_width + gap } else { 0.0 };
    let scales = if sheet.shows_light { 2.0 } else { 1.0 };
    let mut x = (sheet.width - key_length - scales * scale_length - (scales - 1.0) * gap) / 2.0;
    let y = sheet.height - sheet.scale * 38.0;
    if let Some(part) = key {
        let (pitch, shows_light) = (sheet.pitch, sheet.shows_light);
        (sheet.pitch, sheet.shows_light) = (key_pitch, false);
        part.draw_key(sheet, x + (key_width - INTERFEROMETER * key_pitch) / 2.0, y);
        (sheet.pitch, sheet.shows_light) = (pitch, shows_light);
        let size = sheet.scale * TICK;
        sheet.text(&key_title, (x + key_width / 2.0, y - 0.71 * key_pitch - 0.5 * size), "middle", size, FAINT_INK);
        x += key_length;
    }
    let phases = ["0", "π/2", "π", "3π/2", "2π"].map(str::to_owned);
    scale(sheet, (x, y), &drawing.phases, &phases, |share| (1.0, colour::phase_colour(TAU * share)));
    if sheet.shows_light {
        let levels = [0, 1, 2, 3].map(|tick| {
            let level = decimal((f64::from(tick) / 3.0 - 1.0) * -colour::FLOOR_DB);
            if tick == 0 { format!("≤ {level}") } else { level }
        });
        let title = "power (dB, relative to the input)";
        let stroke = |share: f64| {
            let strength = colour::strength(10_f64.powf(0.1 * (1.0 - share) * colour::FLOOR_DB));
            (0.2 + 0.8 * share, colour::strength_colour(strength))
        };
        scale(sheet, (x + scale_length + gap, y), title, &levels, stroke);
    }
}

/// One scale from its left end: relative height and colour at each share of its length, and labels at equal distances.
fn scale(sheet: &mut Sheet, (x, y): (f64, f64), title: &str, labels: &[String], stroke: impl Fn(f64) -> (f64, Colour)) {
    let (size, length, height) = (sheet.scale * TICK, sheet.scale * LENGTH, sheet.scale * HEIGHT);
    let piece = length / f64::from(PIECES);
    for step in 0..PIECES {
        let middle = x + (f64::from(step) + 0.5) * piece;
        let (relative, colour) = stroke((f64::from(step) + 0.5) / f64::from(PIECES));
        sheet.stroke((middle - piece / 2.0, middle + piece / 2.0 + 0.3), y, height * relative, colour);
    }
    for (tick, label) in labels.iter().enumerate() {
        let at = x + length * tick as f64 / (labels.len() - 1) as f64;
        sheet.text(label, (at, y + 1.8 * size), "middle", size, INK);
    }
    sheet.text(title, (x + length / 2.0, y - size), "middle", size, FAINT_INK);
}
