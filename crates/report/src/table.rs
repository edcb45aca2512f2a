//! Tables as CSV text: a header and rows that know their line in the file, with metadata from elsewhere or from comments
//! `# key: value`.

use crate::error::ReportError;

/// A CSV table with its metadata.
///
/// ```
/// let table = phaseloom_report::Table::parse("# seed: 1\nrow,chips\nexact,0\n")?;
/// assert_eq!(table.metadata("seed"), Some("1"));
/// assert_eq!(table.rows()[0].line(), 3);
/// # Ok::<(), phaseloom_report::ReportError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    metadata: Vec<(String, String)>,
    header: Vec<String>,
    rows: Vec<Row>,
    chips: Option<Box<Table>>,
}

impl Table {
    /// The same table with a second one, of the single chips that it summarises. Figures draw them where they are few.
    #[must_use]
    pub fn with_chips(self, chips: Self) -> Self {
        Self { chips: Some(Box::new(chips)), ..self }
    }

    /// The table with the rows that `is_kept` chooses.
    pub(crate) fn filtered(&self, is_kept: impl Fn(&Row) -> bool) -> Self {
        let rows = self.rows.iter().filter(|row| is_kept(row)).cloned().collect();
        Self { rows, ..self.clone() }
    }

    /// The table of single chips, if there is one.
    pub(crate) fn chips(&self) -> Option<&Self> {
        self.chips.as_deref()
    }
}

/// One row of a [`Table`].
#[derive(Debug, Clone)]
pub struct Row {
    line: u64,
    cells: Vec<String>,
}

/// Writes CSV text that [`Table::parse`] reads: a header and rows.
///
/// ```
/// let rows = [vec!["a, b".to_owned(), "1".to_owned()]];
/// let text = phaseloom_report::csv_text(&["work", "size"], rows)?;
/// assert_eq!(text, "work,size\n\"a, b\",1\n");
/// # Ok::<(), phaseloom_report::ReportError>(())
/// ```
///
/// # Errors
/// A row has more or fewer cells than the header.
pub fn csv_text<S: AsRef<str>>(
    header: &[S],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<String, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header.iter().map(AsRef::as_ref))?;
    rows.into_iter().try_for_each(|row| writer.write_record(row))?;
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Table {
    /// Reads CSV text.
    ///
    /// # Errors
    /// No header, no rows, a repeated column, or a row with another number of cells than the header.
    pub fn parse(text: &str) -> Result<Self, ReportError> {
        let text = text.trim_start_matches('\u{feff}');
        let metadata = text.lines().map_while(|line| line.strip_prefix('#')).filter_map(|line| line.split_once(':'));
        let metadata = metadata.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect();

        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let header: Vec<String> = records.next().ok_or(ReportError::Empty)??.iter().map(str::to_owned).collect();
        if let Some(column) = header.iter().enumerate().find_map(|(i, name)| header[..i].contains(name).then_some(name))
        {
            return Err(ReportError::RepeatedColumn { column: column.clone() });
        }
        let mut rows = Vec::new();
        let mut lines = Lines { text, byte: 0, line: 1 };
        for record in records {
            let record = record?;
            let line = lines.line_of(&record);
            if record.len() != header.len() {
                return Err(ReportError::RaggedRow { line, expected: header.len(), found: record.len() });
            }
            rows.push(Row { line, cells: record.iter().map(str::to_owned).collect() });
        }
        if rows.is_empty() {
            return Err(ReportError::NoRows);
        }
        Ok(Self { metadata, header, rows, chips: None })
    }

    /// The same table with further metadata, such as the pairs of the `run.json` next to it.
    ///
    /// ```
    /// let table = phaseloom_report::Table::parse("row\nexact\n")?.with_metadata([("seed", "1".to_owned())]);
    /// assert_eq!(table.metadata("seed"), Some("1"));
    /// # Ok::<(), phaseloom_report::ReportError>(())
    /// ```
    #[must_use]
    pub fn with_metadata<K: Into<String>>(mut self, pairs: impl IntoIterator<Item = (K, String)>) -> Self {
        self.metadata.extend(pairs.into_iter().map(|(key, value)| (key.into(), value)));
        self
    }

    /// The value of a key of the metadata, or of a comment `# key: value` above the header, which older files have.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The rows, in the order of the file; at least one.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The index of the column with this name.
    ///
    /// # Errors
    /// No column has this name.
    pub fn column(&self, name: &str) -> Result<usize, ReportError> {
        let index = self.header.iter().position(|column| column == name);
        index.ok_or_else(|| ReportError::MissingColumn { column: name.to_owned() })
    }

    /// The finite number in the given row and column.
    ///
    /// # Errors
    /// There is no such column, or its cell is empty, text, NaN or infinite.
    pub fn number(&self, row: &Row, name: &str) -> Result<f64, ReportError> {
        let value = row.text(self.column(name)?);
        match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(ReportError::NotANumber { line: row.line, column: name.to_owned(), value: value.to_owned() }),
        }
    }

    /// The whole number from 0 in the given row and column.
    ///
    /// # Errors
    /// There is no such column, or its cell is something else.
    pub(crate) fn count(&self, row: &Row, name: &str) -> Result<f64, ReportError> {
        let text = row.text(self.column(name)?);
        let count = text.parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0 && x.fract().abs() < f64::EPSILON);
        count.ok_or_else(|| ReportError::NotACount { line: row.line, column: name.to_owned(), value: text.to_owned() })
    }

    /// The share 0…1 in the given row and column; a rounding error outside is cut off.
    ///
    /// # Errors
    /// As [`Table::number`], and a number outside 0…1.
    pub(crate) fn share(&self, row: &Row, name: &str) -> Result<f64, ReportError> {
        let value = self.number(row, name)?;
        match (-1e-9..=1.0 + 1e-9).contains(&value) {
            true => Ok(value.clamp(0.0, 1.0)),
            false => Err(ReportError::NotAFraction { line: row.line, column: name.to_owned(), value }),
        }
    }

    /// The text of a level of a swept key: a word, a finite number, or nothing.
    ///
    /// # Errors
    /// The cell is NaN or infinite.
    pub(crate) fn level<'a>(&self, row: &'a Row, column: usize) -> Result<&'a str, ReportError> {
        let text = row.text(column);
        if text.parse::<f64>().is_ok_and(|number| !number.is_finite()) {
            let column = self.header.get(column).cloned().unwrap_or_default();
            return Err(ReportError::NotANumber { line: row.line, column, value: text.to_owned() });
        }
        Ok(text)
    }
}

