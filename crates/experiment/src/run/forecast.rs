//! The size of a run and its expected time, without a result of it.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use crate::input::files::{Inputs, PointInputs, SubjectInputs};
use crate::run::prepare::{CHUNK, PreparedPoint};
use crate::run::prepared::Prepared;
use crate::run::session::contents;
use crate::run::{Options, refuse_levels};
use crate::store::OUTPUTS;
use crate::store::identity::Identity;
use crate::store::plan::Plan;
use crate::store::record::{Row, Unit};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Memory of the program itself in bytes.
const PROGRAM_BYTES: f64 = 32e6;

/// The size of a run, and estimates of its memory and time. [`Display`](fmt::Display) writes it as lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Folder of the results.
    pub folder: PathBuf,
    /// Points of the grid.
    pub points: usize,
    /// Chips at each point.
    pub trials: u64,
    /// Units of the whole run.
    pub units: usize,
    /// Units that are missing in the folder and belong to the shard.
    pub missing: usize,
    /// Number of threads.
    pub threads: usize,
    /// Estimate of the peak of the memory, in bytes.
    pub bytes: f64,
    /// Time of the preparations, such as the decomposition of the weights, which was measured.
    pub preparation: Duration,
    /// Time of one unit, which was measured on the chip of one trial.
    pub unit: Duration,
    /// Index of the point of the measured unit.
    pub measured_point: usize,
    /// Files of the run, relative to the folder.
    pub files: Vec<String>,
}

impl Forecast {
    /// Estimate of the time of the run: preparations, and all missing units at the measured time on all threads.
    #[must_use]
    pub fn time(&self) -> Duration {
        let rounds = self.missing.div_ceil(self.threads.max(1));
        self.preparation + self.unit.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chips = if self.trials == 1 { "1 chip".to_owned() } else { format!("{} chips", self.trials) };
        let points = if self.points == 1 { "1 point".to_owned() } else { format!("{} points", self.points) };
        writeln!(f, "dry run: nothing is written\n")?;
        writeln!(f, "  folder   {}", self.folder.display())?;
        writeln!(f, "  points   {}", self.points)?;
        writeln!(
            f,
            "  units    {} ({chips} at {points}, and reference rows), {} to compute",
            self.units, self.missing
        )?;
        writeln!(f, "  threads  {}", self.threads)?;
        writeln!(f, "  memory   about {:.0} MB", self.bytes / 1e6)?;
        writeln!(f, "  time     about {}", duration(self.time()))?;
        writeln!(f, "  files    {}", self.files.join(", "))?;
        writeln!(
            f,
            "\nMemory is an estimate by a fixed rule from the sizes of data, cores and tiles. Time is an estimate: the \
             preparations took {}, one chip at point {} takes {}, and every unit is counted like it.",
            duration(self.preparation),
            self.measured_point,
            duration(self.unit)
        )
    }
}

/// A duration with two significant digits.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 0.01 => format!("{:.1} ms", 1e3 * seconds),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ if seconds < 120.0 => format!("{seconds:.0} s"),
        _ if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// The size of the run of an experiment in `folder`, where some units may be finished. Nothing is written.
