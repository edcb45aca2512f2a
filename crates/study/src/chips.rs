//! Tests a trained network on chips: a run of an experiment, with its cost if the experiment has a table `[cost]`.

use crate::error::Result;
use crate::result::TestResult;
use crate::run::Options;
use phaseloom_experiment::cost::analysis::{Analysis, Precision, array_key};
use phaseloom_experiment::cost::{CostPoint, cost, verdict};
use phaseloom_experiment::score::OUTPUT_DIFFERENCE;
use phaseloom_experiment::{Better, Experiment, ExperimentError, Options as TestOptions, Row, Tables, run};
use phaseloom_files::ColumnText;
use std::collections::BTreeMap;
use std::path::Path;

/// Further quantities of a test, columns of `table.csv` after those of every test. Those from `energy_j` on need the table `[cost]` in
/// the experiment; they are those of `cost.csv`.
pub const TEST_COLUMNS: &[ColumnText] = &[
    (
        "output_difference",
        "1",
        "Relative rms difference of the outputs on chips from those in floating point, mean over chips; not of tests with a cost.",
    ),
    ("readout_bits", "bit", "Readout bits on which the cost rests, mean over multiply-accumulates (MACs)."),
    ("macs", "", "MACs of the matrices in one inference."),
    ("energy_j", "J", "Energy of one inference; empty if no laser reaches the bits."),
    ("macs_per_j", "1/J", "MACs of the matrices for each joule."),
    ("macs_per_s", "1/s", "MACs of the matrices for each second."),
    ("latency_s", "s", "Time from the first input to the last output."),
    ("cores", "", "Cores that have power."),
    ("resident", "", "1 if every tile has a core, else 0."),
    ("area_m2", "m²", "Area of all cores, memory and logic."),
    ("buffer_bytes", "B", "Values of a batch that wait between passes of shared cores."),
    (
        "systolic_ratio",
        "1",
        "Energy of electronics of equal readout bits, a systolic array, over that of light; 0 if no laser suffices.",
    ),
    ("tree_ratio", "1", "The same of an adder tree."),
];

/// Runs a test. `None` if it was interrupted.
pub(crate) fn run_test(
    experiment: &Experiment,
    folder: &Path,
    test: usize,
    options: &Options<'_>,
) -> Result<Option<Vec<TestResult>>> {
    let own =
        TestOptions { threads: 1, interrupt: options.interrupt.clone(), note: options.note, ..TestOptions::default() };
    if experiment.config.cost.is_some() {
        let costs = cost(experiment, folder, None, &own)?;
        let result = |point: &CostPoint| -> Result<TestResult> {
            let correctness = &point.correctness;
            let value = |loss: &f64| match costs.score.better {
                Better::Higher => correctness.exact - loss,
                Better::Lower => correctness.exact + loss,
            };
            Ok(TestResult {
                test,
                levels: point.levels.clone(),
                score: costs.score.quantity.key.to_owned(),
                reference: correctness.exact,
                chips: correctness.losses.iter().map(value).collect(),
                numbers: numbers_of(point)?,
            })
        };
        let results = costs.points.iter().map(result).collect::<Result<Vec<_>>>()?;
        return Ok((!results.is_empty()).then_some(results));
    }
    let outcome = run(experiment, folder, &own)?;
    let Some(tables) = Tables::new(&outcome) else { return Ok(None) };
    let result = |(index, point): (usize, &phaseloom_experiment::Point)| {
        let chips = tables.summary(Row::Chips, index);
        let difference = chips.output_difference.map(|value| (OUTPUT_DIFFERENCE.key.to_owned(), value));
        TestResult {
            test,
            levels: point.levels.clone(),
            score: tables.score().quantity.key.to_owned(),
            reference: tables.summary(Row::Exact, index).mean(),
            chips: chips.scores.clone(),
            numbers: difference.into_iter().collect(),
        }
    };
    Ok(Some(tables.points().iter().enumerate().map(result).collect()))
}

/// The numbers of a cost by their columns.
fn numbers_of(point: &CostPoint) -> Result<BTreeMap<String, f64>> {
    let model = &point.model;
    let analysis = Analysis::new(model, model.config.seed, model.settings.draws).map_err(ExperimentError::from)?;
    let light = &analysis.photonic;
    let macs = light.counts.macs;
    let own = [
        ("readout_bits", Some(verdict::mean_bits(model, &analysis))),
        ("macs", Some(macs)),
        ("energy_j", light.joule()),
        ("macs_per_j", light.joule().map(|joule| macs / joule)),
        ("macs_per_s", Some(macs / light.timing.period_s)),
        ("latency_s", Some(light.timing.latency_s)),
        ("cores", Some(light.timing.powered_cores as f64)),
        ("resident", Some(f64::from(u8::from(light.timing.resident)))),
        ("area_m2", Some(light.area.total_m2())),
        ("buffer_bytes", Some(light.buffer.bytes)),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    let equal = analysis.counterparts.iter().filter(|counterpart| counterpart.precision == Precision::EqualBits);
    let ratios = equal.map(|counterpart| (format!("{}_ratio", array_key(counterpart.kind)), Some(counterpart.ratio)));
    Ok(own.chain(ratios).filter_map(|(name, value)| Some((name, value.filter(|value| value.is_finite())?))).collect())
}
