//! A layer as the chips of one trial realise it, with the state of every stage: for derivatives through its chips.

use crate::chip::Chip;
use crate::error::HardwareError;
use crate::product::address::LayerAddress;
use crate::product::core_spec::CoreUse;
use crate::product::layer_design::LayerDesign;
use crate::product::layer_program::LayerProgram;
use crate::product::tile_engine::{ChipTile, RealisedTile, on_chips};
use nalgebra::DMatrix;
use phaseloom_mesh::Phases;
use phaseloom_mesh::cell::CellErrors;
use std::sync::Arc;

/// A layer on its chips, corrected if the design says so, with homodyne detection and without noise and jitter.
#[derive(Clone, Debug)]
pub struct RealisedLayer {
    /// Re(gŴ) with the gain g of each output: outputs × inputs.
    pub weight: DMatrix<f64>,
    /// The cores in the order of the tiles; `None` is a tile of zeros.
    pub cores: Vec<Option<RealisedCore>>,
}

/// The chip of one tile.
#[derive(Clone, Debug)]
pub struct RealisedCore {
    /// Electronic gain of each output of the tile.
    pub gains: Vec<f64>,
    chip: Chip,
    driven: Arc<[Phases]>,
}

impl RealisedCore {
    /// The phases that light meets in stage `k` (rad), and the errors of its cells.
    ///
    /// # Panics
    ///
    /// If the core has no stage `k`.
    #[must_use]
    pub fn stage_state(&self, k: usize) -> (Phases, &[CellErrors]) {
        self.chip.stage_state(k, &self.driven[k])
    }
}

impl RealisedLayer {
    /// Fabricates the chips of a layer, those of an [`OpticalProduct`](crate::OpticalProduct) with the same arguments.
    ///
    /// # Errors
    ///
    /// Impossible processes, corrections that fail; a design of another program.
    pub fn new(
        program: &LayerProgram,
        design: &LayerDesign,
        core_use: CoreUse,
        address: LayerAddress,
    ) -> Result<Self, HardwareError> {
        let (rows, columns) = program.plan().shape();
        let mut weight = DMatrix::zeros(rows, columns);
        let mut cores = vec![None; program.tiles().len()];
        on_chips((program, design), core_use.sharing, address, None, &mut |of: ChipTile<'_>| {
            let (chip, driven, at) = (of.chip.chip.clone(), of.chip.driven.clone(), of.program.tile);
            let RealisedTile { corner, gains, .. } =
                RealisedTile::new(of.program, of.chip, core_use.calibration, true)?;
            let mut block = weight.view_mut((at.row, at.column), (at.rows, at.columns));
            for (i, &gain) in gains.iter().enumerate() {
                (0..at.columns).for_each(|j| block[(i, j)] = gain * corner[(i, j)].re);
            }
            cores[of.index] = Some(RealisedCore { gains, chip, driven });
            Ok(())
        })?;
        Ok(Self { weight, cores })
    }
}
