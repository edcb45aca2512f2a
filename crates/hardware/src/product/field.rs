//! The product of a complex layer: fields go in and out, and nothing is detected in between.
//!
//! A batch of n fields a is real: the n in-phase parts of a vector come before its n quadratures (2n × vectors). A complex matrix
//! W is real, too: its real part R above its imaginary part I. With X the parts of the fields next to each other (n × 2·vectors)
//! and S the parts of λ and of −i·λ next to each other,
//!
//! ```text
//! y = W·a          (R; I)·X gives all four products of parts
//! ∂L/∂W = Σ λ·a†   S·Xᵀ
//! λ_in = W†·λ      (R; I)ᵀ·S
//! ```
//!
//! where the adjoint of a field a is `λ = ∂L/∂Re a + i·∂L/∂Im a`, the order of parts in a batch. The fields of the tiles of a row
//! add up. A real gain follows each tile, such as the one that the design chose to undo its mean loss: an amplifier of amplitude.

use crate::chip::Chip;
use crate::error::HardwareError;
use crate::link::{Detection, Link};
use crate::process::{Imperfection, PhaseQuantization, Process};
use crate::product::address::LayerAddress;
use crate::product::backward::{ProductTrace, TileGradient, phase_slopes};
use crate::product::core_spec::CoreUse;
use crate::product::layer_design::{LayerDesign, relative_error};
use crate::product::layer_program::LayerProgram;
use crate::product::matrix_product::{Batch, MatrixProduct, ProductStatistics, Shot};
use crate::product::slopes::SlopeMethod;
use crate::product::tile_engine::{ChipTile, RealisedTile, StaticErrors, on_chips};
use crate::tile::Tile;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::InvalidValue;
use phaseloom_numerics::linalg::{multiply, multiply_batch};
use std::sync::Arc;

/// The product of a complex matrix (real part above imaginary part, 2·outputs × inputs) and fields (2·inputs × vectors):
/// 2·outputs × vectors.
///
/// # Panics
///
/// If the shapes do not fit.
#[must_use]
pub fn multiply_fields(matrix: &DMatrix<f64>, fields: &Batch) -> Batch {
    let (rows, vectors) = (matrix.nrows(), fields.ncols());
    let parts = multiply_batch(matrix, &parts_aside(fields));
    let mut output = Batch::zeros(rows, vectors);
    if rows == 0 {
        return output;
    }
    let half = rows / 2;
    for (y, p) in output.as_mut_slice().chunks_exact_mut(rows).zip(parts.as_slice().chunks_exact(2 * rows)) {
        let (re, im) = y.split_at_mut(half);
        for k in 0..half {
            re[k] = p[k] - p[rows + half + k];
            im[k] = p[half + k] + p[rows + k];
        }
    }
    output
}

/// The gradients of a loss by a complex matrix (as the matrix), and by the fields at its inputs if `needs_input`, from the gradient
/// by the fields at its outputs (2·outputs × vectors).
///
/// # Panics
///
/// If the shapes do not fit.
#[must_use]
pub fn field_gradients(
    matrix: &DMatrix<f64>,
    fields: &Batch,
    gradient: &Batch,
    needs_input: bool,
) -> (DMatrix<f64>, Option<Batch>) {
    let (rows, vectors) = gradient.shape();
    let half = rows / 2;
    let mut adjoint = DMatrix::zeros(rows, 2 * vectors);
    if rows > 0 {
        for (s, g) in adjoint.as_mut_slice().chunks_exact_mut(2 * rows).zip(gradient.as_slice().chunks_exact(rows)) {
            s[..rows].copy_from_slice(g);
            s[rows..rows + half].copy_from_slice(&g[half..]);
            s[rows + half..].iter_mut().zip(&g[..half]).for_each(|(s, g)| *s = -g);
        }
    }
    let by_matrix = multiply(&adjoint, &parts_aside(fields).transpose());
    let by_fields = needs_input.then(|| {
        let parts = multiply(&matrix.transpose(), &adjoint);
        Batch::from_vec(2 * matrix.ncols(), vectors, parts.data.into())
    });
    (by_matrix, by_fields)
}

