//! The error budget: what each source costs alone, among all others, and on the average over orders (Shapley).
//!
//! With v(A) the loss of a chip when only the sources A are on, S all sources, and i one of them:
//!
//! ```text
//! alone        v({i}) − v(∅)
//! left out     v(S) − v(S∖i)
//! Shapley      Σ_A |A|!(k−|A|−1)!/k! · [v(A∪i) − v(A)],  A ⊆ S∖i;  their sum is v(S) − v(∅)
//! interaction  left out − alone
//! ```
//!
//! Equal trials have equal draws whatever else is on, so every difference is paired by chips.

use crate::error::ExperimentError;
use crate::input::config::{Axis, Experiment};
use crate::input::files::{Inputs, PointInputs, SubjectInputs};
use crate::input::grid::Point;
use crate::input::sensitivity::SensitivitySettings;
use crate::input::sources::all_sources;
use crate::score::{Better, Score, Unit};
use crate::store::outcome::Outcome;
use crate::store::record::{Record, Row};
use crate::yields::sensitivity::SensitivityMap;
use crate::yields::{Mean, chips, expect_source, sources};
use phaseloom_files::{ColumnText, ResultTable, ResultValue};
use phaseloom_numerics::StreamKey;
use phaseloom_numerics::statistics::mean;
use rand::RngExt;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// The key of the sets of sources.
const SOURCES: &str = "sources";

/// Up to this number of sources, all sets are computed; above, those of random orders.
pub const MAX_EXACT: usize = 6;

/// Columns of `budget.csv`.
pub const BUDGET_COLUMNS: &[ColumnText] = &[
    ("<key>", "", "Value of a swept key, such as `correction`."),
    ("quantity", "", "What is lost: `loss` of the score, `output_difference_squared`, or `matrix_error_squared`."),
    ("source", "", "The source; `all` of them, or `none`."),
    (
        "alone",
        "as the quantity",
        "Quantity with this source alone, minus that without any; for `all` and `none` the quantity.",
    ),
    ("alone_se", "as the quantity", "Its standard error, paired by chips."),
    ("left_out", "as the quantity", "Quantity with all sources, minus that without this one."),
    ("left_out_se", "as the quantity", "Its standard error, paired by chips."),
    (
        "shapley",
        "as the quantity",
        "Mean over all orders of switching sources on; the sum over sources is that of all.",
    ),
    (
        "shapley_se",
        "as the quantity",
        "Its standard error over chips, and over random orders if not all sets are computed.",
    ),
    ("interaction", "as the quantity", "`left_out` − `alone`: positive if the other sources make this one worse."),
    ("interaction_se", "as the quantity", "Its standard error, paired by chips."),
    ("law", "as the quantity", "The law of first order for this source alone; empty where there is none."),
];

/// A set of sources, one bit for each.
type Set = u32;

/// The values of the swept keys of a point.
type Levels = Vec<(String, Value)>;

/// The sets of sources with equal values of the other swept keys, each with the index of its point.
type Group = (Levels, Vec<(Set, usize)>);

/// What one source costs.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceCost {
    /// Key of the source.
    pub source: String,
    /// With this source alone, minus without any.
    pub alone: Mean,
    /// With all sources, minus without this one.
    pub left_out: Mean,
    /// Mean over all orders of switching sources on, if enough sets were computed.
    pub shapley: Option<Mean>,
    /// `left_out` minus `alone`.
    pub interaction: Mean,
    /// The law of first order, if there is one.
    pub law: Option<f64>,
}

impl SourceCost {
    /// The number by which sources are sorted: Shapley, else left out.
    #[must_use]
    pub fn cost(&self) -> Mean {
        self.shapley.unwrap_or(self.left_out)
    }
}

/// The budget of one quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantityBudget {
    /// Key of the quantity.
    pub key: &'static str,
    /// Its name in sentences.
    pub title: String,
    /// Its unit.
    pub unit: Unit,
    /// Without any source.
    pub none: Mean,
    /// With all sources.
    pub all: Mean,
    /// The sources, the one that costs most first.
    pub sources: Vec<SourceCost>,
}

/// The budget at one value of every other swept key.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// (key, value) of every swept key but the sources.
    pub levels: Vec<(String, Value)>,
    /// Number of chips.
    pub chips: usize,
    /// The quantities, the loss of the score first.
    pub quantities: Vec<QuantityBudget>,
}

