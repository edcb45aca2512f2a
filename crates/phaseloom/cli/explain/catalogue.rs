//! The lists of components of the code: each key with one line and its aliases.

use super::super::Cli;
use clap::CommandFactory;
use phaseloom::files::Alias;
use phaseloom::hardware::correction::{CORRECTION_ALIASES, CORRECTIONS};
use phaseloom::hardware::{DETECTIONS, IMPERFECTIONS, LINK_PARTS, PRESET_STATE, PRESETS};
use phaseloom::mesh::convention::{CONVENTION_ALIASES, CONVENTIONS};
use phaseloom::mesh::{CELL_ALIASES, CELLS, TOPOLOGY_ALIASES, topologies};
use phaseloom::network::layer::{LAYER_ALIASES, LAYERS};
use phaseloom::report::{
    BUDGET_FIGURE, COST_FIGURES, FIGURES, MATRIX_FIGURES, SENSITIVITY_FIGURE, STUDY_FIGURE, TOLERANCE_FIGURE,
    TRAINING_FIGURE, YIELD_FIGURE,
};
use phaseloom::validation::CLAIMS;

/// A list of components.
pub struct Catalogue {
    /// The kind of its entries, as a word of `phaseloom explain`.
    pub kind: &'static str,
    pub title: String,
    /// Key and line of each entry.
    pub entries: Vec<(&'static str, &'static str)>,
    pub aliases: &'static [Alias],
}

impl Catalogue {
    /// The other names of an entry.
    pub fn aliases_of(&self, key: &str) -> Vec<&'static str> {
        self.aliases.iter().filter(|(_, of)| *of == key).map(|(alias, _)| *alias).collect()
    }
}

/// The commands with the first line of their help.
pub fn commands() -> Vec<(String, String)> {
    let cli = Cli::command();
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set());
    shown
        .map(|command| {
            (command.get_name().to_owned(), command.get_about().map(ToString::to_string).unwrap_or_default())
        })
        .collect()
}

/// All lists, in the order of a simulation.
pub fn catalogues() -> Vec<Catalogue> {
    let list = |kind, title: &str, entries, aliases| Catalogue { kind, title: title.to_owned(), entries, aliases };
    let topologies = topologies().iter().map(|t| (t.key(), t.description())).collect();
    let presets = format!("presets of a process, as preset:KEY ({PRESET_STATE})");
    vec![
        list("topology", "topologies", topologies, TOPOLOGY_ALIASES),
        list("cell", "cells", CELLS.iter().map(|c| (c.key(), c.description())).collect(), CELL_ALIASES),
        list(
            "convention",
            "conventions of `convert`, in addition to `phaseloom`",
            CONVENTIONS.iter().map(|c| (c.key(), c.description())).collect(),
            CONVENTION_ALIASES,
        ),
        list("imperfection", "imperfections of a process", IMPERFECTIONS.to_vec(), &[]),
        list(
            "correction",
            "corrections",
            CORRECTIONS.iter().map(|c| (c.key, c.description)).collect(),
            CORRECTION_ALIASES,
        ),
        list("preset", &presets, PRESETS.iter().map(|p| (p.key, p.line)).collect(), &[]),
        list("part", "parts of the link", LINK_PARTS.to_vec(), &[]),
        list("detection", "detections", DETECTIONS.to_vec(), &[]),
        list("layer", "layers", LAYERS.to_vec(), LAYER_ALIASES),
        list(
            "figure",
            "figures",
            FIGURES
                .iter()
                .chain(MATRIX_FIGURES)
                .chain(&COST_FIGURES)
                .chain([
                    &YIELD_FIGURE,
                    &TOLERANCE_FIGURE,
                    &BUDGET_FIGURE,
                    &SENSITIVITY_FIGURE,
                    &TRAINING_FIGURE,
                    &STUDY_FIGURE,
                ])
                .map(|f| (f.key, f.description))
                .collect(),
            &[],
        ),
        list("claim", "claims that `validate` recomputes", CLAIMS.iter().map(|c| (c.key, c.sentence)).collect(), &[]),
    ]
}
