//! Machine, compiler and date of a measurement.

use std::process::Command;

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

/// The widest vector instructions that the library uses here. AVX-512 needs all of F, BW, CD, DQ and VL.
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
    if cfg!(target_feature = "neon") { "NEON" } else { "unknown vector instructions" }
}

/// `rustc 1.89.0 (…)`.
pub fn compiler() -> String {
    output_of("rustc", "--version").unwrap_or_else(|| "an unknown compiler".to_owned())
}

/// Today, `2026-01-31`.
pub fn date() -> String {
    output_of("date", "+%F").unwrap_or_else(|| "an unknown date".to_owned())
}

fn output_of(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}
