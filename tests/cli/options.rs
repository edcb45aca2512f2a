//! Every option of every command has an effect that can be seen, or is refused.

use super::support::{CORE, DATA, LINK, SWEEP, Scene, npy_real, run};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Options that change no result, or are tested in `output` and `figures`.
const COMMON: [&str; 6] = ["format", "quiet", "verbose", "color", "help", "version"];

/// A command, with options each of which must change what it prints or writes.
const COMMANDS: [(&str, &[&str]); 22] = [
    ("new made", &["--example unitary"]),
    ("generate haar 4", &["--seed 2", "--real", "-o made.npy"]),
    (
        "import net.safetensors",
        &["--activation tanh", "--layout in-out", "--layers w1,w2", "--input-shape 5", "-o made.toml"],
    ),
    (
        "run experiment.toml -o made",
        &[
            "--trials 3",
            "--seed 5",
            "--shard 1/2",
            "--save-outputs 0",
            "--dry-run",
            "--layers",
            "--classes",
            "--wide",
            "--pdf",
            "--width 90mm",
            "--no-title",
            "--no-footer",
        ],
    ),
    (
        "cost costs.toml -o made",
        &[
            "--vary cost.batch=1,2",
            "--library devices.toml",
            "--point 1",
            "--trials 1",
            "--seed 5",
            "--pdf",
            "--width 90mm",
            "--no-title",
            "--no-footer",
        ],
    ),
    ("merge out -o made", &["--layers", "--classes", "--wide", "--pdf", "--width 90mm", "--no-title", "--no-footer"]),
    (
        "sweep u.npy --vary splitter_error.sigma_rad=0.1,0.2 --trials 2 -o made",
        &[
            "--process process.toml",
            "--chip chip.json",
            "--vary phase_error.sigma_rad=0.1,0.2",
            "--trials 3",
            "--seed 2",
            "--correction local",
            "--topology reck",
            "--cell crossing",
            "--form svd",
            "--shard 1/2",
            "--dry-run",
            "--pdf",
            "--width 90mm",
            "--no-title",
            "--no-footer",
        ],
    ),
    ("report out -o made.html", &["--template mine.html"]),
    (
        "program u.npy",
        &[
            "--form svd",
            "--nearest-unitary",
            "--unitary-within 0.01",
            "--topology reck",
            "--cell crossing",
            "-o made.json",
        ],
    ),
    ("convert program.json", &["--to clements", "-o made.json"]),
    (
        "chip process.toml --core 4 --seed 1 -o made.json",
        &[
            "--core 5",
            "--seed 2",
            "--trial 1",
            "--topology reck",
            "--cell crossing",
            "--program program.json",
            "--from measured.csv",
            "--crosstalk k.csv",
            "--tile 1",
            "--point 1",
        ],
    ),
    (
        "heaters program.json --calibration heaters.csv -o made.csv",
        &[
            "--calibration half.csv",
            "--chip none.json",
            "--wiring heaters.csv",
            "--bits 8 --max-volts 5",
            "--read drive.csv",
            "--by phase",
        ],
    ),
    (
        "correct program.json --chip chip.json",
        &["--chip none.json", "--method local", "--noise 0.2", "--seed 9", "--effort 0.05", "-o made.json"],
    ),
    (
        "matrix program.json",
        &["--chip chip.json", "--process process.toml --seed 1 --trial 2", "--target u.npy", "-o made.npy"],
    ),
    (
        "compare --modes 4 --trials 2 --topology clements -o made",
        &[
            "--modes 5",
            "--trials 3",
            "--seed 2",
            "--process process.toml",
            "--topology reck",
            "--pdf",
            "--width 90mm",
            "--no-title",
            "--no-footer",
        ],
    ),
    (
        "yield u.npy --process process.toml --fidelity 0.9 --half-width 0.4 --trials 60 -o made",
        &[
            "--process preset:mems-silicon",
            "--accuracy 0.9",
            "--rms-error 0.1",
            "--drop 0.1",
            "--output-difference 0.1",
            "--matrix-error 0.1",
            "--fidelity 0.95",
            "--half-width 0.01",
            "--trials 30",
            "--seed 2",
            "--correction local",
            "--shard 1/2",
            "--pdf",
            "--width 90mm",
            "--no-title",
            "--no-footer",
        ],
    ),
    (
        "tolerance u.npy --process process.toml --fidelity 0.9 --vary phase_error.sigma_rad=0.01:2 --trials 3 -o made",
        &[
            "--process preset:mems-silicon",
            "--accuracy 0.9",
            "--rms-error 0.1",
            "--drop 0.1",
            "--output-difference 0.1",
            "--matrix-error 0.1",
            "--fidelity 0.95",
            "--vary phase_error.sigma_rad=0.01:1",
            "--scale splitter_error.sigma_rad=0.1:10",
            "--yield 0.5",
            "--trials 4",
            "--seed 2",
            "--correction local",
            "--shard 1/2",
            "--pdf",
            "--width 90mm",
            "--no-title",
            "--no-footer",
        ],
    ),
    (
        "budget experiment.toml --trials 2 -o made",
        &[
            "--process process.toml",
            "--trials 3",
            "--map-samples 0",
            "--map-chips 1",
            "--orders 0",
            "--seed 2",
            "--correction local",
            "--shard 1/2",
            "--pdf",
            "--width 90mm",
            "--no-title",
            "--no-footer",
        ],
    ),
    ("draw program.json -o made.svg", &["--input 0", "--chip chip.json", "--width 90mm", "--no-title"]),
    ("validate --only cell -o made", &["--quick", "--only nothing", "--seed 3"]),
    ("calibrate calibrated.toml", &["-o made.json"]),
    ("explain", &[]),
];

