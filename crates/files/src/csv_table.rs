//! Tables with a header, as spreadsheets and laboratories write them: CSV with commas, semicolons or tabs, with a decimal point or
//! a decimal comma, in UTF-8.
//!
//! The separator is the one that the header has most of. A comma in a number is its decimal point, which only a table with another
//! separator can have. Lines that start with `#` are comments, and names of columns are compared without regard to case.

use crate::error::FileError;
use crate::error_text::nearest;
use std::path::{Path, PathBuf};

/// Characters of a cell that a message quotes.
const QUOTED: usize = 60;

/// A table with a header, with the line of each row in its file.
#[derive(Clone, Debug)]
pub struct CsvTable {
    path: PathBuf,
    header_line: u64,
    names: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
}

impl CsvTable {
    /// Reads the table in the bytes of the file at `path`, which is for messages alone.
    ///
    /// # Errors
    ///
    /// [`FileError::Format`] for bytes that are no text, a table without a header or without rows, a name that occurs twice, and a
    /// row of another length than the header.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, FileError> {
        let mut table = Self { path: path.to_owned(), header_line: 1, names: Vec::new(), rows: Vec::new() };
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| {
            let expected = format!("a table as text in UTF-8{}", crate::other_kind(bytes, "(.csv)"));
            table.error(1, None, "other bytes", &expected)
        })?;
        let header = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or_default();
        let count = |separator: char| header.chars().filter(|c| *c == separator).count();
        let separator = [',', ';', '\t'].into_iter().max_by_key(|s| (count(*s), *s == ',')).unwrap_or(',');
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .delimiter(separator as u8)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(1, csv::Position::line);
                table.error(line, None, &error.to_string(), "separated values in UTF-8")
            })?;
            let line = record.position().map_or(1, csv::Position::line);
            let cells = record.iter().map(|cell| cell.trim().to_owned());
            if table.names.is_empty() {
                table.header_line = line;
                table.names = cells.map(|name| name.to_lowercase().replace([' ', '-'], "_")).collect();
                continue;
            }
            let cells: Vec<String> = cells.collect();
            if cells.iter().all(String::is_empty) {
                continue;
            }
            if cells.len() != table.names.len() {
                let expected = format!("{}, as in the header", table.names.len());
                return Err(table.error(line, None, &format!("{} values", cells.len()), &expected));
            }
            table.rows.push((line, cells));
        }
        if table.rows.is_empty() {
            return Err(table.error(table.header_line, None, "no rows", "a header and at least one row"));
        }
        if let Some((at, name)) = table.names.iter().enumerate().find(|(at, name)| table.names[..*at].contains(name)) {
            let found = format!("the name `{name}` twice");
            return Err(table.error(table.header_line, None, &found, &format!("each name once; column {}", at + 1)));
        }
        Ok(table)
    }

    /// Names of the columns, in lower case with `_` for blanks.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows, which no table has that was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Index of the column with one of these names.
    #[must_use]
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        self.names.iter().position(|own| names.contains(&own.as_str()))
    }

    /// The cell of a row and a column; `None` if it is empty.
    ///
    /// # Panics
    ///
    /// If there is no such row or column.
    #[must_use]
    pub fn text(&self, row: usize, column: usize) -> Option<&str> {
        let cell = &self.rows[row].1[column];
        (!cell.is_empty()).then_some(cell)
    }

    /// The number in a cell; `None` if it is empty.
    ///
    /// # Errors
    ///
    /// [`FileError::Format`] for another text than a finite number.
    ///
    /// # Panics
    ///
    /// If there is no such row or column.
    pub fn number(&self, row: usize, column: usize) -> Result<Option<f64>, FileError> {
        let Some(cell) = self.text(row, column) else { return Ok(None) };
        let number = parse_number(cell);
        number.map(Some).ok_or_else(|| self.at(row, column, &format!("`{}`", short(cell)), "a finite number"))
    }

    /// The whole number in a cell, at least 0; `None` if it is empty.
    ///
    /// # Errors
    ///
    /// [`FileError::Format`] for another text.
    ///
    /// # Panics
    ///
    /// If there is no such row or column.
    pub fn count(&self, row: usize, column: usize) -> Result<Option<usize>, FileError> {
        let Some(cell) = self.text(row, column) else { return Ok(None) };
        // Spreadsheets write 1.0, and 1,0.
        let whole = cell.split_once(['.', ',']).filter(|(_, rest)| rest.bytes().all(|b| b == b'0'));
        let count = whole.map_or(cell, |(whole, _)| whole).parse().ok();
        count.map(Some).ok_or_else(|| self.at(row, column, &format!("`{}`", short(cell)), "a whole number from 0"))
    }

    /// The error of a cell.
    ///
    /// # Panics
    ///
    /// If there is no such row or column.
    #[must_use]
    pub fn at(&self, row: usize, column: usize, found: &str, expected: &str) -> FileError {
        self.error(self.rows[row].0, Some(&self.names[column]), found, expected)
    }

    /// The error of a row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[must_use]
    pub fn row_error(&self, row: usize, found: &str, expected: &str) -> FileError {
        self.error(self.rows[row].0, None, found, expected)
    }

    /// The error of the header, such as a column that is missing.
    #[must_use]
    pub fn header_error(&self, found: &str, expected: &str) -> FileError {
        self.error(self.header_line, None, found, expected)
    }

    /// The error of a column of an unknown name.
    #[must_use]
    pub fn unknown(&self, name: &str, known: &[String]) -> FileError {
        let near = nearest(name, known.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.header_error(&format!("a column `{}`", short(name)), &format!("one of {}{near}", known.join(", ")))
    }

    fn error(&self, line: u64, column: Option<&str>, found: &str, expected: &str) -> FileError {
        let column = column.map(|column| format!(", column `{}`", short(column))).unwrap_or_default();
        FileError::Format {
            path: self.path.clone(),
            format: "CSV",
            place: format!("line {line}{column}"),
            found: found.into(),
            expected: expected.into(),
        }
    }
}

