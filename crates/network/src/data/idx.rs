//! IDX, the file format of the MNIST data set.
//!
//! ```text
//! 0 0 type rank | rank × u32 sizes, big endian | values, big endian, C order
//! ```
//!
//! Types: 08 u8, 09 i8, 0b i16, 0c i32, 0d f32, 0e f64. Source: LeCun, Cortes & Burges, the page of
//! the MNIST files.

use std::path::Path;

use phaseloom_files::Reals;

use super::Samples;
use super::labels::StoredLabels;
use crate::error::{NetworkError, Result};

/// Contents of an IDX file.
#[derive(Debug)]
struct Idx {
    /// Sizes of the axes.
    shape: Vec<usize>,
    /// Whether the type is an integer.
    integer: bool,
    /// Values in C order.
    values: Reals,
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Idx> {
    let invalid =
        |place: &str, found: String, expected: &str| NetworkError::format(path, "IDX", place, found, expected);
    let short = || {
        let expected = "a complete header; the file is cut off: download it again";
        invalid("header", format!("{} bytes", bytes.len()), expected)
    };
    let [zero0, zero1, kind, rank] = *bytes.first_chunk::<4>().ok_or_else(short)?;
    if (zero0, zero1) != (0, 0) {
        return Err(invalid("bytes 0–1", format!("{zero0:02x} {zero1:02x}"), "00 00: this is not an IDX file"));
    }
    let width = match kind {
        0x08 | 0x09 => 1,
        0x0b => 2,
        0x0c | 0x0d => 4,
        0x0e => 8,
        _ => {
            let expected = "08, 09, 0b, 0c, 0d or 0e: the file is damaged or of an unknown type";
            return Err(invalid("type, byte 2", format!("{kind:02x}"), expected));
        }
    };
    let start = 4 + 4 * usize::from(rank);
    let sizes = bytes.get(4..start).ok_or_else(short)?;
    let shape: Vec<usize> = sizes.chunks_exact(4).map(|b| be4(b) as usize).collect();
    let expected = shape.iter().try_fold(width as u64, |n, &size| n.checked_mul(size as u64));
    let data = &bytes[start..];
    if rank == 0 || expected != Some(data.len() as u64) {
        let needed = expected.map_or("more bytes than can exist".into(), |n| format!("{n} bytes"));
        let expected = format!("{needed} for the sizes {shape:?} in the header; the file is cut off or damaged");
        return Err(invalid("values", format!("{} bytes", data.len()), &expected));
    }
    let values = match kind {
        0x08 => Reals::Bytes(data.to_vec()),
        0x09 => data.iter().map(|&b| f64::from(b.cast_signed())).collect(),
        0x0b => data.chunks_exact(2).map(|b| f64::from(i16::from_be_bytes([b[0], b[1]]))).collect(),
        0x0c => data.chunks_exact(4).map(|b| f64::from(be4(b).cast_signed())).collect(),
        0x0d => data.chunks_exact(4).map(|b| f64::from(f32::from_bits(be4(b)))).collect(),
        _ => {
            let eight = |b: &[u8]| f64::from_bits(u64::from(be4(b)) << 32 | u64::from(be4(&b[4..])));
            data.chunks_exact(8).map(eight).collect()
        }
    };
    Ok(Idx { shape, integer: kind <= 0x0c, values })
}

/// Four bytes as a big-endian number.
fn be4(b: &[u8]) -> u32 {
    u32::from_be_bytes([b[0], b[1], b[2], b[3]])
}

/// Inputs of a network. The first axis of the file counts samples, the others features.
pub(super) fn inputs(path: &Path, bytes: &[u8]) -> Result<Samples> {
    let idx = parse(path, bytes)?;
    if idx.shape.len() < 2 {
        let expected = "2 or more (samples, then features); is this the file of the labels?";
        let found = format!("rank {}", idx.shape.len());
        return Err(NetworkError::format(path, "IDX", "rank, byte 3", found, expected));
    }
    super::samples(path, &idx.shape, idx.values)
}

/// Labels: rank 1, an integer type.
pub(super) fn labels(path: &Path, bytes: &[u8]) -> Result<StoredLabels> {
    let idx = parse(path, bytes)?;
    if idx.shape.len() != 1 || !idx.integer {
        let found = format!("{} of rank {}", if idx.integer { "integers" } else { "floats" }, idx.shape.len());
        let expected = "integers of rank 1; is this the file of the images?";
        return Err(NetworkError::format(path, "IDX", "type and rank, bytes 2–3", found, expected));
    }
    StoredLabels::from_array(path, "IDX", &idx.shape, &idx.values.into_doubles())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(path: &Path, bytes: &[u8]) -> Result<super::super::Batch> {
        super::inputs(path, bytes).map(|samples| samples.values.to_batch())
    }

    fn file(kind: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, kind, shape.len() as u8];
        shape.iter().for_each(|s| bytes.extend(s.to_be_bytes()));
        bytes.extend(data);
        bytes
    }

