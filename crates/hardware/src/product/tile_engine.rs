//! One tile of an optical product: a chip, corrected if asked for, its realised matrix, gains and static errors.

use crate::chip::{Chip, ChipId};
use crate::correction::{CorrectionPlan, Instruments, corrected_program};
use crate::error::HardwareError;
use crate::link::readout::Readout;
use crate::link::{Detection, Link};
use crate::product::address::LayerAddress;
use crate::product::core_spec::{CoreSharing, GainCalibration};
use crate::product::layer_design::{LayerDesign, TileDesign, gain};
use crate::product::layer_program::{LayerProgram, TileProgram};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Phases;
use phaseloom_numerics::{ComplexProduct, Quadratures, Real};
use std::sync::Arc;

/// A chip with its driven phases and the gain after it.
#[derive(Clone)]
pub(super) struct DrivenChip {
    pub chip: Chip,
    pub driven: Arc<[Phases]>,
    gain: f64,
}

impl DrivenChip {
    /// A chip with the phases of its design.
    pub(super) fn new(design: &TileDesign, chip: Chip) -> Self {
        Self { chip, driven: design.driven.clone(), gain: design.chip_gain }
    }

    /// A chip that is corrected first. `draws` separates the noise of its instruments from that of other tiles.
    pub(super) fn corrected(
        tile: &TileProgram,
        design: &TileDesign,
        chip: Chip,
        plan: &CorrectionPlan,
        draws: ChipId,
    ) -> Result<Self, HardwareError> {
        let CorrectionPlan { method, noise, effort, interrupt } = plan.clone();
        let instruments = Instruments { noise, effort, draws, interrupt };
        let corrected = corrected_program(&chip, &tile.program, method, &instruments);
        let (program, result, _) = corrected.map_err(|error| match error {
            HardwareError::Interrupted => error,
            other => HardwareError::Correction { method: method.key, source: Box::new(other) },
        })?;
        let gain = if result.amplitude.is_some() { program.gain() } else { design.gain };
        Ok(Self { driven: chip.process().drive(&program).into(), chip, gain })
    }
}

/// A tile that is not zero, on its chip.
pub(super) struct ChipTile<'a> {
    /// Number of the tile.
    pub index: usize,
    pub program: &'a TileProgram,
    pub design: &'a TileDesign,
    pub chip: DrivenChip,
    /// Number of its core.
    pub core: u64,
}

/// Fabricates and corrects the chips of a layer, or takes `chips`, and hands each tile that is not zero to `each`, in their order.
pub(super) fn on_chips(
    (program, design): (&LayerProgram, &LayerDesign),
    sharing: CoreSharing,
    address: LayerAddress,
    chips: Option<&[Option<Chip>]>,
    each: &mut dyn FnMut(ChipTile<'_>) -> Result<(), HardwareError>,
) -> Result<(), HardwareError> {
    if design.tiles.len() != program.tiles().len() {
        let expected = format!("those of the program, {}", program.tiles().len());
        return Err(HardwareError::unfit("tiles of the design (number of)", design.tiles.len(), expected));
    }
    let mut shared: Option<Chip> = None;
    for (index, (tile, tile_design)) in program.tiles().iter().zip(&design.tiles).enumerate() {
        let (Some(tile), Some(tile_design)) = (tile, tile_design) else { continue };
        let own = address.chip(index);
        let id = if sharing == CoreSharing::Shared { ChipId { core: 0, ..own } } else { own };
        let given = chips.and_then(|chips| chips[index].as_ref());
        let chip = match given.or(shared.as_ref()) {
            Some(chip) => chip.clone(),
            None => Chip::fabricate(&design.process, &tile.program, id)?,
        };
        if sharing == CoreSharing::Shared {
            shared = Some(chip.clone());
        }
        let chip = match &design.correction {
            Some(plan) => DrivenChip::corrected(tile, tile_design, chip, plan, own)?,
            None => DrivenChip::new(tile_design, chip),
        };
        each(ChipTile { index, program: tile, design: tile_design, chip, core: id.core })?;
    }
    Ok(())
}

/// The optics and electronics around all tiles of a layer.
pub(super) struct Surroundings<'a> {
    pub link: &'a Link,
    /// Field of every port at zero.
    pub leakage: Complex64,
    pub quadratures: Quadratures,
    pub input_scale: f64,
}

