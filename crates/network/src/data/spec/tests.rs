use super::*;
use std::fs;

fn spec(toml: &str) -> DataSpec {
    toml::from_str(toml).unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..10).map(|i| format!("{i},{}\n", i % 3)).collect();
    fs::write(folder.path().join("a.csv"), rows).unwrap();
    folder
}

#[test]
fn rows_then_classes_then_number() {
    let folder = folder();
    let load = |toml: &str| spec(toml).load(folder.path());
    let all = load("inputs = 'a.csv'").unwrap();
    assert_eq!((all.samples(), all.features()), (10, 1));
    let test = load("inputs = 'a.csv'\nevery = { modulus = 5, remainder = [0] }").unwrap();
    assert_eq!((test.inputs.to_batch().as_slice(), test.labels()), (&[0.0, 5.0][..], &[0, 2][..]));
    let train = load("inputs = 'a.csv'\nevery = { modulus = 5, except = [0] }").unwrap();
    assert_eq!(train.samples(), 8);
    let two = load("inputs = 'a.csv'\nclasses = [2, 0]\nsamples = 3").unwrap();
    assert_eq!((two.inputs.to_batch().as_slice(), two.labels()), (&[0.0, 2.0, 3.0][..], &[1, 0, 1][..]));
    assert_ne!(all.sha256, test.sha256);
    assert_eq!(all.sha256, load("inputs = 'a.csv'").unwrap().sha256);
    assert!(all.check(1, 3).is_ok());
    assert!(matches!(all.check(2, 3), Err(NetworkError::FeatureCount { found: 1, expected: 2, .. })));
    assert!(matches!(all.check(1, 2), Err(NetworkError::LabelOutside { index: 2, found: 2, .. })));
}

#[test]
fn the_hash_is_of_contents_not_of_paths() {
    let folder = folder();
    let first = spec("inputs = 'a.csv'").load(folder.path()).unwrap().sha256;
    fs::copy(folder.path().join("a.csv"), folder.path().join("b.csv")).unwrap();
    assert_eq!(spec("inputs = 'b.csv'").load(folder.path()).unwrap().sha256, first);
    fs::write(folder.path().join("b.csv"), "7,1\n").unwrap();
    assert_ne!(spec("inputs = 'b.csv'").load(folder.path()).unwrap().sha256, first);
}

#[test]
fn impossible_choices_are_errors() {
    let folder = folder();
    fs::write(folder.path().join("y.csv"), "0\n1\n").unwrap();
    for (toml, part) in [
        ("inputs = 'a.csv'\nsamples = 11", "found 11, expected at most 10"),
        ("inputs = 'a.csv'\nclasses = ['a']", "the name `a`"),
        ("inputs = 'a.csv'\nevery = { modulus = 5, except = [0, 0] }", "remainder 0 twice"),
        ("inputs = 'a.npy'\nlabels = 'y.npy'\ncsv = { skip_lines = 1 }", "`csv`: found a table"),
        ("inputs = 'a.npy'\nlabels = 'y.csv'\ncsv = { features = [0] }", "`csv.features`"),
        ("inputs = 'a.csv'\nlabels = 'y.npy'\ncsv = { label = 'y' }", "`csv.label`"),
        ("inputs = 'a.csv'\nsamples = 0", "at least 1"),
        ("inputs = 'a.csv'\nrows = '5..11'", "key `rows`: found \"5..11\", expected rows below 10"),
        ("inputs = 'a.csv'\nrows = ['0..5', 4]", "key `rows`: found row 4 twice"),
        (
            "inputs = 'a.csv'\nrows = 3\nevery = { modulus = 2, remainder = [0] }",
            "`every`: found a choice of 0 samples",
        ),
        ("inputs = 'a.csv'\nsplit = { part = 'test', test = 20 }", "key `split.test`: found 20"),
        ("inputs = 'a.csv'\nsplit = { part = 'test', test = 0.01 }", "`split`: found a choice of 0 samples"),
        ("inputs = 'a.csv'\nclass_names = ['a', 'a']", "`class_names`"),
        ("inputs = 'a.csv'\ncsv = { label = [] }\nclass_names = ['a']", "the samples have no labels"),
        ("inputs = 'a.csv'\nclasses = [7]", "labels of the file: 0, 1"),
        ("inputs = 'a.csv'\nclasses = []", "at least one label"),
        ("inputs = 'a.csv'\nclasses = [1, 1]", "each once"),
        ("inputs = 'a.csv'\nevery = { modulus = 0, remainder = [0] }", "modulus ≥ 1"),
        ("inputs = 'a.csv'\nevery = { modulus = 2 }", "one of `remainder"),
        ("inputs = 'a.csv'\nevery = { modulus = 2, remainder = [2] }", "below the modulus"),
        ("inputs = 'a.npy'\nclasses = [1]", "the samples have no labels"),
        ("inputs = 'a.csv'\nlabels = 'y.csv'\ntargets = 'y.csv'", "the file of one of them"),
        ("inputs = 'a.csv'\ncsv = { label = 1, targets = [0] }", "columns of targets and labels"),
        ("inputs = 'a.csv'\ncsv = { targets = [1], features = [0, 1] }", "column 1, the target"),
        ("inputs = 'a.csv'\ntargets = 'y.npy'\ncsv = { targets = [1] }", "`csv.targets`"),
        ("inputs = 'a.csv'\ntargets = 'y.csv'", "holds 2 targets"),
        ("inputs = 'none.csv'", "No such file"),
        ("inputs = 'a.csv'\nlabels = 'y.csv'", "holds 10 inputs"),
    ] {
        let error = spec(toml).load(folder.path()).unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
    assert!(toml::from_str::<DataSpec>("inputs = 'a.csv'\nlables = 'b'").is_err());
}

#[test]
fn names_of_classes_are_chosen_or_are_as_many_as_the_outputs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "1,dog\n2,cat\n3,emu\n4,cat\n").unwrap();
    let all = spec("inputs = 'a.csv'").load(folder.path()).unwrap();
    assert_eq!(all.labels(), [1, 0, 2, 0]);
    assert!(all.check(1, 3).is_ok());
    let two = all.check(1, 2).unwrap_err().to_string();
    assert!(two.contains("found 3 names of classes (cat, dog, emu), expected 2"), "{two}");
    assert!(all.check(1, 4).is_err());
    let chosen = spec("inputs = 'a.csv'\nclasses = ['emu', 'cat']").load(folder.path()).unwrap();
    assert_eq!(chosen.labels(), [1, 0, 1]);
    assert!(chosen.check(1, 4).is_ok());
}

