//! NumPy's `.npy` format: real, complex and integer arrays, either byte order, C or Fortran order.
//!
//! Values are returned in C order. `npyz` parses the header, after a check that its nesting and sizes are small enough
//! for that; the sizes are then compared with the number of bytes, so that no header makes the reader allocate memory.

mod reals;
mod strings;

pub use reals::Reals;
pub use strings::parse_npy_strings;

use crate::error::FileError;
use crate::kind::other_kind;
use crate::text::write::write_atomically;
use nalgebra::DMatrix;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr, WriterBuilder};
use num_complex::Complex64;
use std::path::Path;

/// Kind of the values of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NpyKind {
    /// Integers and booleans.
    Integer,
    /// Real floats.
    Real,
    /// Complex floats.
    Complex,
}

/// An array as read from a file.
#[derive(Clone, Debug)]
pub struct NpyArray {
    /// Sizes of the axes; empty for a scalar.
    pub shape: Vec<usize>,
    /// Integers, reals or complex numbers.
    pub kind: NpyKind,
    /// Whether floats have 32 bits or fewer.
    pub single_precision: bool,
    /// Real parts in C order.
    pub real: Reals,
    /// Imaginary parts in C order; empty unless `kind` is complex.
    pub imaginary: Reals,
}

/// Longest header in bytes. NumPy's own headers have 128; a longer one is a damaged file.
const MAX_HEADER: usize = 64 << 10;
/// Maximum number of brackets of a header; plain arrays have two. The time of the parser is exponential in their number.
const MAX_BRACKETS: usize = 4;
/// Maximum product of all sizes. The parser multiplies them in 64 bits; no real file has as many entries.
const MAX_ENTRIES: u64 = 1 << 48;
/// 2^53: double precision holds all integers below, but not all above.
const MAX_INTEGER: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;

/// The error for contents of a `.npy` file that do not follow the format or do not fit their use.
pub fn npy_error(path: &Path, place: &str, found: impl Into<Box<str>>, expected: impl Into<Box<str>>) -> FileError {
    let (found, expected) = (found.into(), expected.into());
    FileError::Format { path: path.to_owned(), format: "npy", place: place.into(), found, expected }
}

/// Length of preamble and header text in bytes, after checks that make it safe to parse.
fn checked_header_length(path: &Path, bytes: &[u8]) -> Result<usize, FileError> {
    let cut = || npy_error(path, "header", format!("{} bytes", bytes.len()), "a whole header; the file is cut off");
    if !bytes.starts_with(b"\x93NUMPY") {
        let found = if bytes.is_empty() { "an empty file" } else { "other bytes" };
        return Err(npy_error(
            path,
            "first bytes",
            found,
            format!("an array of NumPy (.npy), as `numpy.save` writes it{}", other_kind(bytes, "(.npy)")),
        ));
    }
    let (start, length) = match bytes.get(6) {
        Some(1) => (10, bytes.get(8..10).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))),
        Some(2 | 3) => (12, bytes.get(8..12).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)),
        Some(other) => return Err(npy_error(path, "version, byte 6", other.to_string(), "1, 2 or 3; save it again")),
        None => return Err(cut()),
    };
    let length = length.ok_or_else(cut)?;
    if length > MAX_HEADER {
        let expected = format!("at most {MAX_HEADER}; the file is damaged");
        return Err(npy_error(path, "header length", length.to_string(), expected));
    }
    let text = bytes.get(start..start + length).ok_or_else(cut)?;
    let count = |of: &[u8]| text.iter().filter(|b| of.contains(b)).count();
    if count(b"([{") > MAX_BRACKETS || count(b"\\+") > 0 {
        return Err(npy_error(
            path,
            "header",
            "an expression",
            "the header of a plain array, not records; save it again",
        ));
    }
    let keys = text.split(|&b| b == b':').rev().skip(1).map(|before| {
        String::from_utf8_lossy(before.rsplit(|b| b"{,".contains(b)).next().unwrap_or_default()).trim().to_owned()
    });
    let mut expected = vec!["'shape'", "'fortran_order'", "'descr'"];
    for key in keys {
        let Some(at) = expected.iter().position(|&known| key.replace('"', "'") == known) else {
            let known = "`descr`, `fortran_order` and `shape`, each once; save it again";
            return Err(npy_error(path, "header", format!("the key {key}, unknown or a second time"), known));
        };
        expected.remove(at);
    }
    let words = text.split(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    let mut sizes = words.filter(|word| !word.is_empty() && word.iter().all(u8::is_ascii_digit));
    let product = sizes.try_fold(1_u64, |product, digits| {
        product.checked_mul(std::str::from_utf8(digits).ok()?.parse::<u64>().ok()?.max(1))
    });
    if product.is_none_or(|product| product > MAX_ENTRIES) {
        let expected = format!("sizes that {} bytes can hold; the file is damaged", bytes.len());
        return Err(npy_error(path, "shape", "larger sizes than a file can have", expected));
    }
    Ok(start + length)
}

