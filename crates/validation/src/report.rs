//! All claims with their rows as results and as a Markdown page.

use crate::check::{Row, Verdict, number};
use crate::claim::Claim;
use crate::claims::CLAIMS;
use crate::error::ValidationError;
use crate::setting::{SEED, Setting};
use phaseloom_files::{Column, ColumnText, InvalidValue, ResultTable, Results, TextTable, WIDTH, wrap};

/// Columns of the text: verdict and row, predicted, measured, standard error.
const COLUMNS: [Column; 4] = [
    Column::left().min_width(MAX_LABEL + 2),
    Column::right().min_width(9),
    Column::right().min_width(9).gap(1),
    Column::left().min_width(11).gap(1),
];

/// A longer label of a row has a line of its own.
const MAX_LABEL: usize = 42;

/// Columns of `claims.csv`: name, unit, meaning.
pub const CLAIMS_COLUMNS: [ColumnText; 14] = [
    ("claim", "", "Key of the claim."),
    ("row", "", "Case of the claim."),
    ("unit", "", "Unit of the next numbers; 1 for a pure number."),
    ("predicted", "of the row", "Value to be met."),
    (
        "origin",
        "",
        "Origin of that value: `law` (a formula), `published` (a paper or its raw data), `reference` (an independent program) \
         or `bound` (a limit).",
    ),
    ("measured", "of the row", "Value of the simulated machine; empty if the row was skipped."),
    ("standard_error", "of the row", "Standard error of the measured value; 0 if nothing is random."),
    ("draws", "", "Number of random draws; 1 if nothing is random, 0 if the row was skipped."),
    ("share", "1", "(measured − predicted)/allowed: within −1…1 for a pass; of a bound the share that is used up."),
    ("verdict", "", "`pass`, `FAIL` or `skipped`."),
    ("criterion", "", "Allowed difference, and the nearest wrong law that the measurement must exclude."),
    ("remark", "", "Reason of a failure or a skipped row, and other remarks."),
    ("series", "", "Line of the row in `matrix-error.svg`; empty for other rows."),
    ("x", "rad", "σ of the row in `matrix-error.svg`; empty for other rows."),
];

/// One claim with its rows.
#[derive(Debug)]
pub struct Outcome {
    /// The claim.
    pub claim: &'static Claim,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A complete validation.
#[derive(Debug)]
pub struct Report {
    seed: u64,
    quick: bool,
    only: Option<String>,
    outcomes: Vec<Outcome>,
}

impl Report {
    /// Recomputes the claims whose key contains `only`, or all of them. Calls `progress` before each.
    ///
    /// # Errors
    ///
    /// [`ValidationError::UnknownClaim`] if no key contains `only`, [`ValidationError::Interrupted`], or an
    /// error of the simulator.
    pub fn new(
        setting: &Setting<'_>,
        only: Option<&str>,
        progress: &dyn Fn(usize, usize, &Claim),
    ) -> Result<Self, ValidationError> {
        let chosen: Vec<&'static Claim> =
            CLAIMS.iter().copied().filter(|claim| only.is_none_or(|part| claim.key.contains(part))).collect();
        if let (true, Some(found)) = (chosen.is_empty(), only) {
            let known = CLAIMS.iter().map(|claim| claim.key).collect::<Vec<_>>().join(", ");
            let expected = format!("a part of one of the keys {known}");
            return Err(ValidationError::UnknownClaim(InvalidValue::new("--only", found, expected)));
        }
        let mut outcomes = Vec::with_capacity(chosen.len());
        for (index, claim) in chosen.iter().enumerate() {
            progress(index, chosen.len(), claim);
            outcomes.push(Outcome { claim, rows: (claim.rows)(setting)? });
        }
        Ok(Self { seed: setting.seed, quick: setting.quick, only: only.map(str::to_owned), outcomes })
    }

    /// The claims in order.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Claim, &Row)> {
        self.outcomes.iter().flat_map(|o| o.rows.iter().map(|row| (o.claim, row)))
    }

    /// The rows that fail.
    pub fn failed(&self) -> impl Iterator<Item = (&'static Claim, &Row)> {
        self.rows().filter(|(_, row)| matches!(row.verdict, Verdict::Fail(_)))
    }

