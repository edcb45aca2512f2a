//! `report`: the page that a run leaves, pages of several folders, what is refused, and the page in a browser.

use super::support::{CORE, DATA, LINK, SWEEP, Scene, phaseloom, wait};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The data inside a page.
fn inside(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").expect("a page has data");
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A network over two levels of splitter error.
fn scene() -> Scene {
    let scene = Scene::new();
    let cost = "[cost]\nsamples = 40\nchips = 1\ndraws = 20\ncores = 1\n";
    scene.experiment(&format!("{DATA}{CORE}{LINK}{cost}{SWEEP}"));
    scene
}

#[test]
fn a_run_leaves_its_page_and_numbers_equal_to_its_tables() {
    let scene = scene();
    scene.call("run experiment.toml -o out --dry-run").well();
    assert!(!scene.path("out").exists());
    let ended = scene.call("run experiment.toml -o out").well();
    assert!(ended.err.contains("report.html"), "{}", ended.err);
    let page = scene.text("out/report.html");
    let numbers = scene.json("out/report.json");
    assert_eq!(inside(&page), numbers);
    // Every cell of the table is in the data.
    let tables = numbers["studies"][0]["tables"].as_array().unwrap();
    let summary = tables.iter().find(|table| table["key"] == "summary").unwrap();
    let text = scene.text("out/summary.csv");
    let mut lines = text.lines().map(|line| line.split(','));
    let keys: Vec<&str> = summary["columns"].as_array().unwrap().iter().map(|c| c["key"].as_str().unwrap()).collect();
    assert!(lines.next().unwrap().eq(keys));
    let rows = summary["rows"].as_array().unwrap();
    assert_eq!(rows.len(), lines.clone().count());
    for (cells, row) in lines.zip(rows) {
        for (cell, value) in cells.zip(row.as_array().unwrap()) {
            let is_equal = match value {
                Value::Null => cell.is_empty(),
                Value::Number(number) => cell.parse::<f64>().ok() == number.as_f64(),
                value => value == cell,
            };
            assert!(is_equal, "{cell} is not {value}");
        }
    }
    // The page says how it was made.
    assert!(page.contains("phaseloom run experiment.toml -o out\n") && page.contains("phaseloom report out"));
    // The command makes the same page and numbers; only the command in it differs.
    scene.call("report out -o other/page.html").refused(&["other"]);
    scene.call("report out").well();
    assert_eq!(scene.text("out/report.html"), page);
    scene.call("report out -o page.html").well();
    assert_eq!(scene.text("page.html"), page.replace("report out\n", "report out -o page.html\n"));
    assert_eq!(scene.json("page.json"), numbers);
    let printed = scene.call("report out -o - -q").well();
    assert_eq!(printed.out, page.replace("report out\n", "report out -o -\n"));
}

/// Shards leave no page; the merged run, a resumed one and one on other threads leave the same numbers.
#[test]
fn numbers_have_equal_bytes_over_shards_threads_and_resume() {
    let scene = scene();
    scene.call("run experiment.toml -o whole --threads 1").well();
    for part in [1, 2] {
        scene.call(&format!("run experiment.toml -o part{part} --shard {part}/2 --threads 2")).well();
        assert!(!scene.path(&format!("part{part}/report.html")).exists());
        scene.call(&format!("report part{part} -o none.html")).refused(&["missing units", "phaseloom merge"]);
    }
    scene.call("merge part1 part2 -o merged").well();
    scene.call("run experiment.toml -o more --trials 1").well();
    scene.call("run experiment.toml -o more").well();
    let numbers = scene.text("whole/report.json");
    assert_eq!(numbers, scene.text("merged/report.json"));
    assert_eq!(numbers, scene.text("more/report.json"));
    // The page names the commands of all sessions.
    let page = scene.text("merged/report.html");
    for command in ["--shard 1&#x2f;2", "--shard 2&#x2f;2", "phaseloom merge part1 part2"] {
        assert!(page.contains(command), "{command}");
    }
}

#[test]
fn every_command_that_computes_leaves_a_page_with_its_parts() {
    let scene = scene();
    scene.unitary(4);
    scene.write("process.toml", "[phase_error]\nsigma_rad = 0.05\n[splitter_error]\nsigma_rad = 0.05\n");
    for (command, ids) in [
        ("sweep u.npy --vary splitter_error.sigma_rad=0.1,0.2 --trials 5 -o made1", &["scores", "tables"][..]),
        ("yield u.npy --process process.toml --fidelity 0.99 --trials 20 -o made2", &["scores", "tables"]),
        (
            "tolerance u.npy --process process.toml --vary phase_error.sigma_rad=0.001:1 --fidelity 0.99 --trials 20 -o made3",
            &["tolerance", "tables"],
        ),
        ("budget u.npy --process process.toml -o made4", &["budget", "sensitivity", "tables"]),
        ("cost experiment.toml -o made5", &["scores", "cost", "tables"]),
    ] {
        scene.call(command).well();
        let folder = command.rsplit(' ').next().unwrap();
        let page = scene.text(&format!("{folder}/report.html"));
        let found: Vec<&str> = ["scores", "yield", "tolerance", "budget", "sensitivity", "cost", "tables"]
            .into_iter()
            .filter(|id| page.contains(&format!("<section id=\"{id}\"")))
            .collect();
        assert_eq!(found, ids, "{command}");
        assert_eq!(inside(&page), scene.json(&format!("{folder}/report.json")));
    }
}

#[test]
fn several_runs_share_a_page_and_its_axes() {
    let scene = scene();
    scene.call("run experiment.toml -o one").well();
    scene.call("run experiment.toml -o two --seed 7").well();
    scene.call("report one two -o both.html").well();
    let page = scene.text("both.html");
    assert_eq!(page.matches("<figure>").count(), 1);
    assert_eq!(scene.json("both.json")["studies"].as_array().unwrap().len(), 2);
    assert!(page.contains("phaseloom report one two -o both.html</pre>"), "no command");
    // Names are quoted, and options are in the command; a page of ours may be replaced, also one by another template.
    fs::rename(scene.path("two"), scene.path("the second")).unwrap();
    scene.write("own.html", "{{ title }}: {{ command }}");
    let arguments = ["report", "one", "the second", "--template", "own.html", "-o", "both.html"];
    for _ in 0..2 {
        wait(phaseloom().current_dir(scene.path("")).args(arguments)).well();
        let page = scene.text("both.html");
        assert!(
            page.ends_with("phaseloom report one &#x27;the second&#x27; --template own.html -o both.html"),
            "{page}"
        );
    }
    fs::rename(scene.path("the second"), scene.path("two")).unwrap();
    scene.call("report one two").refused(&["-o", "2 folders"]);
    scene.call("report one two one -o none.html").refused(&["one twice"]);
}

#[test]
fn what_is_no_finished_run_is_refused() {
    let scene = scene();
    scene.unitary(4);
    scene.call("run experiment.toml -o out").well();
    fs::create_dir(scene.path("empty")).unwrap();
    scene.write("process.toml", "[splitter_error]\nsigma_rad = 0.05\n");
    scene.call("compare --modes 4 --process process.toml --trials 2 -o meshes").well();
    scene.write("process.json", "{}");
    scene.write("letter.html", "<!DOCTYPE html>\n<p>Dear reader");
    scene.write("broken.html", "<p>\n{{ titel }}");
    scene.write("broken2.html", "<p>\n{% for x in sections %}");
    for (command, parts) in [
        (
            "report nothing",
            &["E0102", "nothing", "No such folder", "the folder of a finished run", "check its name"][..],
        ),
        ("report experiment.toml", &["E0102", "experiment.toml", "it is a file", "the folder of a finished run"]),
        ("report empty", &["E0715", "empty", "no table of results", "finished run"]),
        ("report out empty -o page.html", &["E0715", "empty"]),
        ("report meshes", &["phaseloom compare", "expected one of run, sweep"]),
        ("report -", &["`-`", "several files of a folder"]),
        ("report out -o page.svg", &["-o", "page.svg", ".html"]),
        ("report out -o out", &["-o", "out"]),
        ("report out -o process.html", &["-o", "process.json"]),
        (
            "report out -o letter.html",
            &["E0102", "letter.html", "another kind of file", "name another file, or remove"],
        ),
        ("report out -o missing/page.html", &["missing"]),
        ("report out --template absent.html", &["absent.html"]),
        ("report out --template broken.html -o page.html", &["E0716", "broken.html", "line 2"]),
        ("report out --template broken2.html -o page.html", &["E0716", "broken2.html"]),
        ("report out --template broken.html -o broken.html", &["-o", "the template"]),
    ] {
        scene.call(command).refused(parts);
        assert!(!scene.path("page.html").exists() && !scene.path("page.json").exists(), "{command}");
    }
    assert!(scene.text("letter.html").ends_with("Dear reader") && !scene.path("letter.json").exists());
    scene.write("out/summary.csv", "row,point\nchips\n");
    scene.call("report out").refused(&["E0705", "out/summary.csv", "line 2"]);
    scene.write("out/summary.csv", "row,point\n");
    scene.call("report out").refused(&["E0702", "out/summary.csv", "no rows"]);
    scene.write("out/run.json", "{");
    scene.call("report out").refused(&["run.json"]);
}

/// A page that cannot be written is an error of the run, which says what to do; the results are there.
#[test]
fn a_page_that_cannot_be_written_says_what_to_do() {
    let scene = scene();
    fs::create_dir_all(scene.path("out")).unwrap();
    scene.call("run experiment.toml -o out").well();
    fs::remove_file(scene.path("out/report.html")).unwrap();
    fs::create_dir(scene.path("out/report.html")).unwrap();
    scene.call("run experiment.toml -o out").refused(&[
        "report.html",
        "the results are complete",
        "phaseloom report out",
    ]);
    assert!(scene.path("out/summary.csv").is_file());
    // Both files or none: no numbers without their page.
    fs::remove_file(scene.path("out/report.json")).unwrap();
    for command in ["run experiment.toml -o out", "report out"] {
        scene.call(command).refused(&["report.html"]);
        assert!(!scene.path("out/report.json").exists(), "{command}");
    }
    fs::create_dir(scene.path("page.json")).unwrap();
    scene.call("report out -o page.html").refused(&["page.json"]);
    assert!(!scene.path("page.html").exists());
}

/// The committed sample is what its command makes. Not the drawings, which another processor may round otherwise in the last
/// digit: the numbers.
#[test]
fn the_sample_is_that_of_the_committed_results() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let mut command = phaseloom();
    command.current_dir(root()).args(["report", "results/mnist", "-o"]).arg(&page);
    wait(&mut command).well();
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let sample = root().join("results/report/report.html");
    let name = |path: &str| path.replace('/', "&#x2f;");
    let made = read(&page).replace(&name(page.to_str().unwrap()), &name("results/report/report.html"));
    assert_eq!(made, read(&sample), "make results/report again, see results/README.md");
    assert_eq!(read(&page.with_extension("json")), read(&sample.with_extension("json")));
    assert!(fs::metadata(&sample).unwrap().len() < 300_000);
}

