//! The command `list`: list all keys.

use super::Exit;
use super::terminal::output;
use clap::Args;
use phaseloom::hardware::correction::CORRECTIONS;
use phaseloom::hardware::{DETECTIONS, IMPERFECTIONS, LINK_PARTS, PRESET_STATE, PRESETS};
use phaseloom::mesh::convention::CONVENTIONS;
use phaseloom::mesh::{CELLS, topologies};
use phaseloom::network::layer::LAYERS;
use phaseloom::report::{FIGURES, MATRIX_FIGURES};
use phaseloom::validation::CLAIMS;

/// List every topology, cell, convention, imperfection, correction, preset, link part, detection, layer, figure and claim
#[derive(Args)]
pub struct List {}

impl List {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let mut text = String::new();
        let mut section = |title: &str, entries: &mut dyn Iterator<Item = (&str, &str)>| {
            text += &format!("{title}\n");
            entries.for_each(|(key, line)| text += &format!("  {key:<20} {line}\n"));
        };
        section("topologies", &mut topologies().iter().map(|t| (t.key(), t.description())));
        section("cells", &mut CELLS.iter().map(|c| (c.key(), c.description())));
        let conventions = &mut CONVENTIONS.iter().map(|c| (c.key(), c.description()));
        section("conventions of `convert`, in addition to `phaseloom`", conventions);
        section("imperfections of a process", &mut IMPERFECTIONS.iter().copied());
        section("corrections", &mut CORRECTIONS.iter().map(|c| (c.key, c.description)));
        let presets = format!("presets of a process, as preset:KEY ({PRESET_STATE})");
        section(&presets, &mut PRESETS.iter().map(|p| (p.key, p.line)));
        section("parts of the link", &mut LINK_PARTS.iter().copied());
        section("detections", &mut DETECTIONS.iter().copied());
        section("layers", &mut LAYERS.iter().copied());
        section("figures", &mut FIGURES.iter().chain(MATRIX_FIGURES).map(|f| (f.key, f.description)));
        section("claims that `validate` recomputes", &mut CLAIMS.iter().map(|c| (c.key, c.sentence)));
        output::print(&text)?;
        Ok(Exit::Done)
    }
}
