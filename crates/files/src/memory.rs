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
    if bytes < SMALL {
        return Ok(());
    }
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

/// Bytes below which no question is asked: reading the limits takes longer than programming a small core, and a process that
/// lacks them has stopped before.
const SMALL: f64 = 4.0 * 1024.0 * 1024.0;

/// Memory that this process can still take: the least of what the system reports as available (Linux, else 16 GiB), what
/// `ulimit -v` leaves, and what the control group (cgroup v2) of a container or a batch job leaves.
pub(crate) fn available_bytes() -> f64 {
    let system = value_of("/proc/meminfo", "MemAvailable:").map_or(16.0 * GIB, |kib| kib * 1024.0);
    [address_space(), control_group()].into_iter().flatten().fold(system, f64::min)
}

/// The first number after `key` in a file of the kernel.
fn value_of(path: &str, key: &str) -> Option<f64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// What the limit of the address space (`ulimit -v`) leaves to this process (bytes); `None` without a limit, or off Linux.
#[must_use]
pub fn address_space() -> Option<f64> {
    let limit = value_of("/proc/self/limits", "Max address space")?;
    Some((limit - 1024.0 * value_of("/proc/self/status", "VmSize:")?).max(0.0))
}

/// What the control group of this process leaves (bytes).
fn control_group() -> Option<f64> {
    let number = |path: String| -> Option<f64> { std::fs::read_to_string(path).ok()?.trim().parse().ok() };
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let mut group = groups.lines().find_map(|line| line.strip_prefix("0::"))?.trim_end_matches('/');
    let mut least: Option<f64> = None;
    // A parent group may have the limit.
    loop {
        let folder = format!("/sys/fs/cgroup{group}");
        if let (Some(limit), Some(used)) =
            (number(format!("{folder}/memory.max")), number(format!("{folder}/memory.current")))
        {
            // Cached files count as used, and the kernel gives them back.
            let cached = value_of(&format!("{folder}/memory.stat"), "inactive_file ").unwrap_or(0.0);
            let free = (limit - used + cached).max(0.0);
            least = Some(least.map_or(free, |least| least.min(free)));
        }
        match group.rfind('/') {
            Some(at) => group = &group[..at],
            None => return least,
        }
    }
}