/// The experiment that computes the budget: over sets of sources, and with and without its correction.
///
/// `orders` is the number of random orders for the Shapley values of more than [`MAX_EXACT`] sources; with 0, none are
/// computed, and only the sets of `alone` and `left_out` are. `map` adds a sensitivity map, if the experiment can have one at
/// every point; that of a matrix has no samples.
///
/// # Errors
///
/// An experiment without a source.
pub fn budget_experiment(
    experiment: &Experiment,
    orders: u32,
    map: Option<SensitivitySettings>,
) -> Result<Experiment, ExperimentError> {
    let mut experiment = experiment.clone();
    if experiment.config.sweep.iter().any(|axis| axis.keys.iter().any(|key| key == SOURCES)) {
        return Ok(experiment);
    }
    expect_source(&experiment)?;
    // A sweep may switch sources on that the experiment leaves out.
    let points = experiment.points()?;
    let on: BTreeSet<&str> = points.iter().flat_map(|point| sources(&point.config)).collect();
    let sources: Vec<String> = all_sources().filter(|key| on.contains(key)).map(str::to_owned).collect();
    let map = map.filter(|_| points.iter().all(|point| SensitivitySettings::suit(&point.config)));
    let map = if map.is_some() && has_complex_layers(&experiment, &points)? { None } else { map };
    let config = &mut experiment.config;
    let samples = |settings: SensitivitySettings| settings.samples.filter(|_| !config.is_matrix());
    config.sensitivity = map.map(|settings| SensitivitySettings { samples: samples(settings), ..settings });
    if config.correction != "none" && !config.sweep.iter().any(|axis| axis.keys.iter().any(|key| key == "correction")) {
        let values = vec!["none".into(), config.correction.clone().into()];
        config.sweep.push(Axis { keys: vec!["correction".into()], values });
    }
    let names = |set: Set| {
        let members = sources.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
        toml::Value::Array(members.map(|(_, key)| toml::Value::from((*key).clone())).collect())
    };
    let values = sets(sources.len(), config.seed, orders).into_iter().map(names).collect();
    config.sweep.push(Axis { keys: vec![SOURCES.into()], values });
    experiment.check(&experiment.config)?;
    Ok(experiment)
}

/// Whether a network has layers whose fields are not detected, which have no derivatives of real products.
fn has_complex_layers(experiment: &Experiment, points: &[Point]) -> Result<bool, ExperimentError> {
    let SubjectInputs::Networks(inputs) = Inputs::read(experiment, points)?.points else { return Ok(false) };
    let is_complex = |input: &PointInputs| input.network.photonic_layers().iter().any(|layer| layer.kind.is_complex());
    Ok(inputs.iter().any(is_complex))
}

/// The sets that are computed for k sources: none, each alone, all but each, all, and those that the Shapley values need.
fn sets(k: usize, seed: u64, orders: u32) -> Vec<Set> {
    let all: Set = (1 << k) - 1;
    let mut sets: BTreeSet<Set> = [0, all].into();
    for i in 0..k {
        sets.extend([1 << i, all & !(1 << i)]);
    }
    match orders {
        0 => {}
        _ if k <= MAX_EXACT => sets.extend(0..=all),
        _ => sets.extend(random_orders(k, seed, orders).iter().flat_map(|order| prefixes(order))),
    }
    // None and all come first and last.
    let mut sets: Vec<Set> = sets.into_iter().collect();
    sets.sort_by_key(|set| (set.count_ones(), *set));
    sets
}

/// Random orders of k sources.
fn random_orders(k: usize, seed: u64, orders: u32) -> Vec<Vec<usize>> {
    let mut random = StreamKey::new(seed, "budget/orders").stream();
    let mut order = || {
        let mut order: Vec<usize> = (0..k).collect();
        (1..k).rev().for_each(|i| order.swap(i, random.random_range(0..=i)));
        order
    };
    (0..orders).map(|_| order()).collect()
}

/// The sets of the first 0, 1, … sources of an order.
fn prefixes(order: &[usize]) -> Vec<Set> {
    let mut sets = vec![0];
    order.iter().for_each(|i| sets.push(sets[sets.len() - 1] | 1 << i));
    sets
}

/// The values of v at every set, chip by chip.
struct Values<'a>(HashMap<Set, Vec<f64>>, &'a [Vec<usize>]);

