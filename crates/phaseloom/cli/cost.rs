//! The command `cost`: energy, time and area of an experiment, next to electronics.

mod tables;
mod text;

use super::Exit;
use super::run::{announcements, default_folder};
use super::terminal::arguments::RunArguments;
use super::terminal::figures::FigureOptions;
use super::terminal::{interrupt, output, page, results, whole};
use anyhow::Context;
use clap::Args;
use phaseloom::experiment::cost::analysis::{Analysis, BreakEven};
use phaseloom::experiment::cost::{CostPoint, CostRun, cost, pareto_front, verdict, without_cost_axes};
use phaseloom::experiment::{Axis, Experiment, Options, Tables};
use phaseloom::files::{ResultTable, Results};
use phaseloom::report::{COST_FIGURES, ReportError};
use std::path::PathBuf;
use std::time::Instant;

/// Compute energy, time and area of an experiment, and compare them with electronics of the same precision
///
/// Runs the experiment as `run` does, in the same folder, which resumes. Measures the bits of chips, converters and light, and
/// computes what one inference takes on the cores, on a systolic array and on an adder tree of the same bits. Prints energy by
/// part, ratios with intervals over the assumptions of the device library, five tests, and the values at which the verdict
/// turns. Keys of the table [cost] of the experiment say how the cores are used. A sweep gives score and energy of every
/// point, and the front that no point beats. Writes cost.toml, cost.csv, energy.csv, electronics.csv, tests.csv, turning.csv,
/// break-even.csv and figures to DIR. `phaseloom cost DIR` computes the same again.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom cost examples/digits/digits.toml\n  \
    phaseloom cost experiment.toml --vary cost.readout_bits=2:5:0.5 --vary cost.shifter=heater,mems\n  \
    phaseloom cost experiment.toml --vary link.laser_power_w=1e-3,1e-2,1e-1 --vary core.ports=16,32,64 -o front\n  \
    phaseloom cost experiment.toml --library devices.toml --format json\n  \
    phaseloom cost front --vary cost.batch=1,100          # a further axis")]
pub struct Cost {
    #[command(flatten)]
    arguments: RunArguments,
    /// A key of the experiment and its values: FROM:TO:STEP, or a list a,b,c; several make a grid with the axes of the file. An
    /// axis of the file with the same keys is replaced. Keys of [cost] compute no chips again
    #[arg(long, value_name = "KEY=FROM:TO:STEP", value_parser = Axis::for_experiment)]
    vary: Vec<Axis>,
    /// Device library (TOML) that overrides entries, instead of that of the file. DIR keeps a copy
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Point of the sweep, from 0, that is printed in detail [default: the one of least energy whose chips are correct]
    #[arg(long, value_name = "N", value_parser = whole(0_usize, 1_000_000))]
    point: Option<usize>,
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
        let experiment = self.experiment()?;
        if let Some(index) = self.point {
            let points = experiment.points()?.len();
            anyhow::ensure!(index < points, "--point: found {index}, expected 0 to {}", points - 1);
        }
        let folder = self.arguments.output.clone().unwrap_or_else(|| self.default_folder(&experiment));
        let bar = output::progress_bar("{bar:40} {pos}/{len} units, {elapsed} passed, {eta} left");
        let progress = output::counter(&bar);
        let options = Options {
            threads: usize::from(self.arguments.threads.unwrap_or(0)),
            interrupt: interrupt::on_signal(),
            progress: &progress,
            note: &|text| output::status(&format!("note: {text}")),
            earlier: results::spent(&folder),
            ..Options::default()
        };
        let run = cost(&experiment, &folder, self.library.as_deref(), &options)?;
        bar.finish_and_clear();
        if run.outcome.computed > 0 {
            let how = format!("threads {}, cost", self.arguments.threads_text());
            results::provenance(&run.outcome, &how, start.elapsed(), Vec::new())?;
        }
        let Some(run_tables) = Tables::new(&run.outcome) else {
            let missing = run.outcome.missing;
            output::status(&format!("interrupted: {missing} units are missing; the same command resumes the run"));
            return Ok(Exit::Interrupted);
        };
        if !run.without_effect.is_empty() {
            let keys = run.without_effect.join(", ");
            output::status(&format!(
                "note: these keys change no energy, time or area at any point of this experiment: {keys}"
            ));
        }
        // Everything is computed and drawn before the first file is written.
        let costed = analyse(&run, experiment.config.seed)?;
        let chosen = self.chosen(&costed)?;
        let break_even = BreakEven::new(&chosen.point.model)?;
        let tables = tables::all(&costed, chosen, &break_even);
        let figures = self.figures(&run, &run_tables, chosen, &tables)?;
        results::write(&run.outcome, &run_tables, self.figures)?;
        let tables_text = tables.iter().map(|table| (format!("{}.csv", table.key), table.csv().into_bytes()));
        tables_text.chain(figures).try_for_each(|(name, bytes)| run.outcome.write(&name, &bytes))?;
        let mut results = Results::default();
        for (key, value) in tables::values(&run, chosen) {
            results.value(key, value);
        }
        text::write(&mut results, &run, &costed, chosen, &break_even);
        tables.into_iter().for_each(|table| results.table(table));
        page::write(&run.outcome)?;
        output::print_results(&results, self.format)?;
        results::say_where(&folder);
        Ok(Exit::Done)
    }

    /// The experiment with the axes and numbers of the command line.
    fn experiment(&self) -> anyhow::Result<Experiment> {
        let mut experiment = self.arguments.load(Experiment::load_cost)?;
        for axis in &self.vary {
            match experiment.config.sweep.iter_mut().find(|own| own.keys == axis.keys) {
                Some(own) => *own = axis.clone(),
                None => experiment.config.sweep.push(axis.clone()),
            }
        }
        experiment.check(&experiment.config)?;
        // Keys without effect on chips are found without the axes of the cost.
        let chips = without_cost_axes(&experiment);
        announcements(&chips, &chips.points()?, true)?.iter().for_each(|line| output::status(line));
        Ok(experiment)
    }

    /// The folder of `run`, or of another name if more chips are computed than by `run`.
    fn default_folder(&self, experiment: &Experiment) -> PathBuf {
        let more = self.vary.iter().flat_map(|axis| &axis.keys).any(|key| !key.starts_with("cost."));
        let suffix =
            if more || self.arguments.seed.is_some() { format!("-{}", experiment.digest()) } else { String::new() };
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

    /// The figures, which lie next to those of the run: names and contents.
    fn figures(
        &self,
        run: &CostRun,
        run_tables: &Tables<'_>,
        chosen: &Costed<'_>,
        tables: &[ResultTable],
    ) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let mut metadata = run_tables.metadata();
        metadata.retain(|(key, _)| *key != "name");
        metadata.push(("score", run.score.quantity.title.into()));
        metadata.push(("score_unit", tables::score_unit(&run.score).into()));
        let mut files = Vec::new();
        for (figure, key) in COST_FIGURES.iter().zip(&["energy", "break-even", "cost"]) {
            let Some(table) = tables.iter().find(|table| table.key == *key) else { continue };
            // The front shows all points, the other figures one.
            let levels = if *key == "cost" { String::new() } else { text::levels(chosen.point, ": ") };
            let title = ("name", format!("{}{levels}", run_tables.name()).into());
            let metadata: Vec<_> = metadata.iter().cloned().chain([title]).collect();
            let data = results::figure_table(&table.csv(), &metadata).with_context(|| format!("{key}.csv"))?;
            let svg = match (figure.draw)(&data, &self.figures.style()) {
                Err(ReportError::NoRows) => continue,
                drawn => drawn.with_context(|| format!("figure `{}`", figure.key))?,
            };
            let stem = format!("figure-{}", figure.key);
            let formats = self.figures.with_pdf_of(&run.outcome.folder().join(&stem)).formats(svg)?;
            files.extend(formats.into_iter().map(|(ending, bytes)| (format!("{stem}.{ending}"), bytes)));
        }
        Ok(files)
    }
}

