//! Conventions against other programs: the phases that they computed themselves (`conventions/*.json`, by
//! `conventions/make_settings.py`, with the version of each), and products of 2×2 matrices written here from definitions.

use nalgebra::{DMatrix, Matrix2};
use num_complex::Complex64;
use phaseloom_mesh::convention::{CONVENTIONS, ConvertedCell, ConvertedMesh, ScreenPhase, convention};
use phaseloom_mesh::{CellPosition, Form, MatrixProgram, MeshDesign, Rectangular, Stage, Unitary, topology};
use phaseloom_numerics::{StreamKey, haar_unitary};
use serde_json::Value;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, TAU};
use std::path::Path;

type Cell = Matrix2<Complex64>;

fn diagonal(upper: f64, lower: f64) -> Cell {
    Cell::new(Complex64::cis(upper), 0.0.into(), 0.0.into(), Complex64::cis(lower))
}

/// The cell of a convention as the product of its parts, in the order of the matrices: fields pass the last one first.
fn cell(key: &str, position: CellPosition, modes: usize, [a, b]: [f64; 2]) -> Cell {
    let i = Complex64::i();
    let s = Cell::new(1.0.into(), i, i, 1.0.into()) * Complex64::from(FRAC_1_SQRT_2);
    let h = Cell::new(1.0.into(), 1.0.into(), 1.0.into(), (-1.0).into()) * Complex64::from(FRAC_1_SQRT_2);
    let clements = Cell::new(a.cos().into(), (-a.sin()).into(), a.sin().into(), a.cos().into()) * diagonal(b, 0.0);
    match key {
        "mach_zehnder" | "fang" => s * diagonal(a, 0.0) * s * diagonal(b, 0.0),
        "clements" => clements,
        "clements_inverse" => clements.adjoint(),
        "clements_middle" if position.column + position.mode <= modes - 2 => clements,
        "clements_middle" => clements.adjoint(),
        "hadamard" => h * diagonal(a, 0.0) * h * diagonal(b, 0.0),
        "bloch" => s * diagonal(a / 2.0, -a / 2.0) * s * diagonal(b, 0.0),
        "bell_walmsley" => s * diagonal(a, b) * s,
        "upper_output" => diagonal(b, 0.0) * s * diagonal(a, 0.0) * s,
        "lower_output" => diagonal(0.0, b) * s * diagonal(a, 0.0) * s,
        "perceval" => diagonal(0.0, b) * s * diagonal(0.0, a) * s,
        _ => panic!("no definition of {key}"),
    }
}

/// The product of all cells and of the phase screen, column by column.
fn product(mesh: &ConvertedMesh) -> DMatrix<Complex64> {
    let mut u = DMatrix::identity(mesh.modes, mesh.modes);
    let columns = mesh.cells.iter().map(|c| c.position.column + 1).max().unwrap_or(0);
    for column in 0..=columns {
        for shifter in mesh.screen.iter().filter(|p| p.column == column) {
            let mut row = u.row_mut(shifter.mode);
            row *= Complex64::cis(shifter.phase);
        }
        for c in mesh.cells.iter().filter(|c| c.position.column == column) {
            let t = cell(mesh.convention.key(), c.position, mesh.modes, c.phases);
            let outputs = t * u.fixed_rows::<2>(c.position.mode);
            u.fixed_rows_mut::<2>(c.position.mode).copy_from(&outputs);
        }
    }
    u
}

fn stage(u: &DMatrix<Complex64>, topology: impl Into<MeshDesign>) -> Stage {
    MatrixProgram::new(u, Form::Unitary, topology).unwrap().stages()[0].clone()
}

#[test]
fn a_converted_mesh_is_the_product_of_its_definitions() {
    for n in 2..=17 {
        let fourier = |r: usize, c: usize| Complex64::cis(TAU * (r * c) as f64 / n as f64) / (n as f64).sqrt();
        let shift = |r: usize, c: usize| Complex64::from(f64::from(u8::from(r == (c + 1) % n)));
        for u in [
            haar_unitary(n, &mut StreamKey::new(n as u64, "definitions").stream()),
            DMatrix::identity(n, n),
            DMatrix::from_fn(n, n, fourier),
            DMatrix::from_fn(n, n, shift),
        ] {
            for topology in ["rectangular", "triangular"].map(|key| topology(key).unwrap()) {
                let stage = stage(&u, &topology);
                for convention in CONVENTIONS {
                    let error = (product(&ConvertedMesh::new(&stage, convention)) - &u).norm();
                    assert!(error < 1e-13 * n as f64, "{}, {topology:?}, N = {n}: {error:e}", convention.key());
                }
            }
        }
    }
}

// ------------------------------------------------------------------------------------------- phases of other programs

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn index(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn complex(value: &Value) -> Complex64 {
    Complex64::new(number(&value[0]), number(&value[1]))
}

fn list<'a>(case: &'a Value, key: &str) -> &'a [Value] {
    case[key].as_array().map_or(&[], Vec::as_slice)
}

