//! The command `run`: run an experiment.

use super::Exit;
use super::terminal::arguments::RunArguments;
use super::terminal::results::ResultOptions;
use super::terminal::{interrupt, output, page, results};
use super::training_study;
use clap::Args;
use phaseloom::experiment;
use phaseloom::experiment::store::{OUTPUTS, output_file};
use phaseloom::experiment::{Effects, Experiment, ExperimentError, Options, Point, Shard, Tables, Unit};
use phaseloom::files::{FileError, InputFiles, Results, WIDTH, wrap, write_real_matrix};
use phaseloom::hardware::{Batch, PRESET_STATE};
use phaseloom::mesh::{Capability, topology};
use phaseloom::study::Study;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Run a trained network, or one matrix, on sampled imperfect chips, over a grid of settings
///
/// Writes report.html, experiment.toml, units.jsonl, table.csv, summary.csv, design.csv, classes.csv, confusion.csv,
/// figure.svg, figure.png and provenance.json to DIR, and calibration.json if the run measures the scales of the converters. If
/// interrupted, the same command resumes the run.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom run examples/digits/digits.toml\n  \
    phaseloom run experiment.toml -o results/mine --trials 50 --threads 4\n  \
    phaseloom run results/mine --trials 100               # more chips for the same run\n  \
    phaseloom run results/mine --pdf --width 86mm --no-title  # draw its figure for a column of a paper\n  \
    phaseloom run experiment.toml --dry-run               # how large, how long\n  \
    phaseloom run experiment.toml --save-outputs 0 1      # also of the layers 0 and 1 of the model\n  \
    phaseloom run experiment.toml --shard 1/2 -o part1    # on one machine\n  \
    phaseloom run experiment.toml --shard 2/2 -o part2    # on another\n  \
    phaseloom merge part1 part2 -o whole")]
pub struct Run {
    #[command(flatten)]
    arguments: RunArguments,
    /// Compute only part K of N of the units
    #[arg(long, value_name = "K/N", default_value = "1/1", hide_default_value = true)]
    shard: Shard,
    /// Keep the outputs of every sample in DIR/outputs (.npy, samples × outputs, one file per unit and shot), also those of
    /// the layers with these indices in the model, or of the operators with these names in an ONNX file
    #[arg(long, value_name = "LAYER", num_args = 0..)]
    save_outputs: Option<Vec<String>>,
    /// Print the size of the run, and its memory and time as estimates; write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    results: ResultOptions,
}

