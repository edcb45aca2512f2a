//! A fabricated chip: one frozen sample of a process, and what it makes of a program.

use crate::imperfection::{MeshSize, Process};
use crate::{HardwareError, MatrixForm};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{
    Cell, Circuit, Fields, Form, MatrixProgram, MeshDesign, Normals, Section, SectionKind, Settings, StreamKey,
};

/// The frozen physical state of one section of a chip.
#[derive(Clone, Debug, PartialEq)]
pub struct Fabricated {
    /// What its cells are.
    pub kind: Cell,
    /// Waveguides that the light of each cell crosses, its own crossing among them; empty where nothing crosses.
    pub crossings: Vec<f64>,
    /// Splitters and arms of each cell, in the order of the layout.
    pub cells: Vec<CellErrors>,
    /// Static offsets of the phases (rad), added behind drive and crosstalk.
    pub offsets: Settings,
}

impl Fabricated {
    pub(crate) fn perfect(section: &Section) -> Self {
        let layout = section.layout();
        let offsets = section.settings().zeroed();
        let own = layout.cell.crossings();
        let crossings = if own + layout.wire_crossings() > 0 {
            layout.crossings_of_cells().into_iter().map(|count| count + own as f64).collect()
        } else {
            Vec::new()
        };
        Self { kind: layout.cell, crossings, cells: vec![CellErrors::NONE; layout.sites.len()], offsets }
    }
}

/// Which draw of a process a chip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Seed of the run.
    pub seed: u64,
    /// Trial: one chip of the Monte Carlo.
    pub trial: u64,
    /// Which of the cores of that trial.
    pub core: u64,
}

/// One frozen sample. It holds physical parameters, never compiled ones, and fits every program of its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    pub(crate) process: Process,
    pub(crate) sample: Option<Sample>,
    pub(crate) shape: MatrixForm,
    pub(crate) sections: Vec<Fabricated>,
}

impl Chip {
    /// Fabricates a chip for programs of the shape of `program`: each source draws from a stream of its own, so that
    /// switching one on or off changes no draw of another.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process.
    pub fn fabricate(process: &Process, program: &MatrixProgram, sample: Sample) -> Result<Self, HardwareError> {
        process.check()?;
        let mut sections: Vec<Fabricated> = program.sections().iter().map(Fabricated::perfect).collect();
        for (key, source) in process.sources() {
            let purpose = format!("{key}/fabricate");
            let mut draws = Normals::new(&StreamKey::new(sample.seed, &purpose).trial(sample.trial).core(sample.core));
            sections.iter_mut().for_each(|section| source.fabricate(&mut draws, section));
        }
        Ok(Self { process: process.clone(), sample: Some(sample), shape: MatrixForm::of(program), sections })
    }

    /// The chip as its designer knows it: nominal loss, no random part.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process.
    pub fn nominal(process: &Process, program: &MatrixProgram) -> Result<Self, HardwareError> {
        process.check()?;
        let mut sections: Vec<Fabricated> = program.sections().iter().map(Fabricated::perfect).collect();
        for (_, source) in process.sources() {
            sections.iter_mut().for_each(|section| source.fabricate_nominal(section));
        }
        Ok(Self { process: process.clone(), sample: None, shape: MatrixForm::of(program), sections })
    }