/// A finite number with a decimal point or a decimal comma.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = match text.contains(',') {
        true => text.replacen(',', ".", 1).parse::<f64>().ok(),
        false => text.parse::<f64>().ok(),
    };
    number.filter(|number| number.is_finite())
}

/// The beginning of a text from a file, for a message.
pub(crate) fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(QUOTED).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<CsvTable, FileError> {
        CsvTable::parse(Path::new("t.csv"), text.as_bytes())
    }

    #[test]
    fn separators_decimal_commas_comments_and_gaps_are_read() {
        for text in [
            "# bench 3\nMode,Loss dB\n0,1.5\n\n1,\n",
            "mode;loss_db\n0;1,5\n1;\n",
            "\u{feff}mode\tloss_db\r\n0\t1.5\r\n1.0\t\r\n",
        ] {
            let table = parse(text).unwrap();
            let (mode, loss) = (table.column(&["mode"]).unwrap(), table.column(&["loss", "loss_db"]).unwrap());
            assert_eq!((table.len(), table.is_empty()), (2, false));
            assert_eq!((table.count(0, mode).unwrap(), table.count(1, mode).unwrap()), (Some(0), Some(1)));
            assert_eq!((table.number(0, loss).unwrap(), table.number(1, loss).unwrap()), (Some(1.5), None));
        }
    }

    #[test]
    fn errors_name_line_and_column() {
        let refusal = |text: &str| parse(text).unwrap_err().to_string();
        assert!(refusal("a,b\n1\n").contains("line 2: found 1 values, expected 2"));
        assert!(refusal("a,a\n1,2\n").contains("`a` twice"));
        assert!(refusal("a,b\n").contains("no rows"));
        assert!(refusal("").contains("no rows"));
        let table = parse("a,b\nx,inf\n1.5,2\n").unwrap();
        assert!(table.number(0, 0).unwrap_err().to_string().contains("line 2, column `a`: found `x`"));
        assert!(table.number(0, 1).is_err() && table.count(1, 0).is_err());
        assert!(table.unknown("moed", &["mode".into()]).to_string().contains("did you mean `mode`?"));
        assert!(CsvTable::parse(Path::new("t"), b"\x93NUMPY").unwrap_err().to_string().contains("NumPy"));
    }
}
