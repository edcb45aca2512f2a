//! The phases of a program as one vector, and programs of given cores.

use super::program::Kind;
use super::{Core, Error, Process, Program};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::InvalidValue;
use phaseloom_hardware::correction::Corrected;
use phaseloom_hardware::{HardwareError, LayerProgram, Link, Scales, TrainableLayer};
use phaseloom_mesh::{MatrixProgram, Phases};
use std::sync::Arc;

impl Program {
    /// The phases of all cores (rad): those of every stage in the order of propagation, for one core after the other. The order
    /// in a stage is that of [`Phases::values`].
    ///
    /// ```
    /// use phaseloom::prelude::*;
    ///
    /// let program = Core::new(4).program_complex(&haar_unitary(4, Seed(1)))?;
    /// let phases = program.phases();
    /// assert_eq!(phases.len(), 16);
    /// assert_eq!(program.with_phases(&phases)?.matrix(), program.matrix());
    /// # Ok::<(), phaseloom::Error>(())
    /// ```
    #[must_use]
    pub fn phases(&self) -> Vec<f64> {
        self.core_programs()
            .flat_map(MatrixProgram::stages)
            .flat_map(|stage| stage.phases().values())
            .copied()
            .collect()
    }

    /// A program of the same cores with other phases (rad), in the order of [`Program::phases`]. The requested matrix is the one
    /// that these phases realise on ideal meshes; gains stay.
    ///
    /// # Errors
    ///
    /// Another number of phases, or one that is not finite.
    pub fn with_phases(&self, phases: &[f64]) -> Result<Self, Error> {
        let expected = self.core_programs().flat_map(MatrixProgram::stages).map(|stage| stage.phases().values().len());
        let expected: usize = expected.sum();
        if phases.len() != expected {
            return Err(unfit("phases (number of)", phases.len(), expected.to_string()).into());
        }
        if let Some(at) = phases.iter().position(|phase| !phase.is_finite()) {
            return Err(unfit(format!("phases[{at}]"), phases[at], "a finite number").into());
        }
        let mut rest = phases;
        let programs: Vec<MatrixProgram> = self.core_programs().map(|core| take_phases(core, &mut rest)).collect();
        self.with_cores(programs)
    }

    /// The same cores with other programs, one for each core.
    fn with_cores(&self, programs: Vec<MatrixProgram>) -> Result<Self, Error> {
        let mut programs = programs.into_iter();
        match &self.kind {
            Kind::Complex { program, .. } => {
                let program = programs.next().unwrap_or_else(|| (**program).clone());
                Ok(Self::single(program.matrix(), program))
            }
            Kind::Weights { layer, scales, core } => {
                let tiles = layer.tiles().iter().map(|tile| tile.as_ref().and_then(|_| programs.next())).collect();
                let layer = LayerProgram::from_programs(layer.plan().shape(), core, self.detection, scales, tiles)?;
                let kind = Kind::Weights { layer: Arc::new(layer), scales: scales.clone(), core: core.clone() };
                Ok(Self { kind, detection: self.detection, corrected: None })
            }
        }
    }

    /// The program of real weights (outputs × inputs) whose tiles were programmed before: one program for each tile, `None` for a
    /// tile of zeros, in the order of [`Program::tile_programs`], with their [`Program::scales`].
    ///
    /// # Errors
    ///
    /// As [`Core::program`], and programs that are not those of the core.
    pub fn from_tiles(
        core: &Core,
        weights: &DMatrix<f64>,
        programs: Vec<Option<MatrixProgram>>,
        scales: Scales,
    ) -> Result<Self, Error> {
        let layer = LayerProgram::from_programs(weights.shape(), &core.spec, core.detection, &scales, programs)?;
        // Programs of given phases have a complex target; the weights are its real part.
        let layer = if layer.weight() == weights { layer } else { layer.with_weight(weights) };
        let layer = Arc::new(layer);
        let kind = Kind::Weights { layer, scales: Arc::new(scales), core: core.spec.clone() };
        Ok(Self { kind, detection: core.detection, corrected: None })
    }

