use super::{Chip, Error, Program};
use phaseloom_files::locate;
use phaseloom_hardware::{HardwareError, read_process};
use std::path::Path;

/// The seed of all random draws of one chip: the same seed gives the same chip and the same noise on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

/// A fabrication process: the error sources of a chip. A source that is absent is ideal.
///
/// The keys are those of [`hardware::Process`](phaseloom_hardware::Process), which converts into this type.
///
/// ```
/// use phaseloom::prelude::*;
///
/// let process = Process::from_toml("[splitter_error]\nsigma_rad = 0.01\n[phase_error]\nsigma_rad = 0.02")?;
/// assert_eq!(process.settings().sources().count(), 2);
/// assert!(Process::preset("thermo-optic-silicone").unwrap_err().to_string().contains("thermo-optic-silicon"));
/// # Ok::<(), phaseloom::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    settings: phaseloom_hardware::Process,
}

impl Process {
    /// A process without any error.
    #[must_use]
    pub fn ideal() -> Self {
        Self::default()
    }

    /// A process that comes with Phaseloom, by the key that `phaseloom explain` prints.
    ///
    /// # Errors
    ///
    /// No preset has that key; the message names the nearest key and all keys.
    pub fn preset(key: &str) -> Result<Self, Error> {
        let preset = phaseloom_hardware::preset(key).map_err(HardwareError::Preset)?;
        Self::from_toml(preset.text)
    }

    /// Reads a process file (TOML), or the preset `KEY` where the path is `preset:KEY`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, has an unknown key or an impossible value; the message names file, line and key.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let file = read_process(path.as_ref(), Path::new(""))?;
        match file.process.check() {
            Ok(()) => Ok(Self { settings: file.process }),
            Err(HardwareError::Process(invalid)) => Err(locate(&file.path, &file.text, invalid).into()),
            Err(other) => Err(other.into()),
        }
    }

    /// Reads a process from TOML text.
    ///
    /// # Errors
    ///
    /// An unknown key or an impossible value; the message names line and key.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let settings: phaseloom_hardware::Process = phaseloom_files::parse_toml(Path::new("process"), text)?;
        settings.check()?;
        Ok(Self { settings })
    }

    /// The same process with an imperfection of the caller, see
    /// [`hardware::Process::with_source`](phaseloom_hardware::Process::with_source).
    ///
    /// # Errors
    ///
    /// An impossible value of the imperfection.
    pub fn with_source(
        self,
        name: &'static str,
        source: impl phaseloom_hardware::Imperfection + 'static,
    ) -> Result<Self, Error> {
        let settings = self.settings.with_source(name, source);
        settings.check()?;
        Ok(Self { settings })
    }

    /// The error sources with their values.
    #[must_use]
    pub fn settings(&self) -> &phaseloom_hardware::Process {
        &self.settings
    }

    /// Samples the chip that runs a program: one frozen draw of all fabrication errors, on every core of the program.
    ///
    /// # Errors
    ///
    /// The process has an impossible value.
    pub fn fabricate(&self, program: &Program, seed: Seed) -> Result<Chip, Error> {
        Chip::new(self, program, seed)
    }
}

impl From<phaseloom_hardware::Process> for Process {
    fn from(settings: phaseloom_hardware::Process) -> Self {
        Self { settings }
    }
}
