//! A custom topology: the first columns of a rectangular mesh, fitted to the target.
//!
//! A topology states the positions of its cells and finds their phases. Chips, gradients, corrections and other cells work
//! with it as with the built-in topologies.
//!
//! `cargo run --release --example 05_custom_topology`
#![allow(clippy::print_stdout)]

use phaseloom::mesh::{Capability, Layout, MeshError, Phases, Rectangular, Topology, Unitary, fit};
use phaseloom::numerics::{StreamKey, fidelity, haar_unitary};
use phaseloom::prelude::*;
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

fn main() -> Result<(), Error> {
    // The unitary of the first trial of `phaseloom compare`.
    let u = haar_unitary(8, &mut StreamKey::new(1, "compare/haar").trial(0).stream());
    let infidelity = |matrix: &DMatrix<Complex64>| (1.0 - fidelity(&u, matrix)).max(0.0);
    let process = Process::from_toml("[splitter_error]\nsigma_rad = 0.02\n[insertion_loss]\nloss_db = 0.2")?;
    for topology in [Arc::new(Half) as Arc<dyn Topology>, Arc::new(Rectangular)] {
        for cell in ["mzi", "three_splitters"] {
            let program = Core::new(8).with_custom_topology(topology.clone()).with_cell(cell).program_complex(&u)?;
            let chip = process.fabricate(&program, Seed(1))?;
            let corrected = chip.correct(&program, "local", &Instruments::default())?;
            println!(
                "{:<11} of {cell:<15} {:>2} cells, {} columns, {:.2} dB: 1 − F = {:.3} ideal, {:.3} on a chip, {:.3} corrected",
                topology.key(),
                program.interferometers(),
                program.depth(),
                corrected.corrections()[0].before.transmission_db,
                infidelity(&program.matrix()),
                infidelity(&chip.matrix(&program)?),
                infidelity(&chip.matrix(&corrected)?),
            );
        }
    }
    Ok(())
}
