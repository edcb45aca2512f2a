//! Products of two splitters and two phases, as 2×2 complex matrices, for many at once.
//!
//! Engine: measure before and after a change.

use crate::simd::trigonometry::sin_cos;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Matrices computed together: the lanes of the widest register of any processor.
const LANES: usize = 8;

/// Appends `S(b)·diag(u·e^{iθ}, l)·S(a)·diag(e^{iφ}, 1)` of each item to `products`, with
/// `S(η) = [[cos η, i sin η], [i sin η, cos η]]`. `parameters` returns `[a, b, u, l]` of an item.
///
/// All angles are in rad and within the range of [`in_range`](crate::simd::trigonometry::in_range); beyond it the
/// products are inaccurate.
///
/// # Panics
///
/// If `theta`, `phi` and `items` differ in length.
pub fn splitter_products<T>(
    theta: &[f64],
    phi: &[f64],
    items: &[T],
    products: &mut Vec<[[Complex64; 2]; 2]>,
    parameters: impl Fn(&T) -> [f64; 4],
) {
    assert_eq!([theta.len(), phi.len()], [items.len(); 2], "numbers of phases");
    struct Products<'a, T, F>(&'a [f64], &'a [f64], &'a [T], &'a mut Vec<[[Complex64; 2]; 2]>, F);
    impl<T, F: Fn(&T) -> [f64; 4]> WithSimd for Products<'_, T, F> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(theta, phi, items, products, parameters) = self;
            products.reserve(items.len());
            for ((theta, phi), items) in theta.chunks(LANES).zip(phi.chunks(LANES)).zip(items.chunks(LANES)) {
                let mut inputs = [[0.0; LANES]; 6];
                for (k, item) in items.iter().enumerate() {
                    let [a, b, upper, lower] = parameters(item);
                    for (lane, value) in inputs.iter_mut().zip([theta[k], phi[k], a, b, upper, lower]) {
                        lane[k] = value;
                    }
                }
                let entries = entries(simd, &inputs);
                let entry = |e: usize, k: usize| Complex64::new(entries[2 * e][k], entries[2 * e + 1][k]);
                products.extend((0..items.len()).map(|k| [[entry(0, k), entry(1, k)], [entry(2, k), entry(3, k)]]));
            }
        }
    }
    Arch::new().dispatch(Products(theta, phi, items, products, parameters));
}

/// The entries T11, T12, T21, T22 (real and imaginary parts) from θ, φ, the two splitter angles and the two amplitudes.
#[inline(always)]
fn entries<S: Simd>(simd: S, inputs: &[[f64; LANES]; 6]) -> [[f64; LANES]; 8] {
    let mut entries = [[0.0; LANES]; 8];
    let load = |i: usize, at: usize| S::as_simd_f64s(&inputs[i]).0[at];
    let mul = |a, b| simd.mul_f64s(a, b);
    // a·b + c·d and a·b − c·d
    let plus = |a, b, c, d| simd.mul_add_e_f64s(a, b, simd.mul_f64s(c, d));
    let minus = |a, b, c, d| simd.sub_f64s(simd.mul_f64s(a, b), simd.mul_f64s(c, d));
    for at in 0..LANES / S::F64_LANES {
        let (st, ct) = sin_cos(simd, load(0, at));
        let (sp, cp) = sin_cos(simd, load(1, at));
        let (sa, ca) = sin_cos(simd, load(2, at));
        let (sb, cb) = sin_cos(simd, load(3, at));
        let (upper, lower) = (load(4, at), load(5, at));
        let (cc, ss, cs, sc) = (mul(cb, ca), mul(sb, sa), mul(cb, sa), mul(sb, ca));
        let (ur, ui) = (mul(upper, ct), mul(upper, st));
        // T11 = (cc·U − ss·L)·e^{iφ}, T12 = i(cs·U + sc·L), T21 = i(sc·U + cs·L)·e^{iφ}, T22 = cc·L − ss·U
        let (ar, ai) = (minus(cc, ur, ss, lower), mul(cc, ui));
        let (br, bi) = (plus(sc, ur, cs, lower), mul(sc, ui));
        let zero = simd.splat_f64s(0.0);
        let values = [
            minus(ar, cp, ai, sp),
            plus(ar, sp, ai, cp),
            simd.sub_f64s(zero, mul(cs, ui)),
            plus(cs, ur, sc, lower),
            simd.sub_f64s(zero, plus(br, sp, bi, cp)),
            minus(br, cp, bi, sp),
            minus(cc, lower, ss, ur),
            simd.sub_f64s(zero, mul(ss, ui)),
        ];
        for (entry, value) in entries.iter_mut().zip(values) {
            S::as_mut_simd_f64s(entry).0[at] = value;
        }
    }
    entries
}
