//! A layer on a process before any chip is fabricated: driven phases, gains and predictions.

use crate::chip::Chip;
use crate::correction::{Corrected, CorrectionPlan};
use crate::error::HardwareError;
use crate::link::{Receiver, SignalQuality};
use crate::process::Process;
use crate::product::layer_program::{LayerProgram, TileProgram};
use crate::product::scales::Scales;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Phases;
use std::sync::Arc;

/// A layer on a process.
#[derive(Clone, Debug)]
pub struct LayerDesign {
    pub(super) process: Process,
    pub(super) tiles: Vec<Option<TileDesign>>,
    pub(super) correction: Option<CorrectionPlan>,
}

#[derive(Clone, Debug)]
pub(super) struct TileDesign {
    /// Phases after quantisation and crosstalk, which all chips share.
    pub driven: Arc<[Phases]>,
    /// `g = ‖W‖²_F/Re tr(W†Ŵ₀)`, where Ŵ₀ has nominal loss and no random error.
    pub gain: f64,
    /// The gain after the chip: `gain`, unless a correction measured another.
    pub chip_gain: f64,
    /// Predicted ‖ΔW‖²: first order in the random sources, exact in the deterministic ones.
    error_squared: f64,
    /// Part of the random sources in it.
    random_squared: f64,
    /// ‖W‖²_F of the target.
    norm_squared: f64,
}

/// `‖W‖²_F/Re tr(W†Ŵ)`: the real gain that restores the scale of W.
pub(super) fn gain(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    target.norm_squared() / target.dotc(realised).re
}

/// √(Σ error²/Σ norm²) over the tiles of a layer, from (error², norm²) of each; 0 for a layer of zeros.
pub(super) fn relative_error(tiles: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (error, norm) = tiles.fold((0.0, 0.0), |(e, n), (error, norm)| (e + error, n + norm));
    if norm > 0.0 { (error / norm).sqrt() } else { 0.0 }
}

impl TileDesign {
    fn new(tile: &TileProgram, process: &Process) -> Result<Self, HardwareError> {
        let program = &tile.program;
        let nominal = Chip::nominal(process, program)?;
        let programmed: Vec<Phases> = program.stages().iter().map(|s| s.phases().clone()).collect();
        let corner = tile.target.shape();
        let lossy = nominal.matrix_from_driven(program, &programmed)?.view((0, 0), corner).clone_owned();
        let gain = gain(&tile.target, &lossy);
        if !(gain.is_finite() && gain > 0.0) {
            // NaN or infinite: no light reaches the outputs.
            let factor = 1.0 / gain;
            return Err(if factor.is_finite() && factor < 0.0 {
                HardwareError::NegativeGain { factor: format!("{factor:.1e}") }
            } else {
                HardwareError::NoLight
            });
        }
        let driven = process.drive(program);
        let deterministic =
            nominal.with_systematic_errors().matrix_from_driven(program, &driven)?.view((0, 0), corner).clone_owned();
        // The constant field of offset detection is no part of the matrix.
        let columns = tile.tile.columns;
        let target = tile.target.columns(0, columns);
        let norm_squared = target.norm_squared();
        let random = process.predicted_corner_error_squared(program, corner.0.min(corner.1)) * norm_squared;
        let fixed = (deterministic.columns(0, columns) * Complex64::new(gain, 0.0) - target).norm_squared();
        Ok(Self {
            driven: driven.into(),
            gain,
            chip_gain: gain,
            error_squared: fixed + random,
            random_squared: random,
            norm_squared,
        })
    }
}

impl LayerProgram {
    /// Everything that follows from program and process alone: driven phases, gains, predicted error. Needed once per
    /// point of a parameter sweep.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process.
    pub fn design(&self, process: &Process) -> Result<LayerDesign, HardwareError> {
        LayerDesign::new(self, process)
    }
}

impl LayerDesign {
    pub(super) fn new(program: &LayerProgram, process: &Process) -> Result<Self, HardwareError> {
        let tiles = program.tiles().iter().map(|t| t.as_ref().map(|t| TileDesign::new(t, process)).transpose());
        Ok(Self { tiles: tiles.collect::<Result<_, _>>()?, process: process.clone(), correction: None })
    }

    /// The process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The same layer with each of its chips corrected before it computes. The predicted error remains that of uncorrected
    /// chips.
    #[must_use]
    pub fn with_correction(mut self, correction: Option<CorrectionPlan>) -> Self {
        self.correction = correction;
        self
    }

    /// The same layer with the phases of corrected programs: one for each tile that is not zero, in the order of the tiles,
    /// or none at all.
    ///
    /// # Panics
    ///
    /// If there is another number of programs.
    #[must_use]
    pub fn with_corrected(mut self, corrected: &[Corrected]) -> Self {
        let tiles = self.tiles.iter().flatten().count();
        assert!(corrected.is_empty() || corrected.len() == tiles, "{} programs of {tiles} tiles", corrected.len());
        for (tile, corrected) in self.tiles.iter_mut().flatten().zip(corrected) {
            tile.driven = self.process.drive(&corrected.program).into();
            tile.chip_gain = corrected.result.amplitude.map_or(tile.gain, |_| corrected.program.gain());
        }
        self
    }

