//! Correction: the error that each method reaches, the knowledge that it may use, and the laws of corrected meshes.

use num_complex::Complex64;
use phaseloom_hardware::correction::{
    CORRECTIONS, Corrected, Instruments, Knowledge, Lab, characterise, correct, correction,
};
use phaseloom_hardware::{Chip, ChipId, HardwareError, Process};
use phaseloom_mesh::{Form, MatrixProgram, MeshDesign, Phases, Stage, topology};
use phaseloom_numerics::StreamKey;

fn haar(n: usize, seed: u64) -> MatrixProgram {
    MatrixProgram::new(&phaseloom_testing::haar(n, seed), Form::Unitary, topology("rectangular").unwrap()).unwrap()
}

/// Random phases whose θ keep a distance `margin` from the bar and cross states.
fn within_reach(n: usize, topology: impl Into<MeshDesign>, seed: u64, margin: f64) -> MatrixProgram {
    random_phases(&MatrixProgram::blank(n, n, topology), seed, margin)
}

fn random_phases(program: &MatrixProgram, seed: u64, margin: f64) -> MatrixProgram {
    let mut stream = StreamKey::new(seed, "test").stream();
    let mut uniform = || {
        use rand::Rng;
        stream.next_u64() as f64 / 2f64.powi(64)
    };
    let settings = program.stages().iter().map(|stage: &Stage| {
        let mut settings: Phases = stage.phases().clone();
        for k in 0..stage.layout().positions.len() {
            let theta = margin + (std::f64::consts::PI - 2.0 * margin) * uniform();
            settings.set_cell(k, theta, std::f64::consts::TAU * uniform());
        }
        (0..settings.output().len()).for_each(|m| settings.set_output(m, std::f64::consts::TAU * uniform()));
        settings
    });
    program.with_phases(settings.collect())
}

fn process(text: &str) -> Process {
    toml::from_str(text).unwrap()
}

fn instruments(trial: u64, noise: f64) -> Instruments {
    Instruments { noise, draws: ChipId { seed: 1, trial, core: 0 }, ..Instruments::default() }
}

fn chip(process: &Process, program: &MatrixProgram, trial: u64) -> Chip {
    Chip::fabricate(process, program, ChipId { seed: 5, trial, core: 0 }).unwrap()
}

fn corrected(method: &str, program: &MatrixProgram, process: &Process, trial: u64, noise: f64) -> Corrected {
    correct(&chip(process, program, trial), program, correction(method).unwrap(), &instruments(trial, noise)).unwrap()
}

const STATIC: &str = "[splitter_error]\nsigma_rad = 0.03\n[phase_error]\nsigma_rad = 0.2\n\
                      [thermal_crosstalk]\ncoefficient = 0.005";

/// With splitter errors α and β a cell realises every ratio with |α + β| ≤ θ/2 and |α − β| ≤ π/2 − θ/2 exactly; through
/// crosstalk, offsets of all phases and attenuators.
#[test]
fn local_correction_is_exact_where_every_cell_reaches_its_ratio() {
    for key in ["rectangular", "triangular"] {
        for n in [1, 2, 3, 8, 17] {
            // |α + β| and |α − β| stay below .4/2: 4.7 standard deviations of √2·.03.
            let program = within_reach(n, topology(key).unwrap(), n as u64, 0.4);
            let done = corrected("local", &program, &process(STATIC), 0, 0.0);
            assert_eq!((done.result.clipped_cells, done.measurements), (Some(0), 0));
            assert!(done.after.error < 1e-11, "{key} N={n}: {:.1e}", done.after.error);
            assert!(done.before.error > 0.01, "{key} N={n}: {:.1e}", done.before.error);
        }
    }
}

