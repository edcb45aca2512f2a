//! A layer's matrix on cores of k ports: tiles, their programs, and the gain that undoes the nominal loss.

use crate::chip::Chip;
use crate::correction::CorrectionPlan;
use crate::error::HardwareError;
use crate::link::{Detection, Link};
use crate::process::Process;
use crate::product::tile::{Tile, TilePlan};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::{Capability, Cell, Form, MatrixProgram, MeshDesign, Phases};
use serde::{Deserialize, Serialize};

/// Whether all tiles are programmed on one core in turn, or each has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoreSharing {
    /// A core per tile: errors differ from tile to tile.
    #[default]
    Each,
    /// One physical core for all tiles of the network: they share its errors.
    Shared,
}

/// What the singular values of a tile are scaled by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GainScope {
    /// Each tile by its own largest singular value.
    #[default]
    Tile,
    /// All tiles of a layer by the largest of theirs: one gain a layer.
    Layer,
}

/// Whether the electronic gain may use measurements of the sampled chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GainCalibration {
    /// From the design alone.
    #[default]
    None,
    /// One factor a tile, from the realised matrix.
    Scalar,
    /// One factor an output of a tile, from the realised matrix.
    PerOutput,
}

/// Ports that a core has at most: far beyond what is built, and within what a matrix in memory may have.
pub const MAX_PORTS: usize = 16384;

/// `[core]` of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoreSpec {
    /// Ports of a core, k: 1 to [`MAX_PORTS`].
    pub ports: usize,
    /// Key of the topology of its meshes.
    pub topology: String,
    /// Key of the cells of its meshes, by default the usual ones of the topology; `"mzi"` stays unsaid, so that experiments
    /// older than other cells keep their identity.
    #[serde(skip_serializing_if = "is_plain")]
    pub cell: Option<String>,
    /// `"each"` (default) or `"shared"`.
    pub cores: CoreSharing,
    /// `"tile"` (default) or `"layer"`.
    pub normalise: GainScope,
    /// `"none"` (default), `"scalar"` or `"per_output"`.
    pub calibration: GainCalibration,
}

fn is_plain(cell: &Option<String>) -> bool {
    cell.as_deref().is_none_or(|cell| cell == Cell::Mzi.key())
}

impl Default for CoreSpec {
    fn default() -> Self {
        Self {
            ports: 64,
            topology: "rectangular".into(),
            cell: None,
            cores: CoreSharing::Each,
            normalise: GainScope::Tile,
            calibration: GainCalibration::None,
        }
    }
}

impl CoreSpec {
    /// Columns of the matrix that one core takes: offset detection keeps one port.
    #[must_use]
    pub fn column_block(&self, detection: Detection) -> usize {
        if detection == Detection::Offset { self.ports.saturating_sub(1) } else { self.ports }
    }

    /// The meshes of a core.
    ///
    /// # Errors
    ///
    /// Unknown keys, or a topology that cannot be built of the cell.
    pub fn design(&self) -> Result<MeshDesign, HardwareError> {
        Ok(MeshDesign::from_keys(&self.topology, self.cell.as_deref())?)
    }

    /// The tile plan of a matrix.
    ///
    /// # Errors
    ///
    /// [`HardwareError::NoPorts`] if a core has no port for data.
    pub fn plan(&self, rows: usize, columns: usize, detection: Detection) -> Result<TilePlan, HardwareError> {
        if self.column_block(detection) == 0 {
            return Err(HardwareError::NoPorts);
        }
        Ok(TilePlan::new(rows, columns, self.ports, self.column_block(detection)))
    }
}

/// The scales of one layer, from calibration data or bounds; they belong to the model, never to a batch or a chip.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    /// `x̃ = clip(x/input, −1, 1)`.
    pub input: f64,
    /// Largest |W_tile x| of each tile, in the order of the tile plan: full scale of its converter.
    pub full_scale: Vec<f64>,
}

/// One tile: the matrix in the corner of its core, and the program of the core.
#[derive(Clone, Debug)]
pub struct TileProgram {
    /// Where the tile stands in the matrix.
    pub tile: Tile,
    /// What the corner of the core is to multiply by; with offset detection the last column is the constant field.
    pub target: DMatrix<Complex64>,
    /// The program of the k×k core.
    pub program: MatrixProgram,
}

/// A layer as programs; made once per weight matrix.
#[derive(Clone, Debug)]
pub struct LayerProgram {
    pub(crate) weight: DMatrix<f64>,
    pub(crate) plan: TilePlan,
    pub(crate) tiles: Vec<Option<TileProgram>>,
    pub(crate) ports: usize,
}

