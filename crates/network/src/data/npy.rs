//! NumPy's `.npy`: real, complex and integer arrays, either byte order, C or Fortran order.
//!
//! `npyz` reads the header; before it does, the header is bounded here (length, nesting, sizes against the bytes that
//! follow), so that no header can ask for memory or depth that the file does not pay for. Values are held in C order.

use std::path::Path;

use nalgebra::DMatrix;
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr, WriterBuilder};
use num_complex::Complex64;

use super::Batch;
use crate::error::{NetworkError, Result};
use crate::file;

/// What the values of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Real,
    Complex,
}

/// An array as read from a file.
#[derive(Debug)]
pub(crate) struct NpyArray {
    /// Sizes of the axes; empty for a scalar.
    pub shape: Vec<usize>,
    /// Integers, reals or complex numbers.
    pub kind: Kind,
    /// Whether floats have 32 bits or fewer.
    pub single_precision: bool,
    /// Real parts in C order.
    pub real: Vec<f64>,
    /// Imaginary parts in C order; empty unless `kind` is complex.
    pub imaginary: Vec<f64>,
}

/// Longest header that is read [bytes]; NumPy's own headers have 128.
const MAX_HEADER: usize = 64 << 10;
/// Keys of a header.
const KEYS: [&[u8]; 3] = [b"descr", b"fortran_order", b"shape"];
/// 2^53: double precision holds all integers below.
const MOST: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;

fn wrong(path: &Path, place: &str, found: impl Into<String>, expected: impl Into<String>) -> NetworkError {
    let (found, expected) = (found.into(), expected.into());
    NetworkError::Format { path: path.to_owned(), format: "npy", place: place.into(), found, expected }
}

/// Length of the preamble and the header text [bytes], after checks that make parsing it safe.
fn bounded_header(path: &Path, bytes: &[u8]) -> Result<usize> {
    let cut = || wrong(path, "header", format!("{} bytes", bytes.len()), "a whole header; the file is cut off");
    if !bytes.starts_with(b"\x93NUMPY") {
        let found = if bytes.is_empty() { "an empty file" } else { "other bytes" };
        return Err(wrong(path, "first bytes", found, "\\x93NUMPY: this is no .npy file"));
    }
    let (text_start, text_length) = match bytes.get(6) {
        Some(1) => (10, bytes.get(8..10).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))),
        Some(2 | 3) => (12, bytes.get(8..12).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)),
        Some(other) => return Err(wrong(path, "version, byte 6", other.to_string(), "1, 2 or 3; save it again")),
        None => return Err(cut()),
    };
    let text_length = text_length.ok_or_else(cut)?;
    if text_length > MAX_HEADER {
        let expected = format!("at most {MAX_HEADER}; the file is damaged");
        return Err(wrong(path, "header length", text_length.to_string(), expected));
    }
    let text = bytes.get(text_start..text_start + text_length).ok_or_else(cut)?;
    let (mut quote, mut depth, mut digits) = (None, 0_u32, 0_u64);
    let mut sizes = 1_u64;
    let (mut word, mut keys) = (&text[..0], Vec::new());
    for (at, &b) in text.iter().chain(b" ").enumerate() {
        if let Some((open, start)) = quote {
            if b == open {
                word = &text[start..at];
                quote = None;
            }
            if b == b'\\' {
                return Err(wrong(path, "header", "a backslash", "the header of a plain array; save it again"));
            }
            continue;
        }
        if b.is_ascii_digit() {
            digits = digits.saturating_mul(10).saturating_add(u64::from(b - b'0'));
            continue;
        }
        sizes = sizes.saturating_mul(digits.max(1));
        digits = 0;
        match b {
            b'\'' | b'"' => quote = Some((b, at + 1)),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b':' if !KEYS.contains(&word) || keys.contains(&word) => {
                let found =
                    format!("the key `{}`{}", word.escape_ascii(), if keys.contains(&word) { " twice" } else { "" });
                return Err(wrong(
                    path,
                    "header",
                    found,
                    "`descr`, `fortran_order` and `shape`, each once; save it again",
                ));
            }
            b':' => keys.push(word),
            b',' | b' ' | b'\n' => {}
            _ if b"TrueFalse".contains(&b) => {}
            _ => {
                let found = format!("the byte {b:02x}");
                return Err(wrong(path, "header", found, "the header of a plain array; save it again"));
            }
        }
        if depth > 3 {
            return Err(wrong(path, "header", "deeply nested brackets", "the header of a plain array"));
        }
    }
    // An array with a zero size has no data whatever its other sizes are; no real file has more than 2^48 entries.
    if sizes > 1 << 48 {
        let expected = format!("sizes that {} bytes can hold; the file is damaged", bytes.len());
        return Err(wrong(path, "shape", format!("sizes whose product is at least {sizes}"), expected));
    }
    Ok(text_start + text_length)
}

