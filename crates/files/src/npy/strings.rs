//! Arrays of text, which hold names of classes.

use super::{StoredArray, expect_length, npy_error};
use crate::error::FileError;
use npyz::{Endianness, TypeChar};
use std::path::Path;

/// The strings of an array of text (`<U7`, `|S7`) with at most one axis longer than 1, or `None` for other arrays.
///
/// # Errors
///
/// [`FileError::Format`] for a damaged file, and for text that is no Unicode.
pub fn parse_npy_strings(path: &Path, bytes: &[u8]) -> Result<Option<Vec<String>>, FileError> {
    let StoredArray { dtype, shape, data, .. } = StoredArray::new(path, bytes)?;
    let is_unicode = match dtype.type_char() {
        TypeChar::UnicodeStr => true,
        TypeChar::ByteStr => false,
        _ => return Ok(None),
    };
    if shape.iter().filter(|&&size| size != 1).count() > 1 {
        return Err(npy_error(path, "shape", format!("{shape:?}"), "one string a sample, n or n×1"));
    }
    let count = shape.iter().product::<usize>();
    let width = dtype.num_bytes().filter(|&width| width > 0).unwrap_or(1);
    expect_length(path, width, &shape, &dtype, data)?;
    let big = dtype.endianness() == Endianness::Big;
    let character = |b: &[u8]| {
        let raw = [b[0], b[1], b[2], b[3]];
        char::from_u32(if big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    };
    let text = |stored: &[u8]| match is_unicode {
        true => stored.chunks_exact(4).map(character).collect::<Option<String>>(),
        false => String::from_utf8(stored.to_vec()).ok(),
    };
    let strings = data.chunks_exact(width).take(count).enumerate().map(|(at, stored)| {
        // NumPy fills short strings with zeros.
        let text = text(stored).map(|text| text.trim_end_matches('\0').to_owned());
        text.ok_or_else(|| npy_error(path, &format!("string {at}"), "bytes that are no text", "Unicode; save it again"))
    });
    strings.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::tests::npy;
    use super::*;

    #[test]
    fn strings_of_both_kinds_are_read_without_their_padding() {
        let path = Path::new("y.npy");
        let text = |descr: &str, shape: &str, data: &[u8]| {
            parse_npy_strings(
                path,
                &npy(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), data),
            )
        };
        let unicode: Vec<u8> = "emuφ\0\0".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        assert_eq!(text("<U3", "(2,)", &unicode).unwrap().unwrap(), ["emu", "φ"]);
        let swapped: Vec<u8> = "emuφ\0\0".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
        assert_eq!(text(">U3", "(2, 1)", &swapped).unwrap().unwrap(), ["emu", "φ"]);
        assert_eq!(text("|S4", "(2,)", b"emu\0ox\0\0").unwrap().unwrap(), ["emu", "ox"]);
        assert!(text("<f8", "(1,)", &[0; 8]).unwrap().is_none());
        for (descr, shape, data, part) in [
            ("|S2", "(2,)", &b"abc"[..], "3 bytes"),
            ("|S1", "(2, 2)", b"abcd", "[2, 2]"),
            ("|S1", "(1,)", &[0xff], "string 0: found bytes that are no text"),
            ("<U1", "(1,)", &[0, 0, 0, 0x7f], "string 0"),
        ] {
            let error = text(descr, shape, data).unwrap_err().to_string();
            assert!(error.contains(part), "{error} | {part}");
        }
    }
}
