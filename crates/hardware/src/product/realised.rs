//! A layer as the chips of one trial realise it, with the state of every stage: for derivatives through its chips.

use crate::chip::{Chip, ChipId};
use crate::error::HardwareError;
use crate::link::{Detection, Link};
use crate::product::address::LayerAddress;
use crate::product::core_spec::{CoreSharing, CoreUse};
use crate::product::layer_design::LayerDesign;
use crate::product::layer_program::LayerProgram;
use crate::product::tile_engine::{DrivenChip, RealisedTile, Surroundings};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Phases;
use phaseloom_mesh::cell::CellErrors;
use phaseloom_numerics::Quadratures;
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
    /// Impossible processes, corrections that fail.
    ///
    /// # Panics
    ///
    /// If `design` is that of another program.
    pub fn new(
        program: &LayerProgram,
        design: &LayerDesign,
        core_use: CoreUse,
        address: LayerAddress,
    ) -> Result<Self, HardwareError> {
        assert_eq!(design.tiles.len(), program.tiles().len(), "the design of this program");
        let around = Surroundings {
            link: &Link::ideal(Detection::Homodyne),
            calibration: core_use.calibration,
            leakage: Complex64::ZERO,
            quadratures: Quadratures { sent: false, read: false },
            input_scale: 1.0,
        };
        let (rows, columns) = program.plan().shape();
        let mut weight = DMatrix::zeros(rows, columns);
        let mut shared: Option<Chip> = None;
        let mut cores = Vec::with_capacity(program.tiles().len());
        for (t, (tile, tile_design)) in program.tiles().iter().zip(&design.tiles).enumerate() {
            let (Some(tile), Some(tile_design)) = (tile, tile_design) else {
                cores.push(None);
                continue;
            };
            let own = address.chip(t);
            let chip = match (core_use.sharing, &shared) {
                (CoreSharing::Shared, Some(chip)) => chip.clone(),
                (CoreSharing::Shared, None) => {
                    Chip::fabricate(&design.process, &tile.program, ChipId { core: 0, ..own })?
                }
                (CoreSharing::Each, _) => Chip::fabricate(&design.process, &tile.program, own)?,
            };
            if core_use.sharing == CoreSharing::Shared {
                shared = Some(chip.clone());
            }
            let driven = match &design.correction {
                Some(plan) => DrivenChip::corrected(tile, tile_design, chip, plan, own)?,
                None => DrivenChip::new(tile_design, chip),
            };
            let (chip, phases) = (driven.chip.clone(), driven.driven.clone());
            let RealisedTile { corner, gains, .. } = RealisedTile::new(tile, driven, &around)?;
            let mut block = weight.view_mut((tile.tile.row, tile.tile.column), (tile.tile.rows, tile.tile.columns));
            for (i, &gain) in gains.iter().enumerate() {
                (0..tile.tile.columns).for_each(|j| block[(i, j)] = gain * corner[(i, j)].re);
            }
            cores.push(Some(RealisedCore { gains, chip, driven: phases }));
        }
        Ok(Self { weight, cores })
    }
}