#[test]
fn a_choice_that_does_not_fit_blames_the_settings() {
    let folder = folder();
    let text = "seed = 1\n[data]\ninputs = 'a.csv'\nsamples = 11\n";
    let error = spec("inputs = 'a.csv'\nsamples = 11").load(folder.path()).unwrap_err();
    let located = error.in_settings("data", Path::new("e.toml"), text).to_string();
    assert!(located.starts_with("e.toml: line 4: `data.samples` is 11 (for ") && located.contains("a.csv): expected"));
}

#[test]
fn the_variable_is_named_when_it_is_missing() {
    let (path, base) = (Path::new("$PHASELOOM_DATA/mnist/a.gz"), Path::new("/base"));
    assert_eq!(resolve_with(path, base, Some("/d".into())).unwrap(), Path::new("/d/mnist/a.gz"));
    let error = resolve_with(path, base, None).unwrap_err().to_string();
    assert!(error.contains("PHASELOOM_DATA is not set; set it to the folder"), "{error}");
    assert_eq!(resolve_with(Path::new("x/y.csv"), base, None).unwrap(), Path::new("/base/x/y.csv"));
}

#[test]
fn parts_of_a_split_share_no_row_whatever_else_is_filtered() {
    let folder = folder();
    let load = |toml: &str| spec(&format!("inputs = 'a.csv'\n{toml}")).load(folder.path()).unwrap();
    let split = |part: &str, others: &str| {
        load(&format!("split = {{ part = '{part}', test = 0.3, validation = 0.2, seed = 5 }}\n{others}"))
    };
    let parts = ["train", "validation", "test"].map(|part| split(part, ""));
    assert_eq!(parts.each_ref().map(Dataset::samples), [5, 2, 3]);
    let mut rows: Vec<f64> = parts.iter().flat_map(|part| part.inputs.to_batch().data.as_vec().clone()).collect();
    rows.sort_by(f64::total_cmp);
    assert_eq!(rows, (0..10).map(f64::from).collect::<Vec<_>>());
    for part in &parts {
        let expected: Vec<usize> = part.inputs.to_batch().iter().map(|row| *row as usize % 3).collect();
        assert_eq!(part.labels(), expected, "labels follow their rows");
    }
    assert_ne!(parts[0].sha256, parts[2].sha256);
    let train = parts[0].inputs.to_batch();
    let train = train.as_slice();
    // Further filters keep the part and its order.
    let some = split("train", "rows = ['0..4', '6..']\nclasses = [0, 2]");
    let expected: Vec<f64> =
        train.iter().copied().filter(|&row| ![4.0, 5.0].contains(&row) && (row % 3.0 - 1.0).abs() > 0.5).collect();
    assert_eq!(some.inputs.to_batch().as_slice(), expected);
    assert_eq!(split("train", "samples = 2").inputs.to_batch().as_slice(), &train[..2]);
}

#[test]
fn rows_are_those_of_the_file() {
    let folder = folder();
    let load = |toml: &str| spec(&format!("inputs = 'a.csv'\n{toml}")).load(folder.path()).unwrap();
    let some = load("rows = ['6..9', '..2']\nevery = { modulus = 2, remainder = [0] }");
    assert_eq!((some.inputs.to_batch().as_slice(), some.labels()), (&[0.0, 6.0, 8.0][..], &[0, 0, 2][..]));
    assert_ne!(load("rows = '..2'").sha256, load("rows = '..3'").sha256);
}

#[test]
fn names_are_given_to_classes_that_are_numbers() {
    let folder = folder();
    let load = |toml: &str| spec(&format!("inputs = 'a.csv'\n{toml}")).load(folder.path());
    let named = load("class_names = ['no', 'yes', 'unknown']").unwrap();
    assert!(named.check(1, 3).is_ok());
    assert_eq!(named.class_names.as_ref().unwrap().names[2], "unknown");
    assert_eq!(named.sha256, load("").unwrap().sha256, "a name is no part of the data");
    let error = load("class_names = ['no', 'yes']").unwrap().check(1, 3).unwrap_err().to_string();
    assert!(error.contains("key `class_names`: found 2 names of classes (no, yes), expected 3"), "{error}");
    std::fs::write(folder.path().join("t.csv"), "1,dog\n2,cat\n").unwrap();
    let error = spec("inputs = 't.csv'\nclass_names = ['a', 'b']").load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("put them into another order with `classes`"), "{error}");
}
