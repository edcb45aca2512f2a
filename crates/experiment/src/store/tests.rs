use super::line::{LineError, from_line};
use super::*;
use crate::input::config::Experiment;
use crate::run::{Options, run};
use crate::store::outcome::Outcome;
use crate::store::record::{Confusion, Row, ShotResult, Unit};
use crate::store::shot::ClassCounts;
use std::fs;
use tempfile::TempDir;

/// A finished run of two points and two trials in the folder `run`.
fn finished() -> (TempDir, Experiment, Outcome) {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/breast_cancer/breast_cancer.toml");
    let mut experiment = Experiment::load(&example).unwrap();
    experiment.config.trials = 2;
    experiment.config.data.as_mut().unwrap().samples = Some(20);
    experiment.config.sweep[0].values.truncate(2);
    let outcome = run(&experiment, &folder.path().join("run"), &Options::default()).unwrap();
    assert_eq!(outcome.missing, 0);
    (folder, experiment, outcome)
}

/// Changes the counts of the first shot.
fn change_counts(record: &mut Record, change: fn(&mut ClassCounts)) {
    let ShotResult::Classes(counts) = &mut record.shots[0] else { panic!("no classification") };
    change(counts);
}

/// A folder of the same run with these records, in this order, each with a checksum.
fn folder_of<'a>(outcome: &Outcome, records: impl IntoIterator<Item = &'a Record>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in [IDENTITY, EXPERIMENT] {
        fs::copy(outcome.folder().join(name), folder.path().join(name)).unwrap();
    }
    let lines: Vec<u8> =
        records.into_iter().flat_map(|record| whole_line(record, &outcome.identity.identity).unwrap()).collect();
    fs::write(folder.path().join(UNITS), lines).unwrap();
    folder
}

#[test]
fn a_line_with_one_other_byte_is_no_line() {
    let (_folder, _, outcome) = finished();
    let identity = &outcome.identity.identity;
    for record in outcome.records.values() {
        let line = to_line(record, identity).unwrap();
        assert_eq!(from_line(&line, identity).unwrap(), *record);
        assert!(matches!(from_line(&line, "another identity"), Err(LineError::Checksum)));
        for at in 0..line.len() {
            let mut changed = line.clone();
            changed[at] ^= 1;
            assert!(from_line(&changed, identity).is_err(), "byte {at}");
            assert!(from_line(&line[..at], identity).is_err(), "torn at byte {at}");
        }
        let bare = serde_json::to_vec(record).unwrap();
        assert!(matches!(from_line(&bare, identity), Err(LineError::NoChecksum)));
        // JSON has no numbers that are not finite.
        for number in ["1e999", "null", "NaN"] {
            let text = String::from_utf8(bare.clone()).unwrap();
            let Some((start, end)) = text.split_once("\"matrix_error\":") else { continue };
            let end = &end[end.find(',').unwrap()..];
            let text = format!("{start}\"matrix_error\":{number}{end}");
            assert!(serde_json::from_str::<Record>(&text).is_err(), "{text}");
        }
    }
}

