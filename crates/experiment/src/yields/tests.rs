//! The three studies through the engine, on matrices of a few modes.

use super::budget::{Budget, QuantityBudget, SourceCost, budget_experiment, budget_table, budgets};
use super::share::Yields;
use super::tolerance::{Tolerances, on_grid, tolerance};
use super::*;
use crate::run::{Options, run, run_until};
use crate::store::merge::merge;
use crate::store::plan::Shard;
use phaseloom_files::write_matrix;
use phaseloom_hardware::correction::Interrupt;
use phaseloom_numerics::binomial::wilson;
use phaseloom_numerics::{StreamKey, haar_unitary};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a Haar-random matrix and an experiment on it with these keys.
fn scene(modes: usize, text: &str) -> (TempDir, Experiment) {
    let folder = tempfile::tempdir().unwrap();
    let matrix = haar_unitary(modes, &mut StreamKey::new(1, "yields").stream());
    write_matrix(&folder.path().join("u.npy"), &matrix).unwrap();
    let path = folder.path().join("experiment.toml");
    fs::write(&path, format!("matrix = 'u.npy'\n{text}")).unwrap();
    let experiment = Experiment::load(&path).unwrap();
    (folder, experiment)
}

const BOTH: &str = "[process]\nphase_error.sigma_rad = 1e-3\nsplitter_error.sigma_rad = 1e-3\n";

/// A yield near one half on two points.
const YIELD: &str = "trials = 200\n[process]\nphase_error.sigma_rad = 0.02\n[pass]\nmatrix_error = 0.09\n\
                     [[sweep]]\nkeys = ['process.splitter_error.sigma_rad']\nvalues = [0.02, 0.03]\n";

const LEVELS: &str = "trials = 40\n[process]\nphase_error.sigma_rad = 1e-3\n[pass]\nmatrix_error = 0.01\n\
                      [tolerance]\nkeys = ['process.phase_error.sigma_rad']\nfrom = 1e-4\nto = 1e-1\n";

fn pass(experiment: &Experiment) -> Criterion {
    criterion(experiment).unwrap()
}

#[test]
fn blocks_of_trials_are_one_run_that_a_narrower_interval_extends() {
    let (folder, experiment) = scene(4, YIELD);
    let out = |name: &str| folder.path().join(name);
    let criterion = pass(&experiment);
    let until = |half_width: f64| {
        move |outcome: &Outcome| Yields::new(outcome, criterion, Path::new("")).unwrap().is_narrow(half_width)
    };
    let options = Options::default();
    let first = run_until(&experiment, &out("blocks"), &options, &until(0.13)).unwrap();
    let chips_of = |outcome: &Outcome| chips(outcome, Row::Chips, 1).len() as u64;
    let trials = chips_of(&first);
    // Wilson at one half: ±0.148 of 40 chips, ±0.122 of 60 chips; further from one half it is narrower.
    assert!((40..=60).contains(&trials) && first.missing == 0, "{trials}");
    let (units, records) = (first.computed, first.records.clone());
    drop(first);
    // Enough already: nothing is computed.
    let again = run_until(&experiment, &out("blocks"), &options, &until(0.13)).unwrap();
    assert_eq!((again.computed, &again.records), (0, &records));
    drop(again);
    let narrower = run_until(&experiment, &out("blocks"), &options, &until(0.08)).unwrap();
    let all = chips_of(&narrower);
    assert!(all > trials && (all - 40).is_multiple_of(20) && narrower.records.len() == units + narrower.computed);
    let mut whole = experiment.clone();
    whole.config.trials = all;
    let one = run(&whole, &out("one"), &options).unwrap();
    assert_eq!(one.records, narrower.records);
    let yields = Yields::new(&narrower, criterion, Path::new("")).unwrap();
    let csv = yields.table().csv();
    drop(narrower);
    let text = |name: &str| fs::read_to_string(out(name).join("experiment.toml")).unwrap();
    assert_eq!(text("one"), text("blocks"));
    // What is counted is what the records hold, and equal chips are paired.
    for point in &yields.points {
        let errors =
            |point: usize| chips(&one, Row::Chips, point).iter().map(|chip| criterion.value(chip).unwrap()).collect();
        let (own, first): (Vec<f64>, Vec<f64>) = (errors(point.point), errors(0));
        let passes = own.iter().filter(|error| **error <= 0.09).count();
        assert_eq!((point.passes, point.chips()), (passes as u64, all));
        assert_eq!(point.interval(), wilson(passes as u64, all));
        let difference = passes as f64 - first.iter().filter(|error| **error <= 0.09).count() as f64;
        assert!((point.difference.value - difference / all as f64).abs() < 1e-12);
    }
    assert!(
        yields.points[0].passes > yields.points[1].passes
            && csv.starts_with("point,process.splitter_error.sigma_rad,criterion")
    );
    // An interruption in the second block loses no unit that was finished.
    let stopped = Options { progress: &|_, _| (), ..Options::default() };
    let interrupt: Interrupt = stopped.interrupt.clone();
    let progress = |done: usize, _: usize| {
        if done >= 90 {
            interrupt.request();
        }
    };
    let stopped = Options { progress: &progress, threads: 1, ..stopped };
    let part = run_until(&whole, &out("part"), &stopped, &|_| false).unwrap();
    assert!(part.interrupted && part.missing > 0 && part.records.len() >= 80, "{}", part.records.len());
    let done = part.records.len();
    drop(part);
    let rest = run_until(&whole, &out("part"), &options, &|_| false).unwrap();
    assert_eq!((rest.computed, &rest.records), (one.records.len() - done, &one.records));
}

