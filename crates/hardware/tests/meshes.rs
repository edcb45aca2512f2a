//! Every topology with every cell on imperfect chips: files, energy, laws, corrections.
//!
//! A new topology or cell is tested as soon as it is in its list.

mod common;

use common::{chip, process};
use phaseloom_hardware::correction::{CORRECTIONS, Corrected, Instruments, correct, correction};
use phaseloom_hardware::{Chip, MeshSize};
use phaseloom_mesh::{Butterfly, Capability, Form, MatrixProgram, MeshDesign, Phases, Rectangular};
use phaseloom_numerics::linalg::svd;
use phaseloom_numerics::relative_error;
use phaseloom_testing::{Mean, agree, gaussian, haar};
use std::sync::Arc;

const ALL: &str = "[splitter_error]\nsigma_rad = 0.02\n[phase_error]\nsigma_rad = 0.02\n[insertion_loss]\nloss_db = 0.1\n\
                   imbalance_sigma_db = 0.05\n[thermal_crosstalk]\ncoefficient = 1e-3\n[phase_quantization]\nbits = 10";

/// A program for each design: of a full matrix, or of the rows that the topology supports.
fn programs(n: usize) -> impl Iterator<Item = (MeshDesign, MatrixProgram)> {
    MeshDesign::all().map(move |design| {
        let rows = design.topology().capability().max_rows().unwrap_or(n);
        let program = MatrixProgram::new(&gaussian(rows, n, 1), Form::Auto, &design);
        let program = program.unwrap_or_else(|error| panic!("{design}: {error}"));
        (design, program)
    })
}

#[test]
fn chips_and_programs_survive_their_files() {
    let folder = tempfile::tempdir().unwrap();
    for n in [3, 6] {
        for (design, program) in programs(n) {
            let chip = chip(&process(ALL), &program, 1);
            let (a, b) = (folder.path().join("program.json"), folder.path().join("chip.json"));
            program.save(&a).unwrap();
            chip.save(&b).unwrap();
            let (program_read, chip_read) = (MatrixProgram::load(&a).unwrap(), Chip::load(&b).unwrap());
            assert_eq!(chip.stages(), chip_read.stages(), "{design} N={n}");
            assert_eq!(chip.matrix(&program).unwrap(), chip_read.matrix(&program_read).unwrap(), "{design} N={n}");
            // Another cell is another chip.
            let other = MeshDesign::all()
                .find(|other| *other != design && other.topology().capability().max_rows().is_none())
                .unwrap();
            let other = MatrixProgram::new(&gaussian(n, n, 1), Form::Auto, other).unwrap();
            assert!(chip.matrix(&other).is_err(), "{design} N={n}");
        }
    }
}

/// No chip amplifies. A chip without loss is unitary for errors of any size, unless its layout has modes that are not ports.
#[test]
fn energy_is_conserved() {
    let driven = "[phase_quantization]\nbits = 3\n[thermal_crosstalk]\ndistance_factor = 1.0";
    let lossless = ["1e-3", "0.1", "3.0", "1e3"].map(|sigma| {
        format!("[splitter_error]\nsigma_rad = {sigma}\nmean_rad = 0.2\n[phase_error]\nsigma_rad = {sigma}\n{driven}")
    });
    for (design, n) in MeshDesign::all().flat_map(|design| [1, 2, 5, 6, 16, 64].map(|n| (design.clone(), n))) {
        let layout = design.layout(n);
        let mut phases = Phases::blank(&layout);
        phases.values_mut().iter_mut().enumerate().for_each(|(k, phase)| *phase = 3.0 + 3.0 * (1.3 * k as f64).sin());
        let program = MatrixProgram::from_phases(&design, n, phases);
        for text in lossless.iter().map(String::as_str).chain([ALL]) {
            let sigma = svd(&chip(&process(text), &program, 2).matrix(&program).unwrap()).unwrap().sigma;
            assert!(sigma.iter().all(|s| *s < 1.0 + 1e-12), "{design} N={n}: {sigma:?}");
            if text != ALL && layout.modes == n {
                assert!(sigma.iter().all(|s| *s > 1.0 - 1e-12), "{design} N={n}: {sigma:?}");
            }
        }
    }
}

