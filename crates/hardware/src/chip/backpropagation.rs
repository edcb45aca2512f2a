//! Forward and backward pass through a chip: the gradient of a loss with respect to every phase.
//!
//! The adjoint of a field a is `λ = ∂L/∂Re a + i·∂L/∂Im a`. Each stage needs its own input and output fields for its
//! gradient, so the forward pass keeps both (docs/physics.md, Gradients).

use crate::chip::Chip;
use crate::error::HardwareError;
use phaseloom_mesh::{Circuit, Fields, MatrixProgram, Phases, gradient};

/// Fields that the forward pass keeps for the backward pass.
#[derive(Clone, Debug)]
pub struct ForwardPass {
    stages: Vec<StagePass>,
    output: Fields,
}

/// The phases of one stage, and the fields at its two ends (modes × batch).
#[derive(Clone, Debug)]
struct StagePass {
    phases: Phases,
    input: Fields,
    output: Fields,
}

impl ForwardPass {
    /// Fields at the output ports of the chip (rows × batch).
    #[must_use]
    pub fn output(&self) -> &Fields {
        &self.output
    }
}

impl Chip {
    /// Propagates `input` (columns × batch) without jitter and keeps the fields at both ends of every stage.
    ///
    /// `driven` are the phases of every stage after drive and crosstalk.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if chip and program differ in shape.
    ///
    /// # Panics
    ///
    /// If `driven` are not the phases of every stage, or `input` has not one mode per column of the matrix.
    pub fn forward(
        &self,
        program: &MatrixProgram,
        driven: &[Phases],
        input: Fields,
    ) -> Result<ForwardPass, HardwareError> {
        self.check_shape(program)?;
        assert_eq!(driven.len(), program.stages().len(), "phases of each stage");
        assert_eq!(input.modes(), program.shape().1, "one field per column of the matrix");
        let mut fields = input;
        let mut stages = Vec::with_capacity(driven.len());
        for (k, (stage, driven)) in program.stages().iter().zip(driven).enumerate() {
            let (phases, cell_errors) = self.stage_state(k, driven);
            fields.resize(stage.layout().modes);
            let input = fields.clone();
            Circuit::compile(stage, &phases, cell_errors).propagate(&mut fields);
            stages.push(StagePass { phases, input, output: fields.clone() });
        }
        fields.resize(program.shape().0);
        Ok(ForwardPass { stages, output: fields })
    }

    /// Gradient of a real loss with respect to the phases of every stage (1/rad), and the adjoint at the input ports.
    ///
    /// `adjoint` (rows × batch) is the adjoint at the output ports. A static offset and a driven phase have the same
    /// gradient; crosstalk and quantisation are not part of it.
    ///
    /// ```
    /// use phaseloom_hardware::{Chip, ChipId, Process};
    /// use phaseloom_mesh::{Fields, MatrixProgram, MeshDesign};
    ///
    /// let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.05")?;
    /// let design = MeshDesign::from_keys("rectangular", None)?;
    /// let program = MatrixProgram::blank(4, 4, design);
    /// let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial: 0, core: 0 })?;
    /// let pass = chip.forward(&program, &process.drive(&program), Fields::identity(4))?;
    /// // L = ½ Σ|a|² has the adjoint λ = a.
    /// let adjoint = pass.output().clone();
    /// let (slopes, _) = chip.backward(&program, pass, adjoint);
    /// assert_eq!(slopes.len(), 3, "V†, Σ and U");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If `pass` is not one of this program, or `adjoint` is not one field for each output field.
    #[must_use]
    pub fn backward(&self, program: &MatrixProgram, pass: ForwardPass, mut adjoint: Fields) -> (Vec<Phases>, Fields) {
        assert_eq!([self.stages.len(), pass.stages.len()], [program.stages().len(); 2], "stages of the program");
        assert_eq!(adjoint.modes(), pass.output.modes(), "an adjoint for each output field");
        let mut slopes = Vec::with_capacity(pass.stages.len());
        for ((stage, errors), pass) in program.stages().iter().zip(&self.stages).zip(pass.stages).rev() {
            adjoint.resize(stage.layout().modes);
            let StagePass { phases, input, output } = pass;
            let (stage_slopes, before) = gradient(stage, &phases, &errors.cell_errors, &input, output, adjoint);
            slopes.push(stage_slopes);
            adjoint = before;
        }
        adjoint.resize(program.shape().1);
        slopes.reverse();
        (slopes, adjoint)
    }
}
