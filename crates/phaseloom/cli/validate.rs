use super::Ending;
use super::terminal::{interrupt, output};
use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use phaseloom::files::write_atomically;
use phaseloom::report::{Table, VALIDATION_FIGURES};
use phaseloom::validation::{Claim, Report, SEED, Setting, ValidationError};
use std::path::{Path, PathBuf};

/// Recompute the claims of the physics through the simulator
///
/// Prints predicted and measured values with standard errors, draws and a verdict; ends with exit code 1 if a claim
/// fails. -o writes README.md, claims.csv and figures.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom validate --quick\n  \
    phaseloom validate -o results/validation\n  \
    phaseloom validate --only splitter")]
pub struct Validate {
    /// Leave out what takes minutes, with fewer draws elsewhere
    #[arg(long)]
    quick: bool,
    /// Folder of the page
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Only claims whose key contains this (`phaseloom list` names them)
    #[arg(long, value_name = "SUBSTRING")]
    only: Option<String>,
    /// Seed of all draws
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
}

impl Validate {
    pub fn execute(self) -> anyhow::Result<Ending> {
        if let Some(folder) = &self.output {
            // A folder that cannot be made is said before the work, not behind it.
            can_be_made(folder)?;
        }
        let setting = Setting { seed: self.seed, quick: self.quick, interrupt: &interrupt::on_ctrl_c() };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{bar:40} {pos}/{len} claims, {elapsed} passed: {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let progress = |done: usize, total: usize, claim: &Claim| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(claim.key);
        };
        let report = match Report::new(&setting, self.only.as_deref(), &progress) {
            Err(ValidationError::Interrupted) => {
                bar.finish_and_clear();
                output::note("interrupted: nothing was written");
                return Ok(Ending::Interrupted);
            }
            other => other?,
        };
        bar.finish_and_clear();
        output::show(&report.text())?;
        if let Some(folder) = &self.output {
            write(&report, folder)?;
            output::note(&format!("page in {}", folder.display()));
        }
        Ok(if report.failed().next().is_some() { Ending::Failed } else { Ending::Done })
    }
}

/// Writes table, figures and page; equal bytes for equal settings.
fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    let csv = report.csv()?;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    write_atomically(&folder.join("claims.csv"), csv.as_bytes())?;
    let table = Table::parse(&csv).context("claims.csv")?;
    let mut drawn = Vec::new();
    for figure in VALIDATION_FIGURES {
        let file = format!("{}.svg", figure.key());
        // Without the claims that it shows there is no figure, and none of an earlier run stays behind.
        match figure.draw(&table) {
            Ok(svg) => {
                write_atomically(&folder.join(&file), svg.as_bytes())?;
                drawn.push((figure.description(), file));
            }
            Err(phaseloom::report::ReportError::NoRows) => {
                let _ = std::fs::remove_file(folder.join(&file));
            }
            Err(error) => return Err(error).with_context(|| format!("figure `{}`", figure.key())),
        }
    }
    let figures: Vec<(&str, &str)> = drawn.iter().map(|(title, file)| (*title, file.as_str())).collect();
    Ok(write_atomically(&folder.join("README.md"), report.page(&figures).as_bytes())?)
}

/// Whether what is there of a path is a folder; nothing is made yet.
fn can_be_made(folder: &Path) -> anyhow::Result<()> {
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok());
    match there {
        Some(path) if !path.is_dir() => {
            anyhow::bail!(
                "{}: found {}, which is no folder: expected a folder, or none yet",
                folder.display(),
                path.display()
            )
        }
        Some(path) if path.metadata().is_ok_and(|m| m.permissions().readonly()) => {
            anyhow::bail!("{}: {} cannot be written to", folder.display(), path.display())
        }
        _ => Ok(()),
    }
}
