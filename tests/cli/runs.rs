//! Whole experiments from end to end: every example in reduced form, what a run leaves and what it says, a second
//! start, training and calibration.

use super::support::{
    CORE, DATA, LINK, RESULTS, Scene, Working, assert_equal_results, cell, example, integers, npy_real, phaseloom,
    read, results, run_to, safetensors, scales, table,
};
use phaseloom::network::predictions;
use std::fs;
use std::path::Path;

mod bytes;
mod folders;
mod interruptions;
mod sweeps;
mod tasks;
mod trainings;

/// Runs an example; the perfect mesh with an ideal link must decide and compute as the floating-point reference does.
fn example_holds(experiment: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a folder with spaces");
    let ended = run_to(experiment, &out, &["--trials", "2", "--save-outputs"]).well();
    assert!(!ended.out.is_empty());
    // In a pipe only sentences, no progress bar.
    let sentences = ended.err.lines().filter(|line| !line.starts_with("note: ")).count();
    assert!(!ended.err.contains(['\r', '\u{1b}', '█']) && sentences <= 2, "{}", ended.err);
    for name in [&RESULTS[..], &["experiment.toml", "identity.json", "provenance.json", "units.jsonl"]].concat() {
        assert!(fs::metadata(out.join(name)).unwrap().len() > 0, "{name}");
    }
    let rows = table(&out.join("summary.csv"));
    let mut seen = 0;
    for row in rows.iter().filter(|row| matches!(cell(row, "row"), "exact" | "perfect_ideal")) {
        assert_eq!((cell(row, "agreement"), cell(row, "difference")), ("1", "0"));
        seen += 1;
    }
    assert!(seen >= 2 && rows.iter().any(|row| cell(row, "row") == "chips"));
    let outputs = |row: &str| {
        let name = format!("{row}-point0-trial0-shot0.npy");
        read(&out.join("outputs").join(name)).map(|z| z.re).transpose()
    };
    let (exact, ideal) = (outputs("exact"), outputs("perfect_ideal"));
    assert_eq!(exact.ncols().to_string(), cell(&table(&out.join("table.csv"))[0], "samples"));
    assert!((&exact - &ideal).amax() < 1e-9 * exact.amax().max(1.0));
    assert_eq!(predictions(&exact), predictions(&ideal));

    // Started again: nothing to do, the same bytes, and outputs that were not kept now are not promised.
    let before = results(&out);
    let provenance = fs::read(out.join("provenance.json")).unwrap();
    let again = run_to(experiment, &out, &["--trials", "2"]).well();
    assert!(again.err.contains("nothing was computed"), "{}", again.err);
    assert_eq!(again.out, ended.out);
    assert_eq!(provenance, fs::read(out.join("provenance.json")).unwrap());
    assert!(results(&out) == before, "another start makes other bytes");
}

#[test]
fn digits() {
    example_holds(&example("digits/digits.toml"));
}

#[test]
fn breast_cancer() {
    example_holds(&example("breast_cancer/breast_cancer.toml"));
}

#[test]
fn vowels() {
    if std::env::var_os("PHASELOOM_DATA").is_none() {
        eprintln!("skipped: PHASELOOM_DATA is not set");
        return;
    }
    example_holds(&example("vowels/vowels.toml"));
}

/// A folder with copies of some files of an example.
fn copies(of: &str, names: &[&str]) -> Scene {
    let scene = Scene::new();
    for name in names {
        fs::create_dir_all(scene.path(name).parent().unwrap()).unwrap();
        fs::copy(example(of).join(name), scene.path(name)).unwrap();
    }
    scene
}

/// Changes a text that a file must have.
#[track_caller]
fn change(scene: &Scene, name: &str, from: &str, to: &str) {
    let text = scene.text(name);
    assert!(text.contains(from), "{text}");
    scene.write(name, text.replace(from, to));
}

#[test]
fn mnist_on_a_few_samples() {
    let (images, labels) = ("data/t10k-images-idx3-ubyte.gz", "data/t10k-labels-idx1-ubyte.gz");
    let own = ["experiment.toml", "model.toml", "process.toml", "calibration.json", "weights.safetensors"];
    let scene = copies("mnist", &[&own[..], &[images, labels]].concat());
    change(&scene, "experiment.toml", "[data]", "[data]\nsamples = 50");
    change(&scene, "experiment.toml", "values = [0, 0.01, 0.02, 0.03, 0.05, 0.07]", "values = [0.01]");
    example_holds(&scene.path("experiment.toml"));
}