/// All that a command prints and writes, but for times.
fn seen(scene: &Scene, command: &str) -> String {
    let made = ["made", "made.npy", "made.json", "made.toml", "made.svg", "made.csv", "made.html"]
        .map(|name| scene.path(name));
    for path in &made {
        let _ = fs::remove_dir_all(path);
        let _ = fs::remove_file(path);
    }
    let ended = scene.call(command);
    assert!(matches!(ended.code, Some(0 | 2)), "{command}: {}", ended.err);
    let mut seen = format!("{:?}{}{}", ended.code, ended.out, ended.err);
    made.iter().for_each(|path| add_files(path, &mut seen));
    seen
}

/// A command without an option and its value.
fn without(command: &str, option: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    let at = words.iter().position(|word| *word == option);
    let is_kept = |index: &usize| at.is_none_or(|at| *index != at && *index != at + 1);
    (0..words.len()).filter(is_kept).map(|index| words[index]).collect::<Vec<_>>().join(" ")
}

fn add_files(path: &Path, seen: &mut String) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|path| add_files(path, seen));
    } else if path.is_file() && !["provenance.json", "report.html"].iter().any(|name| path.ends_with(name)) {
        *seen += &format!("{} {:?}", path.display(), fs::read(path).unwrap());
    }
}

#[test]
fn every_option_has_an_effect() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    scene.chip("[splitter_error]\nsigma_rad = 0.05\n[phase_shifter]\npower_pi_w = 0.02\n");
    let tensors = [("w1", &[4, 3][..], vec![1.0; 12]), ("w2", &[2, 4], vec![2.0; 8])];
    scene.write("net.safetensors", super::support::safetensors(&tensors));
    scene.experiment(&format!("{DATA}{CORE}{LINK}[calibration]\ndata = {{ inputs = 'x.npy' }}\n"));
    fs::rename(scene.path("experiment.toml"), scene.path("calibrated.toml")).unwrap();
    let cost = "[cost]\nsamples = 40\nchips = 1\ndraws = 20\ncores = 1\n";
    scene.experiment(&format!("{DATA}{CORE}{LINK}{cost}{SWEEP}"));
    fs::rename(scene.path("experiment.toml"), scene.path("costs.toml")).unwrap();
    scene.write(
        "devices.toml",
        "[dram]\nj_per_bit = { value = 1e-11, unit = 'J/bit', status = 'found', source = 'mine' }\n",
    );
    scene.experiment(&format!("{DATA}{CORE}{LINK}{SWEEP}"));
    scene.run(&[]).well();
    scene.write("mine.html", "{{ title }}");
    scene.write("measured.csv", "stage,cell,splitter1_cross\nright,0,0.48\n");
    scene.write("k.csv", "1,2\n3,4\n");
    scene.write("heaters.csv", "heater,p_pi_mw,r_ohm\n1,20,500\n0,30,600\n");
    scene.write("half.csv", "heater,p_pi_mw\n1,20\n");
    scene.write("drive.csv", "heater,voltage_v,phase_rad\n0,2.5,0.3\n");
    for (command, options) in COMMANDS {
        let name = command.split(' ').next().unwrap();
        let help = run([name, "--help"]).well().out;
        let all: BTreeSet<&str> = help
            .lines()
            .filter_map(|line| {
                line.trim_start().strip_prefix("--").or_else(|| line.split_once(", --").map(|(_, rest)| rest))
            })
            .map(|rest| rest.split([' ', '=', '[']).next().unwrap_or(rest))
            .filter(|option| !COMMON.contains(option) && *option != "threads")
            .collect();
        let tested = |option: &&&str| {
            let words = options.iter().flat_map(|text| text.split(' ')).chain(command.split(' '));
            words.into_iter().any(|word| word == format!("--{option}") || (word == "-o" && **option == "output"))
        };
        let untested: Vec<_> = all.iter().filter(|option| !tested(option)).collect();
        assert!(untested.is_empty(), "{name}: no test of {untested:?}");
        let plain = seen(&scene, command);
        for option in options {
            let changed = format!("{} {option}", without(command, option.split(' ').next().unwrap()));
            assert!(seen(&scene, &changed) != plain, "{command} {option}: no effect");
        }
    }
}

