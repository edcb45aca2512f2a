//! The key `chip`: an experiment on a chip that exists, in the place of chips sampled from a process.

use crate::error::ExperimentError;
use crate::input::config::Config;
use crate::input::place::base;
use phaseloom_files::{InvalidValue, line_of_key, locate};
use phaseloom_hardware::{Chip, HardwareError, Process};
use std::path::Path;

/// Keys of the process that act when a chip is made, and so cannot change a chip that exists.
const FROZEN: [&str; 4] = ["process", "process.splitter_error", "process.phase_error", "process.insertion_loss"];

impl Config {
    /// Reads the chip that the experiment names, if it names one. `path` and `text` are those of the experiment.
    pub(super) fn read_chip(&mut self, path: &Path, text: &str) -> Result<(), ExperimentError> {
        let Some(name) = &self.chip else { return Ok(()) };
        let chip = Chip::load(&base(path, self).join(name)).map_err(|error| match error {
            HardwareError::File(error) if !text.is_empty() => error.named_by(path, text, "chip").into(),
            other => ExperimentError::from(other),
        })?;
        // The file of a run holds the process of the chip next to its name.
        if self.process != Process::default() && self.process != *chip.process() {
            let expected = "only one of them: a chip has the process of its own file";
            let invalid = InvalidValue::new("process", "given together with `chip`", expected);
            return Err(locate(path, text, invalid).into());
        }
        self.process = Process::from_chip(&chip);
        if line_of_key(text, "trials").is_none() {
            self.trials = 1;
        }
        Ok(())
    }

    /// Checks the keys that cannot be given together with `chip`.
    pub(super) fn check_chip(&self) -> Result<(), InvalidValue> {
        if self.chip.is_none() {
            return Ok(());
        }
        if self.trials != 1 {
            let expected = "1, because `chip` names one chip; `shots` repeats the noise";
            return Err(InvalidValue::new("trials", self.trials, expected));
        }
        let is_frozen = |key: &str| {
            FROZEN.iter().any(|frozen| match key.strip_prefix(frozen) {
                Some(rest) => rest.is_empty() || (rest.starts_with('.') && *frozen != "process"),
                None => false,
            })
        };
        for (i, axis) in self.sweep.iter().enumerate() {
            if let Some(key) = axis.keys.iter().find(|key| is_frozen(key)) {
                let expected = "another key: the errors of a `chip` are frozen";
                return Err(InvalidValue::new(format!("sweep[{i}].keys"), format!("`{key}`"), expected));
            }
        }
        Ok(())
    }
}
