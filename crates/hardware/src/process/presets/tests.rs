use super::*;
use crate::chip::{Chip, ChipId};
use phaseloom_mesh::{MatrixProgram, topology};
use phaseloom_numerics::{StreamKey, haar_unitary};
use std::f64::consts::PI;

#[test]
fn every_preset_is_a_process_that_fabricates_a_chip() {
    let u = haar_unitary(8, &mut StreamKey::new(3, "presets").stream());
    let program = MatrixProgram::new(&u, phaseloom_mesh::Form::Auto, topology("rectangular").unwrap()).unwrap();
    for preset in PRESETS {
        let name = format!("{PRESET_PREFIX}{}", preset.key);
        let read = read_process(Path::new(&name), Path::new("anywhere")).unwrap();
        assert_eq!((read.path.to_str(), read.text.as_str()), (Some(name.as_str()), preset.text));
        read.process.check().unwrap();
        let chip = Chip::fabricate(&read.process, &program, ChipId { seed: 1, trial: 0, core: 0 }).unwrap();
        let error = phaseloom_numerics::matrix_error(&u, &chip.matrix(&program).unwrap());
        assert!(error.is_finite(), "{}", preset.key);
        assert!((error < 1e-12) == (preset.key == "ideal"), "{}: {error}", preset.key);
    }
}

/// A number has a source on its line, or in the comment right above it.
#[test]
fn every_number_says_where_it_comes_from() {
    const MARKS: [&str; 6] = ["assumption", "from memory", "arXiv:", "doi:", "GitHub", "measured:"];
    for preset in PRESETS {
        let mut above = String::new();
        let mut numbers = 0;
        for line in preset.text.lines() {
            if let Some(comment) = line.trim_start().strip_prefix('#') {
                above += comment;
                continue;
            }
            let (code, comment) = line.split_once('#').unwrap_or((line, ""));
            if code.contains('=') {
                numbers += 1;
                let said = MARKS.iter().any(|mark| comment.contains(mark) || above.contains(mark));
                assert!(said, "{}: `{line}` has no source", preset.key);
            }
            above.clear();
        }
        assert!(numbers > 0, "{} is empty", preset.key);
    }
}

#[test]
fn an_unknown_preset_names_the_nearest_and_all() {
    let error = read_process(Path::new("preset:mem-silicon"), Path::new("")).unwrap_err().to_string();
    assert!(error.contains("`preset:mem-silicon`") && error.contains("did you mean `preset:mems-silicon`?"), "{error}");
    assert!(PRESETS.iter().all(|preset| error.contains(preset.key)), "{error}");
    // Nothing near: the list alone.
    assert!(!preset("").unwrap_err().to_string().contains("did you mean"));
}

#[test]
fn holding_phases_costs_what_the_shifter_says() {
    let u = haar_unitary(8, &mut StreamKey::new(3, "presets").stream());
    let program = MatrixProgram::new(&u, phaseloom_mesh::Form::Svd, topology("rectangular").unwrap()).unwrap();
    let driven = Process::default().drive(&program);
    assert!(Process::default().heater_power_w(&driven).is_none());
    let process: Process = toml::from_str("[phase_shifter]\npower_pi_w = 0.025").unwrap();
    // The slow obvious way: every θ, φ and output phase by itself.
    let mut sum = 0.0;
    for stage in &driven {
        for phase in stage.theta().iter().chain(stage.phi()).chain(stage.output()) {
            sum += 0.025 * phase.abs() / PI;
        }
    }
    assert!((process.heater_power_w(&driven).unwrap() - sum).abs() < 1e-12 * sum);
    assert_eq!(process.sources().count(), 0, "it does nothing to light");
    for bad in ["-1e-3", "nan", "inf", "1e308"] {
        let process: Process = toml::from_str(&format!("[phase_shifter]\npower_pi_w = {bad}")).unwrap();
        let error = process.check().unwrap_err().to_string();
        assert!(error.contains("phase_shifter.power_pi_w") && error.contains("from 0 to 1000"), "{error}");
    }
}