/// A mesh of cells in order of propagation, each in the first column that is free on its modes, and a phase screen.
fn mesh(key: &str, modes: usize, cells: &[(usize, [f64; 2])], screen: Vec<ScreenPhase>) -> ConvertedMesh {
    let mut free = vec![0; modes];
    let place = |&(mode, phases): &(usize, [f64; 2])| {
        let column = usize::max(free[mode], free[mode + 1]);
        (free[mode], free[mode + 1]) = (column + 1, column + 1);
        ConvertedCell { position: CellPosition { column, mode }, phases }
    };
    let mut cells: Vec<ConvertedCell> = cells.iter().map(place).collect();
    cells.sort_by_key(|c| (c.position.column, c.position.mode));
    let columns = cells.last().map_or(0, |c| c.position.column + 1);
    let mut screen: Vec<ScreenPhase> =
        screen.into_iter().map(|p| ScreenPhase { column: p.column.min(columns), ..p }).collect();
    screen.sort_by_key(|p| (p.column, p.mode));
    ConvertedMesh { convention: convention(key).unwrap(), modes, cells, screen }
}

/// The column of a phase screen before all cells, and after them.
const INPUTS: usize = 0;
const OUTPUTS: usize = usize::MAX;

fn at(column: usize, phases: impl Iterator<Item = f64>) -> Vec<ScreenPhase> {
    phases.enumerate().map(|(mode, phase)| ScreenPhase { column, mode, phase }).collect()
}

/// [mode, θ, φ], the first mode being `first`.
fn cells(case: &Value, key: &str, first: usize) -> Vec<(usize, [f64; 2])> {
    list(case, key).iter().map(|c| (index(&c[0]) - first, [number(&c[1]), number(&c[2])])).collect()
}

/// The result of one program as a converted mesh.
fn read(function: &str, case: &Value) -> ConvertedMesh {
    let modes = index(&case["modes"]);
    let diagonal = || list(case, "diagonal").iter().map(|z| complex(z).arg());
    let plain = |key: &str| mesh(key, modes, &cells(case, "cells", 0), Vec::new());
    match function {
        "rectangular_phase_end" => mesh("clements", modes, &cells(case, "cells", 0), at(OUTPUTS, diagonal())),
        "rectangular_symmetric" => mesh("mach_zehnder", modes, &cells(case, "cells", 0), at(OUTPUTS, diagonal())),
        "triangular" => mesh("clements_inverse", modes, &cells(case, "cells", 0), at(INPUTS, diagonal())),
        "rectangular" => {
            // U = T†…T†·D·T…T: the last list is that of the nulling, its last cell next to D.
            let mut all = cells(case, "cells", 0);
            all.extend(cells(case, "last", 0).into_iter().rev());
            let mut read = mesh("clements_middle", modes, &all, Vec::new());
            let column = |mode: usize| {
                let mut right = read.cells.iter().filter(|c| c.position.mode == mode || c.position.mode + 1 == mode);
                right.find(|c| c.position.column + c.position.mode > modes - 2).map_or(modes, |c| c.position.column)
            };
            read.screen =
                diagonal().enumerate().map(|(mode, phase)| ScreenPhase { column: column(mode), mode, phase }).collect();
            read.screen.sort_by_key(|p| (p.column, p.mode));
            read
        }
        "square_decomposition" | "triangle_decomposition" => {
            let phases = list(case, "output_phases").iter().map(number);
            mesh("clements", modes, &cells(case, "cells", 1), at(OUTPUTS, phases))
        }
        "rectangular_compact" | "triangular_compact" => compact(function, modes, case),
        "OpticalMesh" => plain("upper_output"),
        "mzi phase first" => plain("mach_zehnder"),
        "BS.H" => plain("hadamard"),
        "symmetric mzi" => plain("bell_walmsley"),
        "mzi phase last" => {
            let phase = |p: &Value| ScreenPhase { column: INPUTS, mode: index(&p[0]), phase: number(&p[1]) };
            mesh("perceval", modes, &cells(case, "cells", 0), list(case, "screen").iter().map(phase).collect())
        }
        _ => panic!("no reader of {function}"),
    }
}

