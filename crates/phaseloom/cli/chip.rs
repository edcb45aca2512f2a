//! The command `chip`: sample a chip from a process, read one from measurements, or write one of a run.

use super::Exit;
use super::terminal::{matrix_file, output, streams, whole};
use clap::Args;
use phaseloom::experiment::Experiment;
use phaseloom::files::Results;
use phaseloom::hardware::{self, ChipId, ChipTable, Process, ThermalCrosstalk};
use phaseloom::mesh::{MatrixProgram, MeshDesign, convention};
use std::path::{Path, PathBuf};

/// Sample an imperfect chip from a process, read a measured one from a table, or write a chip of a run
///
/// Seed N is trial 0 of a run with seed N. With --from, a row of the table is a cell (column, mode, splitter1_cross,
/// splitter2_cross, theta_offset_rad, phi_offset_rad, loss_db, …) or a component; the page of chip files has all columns. What no
/// row gives is as PROCESS designs it, without PROCESS perfect.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom chip process.toml --program program.json --seed 1 -o chip.json\n  \
    phaseloom chip preset:thermo-optic-silicon --core 64 --topology rectangular --seed 1 -o chip.json\n  \
    phaseloom chip --from measured.csv --program program.json -o chip.json\n  \
    phaseloom chip phaseloom-runs/study --trial 3 -o chip.json")]
pub struct Chip {
    /// The process (TOML), or preset:KEY, see `phaseloom explain`; or the folder of a run, whose chip is written
    #[arg(required_unless_present = "from")]
    process: Option<PathBuf>,
    /// Read measured errors from this table (CSV): places, splitters, phases, losses, heaters that stay at one phase
    #[arg(long, value_name = "MEASURED.csv", conflicts_with_all = ["seed", "trial", "tile", "point"])]
    from: Option<PathBuf>,
    /// Measured crosstalk of the chip: a square real matrix of its phases, θ of all cells, then φ (.npy, .csv)
    #[arg(long, value_name = "K.npy")]
    crosstalk: Option<PathBuf>,
    /// Make a chip for this program
    #[arg(long, value_name = "PROGRAM.json", conflicts_with = "core")]
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
    /// Seed of the chip; of a run, its own
    #[arg(long, value_name = "N", value_parser = whole(0, u64::MAX))]
    seed: Option<u64>,
    /// Trial of a run with that seed
    #[arg(long, value_name = "T", default_value_t = 0, value_parser = whole(0, u64::MAX))]
    trial: u64,
    /// Number of the core in a chip of a network, counted over the tiles of all layers [default: 0]
    #[arg(long, value_name = "N", value_parser = whole(0, u64::MAX))]
    tile: Option<u64>,
    /// Point of the parameter sweep of a run [default: 0]
    #[arg(long, value_name = "N", value_parser = whole(0, usize::MAX))]
    point: Option<usize>,
    /// Where to write the chip (JSON), `-` for standard output [default: only the summary is printed]
    #[arg(short, long, value_name = "CHIP.json")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
}

impl Chip {
    pub fn execute(self) -> anyhow::Result<Exit> {
        if let Some(path) = &self.output {
            let read = [
                ("the process", self.process.as_deref()),
                ("the table", self.from.as_deref()),
                ("the crosstalk", self.crosstalk.as_deref()),
                ("the program", self.program.as_deref()),
            ];
            output::check_json_path(path, &["phaseloom-chip"], &read)?;
        }
        let run = self.process.as_deref().filter(|path| path.is_dir());
        let mut results = Results::default();
        let (chip, origin) = match (run, &self.from) {
            (Some(folder), None) => self.read_run(folder, &mut results)?,
            (_, from) => {
                for (option, given) in [("--tile", self.tile.is_some()), ("--point", self.point.is_some())] {
                    anyhow::ensure!(!given, "{option}: found without the folder of a run, expected one as PROCESS");
                }
                let mut process = self.process.as_deref().map(load_process).transpose()?.unwrap_or_default();
                if let Some(path) = &self.crosstalk {
                    process.thermal_crosstalk = Some(load_crosstalk(path)?);
                }
                let program = self.program()?;
                match from {
                    Some(path) => from_table(path, &process, &program, &mut results)?,
                    None => self.sampled(&process, &program, &mut results)?,
                }
            }
        };
        if let Some(path) = &self.output {
            streams::save(path, |path| chip.save(path))?;
        }
        let cells: usize = chip.stages().iter().map(|s| s.cell_errors.len()).sum();
        let sources: Vec<&str> = chip.process().sources().map(|(key, _)| key).collect();
        results.value("cells", cells);
        results.value("topology", chip.design().topology().key());
        results.value("cell", chip.design().cell().key());
        results.value("imperfections", sources.join(" "));
        let sources = match (sources.is_empty(), self.from.is_some()) {
            (true, true) => String::new(),
            (true, false) => ": perfect".to_owned(),
            (false, _) => format!(": {}", sources.join(", ")),
        };
        results.line(format!("chip of {cells} {}, {origin}{sources}", chip.design().cell().plural()));
        output::print_summary(&results, self.format, self.output.as_deref())?;
        Ok(Exit::Done)
    }

