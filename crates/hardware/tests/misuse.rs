//! Arguments that no user means are errors or documented panics, never a silent result.

mod common;

use common::{Layer, process, real, unitary};
use nalgebra::DMatrix;
use phaseloom_hardware::correction::{CorrectionQuality, Instruments, Knowledge, Lab, characterise};
use phaseloom_hardware::{
    Chip, ChipId, DigitalProduct, HardwareError, Link, MatrixProduct, Process, Scales, Shot, TilePlan, comparison,
    spectra,
};
use phaseloom_mesh::{Fields, Rectangular};
use phaseloom_testing::{haar, re};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn impossible_arguments_are_errors() {
    let (program, other) = (unitary(&haar(4, 1), 0), unitary(&haar(5, 1), 0));
    let chip = Chip::nominal(&Process::default(), &program).unwrap();
    let layer = Layer::new(&real(8, 8, 1), "ports = 4", "", "", 1.0);
    let (weight, plan, scales) = (layer.program.weight(), layer.program.plan(), &layer.scales);
    let digital = |weight: &DMatrix<f64>, link: &Link, scales: &Scales| {
        DigitalProduct::new(weight, plan, link, None, scales).map(|_| ())
    };
    let lab = |noise, effort| {
        let instruments = Instruments { noise, effort, ..Instruments::default() };
        Lab::new(&chip, &program, Knowledge::Nothing, &instruments).map(|_| ())
    };
    let trial = |ports| comparison::trial(&Rectangular.into(), ports, &Process::default(), 1, 0).map(|_| ());
    let instruments = Instruments::default();
    let mut careful = Lab::new(&chip, &program, Knowledge::Design, &instruments).unwrap();
    let of_other = |lab: Result<Lab<'_>, HardwareError>| lab.map(|_| ());
    for (place, result) in [
        ("no port", trial(0)),
        ("ports beyond the memory", trial(1 << 40)),
        ("receiver of no port", Link::default().receiver(0).map(|_| ())),
        ("noise", lab(f64::NAN, 1.0)),
        ("effort", lab(1e-3, f64::NAN)),
        ("chip of another shape", of_other(Lab::new(&chip, &other, Knowledge::Nothing, &instruments))),
        ("target of another shape", CorrectionQuality::new(&chip, &other, &program).map(|_| ())),
        ("no settings", characterise(&mut careful, 0).map(|_| ())),
        ("weights of another shape", digital(&real(9, 8, 1), &layer.link, scales)),
        ("one scale", digital(weight, &layer.link, &Scales { input: 1.0, full_scale: vec![1.0] })),
        ("laser power", digital(weight, &Link { laser_power_w: Some(f64::NAN), ..Link::default() }, scales)),
        ("bound", phaseloom_hardware::bound_scales(&real(4, 4, 1), &layer.core, &layer.link, f64::MAX).map(|_| ())),
    ] {
        assert!(result.is_err(), "{place}");
    }
    let settings = spectra::SpectraSpec { largest_residual_db: f64::NAN, ..toml::from_str("source = \"\"").unwrap() };
    assert!(matches!(spectra::derive(&settings), Err(spectra::SpectraError::Settings(_))));
}

#[test]
fn lists_of_other_lengths_and_impossible_processes_panic() {
    let program = unitary(&haar(4, 1), 0);
    let chip = Chip::fabricate(&Process::default(), &program, ChipId { seed: 1, trial: 0, core: 0 }).unwrap();
    let driven = chip.process().drive(&program);
    let layer = Layer::new(&real(8, 8, 1), "ports = 4", "", "", 1.0);
    let digital =
        DigitalProduct::new(layer.program.weight(), layer.program.plan(), &layer.link, None, &layer.scales).unwrap();
    let impossible: Process = process("[splitter_error]\nsigma_rad = nan");
    let instruments = Instruments::default();
    let one = Scales { input: 1.0, full_scale: vec![1.0] };
    let shot = Shot { trial: 0, index: 0, first_vector: 0 };
    let receiver = layer.link.receiver(4).unwrap();
    let lab = || Lab::new(&chip, &program, Knowledge::Nothing, &instruments).unwrap();
    let calls: [(&str, &dyn Fn()); 13] = [
        ("no driven phases", &|| drop(chip.matrix_from_driven(&program, &[]))),
        ("no phases of a forward pass", &|| drop(chip.forward(&program, &[], Fields::identity(4)))),
        ("fields of a forward pass", &|| drop(chip.forward(&program, &driven, Fields::identity(5)))),
        ("adjoint", &|| {
            let pass = chip.forward(&program, &driven, Fields::identity(4)).unwrap();
            drop(chip.backward(&program, pass, Fields::identity(3)));
        }),
        ("measured phases", &|| drop(lab().measure_matrix(&[]))),
        ("measured inputs", &|| drop(lab().measure(&driven, &DMatrix::from_element(5, 1, re(1.0))))),
        ("drive", &|| drop(impossible.drive(&program))),
        ("unknown source", &|| drop(impossible.without("splitter"))),
        ("unknown part", &|| drop(layer.link.without("lens"))),
        ("scales", &|| {
            let _ = layer.design.fits_single(&one);
        }),
        ("scales of a quality", &|| assert!(layer.design.signal_quality(&one, &receiver).is_none())),
        ("batch", &|| drop(digital.multiply(&DMatrix::zeros(9, 1), shot))),
        ("tile", &|| {
            let _ = TilePlan::new(8, 8, 4, 4).tiles()[3].block(&DMatrix::zeros(4, 4));
        }),
    ];
    for (place, call) in calls {
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err(), "{place}");
    }
}
