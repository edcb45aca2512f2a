//! What the laws of uncorrected random errors share: E over σ at three sizes, and the slope of ln E on ln σ.

use crate::check::{Check, Row};
use crate::error::ValidationError;
use crate::machine::{Mesh, error_squared};
use crate::setting::Setting;
use crate::statistics::{Estimate, slope};

const SIGMAS: [f64; 5] = [1e-3, 2e-3, 5e-3, 1e-2, 2e-2];

/// A first-order law E² = a(N)·σ².
pub(super) struct Law {
    /// Table of the process.
    pub source: &'static str,
    /// Name of its error in figures.
    pub series: &'static str,
    /// a(N).
    pub factor: fn(f64) -> f64,
    /// Name of the nearest wrong law, and its a(N).
    pub wrong: (&'static str, fn(f64) -> f64),
}

impl Law {
    pub fn process(&self, sigma: f64) -> String {
        format!("[{}]\nsigma_rad = {sigma:?}", self.source)
    }

    /// E beyond first order: √(2(1 − e^{−E₁²/2})) for E₁² = a·σ².
    pub fn value(a: f64, sigma: f64) -> f64 {
        (2.0 * -f64::exp_m1(-a * sigma * sigma / 2.0)).sqrt()
    }
}

/// Unitaries and chips so that the standard error of E tells N from N−1.
fn mesh(modes: usize, first: u64) -> Mesh {
    let (unitaries, chips) = match modes {
        ..10 => (200, 60),
        10..32 => (60, 60),
        _ => (40, 40),
    };
    Mesh { modes, topology: "rectangular", unitaries, chips, first }
}

/// Rows for N = 4, 16, 64, each σ with chips of its own.
///
/// Next order, left out of the law: paths through unlike numbers of elements, relative E₁⁴/16 of E at most (half of E²'s
/// E₁⁴/8).
pub(super) fn rows(setting: &Setting<'_>, law: &Law) -> Result<Vec<Row>, ValidationError> {
    let mut rows = Vec::new();
    for n in [4_usize, 16, 64] {
        let (a, wrong) = ((law.factor)(n as f64), (law.wrong.1)(n as f64));
        let mut points = Vec::new();
        for (k, sigma) in SIGMAS.into_iter().enumerate() {
            let mesh = mesh(n, 1_000_000 * (k as u64 + 1));
            let found = setting.mean(mesh, &law.process(sigma), error_squared)?.estimate().root();
            points.push((sigma.ln(), found.value.ln(), found.error / found.value));
            let predicted = Law::value(a, sigma);
            rows.push(
                Check::new(format!("E, N = {n}, σ = {sigma}"), "1")
                    .law(predicted)
                    .allow(predicted * (a * sigma * sigma).powi(2) / 16.0)
                    .against(law.wrong.0, Law::value(wrong, sigma))
                    .point(format!("{}, N = {n}", law.series), sigma)
                    .near(found),
            );
        }
        let (value, error) = slope(&points);
        let draws = mesh(n, 0).unitaries * mesh(n, 0).chips * SIGMAS.len() as u64;
        // ±.03 is the criterion itself, not an addition to the standard error.
        let check = Check::new(format!("slope of ln E on ln σ, N = {n}"), "1").law(1.0);
        rows.push(check.allow(0.03 - 3.0 * error.min(0.01)).near(Estimate { value, error, draws }));
    }
    Ok(rows)
}

/// E of another mesh or another key at σ = 1e-3, first order, with what is `relative`ly left out.
pub(super) fn prefactor(
    setting: &Setting<'_>,
    label: &str,
    topology: &'static str,
    process: &str,
    law: f64,
    wrong: (&str, f64),
) -> Result<Row, ValidationError> {
    let found = setting.mean(Mesh { topology, ..mesh(16, 9_000_000) }, process, error_squared)?.estimate().root();
    // Next order: E₁⁴/16 and, of a converted σ, σ² = 1e-6; both below 2e-5.
    Ok(Check::new(label, "1").law(law).allow(2e-5 * law).against(wrong.0, wrong.1).near(found))
}
