//! The hot loop of the gradient: some columns of a mesh undone for fields and adjoints together, and the sums over the batch
//! that tell the slopes of their phases.

use crate::cell::Transfer;
use crate::circuit::Block;
use crate::fields::Fields;
use crate::sweep::{LINE, SMALLEST_SCALE, at_least};
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Tiles that pass a chain one after another, so that its coefficients are read once for all of them.
const TILES: usize = 4;

/// The cells of a block in the order in which they are undone: chains that run down through the columns.
pub(crate) struct Backward {
    lines: usize,
    steps: Vec<Step>,
    /// α, β of the inverse and of the adjoint of each cell, in the order of the chains.
    elements: Vec<[[f64; 4]; 2]>,
    pub cells: Vec<Undone>,
}

enum Step {
    /// Carries `line` to higher lines, through `count` cells.
    Chain { line: usize, count: usize },
    /// Multiplies a line of the fields, and of the adjoints.
    Scale { line: usize, by: [Complex64; 2] },
}

/// A cell of the block, and the factors of x and y while they are summed.
pub(crate) struct Undone {
    /// Counted from the first of the block.
    pub cell: usize,
    pub mode: usize,
    scales: [Complex64; 2],
}

/// What a cell T brings to the pivots of both ways back, its inverse and its adjoint: with the factors c of the upper line,
/// which is carried on, and m of the lower one, `α = −u·m/c, β = −v·c/m` for the inverse and `α = v*·m/c, β = u*·c/m` for
/// the adjoint (see [`sweep`](crate::sweep)).
struct Pivots {
    /// T11/T21
    u: Complex64,
    /// T22/T12
    v: Complex64,
    /// By what the lines are multiplied, the one carried on and the one left behind, for either way.
    carried: [Complex64; 2],
    left: [Complex64; 2],
}

impl Pivots {
    #[inline(always)]
    fn new(t: &Transfer) -> Self {
        let [[t11, t12], [t21, t22]] = *t;
        let (t12, t21) = (at_least(t12, t22), at_least(t21, t11));
        let reciprocal = reciprocal(t);
        Self {
            u: t11 * t21.conj() * (1.0 / t21.norm_sqr()),
            v: t22 * t12.conj() * (1.0 / t12.norm_sqr()),
            carried: [-t21 * reciprocal, t12.conj()],
            left: [-t12 * reciprocal, t21.conj()],
        }
    }
}

/// Works the coefficients out with the instructions of this processor.
struct Compile<'a> {
    lines: usize,
    block: &'a Block,
}

impl WithSimd for Compile<'_> {
    type Output = Backward;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Backward {
        Backward::compile(self.lines, self.block)
    }
}

impl Backward {
    pub(crate) fn new(lines: usize, block: &Block) -> Self {
        Arch::new().dispatch(Compile { lines, block })
    }

    #[inline(always)]
    fn compile(lines: usize, block: &Block) -> Self {
        let one = Complex64::new(1.0, 0.0);
        let mut factors = vec![[one; 2]; lines];
        let count = block.transfers.len();
        let (elements, cells) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut made = Self { lines, steps: Vec::new(), elements, cells };
        for chain in block.chains.iter().rev() {
            let cells = block.cells(chain);
            // The last cell of the chain joins the highest lines; its upper output is carried.
            let mut line = chain.mode + 1 - cells.len();
            let (mut start, mut count) = (line, 0);
            for &cell in cells.iter().rev() {
                let Pivots { u, v, carried, left } = Pivots::new(&block.transfers[cell]);
                // Of the upper line, which has been carried on to `line`, and of the lower one.
                let (c, m) = (factors[line], factors[line + 1]);
                made.cells.push(Undone { cell, mode: line, scales: [m[1].conj() * c[0], c[1].conj() * m[0]] });
                // m/c and its reciprocal.
                let ratio = |way: usize| {
                    let w = m[way] * c[way].conj();
                    (w * (1.0 / c[way].norm_sqr()), w.conj() * (1.0 / m[way].norm_sqr()))
                };
                let [(up, down), (up_back, down_back)] = [ratio(0), ratio(1)];
                let pair = |alpha: Complex64, beta: Complex64| [alpha.re, alpha.im, beta.re, beta.im];
                made.elements.push([pair(-u * up, -v * down), pair(v.conj() * up_back, u.conj() * down_back)]);
                factors[line] = [left[0] * m[0], left[1] * m[1]];
                factors[line + 1] = [carried[0] * c[0], carried[1] * c[1]];
                (line, count) = (line + 1, count + 1);
                // Inverses of lossy cells amplify, so factors grow as well as shrink.
                let far = |z: &Complex64| !(SMALLEST_SCALE..1.0 / SMALLEST_SCALE).contains(&z.norm_sqr());
                if factors[line - 1..=line].as_flattened().iter().any(far) {
                    made.steps.push(Step::Chain { line: start, count });
                    for line in [line - 1, line] {
                        made.steps.push(Step::Scale { line, by: std::mem::replace(&mut factors[line], [one; 2]) });
                    }
                    (start, count) = (line, 0);
                }
            }
            if count > 0 {
                made.steps.push(Step::Chain { line: start, count });
            }
        }
        made.steps.extend(factors.into_iter().enumerate().map(|(line, by)| Step::Scale { line, by }));
        made
    }

