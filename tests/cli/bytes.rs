//! What must not change a byte of the results: threads, interruptions at any moment, shards, more trials later.

use super::support::{Ended, Scene, Working, assert_equal_results, example, phaseloom, run_to, units, wait};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// 15 points, so that there is something to interrupt.
fn digits() -> PathBuf {
    example("digits/digits.toml")
}

/// A folder with the results of an undisturbed run, `whole`.
fn whole(trials: &str) -> Scene {
    let scene = Scene::new();
    run_to(&digits(), &scene.path("whole"), &["--trials", trials]).well();
    scene
}

#[test]
fn threads() {
    let scene = whole("2");
    for threads in ["1", "2", "5"] {
        let out = scene.path(threads);
        run_to(&digits(), &out, &["--trials", "2", "--threads", threads]).well();
        assert_equal_results(&scene.path("whole"), &out);
    }
}

#[test]
fn kills_and_a_torn_line() {
    let scene = whole("3");
    let out = scene.path("killed");
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
    assert_equal_results(&scene.path("whole"), &out);
    // A run that lost only its tables makes them again.
    fs::remove_file(out.join("figure.svg")).unwrap();
    fs::remove_file(out.join("summary.csv")).unwrap();
    let again = run_to(&digits(), &out, &["--trials", "3"]).well();
    assert!(again.err.contains("nothing was computed"), "{}", again.err);
    assert_equal_results(&scene.path("whole"), &out);
}

#[test]
#[cfg(unix)]
fn ctrl_c() {
    let scene = whole("4");
    let out = scene.path("interrupted");
    Working::until(&digits(), &out, &["--trials", "4", "--threads", "1"], 3).interrupt();
    let there = units(&out);
    assert!(!out.join("table.csv").exists());
    let ended = run_to(&digits(), &out, &["--trials", "4"]).well();
    assert!(!ended.err.contains("nothing was computed"));
    assert!(there < units(&out), "the interrupted run was not whole");
    assert_equal_results(&scene.path("whole"), &out);
}

fn merge(parts: &[&Path], into: &Path) -> Ended {
    wait(phaseloom().arg("merge").args(parts).arg("-o").arg(into))
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
