//! A custom topology: the first columns of a rectangular mesh, fitted to the target.
//!
//! A topology states the positions of its cells and finds their phases. Chips, gradients, corrections and other cells work
//! with it as with the built-in topologies.
//!
//! `cargo run --release --example 05_custom_topology`
#![allow(clippy::print_stdout)]

use phaseloom::hardware::comparison::trial;
use phaseloom::hardware::{MeshSize, Process};
use phaseloom::mesh::{Capability, Cell, Layout, MeshDesign, MeshError, Phases, Rectangular, Topology, Unitary, fit};
use std::sync::Arc;

/// Half of the columns of a rectangular mesh: cheap, and not universal.
#[derive(Debug)]
struct Half;

impl Topology for Half {
    fn key(&self) -> &'static str {
        "half"
    }

    fn description(&self) -> &'static str {
        "the first N/2 columns of a rectangular mesh; fitted"
    }

    fn layout(&self, modes: usize) -> Layout {
        let positions = Rectangular.layout(modes).positions;
        Layout::new(modes, positions.into_iter().filter(|position| position.column < modes / 2).collect())
    }

    fn capability(&self) -> Capability {
        Capability::Fitted
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        Ok(fit(layout, target.matrix()))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.02\n[insertion_loss]\nloss_db = 0.2")?;
    for topology in [Arc::new(Half) as Arc<dyn Topology>, Arc::new(Rectangular)] {
        for cell in [Cell::Mzi, Cell::ThreeSplitters] {
            let design = MeshDesign::new(topology.clone(), cell)?;
            let (parts, made) = (MeshSize::new(&design, 8), trial(&design, 8, &process, 1, 0)?);
            println!(
                "{:<33} {:>2} cells, {} columns, {:.2} dB: 1 − F = {:.3} ideal, {:.3} on a chip, {:.3} corrected",
                design.to_string(),
                parts.cells,
                parts.depth,
                10.0 * made.transmission.log10(),
                made.ideal,
                made.before,
                made.after
            );
        }
    }
    Ok(())
}
