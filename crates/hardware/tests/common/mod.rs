//! What the tests of the laws share. Nothing here knows a law.
#![allow(dead_code, reason = "each test file uses its part")]

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{
    Chip, ChipId, CoreSpec, LayerAddress, LayerDesign, LayerProgram, Link, OpticalProduct, Process, Scales,
    bound_scales,
};
use phaseloom_mesh::cell::{CellErrors, transfer};
use phaseloom_mesh::{Form, MatrixProgram, StageKind, TOPOLOGIES};
use phaseloom_numerics::{Real, StreamKey, haar_unitary, standard_normal};
use std::sync::Arc;

pub type Matrix = DMatrix<Complex64>;

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

/// Haar unitary number `draw`.
pub fn haar(n: usize, draw: u64) -> Matrix {
    haar_unitary(n, &mut StreamKey::new(1, "laws/haar").trial(draw).block(n as u64).stream())
}

/// Complex Gaussian matrix number `draw`.
pub fn gaussian(rows: usize, columns: usize, draw: u64) -> Matrix {
    let mut s = StreamKey::new(2, "laws/gaussian").trial(draw).block((rows * 1000 + columns) as u64).stream();
    Matrix::from_fn(rows, columns, |_, _| Complex64::new(standard_normal(&mut s), standard_normal(&mut s)))
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
    MatrixProgram::new(u, Form::Unitary, TOPOLOGIES[topology]).unwrap()
}

pub fn svd(w: &Matrix, topology: usize) -> MatrixProgram {
    MatrixProgram::new(w, Form::Svd, TOPOLOGIES[topology]).unwrap()
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

/// Mean and its standard error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Mean {
    pub fn add(&mut self, x: f64) {
        self.count += 1.0;
        let step = x - self.mean;
        self.mean += step / self.count;
        self.squares += step * (x - self.mean);
    }

    pub fn mean(&self) -> f64 {
        self.mean
    }

    pub fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }

    pub fn error(&self) -> f64 {
        (self.variance() / self.count).sqrt()
    }
}

impl FromIterator<f64> for Mean {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut mean = Self::default();
        values.into_iter().for_each(|x| mean.add(x));
        mean
    }
}

/// The rule of the tests: |measured − law| ≤ 3 standard errors + the next-order term, given relative to the law; the
/// standard error at most `largest_error` of the law, so that the nearest wrong law fails.
pub fn agree(name: &str, measured: Mean, law: f64, next_order: f64, largest_error: f64) {
    let (mean, error) = (measured.mean(), measured.error());
    let ratio = mean / law;
    eprintln!("LAW {name}: measured {mean:.6e} ± {error:.1e}, law {law:.6e}, ratio {ratio:.5} ± {:.5}", error / law);
    assert!(error <= largest_error * law, "{name}: standard error {error:.2e} is not small beside {law:.4e}");
    let tolerance = 3.0 * error + next_order * law;
    assert!((mean - law).abs() <= tolerance, "{name}: measured {mean:.6e} ± {error:.1e}, law {law:.6e}");
}

/// Derivatives of the passive matrix of a program, its first `rows` rows and `columns` columns, by every splitter angle
/// or by every phase: `A·∂T·B` with what lies behind and before each element.
pub fn derivatives(program: &MatrixProgram, splitters: bool, rows: usize, columns: usize) -> Vec<Matrix> {
    enum Element {
        Cell(usize, f64, f64),
        Attenuator(usize, f64, f64),
        Output(usize, f64),
        Modes(usize),
    }
    let mut elements = Vec::new();
    for stage in program.stages() {
        let settings = stage.phases();
        elements.push(Element::Modes(stage.layout().modes));
        for (k, position) in stage.layout().positions.iter().enumerate() {
            let (theta, phi) = (settings.theta()[k], settings.phi()[k]);
            elements.push(match stage.kind() {
                StageKind::Mesh => Element::Cell(position.mode, theta, phi),
                StageKind::Attenuators => Element::Attenuator(position.mode, theta, phi),
            });
        }
        elements.extend(settings.output().iter().enumerate().map(|(m, &phase)| Element::Output(m, phase)));
    }
    let cell = |theta: f64, phi: f64, errors: CellErrors| {
        let t = transfer(theta, phi, errors);
        Matrix::from_fn(2, 2, |i, j| t[i][j])
    };
    let slopes = |theta: f64, phi: f64| -> [Matrix; 2] {
        let h = 1e-5;
        let at = |a: f64, b: f64| match splitters {
            true => cell(theta, phi, CellErrors { alpha: a, beta: b, ..CellErrors::NONE }),
            false => cell(theta + a, phi + b, CellErrors::NONE),
        };
        [at(h, 0.0) - at(-h, 0.0), at(0.0, h) - at(0.0, -h)].map(|d| d / Complex64::new(2.0 * h, 0.0))
    };
    let mut field = Matrix::identity(program.shape().1, columns);
    let mut before = Vec::new();
    for element in &elements {
        match *element {
            Element::Modes(modes) => {
                before.push(Matrix::zeros(field.nrows(), 0));
                field = field.resize_vertically(modes, 0.0.into());
            }
            Element::Cell(m, theta, phi) => {
                let pair = field.rows(m, 2).clone_owned();
                field.rows_mut(m, 2).copy_from(&(cell(theta, phi, CellErrors::NONE) * &pair));
                before.push(pair);
            }
            Element::Attenuator(m, theta, phi) => {
                before.push(field.rows(m, 1).clone_owned());
                let t = cell(theta, phi, CellErrors::NONE)[(0, 0)];
                field.row_mut(m).iter_mut().for_each(|z| *z *= t);
            }
            Element::Output(m, phase) => {
                before.push(field.rows(m, 1).clone_owned());
                field.row_mut(m).iter_mut().for_each(|z| *z *= Complex64::cis(phase));
            }
        }
    }
    let mut behind = Matrix::identity(rows, program.shape().0);
    let mut found = Vec::new();
    for (element, before) in elements.iter().zip(&before).rev() {
        match *element {
            Element::Modes(_) => behind = behind.resize_horizontally(before.nrows(), 0.0.into()),
            Element::Cell(m, theta, phi) => {
                let pair = behind.columns(m, 2).clone_owned();
                found.extend(slopes(theta, phi).map(|slope| &pair * slope * before));
                behind.columns_mut(m, 2).copy_from(&(pair * cell(theta, phi, CellErrors::NONE)));
            }
            Element::Attenuator(m, theta, phi) => {
                let one = behind.columns(m, 1).clone_owned();
                found.extend(slopes(theta, phi).map(|slope| &one * slope[(0, 0)] * before));
                let t = cell(theta, phi, CellErrors::NONE)[(0, 0)];
                behind.column_mut(m).iter_mut().for_each(|z| *z *= t);
            }
            Element::Output(m, phase) => {
                let turn = Complex64::cis(phase);
                if !splitters {
                    found.push(behind.columns(m, 1) * (Complex64::i() * turn) * before);
                }
                behind.column_mut(m).iter_mut().for_each(|z| *z *= turn);
            }
        }
    }
    found
}