/// The pages in headless Chromium: console, requests, widths, axe-core, values, keyboard, paper.
#[test]
fn pages_are_readable_in_a_browser() {
    let modules = root().join("target/browser");
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has_node || !modules.join("node_modules/axe-core").is_dir() || !Path::new(&chromium).is_file() {
        eprintln!(
            "skipped: NO REPORT WAS OPENED IN A BROWSER, because node, {chromium}, or playwright-core and axe-core in \
             target/browser are missing; .ci/run installs them"
        );
        return;
    }
    let scene = scene();
    scene.unitary(4);
    scene.write("process.toml", "[phase_error]\nsigma_rad = 0.05\n[splitter_error]\nsigma_rad = 0.05\n");
    for command in [
        "run experiment.toml -o one",
        "cost experiment.toml -o cost",
        "budget experiment.toml --trials 2 -o budget --orders 0",
        "yield u.npy --process process.toml --fidelity 0.99 --trials 20 -o yield",
    ] {
        scene.call(command).well();
    }
    scene.call("report one cost -o both.html").well();
    let mut browser = Command::new("node");
    browser.arg(root().join("tests/report/browser.mjs")).arg(&modules).arg("-").env("CHROMIUM", chromium);
    browser.arg(root().join("results/report/report.html"));
    browser.args(["both.html", "budget/report.html", "yield/report.html"].map(|page| scene.path(page)));
    let output = browser.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
