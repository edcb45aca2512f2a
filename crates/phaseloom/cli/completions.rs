//! The command `completions`: shell completions and manual pages.

use super::terminal::output;
use super::{Cli, Exit};
use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::path::PathBuf;

/// Print the completions of a shell
#[derive(Args)]
#[command(hide = true, after_help = "Example:\n  phaseloom completions bash > /etc/bash_completion.d/phaseloom")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "phaseloom", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}

/// Print the manual page, or write all of them to a folder
#[derive(Args)]
#[command(
    hide = true,
    after_help = "Examples:\n  phaseloom man > phaseloom.1\n  phaseloom man -o ~/.local/share/man/man1"
)]
pub struct Man {
    /// Folder for phaseloom.1 and one page a command
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Man {
    pub fn execute(self) -> anyhow::Result<Exit> {
        if let Some(folder) = self.output {
            output::check_output_folder(&folder)?;
            std::fs::create_dir_all(&folder)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), &folder))
                .with_context(|| folder.display().to_string())?;
            return Ok(Exit::Done);
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        output::print(&String::from_utf8_lossy(&page))?;
        Ok(Exit::Done)
    }
}
