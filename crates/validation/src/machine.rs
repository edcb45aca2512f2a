//! The steps that most claims share: process text → chip → realised matrix of a Haar unitary.

use crate::error::ValidationError;
use crate::setting::Setting;
use crate::statistics::{Estimate, Mean};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{Chip, ChipId, Process};
use phaseloom_mesh::{Form, MatrixProgram, MeshDesign, topology};
use phaseloom_numerics::{Normals, StreamKey, haar_unitary};
use std::f64::consts::TAU;

pub(crate) type Matrix = DMatrix<Complex64>;

pub(crate) const TOPOLOGIES: [&str; 2] = ["rectangular", "triangular"];

pub(crate) fn process(text: &str) -> Result<Process, ValidationError> {
    Ok(toml::from_str(text)?)
}

/// The program of a unitary on one mesh.
pub(crate) fn unitary(u: &Matrix, key: &str) -> Result<MatrixProgram, ValidationError> {
    programmed(u, topology(key)?)
}

/// The program of a unitary on any mesh design.
pub(crate) fn programmed(u: &Matrix, design: impl Into<MeshDesign>) -> Result<MatrixProgram, ValidationError> {
    Ok(MatrixProgram::new(u, Form::Unitary, design)?)
}

/// ‖U − Û‖²_F/N.
pub(crate) fn error_squared(target: &Matrix, realised: &Matrix) -> f64 {
    phaseloom_numerics::matrix_error(target, realised).powi(2)
}

/// The largest of some deviations from an exact statement, without a standard error.
pub(crate) fn largest(deviations: impl IntoIterator<Item = f64>) -> Estimate {
    let none = Estimate { value: 0.0, error: 0.0, draws: 0 };
    deviations.into_iter().fold(none, |max, x| Estimate { value: max.value.max(x), draws: max.draws + 1, ..max })
}

/// A mesh and its number of draws.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mesh {
    pub modes: usize,
    pub topology: &'static str,
    /// Number of Haar unitaries, and of chips for each.
    pub unitaries: u64,
    pub chips: u64,
    /// Trial of the first chip. Independent results start at different trials.
    pub first: u64,
}

impl Setting<'_> {
    /// Haar unitary number `draw` of `n` modes.
    pub(crate) fn haar(&self, n: usize, draw: u64) -> Matrix {
        haar_unitary(n, &mut StreamKey::new(self.seed, "validate/haar").trial(draw).block(n as u64).stream())
    }

    /// Matrix number `draw` of complex normal entries of variance 2.
    pub(crate) fn gaussian(&self, rows: usize, columns: usize, draw: u64) -> Matrix {
        let key = StreamKey::new(self.seed, "validate/gaussian").trial(draw).block((rows * 1000 + columns) as u64);
        let mut draws = Normals::<f64>::new(&key);
        Matrix::from_fn(rows, columns, |_, _| Complex64::new(draws.draw(), draws.draw()))
    }

    /// Angles uniform in 0…2π (rad): arguments of complex normal numbers.
    pub(crate) fn angles(&self, purpose: &str, draw: u64) -> impl FnMut() -> f64 + use<> {
        let mut draws = Normals::<f64>::new(&StreamKey::new(self.seed, purpose).trial(draw));
        move || draws.draw().atan2(draws.draw()).rem_euclid(TAU)
    }

    pub(crate) fn chip(&self, process: &Process, program: &MatrixProgram, trial: u64) -> Result<Chip, ValidationError> {
        Ok(Chip::fabricate(process, program, ChipId { seed: self.seed, trial, core: 0 })?)
    }

    /// Figures of (U, Û) over unitaries and their chips, in order.
    pub(crate) fn over_chips<T: Send>(
        &self,
        mesh: Mesh,
        process_text: &str,
        figure: impl Fn(&Matrix, &Matrix) -> T + Sync,
    ) -> Result<Vec<T>, ValidationError> {
        let process = process(process_text)?;
        let all = self.draws(mesh.unitaries, |h| {
            let u = self.haar(mesh.modes, mesh.first + h);
            let program = unitary(&u, mesh.topology)?;
            let trial = |c| mesh.first + h * mesh.chips + c;
            (0..mesh.chips)
                .map(|c| Ok(figure(&u, &self.chip(&process, &program, trial(c))?.matrix(&program)?)))
                .collect()
        })?;
        Ok(all.into_iter().flat_map(|chips: Vec<T>| chips).collect())
    }

    /// Mean of one figure.
    pub(crate) fn mean(
        &self,
        mesh: Mesh,
        process_text: &str,
        figure: impl Fn(&Matrix, &Matrix) -> f64 + Sync,
    ) -> Result<Mean, ValidationError> {
        Ok(self.over_chips(mesh, process_text, figure)?.into_iter().collect())
    }

    /// Means of two figures of the same chips.
    pub(crate) fn means(
        &self,
        mesh: Mesh,
        process_text: &str,
        figures: impl Fn(&Matrix, &Matrix) -> (f64, f64) + Sync,
    ) -> Result<(Mean, Mean), ValidationError> {
        let (mut a, mut b) = (Mean::default(), Mean::default());
        for (x, y) in self.over_chips(mesh, process_text, figures)? {
            a.add(x);
            b.add(y);
        }
        Ok((a, b))
    }
}
