//! The command `tolerance`: the largest error that keeps a yield.

use super::Exit;
use super::study::{Pass, Study, levels_text, metadata};
use super::terminal::{output, page, results, whole};
use clap::Args;
use phaseloom::experiment::cost::verdict::short;
use phaseloom::experiment::yields::tolerance::{Estimate, MAX_DISORDER, Tolerances, on_grid, tolerance};
use phaseloom::experiment::{Experiment, Outcome, ToleranceSettings};
use phaseloom::files::{Column, Results, TextTable, shortest, wrap};
use phaseloom::report::TOLERANCE_FIGURE;
use std::str::FromStr;

/// Find the largest error, or the smallest number of bits or power, at which a share of chips still passes
///
/// Each chip keeps its random numbers while the level changes. A bisection of twelve steps finds its critical level, the last
/// level at which it passes. The tolerance is a quantile of the critical levels; its interval assumes no distribution. Every
/// twentieth chip is checked on a grid: if more than 2 % of its pairs of levels are in the wrong order, all chips are measured
/// on a grid. Writes tolerance.csv, critical.csv (each chip) and figure-tolerance.svg to DIR.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom tolerance experiment.toml --vary phase_error.sigma_rad=0.001:0.5\n  \
    phaseloom tolerance experiment.toml --vary link.adc.bits=10:2 --accuracy 0.95\n  \
    phaseloom tolerance experiment.toml --scale phase_error.sigma_rad=splitter_error.sigma_rad=0.1:10\n  \
    phaseloom tolerance u.npy --process process.toml --vary phase_error.sigma_rad=1e-3:1 --fidelity 0.99 --yield 0.95")]
pub struct Tolerance {
    #[command(flatten)]
    pass: Pass,
    /// A key, its level of good chips and its level of bad chips; KEY1=KEY2=… all take the same level
    #[arg(long, value_name = "KEY=GOOD:BAD", conflicts_with = "scale")]
    vary: Option<Levels>,
    /// Keys whose values in the experiment are multiplied by one factor; GOOD and BAD are the factors of good and of bad chips
    #[arg(long, value_name = "KEY=GOOD:BAD")]
    scale: Option<Levels>,
    /// Share of chips that must pass
    #[arg(long = "yield", value_name = "SHARE", default_value_t = 0.9, value_parser = share)]
    share: f64,
    /// Number of chips at each point
    #[arg(long, value_name = "N", value_parser = whole(2_u64, 1_000_000))]
    trials: Option<u64>,
    #[command(flatten)]
    study: Study,
}

/// Keys with two levels: `KEY=GOOD:BAD`, `KEY1=KEY2=GOOD:BAD`.
#[derive(Clone, Debug)]
struct Levels {
    keys: Vec<String>,
    from: f64,
    to: f64,
}

impl FromStr for Levels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("found `{text}`, expected KEY=GOOD:BAD, such as phase_error.sigma_rad=0.001:0.5");
        let (keys, range) = text.rsplit_once('=').ok_or_else(malformed)?;
        let (from, to) = range.split_once(':').ok_or_else(malformed)?;
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite() && *value > 0.0);
        let (Some(from), Some(to)) = (number(from), number(to)) else {
            return Err(format!("found the levels `{range}`, expected two numbers above 0, such as 0.001:0.5"));
        };
        let full = |key: &str| match ["process.", "link."].iter().any(|table| key.starts_with(table)) {
            true => key.to_owned(),
            false => format!("process.{key}"),
        };
        Ok(Self { keys: keys.split('=').map(|key| full(key.trim())).collect(), from, to })
    }
}

/// A share of chips: above 0, below 1.
fn share(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (0.01..=0.999).contains(value));
    value.ok_or_else(|| "expected a share from 0.01 to 0.999, such as 0.9".to_owned())
}

/// Sampled chips of a command line without an experiment that says otherwise.
const TRIALS: u64 = 100;