    /// Undoes the block; x and y of each cell, in the order of `cells`.
    pub(crate) fn run(&self, fields: &mut Fields, adjoint: &mut Fields) -> Vec<[Complex64; 2]> {
        let (fields, adjoint) = (fields.tiles_mut(), adjoint.tiles_mut());
        let mut sums = Arch::new().dispatch(Run { backward: self, fields, adjoint });
        for (sums, Undone { scales, .. }) in sums.iter_mut().zip(&self.cells) {
            *sums = [sums[0] * scales[0], sums[1] * scales[1]];
        }
        sums
    }
}

struct Run<'a> {
    backward: &'a Backward,
    fields: &'a mut [f64],
    adjoint: &'a mut [f64],
}

impl WithSimd for Run<'_> {
    type Output = Vec<[Complex64; 2]>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        // Each lane sums by itself until all tiles have passed.
        let mut sums = vec![[simd.splat_f64s(0.0); 4]; self.backward.cells.len()];
        let length = self.backward.lines * LINE * TILES;
        for (fields, adjoint) in self.fields.chunks_mut(length).zip(self.adjoint.chunks_mut(length)) {
            let (fields, adjoint) = (S::as_mut_simd_f64s(fields).0, S::as_mut_simd_f64s(adjoint).0);
            match S::F64_LANES {
                8 => pass::<S, 1>(simd, self.backward, fields, adjoint, &mut sums),
                4 => pass::<S, 2>(simd, self.backward, fields, adjoint, &mut sums),
                2 => pass::<S, 4>(simd, self.backward, fields, adjoint, &mut sums),
                _ => pass::<S, 8>(simd, self.backward, fields, adjoint, &mut sums),
            }
        }
        // A loop: what `collect` and `map` call is not compiled for this processor.
        let mut totals = vec![[Complex64::new(0.0, 0.0); 2]; sums.len()];
        for ([x, y], sums) in totals.iter_mut().zip(&sums) {
            (x.re, x.im) = (simd.reduce_sum_f64s(sums[0]), simd.reduce_sum_f64s(sums[1]));
            (y.re, y.im) = (simd.reduce_sum_f64s(sums[2]), simd.reduce_sum_f64s(sums[3]));
        }
        totals
    }
}

/// Two registers: as much of a line of fields and of adjoints as 16 registers hold beside sums and coefficients.
type Two<S> = [<S as Simd>::f64s; 2];

/// Some tiles: per line P pairs of registers of real parts, then P of imaginary parts.
#[inline(always)]
fn pass<S: Simd, const P: usize>(
    simd: S,
    backward: &Backward,
    fields: &mut [S::f64s],
    adjoint: &mut [S::f64s],
    sums: &mut [[S::f64s; 4]],
) {
    let (fields, _) = fields.as_chunks_mut::<2>();
    let (adjoint, _) = adjoint.as_chunks_mut::<2>();
    let length = 2 * P * backward.lines;
    let mut done = 0;
    for step in &backward.steps {
        match *step {
            Step::Scale { line, by } => {
                for (fields, adjoint) in fields.chunks_exact_mut(length).zip(adjoint.chunks_exact_mut(length)) {
                    scale::<S, P>(simd, &mut fields[2 * P * line..2 * P * (line + 1)], by[0]);
                    scale::<S, P>(simd, &mut adjoint[2 * P * line..2 * P * (line + 1)], by[1]);
                }
            }
            Step::Chain { line, count } => {
                let cells = done..done + count;
                for (fields, adjoint) in fields.chunks_exact_mut(length).zip(adjoint.chunks_exact_mut(length)) {
                    let (elements, sums) = (&backward.elements[cells.clone()], &mut sums[cells.clone()]);
                    for pair in 0..P {
                        undo::<S, P>(simd, (fields, adjoint), elements, (line, pair), sums);
                    }
                }
                done += count;
            }
        }
    }
}

