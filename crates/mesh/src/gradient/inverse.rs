//! Engine: measure before and after a change.
//!
//! The coefficients with which undone cells join their modes: those of the inverse for the fields and of the adjoint
//! for the adjoints, for as many cells at once as a register has lanes.
//!
//! With the scale factors c of the upper mode, which is carried, and m of the lower one (see
//! [`crate::propagate::chains`])
//!
//! ```text
//! inverse   α = −u·m/c,   β = −v·c/m,   u = T11/T21,   v = T22/T12;   carried: −T21/det T,   kept: −T12/det T
//! adjoint   α = v*·m/c,   β = u*·c/m;                                 carried: T12*,         kept: T21*
//! ```

use crate::cell::mzi::Transfer;
use crate::propagate::chains::{MIN_PIVOT, MIN_SCALE};
use num_complex::Complex64;
use pulp::{Scalar, Simd};

/// Number of lanes of the widest register.
pub(crate) const LANES: usize = 8;

/// A register of complex numbers.
#[derive(Clone, Copy)]
pub(crate) struct ComplexLanes<S: Simd> {
    pub re: S::f64s,
    pub im: S::f64s,
}

impl ComplexLanes<Scalar> {
    pub(crate) fn from_scalar(z: Complex64) -> Self {
        Self { re: z.re, im: z.im }
    }

    pub(crate) fn to_scalar(self) -> Complex64 {
        Complex64::new(self.re, self.im)
    }
}

impl<S: Simd> ComplexLanes<S> {
    #[inline(always)]
    fn mul(self, simd: S, other: Self) -> Self {
        Self {
            re: simd.negate_mul_add_e_f64s(self.im, other.im, simd.mul_f64s(self.re, other.re)),
            im: simd.mul_add_e_f64s(self.im, other.re, simd.mul_f64s(self.re, other.im)),
        }
    }

    /// `self*·other`
    #[inline(always)]
    fn conj_mul(self, simd: S, other: Self) -> Self {
        Self {
            re: simd.mul_add_e_f64s(self.im, other.im, simd.mul_f64s(self.re, other.re)),
            im: simd.negate_mul_add_e_f64s(self.im, other.re, simd.mul_f64s(self.re, other.im)),
        }
    }

    #[inline(always)]
    fn scaled(self, simd: S, by: S::f64s) -> Self {
        Self { re: simd.mul_f64s(self.re, by), im: simd.mul_f64s(self.im, by) }
    }

    #[inline(always)]
    fn neg(self, simd: S) -> Self {
        Self { re: simd.neg_f64s(self.re), im: simd.neg_f64s(self.im) }
    }

    #[inline(always)]
    fn conj(self, simd: S) -> Self {
        Self { im: simd.neg_f64s(self.im), ..self }
    }

    #[inline(always)]
    fn norm_sqr(self, simd: S) -> S::f64s {
        simd.mul_add_e_f64s(self.re, self.re, simd.mul_f64s(self.im, self.im))
    }

    /// The pivots, enlarged to [`MIN_PIVOT`] relative to `others`, and their squared moduli.
    #[inline(always)]
    fn enlarged_pivot(self, simd: S, others: Self) -> (Self, S::f64s) {
        let (size, others_size) = (self.norm_sqr(simd), others.norm_sqr(simd));
        let least = simd.mul_f64s(others_size, simd.splat_f64s(MIN_PIVOT * MIN_PIVOT));
        let small = simd.less_than_f64s(size, least);
        let enlarged = simd.mul_f64s(simd.sqrt_f64s(others_size), simd.splat_f64s(MIN_PIVOT));
        let pivots = Self {
            re: simd.select_f64s(small, enlarged, self.re),
            im: simd.select_f64s(small, simd.splat_f64s(0.0), self.im),
        };
        (pivots, simd.select_f64s(small, least, size))
    }
}

/// Coefficients of each cell before the scale factors of its modes are applied. Index 0: inverse; index 1: adjoint.
#[derive(Clone, Copy)]
pub(crate) struct CellCoefficients<S: Simd> {
    /// (−u, v*)
    pub alpha: [ComplexLanes<S>; 2],
    /// (−v, u*)
    pub beta: [ComplexLanes<S>; 2],
    /// The factors of the carried mode and of the kept mode.
    pub carried: [ComplexLanes<S>; 2],
    pub kept: [ComplexLanes<S>; 2],
    /// 1/det T
    pub reciprocal: ComplexLanes<S>,
}

