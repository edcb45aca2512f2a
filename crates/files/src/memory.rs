//! A guard against work that does not fit into memory.

use crate::error::FileError;

const GIB: f64 = 1_073_741_824.0;

/// Refuses work whose arrays would not fit: `bytes` is the peak memory of `what`. NaN bytes do not fit.
///
/// The limit is the memory that the system reports as available (Linux), else 16 GiB.
///
/// # Errors
///
/// [`FileError::TooLarge`] with both numbers.
pub fn require_memory(bytes: f64, what: &str) -> Result<(), FileError> {
    let available = available_bytes();
    if bytes.is_nan() || bytes > available {
        return Err(FileError::TooLarge {
            what: what.to_owned(),
            needed_gib: bytes / GIB,
            available_gib: available / GIB,
        });
    }
    Ok(())
}

/// Memory that the system reports as available (Linux), else 16 GiB.
pub(crate) fn available_bytes() -> f64 {
    let kib = || -> Option<f64> {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    kib().map_or(16.0 * GIB, |kib| kib * 1024.0)
}
