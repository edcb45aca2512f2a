//! The command `matrix`: compute the matrix that a program realises.

use super::Exit;
use super::chip::load_process;
use super::terminal::{matrix_file, output, streams, whole};
use clap::Args;
use phaseloom::Complex64;
use phaseloom::files::{
    ResultTable, Results, WIDTH, decimal, has_matrix_ending, is_npy, ratio, touchstone_ports, transmission, wrap,
    write_matrix_file,
};
use phaseloom::hardware::{Chip, ChipId};
use phaseloom::mesh::convention;
use phaseloom::nalgebra::DMatrix;
use phaseloom::numerics::{amplitude_fidelity, fidelity, port_phase_fidelity};
use std::path::{Path, PathBuf};

/// Compute the matrix that a program realises, on a perfect or on a given chip
///
/// Prints error, fidelity and transmission, and matrices up to 8×8 in full. -o writes the matrix as .npy (c16, C order), as text
/// (.csv) or as Touchstone (.s8p of a 4×4 matrix). With --target it also prints fidelities for measurements whose phases mean
/// less: one that is blind to the phases of input and output ports, and one of amplitudes alone.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom matrix program.json -o ideal.npy\n  \
    phaseloom matrix program.json --chip chip.json -o realised.npy\n  \
    phaseloom matrix corrected.json --chip chip.json --target program.json\n  \
    phaseloom matrix program.json --target measured.csv -o designed.csv\n  \
    phaseloom matrix program.json --process process.toml --seed 1 --trial 3 -o realised.npy")]
pub struct Matrix {
    /// The program (JSON)
    program: PathBuf,
    /// A chip from `phaseloom chip`
    #[arg(long, value_name = "CHIP.json", conflicts_with = "process")]
    chip: Option<PathBuf>,
    /// Sample the chip from a process (TOML), or from preset:KEY
    #[arg(long, value_name = "PROCESS.toml", requires = "seed")]
    process: Option<PathBuf>,
    /// Seed of that chip
    #[arg(long, value_name = "N", requires = "process", conflicts_with = "chip", value_parser = whole(0, u64::MAX))]
    seed: Option<u64>,
    /// Trial of a run with that seed
    #[arg(long, value_name = "T", default_value_t = 0, requires = "process", conflicts_with = "chip",
          value_parser = whole(0, u64::MAX))]
    trial: u64,
    /// Compare with the matrix of this program, or with this matrix (.npy, .csv, .sNp) [default: this program on a perfect chip]
    #[arg(long, value_name = "TARGET.json|MATRIX")]
    target: Option<PathBuf>,
    /// Where to write the matrix, `-` for standard output [default: only the summary is printed]
    #[arg(short, long, value_name = "MATRIX.npy|.csv|.sNp")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
}

