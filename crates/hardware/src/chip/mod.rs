//! A fabricated chip: one sample of the errors of a process, and the matrix that it realises for a program.

pub mod backpropagation;
mod file;
pub mod shape;

use crate::chip::shape::ProgramShape;
pub use crate::chip_id::ChipId;
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{Circuit, Fields, MatrixProgram, MeshDesign, Phases};
use phaseloom_numerics::NormalStream;

/// Errors of one fabricated chip. It holds physical parameters and runs every program of its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    pub(crate) process: Process,
    pub(crate) id: Option<ChipId>,
    pub(crate) shape: ProgramShape,
    pub(crate) stages: Vec<StageErrors>,
}

impl Chip {
    /// Fabricates a chip for programs of the shape of `program`.
    ///
    /// Each source has its own random stream, so that switching a source on or off does not change the errors of another.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process, [`HardwareError::ShapeMismatch`] for a program that a
    /// [fixed chip](Process::from_chip) cannot run.
    pub fn fabricate(process: &Process, program: &MatrixProgram, id: ChipId) -> Result<Self, HardwareError> {
        process.check_for(program)?;
        if let Some(fixed) = &process.fixed_chip {
            let (stages, shape) = (fixed.stages_for(program)?, ProgramShape::from_program(program));
            return Ok(Self { process: process.clone(), id: None, shape, stages });
        }
        let mut stages: Vec<StageErrors> = program.stages().iter().map(StageErrors::perfect).collect();
        for (key, source) in process.sources() {
            let mut deviates = NormalStream::new(&id.stream(&format!("{key}/fabricate")));
            stages.iter_mut().for_each(|stage| source.fabricate(&mut deviates, stage));
            if let Some((variation, component)) = source.variation() {
                variation.add(key, component, id, program.stages(), &mut stages);
            }
        }
        Ok(Self { process: process.clone(), id: Some(id), shape: ProgramShape::from_program(program), stages })
    }

    /// The chip that its designer knows: nominal loss, no random errors.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process.
    pub fn nominal(process: &Process, program: &MatrixProgram) -> Result<Self, HardwareError> {
        process.check_for(program)?;
        let mut stages: Vec<StageErrors> = program.stages().iter().map(StageErrors::perfect).collect();
        for (_, source) in process.sources() {
            stages.iter_mut().for_each(|stage| source.fabricate_nominal(stage));
        }
        Ok(Self { process: process.clone(), id: None, shape: ProgramShape::from_program(program), stages })
    }

    /// A chip with known errors, such as fitted or measured ones. `process` defines the drive; its random parts are not
    /// used.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process, [`HardwareError::Unfit`] if the stages do not have the
    /// shape of `program`, a number is not finite, or an arm amplifies.
    pub fn from_stages(
        process: &Process,
        program: &MatrixProgram,
        stages: Vec<StageErrors>,
    ) -> Result<Self, HardwareError> {
        process.check_for(program)?;
        let expected = program.stages().len();
        if stages.len() != expected {
            return Err(HardwareError::unfit("stages of a chip (number of)", stages.len(), expected.to_string()));
        }
        for (k, (frozen, stage)) in stages.iter().zip(program.stages()).enumerate() {
            let shape = |cells: usize, phases: usize| format!("{cells} cells and {phases} phases");
            let found = shape(frozen.cell_errors.len(), frozen.offsets.values().len());
            let expected = shape(stage.layout().positions.len(), stage.phases().values().len());
            if found != expected {
                return Err(HardwareError::unfit(format!("stage {k} of a chip"), found, expected));
            }
            for (j, cell) in frozen.cell_errors.iter().enumerate() {
                let passive =
                    (0.0..=1.0).contains(&cell.upper_transmission) && (0.0..=1.0).contains(&cell.lower_transmission);
                if !([cell.alpha, cell.beta, cell.gamma].iter().all(|e| e.is_finite()) && passive) {
                    let expected = "finite splitter errors and arms of amplitude 0…1";
                    return Err(HardwareError::unfit(
                        format!("stage {k}, cell {j}"),
                        format!(
                            "splitter errors {}, {}, {} rad and arms {}, {}",
                            cell.alpha, cell.beta, cell.gamma, cell.upper_transmission, cell.lower_transmission
                        ),
                        expected,
                    ));
                }
            }
            if let Some(offset) = frozen.offsets.values().iter().find(|offset| !offset.is_finite()) {
                return Err(HardwareError::unfit(format!("stage {k}, offset (rad)"), offset, "a finite number"));
            }
        }
        Ok(Self { process: process.clone(), id: None, shape: ProgramShape::from_program(program), stages })
    }

    /// Adds the errors that all cells share to a nominal chip.
    #[must_use]
    pub(crate) fn with_systematic_errors(mut self) -> Self {
        let process = self.process.clone();
        for (_, source) in process.sources() {
            self.stages.iter_mut().for_each(|stage| source.fabricate_systematic(stage));
        }
        self
    }

