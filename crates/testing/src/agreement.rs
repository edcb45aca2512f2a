//! Agreement of a sampled mean with a law, within standard errors.

pub use phaseloom_numerics::statistics::RunningMean as Mean;

/// Checks |measured − law| ≤ 3 standard errors + `next_order`·law.
///
/// The standard error may be at most `largest_error`·law. The caller chooses it so that the nearest wrong law fails.
///
/// # Panics
///
/// One of the two bounds is exceeded.
pub fn agree(name: &str, measured: Mean, law: f64, next_order: f64, largest_error: f64) {
    let (mean, error) = (measured.mean(), measured.error());
    assert!(error <= largest_error * law, "{name}: standard error {error:.2e} is too large for a law of {law:.4e}");
    let tolerance = 3.0 * error + next_order * law;
    assert!((mean - law).abs() <= tolerance, "{name}: measured {mean:.6e} ± {error:.1e}, law {law:.6e}");
}
