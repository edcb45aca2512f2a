//! The page of a measurement: tables, figure, machine.

use crate::cpu_time;
use crate::harness::{Times, Timing, Work, seconds};
use crate::machine::{compiler, date, machine};
use crate::stages::Stage;
use phaseloom::experiment::VERSION;
use phaseloom::files::{Column, TextTable, to_json, write_atomically};
use phaseloom::report::{PowerLawFit, Table, csv_text, png, scaling_figure};
use std::error::Error;
use std::path::Path;

/// Width of the PNG (pixels).
const PNG_WIDTH: u32 = 1600;

/// Writes the page into a folder, which is made if it does not exist.
pub fn write(folder: &Path, works: &[Work], timings: Vec<Timing>, stages: &[Stage]) -> Result<(), Box<dyn Error>> {
    let timings: Vec<Timing> =
        timings.into_iter().filter(|timing| works.iter().any(|work| work.key == timing.work.key)).collect();
    let fits = fits(works, &timings);
    std::fs::create_dir_all(folder)?;
    let metadata = [
        ("command", "bench".to_owned()),
        ("phaseloom", VERSION.to_owned()),
        ("name", "Time against size on one thread".to_owned()),
        ("machine", machine()),
        ("compiler", compiler()),
        ("date", date()),
    ];
    let times = csv_text(&TIMES, timings.iter().map(times_row))?;
    let growth = fits.iter().map(|(work, who, fit)| {
        vec![(*work).to_owned(), (*who).to_owned(), fit.exponent.to_string(), fit.standard_error.to_string()]
    });
    let growth = csv_text(&["work", "who", "exponent", "standard_error"], growth)?;
    let stages_csv = csv_text(&STAGES, stages_rows(stages))?;
    // A part of the works may leave nothing to draw.
    let svg = Table::parse(&times).and_then(|table| scaling_figure(&table.with_metadata(metadata.clone())));
    let metadata: serde_json::Map<String, serde_json::Value> =
        metadata.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    let mut files = vec![
        ("times.csv", times.into_bytes()),
        ("growth.csv", growth.into_bytes()),
        ("stages.csv", stages_csv.into_bytes()),
        ("run.json", to_json(&metadata).into_bytes()),
        ("README.md", readme(&timings, &fits, stages, svg.is_ok()).into_bytes()),
    ];
    if let Ok(svg) = svg {
        files.push(("figure.png", png(&svg, PNG_WIDTH)?));
        files.push(("figure.svg", svg.into_bytes()));
    }
    for (name, bytes) in files {
        write_atomically(&folder.join(name), &bytes)?;
    }
    println!("\nwritten to {}", folder.display());
    Ok(())
}

const TIMES: [&str; 9] =
    ["work", "size", "ours_s", "reference", "reference_s", "ratio", "limit", "ours_ns_per_item", "item"];
const STAGES: [&str; 6] = ["stage", "each_s", "calls", "total_s", "share", "how"];

fn times_row(timing: &Timing) -> Vec<String> {
    let Timing { work, size, limit, times } = timing;
    let limit = if limit.is_finite() { limit.to_string() } else { String::new() };
    vec![
        work.title.clone(),
        size.to_string(),
        times.ours_s.to_string(),
        work.reference.to_owned(),
        times.reference_s.to_string(),
        times.ratio.to_string(),
        limit,
        timing.ns_per_item().to_string(),
        work.item.0.to_owned(),
    ]
}

fn stages_rows(stages: &[Stage]) -> impl Iterator<Item = Vec<String>> + '_ {
    let whole: f64 = stages.iter().map(Stage::total_s).sum();
    stages.iter().map(move |stage| {
        let numbers = [stage.each_s, stage.calls as f64, stage.total_s(), stage.total_s() / whole];
        let numbers = numbers.map(|number| number.to_string());
        [vec![stage.name.to_owned()], numbers.to_vec(), vec![stage.how.to_owned()]].concat()
    })
}