impl Row {
    /// The line of the row in the file, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The text of a cell without surrounding spaces; empty if the table has no such column.
    pub fn text(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// Finds the lines of records in the order of the file. The position of a csv record includes the blank lines and comments
/// before it, so they are skipped here.
struct Lines<'a> {
    text: &'a str,
    byte: usize,
    line: u64,
}

impl Lines<'_> {
    fn line_of(&mut self, record: &csv::StringRecord) -> u64 {
        let mut start = record.position().map_or(0, |position| position.byte() as usize);
        while let Some(rest) = self.text.get(start..).filter(|rest| rest.starts_with(['\r', '\n', '#'])) {
            start += rest.find('\n').map_or(rest.len(), |end| end + 1).max(1);
        }
        let passed = self.text.as_bytes().get(self.byte..start).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.byte = start;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_comments_header_and_lines() {
        let table = Table::parse("# name: a: b\n# seed: 7\n\nrow , x\n# between\nexact, 1\n\nchips,\"2,5\"\n").unwrap();
        assert_eq!(table.metadata("name"), Some("a: b"));
        assert_eq!(table.metadata("seed"), Some("7"));
        assert_eq!(table.metadata("absent"), None);
        assert_eq!(table.header(), ["row", "x"]);
        assert_eq!(table.rows().iter().map(Row::line).collect::<Vec<_>>(), [6, 8]);
        assert_eq!(table.rows()[1].text(1), "2,5");
        assert_eq!(table.rows()[1].text(9), "");
    }

    #[test]
    fn lines_are_right_with_windows_line_ends_and_quoted_breaks() {
        let table = Table::parse("# a: b\r\nrow,x\r\n\r\n\"two\r\nlines\",1\r\nlast,2").unwrap();
        assert_eq!(table.rows().iter().map(Row::line).collect::<Vec<_>>(), [4, 6]);
    }

    #[test]
    fn refuses_tables_without_content() {
        assert!(matches!(Table::parse(""), Err(ReportError::Empty)));
        assert!(matches!(Table::parse("# seed: 1\n"), Err(ReportError::Empty)));
        assert!(matches!(Table::parse("row,point\n"), Err(ReportError::NoRows)));
        assert!(matches!(Table::parse("row,row\na,b\n"), Err(ReportError::RepeatedColumn { .. })));
    }

    #[test]
    fn names_line_and_column_of_a_bad_cell() {
        let ragged = Table::parse("# c: d\na,b\n1,2\n3\n").unwrap_err();
        assert_eq!(ragged.to_string(), "line 4: 1 cells, but the header has 2");
        let table = Table::parse("a,b\n1,NaN\n").unwrap();
        let error = table.number(&table.rows()[0], "b").unwrap_err();
        assert_eq!(error.to_string(), "line 2: column `b` holds `NaN`, not a finite number");
        assert_eq!(table.column("c").unwrap_err().to_string(), "the table has no column `c`");
        let table = Table::parse("a,b,c\n-1,1e308,nan\n1.5,-0.1,inf\n4,1.0000000001,x\n").unwrap();
        let [first, second, third] = [0, 1, 2].map(|row| &table.rows()[row]);
        let error = table.count(first, "a").unwrap_err();
        assert_eq!(error.to_string(), "line 2: column `a` holds `-1`, not a whole number from 0");
        assert!(table.count(second, "a").is_err() && (table.count(third, "a").unwrap() - 4.0).abs() < 1e-12);
        let error = table.share(first, "b").unwrap_err();
        assert_eq!(error.to_string(), "line 2: column `b` holds 10³⁰⁸, outside 0…1");
        assert!(table.share(second, "b").is_err() && (table.share(third, "b").unwrap() - 1.0).abs() < 1e-12);
        assert!(table.level(first, 2).is_err() && table.level(second, 2).is_err());
        assert_eq!(table.level(third, 2).unwrap(), "x");
        let long = ReportError::NotANumber { line: 2, column: "a".into(), value: "9".repeat(400) };
        assert!(long.to_string().len() < 120, "{long}");
    }
}
