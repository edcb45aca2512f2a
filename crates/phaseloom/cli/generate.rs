//! The command `generate`: make a test matrix.

use super::Exit;
use super::terminal::{output, streams, whole};
use clap::{Args, ValueEnum};
use phaseloom::Complex64;
use phaseloom::files::{Results, require_memory, write_matrix, write_real_matrix};
use phaseloom::mesh::Unitary;
use phaseloom::nalgebra::DMatrix;
use phaseloom::numerics::{StreamKey, haar_orthogonal, haar_unitary, standard_normal};
use std::f64::consts::TAU;
use std::path::PathBuf;

/// Make a test matrix and write it as .npy
///
/// The same kind, size and seed give the same matrix. haar and dft are complex (c16), the others real (f8).
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom generate haar 8 --seed 1 -o u.npy\n  \
    phaseloom generate dft 16 -o dft.npy\n  \
    phaseloom generate gaussian 64 -o weights.npy")]
pub struct Generate {
    /// Kind of the matrix
    #[arg(value_name = "KIND", ignore_case = true)]
    kind: Kind,
    /// Rows and columns
    #[arg(value_name = "N", value_parser = whole(1_usize, 16384))]
    size: usize,
    /// Seed of a random kind: haar, permutation or gaussian [default: 1]
    #[arg(long, value_name = "S", value_parser = whole(0, u64::MAX))]
    seed: Option<u64>,
    /// A real orthogonal matrix in place of a complex unitary, of haar only
    #[arg(long)]
    real: bool,
    /// Where to write the matrix, `-` for standard output [default: only the summary is printed]
    #[arg(short, long, value_name = "MATRIX.npy")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
}

/// A kind of test matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Random unitary, uniform in the Haar measure; with --real orthogonal
    Haar,
    /// Discrete Fourier transform: entry (j, k) is ω^(jk)/√N, ω = e^(−2πi/N), as np.fft.fft(np.eye(N), norm="ortho")
    Dft,
    /// Ones on the diagonal
    Identity,
    /// Random permutation: one 1 in each row and column
    Permutation,
    /// Independent real entries of N(0, 1/N); the singular values are about 0…2
    Gaussian,
}

/// Bytes per entry that the QR decomposition of a random unitary and its copies take.
const BYTES_PER_ENTRY: f64 = 100.0;

impl Generate {
    pub fn execute(self) -> anyhow::Result<Exit> {
        anyhow::ensure!(
            !self.real || self.kind == Kind::Haar,
            "--real: found the kind {}, expected haar: only haar is both complex and real",
            self.name()
        );
        anyhow::ensure!(
            self.seed.is_none() || self.is_random(),
            "--seed: found the kind {}, expected haar, permutation or gaussian: only they are random",
            self.name()
        );
        if let Some(path) = &self.output {
            output::check_output_path(path, &["npy"], &[])?;
        }
        require_memory(BYTES_PER_ENTRY * (self.size as f64).powi(2), &format!("a matrix of {0}×{0}", self.size))?;
        let matrix = self.matrix();
        let complex = self.is_complex();
        if let Some(path) = &self.output {
            streams::save(path, |path| match complex {
                true => write_matrix(path, &matrix),
                false => write_real_matrix(path, &matrix.map(|z| z.re)),
            })?;
        }
        let size = self.size;
        let seed = if self.is_random() { format!(", seed {}", self.seed()) } else { String::new() };
        let numbers = if complex { "complex" } else { "real" };
        let mut results = Results::default();
        results.value("kind", self.name());
        results.value("size", size);
        results.value("seed", self.is_random().then_some(self.seed()));
        results.value("numbers", numbers);
        let property = if self.kind == Kind::Gaussian {
            results.value("norm", matrix.norm());
            format!("‖W‖_F = {:.6}", matrix.norm())
        } else {
            results.value("unitary_deviation", Unitary::deviation(&matrix));
            format!("max |U†U − I| = {:.1e}", Unitary::deviation(&matrix))
        };
        results.line(format!("{size}×{size} {}{seed}, {numbers}: {property}", self.name()));
        output::print_summary(&results, self.format, self.output.as_deref())?;
        output::hint_output(self.output.as_deref(), "MATRIX.npy");
        Ok(Exit::Done)
    }

    fn name(&self) -> String {
        self.kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    fn is_complex(&self) -> bool {
        self.kind == Kind::Dft || (self.kind == Kind::Haar && !self.real)
    }

    fn is_random(&self) -> bool {
        matches!(self.kind, Kind::Haar | Kind::Permutation | Kind::Gaussian)
    }

    fn matrix(&self) -> DMatrix<Complex64> {
        let n = self.size;
        let stream = |purpose: &str| StreamKey::new(self.seed(), purpose).stream();
        match self.kind {
            // The stream of `phaseloom::haar_unitary`.
            Kind::Haar if !self.real => haar_unitary(n, &mut stream("haar")),
            Kind::Haar => haar_orthogonal(n, &mut stream("haar")),
            Kind::Dft => {
                let scale = 1.0 / (n as f64).sqrt();
                // The exponent modulo N keeps the angle small and its cosine accurate.
                DMatrix::from_fn(n, n, |j, k| Complex64::from_polar(scale, -TAU * (j * k % n) as f64 / n as f64))
            }
            Kind::Identity => DMatrix::identity(n, n),
            Kind::Permutation => {
                // The order of independent random numbers is a uniform permutation.
                let mut stream = stream("generate/permutation");
                let keys: Vec<f64> = (0..n).map(|_| standard_normal(&mut stream)).collect();
                let mut rows: Vec<usize> = (0..n).collect();
                rows.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
                DMatrix::from_fn(n, n, |j, k| Complex64::from(f64::from(u8::from(rows[k] == j))))
            }
            Kind::Gaussian => {
                let (mut stream, deviation) = (stream("generate/gaussian"), 1.0 / (n as f64).sqrt());
                DMatrix::from_fn(n, n, |_, _| Complex64::from(deviation * standard_normal(&mut stream)))
            }
        }
    }
}
