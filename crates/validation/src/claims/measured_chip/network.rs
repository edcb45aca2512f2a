//! A network that runs three layers on one mesh: program, modulus, program, modulus, program, powers.

use super::data::{MODES, NORM};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{Chip, HardwareError};
use phaseloom_mesh::{Fields, Form, MatrixProgram, MeshError, topology};

/// The programs of the layers, all for the same six cells.
///
/// The phases of the physical chip are not published. We assume those of the triangular mesh for the trained unitaries.
/// The control software (GitHub solgaardlab/phox, `phox/experiment/amf420mesh.py`) sets φ before θ in six cells of the
/// modes 0, 1, 2, 0, 1, 0 by `simphox.circuit.triangular` and calls θ = π the bar state. It sends the square root of the
/// measured *fractions* of power, scaled to norm 3, to the next layer. This model does the same. The generator of input
/// vectors (four more cells) and the camera are not modelled.
#[derive(Clone, Debug)]
pub struct Network {
    programs: Vec<MatrixProgram>,
}

impl Network {
    /// Programs the nearest unitaries of single precision.
    ///
    /// # Errors
    ///
    /// Matrices that are no unitaries to 1e-5.
    pub fn new(unitaries: &[DMatrix<Complex64>]) -> Result<Self, MeshError> {
        let triangular = topology("triangular")?;
        let program = |u| MatrixProgram::from_single(u, Form::Unitary, &triangular);
        Ok(Self { programs: unitaries.iter().map(program).collect::<Result<_, _>>()? })
    }

    /// The program of the first layer. A chip fits the programs of all layers.
    #[must_use]
    pub fn program(&self) -> &MatrixProgram {
        &self.programs[0]
    }

    /// Power fraction in the first two modes after the last layer on a chip, for each column of `inputs` (modes × points).
    ///
    /// # Errors
    ///
    /// A chip of another shape.
    pub fn fractions(&self, chip: &Chip, inputs: &DMatrix<f64>) -> Result<Vec<f64>, HardwareError> {
        let mut amplitudes = inputs.clone();
        for program in &self.programs {
            let matrix = chip.matrix(program)?;
            for mut h in amplitudes.column_iter_mut() {
                let mut out = [0.0; MODES];
                for (r, out) in out.iter_mut().enumerate() {
                    *out = (0..MODES).map(|c| matrix[(r, c)] * h[c]).sum::<Complex64>().norm();
                }
                let scale = NORM / out.iter().map(|a| a * a).sum::<f64>().sqrt();
                (0..MODES).for_each(|r| h[r] = out[r] * scale);
            }
        }
        Ok(amplitudes.column_iter().map(|h| (h[0] * h[0] + h[1] * h[1]) / (NORM * NORM)).collect())
    }

    /// Gradient of the mean cross entropy of a batch by θ and φ of the six cells, layer by layer (1/rad).
    ///
    /// Field and adjoint pass the imperfect cells of the chip. All other steps are exact.
    ///
    /// # Errors
    ///
    /// A chip of another shape.
    pub fn slopes(&self, chip: &Chip, inputs: &DMatrix<f64>, labels: &[usize]) -> Result<Vec<f64>, HardwareError> {
        let batch = inputs.ncols();
        let mut amplitudes = inputs.clone();
        let mut passes = Vec::with_capacity(self.programs.len());
        for program in &self.programs {
            let input = Fields::from_matrix(&amplitudes.map(|x| Complex64::new(x, 0.0)));
            let pass = chip.forward(program, &chip.process().drive(program), input)?;
            let output = pass.output().to_matrix();
            amplitudes = output.map(|a| a.norm());
            let scales: Vec<f64> = amplitudes.column_iter().map(|h| NORM / h.norm()).collect();
            amplitudes.column_iter_mut().zip(&scales).for_each(|(mut h, scale)| h *= *scale);
            passes.push((pass, output, scales));
        }
        // L = −Σ ln p_label / batch, p the softmax of z0 = h0² + h1² and z1 = h2² + h3².
        let mut adjoint = DMatrix::from_fn(MODES, batch, |r, c| {
            let h = amplitudes.column(c);
            let z = [h[0] * h[0] + h[1] * h[1], h[2] * h[2] + h[3] * h[3]];
            let class = r / 2;
            let p = 1.0 / (1.0 + (z[1 - class] - z[class]).exp());
            2.0 * h[r] * (p - f64::from(u8::from(labels[c] == class))) / batch as f64
        });
        let mut layers = Vec::with_capacity(self.programs.len());
        for (program, (pass, output, scales)) in self.programs.iter().zip(passes).rev() {
            // Adjoint of the scaling to norm 3, h = 3m/|m|, and of the modulus m = |a|.
            let output_adjoint = DMatrix::from_fn(MODES, batch, |r, c| {
                let a = output[(r, c)];
                let along: f64 = (0..MODES).map(|k| adjoint[(k, c)] * output[(k, c)].norm()).sum();
                let radial = along * (scales[c] / NORM).powi(2) * a.norm();
                let slope = scales[c] * (adjoint[(r, c)] - radial);
                if a.norm() > 0.0 { a / a.norm() * slope } else { Complex64::new(0.0, 0.0) }
            });
            let (slopes, before_mesh) = chip.backward(program, pass, Fields::from_matrix(&output_adjoint));
            layers.push([slopes[0].theta(), slopes[0].phi()].concat());
            adjoint = before_mesh.to_matrix().map(|z| z.re);
        }
        Ok(layers.into_iter().rev().flatten().collect())
    }
}
