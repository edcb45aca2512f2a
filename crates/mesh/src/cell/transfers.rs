//! Transfer matrices of many MZIs at once.

use crate::cell::mzi::{CellErrors, Transfer, transfer};
use phaseloom_numerics::simd::splitter_products::splitter_products;
use phaseloom_numerics::simd::trigonometry::in_range;
use std::f64::consts::FRAC_PI_4;

/// Replaces the contents of `all` with [`transfer`] of each cell; phases in rad.
pub(crate) fn transfers_into(theta: &[f64], phi: &[f64], errors: &[CellErrors], all: &mut Vec<Transfer>) {
    all.clear();
    let splitters_in_range = errors.iter().fold(true, |all, e| all & in_range(&[e.alpha, e.beta]));
    if in_range(theta) && in_range(phi) && splitters_in_range {
        splitter_products(theta, phi, errors, all, |e| {
            [FRAC_PI_4 + e.alpha, FRAC_PI_4 + e.beta, e.upper_transmission, e.lower_transmission]
        });
        return;
    }
    let cells = theta.iter().zip(phi).zip(errors);
    all.extend(cells.map(|((&theta, &phi), &errors)| transfer(theta, phi, errors)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_complex::Complex64;

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
                let mut realised = vec![[[Complex64::ZERO; 2]; 2]];
                transfers_into(&theta, &phi, &errors, &mut realised);
                assert_eq!(realised.len(), cells);
                for k in 0..cells {
                    let expected = transfer(theta[k], phi[k], errors[k]);
                    for (a, b) in realised[k].iter().flatten().zip(expected.iter().flatten()) {
                        assert!((a - b).norm() < 1e-15, "{k}: {a} and {b}");
                    }
                }
            }
        }
    }
}
