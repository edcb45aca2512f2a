//! What a report reads: the tables and records of the folder that one command left.

use crate::error::ReportError;
use crate::report::column::LISTINGS;
use crate::summary::Score;
use crate::table::Table;
use std::path::Path;

/// The keys of the tables that a report reads, which are the stems of their CSV files. A study need not have all.
pub const REPORT_TABLES: [&str; 14] = [
    "summary",
    "table",
    "yield",
    "tolerance",
    "critical",
    "budget",
    "sensitivity",
    "tests",
    "cost",
    "energy",
    "electronics",
    "turning",
    "break-even",
    "design",
];

/// Tables that have a row for every setting or chip, of which there is at least one.
const NEVER_EMPTY: [&str; 5] = ["summary", "table", "yield", "tolerance", "budget"];

/// One command that computed a part of a study.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The command line.
    pub command: String,
    /// When, where and for how long, in words.
    pub text: String,
}

/// The tables and records of one folder of results.
#[derive(Clone, Debug, Default)]
pub struct Study {
    /// The folder as the reader types it.
    pub folder: String,
    /// What the tables were computed from, such as `name`, `identity`, `seed` and `phaseloom`, as in `run.json`.
    pub metadata: Vec<(String, String)>,
    /// Settings on which the results depend, with their names.
    pub settings: Vec<(String, String)>,
    /// The commands that computed it, the first one first.
    pub sessions: Vec<Session>,
    /// Tables by their keys.
    pub(super) tables: Vec<(String, Table)>,
}

impl Study {
    /// A study without tables, of a folder as the reader types it.
    pub fn new(folder: impl Into<String>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }

    /// Adds a table from the text of its CSV file, under one of [`REPORT_TABLES`]. A table without rows is left out, unless
    /// the results of the study are in it.
    ///
    /// # Errors
    /// As [`Table::parse`], and a cell that is not what its column holds. The error names the file.
    pub fn add_table(&mut self, key: &str, csv: &str) -> Result<(), ReportError> {
        let table = match Table::parse(csv) {
            Err(ReportError::NoRows) if !NEVER_EMPTY.contains(&key) => return Ok(()),
            table => table.map_err(|error| error.in_file(&self.file(key)))?,
        };
        if let Some(listing) = LISTINGS.iter().find(|listing| listing.key == key) {
            listing.check(&table).map_err(|error| error.in_file(&self.file(key)))?;
        }
        self.tables.push((key.to_owned(), table));
        Ok(())
    }

    /// The path of the file of a table.
    pub(super) fn file(&self, key: &str) -> String {
        Path::new(&self.folder).join(format!("{key}.csv")).display().to_string()
    }

    /// A value of the metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn name(&self) -> &str {
        self.metadata("name").filter(|name| !name.is_empty()).unwrap_or(&self.folder)
    }

    /// A table without the metadata.
    pub(super) fn table(&self, key: &str) -> Option<&Table> {
        self.tables.iter().find(|(name, _)| name == key).map(|(_, table)| table)
    }

    /// A table with the metadata that a figure reads, and with further pairs.
    pub(super) fn drawn(&self, key: &str, more: &[(&str, String)]) -> Option<Table> {
        let table = self.table(key)?.clone().with_metadata(more.iter().map(|(key, value)| (*key, value.clone())));
        Some(table.with_metadata(self.metadata.clone()))
    }

    /// The score of the runs, from the names of its columns.
    pub(super) fn score(&self) -> Option<&'static Score> {
        Score::in_table(self.table("summary")?)
    }

    /// The scores of the chips; none next to an error budget, whose points are sets of sources.
    pub(super) fn scores(&self) -> Option<&Table> {
        self.table("summary").filter(|summary| summary.column("sources").is_err() || self.table("budget").is_none())
    }

    /// Whether a table is part of the data of the report.
    pub(super) fn is_reported(&self, key: &str) -> bool {
        match key {
            "summary" | "design" => self.scores().is_some(),
            key => LISTINGS.iter().any(|listing| listing.key == key) || ["critical", "break-even"].contains(&key),
        }
    }
}
