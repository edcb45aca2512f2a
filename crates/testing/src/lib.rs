//! Helpers that several test suites share: matrices of known difficulty and the comparison of a mean with a law.
//!
//! The crate is a development dependency only. It uses `numerics` alone, so that every other crate may use it.

mod agreement;
mod matrices;

pub use agreement::{Mean, agree};
pub use matrices::{
    Matrix, block_diagonal, dft, gaussian, haar, hadamard, hard_unitaries, orthogonal, permutation, re, reversal,
};

/// A smooth, aperiodic sequence in −1…1, sin(k·step + 0.3), for inputs that need no particular distribution.
#[must_use]
pub fn wave(k: usize, step: f64) -> f64 {
    (k as f64 * step + 0.3).sin()
}
