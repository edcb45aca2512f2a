//! The results that a command prints: named values, tables of typed values and sentences, as text, JSON or CSV.

use crate::printed::wrap::{WIDTH, wrap};
use std::fmt::{Display, Write};

/// A column of a table as the reference describes it: name, unit (empty without one), one sentence.
pub type ColumnText = (&'static str, &'static str, &'static str);

/// One value of a result, with full precision.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultValue {
    /// A value that is unknown, or not defined for this row.
    Missing,
    /// A text.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number. One that is not finite is written as a missing value.
    Number(f64),
    /// A truth value.
    Truth(bool),
    /// A list or table of values. In CSV it is one cell of JSON.
    Structure(serde_json::Value),
}

impl From<f64> for ResultValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for ResultValue {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for ResultValue {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<bool> for ResultValue {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<&str> for ResultValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ResultValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for ResultValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl ResultValue {
    /// The value of JSON.
    #[must_use]
    pub fn from_json(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Missing,
            serde_json::Value::Bool(truth) => Self::Truth(*truth),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Number(number) => match (number.as_u64(), number.as_f64()) {
                (Some(count), _) => Self::Count(count),
                (None, Some(number)) => Self::Number(number),
                _ => Self::Text(number.to_string()),
            },
            other => Self::Structure(other.clone()),
        }
    }

    /// The value as a cell of CSV, without quotation marks; nothing for a missing one.
    #[must_use]
    pub fn cell(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => shortest(*number),
            Self::Truth(truth) => truth.to_string(),
            Self::Structure(value) => value.to_string(),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Missing => serde_json::Value::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Count(count) => (*count).into(),
            Self::Number(number) => (*number).into(),
            Self::Truth(truth) => (*truth).into(),
            Self::Structure(value) => value.clone(),
        }
    }
}

/// The shortest text of a number that reads as the same number; nothing for NaN and infinities.
///
/// Whole numbers have no exponent up to 10¹⁵.
///
/// ```
/// use phaseloom_files::shortest;
///
/// assert_eq!([0.25, 20.0, 3.7e-14, 0.001].map(shortest), ["0.25", "20", "3.7e-14", "1e-3"]);
/// ```
#[must_use]
pub fn shortest(number: f64) -> String {
    if !number.is_finite() {
        return String::new();
    }
    let plain = format!("{number}");
    let is_whole = number.fract() == 0.0 && number.abs() < 1e15;
    let exponent = format!("{number:e}");
    if is_whole || plain.len() <= exponent.len() { plain } else { exponent }
}

/// A table of results: one row a record, keys with units as columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultTable {
    /// Name of the table, and stem of its CSV file.
    pub key: String,
    columns: Vec<String>,
    rows: Vec<Vec<ResultValue>>,
}

impl ResultTable {
    /// A table without rows.
    #[must_use]
    pub fn new(key: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { key: key.to_owned(), columns, rows: Vec::new() }
    }

    /// A table of rows of keys and values. The first row determines the columns; missing cells at the end are empty.
    #[must_use]
    pub fn from_rows(key: &str, rows: Vec<Vec<(String, ResultValue)>>) -> Self {
        let columns = rows.first().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let mut table = Self { key: key.to_owned(), columns, rows: Vec::with_capacity(rows.len()) };
        rows.into_iter().for_each(|row| table.row(row.into_iter().map(|(_, value)| value)));
        table
    }

    /// Names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Vec<ResultValue>] {
        &self.rows
    }

    /// Appends a row. Missing cells are empty, and cells without a column are left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = ResultValue>) {
        let mut cells: Vec<ResultValue> = cells.into_iter().collect();
        cells.resize(self.columns.len(), ResultValue::Missing);
        self.rows.push(cells);
    }

    /// The table as CSV: one line of column names, and one line per row.
    ///
    /// ```
    /// use phaseloom_files::ResultTable;
    ///
    /// let mut table = ResultTable::new("meshes", &["topology", "error"]);
    /// table.row(["a, b".into(), 3.7e-14.into()]);
    /// assert_eq!(table.csv(), "topology,error\n\"a, b\",3.7e-14\n");
    /// ```
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = line(self.columns.iter().map(|column| quoted(column)));
        for row in &self.rows {
            text += &line(row.iter().map(|value| quoted(&value.cell())));
        }
        text
    }
}

/// A line of CSV. A single empty cell is quoted, because readers skip blank lines.
fn line(cells: impl Iterator<Item = String>) -> String {
    let line = cells.collect::<Vec<_>>().join(",");
    if line.is_empty() { "\"\"\n".to_owned() } else { line + "\n" }
}

