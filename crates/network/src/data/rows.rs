//! Rows of a file by their index: ranges, and random splits into training, validation and test data.

use phaseloom_numerics::StreamKey;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// Rows by their index from 0: a range, a row, or a list of them. Each row is named once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "found another type, expected rows: a range such as \"100..200\", an index, or a list of them"
)]
pub enum Rows {
    /// One range or row.
    One(RowRange),
    /// Several.
    List(Vec<RowRange>),
}

/// A range of rows, or one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "found another type, expected a range of rows such as \"100..200\", or an index from 0")]
pub enum RowRange {
    /// Index of a row, from 0.
    Row(usize),
    /// First row and first row after the range, such as `"100..200"`. `"..100"` starts at 0, `"100.."` ends with the file.
    Range(String),
}

impl RowRange {
    /// First row and first row after the range, in a file of `count` rows. The error is what is expected.
    fn bounds(&self, count: usize) -> Result<(usize, usize), String> {
        let (start, end) = match self {
            Self::Row(row) => (*row, row.saturating_add(1)),
            Self::Range(text) => {
                let form = || "a range such as \"100..200\", whose end is excluded, \"..100\" or \"100..\"".to_owned();
                let (start, end) = text.split_once("..").ok_or_else(form)?;
                let bound = |text: &str, default: usize| match text.trim() {
                    "" => Ok(default),
                    digits => digits.parse::<usize>().map_err(|_| form()),
                };
                (bound(start, 0)?, bound(end, count)?)
            }
        };
        if end > count {
            return Err(format!("rows below {count}, the rows of the file"));
        }
        if start >= end {
            return Err(format!("a start below its end, in a file of {count} rows"));
        }
        Ok((start, end))
    }
}

impl std::fmt::Display for RowRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Row(row) => write!(f, "{row}"),
            Self::Range(range) => write!(f, "\"{range}\""),
        }
    }
}

impl Rows {
    /// Whether each row of a file of `count` rows is named. The error is what was found, and what is expected.
    pub(super) fn mask(&self, count: usize) -> Result<Vec<bool>, (String, String)> {
        let ranges = match self {
            Self::One(range) => std::slice::from_ref(range),
            Self::List(ranges) => ranges,
        };
        if ranges.is_empty() {
            return Err(("an empty list".into(), "at least one range or row".into()));
        }
        let mut mask = vec![false; count];
        for range in ranges {
            let (start, end) = range.bounds(count).map_err(|expected| (range.to_string(), expected))?;
            if let Some(row) = (start..end).find(|&row| mask[row]) {
                return Err((format!("row {row} twice"), "ranges that share no row".into()));
            }
            mask[start..end].fill(true);
        }
        Ok(mask)
    }
}

/// A random split of the rows of a file into training, validation and test data.
///
/// All rows of the file are shuffled by `seed`, before any other filter. The first of them are the test data, the next the
/// validation data, and the remainder the training data. Parts of the same file, `test`, `validation` and `seed` share no
/// row, whatever else is filtered. The samples of a part are in shuffled order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The part that is read: `"train"`, `"validation"` or `"test"`.
    pub part: SplitPart,
    /// Share of the rows that are test data, rounded to whole rows. Range: 0…1.
    pub test: f64,
    /// Share of the rows that are validation data. Range: 0…1; at most 1 together with `test`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub validation: f64,
    /// Seed of the order of the rows. Range: 0…2⁶⁴−1.
    #[serde(default = "one")]
    pub seed: u64,
}

/// A part of a [`Split`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SplitPart {
    /// The rows that are neither test nor validation data.
    Train,
    /// The rows of the share `validation`.
    Validation,
    /// The rows of the share `test`.
    Test,
}

fn one() -> u64 {
    1
}

fn is_zero(share: &f64) -> bool {
    share.to_bits() == 0
}

