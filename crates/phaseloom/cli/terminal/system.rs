//! Limits and signals of the operating system that would end the program without a word.

use phaseloom::experiment::ExperimentError;

/// Makes a limit of file size an error of the write, which names the file, and lets `nohup` ignore SIGHUP.
///
/// Threads inherit the block, so this comes before the first thread.
pub fn block_signals() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigSet, Signal};
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGXFSZ);
        if is_ignored(Signal::SIGHUP as u32) {
            signals.add(Signal::SIGHUP);
        }
        // It does not fail for signals that exist.
        let _ = signals.thread_block();
    }
}

/// Whether the parent process made this one ignore a signal, as far as the system says (Linux).
#[cfg(unix)]
fn is_ignored(signal: u32) -> bool {
    let mask = || {
        let text = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = text.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    mask().is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Starts the threads that all processor cores share; without this, their absence would be a panic.
pub fn start_threads() -> anyhow::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().build_global();
    Ok(pool.map_err(|error| ExperimentError::Threads { threads: 0, reason: error.to_string() })?)
}
