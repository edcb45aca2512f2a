//! A study of trained networks, which `run` computes and `merge` joins.

use super::Exit;
use super::run::default_folder_of;
use super::terminal::figures::FigureOptions;
use super::terminal::{interrupt, output, results};
use anyhow::Context;
use phaseloom::experiment::{ScoreUnit, Shard};
use phaseloom::files::{Column, ResultTable, ResultValue, Results, TextTable, shortest, write_atomically};
use phaseloom::report::{ReportError, STUDY_FIGURE};
use phaseloom::study::{self, Check, Options, Study, StudyTables, criteria_table};
use std::path::{Path, PathBuf};

/// How a study is computed and shown.
pub struct Run<'a> {
    /// The folder of the results.
    pub output: Option<PathBuf>,
    /// Number of threads, or 0 for one per core.
    pub threads: usize,
    /// The part of the networks to compute.
    pub shard: Shard,
    /// Print the size alone.
    pub dry_run: bool,
    /// Format of the printed results.
    pub format: output::Format,
    /// Style of the figures.
    pub figures: &'a FigureOptions,
}

impl Run<'_> {
    /// Computes the networks of a study that its folder lacks, and prints the results.
    pub fn compute(&self, study: &Study) -> anyhow::Result<Exit> {
        let folder = match (&self.output, study.folder()) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => folder.to_owned(),
            (None, None) => {
                let Shard { part, of } = self.shard;
                let ending = if self.shard == Shard::WHOLE { String::new() } else { format!("-{part}-of-{of}") };
                default_folder_of(&study.path, &ending)
            }
        };
        output::check_output_folder(&folder)?;
        if self.dry_run {
            return self.forecast(study, &folder);
        }
        let bar = output::progress_bar("{bar:40} {pos}/{len} networks, {elapsed} passed, {eta} left");
        let progress = output::counter(&bar);
        let note = |text: &str| output::detail(text);
        let options = Options {
            threads: self.threads,
            shard: self.shard,
            interrupt: interrupt::on_signal(),
            progress: &progress,
            note: &note,
        };
        let outcome = study::run(study, &folder, &options)?;
        bar.finish_and_clear();
        if outcome.interrupted {
            output::status(&format!(
                "interrupted: {} networks are safe in {}, {} are missing; the same command resumes the study",
                outcome.results.len(),
                folder.display(),
                outcome.missing
            ));
            return Ok(Exit::Interrupted);
        }
        let Some(tables) = StudyTables::new(&outcome) else {
            let Shard { part, of } = self.shard;
            output::status(&format!(
                "shard {part}/{of}: {} networks computed, {} of the whole study are missing here; merge the shards with `phaseloom \
                 merge`",
                outcome.computed, outcome.missing
            ));
            return Ok(Exit::Done);
        };
        if outcome.computed == 0 {
            output::status(&format!("{}: this study is finished; nothing was computed", folder.display()));
        }
        finish(&tables, self.format, self.figures)
    }

    /// Prints the size of a study.
    fn forecast(&self, study: &Study, folder: &Path) -> anyhow::Result<Exit> {
        let units = study::Units::read(study)?;
        let networks = units.all().count();
        let spec = &study.spec;
        let mut results = Results::default();
        results.value("folder", folder.display().to_string().as_str());
        results.value("networks", networks);
        results.line(format!("folder    {}", folder.display()));
        results.line(format!(
            "networks  {networks}: {} variants × {} points × {} seeds",
            spec.variant.len(),
            spec.points(),
            spec.seeds.len()
        ));
        let (trainings, experiments) = (spec.training.len(), spec.experiment.len());
        results.line(format!("of each   {trainings} trainings, {} tests", trainings * experiments));
        output::print_results(&results, self.format)?;
        Ok(Exit::Done)
    }
}

/// Writes tables and figure to the folder of a finished study, and prints its results.
pub fn finish(tables: &StudyTables<'_>, format: output::Format, figures: &FigureOptions) -> anyhow::Result<Exit> {
    let outcome = tables.outcome();
    let folder = outcome.store.folder();
    let summary = tables.summary();
    let mut all = vec![summary.clone(), tables.table(), tables.training(), tables.training_summary()];
    all.extend(tables.sequence());
    let metadata = tables.metadata();
    let drawn = results::figure_table(&summary.csv(), &metadata).context("summary.csv")?;
    let svg = match (STUDY_FIGURE.draw)(&drawn, &figures.style()) {
        Err(ReportError::NoRows) => None,
        svg => Some(svg?),
    };
    for table in &all {
        write_atomically(&folder.join(format!("{}.csv", table.key)), table.csv().as_bytes())?;
    }
    write_atomically(&folder.join(results::METADATA), results::metadata_json("run", &metadata).as_bytes())?;
    if let Some(svg) = svg {
        results::write_figure(&folder.join("figure"), svg, *figures)?;
    }
    // A criterion about rows that are not there is no reason to lose the tables.
    let checks = tables.checks()?;
    if !checks.is_empty() {
        let criteria = criteria_table(&checks);
        write_atomically(&folder.join("criteria.csv"), criteria.csv().as_bytes())?;
        all.push(criteria);
    }
    let mut results = Results::default();
    match tables.sequence() {
        Some(sequence) => show(&mut results, tables, &sequence, SEQUENCE),
        None => show(&mut results, tables, &summary, SCORES),
    }
    for check in &checks {
        results.sentence(sentence(check));
    }
    all.into_iter().for_each(|table| results.table(table));
    output::print_results(&results, format)?;
    output::status(&format!("results in {}{}", folder.display(), std::path::MAIN_SEPARATOR));
    Ok(Exit::Done)
}

