//! The command `list`: list all keys.

use super::Exit;
use super::terminal::output;
use clap::Args;
use phaseloom::hardware::correction::CORRECTIONS;
use phaseloom::hardware::{DETECTIONS, IMPERFECTIONS, LINK_PARTS, PRESETS};
use phaseloom::mesh::convention::CONVENTIONS;
use phaseloom::mesh::{CELLS, topologies};
use phaseloom::network::layer::LAYERS;
use phaseloom::report::FIGURES;
use phaseloom::validation::CLAIMS;

/// List every topology, cell, convention, imperfection, correction, preset, link part, detection, layer, figure and claim
#[derive(Args)]
pub struct List {}

impl List {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let topologies: Vec<(&str, &str)> = topologies().iter().map(|t| (t.key(), t.description())).collect();
        let cells: Vec<(&str, &str)> = CELLS.iter().map(|c| (c.key(), c.description())).collect();
        let conventions: Vec<(&str, &str)> = CONVENTIONS.iter().map(|c| (c.key(), c.description())).collect();
        let figures: Vec<(&str, &str)> = FIGURES.iter().map(|f| (f.key(), f.description())).collect();
        let corrections: Vec<(&str, &str)> = CORRECTIONS.iter().map(|c| (c.key, c.description)).collect();
        let presets: Vec<(&str, &str)> = PRESETS.iter().map(|p| (p.key, p.line)).collect();
        let claims: Vec<(&str, &str)> = CLAIMS.iter().map(|c| (c.key, c.sentence)).collect();
        let mut text = String::new();
        for (title, entries) in [
            ("topologies", topologies.as_slice()),
            ("cells", cells.as_slice()),
            ("conventions of `convert`, in addition to `phaseloom`", conventions.as_slice()),
            ("imperfections of a process", IMPERFECTIONS),
            ("corrections", corrections.as_slice()),
            ("presets of a process, as preset:KEY", presets.as_slice()),
            ("parts of the link", LINK_PARTS),
            ("detections", DETECTIONS),
            ("layers", LAYERS),
            ("figures", figures.as_slice()),
            ("claims that `validate` recomputes", claims.as_slice()),
        ] {
            text += &format!("{title}\n");
            for (key, line) in entries {
                text += &format!("  {key:<20} {line}\n");
            }
        }
        output::print(&text)?;
        Ok(Exit::Done)
    }
}