    /// The command that reproduces the numbers.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = "phaseloom validate".to_owned();
        if self.quick {
            command += " --quick";
        }
        if let Some(only) = &self.only {
            command += &format!(" --only {only}");
        }
        if self.seed != SEED {
            command += &format!(" --seed {}", self.seed);
        }
        command
    }

    /// One line: the number of rows of each verdict, and how many rows would exceed three standard errors by chance.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |has: fn(&Verdict) -> bool| self.rows().filter(|(_, row)| has(&row.verdict)).count();
        let pass = count(|v| *v == Verdict::Pass);
        let skipped = count(|v| matches!(v, Verdict::Skipped(_)));
        let random = self.rows().filter(|(_, row)| row.standard_error > 0.0).count();
        let claims = self.outcomes.len();
        let failed = self.failed().count();
        let rows = self.rows().count();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        // A normal deviate is beyond three standard errors in 0.27 % of cases.
        format!(
            "{claims} claim{}, {rows} row{}: {pass} pass, {failed} fail, {skipped} skipped; of {random} random rows {:.1} would \
             exceed 3 standard errors by chance",
            plural(claims),
            plural(rows),
            0.0027 * random as f64
        )
    }

    /// What the table was computed from, as the pairs of `run.json`: name, version, seed, and the command that repeats it.
    #[must_use]
    pub fn metadata(&self) -> [(&'static str, serde_json::Value); 4] {
        [
            ("name", "Validation".into()),
            ("phaseloom", env!("CARGO_PKG_VERSION").into()),
            ("seed", self.seed.into()),
            ("arguments", self.command().into()),
        ]
    }

    /// The results: the table `claims`, and the text for the terminal.
    #[must_use]
    pub fn results(&self) -> Results {
        let mut results = Results::default();
        results.value("phaseloom", env!("CARGO_PKG_VERSION"));
        results.value("seed", self.seed);
        results.value("passed", self.failed().next().is_none());
        results.table(self.table());
        for Outcome { claim, rows } in &self.outcomes {
            results.line(format!("{}: {}", claim.key, claim.sentence));
            results.line(format!("  {}", claim.source));
            let mut table = TextTable::new(2, COLUMNS);
            for row in rows {
                let label = format!("{} {}", row.verdict.mark(), row.label);
                let numbers =
                    [number(row.predicted), number(row.measured), format!("± {}", number(row.standard_error))];
                if row.label.chars().count() > MAX_LABEL {
                    table.line(wrap(&format!("  {label}"), WIDTH, 2));
                    table.row([String::new()].into_iter().chain(numbers));
                } else {
                    table.row([label].into_iter().chain(numbers));
                }
                let remark = remark(row);
                if !remark.is_empty() {
                    table.line(wrap(&format!("    {remark}"), WIDTH, 0));
                }
            }
            results.show(table);
        }
        results.line("columns: verdict (✓ pass, ✗ fail, – skipped), row, predicted, measured ± standard error");
        results.sentence(self.summary());
        results
    }

    /// The table `claims`: one row per number that is recomputed. NaN and infinity are missing.
    #[must_use]
    pub fn table(&self) -> ResultTable {
        let mut table = ResultTable::new("claims", &CLAIMS_COLUMNS.map(|(name, ..)| name));
        for (claim, row) in self.rows() {
            table.row([
                claim.key.into(),
                row.label.as_str().into(),
                row.unit.into(),
                row.predicted.into(),
                row.origin.key().into(),
                row.measured.into(),
                row.standard_error.into(),
                row.draws.into(),
                row.share.into(),
                row.verdict.key().into(),
                row.criterion.as_str().into(),
                remark(row).into(),
                row.point.as_ref().map_or("", |p| &p.series).into(),
                row.point.as_ref().map(|p| p.x).into(),
            ]);
        }
        table
    }

    /// The page, with links to `figures` (title, file) in the same folder.
    #[must_use]
    pub fn page(&self, figures: &[(&str, &str)]) -> String {
        let mut page = format!(
            "# Validation\n\nWritten by `{} -o DIR`; do not edit. Phaseloom {}, seed {}.\n\n\
             Every number below is recomputed by the simulator: process → chip → engine. A row passes within three \
             standard errors of the predicted value plus the tolerance of its criterion. If a wrong law is named, the \
             measured value must also exclude it. All digits are in [claims.csv](claims.csv).\n\n{}.\n\n",
            self.command(),
            env!("CARGO_PKG_VERSION"),
            self.seed,
            self.summary()
        );
        for (title, file) in figures {
            page += &format!("![{title}]({file})\n\n");
        }
        let failed: Vec<_> = self.failed().map(|(claim, row)| (claim, row, remark(row))).collect();
        page += &selection("Rows that fail", "", ["predicted", "why"], &failed);
        let noted = self.rows().filter(|(_, row)| !row.note.is_empty());
        let noted: Vec<_> = noted.map(|(claim, row)| (claim, row, row.note.clone())).collect();
        let text = "They include printed values that the simulator does not reproduce, and the references that replace \
                    them.\n\n";
        page += &selection("Values with a remark", text, ["reference", "remark"], &noted);
        for Outcome { claim, rows } in &self.outcomes {
            page += &format!(
                "## {}\n\n{}.\n\n* Source: {}\n* Recomputed: {}\n* Criterion: {}\n\n",
                claim.key, claim.sentence, claim.source, claim.method, claim.criterion
            );
            let (left, right) = (Column::left(), Column::right());
            let mut table = TextTable::new(0, [left, left, right, left, right, right, left, left, left]);
            table.row("row|unit|predicted|origin|measured|draws|criterion|verdict|remark".split('|'));
            for row in rows {
                table.row([
                    &row.label,
                    row.unit,
                    &number(row.predicted),
                    row.origin.key(),
                    &if row.standard_error > 0.0 { uncertain(row) } else { number(row.measured) },
                    &row.draws.to_string(),
                    &row.criterion,
                    row.verdict.key(),
                    &remark(row),
                ]);
            }
            page += &format!("{}\n", table.markdown());
        }
        format!("{}\n", page.trim_end())
    }
}

