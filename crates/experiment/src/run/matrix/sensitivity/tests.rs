//! Sensitivities of matrices against finite differences of the matrix of a chip, and against known answers.

use super::*;
use crate::input::config::Experiment;
use crate::input::files::{Inputs, SubjectInputs};
use crate::input::sensitivity::SensitivitySettings;
use crate::run::{Options, matrix, run};
use crate::store::merge::merge;
use crate::store::plan::Shard;
use crate::store::record::Row;
use crate::yields::budget::budget_experiment;
use crate::yields::sensitivity::{ComponentSensitivity, SensitivityMap, sensitivity_map};
use nalgebra::Complex;
use phaseloom_files::write_matrix;
use phaseloom_numerics::{StreamKey, haar_unitary, standard_normal};
use tempfile::TempDir;

const ERRORS: &str = "[process]\nphase_error.sigma_rad = 0.1\nsplitter_error.sigma_rad = 0.1\nphase_quantization.bits = 5\n\
                      insertion_loss = { loss_db = 0.2, imbalance_sigma_db = 0.2 }\nthermal_crosstalk.coefficient = 0.02\n";

fn unitary(modes: usize) -> DMatrix<Complex<f64>> {
    haar_unitary(modes, &mut StreamKey::new(1, "map").stream())
}

fn general(rows: usize, columns: usize) -> DMatrix<Complex<f64>> {
    let mut stream = StreamKey::new(1, "map").stream();
    DMatrix::from_fn(rows, columns, |_, _| Complex::new(standard_normal(&mut stream), standard_normal(&mut stream)))
}

/// A folder with a matrix and an experiment on it with these keys.
fn scene(matrix: &DMatrix<Complex<f64>>, keys: &str) -> (TempDir, Experiment) {
    let folder = tempfile::tempdir().unwrap();
    write_matrix(&folder.path().join("w.npy"), matrix).unwrap();
    let path = folder.path().join("experiment.toml");
    std::fs::write(&path, format!("matrix = 'w.npy'\n{keys}")).unwrap();
    (folder, Experiment::load(&path).unwrap())
}

fn prepared(experiment: &Experiment) -> MatrixPoint {
    let points = experiment.points().unwrap();
    let SubjectInputs::Matrices(inputs) = Inputs::read(experiment, &points).unwrap().points else { unreachable!() };
    matrix::prepare(experiment, &points, &inputs, &Options::default().interrupt).unwrap().remove(0)
}

fn map(experiment: &Experiment) -> SensitivityMap {
    sensitivity_map(experiment, 1, &Options::default()).unwrap().unwrap()
}

/// A unitary, its flat map, and a matrix of two meshes around attenuators, on perfect chips and on chips of a trial with all static
/// errors, without and with a correction, against central differences ‖g·(Ŵ(h) − Ŵ(−h))‖/(2h‖W‖). The step 1e-5 leaves an error of
/// about 1e-10, and a record has seven digits; the tolerance is 1e-6.
#[test]
fn sensitivities_are_those_of_finite_differences() {
    for (target, keys) in [
        (unitary(5), ""),
        (general(4, 6), ""),
        (general(5, 3), "correction = 'local'\n"),
        (general(4, 4), "core = { topology = 'butterfly', cell = 'symmetric' }\nform = 'svd'\n"),
        (general(3, 4), "core = { topology = 'triangular', cell = 'three_splitters' }\n"),
    ] {
        let (_folder, experiment) = scene(&target, &format!("{keys}{ERRORS}"));
        let point = prepared(&experiment);
        let record = point.evaluate(Unit { row: Row::Sensitivity, point: 0, trial: 1 }).unwrap();
        let of_chip: Vec<f64> = record.sensitivity.iter().map(|square| f64::from(*square).sqrt()).collect();
        let of_perfect: Vec<f64> = map(&experiment).components.iter().map(|component| component.sensitivity).collect();
        let perfect = Chip::nominal(&Process::default(), &point.target.program).unwrap();
        let (chip, program) = point.chip(1).unwrap();
        for (found, chip, program) in [(of_perfect, &perfect, &point.target.program), (of_chip, &chip, &*program)] {
            let mut index = 0;
            for (k, stage) in program.stages().iter().enumerate() {
                let phases = stage.phases().values().len();
                for place in 0..places(stage) {
                    let moved = |by: f64| {
                        let mut stages = chip.stages().to_vec();
                        let errors = &mut stages[k];
                        match place.checked_sub(phases) {
                            None => errors.offsets.values_mut()[place] += by,
                            Some(splitter) => {
                                let cell = &mut errors.cell_errors[splitter / 3];
                                *[&mut cell.alpha, &mut cell.beta, &mut cell.gamma][splitter % 3] += by;
                            }
                        }
                        let chip = Chip::from_stages(chip.process(), program, stages).unwrap();
                        chip.matrix(program).unwrap().scale(program.gain())
                    };
                    let has_it = place < phases || (place - phases) % 3 < stage.layout().cell.splitters();
                    let step = 1e-5;
                    let expected = match has_it {
                        true => (moved(step) - moved(-step)).norm() / (2.0 * step * target.norm()),
                        false => 0.0,
                    };
                    let difference = (found[index] - expected).abs();
                    assert!(difference < 1e-6, "{keys} stage {k}, {place}: {}, {expected}", found[index]);
                    index += 1;
                }
            }
            assert_eq!(index, found.len());
        }
    }
}