#[test]
fn self_configuration_needs_to_know_nothing() {
    let errors = process("[splitter_error]\nsigma_rad = 0.03\n[phase_error]\nsigma_rad = 0.2");
    let one_mesh = random_phases(&haar(6, 1), 1, 0.4);
    let done = corrected("self_configuration", &one_mesh, &errors, 0, 0.0);
    assert!(done.after.scaled_error < 1e-6 && done.before.scaled_error > 0.1, "{:?}", done.after);
    assert!(done.result.clipped_cells.is_none() && done.measurements > 0);
    // Two meshes and attenuators: some shifters are in series, and damping keeps the steps along their difference small.
    let two = within_reach(6, topology("rectangular").unwrap(), 1, 0.4);
    let done = corrected("self_configuration", &two, &errors, 0, 0.0);
    assert!(done.after.scaled_error < 1e-3 * done.before.scaled_error, "{:?}", done.after);
    // With any global phase of the outputs, as crosstalk may cause.
    for phase in [0.7, 1.5, 2.5, 3.1] {
        let chip = chip(&errors, &two, 0);
        let mut stages = chip.stages().to_vec();
        for mode in 0..6 {
            let offset = stages[2].offsets.output()[mode] + phase;
            stages[2].offsets.set_output(mode, offset);
        }
        let rotated = Chip::from_stages(&errors, &two, stages).unwrap();
        let quiet = Instruments { noise: 0.0, ..Instruments::default() };
        let done = correct(&rotated, &two, correction("self_configuration").unwrap(), &quiet).unwrap();
        assert!(done.after.scaled_error < 1e-3 && done.before.scaled_error > 0.1, "{phase}: {:?}", done.after);
    }
    // Through crosstalk, where a heater that wraps at 2π shifts its neighbours by a jump.
    let done = corrected("self_configuration", &two, &process(STATIC), 0, 0.0);
    assert!(done.after.scaled_error < 0.1 * done.before.scaled_error, "{:?}", done.after);
}

#[test]
fn crosstalk_is_undone_where_it_is_known_and_refused_where_it_is_too_strong() {
    for text in ["coefficient = 0.005", "coefficient = 0.05", "distance_factor = 0.5"] {
        let p = process(&format!("[thermal_crosstalk]\n{text}"));
        for program in [haar(9, 2), within_reach(5, topology("triangular").unwrap(), 2, 0.1)] {
            let done = corrected("crosstalk", &program, &p, 0, 0.0);
            assert!(done.after.error < 1e-10 && done.before.error > 1e-3, "{text}: {:?}", done.after);
        }
    }
    // A heater at zero next to warm neighbours would have to cool: it gets 2π more.
    let mut settings: Vec<Phases> = haar(9, 2).stages().iter().map(|s| s.phases().clone()).collect();
    settings[0].set_cell(5, 0.0, 1.0);
    let (p, program) = (process("[thermal_crosstalk]\ncoefficient = 0.03"), haar(9, 2).with_phases(settings));
    let done = corrected("crosstalk", &program, &p, 0, 0.0);
    let wrapped = done.result.wrapped_heaters;
    assert!(wrapped.is_some_and(|n| n >= 1) && done.after.error < 1e-10, "{wrapped:?} {:?}", done.after);
    assert!(done.program.stages()[0].phases().theta()[5] > 5.0);
    assert_eq!(corrected("crosstalk", &program, &process(""), 0, 0.0).result.wrapped_heaters, None);
    let (p, program) = (process("[thermal_crosstalk]\ncoefficient = 0.9"), haar(9, 2));
    let chip = chip(&p, &program, 0);
    let refused = correct(&chip, &program, correction("crosstalk").unwrap(), &Instruments::default());
    assert!(matches!(refused, Err(HardwareError::Crosstalk { .. })), "{refused:?}");
}

/// Unequal arms, and the unequal paths of a triangular mesh. In a single mesh phases undo neither.
#[test]
fn unequal_loss_is_undone_where_there_are_attenuators() {
    let w = nalgebra::DMatrix::from_fn(7, 5, |r, c| ((3 * r * r + 7 * c * r + c * c) as f64 * 0.71).sin())
        .map(Complex64::from);
    for (key, text) in [("rectangular", "imbalance_db = 0.5"), ("triangular", "loss_db = 0.3"), ("triangular", "")] {
        let p = process(&format!("[insertion_loss]\n{text}\n[thermal_crosstalk]\ncoefficient = 0.002"));
        let topology = topology(key).unwrap();
        let done = corrected("loss", &MatrixProgram::new(&w, Form::Svd, topology).unwrap(), &p, 0, 0.0);
        assert!(done.after.scaled_error < 1e-8 && done.before.scaled_error > 1e-3, "{key} {text}: {:?}", done.after);
    }
    let done = corrected("loss", &haar(6, 3), &process("[insertion_loss]\nimbalance_db = 0.1"), 0, 0.0);
    let gained = 1.0 - done.after.scaled_error / done.before.scaled_error;
    assert!((0.0..0.05).contains(&gained), "a single mesh: {gained}");
}

