//! How results are printed: widths, formats, standard input and output, messages, and folders that belong to others.

use super::support::{CORE, DATA, Ended, LINK, SWEEP, Scene, npy_real, phaseloom, read, wait};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::Stdio;

/// A folder with a unitary, its program and a chip with heaters.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    scene.chip("[splitter_error]\nsigma_rad = 0.05\n[phase_shifter]\npower_pi_w = 0.02\n");
    scene
}

/// Commands that print results, with the key of a number in their JSON.
const COMMANDS: [(&str, &str); 11] = [
    ("run experiment.toml -o out --trials 3", "/summary/9/accuracy_mean"),
    ("merge out -o merged", "/summary/4/accuracy_q10"),
    ("sweep u.npy --vary splitter_error.sigma_rad=0,0.1 --trials 3 -o curve", "/summary/3/infidelity_mean"),
    ("program u.npy", "/gain"),
    ("convert program.json --to clements", "/absolute_error"),
    ("chip process.toml --program program.json --seed 1", "/cells"),
    ("matrix program.json --chip chip.json", "/matrix/15/im"),
    ("correct program.json --chip chip.json --effort 0.05", "/methods/1/heater_power_w"),
    ("compare --modes 4 --trials 2 -o meshes", "/table/0/before_mean"),
    ("validate --quick --only cell -o page", "/claims/0/measured"),
    ("calibrate calibrated.toml -o scales.json", "/layers/1/input_scale"),
];

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
}

#[test]
fn every_command_prints_at_most_80_columns_json_and_csv() {
    let scene = scene();
    scene.experiment(&format!("{DATA}{CORE}{LINK}{SWEEP}[calibration]\ndata = {{ inputs = 'x.npy' }}\n"));
    fs::rename(scene.path("experiment.toml"), scene.path("calibrated.toml")).unwrap();
    scene.experiment(&format!("{DATA}{CORE}{LINK}{SWEEP}"));
    for (command, key) in COMMANDS {
        let text = scene.call(command).well().out;
        let too_wide = text.lines().find(|line| line.chars().count() > 80);
        assert!(too_wide.is_none(), "{command}: {}", too_wide.unwrap_or_default());
        assert!(!text.contains('\u{1b}'), "{command}: colours in a pipe");
        let value = json(&scene.call(&format!("{command} --format json")).well());
        assert!(value.pointer(key).is_some_and(Value::is_number), "{command}: no number {key} in {value}");
        let csv = scene.call(&format!("{command} --format csv")).well().out;
        let mut lines = csv.lines();
        let columns = lines.next().unwrap().split(',').count();
        assert!(lines.clone().count() > 0 && !csv.contains('#'), "{command}: {csv}");
        // Cells with quoted commas aside, all rows have the cells of the header.
        assert!(lines.filter(|line| !line.contains('"')).all(|line| line.split(',').count() == columns), "{command}");
    }
}

#[test]
fn numbers_of_json_and_csv_are_those_of_the_matrix() {
    let scene = scene();
    let realised = scene.matrix("program.json --chip chip.json");
    let value = json(&scene.call("matrix program.json --chip chip.json --format json").well());
    for entry in value["matrix"].as_array().unwrap() {
        let at = |key: &str| entry[key].as_u64().unwrap() as usize;
        let z = realised[(at("row"), at("column"))];
        assert_eq!(
            [entry["re"].as_f64().unwrap(), entry["im"].as_f64().unwrap()].map(f64::to_bits),
            [z.re, z.im].map(f64::to_bits)
        );
    }
    let csv = scene.call("matrix program.json --chip chip.json --format csv").well().out;
    let row: Vec<&str> = csv.lines().nth(6).unwrap().split(',').collect();
    assert_eq!(row[..2], ["1", "1"]);
    assert_eq!(row[2].parse::<f64>().unwrap().to_bits(), realised[(1, 1)].re.to_bits());
}