impl Split {
    /// Checks the shares. The error is a key, what was found, and what is expected.
    pub(super) fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        for (key, share) in [("split.test", self.test), ("split.validation", self.validation)] {
            if !(0.0..=1.0).contains(&share) {
                return Err((key, share.to_string(), "a share of the rows from 0 to 1, such as 0.2"));
            }
        }
        let both = self.test + self.validation;
        if both > 1.0 {
            return Err(("split", format!("`test` + `validation` = {both}"), "shares of at most 1 together"));
        }
        Ok(())
    }

    /// Rows of the part in a file of `count` rows, in shuffled order.
    pub(super) fn rows(&self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut StreamKey::new(self.seed, "data/split").stream());
        let size = |share: f64| (share * count as f64).round() as usize;
        let test = size(self.test).min(count);
        let validation = size(self.validation).min(count - test);
        match self.part {
            SplitPart::Test => order[..test].to_vec(),
            SplitPart::Validation => order[test..test + validation].to_vec(),
            SplitPart::Train => order[test + validation..].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(toml: &str, count: usize) -> Result<Vec<usize>, (String, String)> {
        #[derive(Deserialize)]
        struct Table {
            rows: Rows,
        }
        let mask = toml::from_str::<Table>(&format!("rows = {toml}")).unwrap().rows.mask(count)?;
        Ok((0..count).filter(|&row| mask[row]).collect())
    }

    #[test]
    fn ranges_exclude_their_end_and_may_be_open() {
        for (toml, expected) in [
            ("'2..5'", &[2, 3, 4][..]),
            ("'..2'", &[0, 1]),
            ("'8..'", &[8, 9]),
            ("'..'", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
            ("7", &[7]),
            ("['8..10', 0, '2 .. 4']", &[0, 2, 3, 8, 9]),
        ] {
            assert_eq!(rows(toml, 10).unwrap(), expected, "{toml}");
        }
    }

    #[test]
    fn impossible_ranges_are_refused() {
        for (toml, found, expected) in [
            ("'2..11'", "\"2..11\"", "rows below 10"),
            ("10", "10", "rows below 10"),
            ("'5..5'", "\"5..5\"", "a start below its end"),
            ("'5..2'", "\"5..2\"", "a start below its end"),
            ("'10..'", "\"10..\"", "a start below its end"),
            ("'2:5'", "\"2:5\"", "a range such as"),
            ("'-2..5'", "\"-2..5\"", "a range such as"),
            ("'a..b'", "\"a..b\"", "a range such as"),
            ("[]", "an empty list", "at least one"),
            ("['0..5', '4..6']", "row 4 twice", "share no row"),
        ] {
            let (was, requested) = rows(toml, 10).unwrap_err();
            assert!(was == found && requested.contains(expected), "{toml}: {was}, {requested}");
        }
    }

    fn part(part: SplitPart, seed: u64, count: usize) -> Vec<usize> {
        Split { part, test: 0.25, validation: 0.1, seed }.rows(count)
    }

    #[test]
    fn the_parts_of_a_split_are_all_rows_once() {
        for (count, sizes) in [(20, [5, 2, 13]), (7, [2, 1, 4]), (1, [0, 0, 1])] {
            let parts = [SplitPart::Test, SplitPart::Validation, SplitPart::Train].map(|p| part(p, 3, count));
            assert_eq!(parts.each_ref().map(Vec::len), sizes);
            let mut all = parts.concat();
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
        assert_ne!(part(SplitPart::Test, 1, 20), part(SplitPart::Test, 2, 20));
    }

    #[test]
    fn the_rows_of_a_split_are_pinned() {
        // A change of these rows mixes training and test data of earlier runs: it needs an entry in the CHANGELOG.
        assert_eq!(part(SplitPart::Test, 1, 12), PINNED);
    }

    const PINNED: [usize; 3] = [0, 8, 6];

    #[test]
    fn shares_outside_0_to_1_are_refused() {
        for (test, validation, key) in [
            (1.5, 0.0, "split.test"),
            (f64::NAN, 0.0, "split.test"),
            (0.1, -0.1, "split.validation"),
            (0.7, 0.4, "split"),
        ] {
            let split = Split { part: SplitPart::Test, test, validation, seed: 1 };
            assert_eq!(split.check().unwrap_err().0, key);
        }
        assert!(Split { part: SplitPart::Test, test: 1.0, validation: 0.0, seed: 1 }.check().is_ok());
    }
}
