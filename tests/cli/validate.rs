//! `phaseloom validate`: table, files, exit codes. What the claims say is tested nowhere but by running them.

use super::support::{Scene, phaseloom, wait};
use phaseloom::report::Table;

/// Claims of fractions of a second.
const KEYS: [&str; 3] = ["cell", "test_vectors", "extinction"];

#[test]
fn fast_claims_pass_and_leave_a_page() {
    let scene = Scene::new();
    for key in KEYS {
        let command = format!("validate --quick --only {key}");
        let said = scene.call(&format!("{command} -o {key}")).well().out;
        assert!(said.starts_with(&format!("{key}: ")) && said.contains(" pass"), "{said}");
        assert!(said.contains("1 claim, ") && said.contains(" 0 fail"), "{said}");
        let csv = scene.text(&format!("{key}/claims.csv"));
        let command = format!("phaseloom {command}");
        let table = Table::parse(&csv).unwrap();
        let written = scene.json(&format!("{key}/run.json"));
        assert_eq!((&written["command"], &written["arguments"]), (&"validate".into(), &command.as_str().into()));
        let verdict = table.column("verdict").unwrap();
        for row in table.rows() {
            assert_eq!(row.text(verdict), "pass", "line {}", row.line());
            assert!(table.number(row, "share").unwrap().abs() <= 1.0);
        }
        let page = scene.text(&format!("{key}/README.md"));
        assert!(page.contains(&command) && page.contains("(forest.svg)") && page.contains(&format!("## {key}")));
        assert!(scene.text(&format!("{key}/forest.svg")).starts_with("<svg"));
        assert!(!scene.path(key).join("matrix-error.svg").exists(), "no series, no figure");
    }
}

#[test]
fn results_do_not_depend_on_threads_but_on_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    let csv = |threads: &str, seed: &str| {
        let to = folder.path().join(threads).join(seed);
        let mut command = phaseloom();
        command.env("RAYON_NUM_THREADS", threads).args(["validate", "--quick", "--only", "loss_order", "--seed", seed]);
        wait(command.arg("-o").arg(&to)).well();
        std::fs::read_to_string(to.join("claims.csv")).unwrap()
    };
    let one = csv("1", "5");
    assert_eq!(one, csv("3", "5"));
    assert_ne!(one.lines().last(), csv("1", "6").lines().last());
}

#[test]
fn unknown_claims_and_folders_are_refused() {
    let scene = Scene::new();
    scene.call("validate --only no_such_claim").refused(&["no_such_claim", "splitter_error"]);
    scene.call("validate --only cell -o x.npy/page").refused(&["x.npy/page", "not a folder"]);
}

#[test]
#[cfg(unix)]
fn interrupted_it_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = phaseloom();
    // All claims, which take minutes on any machine.
    command.args(["validate", "-o"]).arg(folder.path().join("a/b"));
    let child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let working = super::support::Working(child);
    std::thread::sleep(std::time::Duration::from_millis(500));
    working.interrupt();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
