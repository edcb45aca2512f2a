//! The realised matrix from PROGRAM.json and CHIP.json by an independent reader with a drive of its own.
//!
//! It agrees with `Chip::matrix` to 1e-12, and files read and written again keep every byte.

mod common;

use common::{chip, process, svd, unitary};
use phaseloom_hardware::Chip;
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{Cell, Form, MatrixProgram, MeshDesign, StageKind, reference};
use phaseloom_testing::{Matrix, gaussian, haar};
use serde_json::Value;
use std::f64::consts::PI;
use std::path::Path;

/// One phase shifter: its cell, its position (µm) and its phase (rad).
#[derive(Clone)]
struct Heater {
    stage: usize,
    kind: &'static str,
    column: i64,
    mode: i64,
    x: f64,
    y: f64,
    /// y of the other arm, if the phase is the difference of two arms.
    partner: Option<f64>,
    /// Whether both shifters of the cell act in the same place, on one arm each.
    parallel: bool,
    phase: f64,
}

impl Heater {
    const SINGLE: Self =
        Self { stage: 0, kind: "", column: 0, mode: 0, x: 0.0, y: 0.0, partner: None, parallel: false, phase: 0.0 };

    fn is_in_cell(&self) -> bool {
        self.kind == "theta" || self.kind == "phi"
    }
}

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap()
}

fn array<'a>(v: &'a Value, key: &str) -> &'a Vec<Value> {
    v[key].as_array().unwrap()
}

/// All heaters of a program in a fixed order, stage by stage: θ and φ of each cell, outputs, boundary shifters.
fn heaters(program: &Value) -> Vec<Heater> {
    let mut all = Vec::new();
    let mut start = 0.0;
    for (stage, name) in ["right", "attenuators", "left"].into_iter().enumerate() {
        let part = &program[name];
        if part.is_null() {
            continue;
        }
        let mesh = part.is_object();
        let kind_of_cell = if mesh { program["cell"].as_str().unwrap() } else { "mzi" };
        let pitch = match kind_of_cell {
            "three_splitters" => 150.0,
            "symmetric" => 90.0,
            "coupler" => 60.0,
            _ => 120.0,
        };
        let cells = if mesh { array(part, "cells").clone() } else { part.as_array().unwrap().clone() };
        let mut columns = 0;
        for cell in &cells {
            let column = if mesh { cell["column"].as_i64().unwrap() } else { 0 };
            let mode = cell["mode"].as_i64().unwrap();
            columns = columns.max(column + 1);
            for (kind, upper) in [("theta", true), ("phi", false)] {
                // Modes are 12 µm apart. The arms of a cell are 10 µm apart, centred between its two modes.
                let mode_y = 12.0 * mode as f64;
                let arm = mode_y + 6.0 - 5.0;
                let (along, y, partner) = match (kind_of_cell, upper) {
                    ("symmetric", true) => (0.5, arm, None),
                    ("symmetric", false) => (0.5, arm + 10.0, None),
                    ("coupler", true) => (0.25, mode_y, None),
                    ("coupler", false) => (0.25, mode_y + 12.0, None),
                    (_, true) => (0.75, arm, Some(arm + 10.0)),
                    (_, false) => (0.25, arm, Some(arm + 10.0)),
                };
                let x = start + pitch * (column as f64 + along);
                let (parallel, phase) = (partner.is_none(), number(&cell[kind]));
                all.push(Heater { stage, kind, column, mode, x, y, partner, parallel, phase });
            }
        }
        if mesh {
            for (mode, phase) in array(part, "output").iter().enumerate() {
                let single = Heater { stage, kind: "output", column: columns, mode: mode as i64, ..Heater::SINGLE };
                let x = start + pitch * (columns as f64 + 0.25);
                all.push(Heater { x, y: 12.0 * mode as f64, phase: number(phase), ..single });
            }
            for edge in part["edges"].as_array().into_iter().flatten() {
                let (column, mode) = (edge["column"].as_i64().unwrap(), edge["mode"].as_i64().unwrap());
                let single = Heater { stage, kind: "edge", column, mode, ..Heater::SINGLE };
                let (x, y) = (start + pitch * column as f64, 12.0 * mode as f64);
                all.push(Heater { x, y, phase: number(&edge["phase"]), ..single });
            }
        }
        start += pitch * (columns + i64::from(mesh)) as f64;
    }
    all
}

fn scatter(d: f64) -> f64 {
    if d < 23.0 {
        3.55117528e-7 * d.powi(5) - 1.55789201e-5 * d.powi(4) - 8.29631681e-6 * d.powi(3) + 9.89616761e-3 * d * d
            - 0.176013871 * d
            + 1.0
    } else {
        0.2167267 * (-0.12747211 * d).exp()
    }
}