    /// Fabricates a k×k core of two meshes and attenuators, without a program.
    ///
    /// # Errors
    ///
    /// As [`Chip::fabricate`]; no ports; too little memory for a core of this size.
    pub fn fabricate_core(
        process: &Process,
        ports: usize,
        design: impl Into<MeshDesign>,
        id: ChipId,
    ) -> Result<Self, HardwareError> {
        Self::fabricate(process, &Self::core_program(ports, design)?, id)
    }

    /// A program with all phases zero for a k×k core of two meshes and attenuators, for which a chip can be made.
    ///
    /// # Errors
    ///
    /// No ports, a topology without such programs, too little memory for a core of this size.
    pub fn core_program(ports: usize, design: impl Into<MeshDesign>) -> Result<MatrixProgram, HardwareError> {
        if ports == 0 {
            return Err(HardwareError::NoPorts);
        }
        let design = design.into();
        MatrixProgram::check_supported(&design, ports, ports, ports)?;
        // Phases and errors are up to 8·ports² numbers each (a mesh may have twice as many modes as ports), and their text.
        phaseloom_files::require_memory(1600.0 * (ports as f64).powi(2), &format!("a core of {ports} ports"))?;
        Ok(MatrixProgram::blank(ports, ports, design))
    }

    /// The process from which the chip was sampled.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Topology and cells of its meshes.
    #[must_use]
    pub fn design(&self) -> &MeshDesign {
        &self.shape.design
    }

    /// Errors of its stages, in the order of propagation.
    #[must_use]
    pub fn stages(&self) -> &[StageErrors] {
        &self.stages
    }

    /// The realised matrix of the passive optics (rows × columns), without gain and jitter.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if chip and program differ in shape.
    pub fn matrix(&self, program: &MatrixProgram) -> Result<DMatrix<Complex64>, HardwareError> {
        self.matrix_from_driven(program, &self.process.drive(program))
    }

    /// The realised matrix for phases that are driven already. Quantisation and crosstalk depend on program and process
    /// alone, so a Monte Carlo simulation drives once for all chips.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if chip and program differ in shape.
    ///
    /// # Panics
    ///
    /// If `driven` are not the phases of every stage.
    pub fn matrix_from_driven(
        &self,
        program: &MatrixProgram,
        driven: &[Phases],
    ) -> Result<DMatrix<Complex64>, HardwareError> {
        self.check_shape(program)?;
        Ok(self.propagate(program, driven, None, || Fields::identity(program.shape().1)).to_matrix())
    }

    /// Checks that a program has the shape of the chip.
    pub(crate) fn check_shape(&self, program: &MatrixProgram) -> Result<(), HardwareError> {
        if self.shape.is_of(program) {
            return Ok(());
        }
        let program = ProgramShape::from_program(program).to_string();
        Err(HardwareError::ShapeMismatch { chip: self.shape.to_string(), program })
    }

    /// State of stage `k` when its heaters are driven to `driven`: the phases that light meets (rad), without jitter, and
    /// the errors of every cell.
    ///
    /// ```
    /// use phaseloom_hardware::{Chip, ChipId, Process};
    /// use phaseloom_mesh::{Circuit, MatrixProgram, MeshDesign};
    ///
    /// let process: Process = toml::from_str("[phase_error]\nsigma_rad = 0.01")?;
    /// let design = MeshDesign::from_keys("rectangular", None)?;
    /// let program = MatrixProgram::blank(4, 4, design);
    /// let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial: 0, core: 0 })?;
    /// let driven = process.drive(&program);
    /// let (phases, cell_errors) = chip.stage_state(0, &driven[0]);
    /// let matrix = Circuit::compile(&program.stages()[0], &phases, cell_errors).matrix();
    /// assert_eq!(matrix.shape(), (4, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the chip has no stage `k`, or `driven` has another number of phases.
    #[must_use]
    pub fn stage_state(&self, k: usize, driven: &Phases) -> (Phases, &[CellErrors]) {
        self.stages[k].state(driven)
    }

    /// Propagates fields through the chip, with the jitter of one moment if `jitter` gives its normal deviates.
    ///
    /// The program has the shape of the chip. `input` is called once the first stage is compiled: both need much memory
    /// on large chips.
    pub(crate) fn propagate(
        &self,
        program: &MatrixProgram,
        driven: &[Phases],
        mut jitter: Option<&mut NormalStream<f64>>,
        input: impl Fn() -> Fields,
    ) -> Fields {
        assert_eq!(driven.len(), program.stages().len(), "phases of each stage");
        let mut fields = None;
        for (k, (stage, driven)) in program.stages().iter().zip(driven).enumerate() {
            let (mut phases, cell_errors) = self.stage_state(k, driven);
            if let Some(deviates) = jitter.as_deref_mut() {
                for (_, source) in self.process.sources() {
                    source.fluctuate(deviates, &mut phases);
                }
            }
            let circuit = Circuit::compile(stage, &phases, cell_errors);
            drop(phases);
            circuit.propagate(fields.get_or_insert_with(&input));
        }
        let mut fields = fields.unwrap_or_else(input);
        fields.resize(program.shape().0);
        fields
    }
}
