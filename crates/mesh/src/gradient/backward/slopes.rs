//! Engine: measure before and after a change.
//!
//! The slopes of the phases of undone cells, and the overlaps Σ λ*·a taken back through them; see [`crate::gradient`].

use crate::cell::kind::Cell;
use crate::cell::mzi::{CellErrors, Transfer};
use crate::gradient::backward::UndoneCell;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::phase_factors;
use pulp::{Arch, Simd, WithSimd};

/// Sets the slopes of cells undone one after another, and replaces the overlaps at their outputs by those at their
/// inputs.
pub(crate) fn slopes_of_undone(
    layout: &Layout,
    errors: &[CellErrors],
    undone: &[UndoneCell],
    overlaps: &mut [Complex64],
    slopes: &mut Phases,
) {
    let twice: Vec<f64> = undone.iter().map(|undone| 2.0 * errors[undone.cell].beta).collect();
    let splitters = phase_factors(&twice);
    Arch::new().dispatch(Slopes { layout, errors, undone, splitters: &splitters, overlaps, slopes });
}

struct Slopes<'a> {
    layout: &'a Layout,
    errors: &'a [CellErrors],
    undone: &'a [UndoneCell],
    /// e^{2iβ} of each cell.
    splitters: &'a [Complex64],
    overlaps: &'a mut [Complex64],
    slopes: &'a mut Phases,
}

impl WithSimd for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { layout, errors, undone, splitters, overlaps, slopes } = self;
        // The lower mode of a cell is mostly the upper mode of the next. Its overlap is kept in a register, because a
        // load of two values that were just stored separately stalls (no store forwarding).
        let mut last = (usize::MAX, Complex64::ZERO);
        for (undone, &splitter) in undone.iter().zip(splitters) {
            let UndoneCell { cell, ref transfer, reciprocal, modes: [upper, lower], sums: [x, y] } = *undone;
            let upper_overlap = if upper == last.0 { last.1 } else { overlaps[upper] };
            let outputs = Overlaps { q: [upper_overlap, overlaps[lower]], x, y };
            let inputs = outputs.at_inputs(transfer, reciprocal);
            let inner = outputs.at_inner_mzi(layout.cell);
            // A splitter has the determinant 1, so the determinant of the inner MZI is that of the cell.
            let after_input_splitter =
                || inner.at_inputs(&layout.cell.inner_mzi(transfer, errors[cell].gamma), reciprocal)[0].im;
            let [theta, phi] =
                layout.cell.overlaps_at_shifters(inner.arm(splitter), outputs.trace(), inputs, after_input_splitter);
            slopes.set_cell(cell, -theta, -phi);
            for (k, shifter) in layout.boundary_shifters_before(cell..cell + 1) {
                slopes.set_boundary(k, -inputs[usize::from(shifter.lower)].im);
            }
            (overlaps[upper], overlaps[lower]) = (inputs[0], inputs[1]);
            last = (lower, inputs[1]);
        }
    }
}

/// The overlaps Σ λ*·a over the batch at the outputs of a cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overlaps {
    /// Of the upper and of the lower mode with itself.
    pub q: [Complex64; 2],
    /// Σ λ2*·a1
    pub x: Complex64,
    /// Σ λ1*·a2
    pub y: Complex64,
}

impl Overlaps {
    /// Im Σ λ*·a over both modes: the same at each cut through a cell.
    #[inline(always)]
    pub(crate) fn trace(&self) -> f64 {
        self.q[0].im + self.q[1].im
    }

    /// Im Σ λ*·a on the upper inner arm; `splitter` is e^{2iβ}.
    #[inline(always)]
    pub(crate) fn arm(&self, splitter: Complex64) -> f64 {
        let [q1, q2] = self.q;
        0.5 * (q1.im + q2.im - splitter.im * (q1.im - q2.im) + splitter.re * (self.x - self.y).re)
    }

    /// The overlaps at the outputs of the MZI in a cell.
    #[inline(always)]
    pub(crate) fn at_inner_mzi(self, cell: Cell) -> Self {
        let [x, y] = cell.inner_outputs([self.x, self.y]);
        Self { q: cell.inner_outputs(self.q), x, y }
    }

    /// Im Σ λ*·a on the upper mode after a splitter at η, if these are the overlaps before it; `splitter` is e^{2iη}.
    ///
    /// The inverse of [`Overlaps::arm`]: `Q′ = S·Q·S⁻¹`.
    pub(crate) fn after_splitter(&self, splitter: Complex64) -> f64 {
        let [q1, q2] = self.q;
        0.5 * (q1.im + q2.im + splitter.re * (q1.im - q2.im) - splitter.im * (self.x - self.y).re)
    }

    /// Σ λ*·a at the inputs of a cell T, the diagonal of T⁻¹·Q·T; `reciprocal` is 1/det T.
    #[inline(always)]
    fn at_inputs(&self, t: &Transfer, reciprocal: Complex64) -> [Complex64; 2] {
        let ([q1, q2], [upper, lower]) = (self.q, [t[0][0], t[1][0]]);
        let numerator = t[1][1] * (q1 * upper + self.x * lower) - t[0][1] * (self.y * upper + q2 * lower);
        let input = numerator * reciprocal;
        [input, q1 + q2 - input]
    }
}
