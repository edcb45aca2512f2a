//! Processor time of the whole process, all threads. Other programs on the machine hardly change it.

/// The kind of time that the clock measures.
pub const CLOCK: &str = if cfg!(unix) { "processor time" } else { "wall time" };

/// Runs `work` and returns its result and its processor time (s), or wall time on systems without processor time.
pub fn measure<R>(work: impl FnOnce() -> R) -> (R, f64) {
    let start = now_s();
    let result = work();
    (result, now_s() - start)
}

#[cfg(unix)]
fn now_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

#[cfg(not(unix))]
fn now_s() -> f64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64()
}