/// Phase errors of a mesh with random phases: each changes the matrix by δ²/N, whatever the topology, so
/// E² = σ²·(number of phases)/N. That is Nσ² for a universal mesh. Next order: E²/4.
#[test]
fn the_law_of_phase_errors_holds_for_every_mesh_without_dumps() {
    let sigma = 1e-3;
    let process = process(&format!("[phase_error]\nsigma_rad = {sigma}"));
    for design in MeshDesign::all().filter(|d| d.layout(8).modes == 8) {
        let layout = design.layout(8);
        let count = Phases::blank(&layout).values().len();
        let mut error = Mean::default();
        for draw in 0..600 {
            let mut phases = Phases::blank(&layout);
            let angles = gaussian(count, 1, draw);
            phases.values_mut().iter_mut().zip(angles.iter()).for_each(|(phase, z)| *phase = z.arg());
            let program = MatrixProgram::from_phases(&design, 8, phases);
            let realised = chip(&process, &program, draw).matrix(&program).unwrap();
            error.add(relative_error(&program.matrix(), &realised).powi(2));
        }
        agree(&design.to_string(), error, sigma * sigma * count as f64 / 8.0, 1e-4, 0.03);
    }
}

/// Local correction is exact for any mesh if the errors are small enough for every cell.
#[test]
fn local_correction_is_exact_where_every_cell_is_within_reach() {
    let process = process("[splitter_error]\nsigma_rad = 0.002\n[phase_error]\nsigma_rad = 0.3");
    for design in MeshDesign::all()
        .filter(|d| d.topology().capability().is_universal() && d.topology().capability() == Capability::AnyUnitary)
    {
        let mut exact = 0;
        for draw in 0..10 {
            let u = haar(4, draw);
            let program = MatrixProgram::new(&u, Form::Unitary, &design).unwrap();
            let corrected = corrected_locally(&chip(&process, &program, draw), &program);
            if corrected.result.clipped_cells == Some(0) {
                exact += 1;
                assert!(corrected.after.error < 1e-12, "{design} draw {draw}: {:e}", corrected.after.error);
            }
        }
        // Idle cells are in the bar state, which an MZI with splitter errors cannot reach.
        let idle = ["redundant", "diamond"].contains(&design.topology().key());
        assert!(exact > 0 || idle, "{design}");
    }
}

/// Meshes of couplers are corrected by a new fit of all phases with the errors known.
#[test]
fn local_correction_of_fitted_couplers_finds_most_of_the_way_back() {
    for (text, share) in [("", 0.05), ("[insertion_loss]\nloss_db = 0.2\nimbalance_sigma_db = 0.05", 0.2)] {
        let process = process(&format!("[splitter_error]\nsigma_rad = 0.05\n[phase_error]\nsigma_rad = 0.3\n{text}"));
        for design in MeshDesign::all().filter(|d| !d.cell().is_interferometer()) {
            let program = MatrixProgram::new(&haar(4, 1), Form::Unitary, &design).unwrap();
            let corrected = corrected_locally(&chip(&process, &program, 1), &program);
            let (before, after) = (corrected.before.error, corrected.after.error);
            assert!(after < share * before, "{design}: {before:.3} → {after:.3}");
            assert!(corrected.result.clipped_cells.is_none(), "{design}");
        }
    }
}

fn corrected_locally(chip: &Chip, program: &MatrixProgram) -> Corrected {
    correct(chip, program, correction("local").unwrap(), &quiet()).unwrap()
}

fn quiet() -> Instruments {
    Instruments { noise: 0.0, effort: 0.2, ..Instruments::default() }
}

