//! Engine: measure before and after a change.
//!
//! Chains of 2×2 elements on neighbouring modes, and pairs of modes anywhere, applied to tiles of 16 vectors.
//!
//! A chain carries one mode through its elements and meets another mode at each:
//!
//! ```text
//!  mode 2  ────────────╳──   carried ← p·carried + q·met
//!  mode 1  ──────╳─────╳──   kept    ← r·carried + s·met
//!  mode 0  ──────╳────────   `kept` stays on the mode that was carried so far; `carried` moves on.
//! ```
//!
//! The field of each mode is stored without a scale factor d: `carried = p·d_c·(c̃ + α·m̃)`, `kept = s·d_m·(m̃ + β·c̃)`
//! with `α = q·d_m/(p·d_c)`, `β = r·d_c/(s·d_m)`. An element then costs two complex multiply-adds per vector instead of
//! four multiplications: a mesh of N(N−1)/2 elements costs 4N² multiply-adds per vector, like a product with an N×N
//! matrix. No pivoting is needed, because every term keeps its relative accuracy for any α, β and d. Only their range
//! is limited, see [`MIN_SCALE`]. [`builder`] computes α and β.

mod builder;

pub(crate) use builder::ChainBuilder;

use crate::cell::mzi::Transfer;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Number of vectors in a tile: modes × [`TILE_ROW`] numbers. A window of two modes fits into the vector registers, and
/// a block of columns touches a window of the tile that fits into the first-level cache.
pub(crate) const TILE_WIDTH: usize = 16;
/// Numbers of one mode in a tile: the real parts of its vectors, then the imaginary parts.
pub(crate) const TILE_ROW: usize = 2 * TILE_WIDTH;

/// Minimum pivot |p| relative to |q|. A smaller pivot is enlarged to it, which adds 1e-17 of the other mode: far below
/// rounding. A larger one is used as it is.
pub(crate) const MIN_PIVOT: f64 = 1e-17;
/// Smallest |d|² of a pending scale factor. Below it the factor is applied at once, so that the fields of a tile exceed
/// those of the mode by 1e67 at most. Above it the factor stays pending.
pub(crate) const MIN_SCALE: f64 = 1e-100;

/// A 2×2 element in the order of a chain: rows (carried, kept) from columns (carried, met).
pub(crate) type ChainElement = Transfer;

#[derive(Clone, Copy, Debug)]
enum ChainOp {
    /// Carries `mode` through `count` elements, to lower modes or to higher ones.
    Chain { mode: usize, count: usize, rising: bool, column: usize },
    /// Applies `count` elements to one pair of modes each.
    Pairs { count: usize },
    /// Multiplies a mode by a factor.
    Scale { mode: usize, by: Complex64 },
    /// Permutes the modes.
    Permute,
}

/// The modes of a tile that may hold a field. Elements that meet two zero modes are skipped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Support {
    /// Every mode.
    Full,
    /// The modes first…last at the input. In falling chains each column of cells widens the range by one mode on both
    /// sides; for pairs a flag per mode is updated.
    LightCone { first: usize, last: usize },
}

/// Chains, pairs and scale factors in the order of application, and a permutation of the modes at the end.
#[derive(Clone, Debug)]
pub(crate) struct Chains {
    modes: usize,
    ops: Vec<ChainOp>,
    /// (α, β) of each element.
    elements: Vec<[f64; 4]>,
    /// The modes that the elements of pairs join.
    pairs: Vec<[usize; 2]>,
    /// The former mode of each mode after the permutation.
    order: Vec<usize>,
}

/// The operations of [`Chains`] and their data, in order.
#[derive(Clone, Copy)]
struct ChainView<'a> {
    ops: &'a [ChainOp],
    elements: &'a [[f64; 4]],
    pairs: &'a [[usize; 2]],
    order: &'a [usize],
}

impl Chains {
    /// Number of modes.
    pub(crate) fn modes(&self) -> usize {
        self.modes
    }

    /// Applies the operations to consecutive tiles; `support(t)` is the support of tile `t`.
    pub(crate) fn apply(&self, tiles: &mut [f64], support: impl Fn(usize) -> Support) {
        struct Apply<'a, F> {
            chains: &'a Chains,
            tiles: &'a mut [f64],
            support: F,
        }
        impl<F: Fn(usize) -> Support> WithSimd for Apply<'_, F> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                for (t, tile) in self.tiles.chunks_exact_mut(self.chains.modes * TILE_ROW).enumerate() {
                    self.chains.apply_to_tile(simd, tile, (self.support)(t));
                }
            }
        }
        if self.modes > 0 {
            Arch::new().dispatch(Apply { chains: self, tiles, support });
        }
    }

    #[inline(always)]
    fn apply_to_tile<S: Simd>(&self, simd: S, tile: &mut [f64], support: Support) {
        let view = ChainView { ops: &self.ops, elements: &self.elements, pairs: &self.pairs, order: &self.order };
        apply_view(simd, view, tile, support);
    }
}