impl Values<'_> {
    /// v(a) − v(b) of every chip.
    fn difference(&self, a: Set, b: Set) -> Option<Vec<f64>> {
        Some(self.0.get(&a)?.iter().zip(self.0.get(&b)?).map(|(a, b)| a - b).collect())
    }

    /// The Shapley value of source i of k, if the sets that it needs are there.
    fn shapley(&self, i: usize, k: usize) -> Option<Mean> {
        if k > MAX_EXACT {
            return self.sampled(i);
        }
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        let mut total = vec![0.0; self.0.get(&0)?.len()];
        for set in (0..1 << k).filter(|set: &Set| set >> i & 1 == 0) {
            let size = set.count_ones();
            let weight = factorial(size) * factorial(k as u32 - size - 1) / factorial(k as u32);
            let added = self.difference(set | 1 << i, set)?;
            total.iter_mut().zip(added).for_each(|(total, added)| *total += weight * added);
        }
        Some(Mean::new(&total))
    }

    /// The mean over random orders.
    fn sampled(&self, i: usize) -> Option<Mean> {
        let added = self.1.iter().map(|order| {
            let before = order.iter().take_while(|j| **j != i).fold(0, |set: Set, j| set | 1 << j);
            self.difference(before | 1 << i, before)
        });
        let added: Vec<Vec<f64>> = added.collect::<Option<_>>()?;
        if added.is_empty() {
            return None;
        }
        let from_chip = |chip: usize| mean(&added.iter().map(|order| order[chip]).collect::<Vec<_>>());
        let over_chips = Mean::new(&(0..added[0].len()).map(from_chip).collect::<Vec<_>>());
        let over_orders = Mean::new(&added.iter().map(|order| mean(order)).collect::<Vec<_>>());
        Some(Mean { value: over_chips.value, error: over_chips.error.hypot(over_orders.error) })
    }
}

/// A quantity of a chip.
struct Quantity {
    key: &'static str,
    title: String,
    unit: Unit,
    of: fn(&Record) -> Option<f64>,
}

/// The quantities of a budget, by a chip of its run.
fn quantities(chip: &Record) -> Vec<Quantity> {
    if chip.matrix.is_some() {
        let of = |chip: &Record| Some(chip.matrix.as_ref()?.chip.as_ref()?.error.powi(2));
        return vec![Quantity {
            key: "matrix_error_squared",
            title: "squared matrix error E²".into(),
            unit: Unit::Number,
            of,
        }];
    }
    let score = chip.shots.first().map_or(Score::ACCURACY, |shot| shot.score());
    let title = match score.better {
        Better::Higher => format!("loss of {}", score.quantity.title),
        Better::Lower => format!("increase of {}", score.quantity.title),
    };
    let loss = |chip: &Record| {
        let losses = chip.shots.iter().map(|shot| {
            let difference = shot.difference(chip.samples);
            if shot.score().better == Better::Higher { -difference } else { difference }
        });
        Some(mean(&losses.collect::<Vec<_>>()))
    };
    let outputs = |chip: &Record| {
        let squares = chip.shots.iter().map(|shot| Some(shot.output_difference()?.powi(2)));
        Some(mean(&squares.collect::<Option<Vec<_>>>()?))
    };
    let mut all = vec![Quantity { key: "loss", title, unit: score.quantity.unit, of: loss }];
    if outputs(chip).is_some() {
        let title = "squared relative rms difference of the outputs".to_owned();
        all.push(Quantity { key: "output_difference_squared", title, unit: Unit::Number, of: outputs });
    }
    all
}