/// The parts of a study, computed apart and merged.
fn merged(folder: &TempDir, compute: &dyn Fn(&Path, &Options<'_>) -> Outcome) -> PathBuf {
    let parts = ["1/3", "2/3", "3/3"].map(|shard| {
        let part = folder.path().join(shard.replace('/', "-of-"));
        let outcome = compute(&part, &Options { shard: shard.parse::<Shard>().unwrap(), ..Options::default() });
        assert!(outcome.missing > 0);
        part
    });
    let whole = folder.path().join("merged");
    drop(merge(&parts, &whole, &|_| ()).unwrap());
    whole
}

#[test]
fn shards_of_a_tolerance_and_of_a_budget_merge_to_the_same_tables() {
    let (folder, experiment) = scene(4, LEVELS);
    let compute = |path: &Path, options: &Options<'_>| tolerance(&experiment, path, options).unwrap();
    let whole = merged(&folder, &compute);
    let tables = |path: &Path, computed: bool| {
        let experiment = if computed { experiment.clone() } else { Experiment::load(path).unwrap() };
        let outcome = tolerance(&experiment, path, &Options::default()).unwrap();
        assert_eq!(outcome.computed > 0, computed);
        Tolerances::new(&outcome, pass(&experiment), 0.9).unwrap().tables().map(|table| table.csv())
    };
    assert_eq!(tables(&whole, false), tables(&folder.path().join("one"), true));

    let (folder, experiment) = scene(4, &format!("trials = 5\ncorrection = 'local'\n{BOTH}"));
    let experiment = budget_experiment(&experiment, 0, None).unwrap();
    let compute = |path: &Path, options: &Options<'_>| run(&experiment, path, options).unwrap();
    let whole = merged(&folder, &compute);
    let table = |path: &Path, computed: bool| {
        let experiment = if computed { experiment.clone() } else { Experiment::load(path).unwrap() };
        let outcome = run(&budget_experiment(&experiment, 0, None).unwrap(), path, &Options::default()).unwrap();
        assert_eq!(outcome.computed > 0, computed);
        budget_table(&budgets(&outcome, 0)).csv()
    };
    let one = table(&folder.path().join("one"), true);
    assert_eq!(table(&whole, false), one);
    // With and without the correction, which compensates most of a static error.
    assert!(
        one.lines().any(|line| line.starts_with("none,")) && one.lines().any(|line| line.starts_with("local,")),
        "{one}"
    );
}

/// Chips of equal settings are computed once: where all sources are off, and where the swept source is off. Every point has the
/// chips of a run of its own.
#[test]
fn chips_of_equal_settings_are_computed_once() {
    let sweep = "[[sweep]]\nkeys = ['process.phase_error.sigma_rad']\nvalues = [1e-3, 2e-3]\n";
    let (folder, experiment) = scene(3, &format!("trials = 4\n{BOTH}{sweep}"));
    let experiment = budget_experiment(&experiment, 0, None).unwrap();
    let outcome = run(&experiment, &folder.path().join("out"), &Options::default()).unwrap();
    // Of 2 × 4 points with 4 trials: one chip without sources, and 4 of the splitters, each for both levels; 8 for each of the
    // sets with phase errors.
    let references = outcome.records.keys().filter(|unit| unit.row != Row::Chips).count();
    assert_eq!(outcome.computed - references, 1 + 4 + 2 * 8);
    for point in &outcome.points {
        let mut own = experiment.clone();
        own.config = point.config.clone();
        let folder = folder.path().join(point.index.to_string());
        let alone = run(&own, &folder, &Options::default()).unwrap();
        let (found, expected) = (chips(&outcome, Row::Chips, point.index), chips(&alone, Row::Chips, 0));
        assert_eq!(found.len(), 4);
        assert!(found.iter().zip(&expected).all(|(a, b)| a.matrix == b.matrix && a.unit.trial == b.unit.trial));
    }
    let records = outcome.records.clone();
    drop(outcome);
    let again = run(&experiment, &folder.path().join("out"), &Options::default()).unwrap();
    assert_eq!((again.computed, &again.records), (0, &records));
}

/// The only quantity of the only budget.
fn only(budgets: &[Budget]) -> &QuantityBudget {
    match budgets {
        [Budget { quantities, .. }] if quantities.len() == 1 => &quantities[0],
        other => panic!("{other:?}"),
    }
}

fn cost_of<'a>(quantity: &'a QuantityBudget, source: &str) -> &'a SourceCost {
    quantity.sources.iter().find(|cost| cost.source == source).unwrap()
}