/// Reads an array from the contents of a `.npy` file (or of an entry of an `.npz`).
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<NpyArray> {
    let start = bounded_header(path, bytes)?;
    let header = NpyHeader::from_reader(&bytes[..start])
        .map_err(|e| wrong(path, "header", e.to_string(), "the header of a plain array; save it again"))?;
    let DType::Plain(dtype) = header.dtype() else {
        return Err(wrong(path, "dtype", header.dtype().descr(), "a plain number type, not records"));
    };
    let data = &bytes[start..];
    let shape: Vec<usize> = header.shape().iter().map(|&n| n as usize).collect();
    let unreadable = || {
        let found = match dtype.type_char() {
            TypeChar::Object => "Python objects".to_owned(),
            _ => dtype.to_string(),
        };
        wrong(path, "dtype", found, "f2, f4, f8, c8, c16, integers or bool; convert it with `astype`")
    };
    let width = dtype.num_bytes().filter(|&w| (1..=16).contains(&w)).ok_or_else(unreadable)?;
    let length = shape.iter().try_fold(width, |n, &size| n.checked_mul(size));
    if length != Some(data.len()) {
        let needed = length.map_or("more bytes than can exist".into(), |n| format!("{n} bytes"));
        let expected = format!("{needed} for shape {shape:?} of {dtype}; the file is cut off or damaged");
        return Err(wrong(path, "values", format!("{} bytes", data.len()), expected));
    }
    let (kind, single_precision, mut parts) = decode(&dtype, data).ok_or_else(unreadable)?;
    if header.order() == Order::Fortran && shape.len() > 1 {
        parts = parts.map(|part| c_order(&shape, &part));
    }
    if kind == Kind::Integer
        && let Some(at) = parts[0].iter().position(|v| v.abs() >= MOST)
    {
        let place = format!("value {at} in C order");
        let expected = "integers below 2^53, which double precision holds; round them with `astype(float)`";
        return Err(wrong(path, &place, format!("about {:e}", parts[0][at]), expected));
    }
    let [real, imaginary] = parts;
    Ok(NpyArray { shape, kind, single_precision, real, imaginary })
}

/// Kind, whether single precision, and [real, imaginary] parts in the order of the file; `None` for other types.
fn decode(dtype: &TypeStr, data: &[u8]) -> Option<(Kind, bool, [Vec<f64>; 2])> {
    let big = dtype.endianness() == Endianness::Big;
    macro_rules! read {
        ($type:ty, $to:expr) => {{
            const WIDTH: usize = size_of::<$type>();
            let to = $to;
            let one = |b: &[u8]| {
                let mut raw = [0; WIDTH];
                raw.copy_from_slice(b);
                to(if big { <$type>::from_be_bytes(raw) } else { <$type>::from_le_bytes(raw) })
            };
            data.chunks_exact(WIDTH).map(one).collect::<Vec<f64>>()
        }};
    }
    let split = |pairs: Vec<f64>| {
        [pairs.iter().step_by(2).copied().collect(), pairs.iter().skip(1).step_by(2).copied().collect()]
    };
    let integer = |values| Some((Kind::Integer, false, [values, Vec::new()]));
    let real = |single, values| Some((Kind::Real, single, [values, Vec::new()]));
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
        (TypeChar::Complex, 8) => Some((Kind::Complex, true, split(read!(f32, f64::from)))),
        (TypeChar::Complex, 16) => Some((Kind::Complex, false, split(read!(f64, |v| v)))),
        _ => None,
    }
}

