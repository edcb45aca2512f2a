//! The files of results: tables, figures, their metadata, provenance.

use super::figures::FigureOptions;
use super::output;
use anyhow::Context;
use clap::Args;
use phaseloom::experiment::{Outcome, Spent, Tables, VERSION, View};
use phaseloom::files::{read_text, to_json, write_atomically};
use phaseloom::report::{FIGURES, MATRIX_FIGURES, ReportError, Table};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The folder of folders of results that no -o names.
pub const RUNS: &str = "phaseloom-runs";

/// The file of a folder of results that says which command wrote it, and what its tables were computed from.
pub const METADATA: &str = "run.json";

/// The options of the results of a run, which the commands that write one share.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ResultOptions {
    /// Also print sizes, predictions and errors of the layers
    #[arg(long)]
    layers: bool,
    /// Also print the accuracy of each class, and the class that chips take it for most often
    #[arg(long)]
    classes: bool,
    /// Print all statistics and the layers, in tables of some 180 columns
    #[arg(long)]
    wide: bool,
    #[command(flatten)]
    pub format: output::Format,
    #[command(flatten)]
    pub figures: FigureOptions,
}

impl ResultOptions {
    /// The same options for results without layers.
    pub fn without_layers(format: output::Format, figures: FigureOptions) -> Self {
        Self { format, figures, ..Self::default() }
    }

    /// The first option of results that is given. A dry run has no results.
    pub fn given(self) -> Option<&'static str> {
        let own = [("--layers", self.layers), ("--classes", self.classes), ("--wide", self.wide)];
        own.into_iter().find_map(|(option, given)| given.then_some(option)).or(self.figures.given())
    }

    /// Prints the results of a run.
    pub fn print(self, tables: &Tables<'_>) -> anyhow::Result<()> {
        output::print_results(
            &tables.results(View { wide: self.wide, layers: self.layers, classes: self.classes }),
            self.format,
        )
    }
}

/// How a session of `phaseloom merge` made its results.
pub const MERGED: &str = "merged";

/// The list of the sessions of a run.
const PROVENANCE: &str = "provenance.json";

/// Writes tables and figures to the folder of the run. Equal experiments give equal bytes.
pub fn write(outcome: &Outcome, tables: &Tables<'_>, options: FigureOptions) -> anyhow::Result<()> {
    // Everything is drawn before the first file is written.
    let mut figures = Vec::new();
    let metadata = tables.metadata();
    let chips = figure_table(&tables.unit_table().csv(), &metadata).context("table.csv")?;
    let summary = figure_table(&tables.summary_table().csv(), &metadata).context("summary.csv")?.with_chips(chips);
    let all = if tables.is_matrix() { MATRIX_FIGURES } else { FIGURES };
    for figure in all {
        // The first figure is the figure of the run; others suit some sweeps only.
        let is_first = figure.key == all[0].key;
        let stem = if is_first { "figure".to_owned() } else { format!("figure-{}", figure.key) };
        let svg = match (figure.draw)(&summary, &options.style()) {
            Err(ReportError::NoRows) if !is_first => continue,
            drawn => drawn.with_context(|| format!("figure `{}`", figure.key))?,
        };
        let files = options.with_pdf_of(&outcome.folder().join(&stem)).formats(svg)?.into_iter();
        figures.extend(files.map(|(ending, bytes)| (format!("{stem}.{ending}"), bytes)));
    }
    tables.write()?;
    outcome.write(METADATA, metadata_json("run", &metadata).as_bytes())?;
    Ok(figures.iter().try_for_each(|(name, bytes)| outcome.write(name, bytes))?)
}

