//! CSV: one row per sample, numbers in the feature columns, a whole number in the label column.

use std::path::Path;

use serde::{Deserialize, Serialize};

use phaseloom_files::read_key;

use super::Batch;
use crate::error::{NetworkError, Result};

/// The columns of features and label in a CSV file.
///
/// If a column is chosen by its name, the first line after `skip_lines` is a header. Otherwise there is no header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CsvColumns {
    /// Number of lines to skip at the top, e.g. 1 for a line of metadata or for an unused header.
    pub skip_lines: usize,
    /// Column of the label, by default the last. It is not read if the labels have a file of their own.
    pub label: Column,
    /// Columns of the features, by default all but the label.
    pub features: Option<Features>,
    /// Separator between two values, one ASCII character. The default is a comma.
    pub separator: char,
}

impl Default for CsvColumns {
    fn default() -> Self {
        Self { skip_lines: 0, label: Column::Index(-1), features: None, separator: ',' }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a column: its name, or its index from 0 (from −1 backwards)")]
pub enum Column {
    /// Index from 0, or from −1 backwards from the last column.
    Index(i64),
    /// Name in the header line.
    Name(String),
}

/// The columns of the features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "columns: a list of names or indices, or { start = 0, end = 64 }")]
pub enum Features {
    /// These columns in this order.
    List(Vec<Column>),
    /// A range of indices.
    Range(ColumnRange),
}

/// Columns `start`…`end − 1`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRange {
    /// First column, from 0.
    pub start: usize,
    /// First column after the range.
    pub end: usize,
}

impl CsvColumns {
    fn has_names(&self, parts: Parts) -> bool {
        let named = |column: &Column| matches!(column, Column::Name(_));
        let features = match &self.features {
            Some(Features::List(list)) => list.iter().any(named),
            _ => false,
        };
        (parts != Parts::Labels && features) || (parts != Parts::Features && named(&self.label))
    }
}

/// The parts of a CSV file to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    Features,
    Labels,
    Both,
}

/// Features (features × samples) and labels of a CSV file. A part that is not requested is empty.
pub(super) fn read(path: &Path, bytes: &[u8], columns: &CsvColumns, parts: Parts) -> Result<(Batch, Vec<usize>)> {
    let invalid =
        |place: String, found: String, expected: &str| NetworkError::format(path, "CSV", place, found, expected);
    let separator =
        u8::try_from(read_key!("data.csv", columns.separator)).ok().filter(u8::is_ascii).ok_or_else(|| {
            let expected = "one ASCII character, e.g. \",\" or \"\\t\"";
            NetworkError::setting(path, "csv.separator", format!("{:?}", columns.separator), expected)
        })?;
    let body = after_lines(bytes, read_key!("data.csv", columns.skip_lines));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .trim(csv::Trim::All)
        .from_reader(body);
    let with_features = parts != Parts::Labels;
    let mut plan: Option<Plan> = None;
    let mut header = columns.has_names(parts);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    let mut record = csv::StringRecord::new();
    loop {
        let at = |line: u64| format!("line {}", line.saturating_add(columns.skip_lines as u64));
        let more = reader.read_record(&mut record).map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            invalid(at(line), e.to_string(), "lines of separated values in UTF-8")
        })?;
        if !more {
            break;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let plan = match &mut plan {
            Some(plan) => plan,
            None => plan.insert(Plan::new(path, columns, &record, header, parts)?),
        };
        if std::mem::take(&mut header) {
            continue;
        }
        if record.len() != plan.width {
            let expected = format!("{} as in the first line", plan.width);
            return Err(invalid(at(line), format!("{} columns", record.len()), &expected));
        }
        if with_features {
            for &column in &plan.features {
                let place = || format!("{}, column {column}", at(line));
                let number: f64 = record[column].parse().map_err(|_| {
                    let expected =
                        "a number; choose the columns with `features`, and the lines to skip with `skip_lines`";
                    invalid(place(), format!("`{}`", &record[column]), expected)
                })?;
                if !number.is_finite() {
                    return Err(NetworkError::not_finite(path, place(), number));
                }
                values.push(number);
            }
        }
        if let Some(column) = plan.label {
            labels.push(record[column].parse().map_err(|_| {
                let expected = "a whole number from 0; choose the column of the label with `label`";
                invalid(format!("{}, column {column}", at(line)), format!("`{}`", &record[column]), expected)
            })?);
        }
    }
    let features = plan.as_ref().map_or(0, |plan| plan.features.len());
    if values.is_empty() && labels.is_empty() {
        return Err(invalid("body".into(), "no rows".into(), "at least one row after `skip_lines`"));
    }
    let batch =
        if with_features { Batch::from_vec(features, values.len() / features, values) } else { Batch::zeros(0, 0) };
    Ok((batch, labels))
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
    label: Option<usize>,
}