/// Type, order, shape and the bytes of the values of a file.
struct StoredArray<'a> {
    dtype: TypeStr,
    order: Order,
    shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> StoredArray<'a> {
    fn new(path: &Path, bytes: &'a [u8]) -> Result<Self, FileError> {
        let start = checked_header_length(path, bytes)?;
        let header = NpyHeader::from_reader(&bytes[..start]).map_err(|_| {
            let text = String::from_utf8_lossy(&bytes[10..start.min(110)]).trim().escape_default().to_string();
            npy_error(path, "header", text, "the header of a plain array; save it again with a recent NumPy")
        })?;
        let DType::Plain(dtype) = header.dtype() else {
            return Err(npy_error(path, "dtype", header.dtype().descr(), "a plain number type, not records"));
        };
        let shape = header.shape().iter().map(|&n| n as usize).collect();
        Ok(Self { dtype, order: header.order(), shape, data: &bytes[start..] })
    }
}

/// Checks that there are as many bytes as a shape of values of `width` bytes needs.
fn expect_length(path: &Path, width: usize, shape: &[usize], dtype: &TypeStr, data: &[u8]) -> Result<(), FileError> {
    let length = shape.iter().try_fold(width, |n, &size| n.checked_mul(size));
    if length == Some(data.len()) {
        return Ok(());
    }
    let needed = length.map_or("more bytes than can exist".into(), |n| format!("{n} bytes"));
    let cause = if length.is_some_and(|n| n < data.len()) { "longer than that" } else { "cut off" };
    let expected = format!("{needed} for shape {shape:?} of {dtype}; the file is {cause} or damaged");
    Err(npy_error(path, "values", format!("{} bytes", data.len()), expected))
}

/// Reads an array from the contents of a `.npy` file (or of an entry of an `.npz`).
///
/// # Errors
///
/// [`FileError::Format`] for a damaged file, a type that is no number, and integers beyond double precision.
pub fn parse_npy(path: &Path, bytes: &[u8]) -> Result<NpyArray, FileError> {
    let StoredArray { dtype, order, shape, data } = StoredArray::new(path, bytes)?;
    let unreadable = || {
        let found = match dtype.type_char() {
            TypeChar::Object => "Python objects".to_owned(),
            _ => dtype.to_string(),
        };
        let expected = match dtype.type_char() {
            TypeChar::Object => "numbers; names of classes are strings after `astype(str)`",
            TypeChar::UnicodeStr | TypeChar::ByteStr => "numbers; only labels may be names",
            _ => "f2, f4, f8, c8, c16, integers or bool; convert it with `astype`",
        };
        npy_error(path, "dtype", found, expected)
    };
    let width = dtype.num_bytes().filter(|&w| (1..=16).contains(&w)).ok_or_else(unreadable)?;
    expect_length(path, width, &shape, &dtype, data)?;
    let (kind, single_precision, mut parts) = decode(&dtype, data).ok_or_else(unreadable)?;
    if order == Order::Fortran && shape.len() > 1 {
        parts = parts.map(|part| c_order(&shape, &part));
    }
    if kind == NpyKind::Integer
        && let Some(at) = (0..parts[0].len()).find(|&at| parts[0].at(at).abs() >= MAX_INTEGER)
    {
        let place = format!("value {at} in C order");
        let expected = "integers below 2^53, which double precision holds; round them with `astype(float)`";
        return Err(npy_error(path, &place, format!("about {:e}", parts[0].at(at)), expected));
    }
    let [real, imaginary] = parts;
    Ok(NpyArray { shape, kind, single_precision, real, imaginary })
}

