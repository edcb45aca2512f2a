//! Characterisation: estimates splitter errors and phase offsets of every cell from measurements, then corrects locally.
//!
//! The chip is measured at several settings of random phases. The estimate is the least-squares fit of the model of a
//! chip to all measurements. A weak prior (ridge) towards the perfect chip fixes what the measurements leave open, such
//! as the difference of two shifters in series. The error of the estimate is proportional to the noise of a measurement
//! and to one over the root of the number of settings.

use super::local::local_correction;
use super::self_configuration::quadratures;
use super::{Correction, CorrectionResult, Knowledge, Lab};
use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::stage_errors::StageErrors;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use phaseloom_files::require_memory;
use phaseloom_mesh::{Circuit, MatrixProgram, Phases, Stage};
use phaseloom_numerics::least_squares::{DampingScale, GaussNewton, Point};
use phaseloom_numerics::linalg::multiply;
use std::cell::OnceCell;
use std::f64::consts::TAU;

/// Number of measured settings.
const SETTINGS: u64 = 6;
/// Standard deviation (rad) of an error in the prior.
const PRIOR: f64 = 0.1;
/// Maximum change of an error in one step (rad): far from the solution a full step may overshoot.
const MAX_CHANGE: f64 = 0.5;
/// Step of the difference quotients (rad).
const STEP: f64 = 1e-6;

/// The prior makes the equations well conditioned, so that damping is needed only far from the solution.
const SEARCH: GaussNewton = GaussNewton {
    scale: DampingScale::MeanDiagonal,
    damping: 1e-12,
    min_damping: 1e-12,
    max_tries: 16,
    max_steps: 12,
    min_gain: 0.0,
    min_relative_gain: 1e-12,
};

/// Local correction with estimated errors.
pub(super) const METHOD: Correction = Correction {
    key: "characterisation",
    description: "errors of every cell estimated from measurements, then local correction",
    knows: Knowledge::Design,
    solve,
};

fn solve(lab: &mut Lab<'_>) -> Result<CorrectionResult, HardwareError> {
    let steps = lab.steps(SETTINGS);
    let estimate = characterise(lab, steps)?;
    let Some(process) = lab.process() else { return Ok(lab.start().into()) };
    let result = local_correction(process, lab.program, &estimate.stages)?;
    Ok(CorrectionResult { steps, residual: Some(estimate.residual), ..result })
}

/// Estimated errors of a chip.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// Estimated errors, one entry per stage; loss as designed.
    pub stages: Vec<StageErrors>,
    /// Root mean square residual per quadrature, relative to the field of a full input.
    pub residual: f64,
}

/// One measured setting.
struct Measurement {
    driven: Vec<Phases>,
    matrix: DMatrix<Complex64>,
}

/// A candidate of the fit.
struct Candidate {
    errors: DVector<f64>,
    stages: Vec<StageErrors>,
    /// Sum of squared residuals, without the prior.
    squares: f64,
}

/// Estimates splitter errors and phase offsets of every cell from `count` settings of random phases.
///
/// The design of the process is known: nominal loss, crosstalk, codes. The time is O(count·N²·P²) for P ≈ 2N² unknowns
/// of a mesh of N modes.
///
/// # Errors
///
/// No settings, too little memory for the normal equations, a fit that does not converge to finite numbers, an
/// interruption.
pub fn characterise(lab: &mut Lab<'_>, count: u64) -> Result<Estimate, HardwareError> {
    if count == 0 {
        return Err(HardwareError::unfit("settings (number of)", count, "at least 1"));
    }
    let program = lab.program;
    let process = lab.process().cloned().unwrap_or_default();
    let nominal = Chip::nominal(&process, program)?;
    let unknown: usize = nominal.stages().iter().map(unknowns_of).sum();
    let (rows, columns) = program.shape();
    let numbers = 2 * rows * columns;
    require_memory(
        8.0 * (unknown as f64) * (3.0 * unknown as f64 + 2.0 * numbers as f64),
        &format!("fitting {unknown} errors of a chip"),
    )?;
    let mut draws = lab.draws("correction/characterise");
    let mut measurements = Vec::new();
    for _ in 0..count {
        lab.check_interrupt()?;
        let mut phases = lab.start();
        // A normal variable of standard deviation 1000 rad, modulo 2π, is uniform.
        for phase in phases.iter_mut().flat_map(|s| s.values_mut()) {
            *phase = (draws.draw() * 1e3).rem_euclid(TAU);
        }
        let matrix = lab.measure_matrix(&phases);
        measurements.push(Measurement { driven: process.drive_phases(program, phases), matrix });
    }
    let lab = &*lab;
    let weight = OnceCell::new();
    let evaluate = |errors: DVector<f64>| -> Point<Candidate> {
        let stages = with_errors(nominal.stages(), &errors);
        let residual = |m: &Measurement| (&m.matrix - Light::new(program, &stages, &m.driven).output()).norm_squared();
        let squares = measurements.iter().map(residual).sum();
        let cost = squares + weight.get().map_or(0.0, |weight| weight * errors.norm_squared());
        Point { state: Candidate { errors, stages, squares }, cost }
    };
    let minimum = SEARCH.minimise::<_, HardwareError>(
        evaluate(DVector::zeros(unknown)),
        |Candidate { errors, stages, .. }| {
            let mut hessian = DMatrix::<f64>::zeros(unknown, unknown);
            let mut descent = DVector::zeros(unknown);
            for measurement in &measurements {
                let light = Light::new(program, stages, &measurement.driven);
                let jacobian = light.jacobian(lab, unknown)?;
                let transposed = jacobian.transpose();
                hessian += multiply(&transposed, &jacobian);
                descent += &transposed * quadratures(&(&measurement.matrix - light.output()));
            }
            // The prior alone distinguishes shifters in series: without noise it must still exceed rounding.
            let floor = 1e-10 * hessian.trace() / unknown as f64;
            let weight = *weight.get_or_init(|| (lab.instruments.noise.max(1e-9) / PRIOR).powi(2).max(floor));
            for k in 0..unknown {
                hessian[(k, k)] += weight;
                descent[k] -= weight * errors[k];
            }
            Ok((hessian, descent))
        },
        |candidate, step| {
            lab.check_interrupt()?;
            let share = (MAX_CHANGE / step.amax()).min(1.0);
            Ok(evaluate(&candidate.errors + step * share))
        },
    )?;
    let Candidate { stages, squares, .. } = minimum.point.state;
    if !squares.is_finite() {
        return Err(HardwareError::Characterisation { unknown, settings: count });
    }
    let residual = (squares / (count as f64 * numbers as f64)).sqrt();
    Ok(Estimate { stages, residual })
}