/// A cell of CSV, in quotation marks if it contains a separator, a quotation mark or a line break.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// A form in which results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultFormat {
    /// Text for a terminal.
    #[default]
    Table,
    /// One JSON object with every value in full precision.
    Json,
    /// The first table as CSV; without a table, the values as one row.
    Csv,
}

/// The results of a command. The same results are written as text, as JSON or as CSV.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    values: Vec<(String, ResultValue)>,
    tables: Vec<ResultTable>,
    sentences: Vec<String>,
    text: String,
}

impl Results {
    /// Adds a named value, for JSON and CSV. The text says it in a [line](Self::line).
    pub fn value(&mut self, key: &str, value: impl Into<ResultValue>) {
        self.values.push((key.to_owned(), value.into()));
    }

    /// Adds a table, for JSON and CSV. The text [shows](Self::show) a selection of it.
    pub fn table(&mut self, table: ResultTable) {
        self.tables.push(table);
    }

    /// Adds a line to the text. A long one is broken.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.text += &wrap(line.as_ref(), WIDTH, 2);
        self.text.push('\n');
    }

    /// Adds a sentence to the text and to the JSON.
    pub fn sentence(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        self.text += &wrap(&sentence, WIDTH, 0);
        self.text.push('\n');
        self.sentences.push(sentence);
    }

    /// Adds a part of the text as it is, such as a table with its line breaks.
    pub fn show(&mut self, part: impl Display) {
        let _ = write!(self.text, "{part}");
    }

    /// The results in a format.
    #[must_use]
    pub fn written(&self, format: ResultFormat) -> String {
        match (format, self.tables.first()) {
            (ResultFormat::Table, _) => self.text.clone(),
            (ResultFormat::Json, _) => self.json(),
            (ResultFormat::Csv, Some(table)) => table.csv(),
            (ResultFormat::Csv, None) => ResultTable::from_rows("", vec![self.values.clone()]).csv(),
        }
    }

    /// The values, the rows of each table and the sentences as one JSON object, in the order in which they were added.
    fn json(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let mut entries: Vec<String> =
            self.values.iter().map(|(key, value)| format!("{}: {}", text(key), value.json())).collect();
        for table in &self.tables {
            let rows = table.rows.iter().map(|row| {
                let cells = table.columns.iter().zip(row);
                let cells = cells.map(|(key, value)| format!("{}: {}", text(key), value.json()));
                format!("    {{{}}}", cells.collect::<Vec<_>>().join(", "))
            });
            entries.push(format!("{}: [\n{}\n  ]", text(&table.key), rows.collect::<Vec<_>>().join(",\n")));
        }
        if !self.sentences.is_empty() {
            entries.push(format!("\"sentences\": {}", serde_json::json!(self.sentences)));
        }
        format!("{{\n  {}\n}}\n", entries.join(",\n  "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let mut results = Results::default();
        results.value("ports", 8_usize);
        results.value("loss_db", f64::NEG_INFINITY);
        let mut table = ResultTable::new("meshes", &["name", "error", "passed"]);
        table.row(["a \"b\"\nc".into(), 1.0e-17.into(), true.into()]);
        table.row([ResultValue::Missing]);
        results.table(table);
        results.line("8 ports");
        results.sentence("All is well.");
        results
    }

    #[test]
    fn one_result_has_three_forms() {
        let results = results();
        assert_eq!(results.written(ResultFormat::Table), "8 ports\nAll is well.\n");
        assert_eq!(results.written(ResultFormat::Csv), "name,error,passed\n\"a \"\"b\"\"\nc\",1e-17,true\n,,\n");
        let json: serde_json::Value = serde_json::from_str(&results.written(ResultFormat::Json)).unwrap();
        let expected = serde_json::json!({
            "ports": 8, "loss_db": null, "sentences": ["All is well."],
            "meshes": [
                {"name": "a \"b\"\nc", "error": 1e-17, "passed": true},
                {"name": null, "error": null, "passed": null},
            ],
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn values_alone_are_one_row() {
        let mut results = Results::default();
        results.value("a", 0.1);
        results.value("b", None::<f64>);
        assert_eq!(results.written(ResultFormat::Csv), "a,b\n0.1,\n");
    }

    #[test]
    fn numbers_are_read_back_exactly() {
        for number in [0.1, -1.0 / 3.0, 5e-324, f64::MAX, 123_456.789, 1e15, 1e22, -0.0, 0.000_037_345_135] {
            let text = shortest(number);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits(), "{text}");
            assert!(text.len() <= 24, "{text}");
        }
        assert_eq!(shortest(f64::NAN), "");
        assert_eq!(ResultValue::from_json(&serde_json::json!(0.02)), ResultValue::Number(0.02));
        assert_eq!(
            ResultValue::from_json(&serde_json::json!([1, 2])),
            ResultValue::Structure(serde_json::json!([1, 2]))
        );
    }
}
