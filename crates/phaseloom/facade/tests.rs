use crate::experiment::{Options, Row, run};
use crate::hardware::correction::{CorrectionPlan, correction};
use crate::hardware::{
    CoreSpec, CoreUse, LayerAddress, LayerProgram, MatrixProduct, OpticalProduct, Precision, Shot, bound_scales,
};
use crate::prelude::*;
use std::path::Path;
use std::sync::Arc;

const PROCESS: &str = "splitter_error.sigma_rad = 0.02\nphase_error.sigma_rad = 0.02\ninsertion_loss.loss_db = 0.1";

/// Checks that products are those of the crates below, without or with a correction, and returns their matrix error.
fn checked_error(method: Option<&str>) -> Result<f64, Error> {
    let w = DMatrix::from_fn(10, 7, |i, j| (1.3 * (i * 7 + j) as f64).sin());
    let x = DMatrix::from_fn(7, 5, |i, j| (0.7 * (i * 5 + j) as f64).cos());
    let (process, instruments) = (Process::from_toml(PROCESS)?, Instruments::default());
    let link = Link { laser_power_w: Some(1e-4), shot_noise: true, ..Link::default() };
    let mut program = Core::new(4).program(&w)?;
    let chip = process.fabricate(&program, Seed(1))?;
    let mut plan = None;
    if let Some(key) = method {
        program = chip.correct(&program, key, &instruments)?;
        let Instruments { noise, effort, interrupt, .. } = instruments;
        plan = Some(CorrectionPlan { method: correction(key)?, noise, effort, interrupt });
    }
    let product = chip.product(&program, &link)?;

    let spec = CoreSpec { ports: 4, ..CoreSpec::default() };
    let scales = bound_scales(&w, &spec, &link, 1.0)?;
    let layer = Arc::new(LayerProgram::new(&w, &spec, link.detection, &scales)?);
    let design = Arc::new(layer.design(process.settings())?.with_correction(plan));
    let address = LayerAddress { seed: 1, trial: 0, layer: 0, first_core: 0 };
    let below = OpticalProduct::<f64>::new(&layer, &design, &link, &scales, CoreUse::default(), address)?;
    assert_eq!(product.multiply(&x), below.multiply(&x, Shot { trial: 0, index: 0, first_vector: 0 }).0);
    Ok(product.matrix_error())
}

#[test]
fn products_are_those_of_the_crates_below_and_corrections_reduce_their_error() -> Result<(), Error> {
    let error = checked_error(None)?;
    for method in ["local", "adjoint"] {
        let corrected = checked_error(Some(method))?;
        assert!(corrected < 0.5 * error, "{method}: {corrected} of {error}");
    }
    Ok(())
}

/// Whether a call panics; its message is not printed.
fn panics<T>(call: impl FnOnce() -> T) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err()
}