impl Plan {
    fn new(path: &Path, columns: &CsvColumns, first: &csv::StringRecord, header: bool, parts: Parts) -> Result<Self> {
        let width = first.len();
        let missing = |key: &str, found: String, expected: String| {
            NetworkError::setting(path, format!("csv.{key}"), found, expected)
        };
        let find = |key: &str, column: &Column| match column {
            Column::Index(index) => {
                let from_front = if *index < 0 { index.saturating_add_unsigned(width as u64) } else { *index };
                usize::try_from(from_front).ok().filter(|&c| c < width).ok_or_else(|| {
                    missing(key, format!("column {index}"), format!("a column of the {width} of the first line"))
                })
            }
            Column::Name(name) => first.iter().position(|n| header && n == name).ok_or_else(|| {
                let names: Vec<&str> = first.iter().collect();
                missing(key, format!("column `{name}`"), format!("a name of the header line: {}", names.join(", ")))
            }),
        };
        let label =
            if parts == Parts::Features { None } else { Some(find("label", &read_key!("data.csv", columns.label))?) };
        if parts == Parts::Labels {
            return Ok(Self { width, features: Vec::new(), label });
        }
        let features = match &read_key!("data.csv", columns.features) {
            None => (0..width).filter(|&c| Some(c) != label).collect(),
            Some(Features::List(list)) => list.iter().map(|c| find("features", c)).collect::<Result<Vec<_>>>()?,
            Some(Features::Range(range)) if range.end <= width => (range.start..range.end).collect(),
            Some(Features::Range(range)) => {
                let found = format!("columns {}…{}", range.start, range.end);
                let expected = format!("an end of at most {width}, the columns of the first line");
                return Err(missing("features", found, expected));
            }
        };
        if features.is_empty() {
            return Err(missing("features", "no columns".into(), "at least one column".into()));
        }
        Ok(Self { width, features, label })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(toml: &str) -> CsvColumns {
        toml::from_str(toml).unwrap()
    }

    fn both(text: &str, toml: &str) -> Result<(Batch, Vec<usize>)> {
        read(Path::new("a.csv"), text.as_bytes(), &columns(toml), Parts::Both)
    }

    #[test]
    fn the_last_column_is_the_label_by_default() {
        let (x, y) = both("1,2,0\n3,4,1\n", "").unwrap();
        assert_eq!(x.as_slice(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!((x.shape(), y), ((2, 2), vec![0, 1]));
    }

    #[test]
    fn metadata_lines_names_and_ranges() {
        let (x, y) = both("2,2,a,b\n1,2,0\n3,4,1\n", "skip_lines = 1").unwrap();
        assert_eq!((x.ncols(), y.len()), (2, 2));
        let text = "who,y,word,x1,x2\n7,1,heed,0.5,-1\n8,3,head,1.5,2\n";
        let (x, y) = both(text, "label = 'y'\nfeatures = ['x2', 'x1']").unwrap();
        assert_eq!((x.as_slice(), y), (&[-1.0, 0.5, 2.0, 1.5][..], vec![1, 3]));
        let (x, _) = both(text, "skip_lines = 1\nlabel = 1\nfeatures = { start = 3, end = 5 }").unwrap();
        assert_eq!(x.as_slice(), [0.5, -1.0, 1.5, 2.0]);
        let (x, _) = both("1;2;0\n", "separator = ';'\nfeatures = [-2]").unwrap();
        assert_eq!(x.as_slice(), [2.0]);
    }

    #[test]
    fn errors_name_line_column_and_cure() {
        let cases = [
            ("", "", "no rows"),
            ("1,2,0\n1,2\n", "", "line 2: found 2 columns, expected 3"),
            ("1,2,0\n1,two,1\n", "", "line 2, column 1: found `two`"),
            ("1,nan,1\n", "", "line 1, column 1: found NaN"),
            ("1,2,0.5\n", "", "column 2: found `0.5`"),
            ("1,2,-1\n", "", "whole number"),
            ("m\n1,x,1\n", "skip_lines = 1", "line 2, column 1"),
            ("a,b\n1,2\n", "label = 'c'", "a name of the header line: a, b"),
            ("1,2\n", "label = 5", "column 5"),
            ("1,2\n", "label = -3", "column -3"),
            ("1,2\n", "features = { start = 0, end = 9 }", "at most 2"),
            ("1,2\n", "features = { start = 1, end = 1 }", "at least one column"),
            ("1\n", "", "no columns"),
            ("1,2\n", "separator = 'é'", "one ASCII character"),
        ];
        for (text, toml, part) in cases {
            let error = both(text, toml).unwrap_err().to_string();
            assert!(error.contains(part), "{error} | {part}");
        }
        let bad = read(Path::new("a.csv"), &[0xff, b',', 0xfe, b'\n'], &CsvColumns::default(), Parts::Both);
        assert!(bad.is_err());
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<CsvColumns>("skiplines = 1").is_err());
        let error = toml::from_str::<CsvColumns>("features = 3").unwrap_err().to_string();
        assert!(error.contains("a list of names or indices"), "{error}");
    }
}
