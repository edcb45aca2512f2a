//! The first hour: test matrices, templates, imported weights, names of the field, explanations, codes of errors.

use super::support::{Scene, phaseloom, read, run, safetensors, wait};
use phaseloom::network::{Model, ModelSpec, Network};
use phaseloom::{Complex64, Seed, haar_unitary};
use phaseloom_testing::Matrix;
use std::path::Path;

/// The program in a folder, with arguments as a shell splits them.
fn in_folder(folder: &Path, command: &str) -> super::support::Ended {
    let arguments = command.strip_prefix("phaseloom ").expect("a command of this program");
    wait(phaseloom().current_dir(folder).args(arguments.split(' ')))
}

#[test]
fn generated_matrices_are_those_of_their_definitions() {
    let scene = Scene::new();
    let make = |arguments: &str| -> (Matrix, String) {
        let out = scene.call(&format!("generate {arguments} -o g.npy")).well().out;
        (read(&scene.path("g.npy")), out)
    };
    let (haar, said) = make("haar 6 --seed 4");
    assert_eq!(haar, haar_unitary(6, Seed(4)));
    assert!(said.starts_with("6×6 haar, seed 4, complex: max |U†U − I| = "), "{said}");
    let unit = |m: &Matrix| (m.adjoint() * m - Matrix::identity(m.nrows(), m.nrows())).camax();
    let (orthogonal, _) = make("haar 6 --real");
    assert!(unit(&orthogonal) < 1e-14 && orthogonal.iter().all(|z| z.im.to_bits() == 0));
    assert!(scene.path("g.npy").metadata().unwrap().len() < 500, "real numbers take 8 bytes each");
    let (dft, _) = make("dft 5");
    for (j, k) in [(0, 0), (1, 1), (2, 3), (4, 4)] {
        let angle = -std::f64::consts::TAU * (j * k) as f64 / 5.0;
        let expected = Complex64::new(angle.cos(), angle.sin()) / 5.0_f64.sqrt();
        assert!((dft[(j, k)] - expected).norm() < 1e-15, "{j}, {k}");
    }
    assert_eq!(make("identity 3").0, Matrix::identity(3, 3));
    let (permutation, _) = make("permutation 7 --seed 2");
    let is = |z: &Complex64, x: f64| (z.re - x).abs() + z.im.abs() < 1e-300;
    assert!(permutation.iter().all(|z| is(z, 0.0) || is(z, 1.0)) && unit(&permutation) < 1e-300);
    assert_ne!(permutation, Matrix::identity(7, 7));
    let (gaussian, _) = make("gaussian 64 --seed 3");
    // Σ of 4096 squares of N(0, 1/64) is 64 ± √(2·4096)/64 = 1.41; tolerance four of them.
    assert!((gaussian.norm_squared() - 64.0).abs() < 5.7 && gaussian.iter().all(|z| z.im.to_bits() == 0));
    assert_eq!(make("gaussian 64 --seed 3").0, gaussian);
    assert_ne!(make("gaussian 64 --seed 4").0, gaussian);
    scene.call("generate dft 4 --real").refused(&["--real", "expected haar"]);
    scene.call("generate haar 4 -o u.csv").refused(&[".npy"]);
    assert_eq!(scene.call("generate random 4").code, Some(2));
    assert_eq!(scene.call("generate haar 0").code, Some(2));
}

