//! The command `sweep`: one matrix on many chips, over a range of settings.

use super::Exit;
use super::run::Run;
use super::terminal::figures::FigureOptions;
use super::terminal::results::ResultOptions;
use super::terminal::{output, streams, whole};
use clap::Args;
use phaseloom::experiment::{Axis, Config, Experiment, MatrixForm, Shard};
use phaseloom::files::{FileBytes, has_matrix_ending, hex, is_npy};
use phaseloom::hardware::PRESET_PREFIX;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Measure one matrix on many sampled chips, over a range of settings, without a network
///
/// Samples N chips of the process at each value, and compares the matrix that each chip realises with the target: infidelity,
/// matrix error, transmission, and the law that predicts the first two. DIR gets what `run` writes: experiment.toml, which
/// `phaseloom run` computes too, table.csv (a row per chip), summary.csv and the figure. If interrupted, the same command
/// resumes.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom sweep u.npy --process preset:thermo-optic-silicon --trials 50\n  \
    phaseloom sweep program.json --process process.toml --vary splitter_error.sigma_rad=0:0.1:0.01 -o curve\n  \
    phaseloom sweep u.npy --vary splitter_error.sigma_rad=phase_error.sigma_rad=0:0.05:0.01\n  \
    phaseloom sweep u.npy --process process.toml --vary phase_quantization.bits=4:12:2 --vary correction=none,local")]
pub struct Sweep {
    /// The target: a matrix (.npy, .csv, .sNp), or a program (.json); `-` for standard input
    #[arg(value_name = "PROGRAM|MATRIX")]
    target: PathBuf,
    /// The process (TOML), or preset:KEY [default: a perfect process, to which --vary adds errors]
    #[arg(long, value_name = "PROCESS.toml")]
    process: Option<PathBuf>,
    /// A chip that exists, from `phaseloom chip`, in the place of sampled ones
    #[arg(long, value_name = "CHIP.json", conflicts_with_all = ["process", "trials"])]
    chip: Option<PathBuf>,
    /// A key of the process, or `process` itself, and its values: FROM:TO:STEP, or a list a,b,c; several make a grid.
    /// KEY1=KEY2=… move together
    #[arg(long, value_name = "KEY=FROM:TO:STEP")]
    vary: Vec<Axis>,
    /// Sampled chips at each point
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole(1_u64, 1_000_000))]
    trials: u64,
    /// Seed of the chips; trial 0 is the chip of `phaseloom chip --seed N`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(0, u64::MAX))]
    seed: u64,
    /// Correct each chip before it is measured, see `phaseloom explain correction` [default: none]
    #[arg(long, value_name = "KEY")]
    correction: Option<String>,
    /// Topology of the meshes of a matrix
    #[arg(long, value_name = "KEY")]
    topology: Option<String>,
    /// Cell of the meshes of a matrix [default: the usual cell of the topology]
    #[arg(long, value_name = "KEY")]
    cell: Option<String>,
    /// auto: one mesh if the matrix is unitary; unitary; svd: two meshes and attenuators
    #[arg(long, value_parser = ["auto", "unitary", "svd"], default_value = "auto")]
    form: String,
    /// Folder of the results [default: phaseloom-runs/<stem of the target>-<digest of the settings>]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Number of threads, which does not change results [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1_u16, 1024))]
    threads: Option<u16>,
    /// Compute only part K of N of the units; `phaseloom merge` joins the parts
    #[arg(long, value_name = "K/N", default_value = "1/1", hide_default_value = true)]
    shard: Shard,
    /// Print the size of the run, and its memory and time as estimates; write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    format: output::Format,
    #[command(flatten)]
    figures: FigureOptions,
}