/// The error of the estimate is proportional to the noise of the measurements, and to one over the root of their number.
#[test]
fn the_estimate_of_errors_follows_noise_and_number_of_measurements() {
    let p = process("[splitter_error]\nsigma_rad = 0.03\n[phase_error]\nsigma_rad = 0.1");
    let error = |settings: u64, noise: f64| {
        let squares = (0..6).map(|trial| {
            let program = haar(5, trial);
            let chip = chip(&p, &program, trial);
            let instruments = instruments(trial, noise);
            let mut lab = Lab::new(&chip, &program, Knowledge::Design, &instruments).unwrap();
            assert!(lab.errors().is_none(), "the frozen errors are not revealed");
            let estimate = characterise(&mut lab, settings).unwrap();
            let (estimated, truth) = (&estimate.stages[0].cell_errors, &chip.stages()[0].cell_errors);
            let squares =
                estimated.iter().zip(truth).map(|(e, t)| (e.alpha - t.alpha).powi(2) + (e.beta - t.beta).powi(2));
            squares.sum::<f64>() / (2 * truth.len()) as f64
        });
        (squares.sum::<f64>() / 6.0).sqrt()
    };
    // 120 estimates each: the standard error of a ratio is about 13 %, more if the settings differ. Three of those.
    let (base, quiet, many) = (error(6, 1e-3), error(6, 1e-4), error(24, 1e-3));
    assert!((base / quiet / 10.0 - 1.0).abs() < 0.4, "noise: {base:.2e} {quiet:.2e}");
    assert!((base / many / 2.0 - 1.0).abs() < 0.5, "number: {base:.2e} {many:.2e}");
}

#[test]
fn forward_only_descent_halves_the_error_of_a_small_mesh() {
    let done = corrected("spsa", &haar(4, 1), &process("[splitter_error]\nsigma_rad = 0.05"), 0, 1e-4);
    assert!(done.after.scaled_error < 0.5 * done.before.scaled_error, "{done:?}");
}

#[test]
fn every_method_leaves_a_perfect_chip_in_order_and_gives_the_same_bits_twice() {
    let program = haar(4, 8);
    for method in CORRECTIONS {
        let done = corrected(method.key, &program, &Process::default(), 0, 1e-4);
        // A fit to noisy measurements errs by their noise in each phase: three times that over all entries, and ten times
        // for random searches.
        assert!(done.after.error < 1e-2, "{}: {:?}", method.key, done.after);
        let phases = || done.program.stages().iter().flat_map(|s| s.phases().values());
        assert!(phases().all(|p| (-1e-9..std::f64::consts::TAU).contains(p)), "{}", method.key);
        let again = corrected(method.key, &program, &Process::default(), 0, 1e-4);
        assert_eq!(done.program.to_json(), again.program.to_json(), "{}", method.key);
    }
}

/// The gain of a corrected program undoes the loss that a search measured, even if most of the core is unused.
#[test]
fn the_corrected_program_multiplies_by_the_target() {
    let column = |r: usize| ((3 * r + 1) as f64 * 0.7).sin();
    let rank_one = nalgebra::DMatrix::from_fn(8, 8, |r, c| if c < 3 { column(r) * column(c + 5) } else { 0.0 });
    let full = nalgebra::DMatrix::from_fn(6, 4, |r, c| ((3 * r * r + 7 * c * r + c * c) as f64 * 0.71).sin());
    let p = process("[splitter_error]\nsigma_rad = 0.02\n[insertion_loss]\nloss_db = 0.1");
    for w in [rank_one, full] {
        let program = MatrixProgram::new(&w.map(Complex64::from), Form::Svd, topology("rectangular").unwrap()).unwrap();
        for method in ["self_configuration", "adjoint", "loss"] {
            let done = corrected(method, &program, &p, 0, 1e-4);
            let share = done.after.error / done.after.scaled_error;
            assert!((0.99..1.5).contains(&share), "{method}: {:?}", done.after);
            assert!(done.after.error < done.before.error, "{method}: {:?} {:?}", done.before, done.after);
        }
        // A fit without noise has a solution although measurements do not separate two shifters in series.
        let estimated = corrected("characterisation", &program, &p, 0, 0.0).after.scaled_error;
        let known = corrected("local", &program, &p, 0, 0.0).after.scaled_error;
        assert!(estimated < 1.1 * known + 1e-3, "{estimated} {known}");
    }
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let Err(error) = correction("locale") else { panic!("no such method") };
    assert!(error.to_string().contains("did you mean `local`?"), "{error}");
}
