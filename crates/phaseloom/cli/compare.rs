//! The command `compare`: compare every topology and cell on one process.

use super::Exit;
use super::chip::load_process;
use super::terminal::figures::FigureOptions;
use super::terminal::{interrupt, output, results, system, whole};
use anyhow::Context;
use clap::Args;
use phaseloom::files::{Column, ResultTable, ResultValue, Results, TextTable, require_memory, write_atomically};
use phaseloom::hardware::comparison::{Trial, trial};
use phaseloom::hardware::{MeshSize, Process};
use phaseloom::mesh::{Capability, MeshDesign, MeshError, topology};
use phaseloom::numerics::statistics::{mean, quantile, standard_error};
use phaseloom::report::{COMPARISON_FIGURE, ReportError, Table, csv_text};
use rayon::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Compare every topology and cell on the same process
///
/// Programs the same Haar unitaries on every mesh, samples a chip for each unitary, and corrects the chip with known errors.
/// Prints cells, depth, transmission and infidelity. Writes table.csv, which also has parts and footprint, figure.svg and
/// figure.png to DIR.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom compare --modes 8\n  \
    phaseloom compare --modes 8 --topology clements,reck,redundant\n  \
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
    /// Compare meshes of these topologies only, see `phaseloom explain topology` [default: all]
    #[arg(long, value_name = "KEY,…", value_delimiter = ',')]
    topology: Vec<String>,
    /// Folder of table and figure [default: phaseloom-runs/compare]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
    #[command(flatten)]
    figures: FigureOptions,
}

/// A mesh whose mean 1 − F without errors is below this realises any unitary.
const MAX_IDEAL_INFIDELITY: f64 = 1e-6;