/// In the mesh of a unitary, every phase changes the matrix by 1 and every splitter by √2 per rad, of ‖U‖ = √N. The first order
/// of E² is then that of the law: Nσ² by phases, 2(N − 1)σ² by splitters.
#[test]
fn the_map_of_a_unitary_is_flat() {
    let sigmas = "[process]\nphase_error.sigma_rad = 1e-3\nsplitter_error.sigma_rad = 2e-3\n";
    for (modes, core) in [
        (1, ""),
        (6, ""),
        (7, "core.topology = 'triangular'\n"),
        (8, "core.topology = 'butterfly'\n"),
        (4, "core.cell = 'three_splitters'\n"),
        (6, "core.cell = 'symmetric'\n"),
        (4, "core.topology = 'masks'\n"),
        (8, "core.topology = 'diamond'\n"),
    ] {
        // A butterfly reaches few unitaries, and the identity is one.
        let target = if core.contains("butterfly") { DMatrix::identity(modes, modes) } else { unitary(modes) };
        let (_folder, experiment) = scene(&target, &format!("{core}{sigmas}"));
        let map = map(&experiment);
        let program = &prepared(&experiment).target.program;
        let mut splitters = 0;
        // Outside of the diamond, no light of the ports reaches a cell.
        let is_idle = |c: &&ComponentSensitivity| core.contains("diamond") && c.sensitivity < 1.0 / modes as f64;
        for component in map.sorted().into_iter().filter(|component| !is_idle(component)) {
            let is_splitter = component.component == "splitter";
            splitters += usize::from(is_splitter);
            let expected = (if is_splitter { 2.0 } else { 1.0 } / modes as f64).sqrt();
            let is_flat = (component.sensitivity - expected).abs() < 1e-12;
            assert!(is_flat || core.contains("diamond"), "{core} {component:?}");
        }
        assert!(splitters > 0 || modes == 1);
        let sums = program.sensitivities();
        let [phases, of_splitters] = map.variances();
        for (found, expected) in [(phases, 1e-6 * sums.phases.error), (of_splitters, 4e-6 * sums.splitters.error)] {
            assert!((found - expected).abs() <= 1e-12 * expected, "{core} {found}, {expected}");
        }
        if core.is_empty() {
            let n = modes as f64;
            assert!((phases - 1e-6 * n).abs() < 1e-15 && (of_splitters - 8e-6 * (n - 1.0)).abs() < 1e-15, "{modes}");
        }
    }
}

#[test]
fn the_map_of_two_meshes_is_not_flat_and_sums_to_the_law() {
    let (_folder, experiment) =
        scene(&general(6, 8), "[process]\nphase_error.sigma_rad = 1e-3\nsplitter_error.sigma_rad = 1e-3\n");
    let map = map(&experiment);
    let values: Vec<f64> = map.sorted().iter().map(|component| component.sensitivity).collect();
    assert!(values[0] > 1.5 * values[values.len() / 2], "{values:?}");
    let sums = prepared(&experiment).target.program.sensitivities();
    for (found, expected) in map.variances().into_iter().zip([sums.phases.error, sums.splitters.error]) {
        assert!((found - 1e-6 * expected).abs() < 1e-12 * 1e-6 * expected, "{found}, {expected}");
    }
}

/// Shards of a budget with a map merge to the same map; chips without loss have the flat map of the perfect chip of a unitary.
#[test]
fn maps_of_chips_merge_and_stay_flat_without_loss() {
    let (folder, experiment) =
        scene(&unitary(4), "trials = 3\n[process]\nphase_error.sigma_rad = 0.1\nsplitter_error.sigma_rad = 0.1\n");
    let out = |name: &str| folder.path().join(name);
    let settings = SensitivitySettings { chips: 2, samples: Some(5) };
    let experiment = budget_experiment(&experiment, 0, Some(settings)).unwrap();
    assert_eq!(experiment.config.sensitivity, Some(SensitivitySettings { chips: 2, samples: None }));
    let of_run = |experiment: &Experiment, name: &str| {
        let outcome = run(experiment, &out(name), &Options::default()).unwrap();
        let mut map = map(experiment);
        map.add_chips(&outcome);
        (map, outcome.computed)
    };
    let (whole, _) = of_run(&experiment, "whole");
    let parts = ["1/2", "2/2"].map(|shard| {
        let options = Options { shard: shard.parse::<Shard>().unwrap(), ..Options::default() };
        drop(run(&experiment, &out(&shard.replace('/', "-")), &options).unwrap());
        out(&shard.replace('/', "-"))
    });
    drop(merge(&parts, &out("merged"), &|_| ()).unwrap());
    let (merged, computed) = of_run(&Experiment::load(&out("merged")).unwrap(), "merged");
    assert_eq!((computed, merged.table().csv()), (0, whole.table().csv()));
    assert!(whole.table().csv().starts_with("stage,component,"), "{}", whole.table().csv());
    for component in whole.sorted() {
        let chips = component.chips.unwrap();
        assert!((chips.value - component.sensitivity).abs() < 1e-6 && chips.error < 1e-6, "{component:?}");
    }
}
