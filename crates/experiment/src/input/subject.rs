//! The subject of an experiment: a network with its test data, or a matrix without a network.

use crate::error::ExperimentError;
use crate::input::config::{Config, Experiment};
use nalgebra::{Complex, DMatrix};
use phaseloom_files::{InputFiles, InvalidValue, parse_matrix};
use phaseloom_mesh::{Form, MatrixProgram, convention};
use phaseloom_network::data::DataSpec;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The subject of an experiment.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A network with its test data.
    Network {
        /// Model file.
        model: &'a Path,
        /// Test data.
        data: &'a DataSpec,
    },
    /// A matrix (`.npy`), programmed on the meshes of `[core]`.
    Matrix(&'a Path),
    /// A program (`.json`) and the matrix that it realises.
    Program(&'a Path),
}

/// The key `form`: how a `matrix` is programmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MatrixForm {
    /// One mesh if the matrix is unitary within tolerance, else `svd`.
    #[default]
    Auto,
    /// One mesh; other matrices than unitaries are refused.
    Unitary,
    /// Two meshes and a column of attenuators.
    Svd,
}

impl MatrixForm {
    pub(crate) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

impl From<MatrixForm> for Form {
    fn from(form: MatrixForm) -> Self {
        match form {
            MatrixForm::Auto => Self::Auto,
            MatrixForm::Unitary => Self::Unitary,
            MatrixForm::Svd => Self::Svd,
        }
    }
}

impl Config {
    /// The subject of the experiment.
    ///
    /// # Errors
    ///
    /// None or several of `model`, `matrix` and `program`; a model without test data.
    pub fn subject(&self) -> Result<Subject<'_>, InvalidValue> {
        const EXPECTED: &str = "exactly one of `model` (a network), `matrix` (.npy) and `program` (.json)";
        let given = [("model", &self.model), ("matrix", &self.matrix), ("program", &self.program)];
        let mut given = given.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?)));
        let Some((key, path)) = given.next() else {
            return Err(InvalidValue::new("model", "absent, as are `matrix` and `program`", EXPECTED));
        };
        if let Some((other, _)) = given.next() {
            return Err(InvalidValue::new(other, format!("given together with `{key}`"), EXPECTED));
        }
        match (key, &self.data) {
            ("matrix", _) => Ok(Subject::Matrix(path)),
            ("program", _) => Ok(Subject::Program(path)),
            (_, Some(data)) => Ok(Subject::Network { model: path, data }),
            (_, None) => Err(InvalidValue::new("data", "absent", "a table [data] with the test data of the model")),
        }
    }

    /// Whether the subject is a matrix or a program, without a network.
    #[must_use]
    pub fn is_matrix(&self) -> bool {
        matches!(self.subject(), Ok(Subject::Matrix(_) | Subject::Program(_)))
    }
}

impl Experiment {
    /// Model file and test data of the network. Paths are relative to [`Experiment::base`].
    ///
    /// # Errors
    ///
    /// As [`Config::subject`], and another subject than a network; with file and line.
    pub fn network(&self) -> Result<(&Path, &DataSpec), ExperimentError> {
        let invalid = match self.config.subject() {
            Ok(Subject::Network { model, data }) => return Ok((model, data)),
            Ok(_) => {
                let key = if self.config.matrix.is_some() { "matrix" } else { "program" };
                InvalidValue::new(key, "given", "a `model`: only a network has layers and data")
            }
            Err(invalid) => invalid,
        };
        Err(self.with_line(invalid))
    }
}

/// A subject without a network, as read from its file.
#[derive(Debug)]
pub(crate) enum MatrixInput {
    /// A matrix, and whether its entries are of single precision.
    Matrix(DMatrix<Complex<f64>>, bool),
    Program(MatrixProgram),
}

impl MatrixInput {
    pub fn read(subject: Subject<'_>, path: &Path, files: &InputFiles) -> Result<Self, ExperimentError> {
        let file = files.read(path)?;
        Ok(match subject {
            Subject::Program(_) => Self::Program(convention::parse(path, &file.text()?)?),
            _ => {
                let (matrix, single) = parse_matrix(path, &file.bytes)?;
                Self::Matrix(matrix, single)
            }
        })
    }
}
