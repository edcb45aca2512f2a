//! The backward pass of an optical product: from the gradient of a loss by the outputs to that by the inputs, by the fields of each
//! tile, and by its gain.
//!
//! The adjoint of a field a is `λ = ∂L/∂Re a + i·∂L/∂Im a`, so that `dL = Re Σ λ*·da`. With the measured value v, its reading y(v)
//! and the realised matrix Ŵ of a tile
//!
//! ```text
//! homodyne       v = Re ã      λ = ∂L/∂y·y′(v)
//! one detector   v = |ã|²      λ = ∂L/∂y·y′(v)·2ã
//! matrix         ∂L/∂Ŵ = Σ λ·a†                       inputs   λ_in = Ŵ†·λ,  ∂L/∂x = Re(λ_in*·da/dx)
//! gain           ∂L/∂ln g = Σ ∂L/∂y·y
//! ```
//!
//! Draws of noise are constants, or with `differentiate_noise` constant in units of their standard deviation, which depends on the
//! field (reparameterised; counted photons stay constant). Rounding counts as the identity, at the rounded value; a saturated value
//! has no slope. Phases that jitter count at their mean (derived; the rules are those of straight-through estimators, Bengio et
//! al. 2013).

use crate::link::Detection;
use crate::product::layer_program::TileProgram;
use crate::product::matrix_product::{Batch, MatrixProduct, ProductStatistics, Shot};
use crate::product::optical::{OpticalProduct, Optics, Readings};
use crate::product::slopes::{CorePass, SlopeMethod};
use crate::product::tile_engine::{DrivenChip, RealisedTile};
use crate::tile::Tile;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Phases;
use phaseloom_numerics::linalg::multiply;

/// What the backward pass needs of a product: the inputs, and the measured values unless the link is ideal.
#[derive(Debug)]
pub struct ProductTrace {
    pub(super) input: Batch,
    pub(super) values: Vec<Vec<f64>>,
}

/// Gradients of a loss for one tile.
#[derive(Debug)]
pub(super) struct TileGradient {
    /// By the phases of every stage as the light meets them (1/rad).
    pub phases: Vec<Phases>,
    /// By the logarithm of the gain.
    pub log_gain: f64,
    /// How many times light passed the core.
    pub passes: u64,
}

/// A complex matrix in two real ones; no second one if it is real.
struct Parts {
    re: DMatrix<f64>,
    im: Option<DMatrix<f64>>,
}

impl Parts {
    fn from_complex(matrix: &DMatrix<Complex64>) -> Self {
        Self { re: matrix.map(|z| z.re), im: Some(matrix.map(|z| z.im)) }
    }

    fn complex(&self) -> DMatrix<Complex64> {
        match &self.im {
            Some(im) => self.re.zip_map(im, Complex64::new),
            None => self.re.map(Complex64::from),
        }
    }

    fn transposed(&self) -> Self {
        Self { re: self.re.transpose(), im: self.im.as_ref().map(DMatrix::transpose) }
    }

    /// A·B, or A·B with A conjugated, or with B conjugated: `signs` are those of the imaginary parts.
    fn product(&self, other: &Self, signs: [f64; 2]) -> Self {
        let mut re = multiply(&self.re, &other.re);
        let mut im: Option<DMatrix<f64>> = None;
        let mut add = |sign: f64, part: DMatrix<f64>| {
            let part = part * sign;
            im = Some(match im.take() {
                Some(sum) => sum + part,
                None => part,
            });
        };
        if let Some(own) = &self.im {
            add(signs[0], multiply(own, &other.re));
        }
        if let Some(others) = &other.im {
            add(signs[1], multiply(&self.re, others));
        }
        if let (Some(own), Some(others)) = (&self.im, &other.im) {
            re -= multiply(own, others) * (signs[0] * signs[1]);
        }
        Self { re, im }
    }
}

/// The fields of the ports of a column of tiles (ports × vectors), and their derivatives by the inputs (inputs × vectors).
struct SentColumn {
    fields: Parts,
    slopes: Parts,
}

