//! Input that is odd but possible, and input at the edge of what a number holds: a run that says it is finished can be
//! read again and holds numbers only; nothing hangs.

use super::support::{CORE, DATA, LINK, MODEL, SWEEP, Scene, cell, integers, npy_real, phaseloom, run_to, table, wait};
use std::fs;

/// Runs an experiment with these tables twice.
#[track_caller]
fn twice(scene: &Scene, tables: &str) {
    scene.experiment(tables);
    run_twice(scene);
}

/// What the first run wrote, the second can read.
#[track_caller]
fn run_twice(scene: &Scene) {
    let first = scene.run(&[]).well();
    let again = scene.run(&[]).well();
    assert!(again.err.contains("nothing was computed") && again.out == first.out, "{}", again.err);
    for name in ["table.csv", "summary.csv", "design.csv"] {
        let text = scene.text(&format!("out/{name}"));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
    // Without noise there is no ratio to it.
    let units = scene.text("out/units.jsonl");
    assert!(!units.replace("\"snr_full_scale_db\":null", "").replace("\"enob\":null", "").contains("null"), "{units}");
}

const NOISE: &str = "[link]\nlaser_power_w = 1e-3\nshot_noise = true\nthermal_noise = { feedback_ohm = 5000 }\n";

#[test]
fn dark_inputs_and_dark_weights_have_noise_alone() {
    let scene = Scene::new();
    scene.inputs(&[0.0; 120]);
    scene.weights(vec![1.0; 12], vec![0.0; 4], vec![0.5; 8]);
    twice(&scene, &format!("{DATA}{CORE}{NOISE}{SWEEP}"));
    let rows = table(&scene.path("out/summary.csv"));
    let of = |row: &str| rows.iter().find(|r| cell(r, "row") == row).unwrap();
    assert_eq!(cell(of("perfect_real"), "layer0_readout_bits"), "-53");
    // Without a laser there is no light to count.
    assert_eq!(cell(of("perfect_ideal"), "layer0_photoelectrons"), "0");

    let scene = Scene::new();
    scene.weights(vec![0.0; 12], vec![0.0; 4], vec![-0.0; 8]);
    twice(&scene, &format!("{DATA}{CORE}{NOISE}{SWEEP}"));
}

const CALIBRATION: &str = "[calibration]\ndata = { inputs = 'x.npy', labels = 'y.npy' }\n";

#[test]
fn small_and_odd_cores() {
    for (ports, detection, columns) in
        [(1, "homodyne", 1), (2, "homodyne", 2), (2, "offset", 1), (3, "offset", 2), (7, "homodyne", 7)]
    {
        for core in ["each", "shared"] {
            let scene = Scene::new();
            let tables = format!(
                "{DATA}[core]\nports = {ports}\ncores = '{core}'\n{NOISE}detection = '{detection}'\n\
                 adc = {{ bits = 8 }}\n{SWEEP}{CALIBRATION}"
            );
            scene.experiment(&tables);
            scene.call("calibrate experiment.toml").well();
            let text = scene.text("calibration.json");
            assert!(text.contains(&format!("\"column_block\": {columns}")), "{text}");
            twice(&scene, &tables);
        }
    }
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}[core]\nports = 1\n[link]\ndetection = 'offset'\n{CALIBRATION}"));
    scene.call("calibrate experiment.toml").refused(&["core.ports is 1", "at least 2"]);
}

#[test]
fn jitter_of_any_length_on_shared_cores() {
    for correlation in ["0", "3e-9", "1e308"] {
        let jitter = format!("[process]\nphase_jitter = {{ sigma_rad = 0.05, correlation_s = {correlation} }}\n");
        twice(&Scene::new(), &format!("shots = 2\n{DATA}{CORE}cores = 'shared'\n{LINK}{jitter}"));
    }
}

#[test]
fn one_sample_one_class_one_trial() {
    let scene = Scene::new();
    scene.write("experiment.toml", format!("model = 'model.toml'\ntrials = 1\n{DATA}samples = 1\n{CORE}{LINK}"));
    run_twice(&scene);
    twice(&Scene::new(), &format!("{DATA}classes = [1]\n{CORE}{LINK}"));
}

#[test]
fn processes_at_the_edge_of_a_number() {
    for process in [
        "splitter_error = { sigma_rad = 1e6 }",
        "splitter_error = { sigma_rad = -0.0 }",
        "splitter_error = { sigma_amplitude = 0.25 }",
        "phase_error = { sigma_rad = 1e6 }",
        "phase_error = { sigma_rad = 5e-324 }",
        "thermal_crosstalk = { coefficient = 1 }",
        "thermal_crosstalk = { distance_factor = 1 }",
        "phase_quantization = { bits = 1 }",
        "phase_quantization = { bits = 24, uniform_in = 'voltage' }",
        "insertion_loss = { loss_db = 100, imbalance_db = -3 }",
        "insertion_loss = { imbalance_sigma_db = 30 }",
    ] {
        twice(&Scene::new(), &format!("{DATA}{CORE}{LINK}[process]\n{process}\n"));
    }
    // So dark, or so lopsided, that no gain helps: said before anything is computed.
    for loss in ["loss_db = 5000", "loss_db = 100, imbalance_db = -1e5"] {
        let tables = format!("{DATA}{CORE}{LINK}[process]\ninsertion_loss = {{ {loss} }}\n");
        Scene::new().refuses(&tables, &["gain", "insertion_loss"]);
    }
}

