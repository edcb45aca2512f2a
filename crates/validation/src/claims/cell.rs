//! The transfer matrix of one interferometer with splitter errors α and β.
//!
//! T = S(π/4+β)·diag(e^{iθ}, 1)·S(π/4+α)·diag(e^{iφ}, 1), with S(η) = [[cos η, i sin η], [i sin η, cos η]].

use super::prelude::*;
use std::f64::consts::FRAC_PI_4;

pub(super) const CLAIM: Claim = Claim {
    key: "cell",
    sentence: "An interferometer with splitter errors α, β is the product of its four parts, and that is the closed form",
    source: "docs/physics.md, Cells; closed form as in crossing.py of QPG-MIT/meshes@45da52f",
    method: "chips of a mesh of two modes; the four parts are multiplied here, and the angles are set into the closed \
         form",
    criterion: "16 units of rounding (2.2e-16), for five factors of 2×2",
    rows,
};

/// The largest entry of a difference.
fn distance(a: &Matrix, b: &Matrix) -> f64 {
    (a - b).iter().map(|z| z.norm()).fold(0.0, f64::max)
}

fn rows(setting: &Setting<'_>) -> Rows {
    let process = process("[splitter_error]\nsigma_rad = 0.1\n[phase_error]\nsigma_rad = 0.1")?;
    let differences = setting.draws(1000, |draw| {
        let program = unitary(&setting.haar(2, draw), "rectangular")?;
        let chip = setting.chip(&process, &program, draw)?;
        let realised = chip.matrix(&program)?;
        let (programmed, frozen) = (program.stages()[0].phases(), &chip.stages()[0]);
        let phases: Vec<f64> = programmed.values().iter().zip(frozen.offsets.values()).map(|(a, b)| a + b).collect();
        let (theta, phi, alpha, beta) = (phases[0], phases[1], frozen.cell_errors[0].alpha, frozen.cell_errors[0].beta);
        let one = Complex64::new(1.0, 0.0);
        let arms = |a: Complex64, b: Complex64| Matrix::from_row_slice(2, 2, &[a, 0.0.into(), 0.0.into(), b]);
        let splitter = |eta: f64| {
            let (s, c) = eta.sin_cos();
            let cross = Complex64::new(0.0, s);
            Matrix::from_row_slice(2, 2, &[c.into(), cross, cross, c.into()])
        };
        let output = arms(Complex64::cis(phases[2]), Complex64::cis(phases[3]));
        let product = &output
            * splitter(FRAC_PI_4 + beta)
            * arms(Complex64::cis(theta), one)
            * splitter(FRAC_PI_4 + alpha)
            * arms(Complex64::cis(phi), one);
        // C± = cos(α±β), S± = sin(α±β).
        let (s, c) = (theta / 2.0).sin_cos();
        let (cp, cm, sp, sm) = ((alpha + beta).cos(), (alpha - beta).cos(), (alpha + beta).sin(), (alpha - beta).sin());
        let (g, e) = (Complex64::cis(theta / 2.0), Complex64::cis(phi));
        let entries = [
            g * e * Complex64::new(-c * sp, s * cm),
            g * Complex64::new(-s * sm, c * cp),
            g * e * Complex64::new(s * sm, c * cp),
            g * Complex64::new(-c * sp, -s * cm),
        ];
        let form = output * Matrix::from_row_slice(2, 2, &entries);
        Ok((distance(&realised, &product), distance(&realised, &form)))
    })?;
    let limit = 16.0 * f64::EPSILON;
    Ok(vec![
        Check::new("largest difference from the product", "1").at_most(limit, largest(differences.iter().map(|d| d.0))),
        Check::new("largest difference from the closed form", "1")
            .at_most(limit, largest(differences.iter().map(|d| d.1))),
    ])
}
