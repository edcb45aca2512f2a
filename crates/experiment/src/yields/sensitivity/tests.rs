//! Maps of networks against finite differences, shards, refusals.

use super::*;
use crate::run::prepare::PreparedPoint;
use crate::run::run;
use crate::store::merge::merge;
use crate::store::plan::Shard;
use crate::store::record::Unit;
use crate::yields::budget::budget_experiment;
use phaseloom_hardware::{Batch, Chip, ChipId};
use phaseloom_numerics::linalg::multiply_batch;
use std::path::Path;

/// A small trained network of two layers on cores of 8 ports, so that layers have several tiles. All kinds of static errors
/// are on.
fn experiment(folder: &Path) -> Experiment {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/breast_cancer");
    let example = example.display();
    let text = format!(
        "model = '{example}/model.toml'\ntrials = 3\n[data]\ninputs = '{example}/breast_cancer.csv'\n\
         csv = {{ skip_lines = 1 }}\nsamples = 12\n[core]\nports = 8\n\
         [process]\nphase_error.sigma_rad = 0.2\nsplitter_error.sigma_rad = 0.1\nphase_quantization.bits = 5\n\
         insertion_loss.loss_db = 0.1\n"
    );
    let path = folder.join("experiment.toml");
    std::fs::write(&path, text).unwrap();
    Experiment::load(&path).unwrap()
}

fn prepared(experiment: &Experiment) -> (PreparedPoint, Point) {
    let points = experiment.points().unwrap();
    let SubjectInputs::Networks(inputs) = Inputs::read(experiment, &points).unwrap().points else { unreachable!() };
    let (mut prepared, _) = prepare(experiment, &points, inputs, &Options::default().interrupt).unwrap();
    (prepared.remove(0), points[0].clone())
}

/// Outputs of the network on the chips of a trial, or on perfect ones, if one component has an error more (rad), in every tile of
/// a shared core. Every matrix is computed from its chip here.
fn outputs(point: &PreparedPoint, trial: Option<u64>, at: (usize, usize, usize, usize), error: f64) -> Batch {
    let process = if trial.is_some() { point.config.process.clone() } else { Process::default() };
    let is_shared = point.config.core.cores == CoreSharing::Shared;
    let (mut weights, mut core) = (Vec::new(), 0);
    for (layer, program) in point.programs.layers.iter().enumerate() {
        let mut weight = program.weight() * 0.0;
        for (tile, of_tile) in program.tiles().iter().enumerate() {
            let id = trial.map(|trial| ChipId { seed: point.config.seed, trial, core });
            core += u64::from(!is_shared);
            let Some(of_tile) = of_tile else { continue };
            let (program, part) = (&of_tile.program, of_tile.tile);
            let nominal = Chip::nominal(&process, program).unwrap();
            let mut stages = match id {
                Some(id) => Chip::fabricate(&process, program, id).unwrap().stages().to_vec(),
                None => nominal.stages().to_vec(),
            };
            if is_shared || (layer, tile) == (at.0, at.1) {
                let (stage, place) = (&mut stages[at.2], at.3);
                let phases = stage.offsets.values().len();
                match place < phases {
                    true => stage.offsets.values_mut()[place] += error,
                    false => {
                        let cell = &mut stage.cell_errors[(place - phases) / 3];
                        *[&mut cell.alpha, &mut cell.beta, &mut cell.gamma][(place - phases) % 3] += error;
                    }
                }
            }
            // The gain restores the scale that the nominal loss changes.
            let programmed: Vec<_> = program.stages().iter().map(|stage| stage.phases().clone()).collect();
            let lossy = nominal.matrix_from_driven(program, &programmed).unwrap();
            let corner = lossy.view((0, 0), of_tile.target.shape());
            let gain = of_tile.target.norm_squared() / of_tile.target.dotc(&corner).re;
            let chip = Chip::from_stages(&process, program, stages).unwrap();
            let realised = chip.matrix_from_driven(program, &process.drive(program)).unwrap();
            for (row, column) in (0..part.rows).flat_map(|row| (0..part.columns).map(move |column| (row, column))) {
                weight[(part.row + row, part.column + column)] = gain * realised[(row, column)].re;
            }
        }
        weights.push(weight);
    }
    let mut multiply = |call: phaseloom_network::network::Call, x: &Batch| multiply_batch(&weights[call.product], x);
    point.network.pass(&point.test_set.chunks[0].exact.input, &mut multiply, &mut |_, _| {}).unwrap()
}

