//! Driven phases of a program, and the matrix error that a process predicts for it.

use crate::error::HardwareError;
use crate::process::Process;
use phaseloom_files::InvalidValue;
use phaseloom_mesh::{Form, MatrixProgram, Phases, Stage, StageKind};

impl Process {
    /// Checks the values of every source and of the phase shifter.
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

    /// Checks that every source suits the stages of a program, such as the places of single heaters.
    ///
    /// # Errors
    ///
    /// The first key that does not.
    pub fn check_stages(&self, stages: &[Stage]) -> Result<(), InvalidValue> {
        self.sources()
            .try_for_each(|(key, source)| source.check_stages(stages).map_err(|invalid| invalid.in_table(key)))
    }

    /// The checks before a chip for a program is made.
    pub(crate) fn check_for(&self, program: &MatrixProgram) -> Result<(), HardwareError> {
        self.check()?;
        self.check_stages(program.stages()).map_err(HardwareError::Process)
    }

    /// Phases (rad) that the heaters make of a program: converter code → limits of the heaters → crosstalk.
    ///
    /// # Panics
    ///
    /// If [`Process::check`] finds an impossible value.
    #[must_use]
    pub fn drive(&self, program: &MatrixProgram) -> Vec<Phases> {
        self.assert_possible();
        self.drive_phases(program, program.stages().iter().map(|s| s.phases().clone()).collect())
    }

    fn assert_possible(&self) {
        if let Err(error) = self.check() {
            panic!("{error}");
        }
    }

    /// [`Process::drive`] for other phases on the shifters of a program.
    pub(crate) fn drive_phases(&self, program: &MatrixProgram, mut phases: Vec<Phases>) -> Vec<Phases> {
        for (_, source) in self.sources() {
            source.drive(program.stages(), &mut phases);
        }
        phases
    }

    /// Turns slopes of a loss by the phases that the heaters make of a program (1/rad) into slopes by the requested phases:
    /// crosstalk is transposed, and rounding counts as the identity. Requested phases lie in 0…2π.
    ///
    /// # Panics
    ///
    /// If `slopes` are not those of every stage.
    pub fn drive_adjoint(&self, program: &MatrixProgram, slopes: &mut [Phases]) {
        let sources: Vec<_> = self.sources().collect();
        sources.into_iter().rev().for_each(|(_, source)| source.drive_adjoint(program.stages(), slopes));
    }

    /// First-order squared matrix error of the random sources in a program W = gUΣV†: `E_U² + E_V²` and the part of the
    /// attenuators (docs/physics.md, Fabrication errors), or E² of one mesh.
    ///
    /// # Panics
    ///
    /// If [`Process::check`] finds an impossible value.
    #[must_use]
    pub fn predicted_error_squared(&self, program: &MatrixProgram) -> f64 {
        self.assert_possible();
        let (rows, columns) = program.shape();
        self.predicted_corner_error_squared(program, rows.min(columns))
    }

    /// Predicted error of a matrix that occupies only a corner of its core, with `modes` attenuators in use.
    ///
    /// The meshes of such a program are block-diagonal with an identity. Light and errors stay in the corner, and the
    /// relative error is that of the whole depth. It is an estimate for topologies that join distant modes or absorb light.
    pub(crate) fn predicted_corner_error_squared(&self, program: &MatrixProgram, modes: usize) -> f64 {
        let meshes = program.stages().iter().filter(|s| s.kind() == StageKind::Mesh);
        let meshes: f64 = meshes.map(|mesh| self.sources().map(|(_, s)| s.mesh_error_squared(mesh)).sum::<f64>()).sum();
        match program.form() {
            Form::Svd | Form::Auto => {}
            Form::Unitary => return meshes,
            // The error is relative to the transmitted ‖M‖², which is N for a unitary.
            Form::Contraction => {
                let transmitted = program.clone().with_electronic_gain(1.0).matrix().norm_squared();
                let (rows, columns) = program.shape();
                return meshes * rows.max(columns) as f64 / transmitted.max(f64::MIN_POSITIVE);
            }
        }
        let transmissions: Vec<f64> =
            program.stages()[1].phases().theta().iter().take(modes).map(|theta| (theta / 2.0).sin()).collect();
        let signal: f64 = transmissions.iter().map(|t| t * t).sum();
        let attenuators: f64 = transmissions
            .iter()
            .map(|&t| self.sources().map(|(_, s)| s.attenuator_error_squared(t)).sum::<f64>())
            .sum();
        meshes + attenuators / signal
    }
}
