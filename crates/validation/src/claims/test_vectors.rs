//! The phases of two Fourier matrices, to ten digits.

use super::prelude::*;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_3, TAU};

pub(super) const CLAIM: Claim = Claim {
    key: "test_vectors",
    sentence: "The rectangular algorithm gives the Fourier matrices of N = 3 and 4 the phases of an independent program",
    source: "docs/physics.md, Decompositions; phases of a NumPy program; algorithm of Clements et al. 2016 in our \
         convention",
    method: "program of U_jk = e^{2πi jk/N}/√N; its phases modulo 2π and the matrix of a chip without errors",
    criterion: "half a unit of the last digit printed (1e-10 for cells, 1e-8 for outputs) and 4e-16 a rounding",
    rows,
};

/// (mode, θ, φ) in order of propagation, and the output phases (rad).
type Vector = (&'static [(usize, f64, f64)], &'static [f64]);

const THREE: Vector = (
    &[(0, FRAC_PI_2, 5.235_987_756_0), (1, 1.230_959_417_3, 6.021_385_919_4), (0, FRAC_PI_2, 0.353_680_320_9)],
    &[1.740_714_78, 2.787_912_33, 3.049_711_72],
);
const FOUR: Vector = (
    &[
        (0, FRAC_PI_2, 4.712_388_980_4),
        (2, FRAC_PI_2, 0.0),
        (1, 1.230_959_417_3, 2.356_194_490_2),
        (0, FRAC_PI_3, 2.971_674_198_9),
        (2, FRAC_PI_3, 2.526_112_944_9),
        (1, 1.910_633_236_2, 2.526_112_944_9),
    ],
    &[5.929_504_99, 1.662_677_26, 2.448_075_42, 2.617_993_88],
);

/// Distance of two phases on the circle (rad).
fn apart(a: f64, b: f64) -> f64 {
    let d = (a - b).rem_euclid(TAU);
    d.min(TAU - d)
}

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    for (n, (cells, outputs)) in [(3, THREE), (4, FOUR)] {
        let size = n as f64;
        let u = Matrix::from_fn(n, n, |j, k| Complex64::cis(TAU * (j * k) as f64 / size) / size.sqrt());
        let program = unitary(&u, "rectangular")?;
        let stage = &program.stages()[0];
        let (positions, phases) = (&stage.layout().positions, stage.phases());
        let modes = positions.iter().zip(cells).filter(|(position, cell)| position.mode == cell.0).count();
        let cell_difference = cells
            .iter()
            .enumerate()
            .map(|(k, &(_, theta, phi))| apart(phases.theta()[k], theta).max(apart(phases.phi()[k], phi)))
            .fold(0.0, f64::max);
        let output_difference = phases.output().iter().zip(outputs).map(|(a, b)| apart(*a, *b)).fold(0.0, f64::max);
        let realised = setting.chip(&process("")?, &program, 0)?.matrix(&program)?;
        rows.push(Check::new(format!("N = {n}: cells in their place"), "1").law(cells.len() as f64).count(modes));
        let row = |name: &str, unit, limit, value| {
            Check::new(format!("N = {n}: {name}"), unit).at_most(limit, Estimate::exact(value))
        };
        rows.push(row("largest difference of θ, φ", "rad", 0.51e-10, cell_difference));
        rows.push(row("largest difference of an output phase", "rad", 0.51e-8, output_difference));
        rows.push(row("‖Û−U‖_F", "1", 1e-13 * size, (realised - u).norm()));
    }
    Ok(rows)
}
