//! The command `compare`: compare every topology and cell on one process.

use super::Exit;
use super::chip::load_process;
use super::terminal::figures::FigureOptions;
use super::terminal::{interrupt, output, results, system, whole};
use anyhow::Context;
use clap::Args;
use phaseloom::files::{Column, TextTable, require_memory, write_atomically};
use phaseloom::hardware::comparison::{Trial, trial};
use phaseloom::hardware::{MeshSize, Process};
use phaseloom::mesh::{Capability, MeshDesign};
use phaseloom::numerics::statistics::{mean, quantile, standard_error};
use phaseloom::report::{COMPARISON_FIGURE, ReportError, Table, csv_text};
use rayon::prelude::*;
use std::path::PathBuf;

/// Compare every topology and cell on the same process
///
/// Programs the same Haar unitaries on every mesh, samples a chip for each unitary, and corrects the chip with known errors.
/// Prints parts, footprint, transmission and infidelity. -o writes table.csv, figure.svg and figure.png.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom compare --modes 8\n  \
    phaseloom compare --modes 32 --process process.toml --trials 50 -o comparison")]
pub struct Compare {
    /// Ports of every mesh
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = whole(2_usize, 512))]
    modes: usize,
    /// The process (TOML), or preset:KEY, see `phaseloom explain`
    #[arg(long, value_name = "PROCESS.toml", default_value = "preset:thermo-optic-silicon")]
    process: PathBuf,
    /// Number of unitaries and of chips per mesh
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole(2_u64, 1_000_000))]
    trials: u64,
    /// Seed of unitaries and chips
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(0, u64::MAX))]
    seed: u64,
    /// Folder of table and figure
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    figures: FigureOptions,
}

/// A mesh whose mean 1 − F without errors is below this realises any unitary.
const MAX_IDEAL_INFIDELITY: f64 = 1e-6;

/// One mesh.
struct Line {
    design: MeshDesign,
    parts: MeshSize,
    trials: Vec<Trial>,
}

impl Compare {
    pub fn execute(self) -> anyhow::Result<Exit> {
        if let Some(folder) = &self.output {
            output::check_output_folder(folder)?;
        }
        system::start_threads()?;
        let process = load_process(&self.process)?;
        // Meshes have up to 2N² cells. A chip and its gradients take some hundred bytes per cell, and every thread has one chip.
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        require_memory(threads * 2000.0 * (self.modes as f64).powi(2), &format!("meshes of {} ports", self.modes))?;
        let Some(lines) = self.lines(&process)? else {
            output::status("interrupted: nothing was written");
            return Ok(Exit::Interrupted);
        };
        let right = [6, 8, 5, 9, 9, 8, 16, 17, 17].map(|width| Column::right().min_width(width).gap(1));
        let left = [Column::left().min_width(11), Column::left().min_width(15).gap(1)];
        let mut table = TextTable::new(0, left.into_iter().chain(right));
        let [modes, trials, seed, process] = self.settings();
        table.line(format!("{modes} ports, {trials} chips per mesh, seed {seed}, {process}"));
        table.line("");
        let header = "topology|cell|cells|shifters|depth|crossings|mm²|dB|1 − F ideal|1 − F programmed|1 − F corrected";
        table.row(header.split('|'));
        for line in &lines {
            let [ideal, before, after, transmission] = line.means();
            let footprint = line.parts.length_um * line.parts.width_um * 1e-6;
            // No loss is 0, not −0.
            let db = Some(decibel(transmission.0)).filter(|db| db.abs() >= 0.005).unwrap_or(0.0);
            let numbers = [format!("{footprint:.3}"), format!("{db:.2}"), format!("{:.1e}", ideal.0)];
            let infidelities = [with_error(before), with_error(after)];
            table.row(line.key_and_counts().into_iter().chain(numbers).chain(infidelities));
        }
        let mut text = table.to_string();
        text += "\nmeans over chips ± standard error, medians and quantiles in table.csv; F is independent of global phase and loss; dB: \
                 mean transmission; corrected: `local`, with known errors (masks: a search over all phases); tree: one row, without \
                 the attenuator after it\n";
        for design in self.left_out() {
            text += &format!("{design}: left out, a search for its phases takes too long\n");
        }
        text += &conclusion(&lines);
        if let Some(folder) = &self.output {
            let csv = self.csv(&lines).context("table.csv")?;
            let svg = (COMPARISON_FIGURE.draw)(&Table::parse(&csv).context("table.csv")?, &self.figures.style())?;
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            results::write_figure(&folder.join("figure"), svg, self.figures)?;
            write_atomically(&folder.join("table.csv"), csv.as_bytes())?;
        }
        output::print(&text)?;
        Ok(Exit::Done)
    }