/// A tile as its chip realises it.
#[derive(Clone)]
pub(super) struct RealisedTile {
    pub chip: DrivenChip,
    /// The realised corner of the core.
    pub corner: DMatrix<Complex64>,
    /// Electronic gain of each output.
    pub gains: Vec<f64>,
    pub errors: StaticErrors,
}

/// Squares of the static errors of some tiles.
#[derive(Clone, Copy, Default)]
pub(super) struct StaticErrors {
    /// ‖gŴ − W‖²_F.
    pub error_squared: f64,
    /// The part of it that the detectors measure.
    pub measured_squared: f64,
    /// ‖W‖²_F.
    pub norm_squared: f64,
}

impl StaticErrors {
    /// Adds those of another tile.
    pub(super) fn add(&mut self, other: &Self) {
        self.error_squared += other.error_squared;
        self.measured_squared += other.measured_squared;
        self.norm_squared += other.norm_squared;
    }
}

impl RealisedTile {
    /// The tile on a chip. `reads_in_phase` says whether the detectors measure the real part alone.
    pub(super) fn new(
        tile: &TileProgram,
        chip: DrivenChip,
        calibration: GainCalibration,
        reads_in_phase: bool,
    ) -> Result<Self, HardwareError> {
        let realised = chip.chip.matrix_from_driven(&tile.program, &chip.driven)?;
        let shape = tile.target.shape();
        let corner = if realised.shape() == shape { realised } else { realised.view((0, 0), shape).clone_owned() };
        let gains = gains(tile, &corner, calibration, chip.gain);
        // The constant field of offset detection is no part of the matrix.
        let columns = tile.tile.columns;
        let target = tile.target.columns(0, columns);
        let mut errors = StaticErrors { norm_squared: target.norm_squared(), ..StaticErrors::default() };
        for (i, &g) in gains.iter().enumerate() {
            for j in 0..columns {
                let error = corner[(i, j)] * g - target[(i, j)];
                errors.error_squared += error.norm_sqr();
                errors.measured_squared += if reads_in_phase { error.re * error.re } else { error.norm_sqr() };
            }
        }
        Ok(Self { chip, corner, gains, errors })
    }
}

/// One tile on its chip, with its readout.
pub(super) struct TileEngine<T> {
    /// Present if phases jitter: the matrix is then realised again for each moment.
    pub jittering: Option<DrivenChip>,
    pub core: u64,
    /// The realised corner.
    pub matrix: ComplexProduct<T>,
    pub readout: Readout<T>,
}

impl<T: Real> TileEngine<T> {
    pub(super) fn new(
        tile: &TileProgram,
        design: &TileDesign,
        (realised, core): (RealisedTile, u64),
        around: &Surroundings<'_>,
        full_scale: f64,
    ) -> Self {
        let RealisedTile { chip, corner, gains, .. } = realised;
        let offset = match around.link.detection {
            Detection::Offset => tile.target[(0, tile.tile.columns)].re / chip.gain,
            Detection::Homodyne | Detection::Direct => 0.0,
        };
        let corrections: Vec<f64> = gains.iter().map(|g| g / design.gain).collect();
        Self {
            core,
            matrix: ComplexProduct::new(&corner, around.leakage, around.quadratures),
            readout: Readout::new(around.link, design.gain * around.input_scale, &corrections, full_scale, offset),
            jittering: chip.chip.process().fluctuates().then_some(chip),
        }
    }
}

/// The gain of each output of a tile.
fn gains(tile: &TileProgram, corner: &DMatrix<Complex64>, calibration: GainCalibration, designed: f64) -> Vec<f64> {
    // A row of zeros, or a matrix of opposite sign, has no usable gain.
    let usable = |g: f64| if g.is_finite() && g > 0.0 { g } else { designed };
    let rows = corner.nrows();
    match calibration {
        GainCalibration::None => vec![designed; rows],
        GainCalibration::Scalar => vec![usable(gain(&tile.target, corner)); rows],
        GainCalibration::PerOutput => (0..rows)
            .map(|i| usable(gain(&tile.target.rows(i, 1).clone_owned(), &corner.rows(i, 1).clone_owned())))
            .collect(),
    }
}
