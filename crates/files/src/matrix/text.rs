//! Matrices as text: one line for each row, with commas, semicolons, tabs or blanks between numbers, a decimal point or a decimal
//! comma, real or complex (`0.1-0.2j`, `0.1-0.2i`). Lines that start with `#`, `%` or `!` are comments.
//!
//! Real columns are pairs of real and imaginary parts if a header says so (`re`, `im`), or if there are twice as many columns as rows
//! and the pairs (or the left and the right half) are a unitary within [`UNITARY`]; no matrix of real weights is that by chance.

use super::check_finite;
use crate::csv_table::{parse_number, short};
use crate::error::FileError;
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::fmt::Write;
use std::path::Path;

/// Maximum of |U†U − I| at which pairs of columns count as the parts of a unitary: two printed digits.
const UNITARY: f64 = 0.1;

/// Whether text without an ending starts as a table of numbers does.
pub(super) fn starts_like_numbers(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|byte| byte.is_ascii_digit() || b"+-.(#%".contains(byte))
}

fn error(path: &Path, place: String, found: String, expected: &str) -> FileError {
    let (found, expected) = (found.into(), expected.into());
    FileError::Format { path: path.to_owned(), format: "matrix as text", place, found, expected }
}

/// The matrix in a text.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<DMatrix<Complex64>, FileError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| {
        let expected = format!("numbers as text in UTF-8{}", crate::other_kind(bytes, ""));
        error(path, "first bytes".into(), "other bytes".into(), &expected)
    })?;
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', '%', '!']));
    let mut lines = lines.peekable();
    let Some(&(_, first)) = lines.peek() else {
        return Err(error(path, "line 1".into(), "no numbers".into(), "a line of numbers for each row"));
    };
    let separator = [';', '\t', ','].into_iter().find(|separator| first.contains(*separator));
    let cells = |line: &str| -> Vec<String> {
        match separator {
            Some(separator) => {
                // A separator at the end of a line is no empty cell.
                let line = line.strip_suffix(separator).unwrap_or(line);
                line.split(separator).map(|cell| cell.trim().trim_matches('"').to_owned()).collect()
            }
            None => line.split_whitespace().map(str::to_owned).collect(),
        }
    };
    let mut header = Vec::new();
    if cells(first).iter().all(|cell| parse_complex(cell).is_none()) {
        header = cells(first);
        if let Some(name) = header.iter().find(|name| is_quantity(name)) {
            let expected = "a matrix: `matrix`, `convert` and `draw` take a table of splitters, `chip --from` one of a measured chip";
            return Err(error(path, "header".into(), format!("a column `{}`", short(name)), expected));
        }
        lines.next();
    }
    let (mut rows, mut is_complex) = (Vec::<Vec<Complex64>>::new(), false);
    for (line, text) in lines {
        let mut row = Vec::new();
        for (column, cell) in cells(text).iter().enumerate() {
            let z = parse_complex(cell).ok_or_else(|| {
                let place = format!("line {line}, column {}", column + 1);
                error(path, place, format!("`{}`", short(cell)), "a finite number, real or complex as `0.1-0.2j`")
            })?;
            is_complex |= cell.ends_with(['i', 'j', 'I', 'J', ')']);
            row.push(z);
        }
        if let Some(first) = rows.first().filter(|first| first.len() != row.len()) {
            let expected = format!("{}, as in the first row", first.len());
            return Err(error(path, format!("line {line}"), format!("{} numbers", row.len()), &expected));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(error(path, "line 2".into(), "no numbers".into(), "a line of numbers for each row"));
    }
    let matrix = DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j]);
    let part = |name: &String, start: &str| name.to_lowercase().contains(start);
    let named = header.len() == matrix.ncols()
        && header.len().is_multiple_of(2)
        && header.chunks(2).all(|pair| part(&pair[0], "re") && part(&pair[1], "im"));
    let matrix = if is_complex { matrix } else { with_parts(matrix, named) };
    check_finite(path, &matrix)?;
    Ok(matrix)
}

/// Whether the name of a column is that of a table of components, so that its numbers are no matrix.
fn is_quantity(name: &str) -> bool {
    ["mode", "upper_mode", "transmittance", "theta", "phi"].contains(&name)
        || ["_rad", "_db"].iter().any(|unit| name.ends_with(unit))
}

/// The complex matrix of real columns that are real and imaginary parts.
fn with_parts(matrix: DMatrix<Complex64>, named: bool) -> DMatrix<Complex64> {
    let (rows, columns) = matrix.shape();
    let half = columns / 2;
    let pairs = |re: fn(usize, usize) -> usize, im: fn(usize, usize) -> usize| {
        DMatrix::from_fn(rows, half, |i, j| Complex64::new(matrix[(i, re(j, half))].re, matrix[(i, im(j, half))].re))
    };
    let alternating = || pairs(|j, _| 2 * j, |j, _| 2 * j + 1);
    if named {
        return alternating();
    }
    if columns == 2 * rows {
        let candidates = [alternating(), pairs(|j, _| j, |j, half| half + j)];
        if let Some(unitary) = candidates.into_iter().find(|candidate| {
            let product = candidate.adjoint() * candidate - DMatrix::identity(rows, rows);
            product.camax() < UNITARY
        }) {
            return unitary;
        }
    }
    matrix
}

