//! Parts of a process that no file holds: imperfections of the caller, and a chip that exists.

use super::{Imperfection, Process};
use crate::chip::Chip;
use crate::chip::shape::ProgramShape;
use crate::error::HardwareError;
use crate::process::stage_errors::StageErrors;
use phaseloom_mesh::MatrixProgram;
use std::sync::Arc;

/// Imperfections of the caller, each with its name. Two lists are equal if they hold the same objects.
#[derive(Clone, Debug, Default)]
pub struct OwnSources(pub(super) Vec<(&'static str, Arc<dyn Imperfection>)>);

impl PartialEq for OwnSources {
    fn eq(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && pairs.all(|((a, x), (b, y))| a == b && Arc::ptr_eq(x, y))
    }
}

/// The frozen errors of a chip that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedChip {
    shape: ProgramShape,
    stages: Vec<StageErrors>,
}

impl FixedChip {
    /// The errors for a program of the shape of the chip.
    pub(crate) fn stages_for(&self, program: &MatrixProgram) -> Result<Vec<StageErrors>, HardwareError> {
        if self.shape.is_of(program) {
            return Ok(self.stages.clone());
        }
        let program = ProgramShape::from_program(program).to_string();
        Err(HardwareError::ShapeMismatch { chip: self.shape.to_string(), program })
    }
}

impl Process {
    /// The same process with an imperfection of the caller, which acts after those of the process. Its random numbers follow
    /// from its name, so that it changes no draw of another source. No file holds it.
    ///
    /// ```
    /// use phaseloom_files::InvalidValue;
    /// use phaseloom_hardware::{Chip, ChipId, Imperfection, Process, StageErrors};
    /// use phaseloom_mesh::{MatrixProgram, MeshDesign};
    /// use phaseloom_numerics::NormalStream;
    ///
    /// /// Waveguides whose widths differ from column to column: a phase error that a column shares.
    /// #[derive(Debug)]
    /// struct ColumnPhase {
    ///     sigma_rad: f64,
    /// }
    ///
    /// impl Imperfection for ColumnPhase {
    ///     fn check(&self) -> Result<(), InvalidValue> {
    ///         Ok(())
    ///     }
    ///
    ///     fn fabricate(&self, deviates: &mut NormalStream<f64>, stage: &mut StageErrors) {
    ///         let shared = self.sigma_rad * deviates.draw();
    ///         stage.offsets.values_mut().iter_mut().for_each(|offset| *offset += shared);
    ///     }
    /// }
    ///
    /// let process = Process::default().with_source("column_phase", ColumnPhase { sigma_rad: 0.1 });
    /// let program = MatrixProgram::blank(4, 4, MeshDesign::from_keys("rectangular", None)?);
    /// let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial: 0, core: 0 })?;
    /// assert!(chip.stages()[0].offsets.values()[0].abs() > 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_source(mut self, name: &'static str, source: impl Imperfection + 'static) -> Self {
        self.own_sources.0.push((name, Arc::new(source)));
        self
    }

    /// The process of a chip that exists, with which every fabricated chip is that chip. Quantisation, limits, crosstalk and
    /// jitter are those of its process.
    ///
    /// ```
    /// use phaseloom_hardware::{Chip, ChipId, Process};
    /// use phaseloom_mesh::{MatrixProgram, MeshDesign};
    ///
    /// let process: Process = toml::from_str("splitter_error.sigma_rad = 0.01")?;
    /// let program = MatrixProgram::blank(4, 4, MeshDesign::from_keys("rectangular", None)?);
    /// let chip = Chip::fabricate(&process, &program, ChipId { seed: 7, trial: 0, core: 0 })?;
    /// let again = Chip::fabricate(&Process::from_chip(&chip), &program, ChipId { seed: 1, trial: 3, core: 2 })?;
    /// assert_eq!(again.stages(), chip.stages());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_chip(chip: &Chip) -> Self {
        let fixed = FixedChip { shape: chip.shape.clone(), stages: chip.stages.clone() };
        Self { fixed_chip: Some(Arc::new(fixed)), ..chip.process.clone() }
    }

    /// The same process without what belongs to programs of one shape: the chip of [`Process::from_chip`], the places of single
    /// heaters, a measured crosstalk matrix.
    #[must_use]
    pub fn for_any_shape(&self) -> Self {
        let mut process = Self { fixed_chip: None, ..self.clone() };
        if let Some(limits) = &mut process.heater_limits {
            limits.heaters.clear();
        }
        process.thermal_crosstalk = process.thermal_crosstalk.filter(|crosstalk| crosstalk.matrix.is_none());
        process
    }
}