impl LayerProgram {
    /// Cuts a weight matrix (outputs × inputs) into tiles and programs each; tiles of zeros are skipped.
    ///
    /// With offset detection each row gets one more column: the constant field that `scales` asks for.
    ///
    /// # Errors
    ///
    /// A core without ports, an unknown topology, a matrix that cannot be decomposed.
    pub fn new(
        weight: &DMatrix<f64>,
        core: &CoreSpec,
        detection: Detection,
        scales: &Scales,
    ) -> Result<Self, HardwareError> {
        let plan = core.plan(weight.nrows(), weight.ncols(), detection)?;
        // Each core: its phases as programmed and as driven, one sample of a chip and its realised matrix, about 100
        // bytes for each pair of ports, three times as much where phases are searched for; and the work of one decomposition.
        let design = core.design()?;
        let pairs =
            (core.ports as f64).powi(2) * if design.topology().capability() == Capability::Fitted { 3.0 } else { 1.0 };
        let what = format!("programming {} tiles on cores of {} ports", plan.tiles().len(), core.ports);
        phaseloom_files::require_memory(pairs * (100.0 * plan.tiles().len() as f64 + 128.0), &what)?;
        let targets: Vec<Option<DMatrix<Complex64>>> = plan
            .tiles()
            .iter()
            .zip(&scales.full_scale)
            .map(|(tile, full_scale)| {
                let block = weight.view((tile.row, tile.column), (tile.rows, tile.columns));
                if block.iter().all(|&w| w == 0.0) {
                    return None;
                }
                let block = block.map(|w| Complex64::new(w, 0.0));
                Some(match detection {
                    Detection::Offset => block.insert_column(tile.columns, (full_scale / scales.input).into()),
                    _ => block,
                })
            })
            .collect();
        let mut common_gain = None;
        if core.normalise == GainScope::Layer {
            let mut largest = 0.0_f64;
            for target in targets.iter().flatten() {
                largest = largest.max(phaseloom_numerics::linalg::svd(target)?.sigma[0]);
            }
            common_gain = Some(largest);
        }
        let mut tiles = Vec::with_capacity(targets.len());
        for (target, &tile) in targets.into_iter().zip(plan.tiles()) {
            let Some(target) = target else {
                tiles.push(None);
                continue;
            };
            let padded = target.clone().resize(core.ports, core.ports, Complex64::new(0.0, 0.0));
            let program = match common_gain {
                Some(gain) => MatrixProgram::with_gain(&padded, gain, &design)?,
                None => MatrixProgram::new(&padded, Form::Svd, &design)?,
            };
            tiles.push(Some(TileProgram { tile, target, program }));
        }
        Ok(Self { weight: weight.clone(), plan, tiles, ports: core.ports })
    }

    /// The weight matrix, outputs × inputs.
    #[must_use]
    pub fn weight(&self) -> &DMatrix<f64> {
        &self.weight
    }

    /// How it was cut.
    #[must_use]
    pub fn plan(&self) -> &TilePlan {
        &self.plan
    }

    /// The programmed tiles in the order of the plan; `None` is a tile of zeros.
    #[must_use]
    pub fn tiles(&self) -> &[Option<TileProgram>] {
        &self.tiles
    }

    /// What follows from program and process alone: driven phases, gains, predicted error. Once per point of a sweep.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process.
    pub fn design(&self, process: &Process) -> Result<Design, HardwareError> {
        let tiles: Result<Vec<_>, HardwareError> =
            self.tiles.iter().map(|t| t.as_ref().map(|t| TileDesign::new(t, process)).transpose()).collect();
        Ok(Design { process: process.clone(), tiles: tiles?, correction: None })
    }
}

/// What a process makes of a layer before any chip is sampled.
#[derive(Clone, Debug)]
pub struct Design {
    pub(crate) process: Process,
    pub(crate) tiles: Vec<Option<TileDesign>>,
    pub(crate) correction: Option<CorrectionPlan>,
}

#[derive(Clone, Debug)]
pub(crate) struct TileDesign {
    /// Phases behind quantisation and crosstalk.
    pub driven: Vec<Phases>,
    /// `g = ‖W‖²_F/Re tr(W†Ŵ₀)`, Ŵ₀ with nominal loss and no random error.
    pub gain: f64,
    /// Predicted ‖ΔW‖², first order in the random sources, exact in the deterministic ones.
    pub error_squared: f64,
    /// ‖W‖²_F of the target.
    pub norm_squared: f64,
}

