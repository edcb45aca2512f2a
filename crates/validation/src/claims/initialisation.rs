//! Training phases that start from a Haar distribution or from a uniform one.

use super::haar_statistics::rank;
use super::prelude::*;
use phaseloom_mesh::Stage;

pub(super) const CLAIM: Claim = Claim {
    key: "initialisation",
    sentence: "From Haar-distributed phases Adam reaches a fixed error in at least 2× fewer iterations than from uniform \
         ones; uniform phases give a band of powers",
    source: "docs/physics.md, Haar statistics; Pai et al. 2019",
    method: "Adam (rate .01) on ‖U−Û‖²/2N with the adjoint gradient of a chip without errors, until it is .1; \
         rectangular, five Haar targets",
    criterion: "ratio of the medians of iterations ≥ 2; power beyond N/2 from the diagonal: that of a flat matrix of powers \
         from Haar phases, a tenth of it from uniform ones",
    rows,
};

/// The value of ‖U−Û‖²/2N to reach. Two random unitaries have 1.
const GOAL: f64 = 0.1;
const RATE: f64 = 0.01;
const TARGETS: u64 = 5;
/// Number of iterations after which a start is given up. It then counts with this number.
const LIMIT: u32 = 4000;

/// Haar-distributed or uniform phases of a mesh. The Haar-distributed θ of rank k is 2·arccos(u^{1/2k}).
fn start(setting: &Setting<'_>, n: usize, haar: bool, draw: u64) -> Result<Phases, ValidationError> {
    let layout = topology("rectangular")?.layout(n);
    let mut phases = Phases::zero(layout.positions.len(), n);
    let mut angle = setting.angles(if haar { "validate/haar_phases" } else { "validate/uniform_phases" }, draw);
    for (k, &position) in layout.positions.iter().enumerate() {
        let uniform = angle() / std::f64::consts::TAU;
        let power = 0.5 / rank("rectangular", n, position) as f64;
        let theta = if haar { 2.0 * uniform.powf(power).acos() } else { uniform * std::f64::consts::PI };
        phases.set_cell(k, theta, angle());
    }
    (0..n).for_each(|mode| phases.set_output(mode, angle()));
    Ok(phases)
}

/// Iterations of Adam (β = .9 and .999, ε = 1e-8) until the goal.
fn iterations(setting: &Setting<'_>, n: usize, haar: bool, target: u64) -> Result<f64, ValidationError> {
    let u = setting.haar(n, target);
    let program = unitary(&u, "rectangular")?;
    let chip = setting.chip(&process("")?, &program, 0)?;
    let (stage, cells) = (&program.stages()[0], &chip.stages()[0].cell_errors);
    let mut phases = start(setting, n, haar, target)?;
    let mut moments = vec![(0.0, 0.0); phases.values().len()];
    let input = Fields::identity(n);
    let (mut first, mut second) = (1.0, 1.0);
    for step in 0..LIMIT {
        if setting.interrupt.requested() {
            return Err(ValidationError::Interrupted);
        }
        let mut output = input.clone();
        Circuit::compile(stage, &phases, cells).propagate(&mut output);
        let difference = output.to_matrix() - &u;
        if difference.norm_squared() / (2 * n) as f64 <= GOAL {
            return Ok(f64::from(step));
        }
        // ∂L/∂Re + i·∂L/∂Im of ‖Û−U‖²/2N.
        let adjoint = Fields::from_matrix(&(difference / Complex64::new(n as f64, 0.0)));
        let (slopes, _) = gradient(stage, &phases, cells, &input, output, adjoint);
        (first, second) = (first * 0.9, second * 0.999);
        for ((phase, slope), (m, v)) in phases.values_mut().iter_mut().zip(slopes.values()).zip(&mut moments) {
            *m = 0.9 * *m + 0.1 * slope;
            *v = 0.999 * *v + 0.001 * slope * slope;
            *phase -= RATE * (*m / (1.0 - first)) / ((*v / (1.0 - second)).sqrt() + 1e-8);
        }
    }
    Ok(f64::from(LIMIT))
}

/// Share of |U|² more than N/2 from the diagonal.
fn far(u: &Matrix) -> f64 {
    let n = u.nrows();
    let entries = (0..n).flat_map(|j| (0..n).map(move |i| (i, j))).filter(|(i, j)| i.abs_diff(*j) > n / 2);
    entries.map(|at| u[at].norm_sqr()).sum::<f64>() / n as f64
}

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    for n in [32, 128] {
        let draws = setting.draws(20, |draw| {
            let share = |haar| -> Result<f64, ValidationError> {
                let stage = Stage::mesh(topology("rectangular")?.layout(n), start(setting, n, haar, 100 + draw)?);
                Ok(far(&Circuit::ideal(&stage).matrix()))
            };
            Ok((share(true)?, share(false)?))
        })?;
        // Pairs with |i−j| > N/2: 2·Σ_{d>N/2}(N−d) = (N/2)(N/2−1), each of power 1/N of N columns.
        let half = n as f64 / 2.0;
        let flat = half * (half - 1.0) / (n * n) as f64;
        let haar = draws.iter().map(|d| d.0).collect::<Mean>().estimate();
        let uniform = draws.iter().map(|d| d.1).collect::<Mean>().estimate();
        rows.push(Check::new(format!("power far from the diagonal, Haar phases, N = {n}"), "1").law(flat).near(haar));
        let check = Check::new(format!("power far from the diagonal, uniform phases, N = {n}"), "1");
        rows.push(check.at_most(flat / 10.0, uniform));

        let check = Check::new(format!("iterations, uniform over Haar, N = {n}"), "1");
        if n > 32 && setting.quick {
            rows.push(check.skipped("minutes of Adam: in the full run only"));
            continue;
        }
        let counts = setting.draws(2 * TARGETS, |k| iterations(setting, n, k % 2 == 0, k / 2))?;
        let median_of = |rest: usize| median(counts.iter().copied().skip(rest).step_by(2).collect());
        let (haar, uniform) = (median_of(0), median_of(1));
        let given_up = counts.iter().filter(|c| **c >= f64::from(LIMIT)).count();
        let bound = if given_up > 0 { ", so the ratio is a lower bound" } else { "" };
        let note =
            format!("medians {haar} and {uniform} iterations; {given_up} of {} starts given up{bound}", 2 * TARGETS);
        let ratio = Estimate { value: uniform / haar, error: 0.0, draws: TARGETS };
        rows.push(check.note(note).at_least(2.0, ratio));
    }
    Ok(rows)
}