/// A complex number: `1.5`, `-2e-3j`, `(0.1+0.2j)`, `0,1-0,2i`, `i`.
fn parse_complex(cell: &str) -> Option<Complex64> {
    let text: String = cell.chars().filter(|c| !c.is_whitespace()).collect();
    let text = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(&text);
    if let Some(number) = parse_number(text) {
        return Some(Complex64::new(number, 0.0));
    }
    let text = text.strip_suffix(['i', 'j', 'I', 'J'])?;
    // The sign of the imaginary part is the last one that belongs to no exponent.
    let bytes = text.as_bytes();
    let split = (1..bytes.len()).rev().find(|&at| b"+-".contains(&bytes[at]) && !b"eE".contains(&bytes[at - 1]));
    let (re, im) = text.split_at(split.unwrap_or(0));
    let im = match im.trim_end_matches('*') {
        "" | "+" => 1.0,
        "-" => -1.0,
        number => parse_number(number)?,
    };
    let re = if re.is_empty() { 0.0 } else { parse_number(re)? };
    Some(Complex64::new(re, im))
}

/// A matrix as text with commas, as NumPy reads it: `loadtxt(path, delimiter=",", dtype=complex)`. Real matrices are written without
/// imaginary parts.
pub(super) fn text(path: &Path, matrix: &DMatrix<Complex64>) -> Result<String, FileError> {
    check_finite(path, matrix)?;
    let is_real = matrix.iter().all(|z| z.im.abs() <= 0.0);
    let mut text = String::new();
    for row in matrix.row_iter() {
        for (column, z) in row.iter().enumerate() {
            let separator = if column == 0 { "" } else { "," };
            let _ = match is_real {
                true => write!(text, "{separator}{:?}", z.re),
                false => write!(text, "{separator}{:?}{:+?}j", z.re, z.im),
            };
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DMatrix<Complex64>, FileError> {
        parse(Path::new("m.csv"), text.as_bytes())
    }

    #[test]
    fn numbers_of_all_programs_are_read() {
        let z = Complex64::new;
        for (text, expected) in [
            ("1.5", z(1.5, 0.0)),
            ("-2e-3j", z(0.0, -2e-3)),
            ("(0.1+0.2j)", z(0.1, 0.2)),
            ("0,1 - 0,2i", z(0.1, -0.2)),
            ("1e-3-2E+2J", z(1e-3, -200.0)),
            ("i", z(0.0, 1.0)),
            ("1-j", z(1.0, -1.0)),
            ("+3.+0.j", z(3.0, 0.0)),
        ] {
            assert_eq!(parse_complex(text), Some(expected), "{text}");
        }
        for text in ["", "x", "1+2", "nan", "1+infj", "1,2,3", "--1", "1jj"] {
            assert_eq!(parse_complex(text), None, "{text}");
        }
    }

    #[test]
    fn separators_headers_and_comments() {
        let expected = DMatrix::from_row_slice(2, 3, &[1.0, 2.5, 3.0, 4.0, 5.0, 6.0]).map(Complex64::from);
        for text in [
            "1,2.5,3\n4,5,6\n",
            "# weights\na,b,c\n1, 2.5, 3\n4,5,6",
            "1;2,5;3\n4;5;6;\n",
            "1 2.5 3\n\n% next\n4   5 6\r\n",
            "1\t2,5\t3\n4\t5\t6\n",
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        let complex = read("1+2j,0\n(0-1j), 3").unwrap();
        assert_eq!((complex[(0, 0)], complex[(1, 0)]), (Complex64::new(1.0, 2.0), Complex64::new(0.0, -1.0)));
        for (text, expected) in [
            ("1,2\n3\n", "line 2: found 1 numbers, expected 2"),
            ("1,2\n3,x\n", "line 2, column 2: found `x`"),
            ("\n", "no numbers"),
            ("a,b\n", "no numbers"),
            ("upper_mode,transmittance,phase_rad\n1,0.5,0\n", "a column `upper_mode`"),
            ("a,loss_db\n1,2\n", "a column `loss_db`"),
        ] {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }

    #[test]
    fn real_and_imaginary_columns_are_parts_where_a_header_or_a_unitary_says_so() {
        let (c, s) = (0.7f64.cos(), 0.7f64.sin());
        let u = DMatrix::from_row_slice(
            2,
            2,
            &[Complex64::new(c, 0.0), Complex64::new(0.0, s), Complex64::new(0.0, s), Complex64::new(c, 0.0)],
        );
        assert_eq!(read(&format!("{c},0,0,{s}\n0,{s},{c},0\n")).unwrap(), u);
        assert_eq!(read(&format!("{c} 0 0 {s}\n0 {c} {s} 0\n")).unwrap(), u);
        assert_eq!(read("re 0,im 0,re 1,im 1\n1,2,3,4\n").unwrap().shape(), (1, 2));
        // Real weights of the same shape stay real.
        assert_eq!(read("1,2,3,4\n5,6,7,8\n").unwrap().shape(), (2, 4));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for matrix in [
            DMatrix::from_fn(3, 2, |i, j| Complex64::new(0.1 + i as f64, -1e-300 * j as f64)),
            DMatrix::from_fn(2, 3, |i, j| Complex64::from(1.0 / (1 + i + 3 * j) as f64)),
        ] {
            let text = text(Path::new("m.csv"), &matrix).unwrap();
            assert_eq!(read(&text).unwrap(), matrix, "{text}");
        }
        assert!(text(Path::new("m"), &DMatrix::from_element(1, 1, Complex64::new(f64::NAN, 0.0))).is_err());
    }
}
