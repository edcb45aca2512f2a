//! The texts of the program about itself: help with examples, lists, completions, manual pages, usage errors.

use super::support::{Scene, npy_real, run};

fn commands() -> impl Iterator<Item = &'static str> {
    "new generate import run merge sweep program convert chip correct matrix compare draw train calibrate spectra validate explain \
     completions man"
        .split(' ')
}

/// Commands that the list of commands leaves out.
const HIDDEN: [&str; 2] = ["completions", "man"];

#[test]
fn help_of_every_command_shows_an_example() {
    let whole = run(["--help"]).well().out;
    for command in commands() {
        let is_listed = whole.lines().any(|line| line.starts_with(&format!("  {command} ")));
        assert_eq!(is_listed, !HIDDEN.contains(&command), "{command}");
        let help = run([command, "--help"]).well().out;
        assert!(help.contains("Usage: ") && help.contains(&format!("phaseloom {command}")), "{help}");
        assert!(help.contains("Example"), "no example: {help}");
        assert!(help.lines().all(|line| line.chars().count() <= 110), "{help}");
    }
    assert!(whole.contains("130") && whole.contains("PHASELOOM_DATA"));
    assert_eq!(run(["--version"]).well().out, format!("phaseloom {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_and_manual_pages() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(["completions", shell]).well().out;
        assert!(commands().all(|command| script.contains(command)), "{shell}");
    }
    run(["completions", "tcsh"]).refused(&["tcsh", "bash"]);
    assert!(run(["man"]).well().out.contains(".TH phaseloom 1"));
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("new/man1");
    run(["man".as_ref(), "-o".as_ref(), pages.as_os_str()]).well();
    let page = |command: &str| std::fs::read_to_string(pages.join(command)).unwrap();
    assert!(page("phaseloom.1").contains("phaseloom"));
    let listed = commands().filter(|command| !HIDDEN.contains(command));
    assert!(listed.map(|command| page(&format!("phaseloom-{command}.1"))).all(|page| page.len() > 300));
}

#[test]
fn wrong_usage_is_2() {
    let usage: [&[&str]; 8] = [
        &[],
        &["runn"],
        &["run"],
        &["run", "a.toml", "--shard", "3/2"],
        &["run", "a.toml", "--shard", "0/2"],
        &["run", "a.toml", "--threads", "0"],
        &["run", "a.toml", "--trials", "-1"],
        &["merge", "-o", "a"],
    ];
    for arguments in usage {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains("Usage") || ended.err.contains("--help"), "{}", ended.err);
    }
    run(["run", "a.toml", "--shard", "x"]).refused(&["K/N", "1/4"]);
}

/// The ending of `-o` is that of the format, or an error before anything is computed.
#[test]
fn names_of_outputs_are_those_of_their_formats() {
    let scene = Scene::new();
    scene.write("m.npy", npy_real(&[[1.0, 0.0], [0.0, 1.0]]));
    scene.call("program m.npy -o p.json").well();
    scene.call("chip preset:ideal --program p.json --seed 1 -o c.JSON").well();
    scene.call("matrix p.json -o w.NPY").well();
    let before = std::fs::read_dir(&scene.0).unwrap().count();
    for (command, ending) in [
        ("matrix p.json -o w.mat", ".npy or .csv"),
        ("matrix p.json -o w", ".npy"),
        ("program m.npy -o p.npy", ".json"),
        ("convert p.json --to clements -o q.toml", ".json"),
        ("chip preset:ideal --program p.json --seed 1 -o c.npy", ".json"),
        ("correct p.json --chip c.JSON --method local -o d.txt", ".json"),
        ("calibrate experiment.toml -o scales.csv", ".json"),
        ("spectra s.toml -o process.json", ".toml"),
        ("draw p.json -o mesh.eps", ".svg or .png or .pdf"),
        ("run experiment.toml -o out.csv", "a folder"),
        ("merge a b -o out.npy", "a folder"),
        ("compare --modes 4 -o table.csv", "a folder"),
        ("validate --quick -o page.md", "a folder"),
        ("man -o page.txt", "a folder"),
    ] {
        let parts: &[&str] = if command.starts_with("spectra") { &["s.toml"] } else { &["-o: found", ending] };
        scene.call(command).refused(parts);
        assert_eq!(std::fs::read_dir(&scene.0).unwrap().count(), before, "{command}");
    }
}

/// Every option that takes a number has a message about the number.
#[test]
fn negative_numbers_are_values() {
    for arguments in [
        "run a.toml --threads -1",
        "run a.toml --trials 0",
        "run a.toml --trials -1",
        "run a.toml --seed -1",
        "chip a.toml --core -4 --seed 1 -o c.json",
        "chip a.toml --core 4 --seed -1 -o c.json",
        "matrix p.json --process a.toml --seed 1 --trial -1",
        "compare --modes -1",
        "compare --trials 1",
        "validate --seed -1",
        "draw p.json -o m.svg --input -1",
        "correct p.json --chip c.json --seed -1",
    ] {
        let ended = run(arguments.split(' '));
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.err);
        assert!(
            ended.err.contains("invalid value") && ended.err.contains("expected a whole number from"),
            "{}",
            ended.err
        );
    }
}