#[test]
fn shots_are_rows_of_the_table_and_outputs_of_their_own() {
    let scene = Scene::new();
    // Noise of several steps of the converter, so that no two shots read alike.
    change(&scene, "experiment.toml", "laser_power_w = 1e-3", "laser_power_w = 1e-6");
    change(&scene, "experiment.toml", "trials = 2", "trials = 2\nshots = 3");
    scene.run(&["--save-outputs"]).well();
    let rows = table(&scene.path("out/table.csv"));
    // Two points of two chips, and the perfect mesh, with three shots each.
    assert_eq!(rows.iter().filter(|r| cell(r, "row") == "chips").count(), 12);
    for row in table(&scene.path("out/summary.csv")).iter().filter(|r| cell(r, "row") == "chips") {
        let sd: f64 = cell(row, "sd_between_shots").parse().unwrap();
        assert!(sd.is_finite());
    }
    let shot = |n| read(&scene.path(&format!("out/outputs/chips-point0-trial0-shot{n}.npy")));
    assert!(shot(0) != shot(1) && shot(1) != shot(2));
}

#[test]
fn outputs_asked_for_too_late_are_refused() {
    let scene = Scene::new();
    scene.run(&[]).well();
    scene.run(&["--save-outputs"]).refused(&["E0612", "outputs/", "--save-outputs", "new folder"]);
    scene.run(&["--save-outputs", "--dry-run"]).refused(&["E0612"]);
    // A folder in which every unit saved them goes on.
    scene.call("run experiment.toml -o kept --save-outputs").well();
    scene.call("run experiment.toml -o kept --save-outputs --trials 3").well();
    assert!(scene.path("kept/outputs/chips-point1-trial2-shot0.npy").is_file());
    scene.call("run experiment.toml -o kept --save-outputs 0 --trials 3").refused(&["E0612", "-layer0.npy"]);
}

#[test]
fn without_o_the_folder_is_named_after_the_experiment_and_its_folder() {
    let scene = Scene::new();
    let parent = scene.0.path().canonicalize().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    scene.call("run experiment.toml").well();
    assert!(scene.path(&format!("phaseloom-runs/{parent}-experiment/table.csv")).exists());
    scene.call("run experiment.toml --shard 1/2").well();
    assert!(scene.path(&format!("phaseloom-runs/{parent}-experiment-1-of-2/units.jsonl")).exists());
    // Experiments of one name in two folders do not collide.
    for folder in ["one", "two"] {
        fs::create_dir(scene.path(folder)).unwrap();
        for name in ["model.toml", "w.safetensors", "calibration.json", "x.npy", "y.npy", "experiment.toml"] {
            fs::copy(scene.path(name), scene.path(&format!("{folder}/{name}"))).unwrap();
        }
        change(&scene, &format!("{folder}/experiment.toml"), "trials = 2", &format!("name = '{folder}'\ntrials = 2"));
        scene.call(&format!("run {folder}/experiment.toml")).well();
        assert!(scene.path(&format!("phaseloom-runs/{folder}-experiment/table.csv")).exists());
    }
}

#[test]
fn training_and_calibration_repeat_their_bytes() {
    let scene = copies("breast_cancer", &["breast_cancer.csv", "model.toml", "train.toml", "breast_cancer.toml"]);
    change(&scene, "train.toml", "epochs = 100", "epochs = 5");
    let made = || {
        let ended = scene.call("train train.toml --overwrite").well();
        assert!(ended.out.starts_with("epoch 5/5") && ended.err.contains("wrote"), "{}{}", ended.out, ended.err);
        (fs::read(scene.path("weights.safetensors")).unwrap(), scene.text("calibration.json"))
    };
    let first = made();
    assert!(made() == first, "the same seed makes other bytes");
    scene.call("run breast_cancer.toml -o a --trials 1").well();

    // The same scales from the experiment's own table.
    let text = scene.text("breast_cancer.toml");
    let data =
        "data = { inputs = 'breast_cancer.csv', csv = { skip_lines = 1 }, every = { modulus = 5, except = [0] } }";
    scene.write("own.toml", format!("{text}\n[calibration]\n{data}\n"));
    scene.call("calibrate own.toml").well();
    assert!(scene.text("calibration.json") == first.1);
    fs::remove_file(scene.path("calibration.json")).unwrap();
    scene.call("run own.toml -o b --trials 1").well();
    assert!(!scene.path("calibration.json").exists() && scene.path("b/calibration.json").exists());
    scene.call("calibrate own.toml -o elsewhere.json").well();
    assert!(scene.text("elsewhere.json") == first.1);
}

