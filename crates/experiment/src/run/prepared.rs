//! Everything that is computed once before the first unit, of networks and of matrices.

use crate::error::{ExperimentError, Problem};
use crate::input::config::Experiment;
use crate::input::criterion::Criterion;
use crate::input::files::SubjectInputs;
use crate::input::grid::Point;
use crate::run::calibrate::Measured;
use crate::run::cautions::cautions;
use crate::run::evaluate::Keep;
use crate::run::matrix::{self, MatrixPoint};
use crate::run::prepare::{PreparedPoint, prepare};
use crate::store::record::{Record, Unit};
use phaseloom_hardware::correction::Interrupt;
use phaseloom_network::Calibration;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The prepared points of a run.
pub(crate) enum Prepared {
    /// Points of a network, and the measured scales of its converters.
    Networks(Vec<PreparedPoint>, Measured),
    /// Points of a matrix, without a network.
    Matrices(Vec<MatrixPoint>),
}

impl Default for Prepared {
    /// No points.
    fn default() -> Self {
        Self::Matrices(Vec::new())
    }
}

impl Prepared {
    /// Prepares all points, or those before an interruption.
    pub fn new(
        experiment: &Experiment,
        points: &[Point],
        inputs: SubjectInputs,
        interrupt: &Interrupt,
    ) -> Result<Self, ExperimentError> {
        Ok(match inputs {
            SubjectInputs::Networks(inputs) => {
                let (prepared, scales) = prepare(experiment, points, inputs, interrupt)?;
                Self::Networks(prepared, scales)
            }
            SubjectInputs::Matrices(inputs) => Self::Matrices(matrix::prepare(experiment, points, &inputs, interrupt)?),
        })
    }

    /// Checks that chips have the quantity that a criterion limits.
    pub fn check_criterion(&self, criterion: Criterion) -> Result<(), Problem> {
        let first = if let Self::Networks(points, _) = self { points.first() } else { None };
        match first.map(|point| point.test_set.task.judge(&point.test_set.exact, &point.test_set.exact).score()) {
            Some(score) if !criterion.suits(score) => Err(Problem::Criterion { criterion }),
            _ => Ok(()),
        }
    }

    /// Notes before the first unit: measured scales, hardware that cannot compute well, tensors that no layer uses.
    pub fn notes(&self, points: &[Point]) -> Result<Vec<String>, ExperimentError> {
        let Self::Networks(prepared, scales) = self else { return Ok(Vec::new()) };
        let unused: BTreeSet<String> = prepared.iter().filter_map(|point| point.network.note()).collect();
        Ok(scales.note().into_iter().chain(cautions(prepared, points)?).chain(unused).collect())
    }

    /// The measured scales of converters with the names of their files.
    pub fn scales(&self) -> impl Iterator<Item = (&str, &Calibration)> {
        let scales = if let Self::Networks(_, scales) = self { Some(scales) } else { None };
        scales.into_iter().flat_map(Measured::files)
    }

    /// Computes a unit. `keep` is called with the outputs of the network, and of those layers, in each shot.
    pub fn evaluate(&self, unit: Unit, layers: &[usize], keep: &mut Keep<'_>) -> Result<Record, ExperimentError> {
        match self {
            Self::Networks(prepared, _) => prepared[unit.point].evaluate_and_keep(unit, layers, keep),
            Self::Matrices(prepared) => prepared[unit.point].evaluate(unit),
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        match self {
            Self::Networks(prepared, _) => prepared.len(),
            Self::Matrices(prepared) => prepared.len(),
        }
    }

    /// Time of a unit, of a network from its first samples and one shot.
    pub fn time(&self, unit: Unit) -> Result<Duration, ExperimentError> {
        match self {
            Self::Networks(prepared, _) => prepared[unit.point].time(unit),
            Self::Matrices(prepared) => {
                let start = Instant::now();
                prepared[unit.point].evaluate(unit)?;
                Ok(start.elapsed())
            }
        }
    }

    /// Bytes of all points, and of one unit at most.
    pub fn bytes(&self) -> (f64, f64) {
        fn total<T>(points: &[T], of_point: fn(&T) -> f64, of_unit: fn(&T) -> f64) -> (f64, f64) {
            (points.iter().map(of_point).sum(), points.iter().map(of_unit).fold(0.0, f64::max))
        }
        match self {
            Self::Networks(points, _) => total(points, PreparedPoint::bytes_of_design, PreparedPoint::bytes_of_unit),
            Self::Matrices(points) => total(points, |_| 0.0, MatrixPoint::bytes_of_unit),
        }
    }
}