/// To first order, E² of an N-port mesh is 2(N − 1)σ² for splitters and Nσ² for phases, whatever else is on: 1.4e-5 and 8e-6
/// for N = 8, σ = 1e-3. Estimates of 200 chips agree within 4 of their standard errors.
#[test]
fn the_budget_of_a_mesh_is_the_law_alone_left_out_and_over_orders() {
    let (folder, experiment) = scene(8, &format!("trials = 200\n{BOTH}"));
    let experiment = budget_experiment(&experiment, 0, None).unwrap();
    // Two sources: alone and left out are all sets, so that Shapley values are known without further orders.
    let outcome = run(&experiment, &folder.path().join("out"), &Options::default()).unwrap();
    let budgets = budgets(&outcome, 0);
    let quantity = only(&budgets);
    assert_eq!((quantity.key, quantity.none.value), ("matrix_error_squared", quantity.none.value));
    assert!(quantity.none.value < 1e-24);
    for (source, law) in [("splitter_error", 1.4e-5), ("phase_error", 8e-6)] {
        let cost = cost_of(quantity, source);
        // The law of the program of the page, with terms of second order.
        assert!((cost.law.unwrap() / law - 1.0).abs() < 1e-4, "{source}: {:?}", cost.law);
        for (name, mean) in [("alone", cost.alone), ("left out", cost.left_out), ("Shapley", cost.shapley.unwrap())] {
            assert!((mean.value - law).abs() < 4.0 * mean.error, "{source} {name}: {mean:?}, law {law}");
            // Sixty chips of another program have standard errors of 0.5e-6 and 0.31e-6; these are 200.
            assert!(mean.error < 0.6e-6 && mean.error > 0.05e-6, "{source} {name}: {mean:?}");
        }
        assert!(cost.interaction.value.abs() < 4.0 * cost.interaction.error, "{source}: {:?}", cost.interaction);
    }
    assert_eq!(quantity.sources[0].source, "splitter_error");
    let sum: f64 = quantity.sources.iter().map(|cost| cost.cost().value).sum();
    let total = quantity.all.value - quantity.none.value;
    assert!((sum / total - 1.0).abs() < 1e-12, "{sum} {total}");
}

#[test]
fn the_sources_of_a_budget_are_those_of_all_points_and_of_the_key_sources() {
    let sources = |text: &str| {
        let (_folder, experiment) = scene(2, text);
        let swept = budget_experiment(&experiment, 0, None)?;
        let axis = swept.config.sweep.last().unwrap().clone();
        assert_eq!(axis.keys, ["sources"]);
        Ok::<_, ExperimentError>(axis.values.last().unwrap().to_string())
    };
    let sweep = "[process]\nphase_error.sigma_rad = 0.1\n[[sweep]]\nkeys = ['process.splitter_error.sigma_rad']\nvalues = [0.0, 0.1]\n";
    assert_eq!(sources(sweep).unwrap(), "[\"phase_error\", \"splitter_error\"]");
    assert_eq!(sources(&format!("sources = ['phase_error']\n{BOTH}")).unwrap(), "[\"phase_error\"]");
    let none = sources("trials = 2\n").unwrap_err().to_string();
    assert!(none.contains("no source of error"), "{none}");
}