/// Every command that `new` prints runs in the new folder, in its order, with nothing but the binary.
#[test]
fn every_command_of_a_new_folder_runs() {
    for (example, results) in [
        ("digits", &["phaseloom-runs", "calibration.json"][..]),
        ("unitary", &["mesh.svg", "corrected.json", "strawberryfields.json"]),
        ("chip", &["realised.npy", "corrected.json"]),
    ] {
        let outer = tempfile::tempdir().unwrap();
        let said = in_folder(outer.path(), &format!("phaseloom new first --example {example}")).well().out;
        let folder = outer.path().join("first");
        assert!(said.contains("\n  cd first\n"), "{said}");
        let commands: Vec<&str> = said.lines().map(str::trim).filter(|line| line.starts_with("phaseloom ")).collect();
        assert!(commands.len() >= 4, "{said}");
        let page = std::fs::read_to_string(folder.join("README.md")).unwrap();
        for command in commands {
            assert!(page.contains(command), "{command}");
            in_folder(&folder, command).well();
        }
        for result in results {
            assert!(folder.join(result).exists(), "{example}: {result}");
        }
        in_folder(outer.path(), "phaseloom new first").refused(&["first", "a folder with files", "another name"]);
    }
    let outer = tempfile::tempdir().unwrap();
    std::fs::write(outer.path().join("file"), "").unwrap();
    in_folder(outer.path(), "phaseloom new file").refused(&["found a file"]);
    std::fs::create_dir(outer.path().join("empty")).unwrap();
    in_folder(outer.path(), "phaseloom new empty").well();
    assert!(in_folder(outer.path(), "phaseloom new -- -x").well().out.contains("cd ./-x"));
    assert!(outer.path().join("empty/weights.safetensors").exists(), "digits is the default");
    assert_eq!(in_folder(outer.path(), "phaseloom new b --example iris").code, Some(2));
}

/// An imported model with the input of the example's own model is the same network.
#[test]
fn weights_of_the_examples_are_imported() {
    let folder = tempfile::tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for name in ["mnist", "digits", "breast_cancer", "vowels"] {
        let weights = examples.join(name).join("weights.safetensors");
        let path = folder.path().join(format!("{name}.toml"));
        let said = run(["import".as_ref(), weights.as_os_str(), "-o".as_ref(), path.as_os_str()]).well();
        assert!(said.out.contains("guessed:") && said.err.contains("wrote"), "{}", said.out);
        let own = ModelSpec::load(&examples.join(name).join("model.toml")).unwrap();
        let imported = ModelSpec::load(&path).unwrap();
        assert_eq!(
            (imported.input.size, &imported.input.mean, &imported.input.std),
            (own.input.size, &own.input.mean, &own.input.std),
            "{name}"
        );
        // No weights file states the scale of the pixels.
        let text = std::fs::read_to_string(&path).unwrap();
        let scale = format!("\nscale = {}\n# scale", own.input.scale);
        std::fs::write(&path, text.replacen("\n# scale", &scale, 1)).unwrap();
        let own = Model::load(&examples.join(name).join("model.toml")).unwrap();
        assert_eq!(Model::load(&path).unwrap().sha256(), own.sha256(), "{name}");
    }
}