    /// The scales of the converters; `None` for a complex matrix.
    #[must_use]
    pub fn scales(&self) -> Option<&Scales> {
        match &self.kind {
            Kind::Weights { scales, .. } => Some(scales),
            Kind::Complex { .. } => None,
        }
    }

    /// The program of a complex matrix on one core that was programmed before.
    ///
    /// # Errors
    ///
    /// A program of another shape.
    pub fn from_complex_core(matrix: DMatrix<Complex64>, program: MatrixProgram) -> Result<Self, Error> {
        if matrix.shape() != program.shape() {
            let text = |(rows, columns): (usize, usize)| format!("{rows}×{columns}");
            return Err(unfit("a program of shape", text(program.shape()), text(matrix.shape())).into());
        }
        Ok(Self::single(matrix, program))
    }

    /// The programs for chips without errors, one for each tile of the matrix; `None` is a tile of zeros.
    #[must_use]
    pub fn tile_programs(&self) -> Vec<Option<&MatrixProgram>> {
        match &self.kind {
            Kind::Weights { layer, .. } => {
                layer.tiles().iter().map(|tile| tile.as_ref().map(|tile| &tile.program)).collect()
            }
            Kind::Complex { program, .. } => vec![Some(program)],
        }
    }

    /// Whether the matrix is complex, programmed by [`Core::program_complex`] or read from a file.
    #[must_use]
    pub fn is_complex(&self) -> bool {
        matches!(self.kind, Kind::Complex { .. })
    }

    /// The row and the column of the corner of each core in the matrix, and the numbers of rows and columns there.
    #[must_use]
    pub fn blocks(&self) -> Vec<[usize; 4]> {
        match &self.kind {
            Kind::Weights { layer, .. } => {
                let tiles = layer.tiles().iter().flatten().map(|tile| tile.tile);
                tiles.map(|tile| [tile.row, tile.column, tile.rows, tile.columns]).collect()
            }
            Kind::Complex { target, .. } => vec![[0, 0, target.nrows(), target.ncols()]],
        }
    }

    /// The layer of real weights whose phases, attenuators and gains can be trained on chips of a process.
    ///
    /// # Errors
    ///
    /// A complex program, a link of another detection, an impossible process or link.
    pub fn trainable(&self, process: &Process, link: &Link) -> Result<TrainableLayer, Error> {
        let Kind::Weights { layer, scales, core } = &self.kind else {
            let (rows, columns) = self.shape();
            return Err(Error::ComplexProduct { rows, columns });
        };
        if link.detection != self.detection {
            let [program, link] = [self.detection, link.detection].map(super::product::key);
            return Err(Error::Detection { program, link });
        }
        Ok(TrainableLayer::new((**layer).clone(), process.settings(), link, scales, core.core_use())?)
    }

    /// The same program with the corrections of an earlier [`Chip::correct`](super::Chip::correct), one for each core.
    ///
    /// # Errors
    ///
    /// Another number of corrections.
    pub fn with_corrections(mut self, corrections: Vec<Corrected>) -> Result<Self, Error> {
        let expected = self.uncorrected().count();
        if corrections.len() != expected {
            let found = corrections.len();
            return Err(unfit("corrections (number of)", found, expected.to_string()).into());
        }
        self.corrected = Some(Arc::new(corrections));
        Ok(self)
    }
}

/// The program of a core with the first phases of a list, which they leave.
fn take_phases(core: &MatrixProgram, rest: &mut &[f64]) -> MatrixProgram {
    let mut of_stage = |zeros: Phases| {
        let mut phases = zeros;
        let (own, others) = rest.split_at(phases.values().len());
        phases.values_mut().copy_from_slice(own);
        *rest = others;
        phases
    };
    core.with_phases(core.stages().iter().map(|stage| of_stage(stage.phases().zeroed())).collect())
}

fn unfit(key: impl Into<String>, found: impl std::fmt::Display, expected: impl Into<String>) -> HardwareError {
    HardwareError::Unfit(InvalidValue::new(key, found, expected))
}
