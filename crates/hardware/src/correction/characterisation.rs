//! Characterisation: splitter errors and phase offsets of every cell, estimated from readings alone; then the local
//! correction with the estimates.
//!
//! The chip is read at several settings with all phases drawn from 0…2π. The estimate is the least-squares fit of our model of
//! a chip to all readings, by Gauss–Newton with a weak pull to the perfect chip (ridge), which settles what the readings
//! leave open (two shifters in a row on one line). Its error falls as the noise of a reading and as the root of the
//! number of settings.

use super::local::corrected;
use super::{Correction, Found, Knowledge, Lab};
use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use phaseloom_files::require_memory;
use phaseloom_mesh::{Circuit, MatrixProgram, Phases, Stage};
use phaseloom_numerics::linalg::{multiply_real, solve_positive};
use std::f64::consts::TAU;

/// Settings that are read.
const SETTINGS: u64 = 6;
/// Iterations of Gauss–Newton, at most.
const ITERATIONS: u64 = 12;
/// Expected size of an error (rad) that the pull to the perfect chip stands for.
const USUAL: f64 = 0.1;
/// Step of the difference quotients (rad).
const STEP: f64 = 1e-6;

/// Local correction with estimated errors.
pub(super) struct Characterised;

impl Correction for Characterised {
    fn key(&self) -> &'static str {
        "characterisation"
    }

    fn description(&self) -> &'static str {
        "errors of every cell estimated from readings, then local correction"
    }

    fn knows(&self) -> Knowledge {
        Knowledge::Design
    }

    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError> {
        let count = lab.steps(SETTINGS);
        let estimate = characterise(lab, count)?;
        let Some(process) = lab.process() else {
            return Ok(Found { settings: lab.start(), ..Found::default() });
        };
        let found = corrected(process, lab.program(), &estimate.stages)?;
        Ok(Found { steps: count, residual: Some(estimate.residual), ..found })
    }
}

/// What readings tell of a chip.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// Estimated errors, one a section; loss as designed.
    pub stages: Vec<StageErrors>,
    /// Root mean square of what the fit leaves of a quadrature, as a share of the field of a full input.
    pub residual: f64,
    /// Iterations of the fit.
    pub iterations: u64,
}

/// Estimates splitter errors and phase offsets of every cell from `count` settings of random phases. The design of the
/// process is known: nominal loss, crosstalk, codes.
///
/// Time O(count·N²·P² ) for P ≈ 2N² unknowns of a mesh of N modes.
///
/// # Errors
///
/// Too little memory for the normal equations; a fit that leads to no number; an interruption.
pub fn characterise(lab: &mut Lab<'_>, count: u64) -> Result<Estimate, HardwareError> {
    let program = lab.program();
    let errors_of = |s: &Stage| s.layout().cell.splitters() * s.layout().positions.len() + s.phases().values().len();
    let unknown: usize = program.stages().iter().map(errors_of).sum();
    let (rows, columns) = program.shape();
    let readings = 2 * rows * columns;
    require_memory(
        8.0 * (unknown as f64) * (3.0 * unknown as f64 + 2.0 * readings as f64),
        &format!("fitting {unknown} errors of a chip"),
    )?;
    let process = lab.process().cloned().unwrap_or_default();
    let nominal = Chip::nominal(&process, program)?;
    let mut draws = lab.draws("correction/characterise");
    let mut data = Vec::new();
    for _ in 0..count {
        lab.go_on()?;
        let mut settings = lab.start();
        // A thousand normal draws' worth of turns, folded to one, is uniform.
        for phase in settings.iter_mut().flat_map(|s| s.values_mut()) {
            *phase = (draws.draw() * 1e3).rem_euclid(TAU);
        }
        let read = lab.read_matrix(&settings);
        data.push((process.drive_phases(program, settings), read));
    }
    let weight = (lab.noise().max(1e-9) / USUAL).powi(2);
    let mut stages = nominal.stages().to_vec();
    let mut sum = f64::INFINITY;
    let mut iterations = 0;
    let mut errors = DVector::zeros(unknown);
    while iterations < ITERATIONS {
        iterations += 1;
        let mut square = DMatrix::<f64>::zeros(unknown, unknown);
        let mut slope = DVector::zeros(unknown);
        let mut now = 0.0;
        for (driven, read) in &data {
            let (residual, jacobian) = linearised(lab, &stages, driven, read, unknown)?;
            now += residual.norm_squared();
            let transposed = jacobian.transpose();
            square += multiply_real(&transposed, &jacobian);
            slope += &transposed * residual;
        }
        // Of two shifters in a row on one line only the sum is told: where readings have no noise, the pull must still be
        // seen beside rounding.
        let weight = weight.max(1e-10 * square.trace() / unknown as f64);
        for k in 0..unknown {
            square[(k, k)] += weight;
            slope[k] -= weight * errors[k];
        }
        let Some(step) = solve_positive(&square, &slope) else {
            return Err(HardwareError::Characterisation { unknown, settings: count });
        };
        // Far from the solution a full step may lead astray: none longer than half a radian.
        let longest = step.amax();
        let step = if longest > 0.5 { step * (0.5 / longest) } else { step };
        errors += &step;
        stages = apart(&process, program, &errors)?;
        let small = longest < 1e-3 * lab.noise().max(1e-9);
        let settled = (sum - now).abs() <= 1e-9 * now;
        sum = now;
        if small || settled {
            break;
        }
    }
    let residual = (sum / (count as f64 * readings as f64)).sqrt();
    Ok(Estimate { stages, residual, iterations })
}