///
/// The time is measured on one chip at the last point, for the first samples.
///
/// # Errors
///
/// As [`run`](crate::run()), before its first unit.
pub fn forecast(experiment: &Experiment, folder: &Path, options: &Options<'_>) -> Result<Forecast, ExperimentError> {
    refuse_levels(experiment)?;
    let points = experiment.points()?;
    experiment.effects(&points)?;
    let mut inputs = Inputs::read(experiment, &points)?;
    let identity = Identity::new(&experiment.config, std::mem::take(&mut inputs.hashes));
    let (plan, trials) = (Plan::new(&points), experiment.config.trials);
    let contents = contents(experiment, folder, &identity, &plan, &inputs.points, options)?;
    let units = plan.units(trials);
    let is_missing = |unit: &Unit| contents.as_ref().is_none_or(|contents| !contents.records.contains_key(unit));
    let mine = units.iter().enumerate().filter(|(index, _)| options.shard.takes(*index)).map(|(_, unit)| *unit);
    let missing: Vec<Unit> = mine.filter(is_missing).collect();
    let data_bytes = match &inputs.points {
        SubjectInputs::Networks(points) => points.first().map_or(0.0, bytes_of_data),
        SubjectInputs::Matrices(_) => 0.0,
    };
    let start = Instant::now();
    let prepared = Prepared::new(experiment, &points, inputs.points, &options.interrupt)?;
    let preparation = start.elapsed();
    let measured_point = prepared.len().saturating_sub(1);
    let unit = Unit { row: Row::Chips, point: measured_point, trial: 0 };
    let unit = if prepared.len() > 0 { prepared.time(unit)? } else { Duration::ZERO };
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if options.threads == 0 { available } else { options.threads };
    let mut files: Vec<String> =
        ["experiment.toml", "identity.json", "units.jsonl", "table.csv", "summary.csv"].map(str::to_owned).to_vec();
    if let Prepared::Networks(points, _) = &prepared {
        files.push("design.csv".to_owned());
        if points.last().is_some_and(|point| point.test_set.task.has_labels()) {
            files.extend(["classes.csv".to_owned(), "confusion.csv".to_owned()]);
        }
    }
    files.extend(
        ["run.json", "figure.svg", "figure.png", "report.html", "report.json", "provenance.json"].map(str::to_owned),
    );
    files.extend(prepared.scales().map(|(name, _)| name.to_owned()));
    if options.outputs.is_some() {
        let shots = |unit: &Unit| unit.row.shots(experiment.config.shots) as usize;
        let count = missing.iter().map(shots).sum::<usize>() * (1 + options.layers.len());
        files.push(format!("{OUTPUTS}/ ({count} files)"));
    }
    let busy = threads.min(missing.len()).max(1) as f64;
    let (of_points, of_thread) = prepared.bytes();
    Ok(Forecast {
        folder: folder.to_owned(),
        points: points.len(),
        trials,
        units: units.len(),
        missing: missing.len(),
        threads,
        bytes: PROGRAM_BYTES + data_bytes + of_points + busy * of_thread,
        preparation,
        unit,
        measured_point,
        files,
    })
}

/// Bytes of the data of a point: raw and prepared inputs, products of the first layer and outputs.
fn bytes_of_data(point: &PointInputs) -> f64 {
    let network = &point.network;
    let layers = network.photonic_layers();
    let first = layers.first().filter(|layer| layer.vectors == 1).map_or(0, |layer| layer.weight.nrows());
    8.0 * point.data.samples() as f64 * (2 * point.data.features() + first + 2 * network.output_size()) as f64
}

impl PreparedPoint {
    /// Entries of the matrices of all cores of the network.
    fn core_entries(&self) -> f64 {
        let tiles: usize = self.programs.layers.iter().map(|layer| layer.tiles().iter().flatten().count()).sum();
        tiles as f64 * (self.config.core.ports as f64).powi(2)
    }

    /// Bytes of the driven phases of a point.
    pub(crate) fn bytes_of_design(&self) -> f64 {
        17.0 * self.core_entries()
    }

    /// Bytes of a unit: realised matrices of all tiles, one chip with its errors, and the samples that pass together.
    pub(crate) fn bytes_of_unit(&self) -> f64 {
        let entries = (self.config.core.ports as f64).powi(2);
        let layers = self.network.photonic_layers();
        let widest = layers.iter().map(|layer| layer.values().0.max(layer.values().1) * layer.vectors).max();
        let outputs = 8.0 * self.test_set.exact.len() as f64;
        16.0 * self.core_entries() + 120.0 * entries + 64.0 * (CHUNK * widest.unwrap_or(0)) as f64 + outputs
    }

    /// Time of a unit, from its first samples and one shot.
    pub(crate) fn time(&self, unit: Unit) -> Result<Duration, ExperimentError> {
        let mut point = Self { test_set: Arc::new(self.test_set.first_samples()), ..self.clone() };
        point.config.shots = 1;
        let start = Instant::now();
        let products = point.products(unit)?;
        let fabrication = start.elapsed();
        point.pass(unit, products.as_ref(), &[], &mut |_, _, _| Ok(()))?;
        let pass = start.elapsed().saturating_sub(fabrication);
        let share = self.test_set.exact.ncols() as f64 / point.test_set.exact.ncols() as f64;
        Ok(fabrication + pass.mul_f64(share * f64::from(self.config.shots)))
    }
}
