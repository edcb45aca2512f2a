//! Transfer matrices of many cells at once.

use crate::cell::mzi::{CellErrors, Transfer, transfer};
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::{in_range, sin_cos};
use pulp::{Arch, Simd, WithSimd};
use std::f64::consts::FRAC_PI_4;

/// Cells that pass together: the widest register of any machine.
const LANES: usize = 8;

/// Puts [`transfer`] of each cell into `all`, in the place of what was there; phases in rad.
pub(crate) fn transfers(theta: &[f64], phi: &[f64], errors: &[CellErrors], all: &mut Vec<Transfer>) {
    struct All<'a>(&'a [f64], &'a [f64], &'a [CellErrors], &'a mut Vec<Transfer>);
    impl WithSimd for All<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(theta, phi, errors, all) = self;
            all.reserve(errors.len());
            for ((theta, phi), errors) in theta.chunks(LANES).zip(phi.chunks(LANES)).zip(errors.chunks(LANES)) {
                let mut state = [[0.0; LANES]; 6];
                for (k, e) in errors.iter().enumerate() {
                    let values = [
                        theta[k],
                        phi[k],
                        FRAC_PI_4 + e.alpha,
                        FRAC_PI_4 + e.beta,
                        e.upper_transmission,
                        e.lower_transmission,
                    ];
                    for (lane, value) in state.iter_mut().zip(values) {
                        lane[k] = value;
                    }
                }
                let entries = group(simd, &state);
                let entry = |e: usize, k: usize| Complex64::new(entries[2 * e][k], entries[2 * e + 1][k]);
                all.extend((0..errors.len()).map(|k| [[entry(0, k), entry(1, k)], [entry(2, k), entry(3, k)]]));
            }
        }
    }
    all.clear();
    let of_splitters = errors.iter().fold(true, |all, e| all & in_range(&[e.alpha, e.beta]));
    if in_range(theta) && in_range(phi) && of_splitters {
        return Arch::new().dispatch(All(theta, phi, errors, all));
    }
    let each = theta.iter().zip(phi).zip(errors);
    all.extend(each.map(|((&theta, &phi), &errors)| transfer(theta, phi, errors)));
}

/// θ, φ, both splitters' angles and both arms' amplitudes to T11, T12, T21, T22, real and imaginary parts.
#[inline(always)]
fn group<S: Simd>(simd: S, state: &[[f64; LANES]; 6]) -> [[f64; LANES]; 8] {
    let mut entries = [[0.0; LANES]; 8];
    let load = |i: usize, at: usize| S::as_simd_f64s(&state[i]).0[at];
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
        let made = [
            minus(ar, cp, ai, sp),
            plus(ar, sp, ai, cp),
            simd.sub_f64s(zero, mul(cs, ui)),
            plus(cs, ur, sc, lower),
            simd.sub_f64s(zero, plus(br, sp, bi, cp)),
            minus(br, cp, bi, sp),
            minus(cc, lower, ss, ur),
            simd.sub_f64s(zero, mul(ss, ui)),
        ];
        for (entry, value) in entries.iter_mut().zip(made) {
            S::as_mut_simd_f64s(entry).0[at] = value;
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_transfer_matrix_of_its_cell() {
        for cells in [0, 1, 7, 8, 9, 1000] {
            let wave = |k: usize, step: f64, size: f64| size * (k as f64 * step).sin();
            let theta: Vec<f64> = (0..cells).map(|k| wave(k, 0.37, 7.0)).collect();
            let phi: Vec<f64> = (0..cells).map(|k| wave(k, 0.91, 50.0)).collect();
            let errors: Vec<CellErrors> = (0..cells)
                .map(|k| CellErrors {
                    alpha: wave(k, 1.3, 0.2),
                    beta: wave(k, 2.3, 0.3),
                    gamma: 0.0,
                    upper_transmission: 0.7 + wave(k, 0.2, 0.3),
                    lower_transmission: 0.8 + wave(k, 0.3, 0.2),
                })
                .collect();
            for far in [0.0, 1e12] {
                let theta: Vec<f64> = theta.iter().map(|x| x + far).collect();
                let mut made = vec![[[Complex64::ZERO; 2]; 2]];
                transfers(&theta, &phi, &errors, &mut made);
                assert_eq!(made.len(), cells);
                for k in 0..cells {
                    let exact = transfer(theta[k], phi[k], errors[k]);
                    for (a, b) in made[k].iter().flatten().zip(exact.iter().flatten()) {
                        assert!((a - b).norm() < 1e-15, "{k}: {a} and {b}");
                    }
                }
            }
        }
    }
}
