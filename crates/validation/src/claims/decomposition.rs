//! Exactness and size of the rectangular and the triangular decomposition.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "decomposition",
    sentence: "Any unitary is N(N−1)/2 interferometers, N² phases and N (rectangular) or 2N−3 (triangular) columns, \
         exactly",
    source: "docs/physics.md, Decompositions; Clements et al. 2016; Reck et al. 1994",
    method: "Haar unitaries, identity and reversal for N = 2…33 and for two large N; matrix of a chip without errors",
    criterion: "‖Û−U‖_F ≤ 1e-13·N; counts are equal",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let perfect = process("")?;
    let mut sizes: Vec<usize> = (2..=33).collect();
    sizes.extend(setting.pick([64, 128], [128, 256]));
    let mut rows = Vec::new();
    for key in TOPOLOGIES {
        let results = setting.draws(sizes.len() as u64, |k| {
            let n = sizes[k as usize];
            let reversal = Matrix::from_fn(n, n, |r, c| if r + c + 1 == n { 1.0.into() } else { 0.0.into() });
            let (mut errors, mut misses) = (Vec::new(), 0);
            for u in [setting.haar(n, 0), setting.haar(n, 1), Matrix::identity(n, n), reversal] {
                let program = unitary(&u, key)?;
                let realised = setting.chip(&perfect, &program, 0)?.matrix(&program)?;
                errors.push((realised - &u).norm() / n as f64);
                let phases = program.stages()[0].phases();
                let depth = if key == "rectangular" { n } else { 2 * n - 3 };
                misses += usize::from(program.interferometers() != n * (n - 1) / 2)
                    + usize::from(phases.values().len() != n * n)
                    // Two modes have one cell, so both topologies have one column.
                    + usize::from(n > 2 && program.depth() != depth);
            }
            Ok((errors, misses))
        })?;
        let error = largest(results.iter().flat_map(|r| r.0.iter().copied()));
        rows.push(Check::new(format!("{key}: largest ‖Û−U‖_F/N"), "1").at_most(1e-13, error));
        let misses = results.iter().map(|r| r.1).sum();
        rows.push(Check::new(format!("{key}: counts that differ"), "1").law(0.0).count(misses));
        let program = unitary(&setting.haar(33, 0), key)?;
        let depth = if key == "rectangular" { 33.0 } else { 63.0 };
        rows.push(Check::new(format!("{key}: columns of N = 33"), "1").law(depth).count(program.depth()));
    }
    Ok(rows)
}
