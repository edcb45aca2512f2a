//! The command `merge`: merge the shards of a run.

use super::Exit;
use super::terminal::figures::FigureOptions;
use super::terminal::{output, results};
use clap::Args;
use phaseloom::experiment::{Tables, merge};
use std::path::PathBuf;
use std::time::Instant;

/// Merge the shards of a run
#[derive(Args)]
#[command(after_help = "Example:\n  phaseloom merge part1 part2 -o whole")]
pub struct Merge {
    /// Folders of shards of one run
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Folder of the whole run
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    figures: FigureOptions,
}

impl Merge {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let start = Instant::now();
        output::check_output_folder(&self.output)?;
        let outcome = merge(&self.folders, &self.output, &|text| output::status(&format!("note: {text}")))?;
        results::provenance(&outcome, "merged", start.elapsed())?;
        if let Some(tables) = Tables::new(&outcome) {
            results::write(&outcome, &tables, self.figures)?;
            output::print(&tables.text())?;
        }
        output::status(&format!("results in {}", self.output.display()));
        Ok(Exit::Done)
    }
}