/// Values in C order from values in Fortran order.
fn c_order(shape: &[usize], values: &[f64]) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, &size| {
            let this = *stride;
            *stride *= size;
            Some(this)
        })
        .collect();
    let mut index = vec![0; shape.len()];
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        out.push(values[index.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>()]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// Inputs of a network: rank 2, samples × features in the file. Returns features × samples.
pub(super) fn inputs(path: &Path, bytes: &[u8]) -> Result<Batch> {
    let array = parse(path, bytes)?;
    let [samples, features] = rank_two(path, &array.shape, "(samples, features)")?;
    if array.kind == Kind::Complex {
        let expected = "real numbers: inputs of a network are real; save `.real`, `abs(…)` or both as features";
        return Err(wrong(path, "dtype", "complex numbers", expected));
    }
    super::batch_of_samples(path, features, samples, array.real)
}

/// Labels: rank 1, integers, none negative.
pub(super) fn labels(path: &Path, bytes: &[u8]) -> Result<Vec<usize>> {
    let array = parse(path, bytes)?;
    if array.shape.len() != 1 || array.kind != Kind::Integer {
        let found = format!("{:?} numbers of shape {:?}", array.kind, array.shape);
        return Err(wrong(path, "dtype and shape", found, "integers of rank 1, one label a sample"));
    }
    super::labels_from_values(path, "npy", &array.real)
}

fn rank_two(path: &Path, shape: &[usize], axes: &str) -> Result<[usize; 2]> {
    <[usize; 2]>::try_from(shape).map_err(|_| {
        let found = format!("shape {shape:?}, rank {}", shape.len());
        wrong(path, "shape", found, format!("rank 2, {axes}; use `reshape` before saving"))
    })
}

/// Reads a general complex matrix from a `.npy` file: rank 2, any number type, either byte order, C or Fortran order.
///
/// The second value says whether the file held floats of single precision, whose rounding (1e-7) is then to be
/// expected in the entries.
///
/// # Errors
///
/// If the file cannot be read, is no `.npy` file, is cut off, has not rank 2 or no entries, or holds a NaN or infinity.
pub fn read_matrix_npy(path: &Path) -> Result<(DMatrix<Complex64>, bool)> {
    let file = file::read(path)?;
    let array = parse(path, &file.bytes)?;
    let [rows, columns] = rank_two(path, &array.shape, "(rows, columns)")?;
    if rows == 0 || columns == 0 {
        return Err(wrong(path, "shape", format!("{rows}×{columns}"), "at least one row and one column"));
    }
    for part in [&array.real, &array.imaginary] {
        if let Some(at) = part.iter().position(|v| !v.is_finite()) {
            let place = format!("row {}, column {}", at / columns, at % columns);
            return Err(NetworkError::NotFinite { path: path.to_owned(), place, found: part[at] });
        }
    }
    let value = |at: usize| Complex64::new(array.real[at], array.imaginary.get(at).copied().unwrap_or(0.0));
    Ok((DMatrix::from_fn(rows, columns, |r, c| value(r * columns + c)), array.single_precision))
}

/// Writes a complex matrix as `.npy` of type c16 in C order, under a temporary name that is then renamed.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write_matrix_npy(path: &Path, matrix: &DMatrix<Complex64>) -> Result<()> {
    let mut bytes = Vec::new();
    let shape = [matrix.nrows() as u64, matrix.ncols() as u64];
    let filled = (|| {
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes).begin_nd()?;
        writer.extend(matrix.row_iter().flat_map(|row| row.iter().copied().collect::<Vec<Complex64>>()))?;
        writer.finish()
    })();
    filled.map_err(|source| NetworkError::Write { path: path.to_owned(), source })?;
    file::write(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn fortran_order_of_any_rank_becomes_c_order() {
        // Entry (i, j, k) of a 2×3×4 array has the value 12 i + 4 j + k.
        let mut fortran = Vec::new();
        for k in 0..4 {
            for j in 0..3 {
                for i in 0..2 {
                    fortran.push(f64::from(12 * i + 4 * j + k));
                }
            }
        }
        let expected: Vec<f64> = (0..24).map(f64::from).collect();
        assert_eq!(c_order(&[2, 3, 4], &fortran), expected);
        assert!(c_order(&[0, 3], &[]).is_empty());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let matrix = DMatrix::from_fn(3, 2, |r, c| Complex64::new(r as f64 + 0.1, -(c as f64)));
        write_matrix_npy(&path, &matrix).unwrap();
        let (back, single) = read_matrix_npy(&path).unwrap();
        assert_eq!(back, matrix);
        assert!(!single);
    }

    #[test]
    fn absurd_headers_are_refused_before_memory_is_asked_for() {
        let path = Path::new("a.npy");
        let nested = format!("{{'descr': {}", "[".repeat(60_000));
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
            &nested,
        ] {
            assert!(parse(path, &npy(header, &[0; 8])).is_err(), "{header:.60}");
        }
        let mut long = b"\x93NUMPY\x02\x00".to_vec();
        long.extend(u32::MAX.to_le_bytes());
        assert!(parse(path, &long).unwrap_err().to_string().contains("header length"));
    }

    #[test]
    fn headers_with_other_keys_and_integers_beyond_double_precision_are_refused() {
        let path = Path::new("a.npy");
        let told = |header: &str, data: &[u8]| parse(path, &npy(header, data)).unwrap_err().to_string();
        let twice = told("{'descr': '<i2', 'fortran_order': False, 'shape': (1,), 'shape': (1,), }", &[5, 0]);
        assert!(twice.contains("the key `shape` twice"), "{twice}");
        let other = told("{'descr': '<i2', 'fortran_order': False, 'shape': (1,), 'extra': 3, }", &[5, 0]);
        assert!(other.contains("the key `extra`"), "{other}");
        for integer in [(1_u64 << 53) + 1, u64::MAX] {
            let bytes = [0_u64.to_le_bytes(), integer.to_le_bytes()].concat();
            let large = told("{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }", &bytes);
            assert!(large.contains("value 1 in C order") && large.contains("2^53"), "{large}");
        }
        let [zero, large] = [0_u64, 1 << 60].map(u64::to_le_bytes);
        let columns = [zero, zero, large, zero].concat();
        let large = told("{'descr': '<u8', 'fortran_order': True, 'shape': (2, 2), }", &columns);
        assert!(large.contains("value 1 in C order"), "{large}");
        let most = ((1_i64 << 53) - 1).to_le_bytes();
        let held = parse(path, &npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", &most)).unwrap();
        assert_eq!(held.real[0].to_bits(), 9_007_199_254_740_991_f64.to_bits());
    }

    #[test]
    fn a_scalar_and_an_empty_array_are_arrays() {
        let path = Path::new("a.npy");
        let scalar = parse(path, &npy("{'descr': '<i2', 'fortran_order': False, 'shape': (), }", &[5, 0])).unwrap();
        assert_eq!((scalar.shape.len(), scalar.real[0] as i64), (0, 5));
        let empty = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }", &[]);
        assert!(parse(path, &empty).unwrap().real.is_empty());
        assert!(inputs(path, &empty).is_err());
    }
}