fn drive(process: &Value, heaters: &mut [Heater]) {
    let quantizer = &process["phase_quantization"];
    if !quantizer.is_null() {
        let codes = (1u64 << quantizer["bits"].as_u64().unwrap()) as f64;
        for h in heaters.iter_mut() {
            if quantizer["uniform_in"] == "voltage" {
                let step = 2f64.sqrt() / (codes - 1.0);
                let code = ((h.phase.max(0.0) / PI).sqrt() / step + 0.5).floor().min(codes - 1.0);
                h.phase = PI * (code * step) * (code * step);
            } else {
                let code = (h.phase / (2.0 * PI) * codes + 0.5).floor();
                h.phase = (code - (code / codes).floor() * codes) / codes * 2.0 * PI;
            }
        }
    }
    let before: Vec<Heater> = heaters.to_vec();
    if let Some(coefficient) = process["thermal_crosstalk"]["coefficient"].as_f64() {
        for victim in heaters.iter_mut() {
            for h in &before {
                let near = (h.column - victim.column).abs() <= 1 && (h.mode - victim.mode).abs() == 1;
                let same = (h.stage, h.column, h.mode) == (victim.stage, victim.column, victim.mode);
                let neighbour = h.stage == victim.stage && h.kind == victim.kind && near;
                // Two couplers of a phase-mask mesh: the lower mode of the upper one and the upper mode of the lower one.
                let (apart, phase_masks) = (h.mode - victim.mode, h.y.rem_euclid(12.0) == 0.0);
                let next = h.stage == victim.stage && h.column == victim.column && phase_masks;
                let next = next && (apart, h.kind) == if victim.kind == "phi" { (2, "theta") } else { (-2, "phi") };
                if h.is_in_cell()
                    && victim.is_in_cell()
                    && (neighbour || next || same && h.parallel && h.kind != victim.kind)
                {
                    victim.phase += coefficient * h.phase;
                }
            }
        }
    }
    if let Some(factor) = process["thermal_crosstalk"]["distance_factor"].as_f64() {
        for (v, victim) in heaters.iter_mut().enumerate() {
            for (a, h) in before.iter().enumerate() {
                let (dx, dy) = (h.x - victim.x, h.y - victim.y);
                if a == v || dx.abs() > 100.0 || dy.abs() > 100.0 {
                    continue;
                }
                let mut heating = scatter((dx * dx + dy * dy).sqrt());
                if let Some(partner) = victim.partner {
                    heating -= scatter((dx * dx + (h.y - partner).powi(2)).sqrt());
                }
                victim.phase += factor * heating * h.phase.abs();
            }
        }
    }
}

/// The passive matrix of a program on a chip, without the gain: the optics are those of the slow reference.
fn oracle(program: &MatrixProgram, program_json: &Value, chip: &Value) -> Matrix {
    let mut heaters = heaters(program_json);
    drive(&chip["process"], &mut heaters);
    let (mut phases, mut errors) = (Vec::new(), Vec::new());
    for (s, (stage, name)) in program.stages().iter().zip(["right", "attenuators", "left"]).enumerate() {
        let frozen = &chip[name];
        let cells = array(frozen, "cells");
        let mut values = Vec::new();
        let mut add = |kind: &str, offsets: Vec<f64>| {
            let here = heaters.iter().filter(|h| h.stage == s && h.kind == kind);
            values.extend(here.zip(offsets).map(|(heater, offset)| heater.phase + offset));
        };
        add("theta", cells.iter().map(|cell| number(&cell["theta_offset_rad"])).collect());
        add("phi", cells.iter().map(|cell| number(&cell["phi_offset_rad"])).collect());
        add("output", array(frozen, "output_offset_rad").iter().map(number).collect());
        add("edge", frozen["edge_offset_rad"].as_array().into_iter().flatten().map(number).collect());
        let mut stage_phases = stage.phases().clone();
        stage_phases.values_mut().copy_from_slice(&values);
        phases.push(stage_phases);
        let errors_of = |cell: &Value| CellErrors {
            alpha: number(&cell["alpha_rad"]),
            beta: number(&cell["beta_rad"]),
            gamma: cell["gamma_rad"].as_f64().unwrap_or(0.0),
            upper_transmission: number(&cell["upper_amplitude"]),
            lower_transmission: number(&cell["lower_amplitude"]),
        };
        errors.push(cells.iter().map(errors_of).collect::<Vec<_>>());
    }
    let (rows, columns) = program.shape();
    let driven = program.with_phases(phases);
    let mut total = Matrix::identity(columns, columns);
    for (stage, errors) in driven.stages().iter().zip(&errors) {
        total = total.resize_vertically(stage.layout().modes, 0.0.into());
        match stage.kind() {
            StageKind::Mesh => total = reference::mesh(stage, errors) * total,
            StageKind::Attenuators => {
                for (k, &error) in errors.iter().enumerate() {
                    let cell = reference::mzi(stage.phases().theta()[k], stage.phases().phi()[k], error);
                    total.row_mut(k).iter_mut().for_each(|z| *z *= cell[0][0]);
                }
            }
        }
    }
    total.resize_vertically(rows, 0.0.into())
}

