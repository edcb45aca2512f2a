//! Conventions against other programs: the phases that they computed themselves (`conventions/*.json`, by
//! `conventions/make_settings.py`, with the version of each), and products of 2×2 matrices written here from definitions.

use nalgebra::{DMatrix, Matrix2};
use num_complex::Complex64;
use phaseloom_mesh::convention::{CONVENTIONS, ConvertedCell, ConvertedMesh, ScreenPhase, convention};
use phaseloom_mesh::{CellPosition, Form, MatrixProgram, MeshDesign, Rectangular, Stage, Unitary, topology};
use phaseloom_numerics::{StreamKey, haar_unitary};
use serde::Deserialize;
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

/// A matrix and the phases that one function of another program found for it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Case {
    modes: usize,
    unitary: Vec<Vec<[f64; 2]>>,
    /// [mode, θ, φ]
    cells: Vec<(usize, f64, f64)>,
    last: Vec<(usize, f64, f64)>,
    diagonal: Vec<[f64; 2]>,
    output_phases: Vec<f64>,
    screen: Vec<(usize, f64)>,
    /// [mode, layer, phase]
    sigmas: Vec<(usize, usize, f64)>,
    deltas: Vec<(usize, usize, f64)>,
    phi_edges: Vec<(usize, usize, f64)>,
    phi_ins: Vec<(usize, f64)>,
    phi_outs: Vec<(usize, f64)>,
    zetas: Vec<(usize, f64)>,
}

fn complex([re, im]: [f64; 2]) -> Complex64 {
    Complex64::new(re, im)
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

fn at(column: usize, phases: impl IntoIterator<Item = (usize, f64)>) -> Vec<ScreenPhase> {
    phases.into_iter().map(|(mode, phase)| ScreenPhase { column, mode, phase }).collect()
}

/// Cells of a file whose first mode is `first`.
fn cells(listed: &[(usize, f64, f64)], first: usize) -> Vec<(usize, [f64; 2])> {
    listed.iter().map(|&(mode, theta, phi)| (mode - first, [theta, phi])).collect()
}

/// The result of one program as a converted mesh.
fn read(function: &str, case: &Case) -> ConvertedMesh {
    let modes = case.modes;
    let diagonal = || case.diagonal.iter().map(|&z| complex(z).arg()).enumerate();
    let with_screen = |key: &str, screen| mesh(key, modes, &cells(&case.cells, 0), screen);
    match function {
        "rectangular_phase_end" => with_screen("clements", at(OUTPUTS, diagonal())),
        "rectangular_symmetric" => with_screen("mach_zehnder", at(OUTPUTS, diagonal())),
        "triangular" => with_screen("clements_inverse", at(INPUTS, diagonal())),
        "rectangular" => {
            // U = T†…T†·D·T…T: the last list is that of the nulling, its last cell next to D.
            let mut all = cells(&case.cells, 0);
            all.extend(cells(&case.last, 0).into_iter().rev());
            let mut read = mesh("clements_middle", modes, &all, Vec::new());
            let column = |mode: usize| {
                let mut right = read.cells.iter().filter(|c| c.position.mode == mode || c.position.mode + 1 == mode);
                right.find(|c| c.position.column + c.position.mode > modes - 2).map_or(modes, |c| c.position.column)
            };
            read.screen = diagonal().map(|(mode, phase)| ScreenPhase { column: column(mode), mode, phase }).collect();
            read.screen.sort_by_key(|p| (p.column, p.mode));
            read
        }
        "square_decomposition" | "triangle_decomposition" => {
            let phases = case.output_phases.iter().copied().enumerate();
            mesh("clements", modes, &cells(&case.cells, 1), at(OUTPUTS, phases))
        }
        "rectangular_compact" => compact(case, |_, layer| layer, 0),
        // The triangular algorithm has the phase of its row j on mode j + 1.
        "triangular_compact" => compact(case, |mode, layer| mode + 2 * layer, 1),
        "OpticalMesh" => with_screen("upper_output", Vec::new()),
        "mzi phase first" => with_screen("mach_zehnder", Vec::new()),
        "BS.H" => with_screen("hadamard", Vec::new()),
        "symmetric mzi" => with_screen("bell_walmsley", Vec::new()),
        "mzi phase last" => with_screen("perceval", at(INPUTS, case.screen.iter().copied())),
        _ => panic!("no reader of {function}"),
    }
}

/// σ and δ by mode and layer: `e^{iσ}[[sin δ, cos δ], [cos δ, −sin δ]]`, without the factor i of Phaseloom.
fn compact(case: &Case, column: impl Fn(usize, usize) -> usize, input_mode: usize) -> ConvertedMesh {
    let mut placed = Vec::new();
    for (&(mode, layer, sigma), &delta) in case.sigmas.iter().zip(&case.deltas) {
        assert_eq!((mode, layer), (delta.0, delta.1));
        let (sigma, delta) = (sigma - FRAC_PI_2, delta.2);
        placed.push((column(mode, layer), (mode, [sigma + delta, sigma - delta])));
    }
    placed.sort_by_key(|(column, (mode, _))| (*column, *mode));
    let cells: Vec<(usize, [f64; 2])> = placed.into_iter().map(|(_, cell)| cell).collect();
    let mut screen = at(INPUTS, case.phi_ins.iter().map(|&(mode, phase)| (mode + input_mode, phase)));
    screen.extend(at(OUTPUTS, case.phi_outs.iter().chain(&case.zetas).copied()));
    screen.extend(case.phi_edges.iter().map(|&(mode, column, phase)| ScreenPhase { column, mode, phase }));
    mesh("bell_walmsley", case.modes, &cells, screen)
}

/// The results of one function of another program.
#[derive(Deserialize)]
struct File {
    package: String,
    version: String,
    function: String,
    cases: Vec<Case>,
}

/// Name, matrix and converted mesh of every case of some functions.
fn cases(included: impl Fn(&str) -> bool) -> Vec<(String, DMatrix<Complex64>, ConvertedMesh)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conventions");
    let (mut files, mut found) = (0, Vec::new());
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        files += 1;
        let text = std::fs::read_to_string(path).unwrap();
        let File { package, version, function, cases } = serde_json::from_str(&text).unwrap();
        assert!(version.contains(|c: char| c.is_ascii_digit()));
        for case in cases.iter().filter(|_| included(&function)) {
            let name = format!("{package} {version}, {function}, N = {}", case.modes);
            let unitary = DMatrix::from_fn(case.modes, case.modes, |r, c| complex(case.unitary[r][c]));
            found.push((name, unitary, read(&function, case)));
        }
    }
    assert_eq!(files, 13);
    found
}

/// The phases of other programs rebuild their matrices: by the definition, in the convention of Phaseloom, and in every other
/// convention. So does a program of Phaseloom for the same matrix, converted to their convention.
#[test]
fn phases_of_other_programs_rebuild_their_matrices() {
    for (case_name, u, theirs) in cases(|_| true) {
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

/// If cells, definition of θ and phase screen agree with those of Phaseloom, the phases of a generic unitary are unique, so
/// both programs compute the same.
#[test]
fn phases_of_other_programs_are_those_of_phaseloom() {
    let same = [
        "rectangular",
        "rectangular_phase_end",
        "rectangular_symmetric",
        "square_decomposition",
        "OpticalMesh",
        "mzi phase first",
    ];
    let cases = cases(|function| same.contains(&function));
    assert_eq!(cases.len(), 4 * 4 + 2 * 2);
    for (case_name, u, theirs) in cases {
        let stage = stage(&u, Rectangular);
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
    }
}
