//! The cost of runs: hold power of our own programs, bits by the noise law of the receiver, axes that compute no chips.

use phaseloom_cost::closed_forms::haar_half_turns;
use phaseloom_cost::half_turns;
use phaseloom_experiment::cost::analysis::{Analysis, BreakEven, Precision};
use phaseloom_experiment::cost::{CostRun, cost, pareto_front, verdict};
use phaseloom_experiment::score::Score;
use phaseloom_experiment::{Experiment, NetworkProgram, Options};
use phaseloom_hardware::{CoreSpec, Link};
use phaseloom_network::Model;
use std::path::{Path, PathBuf};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// An experiment on the first 256 images of MNIST with one chip; `more` are further lines.
fn mnist(folder: &Path, more: &str) -> Experiment {
    let data = examples().join("mnist");
    let data = data.display();
    let text = format!(
        "model = '{data}/model.toml'\ntrials = 1\n[data]\ninputs = '{data}/data/t10k-images-idx3-ubyte.gz'\n\
         labels = '{data}/data/t10k-labels-idx1-ubyte.gz'\nrows = '..256'\n[core]\nports = 64\n\
         [process]\ninsertion_loss.loss_db = 0.05\nphase_error.sigma_rad = 0.005\nphase_shifter.power_pi_w = 0.02477\n\
         [link]\nsymbol_rate_hz = 5e9\nlo_fraction = 0.4\ndac = {{ bits = 8 }}\nadc = {{ bits = 8 }}\n{NOISE}\n{more}\n"
    );
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join("experiment.toml");
    std::fs::write(&path, text).unwrap();
    Experiment::load(&path).unwrap_or_else(|e| panic!("{e}"))
}

/// The laser is so weak that its noise decides.
const NOISE: &str = "laser_power_w = 3e-3\nshot_noise = true\nthermal_noise = { noise_a_per_sqrt_hz = 10e-12 }\n\
                     intensity_noise = { rin_db_per_hz = -145, cmrr_db = 30 }";

