//! Conventions against other programs: the phases that they computed themselves (`conventions/*.json`, by
//! `conventions/make_settings.py`, with the version of each), and products of 2×2 matrices written here from definitions.

use nalgebra::{DMatrix, Matrix2};
use num_complex::Complex64;
use phaseloom_mesh::convention::{
    CONVENTIONS, ConvertedCell, ConvertedMesh, ConvertedProgram, ScreenPhase, convention, load,
};
use phaseloom_mesh::{
    CellPosition, Circuit, Form, MatrixProgram, MeshDesign, Phases, Rectangular, Stage, Unitary, topology,
};
use phaseloom_testing::{haar, hard_unitaries};
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

/// B(θ) with the phases around it equals the definition, also for phases outside of [0, 2π).
#[test]
fn factors_of_a_cell_are_those_of_the_definition() {
    for convention in CONVENTIONS {
        for k in 0..60_u32 {
            let phases = [f64::from(k) * 0.37 - 7.0, f64::from(k) * 0.91 - 11.0];
            let position = CellPosition { column: k as usize % 3, mode: k as usize % 4 };
            let factors = convention.factors(position, 5, phases);
            let bare = cell("mach_zehnder", position, 5, [factors.theta, 0.0]);
            let [before, after] = [factors.before, factors.after].map(|[upper, lower]| diagonal(upper, lower));
            let error = (after * bare * before - cell(convention.key(), position, 5, phases)).norm();
            assert!(error < 2e-14, "{}, {phases:?}: {error:e}", convention.key());
        }
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

/// Stages that realise hard unitaries, and one with phases that no decomposition returns.
fn stages(n: usize) -> Vec<(DMatrix<Complex64>, Stage)> {
    let mut stages = Vec::new();
    for topology in ["rectangular", "triangular"].map(|key| topology(key).unwrap()) {
        for (_, u) in hard_unitaries(n) {
            let stage = stage(&u, &topology);
            stages.push((u, stage));
        }
        let layout = topology.layout(n);
        let mut phases = Phases::zero(layout.positions.len(), n);
        for (k, phase) in phases.values_mut().iter_mut().enumerate() {
            *phase = (k as f64 * 2.7).sin() * 9.0;
        }
        let stage = Stage::mesh(layout, phases);
        stages.push((Circuit::ideal(&stage).matrix(), stage));
    }
    stages
}

/// The matrix of a stage with other phases.
fn matrix(stage: &Stage, phases: Phases) -> DMatrix<Complex64> {
    Circuit::ideal(&Stage::mesh(stage.layout().clone(), phases)).matrix()
}

#[test]
fn every_convention_rebuilds_the_matrix_both_ways() {
    for n in 1..=17 {
        let tolerance = 1e-13 * n as f64;
        for (u, stage) in stages(n) {
            for convention in CONVENTIONS {
                let theirs = ConvertedMesh::new(&stage, convention);
                let key = convention.key();
                assert!((theirs.matrix() - &u).norm() < tolerance, "{key}, N = {n}: there");
                assert!((product(&theirs) - &u).norm() < tolerance, "{key}, N = {n}: by the definitions");
                for other in CONVENTIONS.into_iter().filter(|_| n == 6) {
                    let error = (theirs.to(other).matrix() - &u).norm();
                    assert!(error < tolerance, "{key} to {}: {error:e}", other.key());
                }
                let back = matrix(&stage, theirs.phases());
                assert!((back - &u).norm() < tolerance, "{key}, N = {n}: and back");
                let phases = theirs.cells.iter().flat_map(|c| c.phases).chain(theirs.screen.iter().map(|p| p.phase));
                assert!(phases.into_iter().all(|p| (0.0..TAU).contains(&p)), "{key}, N = {n}: a phase");
            }
        }
    }
}

/// The form with N² phases is unique, so conversion and its inverse return every phase to rounding. This includes cells in
/// the cross and bar states, whose phases are ambiguous by themselves.
#[test]
fn the_phases_come_back() {
    for n in [2, 5, 8] {
        for (_, stage) in stages(n) {
            for convention in CONVENTIONS.into_iter().filter(|c| c.key() != "bell_walmsley") {
                let back = ConvertedMesh::new(&stage, convention).phases();
                for (k, (a, b)) in stage.phases().values().iter().zip(back.values()).enumerate() {
                    let error = (a - b + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0;
                    assert!(error.abs() < 1e-13 * n as f64, "{}, N = {n}, phase {k}: {a} and {b}", convention.key());
                }
            }
        }
    }
}

#[test]
fn the_screen_is_where_the_convention_defines_it() {
    for n in [2_usize, 5, 6] {
        for topology in ["rectangular", "triangular"].map(|key| topology(key).unwrap()) {
            let stage = stage(&haar(n, 3), &topology);
            let columns = stage.layout().columns;
            for convention in CONVENTIONS {
                let places: Vec<(usize, usize)> =
                    ConvertedMesh::new(&stage, convention).screen.iter().map(|p| (p.column, p.mode)).collect();
                let all = |column: usize| (0..n).map(|mode| (column, mode)).collect::<Vec<_>>();
                match convention.key() {
                    "clements_inverse" | "upper_output" | "lower_output" | "perceval" => assert_eq!(places, all(0)),
                    "clements_middle" => {
                        assert_eq!(places.len(), n);
                        assert!(n == 2 || topology.key() == "triangular" || places.iter().any(|p| p.0 != columns));
                    }
                    "bell_walmsley" => {
                        let inner = places.iter().filter(|p| 0 < p.0 && p.0 < columns);
                        let edges: Vec<usize> = inner.map(|p| p.1).collect();
                        // N at ports and, for even N, one for each odd column between others.
                        let rings = if topology.key() == "rectangular" && n % 2 == 0 { n / 2 - 1 } else { 0 };
                        assert_eq!(edges, vec![0; rings], "{places:?}");
                        assert_eq!(places.len(), n + rings);
                    }
                    _ => assert_eq!(places, all(columns)),
                }
            }
        }
    }
}

#[test]
fn files_come_back_and_contradictions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("converted.json");
    let w = DMatrix::from_fn(3, 5, |r, c| Complex64::new((r * 5 + c) as f64 % 4.0 - 1.5, (r + c * c) as f64 / 9.0));
    for topology in ["rectangular", "triangular"].map(|key| topology(key).unwrap()) {
        let program = MatrixProgram::new(&w, Form::Auto, &topology).unwrap();
        for convention in CONVENTIONS {
            let converted = ConvertedProgram::new(&program, convention).unwrap();
            converted.save(&path).unwrap();
            let read = ConvertedProgram::load(&path).unwrap();
            assert_eq!(read.to_json(), converted.to_json());
            assert!((load(&path).unwrap().matrix() - &w).norm() < 1e-12);
            assert_eq!(read.program().stages()[1], program.stages()[1], "attenuators");
        }
        program.save(&path).unwrap();
        assert_eq!(load(&path).unwrap().to_json(), program.to_json());
        let good = ConvertedProgram::new(&program, convention("clements").unwrap()).unwrap().to_json();
        let first = good.split("\"theta\": ").nth(1).unwrap().split(',').next().unwrap();
        for (from, to, parts) in [
            ("\"version\": 1", "\"version\": 2", &["version", "found 2", "expected 1"][..]),
            ("\"clements\"", "\"clement\"", &["clement", "clements, clements_middle"]),
            ("\"rows\": 3", "\"rows\": 4", &["left.modes", "found 3", "expected 4"]),
            ("\"gain\": ", "\"gain\": -", &["gain", "from 0 to 1e153"]),
            ("\"mode\": 0", "\"mode\": 1", &["left.cells[0]", "found column 0, mode 1", "expected column 0, mode 0"]),
            ("\"theta\": ", "\"theta\": 1e9, \"was\": ", &["unknown field `was`"]),
            (&format!("\"theta\": {first}"), "\"theta\": -1e9", &["left.cells[0].theta", "-1e9", "1e6"]),
            ("\"theta\": ", "\"theta1\": ", &["left.cells[0].theta", "none", "a phase"]),
            ("\"phi\": ", "\"theta2\": 1.0, \"phi\": ", &["left.cells[0].theta2", "convention clements"]),
            (
                "\"screen\": [",
                "\"screen\": [{\"column\": 9, \"mode\": 0, \"phase\": 1},",
                &["left.screen[0].column", "9"],
            ),
            (
                "\"screen\": [",
                "\"screen\": [{\"column\": 0, \"mode\": 3, \"phase\": 1},",
                &["left.screen[0].mode", "3"],
            ),
            ("\"form\": \"svd\"", "\"form\": \"unitary\"", &["form", "unitary with a left mesh"]),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            std::fs::write(&path, text).unwrap();
            let message = load(&path).unwrap_err().to_string();
            assert!(parts.iter().all(|part| message.contains(part)), "{from} → {to}: {message}");
        }
        let screen = good.rfind("\"screen\": [").unwrap();
        let (head, tail) = good.split_at(screen);
        let twice = tail.replacen("\"mode\": 1", "\"mode\": 0", 1);
        std::fs::write(&path, format!("{head}{twice}")).unwrap();
        let message = load(&path).unwrap_err().to_string();
        assert!(message.contains("right.screen[1].mode") && message.contains("one per position"), "{message}");
    }
}

#[test]
fn meshes_outside_of_the_conventions_are_refused() {
    let u = haar(4, 1);
    let clements = convention("clements").unwrap();
    for design in MeshDesign::all().filter(|design| design.topology().capability().is_universal()) {
        let program = MatrixProgram::new(&u, Form::Unitary, &design).unwrap();
        let plain =
            design.cell().is_mzi() && ["rectangular", "triangular", "redundant"].contains(&design.topology().key());
        match ConvertedProgram::new(&program, clements) {
            Ok(converted) => {
                assert!(plain, "{design}");
                assert!((converted.meshes()[0].matrix() - &u).norm() < 1e-12);
                assert!((converted.program().matrix() - &u).norm() < 1e-12);
            }
            Err(error) => assert!(!plain && error.to_string().contains(design.topology().key()), "{design}: {error}"),
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
