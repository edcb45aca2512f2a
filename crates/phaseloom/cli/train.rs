//! The command `train`: train a network.

use super::Exit;
use super::terminal::figures::FigureOptions;
use super::terminal::{interrupt, output, results, streams};
use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use phaseloom::experiment::VERSION;
use phaseloom::files::{ResultTable, Results, read_text, write_atomically};
use phaseloom::hardware::correction::Interrupt;
use phaseloom::network::train::{
    ChipAccuracy, Earlier, EpochReport, Observer, Progress, TrainSpec, Trained, train_resumable,
};
use phaseloom::report::{ReportError, TRAINING_FIGURE};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Train a network, exactly or on chips
///
/// Writes weights, programs and calibration to the paths in the model file, and next to the weights …-history.csv and
/// …-training.svg: loss and accuracy of each epoch; with `layer_statistics` also …-layers.csv. Ctrl-C stops after the current batch, writes the weights so far and keeps
/// …-checkpoint.safetensors, from which the same command goes on to the same result. Weights that are there already are replaced
/// only with --overwrite.
#[derive(Args)]
#[command(after_help = "Example:\n  phaseloom train examples/digits/train.toml --overwrite")]
pub struct Train {
    /// The training (TOML)
    training: PathBuf,
    /// Replace weights and programs that this training has not written
    #[arg(long)]
    overwrite: bool,
    /// Discard the checkpoint of an interrupted training, and start again
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    format: output::Format,
    #[command(flatten)]
    figures: FigureOptions,
}

impl Train {
    pub fn execute(self) -> anyhow::Result<Exit> {
        streams::refuse_stream("the training", &self.training)?;
        let spec = TrainSpec::load(&self.training)?;
        let base = self.training.parent().unwrap_or(Path::new(""));
        let earlier = Earlier { restart: self.restart, overwrite: self.overwrite };
        let mut follower = Follower::new(interrupt::on_signal());
        let trained = train_resumable(&spec, base, earlier, &mut follower);
        follower.bar.finish_and_clear();
        let trained = trained.map_err(|error| match read_text(&self.training) {
            Ok(text) => error.in_settings("", &self.training, &text),
            Err(_) => error,
        })?;
        let mut files = trained.save()?;
        let epochs = trained.history_table();
        files.extend(self.write_history(&spec, &trained, &epochs)?);
        let mut results = Results::default();
        results.table(epochs);
        trained.history.last().into_iter().for_each(|last| results.line(line(last)));
        if let Some(best) = trained.best_epoch {
            let report = &trained.history[best - 1];
            let by = if report.validation_accuracy.is_some() { "highest validation accuracy" } else { "lowest loss" };
            results.line(format!("kept the best epoch, of the {by}: {}", line(report)));
        }
        if let Some(chips) = &trained.chip_accuracy {
            results.line(chip_line(chips));
            if chips.test_chips.len() as u64 != spec.test_chips() {
                output::status(
                    "note: interrupted among the test chips; the weights are those of the finished training",
                );
            }
        }
        if let Some(cleaned) = &trained.cleaned {
            let done = if spec.clean.as_ref().is_some_and(|clean| clean.weight.is_some()) {
                "gave less weight to"
            } else {
                "left out"
            };
            results.line(format!("{done} {:.1} % of the samples, whose labels look wrong", 100.0 * cleaned.dropped));
        }
        if let Some(changes) = &trained.layers {
            results.table(changes.table());
            for (what, ratios) in
                [("signal, last/first", changes.signal_ratios()), ("gradient, first/last", changes.gradient_ratios())]
            {
                if let Some((before, after)) = ratios {
                    results
                        .line(format!("{what} photonic layer: {before:.3e} at the start, {after:.3e} after training"));
                }
            }
        }
        if trained.passes > 0 {
            results.line(format!("light passed a core {} times for gradients", trained.passes));
        }
        output::print_results(&results, self.format)?;
        for file in files {
            output::status(&format!("wrote {}", file.display()));
        }
        if !trained.is_finished {
            output::status("interrupted; the same command goes on from the checkpoint");
        }
        if let Some(Err(error)) = trained.calibration {
            return Err(anyhow::Error::new(error).context("the weights are written, the calibration is not"));
        }
        Ok(if trained.is_finished { Exit::Done } else { Exit::Interrupted })
    }

