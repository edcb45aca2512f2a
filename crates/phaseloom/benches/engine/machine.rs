//! On what and when a page was measured.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Processor, its vector instructions, cores and system, in one line.
pub fn machine() -> String {
    let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let model = model.unwrap_or_else(|| "unnamed processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model} with {}, {cores} cores, {} {}", vectors(), std::env::consts::OS, std::env::consts::ARCH)
}

/// The widest vector instructions that the library finds here, by the same rule: AVX-512 needs all of F, BW, CD, DQ, VL.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn vectors() -> &'static str {
    macro_rules! all {
        ($($feature:tt),*) => { $(is_x86_feature_detected!($feature))&&* };
    }
    if all!("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl") {
        "AVX-512"
    } else if all!("avx2", "fma") {
        "AVX2"
    } else {
        "SSE2"
    }
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn vectors() -> &'static str {
    if cfg!(target_feature = "neon") { "NEON" } else { "no vector instructions that we know" }
}

/// `rustc 1.89.0 (…)`.
pub fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "an unknown compiler".to_owned())
}

/// Today in UTC, `2026-01-31`.
pub fn date() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut days = seconds / 86400;
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}