impl OpticalProduct<f64> {
    /// The product with all that [`OpticalProduct::backward`] needs.
    pub(super) fn record(&self, input: &Batch, shot: Shot) -> (Batch, ProductTrace, ProductStatistics) {
        let mut values = vec![Vec::new(); self.realised.len()];
        let readings: Option<&mut Readings> = matches!(self.optics, Optics::Tiles(_)).then_some(&mut values[..]);
        let (output, statistics) = self.multiply_recorded(input, shot, readings);
        (output, ProductTrace { input: input.clone(), values }, statistics)
    }

    /// Gradients for each tile that is not zero, and for the inputs if `needs_input`. `gradient` is that of the loss by the outputs
    /// (outputs × vectors).
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
        let plan = self.program.plan();
        assert_eq!(self.realised.len(), plan.tiles().len(), "a product for a backward pass");
        assert_eq!(gradient.shape(), (self.shape().0, trace.input.ncols()), "a slope for each output");
        let blocks = plan.column_blocks();
        let columns: Vec<SentColumn> =
            plan.tiles()[..blocks].iter().map(|tile| self.sent(tile, &trace.input)).collect();
        let mut by_input = needs_input.then(|| Batch::zeros(trace.input.nrows(), trace.input.ncols()));
        let mut tiles = Vec::with_capacity(self.realised.len());
        for (t, realised) in self.realised.iter().enumerate() {
            let Some(realised) = realised else {
                tiles.push(None);
                continue;
            };
            let (tile, sent) = (&plan.tiles()[t], &columns[t % blocks]);
            let of_outputs = gradient.rows(tile.row, tile.rows).into_owned();
            let corner = Parts::from_complex(&realised.corner);
            let (adjoint, of_readings) = self.adjoint(t, realised, (&corner, sent), &of_outputs, trace);
            if let Some(by_input) = &mut by_input {
                let before = corner.transposed().product(&adjoint, [-1.0, 1.0]);
                let inputs = tile.columns;
                let mut slope = before.re.rows(0, inputs).component_mul(&sent.slopes.re);
                if let (Some(a), Some(b)) = (&before.im, &sent.slopes.im) {
                    slope += a.rows(0, inputs).component_mul(b);
                }
                let mut rows = by_input.rows_mut(tile.column, inputs);
                rows += slope;
            }
            let (Some(program), Some(method)) = (&self.program.tiles()[t], method) else { continue };
            let by_matrix = adjoint.product(&sent.fields.transposed(), [1.0, -1.0]).complex();
            let vectors = || [sent.fields.complex(), adjoint.complex()];
            let (phases, along, passes) =
                phase_slopes(program, realised, by_matrix, (trace.input.ncols(), &vectors), method);
            tiles.push(Some(TileGradient { phases, log_gain: of_readings.unwrap_or(along), passes }));
        }
        (tiles, by_input)
    }

    /// The fields that the transmitter sends to a column of tiles.
    fn sent(&self, tile: &Tile, input: &Batch) -> SentColumn {
        let inputs = input.rows(tile.column, tile.columns);
        let both = inputs.map(|x| self.transmitter.linearised(x));
        let is_real = !self.transmitter.quadrature();
        let parts = |of: &dyn Fn(&(Complex64, Complex64)) -> Complex64| Parts {
            re: both.map(|pair| of(&pair).re),
            im: (!is_real).then(|| both.map(|pair| of(&pair).im)),
        };
        let (mut fields, slopes) = (parts(&|pair| pair.0), parts(&|pair| pair.1));
        // Offset detection has a constant field at one more port.
        if self.link.detection == Detection::Offset {
            let full = self.transmitter.full_field();
            fields.re = fields.re.insert_row(tile.columns, full.re);
            fields.im = fields.im.map(|im| im.insert_row(tile.columns, full.im));
        }
        SentColumn { fields, slopes }
    }

    /// The adjoint of the fields at the outputs of a tile, and Σ ∂L/∂y·y if the values were recorded.
    fn adjoint(
        &self,
        t: usize,
        realised: &RealisedTile,
        (corner, sent): (&Parts, &SentColumn),
        gradient: &Batch,
        trace: &ProductTrace,
    ) -> (Parts, Option<f64>) {
        let rows = gradient.nrows();
        let engine = match &self.optics {
            Optics::Sum(_) => {
                let mut re = gradient.clone();
                re.column_iter_mut().for_each(|mut column| {
                    column
                        .iter_mut()
                        .zip(&realised.gains)
                        .for_each(|(slope, gain)| *slope *= gain * self.transmitter.scale());
                });
                return (Parts { re, im: None }, None);
            }
            Optics::Tiles(tiles) => tiles[t].as_ref(),
        };
        let Some(readout) = engine.map(|engine| &engine.readout) else { unreachable!("a tile that is not zero") };
        let mut along = 0.0;
        let mut slopes = gradient.clone();
        for (k, (slope, &value)) in slopes.as_mut_slice().iter_mut().zip(&trace.values[t]).enumerate() {
            let (read, by_value) = readout.linearised(value, k % rows);
            along += *slope * read;
            *slope *= by_value;
        }
        let homodyne = self.link.detection == Detection::Homodyne;
        if homodyne && !self.differentiates_noise {
            return (Parts { re: slopes, im: None }, Some(along));
        }
        let fields = corner.product(&sent.fields, [1.0, 1.0]);
        let mut by_im = None;
        if self.differentiates_noise {
            let mut imaginary = DMatrix::zeros(slopes.nrows(), slopes.ncols());
            for (k, slope) in slopes.as_mut_slice().iter_mut().enumerate() {
                let (re, im) = (fields.re[k], fields.im.as_ref().map_or(0.0, |im| im[k]));
                let mean = if homodyne { re } else { re * re + im * im };
                let Some([first, second]) = self.receiver.noise_slopes(re, im) else { continue };
                // value = mean + s·w with the same w: its derivative is 1 + s′·w = 1 + (½ ln s²)′·(value − mean).
                let noise = trace.values[t][k] - mean;
                imaginary[k] = *slope * second * noise;
                *slope *= 1.0 + first * noise;
            }
            by_im = homodyne.then_some(imaginary);
        }
        if homodyne {
            return (Parts { re: slopes, im: by_im }, Some(along));
        }
        let of = |part: &DMatrix<f64>| slopes.component_mul(part) * 2.0;
        (Parts { re: of(&fields.re), im: fields.im.as_ref().map(of) }, Some(along))
    }
}