impl Tolerance {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let mut experiment = self.study.experiment()?;
        self.pass.set(&mut experiment)?;
        let given =
            self.vary.as_ref().map(|levels| (levels, false)).or(self.scale.as_ref().map(|levels| (levels, true)));
        if let Some((levels, scale)) = given {
            let Levels { keys, from, to } = levels.clone();
            experiment.config.tolerance = Some(ToleranceSettings { keys, from, to, scale, grid: None });
        }
        let is_run = experiment.run_folder().is_some();
        let trials = if is_run { experiment.config.trials } else { experiment.config.trials.max(TRIALS) };
        experiment.config.trials = self.trials.unwrap_or(trials);
        experiment.check(&experiment.config)?;
        let folder = self.study.folder(&experiment, "tolerance", given.is_some());
        let outcome = match self.study.run(&experiment, &folder, "tolerance", tolerance)? {
            Ok(outcome) => outcome,
            Err(exit) => return Ok(exit),
        };
        let Some(found) = self.tolerances(&outcome, &experiment) else { return Ok(Exit::Done) };
        let ToleranceSettings { from, to, .. } = found.settings;
        anyhow::ensure!(
            !found.is_reversed(),
            "{}: found more chips that pass at the level {}, the second one, than at {}, expected the level of good chips first",
            match (&self.vary, &self.scale) {
                (None, None) => "[tolerance]",
                (Some(_), _) => "--vary",
                (None, Some(_)) => "--scale",
            },
            shortest(to),
            shortest(from)
        );
        let disorder = found.disorder();
        if disorder <= MAX_DISORDER {
            return self.show(&experiment, &outcome, &found);
        }
        output::status(&format!(
            "note: {:.1} % of the pairs of levels are in the wrong order, more than {:.0} %: all chips are measured on a grid, in \
             {}",
            100.0 * disorder,
            100.0 * MAX_DISORDER,
            folder.join("grid").display()
        ));
        let experiment = on_grid(&experiment);
        let outcome = match self.study.run(&experiment, &folder.join("grid"), "tolerance", tolerance)? {
            Ok(outcome) => outcome,
            Err(exit) => return Ok(exit),
        };
        match self.tolerances(&outcome, &experiment) {
            Some(found) => self.show(&experiment, &outcome, &found),
            None => Ok(Exit::Done),
        }
    }

    fn tolerances(&self, outcome: &Outcome, experiment: &Experiment) -> Option<Tolerances> {
        Tolerances::new(outcome, experiment.config.pass?, self.share)
    }

    fn show(&self, experiment: &Experiment, outcome: &Outcome, found: &Tolerances) -> anyhow::Result<Exit> {
        let [table, critical] = found.tables();
        let mut about = metadata(outcome);
        let level =
            if found.settings.scale { "factor" } else { found.settings.keys.first().map_or("level", |key| key) };
        about.push(("level", level.into()));
        about.push(("from", found.settings.from.into()));
        about.push(("to", found.settings.to.into()));
        about.push(("share", self.share.into()));
        self.study.write(outcome, &[&table, &critical], (&TOLERANCE_FIGURE, &critical), &about)?;
        outcome.write(results::METADATA, results::metadata_json("tolerance", &about).as_bytes())?;
        let mut printed = Results::default();
        self.text(&mut printed, experiment, outcome, found);
        printed.table(table);
        page::write(outcome)?;
        output::print_results(&printed, self.study.format)?;
        output::status(&format!(
            "results in {}{}: report.html, tolerance.csv, critical.csv, figure-tolerance.svg and more",
            outcome.folder().display(),
            std::path::MAIN_SEPARATOR
        ));
        Ok(Exit::Done)
    }

    fn text(&self, printed: &mut Results, experiment: &Experiment, outcome: &Outcome, found: &Tolerances) {
        let (config, settings) = (&experiment.config, &found.settings);
        printed.line(format!("{}: a chip passes if its {}", config.name, found.criterion));
        printed.line(format!("seed {}, {}", config.seed, super::study::errors_text(outcome)));
        let keys = settings.keys.join(" = ");
        let what = if settings.scale { format!("factor on {keys}") } else { keys };
        printed.line(wrap(
            &format!("{what}, from {} (good chips) to {} (bad chips)\n", short(settings.from), short(settings.to)),
            80,
            2,
        ));
        let right = [6, 11, 24, 9].map(|width| Column::right().min_width(width));
        let mut table = TextTable::new(0, std::iter::once(Column::left()).chain(right));
        table.row(["", "chips", "tolerance", "95 % interval", "pass"]);
        let end = |level: Option<f64>| level.map_or("?".to_owned(), short);
        for point in &found.points {
            let estimate = found.estimate(point);
            table.row([
                if found.points.len() > 1 { format!("point {}", point.point) } else { String::new() },
                point.critical.len().to_string(),
                estimate.level.map_or("none".to_owned(), short),
                format!("{}–{}", end(estimate.low), end(estimate.high)),
                format!("{:.1} %", 100.0 * estimate.share),
            ]);
            if let Some((level, share)) = estimate.next {
                table.line(format!("      next level {}: {:.1} % pass", short(level), 100.0 * share));
            }
            if !point.levels.is_empty() {
                wrap(&levels_text(&point.levels), 74, 0).lines().for_each(|line| table.line(format!("      {line}")));
            }
        }
        printed.show(table);
        let direction = if settings.from < settings.to { "largest" } else { "smallest" };
        let share = format!("{} %", short(100.0 * self.share));
        for point in &found.points {
            let Estimate { level, low, high, .. } = found.estimate(point);
            let at = levels_text(&point.levels);
            let at = if at.is_empty() { at } else { format!(" at {at}") };
            printed.sentence(match level {
                Some(level) => format!(
                    "The {direction} {what} at which {share} of the chips pass is {}{at} (95 % interval {} to {}).",
                    short(level),
                    end(low),
                    end(high)
                ),
                None if found.passes_everywhere(point) => {
                    format!("{share} of the chips still pass at the level {}{at}: try a worse last level.", short(settings.to))
                }
                None => format!(
                    "Fewer than {share} of the chips pass at the first level, {}{at}: try a better first level, or reduce other errors and \
                     noise.",
                    short(settings.from)
                ),
            });
        }
    }
}
