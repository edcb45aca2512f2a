//! How cells that are undone join their lines: pivots of the inverse and of the adjoint, of as many cells at once as a
//! register has numbers.
//!
//! With the factors c of the upper line, which is carried on, and m of the lower one (see [`crate::propagate::chains`])
//!
//! ```text
//! inverse   α = −u·m/c,   β = −v·c/m,   u = T11/T21,   v = T22/T12;   carried: −T21/det T,   left: −T12/det T
//! adjoint   α = v*·m/c,   β = u*·c/m;                                 carried: T12*,         left: T21*
//! ```

use crate::cell::mzi::Transfer;
use crate::propagate::chains::{MIN_PIVOT, MIN_SCALE};
use num_complex::Complex64;
use pulp::{Scalar, Simd};

/// The widest register.
pub(crate) const LANES: usize = 8;

/// Complex numbers, a register of them.
#[derive(Clone, Copy)]
pub(crate) struct Numbers<S: Simd> {
    pub re: S::f64s,
    pub im: S::f64s,
}

impl Numbers<Scalar> {
    pub(crate) fn one(z: Complex64) -> Self {
        Self { re: z.re, im: z.im }
    }

    pub(crate) fn the_one(self) -> Complex64 {
        Complex64::new(self.re, self.im)
    }
}

impl<S: Simd> Numbers<S> {
    #[inline(always)]
    fn times(self, simd: S, other: Self) -> Self {
        Self {
            re: simd.negate_mul_add_e_f64s(self.im, other.im, simd.mul_f64s(self.re, other.re)),
            im: simd.mul_add_e_f64s(self.im, other.re, simd.mul_f64s(self.re, other.im)),
        }
    }

