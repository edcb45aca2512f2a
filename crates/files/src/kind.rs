//! The kind of a file, from its first bytes or its keys, for messages about a file in the wrong place.

use std::io::Read;
use std::path::Path;
use toml::de::DeTable;

/// Maximum size of a TOML file in bytes. Longer files are refused before they are parsed.
pub(crate) const MAX_TOML: u64 = 16 << 20;

/// Formats of others by their first bytes.
const FIRST_BYTES: [(&[u8], &str); 15] = [
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"PK\x03\x04", "a zip archive, such as .npz of NumPy or .pt of PyTorch"),
    (b"\x89HDF\r\n", "an HDF5 file, such as .h5 of Keras or a new .mat of MATLAB"),
    (b"MATLAB 5.0", "a MATLAB file (.mat)"),
    (b"\x80\x02", "a Python pickle, such as an old .pt of PyTorch"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x1f\x8b", "a gzip file, which is read for data alone: unpack it"),
    (b"BZh", "a bzip2 file: unpack it"),
    (b"\xfd7zXZ", "an xz file: unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd file: unpack it"),
    (b"\xff\xfe", "text in UTF-16: save it in UTF-8"),
    (b"\xfe\xff", "text in UTF-16: save it in UTF-8"),
    (b"\x89PNG", "a picture (PNG)"),
];

/// Kinds of TOML files that have no key `format`, each with keys that no other kind has.
const TOML_KEYS: [(&str, &[&str]); 3] = [
    (
        "a process",
        &[
            "splitter_error",
            "phase_error",
            "thermal_crosstalk",
            "heater_limits",
            "insertion_loss",
            "phase_quantization",
            "phase_jitter",
        ],
    ),
    ("an experiment", &["core", "data", "link", "process", "sweep", "trials"]),
    ("a file of spectra", &["interferometer", "waveguide_loss"]),
];

/// A file that is not of the kind that it should be, in words; empty if it is, or if its kind is unknown.
///
/// `expected` is a word of that kind, such as `process` or `program`.
///
/// ```
/// let text = phaseloom_files::other_kind(b"BZh9", "program");
/// assert_eq!(text, "; this is a bzip2 file: unpack it");
/// ```
#[must_use]
pub fn other_kind(bytes: &[u8], expected: &str) -> String {
    match kind(bytes).filter(|kind| expected.is_empty() || !kind.contains(expected)) {
        Some(kind) => format!("; this is {kind}"),
        None => String::new(),
    }
}

/// The kind of a plain file in words, such as `a safetensors file`, from its name and its first bytes; `None` if it is
/// unknown.
#[must_use]
pub fn kind_of_file(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
        return Some(ONNX.to_owned());
    }
    let mut start = Vec::new();
    std::fs::File::open(path).ok()?.take(MAX_TOML).read_to_end(&mut start).ok()?;
    kind(&start)
}

const ONNX: &str = "an ONNX model";

fn kind(bytes: &[u8]) -> Option<String> {
    if let Some((_, kind)) = FIRST_BYTES.iter().find(|(first, _)| bytes.starts_with(first)) {
        return Some((*kind).to_owned());
    }
    // A header of safetensors is its length in eight bytes, then JSON. An ONNX file starts with its version and producer.
    match bytes {
        [_, _, _, _, _, 0, 0, 0, b'{', ..] => return Some("a safetensors file".to_owned()),
        [8, 1..=20, 18, ..] => return Some(ONNX.to_owned()),
        _ => (),
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if let Some(format) = json_format(text) {
        return Some(format!("a JSON file of the format `{format}`"));
    }
    if text.starts_with('{') {
        return Some("a JSON file".to_owned());
    }
    let document = DeTable::parse(text).ok()?;
    let keys: Vec<&str> = document.get_ref().iter().map(|(key, _)| key.get_ref().as_ref()).collect();
    let format = document.get_ref().iter().find(|(key, _)| key.get_ref() == "format");
    if let Some(format) = format.and_then(|(_, value)| value.get_ref().as_str()) {
        return Some(format!("a TOML file of the format `{format}`"));
    }
    let count = |known: &[&str]| keys.iter().filter(|key| known.contains(key)).count();
    let (name, found) = TOML_KEYS.iter().map(|(name, known)| (*name, count(known))).max_by_key(|(_, n)| *n)?;
    (found > 0).then(|| format!("{name} (TOML)"))
}

/// The value of the key `format` of a JSON object.
pub(crate) fn json_format(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let (_, rest) = text.split_once("\"format\"")?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    value.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_from_first_bytes_and_keys() {
        let of = |bytes: &[u8]| other_kind(bytes, "program");
        assert_eq!(of(b"BZh91AY"), "; this is a bzip2 file: unpack it");
        assert_eq!(of(b"\x01\x02\x00\x00\x00\x00\x00\x00{\"a\""), "; this is a safetensors file");
        assert_eq!(of(b"{\"format\": \"phaseloom-chip\"}"), "; this is a JSON file of the format `phaseloom-chip`");
        assert_eq!(of(b"{\"format\": \"phaseloom-program\"}"), "");
        assert_eq!(of(b"[splitter_error]\nsigma_rad = 0.1"), "; this is a process (TOML)");
        assert_eq!(of(b"model = 'm'\n[data]\n[link]"), "; this is an experiment (TOML)");
        assert_eq!(of(b"format = 'phaseloom-model'"), "; this is a TOML file of the format `phaseloom-model`");
        assert_eq!(of(b"0.1,0.2\n"), "");
        assert_eq!(of(b""), "");
    }
}
