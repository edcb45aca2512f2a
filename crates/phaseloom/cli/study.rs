//! What the commands `yield`, `tolerance` and `budget` share: the subject, its folder, the run, the criterion of a chip.

use super::run::{announcements, default_folder};
use super::terminal::figures::FigureOptions;
use super::terminal::{interrupt, output, results, streams, whole};
use anyhow::Context;
use clap::Args;
use phaseloom::experiment::{Config, Criterion, Experiment, ExperimentError, Options, Outcome, Shard};
use phaseloom::files::{ResultTable, ResultValue, has_matrix_ending, wrap};
use phaseloom::hardware::Process;
use phaseloom::report::{Figure, ReportError};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The subject and the run.
#[derive(Args)]
pub struct Study {
    /// The experiment (TOML), the folder of an earlier call, or without a network a matrix (.npy) or program (.json)
    #[arg(value_name = "EXPERIMENT|MATRIX|PROGRAM")]
    subject: PathBuf,
    /// The process (TOML) of a matrix or program, or preset:KEY
    #[arg(long, value_name = "PROCESS.toml")]
    process: Option<PathBuf>,
    /// Correct each chip before it is measured, instead of what the file says, see `phaseloom explain correction`
    #[arg(long, value_name = "KEY")]
    correction: Option<String>,
    /// Folder of the results [default: phaseloom-runs/<folder>-<stem>-<command>, or that of the earlier call]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Seed, instead of the seed in the file
    #[arg(long, value_name = "N", value_parser = whole(0, u64::MAX))]
    seed: Option<u64>,
    /// Number of threads, which does not change results [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1_u16, 1024))]
    threads: Option<u16>,
    /// Compute only part K of N of the units; `phaseloom merge` joins the parts, and the same command on the merged folder
    /// prints the results
    #[arg(long, value_name = "K/N", default_value = "1/1", hide_default_value = true)]
    pub shard: Shard,
    #[command(flatten)]
    pub format: output::Format,
    #[command(flatten)]
    pub figures: FigureOptions,
}

/// What a chip must reach. At most one is given.
#[derive(Args, Clone, Copy)]
#[group(multiple = false)]
pub struct Pass {
    /// A chip passes if its accuracy (top-5 accuracy, agreement) is at least this share
    #[arg(long, value_name = "SHARE")]
    accuracy: Option<f64>,
    /// A chip passes if its rms error is at most this
    #[arg(long, value_name = "ERROR")]
    rms_error: Option<f64>,
    /// A chip passes if its score loses at most this against the floating-point reference; 0.01 is one percentage point [default: 0.01]
    #[arg(long, value_name = "LOSS")]
    drop: Option<f64>,
    /// A chip passes if its outputs differ by at most this from the floating-point reference, relative to their rms
    #[arg(long, value_name = "DIFFERENCE")]
    output_difference: Option<f64>,
    /// A chip passes if its matrix error ‖Ŵ − W‖/‖W‖ is at most this; without a network
    #[arg(long, value_name = "ERROR")]
    matrix_error: Option<f64>,
    /// A chip passes if its fidelity is at least this; without a network
    #[arg(long, value_name = "F")]
    fidelity: Option<f64>,
}

impl Pass {
    /// The criterion that is given.
    fn criterion(self) -> Option<Criterion> {
        let given = [
            self.accuracy.map(Criterion::Accuracy),
            self.rms_error.map(Criterion::RmsError),
            self.drop.map(Criterion::Drop),
            self.output_difference.map(Criterion::OutputDifference),
            self.matrix_error.map(Criterion::MatrixError),
            self.fidelity.map(Criterion::Fidelity),
        ];
        given.into_iter().flatten().next()
    }

    /// Sets the criterion of an experiment.
    pub fn set(self, experiment: &mut Experiment) -> Result<Criterion, ExperimentError> {
        experiment.config.pass = self.criterion().or(experiment.config.pass);
        let criterion = phaseloom::experiment::yields::criterion(experiment)?;
        experiment.config.pass = Some(criterion);
        Ok(criterion)
    }
}

impl Study {
    /// The experiment with the options of the command line.
    pub fn experiment(&self) -> anyhow::Result<Experiment> {
        streams::refuse_stream("the subject", &self.subject)?;
        self.output.as_deref().map(output::check_output_folder).transpose()?;
        let ending = output::ending(&self.subject);
        let has_matrix = has_matrix_ending(&self.subject);
        let is_matrix = has_matrix || (ending == "json" && self.subject.is_file());
        anyhow::ensure!(
            is_matrix || self.process.is_none(),
            "--process: found together with {}, an experiment, which names its own process, expected a matrix (.npy) or a \
             program (.json)",
            self.subject.display()
        );
        let mut experiment =
            if is_matrix { self.matrix_experiment(has_matrix)? } else { Experiment::load(&self.subject)? };
        let config = &mut experiment.config;
        anyhow::ensure!(
            config.chip.is_none(),
            "{}: found `chip`, one chip that exists, expected chips sampled from a `process`, over whose errors this command \
             asks: give the experiment to `phaseloom run`",
            self.subject.display()
        );
        config.seed = self.seed.unwrap_or(config.seed);
        if let Some(correction) = &self.correction {
            config.correction.clone_from(correction);
        }
        Ok(experiment)
    }

    fn matrix_experiment(&self, is_matrix: bool) -> anyhow::Result<Experiment> {
        let name = self.subject.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut config = Config { name, process: Process::default(), ..Config::default() };
        *(if is_matrix { &mut config.matrix } else { &mut config.program }) = Some(self.subject.clone());
        Ok(Experiment::new(config, self.process.as_deref(), Path::new("command line"))?)
    }