/// Applies one chain of elements (α, β) to one tile.
#[inline(always)]
pub(crate) fn apply_chain<S: Simd>(
    simd: S,
    tile: &mut [[f64; TILE_ROW]],
    mode: usize,
    rising: bool,
    elements: &[[f64; 4]],
) {
    let chain = ChainOp::Chain { mode, count: elements.len(), rising, column: 0 };
    let view = ChainView { ops: &[chain], elements, pairs: &[], order: &[] };
    apply_view(simd, view, tile.as_flattened_mut(), Support::Full);
}

/// Applies operations to one tile, in the widest registers of the processor.
#[inline(always)]
fn apply_view<S: Simd>(simd: S, view: ChainView<'_>, tile: &mut [f64], support: Support) {
    let (registers, _) = S::as_mut_simd_f64s(tile);
    match S::F64_LANES {
        8 => apply_registers::<S, 2>(simd, view, registers, support),
        4 => apply_registers::<S, 4>(simd, view, registers, support),
        2 => apply_registers::<S, 8>(simd, view, registers, support),
        _ => apply_registers::<S, 16>(simd, view, registers, support),
    }
}

/// Applies operations to one tile: per mode G registers of real parts, then G of imaginary parts.
#[inline(always)]
fn apply_registers<S: Simd, const G: usize>(simd: S, view: ChainView<'_>, tile: &mut [S::f64s], support: Support) {
    let (planes, _) = tile.as_chunks_mut::<G>();
    let ChainView { ops, mut elements, mut pairs, order } = view;
    let mut illuminated = support.flags(if pairs.is_empty() { 0 } else { planes.len() / 2 });
    for op in ops {
        match *op {
            ChainOp::Scale { mode, by } => {
                let (re, im, ni) = (simd.splat_f64s(by.re), simd.splat_f64s(by.im), simd.splat_f64s(-by.im));
                let (x, y) = (planes[2 * mode], planes[2 * mode + 1]);
                for g in 0..G {
                    planes[2 * mode][g] = simd.mul_add_e_f64s(ni, y[g], simd.mul_f64s(re, x[g]));
                    planes[2 * mode + 1][g] = simd.mul_add_e_f64s(im, x[g], simd.mul_f64s(re, y[g]));
                }
            }
            ChainOp::Pairs { count } => {
                let (joined, later) = elements.split_at(count);
                let (pairs_now, pairs_later) = pairs.split_at(count);
                for (element, &[a, b]) in joined.iter().zip(pairs_now) {
                    if illuminated[a] || illuminated[b] {
                        (illuminated[a], illuminated[b]) = (true, true);
                        apply_pair::<S, G>(simd, planes, element, [a, b]);
                    }
                }
                (elements, pairs) = (later, pairs_later);
            }
            ChainOp::Permute => {
                let before = planes.to_vec();
                for (mode, &from) in order.iter().enumerate() {
                    planes[2 * mode..2 * mode + 2].copy_from_slice(&before[2 * from..2 * from + 2]);
                }
            }
            ChainOp::Chain { mode, count, rising, column } => {
                let (chain, rest) = elements.split_at(count);
                elements = rest;
                if rising {
                    apply_chain_ops::<S, G, true>(simd, planes, chain, mode);
                } else {
                    let range = support.illuminated_elements(mode, column, count);
                    let mode = mode - range.start;
                    apply_chain_ops::<S, G, false>(simd, planes, &chain[range], mode);
                }
            }
        }
    }
}

impl Support {
    /// Whether each of `count` modes may hold a field at the input.
    fn flags(self, count: usize) -> Vec<bool> {
        match self {
            Self::Full => vec![true; count],
            Self::LightCone { first, last } => (0..count).map(|mode| (first..=last).contains(&mode)).collect(),
        }
    }

    /// The elements of a falling chain that meet a field; element k joins the modes mode−k−1 and mode−k.
    fn illuminated_elements(self, mode: usize, column: usize, count: usize) -> Range<usize> {
        match self {
            Self::Full => 0..count,
            // Before column c the modes first−c … last+c may hold a field; element k is in the column column+k.
            Self::LightCone { first, .. } if mode + column < first => count..count,
            Self::LightCone { last, .. } => (mode - 1).saturating_sub(column + last).div_ceil(2).min(count)..count,
        }
    }
}