/// Kind, whether single precision, and [real, imaginary] parts in the order of the file; `None` for other types.
fn decode(dtype: &TypeStr, data: &[u8]) -> Option<(NpyKind, bool, [Reals; 2])> {
    let big = dtype.endianness() == Endianness::Big;
    macro_rules! read {
        ($type:ty, $to:expr) => {{
            const WIDTH: usize = size_of::<$type>();
            let to = $to;
            let value = |b: &[u8]| {
                let mut raw = [0; WIDTH];
                raw.copy_from_slice(b);
                to(if big { <$type>::from_be_bytes(raw) } else { <$type>::from_le_bytes(raw) })
            };
            data.chunks_exact(WIDTH).map(value).collect::<Reals>()
        }};
    }
    // Real and imaginary parts alternate.
    let split = |pairs: Reals| [0, 1].map(|first| (first..pairs.len()).step_by(2).map(|at| pairs.at(at)).collect());
    let integer = |values| Some((NpyKind::Integer, false, [values, Reals::default()]));
    let real = |single, values| Some((NpyKind::Real, single, [values, Reals::default()]));
    match (dtype.type_char(), dtype.size_field()) {
        (TypeChar::Bool, 1) | (TypeChar::Uint, 1) => integer(read!(u8, f64::from)),
        (TypeChar::Uint, 2) => integer(read!(u16, f64::from)),
        (TypeChar::Uint, 4) => integer(read!(u32, f64::from)),
        (TypeChar::Uint, 8) => integer(read!(u64, |v: u64| v as f64)),
        (TypeChar::Int, 1) => integer(read!(i8, f64::from)),
        (TypeChar::Int, 2) => integer(read!(i16, f64::from)),
        (TypeChar::Int, 4) => integer(read!(i32, f64::from)),
        (TypeChar::Int, 8) => integer(read!(i64, |v: i64| v as f64)),
        (TypeChar::Float, 2) => real(true, read!(u16, |v: u16| half::f16::from_bits(v).to_f64())),
        (TypeChar::Float, 4) => real(true, read!(f32, f64::from)),
        (TypeChar::Float, 8) => real(false, read!(f64, |v| v)),
        (TypeChar::Complex, 8) => Some((NpyKind::Complex, true, split(read!(f32, f64::from)))),
        (TypeChar::Complex, 16) => Some((NpyKind::Complex, false, split(read!(f64, |v| v)))),
        _ => None,
    }
}

/// Values in C order from values in Fortran order.
fn c_order(shape: &[usize], values: &Reals) -> Reals {
    if values.is_empty() {
        return Reals::default();
    }
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, &size| {
            let current = *stride;
            *stride *= size;
            Some(current)
        })
        .collect();
    let mut index = vec![0; shape.len()];
    let next = |_| {
        let value = values.at(index.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>());
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
        value
    };
    (0..values.len()).map(next).collect()
}

/// The two sizes of an array of rank 2; `axes` names them in the error.
///
/// # Errors
///
/// [`FileError::Format`] for any other rank.
pub fn rank_two(path: &Path, shape: &[usize], axes: &str) -> Result<[usize; 2], FileError> {
    <[usize; 2]>::try_from(shape).map_err(|_| {
        let found = format!("shape {shape:?}, rank {}", shape.len());
        npy_error(path, "shape", found, format!("rank 2, {axes}; use `reshape` before saving"))
    })
}