    /// Writes table and figure of the history next to the weights. Returns their paths.
    fn write_history(&self, spec: &TrainSpec, trained: &Trained, epochs: &ResultTable) -> anyhow::Result<Vec<PathBuf>> {
        let weights = trained.model.weights_path()?;
        let stem = weights.file_stem().unwrap_or_default().to_string_lossy();
        let csv = epochs.csv();
        let path = weights.with_file_name(format!("{stem}-history.csv"));
        write_atomically(&path, csv.as_bytes())?;
        let mut files = vec![path.clone()];
        if let Some(changes) = &trained.layers {
            files.push(weights.with_file_name(format!("{stem}-layers.csv")));
            write_atomically(&files[1], changes.table().csv().as_bytes())?;
        }
        let name = &trained.model.spec().name;
        let metadata = [("name", name.as_str().into()), ("phaseloom", VERSION.into()), ("seed", spec.seed.into())];
        let table = results::figure_table(&csv, &metadata).with_context(|| path.display().to_string())?;
        let figure = weights.with_file_name(format!("{stem}-training"));
        match (TRAINING_FIGURE.draw)(&table, &self.figures.style()) {
            Err(ReportError::NoRows) => Ok(files),
            svg => {
                results::write_figure(&figure, svg?, self.figures)?;
                files.push(weights.with_file_name(format!("{stem}-training.svg")));
                Ok(files)
            }
        }
    }
}

/// Shows a training: one live line on a terminal, else a line per epoch.
struct Follower {
    interrupt: Interrupt,
    bar: ProgressBar,
    start: Instant,
    /// Epochs that were done at the start.
    done_before: Option<f64>,
}

impl Follower {
    fn new(interrupt: Interrupt) -> Self {
        Self { interrupt, bar: output::progress_bar("{msg}"), start: Instant::now(), done_before: None }
    }

    fn flow(&self) -> ControlFlow<()> {
        if self.interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The time until all epochs are done, in words.
    fn left(&mut self, done: f64, epochs: usize) -> String {
        let before = *self.done_before.get_or_insert_with(|| done.floor());
        let seconds = self.start.elapsed().as_secs_f64() * (epochs as f64 - done) / (done - before).max(1e-9);
        match seconds {
            _ if seconds < 120.0 => format!("{seconds:.0} s left"),
            _ if seconds < 7200.0 => format!("{:.0} min left", seconds / 60.0),
            _ => format!("{:.1} h left", seconds / 3600.0),
        }
    }
}

impl Observer for Follower {
    fn note(&mut self, text: &str) {
        self.bar.suspend(|| output::status(text));
    }

    fn batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        if !self.bar.is_hidden() {
            let Progress { epoch, epochs, done, loss, train_accuracy } = *progress;
            let left = self.left((epoch - 1) as f64 + done, epochs);
            let accuracy = 100.0 * train_accuracy;
            let text = format!(
                "epoch {epoch}/{epochs}, {:.0} %: loss {loss:.4}, training {accuracy:.2} %, {left}",
                100.0 * done
            );
            self.bar.set_message(text);
            self.bar.tick();
        }
        self.flow()
    }

    fn test_chip(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("test chip {}/{total}", done + 1));
            self.bar.tick();
        }
        self.flow()
    }

    fn epoch(&mut self, report: &EpochReport) -> ControlFlow<()> {
        if self.bar.is_hidden() {
            output::status(&line(report));
        } else {
            let left = self.left(report.epoch as f64, report.epochs);
            self.bar.set_message(format!("{}, {left}", line(report)));
            self.bar.tick();
        }
        self.flow()
    }
}

/// Accuracy on chips, in words.
fn chip_line(chips: &ChipAccuracy) -> String {
    let percent = |accuracy: f64| format!("{:.2} %", 100.0 * accuracy);
    let trained = chips.trained_chip.map(|a| format!("{} on the chip that trained, ", percent(a))).unwrap_or_default();
    let count = chips.test_chips.len() as f64;
    let mean = chips.test_chips.iter().sum::<f64>() / count;
    let variance = chips.test_chips.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let tests = match chips.test_chips.len() {
        0 => "no test chips".to_owned(),
        1 => format!("{} on one test chip", percent(mean)),
        n => format!(
            "{} ± {:.2} on {n} test chips (mean, standard error)",
            percent(mean),
            100.0 * (variance / count).sqrt()
        ),
    };
    format!("accuracy: {trained}{tests}, {} on perfect hardware", percent(chips.perfect))
}

fn line(report: &EpochReport) -> String {
    let percent = |accuracy: f64| format!("{:.2} %", 100.0 * accuracy);
    let validation = report.validation_accuracy.map(|a| format!(", validation {}", percent(a))).unwrap_or_default();
    format!(
        "epoch {}/{}: loss {:.4}, training {}{validation}",
        report.epoch,
        report.epochs,
        report.loss,
        percent(report.train_accuracy)
    )
}
