//! Rows of the first-order laws E² = a(N)·σ²: E over σ at three sizes, and the slope of ln E on ln σ.

use super::prelude::*;

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

/// Unitaries and chips such that the standard error of E distinguishes N from N−1.
fn mesh(modes: usize, first: u64) -> Mesh {
    let (unitaries, chips) = match modes {
        ..10 => (200, 60),
        10..32 => (60, 60),
        _ => (40, 40),
    };
    Mesh { modes, topology: "rectangular", unitaries, chips, first }
}

/// Rows for N = 4, 16, 64, with independent chips for each σ.
///
/// The next order, which the law omits, comes from paths through unequal numbers of elements. It is at most E₁⁴/16 of E,
/// half of the E₁⁴/8 of E².
pub(super) fn rows(setting: &Setting<'_>, law: &Law) -> Rows {
    let mut rows = Vec::new();
    for n in [4_usize, 16, 64] {
        let (a, wrong) = ((law.factor)(n as f64), (law.wrong.1)(n as f64));
        let mut points = Vec::new();
        for (k, sigma) in SIGMAS.into_iter().enumerate() {
            let mesh = mesh(n, 1_000_000 * (k as u64 + 1));
            let error = setting.mean(mesh, &law.process(sigma), error_squared)?.estimate().sqrt();
            points.push((sigma.ln(), error.value.ln(), error.error / error.value));
            let predicted = Law::value(a, sigma);
            rows.push(
                Check::new(format!("E, N = {n}, σ = {sigma}"), "1")
                    .law(predicted)
                    .allow(predicted * (a * sigma * sigma).powi(2) / 16.0)
                    .against(law.wrong.0, Law::value(wrong, sigma))
                    .point(format!("{}, N = {n}", law.series), sigma)
                    .near(error),
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

/// E at σ = 1e-3 on `modes` modes of another topology, or with another key of the process.
///
/// `factors` are the first-order E²/σ² of the law and of the nearest wrong law.
pub(super) fn prefactor(
    setting: &Setting<'_>,
    label: &str,
    (topology, modes): (&'static str, usize),
    process: &str,
    factors: (f64, f64),
    wrong: &str,
) -> Result<Row, ValidationError> {
    let mesh = Mesh { topology, ..mesh(modes, 9_000_000) };
    let error = setting.mean(mesh, process, error_squared)?.estimate().sqrt();
    let [law, wrong_law] = [factors.0, factors.1].map(|a| 1e-3 * a.sqrt());
    // Next order: E₁⁴/16 and, of a converted σ, σ² = 1e-6; both below 2e-5.
    Ok(Check::new(format!("E, {label}, N = {modes}"), "1")
        .law(law)
        .allow(2e-5 * law)
        .against(wrong, wrong_law)
        .near(error))
}
