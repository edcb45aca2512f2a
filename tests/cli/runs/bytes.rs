//! Conditions that must not change a byte of the results: threads, interruptions at any moment, shards, more trials later.

use super::super::support::{Scene, Working, assert_equal_results, example, run_to, units};
use std::fs;
use std::io::Write;
use std::path::PathBuf;

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

#[test]
fn shards() {
    let scene = Scene::new();
    let merge = |arguments: &str| scene.call(&format!("merge {arguments}"));
    scene.call("run experiment.toml -o whole").well();
    for k in 1..=3 {
        let ended = scene.call(&format!("run experiment.toml -o part{k} --shard {k}/3")).well();
        assert!(ended.err.contains("phaseloom merge") && ended.out.is_empty(), "{}", ended.err);
        assert!(!scene.path(&format!("part{k}/table.csv")).exists());
    }

    // A part that lacks.
    merge("part1 part3 -o merged").refused(&["units are missing", "at point", "run the missing shards"]);
    merge("part1 nothing -o merged").refused(&["nothing", "no Phaseloom run"]);
    assert!(!scene.path("merged").exists());

    // All, one of them twice.
    merge("part1 part2 part3 part2 -o merged").well();
    assert_equal_results(&scene.path("whole"), &scene.path("merged"));
    // Again into the same folder, and into one of the parts.
    merge("part1 part2 part3 -o merged").well();
    merge("part2 part3 -o part1").well();
    assert_equal_results(&scene.path("whole"), &scene.path("part1"));
    let again = scene.call("run experiment.toml -o part1").well();
    assert!(again.err.contains("nothing was computed"), "{}", again.err);

    // Parts of another run, with the key that differs.
    scene.call("run experiment.toml -o other --seed 2 --shard 2/3").well();
    merge("part2 other -o mixed").refused(&["another experiment", "seed"]);
    merge("part2 part3 part1 -o other").refused(&["another experiment", "seed"]);
    assert!(!scene.path("mixed").exists());

    // A damaged line counts as missing.
    scene.write("part1/units.jsonl", scene.text("part1/units.jsonl").replacen("\"correct\":", "\"correct\":1", 1));
    merge("part1 part3 -o lacking").refused(&["1 of ", "missing", "part1/units.jsonl: 1 line is damaged"]);
    merge("part1 whole -o again").well();
    assert_equal_results(&scene.path("whole"), &scene.path("again"));
}

#[test]
fn more_trials_extend_and_fewer_are_refused() {
    let scene = Scene::new();
    for command in ["-o out --trials 2", "-o out --trials 5", "-o fresh --trials 5"] {
        scene.call(&format!("run experiment.toml {command}")).well();
    }
    assert_equal_results(&scene.path("fresh"), &scene.path("out"));
    let before = scene.text("out/units.jsonl");
    scene.run(&["--trials", "4"]).refused(&["5 trials", "4 were requested"]);
    assert_eq!(before, scene.text("out/units.jsonl"));
}