/// Errors as a list: of each section all α, all β, all γ where cells have a third splitter, all offsets.
fn apart(process: &Process, program: &MatrixProgram, errors: &DVector<f64>) -> Result<Vec<StageErrors>, HardwareError> {
    let mut stages = Chip::nominal(process, program)?.stages().to_vec();
    let mut rest = errors.iter();
    for stage in &mut stages {
        for k in 0..count(stage) {
            rest.next().into_iter().for_each(|&error| add(stage, k, error));
        }
    }
    Ok(stages)
}

fn count(stage: &StageErrors) -> usize {
    stage.cell.splitters() * stage.cell_errors.len() + stage.offsets.values().len()
}

/// Adds to error number `k` of a section.
fn add(stage: &mut StageErrors, k: usize, by: f64) {
    let (cells, splitters) = (stage.cell_errors.len(), stage.cell.splitters());
    if k >= splitters * cells {
        stage.offsets.values_mut()[k - splitters * cells] += by;
        return;
    }
    let cell = &mut stage.cell_errors[k % cells];
    match k / cells {
        0 => cell.alpha += by,
        1 => cell.beta += by,
        _ => cell.gamma += by,
    }
}

/// What the readings lack, and its slopes by all unknowns.
fn linearised(
    lab: &Lab<'_>,
    stages: &[StageErrors],
    driven: &[Phases],
    read: &DMatrix<Complex64>,
    unknown: usize,
) -> Result<(DVector<f64>, DMatrix<f64>), HardwareError> {
    let program = lab.program();
    let parts = |m: &DMatrix<Complex64>| DVector::from_iterator(2 * m.len(), m.iter().flat_map(|z| [z.re, z.im]));
    let matrices: Vec<DMatrix<Complex64>> =
        (0..stages.len()).map(|s| one(program, s, &stages[s], &driven[s])).collect();
    // What light meets before and behind each section.
    let inputs = program.shape().1;
    let mut before = vec![DMatrix::identity(inputs, inputs)];
    for matrix in &matrices {
        let next = padded(matrix, &before[before.len() - 1]);
        before.push(next);
    }
    let made = before[stages.len()].rows(0, program.shape().0).into_owned();
    let mut jacobian = DMatrix::zeros(2 * read.len(), unknown);
    let mut column = 0;
    for s in 0..stages.len() {
        let slopes = |changed: &StageErrors| -> DMatrix<Complex64> {
            let mut light = padded(&one(program, s, changed, &driven[s]), &before[s]);
            for later in &matrices[s + 1..] {
                light = padded(later, &light);
            }
            light.rows(0, program.shape().0).into_owned()
        };
        let mut changed = stages[s].clone();
        for k in 0..count(&changed) {
            lab.go_on()?;
            add(&mut changed, k, STEP);
            let ahead = slopes(&changed);
            add(&mut changed, k, -2.0 * STEP);
            let behind = slopes(&changed);
            changed = stages[s].clone();
            jacobian.set_column(column, &(parts(&(ahead - behind)) / (2.0 * STEP)));
            column += 1;
        }
    }
    Ok((parts(&(read - made)), jacobian))
}

/// The matrix of one section, lines × lines.
fn one(program: &MatrixProgram, s: usize, frozen: &StageErrors, driven: &Phases) -> DMatrix<Complex64> {
    let (phases, cell_errors) = frozen.state(driven);
    Circuit::compile(&program.stages()[s], &phases, cell_errors).matrix()
}

/// Light behind a section, cut or padded with dark modes to the size that it takes.
fn padded(stage: &DMatrix<Complex64>, light: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    let light = light.clone().resize_vertically(stage.ncols(), Complex64::new(0.0, 0.0));
    phaseloom_numerics::linalg::multiply(stage, &light)
}
