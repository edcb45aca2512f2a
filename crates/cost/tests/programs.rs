//! Tiles and hold power of our own programs.

mod common;

use common::near;
use nalgebra::DMatrix;
use phaseloom_cost::closed_forms::haar_half_turns;
use phaseloom_cost::{CoreSize, Layer, Library, half_turns, mean_half_turns};
use phaseloom_hardware::{CoreSpec, Detection, LayerProgram, Link, Process, bound_scales};
use phaseloom_mesh::{Form, MatrixProgram, MeshDesign, Phases};
use phaseloom_testing::{dft, gaussian, haar};

fn unitary(matrix: &DMatrix<num_complex::Complex64>) -> f64 {
    let design = MeshDesign::from_keys("rectangular", None).unwrap();
    let program = MatrixProgram::new(matrix, Form::Unitary, &design).unwrap();
    half_turns(program.stages().iter().flat_map(|stage| stage.phases().values().to_vec()))
}

#[test]
fn the_four_port_fourier_transform_holds_eleven_and_a_half_pi() {
    let pi_w = Library::shipped().unwrap().values().heater.hold_pi_w;
    near(unitary(&dft(4)) * pi_w, 284.855e-3, 1e-9, "power");
}

/// Random unitaries hold as much as the law; the standard error of 30 meshes of 16 ports is below 1 %.
#[test]
fn random_unitaries_hold_as_much_as_their_law() {
    let sum: f64 = (0..30).map(|seed| unitary(&haar(16, seed))).sum();
    near(sum / 30.0, haar_half_turns(16), 0.05, "Haar");
}

#[test]
fn a_layer_of_a_program_has_its_tiles_and_phases() {
    // 3 × 5 tiles on cores of 8 ports; one of them is zero.
    let mut weight = gaussian(20, 34, 1).map(|entry| entry.re);
    weight.view_mut((8, 16), (8, 8)).fill(0.0);
    let spec = CoreSpec { ports: 8, ..CoreSpec::default() };
    let scales = bound_scales(&weight, &spec, &Link::default(), 1.0).unwrap();
    let program = LayerProgram::new(&weight, &spec, Detection::Homodyne, &scales).unwrap();
    let mut expected = Layer::new(20, 34, 3, 8);
    expected.tiles.remove(5 + 2);
    assert_eq!(Layer::from_program(&program, 3), expected);
    assert_eq!(CoreSize::from_spec(&spec).unwrap(), CoreSize::rectangular(8));

    let process: Process = toml::from_str("phase_shifter.power_pi_w = 0.02").unwrap();
    let phases: Vec<Phases> = program
        .tiles()
        .iter()
        .flatten()
        .flat_map(|tile| tile.program.stages())
        .map(|stage| stage.phases().clone())
        .collect();
    near(mean_half_turns(&program) * 14.0 * 0.02, process.heater_power_w(&phases).unwrap(), 1e-12, "power");
}