    /// First-order prediction of the layer's relative matrix error, ‖ΔW‖_F/‖W‖_F.
    #[must_use]
    pub fn predicted_error(&self) -> f64 {
        relative_error(self.tiles.iter().flatten().map(|tile| (tile.error_squared, tile.norm_squared)))
    }

    /// The part of [`LayerDesign::predicted_error`] of the random sources. Knowledge of the design alone cannot correct it.
    #[must_use]
    pub fn random_error(&self) -> f64 {
        relative_error(self.tiles.iter().flatten().map(|tile| (tile.random_squared, tile.norm_squared)))
    }

    /// Figures of merit at the full scale of the converters, SNR averaged over the tiles (dB); `None` without noise.
    ///
    /// # Panics
    ///
    /// If `scales` are not those of the layer.
    #[must_use]
    pub fn signal_quality(&self, scales: &Scales, receiver: &Receiver) -> Option<SignalQuality> {
        self.assert_scales(scales);
        let tiles = self.tiles.iter().zip(&scales.full_scale);
        // Full-scale field in units of √P_port: full scale/(g·s_x).
        let snr: Vec<f64> = tiles
            .filter_map(|(tile, full)| Some(full / (tile.as_ref()?.gain * scales.input)))
            .map(|field| receiver.quality(field).snr_full_scale_db)
            .filter(|db| db.is_finite())
            .collect();
        (!snr.is_empty()).then(|| SignalQuality::new(snr.iter().sum::<f64>() / snr.len() as f64))
    }

    /// The correction of chips before they compute.
    #[must_use]
    pub fn correction(&self) -> Option<&CorrectionPlan> {
        self.correction.as_ref()
    }

    /// Whether chips are corrected before they compute.
    #[must_use]
    pub fn is_corrected(&self) -> bool {
        self.correction.is_some()
    }

    /// Mean photoelectrons that the signal makes in one reading, for inputs (inputs × samples) of the layer on a chip with
    /// the loss of the design and without errors.
    ///
    /// # Panics
    ///
    /// If program or scales are not those of the layer, or `inputs` has not one row per input.
    #[must_use]
    pub fn mean_photoelectrons(
        &self,
        program: &LayerProgram,
        scales: &Scales,
        receiver: &Receiver,
        inputs: &DMatrix<f64>,
    ) -> f64 {
        self.assert_program(program);
        self.assert_scales(scales);
        assert_eq!(inputs.nrows(), program.plan().shape().1, "one row per input of the layer");
        let (mut squares, mut readouts) = (0.0, 0);
        for ((design, tile), full_scale) in self.tiles.iter().zip(program.tiles()).zip(&scales.full_scale) {
            let (Some(design), Some(TileProgram { tile, target, .. })) = (design, tile) else { continue };
            let mut fields = tile.block(program.weight()) * inputs.rows(tile.column, tile.columns);
            if target.ncols() > tile.columns {
                // The constant field of offset detection.
                fields.add_scalar_mut(*full_scale);
            }
            squares += fields.norm_squared() / (design.gain * scales.input).powi(2);
            readouts += fields.len();
        }
        if readouts == 0 { 0.0 } else { receiver.photoelectrons(squares / readouts as f64) }
    }

    fn assert_scales(&self, scales: &Scales) {
        assert_eq!(scales.full_scale.len(), self.tiles.len(), "one full scale per tile");
    }

    fn assert_program(&self, program: &LayerProgram) {
        assert_eq!(program.tiles().len(), self.tiles.len(), "tiles of the program");
    }

    /// Whether the numbers of the layer stay far within the range of a float: g·s_x of every tile, and its full scale.
    ///
    /// # Panics
    ///
    /// If `scales` are not those of the layer.
    #[must_use]
    pub fn fits_single(&self, scales: &Scales) -> bool {
        self.assert_scales(scales);
        let fits = |x: f64| x == 0.0 || (1e-25..1e25).contains(&x);
        let mut tiles = self.tiles.iter().zip(&scales.full_scale);
        tiles.all(|(tile, &full)| tile.as_ref().is_none_or(|t| fits(t.gain * scales.input) && fits(full)))
    }

    /// Power transmission of the optics from input to output (dB, ≤ 0): mean over the tiles of ‖W‖₂/g, which the gain
    /// undoes. A correction does not change it.
    ///
    /// # Panics
    ///
    /// If `program` is not that of the layer.
    #[must_use]
    pub fn transmission_db(&self, program: &LayerProgram) -> f64 {
        self.assert_program(program);
        let db: Vec<f64> = self
            .tiles
            .iter()
            .zip(program.tiles())
            .filter_map(|(design, tile)| Some(20.0 * (tile.as_ref()?.program.gain() / design.as_ref()?.gain).log10()))
            .collect();
        if db.is_empty() { 0.0 } else { db.iter().sum::<f64>() / db.len() as f64 }
    }
}