/// The table of a run: a title, the long keys once, references as rows of their own; all statistics with `--wide`.
#[test]
fn the_table_of_a_run_names_long_keys_once() {
    let scene = Scene::new();
    let sweep =
        "[[sweep]]\nkeys = ['process.splitter_error.sigma_rad', 'process.phase_error.sigma_rad']\nvalues = [0, 0.1]\n";
    scene.experiment(&format!("name = 'small'\n{DATA}{CORE}{LINK}{sweep}"));
    let out = scene.run(&[]).well().out;
    assert!(out.starts_with("small · 2 cores of 4×4 · 40 samples\n"), "{out}");
    assert_eq!(out.matches("splitter_error.sigma_rad").count(), 1, "{out}");
    for start in ["floating point ", "perfect mesh ", "digital, same bits "] {
        assert_eq!(out.lines().filter(|line| line.starts_with(start)).count(), 1, "{start}: {out}");
    }
    let chips: Vec<&str> = out.lines().filter(|line| line.contains(" … ")).collect();
    assert_eq!(chips.len(), 2, "{out}");
    assert!(chips[1].trim_start().starts_with("0.1 ") && chips[1].split_whitespace().nth(1) == Some("2"), "{out}");
    assert!(!out.contains("MZIs/core"));
    assert!(scene.run(&["--layers"]).well().out.contains("MZIs/core"));
    let wide = scene.run(&["--wide"]).well().out;
    assert!(wide.contains("MZIs/core") && wide.contains("imperfect chips") && wide.contains("std. error"), "{wide}");
}

/// Grids of several axes, long values and other tasks than classification fit too.
#[test]
fn every_table_of_a_run_fits() {
    let scene = Scene::new();
    let folder = "a folder with a name that is much longer than a column of a table";
    fs::create_dir(scene.path(folder)).unwrap();
    fs::copy(scene.path("x.npy"), scene.path(folder).join("x.npy")).unwrap();
    let process = "[process.splitter_error]\nsigma_rad = 0.1\n";
    let axis = |key: &str, values: &str| format!("[[sweep]]\nkeys = ['{key}']\nvalues = {values}\n");
    let grid = [
        axis("process.splitter_error.sigma_rad", "[0.01, 0.123456789]"),
        axis("process.phase_error.sigma_rad", "[0.0, 1e-9]"),
        axis("data.inputs", &format!("['x.npy', '{folder}/x.npy']")),
    ];
    for (k, tables) in [
        format!("{DATA}{CORE}{}", grid.concat()),
        format!("[data]\ninputs = 'x.npy'\n{CORE}{process}{}", grid[1]),
        format!("[data]\ninputs = 'x.npy'\ntargets = 't.npy'\n{CORE}{process}{}", grid[1]),
        format!("trials = 1\n{DATA}{CORE}{process}").replace("trials = 2", ""),
    ]
    .iter()
    .enumerate()
    {
        let values: Vec<[f64; 2]> = (0..40).map(|i| [f64::from(i).sin(), 1e-7 * f64::from(i)]).collect();
        scene.write("t.npy", npy_real(&values));
        if let Some(rest) = tables.strip_prefix("trials = 1\n") {
            scene.write("experiment.toml", format!("model = 'model.toml'\ntrials = 1\n{rest}"));
        } else {
            scene.experiment(tables);
        }
        let out = scene.call(&format!("run experiment.toml -o out{k}")).well().out;
        assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
        assert!(out.contains("vs reference"), "{out}");
    }
}