/// Checks that complex layers can compute on chips of a process, next to a link.
///
/// # Errors
///
/// The key of phases that jitter, and of a link that is not ideal: no detector and no converter is between complex layers.
pub fn check_fields(process: &Process, link: &Link) -> Result<(), InvalidValue> {
    if process.fluctuates() {
        let expected = "no such table: complex layers compute with phases that do not move";
        return Err(InvalidValue::new("process.phase_jitter", "given, with complex layers", expected));
    }
    if !link.is_ideal() || link.detection != Detection::Homodyne {
        let expected =
            "no such table: fields go from layer to layer, and no modulator, detector or converter is in between";
        return Err(InvalidValue::new("link", "a link that is not ideal, with complex layers", expected));
    }
    Ok(())
}

/// Both parts of each vector next to each other: n × 2·vectors.
fn parts_aside(fields: &Batch) -> DMatrix<f64> {
    DMatrix::from_column_slice(fields.nrows() / 2, 2 * fields.ncols(), fields.as_slice())
}

/// Complex fields from some rows of a batch of fields.
fn complex_rows(fields: &Batch, first: usize, count: usize) -> DMatrix<Complex64> {
    let half = fields.nrows() / 2;
    fields.rows(first, count).zip_map(&fields.rows(half + first, count), Complex64::new)
}

/// One complex layer on fabricated chips.
pub struct FieldProduct {
    program: Arc<LayerProgram>,
    /// Σ g·Ŵ of the tiles: real part above imaginary part.
    matrix: DMatrix<f64>,
    errors: StaticErrors,
    /// The tiles as their chips realise them, for the backward pass; empty where none is asked for.
    realised: Vec<Option<RealisedTile>>,
}

impl FieldProduct {
    /// Fabricates the chips of a complex layer and realises its matrix.
    ///
    /// # Errors
    ///
    /// Impossible processes, corrections that fail. [`HardwareError::Unfit`] for a design of another program, and for phases that
    /// jitter, which this product does not compute.
    ///
    /// # Panics
    ///
    /// If the weights are real, or `design` is that of another program with as many tiles.
    pub fn new(
        program: &Arc<LayerProgram>,
        design: &LayerDesign,
        core_use: CoreUse,
        address: LayerAddress,
    ) -> Result<Self, HardwareError> {
        Self::on_chips(program, design, core_use, address, None)
    }

    /// The layer in electronics: the parts of the weights of each tile have the bits of the phases, in a symmetric code over ± the
    /// largest of them. The result is that of [`DigitalProduct`](crate::DigitalProduct) for complex weights.
    ///
    /// # Errors
    ///
    /// Impossible values of `phases`.
    ///
    /// # Panics
    ///
    /// If the weights are real.
    pub fn digital(program: &Arc<LayerProgram>, phases: Option<&PhaseQuantization>) -> Result<Self, HardwareError> {
        assert!(program.kind().is_complex(), "complex weights");
        phases.map_or(Ok(()), Imperfection::check).map_err(HardwareError::Process)?;
        let weight = program.weight();
        let outputs = program.plan().shape().0;
        let mut matrix = weight.clone();
        for tile in program.plan().tiles() {
            let parts = [*tile, Tile { row: tile.row + outputs, ..*tile }];
            let largest = parts.iter().map(|part| part.block(weight).amax()).fold(0.0, f64::max);
            if let Some(phases) = phases.filter(|_| largest > 0.0) {
                for part in &parts {
                    let mut block = matrix.view_mut((part.row, part.column), (part.rows, part.columns));
                    block.iter_mut().for_each(|w| *w = phases.round_weight(*w, largest));
                }
            }
        }
        let error_squared = (&matrix - weight).norm_squared();
        let errors =
            StaticErrors { error_squared, measured_squared: error_squared, norm_squared: weight.norm_squared() };
        Ok(Self { program: program.clone(), matrix, errors, realised: Vec::new() })
    }

