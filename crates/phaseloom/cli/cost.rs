//! The command `cost`: energy, time and area of an experiment, next to electronics.

mod tables;
mod text;

use super::Exit;
use super::run::{announcements, default_folder};
use super::terminal::figures::FigureOptions;
use super::terminal::{interrupt, output, results, streams, whole};
use anyhow::Context;
use clap::Args;
use phaseloom::experiment::cost::analysis::{Analysis, BreakEven};
use phaseloom::experiment::cost::{CostPoint, CostRun, cost, pareto_front, verdict, without_cost_axes};
use phaseloom::experiment::{Axis, Experiment, Options, Tables};
use phaseloom::files::{ResultTable, Results};
use phaseloom::report::{COST_FIGURES, ReportError};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Compute energy, time and area of an experiment, and compare them with electronics of the same precision
///
/// Runs the experiment as `run` does, in the same folder, which resumes. Measures the bits of chips, converters and light, and
/// computes what one inference takes on the cores, on a systolic array and on an adder tree of the same bits. Prints energy by
/// part, ratios with intervals over the assumptions of the device library, five tests, and the values at which the verdict
/// turns. Keys of the table [cost] of the experiment say how the cores are used. A sweep gives score and energy of every
/// point, and the front that no point beats. Writes cost.csv, energy.csv, electronics.csv, tests.csv, turning.csv,
/// break-even.csv and figures to DIR.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom cost examples/digits/digits.toml\n  \
    phaseloom cost experiment.toml --vary cost.readout_bits=2:5:0.5 --vary cost.shifter=heater,mems\n  \
    phaseloom cost experiment.toml --vary link.laser_power_w=1e-3,1e-2,1e-1 --vary core.ports=16,32,64 -o front\n  \
    phaseloom cost experiment.toml --library devices.toml --format json")]
pub struct Cost {
    /// The experiment (TOML), or the folder of a run
    experiment: PathBuf,
    /// Folder of the results [default: that of the run, or phaseloom-runs/<folder>-<stem> of EXPERIMENT]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// A key of the experiment and its values, in addition to the axes of the file: FROM:TO:STEP, or a list a,b,c; several make
    /// a grid. Keys of [cost] compute no chips again
    #[arg(long, value_name = "KEY=FROM:TO:STEP", value_parser = Axis::for_experiment)]
    vary: Vec<Axis>,
    /// Device library (TOML) that overrides entries, instead of that of the file
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Point of the sweep, from 0, that is printed in detail [default: the one of least energy whose chips are correct]
    #[arg(long, value_name = "N", value_parser = whole(0_usize, 1_000_000))]
    point: Option<usize>,
    /// Sampled chips at each point, instead of the number in the file
    #[arg(long, value_name = "N", value_parser = whole(1_u64, 1_000_000))]
    trials: Option<u64>,
    /// Seed, instead of the seed in the file
    #[arg(long, value_name = "N", value_parser = whole(0, u64::MAX))]
    seed: Option<u64>,
    /// Number of threads, which does not change results [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1_u16, 1024))]
    threads: Option<u16>,
    #[command(flatten)]
    format: output::Format,
    #[command(flatten)]
    figures: FigureOptions,
}

/// A point with its costs.
struct Costed<'a> {
    point: &'a CostPoint,
    analysis: Analysis,
    tests: Vec<verdict::Test>,
    pareto: bool,
}

