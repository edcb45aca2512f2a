//! The chips of a run, one at a time: what `phaseloom run` samples for a trial.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use crate::input::files::{Inputs, SubjectInputs};
use crate::run::matrix::Target;
use phaseloom_files::InvalidValue;
use phaseloom_hardware::{Chip, ChipId, CoreSharing};

impl Experiment {
    /// The chip of a trial at a point. A network has a chip for each core, which are counted over the tiles of all layers; cores
    /// that tiles share have the number 0.
    ///
    /// # Errors
    ///
    /// A point that the experiment does not have, files that cannot be read, an impossible process.
    pub fn chip(&self, point: usize, trial: u64, core: u64) -> Result<Chip, ExperimentError> {
        let points = self.points()?;
        let Some(chosen) = points.get(point) else {
            let expected = format!("0 to {}: the points of the run", points.len() - 1);
            return Err(self.with_line(InvalidValue::new("point", point, expected)));
        };
        let config = &chosen.config;
        let matrix = config.is_matrix();
        if core != 0 && (matrix || config.core.cores == CoreSharing::Shared) {
            let expected = "0: all tiles of this run are on one core";
            return Err(self.with_line(InvalidValue::new("tile", core, expected)));
        }
        let id = ChipId { seed: config.seed, trial, core };
        if !matrix {
            let program = Chip::core_program(config.core.ports, config.core.design()?)?;
            return Ok(Chip::fabricate(&config.process, &program, id)?);
        }
        let SubjectInputs::Matrices(inputs) = Inputs::read(self, std::slice::from_ref(chosen))?.points else {
            return Err(self.with_line(InvalidValue::new("matrix", "no matrix", "the matrix of the run")));
        };
        let target = Target::new(&inputs[0], config, self, chosen)?;
        Ok(Chip::fabricate(&config.process, target.program(), id)?)
    }
}
