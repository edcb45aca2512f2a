//! The command `yield`: how many of the fabricated chips work.

use super::Exit;
use super::study::{Pass, Study, levels_text, metadata};
use super::terminal::{output, page, results, whole};
use clap::Args;
use phaseloom::experiment::cost::verdict::short;
use phaseloom::experiment::yields::expect_source;
use phaseloom::experiment::yields::share::{PointYield, Yields};
use phaseloom::experiment::{Experiment, Outcome, Shard, Tables, run_until};
use phaseloom::files::{Column, Results, TextTable, shortest, wrap};
use phaseloom::report::YIELD_FIGURE;

/// Compute the share of chips that reach an accuracy, an error or a fidelity, with its interval
///
/// Samples 40 chips, then 20 at a time. Stops when the 95 % interval of Wilson is at most ±H wide at every point of the sweep,
/// or after N chips. All points use the same chips. Writes the files of `run` and yield.csv to DIR, and for a sweep
/// figure-yield.svg. With a smaller H, the same command keeps these chips and samples more.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom yield examples/digits/digits.toml --accuracy 0.95\n  \
    phaseloom yield experiment.toml --drop 0.01 --half-width 0.02\n  \
    phaseloom yield u.npy --process process.toml --fidelity 0.99")]
pub struct Yield {
    #[command(flatten)]
    pass: Pass,
    /// Sampling stops when the 95 % interval is at most ± this share wide
    #[arg(long, value_name = "H", default_value_t = 0.05, value_parser = half_width)]
    half_width: f64,
    /// Maximum number of chips at each point [default: as many as the interval needs at a yield of one half]
    #[arg(long, value_name = "N", value_parser = whole(1_u64, 1_000_000))]
    trials: Option<u64>,
    #[command(flatten)]
    study: Study,
}

/// A half width of an interval: above 0, below ½.
fn half_width(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (0.001..0.5).contains(value));
    value.ok_or_else(|| "expected a share of at least 0.001 and below 0.5, such as 0.05".to_owned())
}

impl Yield {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let mut experiment = self.study.experiment()?;
        let criterion = self.pass.set(&mut experiment)?;
        expect_source(&experiment)?;
        let is_run = experiment.run_folder().is_some();
        experiment.config.trials = self.trials.unwrap_or_else(|| {
            // Wilson at p = ½: H² = z²(1/4n)(1 + z²/n)/(1 + z²/n)², n = z²(1/4H² − 1).
            let needed = 3.8415 * (0.25 / self.half_width.powi(2) - 1.0);
            let needed = (needed / 20.0).ceil() as u64 * 20 + 20;
            if is_run { needed.max(experiment.config.trials) } else { needed }
        });
        experiment.check(&experiment.config)?;
        let folder = self.study.folder(&experiment, "yield", false);
        let path = experiment.path.clone();
        let is_narrow = |outcome: &Outcome| {
            Yields::new(outcome, criterion, &path).map_or(true, |yields| yields.is_narrow(self.half_width))
        };
        let computed = self.study.run(&experiment, &folder, "yield", |experiment, folder, options| {
            run_until(experiment, folder, options, &is_narrow)
        })?;
        let outcome = match computed {
            Ok(outcome) => outcome,
            Err(exit) => return Ok(exit),
        };
        let yields = Yields::new(&outcome, criterion, &experiment.path)?;
        if let Some(tables) = Tables::new(&outcome) {
            results::write(&outcome, &tables, self.study.figures)?;
        }
        let table = yields.table();
        self.study.write(&outcome, &[&table], (&YIELD_FIGURE, &table), &metadata(&outcome))?;
        let mut printed = Results::default();
        self.text(&mut printed, &experiment, &outcome, &yields);
        printed.table(table);
        page::write(&outcome)?;
        output::print_results(&printed, self.study.format)?;
        results::say_where(&folder);
        Ok(Exit::Done)
    }

    fn text(&self, printed: &mut Results, experiment: &Experiment, outcome: &Outcome, yields: &Yields) {
        let criterion = yields.criterion;
        let config = &experiment.config;
        printed.line(format!("{}: a chip passes if its {criterion}", config.name));
        printed.line(format!("seed {}, {}\n", config.seed, super::study::errors_text(outcome)));
        let right = [6, 7, 8, 16, 12].map(|width| Column::right().min_width(width));
        let mut table = TextTable::new(0, std::iter::once(Column::left()).chain(right));
        table.row(["", "chips", "pass", "yield", "95 % interval", "90 % reach"]);
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        for point in &yields.points {
            let (low, high) = point.interval();
            table.row([
                if yields.points.len() > 1 { format!("point {}", point.point) } else { String::new() },
                point.chips().to_string(),
                point.passes.to_string(),
                format!("{} %", percent(point.share())),
                format!("{}–{} %", percent(low), percent(high)),
                short(point.reached(criterion.better()).0),
            ]);
            if !point.levels.is_empty() {
                wrap(&levels_text(&point.levels), 74, 0).lines().for_each(|line| table.line(format!("      {line}")));
            }
        }
        printed.show(table);
        printed.line(wrap(
            &format!(
                "\n90 % reach: the {} that nine tenths of the chips reach. Interval of Wilson, nominally 95 %; the guaranteed one \
                 (Clopper–Pearson) is in yield.csv. {}",
                criterion.quantity(),
                test_set(yields)
            ),
            80,
            0,
        ));
        let sentence = |point: &PointYield| {
            let ((low, high), levels) = (point.interval(), levels_text(&point.levels));
            let at = if levels.is_empty() { String::new() } else { format!(" at {levels}") };
            format!(
                "{} % of the chips pass ({criterion}){at}: {} of {}, 95 % interval {}–{} %",
                percent(point.share()),
                point.passes,
                point.chips(),
                percent(low),
                percent(high)
            )
        };
        let best = yields.points.iter().max_by(|a, b| a.share().total_cmp(&b.share()));
        let worst = yields.points.iter().min_by(|a, b| a.share().total_cmp(&b.share()));
        match (yields.points.as_slice(), best, worst) {
            ([only], ..) => printed.sentence(format!("{}.", sentence(only))),
            (_, Some(best), Some(worst)) => printed.sentence(format!("{}; {}.", sentence(best), sentence(worst))),
            _ => {}
        }
        if !yields.is_narrow(self.half_width) && self.study.shard == Shard::WHOLE {
            output::status(&format!(
                "note: an interval is wider than ±{}, because --trials {} ended the sampling",
                shortest(self.half_width),
                config.trials
            ));
        }
    }
}

/// The statement about the test set, if there is one.
fn test_set(yields: &Yields) -> String {
    match yields.points.iter().map(|point| point.test_se).find(|error| error.is_finite()) {
        Some(error) => format!(
            "The test set is fixed: its own standard error of the score, {}, is not part of the interval.",
            short(error)
        ),
        None => String::new(),
    }
}