#[test]
#[cfg(unix)]
fn ctrl_c_keeps_what_training_has_reached() {
    use std::io::{BufRead, BufReader};
    let scene = Scene::new();
    let training = scene.write(
        "train.toml",
        "format = 'phaseloom-training'\nversion = 1\nmodel = 'model.toml'\nepochs = 9223372036854775807\nbatch = 8\n\
         learning_rate = 1e-3\nseed = 1\n[train]\ninputs = 'x.npy'\nlabels = 'y.npy'\n",
    );
    let before = fs::read(scene.path("w.safetensors")).unwrap();
    let child =
        phaseloom().args(["train", "--overwrite"]).arg(training).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut working = Working(child);
    let mut lines = BufReader::new(working.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("epoch 1/"));
    // Read to the end, so that it never waits for its reader.
    let said = std::thread::spawn(move || lines.collect::<Vec<String>>());
    working.interrupt();
    let said = said.join().unwrap();
    assert!(said.iter().any(|line| line.contains("wrote")), "{said:?}");
    assert!(said.last().unwrap().contains("goes on from the checkpoint"), "{:?}", said.last());
    assert!(fs::read(scene.path("w.safetensors")).unwrap() != before);
    assert!(scene.path("w-checkpoint.safetensors").exists() && scene.path("w-history.csv").exists());
}

#[test]
fn equal_experiments_in_other_folders_leave_equal_bytes() {
    let (a, b) = (Scene::new(), Scene::new());
    a.run(&[]).well();
    b.run(&[]).well();
    assert_equal_results(&a.path("out"), &b.path("out"));
}

/// Files as other programs write them: labels of every form, a checkpoint with a counter and with tensors of a layer that
/// the model lacks.
#[test]
fn files_of_other_programs_are_read() {
    let scene = Scene::new();
    let run = |tables: &str, name: &str| {
        scene.experiment(tables);
        let ended = scene.call(&format!("run experiment.toml -o {name} --trials 1")).well();
        let rows = table(&scene.path(name).join("summary.csv"));
        (cell(&rows[0], "accuracy_mean").to_owned(), ended.err)
    };
    let (expected, said) = run(&format!("{DATA}{CORE}"), "plain");
    assert!(!said.contains("does not use"), "{said}");
    let class = |i: usize| i % 2;
    let row = |i: usize| {
        [(0.7 * (3 * i + 1) as f64).sin(), (0.7 * (3 * i + 2) as f64).sin(), (0.7 * (3 * i + 3) as f64).sin()]
    };
    let column: Vec<[f64; 1]> = (0..40).map(|i| [class(i) as f64]).collect();
    let signs: Vec<[f64; 1]> = (0..40).map(|i| [2.0 * class(i) as f64 - 1.0]).collect();
    let one_hot: Vec<[f64; 2]> = (0..40).map(|i| [1.0 - class(i) as f64, class(i) as f64]).collect();
    for (name, bytes) in [("column", npy_real(&column)), ("signs", npy_real(&signs)), ("one_hot", npy_real(&one_hot))] {
        scene.write("y.npy", bytes);
        assert_eq!(run(&format!("{DATA}{CORE}"), name).0, expected, "{name}");
    }
    let csv = |label: &dyn Fn(usize) -> String| -> String {
        let rows = (0..40).map(|i| format!("{i},{:?},{:?},{:?},{}\r\n", row(i)[0], row(i)[1], row(i)[2], label(i)));
        "\u{feff},a,b,\"c d\",label\r\n".to_owned() + &rows.collect::<String>()
    };
    let chosen = format!("[data]\ninputs = 'x.csv'\ncsv = {{ label = 'label' }}\n{CORE}");
    scene.write("x.csv", csv(&|i| format!("{}.0", class(i))));
    assert_eq!(run(&chosen, "pandas").0, expected);
    scene.write("x.csv", csv(&|i| ["cat", "dog"][class(i)].to_owned()));
    assert_eq!(run(&chosen, "names").0, expected);
    scene.refuses(
        &chosen.replace("}\n", "}\nclasses = ['dogg', 'cat']\n"),
        &["line 6", "data.classes", "did you mean `dog`?"],
    );
    scene.refuses(
        &chosen.replace("'label'", "'lable'"),
        &["experiment.toml: line 5", "data.csv.label", "x.csv", "label"],
    );

    scene.write("y.npy", integers(40, |i| i % 2));
    let wave = |n: usize, f: f64| -> Vec<f64> { (0..n).map(|i| ((i as f64 + 1.0) * f).sin()).collect() };
    let tensors = [("w1", &[4, 3][..], wave(12, 1.7)), ("b1", &[4], wave(4, 0.3)), ("w2", &[2, 4], wave(8, 2.3))];
    scene.write("w.safetensors", safetensors(&[&tensors[..], &[("bn.weight", &[4], vec![1.0; 4])]].concat()));
    let (accuracy, said) = run(&format!("{DATA}{CORE}"), "leftover");
    assert_eq!(accuracy, expected);
    assert!(said.contains("note: w.safetensors: the model does not use bn.weight;"), "{said}");
}