#[test]
fn imports_say_what_they_guess_and_refuse_what_is_ambiguous() {
    let scene = Scene::new();
    let zeros = |n: usize| vec![0.5; n];
    let tensors: &[(&str, &[usize], Vec<f64>)] = &[
        ("fc1.weight", &[4, 3], zeros(12)),
        ("fc1.bias", &[4], zeros(4)),
        ("norm.weight", &[4], zeros(4)),
        ("fc2.weight", &[2, 4], zeros(8)),
    ];
    scene.write("net.safetensors", safetensors(tensors));
    let said = scene.call("import net.safetensors --activation Swish -o m.toml").well().out;
    for part in ["3-4-2 with silu", "fc1.weight, fc2.weight", "[outputs, inputs]", "not used", "norm.weight [4]"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    scene.call("import net.safetensors -o m.toml").refused(&["m.toml", "exists", "another file"]);
    let text = scene.text("m.toml");
    assert!(text.contains("weights = \"net.safetensors\"") && text.contains("kind = \"silu\""), "{text}");
    scene.experiment("[data]\ninputs = 'x.npy'\nlabels = 'y.npy'\n[core]\nports = 4\n");
    let experiment = scene.text("experiment.toml").replace("model.toml", "m.toml");
    scene.write("experiment.toml", experiment);
    scene.run(&[]).well();
    assert_eq!(scene.call("import net.safetensors").well().out.matches("kind = \"photonic\"").count(), 2);
    scene
        .write("q.safetensors", safetensors(&[("key.weight", &[2, 2], zeros(4)), ("query.weight", &[2, 2], zeros(4))]));
    scene.call("import q.safetensors -o q.toml").refused(&["E0512", "several orders", "key.weight [2, 2]", "--layers"]);
    scene.call("import q.safetensors --layers query.weight,key.weight -o q.toml").well();
    scene.call("import net.safetensors --activation gleu").refused(&["did you mean `gelu`?"]);
    scene.call("import net.pt").refused(&["E0501", ".safetensors"]);
}

/// Names of authors and other programs are accepted in any case; the key is written.
#[test]
fn names_of_the_field_are_understood() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy --topology Clements -o p.json").well();
    assert_eq!(scene.json("p.json")["topology"], "rectangular");
    scene.call("program u.npy --topology reck --cell 3-MZI -o q.json").well();
    assert_eq!(
        (&scene.json("q.json")["topology"], &scene.json("q.json")["cell"]),
        (&"triangular".into(), &"three_splitters".into())
    );
    let said = scene.call("convert p.json --to StrawberryFields -o s.json").well().out;
    assert!(said.contains("4×4, clements_middle,"), "{said}");
    assert_eq!(scene.json("s.json")["convention"], "clements_middle");
    assert!(scene.call("convert s.json --to Phaseloom -o back.json").well().out.contains("4×4, phaseloom,"));
    scene.call("program u.npy --topology clemens -o p.json").refused(&["E0306", "did you mean `clements`?"]);
    scene.write(
        "model.toml",
        scene.text("model.toml").replace("'relu'", "'LeakyReLU', slope = 0.1").replace(", slope", "\nslope"),
    );
    scene.experiment(
        "correction = 'Hardware-Error-Correction'\n[data]\ninputs = 'x.npy'\nlabels = 'y.npy'\n\
        [core]\nports = 4\ntopology = 'RECK'\ncell = 'mach-zehnder'\n[process.splitter_error]\nsigma_rad = 0.1\n",
    );
    scene.run(&[]).well();
    let written = scene.text("out/experiment.toml");
    for line in ["correction = \"local\"", "topology = \"triangular\""] {
        assert!(written.contains(line), "{line}: {written}");
    }
    let listed = run(["explain"]).well().out;
    assert!(listed.contains("also: clements, rectangle\n") && listed.contains("also: reck, triangle\n"), "{listed}");
}