impl<S: Simd> CellCoefficients<S> {
    #[inline(always)]
    pub(crate) fn new(simd: S, [[t11, t12], [t21, t22]]: [[ComplexLanes<S>; 2]; 2]) -> Self {
        let one = simd.splat_f64s(1.0);
        let (major, minor) = (t11.mul(simd, t22), t12.mul(simd, t21));
        let determinant = ComplexLanes { re: simd.sub_f64s(major.re, minor.re), im: simd.sub_f64s(major.im, minor.im) };
        let reciprocal = determinant.conj(simd).scaled(simd, simd.div_f64s(one, determinant.norm_sqr(simd)));
        let ((t12, norm_t12), (t21, norm_t21)) = (t12.enlarged_pivot(simd, t22), t21.enlarged_pivot(simd, t11));
        let u = t21.conj_mul(simd, t11).scaled(simd, simd.div_f64s(one, norm_t21));
        let v = t12.conj_mul(simd, t22).scaled(simd, simd.div_f64s(one, norm_t12));
        Self {
            alpha: [u.neg(simd), v.conj(simd)],
            beta: [v.neg(simd), u.conj(simd)],
            carried: [t21.mul(simd, reciprocal).neg(simd), t12.conj(simd)],
            kept: [t12.mul(simd, reciprocal).neg(simd), t21.conj(simd)],
            reciprocal,
        }
    }

    /// The elements on modes with the scale factors c and m. The product |c|²·|m|² must be in the range of a double.
    #[inline(always)]
    pub(crate) fn scaled_by(
        &self,
        simd: S,
        (c, m): ([ComplexLanes<S>; 2], [ComplexLanes<S>; 2]),
    ) -> ScaledCoefficients<S> {
        let one = simd.splat_f64s(1.0);
        let sums = [m[1].conj_mul(simd, c[0]), c[1].conj_mul(simd, m[0])];
        let Self { alpha, beta, carried, kept, .. } = *self;
        let mut scaled = ScaledCoefficients { alpha, beta, sums, upper: kept, lower: carried, in_range: one };
        for direction in 0..2 {
            let (c, m) = (c[direction], m[direction]);
            // m/c and its reciprocal, with one division.
            let (norm_c, norm_m) = (c.norm_sqr(simd), m.norm_sqr(simd));
            let both = simd.div_f64s(one, simd.mul_f64s(norm_c, norm_m));
            let w = c.conj_mul(simd, m);
            scaled.alpha[direction] = w.mul(simd, alpha[direction]).scaled(simd, simd.mul_f64s(both, norm_m));
            scaled.beta[direction] = w.conj_mul(simd, beta[direction]).scaled(simd, simd.mul_f64s(both, norm_c));
            let (upper, lower) = (kept[direction].mul(simd, m), carried[direction].mul(simd, c));
            (scaled.upper[direction], scaled.lower[direction]) = (upper, lower);
            // Inverses of lossy cells amplify, so the factors grow as well as shrink.
            for norm in [upper.norm_sqr(simd), lower.norm_sqr(simd)] {
                let large = simd.less_than_f64s(simd.splat_f64s(MIN_SCALE), norm);
                let small = simd.less_than_f64s(norm, simd.splat_f64s(1.0 / MIN_SCALE));
                let zero = simd.splat_f64s(0.0);
                scaled.in_range = simd.select_f64s(large, simd.select_f64s(small, scaled.in_range, zero), zero);
            }
        }
        scaled
    }
}

/// Elements of cells with scale factors, and the new scale factors.
pub(crate) struct ScaledCoefficients<S: Simd> {
    pub alpha: [ComplexLanes<S>; 2],
    pub beta: [ComplexLanes<S>; 2],
    /// The scale factors of the sums x and y: `m*·c` and `c*·m` of adjoint and inverse.
    pub sums: [ComplexLanes<S>; 2],
    /// The new scale factors of the upper and of the lower mode.
    pub upper: [ComplexLanes<S>; 2],
    pub lower: [ComplexLanes<S>; 2],
    /// One where the new scale factors are in range, else zero.
    pub in_range: S::f64s,
}

