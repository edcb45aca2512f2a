use super::Ending;
use super::terminal::output;
use clap::Args;
use phaseloom::hardware::{HardwareError, preset};

/// Print a preset of a process, to read, to copy and to change
///
/// A preset is an ordinary process file, with the source of every number. It can also be named directly, as preset:KEY,
/// wherever a process is asked for.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom preset thermo-optic-silicon\n  \
    phaseloom preset mems-silicon > process.toml")]
pub struct Preset {
    /// Key of the preset, see `phaseloom list`
    key: String,
}

impl Preset {
    pub fn execute(self) -> anyhow::Result<Ending> {
        output::show(preset(&self.key).map_err(HardwareError::Preset)?.text)?;
        Ok(Ending::Done)
    }
}
