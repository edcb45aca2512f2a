//! The files of a finished run: tables, figures, provenance.

use super::figures::FigureOptions;
use anyhow::Context;
use phaseloom::experiment::{Outcome, Tables, VERSION};
use phaseloom::files::{read_text, write_atomically};
use phaseloom::report::{FIGURES, MATRIX_FIGURES, Table};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The list of the sessions of a run.
const PROVENANCE: &str = "provenance.json";

/// Writes tables and figures to the folder of the run. Equal experiments give equal bytes.
pub fn write(outcome: &Outcome, tables: &Tables<'_>, options: FigureOptions) -> anyhow::Result<()> {
    // Everything is drawn before the first file is written.
    let mut figures = Vec::new();
    let chips = Table::parse(&tables.table_csv()).context("table.csv")?;
    let summary = Table::parse(&tables.summary_csv()).context("summary.csv")?.with_chips(chips);
    let all = if tables.is_matrix() { MATRIX_FIGURES } else { FIGURES };
    for figure in all {
        let svg = (figure.draw)(&summary, &options.style()).with_context(|| format!("figure `{}`", figure.key))?;
        // The first figure is the figure of the run.
        let stem = if figure.key == all[0].key { "figure".to_owned() } else { format!("figure-{}", figure.key) };
        let files = options.with_pdf_of(&outcome.folder().join(&stem)).formats(svg)?.into_iter();
        figures.extend(files.map(|(ending, bytes)| (format!("{stem}.{ending}"), bytes)));
    }
    tables.write()?;
    Ok(figures.iter().try_for_each(|(name, bytes)| outcome.write(name, bytes))?)
}

/// Writes a figure in every format to a path without ending.
pub fn write_figure(path: &Path, svg: String, options: FigureOptions) -> anyhow::Result<()> {
    let files = options.with_pdf_of(path).formats(svg)?;
    Ok(files.iter().try_for_each(|(ending, bytes)| write_atomically(&path.with_extension(ending), bytes))?)
}

/// Adds this session to `provenance.json`, the only file that depends on the machine and the time.
pub fn provenance(outcome: &Outcome, how: &str, took: Duration) -> anyhow::Result<()> {
    // A damaged list of sessions must not lose a result: the list is started again.
    let mut sessions: Vec<Value> = read_text(&outcome.folder().join(PROVENANCE))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    sessions.push(json!({
        "phaseloom": VERSION,
        "identity": outcome.identity.identity,
        "command": std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>(),
        "how": how,
        "units_computed": outcome.computed,
        "units_missing": outcome.missing,
        "finished_unix_s": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        "seconds": took.as_secs_f64(),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "system": std::env::consts::OS,
        "processor": std::env::consts::ARCH,
        "host": std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim(),
    }));
    Ok(outcome.write(PROVENANCE, (serde_json::to_string_pretty(&sessions)? + "\n").as_bytes())?)
}
