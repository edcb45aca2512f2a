//! Experiments without a network: one matrix on many chips, and the law of its error.

mod sensitivity;

use crate::error::ExperimentError;
use crate::input::config::{Config, Experiment};
use crate::input::files::cached;
use crate::input::grid::Point;
use crate::input::subject::{MatrixInput, Subject};
use crate::input::tree::to_value;
use crate::store::record::{MatrixDesign, MatrixQuality, MatrixResult, Record, Row, Unit};
use nalgebra::{Complex, DMatrix};
use phaseloom_files::usage;
use phaseloom_files::{InvalidValue, read_key};
use phaseloom_hardware::correction::{CorrectionPlan, CorrectionQuality, Instruments, Interrupt, correct};
use phaseloom_hardware::{Chip, ChipId, HardwareError, Process};
use phaseloom_mesh::{Form, MatrixProgram, MeshDesign, Sensitivities, convention};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Ports of a tiny mesh. Every topology has all of its kinds of parts from here on.
const TINY_PORTS: usize = 8;

/// A matrix with its program.
pub(crate) struct Target {
    /// The matrix divided by `gain`.
    matrix: DMatrix<Complex<f64>>,
    gain: f64,
    program: MatrixProgram,
    /// Computed once for the laws of all points.
    sensitivities: OnceLock<Sensitivities>,
}

/// Everything that the units of one point share.
pub(crate) struct MatrixPoint {
    config: Config,
    target: Arc<Target>,
    correction: Option<CorrectionPlan>,
}

/// Prepares all points, or those before an interruption. Points share equal programs.
pub(crate) fn prepare(
    experiment: &Experiment,
    points: &[Point],
    inputs: &[Arc<MatrixInput>],
    interrupt: &Interrupt,
) -> Result<Vec<MatrixPoint>, ExperimentError> {
    let mut targets = HashMap::new();
    let mut prepared = Vec::with_capacity(points.len());
    for (point, input) in points.iter().zip(inputs) {
        if interrupt.requested() {
            break;
        }
        let config = point.config.clone();
        let key = (Arc::as_ptr(input), to_value(&config.core).to_string(), to_value(&config.form).to_string());
        let target = cached(&mut targets, key, || Ok(Arc::new(Target::new(input, &config, experiment, point)?)))?;
        let correction = config.correction_plan(interrupt)?;
        prepared.push(MatrixPoint { config, target, correction });
    }
    Ok(prepared)
}

impl Target {
    /// The program of the matrix.
    pub(super) fn program(&self) -> &MatrixProgram {
        &self.program
    }

    pub(super) fn new(
        input: &MatrixInput,
        config: &Config,
        experiment: &Experiment,
        point: &Point,
    ) -> Result<Self, ExperimentError> {
        let target = match input {
            MatrixInput::Program(program) => Self::from_program(program.clone()),
            MatrixInput::Matrix(matrix, single) => {
                let design = config.core.design()?;
                Self::from_matrix(matrix, *single, config.form.into(), design).map_err(|source| {
                    let file = config.matrix.clone().unwrap_or_default();
                    let unit = format!("{}{}", file.display(), point.values());
                    ExperimentError::Unit { path: experiment.path.clone(), unit, source: Box::new(source) }
                })?
            }
        };
        if target.gain > 0.0 && target.matrix.norm_squared() > 0.0 {
            return Ok(target);
        }
        let key = if config.matrix.is_some() { "matrix" } else { "program" };
        let invalid = InvalidValue::new(key, "a matrix of zeros", "at least one entry that is not 0");
        Err(experiment.with_line(invalid))
    }

    fn from_program(program: MatrixProgram) -> Self {
        // Without the gain, whose square may leave the range of a double.
        let matrix = program.clone().with_electronic_gain(1.0).matrix();
        Self { matrix, gain: program.gain(), program, sensitivities: OnceLock::new() }
    }

    fn from_matrix(
        matrix: &DMatrix<Complex<f64>>,
        single: bool,
        form: Form,
        design: MeshDesign,
    ) -> Result<Self, HardwareError> {
        let program = match single {
            true => MatrixProgram::from_single(matrix, form, design)?,
            false => MatrixProgram::new(matrix, form, design)?,
        };
        let gain = program.gain();
        // A program of zeros has the gain 0 and is refused.
        let matrix = if gain > 0.0 { matrix.unscale(gain) } else { matrix.clone() };
        Ok(Self { matrix, gain, program, sensitivities: OnceLock::new() })
    }
}

impl MatrixPoint {
    /// The settings.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The same point with another process.
    pub(super) fn with_config(&self, config: Config) -> Self {
        Self { config, target: self.target.clone(), correction: self.correction.clone() }
    }

