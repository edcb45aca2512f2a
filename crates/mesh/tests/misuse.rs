//! Arguments that no user means are errors or documented panics, never a silent result.

use nalgebra::DMatrix;
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::convention::{BellWalmsley, Convention, Waveguides, convention};
use phaseloom_mesh::{
    Cell, Circuit, Fields, Form, Layout, MatrixProgram, MeshDesign, MeshError, Phases, Rectangular, Stage, StageTrace,
    Unitary, gradient, match_cells,
};
use phaseloom_numerics::canonical_svd;
use phaseloom_testing::{Matrix, gaussian, haar, re};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn impossible_arguments_panic() {
    let program = MatrixProgram::new(&haar(4, 1), Form::Unitary, Rectangular).unwrap();
    let stage = &program.stages()[0];
    let (layout, errors, other) = (stage.layout(), vec![CellErrors::NONE; 6], Phases::zero(7, 4));
    let contraction = MeshDesign::from_keys("contraction", None).unwrap();
    let mut short = canonical_svd(&gaussian(4, 4, 1)).unwrap();
    short.sigma.pop();
    let waveguides = Waveguides { theta: vec![0.0], ..Waveguides::from_stage(stage) };
    let identity = || Fields::identity(4);
    let calls: [(&str, &dyn Fn()); 15] = [
        ("compiled phases", &|| drop(Circuit::compile(stage, &other, &errors))),
        ("slopes", &|| drop(gradient(stage, &other, &errors, &identity(), identity(), identity()))),
        ("traced phases", &|| drop(StageTrace::new(stage, &other, &errors, &[re(1.0)]))),
        ("matched phases", &|| drop(match_cells(layout, Cell::Mzi, &other, &errors))),
        ("attenuators with outputs", &|| drop(Stage::attenuators(Phases::zero(4, 1)))),
        ("permuted modes", &|| layout.permute(0, &mut [0; 3])),
        ("output", &|| assert!(layout.output_shifter(4).x_um > 0.0)),
        ("cells of a layout", &|| drop(Layout::new(0, stage.layout().positions.clone()))),
        ("number of phases", &|| drop(Phases::zero(1 << 63, 0))),
        ("number of fields", &|| drop(Fields::zeros(1 << 40, 1 << 40))),
        ("norm", &|| drop(contraction.program_contraction(&(haar(4, 1) * re(2.0))))),
        ("shape of a contraction", &|| drop(contraction.program_contraction(&(gaussian(4, 2, 1) * re(1e-3))))),
        ("singular values", &|| drop(MatrixProgram::from_svd(&gaussian(4, 4, 1), short.clone(), 0.0, Rectangular))),
        ("no rows", &|| drop(MatrixProgram::blank(0, 4, Rectangular))),
        ("waveguides", &|| drop(BellWalmsley.distribute(&waveguides))),
    ];
    for (place, call) in calls {
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err(), "{place}");
    }
    assert!(catch_unwind(|| convention("clements").unwrap().distribute(&waveguides)).is_err());
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    let program = MatrixProgram::new(&haar(4, 1), Form::Unitary, Rectangular).unwrap();
    let mut phases = program.stages()[0].phases().clone();
    phases.set_cell(0, f64::NAN, 0.0);
    for refused in [program.clone().with_electronic_gain(2.0), program.with_phases(vec![phases])] {
        assert!(matches!(refused.save(&path), Err(MeshError::File(_))));
        assert!(!path.exists());
    }
    // The squares of the first entry are no number, those of the last one are.
    let huge = Matrix::from_diagonal(&nalgebra::DVector::from_vec(vec![nalgebra::Complex::new(1e200, 1e200), re(1.0)]));
    assert!(Unitary::deviation(&huge).is_infinite());
    assert!(matches!(Unitary::nearest(&gaussian(4, 3, 1)), Err(MeshError::NotSquare { .. })));
    assert!(matches!(Unitary::nearest(&Matrix::from_element(2, 2, re(f64::NAN))), Err(MeshError::NotFinite { .. })));
    assert!(matches!(Unitary::nearest(&DMatrix::zeros(0, 0)), Err(MeshError::Empty { .. })));
}
