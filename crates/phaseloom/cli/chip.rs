//! The command `chip`: sample one imperfect chip from a process.

use super::Exit;
use super::terminal::{output, whole};
use clap::Args;
use phaseloom::hardware;
use phaseloom::hardware::{ChipId, Process};
use phaseloom::mesh::{MeshDesign, convention};
use std::path::{Path, PathBuf};

/// Sample one imperfect chip from a process and save it
///
/// Seed N is trial 0 of a run with seed N.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom chip process.toml --program program.json --seed 1 -o chip.json\n  \
    phaseloom chip preset:thermo-optic-silicon --core 64 --topology rectangular --seed 1 -o chip.json")]
pub struct Chip {
    /// The process (TOML), or preset:KEY, see `phaseloom explain`
    process: PathBuf,
    /// Sample a chip for this program
    #[arg(long, value_name = "PROGRAM.json", required_unless_present = "core", conflicts_with = "core")]
    program: Option<PathBuf>,
    /// Make a core of K ports, for K×K programs of the form svd (of a topology of contractions, of the form contraction)
    #[arg(long, value_name = "K", value_parser = whole(0, usize::MAX))]
    core: Option<usize>,
    /// Topology of the core
    #[arg(long, default_value = "rectangular", value_name = "KEY", conflicts_with = "program")]
    topology: String,
    /// Cell of the core [default: the usual cell of the topology]
    #[arg(long, value_name = "KEY", conflicts_with = "program")]
    cell: Option<String>,
    /// Seed of the chip
    #[arg(long, value_name = "N", value_parser = whole(0, u64::MAX))]
    seed: u64,
    /// Trial of a run with that seed
    #[arg(long, value_name = "T", default_value_t = 0, value_parser = whole(0, u64::MAX))]
    trial: u64,
    /// Where to write the chip (JSON)
    #[arg(short, long, value_name = "CHIP.json")]
    output: PathBuf,
}

impl Chip {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let read = [("the process", Some(self.process.as_path())), ("the program", self.program.as_deref())];
        output::check_json_path(&self.output, &["phaseloom-chip"], &read)?;
        let process = load_process(&self.process)?;
        let sample = ChipId { seed: self.seed, trial: self.trial, core: 0 };
        let chip = match (&self.program, self.core) {
            (Some(program), _) => hardware::Chip::fabricate(&process, &convention::load(program)?, sample)?,
            (None, ports) => {
                let design = MeshDesign::from_keys(&self.topology, self.cell.as_deref())?;
                hardware::Chip::fabricate_core(&process, ports.unwrap_or(0), design, sample)?
            }
        };
        chip.save(&self.output)?;
        let cells: usize = chip.stages().iter().map(|s| s.cell_errors.len()).sum();
        let sources: Vec<&str> = process.sources().map(|(key, _)| key).collect();
        output::print(&format!(
            "chip of {cells} {}, seed {}, trial {}: {}\n",
            chip.design().cell().plural(),
            self.seed,
            self.trial,
            if sources.is_empty() { "perfect".to_owned() } else { sources.join(", ") }
        ))?;
        Ok(Exit::Done)
    }
}

/// Reads and checks a process: a file, or `preset:KEY`.
pub fn load_process(path: &Path) -> anyhow::Result<Process> {
    Ok(phaseloom::Process::load(path)?.settings().clone())
}
