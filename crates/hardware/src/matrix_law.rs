//! The law of the matrix error: the quality of uncorrected chips as their process predicts it.
//!
//! Deterministic errors (loss, quantisation, crosstalk, a common splitter error) are exact. Random ones act to first order in
//! E₁², and beyond it as a decay of the programmed matrix: the mean realised matrix is e^{−E₁²/2} of the deterministic one,
//! and the light that is missing in it is scattered (docs/physics.md, Conventions).

use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::Process;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::{Form, MatrixProgram, StageKind};
use phaseloom_numerics::infidelity;

/// Predicted quality of the uncorrected chips of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixLaw {
    /// Mean of 1 − F, F the fidelity (0…1).
    pub infidelity: f64,
    /// Root mean square of ‖gŴ − W‖/‖W‖, where g is the gain of the program.
    pub error: f64,
}

impl Process {
    /// The law of the matrix error of `program`, compared with `target`, the requested matrix divided by the gain of the program.
    ///
    /// ```
    /// use phaseloom_mesh::{Form, MatrixProgram, topology};
    /// use phaseloom_numerics::{StreamKey, haar_unitary};
    ///
    /// let u = haar_unitary(8, &mut StreamKey::new(1, "example").stream());
    /// let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
    /// let process: phaseloom_hardware::Process = toml::from_str("[splitter_error]\nsigma_rad = 1e-3")?;
    /// let law = process.matrix_law(&program, &u)?;
    /// // 2(N−1)σ²
    /// assert!((law.infidelity - 14e-6).abs() < 1e-9 && (law.error.powi(2) - 14e-6).abs() < 1e-9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An impossible process, or a chip that lets no light through.
    ///
    /// # Panics
    ///
    /// If `target` has another shape than the program, or is zero.
    pub fn matrix_law(&self, program: &MatrixProgram, target: &DMatrix<Complex64>) -> Result<MatrixLaw, HardwareError> {
        let deterministic = Chip::nominal(self, program)?.with_systematic_errors().matrix(program)?;
        let power = deterministic.norm_squared();
        if !(power.is_finite() && power > 0.0) {
            return Err(HardwareError::NoLight);
        }
        let random = self.predicted_error_squared(program);
        let seen = (random - self.predicted_factor_squared(program)).max(0.0);
        let fixed = infidelity(target, &deterministic);
        let scattered = -f64::exp_m1(-random) * power;
        let coherent = &deterministic * Complex64::new((-random / 2.0).exp(), 0.0);
        Ok(MatrixLaw {
            infidelity: fixed + (1.0 - fixed) * -f64::exp_m1(-seen),
            error: ((coherent - target).norm_squared() + scattered).sqrt() / target.norm(),
        })
    }