/// Every function of the facade returns an error for impossible arguments, or panics as its page says.
#[test]
fn impossible_arguments_are_errors_or_documented_panics() -> Result<(), Error> {
    let w = DMatrix::from_fn(3, 5, |i, j| (i + 2 * j) as f64);
    let (unitary, link) = (haar_unitary(4, Seed(1)), Link::default());
    assert!(panics(|| haar_unitary(0, Seed(1))));
    for path in ["/no/such/file", "/", ""] {
        assert!(read_matrix(path).is_err() && read_complex_matrix(path).is_err(), "{path}");
        assert!(Program::load(path).is_err() && Network::load(path).is_err() && Process::load(path).is_err());
    }
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(Core::new(4).with_input_scale(bad).program(&w).is_err(), "input scale {bad}");
        let instruments = Instruments { noise: bad, ..Instruments::default() };
        let slow = Instruments { effort: bad, ..Instruments::default() };
        let program = Core::new(4).program(&w)?;
        let chip = Process::ideal().fabricate(&program, Seed(1))?;
        for instruments in [instruments, slow] {
            assert!(chip.correct(&program, "local", &instruments).is_err(), "{instruments:?}");
        }
        assert!(Process::from_toml(&format!("[phase_error]\nsigma_rad = {bad:?}").to_lowercase()).is_err(), "{bad}");
        let mut settings = Process::from_toml("[phase_error]\nsigma_rad = 0.1")?.settings().clone();
        settings.phase_error.as_mut().expect("a phase error").sigma_rad = bad;
        assert!(Process::from(settings).fabricate(&program, Seed(1)).is_err(), "{bad}");
        assert!(chip.product(&program, &Link { laser_power_w: Some(bad), ..Link::default() }).is_err(), "power {bad}");
    }
    for bad in [f64::NAN, f64::INFINITY] {
        let mut matrix = w.clone();
        matrix[(2, 1)] = bad;
        assert!(Core::new(4).program(&matrix).is_err(), "{bad}");
        assert!(Core::new(5).program_complex(&matrix.map(Complex64::from)).is_err(), "{bad}");
        let program = Core::new(4).program(&w)?;
        let product = Process::ideal().fabricate(&program, Seed(1))?.product(&program, &link)?;
        assert!(panics(|| product.multiply(&DMatrix::from_element(5, 1, bad))), "{bad}");
    }
    for ports in [0, usize::MAX] {
        assert!(Core::new(ports).program(&w).is_err(), "{ports} ports");
    }
    assert!(Core::new(0).program_complex(&unitary).is_err() && Core::new(3).program_complex(&unitary).is_err());
    for (rows, columns) in [(0, 0), (0, 5), (3, 0)] {
        assert!(Core::new(4).program(&DMatrix::zeros(rows, columns)).is_err(), "{rows}×{columns}");
        assert!(Core::new(4).program_complex(&DMatrix::zeros(rows, columns)).is_err(), "{rows}×{columns}");
    }
    for core in [Core::new(4).with_topology("none"), Core::new(4).with_cell("none"), Core::new(4).with_topology("tree")]
    {
        assert!(core.program(&w).is_err() && core.program_complex(&unitary).is_err());
    }
    assert!(Process::preset("none").is_err());
    let (program, other) = (Core::new(4).program(&w)?, Core::new(5).program(&w)?);
    let chip = Process::ideal().fabricate(&program, Seed(1))?;
    assert!(chip.cores(&other).is_err() && chip.matrix(&other).is_err() && chip.matrix_error(&other).is_err());
    assert!(chip.product(&other, &link).is_err() && chip.correct(&program, "none", &Instruments::default()).is_err());
    let offset = Link { detection: Detection::Offset, ..Link::default() };
    assert!(chip.product(&program, &offset).is_err() && program.save("/no/such/folder/program.json").is_err());
    let product = chip.product(&program, &link)?;
    assert!(panics(|| product.multiply(&DMatrix::zeros(4, 1))));
    assert_eq!(product.multiply(&DMatrix::zeros(5, 0)).shape(), (3, 0));
    Ok(())
}

#[test]
fn a_network_on_a_chip_predicts_as_its_experiment() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/digits");
    let mut experiment = Experiment::load(&folder.join("digits.toml"))?;
    experiment.config.sweep.clear();
    (experiment.config.trials, experiment.config.precision) = (1, Precision::Double);
    let results = tempfile::tempdir()?;
    let outcome = run(&experiment, results.path(), &Options::default())?;
    let record = outcome.records.values().find(|record| record.unit.row == Row::Chips).ok_or("no chips")?;

    let config = &experiment.config;
    let (model, data) = experiment.network()?;
    let network = Network::load(folder.join(model))?;
    let core = Core::from(config.core.clone());
    let chip = network.on_chip(&core, &config.process.clone().into(), &config.link, Seed(config.seed))?;
    let data = data.load(&folder)?;
    let inputs = data.inputs.to_batch();
    let (made, exact) = (predictions(&chip.forward(&inputs).unwrap()), predictions(&network.forward(&inputs).unwrap()));
    let count = |a: &[usize], b: &[usize]| a.iter().zip(b).filter(|(a, b)| a == b).count() as u64;
    let counts = record.shots[0].class_counts().ok_or("no classes")?;
    assert_eq!((count(&made, data.labels()), count(&made, &exact)), (counts.correct, counts.same));
    assert_eq!(chip.matrix_errors(), record.layers.iter().map(|layer| layer.matrix_error).collect::<Vec<_>>());
    Ok(())
}
