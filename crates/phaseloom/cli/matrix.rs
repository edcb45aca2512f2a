//! The command `matrix`: compute the matrix that a program realises.

use super::Exit;
use super::chip::load_process;
use super::terminal::{output, whole};
use clap::Args;
use phaseloom::Complex64;
use phaseloom::files::{read_matrix, write_matrix};
use phaseloom::hardware::{Chip, ChipId};
use phaseloom::mesh::convention;
use phaseloom::nalgebra::DMatrix;
use phaseloom::numerics::fidelity;
use std::path::PathBuf;

/// Compute the matrix that a program realises, on a perfect or on a given chip
///
/// Prints error, fidelity and transmission, and matrices up to 8×8 in full. -o writes the matrix as .npy (c16, C order).
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom matrix program.json -o ideal.npy\n  \
    phaseloom matrix program.json --chip chip.json -o realised.npy\n  \
    phaseloom matrix corrected.json --chip chip.json --target program.json\n  \
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
    /// Compare with the matrix of this program, or with this matrix (.npy) [default: this program on a perfect chip]
    #[arg(long, value_name = "TARGET.json|.npy")]
    target: Option<PathBuf>,
    /// Where to write the matrix
    #[arg(short, long, value_name = "MATRIX.npy")]
    output: Option<PathBuf>,
}

impl Matrix {
    pub fn execute(self) -> anyhow::Result<Exit> {
        if let Some(path) = &self.output {
            let [chip, target] = [self.chip.as_deref(), self.target.as_deref()];
            let read = [("the program", Some(self.program.as_path())), ("the chip", chip), ("the target", target)];
            output::check_output_path(
                path,
                &["npy"],
                &[&read[..], &[("the process", self.process.as_deref())]].concat(),
            )?;
        }
        let program = convention::load(&self.program)?;
        let ideal = program.matrix();
        let (target, compared) = match &self.target {
            Some(path) if path.extension().is_some_and(|end| end == "npy") => {
                (read_matrix(path)?.0, path.display().to_string())
            }
            Some(path) => (convention::load(path)?.matrix(), path.display().to_string()),
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
            (Some(path), _) => Some(Chip::load(path)?),
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
            write_matrix(path, &realised)?;
        }
        let (rows, columns) = realised.shape();
        let mut text =
            format!("{rows}×{columns}, {}\n", if chip.is_some() { "imperfect chip" } else { "perfect chip" });
        let (target_scaled, realised_scaled) = (Scaled::new(&target), Scaled::new(&realised));
        if target_scaled.size > 0.0 {
            if chip.is_some() || self.target.is_some() {
                text += &format!("W: {compared}\n");
            }
            text += &format!(
                "relative error ‖Ŵ−W‖/‖W‖ {}\nfidelity {:.6}\ntransmission ‖Ŵ‖²/‖W‖² {}\n",
                output::ratio(Scaled::new(&(&target - &realised)).norm_ratio(&target_scaled)),
                if realised_scaled.size > 0.0 { fidelity(&target_scaled.matrix, &realised_scaled.matrix) } else { 0.0 },
                output::transmission(20.0 * realised_scaled.norm_ratio(&target_scaled).log10()),
            );
        } else {
            text += "W is zero: there is nothing to compare with\n";
        }
        if rows <= 8 && columns <= 8 {
            for row in realised.row_iter() {
                let cells: Vec<String> = row.iter().map(|z| format!("{}{}i", signed(z.re), signed(z.im))).collect();
                text += &format!("{}\n", cells.join("  "));
            }
        }
        output::print(&text)?;
        Ok(Exit::Done)
    }
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
fn signed(value: f64) -> String {
    let number = output::number(value, 6);
    if number.starts_with('-') { number } else { format!("+{number}") }
}
