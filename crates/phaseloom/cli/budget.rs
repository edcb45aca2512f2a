//! The command `budget`: what each source of error costs, and what breaks first.

mod map;

use super::Exit;
use super::study::{Study, levels_text, metadata};
use super::terminal::{output, page, results, whole};
use clap::Args;
use phaseloom::experiment::cost::verdict::short;
use phaseloom::experiment::score::Unit;
use phaseloom::experiment::yields::Mean;
use phaseloom::experiment::yields::budget::{
    self, MAX_EXACT, QuantityBudget, SourceCost, add_laws, budget_experiment, budget_table,
};
use phaseloom::experiment::yields::sensitivity::SensitivityMap;
use phaseloom::experiment::{Experiment, Outcome, SensitivitySettings, Tables, run};
use phaseloom::files::{Column, Results, TextTable, wrap};
use phaseloom::report::{BUDGET_FIGURE, SENSITIVITY_FIGURE};

/// Default of `--map-samples`.
const MAP_SAMPLES: usize = 100;

/// Default of `--map-chips`.
const MAP_CHIPS: u64 = 5;

/// Compute what each source of error costs: alone, among all others, and on the average over orders
///
/// Switches imperfections of the process and parts of the link on and off on the same chips. With up to six sources, computes
/// every set of sources; with more, only the sets of random orders. If the experiment has a correction, everything is computed
/// with and without it. Writes the files of `run`, budget.csv and figure-budget.svg to DIR, and sensitivity.csv and
/// figure-sensitivity.svg: a map of the sensitivity of a matrix, or of a network with homodyne detection, to every phase shifter
/// and splitter.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom budget examples/digits/digits.toml\n  \
    phaseloom budget experiment.toml --correction local --trials 50\n  \
    phaseloom budget u.npy --process process.toml\n  \
    phaseloom budget experiment.toml --orders 0           # alone and left out only, fewer runs")]
pub struct Budget {
    /// Sampled chips for each set of sources, instead of the number in the file
    #[arg(long, value_name = "N", value_parser = whole(2_u64, 1_000_000))]
    trials: Option<u64>,
    /// Number of random orders, if there are more than six sources; 0: no averages over orders
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = whole(0_u32, 10_000))]
    orders: u32,
    /// Test samples of the sensitivity map of a network, which a matrix does not need; 0: no map
    #[arg(long, value_name = "N", default_value_t = MAP_SAMPLES, value_parser = whole(0_usize, 256))]
    map_samples: usize,
    /// Sampled chips of that map, at most those of --trials, next to the perfect chip
    #[arg(long, value_name = "N", default_value_t = MAP_CHIPS, value_parser = whole(0_u64, 1000))]
    map_chips: u64,
    #[command(flatten)]
    study: Study,
}

impl Budget {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let mut experiment = self.study.experiment()?;
        experiment.config.trials = self.trials.unwrap_or(experiment.config.trials);
        anyhow::ensure!(
            experiment.config.trials > 1,
            "--trials: found 1, expected at least 2 chips, because standard errors are those between chips"
        );
        let map = SensitivitySettings { chips: self.map_chips, samples: Some(self.map_samples) };
        let has_chips = self.map_chips > 0 && self.map_samples > 0;
        let experiment = budget_experiment(&experiment, self.orders, has_chips.then_some(map))?;
        let has_options = self.map_samples != MAP_SAMPLES || self.map_chips != MAP_CHIPS;
        let folder = self.study.folder(&experiment, "budget", has_options);
        let outcome = match self.study.run(&experiment, &folder, "budget", run)? {
            Ok(outcome) => outcome,
            Err(exit) => return Ok(exit),
        };
        if let Some(tables) = Tables::new(&outcome) {
            results::write(&outcome, &tables, self.study.figures)?;
        }
        let mut budgets = budget::budgets(&outcome, self.orders);
        // A finished folder states the samples of its map.
        let settings = experiment.config.sensitivity;
        let map = match settings.and_then(|settings| settings.samples).unwrap_or(self.map_samples) {
            0 => None,
            samples => map::compute(&experiment, samples, &outcome)?,
        };
        let is_independent = !experiment.config.process.has_structured_errors();
        if let Some(map) = map.as_ref().filter(|_| is_independent) {
            add_laws(&mut budgets, map);
        }
        let table = budget_table(&budgets);
        let mut about = metadata(&outcome);
        if let Some(quantity) = budgets.first().and_then(|budget| budget.quantities.first()) {
            about.push(("quantity", quantity.title.clone().into()));
            about.push(("unit", if quantity.unit == Unit::Percent { "%" } else { "1" }.into()));
        }
        let sensitivity = map.as_ref().map(SensitivityMap::table);
        let tables: Vec<_> = std::iter::once(&table).chain(&sensitivity).collect();
        self.study.write(&outcome, &tables, (&BUDGET_FIGURE, &table), &about)?;
        if let Some(sensitivity) = &sensitivity {
            self.study.write(&outcome, &[], (&SENSITIVITY_FIGURE, sensitivity), &about)?;
        }
        let mut printed = Results::default();
        text(&mut printed, &experiment, &outcome, &budgets);
        let has_law = is_independent && experiment.config.correction == "none";
        match &map {
            Some(map) => map::print(&mut printed, map, has_law),
            None if self.map_samples > 0 => map::refuse(&mut printed, &experiment),
            None => {}
        }
        printed.table(table);
        sensitivity.into_iter().for_each(|table| printed.table(table));
        page::write(&outcome)?;
        output::print_results(&printed, self.study.format)?;
        results::say_where(&folder);
        Ok(Exit::Done)
    }
}

