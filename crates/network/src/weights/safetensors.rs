//! safetensors: a JSON header with names, types and offsets, then the values, little endian.
//!
//! The crate of the format's authors reads and checks the header. It writes its metadata map in a random order, so all
//! metadata are saved under the one key `phaseloom` as a JSON object with sorted keys.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use half::{bf16, f16};
use phaseloom_files::other_kind;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{Tensor, Tensors};
use crate::error::{NetworkError, Result};

const METADATA_KEY: &str = "phaseloom";

fn invalid(path: &Path, place: impl Into<String>, found: impl ToString, expected: &str) -> NetworkError {
    NetworkError::format(path, "safetensors", place, found, expected)
}

/// The tensors of a file.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Tensors> {
    let damaged = |e: safetensors::SafeTensorError| {
        let expected = match other_kind(bytes, "safetensors") {
            other if other.is_empty() => {
                "a header that fits the length of the file; the file is cut off or damaged".into()
            }
            other => format!("a file of safetensors{other}"),
        };
        invalid(path, "header", e, &expected)
    };
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let data = &bytes[8 + header..];
    let mut tensors = Tensors::new();
    for (name, info) in metadata.tensors() {
        let raw = &data[info.data_offsets.0..info.data_offsets.1];
        let values = decode(info.dtype, raw).ok_or_else(|| {
            let expected = "F16, BF16, F32 or F64: weights are real; save it as floats";
            invalid(path, "dtype", format!("type {:?}", info.dtype), expected)
        });
        tensors.keep(&name, values.map(|values| Tensor { shape: info.shape.clone(), values }))?;
    }
    for (key, value) in metadata.metadata().iter().flatten() {
        match serde_json::from_str::<BTreeMap<String, String>>(value) {
            Ok(map) if key == METADATA_KEY => tensors.metadata.extend(map),
            _ => {
                tensors.metadata.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(tensors)
}

/// Little-endian values as f64, or `None` for integers and complex numbers.
fn decode(dtype: Dtype, raw: &[u8]) -> Option<Vec<f64>> {
    let two = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
    Some(match dtype {
        Dtype::F16 => raw.chunks_exact(2).map(|b| f16::from_bits(two(b)).to_f64()).collect(),
        Dtype::BF16 => raw.chunks_exact(2).map(|b| bf16::from_bits(two(b)).to_f64()).collect(),
        Dtype::F32 => raw.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect(),
        Dtype::F64 => {
            raw.chunks_exact(8).map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])).collect()
        }
        _ => return None,
    })
}

/// The bytes of a file with these tensors as f64.
pub(super) fn bytes(path: &Path, tensors: &Tensors) -> Result<Vec<u8>> {
    let raw: Vec<Vec<u8>> =
        tensors.iter().map(|(_, tensor)| tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let refused = |e: safetensors::SafeTensorError| invalid(path, "tensors", e, "tensors that the format can hold");
    let views = tensors
        .iter()
        .zip(&raw)
        .map(|((name, tensor), raw)| Ok((name, TensorView::new(Dtype::F64, tensor.shape.clone(), raw)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(refused)?;
    let metadata = if tensors.metadata.is_empty() {
        None
    } else {
        // Strings always serialise.
        let text = serde_json::to_string(&tensors.metadata).unwrap_or_default();
        Some(HashMap::from([(METADATA_KEY.to_owned(), text)]))
    };
    safetensors::serialize(views, metadata).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn absurd_claims_are_errors() {
        let path = Path::new("a.safetensors");
        for header in [
            r#"{"a":{"dtype":"F64","shape":[18446744073709551615,9],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,18446744073709551615]}}"#,
            r#"{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}"#,
            r#"{"a":1}"#,
            "",
            &"[".repeat(100_000),
        ] {
            assert!(parse(path, &file(header, &[0; 8])).is_err(), "{header:.80}");
        }
        assert!(parse(path, &u64::MAX.to_le_bytes()).is_err());
        assert!(parse(path, &[]).is_err());
        for (dtype, shape) in [("I64", "1"), ("C64", "1"), ("BOOL", "8")] {
            let header = format!(r#"{{"a":{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[0,8]}}}}"#);
            let tensors = parse(path, &file(&header, &[0; 8])).unwrap();
            assert_eq!(tensors.unused(), ["a"]);
            let error = tensors.expect("layer 0", "a", &[1]).unwrap_err().to_string();
            assert!(error.contains(&format!("tensor `a`, dtype: found type {dtype}")), "{error}");
        }
    }
}
