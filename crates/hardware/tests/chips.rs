//! Chips as draws of a process: equal for equal seeds, one stream per source, paired over σ.

mod common;

use common::{chip, process, svd, unitary};
use phaseloom_hardware::{Chip, ChipId};
use phaseloom_mesh::MeshDesign;
use phaseloom_testing::{gaussian, haar};

const ALL: &str = "[splitter_error]\nsigma_rad = 0.01\n[phase_error]\nsigma_rad = 0.02\n\
                   [insertion_loss]\nloss_db = 0.1\nimbalance_sigma_db = 0.05\n[phase_jitter]\nsigma_rad = 0.01\n\
                   [thermal_crosstalk]\ncoefficient = 0.005\n[phase_quantization]\nbits = 8";

#[test]
fn equal_seeds_make_equal_chips_and_different_seeds_different_ones() {
    let program = svd(&gaussian(5, 8, 0), 0);
    let process = process(ALL);
    let make = |seed, trial, core| Chip::fabricate(&process, &program, ChipId { seed, trial, core }).unwrap();
    assert_eq!(make(1, 2, 3), make(1, 2, 3));
    assert_eq!(make(1, 2, 3).matrix(&program).unwrap(), make(1, 2, 3).matrix(&program).unwrap());
    for other in [make(2, 2, 3), make(1, 3, 3), make(1, 2, 4)] {
        assert_ne!(other.stages(), make(1, 2, 3).stages());
    }
}

/// Removing a source keeps the bits of every parameter of the others.
#[test]
fn a_source_changes_no_draw_of_another() {
    let program = svd(&gaussian(6, 6, 0), 1);
    let complete = chip(&process(ALL), &program, 4);
    for absent in ALL.split('[').skip(1) {
        let text = ALL.replace(&format!("[{absent}"), "");
        let part = chip(&process(&text), &program, 4);
        for (a, b) in complete.stages().iter().zip(part.stages()) {
            if !absent.starts_with("phase_error") {
                assert_eq!(a.offsets, b.offsets, "without {absent}");
            }
            for (a, b) in a.cell_errors.iter().zip(&b.cell_errors) {
                if !absent.starts_with("splitter_error") {
                    assert_eq!((a.alpha.to_bits(), a.beta.to_bits()), (b.alpha.to_bits(), b.beta.to_bits()));
                }
                if !absent.starts_with("insertion_loss") {
                    assert_eq!(
                        (a.upper_transmission.to_bits(), a.lower_transmission.to_bits()),
                        (b.upper_transmission.to_bits(), b.lower_transmission.to_bits())
                    );
                }
            }
        }
    }
}

/// The same trial at three times the σ has three times the errors, so points of a grid are paired.
#[test]
fn points_of_a_grid_are_paired() {
    let program = unitary(&haar(8, 0), 0);
    let at = |sigma: f64| {
        let text = format!(
            "[splitter_error]\nsigma_rad = {sigma}\n[phase_error]\nsigma_rad = {sigma}\n\
             [insertion_loss]\nimbalance_sigma_db = {sigma}"
        );
        chip(&process(&text), &program, 9).stages()[0].clone()
    };
    let (one, three) = (at(0.01), at(0.03));
    let near = |a: f64, b: f64| assert!((3.0 * a - b).abs() < 1e-15, "{a} {b}");
    one.offsets.values().iter().zip(three.offsets.values()).for_each(|(&a, &b)| near(a, b));
    for (a, b) in one.cell_errors.iter().zip(&three.cell_errors) {
        near(a.alpha, b.alpha);
        near(a.beta, b.beta);
        assert!((a.upper_transmission.ln() * 3.0 - b.upper_transmission.ln()).abs() < 1e-15);
    }
    assert!(one.cell_errors[0].alpha.abs() > 0.0);
}

/// A core fabricated without a program is the chip of every program of its shape.
#[test]
fn a_core_fits_every_program_of_its_shape() {
    for design in MeshDesign::all().filter(|d| d.topology().capability().max_rows().is_none()) {
        let core = Chip::fabricate_core(&process(ALL), 6, &design, ChipId { seed: 1, trial: 0, core: 2 }).unwrap();
        for draw in 0..3 {
            let program = phaseloom_mesh::MatrixProgram::new(&gaussian(6, 6, draw), phaseloom_mesh::Form::Svd, &design);
            let program = program.unwrap();
            let same = Chip::fabricate(&process(ALL), &program, ChipId { seed: 1, trial: 0, core: 2 }).unwrap();
            assert_eq!(core.matrix(&program).unwrap(), same.matrix(&program).unwrap());
        }
        assert!(core.matrix(&unitary(&haar(6, 0), 0)).unwrap_err().to_string().contains("6×6"));
    }
}

/// The sizes in a file are checked against each other before memory is taken for them.
#[test]
fn a_chip_of_a_unitary_is_square() {
    let program = unitary(&haar(3, 1), 0);
    let chip = Chip::fabricate(&process(ALL), &program, ChipId { seed: 1, trial: 0, core: 0 }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chip.json");
    chip.save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for size in [0, 2, 4_294_967_296_u64] {
        std::fs::write(&path, text.replacen("\"rows\": 3", &format!("\"rows\": {size}"), 1)).unwrap();
        let refusal = Chip::load(&path).unwrap_err().to_string();
        assert!(refusal.contains(&format!("rows: found {size}")), "{refusal}");
    }
}