/// Every 17th component of the perfect chips, and of the chips of a trial with all static errors, against central
/// differences. The step 1e-5 leaves an error of about 1e-10, and a record has seven digits; the tolerance is 1e-6.
#[test]
fn sensitivities_are_those_of_finite_differences_through_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = experiment(folder.path());
    experiment.config.sensitivity = Some(SensitivitySettings { chips: 2, samples: Some(12) });
    let (point, grid_point) = prepared(&experiment);
    let map = map_of_network(&point, &grid_point, 12).unwrap().unwrap();
    let record = point.evaluate(Unit { row: Row::Sensitivity, point: 0, trial: 1 }).unwrap();
    assert_eq!(record.sensitivity.len(), map.components.len());
    let (mut index, mut compared, mut changed) = (0, 0, 0.0_f64);
    for (layer, program) in point.programs.layers.iter().enumerate() {
        for (tile, of_tile) in program.tiles().iter().enumerate() {
            let Some(of_tile) = of_tile else { continue };
            for (stage, of_stage) in of_tile.program.stages().iter().enumerate() {
                let phases = of_stage.phases().values().len();
                for place in 0..phases + 3 * of_stage.layout().positions.len() {
                    let component = &map.components[index];
                    let of_chip = f64::from(record.sensitivity[index]).sqrt();
                    assert_eq!((component.core.map(|core| core.1), component.stage), (Some(tile), stage));
                    index += 1;
                    // A cell of two splitters has no third one.
                    if !index.is_multiple_of(17) || (place >= phases && (place - phases) % 3 == 2) {
                        continue;
                    }
                    for (trial, found) in [(None, component.sensitivity), (Some(1), of_chip)] {
                        let step = 1e-5;
                        let at = (layer, tile, stage, place);
                        let high = outputs(&point, trial, at, step);
                        let slope = (high - outputs(&point, trial, at, -step)) / (2.0 * step);
                        let expected = (slope.norm_squared() / 12.0).sqrt();
                        let difference = (found - expected).abs();
                        assert!(difference < 1e-6 * (1.0 + expected), "{trial:?} {component:?}: {expected}");
                    }
                    changed = changed.max((component.sensitivity - of_chip).abs());
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(index, map.components.len());
    assert!(compared > 50 && changed > 0.1, "{compared} {changed}");
    // Equal ones, to a millionth of the largest, are in the order of the light.
    let rounding = 1e-6 * map.maximum();
    assert!(map.sorted().is_sorted_by(|a, b| a.sensitivity + rounding >= b.sensitivity));
}

/// All tiles of both layers on one core: every 7th component, as above.
#[test]
fn an_error_of_a_shared_core_is_one_error_in_all_tiles() {
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = experiment(folder.path());
    experiment.config.core.cores = CoreSharing::Shared;
    experiment.config.sensitivity = Some(SensitivitySettings { chips: 2, samples: Some(12) });
    let (point, grid_point) = prepared(&experiment);
    let map = map_of_network(&point, &grid_point, 12).unwrap().unwrap();
    let record = point.evaluate(Unit { row: Row::Sensitivity, point: 0, trial: 1 }).unwrap();
    assert_eq!(record.sensitivity.len(), map.components.len());
    let tiles: usize = point.programs.layers.iter().map(|program| program.tiles().iter().flatten().count()).sum();
    let stages = point.programs.layers[0].tiles()[0].as_ref().unwrap().program.stages().iter();
    let at: Vec<(usize, usize)> =
        stages.enumerate().flat_map(|(k, stage)| (0..places(stage)).map(move |p| (k, p))).collect();
    assert!(tiles > 4 && at.len() == map.components.len(), "{tiles} tiles");
    assert!(map.components.iter().all(|component| component.core.is_none()));
    for (index, (stage, place)) in at.into_iter().enumerate().step_by(7) {
        let component = &map.components[index];
        // A cell of two splitters has no third one.
        if component.component == "splitter" && component.number == 2 {
            continue;
        }
        let of_chip = f64::from(record.sensitivity[index]).sqrt();
        for (trial, found) in [(None, component.sensitivity), (Some(1), of_chip)] {
            let moved = |error: f64| outputs(&point, trial, (0, 0, stage, place), error);
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let expected = (slope.norm_squared() / 12.0).sqrt();
            assert!((found - expected).abs() < 1e-6 * (1.0 + expected), "{trial:?} {component:?}: {expected}");
        }
    }
}

#[test]
fn shards_of_a_map_merge_and_chips_average() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let settings = SensitivitySettings { chips: 2, samples: Some(4) };
    let experiment = budget_experiment(&experiment(folder.path()), 0, Some(settings)).unwrap();
    let parts = ["1/2", "2/2"].map(|shard| {
        let options = Options { shard: shard.parse::<Shard>().unwrap(), ..Options::default() };
        drop(run(&experiment, &out(&shard.replace('/', "-")), &options).unwrap());
        out(&shard.replace('/', "-"))
    });
    drop(merge(&parts, &out("merged"), &|_| ()).unwrap());
    let map = |experiment: &Experiment, name: &str| {
        let outcome = run(experiment, &out(name), &Options::default()).unwrap();
        let mut map = sensitivity_map(experiment, 4, &Options::default()).unwrap().unwrap();
        map.add_chips(&outcome);
        (map, outcome.computed)
    };
    let (merged, computed) = map(&Experiment::load(&out("merged")).unwrap(), "merged");
    assert_eq!((computed, merged.chips), (0, 2));
    // More trials are no other map.
    let mut longer = experiment;
    longer.config.trials += 1;
    let (whole, _) = map(&longer, "whole");
    assert_eq!(merged.table().csv(), whole.table().csv());
    // The mean of two squares a and b has the standard error |a − b|/2.
    let outcome = run(&longer, &out("whole"), &Options::default()).unwrap();
    let maps: Vec<_> = outcome.records.values().filter(|record| record.unit.row == Row::Sensitivity).collect();
    assert_eq!(maps.iter().map(|record| record.unit.trial).collect::<Vec<_>>(), [0, 1]);
    let (at, component) =
        whole.components.iter().enumerate().max_by(|a, b| a.1.sensitivity.total_cmp(&b.1.sensitivity)).unwrap();
    let [a, b] = [0, 1].map(|trial: usize| f64::from(maps[trial].sensitivity[at]));
    let (mean, error) = ((a + b) / 2.0, (a - b).abs() / 2.0);
    let found = component.chips.unwrap();
    assert!((found.value - mean.sqrt()).abs() < 1e-12 * found.value, "{found:?}");
    assert!((found.error - error / (2.0 * mean.sqrt())).abs() < 1e-12, "{found:?}");
}

#[test]
fn a_table_that_suits_no_map_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = "model = 'model.toml'\n[data]\ninputs = 'x.npy'\n";
    let matrix = "matrix = 'w.npy'\n";
    let graph = model.replace("model.toml", "net.onnx");
    let detection = format!("{model}[link]\ndetection = 'direct'\n");
    for (subject, settings, words) in [
        (&*detection, "chips = 2\nsamples = 3", "homodyne detection; else remove the table"),
        (&*graph, "chips = 2\nsamples = 3", "`phaseloom import`"),
        (model, "chips = 2", "`sensitivity.samples` is absent: expected 1 to 256"),
        (model, "chips = 2\nsamples = 257", "expected 1 to 256"),
        (model, "chips = 0\nsamples = 3", "at least 1"),
        (matrix, "chips = 2\nsamples = 3", "a matrix has no samples"),
    ] {
        let path = folder.path().join("experiment.toml");
        std::fs::write(&path, format!("{subject}[sensitivity]\n{settings}\n")).unwrap();
        let error = Experiment::load(&path).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