/// The budgets of a finished run of [`budget_experiment`], one for each value of the other swept keys.
///
/// # Panics
///
/// If units are missing, or no key of the sweep is `sources`.
#[must_use]
pub fn budgets(outcome: &Outcome, orders: u32) -> Vec<Budget> {
    assert!(outcome.missing == 0, "budgets of an unfinished run");
    let set_of = |levels: &[(String, Value)]| -> Vec<String> {
        let value = levels.iter().find(|(key, _)| key == SOURCES).map(|(_, value)| value);
        let names = value.and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let all = outcome.points.iter().map(|point| set_of(&point.levels)).max_by_key(Vec::len).unwrap_or_default();
    let others =
        |levels: &[(String, Value)]| -> Levels { levels.iter().filter(|(key, _)| key != SOURCES).cloned().collect() };
    let mut groups: Vec<Group> = Vec::new();
    for point in &outcome.points {
        let names = set_of(&point.levels);
        let members = all.iter().enumerate().filter(|(_, key)| names.contains(key));
        let set = members.fold(0, |set: Set, (i, _)| set | 1 << i);
        let levels = others(&point.levels);
        match groups.iter_mut().find(|(known, _)| *known == levels) {
            Some((_, points)) => points.push((set, point.index)),
            None => groups.push((levels, vec![(set, point.index)])),
        }
    }
    let seed = outcome.points.first().map_or(0, |point| point.config.seed);
    let orders = if all.len() > MAX_EXACT { random_orders(all.len(), seed, orders) } else { Vec::new() };
    let group = |(levels, points): Group| {
        let records: HashMap<Set, Vec<&Record>> =
            points.iter().map(|(set, point)| (*set, chips(outcome, Row::Chips, *point))).collect();
        let first = records.values().flatten().next().copied();
        let of_quantity = |quantity: &Quantity| {
            let values = |chips: &Vec<&Record>| chips.iter().filter_map(|chip| (quantity.of)(chip)).collect::<Vec<_>>();
            let values = Values(records.iter().map(|(set, chips)| (*set, values(chips))).collect(), &orders);
            let law = |i: usize| law(outcome, points.iter().find(|(set, _)| *set == 1 << i)?.1);
            quantity_budget(quantity, &values, &all, law)
        };
        // Chips of early runs of a classification have no difference of outputs.
        let has_all = |quantity: &&Quantity| records.values().flatten().all(|chip| (quantity.of)(chip).is_some());
        let quantities = first.map(quantities).unwrap_or_default();
        Budget {
            chips: records.values().next().map_or(0, Vec::len),
            quantities: quantities.iter().filter(has_all).filter_map(of_quantity).collect(),
            levels,
        }
    };
    groups.into_iter().map(group).collect()
}

/// The law of first order of E² at a point, of a matrix without a correction.
fn law(outcome: &Outcome, point: usize) -> Option<f64> {
    let plan = crate::store::plan::Plan::new(&outcome.points);
    let design = outcome.records.get(&plan.reference(Row::Design, point))?.matrix.as_ref()?.design.as_ref()?;
    design.error.map(|error| error * error)
}

fn quantity_budget(
    quantity: &Quantity,
    values: &Values<'_>,
    sources: &[String],
    law: impl Fn(usize) -> Option<f64>,
) -> Option<QuantityBudget> {
    let all: Set = (1 << sources.len()) - 1;
    let cost = |(i, source): (usize, &String)| {
        let (alone, left_out) = (values.difference(1 << i, 0)?, values.difference(all, all & !(1 << i))?);
        let interaction: Vec<f64> = left_out.iter().zip(&alone).map(|(left_out, alone)| left_out - alone).collect();
        Some(SourceCost {
            source: source.clone(),
            alone: Mean::new(&alone),
            left_out: Mean::new(&left_out),
            shapley: values.shapley(i, sources.len()),
            interaction: Mean::new(&interaction),
            law: law(i),
        })
    };
    let mut costs: Vec<SourceCost> = sources.iter().enumerate().map(cost).collect::<Option<_>>()?;
    costs.sort_by(|a, b| b.cost().value.total_cmp(&a.cost().value));
    Some(QuantityBudget {
        key: quantity.key,
        title: quantity.title.clone(),
        unit: quantity.unit,
        none: Mean::new(values.0.get(&0)?),
        all: Mean::new(values.0.get(&all)?),
        sources: costs,
    })
}

/// Adds the laws of first order of a network to the budgets of chips without a correction, for phase errors and splitter errors
/// alone: the losses of accuracy, and the squared differences of the outputs.
pub fn add_laws(budgets: &mut [Budget], map: &SensitivityMap) {
    let laws = [
        ("loss", map.accuracy_loss.map(|[phases, splitters, _]| [phases, splitters])),
        ("output_difference_squared", map.output_differences_squared),
    ];
    let is_corrected = |budget: &&mut Budget| {
        let correction = budget.levels.iter().find(|(key, _)| key == "correction");
        correction.is_some_and(|(_, value)| value != "none")
    };
    for quantity in budgets.iter_mut().filter(|budget| !is_corrected(budget)).flat_map(|b| &mut b.quantities) {
        let law = laws.iter().find(|(key, _)| *key == quantity.key).and_then(|(_, law)| *law);
        let Some([phases, splitters]) = law else { continue };
        for cost in &mut quantity.sources {
            cost.law = match cost.source.as_str() {
                "phase_error" => Some(phases),
                "splitter_error" => Some(splitters),
                _ => cost.law,
            };
        }
    }
}

/// `budget.csv`: one row per budget, quantity and source.
#[must_use]
pub fn budget_table(budgets: &[Budget]) -> ResultTable {
    let mut rows: Vec<Vec<(String, ResultValue)>> = Vec::new();
    for budget in budgets {
        for quantity in &budget.quantities {
            let mut row = |source: &str, cells: [Option<Mean>; 4], law: Option<f64>| {
                let levels = budget.levels.iter().map(|(key, value)| (key.clone(), ResultValue::from_json(value)));
                let mut row: Vec<(String, ResultValue)> = levels.collect();
                row.push(("quantity".into(), quantity.key.into()));
                row.push(("source".into(), source.into()));
                for (name, cell) in ["alone", "left_out", "shapley", "interaction"].iter().zip(cells) {
                    row.push(((*name).into(), cell.map(|mean| mean.value).into()));
                    row.push((format!("{name}_se"), cell.map(|mean| mean.error).into()));
                }
                row.push(("law".into(), law.into()));
                rows.push(row);
            };
            for cost in &quantity.sources {
                let cells = [Some(cost.alone), Some(cost.left_out), cost.shapley, Some(cost.interaction)];
                row(&cost.source, cells, cost.law);
            }
            row("all", [Some(quantity.all), None, None, None], None);
            row("none", [Some(quantity.none), None, None, None], None);
        }
    }
    ResultTable::from_rows("budget", rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The product law Π(1 − x) over the sources that are on, x = 0.1, 0.2, 0.3: known answers of another program.
    #[test]
    fn a_product_has_the_shapley_values_of_the_page() {
        let x = [0.1, 0.2, 0.3];
        let value = |set: Set| (0..3).filter(|i| set >> i & 1 == 1).map(|i| 1.0 - x[i]).product::<f64>();
        let values = Values((0..8).map(|set| (set, vec![value(set); 2])).collect(), &[]);
        let shapley: Vec<f64> = (0..3).map(|i| values.shapley(i, 3).unwrap().value).collect();
        for (found, expected) in shapley.iter().zip([-0.077, -0.162, -0.257]) {
            assert!((found - expected).abs() < 5e-4, "{shapley:?}");
        }
        assert!((shapley.iter().sum::<f64>() - (value(7) - 1.0)).abs() < 1e-14);
        let sources = ["a", "b", "c"].map(str::to_owned);
        let quantity = Quantity { key: "v", title: "v".into(), unit: Unit::Number, of: |_: &Record| None };
        let budget = quantity_budget(&quantity, &values, &sources, |_| None).unwrap();
        let of = |name: &str| budget.sources.iter().find(|cost| cost.source == name).unwrap();
        for (name, alone, left_out) in [("a", -0.1, -0.056), ("b", -0.2, -0.126), ("c", -0.3, -0.216)] {
            assert!((of(name).alone.value - alone).abs() < 1e-12 && (of(name).left_out.value - left_out).abs() < 1e-12);
        }
        // Every loss is negative: the smallest gain comes first.
        assert_eq!(budget.sources[0].source, "a");
    }

    #[test]
    fn random_orders_agree_with_all_orders() {
        let x = [0.1, 0.2, 0.3, 0.05, 0.15, 0.25, 0.12];
        let value = |set: Set| (0..7).filter(|i| set >> i & 1 == 1).map(|i| 1.0 - x[i]).product::<f64>();
        let orders = random_orders(7, 1, 200);
        let needed = sets(7, 1, 200);
        let values = Values(needed.iter().map(|set| (*set, vec![value(*set); 2])).collect(), &orders);
        // All 5040 orders, by the weights of the definition.
        let weight = |size: u32| {
            let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
            factorial(size) * factorial(6 - size) / factorial(7)
        };
        let mut sum = 0.0;
        for i in 0..7 {
            let without = (0..1 << 7).filter(|set: &Set| set >> i & 1 == 0);
            let exact: f64 = without.map(|set| weight(set.count_ones()) * (value(set | 1 << i) - value(set))).sum();
            let found = values.shapley(i, 7).unwrap();
            assert!((found.value - exact).abs() < 4.0 * found.error, "{i}: {found:?}, {exact}");
            sum += found.value;
        }
        assert!((sum - (value(127) - 1.0)).abs() < 1e-12);
    }

    #[test]
    fn the_sets_are_those_that_are_needed() {
        assert_eq!(sets(2, 1, 0), [0, 1, 2, 3]);
        assert_eq!(sets(3, 1, 50).len(), 8);
        assert_eq!(sets(4, 1, 0).len(), 10);
        let eight = sets(8, 1, 50);
        assert!(eight.len() > 18 && eight.len() < 256 && eight[0] == 0 && eight[eight.len() - 1] == 255);
    }
}
