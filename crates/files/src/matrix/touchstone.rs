//! Touchstone files, version 1 (`.s4p`): scattering parameters of N ports at one frequency.
//!
//! A transfer matrix W of rows × columns is the scattering matrix `[[0, Wᵀ], [W, 0]]` of a reciprocal circuit without reflections: the
//! first `columns` ports are its inputs, the next `rows` its outputs. Without the comment that Phaseloom writes, the first half of
//! the ports are inputs. The parameters of two ports are in columns (S11, S21, S12, S22), of others in rows, as the format wants it.

use super::check_finite;
use crate::csv_table::short;
use crate::error::FileError;
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::fmt::Write;
use std::path::Path;

/// The comment of the number of inputs.
const INPUTS: &str = "! inputs:";
/// Maximum number of ports, which bounds a damaged name.
const MAX_PORTS: usize = 4096;

/// The number of ports in the ending of a Touchstone file: 4 of `.s4p`.
#[must_use]
pub fn touchstone_ports(path: &Path) -> Option<usize> {
    let ending = path.extension()?.to_str()?.to_lowercase();
    let ports = ending.strip_prefix('s')?.strip_suffix('p')?.parse().ok()?;
    (1..=MAX_PORTS).contains(&ports).then_some(ports)
}

fn error(path: &Path, place: &str, found: String, expected: &str) -> FileError {
    let (found, expected) = (found.into(), expected.into());
    FileError::Format { path: path.to_owned(), format: "Touchstone", place: place.into(), found, expected }
}

/// The transfer matrix, from the inputs to the outputs.
pub(super) fn parse(path: &Path, bytes: &[u8], ports: usize) -> Result<DMatrix<Complex64>, FileError> {
    let text = std::str::from_utf8(bytes).map_err(|_| error(path, "first bytes", "other bytes".into(), "a text"))?;
    let (mut format, mut inputs, mut numbers) = ("ma".to_owned(), None, Vec::new());
    for (at, line) in text.lines().enumerate() {
        let place = format!("line {}", at + 1);
        if let Some(count) = line.trim().strip_prefix(INPUTS) {
            inputs = count.trim().parse::<usize>().ok();
        }
        let line = line.split('!').next().unwrap_or_default().trim();
        if let Some(options) = line.strip_prefix('#') {
            for option in options.split_whitespace().map(str::to_lowercase) {
                match option.as_str() {
                    "ri" | "ma" | "db" => format = option,
                    "y" | "z" | "g" | "h" => {
                        return Err(error(path, &place, format!("parameters {option}"), "S parameters (`# GHz S RI`)"));
                    }
                    _ => (),
                }
            }
            continue;
        }
        if line.starts_with('[') {
            return Err(error(path, &place, format!("`{}`", short(line)), "version 1 of the format, without keywords"));
        }
        for word in line.split_whitespace() {
            let number = word.parse::<f64>().ok().filter(|number| number.is_finite());
            numbers.push(number.ok_or_else(|| error(path, &place, format!("`{}`", short(word)), "a finite number"))?);
        }
    }
    let needed = 1 + 2 * ports * ports;
    if numbers.len() != needed {
        let expected =
            format!("{needed}: one frequency and {ports}×{ports} parameters; keep one frequency of the file");
        return Err(error(path, "values", format!("{} numbers", numbers.len()), &expected));
    }
    let parameter = |at: usize| {
        let (a, b) = (numbers[1 + 2 * at], numbers[2 + 2 * at]);
        match format.as_str() {
            "ri" => Complex64::new(a, b),
            "db" => Complex64::from_polar(10f64.powf(a / 20.0), b.to_radians()),
            _ => Complex64::from_polar(a, b.to_radians()),
        }
    };
    let inputs = match inputs {
        Some(inputs) if (1..ports).contains(&inputs) => inputs,
        None if ports.is_multiple_of(2) => ports / 2,
        _ => return Err(error(path, "ports", ports.to_string(), "an even number: half of them are inputs")),
    };
    let entry = |i: usize, j: usize| if ports == 2 { parameter(i + 2 * j) } else { parameter(i * ports + j) };
    let matrix = DMatrix::from_fn(ports - inputs, inputs, |i, j| entry(inputs + i, j));
    check_finite(path, &matrix)?;
    Ok(matrix)
}

/// The text of a transfer matrix.
pub(super) fn text(path: &Path, matrix: &DMatrix<Complex64>, ports: usize) -> Result<String, FileError> {
    check_finite(path, matrix)?;
    let (rows, columns) = matrix.shape();
    if rows + columns != ports {
        let expected = format!("the ending .s{}p: {columns} inputs and {rows} outputs", rows + columns);
        return Err(error(path, "ending", format!(".s{ports}p"), &expected));
    }
    let mut text = format!("! transfer matrix of {columns} inputs (the first ports) and {rows} outputs\n");
    let _ = writeln!(text, "{INPUTS} {columns}\n# THz S RI R 50");
    // 1550 nm; the matrix does not depend on it.
    text.push_str("193.414489\n");
    let entry = |i: usize, j: usize| match (i < columns, j < columns) {
        (false, true) => matrix[(i - columns, j)],
        (true, false) => matrix[(j - columns, i)],
        _ => Complex64::ZERO,
    };
    let index = |i: usize, j: usize| if ports == 2 { entry(j, i) } else { entry(i, j) };
    for i in 0..ports {
        for (j, end) in (0..ports).map(|j| (j, if j % 4 == 3 || j + 1 == ports { '\n' } else { ' ' })) {
            let z = index(i, j);
            let _ = write!(text, "{:?} {:?}{end}", z.re, z.im);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_read_back_and_other_formats_converted() {
        for (rows, columns) in [(1, 1), (2, 2), (3, 2), (5, 5)] {
            let matrix = DMatrix::from_fn(rows, columns, |i, j| Complex64::new(0.1 * i as f64, 0.3 - j as f64 / 7.0));
            let path = format!("m.S{}P", rows + columns);
            let ports = touchstone_ports(Path::new(&path)).unwrap();
            let text = text(Path::new(&path), &matrix, ports).unwrap();
            assert_eq!(parse(Path::new(&path), text.as_bytes(), ports).unwrap(), matrix, "{text}");
        }
        // Two ports are written by columns: S21 is the second parameter.
        let file = "# GHz S DB R 50\n! comment\n1.0 -100 0 -6.020599913279624 90 -6.020599913279624 90 -100 0\n";
        let z = parse(Path::new("a.s2p"), file.as_bytes(), 2).unwrap()[(0, 0)];
        assert!((z - Complex64::new(0.0, 0.5)).norm() < 1e-12, "{z}");
        let path = Path::new("a.s2p");
        for (text, expected) in [
            ("# GHz S RI\n1 0 0 1 0 1 0 0\n", "keep one frequency"),
            ("# GHz Z RI\n1 0 0 1 0 1 0 0 0\n", "S parameters"),
            ("# GHz S RI\n1 0 0 x 0 1 0 0 0\n", "line 2: found `x`"),
            ("[Version] 2.0\n", "version 1"),
        ] {
            let refused = parse(path, text.as_bytes(), 2).unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
        let wrong = super::text(path, &DMatrix::identity(2, 2), 2).unwrap_err().to_string();
        assert!(wrong.contains(".s4p"), "{wrong}");
        assert_eq!([".s0p", ".sp", ".npy"].map(|e| touchstone_ports(Path::new(&format!("a{e}")))), [None; 3]);
    }
}