/// The text that a run writes to stderr.
#[track_caller]
fn notes(tables: &str) -> String {
    let scene = Scene::new();
    scene.experiment(tables);
    scene.run(&[]).well().err
}

#[test]
fn a_sweep_that_nothing_feels_is_refused_before_the_run() {
    let scene = Scene::new();
    let process = "[process.splitter_error]\nsigma_rad = 0.1\n";
    for (link, key, values) in [
        ("", "link.wavelength_m", "[1.5e-6, 1.6e-6]"),
        ("[link]\nlaser_power_w = 1e-3\n", "link.bandwidth_hz", "[1e8, 1e9]"),
        ("[link]\nadc = { bits = 6 }\n", "shots", "[1, 2]"),
    ] {
        let sweep = format!(
            "[[sweep]]\nkeys = ['process.phase_error.sigma_rad']\nvalues = [0, 0.1]\n\
                             [[sweep]]\nkeys = ['{key}']\nvalues = {values}\n"
        );
        scene.refuses(&format!("{DATA}{CORE}{link}{process}{sweep}"), &["experiment.toml: line", key, "has no effect"]);
        assert!(!scene.path("out").exists());
    }
    // The keys of the process are in a file of their own.
    scene.write("p.toml", "[phase_error]\nsigma_rad = 0.01\n[phase_shifter]\npower_pi_w = 0.02\n");
    scene.experiment(&format!("process = 'p.toml'\n{DATA}{CORE}"));
    let said = scene.run(&[]).well().err;
    assert_eq!(said.matches("note: ").count(), 1, "{said}");
    assert!(said.contains("have no effect: process.phase_shifter.power_pi_w\n"), "{said}");
    // Photons are counted, and no output depends on their number.
    let sweep = "[[sweep]]\nkeys = ['link.laser_power_w']\nvalues = [1e-3, 1e-2]\n";
    let said = notes(&format!("{DATA}{CORE}{process}{sweep}"));
    assert!(said.contains("note: no output depends on link.laser_power_w"), "{said}");
}

#[test]
fn the_physically_absurd_is_announced() {
    let loss = notes(&format!("{DATA}{CORE}[process.insertion_loss]\nloss_db = 8\n"));
    assert!(loss.contains(" dB from input to output, less than -30 dB: use smaller cores"), "{loss}");
    let errors = notes(&format!("{DATA}{CORE}[process.splitter_error]\nsigma_rad = 0.5\n"));
    assert!(
        errors.contains("note: the predicted matrix error of layer ") && errors.contains("more than 0.5"),
        "{errors}"
    );
    let crosstalk = notes(&format!("{DATA}{CORE}[process.thermal_crosstalk]\ncoefficient = 0.2\n"));
    assert!(crosstalk.contains("makes 100 % of the squared matrix error of layer "), "{crosstalk}");
    let dark = notes(&format!("{DATA}{CORE}[link]\nlaser_power_w = 1e-12\nshot_noise = true\n"));
    assert!(dark.contains("photoelectrons on average, fewer than 1: use more `link.laser_power_w`"), "{dark}");
    let corrected = format!("correction = 'local'\n{DATA}{CORE}[process.thermal_crosstalk]\ncoefficient = 0.2\n");
    for tables in [&format!("{DATA}{CORE}{LINK}[process.splitter_error]\nsigma_rad = 0.01\n"), &corrected] {
        let said = notes(tables);
        // Notes after the run depend on its time.
        let after = |line: &&str| line.contains("note: the chip of median") || line.contains("note: the chips lose");
        assert_eq!(said.matches("note: ").count(), said.lines().filter(after).count(), "{said}");
    }
    let preset = format!("process = 'preset:thermo-optic-silicon'\n{DATA}{CORE}");
    assert!(notes(&preset).contains("note: preset:thermo-optic-silicon describes chips as fabricated: "));
    assert!(!notes(&preset.replace("process", "correction = 'local'\nprocess")).contains("describes"));
    assert!(!notes(&preset.replace("thermo-optic-silicon", "ideal")).contains("describes"));
}

