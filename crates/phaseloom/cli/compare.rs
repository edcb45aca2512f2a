use super::Ending;
use super::chip::load_process;
use super::terminal::{interrupt, output};
use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use phaseloom::files::{require_memory, write_atomically};
use phaseloom::hardware::MeshSize;
use phaseloom::hardware::Process;
use phaseloom::hardware::comparison::{Trial, trial};
use phaseloom::mesh::{Capability, MeshDesign};
use phaseloom::report::{COMPARISON_FIGURE, Table, png};
use rayon::prelude::*;
use std::path::PathBuf;

/// Width of the PNG (pixels).
const PNG_WIDTH: u32 = 1600;

/// Compare every topology and cell on the same process
///
/// Programs the same Haar unitaries on every mesh, samples a chip for each, and corrects it with known errors. Prints parts,
/// footprint, transmission and infidelity; -o writes table.csv, figure.svg and figure.png.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom compare --modes 8\n  \
    phaseloom compare --modes 32 --process process.toml --trials 50 -o comparison")]
pub struct Compare {
    /// Ports of every mesh
    #[arg(long, value_name = "N", default_value_t = 16)]
    modes: usize,
    /// The process (TOML), or preset:KEY, see `phaseloom list`
    #[arg(long, value_name = "PROCESS.toml", default_value = "preset:thermo-optic-silicon")]
    process: PathBuf,
    /// Unitaries, and chips, for each mesh
    #[arg(long, value_name = "N", default_value_t = 20)]
    trials: u64,
    /// Seed of unitaries and chips
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Folder of table and figure
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Mean 1 − F without errors below which a mesh does the unitaries.
const ABLE: f64 = 1e-6;

/// One mesh.
struct Line {
    design: MeshDesign,
    parts: MeshSize,
    trials: Vec<Trial>,
}

impl Compare {
    pub fn execute(self) -> anyhow::Result<Ending> {
        for (name, found, least, most) in [("modes", self.modes as u64, 2, 512), ("trials", self.trials, 2, 1_000_000)]
        {
            anyhow::ensure!((least..=most).contains(&found), "--{name}: found {found}, expected {least} to {most}");
        }
        let process = load_process(&self.process)?;
        // Meshes have up to 2N² cells, a chip and its gradients some hundred bytes for each; every thread has one.
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        require_memory(threads * 2000.0 * (self.modes as f64).powi(2), &format!("meshes of {} ports", self.modes))?;
        let Some(lines) = self.lines(&process)? else {
            output::note("interrupted: nothing was written");
            return Ok(Ending::Interrupted);
        };
        let mut text = format!(
            "{} ports, {} chips a mesh, seed {}, {}\n\n{:<11} {:<15} {:>6} {:>8} {:>5} {:>9} {:>9} {:>8} {:>16} {:>17} {:>17}\n",
            self.modes,
            self.trials,
            self.seed,
            self.process.display(),
            "topology",
            "cell",
            "cells",
            "shifters",
            "depth",
            "crossings",
            "mm²",
            "dB",
            "1 − F ideal",
            "1 − F programmed",
            "1 − F corrected",
        );
        for line in &lines {
            let [ideal, before, after, transmission] = line.means();
            text += &format!(
                "{:<11} {:<15} {:>6} {:>8} {:>5} {:>9} {:>9.3} {:>8.2} {:>16.1e} {:>17} {:>17}\n",
                line.design.topology().key(),
                line.design.cell().key(),
                line.parts.cells,
                line.parts.shifters,
                line.parts.depth,
                line.parts.crossings,
                line.parts.length_um * line.parts.width_um * 1e-6,
                // Nothing lost is 0, not −0.
                Some(decibel(transmission.0)).filter(|db| db.abs() >= 0.005).unwrap_or(0.0),
                ideal.0,
                with_error(before),
                with_error(after),
            );
        }
        text += "\nmeans over chips ± standard error, medians and quantiles in table.csv; F is blind to common phase and loss; dB: \
                 mean transmission; corrected: `local`, with known errors (masks: a search over all phases); tree: one row, with an \
                 attenuator behind it that the parts leave out\n";
        for design in self.left_out() {
            text += &format!("{design}: left out, a search for so many phases takes too long\n");
        }
        text += &sentence(&lines);
        if let Some(folder) = &self.output {
            // All is made before anything is written.
            let csv = self.csv(&lines);
            let svg = COMPARISON_FIGURE.draw(&Table::parse(&csv).context("table.csv")?)?;
            let image = png(&svg, PNG_WIDTH)?;
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            write_atomically(&folder.join("table.csv"), csv.as_bytes())?;
            write_atomically(&folder.join("figure.svg"), svg.as_bytes())?;
            write_atomically(&folder.join("figure.png"), &image)?;
        }
        output::show(&text)?;
        Ok(Ending::Done)
    }

