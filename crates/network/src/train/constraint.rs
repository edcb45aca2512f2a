//! Keeps weights what a passive chip can be: after each step, the nearest orthogonal matrix or the nearest contraction.
//!
//! With the singular value decomposition `W = U·S·Vᵀ` these are `U·Vᵀ` (the polar factor) and `U·min(S, 1)·Vᵀ`; both are nearest in
//! the Frobenius norm (Higham 1989; derived). Near an orthogonal matrix, where a step of training stays, the iteration of Newton and
//! Schulz `W ← W·(3 − WᵀW)/2` gives the polar factor: with the error `e = ‖WᵀW − 1‖ < 1`, its next error is at most `3e²/4 + e³/4`.

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::linalg::{multiply, svd};

use crate::layer::{Constraint, Layer, Linear};
use crate::model::Model;

/// Error up to which Newton and Schulz converge fast.
const NEAR: f64 = 0.5;

/// Error for each column at which a matrix counts as orthogonal.
const ROUNDING: f64 = 1e-13;

/// Steps from an error of [`NEAR`] to rounding are six (0.5, 0.22, 0.04, 1e-3, 1e-6, 1e-12).
const MAX_STEPS: usize = 12;

/// What training keeps each linear layer of a model, in the order of its layers.
pub(super) fn constraints(model: &Model) -> Vec<Option<Constraint>> {
    let placed = model.placed();
    placed.iter().filter(|(_, layer)| layer.linear().is_some()).map(|(placed, _)| placed.spec.constraint()).collect()
}

/// Replaces each weight by the nearest one that its layer allows. One that is not finite stays: its loss ends the training.
pub(super) fn constrain(model: &mut Model, constraints: &[Option<Constraint>]) {
    let mut linear = Vec::new();
    linear_layers(model.layers_mut(), &mut linear);
    for (layer, constraint) in linear.into_iter().zip(constraints) {
        if let Some(weight) = constraint.and_then(|constraint| nearest(&layer.weight, constraint)) {
            layer.weight = weight;
        }
    }
}

fn linear_layers<'a>(layers: &'a mut [Box<dyn Layer>], found: &mut Vec<&'a mut Linear>) {
    for layer in layers {
        if layer.linear().is_some() {
            found.extend(layer.linear_mut());
        } else {
            layer.parts_mut().into_iter().for_each(|part| linear_layers(part, found));
        }
    }
}

/// The nearest matrix in the Frobenius norm that a constraint allows; `None` for one that is not finite.
fn nearest(weight: &DMatrix<f64>, constraint: Constraint) -> Option<DMatrix<f64>> {
    match constraint {
        // The Frobenius norm bounds the spectral norm.
        Constraint::Contraction if weight.norm() <= 1.0 => Some(weight.clone()),
        Constraint::Contraction => with_singular_values(weight, |s| s.min(1.0)),
        Constraint::Orthogonal if weight.nrows() < weight.ncols() => {
            Some(nearest(&weight.transpose(), constraint)?.transpose())
        }
        Constraint::Orthogonal => {
            let (mut w, one) = (weight.clone(), DMatrix::identity(weight.ncols(), weight.ncols()));
            for _ in 0..MAX_STEPS {
                let gram = multiply(&w.transpose(), &w);
                let error = (&gram - &one).norm();
                if error <= ROUNDING * w.ncols() as f64 {
                    return Some(w);
                }
                if error.is_nan() || error > NEAR {
                    break;
                }
                w = 1.5 * &w - 0.5 * multiply(&w, &gram);
            }
            with_singular_values(&w, |_| 1.0)
        }
    }
}

fn with_singular_values(weight: &DMatrix<f64>, change: impl Fn(f64) -> f64) -> Option<DMatrix<f64>> {
    let mut parts = svd(&weight.map(|x| Complex64::new(x, 0.0))).ok()?;
    for (mut column, sigma) in parts.u.column_iter_mut().zip(&parts.sigma) {
        column.scale_mut(change(*sigma));
    }
    Some((parts.u * parts.v.adjoint()).map(|z| z.re))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::varied;

    fn singular_values(w: &DMatrix<f64>) -> Vec<f64> {
        w.clone().svd(false, false).singular_values.iter().copied().collect()
    }

    /// The polar factor by iteration against the one by the singular value decomposition, tall, wide and square, near and far.
    #[test]
    fn the_nearest_orthogonal_matrix_is_the_polar_factor() {
        for (rows, columns) in [(6, 6), (9, 4), (4, 9)] {
            let far = DMatrix::from_vec(rows, columns, varied(rows * columns, 1));
            let q = nearest(&far, Constraint::Orthogonal).unwrap();
            assert!(singular_values(&q).iter().all(|s| (s - 1.0).abs() < 1e-12));
            let near = &q + 0.01 * DMatrix::from_vec(rows, columns, varied(rows * columns, 2));
            let found = nearest(&near, Constraint::Orthogonal).unwrap();
            let expected = with_singular_values(&near, |_| 1.0).unwrap();
            assert!((&found - expected).norm() < 1e-12 && (&found - &q).norm() > 1e-3);
        }
    }

    #[test]
    fn a_contraction_stays_and_larger_singular_values_become_one() {
        let small = DMatrix::from_vec(4, 4, varied(16, 3)) * 0.1;
        assert!((nearest(&small, Constraint::Contraction).unwrap() - &small).norm() < 1e-12);
        let large = &small * 30.0;
        let found = singular_values(&nearest(&large, Constraint::Contraction).unwrap());
        let expected = singular_values(&large).into_iter().map(|s| s.min(1.0));
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}