/// The gradient by the phases of every stage, Re Σ λ*·ã, and the number of passes of light.
///
/// `by_matrix` is Σ λ·a†, the gradient by the realised corner; `vectors` gives the fields a (inputs × vectors) and the adjoints λ
/// (outputs × vectors) of `count` vectors. A batch of at least as many vectors as the matrix has columns passes the meshes as
/// the gradient by the matrix, so that its size costs one product alone; a smaller one passes as it is.
pub(super) fn phase_slopes(
    tile: &TileProgram,
    realised: &RealisedTile,
    by_matrix: DMatrix<Complex64>,
    (count, vectors): (usize, &dyn Fn() -> [DMatrix<Complex64>; 2]),
    method: &dyn SlopeMethod,
) -> (Vec<Phases>, f64, u64) {
    let (ports, columns) = (tile.program.shape(), realised.corner.ncols());
    let along = by_matrix.dotc(&realised.corner).re;
    let padded = |matrix: DMatrix<Complex64>, rows: usize| matrix.resize_vertically(rows, Complex64::ZERO);
    let (fields, adjoint) = if method.takes_matrix() && count >= columns {
        (DMatrix::identity(ports.1, columns), padded(by_matrix, ports.0))
    } else {
        let [fields, adjoint] = vectors();
        (padded(fields, ports.1), padded(adjoint, ports.0))
    };
    let DrivenChip { chip, driven, .. } = &realised.chip;
    let pass = CorePass { chip, program: &tile.program, driven, fields: &fields, adjoint: &adjoint };
    (method.slopes(&pass), along, method.passes(&pass))
}
