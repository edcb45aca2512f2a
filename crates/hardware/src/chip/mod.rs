//! A fabricated chip: one frozen sample of a process, and what it makes of a program.

mod file;
pub mod shape;

use crate::chip::shape::ProgramShape;
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::{Circuit, Fields, MatrixProgram, MeshDesign, Phases};
use phaseloom_numerics::{Normals, StreamKey};

/// Which draw of a process a chip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChipId {
    /// Seed of the run.
    pub seed: u64,
    /// Trial: one chip of the Monte Carlo.
    pub trial: u64,
    /// Which of the cores of that trial.
    pub core: u64,
}

impl ChipId {
    /// The random stream of a purpose for this chip.
    #[must_use]
    pub fn stream<'a>(&self, purpose: &'a str) -> StreamKey<'a> {
        StreamKey::new(self.seed, purpose).trial(self.trial).core(self.core)
    }
}

/// One frozen sample. It holds physical parameters, never compiled ones, and fits every program of its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    pub(crate) process: Process,
    pub(crate) sample: Option<ChipId>,
    pub(crate) shape: ProgramShape,
    pub(crate) stages: Vec<StageErrors>,
}

impl Chip {
    /// Fabricates a chip for programs of the shape of `program`: each source draws from a stream of its own, so that
    /// switching one on or off changes no draw of another.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process.
    pub fn fabricate(process: &Process, program: &MatrixProgram, sample: ChipId) -> Result<Self, HardwareError> {
        process.check()?;
        let mut stages: Vec<StageErrors> = program.stages().iter().map(StageErrors::perfect).collect();
        for (key, source) in process.sources() {
            let mut draws = Normals::new(&sample.stream(&format!("{key}/fabricate")));
            stages.iter_mut().for_each(|stage| source.fabricate(&mut draws, stage));
        }
        Ok(Self { process: process.clone(), sample: Some(sample), shape: ProgramShape::of(program), stages })
    }

    /// The chip as its designer knows it: nominal loss, no random part.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process.
    pub fn nominal(process: &Process, program: &MatrixProgram) -> Result<Self, HardwareError> {
        process.check()?;
        let mut stages: Vec<StageErrors> = program.stages().iter().map(StageErrors::perfect).collect();
        for (_, source) in process.sources() {
            stages.iter_mut().for_each(|stage| source.fabricate_nominal(stage));
        }
        Ok(Self { process: process.clone(), sample: None, shape: ProgramShape::of(program), stages })
    }

    /// A chip of known errors: frozen sections that were fitted or measured, not drawn. `process` tells how it is
    /// driven; its random parts are not used.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process, [`HardwareError::Unfit`] where the sections are not those
    /// of the shape of `program`, a number is not finite, or an arm amplifies.
    pub fn from_stages(
        process: &Process,
        program: &MatrixProgram,
        stages: Vec<StageErrors>,
    ) -> Result<Self, HardwareError> {
        process.check()?;
        let unfit = |key: String, found: String, expected: String| HardwareError::Unfit { key, found, expected };
        let expected = program.stages().len();
        if stages.len() != expected {
            return Err(unfit("sections of a chip (number of)".into(), stages.len().to_string(), expected.to_string()));
        }
        for (k, (frozen, stage)) in stages.iter().zip(program.stages()).enumerate() {
            let shape = |cells: usize, phases: usize| format!("{cells} cells and {phases} phases");
            let found = shape(frozen.cells.len(), frozen.offsets.values().len());
            let expected = shape(stage.layout().positions.len(), stage.phases().values().len());
            if found != expected {
                return Err(unfit(format!("section {k} of a chip"), found, expected));
            }
            for (j, cell) in frozen.cells.iter().enumerate() {
                let passive = (0.0..=1.0).contains(&cell.upper) && (0.0..=1.0).contains(&cell.lower);
                if !([cell.alpha, cell.beta, cell.gamma].iter().all(|e| e.is_finite()) && passive) {
                    let expected = "finite splitter errors and arms of amplitude 0…1";
                    return Err(unfit(format!("section {k}, cell {j}"), format!("{cell:?}"), expected.into()));
                }
            }
            if let Some(offset) = frozen.offsets.values().iter().find(|offset| !offset.is_finite()) {
                return Err(unfit(format!("section {k}, offset (rad)"), offset.to_string(), "a finite number".into()));
            }
        }
        Ok(Self { process: process.clone(), sample: None, shape: ProgramShape::of(program), stages })
    }