    /// A chip of known errors: frozen sections that were fitted or measured, not drawn. `process` tells how it is
    /// driven; its random parts are not used.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process, [`HardwareError::Unfit`] where the sections are not those
    /// of the shape of `program`, a number is not finite, or an arm amplifies.
    pub fn from_sections(
        process: &Process,
        program: &MatrixProgram,
        sections: Vec<Fabricated>,
    ) -> Result<Self, HardwareError> {
        process.check()?;
        let unfit = |key: String, found: String, expected: String| HardwareError::Unfit { key, found, expected };
        let expected = program.sections().len();
        if sections.len() != expected {
            return Err(unfit(
                "sections of a chip (number of)".into(),
                sections.len().to_string(),
                expected.to_string(),
            ));
        }
        for (k, (frozen, section)) in sections.iter().zip(program.sections()).enumerate() {
            let shape = |cells: usize, phases: usize| format!("{cells} cells and {phases} phases");
            let found = shape(frozen.cells.len(), frozen.offsets.values().len());
            let expected = shape(section.layout().sites.len(), section.settings().values().len());
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
        Ok(Self { process: process.clone(), sample: None, shape: MatrixForm::of(program), sections })
    }

    /// A nominal chip with what is wrong with all cells alike.
    #[must_use]
    pub(crate) fn with_systematic_errors(mut self) -> Self {
        let process = self.process.clone();
        for (_, source) in process.sources() {
            self.sections.iter_mut().for_each(|section| source.fabricate_systematic(section));
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
        sample: Sample,
    ) -> Result<Self, HardwareError> {
        if ports == 0 {
            return Err(HardwareError::NoPorts);
        }
        let design = design.into();
        MatrixProgram::carries(design, ports, ports, ports)?;
        // Phases and errors of up to 8·ports² numbers each in memory (lines may be twice the ports), and their text.
        phaseloom_mesh::require_memory(1600.0 * (ports as f64).powi(2), &format!("a core of {ports} ports"))?;
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
    pub fn sections(&self) -> &[Fabricated] {
        &self.sections
    }

    /// The matrix that the passive optics really multiply by (rows × columns, without the gain), no jitter.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if the chip is of another shape than the program.
    pub fn realise(&self, program: &MatrixProgram) -> Result<DMatrix<Complex64>, HardwareError> {
        self.realise_driven(program, &self.process.drive(program))
    }

    /// The same from phases that were driven before: quantisation and crosstalk depend on program and process alone,
    /// not on the chip, so a Monte Carlo drives once.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if the chip is of another shape than the program.
    pub fn realise_driven(
        &self,
        program: &MatrixProgram,
        driven: &[Settings],
    ) -> Result<DMatrix<Complex64>, HardwareError> {
        self.fits(program)?;
        Ok(self.send(program, driven, None, || Fields::identity(program.shape().1)).to_matrix())
    }

    /// Refuses a program of another shape.
    pub(crate) fn fits(&self, program: &MatrixProgram) -> Result<(), HardwareError> {
        let shape = MatrixForm::of(program);
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
        driven: &[Settings],
        mut moment: Option<&mut Normals<f64>>,
        light: impl Fn() -> Fields,
    ) -> Fields {
        let mut fields = None;
        for ((section, frozen), driven) in program.sections().iter().zip(&self.sections).zip(driven) {
            let mut phases = driven.clone();
            for (phase, offset) in phases.values_mut().iter_mut().zip(frozen.offsets.values()) {
                *phase += offset;
            }
            if let Some(draws) = moment.as_deref_mut() {
                for (_, source) in self.process.sources() {
                    source.fluctuate(draws, &mut phases);
                }
            }
            let circuit = Circuit::compile(section, &phases, &frozen.cells);
            drop(phases);
            circuit.propagate(fields.get_or_insert_with(&light));
        }
        let mut fields = fields.unwrap_or_else(light);
        fields.resize(program.shape().0);
        fields
    }
}

impl Process {
    /// Checks every source and the phase shifter.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] with the key of the first impossible value.
    pub fn check(&self) -> Result<(), HardwareError> {
        for (key, source) in self.sources() {
            source.check().map_err(|invalid| HardwareError::Process(invalid.within(key)))?;
        }
        let shifter = self.phase_shifter.as_ref().map_or(Ok(()), |shifter| shifter.check());
        shifter.map_err(|invalid| HardwareError::Process(invalid.within("phase_shifter")))
    }

    /// From the phases of a program to those that its heaters make: DAC code → heater power → crosstalk.
    #[must_use]
    pub fn drive(&self, program: &MatrixProgram) -> Vec<Settings> {
        self.drive_phases(program, program.sections().iter().map(|s| s.settings().clone()).collect())
    }

    /// The same for other phases on the shifters of a program.
    pub(crate) fn drive_phases(&self, program: &MatrixProgram, mut phases: Vec<Settings>) -> Vec<Settings> {
        for (_, source) in self.sources() {
            source.drive(program.sections(), &mut phases);
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
        let meshes = program.sections().iter().filter(|s| s.kind() == SectionKind::Mesh);
        let mesh = |passed: MeshSize| self.sources().map(|(_, s)| s.mesh_error_squared(&passed)).sum::<f64>();
        let meshes: f64 = meshes.map(|section| mesh(MeshSize::of(section))).sum();
        match program.form() {
            Form::Svd | Form::Auto => {}
            Form::Unitary => return meshes,
            // Errors count beside what the mesh lets pass: ‖M‖² of the N of a unitary.
            Form::Direct => {
                let passed = program.clone().with_electronic_gain(1.0).matrix().norm_squared();
                let (rows, columns) = program.shape();
                return meshes * rows.max(columns) as f64 / passed.max(f64::MIN_POSITIVE);
            }
        }
        let transmissions: Vec<f64> =
            program.sections()[1].settings().theta().iter().take(lines).map(|theta| (theta / 2.0).sin()).collect();
        let signal: f64 = transmissions.iter().map(|t| t * t).sum();
        let attenuators: f64 = transmissions
            .iter()
            .map(|&t| self.sources().map(|(_, s)| s.attenuator_error_squared(t)).sum::<f64>())
            .sum();
        meshes + attenuators / signal
    }
}
