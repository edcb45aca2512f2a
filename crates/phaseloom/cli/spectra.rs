//! The command `spectra`: derive a process from measured spectra.

use super::Exit;
use super::terminal::{output, streams};
use clap::Args;
use phaseloom::files::write_atomically;
use phaseloom::hardware::spectra::{SpectraSpec, derive};
use phaseloom::network::data::resolve;
use std::path::{Path, PathBuf};

/// Derive a process from measured spectra
///
/// Splitter errors come from unbalanced interferometers with two equal couplers of many lengths. Losses come from
/// cut-backs of splitters and of waveguides. The comments of the process contain every device, fit, residual and standard
/// error.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom spectra spectra.toml\n  \
    phaseloom spectra spectra.toml -o process.toml")]
pub struct Spectra {
    /// The measurements and their files (TOML)
    settings: PathBuf,
    /// Where to write the process [default: `-`, standard output]
    #[arg(short, long, value_name = "PROCESS.toml")]
    output: Option<PathBuf>,
}

impl Spectra {
    pub fn execute(self) -> anyhow::Result<Exit> {
        streams::refuse_stream("the settings", &self.settings)?;
        let base = self.settings.parent().unwrap_or(Path::new(""));
        let mut spec = SpectraSpec::load(&self.settings)?;
        for sweeps in spec.sweeps_mut() {
            sweeps.file = resolve(&sweeps.file, base)?;
        }
        if let Some(path) = &self.output {
            let spectra: Vec<PathBuf> = spec.sweeps_mut().map(|sweeps| sweeps.file.clone()).collect();
            let mut read = vec![("the settings", Some(self.settings.as_path()))];
            read.extend(spectra.iter().map(|file| ("a file of spectra", Some(file.as_path()))));
            output::check_output_path(path, &["toml"], &read)?;
        }
        let text = derive(&spec)?.process_toml(&format!("phaseloom spectra {}", self.settings.display()));
        let path = self.output.as_deref().unwrap_or(Path::new("-"));
        streams::save(path, |path| write_atomically(path, text.as_bytes()))?;
        Ok(Exit::Done)
    }
}