/// The costs of all points.
fn analyse<'a>(run: &'a CostRun, seed: u64) -> anyhow::Result<Vec<Costed<'a>>> {
    let analyses = run.points.iter().map(|point| Analysis::new(&point.model, seed, point.model.settings.draws));
    let analyses = analyses.collect::<Result<Vec<_>, _>>()?;
    // A point whose score is that of more bits is on no front.
    let joule = |a: &Analysis| a.photonic.joule().filter(|_| a.has_score);
    let values: Vec<(f64, Option<f64>)> =
        run.points.iter().zip(&analyses).map(|(point, a)| (point.correctness.score, joule(a))).collect();
    let front = pareto_front(&values, &run.score);
    let costed = run.points.iter().zip(analyses).zip(front).map(|((point, analysis), pareto)| {
        let tests = verdict::tests(&point.model, &analysis, &point.correctness);
        Costed { point, analysis, tests, pareto }
    });
    Ok(costed.collect())
}

/// The point of least energy whose chips are correct, or else may be; without one, the point whose chips lose least.
fn best<'a, 'b>(costed: &'b [Costed<'a>]) -> Option<&'b Costed<'a>> {
    let joule = |c: &Costed<'_>| c.analysis.photonic.joule().unwrap_or(f64::INFINITY);
    let cheapest = |answer: verdict::Answer| {
        let chips = costed.iter().filter(|c| c.tests.first().is_some_and(|t| t.answer == answer));
        chips.filter(|c| joule(c).is_finite()).min_by(|a, b| joule(a).total_cmp(&joule(b)))
    };
    let loss = |c: &Costed<'_>| c.point.correctness.mean_loss();
    let least = || costed.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)).then(joule(a).total_cmp(&joule(b))));
    cheapest(verdict::Answer::Yes).or_else(|| cheapest(verdict::Answer::Open)).or_else(least)
}

#[cfg(test)]
pub use tables::{
    BREAK_EVEN_COLUMNS, COST_COLUMNS, ELECTRONICS_COLUMNS, ENERGY_COLUMNS, TESTS_COLUMNS, TURNING_COLUMNS,
};
