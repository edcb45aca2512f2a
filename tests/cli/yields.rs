//! `yield`, `tolerance` and `budget`: what they print, leave and refuse, a second start, shards.

use super::support::{CORE, DATA, Scene, cell, table, units};
use std::fs;

const ERRORS: &str = "[process]\nphase_error.sigma_rad = 0.1\nsplitter_error.sigma_rad = 0.1\n";

/// Two levels of splitter error.
const LEVELS: &str = "[[sweep]]\nkeys = ['process.splitter_error.sigma_rad']\nvalues = [0.02, 0.3]\n";

/// A matrix of four modes with a process, and an experiment with a network and two points.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.unitary(4);
    scene.write("process.toml", "[phase_error]\nsigma_rad = 0.05\n[splitter_error]\nsigma_rad = 0.05\n");
    scene.experiment(&format!("{DATA}{CORE}{ERRORS}{LEVELS}"));
    scene
}

/// Two calls leave and print the same table.
#[track_caller]
fn assert_same_table(scene: &Scene, first: (&str, &str), second: (&str, &str), name: &str) {
    let [one, other] = [first, second].map(|(command, folder)| {
        let printed = scene.call(&format!("{command} --format csv")).well().out;
        assert_eq!(printed, scene.text(&format!("{folder}/{name}.csv")), "{command}");
        printed
    });
    assert_eq!(one, other, "{first:?} {second:?}");
}

#[test]
fn a_yield_goes_on_where_it_stopped() {
    let scene = scene();
    let wide = scene.call("yield experiment.toml --drop 0.01 --half-width 0.2 -o out").well();
    let chips = |row: usize| cell(&table(&scene.path("out/yield.csv"))[row], "chips").to_owned();
    assert_eq!((chips(0), chips(1)), ("40".to_owned(), "40".to_owned()));
    for part in ["loss of the score ≤ 0.01", "test set is fixed", "95 % interval", "Wilson", "are independent"] {
        assert!(wide.joined().contains(part), "{part}: {}", wide.out);
    }
    for name in ["yield.csv", "figure-yield.svg", "table.csv", "summary.csv", "units.jsonl", "provenance.json"] {
        assert!(scene.path("out").join(name).is_file(), "{name}");
    }
    // The share is that of the chips in the table of the run.
    let exact: f64 = cell(&table(&scene.path("out/table.csv"))[0], "accuracy").parse().unwrap();
    let passes = |point: &str| {
        let rows = table(&scene.path("out/table.csv"));
        let chips = rows.iter().filter(|row| cell(row, "row") == "chips" && cell(row, "point") == point);
        chips.filter(|row| exact - cell(row, "accuracy").parse::<f64>().unwrap() <= 0.01 + 1e-9).count().to_string()
    };
    for row in table(&scene.path("out/yield.csv")) {
        assert_eq!(cell(&row, "passes"), passes(cell(&row, "point")));
    }
    let known = units(&scene.path("out"));
    // The folder knows its criterion; another criterion computes nothing.
    scene.call("yield out --half-width 0.2").well();
    scene.call("yield out --half-width 0.2 --accuracy 0.1").well();
    assert_eq!(units(&scene.path("out")), known);
    // A narrower interval adds chips. A line that an interruption has cut off is computed again.
    scene.call("yield experiment.toml --drop 0.01 --half-width 0.1 -o out").well();
    assert!(units(&scene.path("out")) > known && units(&scene.path("out")).is_multiple_of(2));
    let (text, csv) = (scene.text("out/units.jsonl"), scene.text("out/yield.csv"));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    scene.write("out/units.jsonl", lines[..lines.len() - 7].concat());
    fs::remove_file(scene.path("out/yield.csv")).unwrap();
    scene.call("yield experiment.toml --drop 0.01 --half-width 0.1 -o out").well();
    assert_eq!((scene.text("out/yield.csv"), units(&scene.path("out"))), (csv, lines.len()));
    // Fewer chips than there are.
    scene.call("yield experiment.toml --drop 0.01 --trials 30 -o out").refused(&["E0603"]);
    let said = scene.call("yield experiment.toml --drop 0.01 --trials 41 --half-width 0.01 -o more").well();
    assert!(said.err.contains("--trials 41 ended the sampling"), "{}", said.err);
}

