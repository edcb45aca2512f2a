//! The page of a measurement: tables, figure, and on what it was made.

use crate::common::seconds;
use crate::cpu_time;
use crate::machine::{compiler, date, machine};
use crate::stages::{Stage, Stages};
use crate::timing::{Timing, growth};
use crate::works::WORKS;
use phaseloom::experiment::VERSION;
use phaseloom::files::write_atomically;
use phaseloom::report::{PowerLawFit, png, scaling_figure};
use std::error::Error;
use std::path::Path;

/// Width of the PNG (pixels).
const PNG_WIDTH: u32 = 1600;

/// Writes the page into a folder, which is made where it is not there.
pub fn write(folder: &Path, timings: &[Timing], stages: &Stages) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let head = format!(
        "# phaseloom: {VERSION}\n# name: Time against size on one thread\n# machine: {}\n# compiler: {}\n# date: {}\n",
        machine(),
        compiler(),
        date()
    );
    let times = head.clone() + &times_csv(timings);
    let svg = scaling_figure(&times);
    let mut files = vec![
        ("times.csv", times.into_bytes()),
        ("growth.csv", (head.clone() + &growth_csv(timings)).into_bytes()),
        ("stages.csv", (head + &stages_csv(stages)).into_bytes()),
        ("README.md", readme(timings, stages, svg.is_ok()).into_bytes()),
    ];
    // A part of the works may leave nothing to draw.
    if let Ok(svg) = &svg {
        files.push(("figure.png", png(svg, PNG_WIDTH)?));
        files.push(("figure.svg", svg.clone().into_bytes()));
    }
    for (name, bytes) in files {
        write_atomically(&folder.join(name), &bytes)?;
    }
    println!("\nwritten to {}", folder.display());
    Ok(())
}

fn times_csv(timings: &[Timing]) -> String {
    let rows = timings.iter().map(|timing| {
        let Timing { work, size, ours_s, reference_s } = timing;
        let (ratio, ns) = (timing.ratio(), timing.ns_per_item());
        format!("{},{size},{ours_s},{},{reference_s},{ratio},{ns},{}\n", work.title, work.reference, work.item)
    });
    "work,size,ours_s,reference,reference_s,ratio,ours_ns_per_item,item\n".to_owned() + &rows.collect::<String>()
}

/// (title, who, growth) of each line with a fitted exponent.
fn grown(timings: &[Timing]) -> Vec<(&'static str, &'static str, PowerLawFit)> {
    let of = |work| {
        let (ours, theirs) = growth(timings, work);
        [("ours", ours), (work.reference, theirs)].map(|(who, growth)| Some((work.title, who, growth?)))
    };
    WORKS.iter().flat_map(of).flatten().collect()
}

fn growth_csv(timings: &[Timing]) -> String {
    let rows = grown(timings);
    let rows = rows.iter().map(|(work, who, g)| format!("{work},{who},{},{}\n", g.exponent, g.standard_error));
    "work,who,exponent,standard_error\n".to_owned() + &rows.collect::<String>()
}

fn stages_csv(stages: &Stages) -> String {
    let whole = stages.total_s();
    let rows = stages.stages.iter().map(|stage| {
        let (each, total) = (stage.each_s, stage.total_s());
        // Quoted: names and ways hold commas.
        format!("\"{}\",{each},{},{total},{},\"{}\"\n", stage.name, stage.calls, total / whole, stage.how)
    });
    "stage,each_s,calls,total_s,share,how\n".to_owned() + &rows.collect::<String>()
}

fn readme(timings: &[Timing], stages: &Stages, has_figure: bool) -> String {
    let (machine, compiler, date, clock) = (machine(), compiler(), date(), cpu_time::CLOCK);
    let figure =
        if has_figure { "![Time of each work and of its reference against the size N](figure.svg)\n\n" } else { "" };
    let ratios: String = timings.iter().map(ratio_row).collect();
    let growth: String = grown(timings).iter().map(|(work, who, p)| format!("| {work} | {who} | {p} |\n")).collect();
    let whole = stages.total_s();
    let rows: String = stages.stages.iter().map(|stage| stage_row(stage, whole)).collect();
    let (all, small_run) = (seconds(whole), seconds(stages.small_run_s));
    let by_stages = seconds(stages.small_run_by_stages_s);
    format!(
        "# Speed of the engine

Written by `PHASELOOM_PAGE=results/performance cargo bench --bench engine`; do not edit.

* machine: {machine}
* phaseloom {VERSION}, {compiler}, {date}
* one thread, except where a work says two; the allocator of the command line, mimalloc
* products and QR are faer's, of complex matrices in double precision where nothing else is said; what each ratio may be
  at most stands in `crates/phaseloom/benches/ratios.rs`
* times are medians of criterion, first all of ours and then all of its reference

{figure}## Ratios

All digits are in [times.csv](times.csv).

| work | N | ours | reference | its time | ratio | ours for the smallest part |
|---|---:|---:|---|---:|---:|---:|
{ratios}
## PowerLawFit

The exponent p of time ∝ Nᵖ, by least squares of the logarithms, with its standard error
([growth.csv](growth.csv)). What passes a fixed number of fields is O(N²), the rest is O(N³); a smaller exponent says that
small sizes pay overheads.

| work | whose | p |
|---|---|---:|
{growth}
## Stages of the main job

The run of `examples/mnist`: {clock} on one thread ([stages.csv](stages.csv)). What the engine does in one loop is
told apart by switching parts of the link off. The two references without the real link are left out.

| stage | one call | calls | all calls | share | how |
|---|---:|---:|---:|---:|---|
{rows}| all | | | {all} | 100 % | |

As a check, a run of one point and one trial as a whole took {small_run}, with the two references without the real link;
the stages, without these, add up to {by_stages}.
"
    )
}

fn ratio_row(timing: &Timing) -> String {
    let Timing { work, size, ours_s, reference_s } = timing;
    let (ours, theirs, ratio, part) = (seconds(*ours_s), seconds(*reference_s), timing.ratio(), timing.per_item());
    format!("| {} | {size} | {ours} | {} | {theirs} | {ratio:.2} | {part} |\n", work.title, work.reference)
}

fn stage_row(stage: &Stage, whole_s: f64) -> String {
    let (each, total, share) = (seconds(stage.each_s), seconds(stage.total_s()), 100.0 * stage.total_s() / whole_s);
    format!("| {} | {each} | {} | {total} | {share:.1} % | {} |\n", stage.name, stage.calls, stage.how)
}