impl Cost {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let start = Instant::now();
        streams::refuse_stream("the experiment", &self.experiment)?;
        self.output.as_deref().map(output::check_output_folder).transpose()?;
        let experiment = self.experiment()?;
        if let Some(index) = self.point {
            let points = experiment.points()?.len();
            anyhow::ensure!(index < points, "--point: found {index}, expected 0 to {}", points - 1);
        }
        let folder = self.output.clone().unwrap_or_else(|| self.default_folder(&experiment));
        let bar = output::progress_bar("{bar:40} {pos}/{len} units, {elapsed} passed, {eta} left");
        let progress = |done: usize, total: usize| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        };
        let options = Options {
            threads: usize::from(self.threads.unwrap_or(0)),
            interrupt: interrupt::on_signal(),
            progress: &progress,
            note: &|text| output::status(&format!("note: {text}")),
            earlier: results::spent(&folder),
            ..Options::default()
        };
        let run = cost(&experiment, &folder, self.library.as_deref(), &options)?;
        bar.finish_and_clear();
        if run.outcome.computed > 0 {
            let how = format!("threads {}, cost", self.threads.map_or("one per core".into(), |n| n.to_string()));
            results::provenance(&run.outcome, &how, start.elapsed(), Vec::new())?;
        }
        let Some(run_tables) = Tables::new(&run.outcome) else {
            let missing = run.outcome.missing;
            output::status(&format!("interrupted: {missing} units are missing; the same command resumes the run"));
            return Ok(Exit::Interrupted);
        };
        results::write(&run.outcome, &run_tables, self.figures)?;
        let costed = analyse(&run, experiment.config.seed)?;
        let chosen = self.chosen(&costed)?;
        let break_even = BreakEven::new(&chosen.point.model)?;
        let tables = tables::all(&costed, chosen, &break_even);
        self.write(&run, &run_tables, chosen, &tables)?;
        let mut results = Results::default();
        for (key, value) in tables::values(&run, chosen) {
            results.value(key, value);
        }
        text::write(&mut results, &run, &costed, chosen, &break_even);
        tables.into_iter().for_each(|table| results.table(table));
        output::print_results(&results, self.format)?;
        results::say_where(&folder);
        Ok(Exit::Done)
    }

    /// The experiment with the axes and numbers of the command line.
    fn experiment(&self) -> anyhow::Result<Experiment> {
        let mut experiment = Experiment::load(&self.experiment)?;
        experiment.config.trials = self.trials.unwrap_or(experiment.config.trials);
        experiment.config.seed = self.seed.unwrap_or(experiment.config.seed);
        experiment.config.sweep.extend(self.vary.iter().cloned());
        experiment.check(&experiment.config)?;
        // Keys without effect on chips are found without the axes of the cost.
        let chips = without_cost_axes(&experiment);
        announcements(&chips, &chips.points()?)?.iter().for_each(|line| output::status(line));
        Ok(experiment)
    }

    /// The folder of `run`, or of another name if more chips are computed than by `run`.
    fn default_folder(&self, experiment: &Experiment) -> PathBuf {
        let more = self.vary.iter().flat_map(|axis| &axis.keys).any(|key| !key.starts_with("cost."));
        let suffix = if more || self.seed.is_some() { format!("-{}", experiment.digest()) } else { String::new() };
        default_folder(experiment, &suffix)
    }

    /// The point that is printed in detail.
    fn chosen<'a, 'b>(&self, costed: &'b [Costed<'a>]) -> anyhow::Result<&'b Costed<'a>> {
        let found = match self.point {
            Some(index) => costed.iter().find(|c| c.point.index == index),
            None => best(costed),
        };
        found.context("found no point")
    }

    /// Writes tables and figures next to those of the run.
    fn write(
        &self,
        run: &CostRun,
        run_tables: &Tables<'_>,
        chosen: &Costed<'_>,
        tables: &[ResultTable],
    ) -> anyhow::Result<()> {
        let mut metadata = run_tables.metadata();
        let title = format!("{}{}", run_tables.name(), text::levels(chosen.point, ": "));
        metadata.retain(|(key, _)| *key != "name");
        metadata.push(("name", title.into()));
        metadata.push(("score", run.score.quantity.title.into()));
        metadata.push(("score_unit", tables::score_unit(&run.score).into()));
        for table in tables {
            run.outcome.write(&format!("{}.csv", table.key), table.csv().as_bytes())?;
        }
        for (figure, key) in COST_FIGURES.iter().zip(["energy", "break-even", "cost"]) {
            let Some(table) = tables.iter().find(|table| table.key == key) else { continue };
            let data = results::figure_table(&table.csv(), &metadata).with_context(|| format!("{key}.csv"))?;
            let svg = match (figure.draw)(&data, &self.figures.style()) {
                Err(ReportError::NoRows) => continue,
                drawn => drawn.with_context(|| format!("figure `{}`", figure.key))?,
            };
            let path = Path::new(run.outcome.folder()).join(format!("figure-{}", figure.key));
            results::write_figure(&path, svg, self.figures)?;
        }
        Ok(())
    }
}

/// The costs of all points.
fn analyse<'a>(run: &'a CostRun, seed: u64) -> anyhow::Result<Vec<Costed<'a>>> {
    let analyses = run.points.iter().map(|point| Analysis::new(&point.model, seed, point.model.settings.draws));
    let analyses = analyses.collect::<Result<Vec<_>, _>>()?;
    let values: Vec<(f64, Option<f64>)> =
        run.points.iter().zip(&analyses).map(|(point, a)| (point.correctness.score, a.photonic.joule())).collect();
    let front = pareto_front(&values, &run.score);
    let costed = run.points.iter().zip(analyses).zip(front).map(|((point, analysis), pareto)| {
        let tests = verdict::tests(&point.model, &analysis, &point.correctness);
        Costed { point, analysis, tests, pareto }
    });
    Ok(costed.collect())
}

/// The point of least energy whose chips are correct; without one, the point whose chips lose least.
fn best<'a, 'b>(costed: &'b [Costed<'a>]) -> Option<&'b Costed<'a>> {
    let joule = |c: &Costed<'_>| c.analysis.photonic.joule().unwrap_or(f64::INFINITY);
    let correct = costed.iter().filter(|c| c.tests.first().is_some_and(|t| t.answer == verdict::Answer::Yes));
    let cheapest = correct.filter(|c| joule(c).is_finite()).min_by(|a, b| joule(a).total_cmp(&joule(b)));
    let loss = |c: &Costed<'_>| c.point.correctness.mean_loss();
    cheapest.or_else(|| costed.iter().min_by(|a, b| loss(a).total_cmp(&loss(b))))
}

#[cfg(test)]
pub use tables::{
    BREAK_EVEN_COLUMNS, COST_COLUMNS, ELECTRONICS_COLUMNS, ENERGY_COLUMNS, TESTS_COLUMNS, TURNING_COLUMNS,
};