fn costs(experiment: &Experiment, folder: &Path) -> CostRun {
    cost(experiment, folder, None, &Options::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// Two meshes of random orthogonal matrices hold as much as the law of Haar unitaries, to a few per cent; the attenuators are
/// 1.5 % of the shifters. Tiles that do not fill a core hold more: their idle cells are in the bar state.
#[test]
fn programs_of_a_trained_network_hold_as_much_as_the_law() {
    let model = Model::load(&examples().join("mnist/model.toml")).unwrap();
    let (spec, link) = (CoreSpec::default(), Link::default());
    let program = NetworkProgram::new(&model, &spec, &spec.design().unwrap(), &link, Path::new("test")).unwrap();
    let tiles = program.layers.iter().flat_map(|layer| layer.tiles()).flatten();
    let holds: Vec<(bool, f64)> = tiles
        .map(|tile| {
            let phases = tile.program.stages().iter().flat_map(|stage| stage.phases().values().to_vec());
            ((tile.tile.rows, tile.tile.columns) == (64, 64), half_turns(phases))
        })
        .collect();
    let full: Vec<f64> = holds.iter().filter(|(full, _)| *full).map(|(_, turns)| *turns).collect();
    let mean = full.iter().sum::<f64>() / full.len() as f64;
    let law = 2.0 * haar_half_turns(64) * 8320.0 / 8192.0;
    assert!(full.len() == 24 && (mean / law - 1.0).abs() < 0.05, "{mean}, law {law}, {} tiles", full.len());
    assert!(holds.iter().filter(|(full, _)| !full).all(|(_, turns)| *turns > mean));
}

#[test]
fn the_cost_of_a_trained_network() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = mnist(folder.path(), "[cost]\nsamples = 256\nchips = 1\ndraws = 20\nshifter = 'heater'");
    let run = costs(&experiment, &folder.path().join("run"));
    let point = &run.points[0];
    let layers = &point.model.measured.layers;
    let half_turns: f64 = layers.iter().map(|layer| layer.half_turns * layer.tiles.len() as f64).sum();
    let watt = 24.77e-3 * half_turns;
    let analysis = Analysis::new(&point.model, 1, 20).unwrap();
    assert!((analysis.photonic.energy.part("hold") / (watt / 5e9) - 1.0).abs() < 1e-9);
    // 784-128-10: each row block converts its inputs again.
    let counts = analysis.photonic.counts;
    assert_eq!([counts.drives, counts.readings, counts.io_values].map(|n| n as u64), [1696, 1684, 794]);
    assert_eq!(layers.iter().map(|layer| layer.inputs).collect::<Vec<_>>(), [784, 128]);
    assert!((analysis.photonic.timing.latency_s / 16.1844e-9 - 1.0).abs() < 1e-5);
    // With heaters light loses to everything.
    let tests = verdict::tests(&point.model, &analysis, &point.correctness);
    assert_eq!((tests[1].key, tests[1].answer), ("energy", verdict::Answer::No));
    assert!(verdict::sentence(&point.model, &analysis).contains("holding the phases"));

    // The noise law of the receiver predicts the bits that the run has.
    for (layer, predicted) in layers.iter().zip(&analysis.readout_bits) {
        let total = layer.total_bits.unwrap();
        assert!((predicted - total).abs() < 0.15, "predicted {predicted}, measured {total}");
        assert!(layer.light_bits().unwrap() < layer.noiseless_bits.unwrap(), "{layer:?}");
        assert!(layer.noiseless_bits.unwrap() <= layer.chip_bits.unwrap() + 0.05, "{layer:?}");
    }
    // Digital products gain about one bit per bit.
    for layer in layers {
        let rows = &layer.digital[1..9];
        assert!(rows.windows(2).all(|pair| (0.6..1.5).contains(&(pair[1].1 - pair[0].1))), "{rows:?}");
    }
    let equal = analysis.counterparts.iter().filter(|c| c.precision == Precision::EqualBits);
    assert!(equal.clone().all(|c| c.cost.is_some() && c.interval.low <= c.interval.high));
    let turns = BreakEven::new(&point.model).unwrap();
    // Where hold power turns the verdict, less of it is better.
    let hold = turns.turning.iter().find(|turning| turning.key == "hold_pi_w").unwrap();
    assert!(hold.points.iter().all(|point| !point.light_wins_above && point.value < 24.77e-3), "{hold:?}");
}

/// 1×8×8 → 4 channels → pooled to 4×4×4 → 8 channels → pooled to 32 → 10: a convolution reads a pixel up to nine times.
#[test]
fn a_convolution_counts_the_values_that_move() {
    let folder = tempfile::tempdir().unwrap();
    let data = examples().display().to_string();
    let text = format!(
        "model = '{data}/cnn/cnn.toml'\ntrials = 1\n[data]\ninputs = '{data}/digits/digits.csv.gz'\nrows = '..64'\n\
         [core]\nports = 16\n[cost]\nsamples = 64\nchips = 1\nreadout_bits = 3\nshifter = 'mems'\n"
    );
    let path = folder.path().join("experiment.toml");
    std::fs::write(&path, text).unwrap();
    let run = costs(&Experiment::load(&path).unwrap(), &folder.path().join("run"));
    let point = &run.points[0];
    let layers = &point.model.measured.layers;
    let sizes: Vec<_> = layers.iter().map(|layer| (layer.rows, layer.columns, layer.vectors, layer.inputs)).collect();
    assert_eq!(sizes, [(4, 9, 64, 64), (8, 36, 16, 64), (10, 32, 1, 32)]);
    let analysis = Analysis::new(&point.model, 1, 20).unwrap();
    let counts = analysis.photonic.counts;
    assert_eq!(counts.macs as u64, 4 * 9 * 64 + 8 * 36 * 16 + 10 * 32);
    assert_eq!(counts.io_values as u64, 64 + 10);
    // 36 columns are three tiles, 32 two.
    assert_eq!(counts.drives as u64, 9 * 64 + 36 * 16 + 32);
    assert_eq!(counts.readings as u64, 4 * 64 + 3 * 8 * 16 + 2 * 10);
    // A perfect chip and an ideal link: all error is that of light, on the link of the library with its converters.
    assert!(analysis.photonic.joule().is_some() && layers.iter().all(|layer| layer.light_bits().is_none()));
}

#[test]
fn axes_of_the_cost_compute_no_chips_and_settings_change_no_identity() {
    let folder = tempfile::tempdir().unwrap();
    let axes = "[cost]\nsamples = 256\nchips = 1\n[[sweep]]\nkeys = ['cost.shifter']\nvalues = ['heater', 'mems']\n\
                [[sweep]]\nkeys = ['cost.readout_bits']\nvalues = [2.5, 12]";
    let plain = mnist(&folder.path().join("plain"), "");
    let swept = mnist(&folder.path().join("swept"), axes);
    let results = folder.path().join("run");
    let one = costs(&plain, &results);
    let (units, identity) = (one.outcome.records.len(), one.outcome.identity.identity.clone());
    drop(one);
    let run = costs(&swept, &results);
    assert_eq!((run.outcome.computed, run.outcome.records.len()), (0, units), "every unit was there");
    assert_eq!((run.outcome.identity.identity.clone(), run.points.len()), (identity, 4));
    let energy = |index: usize| Analysis::new(&run.points[index].model, 1, 20).unwrap();
    let (heater, none, mems) = (energy(0), energy(1), energy(2));
    assert!(heater.photonic.energy.part("hold") > 0.0 && mems.photonic.energy.part("hold") <= 0.0);
    // The asked bits are those compared, and the split of the laser is the best one.
    assert!(heater.readout_bits.iter().all(|bits| (bits - 2.5).abs() < 1e-12));
    assert!(heater.photonic.lasers.iter().all(|laser| (laser.unwrap().lo_fraction - 0.4).abs() > 1e-3));
    // No laser reaches twelve bits on this chip.
    assert!(none.photonic.joule().is_none() && none.counterparts.iter().all(|c| c.ratio <= 0.0));
    assert!(verdict::sentence(&run.points[1].model, &none).starts_with("No laser reaches 12"));
    // A run does not know these axes.
    let error = phaseloom_experiment::run(&swept, &folder.path().join("other"), &Options::default()).err().unwrap();
    assert!(error.to_string().contains("sweep key `cost."), "{error}");
}

#[test]
fn impossible_settings_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |settings: &str| {
        let path = folder.path().join("experiment.toml");
        std::fs::write(&path, format!("model = 'm.toml'\n[data]\ninputs = 'x.csv'\n[cost]\n{settings}\n")).unwrap();
        Experiment::load(&path).err().unwrap().to_string()
    };
    for (settings, key) in [
        ("readout_bits = 0", "cost.readout_bits"),
        ("readout_bits = 3\nlight_share = 0.5", "cost.readout_bits"),
        ("light_share = 1.0", "cost.light_share"),
        ("batch = 0.5", "cost.batch"),
        ("cores = 0", "cost.cores"),
        ("draws = 3", "cost.draws"),
        ("double_buffer = true\ncores = 1", "cost.cores"),
        ("cor = 3", "cor"),
    ] {
        let error = refused(settings);
        assert!(error.contains(key) && error.contains("line"), "{error}");
    }
}

#[test]
fn the_front_holds_the_points_that_no_other_beats() {
    let points = [(0.9, Some(1.0)), (0.95, Some(2.0)), (0.9, Some(1.5)), (0.99, None), (0.95, Some(2.0))];
    assert_eq!(pareto_front(&points, &Score::ACCURACY), [true, true, false, false, true]);
    // Of an error, less is better.
    assert_eq!(pareto_front(&points, &Score::RMS_ERROR), [true, false, false, false, false]);
}
