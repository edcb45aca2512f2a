//! Times of the engine by criterion: each work and its reference, size by size; then their ratios.
//!
//! ```text
//! cargo bench --bench engine                                            groups and ratios
//! cargo bench --bench engine -- realise                                 one group
//! PHASELOOM_PAGE=results/performance cargo bench --bench engine         all, and the page: tables, figure, machine
//! ```

#![allow(clippy::print_stdout)] // what a benchmark finds, it prints

// One helper serves two benchmarks, neither of which uses all of it.
#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;
mod cpu_time;
mod machine;
mod main_job;
mod page;
mod stages;
mod timing;
mod works;

use criterion::Criterion;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The allocator of the command line.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where criterion keeps what it measured.
fn results() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    faer::set_global_parallelism(faer::Par::Seq);
    let started = SystemTime::now();
    // Few and short samples: medians of ten tell a ratio, and all works together stay within minutes.
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .nresamples(2000)
        .output_directory(&results())
        .without_plots()
        .configure_from_args();
    works::run(&mut criterion);
    criterion.final_summary();

    let timings = timing::since(started, &results());
    timing::print(&timings);
    let Some(folder) = std::env::var_os("PHASELOOM_PAGE").filter(|_| !timings.is_empty()) else { return Ok(()) };
    let stages = stages::measure()?;
    page::write(Path::new(&folder), &timings, &stages)
}