/// Whether bytes are those of an array of NumPy (`.npy`).
#[must_use]
pub fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x93NUMPY")
}

/// Reads a complex matrix from the bytes of the `.npy` file at `path`: rank 2, any number type, either byte order, C or Fortran
/// order. The second value is true for floats of single precision.
///
/// # Errors
///
/// [`FileError`] if the bytes are no `.npy` file, are cut off, have another rank or no entries, or hold a NaN or infinity.
pub(crate) fn parse_npy_matrix(path: &Path, bytes: &[u8]) -> Result<(DMatrix<Complex64>, bool), FileError> {
    let array = parse_npy(path, bytes)?;
    let [rows, columns] = rank_two(path, &array.shape, "(rows, columns)")?;
    if rows == 0 || columns == 0 {
        return Err(npy_error(path, "shape", format!("{rows}×{columns}"), "at least one row and one column"));
    }
    for part in [&array.real, &array.imaginary] {
        require_finite(path, columns, (0..part.len()).map(|at| part.at(at)))?;
    }
    let imaginary = |at| if array.imaginary.is_empty() { 0.0 } else { array.imaginary.at(at) };
    let value = |at: usize| Complex64::new(array.real.at(at), imaginary(at));
    Ok((DMatrix::from_fn(rows, columns, |r, c| value(r * columns + c)), array.single_precision))
}

/// Checks the entries of a matrix in C order.
fn require_finite(path: &Path, columns: usize, entries: impl Iterator<Item = f64>) -> Result<(), FileError> {
    entries.enumerate().find(|(_, v)| !v.is_finite()).map_or(Ok(()), |(at, found)| {
        let place = format!("row {}, column {}", at / columns, at % columns);
        Err(FileError::NotFinite { path: path.to_owned(), place, found })
    })
}

/// Writes a complex matrix as `.npy` of type c16 in C order.
///
/// # Errors
///
/// [`FileError::Io`] if the file cannot be written, [`FileError::NotFinite`] for a NaN or infinity, which [`read_matrix`](crate::read_matrix)
/// would refuse.
pub fn write_matrix(path: &Path, matrix: &DMatrix<Complex64>) -> Result<(), FileError> {
    // Columns of the transpose are the rows.
    let rows = matrix.transpose();
    require_finite(path, matrix.ncols(), rows.iter().map(|z| z.re))?;
    require_finite(path, matrix.ncols(), rows.iter().map(|z| z.im))?;
    write_rows(path, &rows)
}

/// Writes a real matrix as `.npy` of type f8 in C order.
///
/// # Errors
///
/// As [`write_matrix`].
pub fn write_real_matrix(path: &Path, matrix: &DMatrix<f64>) -> Result<(), FileError> {
    let rows = matrix.transpose();
    require_finite(path, matrix.ncols(), rows.iter().copied())?;
    write_rows(path, &rows)
}