#[inline(always)]
fn scale<S: Simd, const P: usize>(simd: S, line: &mut [Two<S>], by: Complex64) {
    let (re, im) = line.split_at_mut(P);
    let (c, s, ns) = (simd.splat_f64s(by.re), simd.splat_f64s(by.im), simd.splat_f64s(-by.im));
    for (re, im) in re.as_flattened_mut().iter_mut().zip(im.as_flattened_mut()) {
        let (x, y) = (*re, *im);
        *re = simd.mul_add_e_f64s(ns, y, simd.mul_f64s(c, x));
        *im = simd.mul_add_e_f64s(s, x, simd.mul_f64s(c, y));
    }
}

#[inline(always)]
fn splat<S: Simd>(simd: S, c: &[f64; 4]) -> [S::f64s; 4] {
    [simd.splat_f64s(c[0]), simd.splat_f64s(c[1]), simd.splat_f64s(c[2]), simd.splat_f64s(c[3])]
}

/// `sum + a*·b`.
#[inline(always)]
fn accumulate<S: Simd>(
    simd: S,
    a: (S::f64s, S::f64s),
    b: (S::f64s, S::f64s),
    sum: (S::f64s, S::f64s),
) -> (S::f64s, S::f64s) {
    (
        simd.mul_add_e_f64s(a.1, b.1, simd.mul_add_e_f64s(a.0, b.0, sum.0)),
        simd.negate_mul_add_e_f64s(a.1, b.0, simd.mul_add_e_f64s(a.0, b.1, sum.1)),
    )
}

/// `(carried + α·met, met + β·carried)`.
#[inline(always)]
#[expect(clippy::type_complexity, reason = "two complex registers")]
fn element<S: Simd>(
    simd: S,
    [ar, ai, br, bi]: [S::f64s; 4],
    (cr, ci): (S::f64s, S::f64s),
    (mr, mi): (S::f64s, S::f64s),
) -> ((S::f64s, S::f64s), (S::f64s, S::f64s)) {
    let left = (
        simd.negate_mul_add_e_f64s(bi, ci, simd.mul_add_e_f64s(br, cr, mr)),
        simd.mul_add_e_f64s(bi, cr, simd.mul_add_e_f64s(br, ci, mi)),
    );
    let carried = (
        simd.negate_mul_add_e_f64s(ai, mi, simd.mul_add_e_f64s(ar, mr, cr)),
        simd.mul_add_e_f64s(ai, mr, simd.mul_add_e_f64s(ar, mi, ci)),
    );
    (carried, left)
}

/// One chain of a pair of registers of fields and adjoints, and the sums x and y at its cells.
#[inline(always)]
fn undo<S: Simd, const P: usize>(
    simd: S,
    (fields, adjoint): (&mut [Two<S>], &mut [Two<S>]),
    elements: &[[[f64; 4]; 2]],
    (first, pair): (usize, usize),
    sums: &mut [[S::f64s; 4]],
) {
    let load = |planes: &[Two<S>], line: usize| (planes[2 * P * line + pair], planes[2 * P * line + P + pair]);
    let (mut a, mut l) = (load(fields, first), load(adjoint, first));
    let mut line = first;
    for ([inverse, back], sums) in elements.iter().zip(sums) {
        let lines = 2 * P * line..2 * P * (line + 2);
        let (fields, adjoint) = (&mut fields[lines.clone()], &mut adjoint[lines]);
        let [mut x, mut y] = [(sums[0], sums[1]), (sums[2], sums[3])];
        for g in 0..2 {
            let (met, lower) = (load(fields, 1), load(adjoint, 1));
            x = accumulate(simd, (lower.0[g], lower.1[g]), (a.0[g], a.1[g]), x);
            y = accumulate(simd, (l.0[g], l.1[g]), (met.0[g], met.1[g]), y);
        }
        *sums = [x.0, x.1, y.0, y.1];
        for (planes, carried, coefficients) in [(adjoint, &mut l, back), (fields, &mut a, inverse)] {
            let coefficients = splat(simd, coefficients);
            for g in 0..2 {
                let met = load(planes, 1);
                let (on, left) = element(simd, coefficients, (carried.0[g], carried.1[g]), (met.0[g], met.1[g]));
                (carried.0[g], carried.1[g]) = on;
                (planes[pair][g], planes[P + pair][g]) = left;
            }
        }
        line += 1;
    }
    for (planes, (re, im)) in [(fields, a), (adjoint, l)] {
        (planes[2 * P * line + pair], planes[2 * P * line + P + pair]) = (re, im);
    }
}

/// 1/det T.
#[inline(always)]
pub(crate) fn reciprocal(t: &Transfer) -> Complex64 {
    let determinant = t[0][0] * t[1][1] - t[0][1] * t[1][0];
    determinant.conj() * (1.0 / determinant.norm_sqr())
}