    /// A nominal chip with what is wrong with all cells alike.
    #[must_use]
    pub(crate) fn with_systematic_errors(mut self) -> Self {
        let process = self.process.clone();
        for (_, source) in process.sources() {
            self.stages.iter_mut().for_each(|stage| source.fabricate_systematic(stage));
        }
        self
    }

    /// A k×k core of two meshes and attenuators, before any program: its shape alone.
    ///
    /// # Errors
    ///
    /// As [`Chip::fabricate`], and where a core of that size would not fit in memory.
    pub fn fabricate_core(
        process: &Process,
        ports: usize,
        design: impl Into<MeshDesign>,
        sample: ChipId,
    ) -> Result<Self, HardwareError> {
        if ports == 0 {
            return Err(HardwareError::NoPorts);
        }
        let design = design.into();
        MatrixProgram::check_supported(design, ports, ports, ports)?;
        // Phases and errors of up to 8·ports² numbers each in memory (lines may be twice the ports), and their text.
        phaseloom_files::require_memory(1600.0 * (ports as f64).powi(2), &format!("a core of {ports} ports"))?;
        let shape = MatrixProgram::blank(ports, ports, design);
        Self::fabricate(process, &shape, sample)
    }

    /// The process that it was sampled from.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// How the cells of its meshes are joined, and what they are.
    #[must_use]
    pub fn design(&self) -> MeshDesign {
        self.shape.design
    }

    /// Its frozen sections, in the order of light.
    #[must_use]
    pub fn stages(&self) -> &[StageErrors] {
        &self.stages
    }

    /// The matrix that the passive optics really multiply by (rows × columns, without the gain), no jitter.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if the chip is of another shape than the program.
    pub fn matrix(&self, program: &MatrixProgram) -> Result<DMatrix<Complex64>, HardwareError> {
        self.matrix_from_driven(program, &self.process.drive(program))
    }

    /// The same from phases that were driven before: quantisation and crosstalk depend on program and process alone,
    /// not on the chip, so a Monte Carlo drives once.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if the chip is of another shape than the program.
    pub fn matrix_from_driven(
        &self,
        program: &MatrixProgram,
        driven: &[Phases],
    ) -> Result<DMatrix<Complex64>, HardwareError> {
        self.fits(program)?;
        Ok(self.send(program, driven, None, || Fields::identity(program.shape().1)).to_matrix())
    }

    /// Refuses a program of another shape.
    pub(crate) fn fits(&self, program: &MatrixProgram) -> Result<(), HardwareError> {
        let shape = ProgramShape::of(program);
        if shape == self.shape {
            Ok(())
        } else {
            Err(HardwareError::ShapeMismatch { chip: self.shape.to_string(), program: shape.to_string() })
        }
    }

    /// Sends light through the chip, with the jitter of one moment if its draws are given. The program fits. The light is
    /// made when the first section is compiled: of large chips both take much memory.
    pub(crate) fn send(
        &self,
        program: &MatrixProgram,
        driven: &[Phases],
        mut moment: Option<&mut Normals<f64>>,
        light: impl Fn() -> Fields,
    ) -> Fields {
        let mut fields = None;
        for ((stage, frozen), driven) in program.stages().iter().zip(&self.stages).zip(driven) {
            let mut phases = driven.clone();
            for (phase, offset) in phases.values_mut().iter_mut().zip(frozen.offsets.values()) {
                *phase += offset;
            }
            if let Some(draws) = moment.as_deref_mut() {
                for (_, source) in self.process.sources() {
                    source.fluctuate(draws, &mut phases);
                }
            }
            let circuit = Circuit::compile(stage, &phases, &frozen.cells);
            drop(phases);
            circuit.propagate(fields.get_or_insert_with(&light));
        }
        let mut fields = fields.unwrap_or_else(light);
        fields.resize(program.shape().0);
        fields
    }
}
