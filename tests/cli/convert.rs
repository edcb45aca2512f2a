//! `convert`: the files of a converted program, there and back; what it refuses, and that it then leaves no file.

use super::support::{GENERAL, Scene, npy_real};
use phaseloom::mesh::convention::CONVENTIONS;
use std::fs;

/// A folder with the programs of a general 3×4 matrix and of an orthogonal one.
fn programs() -> Scene {
    let scene = Scene::new();
    scene.write("general.npy", npy_real(&GENERAL));
    scene.write("rotation.npy", npy_real(&[[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]]));
    scene.call("program general.npy -o general.json").well();
    scene.call("program rotation.npy -o rotation.json --topology triangular").well();
    scene
}

#[test]
fn a_program_becomes_every_convention_and_comes_back() {
    let scene = programs();
    for program in ["general.json", "rotation.json"] {
        let (target, ours) = (scene.matrix(program), scene.json(program));
        let mut before = program.to_owned();
        for convention in CONVENTIONS {
            // From our program, and from the convention before.
            let key = convention.key();
            for from in [program, &before] {
                let said = scene.call(&format!("convert {from} --to {key} -o converted.json")).well().out;
                assert!(said.contains(key), "{said}");
                let file = scene.json("converted.json");
                assert_eq!((&file["format"], &file["convention"]), (&"phaseloom-converted".into(), &key.into()));
                assert_eq!(file["gain"], ours["gain"]);
                assert_eq!(file["attenuators"], ours["attenuators"]);
                assert!(file["right"]["cells"][0][convention.names()[0]].is_number());
                scene.call("convert converted.json --to phaseloom -o back.json").well();
                assert!((scene.matrix("back.json") - &target).camax() < 1e-12, "{key}");
            }
            before = format!("{key}.json");
            fs::copy(scene.path("converted.json"), scene.path(&before)).unwrap();
        }
    }
    scene.call("convert general.json --to phaseloom -o same.json").well();
    assert_eq!(scene.text("same.json"), scene.text("general.json"));
}

#[test]
fn what_is_no_program_or_no_convention_is_refused_and_leaves_no_file() {
    let scene = programs();
    scene.write("chip.json", "{\"format\": \"phaseloom-chip\"}");
    for (from, key, parts) in [
        ("general.json", "clement", &["clement", "mach_zehnder, clements, "][..]),
        ("absent.json", "clements", &["absent.json"]),
        ("general.npy", "clements", &["general.npy"]),
        ("chip.json", "clements", &["chip.json", "not a Phaseloom program"]),
    ] {
        scene.call(&format!("convert {from} --to {key} -o out.json")).refused(parts);
    }
    scene.call("convert general.json --to clements -o converted.json").well();
    for (from, to, parts) in [
        ("\"theta\": ", "\"theta\": 1e400, \"t\": ", &["number out of range"][..]),
        ("\"theta\": ", "\"angle\": ", &["unknown field `angle`", "theta"]),
        ("\"clements\"", "\"bell_walmsley\"", &["right.cells[0].theta", "bell_walmsley"]),
        ("\"clements\"", "\"clem\\u001bents\"", &["convention"]),
        ("\"modes\": 3", "\"modes\": 9000000000000000000", &["left.modes", "9000000000000000000"]),
        ("\"rows\": 3", "\"rows\": 0", &["rows", "at least 1"]),
        ("\"topology\": \"rectangular\"", "\"topology\": \"triangular\"", &["right.cells", "expected"]),
        ("\"topology\": \"rectangular\"", "\"topology\": \"square\"", &["topology"]),
    ] {
        let command = "convert converted.json --to phaseloom -o out.json";
        scene.refuses_change("converted.json", (from, to), command, &[&["converted.json"], parts].concat());
    }
    scene.call("convert rotation.json --to bloch -o rotated.json").well();
    let gain = ("\"gain\": 1.0", "\"gain\": 1e300");
    let command = "convert rotated.json --to phaseloom -o out.json";
    scene.refuses_change("rotated.json", gain, command, &["rotated.json", "1e153"]);
    scene.call("convert converted.json --to hadamard -o no/such/folder.json").refused(&["folder.json"]);
    assert!(!scene.path("out.json").exists());
    // Other commands read a converted program as they read ours.
    scene.call("matrix converted.json").well();
    scene.call("convert converted.json --to hadamard -o converted.json").refused(&["converted.json"]);
}
