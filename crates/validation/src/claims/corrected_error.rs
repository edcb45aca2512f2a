//! Identity I10: what local correction leaves.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::machine::{process, unitary};
use crate::setting::Setting;
use crate::statistics::{Estimate, Mean, slope};
use phaseloom_hardware::correction::{Instruments, correct, correction};

pub(super) const CLAIM: Claim = Claim {
    key: "corrected_error",
    sentence: "Local correction turns E₀ = σ√(2(N−1)) into E = √(2/3)·N·σ² where not every cell is within reach",
    source: "I10 and notes §7.3, derived and checked; Bandyopadhyay et al. 2021, Hamerly et al. 2021–22 (recalled)",
    method: "splitter_error → chips of Haar unitaries → `local` → rms of E before and after, N³σ²/3 > 3",
    criterion: "prefactors within 10 %, slope of ln E on ln σ 1.00 ± .03 before and 2.0 ± .1 after, each beside 3 s.e. (notes §7.3)",
    rows,
};

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let local = correction("local")?;
    let root = |squares: Mean| squares.estimate().root();
    let measured = |n: usize, sigma: f64, count: u64, first: u64| -> Result<[Estimate; 2], ValidationError> {
        let process = process(&format!("[splitter_error]\nsigma_rad = {sigma:?}"))?;
        let done = setting.draws(count, |draw| {
            let program = unitary(&setting.haar(n, first + draw), "rectangular")?;
            let chip = setting.chip(&process, &program, first + draw)?;
            let done = correct(&chip, &program, local, &Instruments::default())?;
            Ok((done.before.error.powi(2), done.after.error.powi(2)))
        })?;
        Ok([root(done.iter().map(|d| d.0).collect()), root(done.iter().map(|d| d.1).collect())])
    };
    let mut rows = Vec::new();
    let mut lines = [Vec::new(), Vec::new()];
    let count = setting.pick(100, 600);
    for (k, sigma) in [0.018_f64, 0.022, 0.027, 0.033, 0.04].into_iter().enumerate() {
        let found = measured(32, sigma, count, 10_000 * k as u64)?;
        for (line, found) in lines.iter_mut().zip(found) {
            line.push((sigma.ln(), found.value.ln(), found.error / found.value));
        }
        let law = (2.0f64 / 3.0).sqrt() * 32.0 * sigma * sigma;
        let check = Check::new(format!("E corrected, N = 32, σ = {sigma}"), "1").law(law).allow(0.1 * law);
        rows.push(check.point("corrected splitters, N = 32", sigma).near(found[1]));
    }
    let [_, large] = measured(64, 0.02, setting.pick(30, 200), 100_000)?;
    let law = (2.0f64 / 3.0).sqrt() * 64.0 * 4e-4;
    rows.push(Check::new("E corrected, N = 64, σ = 0.02", "1").law(law).allow(0.1 * law).near(large));
    for (name, line, law, allowed) in [("before", &lines[0], 1.0, 0.03), ("after", &lines[1], 2.0, 0.1)] {
        let (value, error) = slope(line);
        let found = Estimate { value, error, draws: 5 * count };
        rows.push(Check::new(format!("slope {name}, N = 32"), "1").law(law).allow(allowed).near(found));
    }
    Ok(rows)
}