fn check(folder: &Path, name: &str, text: &str, program: &MatrixProgram) {
    let chip = chip(&process(text), program, 3);
    let (program_path, chip_path) = (folder.join("program.json"), folder.join("chip.json"));
    program.save(&program_path).unwrap();
    chip.save(&chip_path).unwrap();
    let read = |path: &Path| serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (program_json, chip_json) = (read(&program_path), read(&chip_path));
    let realised = chip.matrix(program).unwrap();
    let slow = oracle(program, &program_json, &chip_json);
    assert_eq!(realised.shape(), slow.shape());
    let error = (&realised - slow).camax();
    assert!(error < 1e-12, "{name}\n{text}\n{error:e}");

    // The file holds the whole chip: it is written again with the same bytes and gives the same bits.
    let back = Chip::load(&chip_path).unwrap();
    assert_eq!(back, chip);
    let again = folder.join("again.json");
    back.save(&again).unwrap();
    assert_eq!(std::fs::read(&chip_path).unwrap(), std::fs::read(&again).unwrap());
    assert_eq!(back.matrix(&MatrixProgram::load(&program_path).unwrap()).unwrap(), realised);
}

#[test]
fn matrices_rebuilt_from_files_equal_those_of_the_chip() {
    let sources = [
        "",
        "[splitter_error]\nsigma_rad = 0.05",
        "[splitter_error]\nsigma_amplitude = 0.03",
        "[splitter_error]\nsigma_power = 0.04\nmean_rad = -0.1",
        "[phase_error]\nsigma_rad = 0.3",
        "[insertion_loss]\nloss_db = 0.3",
        "[insertion_loss]\nloss_db = 0.2\nimbalance_db = -0.4\nimbalance_sigma_db = 0.5",
        "[thermal_crosstalk]\ncoefficient = 0.02",
        "[thermal_crosstalk]\ndistance_factor = 1.0",
        "[phase_quantization]\nbits = 6",
        "[phase_quantization]\nbits = 7\nuniform_in = \"voltage\"",
    ];
    let first = "[splitter_error]\nsigma_rad = 0.05\nmean_rad = 0.02\n[phase_error]\nsigma_rad = 0.1\n[insertion_loss]\n\
                 loss_db = 0.2\nimbalance_db = 0.1\nimbalance_sigma_db = 0.3\n[phase_jitter]\nsigma_rad = 0.1\n";
    let all = [
        // Written in another order than that in which the sources act on the drive.
        format!("{first}[thermal_crosstalk]\ncoefficient = 0.01\n[phase_quantization]\nbits = 6"),
        format!(
            "{first}[thermal_crosstalk]\ndistance_factor = 0.5\n[phase_quantization]\nbits = 6\nuniform_in = \"voltage\""
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for design in MeshDesign::all().filter(|d| ["rectangular", "triangular", "masks"].contains(&d.topology().key())) {
        let mut programs: Vec<(String, MatrixProgram)> = Vec::new();
        if design.cell() == Cell::Mzi {
            let topology = usize::from(design.topology().key() == "triangular");
            for n in [1, 2, 3, 8, 13] {
                programs.push((format!("unitary {n}, topology {topology}"), unitary(&haar(n, 1), topology)));
            }
            for (m, n) in [(1, 1), (6, 6), (4, 9), (9, 4), (1, 5), (5, 1)] {
                programs.push((format!("svd {m}×{n}, topology {topology}"), svd(&gaussian(m, n, 1), topology)));
            }
            let mut padded = gaussian(3, 5, 2).resize(9, 9, 0.0.into());
            padded[(0, 0)] = 0.0.into();
            programs.push((format!("padded, topology {topology}"), svd(&padded, topology)));
        } else {
            for (m, n) in [(3, 3), (2, 5), (5, 2)] {
                let program = MatrixProgram::new(&gaussian(m, n, 1), Form::Svd, &design).unwrap();
                programs.push((format!("svd {m}×{n}, {design}"), program));
            }
            let program = MatrixProgram::new(&haar(5, 1), Form::Unitary, &design).unwrap();
            programs.push((format!("unitary 5, {design}"), program));
        }
        for (name, program) in &programs {
            for text in sources.iter().copied().chain(all.iter().map(String::as_str)) {
                check(folder.path(), name, text, program);
            }
        }
    }
}