    /// The part of [`Process::predicted_error_squared`] that is one factor of the whole matrix.
    fn predicted_factor_squared(&self, program: &MatrixProgram) -> f64 {
        let meshes = program.stages().iter().filter(|stage| stage.kind() == StageKind::Mesh);
        let meshes: f64 =
            meshes.map(|mesh| self.sources().map(|(_, s)| s.mesh_factor_squared(mesh)).sum::<f64>()).sum();
        if program.form() != Form::Svd {
            return meshes;
        }
        let transmissions = || program.stages()[1].phases().theta().iter().map(|theta| (theta / 2.0).sin());
        let signal: f64 = transmissions().map(|t| t * t).sum();
        let factor = |t| self.sources().map(|(_, s)| s.attenuator_factor_squared(t)).sum::<f64>();
        meshes + transmissions().map(factor).sum::<f64>() / signal.powi(2).max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChipId;
    use phaseloom_mesh::MeshDesign;
    use phaseloom_numerics::statistics::{mean, standard_error};
    use phaseloom_numerics::{NormalStream, StreamKey, haar_unitary, relative_error};

    /// Mean and standard error of 1 − F, and of the squared error, over chips.
    fn chips(process: &Process, program: &MatrixProgram, target: &DMatrix<Complex64>, count: u64) -> [(f64, f64); 2] {
        let quality = |trial| {
            let chip = Chip::fabricate(process, program, ChipId { seed: 1, trial, core: 0 }).unwrap();
            let realised = chip.matrix(program).unwrap();
            (infidelity(target, &realised), relative_error(target, &realised).powi(2))
        };
        let (infidelities, squares): (Vec<f64>, Vec<f64>) = (0..count).map(quality).unzip();
        [infidelities, squares].map(|values| (mean(&values), standard_error(&values)))
    }

    /// Three standard errors plus an allowance for the next order, relative to the law.
    fn holds(process: &str, program: &MatrixProgram, target: &DMatrix<Complex64>, count: u64, next: f64) {
        let process: Process = toml::from_str(process).unwrap();
        let law = process.matrix_law(program, target).unwrap();
        let measured = chips(&process, program, target, count);
        for ((mean, error), law) in measured.into_iter().zip([law.infidelity, law.error.powi(2)]) {
            // Rounding, squared.
            let allowed = 3.0 * error + next * law + 1e-28;
            assert!((mean - law).abs() < allowed, "{process:?}: {mean} ± {error}, law {law}, allowed {allowed}");
        }
    }

    fn haar(n: usize) -> DMatrix<Complex64> {
        haar_unitary(n, &mut StreamKey::new(3, "law").stream())
    }

    #[test]
    fn unitaries_follow_the_law() {
        let design = MeshDesign::from_keys("rectangular", None).unwrap();
        for n in [2, 8] {
            let u = haar(n);
            let program = MatrixProgram::new(&u, Form::Unitary, design.clone()).unwrap();
            // Next order: 2E₁⁴/N in 1 − F, and E₁⁴/8 in E²; E₁² is at most 0.14.
            holds("[splitter_error]\nsigma_rad = 0.01", &program, &u, 2000, 0.01);
            holds("[phase_error]\nsigma_rad = 0.02", &program, &u, 2000, 0.01);
            holds("[splitter_error]\nsigma_rad = 0.1", &program, &u, 1000, 0.3 / n as f64);
            holds("[phase_error]\nsigma_rad = 0.05\n[splitter_error]\nsigma_rad = 0.03", &program, &u, 1000, 0.02);
        }
    }

    #[test]
    fn deterministic_errors_are_exact() {
        let design = MeshDesign::from_keys("triangular", None).unwrap();
        let u = haar(5);
        let program = MatrixProgram::new(&u, Form::Unitary, design).unwrap();
        let deterministic = "[phase_quantization]\nbits = 5\n[thermal_crosstalk]\ncoefficient = 0.01\n\
            [splitter_error]\nmean_rad = 0.02\n[insertion_loss]\nloss_db = 0.3\nimbalance_db = 0.1";
        holds(deterministic, &program, &u, 1, 1e-12);
        holds(&deterministic.replace("mean_rad = 0.02", "mean_rad = 0.02\nsigma_rad = 0.01"), &program, &u, 1000, 0.02);
    }

    #[test]
    fn matrices_of_two_meshes_follow_the_law() {
        let design = MeshDesign::from_keys("rectangular", None).unwrap();
        let mut normal = NormalStream::<f64>::new(&StreamKey::new(1, "law/matrix"));
        for (rows, columns) in [(6, 6), (8, 5)] {
            let w = DMatrix::from_fn(rows, columns, |_, _| Complex64::new(normal.draw(), normal.draw()));
            let program = MatrixProgram::new(&w, Form::Svd, design.clone()).unwrap();
            let target = w.unscale(program.gain());
            // The outermost columns do not mix all modes: 1/N.
            holds("[splitter_error]\nsigma_rad = 0.01", &program, &target, 500, 0.25);
            holds("[phase_error]\nsigma_rad = 0.02", &program, &target, 500, 0.25);
        }
        // One entry is a factor alone.
        let entry = DMatrix::from_element(1, 1, Complex64::new(0.0, 2.0));
        let program = MatrixProgram::new(&entry, Form::Svd, design).unwrap();
        let process: Process =
            toml::from_str("[splitter_error]\nsigma_rad = 0.1\n[phase_error]\nsigma_rad = 0.1").unwrap();
        assert!(process.matrix_law(&program, &entry.unscale(2.0)).unwrap().infidelity < 1e-28);
    }
}