/// The table of a figure, with the metadata that its title and footer name.
pub fn figure_table(csv: &str, metadata: &[(&'static str, Value)]) -> Result<Table, ReportError> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = metadata.iter().map(|(key, value)| (*key, text(value).replace(['\n', '\r'], " ").trim().to_owned()));
    Ok(Table::parse(csv)?.with_metadata(pairs))
}

/// The text of [`METADATA`]: the command that wrote the folder, and what its tables were computed from.
pub fn metadata_json(command: &str, metadata: &[(&'static str, Value)]) -> String {
    let pairs = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    let command = ("command".to_owned(), command.into());
    to_json(&std::iter::once(command).chain(pairs).collect::<serde_json::Map<_, _>>())
}

/// Checks before any work that a folder of results is empty, or was written by the same command, whose files it may replace.
pub fn check_own_folder(folder: &Path, command: &str) -> anyhow::Result<()> {
    output::check_output_folder(folder)?;
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    let found = || read_text(&folder.join(METADATA)).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    anyhow::ensure!(
        is_empty || found().is_some_and(|value| value["command"] == command),
        "-o: {}: found a folder with files that `phaseloom {command}` did not write, expected an empty or new folder, or one \
         of an earlier `phaseloom {command}`: name another folder",
        folder.display()
    );
    Ok(())
}

/// Says where the results of a run are.
pub fn say_where(folder: &Path) {
    let separator = std::path::MAIN_SEPARATOR;
    output::status(&format!(
        "results in {}{separator}: report.html, summary.csv, figure.svg and more",
        folder.display()
    ));
}

/// Writes a figure in every format to a path without ending.
pub fn write_figure(path: &Path, svg: String, options: FigureOptions) -> anyhow::Result<()> {
    let files = options.with_pdf_of(path).formats(svg)?;
    Ok(files.iter().try_for_each(|(ending, bytes)| write_atomically(&path.with_extension(ending), bytes))?)
}

/// The sessions of the run in a folder. A damaged list must not lose a result: the list is started again.
pub fn sessions(folder: &Path) -> Vec<Value> {
    let text = read_text(&folder.join(PROVENANCE)).ok();
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The times of the sessions that computed units, and the diagnosis of the last session.
pub fn spent(folder: &Path) -> Spent {
    let seconds = |value: &Value| Duration::try_from_secs_f64(value.as_f64()?).ok();
    let mut spent = Spent::default();
    for session in sessions(folder) {
        spent.diagnosis = session["diagnosis"].as_str().map(str::to_owned);
        if session["how"] == MERGED || session["units_computed"].as_u64() == Some(0) {
            continue;
        }
        spent.time = spent.time.saturating_add(seconds(&session["seconds"]).unwrap_or_default());
        spent.preparation = spent.preparation.max(seconds(&session["preparation_s"]).unwrap_or_default());
        let chips = session["chip_s"].as_array().map(Vec::as_slice).unwrap_or_default();
        spent.chips.resize(spent.chips.len().max(chips.len()), None);
        for (known, time) in spent.chips.iter_mut().zip(chips) {
            *known = seconds(time).or(*known);
        }
    }
    spent
}

/// Adds this session to `provenance.json`, the only file that depends on the machine and the time.
pub fn provenance(outcome: &Outcome, how: &str, took: Duration, of_parts: Vec<Value>) -> anyhow::Result<()> {
    let mut sessions = sessions(outcome.folder());
    for session in of_parts {
        if !sessions.contains(&session) {
            sessions.push(session);
        }
    }
    sessions.push(json!({
        "phaseloom": VERSION,
        "identity": outcome.identity.identity,
        "command": std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>(),
        "how": how,
        "units_computed": outcome.computed,
        "units_missing": outcome.missing,
        "finished_unix_s": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        "seconds": took.as_secs_f64(),
        "preparation_s": outcome.spent.preparation.as_secs_f64(),
        "chip_s": outcome.spent.chips.iter().map(|time| time.map(|time| time.as_secs_f64())).collect::<Vec<_>>(),
        "diagnosis": outcome.spent.diagnosis,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "system": std::env::consts::OS,
        "processor": std::env::consts::ARCH,
        "host": std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim(),
    }));
    Ok(outcome.write(PROVENANCE, (serde_json::to_string_pretty(&sessions)? + "\n").as_bytes())?)
}