/// `‖W‖²_F/Re tr(W†Ŵ)`: the real factor that brings Ŵ back to the size of W.
pub(crate) fn gain(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    target.norm_squared() / target.dotc(realised).re
}

impl TileDesign {
    fn new(tile: &TileProgram, process: &Process) -> Result<Self, HardwareError> {
        let program = &tile.program;
        let nominal = Chip::nominal(process, program)?;
        let as_programmed: Vec<Phases> = program.stages().iter().map(|s| s.phases().clone()).collect();
        let corner = tile.target.shape();
        let lossy = nominal.matrix_from_driven(program, &as_programmed)?.view((0, 0), corner).clone_owned();
        let gain = gain(&tile.target, &lossy);
        if !(gain.is_finite() && gain > 0.0) {
            // A gain that is no number, or infinite, comes of light that is none.
            let factor = 1.0 / gain;
            let dark = !(factor.is_finite() && factor < 0.0);
            return Err(if dark {
                HardwareError::NoLight
            } else {
                HardwareError::NegativeGain { factor: format!("{factor:.1e}") }
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
        Ok(Self { driven, gain, error_squared: fixed + random, norm_squared })
    }
}

impl Design {
    /// The same layer, each of its chips corrected before it computes. The predicted error stays that of chips that are not.
    #[must_use]
    pub fn corrected(mut self, correction: Option<CorrectionPlan>) -> Self {
        self.correction = correction;
        self
    }

    /// First-order prediction of the layer's relative matrix error, ‖ΔW‖_F/‖W‖_F.
    #[must_use]
    pub fn predicted_error(&self) -> f64 {
        let (error, norm) = self
            .tiles
            .iter()
            .flatten()
            .fold((0.0, 0.0), |(e, n), tile| (e + tile.error_squared, n + tile.norm_squared));
        if norm > 0.0 { (error / norm).sqrt() } else { 0.0 }
    }

    /// Full-scale fields of the tiles, in units of √P_port: full scale/(g·s_x). Tiles of zeros are left out.
    pub fn full_scales<'a>(&'a self, scales: &'a Scales) -> impl Iterator<Item = f64> + 'a {
        let tiles = self.tiles.iter().zip(&scales.full_scale);
        tiles.filter_map(|(tile, full)| Some(full / (tile.as_ref()?.gain * scales.input)))
    }

    /// Whether the numbers of the layer stay far within the range of a float: g·s_x of every tile, and its full scale.
    #[must_use]
    pub fn fits_single(&self, scales: &Scales) -> bool {
        let fits = |x: f64| x == 0.0 || (1e-25..1e25).contains(&x);
        let mut tiles = self.tiles.iter().zip(&scales.full_scale);
        tiles.all(|(tile, &full)| tile.as_ref().is_none_or(|t| fits(t.gain * scales.input) && fits(full)))
    }

    /// Power transmission of the optics from input to output (dB, ≤ 0): mean over the tiles of ‖W‖₂/g, which the gain
    /// undoes. That of the design: a correction does not change it.
    #[must_use]
    pub fn transmission_db(&self, program: &LayerProgram) -> f64 {
        let db: Vec<f64> = self
            .tiles
            .iter()
            .zip(&program.tiles)
            .filter_map(|(design, tile)| Some(20.0 * (tile.as_ref()?.program.gain() / design.as_ref()?.gain).log10()))
            .collect();
        if db.is_empty() { 0.0 } else { db.iter().sum::<f64>() / db.len() as f64 }
    }
}

/// The scales that need no data: inputs within ±`input`, outputs within √k·‖W_tile‖₂·`input`.
///
/// # Errors
///
/// A core without ports or a matrix that cannot be decomposed.
pub fn bound_scales(weight: &DMatrix<f64>, core: &CoreSpec, link: &Link, input: f64) -> Result<Scales, HardwareError> {
    let plan = core.plan(weight.nrows(), weight.ncols(), link.detection)?;
    let mut full_scale = Vec::with_capacity(plan.tiles().len());
    for tile in plan.tiles() {
        let block = weight.view((tile.row, tile.column), (tile.rows, tile.columns)).map(|w| Complex64::new(w, 0.0));
        full_scale.push(phaseloom_numerics::linalg::svd(&block)?.sigma[0] * (core.ports as f64).sqrt() * input);
    }
    Ok(Scales { input, full_scale })
}