#[test]
fn links_at_the_edge_of_a_number() {
    for link in [
        "laser_power_w = 1e-30\nshot_noise = true",
        "laser_power_w = 1e6\nshot_noise = true",
        "laser_power_w = 1e-3\nshot_noise = true\nsymbol_rate_hz = 1e15",
        "laser_power_w = 1e-3\nshot_noise = true\nsymbol_rate_hz = 1e-3",
        "laser_power_w = 1e-3\nshot_noise = true\nresponsivity_a_per_w = 1e-9",
        "laser_power_w = 1e-3\nintensity_noise = { rin_db_per_hz = -1e-9, cmrr_db = 0 }",
        "laser_power_w = 1e-3\nintensity_noise = { rin_db_per_hz = -1e9, cmrr_db = 1e9 }",
        "modulator = { kind = 'absorptive', extinction_db = 0 }\nadc = { bits = 2, full_scale = 'bound' }",
        "modulator = { kind = 'push_pull', extinction_db = 1e308 }\ndac = { bits = 24 }",
    ] {
        twice(&Scene::new(), &format!("{DATA}{CORE}[link]\n{link}\n"));
    }
    // What cannot be computed is refused, and no file claims to hold it.
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}{CORE}[link]\nlaser_power_w = 1\nshot_noise = true\ncoupling_loss_db = 1e6\n"));
    scene.run(&[]).refused(&["at point 0", "expected finite"]);
    assert!(!scene.path("out/table.csv").exists());
}

#[test]
fn weights_and_inputs_at_the_edge_of_a_number() {
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}{CORE}"));
    scene.weights(vec![1e200; 12], vec![0.0; 4], vec![1.0; 8]);
    scene.run(&[]).refused(&["1e200", "at most 1e151"]);
    scene.weights(vec![1e-200; 12], vec![0.0; 4], vec![1.0; 8]);
    let ended = scene.run(&[]);
    assert!(matches!(ended.code, Some(0 | 2)) && !ended.err.contains("panicked"), "{}", ended.err);
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}{CORE}"));
    scene.inputs(&[1e308; 120]);
    scene.run(&[]).refused(&["x.npy", "sample 0, feature 0", "at most 1e100"]);
}

#[test]
fn names_of_any_letters() {
    for name in ["λ <&> \\\"quoted\\\", with, commas", "two\\nlines\\r\\n# seed: 9", "\\u0001\\u0000", "", "∑"] {
        let scene = Scene::new();
        twice(&scene, &format!("name = \"{name}\"\n{DATA}{CORE}{SWEEP}"));
        assert_eq!(table(&scene.path("out/summary.csv")).len(), 10, "{name}");
        let written = scene.json("out/run.json");
        assert_eq!(written["seed"], 1);
        let parsed: toml::Table = toml::from_str(&format!("name = \"{name}\"")).unwrap();
        let name = parsed["name"].as_str().filter(|name| !name.is_empty()).unwrap_or("experiment");
        assert_eq!(written["name"].as_str(), Some(name));
    }
}

#[test]
#[cfg(unix)]
fn paths_that_are_no_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let scene = Scene::new();
    let path = scene.0.path().join(OsStr::from_bytes(b"f\xffolder"));
    fs::create_dir(&path).unwrap();
    let experiment = path.join(OsStr::from_bytes(b"\xfe.toml"));
    for name in ["model.toml", "w.safetensors", "calibration.json", "x.npy", "y.npy"] {
        fs::copy(scene.path(name), path.join(name)).unwrap();
    }
    fs::copy(scene.path("experiment.toml"), &experiment).unwrap();
    wait(phaseloom().arg("run").arg(&experiment).arg("-o").arg(path.join("out"))).well();
    assert!(path.join("out/provenance.json").exists());
}

#[test]
fn readers_that_go_away_are_no_error() {
    let scene = Scene::new();
    let mut child = phaseloom();
    child.arg("run").arg(scene.path("experiment.toml")).arg("-o").arg(scene.path("out"));
    let mut child = child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(scene.path("out/figure.png").exists());
}

#[test]
fn the_largest_seed_and_numbers_of_samples_across_blocks() {
    let scene = Scene::new();
    let rows: Vec<[f64; 3]> = (0..2100).map(|i| [f64::from(i).sin(), f64::from(i).cos(), 0.5]).collect();
    scene.write("x.npy", npy_real(&rows));
    scene.write("y.npy", integers(2100, |i| i % 2));
    let seed = u64::MAX.to_string();
    scene.run(&["--seed", &seed]).well();
    let again = scene.run(&["--seed", &seed]).well();
    assert!(again.err.contains("nothing was computed"), "{}", again.err);
    // The first 300 samples of 2100 are decided as 300 alone are.
    let correct = |out: &str| -> Vec<f64> {
        table(&scene.path(out).join("table.csv"))
            .iter()
            .map(|r| cell(r, "layer0_matrix_error").parse().unwrap_or(0.0))
            .collect()
    };
    scene.experiment(&format!("{DATA}samples = 300\n{CORE}{LINK}{SWEEP}"));
    run_to(&scene.path("experiment.toml"), &scene.path("few"), &["--seed", &seed]).well();
    assert!(correct("out") == correct("few"), "the chips depend on the number of samples");
}

#[test]
fn a_model_with_layers_that_do_nothing_much() {
    let scene = Scene::new();
    let middle = "[[layer]]\nkind = 'relu'\n[[layer]]\nkind = 'sigmoid'\n[[layer]]\nkind = 'modulus'\n";
    scene.write("model.toml", MODEL.replace("[[layer]]\nkind = 'relu'\n", middle) + "[[layer]]\nkind = 'softmax'\n");
    twice(&scene, &format!("{DATA}{CORE}{LINK}{SWEEP}"));
}