#[test]
#[cfg(unix)]
fn a_dash_is_standard_input_or_output() {
    let scene = scene();
    let through = |arguments: &str, input: &[u8]| -> Vec<u8> {
        let mut command = phaseloom();
        command.current_dir(&scene.0).args(arguments.split(' '));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let matrix = fs::read(scene.path("u.npy")).unwrap();
    let program = through("program - -o -", &matrix);
    assert_eq!(program, fs::read(scene.path("program.json")).unwrap());
    scene.write("back.npy", through("matrix - -o -", &program));
    let (back, u) = (read(&scene.path("back.npy")), read(&scene.path("u.npy")));
    assert!((back - u).norm() < 1e-12);
    let converted = through("convert - --to clements -o -", &program);
    scene.write("converted.json", through("convert - --to phaseloom -o -", &converted));
    scene.call("matrix converted.json --target program.json").well();
    // Every matrix, program, chip and process may be standard input.
    let sweep = "--vary splitter_error.sigma_rad=0,0.1 --trials 2 -o";
    scene.call(&format!("sweep u.npy {sweep} file")).well();
    through(&format!("sweep - {sweep} piped"), &matrix);
    assert_eq!(scene.text("file/table.csv"), scene.text("piped/table.csv"));
    // The same input resumes it, also by its folder.
    through("run piped --trials 3", &matrix);
    through("sweep - --trials 2", &program);
    let folders: Vec<_> = fs::read_dir(scene.path("phaseloom-runs")).unwrap().collect();
    assert!(folders[0].as_ref().unwrap().file_name().to_string_lossy().starts_with("stdin-"), "{folders:?}");
    let process = fs::read(scene.path("process.toml")).unwrap();
    through("sweep u.npy --process - --trials 2 -o of_process", &process);
    scene.call("sweep u.npy --process process.toml --trials 2 -o of_file").well();
    assert_eq!(scene.text("of_process/table.csv"), scene.text("of_file/table.csv"));
    through("chip - --core 4 --seed 1", &process);
    through("matrix program.json --process - --seed 1", &process);
    through("matrix program.json --target -", &matrix);
    through("matrix program.json --target -", &program);
    let chip = fs::read(scene.path("chip.json")).unwrap();
    through("draw program.json --chip - -o mesh.svg", &chip);
    through("correct program.json --chip - --method local", &chip);
    scene.call("sweep - --process - --trials 2").refused(&["found `-` twice"]);
    for command in ["run -", "train -", "calibrate -", "spectra -", "import -", "new -"] {
        scene.call(command).refused(&["found `-`, standard", "expected"]);
    }
    let chip = through("chip - --program program.json --seed 4 -o -", &fs::read(scene.path("process.toml")).unwrap());
    assert_eq!(chip, fs::read(scene.path("chip.json")).unwrap());
    let corrected = through("correct - --chip chip.json --method local -o -", &program);
    assert!(String::from_utf8(corrected).unwrap().contains("phaseloom-program"));
    assert!(through("draw - -o -", &program).starts_with(b"<svg"));
    for (arguments, parts) in [
        ("run -", &["the experiment", "`-`", "expected a file"][..]),
        ("calibrate -", &["the experiment", "`-`"]),
        ("train -", &["the training", "`-`"]),
        ("run experiment.toml -o -", &["-o", "`-`", "a folder"]),
        ("compare -o -", &["-o", "`-`", "a folder"]),
        ("correct - --chip -", &["`-` twice"]),
    ] {
        let mut command = phaseloom();
        command.current_dir(&scene.0).args(arguments.split(' '));
        wait(&mut command).refused(parts);
    }
    assert!(!scene.path("-").exists());
}

#[test]
fn without_o_a_file_is_a_summary_and_a_folder_has_a_default() {
    let scene = scene();
    let before = fs::read_dir(&scene.0).unwrap().count();
    for (command, start) in [
        ("program u.npy", "4×4 matrix"),
        ("convert program.json --to clements", "4×4, clements"),
        ("chip preset:ideal --core 4 --seed 1", "chip of "),
        ("draw program.json", "4×4 matrix, rectangular"),
    ] {
        assert!(scene.call(command).well().out.starts_with(start), "{command}");
        assert_eq!(fs::read_dir(&scene.0).unwrap().count(), before, "{command} wrote a file");
    }
    scene.call("compare --modes 4 --trials 2").well();
    scene.call("validate --quick --only cell").well();
    assert!(scene.path("phaseloom-runs/compare/table.csv").exists());
    assert!(scene.path("phaseloom-runs/validate/claims.csv").exists());
    scene.call("run experiment.toml --shard 1/2 -o runs/a-1-of-2").well();
    scene.call("run experiment.toml --shard 2/2 -o runs/a-2-of-2").well();
    scene.call("merge runs/a-1-of-2 runs/a-2-of-2").well();
    assert!(scene.path("phaseloom-runs/a/summary.csv").exists());
    scene.call("merge out").refused(&["out", "-K-of-N"]);
}

/// A folder with files of others is refused before any work, and what is in it stays.
#[test]
fn folders_of_others_are_not_written_to() {
    let scene = Scene::new();
    scene.run(&[]).well();
    let table = scene.text("out/table.csv");
    fs::create_dir(scene.path("mine")).unwrap();
    scene.write("mine/README.md", "my notes");
    for (command, folder) in [
        ("compare --modes 4 --trials 2", "out"),
        ("compare --modes 4 --trials 2", "mine"),
        ("validate --quick --only cell", "out"),
        ("validate --quick --only cell", "mine"),
        ("run experiment.toml", "mine"),
    ] {
        scene.call(&format!("{command} -o {folder}")).refused(&[folder]);
    }
    assert_eq!(scene.text("out/table.csv"), table);
    assert_eq!(scene.text("mine/README.md"), "my notes");
    assert_eq!(fs::read_dir(scene.path("mine")).unwrap().count(), 1);
    // Its own folder is written again, but no other command's.
    scene.call("compare --modes 4 --trials 2 -o meshes").well();
    scene.call("compare --modes 4 --trials 3 -o meshes").well();
    scene.call("validate --quick --only cell -o meshes").refused(&["meshes", "phaseloom validate"]);
    scene.call("run experiment.toml -o meshes").refused(&["meshes"]);
    // A folder of manual pages holds those of others; only a page of this program is replaced.
    scene.call("man -o mine").well();
    scene.call("man -o mine").well();
    scene.write("mine/phaseloom-run.1", "my notes");
    scene.call("man -o mine").refused(&["phaseloom-run.1", "another file"]);
    assert_eq!(scene.text("mine/README.md"), "my notes");
}

#[test]
fn quiet_verbose_and_colours() {
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}{CORE}[process.insertion_loss]\nloss_db = 8\n"));
    let normal = scene.run(&[]).well();
    assert!(normal.err.contains("note: ") && normal.err.contains("results in "), "{}", normal.err);
    let quiet = scene.run(&["-q"]).well();
    assert_eq!((quiet.err.as_str(), &quiet.out), ("", &normal.out));
    scene.unitary(4);
    assert!(!scene.call("program u.npy").well().err.contains("took"));
    let verbose = scene.call("-v program u.npy -o p.json").well().err;
    for part in ["read u.npy: 384 bytes, SHA-256 ", "wrote p.json", "took ", "memory at most "] {
        assert!(verbose.contains(part), "{part}: {verbose}");
    }
    scene.call("program u.npy -q -v").refused(&["--quiet", "--verbose"]);
    // An error is said also by a quiet command, and is coloured only where it is asked for.
    assert!(scene.call("program none.npy -q").refused(&["none.npy"]).err.starts_with("error[E"));
    let colored = scene.call("program none.npy --color always").err;
    assert!(colored.starts_with('\u{1b}') && colored.contains("error[E"), "{colored:?}");
    let marks = scene.call("validate --quick --only cell -o page --color always").well().out;
    assert!(marks.contains("\u{1b}[1m\u{1b}[32m✓\u{1b}[0m"), "{marks:?}");
    assert!(!scene.call("validate --quick --only cell -o page").well().out.contains('\u{1b}'));
}