#[test]
fn every_name_is_explained() {
    let listed = run(["explain"]).well().out;
    assert_eq!(listed, run(["list"]).well().out);
    let keys = "rectangular bell_walmsley splitter_error thermal_crosstalk adc offset photonic gelu fang_2019 E0104";
    for key in keys.split(' ') {
        assert!(listed.lines().any(|line| line.trim_start().starts_with(&format!("{key} "))), "{key}: {listed}");
        assert!(run(["explain", key]).well().out.contains(key), "{key}");
    }
    for (name, parts) in [
        (
            "process.splitter_error.sigma_rad",
            &["sigma_rad: key of [splitter_error], Process", "unit      rad", "0…10⁶"][..],
        ),
        ("trials", &["trials: key, Experiment", "default   `20`"]),
        ("accuracy_q50", &["accuracy: column", "Median of the score over chips"]),
        ("layer2_matrix_error", &["layer<i>_matrix_error"]),
        ("Clements", &["rectangular: topology", "clements: convention", "also      clements, rectangle"]),
        ("swish", &["silu: layer", "x / (1 + exp(-x))"]),
        ("slope", &["leaky_relu"]),
        ("preset:mems-silicon", &["# State of calibration", "[phase_shifter]"]),
        ("topology", &["topologies\n", "also: reck"]),
        ("Layers", &["layers\n", "also: swish"]),
        ("process", &["[splitter_error]", "[insertion_loss]"]),
        ("e0305", &["E0305", "not unitary within the tolerance", "remedy", "--form svd"]),
        ("local", &["local: correction"]),
        ("perfect_real", &["perfect mesh"]),
    ] {
        let text = run(["explain", name]).well().out;
        for part in parts {
            assert!(text.contains(part), "{name}, {part}: {text}");
        }
        // A preset is a file.
        let wide = |line: &&str| line.chars().count() > 80 && !name.starts_with("preset:");
        assert_eq!(text.lines().find(wide), None, "{name}");
    }
    for (name, parts) in [
        ("class", &["classes.csv"][..]),
        ("predicted", &["confusion.csv"]),
        ("count", &["confusion.csv", "Number of samples"]),
        ("infidelity_se", &["infidelity: column", "<column>_se", "Standard error of the mean"]),
        ("error_q90", &["90 % quantile"]),
        ("agree", &["heading on the terminal", "agreement: share of samples"]),
        ("sweep", &["sweep: command", "`phaseloom sweep --help`"]),
        ("explain", &["explain: command"]),
    ] {
        let text = run(["explain", name]).well().out;
        assert!(parts.iter().all(|part| text.contains(part)), "{name}: {text}");
    }
    for name in ["", "sigma_rad", "topology", "mems-silicon", "run"] {
        let arguments = ["explain", name, "--format", "json"];
        let text = run(arguments.into_iter().filter(|argument| !argument.is_empty())).well().out;
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = value["explanations"].as_array().unwrap();
        let is_text = |row: &serde_json::Value, key: &str| row[key].as_str().is_some_and(|text| !text.is_empty());
        let keys = ["name", "kind", "text"];
        assert!(!rows.is_empty() && rows.iter().all(|row| keys.iter().all(|key| is_text(row, key))), "{name}: {text}");
    }
    let commands = run(["--help"]).well().out;
    let commands = commands.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    // Names are two spaces from the margin, further lines of a text more.
    let commands = commands.take_while(|line| line.starts_with("  ")).filter(|line| !line.starts_with("   "));
    for command in commands.filter_map(|line| line.split_whitespace().next()) {
        assert!(command == "help" || run(["explain", command]).well().out.contains("command"), "{command}");
    }
    let scene = Scene::new();
    scene
        .call("chip preset:mems-silicn --core 4 --seed 1")
        .refused(&["`preset:mems-silicn`", "did you mean `preset:mems-silicon`?"]);
    assert!(run(["explain"]).well().out.lines().all(|line| line.chars().count() <= 80));
    run(["explain", "sigma_rat"]).refused(&["`sigma_rat`", "did you mean `sigma_rad`"]);
}

#[test]
fn every_message_of_an_error_has_a_code() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.write("bad.toml", "trials = ");
    scene.write("value.toml", scene.text("experiment.toml").replace("trials = 2", "trials = 0"));
    for (command, code) in [
        ("run", "E0001"),
        ("run a.toml --shard x", "E0001"),
        ("runn", "E0001"),
        ("run nowhere.toml", "E0102"),
        ("run bad.toml", "E0103"),
        ("run value.toml", "E0104"),
        ("matrix model.toml", "E0105"),
        ("program u.npy --topology x -o p.json", "E0306"),
        ("correct p.json --chip c.json --method x", "E0408"),
        ("explain nothing_of_this_name", "E0001"),
    ] {
        let ended = scene.call(command);
        assert_eq!(ended.code, Some(2), "{command}: {}", ended.err);
        assert!(ended.err.contains(&format!("error[{code}]: ")), "{command}: {}", ended.err);
        assert!(run(["explain", code]).well().out.contains("remedy"), "{code}");
    }
}
