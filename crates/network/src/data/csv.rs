//! CSV: one row per sample, numbers in the feature columns, a whole number or a name in the label column.

use std::path::Path;

use serde::{Deserialize, Serialize};

use phaseloom_files::{Reals, read_key};

use super::labels::{StoredLabels, one_hot, whole};
use super::{Batch, Inputs};
use crate::error::{NetworkError, Result};

/// The columns of features and label in a CSV file.
///
/// If a column is chosen by its name, the first line after `skip_lines` is a header. Otherwise there is no header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CsvColumns {
    /// Number of lines to skip at the top, e.g. 1 for a line of metadata or for an unused header.
    pub skip_lines: usize,
    /// Column of the label, by default the last, or the columns of one-hot labels; an empty list if there is no label.
    ///
    /// It is not read in the file of the inputs if the labels have a file of their own.
    pub label: LabelColumns,
    /// Columns of the features, by default all but the label and the unnamed index that pandas writes first.
    pub features: Option<Features>,
    /// Columns of the targets of a regression: of the file of the targets, or else of that of the inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Features>,
    /// Separator between two values, one ASCII character. The default is a comma.
    pub separator: char,
}

impl Default for CsvColumns {
    fn default() -> Self {
        Self { skip_lines: 0, label: LabelColumns::default(), features: None, targets: None, separator: ',' }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "found another type, expected a column: its name, or its index from 0 (from −1 backwards)"
)]
pub enum Column {
    /// Index from 0, or from −1 backwards from the last column.
    Index(i64),
    /// Name in the header line.
    Name(String),
}

/// The column of the label, or one column for each class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "found another type, expected a column: its name, or its index from 0 (from −1 backwards); or a list of them (one-hot)"
)]
pub enum LabelColumns {
    /// The column of the label.
    One(Column),
    /// One column for each class: 1 in that of the class, 0 in the others.
    OneHot(Vec<Column>),
}

impl Default for LabelColumns {
    fn default() -> Self {
        Self::One(Column::Index(-1))
    }
}

impl LabelColumns {
    /// Whether there is no label: an empty list.
    pub(super) fn is_absent(&self) -> bool {
        self.columns().is_empty()
    }

    fn columns(&self) -> &[Column] {
        match self {
            Self::One(column) => std::slice::from_ref(column),
            Self::OneHot(columns) => columns,
        }
    }
}

/// The columns of the features, or of the targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "found another type, expected columns: a list of names or indices, or { start = 0, end = 64 }"
)]
pub enum Features {
    /// These columns in this order.
    List(Vec<Column>),
    /// A range of indices.
    Range(ColumnRange),
}

/// Columns `start`…`end − 1`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ColumnRange {
    /// First column, from 0.
    pub start: usize,
    /// First column after the range.
    pub end: usize,
}

impl CsvColumns {
    /// Whether a column of these parts is chosen by its name.
    fn has_names(&self, parts: Parts) -> bool {
        let named = |column: &Column| matches!(column, Column::Name(_));
        let any_named = |columns: &Option<Features>| match columns {
            Some(Features::List(list)) => list.iter().any(named),
            _ => false,
        };
        (parts.features && any_named(&self.features))
            || (parts.targets && any_named(&self.targets))
            || (parts.labels && self.label.columns().iter().any(named))
    }
}

/// Maximum number of characters of a cell in a message.
const MAX_FOUND: usize = 200;

/// The parts of a CSV file to read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub features: bool,
    pub labels: bool,
    pub targets: bool,
}

impl Parts {
    pub const NONE: Self = Self { features: false, labels: false, targets: false };
    pub const FEATURES: Self = Self { features: true, ..Self::NONE };
    pub const LABELS: Self = Self { labels: true, ..Self::NONE };
    pub const TARGETS: Self = Self { targets: true, ..Self::NONE };
}

/// The parts of a CSV file. A part that is not requested is empty.
pub(super) struct Contents {
    /// Features × samples.
    pub features: Inputs,
    pub labels: StoredLabels,
    /// Targets × samples.
    pub targets: Batch,
}