/// Counts are whole numbers in JSON, and lists and tables are no texts.
#[test]
fn json_has_whole_numbers_and_structures() {
    let scene = scene();
    for (command, table, counts) in [
        ("run experiment.toml -o out", "summary", &["chips", "point"][..]),
        (
            "run experiment.toml -o out",
            "design",
            &["layer", "outputs", "inputs", "tiles", "zero_tiles", "cores", "depth"],
        ),
        ("run experiment.toml -o out", "classes", &["samples"]),
        ("sweep u.npy --vary phase_quantization.bits=4,6 --trials 2 -o curve", "summary", &["chips", "point"]),
        ("correct program.json --chip chip.json --effort 0.05", "methods", &["measurements", "steps"]),
        (
            "compare --modes 4 --trials 2 --topology reck -o meshes",
            "table",
            &["cells", "shifters", "depth", "crossings"],
        ),
        ("calibrate calibrated.toml -o scales.json", "layers", &["ports", "layer", "samples", "tiles"]),
    ] {
        scene.write("calibrated.toml", scene.text("experiment.toml") + "[calibration]\ndata = { inputs = 'x.npy' }\n");
        let text = scene.call(&format!("{command} --format json")).well().out;
        let value: Value = serde_json::from_str(&text).unwrap();
        for row in value[table].as_array().unwrap_or_else(|| panic!("{command}: no {table}")) {
            for count in counts {
                assert!(row[count].is_u64(), "{command}, {table}, {count}: {}", row[count]);
            }
        }
    }
    for command in ["run experiment.toml -o out", "sweep u.npy --vary phase_quantization.bits=4,6 --trials 2 -o curve"]
    {
        let value = json(&scene.call(&format!("{command} --format json")).well());
        assert!(value["sweep"].is_array() && value["settings"].is_object(), "{value}");
    }
    assert_eq!(scene.json("out/run.json")["settings"]["detection"], "homodyne");
    let size = json(&scene.call("run experiment.toml -o new --dry-run --format json").well());
    assert!(size["units"].is_u64() && size["memory_bytes"].is_u64(), "{size}");
}