/// A quantity of a trial, with its name in columns.
type Quantity = (&'static str, fn(&Trial) -> f64);

/// One mesh.
struct Line {
    design: MeshDesign,
    parts: MeshSize,
    trials: Vec<Trial>,
}

impl Compare {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let folder = self.output.clone().unwrap_or_else(|| Path::new(results::RUNS).join("compare"));
        results::check_own_folder(&folder, "compare")?;
        anyhow::ensure!(
            self.designs()?.iter().any(|design| !self.takes_too_long(design)),
            "--topology: found {}, whose phases take too long to search at {} ports, expected another topology or fewer ports",
            self.topology.join(","),
            self.modes
        );
        system::start_threads()?;
        let process = load_process(&self.process)?;
        // Meshes have up to 2N² cells. A chip and its gradients take some hundred bytes per cell, and every thread has one chip.
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        require_memory(threads * 2000.0 * (self.modes as f64).powi(2), &format!("meshes of {} ports", self.modes))?;
        let Some(lines) = self.lines(&process)? else {
            output::status("interrupted: nothing was written");
            return Ok(Exit::Interrupted);
        };
        let table = self.table(&lines);
        let csv = table.csv();
        let metadata = self.metadata()?;
        let chips = Table::parse(&chips(&lines)?)?;
        let figure = results::figure_table(&csv, &metadata).context("table.csv")?.with_chips(chips);
        let svg = (COMPARISON_FIGURE.draw)(&figure, &self.figures.style())?;
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        results::write_figure(&folder.join("figure"), svg, self.figures)?;
        write_atomically(&folder.join("table.csv"), csv.as_bytes())?;
        write_atomically(&folder.join(results::METADATA), results::metadata_json("compare", &metadata).as_bytes())?;
        output::print_results(&self.results(&lines, table, &metadata)?, self.format)?;
        output::status(&format!("table and figure in {}", folder.display()));
        Ok(Exit::Done)
    }

    /// The results: the whole table, and a selection of its columns for the terminal.
    fn results(
        &self,
        lines: &[Line],
        table: ResultTable,
        metadata: &[(&'static str, Value)],
    ) -> Result<Results, MeshError> {
        let mut results = Results::default();
        metadata.iter().for_each(|(key, value)| results.value(key, ResultValue::from_json(value)));
        results.table(table);
        results.line(format!(
            "{} ports, {} chips per mesh, seed {}, {}",
            self.modes,
            self.trials,
            self.seed,
            self.process.display()
        ));
        let right = [6, 5, 6, 14, 15].map(|width| Column::right().min_width(width).gap(1));
        let left = [Column::left().min_width(11), Column::left().min_width(15).gap(1)];
        let mut text = TextTable::new(0, left.into_iter().chain(right));
        text.line("");
        text.row("topology|cell|cells|depth|T (dB)|1 − F|corrected 1 − F".split('|'));
        for line in lines {
            let [ideal, before, after, transmission] = line.means();
            // No loss is 0, not −0.
            let db = Some(decibel(transmission.0)).filter(|db| db.abs() >= 0.005).unwrap_or(0.0);
            let counts = [line.parts.cells, line.parts.depth].map(|count| count.to_string());
            let numbers = [format!("{db:.2}"), with_error(before), with_error(after)];
            let keys = [line.design.topology().key(), line.design.cell().key()].map(str::to_owned);
            text.row(keys.into_iter().chain(counts).chain(numbers));
            if ideal.0 > MAX_IDEAL_INFIDELITY {
                text.line(format!("  not every unitary: 1 − F = {:.1e} without errors", ideal.0));
            }
        }
        text.line("");
        results.show(text);
        results.line(
            "Means over chips ± standard error. F is independent of global phase and loss; T: mean transmission; corrected: \
             after `local` with known errors, for masks after a search over all phases. tree: one row, without the \
             attenuator after it. Further columns and quantiles are in table.csv.",
        );
        for design in self.left_out()? {
            results.sentence(format!("{design}: left out, a search for its phases takes too long"));
        }
        conclusion(lines).into_iter().for_each(|sentence| results.sentence(sentence));
        Ok(results)
    }

    /// Every mesh, or `None` if the user interrupts.
    fn lines(&self, process: &Process) -> anyhow::Result<Option<Vec<Line>>> {
        let stop = interrupt::on_signal();
        let designs: Vec<MeshDesign> =
            self.designs()?.into_iter().filter(|design| !self.takes_too_long(design)).collect();
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

    fn left_out(&self) -> Result<Vec<MeshDesign>, MeshError> {
        Ok(self.designs()?.into_iter().filter(|design| self.takes_too_long(design)).collect())
    }

    /// The meshes to compare.
    fn designs(&self) -> Result<Vec<MeshDesign>, MeshError> {
        let keys: Vec<&str> =
            self.topology.iter().map(|name| topology(name).map(|topology| topology.key())).collect::<Result<_, _>>()?;
        Ok(MeshDesign::all().filter(|design| keys.is_empty() || keys.contains(&design.topology().key())).collect())
    }

    /// What the table was computed from, as the pairs of `run.json`.
    fn metadata(&self) -> Result<Vec<(&'static str, Value)>, MeshError> {
        let left_out: Vec<String> = self.left_out()?.iter().map(ToString::to_string).collect();
        let mut metadata = vec![
            ("phaseloom", env!("CARGO_PKG_VERSION").into()),
            ("seed", self.seed.into()),
            ("modes", self.modes.into()),
            ("trials", self.trials.into()),
            ("process", self.process.display().to_string().into()),
            ("left_out", left_out.into()),
        ];
        if !self.topology.is_empty() {
            let keys: BTreeSet<&str> = self.designs()?.iter().map(|design| design.topology().key()).collect();
            metadata.push(("topologies", keys.into_iter().collect()));
        }
        Ok(metadata)
    }

    /// The table `table`: one row per mesh.
    fn table(&self, lines: &[Line]) -> ResultTable {
        let row = |line: &Line| {
            let [ideal, _, _, transmission] = line.means();
            let MeshSize { cells, shifters, depth, crossings, length_um, width_um, .. } = line.parts;
            let mut row: Vec<(String, ResultValue)> = [
                ("topology", line.design.topology().key().into()),
                ("cell", line.design.cell().key().into()),
                ("cells", cells.into()),
                ("shifters", shifters.into()),
                ("depth", depth.into()),
                ("crossings", crossings.into()),
                ("length_um", length_um.into()),
                ("width_um", width_um.into()),
                ("transmission_db", decibel(transmission.0).into()),
                ("ideal_mean", ideal.0.into()),
            ]
            .map(|(key, value): (&str, ResultValue)| (key.to_owned(), value))
            .to_vec();
            let quantities: [Quantity; 3] = [("before", |t| t.before), ("after", |t| t.after), ("error", |t| t.error)];
            for (name, quantity) in quantities {
                let values: Vec<f64> = line.trials.iter().map(quantity).collect();
                let (mean, error) = mean_and_error(&values);
                let [low, median, high] = [0.1, 0.5, 0.9].map(|q| quantile(&values, q));
                let statistics = [("mean", mean), ("se", error), ("q10", low), ("median", median), ("q90", high)];
                row.extend(statistics.map(|(statistic, value)| (format!("{name}_{statistic}"), value.into())));
            }
            row
        };
        ResultTable::from_rows("table", lines.iter().map(row).collect())
    }
}

/// The infidelities of the single chips, which the figure shows where they are few.
fn chips(lines: &[Line]) -> Result<String, ReportError> {
    let row = |line: &Line, trial: &Trial| {
        let keys = [line.design.topology().key(), line.design.cell().key()].map(str::to_owned);
        keys.into_iter().chain([trial.before, trial.after].map(|value| value.to_string())).collect()
    };
    let rows = lines.iter().flat_map(|line| line.trials.iter().map(move |trial| row(line, trial)));
    csv_text(&["topology", "cell", "before", "after"], rows)
}

/// Columns of `table.csv` for the reference: name, unit, meaning.
#[cfg(test)]
pub const COLUMNS: &[phaseloom::files::ColumnText] = &[
    ("topology", "", "Key of the topology."),
    ("cell", "", "Key of the cells."),
    ("cells", "", "Number of cells."),
    (
        "shifters",
        "",
        "Number of phase shifters: two per cell, one per output and boundary phase shifter, with those that stay zero.",
    ),
    ("depth", "", "Columns of cells."),
    ("crossings", "", "Crossings of two waveguides."),
    (
        "length_um",
        "µm",
        "Length: 120 µm per column of plain cells, in proportion to the splitters and phase shifters in a row for other cells.",
    ),
    ("width_um", "µm", "Width: 12 µm per waveguide."),
    ("transmission_db", "dB of power", "Mean transmission over chips."),
    ("ideal_mean", "1", "Mean 1 − F of the programmed mesh without errors."),
    (
        "<column>_mean",
        "1",
        "Mean over chips of 1 − F `before` and `after` correction, and of the matrix `error` before it.",
    ),
    ("<column>_se", "1", "Standard error of that mean."),
    ("<column>_q10", "1", "10 % quantile over chips."),
    ("<column>_median", "1", "Median over chips."),
    ("<column>_q90", "1", "90 % quantile over chips."),
];

impl Line {
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
fn conclusion(lines: &[Line]) -> Option<String> {
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
    Some(format!(
        "Least infidelity of the meshes that realised every unitary tried, as programmed: {}; after local correction: {}.",
        named(1)?,
        named(2)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_of_many_phases_are_left_out() {
        let left_out = |modes: usize| -> Vec<String> {
            let compare = Compare {
                modes,
                process: PathBuf::new(),
                trials: 2,
                seed: 1,
                topology: Vec::new(),
                output: None,
                format: output::Format::default(),
                figures: FigureOptions::default(),
            };
            compare.left_out().unwrap().iter().map(ToString::to_string).collect()
        };
        assert!(left_out(64).is_empty() && left_out(75) == ["masks"] && left_out(512) == ["masks"]);
    }
}