/// An option that has no effect next to others is an error.
#[test]
fn options_without_effect_are_refused() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    let vary = "sweep u.npy --trials 1 -o none --vary";
    for (command, parts) in [
        ("generate dft 4 --seed 2".to_owned(), &["--seed", "dft", "only they are random"][..]),
        ("generate identity 4 --seed 1".to_owned(), &["--seed"]),
        (format!("{vary} correction=none,local --correction local"), &["--correction", "--vary correction"]),
        (format!("{vary} core.topology=rectangular,triangular --topology reck"), &["--topology"]),
        (format!("{vary} core.cell=mzi,crossing --cell mzi"), &["--cell", "--vary core.cell"]),
        (format!("{vary} core.topology=clements,rectangular"), &["core.topology", "clements", "the same settings"]),
        (format!("{vary} splitter_error.sigma_rad=0:0.1:0.03"), &["0.09 or 0.12"]),
        (format!("{vary} splitter_error.sigma_rad=0,0.1 --dry-run --pdf"), &["--pdf", "--dry-run"]),
        ("run experiment.toml --dry-run --wide".to_owned(), &["--wide", "--dry-run"]),
        ("draw program.json --no-title".to_owned(), &["--no-title", "-o"]),
    ] {
        scene.call(&command).refused(parts);
        assert!(!scene.path("none").exists(), "{command}");
    }
    scene.run(&["--trials", "3"]).well();
    scene.run(&["--trials", "2"]).refused(&["E0603"]);
    scene.run(&["--trials", "2", "--dry-run"]).refused(&["E0603"]);
}

/// What is no experiment is named, with the command or the key that takes it.
#[test]
fn files_that_are_no_experiment_name_the_right_command() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    scene.write("w.npz", b"PK\x03\x04 and so on");
    scene.write("net.onnx", b"\x08\x07\x12\x07pytorch");
    scene.write("process.toml", "[splitter_error]\nsigma_rad = 0.1\n");
    scene.write("x.csv", "1,2\n");
    for (name, parts) in [
        ("model.toml", &["phaseloom-model", "the key `model`", "phaseloom new"][..]),
        ("w.safetensors", &["safetensors", "phaseloom import", "phaseloom new"]),
        ("w.npz", &[".npz", "phaseloom import"]),
        ("net.onnx", &["ONNX", "the key `model`"]),
        ("u.npy", &[".npy", "phaseloom sweep", "the key `matrix`"]),
        ("program.json", &["phaseloom-program", "phaseloom sweep"]),
        ("process.toml", &["a process", "the key `process`"]),
    ] {
        scene.call(&format!("run {name}")).refused(&[&["E0611", name, "expected an experiment"], parts].concat());
        scene.call(&format!("calibrate {name}")).refused(&["E0611"]);
    }
    scene.call("run x.csv").refused(&["x.csv"]);
}