/// What `-v` adds: every file with its hash, seed, threads, defaults, the order of named classes.
#[test]
fn verbose_runs_say_what_they_are_made_of() {
    let scene = Scene::new();
    let names: String = (0..40).map(|i| format!("{}.5,1,2,{}\n", i % 7, ["dog", "cat"][i % 2])).collect();
    scene.write("named.csv", names);
    let tables = format!("[data]\ninputs = 'named.csv'\n{CORE}[process.splitter_error]\nsigma_rad = 0.1\n");
    scene.experiment(&tables);
    let said = scene.run(&["-v", "--threads", "2"]).well().err;
    let sha256 = &scene.json("out/identity.json")["inputs"]["data: named.csv"];
    for part in [
        &format!("named.csv: {} bytes, SHA-256 {}", scene.text("named.csv").len(), sha256.as_str().unwrap()),
        "seed 1, trials 2, threads 2",
        "core.topology = \"rectangular\"",
        "shots = 1",
        "classes: 0 = cat, 1 = dog",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let defaults = said.lines().find(|line| line.starts_with("defaults: ")).unwrap();
    for given in ["trials", "core.ports", "splitter_error.sigma_rad", "data."] {
        assert!(!defaults.contains(given), "{given} is given: {defaults}");
    }
    assert_eq!(scene.json("out/run.json")["class_names"], serde_json::json!(["cat", "dog"]));
    let experiment = scene.text("experiment.toml");
    scene.write("experiment.toml", experiment.replace("named.csv", "absent.csv"));
    scene.run(&[]).refused(&["line 3: `data`", "absent.csv", "No such file"]);
    scene.write("experiment.toml", experiment.replace("model.toml", "absent.toml"));
    scene.run(&[]).refused(&["line 1: `model`", "absent.toml", "No such file"]);
    scene.write("model.toml", scene.text("model.toml").replace("w.safetensors", "absent.npz"));
    scene.write("experiment.toml", experiment);
    scene.run(&[]).refused(&["model.toml", "`weights`", "absent.npz"]);
}

/// The CSV files of a run have a header and rows, nothing else; `run.json` says where they come from.
#[test]
fn csv_files_are_plain() {
    let scene = scene();
    scene.run(&[]).well();
    scene.call("compare --modes 4 --trials 2 -o meshes").well();
    scene.call("validate --quick --only cell -o page").well();
    for name in ["out/table.csv", "out/summary.csv", "out/design.csv", "meshes/table.csv", "page/claims.csv"] {
        let text = scene.text(name);
        assert!(!text.starts_with('#') && !text.contains("\n#"), "{name}");
        assert!(!text.contains("0.00000"), "{name}: a number without exponent: {text}");
    }
    let out = scene.json("out/run.json");
    assert_eq!((&out["command"], &out["seed"]), (&"run".into(), &1.into()));
    assert_eq!(out["identity"], scene.json("out/identity.json")["identity"]);
    assert_eq!(scene.json("meshes/run.json")["modes"], 4);
    // The footer of a figure names where its numbers come from.
    let identity = out["identity"].as_str().unwrap();
    assert!(scene.text("out/figure.svg").contains(&identity[..12]));
    let gain: f64 = json(&scene.call("program u.npy --format json").well())["gain"].as_f64().unwrap();
    assert!((gain - 1.0).abs() < 1e-12, "{gain}");
}
