//! `convert`: the files of a converted program, there and back; what it refuses, and that it then leaves no file.

use super::support::{npy_real, phaseloom, read_npy, run, wait};
use phaseloom::mesh::convention::CONVENTIONS;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with the programs of a general 3×4 matrix and of an orthogonal one.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let general = [[0.5, -1.0, 2.0, 0.25], [1.5, 0.0, -0.75, 1.0], [-2.0, 0.125, 0.5, 0.5]];
        fs::write(bench.path("general.npy"), npy_real(&general)).unwrap();
        fs::write(bench.path("rotation.npy"), npy_real(&[[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])).unwrap();
        for (matrix, topology) in [("general", "rectangular"), ("rotation", "triangular")] {
            let (from, to) = (bench.text(&format!("{matrix}.npy")), bench.text(&format!("{matrix}.json")));
            run(["program", &from, "-o", &to, "--topology", topology]).well();
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn convert(&self, from: &str, key: &str, to: &str) -> super::support::Ended {
        wait(phaseloom().arg("convert").arg(self.path(from)).args(["--to", key, "-o"]).arg(self.path(to)))
    }

    fn matrix(&self, program: &str) -> Vec<[f64; 2]> {
        let out = self.path("matrix.npy");
        wait(phaseloom().arg("matrix").arg(self.path(program)).arg("-o").arg(&out)).well();
        read_npy(&out).2
    }
}

fn furthest(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f64::max)
}

#[test]
fn a_program_becomes_every_convention_and_comes_back() {
    let bench = Bench::new();
    for name in ["general", "rotation"] {
        let program = format!("{name}.json");
        let target = bench.matrix(&program);
        let ours: Value = serde_json::from_str(&fs::read_to_string(bench.path(&program)).unwrap()).unwrap();
        let mut before = program.clone();
        for convention in CONVENTIONS {
            // From our program, and from the convention before.
            for from in [&program, &before] {
                let said = bench.convert(from, convention.key(), "converted.json").well().out;
                assert!(said.contains(convention.key()), "{said}");
                let file: Value =
                    serde_json::from_str(&fs::read_to_string(bench.path("converted.json")).unwrap()).unwrap();
                assert_eq!(
                    (&file["format"], &file["convention"]),
                    (&"phaseloom-converted".into(), &convention.key().into())
                );
                assert_eq!(file["gain"], ours["gain"]);
                assert_eq!(file["attenuators"], ours["attenuators"]);
                assert!(file["right"]["cells"][0][convention.names()[0]].is_number());
                bench.convert("converted.json", "phaseloom", "back.json").well();
                assert!(furthest(&bench.matrix("back.json"), &target) < 1e-12, "{}", convention.key());
            }
            before = format!("{}.json", convention.key());
            fs::copy(bench.path("converted.json"), bench.path(&before)).unwrap();
        }
    }
    bench.convert("general.json", "phaseloom", "same.json").well();
    assert_eq!(fs::read(bench.path("same.json")).unwrap(), fs::read(bench.path("general.json")).unwrap());
}

#[test]
fn what_is_no_program_or_no_convention_is_refused_and_leaves_no_file() {
    let bench = Bench::new();
    bench.convert("general.json", "clement", "out.json").refused(&["clement", "mach_zehnder, clements, "]);
    bench.convert("absent.json", "clements", "out.json").refused(&["absent.json"]);
    bench.convert("general.npy", "clements", "out.json").refused(&["general.npy"]);
    fs::write(bench.path("chip.json"), "{\"format\": \"phaseloom-chip\"}").unwrap();
    bench.convert("chip.json", "clements", "out.json").refused(&["chip.json", "not a Phaseloom program"]);
    bench.convert("general.json", "clements", "converted.json").well();
    let good = fs::read_to_string(bench.path("converted.json")).unwrap();
    for (from, to, parts) in [
        ("\"theta\": ", "\"theta\": 1e400, \"t\": ", &["number out of range"][..]),
        ("\"theta\": ", "\"angle\": ", &["unknown field `angle`", "theta"]),
        ("\"clements\"", "\"bell_walmsley\"", &["right.cells[0].theta", "bell_walmsley"]),
        ("\"modes\": 3", "\"modes\": 9000000000000000000", &["left.modes", "9000000000000000000"]),
        ("\"rows\": 3", "\"rows\": 0", &["rows", "at least 1"]),
        ("\"topology\": \"rectangular\"", "\"topology\": \"triangular\"", &["right.cells", "expected"]),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        fs::write(bench.path("bad.json"), bad).unwrap();
        bench.convert("bad.json", "phaseloom", "out.json").refused(&[&["bad.json"], parts].concat());
    }
    bench.convert("converted.json", "hadamard", "no/such/folder.json").refused(&["folder.json"]);
    assert!(!bench.path("out.json").exists());
    // Other commands read a converted program as they read ours.
    run(["matrix", &bench.text("converted.json")]).well();
    bench.convert("converted.json", "hadamard", "converted.json").refused(&["converted.json"]);
}