/// The entries of up to a register of transfer matrices, one lane per cell.
#[inline(always)]
pub(crate) fn transposed<S: Simd>(transfers: &[Transfer]) -> [[ComplexLanes<S>; 2]; 2] {
    // Unused lanes hold a valid unitary cell, so that no lane divides by zero.
    let mut parts = [
        [0.6; LANES],
        [0.0; LANES],
        [0.8; LANES],
        [0.0; LANES],
        [-0.8; LANES],
        [0.0; LANES],
        [0.6; LANES],
        [0.0; LANES],
    ];
    for (k, t) in transfers.iter().enumerate() {
        for (part, z) in parts.as_chunks_mut::<2>().0.iter_mut().zip(t.as_flattened()) {
            (part[0][k], part[1][k]) = (z.re, z.im);
        }
    }
    let register = |part: usize| S::as_simd_f64s(&parts[part]).0[0];
    let entry = |e: usize| ComplexLanes { re: register(2 * e), im: register(2 * e + 1) };
    [[entry(0), entry(1)], [entry(2), entry(3)]]
}

/// Complex numbers that can be read lane by lane.
#[derive(Clone, Copy)]
pub(crate) struct LaneArray([[f64; LANES]; 2]);

impl LaneArray {
    #[inline(always)]
    pub(crate) fn from_register<S: Simd>(numbers: ComplexLanes<S>) -> Self {
        let mut lanes = [[0.0; LANES]; 2];
        S::as_mut_simd_f64s(&mut lanes[0]).0[0] = numbers.re;
        S::as_mut_simd_f64s(&mut lanes[1]).0[0] = numbers.im;
        Self(lanes)
    }

    #[inline(always)]
    pub(crate) fn at(&self, lane: usize) -> Complex64 {
        Complex64::new(self.0[0][lane], self.0[1][lane])
    }
}

/// The pending scale factors of each mode of the fields and of the adjoints. Modes two apart are adjacent in memory,
/// like those of the cells of a run.
pub(crate) struct PendingFactors {
    modes: usize,
    /// Length of a plane.
    stride: usize,
    /// Planes of even, then of odd modes: real and imaginary parts for the fields, then for the adjoints.
    values: Vec<f64>,
}

impl PendingFactors {
    pub(crate) fn new(modes: usize) -> Self {
        let stride = modes / 2 + 1 + LANES;
        let mut factors = Self { modes, stride, values: vec![0.0; 8 * stride] };
        factors.reset();
        factors
    }

    pub(crate) fn modes(&self) -> usize {
        self.modes
    }

    /// Sets all factors to 1.
    pub(crate) fn reset(&mut self) {
        let planes = self.values.chunks_exact_mut(self.stride).enumerate();
        planes.for_each(|(part, plane)| plane.fill(f64::from(u8::from(part.is_multiple_of(2)))));
    }

    /// Index of a part (0…3) of the factors of a mode.
    fn at(&self, mode: usize, part: usize) -> usize {
        (4 * (mode % 2) + part) * self.stride + mode / 2
    }

    pub(crate) fn get(&self, mode: usize) -> [Complex64; 2] {
        let part = |k: usize| self.values[self.at(mode, k)];
        [Complex64::new(part(0), part(1)), Complex64::new(part(2), part(3))]
    }

    pub(crate) fn set(&mut self, mode: usize, [inverse, adjoint]: [Complex64; 2]) {
        for (k, part) in [inverse.re, inverse.im, adjoint.re, adjoint.im].into_iter().enumerate() {
            let at = self.at(mode, k);
            self.values[at] = part;
        }
    }

    /// Loads the factors of the modes `mode`, `mode` + 2, …
    #[inline(always)]
    pub(crate) fn load<S: Simd>(&self, mode: usize) -> [ComplexLanes<S>; 2] {
        let part = |k: usize| S::as_simd_f64s(&self.values[self.at(mode, k)..][..S::F64_LANES]).0[0];
        [ComplexLanes { re: part(0), im: part(1) }, ComplexLanes { re: part(2), im: part(3) }]
    }

    /// Stores the factors of the first `count` of the modes `mode`, `mode` + 2, …
    #[inline(always)]
    pub(crate) fn store<S: Simd>(&mut self, simd: S, mode: usize, count: usize, [a, b]: [ComplexLanes<S>; 2]) {
        for (k, part) in [a.re, a.im, b.re, b.im].into_iter().enumerate() {
            let at = self.at(mode, k);
            simd.partial_store_f64s(&mut self.values[at..][..count], part);
        }
    }
}
