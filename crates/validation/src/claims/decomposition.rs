//! Identities I2 and I3.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::machine::{Matrix, TOPOLOGIES, process, unitary};
use crate::setting::Setting;
use crate::statistics::Estimate;

pub(super) const CLAIM: Claim = Claim {
    key: "decomposition",
    sentence: "Any unitary is N(N−1)/2 interferometers, N² phases and N (rectangular) or 2N−3 (triangular) columns, exactly",
    source: "I2 and I3, checked; Clements et al. 2016 (found: abstract), Reck et al. 1994 (recalled)",
    method: "Haar unitaries, identity and reversal for N = 2…33 and for two large N; matrix of a chip without errors",
    criterion: "‖Û−U‖_F ≤ 1e-13·N; counts are equal",
    rows,
};

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let perfect = process("")?;
    let mut sizes: Vec<usize> = (2..=33).collect();
    sizes.extend(setting.pick([64, 128], [128, 256]));
    let mut rows = Vec::new();
    for key in TOPOLOGIES {
        let found = setting.draws(sizes.len() as u64, |k| {
            let n = sizes[k as usize];
            let reversal = Matrix::from_fn(n, n, |r, c| if r + c + 1 == n { 1.0.into() } else { 0.0.into() });
            let (mut worst, mut misses) = (0.0_f64, 0);
            for u in [setting.haar(n, 0), setting.haar(n, 1), Matrix::identity(n, n), reversal] {
                let program = unitary(&u, key)?;
                let made = setting.chip(&perfect, &program, 0)?.matrix(&program)?;
                worst = worst.max((made - &u).norm() / n as f64);
                let settings = program.stages()[0].phases();
                let depth = if key == "rectangular" { n } else { 2 * n - 3 };
                misses += usize::from(program.interferometers() != n * (n - 1) / 2)
                    + usize::from(settings.values().len() != n * n)
                    // Two modes meet in one cell: one column for either.
                    + usize::from(n > 2 && program.depth() != depth);
            }
            Ok((worst, misses))
        })?;
        let worst = found.iter().map(|f| f.0).fold(0.0, f64::max);
        let draws = 4 * sizes.len() as u64;
        let estimate = Estimate { value: worst, error: 0.0, draws };
        rows.push(Check::new(format!("{key}: largest ‖Û−U‖_F/N"), "1").at_most(1e-13, estimate));
        let misses = found.iter().map(|f| f.1).sum();
        rows.push(Check::new(format!("{key}: counts that differ"), "1").law(0.0).count(misses));
        let program = unitary(&setting.haar(33, 0), key)?;
        let depth = if key == "rectangular" { 33.0 } else { 63.0 };
        rows.push(Check::new(format!("{key}: columns of N = 33"), "1").law(depth).count(program.depth()));
    }
    Ok(rows)
}
