//! The command `train`: train a network.

use super::Exit;
use super::terminal::{interrupt, output, streams};
use clap::Args;
use phaseloom::files::{ResultTable, Results, read_text};
use phaseloom::network::train::{ChipAccuracy, EpochReport, TrainSpec, train};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Train a plain network and calibrate its scales
///
/// Writes the weights and the calibration to the paths in the model file. Ctrl-C stops early and keeps the current
/// weights.
#[derive(Args)]
#[command(after_help = "Example:\n  phaseloom train examples/digits/train.toml")]
pub struct Train {
    /// The training (TOML)
    training: PathBuf,
    #[command(flatten)]
    format: output::Format,
}

impl Train {
    pub fn execute(self) -> anyhow::Result<Exit> {
        streams::refuse_stream("the training", &self.training)?;
        let spec = TrainSpec::load(&self.training)?;
        let interrupt = interrupt::on_signal();
        let base = self.training.parent().unwrap_or(Path::new(""));
        let trained = train(&spec, base, &mut |report| {
            output::status(&line(report));
            if interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let trained = trained.map_err(|error| match read_text(&self.training) {
            Ok(text) => error.in_settings("", &self.training, &text),
            Err(_) => error,
        })?;
        let files = trained.save()?;
        let mut epochs = ResultTable::new("epochs", &["epoch", "loss", "train_accuracy", "validation_accuracy"]);
        for report in &trained.history {
            let EpochReport { epoch, loss, train_accuracy, validation_accuracy, .. } = report;
            epochs.row([
                (*epoch as u64).into(),
                (*loss).into(),
                (*train_accuracy).into(),
                (*validation_accuracy).into(),
            ]);
        }
        let mut results = Results::default();
        results.table(epochs);
        trained.history.last().into_iter().for_each(|last| results.line(line(last)));
        if let Some(chips) = &trained.chip_accuracy {
            results.line(chip_line(chips));
        }
        output::print_results(&results, self.format)?;
        for file in files {
            output::status(&format!("wrote {}", file.display()));
        }
        if let Some(Err(error)) = trained.calibration {
            return Err(anyhow::Error::new(error).context("the weights are written, the calibration is not"));
        }
        Ok(if interrupt.requested() { Exit::Interrupted } else { Exit::Done })
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