/// Reads the requested parts of a CSV file.
pub(super) fn read(path: &Path, bytes: &[u8], columns: &CsvColumns, parts: Parts) -> Result<Contents> {
    let separator =
        u8::try_from(read_key!("data.csv", columns.separator)).ok().filter(u8::is_ascii).ok_or_else(|| {
            let expected = "one ASCII character, e.g. \",\" or \"\\t\"";
            NetworkError::choice(path, "csv.separator", format!("{:?}", columns.separator), expected)
        })?;
    let invalid = |place: String, found: String, expected: &str| {
        let hint = separator_hint(&found, columns.separator);
        // A quotation mark that is not closed makes a cell of the rest of the file.
        let found = match found.char_indices().nth(MAX_FOUND) {
            Some((end, _)) => format!("{}… (is a quotation mark not closed?)", &found[..end]),
            None => found,
        };
        NetworkError::format(path, "CSV", place, found, expected.to_owned() + &hint)
    };
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .trim(csv::Trim::All)
        .from_reader(after_lines(bytes, read_key!("data.csv", columns.skip_lines)));
    let mut plan: Option<Plan> = None;
    let mut header = columns.has_names(parts);
    let (mut features, mut targets, mut labels) = (Reals::default(), Reals::default(), LabelReader::default());
    let mut rows = 0;
    let mut record = csv::StringRecord::new();
    loop {
        let at = |line: u64| format!("line {}", line.saturating_add(columns.skip_lines as u64));
        let more = reader.read_record(&mut record).map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            let found = if matches!(e.kind(), csv::ErrorKind::Utf8 { .. }) {
                "bytes that are no UTF-8".into()
            } else {
                e.to_string()
            };
            invalid(at(line), found, "lines of separated values in UTF-8")
        })?;
        if !more {
            break;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let plan = match &mut plan {
            Some(plan) => plan,
            None => {
                let plan = plan.insert(Plan::new(path, columns, &record, header, parts)?);
                // A file of labels alone whose column was not chosen may have one column for each class.
                let alone = parts == Parts::LABELS && columns.label == LabelColumns::default();
                labels.one_hot = (alone && plan.width > 1).then(Vec::new);
                plan
            }
        };
        if std::mem::take(&mut header) {
            continue;
        }
        if record.len() != plan.width {
            let expected = format!("{} as in the first line", plan.width);
            return Err(invalid(at(line), format!("{} columns", record.len()), &expected));
        }
        rows += 1;
        for (chosen, values, key) in
            [(&plan.features, &mut features, "features"), (&plan.targets, &mut targets, "targets")]
        {
            for &column in chosen {
                let place = || format!("{}, column {column}", at(line));
                let number: f64 = number(&record[column]).ok_or_else(|| {
                    let text = &record[column];
                    let is_missing =
                        ["", "na", "n/a", "nan", "null", "none", "?"].contains(&text.to_lowercase().as_str());
                    let expected = match (is_missing, line) {
                        (true, 2..) => "a number: a value is missing here; remove the row or fill it in".to_owned(),
                        (_, 0 | 1) => format!(
                            "a number; a header line needs a named column, such as `csv = {{ label = \"y\" }}`, or \
                             `skip_lines = 1`; choose the columns with `{key}`"
                        ),
                        _ => format!("a number; choose the columns with `{key}`"),
                    };
                    invalid(place(), format!("`{}`", &record[column]), &expected)
                })?;
                if !number.is_finite() {
                    return Err(NetworkError::not_finite(path, place(), number));
                }
                values.push(number);
            }
        }
        if !plan.labels.is_empty() {
            labels.add(&record, &plan.labels).map_err(|(column, expected)| {
                invalid(format!("{}, column {column}", at(line)), format!("`{}`", &record[column]), expected)
            })?;
        }
    }
    if rows == 0 {
        return Err(invalid("body".into(), "no rows".into(), "at least one row after `skip_lines`"));
    }
    let samples = |values: Reals| Inputs::new(values.len() / rows, values);
    Ok(Contents { features: samples(features), labels: labels.stored(), targets: samples(targets).to_batch() })
}

/// The number of a cell; pandas writes truth values as words.
fn number(cell: &str) -> Option<f64> {
    match cell {
        "True" | "true" => Some(1.0),
        "False" | "false" => Some(0.0),
        other => other.parse().ok(),
    }
}

/// What to write if the values are separated by another character.
fn separator_hint(found: &str, separator: char) -> String {
    let other = [';', '\t', '|'].into_iter().find(|&other| other != separator && found.contains(other));
    other.map_or_else(String::new, |other| {
        format!("; is the separator {other:?}? write `csv = {{ separator = \"{}\" }}`", other.escape_default())
    })
}

/// The labels of a file, row by row.
#[derive(Default)]
struct LabelReader {
    numbers: Vec<i64>,
    names: Vec<String>,
    /// The classes as long as all rows are one-hot.
    one_hot: Option<Vec<usize>>,
}

impl LabelReader {
    /// Adds the label of a row. The error is a column and what is expected there.
    fn add(&mut self, record: &csv::StringRecord, columns: &[usize]) -> Result<(), (usize, &'static str)> {
        const WHOLE: &str = "a whole number or a name; choose the column of the label with `csv.label`";
        const MIXED: &str = "labels that are all numbers or all names; a header line needs a named column, such as \
                             `csv = { label = \"y\" }`, or `skip_lines = 1`";
        let row = |cells: &mut dyn Iterator<Item = &str>| {
            one_hot(&cells.map(|cell| number(cell).unwrap_or(f64::NAN)).collect::<Vec<f64>>())
        };
        let &[column] = columns else {
            let class = row(&mut columns.iter().map(|&column| &record[column]));
            self.numbers.push(class.ok_or((columns[0], "one 1 and otherwise 0 in the columns of `csv.label`"))? as i64);
            return Ok(());
        };
        if let Some(classes) = &mut self.one_hot {
            match row(&mut record.iter()) {
                Some(class) => classes.push(class),
                None => self.one_hot = None,
            }
        }
        let text = &record[column];
        match text.parse::<f64>() {
            Ok(number) => {
                self.numbers.push(whole(number).ok_or((column, WHOLE))?);
                if self.names.is_empty() { Ok(()) } else { Err((column, MIXED)) }
            }
            Err(_) if text.is_empty() => Err((column, WHOLE)),
            Err(_) => {
                self.names.push(text.to_owned());
                if self.numbers.is_empty() { Ok(()) } else { Err((column, MIXED)) }
            }
        }
    }