/// A run folder that was moved says how it finds its inputs again, and then goes on.
#[test]
fn a_moved_run_folder_says_what_to_do() {
    let scene = Scene::new();
    scene.call("run experiment.toml -o out").well();
    fs::create_dir_all(scene.path("elsewhere/deep")).unwrap();
    fs::rename(scene.path("out"), scene.path("elsewhere/deep/out")).unwrap();
    scene.call("run elsewhere/deep/out --trials 3").refused(&["E0613", "model.toml", "`base`", "elsewhere/deep/out"]);
    let file = "elsewhere/deep/out/experiment.toml";
    let text = scene.text(file);
    let base = text.lines().find(|line| line.starts_with("base = ")).unwrap().to_owned();
    scene.write(file, text.replace(&base, "base = \"../../..\""));
    scene.call("run elsewhere/deep/out --trials 3").well();
    // The shard of a folder is computed in that folder.
    scene.call("run elsewhere/deep/out --trials 5 --shard 2/2").well();
    let units = super::support::units(&scene.path("elsewhere/deep/out"));
    scene.call("run elsewhere/deep/out --trials 5").well();
    assert!(super::support::units(&scene.path("elsewhere/deep/out")) > units);
    assert!(!scene.path("phaseloom-runs").exists());
}

/// Messages about a wrong type name the key or its line, what was found and what was expected, in the words of files.
#[test]
fn wrong_types_of_every_key_are_named_in_plain_words() {
    let scene = Scene::new();
    scene.write("x.npy", npy_real(&[&[1.0, 2.0, 3.0]; 40]));
    let words = [
        "Number(",
        "String(",
        "Integer",
        "digit found",
        "Some(",
        "f64",
        "u64",
        "usize",
        "i64",
        "invalid ",
        "variant",
        "panicked",
        "struct ",
    ];
    let experiment = format!("{DATA}{CORE}{LINK}{SWEEP}");
    let values = ["'word'", "-1", "1.5", "true", "[1, 2]", "{ a = 1 }", "1e308", "9223372036854775807", "''", "[]"];
    let mut tables = vec![("model.toml", scene.text("model.toml"))];
    let process = "[process]\nphase_error = { sigma_rad = 0.1 }\nphase_quantization = { bits = 4 }\n";
    tables.push((
        "experiment.toml",
        format!("seed = 1\nshots = 1\nname = 'n'\nprecision = 'single'\ncorrection = 'none'\n{process}{experiment}"),
    ));
    let mut count = 0;
    for (file, text) in tables {
        let good = if file == "experiment.toml" { format!("model = 'model.toml'\ntrials = 2\n{text}") } else { text };
        for (index, line) in good.lines().enumerate().filter(|(_, line)| line.contains(" = ")) {
            for value in values {
                let (key, _) = line.split_once(" = ").unwrap();
                let bad = good.lines().enumerate().map(|(i, line)| match i == index {
                    true => format!("{key} = {value}\n"),
                    false => format!("{line}\n"),
                });
                scene.write(file, bad.collect::<String>());
                let ended = scene.call("run experiment.toml --dry-run");
                assert!(matches!(ended.code, Some(0 | 2)), "{key} = {value}: {}", ended.err);
                if ended.code == Some(2) {
                    count += 1;
                    let found = words.iter().find(|word| ended.err.contains(**word));
                    assert!(found.is_none(), "{key} = {value}: {}", ended.err);
                    let digits = ended.err.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
                    assert!(digits < 40, "{key} = {value}: {}", ended.err);
                    let says = |parts: &[&str]| parts.iter().any(|part| ended.err.contains(part));
                    // A tensor that is missing is named with its layer and the names that there are.
                    let complete = says(&["expected", "No such file", "name it once", "needs the tensor"]);
                    let placed = says(&[key, "line", "needs the tensor"]);
                    assert!(complete && placed, "{key} = {value}: {}", ended.err);
                }
            }
        }
        scene.write(file, good);
    }
    assert!(count > 100, "{count}");
}
