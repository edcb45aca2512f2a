//! Tiles, sizes of cores and phases from the programs of a run.

use crate::counts::{CoreSize, Layer};
use phaseloom_hardware::{CoreSpec, HardwareError, LayerProgram, MeshSize};
use std::f64::consts::PI;

impl Layer {
    /// The layer of a program, with its tiles; tiles of zeros, which need no core, are left out.
    #[must_use]
    pub fn from_program(program: &LayerProgram, vectors: usize) -> Self {
        let (rows, columns) = program.plan().shape();
        let tiles = program.tiles().iter().flatten().map(|tile| tile.tile).collect();
        Self { rows, columns, vectors, tiles, distinct_inputs: None }
    }
}

impl CoreSize {
    /// The core of an experiment: two of its meshes around a column of attenuators.
    ///
    /// # Errors
    ///
    /// An unknown topology or cell.
    pub fn from_spec(spec: &CoreSpec) -> Result<Self, HardwareError> {
        Ok(Self::new(&MeshSize::new(&spec.design()?, spec.ports), spec.ports))
    }
}

/// Σ|φ|/π over phases (rad): the number of P_π that holds them.
#[must_use]
pub fn half_turns(phases: impl IntoIterator<Item = f64>) -> f64 {
    phases.into_iter().map(|phase| phase.abs() / PI).sum()
}

/// Σ|φ|/π over the phase shifters of one core as programmed, the mean over the tiles of a layer; 0 without tiles.
#[must_use]
pub fn mean_half_turns(program: &LayerProgram) -> f64 {
    let tiles: Vec<_> = program.tiles().iter().flatten().collect();
    let phases = tiles.iter().flat_map(|tile| tile.program.stages()).flat_map(|stage| stage.phases().values().to_vec());
    half_turns(phases) / tiles.len().max(1) as f64
}