impl Run {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let start = Instant::now();
        if Study::is_at(&self.arguments.experiment) {
            return self.compute_study();
        }
        let experiment = self.arguments.load(Experiment::load)?;
        experiment.check(&experiment.config)?;
        let folder = self.arguments.output.clone().unwrap_or_else(|| self.default_folder(&experiment));
        self.compute(&experiment, &folder, start)
    }

    /// Computes a study of trained networks.
    fn compute_study(&self) -> anyhow::Result<Exit> {
        let RunArguments { experiment, output, trials, seed, threads } = &self.arguments;
        let without_effect = [
            ("--trials", trials.is_some()),
            ("--seed", seed.is_some()),
            ("--save-outputs", self.save_outputs.is_some()),
        ];
        if let Some((option, _)) = without_effect.into_iter().find(|(_, given)| *given) {
            anyhow::bail!("{option}: found together with a study, expected the key in its files");
        }
        if let Some(option) = self.results.given().filter(|_| self.dry_run) {
            anyhow::bail!("{option}: found together with --dry-run, which has no results, expected one of the two");
        }
        training_study::Run {
            output: output.clone(),
            threads: usize::from(threads.unwrap_or(0)),
            shard: self.shard,
            dry_run: self.dry_run,
            format: self.results.format,
            figures: &self.results.figures,
        }
        .compute(&Study::load(experiment)?)
    }

    /// The options of a run of an experiment that is in no file. `path` is its name in messages.
    pub(super) fn for_experiment(
        path: PathBuf,
        threads: Option<u16>,
        shard: Shard,
        dry_run: bool,
        results: ResultOptions,
    ) -> Self {
        let arguments = RunArguments { experiment: path, threads, ..RunArguments::default() };
        Self { arguments, shard, save_outputs: None, dry_run, results }
    }

    /// Computes an experiment in a folder, and prints its results.
    pub(super) fn compute(&self, experiment: &Experiment, folder: &Path, start: Instant) -> anyhow::Result<Exit> {
        if let (true, Some(option)) = (self.dry_run, self.results.given()) {
            anyhow::bail!("{option}: found together with --dry-run, which has no results, expected one of the two");
        }
        let points = experiment.points()?;
        let mut lines = announcements(experiment, &points, false)?;
        // Tables are the last files of a run.
        if !folder.join("summary.csv").exists() {
            lines.extend(slow_parts(&points));
        }
        lines.iter().for_each(|line| output::status(line));

        let bar = output::progress_bar("{bar:40} {pos}/{len} units, {elapsed} passed, {eta} left");
        let progress = output::counter(&bar);
        let keep = |unit: Unit, shot: u32, layer: Option<usize>, outputs: &Batch| {
            save_outputs(folder, unit, shot, layer, outputs)
        };
        let layers = self.layers(experiment)?;
        let options = Options {
            threads: usize::from(self.arguments.threads.unwrap_or(0)),
            shard: self.shard,
            interrupt: interrupt::on_signal(),
            progress: &progress,
            note: &|text| output::status(&format!("note: {text}")),
            diagnose: true,
            earlier: results::spent(folder),
            outputs: if self.save_outputs.is_some() { Some(&keep) } else { None },
            layers: &layers,
        };
        if self.dry_run {
            let forecast = experiment::forecast(experiment, folder, &options)?;
            let mut results = Results::default();
            results.value("folder", forecast.folder.display().to_string());
            results.value("points", forecast.points);
            results.value("units", forecast.units);
            results.value("units_to_compute", forecast.missing);
            results.value("threads", forecast.threads);
            results.value("memory_bytes", forecast.bytes as u64);
            results.value("time_s", forecast.time().as_secs_f64());
            results.show(narrow(&forecast.to_string()));
            output::print_results(&results, self.results.format)?;
            return Ok(Exit::Done);
        }
        let threads = self
            .arguments
            .threads
            .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
        let (seed, trials) = (experiment.config.seed, experiment.config.trials);
        output::detail(&format!("seed {seed}, trials {trials}, threads {threads}"));
        output::detail(&format!("defaults: {}", experiment.defaults().join(", ")));
        let outcome = experiment::run(experiment, folder, &options)?;
        bar.finish_and_clear();

        // A diagnosis that was computed now is not computed again by the next call.
        if outcome.computed > 0 || outcome.spent.diagnosis != options.earlier.diagnosis {
            let threads = self.arguments.threads_text();
            let how = format!("threads {threads}, shard {}/{}", self.shard.part, self.shard.of);
            results::provenance(&outcome, &how, start.elapsed(), Vec::new())?;
        }
        if outcome.interrupted {
            output::status(&format!(
                "interrupted: {} units are safe in {}, {} are missing; the same command resumes the run",
                outcome.records.len(),
                folder.display(),
                outcome.missing
            ));
            return Ok(Exit::Interrupted);
        }
        let Some(tables) = Tables::new(&outcome) else {
            output::status(&format!(
                "shard {}/{}: {} units computed, {} of the whole run are missing here; merge the shards with \
                 `phaseloom merge`",
                self.shard.part, self.shard.of, outcome.computed, outcome.missing
            ));
            if let Some(option) = self.results.given() {
                output::status(&format!(
                    "note: {option} has no effect yet, because the results are printed by `phaseloom merge`"
                ));
            }
            return Ok(Exit::Done);
        };
        let classes = tables.class_names().iter().enumerate().map(|(class, name)| format!("{class} = {name}"));
        let classes = classes.collect::<Vec<_>>().join(", ");
        if !classes.is_empty() {
            output::detail(&format!("classes: {classes}"));
        }
        if outcome.computed == 0 {
            output::status(&format!("{}: this run is finished; nothing was computed", folder.display()));
        }
        results::write(&outcome, &tables, self.results.figures)?;
        page::write(&outcome)?;
        self.results.print(&tables)?;
        outcome.spent.diagnosis.iter().for_each(|text| output::status(&format!("note: {text}")));
        results::say_where(folder);
        Ok(Exit::Done)
    }

    /// The indices of the layers whose outputs are kept.
    fn layers(&self, experiment: &Experiment) -> anyhow::Result<Vec<usize>> {
        let chosen = self.save_outputs.as_deref().unwrap_or_default();
        let by_index = chosen.iter().map(|layer| layer.parse().ok()).collect::<Option<Vec<usize>>>();
        if let Some(indices) = by_index {
            return Ok(indices);
        }
        let path = experiment.base().join(experiment.network()?.0);
        let names = experiment.config.open_network(&path, &InputFiles::default())?.layer_names();
        let index = |layer: &String| -> anyhow::Result<usize> {
            if let Ok(index) = layer.parse() {
                return Ok(index);
            }
            let mut found = names.iter().enumerate().filter(|(_, name)| *name == layer);
            match (found.next(), found.next()) {
                (Some((index, _)), None) => {
                    output::status(&format!("note: `{layer}` is layer {index} in the names of the files of outputs"));
                    Ok(index)
                }
                (found, _) => {
                    let problem = if found.is_some() { "several layers of this kind" } else { "no such layer" };
                    let listed = names.iter().enumerate().map(|(index, name)| format!("{index} ({name})"));
                    anyhow::bail!(
                        "--save-outputs {layer}: found {problem}, expected one of {}",
                        listed.collect::<Vec<_>>().join(", ")
                    )
                }
            }
        };
        chosen.iter().map(index).collect()
    }

    /// The folder of the run that is continued, or one that is named after the experiment and its folder.
    fn default_folder(&self, experiment: &Experiment) -> PathBuf {
        let shard = match self.shard {
            Shard::WHOLE => String::new(),
            Shard { part, of } => format!("-{part}-of-{of}"),
        };
        default_folder(experiment, &shard)
    }
}