    /// The same on given chips, one for each tile that is not zero, with all that a backward pass needs.
    pub(super) fn on_chips(
        program: &Arc<LayerProgram>,
        design: &LayerDesign,
        core_use: CoreUse,
        address: LayerAddress,
        chips: Option<&[Option<Chip>]>,
    ) -> Result<Self, HardwareError> {
        assert!(program.kind().is_complex(), "complex weights");
        check_fields(&design.process, &Link::ideal(Detection::Homodyne)).map_err(HardwareError::Unfit)?;
        let (outputs, inputs) = program.plan().shape();
        let mut matrix = DMatrix::zeros(2 * outputs, inputs);
        let mut errors = StaticErrors::default();
        let mut realised = vec![None; if chips.is_some() { program.tiles().len() } else { 0 }];
        on_chips((program, design), core_use.sharing, address, chips, &mut |of: ChipTile<'_>| {
            let tile = RealisedTile::new(of.program, of.chip, core_use.calibration, false)?;
            errors.add(&tile.errors);
            let at = of.program.tile;
            for i in 0..at.rows {
                for j in 0..at.columns {
                    let entry = tile.corner[(i, j)] * tile.gains[i];
                    matrix[(at.row + i, at.column + j)] = entry.re;
                    matrix[(outputs + at.row + i, at.column + j)] = entry.im;
                }
            }
            if chips.is_some() {
                realised[of.index] = Some(tile);
            }
            Ok(())
        })?;
        Ok(Self { program: program.clone(), matrix, errors, realised })
    }

    /// ‖gŴ − W‖_F/‖W‖_F over all tiles. All of it reaches the fields.
    #[must_use]
    pub fn matrix_error(&self) -> f64 {
        relative_error([(self.errors.error_squared, self.errors.norm_squared)].into_iter())
    }

    /// The product with all that [`FieldProduct::backward`] needs.
    pub(super) fn record(&self, input: &Batch) -> (Batch, ProductTrace) {
        (multiply_fields(&self.matrix, input), ProductTrace { input: input.clone(), values: Vec::new() })
    }

    /// Gradients for each tile that is not zero, and for the inputs if `needs_input`. `gradient` is that of the loss by the outputs
    /// (2·outputs × vectors).
    ///
    /// # Panics
    ///
    /// If the product was not made for a backward pass, or shapes differ.
    pub(super) fn backward(
        &self,
        trace: &ProductTrace,
        gradient: &Batch,
        needs_input: bool,
        method: Option<&dyn SlopeMethod>,
    ) -> (Vec<Option<TileGradient>>, Option<Batch>) {
        let tiles = self.program.tiles();
        assert_eq!(self.realised.len(), tiles.len(), "a product for a backward pass");
        assert_eq!(gradient.shape(), (self.matrix.nrows(), trace.input.ncols()), "a slope for each part of an output");
        let (by_matrix, by_input) = field_gradients(&self.matrix, &trace.input, gradient, needs_input);
        let mut found = Vec::with_capacity(tiles.len());
        for (tile, realised) in tiles.iter().zip(&self.realised) {
            let (Some(program), Some(realised), Some(method)) = (tile, realised, method) else {
                found.push(None);
                continue;
            };
            let at = program.tile;
            // The fields before the gain have g times the adjoint.
            let before_gain = |mut adjoint: DMatrix<Complex64>| {
                for (mut row, gain) in adjoint.row_iter_mut().zip(&realised.gains) {
                    row *= Complex64::from(*gain);
                }
                adjoint
            };
            let by_corner = complex_rows(&by_matrix, at.row, at.rows).columns(at.column, at.columns).into_owned();
            let vectors = || {
                let fields = complex_rows(&trace.input, at.column, at.columns);
                [fields, before_gain(complex_rows(gradient, at.row, at.rows))]
            };
            let count = trace.input.ncols();
            let (phases, log_gain, passes) =
                phase_slopes(program, realised, before_gain(by_corner), (count, &vectors), method);
            found.push(Some(TileGradient { phases, log_gain, passes }));
        }
        (found, by_input)
    }
}

impl MatrixProduct for FieldProduct {
    /// (2·outputs, 2·inputs) of the real matrix that acts on both parts of the fields.
    fn shape(&self) -> (usize, usize) {
        (self.matrix.nrows(), 2 * self.matrix.ncols())
    }

    /// Nothing is converted and detected, so the statistics are empty.
    fn multiply(&self, input: &Batch, _shot: Shot) -> (Batch, ProductStatistics) {
        (multiply_fields(&self.matrix, input), ProductStatistics::default())
    }
}