impl Sweep {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let start = Instant::now();
        self.output.as_deref().map(output::check_output_folder).transpose()?;
        let stream = if streams::is_stream(&self.target) { Some(streams::read(&self.target)?) } else { None };
        let mut experiment = self.experiment(stream.as_ref())?;
        let folder = self.output.clone().unwrap_or_else(|| self.default_folder(&experiment, stream.as_ref()));
        if let Some(file) = stream {
            experiment = experiment.with_file(file);
        }
        let results = ResultOptions::without_layers(self.format, self.figures);
        let run = Run::for_experiment(experiment.path.clone(), self.threads, self.shard, self.dry_run, results);
        run.compute(&experiment, &folder, start)
    }

    /// The experiment of the command line, on the contents of standard input if that is the target.
    fn experiment(&self, stream: Option<&FileBytes>) -> anyhow::Result<Experiment> {
        let target = stream.map_or(&self.target, |file| &file.path).clone();
        let is_program = match (stream, output::ending(&target).as_str()) {
            (Some(file), _) => !is_npy(&file.bytes) && file.bytes.trim_ascii_start().starts_with(b"{"),
            (None, _) if has_matrix_ending(&target) => false,
            (None, "json") => true,
            _ => anyhow::bail!(
                "found {}, expected a matrix (.npy, .csv, .txt, .sNp) or a program (.json)",
                self.target.display()
            ),
        };
        for (option, given) in
            [("--topology", self.topology.is_some()), ("--cell", self.cell.is_some()), ("--form", self.form != "auto")]
        {
            anyhow::ensure!(
                !(is_program && given),
                "{option}: found together with {}, a program, which names its own; expected a matrix (.npy)",
                self.target.display()
            );
        }
        for (option, given, key) in [
            ("--process", self.process.is_some(), "process"),
            ("--correction", self.correction.is_some(), "correction"),
            ("--topology", self.topology.is_some(), "core.topology"),
            ("--cell", self.cell.is_some(), "core.cell"),
        ] {
            anyhow::ensure!(
                !given || !self.vary.iter().flat_map(|axis| &axis.keys).any(|varied| varied == key),
                "{option}: found together with `--vary {key}=…`, which replaces it, expected one of the two"
            );
        }
        let file = |path: &Path| match streams::is_stream(path) {
            true => "standard input".to_owned(),
            false => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let mut name = file(&self.target);
        if let Some(chip) = &self.chip {
            streams::refuse_stream_because("the chip", chip, "the folder of the results names it")?;
            name += &format!(" on {}", file(chip));
        }
        if let Some(process) = &self.process {
            let is_preset = process.to_string_lossy().starts_with(PRESET_PREFIX);
            name += &format!(" on {}", if is_preset { process.display().to_string() } else { file(process) });
        }
        let mut config = Config { name, seed: self.seed, trials: self.trials, ..Config::default() };
        *(if is_program { &mut config.program } else { &mut config.matrix }) = Some(target);
        if let Some(correction) = &self.correction {
            config.correction.clone_from(correction);
        }
        config.form = match self.form.as_str() {
            "unitary" => MatrixForm::Unitary,
            "svd" => MatrixForm::Svd,
            _ => MatrixForm::Auto,
        };
        if let Some(topology) = &self.topology {
            config.core.topology.clone_from(topology);
        }
        config.core.cell.clone_from(&self.cell);
        config.sweep.clone_from(&self.vary);
        config.chip.clone_from(&self.chip);
        let process = self.process.as_deref().map(streams::input).transpose()?;
        Ok(Experiment::new(config, process.as_deref(), Path::new("command line"))?)
    }

    fn default_folder(&self, experiment: &Experiment, stream: Option<&FileBytes>) -> PathBuf {
        // Standard input has no name, so that its contents are one.
        let stem = match stream {
            Some(file) => format!("stdin-{}", &hex(&file.sha256)[..8]),
            None => self.target.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let shard = match self.shard {
            Shard::WHOLE => String::new(),
            Shard { part, of } => format!("-{part}-of-{of}"),
        };
        Path::new("phaseloom-runs").join(format!("{stem}-{}{shard}", experiment.digest()))
    }
}