fn text(printed: &mut Results, experiment: &Experiment, outcome: &Outcome, budgets: &[budget::Budget]) {
    let chips = budgets.first().map_or(0, |budget| budget.chips);
    printed.line(format!(
        "{}: {chips} chips for each set of sources, seed {}",
        experiment.config.name, experiment.config.seed
    ));
    printed.line(format!("{}\n", super::study::errors_text(outcome)));
    for budget in budgets {
        let levels = levels_text(&budget.levels);
        for quantity in &budget.quantities {
            let head = if quantity.unit == Unit::Percent { " (percentage points)" } else { "" };
            let at = if levels.is_empty() { String::new() } else { format!(", {levels}") };
            printed.line(format!("{}{head}{at}", quantity.title));
            table(printed, quantity);
            printed.line("");
        }
        if let Some(quantity) = budget.quantities.first() {
            let at = if levels.is_empty() { String::new() } else { format!("With {levels}: ") };
            printed.sentence(format!("{at}{}", breaks_first(quantity)));
        }
    }
}

/// A number of the quantity with its standard error.
fn with_error(quantity: &QuantityBudget, mean: Mean) -> String {
    match quantity.unit {
        // Rounded first, so that no zero has a minus.
        Unit::Percent => format!("{:+.2} ± {:.2}", (1e4 * mean.value).round() / 100.0 + 0.0, 100.0 * mean.error),
        Unit::Number => {
            // Equal values of all chips differ by rounding alone.
            let error = if mean.error < 1e-12 * mean.value.abs() { 0.0 } else { mean.error };
            format!("{} ± {}", short(mean.value), short(error))
        }
    }
}

fn table(printed: &mut Results, quantity: &QuantityBudget) {
    let has_law = quantity.unit == Unit::Number && quantity.sources.iter().any(|cost| cost.law.is_some());
    let right = Column::right().gap(2);
    let mut table = TextTable::new(0, std::iter::once(Column::left()).chain([right; 4]));
    let last = if has_law { "law, alone" } else { "left out − alone" };
    table.row(["source", "alone", "left out", "over orders", last]);
    for cost in &quantity.sources {
        let rest = match cost.law.filter(|_| has_law) {
            Some(law) => short(law),
            None if has_law => "–".to_owned(),
            None => with_error(quantity, cost.interaction),
        };
        table.row([
            cost.source.clone(),
            with_error(quantity, cost.alone),
            with_error(quantity, cost.left_out),
            cost.shapley.map_or("–".to_owned(), |mean| with_error(quantity, mean)),
            rest,
        ]);
    }
    let all = Mean { value: quantity.all.value - quantity.none.value, error: quantity.all.error };
    table.row(["all".to_owned(), with_error(quantity, all), String::new(), String::new(), String::new()]);
    printed.show(table);
}

/// What breaks first, and which sources make each other worse.
fn breaks_first(quantity: &QuantityBudget) -> String {
    let total = quantity.all.value - quantity.none.value;
    let Some(first) = quantity.sources.first() else { return String::new() };
    let unit = if quantity.unit == Unit::Percent { " points" } else { "" };
    let whole = match quantity.unit {
        Unit::Percent => format!("{:.2} points", 100.0 * total),
        Unit::Number => short(total),
    };
    let cost = first.cost();
    let how = if first.shapley.is_some() { "on the average over orders" } else { "against all but this source" };
    let mut text = match cost.value > 2.0 * cost.error {
        true => format!(
            "`{}` breaks first: {}{unit} of the {}, {whole}, {how}",
            first.source,
            with_error(quantity, cost),
            quantity.title
        ),
        false => format!("no source costs more than twice its standard error; all together cost {whole}"),
    };
    let named = |is: &dyn Fn(&SourceCost) -> bool| {
        let names = quantity.sources.iter().filter(|cost| is(cost)).map(|cost| format!("`{}`", cost.source));
        names.collect::<Vec<_>>().join(", ")
    };
    let worse = named(&|cost| cost.interaction.value > 3.0 * cost.interaction.error && cost.interaction.error > 0.0);
    if !worse.is_empty() {
        text += &format!("; among the other sources these cost more than alone (3 standard errors): {worse}");
    }
    let better = named(&|cost| cost.interaction.value < -3.0 * cost.interaction.error && cost.interaction.error > 0.0);
    if !better.is_empty() {
        text += &format!("; these cost less than alone, because the others have done the harm already: {better}");
    }
    if quantity.sources.len() > MAX_EXACT {
        text += "; averages are over random orders";
    }
    wrap(&format!("{text}."), usize::MAX, 0)
}