/// Applies one element to two modes, which keep their places.
#[inline(always)]
fn apply_pair<S: Simd, const G: usize>(simd: S, planes: &mut [[S::f64s; G]], c: &[f64; 4], [a, b]: [usize; 2]) {
    let Ok([first, second]) = planes.get_disjoint_mut([2 * a..2 * a + 2, 2 * b..2 * b + 2]) else { return };
    let ([xr, xi], [yr, yi]) = (first, second) else { return };
    let &[ar, ai, br, bi] = c;
    let (ar, ai, br, bi) = (simd.splat_f64s(ar), simd.splat_f64s(ai), simd.splat_f64s(br), simd.splat_f64s(bi));
    for g in 0..G {
        let (x, ix, y, iy) = (xr[g], xi[g], yr[g], yi[g]);
        xr[g] = simd.negate_mul_add_e_f64s(ai, iy, simd.mul_add_e_f64s(ar, y, x));
        xi[g] = simd.mul_add_e_f64s(ai, y, simd.mul_add_e_f64s(ar, iy, ix));
        yr[g] = simd.negate_mul_add_e_f64s(bi, ix, simd.mul_add_e_f64s(br, x, y));
        yi[g] = simd.mul_add_e_f64s(bi, x, simd.mul_add_e_f64s(br, ix, iy));
    }
}

/// Applies the elements of a chain that carries `mode` to higher modes (`RISING`) or to lower ones.
#[inline(always)]
fn apply_chain_ops<S: Simd, const G: usize, const RISING: bool>(
    simd: S,
    planes: &mut [[S::f64s; G]],
    chain: &[[f64; 4]],
    mut mode: usize,
) {
    let (mut cr, mut ci) = (planes[2 * mode], planes[2 * mode + 1]);
    for element in chain {
        // The two modes are neighbours: one window, one bounds check.
        let first = if RISING { mode } else { mode - 1 };
        let Some([a_re, a_im, b_re, b_im]) = planes[2 * first..].first_chunk_mut::<4>() else { return };
        let (mr, mi, lr, li) = if RISING { (b_re, b_im, a_re, a_im) } else { (a_re, a_im, b_re, b_im) };
        // Load after the bounds check, so that the compiler emits a broadcast load. Broadcasting a register would
        // occupy an FMA port on AVX-512.
        let splat = |k: usize| simd.splat_f64s(element[k]);
        let (ar, ai, br, bi) = (splat(0), splat(1), splat(2), splat(3));
        for g in 0..G {
            let (x, y) = (mr[g], mi[g]);
            lr[g] = simd.negate_mul_add_e_f64s(bi, ci[g], simd.mul_add_e_f64s(br, cr[g], x));
            li[g] = simd.mul_add_e_f64s(bi, cr[g], simd.mul_add_e_f64s(br, ci[g], y));
            cr[g] = simd.negate_mul_add_e_f64s(ai, y, simd.mul_add_e_f64s(ar, x, cr[g]));
            ci[g] = simd.mul_add_e_f64s(ai, x, simd.mul_add_e_f64s(ar, y, ci[g]));
        }
        mode = if RISING { mode + 1 } else { mode - 1 };
    }
    planes[2 * mode] = cr;
    planes[2 * mode + 1] = ci;
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::Scalar;

    /// The scalar fallback agrees with the vector registers to rounding.
    #[test]
    fn every_register_width_agrees() {
        struct ApplyTo<'a>(&'a Chains, &'a mut [f64]);
        impl WithSimd for ApplyTo<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                self.0.apply_to_tile(simd, self.1, Support::Full);
            }
        }
        let wave = |k: usize, op: f64| (k as f64 * op).sin();
        let z = |k: usize| Complex64::new(wave(k, 1.3), wave(k, 0.7)) * 0.7;
        let mut builder = ChainBuilder::new(9, 0);
        for (chain, (mode, rising)) in [(8, false), (0, true), (5, false)].into_iter().enumerate() {
            builder.begin(mode, rising, 0);
            for k in 0..mode.max(8 - mode).min(5) {
                let k = 7 * chain + 4 * k;
                builder.element([[z(k), z(k + 1)], [z(k + 2), z(k + 3)]]);
            }
            builder.end();
        }
        let chains = builder.finish();
        let tile: Vec<f64> = (0..9 * TILE_ROW).map(|k| wave(k, 0.37)).collect();
        let (mut scalar, mut vector) = (tile.clone(), tile);
        Scalar.vectorize(ApplyTo(&chains, &mut scalar));
        Arch::new().dispatch(ApplyTo(&chains, &mut vector));
        for (a, b) in scalar.iter().zip(&vector) {
            assert!((a - b).abs() < 1e-13, "{a} and {b}");
        }
    }
}