/// Writes a matrix, given by its transpose, in C order.
fn write_rows<T: nalgebra::Scalar + npyz::AutoSerialize>(path: &Path, rows: &DMatrix<T>) -> Result<(), FileError> {
    let mut bytes = Vec::new();
    let shape = [rows.ncols() as u64, rows.nrows() as u64];
    let written = (|| {
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes).begin_nd()?;
        writer.extend(rows.iter())?;
        writer.finish()
    })();
    written.map_err(|source| FileError::Io { path: path.to_owned(), source })?;
    write_atomically(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::read_matrix;

    pub(super) fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn fortran_order_of_any_rank_becomes_c_order() {
        // Entry (i, j, k) of a 2×3×4 array has the value 12 i + 4 j + k.
        let mut fortran = Reals::default();
        for k in 0..4 {
            for j in 0..3 {
                for i in 0..2 {
                    fortran.push(f64::from(12 * i + 4 * j + k));
                }
            }
        }
        let expected: Reals = (0..24).map(f64::from).collect();
        assert_eq!(c_order(&[2, 3, 4], &fortran), expected);
        assert!(c_order(&[0, 3], &Reals::default()).is_empty());
    }

    #[test]
    fn written_matrices_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let matrix = DMatrix::from_fn(3, 2, |r, c| Complex64::new(r as f64 + 0.1, -(c as f64)));
        write_matrix(&path, &matrix).unwrap();
        let (back, single) = read_matrix(&path).unwrap();
        assert_eq!(back, matrix);
        assert!(!single);
        let mut damaged = matrix.clone();
        damaged[(2, 1)].im = f64::NAN;
        let refused = write_matrix(&path, &damaged).unwrap_err();
        assert!(refused.to_string().contains("row 2, column 1: found NaN"), "{refused}");
        assert_eq!(read_matrix(&path).unwrap().0, matrix);
    }

    #[test]
    fn absurd_headers_are_refused_without_allocation() {
        let path = Path::new("a.npy");
        let nested = [5, 40, 60_000].map(|brackets| format!("{{'descr': {}", "{".repeat(brackets)));
        for header in [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 18446744073709551615), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 18446744073709551615, 4294967296, 9), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }",
            "{'descr': '|V99999999999999999999', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f8', 'shape': (1,), }",
            "",
            &nested[0],
            &nested[1],
            &nested[2],
        ] {
            assert!(parse_npy(path, &npy(header, &[0; 8])).is_err(), "{header:.60}");
        }
        let mut long = b"\x93NUMPY\x02\x00".to_vec();
        long.extend(u32::MAX.to_le_bytes());
        assert!(parse_npy(path, &long).unwrap_err().to_string().contains("header length"));
    }

    #[test]
    fn headers_with_other_keys_and_integers_beyond_double_precision_are_refused() {
        let path = Path::new("a.npy");
        let refusal = |header: &str, data: &[u8]| parse_npy(path, &npy(header, data)).unwrap_err().to_string();
        let twice = refusal("{'descr': '<i2', 'fortran_order': False, 'shape': (1,), 'shape': (1,), }", &[5, 0]);
        assert!(twice.contains("the key 'shape'"), "{twice}");
        let other = refusal("{'descr': '<i2', 'fortran_order': False, 'shape': (1,), 'extra': 3, }", &[5, 0]);
        assert!(other.contains("the key 'extra'"), "{other}");
        for integer in [(1_u64 << 53) + 1, u64::MAX] {
            let bytes = [0_u64.to_le_bytes(), integer.to_le_bytes()].concat();
            let large = refusal("{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }", &bytes);
            assert!(large.contains("value 1 in C order") && large.contains("2^53"), "{large}");
        }
        let [zero, large] = [0_u64, 1 << 60].map(u64::to_le_bytes);
        let columns = [zero, zero, large, zero].concat();
        let large = refusal("{'descr': '<u8', 'fortran_order': True, 'shape': (2, 2), }", &columns);
        assert!(large.contains("value 1 in C order"), "{large}");
        let largest = ((1_i64 << 53) - 1).to_le_bytes();
        let exact =
            parse_npy(path, &npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", &largest)).unwrap();
        assert_eq!(exact.real.at(0).to_bits(), 9_007_199_254_740_991_f64.to_bits());
    }

    #[test]
    fn a_scalar_and_an_empty_array_are_arrays() {
        let path = Path::new("a.npy");
        let scalar = parse_npy(path, &npy("{'descr': '<i2', 'fortran_order': False, 'shape': (), }", &[5, 0])).unwrap();
        assert_eq!((scalar.shape.len(), scalar.real.at(0) as i64), (0, 5));
        let empty = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }", &[]);
        assert!(parse_npy(path, &empty).unwrap().real.is_empty());
    }
}
