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
    assert_eq!(product.multiply(&x), below.multiply(&x, Shot { trial: 0, index: 0, first_sample: 0 }).0);
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
    let network = Network::load(folder.join(&config.model))?;
    let core = Core::from(config.core.clone());
    let chip = network.on_chip(&core, &config.process.clone().into(), &config.link, Seed(config.seed))?;
    let data = config.data.load(&folder)?;
    let (made, exact) = (predictions(&chip.forward(&data.inputs)), predictions(&network.forward(&data.inputs)));
    let count = |a: &[usize], b: &[usize]| a.iter().zip(b).filter(|(a, b)| a == b).count() as u64;
    assert_eq!((count(&made, &data.labels), count(&made, &exact)), (record.shots[0].correct, record.shots[0].same));
    assert_eq!(chip.matrix_errors(), record.layers.iter().map(|layer| layer.matrix_error).collect::<Vec<_>>());
    Ok(())
}