/// Photoelectrons that are announced are those that the chips then make.
#[test]
fn the_announced_photoelectrons_are_those_of_the_run() {
    for detection in ["homodyne", "offset"] {
        let scene = Scene::new();
        scene.write("calibration.json", scales(if detection == "offset" { 3 } else { 4 }));
        scene.experiment(&format!("{DATA}{CORE}[link]\ndetection = '{detection}'\nlaser_power_w = 1e-12\n"));
        let said = scene.run(&[]).well().err;
        let (before, after) = said.split_once(" photoelectrons on average").unwrap();
        let announced: f64 = before.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(after.contains("link.laser_power_w"));
        let rows = table(&scene.path("out/summary.csv"));
        let row = rows.iter().find(|row| cell(row, "row") == "perfect_real").unwrap();
        let photoelectrons = |layer: usize| cell(row, &format!("layer{layer}_photoelectrons")).parse::<f64>().unwrap();
        let least = photoelectrons(0).min(photoelectrons(2));
        assert!((announced / least - 1.0).abs() < 0.02, "{announced} {least}");
    }
}

#[test]
fn the_source_that_costs_most_is_named_after_a_loss() {
    let scene = Scene::new();
    let process = "[process.phase_error]\nsigma_rad = 1e-3\n[process.thermal_crosstalk]\ncoefficient = 0.1\n";
    scene.experiment(&format!("{DATA}{CORE}{process}"));
    let said = scene.run(&["--trials", "400"]).well().err;
    let line = said
        .lines()
        .find(|line| line.starts_with("note: the chip of median accuracy (trial "))
        .unwrap_or_else(|| panic!("{said}"));
    assert!(line.contains("; `thermal_crosstalk` (without it 100.0 %) costs most;"), "{said}");
    assert!(line.contains("; `correction = \"crosstalk\"` would help: "), "{said}");
    // A finished run repeats the line, and one that loses nothing has none.
    let again = scene.run(&["--trials", "400"]).well().err;
    assert!(again.contains(line), "{again}");
    assert!(!notes(&format!("{DATA}{CORE}[process.phase_error]\nsigma_rad = 1e-3\n")).contains("the chip of median"));
    // A merged run names the command that finds the source, from the times of its parts.
    scene.experiment(&format!("{DATA}{CORE}{process}"));
    for part in ["1/2", "2/2"] {
        let folder = format!("part{}", &part[..1]);
        let said = scene.call(&format!("run experiment.toml --trials 400 --shard {part} -o {folder}")).well().err;
        assert!(!said.contains("the chip of median"), "{said}");
    }
    let merged = scene.call("merge part1 part2 -o whole").well().err;
    assert!(merged.contains("note: `phaseloom run whole` finds out which source costs most"), "{merged}");
    assert!(scene.json("whole/provenance.json").as_array().unwrap().len() == 3);
    let found = scene.call("run whole").well().err;
    assert!(found.contains("`thermal_crosstalk` (without it 100.0 %) costs most"), "{found}");
    assert!(scene.call("run whole").well().err.contains("costs most"));
    // Without times, the line says what to do.
    std::fs::remove_file(scene.path("whole/provenance.json")).unwrap();
    let unknown = scene.call("run whole").well().err;
    assert!(unknown.contains("run more trials") && !unknown.contains("costs most;"), "{unknown}");
}
