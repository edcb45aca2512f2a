//! The page of a measurement: tables, figure, and on what it was made.

use crate::common::seconds;
use crate::cpu_time;
use crate::machine::{compiler, date, machine};
use crate::stages::Stages;
use crate::timing::{Timing, growth};
use crate::works::WORKS;
use phaseloom::experiment::VERSION;
use phaseloom::mesh::write_atomically;
use phaseloom::report::{Growth, png, scaling_figure};
use std::error::Error;
use std::fmt::Write;
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
fn grown(timings: &[Timing]) -> Vec<(&'static str, &'static str, Growth)> {
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
    let rows = stages.stages.iter().map(|s| {
        format!(
            "{},{},{},{},{},{}\n",
            s.name.replace(',', ";"),
            s.each_s,
            s.calls,
            s.total_s(),
            s.total_s() / whole,
            s.how.replace(',', ";")
        )
    });
    "stage,each_s,calls,total_s,share,how\n".to_owned() + &rows.collect::<String>()
}

fn readme(timings: &[Timing], stages: &Stages, has_figure: bool) -> String {
    // Writing into a string never fails.
    let mut page = String::new();
    let mut line = |text: String| {
        let _ = writeln!(page, "{text}");
    };
    line("# Speed of the engine\n".into());
    line("Written by `PHASELOOM_PAGE=results/performance cargo bench --bench engine`; do not edit.\n".into());
    line(format!("* machine: {}", machine()));
    line(format!("* phaseloom {VERSION}, {}, {}", compiler(), date()));
    line("* one thread, except where a work says two; double precision, except where it says otherwise".into());
    line("* times are medians of criterion, ours and reference right behind one another\n".into());
    if has_figure {
        line("![Time of each work and of its reference against the size N](figure.svg)\n".into());
    }
    line("## Ratios\n".into());
    line("In [times.csv](times.csv) with all digits.\n".into());
    line("| work | N | ours | reference | its time | ratio | ours for the smallest part |".into());
    line("|---|---:|---:|---|---:|---:|---:|".into());
    for timing in timings {
        let Timing { work, size, ours_s, reference_s } = timing;
        line(format!(
            "| {} | {size} | {} | {} | {} | {:.2} | {} a {} |",
            work.title,
            seconds(*ours_s),
            work.reference,
            seconds(*reference_s),
            timing.ratio(),
            nanoseconds(timing.ns_per_item()),
            work.item
        ));
    }
    line("\n## Growth\n".into());
    line("Exponent p of time ∝ Nᵖ by least squares of the logarithms, with its standard error; in [growth.csv](growth.csv).".into());
    line(
        "An exponent below 3 of an O(N³) work says that small sizes pay overheads, not that large ones grow slower.\n"
            .into(),
    );
    line("| work | whose | p |".into());
    line("|---|---|---:|".into());
    grown(timings).iter().for_each(|(work, who, growth)| line(format!("| {work} | {who} | {growth} |")));
    line("\n## Stages of the main job\n".into());
    line(format!(
        "The run of `examples/mnist`, {} on one thread; in [stages.csv](stages.csv). Stages that the engine carries out in one",
        cpu_time::CLOCK
    ));
    line("loop are told apart by switching parts of the link off. Rows without the real link (two references) are left out.\n".into());
    line("| stage | one call | calls | all | share | how |".into());
    line("|---|---:|---:|---:|---:|---|".into());
    let whole = stages.total_s();
    for stage in &stages.stages {
        let (each, total, share) = (seconds(stage.each_s), seconds(stage.total_s()), 100.0 * stage.total_s() / whole);
        line(format!("| {} | {each} | {} | {total} | {share:.1} % | {} |", stage.name, stage.calls, stage.how));
    }
    line(format!("| all | | | {} | 100 % | |\n", seconds(whole)));
    line(format!(
        "As a check: a whole run of one point and one trial took {}; for its rows with the real link the stages add up to {}.",
        seconds(stages.small_run_s),
        seconds(stages.small_run_by_stages_s)
    ));
    page
}

fn nanoseconds(ns: f64) -> String {
    if ns < 1e4 { format!("{ns:.2} ns") } else { seconds(1e-9 * ns) }
}
