//! Engine: measure before and after a change.
//!
//! The inner loops of undoing: chains and pairs on one tile of fields and adjoints, in registers.

use crate::gradient::backward::{UndoOp, UndoneCell};
use num_complex::Complex64;
use pulp::Simd;

/// Two registers: the part of a mode that 16 registers hold for fields and adjoints together with sums and
/// coefficients.
type Two<S> = [<S as Simd>::f64s; 2];

/// Applies operations to one tile of fields and of adjoints: per mode P pairs of registers of real parts, then P of
/// imaginary parts. The first `occupied` registers hold vectors, the others padding.
#[inline(always)]
pub(super) fn apply_ops<S: Simd, const P: usize>(
    simd: S,
    ops: &[UndoOp],
    (mut elements, mut cells): (&[[[f64; 4]; 2]], &[UndoneCell]),
    ([fields, adjoint], occupied): ([&mut [S::f64s]; 2], usize),
    mut sums: &mut [[S::f64s; 4]],
) {
    let (fields, adjoint) = (fields.as_chunks_mut::<2>().0, adjoint.as_chunks_mut::<2>().0);
    for op in ops {
        match *op {
            UndoOp::Scale { mode, by } => {
                let mode = 2 * P * mode..2 * P * (mode + 1);
                scale::<S, P>(simd, &mut fields[mode.clone()], by[0]);
                scale::<S, P>(simd, &mut adjoint[mode], by[1]);
            }
            UndoOp::Chain { count, .. } | UndoOp::Pairs { count } => {
                let (chain, later) = elements.split_at(count);
                let (undone, later_cells) = cells.split_at(count);
                let (chain_sums, later_sums) = std::mem::take(&mut sums).split_at_mut(count);
                if let UndoOp::Chain { modes, .. } = *op {
                    for pair in 0..occupied / 2 {
                        undo_chain::<S, P, 2>(simd, (fields, adjoint), chain, (modes, pair), chain_sums);
                    }
                    if occupied % 2 == 1 {
                        undo_chain::<S, P, 1>(simd, (fields, adjoint), chain, (modes, occupied / 2), chain_sums);
                    }
                } else {
                    for ((elements, undone), sums) in chain.iter().zip(undone).zip(chain_sums) {
                        undo_pair::<S, P>(
                            simd,
                            (fields, adjoint),
                            elements,
                            (undone.modes, occupied.div_ceil(2)),
                            sums,
                        );
                    }
                }
                (elements, cells, sums) = (later, later_cells, later_sums);
            }
        }
    }
}

#[inline(always)]
fn scale<S: Simd, const P: usize>(simd: S, mode: &mut [Two<S>], by: Complex64) {
    let (re, im) = mode.split_at_mut(P);
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
    let kept = (
        simd.negate_mul_add_e_f64s(bi, ci, simd.mul_add_e_f64s(br, cr, mr)),
        simd.mul_add_e_f64s(bi, cr, simd.mul_add_e_f64s(br, ci, mi)),
    );
    let carried = (
        simd.negate_mul_add_e_f64s(ai, mi, simd.mul_add_e_f64s(ar, mr, cr)),
        simd.mul_add_e_f64s(ai, mr, simd.mul_add_e_f64s(ar, mi, ci)),
    );
    (carried, kept)
}

/// Undoes one chain for a pair of registers of fields and adjoints, and adds to the sums x and y of its cells. The
/// first G registers of the pair hold vectors.
#[inline(always)]
fn undo_chain<S: Simd, const P: usize, const G: usize>(
    simd: S,
    (fields, adjoint): (&mut [Two<S>], &mut [Two<S>]),
    elements: &[[[f64; 4]; 2]],
    ([first, mut lower], pair): ([usize; 2], usize),
    sums: &mut [[S::f64s; 4]],
) {
    let load = |planes: &[Two<S>], mode: usize| (planes[2 * P * mode + pair], planes[2 * P * mode + P + pair]);
    let (mut a, mut l) = (load(fields, first), load(adjoint, first));
    let mut upper = first;
    for ([inverse, back], sums) in elements.iter().zip(sums) {
        let [mut x, mut y] = [(sums[0], sums[1]), (sums[2], sums[3])];
        for g in 0..G {
            let (met, below) = (load(fields, lower), load(adjoint, lower));
            x = accumulate(simd, (below.0[g], below.1[g]), (a.0[g], a.1[g]), x);
            y = accumulate(simd, (l.0[g], l.1[g]), (met.0[g], met.1[g]), y);
        }
        *sums = [x.0, x.1, y.0, y.1];
        for (planes, carried, coefficients) in [(&mut *adjoint, &mut l, back), (&mut *fields, &mut a, inverse)] {
            let coefficients = splat(simd, coefficients);
            for g in 0..G {
                let met = load(planes, lower);
                let (on, kept) = element(simd, coefficients, (carried.0[g], carried.1[g]), (met.0[g], met.1[g]));
                (carried.0[g], carried.1[g]) = on;
                (planes[2 * P * upper + pair][g], planes[2 * P * upper + P + pair][g]) = kept;
            }
        }
        (upper, lower) = (lower, lower + 1);
    }
    for (planes, (re, im)) in [(fields, a), (adjoint, l)] {
        (planes[2 * P * upper + pair], planes[2 * P * upper + P + pair]) = (re, im);
    }
}

/// Undoes one cell on any two modes, in the occupied registers of a tile.
#[inline(always)]
fn undo_pair<S: Simd, const P: usize>(
    simd: S,
    (fields, adjoint): (&mut [Two<S>], &mut [Two<S>]),
    [inverse, back]: &[[f64; 4]; 2],
    ([upper, lower], occupied): ([usize; 2], usize),
    sums: &mut [S::f64s; 4],
) {
    let both = [2 * P * upper..2 * P * (upper + 1), 2 * P * lower..2 * P * (lower + 1)];
    let [a, met] = fields.get_disjoint_mut(both.clone()).expect("two modes");
    let [l, below] = adjoint.get_disjoint_mut(both).expect("two modes");
    let [mut x, mut y] = [(sums[0], sums[1]), (sums[2], sums[3])];
    for pair in 0..occupied.min(P) {
        for g in 0..2 {
            let at = |mode: &[Two<S>]| (mode[pair][g], mode[P + pair][g]);
            x = accumulate(simd, at(below), at(a), x);
            y = accumulate(simd, at(l), at(met), y);
        }
    }
    *sums = [x.0, x.1, y.0, y.1];
    for (upper, lower, coefficients) in [(l, below, back), (a, met, inverse)] {
        let coefficients = splat(simd, coefficients);
        for pair in 0..occupied.min(P) {
            for g in 0..2 {
                let at = |mode: &[Two<S>]| (mode[pair][g], mode[P + pair][g]);
                let (carried, kept) = element(simd, coefficients, at(upper), at(lower));
                // The carried mode ends on the lower one.
                (upper[pair][g], upper[P + pair][g]) = kept;
                (lower[pair][g], lower[P + pair][g]) = carried;
            }
        }
    }
}
