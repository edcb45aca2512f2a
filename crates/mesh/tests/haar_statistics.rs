//! Identity I4: in a mesh programmed with Haar unitaries, cos²(θ/2) of the cell of rank k is Beta(k, 1) and φ uniform.

use phaseloom_mesh::{Form, MatrixProgram, topologies};
use phaseloom_numerics::{StreamKey, haar_unitary};
use std::f64::consts::TAU;

/// p-value of the Kolmogorov–Smirnov test against the uniform distribution (asymptotic series, Stephens' correction).
fn kolmogorov_smirnov(mut u: Vec<f64>) -> f64 {
    u.sort_by(f64::total_cmp);
    let n = u.len() as f64;
    let d = u
        .iter()
        .enumerate()
        .map(|(i, &x)| (x - i as f64 / n).abs().max(((i + 1) as f64 / n - x).abs()))
        .fold(0.0, f64::max);
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * d;
    (1..100).map(|j| 2.0 * (-1f64).powi(j - 1) * (-2.0 * f64::from(j * j) * lambda * lambda).exp()).sum()
}

/// 4 000 draws for each N. A p-value below 1e-5 in any of about 250 tests rejects; by chance 1 run in 400 would.
#[test]
fn angles_of_haar_unitaries_have_the_beta_distributions_of_their_rank() {
    const DRAWS: u64 = 4000;
    for (which, n) in [(0, 7), (0, 8), (1, 7), (1, 8)] {
        let layout = topologies()[which].layout(n);
        let cells = layout.positions.len();
        let (mut t, mut p) = (vec![Vec::new(); cells], vec![Vec::new(); cells]);
        let ranks: Vec<usize> = layout
            .positions
            .iter()
            .map(|s| match which {
                0 => (2 * s.column.min(n - 1 - s.column) + 1).min(2 * s.mode.min(n - 2 - s.mode) + 2),
                _ => s.mode + 1,
            })
            .collect();
        assert_eq!(ranks.iter().sum::<usize>(), n * (n * n - 1) / 6);
        for draw in 0..DRAWS {
            let u = haar_unitary(n, &mut StreamKey::new(11, "I4").trial(draw).stream());
            let program = MatrixProgram::new(&u, Form::Unitary, &topologies()[which]).unwrap();
            let s = program.stages()[0].phases();
            for k in 0..cells {
                t[k].push((s.theta()[k] / 2.0).cos().powi(2).powi(ranks[k] as i32));
                p[k].push(s.phi()[k].rem_euclid(TAU) / TAU);
            }
        }
        for k in 0..cells {
            for (name, u) in [("θ", &t[k]), ("φ", &p[k])] {
                let value = kolmogorov_smirnov(u.clone());
                assert!(value > 1e-5, "{} N={n} cell {k} {name}: p = {value:.1e}", topologies()[which].key());
            }
        }
        // The power of the test: with the rank off by one it must reject.
        let wrong = t[0].iter().map(|x| x.powf((ranks[0] + 1) as f64 / ranks[0] as f64)).collect();
        assert!(kolmogorov_smirnov(wrong) < 1e-5);
    }
}
