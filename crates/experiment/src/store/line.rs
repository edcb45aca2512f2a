//! A line of `units.jsonl`: a record with a checksum over the line and the identity of its run.

use crate::store::record::Record;
use phaseloom_files::{from_json_strict, hex};
use sha2::{Digest, Sha256};

/// The last key of a line.
const KEY: &str = ",\"checksum\":\"";

/// Digits of a checksum.
const DIGITS: usize = 16;

/// Why a line cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// A record without a checksum.
    #[error("it has no checksum")]
    NoChecksum,
    /// A line whose bytes were changed, or that belongs to another run.
    #[error("its checksum does not fit its contents")]
    Checksum,
    /// A line without a line break.
    #[error("it is incomplete")]
    Incomplete,
    /// No record.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// The line of a record, without its line break. `identity` is that of the run.
pub(super) fn to_line(record: &Record, identity: &str) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    let checksum = checksum(&line, identity);
    line.pop();
    line.extend(KEY.bytes().chain(checksum.bytes()).chain(*b"\"}"));
    Ok(line)
}

/// The record of a line.
pub(super) fn from_line(line: &[u8], identity: &str) -> Result<Record, LineError> {
    let at = line.len().saturating_sub(KEY.len() + DIGITS + 2);
    let (body, end) = line.split_at(at);
    let Some(found) = end.strip_prefix(KEY.as_bytes()).and_then(|end| end.strip_suffix(b"\"}")) else {
        return Err(from_json_strict::<Record>(line).map_or_else(LineError::from, |_| LineError::NoChecksum));
    };
    let body = [body, b"}"].concat();
    match checksum(&body, identity).as_bytes() == found {
        true => Ok(from_json_strict(&body)?),
        false => Err(LineError::Checksum),
    }
}

/// The first digits of SHA-256 over the identity and the line without its checksum.
fn checksum(body: &[u8], identity: &str) -> String {
    let mut digits = hex(&Sha256::new().chain_update(identity).chain_update(body).finalize());
    digits.truncate(DIGITS);
    digits
}