/// σ and δ by [mode, layer]: `e^{iσ}[[sin δ, cos δ], [cos δ, −sin δ]]`, without the factor i of Phaseloom.
fn compact(function: &str, modes: usize, case: &Value) -> ConvertedMesh {
    let mut placed = Vec::new();
    for (sigma, delta) in list(case, "sigmas").iter().zip(list(case, "deltas")) {
        assert_eq!((&sigma[0], &sigma[1]), (&delta[0], &delta[1]));
        let (mode, layer) = (index(&sigma[0]), index(&sigma[1]));
        let column = if function == "triangular_compact" { mode + 2 * layer } else { layer };
        let (sigma, delta) = (number(&sigma[2]) - FRAC_PI_2, number(&delta[2]));
        placed.push((column, (mode, [sigma + delta, sigma - delta])));
    }
    placed.sort_by_key(|(column, (mode, _))| (*column, *mode));
    let cells: Vec<(usize, [f64; 2])> = placed.into_iter().map(|(_, cell)| cell).collect();
    let port = |key: &str, column: usize, down: usize| {
        let phase = move |p: &Value| ScreenPhase { column, mode: index(&p[0]) + down, phase: number(&p[1]) };
        list(case, key).iter().map(phase).collect::<Vec<_>>()
    };
    // The triangular algorithm has the phase of its row j on mode j + 1.
    let mut screen = port("phi_ins", INPUTS, usize::from(function == "triangular_compact"));
    screen.extend(port("phi_outs", OUTPUTS, 0));
    screen.extend(port("zetas", OUTPUTS, 0));
    let edge = |p: &Value| ScreenPhase { column: index(&p[1]), mode: index(&p[0]), phase: number(&p[2]) };
    screen.extend(list(case, "phi_edges").iter().map(edge));
    mesh("bell_walmsley", modes, &cells, screen)
}

fn files() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conventions");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let made_by = format!("{} {}", file["package"].as_str().unwrap(), file["version"].as_str().unwrap());
            assert!(made_by.contains(|c: char| c.is_ascii_digit()));
            files.push((made_by, file));
        }
    }
    assert_eq!(files.len(), 13);
    files
}

fn unitary(case: &Value) -> DMatrix<Complex64> {
    let n = index(&case["modes"]);
    DMatrix::from_fn(n, n, |r, c| complex(&case["unitary"][r][c]))
}

/// The phases of other programs rebuild their matrices: by the definition, in the convention of Phaseloom, and in every other
/// convention. So does a program of Phaseloom for the same matrix, converted to their convention.
#[test]
fn phases_of_other_programs_rebuild_their_matrices() {
    for (made_by, file) in files() {
        let function = file["function"].as_str().unwrap();
        for case in file["cases"].as_array().unwrap() {
            let (u, theirs) = (unitary(case), read(function, case));
            let case_name = format!("{made_by}, {function}, N = {}", u.nrows());
            let error = |matrix: &DMatrix<Complex64>| (matrix - &u).camax();
            assert!(Unitary::deviation(&u) < 1e-10, "{case_name}");
            assert!(error(&theirs.matrix()) < 1e-10, "{case_name}: read {:e}", error(&theirs.matrix()));
            assert!(error(&product(&theirs)) < 1e-10, "{case_name}: product");
            for other in CONVENTIONS {
                assert!(error(&theirs.to(other).matrix()) < 1e-10, "{case_name}: to {}", other.key());
            }
            for topology in ["rectangular", "triangular"].map(|key| topology(key).unwrap()) {
                let ours = ConvertedMesh::new(&stage(&u, &topology), theirs.convention);
                assert!(error(&product(&ours)) < 1e-10, "{case_name}: ours");
            }
        }
    }
}

/// If cells, definition of θ and phase screen agree with those of Phaseloom, the phases of a generic unitary are unique, so
/// both programs compute the same.
#[test]
fn phases_of_other_programs_are_those_of_phaseloom() {
    let mut compared = 0;
    for (made_by, file) in files() {
        let function = file["function"].as_str().unwrap();
        let same = [
            "rectangular",
            "rectangular_phase_end",
            "rectangular_symmetric",
            "square_decomposition",
            "OpticalMesh",
            "mzi phase first",
        ];
        if !same.contains(&function) {
            continue;
        }
        for case in file["cases"].as_array().unwrap() {
            let (u, theirs) = (unitary(case), read(function, case));
            let stage = stage(&u, Rectangular);
            let case_name = format!("{made_by}, {function}, N = {}", u.nrows());
            let ours = ConvertedMesh::new(&stage, theirs.convention);
            let close = |a: f64, b: f64| ((a - b + 1.0).rem_euclid(TAU) - 1.0).abs() < 1e-9;
            assert_eq!(ours.cells.len(), theirs.cells.len());
            for (a, b) in ours.cells.iter().zip(&theirs.cells) {
                assert_eq!(a.position, b.position, "{case_name}");
                let equal = close(a.phases[0], b.phases[0]) && close(a.phases[1], b.phases[1]);
                assert!(equal, "{case_name}: ours {a:?}, theirs {b:?}");
            }
            for shifter in &ours.screen {
                let there = theirs.screen.iter().find(|p| p.mode == shifter.mode);
                assert!(there.is_none_or(|p| p.column == shifter.column), "{case_name}: {shifter:?} and {there:?}");
                assert!(close(shifter.phase, there.map_or(0.0, |p| p.phase)), "{case_name}: {shifter:?} and {there:?}");
            }
            // The inverse conversion gives the phases of the program.
            let back = theirs.phases();
            let pairs = back.values().iter().zip(stage.phases().values());
            assert!(pairs.into_iter().all(|(a, b)| close(*a, *b)), "{case_name}: as a program of ours");
            compared += 1;
        }
    }
    assert_eq!(compared, 4 * 4 + 2 * 2);
}
