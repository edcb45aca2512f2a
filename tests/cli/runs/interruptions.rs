//! What ends a run early or spoils its folder: signals, kills, limits of file size, a folder that is taken away, damaged
//! lines. Nothing false is written, and the same command finishes the run with the same bytes.

use super::super::support::{
    CORE, DATA, RESULTS, Scene, Working, assert_equal_results, example, phaseloom, results, run_to, units, wait,
};
use std::fs;
use std::path::Path;

/// An experiment that is still computing when a test has done something to its folder.
const LONG: &[&str] = &["--trials", "400", "--threads", "2"];

/// Names in a folder and its subfolders.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            let below = if path.is_dir() { names(&path) } else { Vec::new() };
            below.into_iter().chain([path.file_name().unwrap().to_string_lossy().into_owned()])
        })
        .collect()
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_finished_by_the_next() {
    let scene = Scene::new();
    let (experiment, out, more) =
        (scene.path("experiment.toml"), scene.path("out"), ["--trials", "20", "--save-outputs"]);
    run_to(&experiment, &scene.path("whole"), &more).well();
    for milliseconds in [2, 5, 10, 15, 20, 30, 40, 60, 80, 100, 130, 160, 200, 250] {
        let mut command = phaseloom();
        command.arg("run").arg(&experiment).arg("-o").arg(&out).args(more);
        let child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        Working(child).kill();
    }
    // What a kill between creating and renaming leaves; no process has the largest number.
    fs::create_dir_all(out.join("outputs")).unwrap();
    for name in ["table.csv", "outputs/exact-point0-trial0-shot0.npy"] {
        fs::write(out.join(format!("{name}.{}-7.part", i32::MAX)), "half").unwrap();
    }
    run_to(&experiment, &out, &more).well();
    assert_equal_results(&scene.path("whole"), &out);
    let left: Vec<String> = names(&out).into_iter().filter(|name| name.ends_with(".part")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
#[cfg(unix)]
fn a_limit_of_file_size_is_an_error_that_names_the_file() {
    let scene = Scene::new();
    let whole = scene.path("whole");
    run_to(&scene.path("experiment.toml"), &whole, &[]).well();
    let size = |name: &str| fs::metadata(whole.join(name)).unwrap().len();
    // In blocks of 512 bytes: less than the first file, half of the units, less than the largest file.
    let half = size("units.jsonl") / 1024;
    let largest = RESULTS.iter().map(|name| size(name)).max().unwrap() / 512;
    for (blocks, name) in [(1, "identity.json"), (half, "units.jsonl"), (largest, "figure.png")] {
        let out = scene.path(&format!("out{blocks}"));
        let mut shell = std::process::Command::new("sh");
        shell.args([
            "-c",
            "ulimit -f \"$0\" && exec \"$@\"",
            &blocks.to_string(),
            env!("CARGO_BIN_EXE_phaseloom"),
            "run",
        ]);
        wait(shell.arg(scene.path("experiment.toml")).arg("-o").arg(&out)).refused(&[name, "File too large"]);
        let text = fs::read(out.join("units.jsonl")).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with(b"\n"), "half a line is left");
        let ended = run_to(&scene.path("experiment.toml"), &out, &[]).well();
        assert!(!ended.err.contains("damaged"), "{}", ended.err);
        assert_equal_results(&whole, &out);
        assert!(!names(&out).iter().any(|name| name.ends_with(".part")));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_that_names_the_file() {
    let scene = Scene::new();
    scene.run(&[]).well();
    let stdout = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = phaseloom();
    command.arg("run").arg(scene.path("experiment.toml")).arg("-o").arg(scene.path("out"));
    let ended =
        command.stdout(stdout).stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(err.contains("standard output: No space left"), "{err}");
    fs::remove_file(scene.path("out/summary.csv")).unwrap();
    std::os::unix::fs::symlink("/dev/full", scene.path("out/summary.csv")).unwrap();
    scene.run(&[]).refused(&["summary.csv", "No space left"]);
}

#[test]
#[cfg(unix)]
fn the_signals_that_end_a_process_leave_whole_units_and_say_so() {
    // Under `nohup`, SIGHUP is to be ignored.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0").trim();
    let ignored = u64::from_str_radix(ignored, 16).unwrap();
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        if number == 1 && ignored & 1 == 1 {
            eprintln!("skipped: this test ignores SIGHUP, and so do the programs that it starts");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let working = Working::until(&example("digits/digits.toml"), &out, LONG, 3);
        let said = working.stop(signal);
        assert!(said.contains("stopping after the current work"), "{said}");
        assert!(said.contains("interrupted: ") && said.contains("the same command resumes the run"), "{said}");
        let text = fs::read(out.join("units.jsonl")).unwrap();
        assert!(text.ends_with(b"}\n") && !out.join("table.csv").exists());
    }
}

#[test]
#[cfg(unix)]
fn a_correction_is_dropped_when_a_run_is_to_end() {
    let scene = Scene::new();
    let process = "[process.splitter_error]\nsigma_rad = 0.1\n";
    let experiment =
        scene.experiment(&format!("correction = 'adjoint'\ncorrection_effort = 1000\n{DATA}{CORE}{process}"));
    scene.write("experiment.toml", fs::read_to_string(&experiment).unwrap().replace("trials = 2", "trials = 1000"));
    let working = Working::until(&experiment, &scene.path("out"), &["--threads", "1"], 3);
    let said = working.stop("TERM");
    assert!(said.contains("interrupted: ") && said.contains("are missing"), "{said}");
}

#[test]
#[cfg(unix)]
fn a_folder_that_is_taken_away_ends_the_run() {
    type Takes = (&'static str, fn(&Path));
    let ways: [Takes; 5] = [
        ("removed", |out| fs::remove_dir_all(out).unwrap()),
        ("moved", |out| fs::rename(out, out.with_file_name("elsewhere")).unwrap()),
        ("without its list of units", |out| fs::remove_file(out.join("units.jsonl")).unwrap()),
        ("with a changed list of units", |out| {
            let text = fs::read(out.join("units.jsonl")).unwrap();
            fs::write(out.join("other"), text).unwrap();
            fs::rename(out.join("other"), out.join("units.jsonl")).unwrap();
        }),
        ("used by another run", |out| {
            fs::remove_dir_all(out).unwrap();
            run_to(&example("breast_cancer/breast_cancer.toml"), out, &["--trials", "1"]).well();
        }),
    ];
    for (how, take) in ways {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let working = Working::until(&example("digits/digits.toml"), &out, LONG, 3);
        take(&out);
        let before = out.join("table.csv").exists().then(|| results(&out));
        let (code, said) = working.end();
        assert_eq!(code, Some(2), "{how}: {said}");
        assert!(said.contains("this folder was removed, moved or changed"), "{how}: {said}");
        // Nothing of the first run is in the folder of the second, and no table is in the others.
        assert_eq!(before, out.join("table.csv").exists().then(|| results(&out)), "{how}");
    }
}

#[test]
fn damaged_lines_are_noted_left_out_and_computed_again() {
    let scene = Scene::new();
    run_to(&scene.path("experiment.toml"), &scene.path("whole"), &[]).well();
    scene.run(&[]).well();
    let whole = scene.text("out/units.jsonl");
    let lines: Vec<&str> = whole.lines().collect();
    let chips = lines.iter().position(|line| line.contains("chips")).unwrap();
    let other = lines.iter().rposition(|line| line.contains("chips")).unwrap();
    let damage: [(&str, String); 7] = [
        ("a changed digit", lines[chips].replacen("\"correct\":", "\"correct\":1", 1)),
        ("a torn line", lines[chips][..40].to_owned()),
        ("no layers", format!("{}[]}}", lines[chips].split("\"layers\":").next().unwrap().to_owned() + "\"layers\":")),
        ("no checksum", lines[chips].split(",\"checksum\"").next().unwrap().to_owned() + "}"),
        ("the checksum of another line", {
            let (end, start) =
                (lines[other].split(",\"checksum\"").nth(1).unwrap(), lines[chips].split(",\"checksum\""));
            format!("{},\"checksum\"{end}", { start }.next().unwrap())
        }),
        ("a unit elsewhere", lines[chips].replacen("\"point\":", "\"point\":77", 1)),
        ("bytes of something else", "\u{0}\u{1}ünits".into()),
    ];
    for (what, line) in damage {
        let mut lines = lines.clone();
        lines[chips] = &line;
        scene.write("out/units.jsonl", lines.join("\n") + "\n");
        let ended = scene.run(&[]).well();
        let parts = ["units.jsonl: 1 line is damaged and left out", &format!("line {}", chips + 1)];
        assert!(parts.iter().all(|part| ended.err.contains(part)), "{what}: {}", ended.err);
        assert!(!ended.err.contains("nothing was computed"), "{what}");
        assert_equal_results(&scene.path("whole"), &scene.path("out"));
        // It is noted once.
        let again = scene.run(&[]).well();
        assert!(!again.err.contains("damaged") && again.err.contains("nothing was computed"), "{what}: {}", again.err);
        assert_eq!(units(&scene.path("out")), lines.len(), "{what}");
    }
    // An equal line counts once.
    scene.write("out/units.jsonl", format!("{whole}{}\n", lines[chips]));
    let ended = scene.run(&[]).well();
    assert!(ended.err.contains("nothing was computed") && !ended.err.contains("damaged"), "{}", ended.err);
    // Lines of another run do not count, though they have checksums.
    run_to(&scene.path("experiment.toml"), &scene.path("other"), &["--seed", "9"]).well();
    scene.write("out/units.jsonl", scene.text("other/units.jsonl"));
    let ended = scene.run(&[]).well();
    assert!(ended.err.contains(&format!("{} lines are damaged", lines.len())), "{}", ended.err);
    assert_equal_results(&scene.path("whole"), &scene.path("out"));
    // A folder of the format without checksums is refused, not computed again.
    let old =
        whole.lines().map(|line| line.split(",\"checksum\"").next().unwrap().to_owned() + "}\n").collect::<String>();
    scene.write("out/units.jsonl", &old);
    scene.run(&[]).refused(&["units.jsonl", "no checksum", "earlier state of Phaseloom", "start in a new folder"]);
    assert_eq!(scene.text("out/units.jsonl"), old);
}

#[test]
#[cfg(target_os = "linux")]
fn missing_threads_are_named() {
    let scene = Scene::new();
    // A thousand stacks do not fit into this much address space (KiB).
    let script = "ulimit -v 1500000 && exec \"$0\" run experiment.toml -o out --threads 1024";
    let mut shell = std::process::Command::new("sh");
    shell.current_dir(&scene.0).args(["-c", script, env!("CARGO_BIN_EXE_phaseloom")]);
    wait(&mut shell).refused(&["a pool of 1024 threads cannot be started", "ask for fewer"]);
    assert!(!scene.path("out").exists(), "a refused run left a folder");
}
