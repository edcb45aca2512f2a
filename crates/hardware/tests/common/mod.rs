//! Helpers that the tests of the hardware share: text to process, link and layer; matrices; derivatives by phases.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{
    Chip, ChipId, CoreSpec, LayerAddress, LayerDesign, LayerProgram, Link, OpticalProduct, Process, Scales,
    bound_scales,
};
use phaseloom_mesh::cell::{CellErrors, transfer};
use phaseloom_mesh::{Form, MatrixProgram, StageKind, topologies};
use phaseloom_numerics::Real;
pub use phaseloom_testing::{Matrix, Mean, agree, gaussian, haar};
use std::sync::Arc;

/// Seed of all chips.
pub const SEED: u64 = 20_260_731;

pub fn process(text: &str) -> Process {
    toml::from_str(text).unwrap()
}

pub fn link(text: &str) -> Link {
    let link: Link = toml::from_str(text).unwrap();
    link.check().unwrap();
    link
}

/// Real Gaussian matrix number `draw`.
pub fn real(rows: usize, columns: usize, draw: u64) -> DMatrix<f64> {
    gaussian(rows, columns, draw).map(|z| z.re)
}

/// Vectors within ±`top`.
pub fn vectors(rows: usize, columns: usize, top: f64, draw: u64) -> DMatrix<f64> {
    real(rows, columns, draw + 1_000_000).map(|x| top * x.sin())
}

pub fn unitary(u: &Matrix, topology: usize) -> MatrixProgram {
    MatrixProgram::new(u, Form::Unitary, &topologies()[topology]).unwrap()
}

pub fn svd(w: &Matrix, topology: usize) -> MatrixProgram {
    MatrixProgram::new(w, Form::Svd, &topologies()[topology]).unwrap()
}

pub fn chip(process: &Process, program: &MatrixProgram, trial: u64) -> Chip {
    Chip::fabricate(process, program, ChipId { seed: SEED, trial, core: 0 }).unwrap()
}

/// A layer on sampled chips, with bound scales.
pub struct Layer {
    pub program: Arc<LayerProgram>,
    pub design: Arc<LayerDesign>,
    pub scales: Scales,
    pub core: CoreSpec,
    pub link: Link,
}

impl Layer {
    pub fn new(weight: &DMatrix<f64>, core: &str, process_text: &str, link_text: &str, input: f64) -> Self {
        let core: CoreSpec = toml::from_str(core).unwrap();
        let link = link(link_text);
        let scales = bound_scales(weight, &core, &link, input).unwrap();
        Self::with_scales(weight, core, process_text, link, scales)
    }

    pub fn with_scales(weight: &DMatrix<f64>, core: CoreSpec, process_text: &str, link: Link, scales: Scales) -> Self {
        let program = Arc::new(LayerProgram::new(weight, &core, link.detection, &scales).unwrap());
        let design = Arc::new(program.design(&process(process_text)).unwrap());
        Self { program, design, scales, core, link }
    }

    pub fn product(&self, trial: u64) -> OpticalProduct {
        self.product_in(trial)
    }

    pub fn product_in<T: Real>(&self, trial: u64) -> OpticalProduct<T> {
        let place = LayerAddress { seed: SEED, trial, layer: 0, first_core: 0 };
        let how = self.core.core_use();
        OpticalProduct::new(&self.program, &self.design, &self.link, &self.scales, how, place).unwrap()
    }
}

/// One element of a program in the order of propagation.
enum Element {
    /// Changes the number of modes between two stages.
    Resize { modes: usize },
    /// A 2×2 cell, or a 1×1 attenuator or output phase, from mode `mode` on, with the derivatives of its transfer matrix.
    Part { mode: usize, transfer: Matrix, slopes: Vec<Matrix> },
}

/// The elements of a program, with slopes by every splitter angle or by every phase.
fn elements(program: &MatrixProgram, splitters: bool) -> Vec<Element> {
    let cell = |theta: f64, phi: f64, errors: CellErrors| {
        let t = transfer(theta, phi, errors);
        Matrix::from_fn(2, 2, |i, j| t[i][j])
    };
    let slopes = |theta: f64, phi: f64| {
        let h = 1e-5;
        let at = |a: f64, b: f64| match splitters {
            true => cell(theta, phi, CellErrors { alpha: a, beta: b, ..CellErrors::NONE }),
            false => cell(theta + a, phi + b, CellErrors::NONE),
        };
        [at(h, 0.0) - at(-h, 0.0), at(0.0, h) - at(0.0, -h)].map(|d| d / Complex64::new(2.0 * h, 0.0))
    };
    let mut elements = Vec::new();
    for stage in program.stages() {
        let phases = stage.phases();
        elements.push(Element::Resize { modes: stage.layout().modes });
        for (k, position) in stage.layout().positions.iter().enumerate() {
            let (theta, phi) = (phases.theta()[k], phases.phi()[k]);
            let ports = match stage.kind() {
                StageKind::Mesh => 2,
                StageKind::Attenuators => 1,
            };
            let corner = |m: Matrix| m.view((0, 0), (ports, ports)).clone_owned();
            let slopes = slopes(theta, phi).map(corner).to_vec();
            let transfer = corner(cell(theta, phi, CellErrors::NONE));
            elements.push(Element::Part { mode: position.mode, transfer, slopes });
        }
        for (mode, &phase) in phases.output().iter().enumerate() {
            let transfer = Matrix::from_element(1, 1, Complex64::cis(phase));
            let slopes = if splitters { Vec::new() } else { vec![&transfer * Complex64::i()] };
            elements.push(Element::Part { mode, transfer, slopes });
        }
    }
    elements
}

/// Derivatives of the passive matrix of a program, its first `rows` rows and `columns` columns, by every splitter angle
/// or by every phase: A·∂T·B, with B the elements before and A the elements after.
pub fn derivatives(program: &MatrixProgram, splitters: bool, rows: usize, columns: usize) -> Vec<Matrix> {
    let elements = elements(program, splitters);
    let mut field = Matrix::identity(program.shape().1, columns);
    let mut inputs = Vec::new();
    for element in &elements {
        match element {
            Element::Resize { modes } => {
                inputs.push(field.clone());
                field = field.resize_vertically(*modes, 0.0.into());
            }
            Element::Part { mode, transfer, .. } => {
                let input = field.rows(*mode, transfer.nrows()).clone_owned();
                field.rows_mut(*mode, transfer.nrows()).copy_from(&(transfer * &input));
                inputs.push(input);
            }
        }
    }
    let mut after = Matrix::identity(rows, program.shape().0);
    let mut derivatives = Vec::new();
    for (element, input) in elements.iter().zip(&inputs).rev() {
        match element {
            Element::Resize { .. } => after = after.resize_horizontally(input.nrows(), 0.0.into()),
            Element::Part { mode, transfer, slopes } => {
                let part = after.columns(*mode, transfer.nrows()).clone_owned();
                derivatives.extend(slopes.iter().map(|slope| &part * slope * input));
                after.columns_mut(*mode, transfer.nrows()).copy_from(&(part * transfer));
            }
        }
    }
    derivatives
}
