//! The command `validate`: recompute the claims of the physics.

use super::Exit;
use super::terminal::{interrupt, output, results, system, whole};
use anyhow::Context;
use clap::Args;
use phaseloom::files::write_atomically;
use phaseloom::report::{FigureStyle, VALIDATION_FIGURES};
use phaseloom::validation::{Claim, Report, SEED, Setting, ValidationError};
use std::path::{Path, PathBuf};

/// Recompute the claims of the physics through the simulator
///
/// Prints predicted and measured values with standard errors, numbers of draws and verdicts. The exit code is 1 if a claim
/// fails. Writes README.md, claims.csv and figures to DIR.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom validate --quick\n  \
    phaseloom validate -o results/validation\n  \
    phaseloom validate --only splitter")]
pub struct Validate {
    /// Skip rows that take minutes and use fewer draws elsewhere
    #[arg(long)]
    quick: bool,
    /// Folder of the page [default: phaseloom-runs/validate]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
    /// Only claims whose key contains this (`phaseloom explain` names them)
    #[arg(long, value_name = "SUBSTRING")]
    only: Option<String>,
    /// Seed of all draws
    #[arg(long, value_name = "N", default_value_t = SEED, value_parser = whole(0, u64::MAX))]
    seed: u64,
}

impl Validate {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let folder = self.output.clone().unwrap_or_else(|| Path::new(results::RUNS).join("validate"));
        // Refuse an impossible folder before the work, not after it.
        check_folder(&folder)?;
        system::start_threads()?;
        let setting = Setting { seed: self.seed, quick: self.quick, interrupt: &interrupt::on_signal() };
        let bar = output::progress_bar("{bar:40} {pos}/{len} claims, {elapsed} passed: {msg}");
        let progress = |done: usize, total: usize, claim: &Claim| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(claim.key);
        };
        let report = match Report::new(&setting, self.only.as_deref(), &progress) {
            Err(ValidationError::Interrupted) => {
                bar.finish_and_clear();
                output::status("interrupted: nothing was written");
                return Ok(Exit::Interrupted);
            }
            other => other?,
        };
        bar.finish_and_clear();
        output::print_results(&report.results(), self.format)?;
        write(&report, &folder)?;
        output::status(&format!("page in {}", folder.display()));
        Ok(if report.failed().next().is_some() { Exit::Failed } else { Exit::Done })
    }
}

/// Writes table, figures and page. Equal settings give equal bytes.
fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    let csv = report.table().csv();
    let metadata = report.metadata();
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    write_atomically(&folder.join("claims.csv"), csv.as_bytes())?;
    let json = results::metadata_json("validate", &metadata);
    write_atomically(&folder.join(results::METADATA), json.as_bytes())?;
    let table = results::figure_table(&csv, &metadata).context("claims.csv")?;
    let mut figures = Vec::new();
    for figure in VALIDATION_FIGURES {
        let file = format!("{}.svg", figure.key);
        // Without its claims a figure is not drawn, and the figure of an earlier run is removed.
        match (figure.draw)(&table, &FigureStyle::default()) {
            Ok(svg) => {
                write_atomically(&folder.join(&file), svg.as_bytes())?;
                figures.push((figure.description, file));
            }
            Err(phaseloom::report::ReportError::NoRows) => {
                let _ = std::fs::remove_file(folder.join(&file));
            }
            Err(error) => return Err(error).with_context(|| format!("figure `{}`", figure.key)),
        }
    }
    let figures: Vec<(&str, &str)> = figures.iter().map(|(title, file)| (*title, file.as_str())).collect();
    Ok(write_atomically(&folder.join("README.md"), report.page(&figures).as_bytes())?)
}

/// Checks that a folder exists or can be made, and makes nothing.
fn check_folder(folder: &Path) -> anyhow::Result<()> {
    results::check_own_folder(folder, "validate")?;
    match folder.ancestors().find(|path| path.exists()) {
        Some(path) if path.metadata().is_ok_and(|m| m.permissions().readonly()) => {
            anyhow::bail!("{}: {} cannot be written to", folder.display(), path.display())
        }
        _ => Ok(()),
    }
}
