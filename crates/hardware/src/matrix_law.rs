//! The law of the matrix error: the quality of uncorrected chips as their process predicts it.
//!
//! Deterministic errors (loss, quantisation, crosstalk, a common splitter error) are exact. Random ones act to first order in
//! their variances, each weighted by its effect on the very program ([`Sensitivities`]). Beyond first order, the mean realised
//! matrix decays as e^{−E₁²/2}, and the light that is missing in it is scattered (docs/physics.md, Conventions).

use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::{ComponentErrors, Process};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::{MatrixProgram, Sensitivities, Sensitivity};
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
    /// `sensitivities` are those of the program, which many processes can share.
    ///
    /// ```
    /// use phaseloom_mesh::{Form, MatrixProgram, topology};
    /// use phaseloom_numerics::{StreamKey, haar_unitary};
    ///
    /// let u = haar_unitary(8, &mut StreamKey::new(1, "example").stream());
    /// let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
    /// let process: phaseloom_hardware::Process = toml::from_str("[splitter_error]\nsigma_rad = 1e-3")?;
    /// let law = process.matrix_law(&program, &program.sensitivities(), &u)?;
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
    pub fn matrix_law(
        &self,
        program: &MatrixProgram,
        sensitivities: &Sensitivities,
        target: &DMatrix<Complex64>,
    ) -> Result<MatrixLaw, HardwareError> {
        let errors = self.component_errors();
        let mut chip = Chip::nominal(self, program)?.with_systematic_errors();
        for cell in chip.stages.iter_mut().flat_map(|stage| &mut stage.cell_errors) {
            cell.upper_transmission *= errors.arm_mean[0].exp();
            cell.lower_transmission *= errors.arm_mean[1].exp();
        }
        let deterministic = chip.matrix(program)?;
        let power = deterministic.norm_squared();
        if !(power.is_finite() && power > 0.0) {
            return Err(HardwareError::NoLight);
        }
        let arms = |part: fn(&Sensitivity) -> f64| -> f64 {
            sensitivities.arms.iter().zip(errors.arm_variance).map(|(arm, variance)| part(arm) * variance).sum()
        };
        // Splitters and phases scatter light; arms add and remove some.
        let rotation = |part: fn(&Sensitivity) -> f64| {
            part(&sensitivities.splitters) * errors.splitter + part(&sensitivities.phases) * errors.phase
        };
        let (scattered, lost) = (rotation(|s| s.error), arms(|s| s.error));
        let seen = (rotation(|s| s.infidelity) + arms(|s| s.infidelity)).max(0.0);
        let fixed = infidelity(target, &deterministic);
        let coherent = &deterministic * Complex64::new((-scattered / 2.0).exp(), 0.0);
        let random = (lost - f64::exp_m1(-scattered)) * power;
        Ok(MatrixLaw {
            infidelity: fixed + (1.0 - fixed) * -f64::exp_m1(-seen),
            error: ((coherent - target).norm_squared() + random).max(0.0).sqrt() / target.norm(),
        })
    }

    /// The sum over all sources.
    fn component_errors(&self) -> ComponentErrors {
        self.sources().fold(ComponentErrors::default(), |sum, (_, source)| {
            let errors = source.component_errors();
            ComponentErrors {
                splitter: sum.splitter + errors.splitter,
                phase: sum.phase + errors.phase,
                arm_mean: std::array::from_fn(|k| sum.arm_mean[k] + errors.arm_mean[k]),
                arm_variance: std::array::from_fn(|k| sum.arm_variance[k] + errors.arm_variance[k]),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChipId;
    use phaseloom_mesh::Form;
    use phaseloom_mesh::MeshDesign;
    use phaseloom_numerics::statistics::{mean, standard_error};
    use phaseloom_numerics::{StreamKey, haar_unitary, relative_error};
    use phaseloom_testing::{dft, gaussian, re};

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

    /// Three standard errors, of at most 2 % of the law, plus an allowance for the next order, relative to the law.
    fn holds(process: &str, program: &MatrixProgram, target: &DMatrix<Complex64>, count: u64, next: f64) {
        let process: Process = toml::from_str(process).unwrap();
        let law = process.matrix_law(program, &program.sensitivities(), target).unwrap();
        let measured = chips(&process, program, target, count);
        for ((mean, error), law) in measured.into_iter().zip([law.infidelity, law.error.powi(2)]) {
            assert!(error.is_nan() || error < 0.02 * law, "{process:?}: {mean} ± {error} is no test");
            // Rounding, squared.
            let allowed = if error.is_nan() { 0.0 } else { 3.0 * error } + next * law + 1e-28;
            assert!((mean - law).abs() < allowed, "{process:?}: {mean} ± {error}, law {law}, allowed {allowed}");
        }
    }

    fn haar(n: usize) -> DMatrix<Complex64> {
        haar_unitary(n, &mut StreamKey::new(3, "law").stream())
    }

    #[test]
    fn unitaries_follow_the_law() {
        let design = MeshDesign::from_keys("rectangular", None).unwrap();
        for (n, u) in [(2, haar(2)), (8, haar(8)), (8, dft(8))] {
            let program = MatrixProgram::new(&u, Form::Unitary, design.clone()).unwrap();
            // Next order: 2E₁⁴/N in 1 − F, and E₁⁴/8 in E²; E₁² is at most 0.14.
            holds("[splitter_error]\nsigma_rad = 0.01", &program, &u, 8000, 0.01);
            holds("[phase_error]\nsigma_rad = 0.02", &program, &u, 8000, 0.01);
            holds("[splitter_error]\nsigma_rad = 0.1", &program, &u, 8000, 0.3 / n as f64);
            holds("[phase_error]\nsigma_rad = 0.05\n[splitter_error]\nsigma_rad = 0.03", &program, &u, 8000, 0.02);
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
        holds(&deterministic.replace("mean_rad = 0.02", "mean_rad = 0.02\nsigma_rad = 0.01"), &program, &u, 4000, 0.02);
    }

    /// Matrices far from a unitary. The mean over unitaries is wrong by up to a factor of 2 for them.
    #[test]
    fn other_matrices_follow_the_law() {
        let rectangular = MeshDesign::from_keys("rectangular", None).unwrap();
        let [square, tall, column, row] =
            [(6, 6), (8, 5), (6, 1), (1, 6)].map(|(rows, columns)| gaussian(rows, columns, 1));
        let values = [1.0, 0.3, 0.03, 0.01, 1e-3, 0.0].map(re);
        let small = haar(6) * DMatrix::from_diagonal(&nalgebra::DVector::from_row_slice(&values)) * dft(6);
        let rank_one = column * row;
        let contraction = MeshDesign::from_keys("contraction", None).unwrap();
        for (w, design) in [
            (&square, &rectangular),
            (&tall, &rectangular),
            (&small, &rectangular),
            (&rank_one, &rectangular),
            (&small, &contraction),
            (&square, &contraction),
        ] {
            let form = if design == &contraction { Form::Contraction } else { Form::Svd };
            let program = MatrixProgram::new(w, form, design.clone()).unwrap();
            let target = w.unscale(program.gain());
            // Next order: relative E₁², at most 0.01.
            holds("[splitter_error]\nsigma_rad = 0.01", &program, &target, 8000, 0.01);
            holds("[phase_error]\nsigma_rad = 0.01", &program, &target, 8000, 0.01);
            for imbalance in ["", "imbalance_db = 0.02\n", "imbalance_db = -0.1\n"] {
                let loss = format!("[insertion_loss]\n{imbalance}imbalance_sigma_db = 0.05");
                holds(&loss, &program, &target, 8000, 0.01);
            }
        }
        // One entry is a factor alone.
        let entry = DMatrix::from_element(1, 1, Complex64::new(0.0, 2.0));
        let program = MatrixProgram::new(&entry, Form::Svd, rectangular).unwrap();
        let process: Process =
            toml::from_str("[splitter_error]\nsigma_rad = 0.1\n[phase_error]\nsigma_rad = 0.1").unwrap();
        let law = process.matrix_law(&program, &program.sensitivities(), &entry.unscale(2.0)).unwrap();
        assert!(law.infidelity.abs() < 1e-15);
    }
}