    /// Computes a unit: the law, the perfect chip, or one sampled chip.
    pub(crate) fn evaluate(&self, unit: Unit) -> Result<Record, ExperimentError> {
        match unit.row {
            Row::Levels => return self.levels(unit),
            Row::Sensitivity => return self.sensitivity(unit),
            _ => {}
        }
        let program = &self.target.program;
        let result = match unit.row {
            Row::Design => MatrixResult { design: Some(self.design()?), chip: None },
            Row::Chips => {
                let (chip, program) = self.chip(unit.trial)?;
                MatrixResult { design: None, chip: Some(self.quality(&chip, &program)?) }
            }
            _ => {
                let chip = Chip::nominal(&Process::default(), program)?;
                MatrixResult { design: None, chip: Some(self.quality(&chip, program)?) }
            }
        };
        if let Some(quality) = &result.chip {
            let numbers = [
                ("the infidelity", quality.infidelity),
                ("the matrix error", quality.error),
                ("the transmission", quality.transmission_db),
            ];
            if let Some((what, value)) = numbers.into_iter().find(|(_, value)| !value.is_finite()) {
                return Err(ExperimentError::NotFinite { unit: unit.to_string(), what: what.to_owned(), value });
            }
        }
        Ok(Record { matrix: Some(result), ..Record::new(unit, 0) })
    }

    /// Bytes of a unit: the chip with its errors and phases, realised matrices and their differences; for sensitivities the parts
    /// of a mesh, too.
    pub(crate) fn bytes_of_unit(&self) -> f64 {
        let (rows, columns) = self.target.program.shape();
        let per_entry = if self.config.sensitivity.is_some() { 1000.0 } else { 300.0 };
        per_entry * (rows.max(columns) as f64).powi(2)
    }

    /// The chip of a trial, as `phaseloom chip` samples it, and its program, after the correction if there is one.
    fn chip(&self, trial: u64) -> Result<(Chip, Cow<'_, MatrixProgram>), HardwareError> {
        let program = &self.target.program;
        let id = ChipId { seed: self.config.seed, trial, core: 0 };
        let chip = Chip::fabricate(&self.config.process, program, id)?;
        match &self.correction {
            None => Ok((chip, Cow::Borrowed(program))),
            Some(CorrectionPlan { method, noise, effort, interrupt }) => {
                let instruments =
                    Instruments { noise: *noise, effort: *effort, draws: id, interrupt: interrupt.clone() };
                let corrected = correct(&chip, program, method, &instruments)?;
                Ok((chip, Cow::Owned(corrected.program)))
            }
        }
    }

    fn quality(&self, chip: &Chip, program: &MatrixProgram) -> Result<MatrixQuality, HardwareError> {
        let Target { matrix, gain, .. } = &*self.target;
        let quality = CorrectionQuality::with_target(chip, matrix, *gain, program)?;
        Ok(MatrixQuality {
            infidelity: quality.infidelity,
            error: quality.error,
            scaled_error: quality.scaled_error,
            // No loss is 0, not −0.
            transmission_db: quality.transmission_db + 0.0,
            heater_power_w: quality.heater_power_w,
        })
    }

    /// Size and law of the program. There is no law of corrected chips, nor of errors that components share.
    fn design(&self) -> Result<MatrixDesign, HardwareError> {
        let Target { matrix, gain, program, sensitivities } = &*self.target;
        let law = match &self.correction {
            Some(_) => None,
            None if self.config.process.has_structured_errors() => None,
            None => Some(self.config.process.matrix_law(
                program,
                sensitivities.get_or_init(|| program.sensitivities()),
                matrix,
            )?),
        };
        Ok(MatrixDesign {
            shape: program.shape(),
            form: program.form().key().to_owned(),
            mesh: program.design().to_string(),
            cells: program.interferometers(),
            depth: program.depth(),
            gain: *gain,
            infidelity: law.map(|law| law.infidelity),
            error: law.map(|law| law.error),
        })
    }
}

/// Computes every row of tiny matrices at one point, as a run does.
pub(crate) fn compute_tiny(experiment: &Experiment, config: &Config) -> Result<Vec<Record>, ExperimentError> {
    ["name", "base", "sources"].into_iter().for_each(usage::mark);
    let (design, form) = match config.subject().map_err(|invalid| experiment.with_line(invalid))? {
        Subject::Program(path) => {
            usage::mark("program");
            let program = convention::load(&experiment.base().join(path))?;
            (program.design().clone(), program.form())
        }
        _ => {
            usage::mark("matrix");
            (config.core.design()?, read_key!("", config.form).into())
        }
    };
    let rows = design.topology().capability().max_rows().unwrap_or(TINY_PORTS).min(TINY_PORTS);
    let unitary = DMatrix::identity(TINY_PORTS, TINY_PORTS);
    let general = DMatrix::from_fn(rows, TINY_PORTS, |i, j| Complex::new(((1 + i + 4 * j) as f64).sin(), 0.0));
    let matrices = match form {
        Form::Unitary => vec![unitary],
        Form::Svd | Form::Contraction => vec![general],
        // A topology of few rows has no unitary.
        Form::Auto if rows < TINY_PORTS => vec![general],
        Form::Auto => vec![unitary, general],
    };
    let mut config = config.clone();
    config.correction_effort = config.correction_effort.min(0.1);
    let mut records = Vec::new();
    for matrix in matrices {
        let target = Arc::new(Target::from_matrix(&matrix, false, Form::Auto, design.clone())?);
        let correction = config.correction_plan(&Interrupt::new())?;
        let point = MatrixPoint { config: config.clone(), target, correction };
        let unit = |row| Unit { row, point: 0, trial: 0 };
        records.push(usage::reported(|| point.evaluate(unit(Row::Design)))?);
        records.push(point.evaluate(unit(Row::Chips))?);
    }
    Ok(records)
}