/// No method makes any mesh much worse, and descent makes each better.
#[test]
fn every_correction_works_on_every_mesh() {
    let process = process("[splitter_error]\nsigma_rad = 0.05\n[thermal_crosstalk]\ncoefficient = 2e-3");
    for (design, program) in programs(4) {
        let chip = chip(&process, &program, 3);
        for method in CORRECTIONS {
            // Characterisation needs at least as many measurements as unknowns.
            let effort = if method.key == "characterisation" { 1.0 } else { quiet().effort };
            let corrected = correct(&chip, &program, method, &Instruments { effort, ..quiet() });
            let corrected = corrected.unwrap_or_else(|error| panic!("{design} {}: {error}", method.key));
            let (before, after) = (corrected.before.scaled_error, corrected.after.scaled_error);
            // Methods that know the design alone, or search at random, keep the random errors, which may add up worse.
            assert!(after < 1.5 * before + 1e-3, "{design} {}: {before} → {after}", method.key);
            if method.key == "adjoint" {
                assert!(after < 0.5 * before, "{design}: {before} → {after}");
            }
        }
    }
}

#[test]
fn parts_are_counted() {
    for design in MeshDesign::all() {
        let (counts, layout) = (MeshSize::new(&design, 8), design.layout(8));
        let shifters = Phases::blank(&layout).values().len();
        assert_eq!((counts.cells, counts.shifters), (layout.positions.len(), shifters), "{design}");
        assert!(counts.length_um > 0.0 && counts.width_um >= 8.0 * 12.0, "{design}");
    }
    // A butterfly of 8 modes shuffles 2 groups of 4 modes, then one of 8: s(s−1)/2 crossings for 2s modes, in and out.
    let crossings = MeshSize::new(&Butterfly.into(), 8).crossings;
    assert!(crossings >= 2 + 6, "{crossings}");
}

/// A crossing in a cell loses as an interferometer does. In a butterfly of four modes, two modes cross one waveguide
/// before and one after the second column.
#[test]
fn crossings_lose_light() {
    let realised = |design: &MeshDesign, text: &str| {
        let phases = Phases::blank(&design.layout(4));
        let program = MatrixProgram::from_phases(design, 4, phases);
        chip(&process(text), &program, 1).matrix(&program).unwrap()
    };
    let crossed = MeshDesign::new(Arc::new(Rectangular), phaseloom_mesh::Cell::Crossing).unwrap();
    let a = realised(&crossed, "[insertion_loss]\ncrossing_db = 0.1");
    let b = realised(&crossed, "[insertion_loss]\nloss_db = 0.1");
    assert!((a - b).norm() < 1e-15);
    let plain = realised(&Rectangular.into(), "[insertion_loss]\ncrossing_db = 0.1");
    assert!((plain.norm() - 2.0).abs() < 1e-15);
    let norm = realised(&Butterfly.into(), "[insertion_loss]\ncrossing_db = 0.3").norm();
    // The two modes of a cell have half a crossing before and half a crossing after it on average: 0.3 dB in all.
    assert!((norm / 2.0 - 10f64.powf(-0.3 / 20.0)).abs() < 1e-14, "{norm}");
}

/// Power falls by `loss_db` for every two splitters and two shifters in series. With two modes, all power passes every
/// cell.
#[test]
fn cells_lose_by_their_parts_in_series() {
    let process = process("[insertion_loss]\nloss_db = 0.4");
    for (key, cell, share) in [
        ("triangular", "mzi", 1.0),
        ("triangular", "three_splitters", 1.25),
        ("triangular", "crossing", 1.0),
        ("triangular", "symmetric", 0.75),
        ("masks", "coupler", 0.5),
    ] {
        let design = MeshDesign::from_keys(key, Some(cell)).unwrap();
        let program = MatrixProgram::new(&haar(2, 1), Form::Unitary, &design).unwrap();
        let realised = chip(&process, &program, 0).matrix(&program).unwrap();
        let cells = design.layout(2).positions.len();
        let lost = -10.0 * (realised.norm_squared() / 2.0).log10();
        assert!((lost - 0.4 * share * cells as f64).abs() < 1e-12, "{design}: {lost} dB in {cells} cells");
    }
}
