//! The command `preset`: print a preset of a process.

use super::Exit;
use super::terminal::output;
use clap::Args;
use phaseloom::hardware::{HardwareError, PRESET_STATE, preset};

/// Print a preset of a process
///
/// A preset is an ordinary process file with the source of every number, to read, copy and change. It describes chips as
/// fabricated, before any correction. Every argument that takes a process also takes preset:KEY.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom preset thermo-optic-silicon\n  \
    phaseloom preset mems-silicon > process.toml")]
pub struct Preset {
    /// Key of the preset, see `phaseloom list`
    key: String,
}

impl Preset {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let text = preset(&self.key).map_err(HardwareError::Preset)?.text;
        output::print(&format!("# State of calibration: {PRESET_STATE}.\n{text}"))?;
        Ok(Exit::Done)
    }
}