/// Random numbers of a chip only scale with σ, and so does its error to first order: a chip of error E at σ₀ passes E ≤ e up
/// to σ₀e/E. Terms of second order are about e = 1 %.
#[test]
fn critical_levels_are_those_of_errors_that_scale() {
    let (folder, experiment) = scene(4, LEVELS);
    let outcome = tolerance(&experiment, &folder.path().join("levels"), &Options::default()).unwrap();
    let found = Tolerances::new(&outcome, pass(&experiment), 0.9).unwrap();
    let mut small = experiment.clone();
    small.config.tolerance = None;
    let chips_at = run(&small, &folder.path().join("small"), &Options::default()).unwrap();
    let mut expected = Vec::new();
    for (chip, level) in chips(&chips_at, Row::Chips, 0).iter().zip(&found.points[0].critical) {
        expected.push(1e-3 * 0.01 / pass(&experiment).value(chip).unwrap());
        let level = found.settings.level(level.unwrap());
        assert!((level / expected[expected.len() - 1] - 1.0).abs() < 0.02, "{level} {expected:?}");
    }
    assert!(found.disorder() < 1e-12);
    assert!(!found.is_reversed());
    // Nine tenths pass up to the tenth part of the sorted levels.
    expected.sort_by(f64::total_cmp);
    let estimate = found.estimate(&found.points[0]);
    assert!(
        (estimate.level.unwrap() / expected[4] - 1.0).abs() < 0.05 && estimate.low < estimate.level,
        "{estimate:?}"
    );
    // On a grid, the tolerance is the last level of the grid up to which nine tenths pass.
    let grid = on_grid(&experiment);
    let outcome = tolerance(&grid, &folder.path().join("grid"), &Options::default()).unwrap();
    let found = Tolerances::new(&outcome, pass(&grid), 0.9).unwrap();
    let on_grid = found.estimate(&found.points[0]);
    let ratio = (1e3_f64).powf(1.0 / 20.0);
    let within = estimate.level.unwrap() / on_grid.level.unwrap();
    assert!((0.99..ratio * 1.01).contains(&within), "{within}");
    assert!(on_grid.share >= 0.9 && on_grid.next.unwrap().1 < 0.9, "{on_grid:?}");
}

#[test]
fn a_fidelity_has_a_yield() {
    let (folder, experiment) =
        scene(2, "trials = 60\n[process]\nphase_error.sigma_rad = 0.1\n[pass]\nfidelity = 0.995\n");
    let outcome = run(&experiment, &folder.path().join("out"), &Options::default()).unwrap();
    let yields = Yields::new(&outcome, pass(&experiment), Path::new("")).unwrap();
    let fidelity = |chip: &&Record| 1.0 - chip.matrix.as_ref().unwrap().chip.as_ref().unwrap().infidelity;
    let passing = chips(&outcome, Row::Chips, 0).iter().map(fidelity).filter(|fidelity| *fidelity >= 0.995).count();
    assert_eq!(yields.points[0].passes, passing as u64);
    assert!(0 < passing && passing < 60, "{passing}");
    assert!(yields.points[0].test_se.is_nan());
    let refused = Yields::new(&outcome, Criterion::Accuracy(0.9), Path::new("e.toml")).unwrap_err().to_string();
    assert!(refused.contains("e.toml") && refused.contains("accuracy"), "{refused}");
}

#[test]
fn a_criterion_that_does_not_suit_and_levels_without_effect_are_refused() {
    let refused = |text: &str| {
        let (folder, experiment) = scene(2, text);
        let out = folder.path().join("out");
        let error = criterion(&experiment)
            .and_then(|_| tolerance(&experiment, &out, &Options::default()).map(drop))
            .unwrap_err();
        assert!(!out.exists());
        error.to_string()
    };
    for (text, part) in [
        ("[pass]\naccuracy = 0.9\n", "accuracy ≥ 0.9"),
        ("", "what a chip must reach"),
        ("[pass]\nfidelity = 0.9\n", "--vary"),
        ("[pass]\nfidelity = 0.9\n[tolerance]\nkeys = ['link.adc.bits']\nfrom = 8\nto = 2\n", "no effect"),
        (
            "[pass]\nfidelity = 0.9\n[tolerance]\nkeys = ['process.phase_error.sigma_rad', 'process.phase_error.sigma_rad']\nfrom = 0.1\nto = 1\n",
            "name it once",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn levels_from_bad_to_good_chips_are_noticed() {
    let text = LEVELS.replace("from = 1e-4\nto = 1e-1", "from = 1e-1\nto = 1e-4");
    let (folder, experiment) = scene(4, &text);
    let outcome = tolerance(&experiment, &folder.path().join("out"), &Options::default()).unwrap();
    assert!(Tolerances::new(&outcome, pass(&experiment), 0.9).unwrap().is_reversed());
}
