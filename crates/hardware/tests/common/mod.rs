//! Helpers that the tests of the hardware share: text to process, link and layer; matrices; derivatives by phases.
#![allow(dead_code, reason = "each test file uses a part")]

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{
    Chip, ChipId, CoreSpec, LayerAddress, LayerDesign, LayerProgram, Link, OpticalProduct, Process, Scales,
    bound_scales,
};
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{Circuit, Form, MatrixProgram, Stage, topologies};
use phaseloom_numerics::Real;
use phaseloom_testing::{Matrix, gaussian};
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

/// Derivatives of the passive matrix of a program, its first `rows` rows and `columns` columns, by every splitter angle
/// or by every phase, as central differences.
pub fn derivatives(program: &MatrixProgram, splitters: bool, rows: usize, columns: usize) -> Vec<Matrix> {
    const STEP: f64 = 1e-5;
    let cascade = |stages: &[Stage], ports: usize| {
        stages.iter().fold(Matrix::identity(ports, ports), |fields, stage| {
            Circuit::ideal(stage).matrix() * fields.resize_vertically(stage.layout().modes, 0.0.into())
        })
    };
    let mut derivatives = Vec::new();
    for (s, stage) in program.stages().iter().enumerate() {
        let (cells, modes) = (stage.layout().positions.len(), stage.layout().modes);
        let before = cascade(&program.stages()[..s], program.shape().1).columns(0, columns).into_owned();
        let before = before.resize_vertically(modes, 0.0.into());
        let after = cascade(&program.stages()[s + 1..], modes).rows(0, rows).into_owned();
        let changed = |k: usize, by: f64| {
            let (mut phases, mut errors) = (stage.phases().clone(), vec![CellErrors::NONE; cells]);
            match (splitters, k < cells) {
                (true, true) => errors[k].alpha = by,
                (true, false) => errors[k - cells].beta = by,
                (false, _) => phases.values_mut()[k] += by,
            }
            Circuit::compile(stage, &phases, &errors).matrix()
        };
        let count = if splitters { 2 * cells } else { stage.phases().values().len() };
        for k in 0..count {
            let slope = (changed(k, STEP) - changed(k, -STEP)) / Complex64::from(2.0 * STEP);
            derivatives.push(&after * slope * &before);
        }
    }
    derivatives
}