#[test]
fn tables_are_printed_as_csv_and_json() {
    let scene = scene();
    for (command, name, column, again) in [
        (
            "yield u.npy --process process.toml --fidelity 0.98 --half-width 0.3 -o",
            "yield",
            "yield_low",
            "--half-width 0.3",
        ),
        (
            "tolerance u.npy --process process.toml --matrix-error 0.2 --vary phase_error.sigma_rad=0.01:1 --trials 5 -o",
            "tolerance",
            "tolerance",
            "--yield 0.9",
        ),
        ("budget u.npy --process process.toml --trials 3 -o", "budget", "shapley_se", "--trials 3"),
    ] {
        assert_same_table(
            &scene,
            (&format!("{command} {name}"), name),
            (&format!("{name} {name} {again}"), name),
            name,
        );
        let json: serde_json::Value =
            serde_json::from_str(&scene.call(&format!("{name} {name} {again} --format json")).well().out).unwrap();
        let rows = json[name].as_array().unwrap_or_else(|| panic!("{json}"));
        assert!(rows[0][column].is_number(), "{json}");
        assert!(
            json["sentences"].as_array().is_some_and(|all| !all.is_empty()) || json.to_string().contains("chips"),
            "{json}"
        );
    }
    // Each chip and the curve of the yield over the level.
    assert_eq!(table(&scene.path("tolerance/critical.csv")).len(), 5);
    assert!(scene.path("tolerance/figure-tolerance.svg").is_file() && scene.path("budget/figure-budget.svg").is_file());
    // Without -o, the folder is named after the subject and the options.
    scene.call("yield experiment.toml --drop 0.01 --half-width 0.3").well();
    scene.call("budget u.npy --process process.toml --trials 2").well();
    let names: Vec<String> = fs::read_dir(scene.path("phaseloom-runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().any(|name| name.ends_with("-experiment-yield")), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("u-budget-")), "{names:?}");
}

#[test]
fn shards_merge_to_the_same_table() {
    let scene = scene();
    for (name, again, command) in [
        ("yield", "--trials 42 --half-width 0.001", "yield experiment.toml --drop 0.01 --trials 42 --half-width 0.001"),
        (
            "tolerance",
            "--trials 3",
            "tolerance experiment.toml --drop 0.01 --vary phase_error.sigma_rad=0.01:2 --trials 3",
        ),
        ("budget", "--trials 3", "budget experiment.toml --trials 3"),
    ] {
        for shard in ["1/2", "2/2"] {
            let part = format!("{name}-{}", &shard[..1]);
            let said = scene.call(&format!("{command} --shard {shard} -o {part}")).well();
            assert!(said.out.is_empty() && said.err.contains(&format!("phaseloom {name}")), "{}", said.err);
        }
        scene.call(&format!("merge {name}-1 {name}-2 -o {name}-whole")).well();
        let text = |folder: &str| scene.call(&format!("{command} -o {folder} --format csv")).well().out;
        assert_eq!(text(&format!("{name}-whole")), text(&format!("{name}-one")), "{name}");
        let whole = scene.call(&format!("{name} {name}-whole {again} --format csv")).well();
        assert_eq!(whole.out, text(&format!("{name}-one")), "{name}");
    }
}

#[test]
fn tolerances_of_one_key_of_several_and_of_bits() {
    let scene = scene();
    let base = "tolerance u.npy --process process.toml --matrix-error 0.3 --trials 20 --format csv -o";
    let number = |options: &str, folder: &str| {
        scene.call(&format!("{base} {folder} {options}")).well();
        let row = table(&scene.path(folder).join("tolerance.csv")).remove(0);
        cell(&row, "tolerance").parse::<f64>().unwrap_or_else(|_| panic!("{row:?}"))
    };
    let both = number("--scale phase_error.sigma_rad=splitter_error.sigma_rad=0.1:10", "both");
    let vary = number("--vary phase_error.sigma_rad=splitter_error.sigma_rad=0.005:0.5", "vary");
    // The process has 0.05 rad of both.
    assert!((0.05 * both / vary - 1.0).abs() < 0.003, "{both} {vary}");
    // A higher yield takes smaller errors, on the same chips.
    let strict = number("--vary phase_error.sigma_rad=splitter_error.sigma_rad=0.005:0.5 --yield 0.99", "vary");
    assert!(strict < vary, "{strict} {vary}");
    let bits = number("--vary phase_quantization.bits=10:2", "bits");
    assert!((3.0..10.0).contains(&bits) && bits.fract().abs() < 1e-12, "{bits}");
    let row = table(&scene.path("bits/tolerance.csv")).remove(0);
    let next: f64 = cell(&row, "next_level").parse().unwrap();
    assert!((next - (bits - 1.0)).abs() < 1e-12, "{next}");
    assert!(cell(&row, "next_share").parse::<f64>().unwrap() < 0.9);
    // Ends of the range.
    let said = |vary: &str, folder: &str| {
        scene.call(&format!(
            "tolerance u.npy --process process.toml --matrix-error 0.3 --trials 20 -o {folder} --vary {vary}"
        ))
    };
    assert!(said("phase_error.sigma_rad=1e-4:1e-3", "low").well().joined().contains("try a worse last level"));
    assert!(said("phase_error.sigma_rad=2:3", "high").well().joined().contains("pass at the first level"));
    // The file says what to vary; `run` and the others do not compute levels.
    let table = "[tolerance]\nkeys = ['process.phase_error.sigma_rad']\nfrom = 0.001\nto = 1\n[pass]\ndrop = 0.3\n";
    scene.experiment(&format!("{DATA}{CORE}{ERRORS}{table}"));
    scene.call("tolerance experiment.toml --trials 3 -o of-file").well();
    for command in
        ["run experiment.toml", "run experiment.toml --dry-run", "yield experiment.toml", "budget experiment.toml"]
    {
        scene.call(&format!("{command} -o none")).refused(&["E0664", "[tolerance]", "phaseloom tolerance"]);
        assert!(!scene.path("none").exists(), "{command}");
    }
}

#[test]
fn scores_that_are_not_monotone_are_measured_on_a_grid() {
    let scene = scene();
    scene.experiment(&format!("{DATA}{CORE}{ERRORS}"));
    // The accuracy of chips of such errors is that of chance: it passes and fails at any level.
    let said = scene
        .call("tolerance experiment.toml --drop 0.01 --trials 3 -o out --vary phase_error.sigma_rad=0.001:50")
        .well();
    assert!(said.err.contains("in the wrong order") && said.err.contains("grid"), "{}\n{}", said.out, said.err);
    let row = table(&scene.path("out/grid/tolerance.csv")).remove(0);
    assert!(cell(&row, "disorder").parse::<f64>().unwrap() > 0.02, "{row:?}");
    assert!(!cell(&row, "next_level").is_empty(), "{row:?}");
}

#[test]
fn a_budget_names_what_breaks_first() {
    let scene = scene();
    scene.write("process.toml", "[phase_error]\nsigma_rad = 1e-4\n[splitter_error]\nsigma_rad = 1e-2\n");
    let said = scene.call("budget u.npy --process process.toml --trials 10 -o out").well().joined();
    assert!(said.contains("`splitter_error` breaks first") && said.contains("law, alone"), "{said}");
    let rows = table(&scene.path("out/budget.csv"));
    let number = |source: &str, column: &str| {
        let row = rows.iter().find(|row| cell(row, "source") == source).unwrap();
        cell(row, column).parse::<f64>().unwrap()
    };
    let sum = number("phase_error", "shapley") + number("splitter_error", "shapley");
    assert!((sum / (number("all", "alone") - number("none", "alone")) - 1.0).abs() < 1e-12);
    // E² of splitters is 2(N − 1)σ² = 6e-4; 10 chips have a standard error of about a tenth.
    assert!((number("splitter_error", "alone") / 6e-4 - 1.0).abs() < 0.4);
    // The map of a unitary is flat: a phase changes it by 1/√N per rad, a splitter by √(2/N), N = 4.
    assert!(said.contains("The map is flat") && said.contains("First order predicts E²"), "{said}");
    for row in table(&scene.path("out/sensitivity.csv")) {
        let expected = if cell(&row, "component") == "splitter" { 0.5_f64.sqrt() } else { 0.5 };
        for column in ["sensitivity", "chips_sensitivity"] {
            assert!((cell(&row, column).parse::<f64>().unwrap() - expected).abs() < 1e-6, "{row:?}");
        }
    }
    // A correction: with and without it, and the difference between them in the sentences.
    let said = scene.call("budget experiment.toml --correction local --trials 2 -o corrected").well().joined();
    assert!(said.contains("correction = none") && said.contains("correction = local"), "{said}");
    assert!(
        scene
            .text("corrected/budget.csv")
            .starts_with("process.splitter_error.sigma_rad,correction,quantity,source,alone")
    );
}

#[test]
fn bad_input_is_refused_before_the_first_chip() {
    let scene = scene();
    let matrix = "u.npy --process process.toml";
    let vary = format!("tolerance {matrix} --fidelity 0.9 --vary");
    for (command, parts) in [
        (format!("yield {matrix}"), &["`pass` is none", "`fidelity`"][..]),
        (format!("yield {matrix} --accuracy 0.9"), &["E0663", "accuracy ≥ 0.9", "`matrix_error`"]),
        (format!("yield {matrix} --fidelity 1.5"), &["pass.fidelity", "from 0 to 1"]),
        (format!("yield {matrix} --fidelity 0.9 --drop 0.1"), &["--fidelity", "--drop"]),
        (format!("yield {matrix} --fidelity 0.9 --half-width 0.6"), &["--half-width", "below 0.5"]),
        ("yield u.npy --fidelity 0.9".to_owned(), &["no source of error", "imperfection"]),
        ("yield experiment.toml --process process.toml".to_owned(), &["--process", "names its own process"]),
        ("yield experiment.toml --matrix-error 0.1".to_owned(), &["E0663", "matrix error ≤ 0.1", "experiment.toml"]),
        ("yield experiment.toml --rms-error 0.1".to_owned(), &["E0663", "rms error ≤ 0.1"]),
        ("yield experiment.toml --drop nan".to_owned(), &["pass.drop"]),
        ("tolerance experiment.toml --rms-error 0.1 --vary phase_error.sigma_rad=0.1:1".to_owned(), &["E0663"]),
        ("tolerance experiment.toml".to_owned(), &["--vary", "--scale", "[tolerance]"]),
        ("tolerance experiment.toml --vary splitter_error.sigma_rad=0.1:1".to_owned(), &["two axes"]),
        ("tolerance experiment.toml --vary link.laser_power_w=1:0.1".to_owned(), &["link.laser_power_w", "no effect"]),
        ("tolerance experiment.toml --vary link.dac.bits=0.5:8".to_owned(), &["a whole number of bits"]),
        (format!("{vary} phase_eror.sigma_rad=0.1:1"), &["phase_eror", "phase_error"]),
        (format!("{vary} phase_error.sigma=0.1:1"), &["`sigma`", "sigma_rad"]),
        (format!("{vary} phase_error.sigma_rad=0.1"), &["KEY=GOOD:BAD"]),
        (format!("{vary} phase_error.sigma_rad=0:1"), &["above 0"]),
        (format!("{vary} phase_error.sigma_rad=1:1"), &["another level"]),
        (format!("{vary} phase_error.sigma_rad=1:1e300"), &["at the level 1e300", "at most 1e6 rad"]),
        (format!("{vary} phase_error.sigma_rad=phase_error.sigma_rad=0.1:1"), &["name it once"]),
        (format!("{vary} link.adc.bits=8:2"), &["link.adc.bits", "no effect"]),
        (format!("{vary} phase_quantization.bits=80:2"), &["80", "from 1 to 24"]),
        (format!("{vary} phase_error.sigma_rad=0.1:1 --trials 1"), &["--trials", "from 2"]),
        (format!("{vary} phase_error.sigma_rad=0.1:1 --yield 1"), &["--yield", "0.999"]),
        (format!("tolerance {matrix} --fidelity 0.9 --scale insertion_loss.loss_db=1:2"), &["to scale"]),
        ("budget u.npy".to_owned(), &["no source of error"]),
        (format!("budget {matrix} --trials 1"), &["--trials", "from 2"]),
        (format!("budget {matrix} --correction locl"), &["locl", "local"]),
        ("budget process.toml".to_owned(), &["E0611", "a process"]),
        ("yield none.toml".to_owned(), &["E0102"]),
    ] {
        scene.call(&format!("{command} -o none")).refused(parts);
        assert!(!scene.path("none").exists(), "{command}");
    }
    // That bad chips come first is seen by computing them.
    let reversed = "tolerance u.npy --process process.toml --matrix-error 0.2 --trials 3 -o reversed --vary";
    scene.call(&format!("{reversed} phase_error.sigma_rad=1:0.01")).refused(&["--vary", "good chips first"]);
    // One chip has no standard error, also in a file.
    scene.write("one.toml", scene.text("experiment.toml").replace("trials = 2", "trials = 1"));
    scene.call("budget one.toml -o none").refused(&["--trials", "at least 2 chips"]);
    // Limits of the file.
    for (pass, part) in
        [("{ accuracy = 0.9, drop = 0.1 }", "found 2 limits"), ("{}", "found 0 limits"), ("{ fidelit = 1 }", "fidelit")]
    {
        scene.write("pass.toml", format!("pass = {pass}\n{}", scene.text("experiment.toml")));
        scene.call("yield pass.toml -o none").refused(&["pass", part]);
    }
    scene.write("sources.toml", format!("sources = ['phase_eror']\n{}", scene.text("experiment.toml")));
    scene.call("budget sources.toml -o none").refused(&["sources", "did you mean `phase_error`?"]);
    assert!(!scene.path("none").exists());
}