fn uncertain(row: &Row) -> String {
    format!("{} ± {}", number(row.measured), number(row.standard_error))
}

/// A section with some rows of several claims and a text on each; nothing without rows.
fn selection(title: &str, text: &str, [predicted, remark]: [&str; 2], rows: &[(&Claim, &Row, String)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let (left, right) = (Column::left(), Column::right());
    let mut table = TextTable::new(0, [left, left, right, right, left]);
    table.row(["claim", "row", predicted, "measured", remark]);
    for (claim, row, text) in rows {
        table.row([claim.key, &row.label, &number(row.predicted), &uncertain(row), text]);
    }
    format!("## {title}\n\n{text}{}\n", table.markdown())
}

/// The reason of a failure or omission, and the note.
fn remark(row: &Row) -> String {
    let reason = match &row.verdict {
        Verdict::Pass => "",
        Verdict::Fail(reason) | Verdict::Skipped(reason) => reason,
    };
    [reason, &row.note].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom_hardware::correction::Interrupt;

    #[test]
    fn a_report_knows_its_command_and_refuses_unknown_keys() {
        let interrupt = Interrupt::new();
        let setting = Setting { seed: 7, quick: true, interrupt: &interrupt };
        let report = Report::new(&setting, Some("test_vec"), &|_, _, _| ()).unwrap();
        assert_eq!(report.command(), "phaseloom validate --quick --only test_vec --seed 7");
        assert_eq!((report.outcomes().len(), report.failed().count()), (1, 0));
        assert_eq!(report.table().csv().lines().count(), 1 + 8, "a header and eight rows");
        let text = report.results().written(phaseloom_files::ResultFormat::Table);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let page = report.page(&[("a figure", "a.svg")]);
        assert!(page.contains("![a figure](a.svg)") && page.contains("| pass |") && !page.contains("Rows that fail"));
        let error = Report::new(&setting, Some("no such"), &|_, _, _| ()).unwrap_err().to_string();
        assert!(error.contains("no such") && error.contains("splitter_error"), "{error}");
    }

    #[test]
    fn interruption_ends_it() {
        let interrupt = Interrupt::new();
        interrupt.request();
        let setting = Setting { seed: 7, quick: true, interrupt: &interrupt };
        assert!(matches!(Report::new(&setting, Some("cell"), &|_, _, _| ()), Err(ValidationError::Interrupted)));
    }
}