/// The nominal stages with errors from a list: for each stage all α, all β, all γ of cells with a third splitter, all
/// offsets.
fn with_errors(nominal: &[StageErrors], errors: &DVector<f64>) -> Vec<StageErrors> {
    let mut stages = nominal.to_vec();
    let mut errors = errors.iter();
    for stage in &mut stages {
        for (k, &error) in (0..unknowns_of(stage)).zip(errors.by_ref()) {
            add(stage, k, error);
        }
    }
    stages
}

fn unknowns_of(stage: &StageErrors) -> usize {
    stage.cell.splitters() * stage.cell_errors.len() + stage.offsets.values().len()
}

/// Adds to error number `k` of a stage.
fn add(stage: &mut StageErrors, k: usize, change: f64) {
    let (cells, splitters) = (stage.cell_errors.len(), stage.cell.splitters());
    if k >= splitters * cells {
        stage.offsets.values_mut()[k - splitters * cells] += change;
        return;
    }
    let cell = &mut stage.cell_errors[k % cells];
    *[&mut cell.alpha, &mut cell.beta, &mut cell.gamma][k / cells] += change;
}

/// Light in a model of the chip.
struct Light<'a> {
    program: &'a MatrixProgram,
    stages: &'a [StageErrors],
    driven: &'a [Phases],
    /// Matrix of each stage, modes × modes.
    matrices: Vec<DMatrix<Complex64>>,
    /// Fields before each stage and after the last, for a full input at each port: modes × inputs.
    fields: Vec<DMatrix<Complex64>>,
}

impl<'a> Light<'a> {
    fn new(program: &'a MatrixProgram, stages: &'a [StageErrors], driven: &'a [Phases]) -> Self {
        let matrices: Vec<DMatrix<Complex64>> =
            (0..stages.len()).map(|s| stage_matrix(&program.stages()[s], &stages[s], &driven[s])).collect();
        let inputs = program.shape().1;
        let mut fields = vec![DMatrix::identity(inputs, inputs)];
        for (s, matrix) in matrices.iter().enumerate() {
            fields.push(propagate(matrix, &fields[s]));
        }
        Self { program, stages, driven, matrices, fields }
    }

    /// The realised matrix, rows × inputs.
    fn output(&self) -> DMatrix<Complex64> {
        self.fields[self.stages.len()].rows(0, self.program.shape().0).into_owned()
    }

    /// The realised matrix with other errors in stage `s`.
    fn output_with(&self, s: usize, errors: &StageErrors) -> DMatrix<Complex64> {
        let changed = stage_matrix(&self.program.stages()[s], errors, &self.driven[s]);
        let mut fields = propagate(&changed, &self.fields[s]);
        for later in &self.matrices[s + 1..] {
            fields = propagate(later, &fields);
        }
        fields.rows(0, self.program.shape().0).into_owned()
    }

    /// Slopes of all quadratures with respect to all errors, by central differences.
    fn jacobian(&self, lab: &Lab<'_>, unknown: usize) -> Result<DMatrix<f64>, HardwareError> {
        let (rows, columns) = self.program.shape();
        let mut jacobian = DMatrix::zeros(2 * rows * columns, unknown);
        let mut column = 0;
        for (s, errors) in self.stages.iter().enumerate() {
            let mut changed = errors.clone();
            for k in 0..unknowns_of(errors) {
                lab.check_interrupt()?;
                add(&mut changed, k, STEP);
                let above = self.output_with(s, &changed);
                add(&mut changed, k, -2.0 * STEP);
                let below = self.output_with(s, &changed);
                changed = errors.clone();
                jacobian.set_column(column, &(quadratures(&(above - below)) / (2.0 * STEP)));
                column += 1;
            }
        }
        Ok(jacobian)
    }
}

/// The matrix of one stage, modes × modes.
fn stage_matrix(stage: &Stage, errors: &StageErrors, driven: &Phases) -> DMatrix<Complex64> {
    let (phases, cell_errors) = errors.state(driven);
    Circuit::compile(stage, &phases, cell_errors).matrix()
}

/// Fields after a stage. Fields before it are cut, or padded with zeros, to its number of modes.
fn propagate(stage: &DMatrix<Complex64>, fields: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    let fields = fields.clone().resize_vertically(stage.ncols(), Complex64::new(0.0, 0.0));
    phaseloom_numerics::linalg::multiply(stage, &fields)
}
