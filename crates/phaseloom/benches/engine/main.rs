//! Speed of the engine: each work against its reference, as a ratio with a limit, and the page `results/performance`.
//!
//! ```text
//! cargo bench --bench engine                                       every work, and the page in target/performance
//! cargo bench --bench engine -- realise                            works whose key contains "realise", no page
//! cargo bench --bench engine -- waits                              what users wait for, as multiples of commit 41ae654
//! PHASELOOM_PAGE=results/performance cargo bench --bench engine    the page (tables, figure, machine) in that folder
//! ```

#![allow(clippy::print_stdout)] // a benchmark prints its results

mod cpu_time;
mod digit_cnn;
mod harness;
mod inputs;
mod machine;
mod main_job;
mod page;
mod stages;
mod training;
mod waits;
mod works;

use harness::{Timing, print_header};
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    faer::set_global_parallelism(faer::Par::Seq);
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let (page_works, others) = (works::page_works(), works::others());
    let mut timings = Vec::new();
    print_header();
    for work in
        page_works.iter().chain(&others).filter(|work| filter.as_ref().is_none_or(|part| work.key.contains(part)))
    {
        for &(size, limit) in &work.limits {
            let timing = Timing { work, size, limit, times: (work.time)(size) };
            timing.print();
            timings.push(timing);
        }
    }
    if filter.as_ref().is_none_or(|part| "waits".contains(part)) {
        waits::print()?;
    }
    let named = std::env::var_os("PHASELOOM_PAGE").map(PathBuf::from);
    let default = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("performance");
    match named.or_else(|| filter.is_none().then(default)) {
        Some(folder) => page::write(&folder, &page_works, timings, &stages::measure()?),
        None => Ok(()),
    }
}