    /// `self*·other`
    #[inline(always)]
    fn conj_times(self, simd: S, other: Self) -> Self {
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
    fn minus(self, simd: S) -> Self {
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

    /// The pivots, made larger where they are too small beside others; and their squares.
    #[inline(always)]
    fn at_least(self, simd: S, others: Self) -> (Self, S::f64s) {
        let (size, of_others) = (self.norm_sqr(simd), others.norm_sqr(simd));
        let least = simd.mul_f64s(of_others, simd.splat_f64s(MIN_PIVOT * MIN_PIVOT));
        let small = simd.less_than_f64s(size, least);
        let enlarged = simd.mul_f64s(simd.sqrt_f64s(of_others), simd.splat_f64s(MIN_PIVOT));
        let pivots = Self {
            re: simd.select_f64s(small, enlarged, self.re),
            im: simd.select_f64s(small, simd.splat_f64s(0.0), self.im),
        };
        (pivots, simd.select_f64s(small, least, size))
    }
}

/// What cells bring to the pivots, whatever the factors of their lines. Of two, the first is for the inverse, the second for
/// the adjoint.
#[derive(Clone, Copy)]
pub(crate) struct Pivots<S: Simd> {
    /// (−u, v*)
    pub alpha: [Numbers<S>; 2],
    /// (−v, u*)
    pub beta: [Numbers<S>; 2],
    /// By what the line carried on is multiplied, and the one left behind.
    pub carried: [Numbers<S>; 2],
    pub left: [Numbers<S>; 2],
    /// 1/det T
    pub reciprocal: Numbers<S>,
}

impl<S: Simd> Pivots<S> {
    #[inline(always)]
    pub(crate) fn new(simd: S, [[t11, t12], [t21, t22]]: [[Numbers<S>; 2]; 2]) -> Self {
        let one = simd.splat_f64s(1.0);
        let (major, minor) = (t11.times(simd, t22), t12.times(simd, t21));
        let determinant = Numbers { re: simd.sub_f64s(major.re, minor.re), im: simd.sub_f64s(major.im, minor.im) };
        let reciprocal = determinant.conj(simd).scaled(simd, simd.div_f64s(one, determinant.norm_sqr(simd)));
        let ((t12, of_t12), (t21, of_t21)) = (t12.at_least(simd, t22), t21.at_least(simd, t11));
        let u = t21.conj_times(simd, t11).scaled(simd, simd.div_f64s(one, of_t21));
        let v = t12.conj_times(simd, t22).scaled(simd, simd.div_f64s(one, of_t12));
        Self {
            alpha: [u.minus(simd), v.conj(simd)],
            beta: [v.minus(simd), u.conj(simd)],
            carried: [t21.times(simd, reciprocal).minus(simd), t12.conj(simd)],
            left: [t12.times(simd, reciprocal).minus(simd), t21.conj(simd)],
            reciprocal,
        }
    }

    /// On lines with the factors c and m, which are kept so that their squares may be multiplied.
    #[inline(always)]
    pub(crate) fn join(&self, simd: S, (c, m): ([Numbers<S>; 2], [Numbers<S>; 2])) -> Joined<S> {
        let one = simd.splat_f64s(1.0);
        let sums = [m[1].conj_times(simd, c[0]), c[1].conj_times(simd, m[0])];
        let Self { alpha, beta, carried, left, .. } = *self;
        let mut joined = Joined { alpha, beta, sums, upper: left, lower: carried, near: one };
        for way in 0..2 {
            let (c, m) = (c[way], m[way]);
            // m/c and its reciprocal, by one division.
            let (of_c, of_m) = (c.norm_sqr(simd), m.norm_sqr(simd));
            let both = simd.div_f64s(one, simd.mul_f64s(of_c, of_m));
            let w = c.conj_times(simd, m);
            joined.alpha[way] = w.times(simd, alpha[way]).scaled(simd, simd.mul_f64s(both, of_m));
            joined.beta[way] = w.conj_times(simd, beta[way]).scaled(simd, simd.mul_f64s(both, of_c));
            let (upper, lower) = (left[way].times(simd, m), carried[way].times(simd, c));
            (joined.upper[way], joined.lower[way]) = (upper, lower);
            // Inverses of lossy cells amplify, so factors grow as well as shrink.
            for norm in [upper.norm_sqr(simd), lower.norm_sqr(simd)] {
                let large = simd.less_than_f64s(simd.splat_f64s(MIN_SCALE), norm);
                let small = simd.less_than_f64s(norm, simd.splat_f64s(1.0 / MIN_SCALE));
                let zero = simd.splat_f64s(0.0);
                joined.near = simd.select_f64s(large, simd.select_f64s(small, joined.near, zero), zero);
            }
        }
        joined
    }
}

/// Cells on their lines.
pub(crate) struct Joined<S: Simd> {
    pub alpha: [Numbers<S>; 2],
    pub beta: [Numbers<S>; 2],
    /// The factors of what is summed: `m*·c` of adjoint and inverse, `c*·m`.
    pub sums: [Numbers<S>; 2],
    /// The new factors of the upper and of the lower line.
    pub upper: [Numbers<S>; 2],
    pub lower: [Numbers<S>; 2],
    /// One where these stay in their range, else zero.
    pub near: S::f64s,
}

/// The transfer matrices of as many cells as a register has numbers, or fewer.
#[inline(always)]
pub(crate) fn transposed<S: Simd>(transfers: &[Transfer]) -> [[Numbers<S>; 2]; 2] {
    // What fills up a register is a cell too.
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
    let entry = |e: usize| Numbers { re: register(2 * e), im: register(2 * e + 1) };
    [[entry(0), entry(1)], [entry(2), entry(3)]]
}

/// Complex numbers lane by lane.
#[derive(Clone, Copy)]
pub(crate) struct Lanes([[f64; LANES]; 2]);

impl Lanes {
    #[inline(always)]
    pub(crate) fn of<S: Simd>(numbers: Numbers<S>) -> Self {
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

/// By what each line of fields, and of adjoints, is to be multiplied still: lines two apart stand beside each other, as
/// those of the cells of a column do.
pub(crate) struct Factors {
    lines: usize,
    /// Of even and of odd lines: real and imaginary parts for the inverse, and for the adjoint.
    planes: [[Vec<f64>; 4]; 2],
}

impl Factors {
    pub(crate) fn new(lines: usize) -> Self {
        let plane = |part: usize| vec![f64::from(u8::from(part.is_multiple_of(2))); lines / 2 + 1 + LANES];
        Self { lines, planes: std::array::from_fn(|_| std::array::from_fn(plane)) }
    }

    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    pub(crate) fn get(&self, line: usize) -> [Complex64; 2] {
        let part = |k: usize| self.planes[line % 2][k][line / 2];
        [Complex64::new(part(0), part(1)), Complex64::new(part(2), part(3))]
    }

    pub(crate) fn set(&mut self, line: usize, [inverse, adjoint]: [Complex64; 2]) {
        for (plane, part) in self.planes[line % 2].iter_mut().zip([inverse.re, inverse.im, adjoint.re, adjoint.im]) {
            plane[line / 2] = part;
        }
    }

    /// Of the lines `line`, `line` + 2, …
    #[inline(always)]
    pub(crate) fn load<S: Simd>(&self, line: usize) -> [Numbers<S>; 2] {
        let part = |k: usize| S::as_simd_f64s(&self.planes[line % 2][k][line / 2..][..S::F64_LANES]).0[0];
        [Numbers { re: part(0), im: part(1) }, Numbers { re: part(2), im: part(3) }]
    }

    /// The same of the first `count` of a register.
    #[inline(always)]
    pub(crate) fn store<S: Simd>(&mut self, simd: S, line: usize, count: usize, [a, b]: [Numbers<S>; 2]) {
        for (plane, part) in self.planes[line % 2].iter_mut().zip([a.re, a.im, b.re, b.im]) {
            simd.partial_store_f64s(&mut plane[line / 2..][..count], part);
        }
    }
}