/// (work, ours or its reference, fit) of every curve with a fitted exponent.
fn fits<'a>(works: &'a [Work], timings: &[Timing]) -> Vec<(&'a str, &'a str, PowerLawFit)> {
    let curves = |work: &'a Work| {
        let fit = |who: &'a str, time: fn(&Times) -> f64| {
            let own = timings.iter().filter(|timing| timing.work.key == work.key);
            let points: Vec<_> = own.map(|timing| (timing.size as f64, time(&timing.times))).collect();
            Some((work.title.as_str(), who, PowerLawFit::new(&points)?))
        };
        [fit("ours", |times| times.ours_s), fit(work.reference, |times| times.reference_s)]
    };
    works.iter().flat_map(curves).flatten().collect()
}

fn readme(timings: &[Timing], fits: &[(&str, &str, PowerLawFit)], stages: &[Stage], has_figure: bool) -> String {
    let (machine, compiler, date, clock) = (machine(), compiler(), date(), cpu_time::CLOCK);
    let figure = if has_figure {
        "![Time of each work relative to its reference against the size N](figure.svg)\n\n"
    } else {
        ""
    };
    let (left, right) = (Column::left(), Column::right());

    let mut ratios = TextTable::new(0, [left, right, right, left, right, right, right, right]);
    ratios.row(["work", "N", "ours", "reference", "its time", "ratio", "limit", "ours for the smallest part"]);
    for timing in timings {
        let (title, reference) = (timing.work.title.clone(), timing.work.reference.to_owned());
        let (ours, its) = (seconds(timing.times.ours_s), seconds(timing.times.reference_s));
        let ratio = format!("{:.2}", timing.times.ratio);
        let size = timing.size.to_string();
        ratios.row([title, size, ours, reference, its, ratio, timing.limit(), timing.per_item()]);
    }
    let mut growth = TextTable::new(0, [left, left, right]);
    growth.row(["work", "curve", "p"]);
    fits.iter().for_each(|(work, who, fit)| growth.row([*work, *who, &fit.to_string()]));

    let whole: f64 = stages.iter().map(Stage::total_s).sum();
    let mut table = TextTable::new(0, [left, right, right, right, right, left]);
    table.row(["stage", "one call", "calls", "all calls", "share", "how"]);
    for stage in stages {
        let share = format!("{:.1} %", 100.0 * stage.total_s() / whole);
        let (each, total) = (seconds(stage.each_s), seconds(stage.total_s()));
        table.row([stage.name.to_owned(), each, stage.calls.to_string(), total, share, stage.how.to_owned()]);
    }
    table.row(["all", "", "", &seconds(whole), "100 %", ""]);
    let (ratios, growth, stages_table) = (ratios.markdown(), growth.markdown(), table.markdown());
    format!(
        "# Speed of the engine

Written by `PHASELOOM_PAGE=results/performance cargo bench --bench engine`; do not edit.

* machine: {machine}
* phaseloom {VERSION}, {compiler}, {date}
* one thread, except for the works on two threads
* references are products and QR decompositions of faer, of complex matrices in double precision unless a row says
  otherwise
* ours and its reference run in turn; times are medians, and the ratio is the median of the ratios of two runs in turn

{figure}## Ratios

The limit is the largest ratio that the project allows. All digits are in [times.csv](times.csv).

{ratios}
## Growth

The exponent p of time ∝ Nᵖ, by least squares of the logarithms, with its standard error
([growth.csv](growth.csv)). Works with a fixed number of fields are O(N²), the others O(N³). Overheads of small sizes
make the exponent smaller.

{growth}
## Stages of the main job

The run of `examples/mnist`: {clock} on one thread ([stages.csv](stages.csv)). The engine does several stages in one
loop; their times are differences between runs with parts of the link switched off. The two references without the real
link are left out.

{stages_table}"
    )
}