    /// Every mesh, or none where the user interrupts.
    fn lines(&self, process: &Process) -> anyhow::Result<Option<Vec<Line>>> {
        let stop = interrupt::on_ctrl_c();
        let designs: Vec<MeshDesign> = MeshDesign::all().filter(|design| !self.takes_too_long(design)).collect();
        let bar = ProgressBar::with_draw_target(Some(designs.len() as u64 * self.trials), ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{bar:40} {pos}/{len} chips, {eta} left: {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let mut lines = Vec::with_capacity(designs.len());
        for design in designs {
            bar.set_message(design.to_string());
            let trials: Vec<Option<_>> = (0..self.trials)
                .into_par_iter()
                .map(|t| {
                    let made = (!stop.requested()).then(|| trial(&design, self.modes, process, self.seed, t));
                    bar.inc(1);
                    made
                })
                .collect();
            let Some(trials) = trials.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
            let trials: Vec<Trial> =
                trials.into_iter().collect::<Result<_, _>>().with_context(|| design.to_string())?;
            let dark = trials.iter().any(|trial| trial.transmission.is_nan() || trial.transmission < 1e-100);
            anyhow::ensure!(!dark, "{}: a chip of the mesh {design} lets no light through", self.process.display());
            let parts = MeshSize::new(&design, self.modes);
            lines.push(Line { design, parts, trials });
        }
        bar.finish_and_clear();
        Ok(Some(lines))
    }

    /// Whether its phases, searched for, are too many: those of `masks` of 64 ports, half a minute a chip, are not.
    fn takes_too_long(&self, design: &MeshDesign) -> bool {
        const MAX_SEARCHED: usize = 1 << 14;
        design.topology().capability() == Capability::Fitted
            && MeshSize::new(design, self.modes).shifters > MAX_SEARCHED
    }

    fn left_out(&self) -> impl Iterator<Item = MeshDesign> {
        MeshDesign::all().filter(|design| self.takes_too_long(design))
    }

    fn csv(&self, lines: &[Line]) -> String {
        let mut csv = format!(
            "# phaseloom: {}\n# seed: {}\n# modes: {}\n# trials: {}\n# process: {}\n{}topology,cell,cells,shifters,depth,crossings,\
             length_um,width_um,transmission_db,ideal_mean",
            env!("CARGO_PKG_VERSION"),
            self.seed,
            self.modes,
            self.trials,
            self.process.display(),
            self.left_out().map(|design| format!("# left out: {design}\n")).collect::<String>(),
        );
        for when in ["before", "after", "error"] {
            csv += &format!(",{when}_mean,{when}_se,{when}_q10,{when}_median,{when}_q90");
        }
        csv.push('\n');
        for line in lines {
            let [ideal, _, _, transmission] = line.means();
            let p = line.parts;
            csv += &format!(
                "{},{},{},{},{},{},{},{},{:.4},{:.3e}",
                line.design.topology().key(),
                line.design.cell().key(),
                p.cells,
                p.shifters,
                p.depth,
                p.crossings,
                p.length_um,
                p.width_um,
                decibel(transmission.0),
                ideal.0,
            );
            for figure in [|t: &Trial| t.before, |t: &Trial| t.after, |t: &Trial| t.error] {
                let mut values: Vec<f64> = line.trials.iter().map(figure).collect();
                let (mean, error) = estimate(&values);
                values.sort_by(f64::total_cmp);
                let [low, median, high] = [0.1, 0.5, 0.9].map(|q| quantile(&values, q));
                csv += &format!(",{mean:.6e},{error:.1e},{low:.6e},{median:.6e},{high:.6e}");
            }
            csv.push('\n');
        }
        csv
    }
}

impl Line {
    /// Mean and standard error of infidelities (ideal, programmed, corrected) and of the transmission.
    fn means(&self) -> [(f64, f64); 4] {
        let figures: [fn(&Trial) -> f64; 4] = [|t| t.ideal, |t| t.before, |t| t.after, |t| t.transmission];
        figures.map(|figure| estimate(&self.trials.iter().map(figure).collect::<Vec<_>>()))
    }
}

fn estimate(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

/// Of sorted values, type 7.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

fn decibel(power: f64) -> f64 {
    10.0 * power.log10()
}

fn with_error((mean, error): (f64, f64)) -> String {
    if mean < 1e-12 { "< 1e-12".into() } else { format!("{mean:.1e} ± {error:.0e}") }
}

/// So many meshes that cannot be told apart are named.
const MAX_TIES: usize = 5;

/// Which mesh loses least, of those that do the unitaries, before and after correction, and which others two standard errors do
/// not tell from it.
fn sentence(lines: &[Line]) -> String {
    let able = |line: &&Line| line.design.topology().capability().max_rows().is_none() && line.means()[0].0 < ABLE;
    let named = |which: usize| {
        // Rounding is no difference.
        let mean = |line: &Line| if line.means()[which].0 < 1e-12 { 0.0 } else { line.means()[which].0 };
        let best = lines.iter().filter(able).min_by(|a, b| mean(a).total_cmp(&mean(b)))?;
        let close = |line: &&Line| {
            let error = best.means()[which].1.hypot(line.means()[which].1);
            line.design != best.design && mean(line) - mean(best) <= 2.0 * error
        };
        let ties: Vec<String> = lines.iter().filter(able).filter(close).map(|line| line.design.to_string()).collect();
        let ties = match ties.len() {
            0 => String::new(),
            1..=MAX_TIES => format!("; within two standard errors: {}", ties.join(", ")),
            more => format!("; {more} others within two standard errors"),
        };
        Some(format!("{} ({}{ties})", best.design, with_error(best.means()[which])))
    };
    match (named(1), named(2)) {
        (Some(before), Some(after)) => {
            format!("Least infidelity as programmed: {before}; after local correction: {after}.\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_of_many_phases_are_left_out() {
        let left_out = |modes: usize| -> Vec<String> {
            let compare = Compare { modes, process: PathBuf::new(), trials: 2, seed: 1, output: None };
            compare.left_out().map(|design| design.to_string()).collect()
        };
        assert!(left_out(64).is_empty() && left_out(75) == ["masks"] && left_out(512) == ["masks"]);
    }
}