    /// The program that the chip is made for, or a blank one of a core.
    fn program(&self) -> anyhow::Result<MatrixProgram> {
        match (&self.program, self.core) {
            (Some(program), _) => Ok(convention::load(&streams::input(program)?)?),
            (None, Some(ports)) => {
                let design = MeshDesign::from_keys(&self.topology, self.cell.as_deref())?;
                Ok(hardware::Chip::core_program(ports, design)?)
            }
            (None, None) => {
                anyhow::bail!(
                    "found neither --program nor --core, expected one of them: it gives the shape of the chip"
                )
            }
        }
    }

    fn sampled(
        &self,
        process: &Process,
        program: &MatrixProgram,
        results: &mut Results,
    ) -> anyhow::Result<(hardware::Chip, String)> {
        let Some(seed) = self.seed else {
            anyhow::bail!(
                "found no --seed, expected one: the errors of a sampled chip follow from it; or --from a table"
            )
        };
        let chip = hardware::Chip::fabricate(process, program, ChipId { seed, trial: self.trial, core: 0 })?;
        results.value("seed", seed);
        results.value("trial", self.trial);
        Ok((chip, format!("seed {seed}, trial {}", self.trial)))
    }

    /// The chip that a run samples.
    fn read_run(&self, folder: &Path, results: &mut Results) -> anyhow::Result<(hardware::Chip, String)> {
        for (option, given) in [
            ("--program", self.program.is_some()),
            ("--core", self.core.is_some()),
            ("--cell", self.cell.is_some()),
            ("--seed", self.seed.is_some()),
            ("--crosstalk", self.crosstalk.is_some()),
        ] {
            anyhow::ensure!(!given, "{option}: found together with {}, a run, which has its own", folder.display());
        }
        let experiment = Experiment::load(folder)?;
        let (point, core) = (self.point.unwrap_or(0), self.tile.unwrap_or(0));
        let chip = experiment.chip(point, self.trial, core)?;
        let seed = experiment.config.seed;
        results.value("seed", seed);
        results.value("trial", self.trial);
        results.value("core", core);
        let core = if experiment.config.is_matrix() { String::new() } else { format!(", core {core}") };
        Ok((chip, format!("point {point}, seed {seed}, trial {}{core}", self.trial)))
    }
}

/// The chip of a table of measurements.
fn from_table(
    path: &Path,
    process: &Process,
    program: &MatrixProgram,
    results: &mut Results,
) -> anyhow::Result<(hardware::Chip, String)> {
    let ChipTable { chip, cells } = ChipTable::parse(path, &streams::read(path)?.bytes, process, program)?;
    results.value("measured_cells", cells);
    let all: usize = chip.stages().iter().map(|stage| stage.cell_errors.len()).sum();
    let rest = if cells == all { String::new() } else { ", the others as designed".to_owned() };
    Ok((chip, format!("{cells} of them in {}{rest}", path.display())))
}

/// A measured crosstalk matrix.
fn load_crosstalk(path: &Path) -> anyhow::Result<ThermalCrosstalk> {
    let (matrix, _) = matrix_file::load(path)?;
    if let Some(z) = matrix.iter().find(|z| z.im.abs() > 0.0) {
        anyhow::bail!("{}: found the entry {z}, expected a real matrix: the crosstalk of phases", path.display());
    }
    let rows = matrix.row_iter().map(|row| row.iter().map(|z| z.re).collect()).collect();
    Ok(ThermalCrosstalk { matrix: Some(rows), ..ThermalCrosstalk::default() })
}

/// Reads and checks a process: a file, or `preset:KEY`.
pub fn load_process(path: &Path) -> anyhow::Result<Process> {
    Ok(phaseloom::Process::load(&streams::input(path)?)?.settings().clone())
}