    fn stored(self) -> StoredLabels {
        match self.one_hot {
            Some(classes) => StoredLabels::Numbers(classes.into_iter().map(|class| class as i64).collect()),
            None if self.names.is_empty() => StoredLabels::Numbers(self.numbers),
            None => StoredLabels::Names(self.names),
        }
    }
}

/// The bytes after the first `count` lines.
fn after_lines(bytes: &[u8], count: usize) -> &[u8] {
    let lines = bytes.split_inclusive(|&b| b == b'\n');
    &bytes[lines.take(count).map(<[u8]>::len).sum()..]
}

/// Columns by index, determined from the first line.
struct Plan {
    width: usize,
    features: Vec<usize>,
    /// The column of the label, or those of one-hot labels.
    labels: Vec<usize>,
    targets: Vec<usize>,
}

impl Plan {
    fn new(path: &Path, columns: &CsvColumns, first: &csv::StringRecord, header: bool, parts: Parts) -> Result<Self> {
        let width = first.len();
        let missing = |key: &str, found: String, expected: String| {
            let hint = if width == 1 { separator_hint(&first[0], columns.separator) } else { String::new() };
            NetworkError::choice(path, format!("csv.{key}"), found, expected + &hint)
        };
        let find = |key: &str, column: &Column| match column {
            Column::Index(index) => {
                let from_front = if *index < 0 { index.saturating_add_unsigned(width as u64) } else { *index };
                usize::try_from(from_front).ok().filter(|&c| c < width).ok_or_else(|| {
                    missing(key, format!("column {index}"), format!("a column of the {width} of the first line"))
                })
            }
            Column::Name(name) => {
                let mut places = (0..width).filter(|&c| header && &first[c] == name);
                match (places.next(), places.next()) {
                    (Some(place), None) => Ok(place),
                    (Some(a), Some(b)) => {
                        let found = format!("column `{name}`, which is the name of the columns {a} and {b}");
                        Err(missing(key, found, "a name that occurs once in the header line, or an index".into()))
                    }
                    (None, _) => {
                        let names: Vec<&str> = first.iter().collect();
                        let expected = format!("a name of the header line: {}", names.join(", "));
                        Err(missing(key, format!("column `{name}`"), expected))
                    }
                }
            }
        };
        let all = |key: &str, list: &[Column]| list.iter().map(|c| find(key, c)).collect::<Result<Vec<_>>>();
        // pandas writes the index of its rows as a first column without a name.
        let index = header && ["", "Unnamed: 0"].contains(&&first[0]);
        let choose = |key: &str, chosen: &Option<Features>, others: &[usize]| match chosen {
            None => Ok((usize::from(index)..width).filter(|c| !others.contains(c)).collect()),
            Some(Features::List(list)) => all(key, list),
            Some(Features::Range(range)) if range.end <= width => Ok((range.start..range.end).collect()),
            Some(Features::Range(range)) => {
                let found = format!("columns {}…{}", range.start, range.end);
                Err(missing(key, found, format!("an end of at most {width}, the columns of the first line")))
            }
        };
        let mut plan = Self { width, features: Vec::new(), labels: Vec::new(), targets: Vec::new() };
        if parts.labels {
            plan.labels = all("label", read_key!("data.csv", columns.label).columns())?;
        }
        if parts.targets {
            plan.targets = choose("targets", &read_key!("data.csv", columns.targets), &[])?;
        }
        if parts.features {
            let others = [&plan.labels[..], &plan.targets].concat();
            plan.features = choose("features", &read_key!("data.csv", columns.features), &others)?;
        }
        for (key, list, requested) in [
            ("label", &plan.labels, false),
            ("targets", &plan.targets, parts.targets),
            ("features", &plan.features, parts.features),
        ] {
            if requested && list.is_empty() {
                return Err(missing(key, "no columns".into(), "at least one column".into()));
            }
            if let Some(k) = (1..list.len()).find(|&k| list[..k].contains(&list[k])) {
                return Err(missing(key, format!("column {} twice", list[k]), "each column once".into()));
            }
        }
        for (others, role) in [(&plan.labels, "label"), (&plan.targets, "target")] {
            if let Some(c) = plan.features.iter().find(|c| others.contains(c)) {
                let (found, expected) = (format!("column {c}, the {role}"), format!("columns without the {role}"));
                return Err(missing("features", found, expected));
            }
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests;