/// The folder of the run that is continued, or one that is named after the experiment and its folder, and ends with `suffix`.
pub(super) fn default_folder(experiment: &Experiment, suffix: &str) -> PathBuf {
    if let Some(folder) = experiment.run_folder() {
        return folder.to_owned();
    }
    default_folder_of(&experiment.path, suffix)
}

/// The folder that is named after a file and its folder, and ends with `suffix`.
pub(super) fn default_folder_of(file: &Path, suffix: &str) -> PathBuf {
    let path = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let name = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (parent, stem) = (name(path.parent().and_then(Path::file_name)), name(file.file_stem()));
    let separator = if parent.is_empty() { "" } else { "-" };
    Path::new(results::RUNS).join(format!("{parent}{separator}{stem}{suffix}"))
}

/// The lines of a forecast in the width of a terminal. Its names are columns of 11 characters.
fn narrow(text: &str) -> String {
    const NAMES: usize = 11;
    let line = |line: &str| match line.strip_prefix("  files    ") {
        Some(files) => {
            format!("  files    {}\n", wrap(files, WIDTH - NAMES, 0).replace('\n', &format!("\n{}", " ".repeat(NAMES))))
        }
        None => wrap(line, WIDTH, 0) + "\n",
    };
    text.lines().map(line).collect()
}

/// Notes on keys without effect and on what a preset describes.
///
/// A cost reads every key of the link: without a laser, it computes its power.
pub(super) fn announcements(
    experiment: &Experiment,
    points: &[Point],
    has_cost: bool,
) -> Result<Vec<String>, ExperimentError> {
    let Effects { mut unread, reported } = experiment.effects(points)?;
    unread.retain(|key| !(has_cost && key.starts_with("link.")));
    let unread = (!unread.is_empty()).then(|| {
        let keys = unread.join(", ");
        format!("note: no part of this experiment reads these keys of its files, and they have no effect: {keys}")
    });
    let reported = (!reported.is_empty()).then(|| {
        let keys = reported.join(", ");
        format!(
            "note: no output depends on {keys}: only reported numbers, such as those of photons, change along this axis"
        )
    });
    let uncorrected = points.iter().any(|point| point.config.correction == "none");
    let has_errors = points.iter().any(|p| p.config.chip.is_some() || p.config.process.sources().next().is_some());
    // A cost of perfect chips is a limit that users ask for on purpose.
    let perfect = (!has_errors && !has_cost).then(|| {
        "note: no imperfection is on at any point, so all chips are perfect; the key `process` names a process"
            .to_owned()
    });
    let preset = experiment.preset().filter(|_| uncorrected && has_errors).map(|preset| {
        format!("note: {} describes {PRESET_STATE}; the key `correction` calibrates the chips", preset.display())
    });
    Ok(unread.into_iter().chain(reported).chain(perfect).chain(preset).collect())
}

/// Messages about parts that take long.
fn slow_parts(points: &[Point]) -> Vec<String> {
    let networks = points.iter().filter(|point| !point.config.is_matrix());
    let holds = networks.filter_map(|p| Some(p.config.process.phase_jitter.as_ref()?.hold(&p.config.link)));
    let jitter = holds.min().map(|hold| {
        format!(
            "note: phase jitter: the matrix of every core is realised again every {hold} vector{}: light is sent through \
             all MZIs one by one, many times slower than a matrix product",
            if hold == 1 { "" } else { "s" }
        )
    });
    let keys: BTreeSet<&str> = points.iter().map(|p| p.config.core.topology.as_str()).collect();
    let fitted =
        keys.into_iter().filter(|key| topology(key).is_ok_and(|t| t.capability() == Capability::Fitted)).map(|key| {
            format!(
                "note: core.topology `{key}` is fitted: each mesh is the nearest that a search finds, which takes long for \
             many ports; the rows of the perfect mesh show its error"
            )
        });
    jitter.into_iter().chain(fitted).collect()
}

fn save_outputs(
    folder: &Path,
    unit: Unit,
    shot: u32,
    layer: Option<usize>,
    outputs: &Batch,
) -> Result<(), ExperimentError> {
    let folder = folder.join(OUTPUTS);
    match std::fs::create_dir(&folder) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => {
            return Err(FileError::Io { path: folder, source }.into());
        }
        _ => (),
    }
    Ok(write_real_matrix(&folder.join(output_file(unit, shot, layer)), &outputs.transpose())?)
}
