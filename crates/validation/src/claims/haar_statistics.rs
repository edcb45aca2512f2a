//! Distribution of the phases of a Haar unitary: cos²(θ/2) of a cell of rank k is Beta(k, 1), φ is uniform.

use super::prelude::*;
use phaseloom_mesh::CellPosition;
use std::f64::consts::TAU;

pub(super) const CLAIM: Claim = Claim {
    key: "haar_statistics",
    sentence: "In the program of a Haar unitary cos²(θ/2) of a cell of rank k is Beta(k,1), φ is uniform, and the ranks \
         add up to N(N²−1)/6",
    source: "docs/physics.md, Haar statistics; rank map as in clements.py of QPG-MIT/meshes; Russell et al. 2017",
    method: "programs of Haar unitaries, N = 7 and 8; Kolmogorov–Smirnov test for each θ and φ; ranks fitted to the θ",
    criterion: "no p-value below 1e-5, some 50 tests a row; p-values themselves uniform to p ≥ 1e-4; rank k+1 rejected",
    rows,
};

/// Rank of a cell: min(2·min(c, N−1−c) + 1, 2·min(m, N−2−m) + 2), or m + 1 of a triangular mesh.
pub(super) fn rank(key: &str, n: usize, position: CellPosition) -> usize {
    match key {
        "rectangular" => {
            (2 * position.column.min(n - 1 - position.column) + 1).min(2 * position.mode.min(n - 2 - position.mode) + 2)
        }
        _ => position.mode + 1,
    }
}

fn rows(setting: &Setting<'_>) -> Rows {
    let draws = 4000;
    let mut rows = Vec::new();
    for key in TOPOLOGIES {
        for n in [7, 8] {
            let positions = topology(key)?.layout(n).positions;
            let programs = setting.draws(draws, |draw| {
                let program = unitary(&setting.haar(n, draw), key)?;
                let phases = program.stages()[0].phases();
                Ok((phases.theta().to_vec(), phases.phi().to_vec()))
            })?;
            let (mut p_values, mut p_wrong, mut sum, mut variance) = (Vec::new(), 1.0_f64, 0.0, 0.0);
            for (k, &position) in positions.iter().enumerate() {
                let rank = rank(key, n, position) as f64;
                let t: Vec<f64> = programs.iter().map(|p| (p.0[k] / 2.0).cos().powi(2)).collect();
                p_values.push(kolmogorov_smirnov(t.iter().map(|t| t.powf(rank)).collect()));
                p_wrong = p_wrong.min(kolmogorov_smirnov(t.iter().map(|t| t.powf(rank + 1.0)).collect()));
                p_values.push(kolmogorov_smirnov(programs.iter().map(|p| p.1[k].rem_euclid(TAU) / TAU).collect()));
                // −Σ ln t is Gamma(draws, k): k̂ = (draws − 1)/(−Σ ln t) is unbiased, of variance k²/(draws − 2).
                let count = draws as f64;
                let fitted = (1.0 - count) / t.iter().map(|t| t.ln()).sum::<f64>();
                sum += fitted;
                variance += fitted * fitted / (count - 2.0);
            }
            let estimate = |value, error| Estimate { value, error, draws };
            let smallest = p_values.iter().copied().fold(1.0, f64::min);
            let uniform = kolmogorov_smirnov(p_values);
            let label = |name: &str| format!("{key} N = {n}: {name}");
            rows.push(Check::new(label("smallest p of θ and φ"), "1").at_least(1e-5, estimate(smallest, 0.0)));
            rows.push(Check::new(label("p of the p-values"), "1").at_least(1e-4, estimate(uniform, 0.0)));
            rows.push(Check::new(label("p of rank k+1, smallest"), "1").at_most(1e-5, estimate(p_wrong, 0.0)));
            let law = (n * (n * n - 1)) as f64 / 6.0;
            let ranks = positions.iter().map(|&position| rank(key, n, position)).sum();
            rows.push(Check::new(label("sum of ranks"), "1").law(law).count(ranks));
            let next = ((n + 1) * ((n + 1) * (n + 1) - 1)) as f64 / 6.0;
            let row = Check::new(label("sum of fitted ranks"), "1").law(law).against("N+1 for N", next);
            rows.push(row.near(estimate(sum, variance.sqrt())));
        }
    }
    Ok(rows)
}
