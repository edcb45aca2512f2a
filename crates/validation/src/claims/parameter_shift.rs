//! The parameter-shift rule for output powers: ½[I(θ+π/2) − I(θ−π/2)] = dI/dθ.

use super::prelude::*;
use std::f64::consts::FRAC_PI_2;

pub(super) const CLAIM: Claim = Claim {
    key: "parameter_shift",
    sentence: "½[I(θ+π/2) − I(θ−π/2)] is dI/dθ of every output intensity, exactly; applied to a nonlinear loss it is wrong",
    source: "docs/physics.md, Gradients; an independent program has −.2446 for −.2047 of a nonlinear loss",
    method: "chips with splitter errors and loss, realised with one phase shifted by ±π/2, compared with the adjoint \
         gradient of each intensity",
    criterion: "1e-10 of the largest slope; of the loss Σ I², off by more than 1 % on the mean",
    rows,
};

const PROCESS: &str = "[splitter_error]\nsigma_rad = 0.05\n[insertion_loss]\nloss_db = 0.2";

/// Maximum difference of ½[I₊ − I₋] from dI/dθ over outputs and phases, and that of the loss ΣI², each relative to the
/// largest slope.
fn difference(setting: &Setting<'_>, n: usize, draw: u64) -> Result<(f64, f64), ValidationError> {
    let program = unitary(&setting.haar(n, draw), "rectangular")?;
    let chip = setting.chip(&process(PROCESS)?, &program, draw)?;
    let (stage, cells) = (&program.stages()[0], &chip.stages()[0].cell_errors);
    let vector = setting.gaussian(n, 1, draw);
    let x = &vector / Complex64::new(vector.norm(), 0.0);
    let output = |phases: &Phases| -> Result<Matrix, ValidationError> {
        Ok(chip.matrix_from_driven(&program, std::slice::from_ref(phases))? * &x)
    };
    let phases = stage.phases();
    let y = output(phases)?;
    let input = Fields::from_matrix(&x);
    let slopes = |adjoint: &Matrix| {
        let fields = (Fields::from_matrix(&y), Fields::from_matrix(adjoint));
        gradient(stage, phases, cells, &input, fields.0, fields.1).0
    };
    // The adjoint of I_j = |y_j|² is 2·y_j at j, that of ΣI² is 4·I·y.
    let output_slopes: Vec<Phases> =
        (0..n).map(|j| slopes(&Matrix::from_fn(n, 1, |i, _| if i == j { y[i] * 2.0 } else { 0.0.into() }))).collect();
    let loss_slopes = slopes(&y.map(|y| y * 4.0 * y.norm_sqr()));
    let largest_slope = |s: &Phases| s.values().iter().fold(0.0_f64, |m, s| m.max(s.abs()));
    let scale = output_slopes.iter().map(largest_slope).fold(0.0, f64::max);
    let loss_scale = largest_slope(&loss_slopes);
    let (mut worst, mut worst_loss) = (0.0_f64, 0.0_f64);
    for k in 0..phases.values().len() {
        let shifted = |angle: f64| {
            let mut phases = phases.clone();
            phases.values_mut()[k] += angle;
            output(&phases)
        };
        let (up, down) = (shifted(FRAC_PI_2)?.map(|y| y.norm_sqr()), shifted(-FRAC_PI_2)?.map(|y| y.norm_sqr()));
        for (j, slopes) in output_slopes.iter().enumerate() {
            worst = worst.max(((up[j] - down[j]) / 2.0 - slopes.values()[k]).abs() / scale);
        }
        let shift = (up.norm_squared() - down.norm_squared()) / 2.0;
        worst_loss = worst_loss.max((shift - loss_slopes.values()[k]).abs() / loss_scale);
    }
    Ok((worst, worst_loss))
}

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    for n in [4, 8] {
        let differences = setting.draws(40, |draw| difference(setting, n, draw))?;
        let check = Check::new(format!("intensities, largest relative difference, N = {n}"), "1");
        rows.push(check.at_most(1e-10, largest(differences.iter().map(|d| d.0))));
        let loss: Mean = differences.iter().map(|d| d.1).collect();
        let check = Check::new(format!("loss ΣI², relative difference, N = {n}"), "1");
        rows.push(check.at_least(0.01, loss.estimate()));
    }
    Ok(rows)
}
