//! The report of runs: one page for a reader who was not there, and its numbers as JSON.
//!
//! ```text
//! tables, records ── Study ──┬─ verdict ──────────┐
//!                            ├─ figure, inline ───┼─ Page ── templates/report.html ──▶ report.html
//!                            ├─ column, words ────┤
//!                            └─ data ─────────────┴──────────────────────────────────▶ report.json
//! ```
//!
//! A report knows no simulation. A part of the page whose tables a study lacks is absent. To add a part, add a line to
//! `sections` in `section.rs`, and its tables to `LISTINGS` in `column.rs`.

mod column;
mod data;
mod inline;
mod section;
mod shared;
mod study;
#[cfg(test)]
mod tests;
mod verdict;
mod words;

pub use study::{REPORT_TABLES, Session, Study};

use crate::error::ReportError;
use crate::plot::scheme::dark_rules;
use section::Section;
use serde::Serialize;
use verdict::Verdict;

/// Rows of a table in a page and its data. Longer tables stay in their files.
const MAX_ROWS: usize = 300;

const TEMPLATE: &str = include_str!("../../templates/report.html");
const STYLE: &str = include_str!("../../templates/style.css");
const SCRIPT: &str = include_str!("../../templates/script.js");

/// A report: the page and its numbers.
///
/// ```
/// use phaseloom_report::{Report, Study};
///
/// let mut study = Study::new("out");
/// study.add_table("summary", "\
/// row,point,process.phase_error.sigma_rad,chips,accuracy_mean,accuracy_q10,accuracy_q50,accuracy_q90
/// exact,,,1,0.98,0.98,0.98,0.98
/// chips,0,0.01,20,0.97,0.96,0.971,0.975
/// chips,1,0.1,20,0.80,0.70,0.81,0.90
/// ")?;
/// let report = Report::new(&[study], "phaseloom report out")?;
/// assert!(report.sentences()[0].starts_with("Up to phase error σ = 0.01 rad, the median of 20 chips loses at most"));
/// assert!(report.html(None)?.contains("97.10 %"));
/// # Ok::<(), phaseloom_report::ReportError>(())
/// ```
pub struct Report {
    page: Page,
    json: String,
}

/// What a template sees.
#[derive(Serialize)]
struct Page {
    title: String,
    verdicts: Vec<Lead>,
    sections: Vec<Section>,
    origins: Vec<Origin>,
    /// The command line that makes the page.
    command: String,
    style: String,
    script: &'static str,
    data: String,
}

/// The verdict of a study, with its name if there are several.
#[derive(Serialize)]
struct Lead {
    study: Option<String>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Where a study comes from.
#[derive(Serialize)]
struct Origin {
    study: Option<String>,
    commands: Vec<String>,
    facts: Vec<(String, String)>,
}

/// The name of a table in the page and in its data.
fn table_id(study: usize, key: &str) -> String {
    format!("{key}-{study}")
}

impl Report {
    /// The name of the format of [`Report::json`], its value `format`.
    pub const FORMAT: &'static str = "phaseloom-report";

    /// What the first lines of a page hold, by which a page is known.
    pub const GENERATOR: &'static str = "<meta name=\"generator\" content=\"Phaseloom\">";

    /// The report of studies, in their order. `command` is the command line that makes it again.
    ///
    /// # Errors
    /// [`ReportError::NoStudy`] if a study has no table of results. A table lacks a column, or holds something that is no
    /// number.
    pub fn new(studies: &[Study], command: &str) -> Result<Self, ReportError> {
        let is_empty = |study: &&Study| !study.tables.iter().any(|(key, _)| study.is_reported(key));
        let empty = studies.iter().find(is_empty);
        if let Some(folder) = empty.map(|study| study.folder.clone()).or(studies.is_empty().then(String::new)) {
            return Err(ReportError::NoStudy { folder });
        }
        let labels = shared::labels(studies);
        let several = studies.len() > 1;
        let label = |index: usize| several.then(|| labels[index].clone());
        let title = match studies {
            [study] => study.name().to_owned(),
            [first, second] => format!("{} and {}", first.name(), second.name()),
            _ => format!("{} and {} other runs", studies[0].name(), studies.len() - 1),
        };
        let mut verdicts: Vec<Vec<Verdict>> = Vec::new();
        for study in studies {
            let mut own = Vec::new();
            for (key, verdict) in verdict::VERDICTS {
                own.extend(verdict(study).map_err(|error| error.in_file(&study.file(key)))?);
            }
            verdicts.push(own);
        }
        let leads = verdicts.iter().enumerate();
        let leads = leads.filter_map(|(index, own)| Some(Lead { study: label(index), verdict: own.first()?.clone() }));
        let json = data::json(&title, studies, &labels, &verdicts);
        let leads: Vec<Lead> = leads.collect();
        // The head of the page has these sentences already.
        let said: Vec<&str> = leads.iter().map(|lead| lead.verdict.sentence.as_str()).collect();
        let sections = section::sections(studies, &labels, &said)?;
        let drawings: String = sections.iter().flat_map(Section::drawings).collect();
        let page = Page {
            title,
            verdicts: leads,
            sections,
            origins: studies.iter().enumerate().map(|(index, study)| Origin::new(label(index), study)).collect(),
            command: command.to_owned(),
            style: format!("{STYLE}@media screen and (prefers-color-scheme: dark) {{\n{}}}", dark_rules(&drawings)),
            script: SCRIPT.trim_end(),
            // No text of a table ends the element.
            data: json.trim_end().replace('<', "\\u003c"),
        };
        Ok(Self { page, json })
    }

    /// The text of `report.json`. Equal tables give equal bytes.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The first verdict of each study, as a sentence.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        self.page.verdicts.iter().map(|lead| lead.verdict.sentence.clone()).collect()
    }

    /// The page, by a template of the user or by that of Phaseloom.
    ///
    /// # Errors
    /// [`ReportError::Template`] if the template cannot be read or names something that the page does not have.
    pub fn html(&self, template: Option<&str>) -> Result<String, ReportError> {
        let mut environment = minijinja::Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_keep_trailing_newline(true);
        environment.add_filter("unbroken", |text: String| words::unbroken(&text));
        // A misspelt name is an error and no empty place.
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
        let refused = |error: minijinja::Error| ReportError::Template {
            line: error.line().unwrap_or(0),
            problem: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        };
        // The ending turns the escaping of texts on.
        environment.add_template("report.html", template.unwrap_or(TEMPLATE)).map_err(refused)?;
        environment.get_template("report.html").and_then(|page| page.render(&self.page)).map_err(refused)
    }
}

impl Origin {
    fn new(label: Option<String>, study: &Study) -> Self {
        let mut commands: Vec<String> = Vec::new();
        for session in &study.sessions {
            if !commands.contains(&session.command) {
                commands.push(session.command.clone());
            }
        }
        let named = [("phaseloom", "Phaseloom"), ("seed", "seed"), ("identity", "identity")];
        let named = named.iter().filter_map(|(key, name)| Some(((*name).to_owned(), study.metadata(key)?.to_owned())));
        let sessions = study.sessions.iter().map(|session| ("computed".to_owned(), session.text.clone()));
        let facts = named.chain(study.settings.iter().map(|(name, value)| words::setting(name, value))).chain(sessions);
        Self { study: label, commands, facts: facts.collect() }
    }
}