    /// Every mesh, or `None` if the user interrupts.
    fn lines(&self, process: &Process) -> anyhow::Result<Option<Vec<Line>>> {
        let stop = interrupt::on_signal();
        let designs: Vec<MeshDesign> = MeshDesign::all().filter(|design| !self.takes_too_long(design)).collect();
        let bar = output::progress_bar("{bar:40} {pos}/{len} chips, {eta} left: {msg}");
        bar.set_length(designs.len() as u64 * self.trials);
        let mut lines = Vec::with_capacity(designs.len());
        for design in designs {
            bar.set_message(design.to_string());
            let trials: Vec<Option<_>> = (0..self.trials)
                .into_par_iter()
                .map(|t| {
                    let outcome = (!stop.requested()).then(|| trial(&design, self.modes, process, self.seed, t));
                    bar.inc(1);
                    outcome
                })
                .collect();
            let Some(trials) = trials.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
            let trials: Vec<Trial> =
                trials.into_iter().collect::<Result<_, _>>().with_context(|| design.to_string())?;
            let no_light = trials.iter().any(|trial| trial.transmission.is_nan() || trial.transmission < 1e-100);
            anyhow::ensure!(!no_light, "{}: a chip of the mesh {design} lets no light through", self.process.display());
            let parts = MeshSize::new(&design, self.modes);
            lines.push(Line { design, parts, trials });
        }
        bar.finish_and_clear();
        Ok(Some(lines))
    }

    /// Whether a search for the phases of a mesh takes too long. `masks` of 64 ports, half a minute per chip, do not.
    fn takes_too_long(&self, design: &MeshDesign) -> bool {
        const MAX_SEARCHED: usize = 1 << 14;
        design.topology().capability() == Capability::Fitted
            && MeshSize::new(design, self.modes).shifters > MAX_SEARCHED
    }

    fn left_out(&self) -> impl Iterator<Item = MeshDesign> {
        MeshDesign::all().filter(|design| self.takes_too_long(design))
    }

    /// Modes, trials, seed and process, as text.
    fn settings(&self) -> [String; 4] {
        let process = self.process.display().to_string();
        [self.modes.to_string(), self.trials.to_string(), self.seed.to_string(), process]
    }

    fn csv(&self, lines: &[Line]) -> Result<String, ReportError> {
        let [modes, trials, seed, process] = self.settings();
        let mut comments = vec![
            ("phaseloom", env!("CARGO_PKG_VERSION").to_owned()),
            ("seed", seed),
            ("modes", modes),
            ("trials", trials),
            ("process", process),
        ];
        comments.extend(self.left_out().map(|design| ("left out", design.to_string())));
        let header = "topology,cell,cells,shifters,depth,crossings,length_um,width_um,transmission_db,ideal_mean";
        let mut header: Vec<String> = header.split(',').map(str::to_owned).collect();
        for quantity in ["before", "after", "error"] {
            header.extend(["mean", "se", "q10", "median", "q90"].map(|statistic| format!("{quantity}_{statistic}")));
        }
        let rows = lines.iter().map(|line| {
            let [ideal, _, _, transmission] = line.means();
            let mut row = line.key_and_counts().to_vec();
            row.extend([line.parts.length_um.to_string(), line.parts.width_um.to_string()]);
            row.extend([format!("{:.4}", decibel(transmission.0)), format!("{:.3e}", ideal.0)]);
            for quantity in [|t: &Trial| t.before, |t: &Trial| t.after, |t: &Trial| t.error] {
                let values: Vec<f64> = line.trials.iter().map(quantity).collect();
                let (mean, error) = mean_and_error(&values);
                let [low, median, high] = [0.1, 0.5, 0.9].map(|q| quantile(&values, q));
                row.extend([format!("{mean:.6e}"), format!("{error:.1e}")]);
                row.extend([low, median, high].map(|value| format!("{value:.6e}")));
            }
            row
        });
        csv_text(&comments, &header, rows)
    }
}