    /// The folder that is named, that of an earlier call, or one after the subject, the command, and a digest of options that
    /// the file does not hold, if there are some (`has_options`: those of the command).
    pub fn folder(&self, experiment: &Experiment, command: &str, has_options: bool) -> PathBuf {
        if let Some(folder) = &self.output {
            return folder.clone();
        }
        let shard = match self.shard {
            Shard::WHOLE => String::new(),
            Shard { part, of } => format!("-{part}-of-{of}"),
        };
        let is_file = !experiment.text.is_empty();
        let has_options = self.seed.is_some() || self.correction.is_some() || !is_file || has_options;
        let digest = if has_options { format!("-{}", experiment.digest()) } else { String::new() };
        if is_file {
            return default_folder(experiment, &format!("-{command}{digest}{shard}"));
        }
        let stem = self.subject.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Path::new(results::RUNS).join(format!("{stem}-{command}{digest}{shard}"))
    }

    /// Runs a computation with a bar of progress, and adds it to the provenance of the folder. `None` if it was interrupted,
    /// or is a shard of a run.
    pub fn run(
        &self,
        experiment: &Experiment,
        folder: &Path,
        command: &str,
        compute: impl FnOnce(&Experiment, &Path, &Options<'_>) -> Result<Outcome, ExperimentError>,
    ) -> anyhow::Result<Result<Outcome, super::Exit>> {
        let start = Instant::now();
        let bar = output::progress_bar("{bar:40} {pos}/{len} units, {elapsed} passed, {eta} left");
        let progress = output::counter(&bar);
        announcements(experiment, &experiment.points()?, false)?.iter().for_each(|line| output::status(line));
        let options = Options {
            threads: usize::from(self.threads.unwrap_or(0)),
            shard: self.shard,
            interrupt: interrupt::on_signal(),
            progress: &progress,
            note: &|text| output::status(&format!("note: {text}")),
            earlier: results::spent(folder),
            ..Options::default()
        };
        let outcome = compute(experiment, folder, &options)?;
        bar.finish_and_clear();
        if outcome.computed > 0 {
            let threads = self.threads.map_or_else(|| "one per core".to_owned(), |n| n.to_string());
            let how = format!("{command}, threads {threads}, shard {}/{}", self.shard.part, self.shard.of);
            results::provenance(&outcome, &how, start.elapsed(), Vec::new())?;
        }
        if outcome.interrupted {
            output::status(&format!(
                "interrupted: {} units are safe in {}; the same command goes on from there",
                outcome.records.len(),
                folder.display()
            ));
            return Ok(Err(super::Exit::Interrupted));
        }
        if outcome.missing > 0 {
            output::status(&format!(
                "shard {}/{}: {} units computed, {} of the whole run are missing here; merge the shards with `phaseloom merge`, \
                 then give the merged folder to `phaseloom {command}`",
                self.shard.part, self.shard.of, outcome.computed, outcome.missing
            ));
            return Ok(Err(super::Exit::Done));
        }
        Ok(Ok(outcome))
    }

    /// Writes a table, and its figure if it suits.
    pub fn write(
        &self,
        outcome: &Outcome,
        tables: &[&ResultTable],
        figure: (&Figure, &ResultTable),
        metadata: &[(&'static str, Value)],
    ) -> anyhow::Result<()> {
        let (figure, drawn) = figure;
        let data = results::figure_table(&drawn.csv(), metadata).with_context(|| format!("{}.csv", drawn.key))?;
        let svg = match (figure.draw)(&data, &self.figures.style()) {
            Err(ReportError::NoRows) => None,
            svg => Some(svg.with_context(|| format!("figure `{}`", figure.key))?),
        };
        for table in tables {
            outcome.write(&format!("{}.csv", table.key), table.csv().as_bytes())?;
        }
        if let Some(svg) = svg {
            results::write_figure(&outcome.folder().join(format!("figure-{}", figure.key)), svg, self.figures)?;
        }
        Ok(())
    }
}

/// Name, version, identity and seed of a run, for its figures.
pub fn metadata(outcome: &Outcome) -> Vec<(&'static str, Value)> {
    let config = outcome.points.first().map(|point| &point.config);
    vec![
        ("phaseloom", outcome.identity.version.clone().into()),
        ("identity", outcome.identity.identity.clone().into()),
        ("seed", config.map_or(0, |config| config.seed).into()),
        ("name", config.map_or(String::new(), |config| config.name.clone()).into()),
    ]
}

/// The values of a point in words: `sigma_rad = 0.01, correction = local`. Empty without a sweep.
pub fn levels_text(levels: &[(String, Value)]) -> String {
    let value = |value: &Value| match ResultValue::from_json(value) {
        ResultValue::Text(text) => text,
        _ => value.to_string(),
    };
    let short = |key: &str| key.strip_prefix("process.").unwrap_or(key).to_owned();
    levels.iter().map(|(key, level)| format!("{} = {}", short(key), value(level))).collect::<Vec<_>>().join(", ")
}

/// How the errors of a chip are distributed: every yield states it.
pub fn errors_text(outcome: &Outcome) -> String {
    let texts: Vec<String> = outcome.points.iter().map(|point| point.config.process.variation_text()).collect();
    let has_errors = outcome.points.iter().any(|point| point.config.process.sources().next().is_some());
    match texts.iter().max_by_key(|text| text.len()).filter(|text| !text.is_empty()) {
        Some(text) => wrap(&format!("parts of the errors (rad) beyond independent normal ones: {text}"), 80, 2),
        None if has_errors => "errors of different components are independent".to_owned(),
        None => "no errors of fabrication".to_owned(),
    }
}
