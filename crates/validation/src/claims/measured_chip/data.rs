//! The files of the data set: three unitaries, points with their measured outputs, and gradients.

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::{FileError, read_text};
use serde::Deserialize;
use std::path::Path;

/// Modes of the chip.
pub const MODES: usize = 4;
/// Norm of every input vector.
pub const NORM: f64 = 3.0;
/// The source of the raw data.
pub const SOURCE: &str =
    "GitHub solgaardlab/photonicbackprop, commit 6558ca0287fb006777190e5fc6c9a011be9d352a (MIT licence)";

/// One point of the moons data set with the outputs of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Whether it is one of the 200 training points.
    pub train: bool,
    /// Input amplitudes, |x| = 3.
    pub input: [f64; MODES],
    /// Its class, 0 or 1.
    pub label: usize,
    /// Probabilities of both classes by the authors' digital network.
    pub ideal: [f64; 2],
    /// The same, measured on the chip.
    pub chip: [f64; 2],
}

/// One component of a gradient: computed and measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Slope {
    /// Key of the source's dictionary: 4, 2 or 1. Its meaning is not documented.
    pub key: u32,
    /// Computed by the authors.
    pub expected: f64,
    /// Measured on the chip.
    pub measured: f64,
}

/// The data set.
#[derive(Clone, Debug)]
pub struct Data {
    /// One unitary a layer, 4 × 4.
    pub unitaries: Vec<DMatrix<Complex64>>,
    /// 250 points.
    pub points: Vec<Point>,
    /// 700 components.
    pub slopes: Vec<Slope>,
}

/// The share of the power in the first two modes, 0.5 + ln(p0/p1)/18, where p is the softmax of the two powers and their
/// sum is |x|² = 9.
#[must_use]
pub fn power_fraction([p0, p1]: [f64; 2]) -> f64 {
    0.5 + (p0 / p1).ln() / (2.0 * NORM * NORM)
}

/// p0 of a power fraction.
#[must_use]
pub fn probability(fraction: f64) -> f64 {
    1.0 / (1.0 + (-2.0 * NORM * NORM * (fraction - 0.5)).exp())
}

impl Data {
    /// Whether a folder holds the data set.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(UNITARIES).exists()
    }

    /// Reads `moons-unitaries.json`, `moons-points.csv` and `batch-gradients.csv`.
    ///
    /// # Errors
    ///
    /// An unreadable or malformed file, with its line.
    pub fn read(folder: &Path) -> Result<Self, FileError> {
        Ok(Self {
            unitaries: read_unitaries(&folder.join(UNITARIES))?,
            points: table(&folder.join("moons-points.csv"), POINT_COLUMNS, point)?,
            slopes: table(&folder.join("batch-gradients.csv"), "key,index,expected,measured", slope)?,
        })
    }
}

const UNITARIES: &str = "moons-unitaries.json";

#[derive(Deserialize)]
struct Unitaries {
    unitaries_re: Vec<Vec<Vec<f64>>>,
    unitaries_im: Vec<Vec<Vec<f64>>>,
}

fn read_unitaries(path: &Path) -> Result<Vec<DMatrix<Complex64>>, FileError> {
    let expected = "real and imaginary parts of three 4×4 matrices";
    let text = read_text(path)?;
    let file: Unitaries =
        serde_json::from_str(&text).map_err(|e| malformed(path, e.line(), &e.to_string(), expected))?;
    let square = |m: &Vec<Vec<f64>>| m.len() == MODES && m.iter().all(|row| row.len() == MODES);
    let parts = [&file.unitaries_re, &file.unitaries_im];
    if parts.iter().any(|part| part.len() != 3 || !part.iter().all(square)) {
        return Err(malformed(path, text.lines().count(), "other shapes", expected));
    }
    Ok(parts[0]
        .iter()
        .zip(parts[1])
        .map(|(re, im)| DMatrix::from_fn(MODES, MODES, |r, c| Complex64::new(re[r][c], im[r][c])))
        .collect())
}

const POINT_COLUMNS: &str = "split,x1,x2,x3,x4,label,p0_ideal,p1_ideal,p0_chip,p1_chip";

fn point(cells: &[&str]) -> Result<Point, Mismatch> {
    let train = match cells[0] {
        "train" => true,
        "test" => false,
        other => return Err((other.to_owned(), "`train` or `test`")),
    };
    let input = [number(cells[1])?, number(cells[2])?, number(cells[3])?, number(cells[4])?];
    let norm = input.iter().map(|x| x * x).sum::<f64>().sqrt();
    if (norm - NORM).abs() > 1e-5 {
        return Err((format!("|x| = {norm}"), "inputs of norm 3"));
    }
    let label = match cells[5] {
        "0" => 0,
        "1" => 1,
        other => return Err((other.to_owned(), "the label 0 or 1")),
    };
    let pair = |k: usize| -> Result<[f64; 2], Mismatch> {
        let pair = [number(cells[k])?, number(cells[k + 1])?];
        if pair.iter().all(|p| *p > 0.0 && *p < 1.0) && (pair[0] + pair[1] - 1.0).abs() < 1e-4 {
            Ok(pair)
        } else {
            Err((format!("{} and {}", cells[k], cells[k + 1]), "two probabilities between 0 and 1 that add up to 1"))
        }
    };
    Ok(Point { train, input, label, ideal: pair(6)?, chip: pair(8)? })
}

fn slope(cells: &[&str]) -> Result<Slope, Mismatch> {
    let key = cells[0].parse().map_err(|_| (cells[0].to_owned(), "a whole number"))?;
    Ok(Slope { key, expected: number(cells[2])?, measured: number(cells[3])? })
}

/// The value found in a cell, and the expected one.
type Mismatch = (String, &'static str);

fn number(cell: &str) -> Result<f64, Mismatch> {
    cell.trim().parse().ok().filter(|x: &f64| x.is_finite()).ok_or((cell.to_owned(), "a finite number"))
}

/// The rows of a table of comma-separated cells without quotes, under exactly these columns.
fn table<T>(
    path: &Path,
    columns: &'static str,
    row: impl Fn(&[&str]) -> Result<T, Mismatch>,
) -> Result<Vec<T>, FileError> {
    let text = read_text(path)?;
    let mut lines = text.lines().enumerate();
    let (_, head) = lines.next().unwrap_or((0, ""));
    if head.trim_end() != columns {
        return Err(malformed(path, 1, head, columns));
    }
    let count = columns.split(',').count();
    let rows: Vec<T> = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(k, line)| {
            let cells: Vec<&str> = line.trim_end().split(',').collect();
            if cells.len() != count {
                return Err(malformed(path, k + 1, &format!("{} cells", cells.len()), columns));
            }
            row(&cells).map_err(|(found, expected)| malformed(path, k + 1, &found, expected))
        })
        .collect::<Result<_, _>>()?;
    if rows.is_empty() { Err(malformed(path, 1, "no rows", columns)) } else { Ok(rows) }
}

fn malformed(path: &Path, line: usize, found: &str, expected: &str) -> FileError {
    FileError::Syntax { path: path.to_owned(), line, message: format!("found {found}, expected {expected}") }
}