impl Matrix {
    pub fn execute(self) -> anyhow::Result<Exit> {
        if let Some(path) = &self.output {
            let [chip, target] = [self.chip.as_deref(), self.target.as_deref()];
            let read = [("the program", Some(self.program.as_path())), ("the chip", chip), ("the target", target)];
            let touchstone = touchstone_ports(path).map(|ports| format!("s{ports}p"));
            output::check_output_path(
                path,
                &["npy", "csv", "txt", touchstone.as_deref().unwrap_or("sNp")],
                &[&read[..], &[("the process", self.process.as_deref())]].concat(),
            )?;
        }
        let program = convention::load(&streams::input(&self.program)?)?;
        let ideal = program.matrix();
        let (target, compared) = match &self.target {
            Some(path) => (load_target(path)?, path.display().to_string()),
            None => (ideal.clone(), "this program on a perfect chip".to_owned()),
        };
        if let (Some(path), (rows, columns)) = (&self.target, program.shape()) {
            anyhow::ensure!(
                target.shape() == (rows, columns),
                "{}: found a matrix of {}×{}, expected {rows}×{columns} as in {}",
                path.display(),
                target.nrows(),
                target.ncols(),
                self.program.display()
            );
        }
        let chip = match (&self.chip, &self.process) {
            (Some(path), _) => Some(Chip::load(&streams::input(path)?)?),
            (None, Some(path)) => {
                let sample = ChipId { seed: self.seed.unwrap_or_default(), trial: self.trial, core: 0 };
                Some(Chip::fabricate(&load_process(path)?, &program, sample)?)
            }
            (None, None) => None,
        };
        let realised = match &chip {
            Some(chip) => chip.matrix(&program)? * Complex64::new(program.gain(), 0.0),
            None => ideal,
        };
        if let Some(z) = realised.iter().find(|z| !(z.re.is_finite() && z.im.is_finite())) {
            let path = self.program.display();
            anyhow::bail!(
                "{path}: an entry of the realised matrix is {z}: a phase or offset is beyond what can be added"
            );
        }
        if let Some(path) = &self.output {
            streams::save(path, |path| write_matrix_file(path, &realised))?;
        }
        let (rows, columns) = realised.shape();
        let mut results = Results::default();
        results.value("rows", rows);
        results.value("columns", columns);
        results.value("chip", if chip.is_some() { "imperfect" } else { "perfect" });
        results.line(format!("{rows}×{columns}, {}", if chip.is_some() { "imperfect chip" } else { "perfect chip" }));
        let (target_scaled, realised_scaled) = (Scaled::new(&target), Scaled::new(&realised));
        if target_scaled.size > 0.0 {
            if chip.is_some() || self.target.is_some() {
                results.line(format!("W: {compared}"));
            }
            let error = Scaled::new(&(&target - &realised)).norm_ratio(&target_scaled);
            let is_dark = realised_scaled.size <= 0.0;
            let fidelity = if is_dark { 0.0 } else { fidelity(&target_scaled.matrix, &realised_scaled.matrix) };
            let transmission_db = 20.0 * realised_scaled.norm_ratio(&target_scaled).log10();
            results.value("error", error);
            results.value("fidelity", fidelity);
            results.value("transmission_db", transmission_db);
            results.line(format!("relative error ‖Ŵ−W‖/‖W‖ {}", ratio(error, 6)));
            results.line(format!("fidelity {fidelity:.6}"));
            if self.target.is_some() {
                let (target, realised) = (&target_scaled.matrix, &realised_scaled.matrix);
                let ports = if is_dark { 0.0 } else { port_phase_fidelity(target, realised) };
                let amplitudes = if is_dark { 0.0 } else { amplitude_fidelity(target, realised) };
                results.value("fidelity_port_phases", ports);
                results.value("fidelity_amplitudes", amplitudes);
                results.line(format!("fidelity up to phases of input and output ports {ports:.6}"));
                results.line(format!("fidelity of amplitudes alone {amplitudes:.6}"));
            }
            results.line(format!("transmission ‖Ŵ‖²/‖W‖² {}", transmission(transmission_db)));
        } else {
            results.line("W is zero: there is nothing to compare with");
        }
        let mut entries = ResultTable::new("matrix", &["row", "column", "re", "im"]);
        for (i, row) in realised.row_iter().enumerate() {
            row.iter().enumerate().for_each(|(j, z)| entries.row([i.into(), j.into(), z.re.into(), z.im.into()]));
        }
        results.table(entries);
        if rows <= 8 && columns <= 8 {
            results.show(grid(&realised));
        }
        output::print_summary(&results, self.format, self.output.as_deref())?;
        Ok(Exit::Done)
    }
}

/// The matrix in a file, or that of the program in it.
fn load_target(path: &Path) -> anyhow::Result<DMatrix<Complex64>> {
    let file = streams::read(path)?;
    Ok(match is_npy(&file.bytes) || has_matrix_ending(path) || output::ending(path) == "npz" {
        true => matrix_file::parse(path, &file.bytes)?.0,
        false => convention::parse(path, &file.text()?)?.matrix(),
    })
}

/// An entry of a printed matrix has at least this number of decimals. Rows that do not fit are broken.
const MIN_DECIMALS: usize = 4;

/// The entries of a small matrix in lines of the width of a terminal, with as many decimals as fit, six at most.
fn grid(matrix: &DMatrix<Complex64>) -> String {
    let with = |decimals: usize| -> String {
        let cell = |z: &Complex64| format!("{}{}i", signed(z.re, decimals), signed(z.im, decimals));
        let lines = matrix.row_iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("  ") + "\n");
        lines.collect()
    };
    let fits = |text: &String| text.lines().all(|line| line.chars().count() <= WIDTH);
    (MIN_DECIMALS..=6).rev().map(with).find(fits).unwrap_or_else(|| wrap(&with(MIN_DECIMALS), WIDTH, 2) + "\n")
}

/// A matrix divided by its largest entry, whose squares neither underflow nor overflow.
struct Scaled {
    size: f64,
    matrix: DMatrix<Complex64>,
}

impl Scaled {
    fn new(matrix: &DMatrix<Complex64>) -> Self {
        let size = matrix.camax();
        Self { size, matrix: if size > 0.0 { matrix.map(|z| z / size) } else { matrix.clone() } }
    }

    /// ‖self‖/‖other‖.
    fn norm_ratio(&self, other: &Self) -> f64 {
        (self.size / other.size) * (self.matrix.norm() / other.matrix.norm())
    }
}

/// A number with its sign, also for zero.
fn signed(value: f64, decimals: usize) -> String {
    let number = decimal(value, decimals);
    if number.starts_with('-') { number } else { format!("+{number}") }
}
