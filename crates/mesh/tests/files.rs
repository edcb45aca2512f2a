//! Whatever is read can be written and read again: programs and converted programs with changed values.

use phaseloom_mesh::convention::{CONVENTIONS, ConvertedProgram, load};
use phaseloom_mesh::{Form, MatrixProgram, MeshDesign};
use phaseloom_testing::haar;
use serde_json::{Value, json};
use std::path::Path;

/// The places of all values of a file, as JSON pointers.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| places(value, &format!("{at}/{key}"), into)),
        Value::Array(list) => list.iter().enumerate().for_each(|(k, value)| places(value, &format!("{at}/{k}"), into)),
        _ => {}
    }
}

/// Reads a file, if it is one, and what is written from it.
fn check(path: &Path, what: &str) -> bool {
    let Ok(program) = load(path) else { return false };
    let copy = path.with_extension("copy.json");
    program.save(&copy).unwrap();
    let back = MatrixProgram::load(&copy).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(back.to_json(), program.to_json(), "{what}");
    for convention in CONVENTIONS.iter().copied() {
        let Ok(converted) = ConvertedProgram::new(&program, convention) else { continue };
        converted.save(&copy).unwrap();
        let back = ConvertedProgram::load(&copy).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(back.to_json(), converted.to_json(), "{what}");
    }
    true
}

#[test]
fn what_is_read_can_be_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    let values = [
        json!(0),
        json!(2),
        json!(2.0),
        json!(-1.5),
        json!(1e6),
        json!(1e153),
        json!(null),
        json!("unitary"),
        json!([]),
    ];
    let mut read = 0;
    for (topology, form) in [("rectangular", Form::Unitary), ("triangular", Form::Svd), ("contraction", Form::Auto)] {
        let design = MeshDesign::from_keys(topology, None).unwrap();
        let program = MatrixProgram::new(&haar(2, 3), form, &design).unwrap();
        let converted = ConvertedProgram::new(&program, CONVENTIONS[1]).map(|converted| converted.to_json());
        for text in std::iter::once(program.to_json()).chain(converted) {
            let whole: Value = serde_json::from_str(&text).unwrap();
            let mut all = Vec::new();
            places(&whole, "", &mut all);
            for (place, value) in all.iter().flat_map(|place| values.iter().map(move |value| (place, value))) {
                let mut changed = whole.clone();
                *changed.pointer_mut(place).unwrap() = value.clone();
                std::fs::write(&path, changed.to_string()).unwrap();
                read += usize::from(check(&path, &format!("{topology}: {place} = {value}")));
            }
        }
    }
    // Phases, gains and absent cells can change; the rest is refused.
    assert!(read > 50, "{read} of the changed files are read");
}

/// One check of the gain for both kinds of file.
#[test]
fn a_unitary_has_no_gain_in_either_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    let design = MeshDesign::from_keys("rectangular", None).unwrap();
    let program = MatrixProgram::new(&haar(3, 1), Form::Unitary, &design).unwrap();
    let converted = ConvertedProgram::new(&program, CONVENTIONS[1]).unwrap();
    for text in [program.to_json(), converted.to_json()] {
        std::fs::write(&path, text.replace("\"gain\": 1.0", "\"gain\": 2.0")).unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("gain: found 2, expected 1"), "{error}");
    }
}