#[test]
fn records_that_are_not_those_of_the_plan_are_left_out_and_computed_again() {
    let (_folder, experiment, outcome) = finished();
    let chip = Unit { row: Row::Chips, point: 1, trial: 1 };
    let design = Unit { row: Row::Design, point: 0, trial: 0 };
    type Change = (&'static str, Unit, fn(&mut Record));
    let changes: [Change; 10] = [
        ("no unit of this run", chip, |r| r.unit.point = 77),
        ("no unit of this run", design, |r| r.unit.trial = 1),
        ("another number of samples", chip, |r| r.samples = 0),
        ("another number of samples", chip, |r| change_counts(r, |counts| counts.correct = 21)),
        ("another number of samples", chip, |r| change_counts(r, |counts| counts.gained = u64::MAX)),
        ("another number of shots", chip, |r| r.shots.clear()),
        ("counts of classes are not those", chip, |r| r.confusion = Confusion::from(vec![(0, 0, 7)])),
        ("other layers", chip, |r| r.layers.clear()),
        ("other layers", chip, |r| r.layers.push(r.layers[0].clone())),
        ("the sizes of another row", design, |r| r.layers[0].design = None),
    ];
    for (expected, unit, change) in changes {
        let mut records = outcome.records.clone();
        change(records.get_mut(&unit).unwrap());
        let folder = folder_of(&outcome, records.values());
        let notes = Mutex::new(Vec::new());
        let note = |text: &str| notes.lock().unwrap().push(text.to_owned());
        let again = run(&experiment, folder.path(), &Options { note: &note, ..Options::default() }).unwrap();
        assert_eq!((again.computed, again.missing), (1, 0), "{expected}");
        assert_eq!(again.records, outcome.records, "{expected}");
        drop(again);
        let notes = notes.into_inner().unwrap();
        assert!(notes.len() == 1 && notes[0].contains(expected), "{expected}: {notes:?}");
        let now = read(folder.path()).unwrap().unwrap();
        assert!(now.note().is_none() && now.records == outcome.records);
        // A merge does not believe it either.
        let folder = folder_of(&outcome, records.values());
        let into = folder.path().join("merged");
        let refused = merge::merge(&[folder.path().to_owned()], &into, &|_| ()).unwrap_err();
        assert!(matches!(refused, ExperimentError::Missing { count: 1.., .. }), "{expected}: {refused}");
        assert!(!into.exists());
    }
}

#[test]
fn equal_repeats_count_once_and_differing_ones_are_an_error() {
    let (_folder, experiment, outcome) = finished();
    let twice = folder_of(&outcome, outcome.records.values().chain(outcome.records.values()));
    assert_eq!(run(&experiment, twice.path(), &Options::default()).unwrap().computed, 0);
    let mut other = outcome.records[&Unit { row: Row::Chips, point: 1, trial: 1 }].clone();
    other.layers[0].matrix_error *= 2.0;
    let differing = folder_of(&outcome, outcome.records.values().chain([&other]));
    let refused = run(&experiment, differing.path(), &Options::default()).unwrap_err().to_string();
    for part in [UNITS, "another result for chips at point 1, trial 1", "start in a new folder"] {
        assert!(refused.contains(part), "{refused}");
    }
    let other = folder_of(&outcome, [&other]);
    let parts = [outcome.folder().to_owned(), other.path().to_owned()];
    let refused = merge::merge(&parts, &other.path().join("merged"), &|_| ()).unwrap_err();
    assert!(matches!(refused, ExperimentError::Conflict { .. }), "{refused}");
}

#[test]
fn a_merge_keeps_every_trial_though_the_experiment_names_fewer() {
    let (_folder, _, outcome) = finished();
    let folder = folder_of(&outcome, outcome.records.values());
    let path = folder.path().join(EXPERIMENT);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("trials = 2\n"));
    fs::write(&path, text.replace("trials = 2\n", "trials = 1\n")).unwrap();
    let merged = merge::merge(&[folder.path().to_owned()], folder.path(), &|note| panic!("{note}")).unwrap();
    assert_eq!(merged.records, outcome.records);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
#[cfg(unix)]
fn nothing_is_written_to_a_folder_that_is_another() {
    let (folder, _, outcome) = finished();
    outcome.write("table.csv", b"a").unwrap();
    let run = folder.path().join("run");
    fs::rename(&run, folder.path().join("moved")).unwrap();
    assert!(outcome.write("table.csv", b"b").is_err() && !run.exists());
    fs::create_dir(&run).unwrap();
    for name in [LOCK, UNITS] {
        fs::copy(folder.path().join("moved").join(name), run.join(name)).unwrap();
    }
    let record = &outcome.records[&Unit { row: Row::Exact, point: 0, trial: 0 }];
    for refused in [outcome.write("table.csv", b"b"), outcome.store.append(record)] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("this folder was removed, moved or changed"), "{refused}");
    }
    assert!(!run.join("table.csv").exists());
    assert_eq!(fs::read(folder.path().join("moved/table.csv")).unwrap(), b"a");
}
