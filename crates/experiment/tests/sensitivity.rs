//! The accuracy that first order predicts, against Monte Carlo.

use phaseloom_experiment::yields::sensitivity::sensitivity_map;
use phaseloom_experiment::{Experiment, Options, Row, Tables, run};
use std::path::Path;

/// While the loss is at most 1.5 points, first order is within half a point of 40 chips, whose mean has a standard error of at
/// most 0.1 points.
#[test]
fn first_order_predicts_small_losses_to_half_a_point() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/digits");
    let example = example.display();
    let mut small = 0;
    for (index, process) in [
        "phase_error.sigma_rad = 0.005",
        "phase_error.sigma_rad = 0.01",
        "splitter_error.sigma_rad = 0.005",
        "splitter_error.sigma_rad = 0.01",
    ]
    .iter()
    .enumerate()
    {
        let text = format!(
            "model = '{example}/model.toml'\ntrials = 40\n[data]\ninputs = '{example}/digits.csv.gz'\nsamples = 256\n\
             [core]\nports = 64\n[process]\n{process}\n"
        );
        let path = folder.path().join("experiment.toml");
        std::fs::write(&path, text).unwrap();
        let experiment = Experiment::load(&path).unwrap();
        let map = sensitivity_map(&experiment, 256, &Options::default()).unwrap().unwrap();
        let [phases, splitters, both] = map.accuracy_loss.unwrap();
        assert!((both - phases - splitters).abs() < 1e-12, "one source alone");
        let outcome = run(&experiment, &folder.path().join(format!("run{index}")), &Options::default()).unwrap();
        let tables = Tables::new(&outcome).unwrap();
        let chips = tables.summary(Row::Chips, 0);
        let loss = -chips.difference;
        if loss <= 0.015 {
            small += 1;
            assert!((both - loss).abs() < 0.005, "{process}: first order {both}, Monte Carlo {loss} ± {}", chips.difference_se);
        }
    }
    assert!(small >= 2, "{small} small losses");
}
