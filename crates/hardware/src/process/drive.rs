//! What a process does to the phases of a program, and the matrix error that it predicts.

use crate::error::HardwareError;
use crate::process::{MeshSize, Process};
use phaseloom_mesh::{Form, MatrixProgram, Phases, StageKind};

impl Process {
    /// Checks every source and the phase shifter.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] with the key of the first impossible value.
    pub fn check(&self) -> Result<(), HardwareError> {
        for (key, source) in self.sources() {
            source.check().map_err(|invalid| HardwareError::Process(invalid.in_table(key)))?;
        }
        let shifter = self.phase_shifter.as_ref().map_or(Ok(()), |shifter| shifter.check());
        shifter.map_err(|invalid| HardwareError::Process(invalid.in_table("phase_shifter")))
    }

    /// From the phases of a program to those that its heaters make: DAC code → heater power → crosstalk.
    #[must_use]
    pub fn drive(&self, program: &MatrixProgram) -> Vec<Phases> {
        self.drive_phases(program, program.stages().iter().map(|s| s.phases().clone()).collect())
    }

    /// The same for other phases on the shifters of a program.
    pub(crate) fn drive_phases(&self, program: &MatrixProgram, mut phases: Vec<Phases>) -> Vec<Phases> {
        for (_, source) in self.sources() {
            source.drive(program.stages(), &mut phases);
        }
        phases
    }

    /// First-order relative matrix error, squared, that the random sources make in a program of W = gUΣV†:
    /// `E_U² + E_V²` and the attenuators' part (identity I19), or E² of one mesh.
    #[must_use]
    pub fn predicted_error_squared(&self, program: &MatrixProgram) -> f64 {
        let (rows, columns) = program.shape();
        self.predicted_corner_error_squared(program, rows.min(columns))
    }

    /// The same for a matrix that fills only a corner of its core, of `lines` attenuators. Its meshes are block-diagonal
    /// with an identity, so light and errors stay in the corner and the relative error is that of the whole depth; not so
    /// where lines far apart meet, or are dumped: there it is an estimate.
    pub(crate) fn predicted_corner_error_squared(&self, program: &MatrixProgram, lines: usize) -> f64 {
        let meshes = program.stages().iter().filter(|s| s.kind() == StageKind::Mesh);
        let mesh = |passed: MeshSize| self.sources().map(|(_, s)| s.mesh_error_squared(&passed)).sum::<f64>();
        let meshes: f64 = meshes.map(|stage| mesh(MeshSize::of(stage))).sum();
        match program.form() {
            Form::Svd | Form::Auto => {}
            Form::Unitary => return meshes,
            // Errors count beside what the mesh lets pass: ‖M‖² of the N of a unitary.
            Form::Contraction => {
                let passed = program.clone().with_electronic_gain(1.0).matrix().norm_squared();
                let (rows, columns) = program.shape();
                return meshes * rows.max(columns) as f64 / passed.max(f64::MIN_POSITIVE);
            }
        }
        let transmissions: Vec<f64> =
            program.stages()[1].phases().theta().iter().take(lines).map(|theta| (theta / 2.0).sin()).collect();
        let signal: f64 = transmissions.iter().map(|t| t * t).sum();
        let attenuators: f64 = transmissions
            .iter()
            .map(|&t| self.sources().map(|(_, s)| s.attenuator_error_squared(t)).sum::<f64>())
            .sum();
        meshes + attenuators / signal
    }
}