impl Line {
    /// Keys of topology and cell, numbers of cells, shifters, columns and crossings.
    fn key_and_counts(&self) -> [String; 6] {
        let [topology, cell] = [self.design.topology().key(), self.design.cell().key()].map(str::to_owned);
        let counts = [self.parts.cells, self.parts.shifters, self.parts.depth, self.parts.crossings];
        let [cells, shifters, depth, crossings] = counts.map(|count| count.to_string());
        [topology, cell, cells, shifters, depth, crossings]
    }

    /// Mean and standard error of infidelities (ideal, programmed, corrected) and of the transmission.
    fn means(&self) -> [(f64, f64); 4] {
        let figures: [fn(&Trial) -> f64; 4] = [|t| t.ideal, |t| t.before, |t| t.after, |t| t.transmission];
        figures.map(|figure| mean_and_error(&self.trials.iter().map(figure).collect::<Vec<_>>()))
    }
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    (mean(values), standard_error(values))
}

fn decibel(power: f64) -> f64 {
    10.0 * power.log10()
}

fn with_error((mean, error): (f64, f64)) -> String {
    if mean < 1e-12 { "< 1e-12".into() } else { format!("{mean:.1e} ± {error:.0e}") }
}

/// The sentence names at most this number of meshes within two standard errors, and counts them beyond it.
const MAX_TIES: usize = 5;

/// Names the universal mesh of least infidelity, before and after correction, and the meshes within two standard errors.
fn conclusion(lines: &[Line]) -> String {
    let universal = |line: &&Line| {
        line.design.topology().capability().max_rows().is_none() && line.means()[0].0 < MAX_IDEAL_INFIDELITY
    };
    let named = |which: usize| {
        // Differences by rounding do not count.
        let mean = |line: &Line| if line.means()[which].0 < 1e-12 { 0.0 } else { line.means()[which].0 };
        let best = lines.iter().filter(universal).min_by(|a, b| mean(a).total_cmp(&mean(b)))?;
        let close = |line: &&Line| {
            let error = best.means()[which].1.hypot(line.means()[which].1);
            line.design != best.design && mean(line) - mean(best) <= 2.0 * error
        };
        let ties: Vec<String> =
            lines.iter().filter(universal).filter(close).map(|line| line.design.to_string()).collect();
        let ties = match ties.len() {
            0 => String::new(),
            1..=MAX_TIES => format!("; within two standard errors: {}", ties.join(", ")),
            more => format!("; {more} others within two standard errors"),
        };
        Some(format!("{} ({}{ties})", best.design, with_error(best.means()[which])))
    };
    match (named(1), named(2)) {
        (Some(before), Some(after)) => {
            format!(
                "Least infidelity of the meshes that realise every unitary, as programmed: {before}; after local correction: {after}.\n"
            )
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
            let (process, figures) = (PathBuf::new(), FigureOptions::default());
            let compare = Compare { modes, process, trials: 2, seed: 1, output: None, figures };
            compare.left_out().map(|design| design.to_string()).collect()
        };
        assert!(left_out(64).is_empty() && left_out(75) == ["masks"] && left_out(512) == ["masks"]);
    }
}