    #[test]
    fn reads_every_type() {
        let cases: [(u8, Vec<u8>, [f64; 2]); 6] = [
            (0x08, vec![0, 255], [0.0, 255.0]),
            (0x09, vec![0xff, 127], [-1.0, 127.0]),
            (0x0b, [(-300i16).to_be_bytes(), 5i16.to_be_bytes()].concat(), [-300.0, 5.0]),
            (0x0c, [(-70_000i32).to_be_bytes(), 5i32.to_be_bytes()].concat(), [-70_000.0, 5.0]),
            (0x0d, [1.5f32.to_be_bytes(), (-2.25f32).to_be_bytes()].concat(), [1.5, -2.25]),
            (0x0e, [0.1f64.to_be_bytes(), 1e300f64.to_be_bytes()].concat(), [0.1, 1e300]),
        ];
        for (kind, data, expected) in cases {
            let batch = inputs(Path::new("a.idx"), &file(kind, &[1, 2], &data)).unwrap();
            assert_eq!(batch.shape(), (2, 1));
            assert_eq!(batch.as_slice(), expected);
        }
    }

    #[test]
    fn a_column_of_the_batch_is_a_sample() {
        let Samples { values, shape } =
            super::inputs(Path::new("a.idx"), &file(8, &[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8])).unwrap();
        assert_eq!((values.to_batch().column(1).as_slice(), &*shape), (&[5.0, 6.0, 7.0, 8.0][..], &[2, 2][..]));
    }

    #[test]
    fn sizes_beyond_the_length_are_refused() {
        let path = Path::new("a.idx");
        let huge = file(0x0e, &[u32::MAX, u32::MAX, u32::MAX], &[0; 8]);
        assert!(inputs(path, &huge).unwrap_err().to_string().contains("more bytes than can exist"));
        let error = inputs(path, &file(8, &[60_000, 28, 28], &[0; 100])).unwrap_err().to_string();
        assert!(error.contains("100 bytes") && error.contains("47040000 bytes"), "{error}");
        let complete = file(8, &[2, 2], &[1, 2, 3, 4]);
        for length in 0..complete.len() {
            assert!(inputs(path, &complete[..length]).is_err());
        }
        for at in 0..complete.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = complete.clone();
                bytes[at] ^= flip;
                let _ = inputs(path, &bytes);
                let _ = labels(path, &bytes);
            }
        }
    }

    #[test]
    fn labels_and_images_are_distinguished() {
        let path = Path::new("a.idx");
        assert_eq!(labels(path, &file(8, &[3], &[2, 0, 9])).unwrap(), StoredLabels::Numbers(vec![2, 0, 9]));
        assert!(labels(path, &file(8, &[1, 1], &[2])).unwrap_err().to_string().contains("images"));
        assert!(inputs(path, &file(8, &[3], &[2, 0, 9])).unwrap_err().to_string().contains("labels"));
    }

    #[test]
    fn a_nan_is_named_with_its_place() {
        let data = [1.0f32.to_be_bytes(), f32::NAN.to_be_bytes()].concat();
        let error = inputs(Path::new("a.idx"), &file(0x0d, &[2, 1], &data)).unwrap_err().to_string();
        assert!(error.contains("sample 1, feature 0"), "{error}");
    }
}
