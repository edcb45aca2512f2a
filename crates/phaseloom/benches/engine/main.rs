//! Times of the engine by criterion: each work and its reference, size by size; then their ratios.
//!
//! ```text
//! cargo bench --bench engine                                            all: groups, ratios, and the page in target/performance
//! cargo bench --bench engine -- realise                                 one group and its ratios
//! PHASELOOM_PAGE=results/performance cargo bench --bench engine         the page (tables, figure, machine) in that folder
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
    // A part of the works makes no page, if it is not asked for.
    let all = std::env::args().skip(1).all(|argument| argument.starts_with('-'));
    let named = std::env::var_os("PHASELOOM_PAGE").map(PathBuf::from);
    let Some(folder) = named.or_else(|| all.then(|| results().with_file_name("performance"))) else { return Ok(()) };
    if timings.is_empty() {
        return Ok(());
    }
    page::write(&folder, &timings, &stages::measure()?)
}