/// A criterion and its outcome in a sentence.
fn sentence(check: &Check) -> String {
    let word = if check.met { "met" } else { "NOT met" };
    format!(
        "criterion {}: {word} ({}{} ± {}, required {}).",
        check.criterion.name,
        if check.at.is_empty() { String::new() } else { format!("{}: ", check.at) },
        shortest(rounded(check.mean)),
        if check.se.is_finite() { shortest(rounded(check.se)) } else { "unknown".to_owned() },
        check.criterion.required()
    )
}

fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// The columns of a table of text: heading, quantity, and whether it is the difference from the baseline.
type Shown = &'static [(&'static str, &'static str, bool)];

/// Of one task.
const SCORES: Shown = &[("exact", "reference", false), ("on chips", "chips", false), ("difference", "chips", true)];

/// Of a sequence of tasks.
const SEQUENCE: Shown = &[
    ("average", "average_chips", false),
    ("forgetting", "forgetting_chips", false),
    ("difference of the average", "average_chips", true),
];

/// Shows statistics over seeds as a table of text: means with their standard errors.
fn show(results: &mut Results, tables: &StudyTables<'_>, statistics: &ResultTable, shown: Shown) {
    let spec = &tables.outcome().study.spec;
    let header = statistics.columns();
    let at = |name: &str| header.iter().position(|column| column == name);
    let varies = |index: &usize| {
        let mut cells = statistics.rows().iter().map(|row| row[*index].cell());
        cells.next().is_some_and(|first| cells.any(|cell| cell != first))
    };
    let end = at("score").unwrap_or(header.len());
    let keys: Vec<usize> = (0..end).filter(|index| *index == 0 || varies(index)).collect();
    let number =
        |row: &[ResultValue], name: &str| -> Option<f64> { at(name).and_then(|index| row[index].cell().parse().ok()) };
    let is_share = tables.score().unit == ScoreUnit::Percent;
    let (factor, unit) = if is_share { (100.0, " %") } else { (1.0, "") };
    let text = |value: Option<f64>, error: Option<f64>| match (value, error) {
        (None, _) => String::new(),
        (Some(value), Some(error)) => format!("{:.2} ± {:.2}", factor * value, factor * error),
        (Some(value), None) => format!("{:.2}", factor * value),
    };
    let seeds = spec.seeds.len() as f64;
    let shown: Vec<_> = shown.iter().filter(|column| !column.2 || spec.variant.len() > 1).collect();
    let mut table = TextTable::new(2, keys.iter().map(|_| Column::left()).chain(shown.iter().map(|_| Column::right())));
    let short = |index: &usize| header[*index].rsplit('.').next().unwrap_or("").to_owned();
    let heading = |(heading, _, is_difference): &&(&str, &str, bool)| {
        let unit = if *is_difference && is_share { " pt" } else { unit };
        format!("{}{unit}", if heading.starts_with("difference") { "difference" } else { heading })
    };
    table.row(keys.iter().map(short).chain(shown.iter().map(heading)));
    for row in statistics.rows() {
        let cell = |(_, quantity, is_difference): &&(&str, &str, bool)| {
            let of = |ending: &str| number(row, &format!("{quantity}_{ending}")).filter(|value| value.is_finite());
            match is_difference {
                true => text(of("difference"), of("difference_se")),
                false => text(of("mean"), of("sd").filter(|_| seeds > 1.0).map(|sd| sd / seeds.sqrt())),
            }
        };
        table.row(keys.iter().map(|index| row[*index].cell()).chain(shown.iter().map(cell)));
    }
    results.line(format!("{}: {} networks", spec.name, tables.outcome().results.len()));
    results.show(table);
    let baseline = &spec.variant[spec.baseline()].name;
    let what = if tables.sequence().is_some() { "of the average on chips" } else { "on chips" };
    let of = match spec.variant.len() {
        1 => String::new(),
        _ => format!(" Difference: {what}, from `{baseline}`, paired by seed."),
    };
    let error = if seeds > 1.0 { " ± standard error" } else { "" };
    let seeds = if spec.seeds.len() == 1 { "one seed".to_owned() } else { format!("{} seeds", spec.seeds.len()) };
    results.sentence(format!("Mean{error} over {seeds}.{of}"));
}
