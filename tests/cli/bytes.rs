//! What must not change a byte of the results: threads, interruptions at any moment, shards, more trials later.

use super::support::{Ended, Scene, Working, assert_equal_results, example, run_to, units, wait};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// 15 points, so that there is something to interrupt.
fn digits() -> PathBuf {
    example("digits/digits.toml")
}

struct Reference {
    folder: TempDir,
}

impl Reference {
    fn new(trials: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        run_to(&digits(), &folder.path().join("whole"), &["--trials", trials]).well();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[track_caller]
    fn equals(&self, other: &Path) {
        assert_equal_results(&self.path("whole"), other);
    }
}

#[test]
fn threads() {
    let reference = Reference::new("2");
    for threads in ["1", "2", "5"] {
        let out = reference.path(threads);
        run_to(&digits(), &out, &["--trials", "2", "--threads", threads]).well();
        reference.equals(&out);
    }
}

#[test]
fn kills_and_a_torn_line() {
    let reference = Reference::new("3");
    let out = reference.path("killed");
    for (round, lines) in [1, 7, 25].into_iter().enumerate() {
        Working::until(&digits(), &out, &["--trials", "3", "--threads", "2"], lines).kill();
        assert!(units(&out) >= lines);
        assert!(!out.join("table.csv").exists(), "half a run has no table");
        if round > 0 {
            let mut file = fs::OpenOptions::new().append(true).open(out.join("units.jsonl")).unwrap();
            file.write_all(b"{\"unit\":{\"row\":\"chips\",\"point\":3,\"tri").unwrap();
        }
    }
    run_to(&digits(), &out, &["--trials", "3"]).well();
    reference.equals(&out);
    // A run that lost only its tables makes them again.
    fs::remove_file(out.join("figure.svg")).unwrap();
    fs::remove_file(out.join("summary.csv")).unwrap();
    let again = run_to(&digits(), &out, &["--trials", "3"]).well();
    assert!(again.err.contains("nothing was computed"), "{}", again.err);
    reference.equals(&out);
}

#[test]
#[cfg(unix)]
fn ctrl_c() {
    let reference = Reference::new("4");
    let out = reference.path("interrupted");
    let mut working = Working::until(&digits(), &out, &["--trials", "4", "--threads", "1"], 3);
    let kill = Command::new("kill").args(["-INT", &working.0.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(working.0.wait().unwrap().code(), Some(130));
    let there = units(&out);
    assert!(!out.join("table.csv").exists());
    let ended = run_to(&digits(), &out, &["--trials", "4"]).well();
    assert!(!ended.err.contains("nothing was computed"));
    assert!(there < units(&out), "the interrupted run was not whole");
    reference.equals(&out);
}

fn merge(parts: &[&Path], into: &Path) -> Ended {
    wait(super::support::phaseloom().arg("merge").args(parts).arg("-o").arg(into))
}

#[test]
fn shards() {
    let scene = Scene::new();
    let (experiment, whole) = (scene.path("experiment.toml"), scene.path("whole"));
    run_to(&experiment, &whole, &[]).well();
    let parts: Vec<PathBuf> = (1..=3)
        .map(|k| {
            let part = scene.path(&format!("part{k}"));
            let ended = run_to(&experiment, &part, &["--shard", &format!("{k}/3")]).well();
            assert!(ended.err.contains("phaseloom merge") && ended.out.is_empty(), "{}", ended.err);
            assert!(!part.join("table.csv").exists());
            part
        })
        .collect();
    let [a, b, c] = [&*parts[0], &*parts[1], &*parts[2]];

    // A part that lacks.
    let into = scene.path("merged");
    merge(&[a, c], &into).refused(&["units are missing", "at point", "run the missing shards"]);
    assert!(!into.exists());
    merge(&[a, &scene.path("nothing")], &into).refused(&["nothing", "no Phaseloom run"]);
    assert!(!into.exists());

    // All, one of them twice.
    merge(&[a, b, c, b], &into).well();
    assert_equal_results(&whole, &into);
    // Again into the same folder, and into one of the parts.
    merge(&[a, b, c], &into).well();
    merge(&[b, c], &parts[0]).well();
    assert_equal_results(&whole, &parts[0]);
    let again = run_to(&experiment, &parts[0], &[]).well();
    assert!(again.err.contains("nothing was computed"), "{}", again.err);

    // Parts of another run, with the key that differs.
    let other = scene.path("other");
    run_to(&experiment, &other, &["--seed", "2", "--shard", "2/3"]).well();
    merge(&[b, &other], &scene.path("mixed")).refused(&["another experiment", "seed"]);
    merge(&[b, c, a], &other).refused(&["another experiment", "seed"]);
    assert!(!scene.path("mixed").exists());

    // One unit with two results.
    let lines = fs::read_to_string(b.join("units.jsonl")).unwrap();
    let forged = lines.replacen("\"correct\":", "\"correct\":1", 1);
    assert_ne!(lines, forged);
    fs::write(b.join("units.jsonl"), forged).unwrap();
    merge(&[c, &whole, b], &scene.path("forged")).refused(&["different results", "point"]);
}

#[test]
fn more_trials_extend_and_fewer_are_refused() {
    let scene = Scene::new();
    let (experiment, out) = (scene.path("experiment.toml"), scene.path("out"));
    for trials in ["2", "5"] {
        run_to(&experiment, &out, &["--trials", trials]).well();
    }
    run_to(&experiment, &scene.path("fresh"), &["--trials", "5"]).well();
    assert_equal_results(&scene.path("fresh"), &out);
    let before = fs::read(out.join("units.jsonl")).unwrap();
    run_to(&experiment, &out, &["--trials", "4"]).refused(&["5 trials", "4 were requested"]);
    assert_eq!(before, fs::read(out.join("units.jsonl")).unwrap());
}
