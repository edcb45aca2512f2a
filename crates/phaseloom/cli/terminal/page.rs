//! The page of runs: reads the tables and records of folders, and writes `report.html` and `report.json`.

use super::results::{METADATA, sessions};
use super::shell::{command_line, path_word, quoted};
use anyhow::Context;
use phaseloom::experiment::Outcome;
use phaseloom::files::{check_input_folder, check_replaced, check_replaced_text, read_text};
use phaseloom::report::{REPORT_TABLES, Report, Session, Study};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The page in the folder of a run.
pub const PAGE: &str = "report.html";

/// Its numbers.
const NUMBERS: &str = "report.json";

/// The table of single chips is read up to this size (bytes): a report draws single chips only where there are few.
const MAX_CHIPS: u64 = 4 << 20;

/// The report of folders. `command` is the command line that makes its page.
pub fn report(folders: &[PathBuf], command: &str) -> anyhow::Result<Report> {
    let studies = folders.iter().map(|folder| study(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Report::new(&studies, command)?)
}

/// The command line that makes the page of folders.
pub fn command(folders: &[PathBuf], output: Option<&Path>, template: Option<&Path>) -> String {
    let mut words = vec!["report".to_owned()];
    words.extend(folders.iter().map(|folder| path_word(folder)));
    for (option, path) in [("--template", template), ("-o", output)] {
        words.extend(path.into_iter().flat_map(|path| [option.to_owned(), path_word(path)]));
    }
    command_line(words.iter().map(String::as_str))
}

/// Checks before any work that a page and its numbers would replace nothing but a page and its numbers. A page by the
/// template of a user is known by the numbers next to it.
pub fn check_target(page: &Path) -> anyhow::Result<()> {
    let numbers = page.with_extension("json");
    check_replaced(&numbers, &[Report::FORMAT]).context("-o")?;
    let has_numbers = numbers.metadata().is_ok_and(|file| file.is_file() && file.len() > 0);
    let is_own = |text: &str| has_numbers || text.contains(Report::GENERATOR);
    check_replaced_text(page, "page of `phaseloom report`", is_own).context("-o")
}

/// The page by a template, whose errors name its file.
pub fn html(report: &Report, template: Option<&str>, path: Option<&Path>) -> anyhow::Result<String> {
    let name = path.map_or_else(|| "the template of Phaseloom".to_owned(), |path| path.display().to_string());
    report.html(template).context(name)
}

/// Writes the page and its numbers to the folder of a finished run.
pub fn write(outcome: &Outcome) -> anyhow::Result<()> {
    let folder = outcome.folder();
    let write = || {
        let folders = [folder.to_owned()];
        let report = report(&folders, &command(&folders, None, None))?;
        let html = html(&report, None, None)?;
        let files = [(PAGE, html.as_bytes()), (NUMBERS, report.json().as_bytes())];
        Ok::<_, anyhow::Error>(outcome.write_together(&files)?)
    };
    let remedy = || {
        format!(
            "the results are complete, but {} could not be written; `{}` writes it again",
            folder.join(PAGE).display(),
            command(&[folder.to_owned()], None, None)
        )
    };
    write().with_context(remedy)
}

/// Reads the tables and records of a folder.
fn study(folder: &Path) -> anyhow::Result<Study> {
    check_input_folder(folder, "the folder of a finished run, which `phaseloom run EXPERIMENT -o DIR` makes")?;
    let mut study = Study::new(folder.display().to_string());
    let records = folder.join(METADATA);
    let metadata: Value = match records.is_file() {
        true => serde_json::from_str(&read_text(&records)?).with_context(|| {
            let remedy =
                "found no JSON, expected the records of a run: restore the file, or repeat the command that wrote it";
            format!("{}: {remedy}", records.display())
        })?,
        false => Value::Null,
    };
    let command = metadata["command"].as_str().unwrap_or("run");
    anyhow::ensure!(
        ["run", "tolerance"].contains(&command),
        "{}: found a folder of `phaseloom {command}`, expected one of run, sweep, yield, tolerance, budget or cost",
        folder.display()
    );
    let sessions = sessions(folder);
    let missing = sessions.last().and_then(|session| session["units_missing"].as_u64()).unwrap_or(0);
    let is_unfinished = missing > 0 || !has_tables(folder) && folder.join("identity.json").is_file();
    anyhow::ensure!(
        !is_unfinished,
        "{}: found a run with missing units, expected a finished one: finish it with `phaseloom run {}`, or merge its \
         shards with `phaseloom merge`",
        folder.display(),
        quoted(&path_word(folder))
    );
    for (key, value) in metadata.as_object().into_iter().flatten() {
        match value {
            Value::Object(settings) => {
                study.settings.extend(settings.iter().map(|(name, value)| (name.clone(), text(value))));
            }
            Value::Array(_) => (),
            value => study.metadata.push((key.clone(), text(value))),
        }
    }
    study.sessions = sessions.iter().filter_map(session).collect();
    for key in REPORT_TABLES {
        let path = folder.join(format!("{key}.csv"));
        let is_read = path.metadata().is_ok_and(|file| key != "table" || file.len() <= MAX_CHIPS);
        if is_read {
            study.add_table(key, &read_text(&path)?)?;
        }
    }
    Ok(study)
}

fn has_tables(folder: &Path) -> bool {
    REPORT_TABLES.iter().any(|key| folder.join(format!("{key}.csv")).is_file())
}

fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.replace(['\n', '\r'], " ")
}

/// A session that computed something, in words.
fn session(record: &Value) -> Option<Session> {
    let arguments: Vec<&str> = record["command"].as_array()?.iter().filter_map(Value::as_str).collect();
    let computed = record["units_computed"].as_u64().unwrap_or(0);
    if computed == 0 && record["how"] != super::results::MERGED {
        return None;
    }
    let command = command_line(arguments.iter().skip(1).copied());
    let named = |key: &str| record[key].as_str().unwrap_or("unknown").to_owned();
    let finished = record["finished_unix_s"].as_u64().map(|seconds| format!("{}, ", date(seconds))).unwrap_or_default();
    let cores = record["cores"].as_u64().map(|cores| format!(", {cores} processor cores")).unwrap_or_default();
    let text = format!(
        "{finished}{:.1} s for {computed} units on {} ({} {}{cores})",
        record["seconds"].as_f64().unwrap_or(0.0),
        named("host"),
        named("system"),
        named("processor")
    );
    Some(Session { command, text })
}

/// The day of a Unix time (s) in UTC, such as `2026-12-01`.
///
/// Days are counted in eras of 400 years of 146 097 days that begin on 1 March, so that the leap day is the last one.
fn date(unix_s: u64) -> String {
    let days = unix_s / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = 400 * era + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_the_calendar() {
        // From `date -u -d @N +%F`.
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_796_047_349, "2026-11-30"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date(seconds), day);
        }
    }
}
