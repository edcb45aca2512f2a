//! The rows of a `summary.csv` as numbers.

use crate::error::ReportError;
use crate::plot::label::decimal;
use crate::table::{Row, Table};

/// The kind of a row: the hardware of its computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Exact,
    PerfectIdeal,
    PerfectReal,
    Digital,
    Perfect,
    Chips,
}

/// Each kind with its names in the table and in a figure.
pub(crate) const KINDS: [(Kind, &str, &str); 6] = [
    (Kind::Exact, "exact", "floating-point reference"),
    (Kind::PerfectIdeal, "perfect_ideal", "perfect mesh, ideal link"),
    (Kind::PerfectReal, "perfect_real", "perfect mesh, real link"),
    (Kind::Digital, "digital", "digital network, same bits"),
    (Kind::Perfect, "perfect", "perfect chip"),
    (Kind::Chips, "chips", "imperfect chips"),
];

/// The number by which a run judges its rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Score {
    /// Start of the names of its columns.
    pub key: &'static str,
    /// Title of its axis.
    pub title: &'static str,
    pub values: Values,
}

/// Which values a score takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// Shares 0…1, shown in per cent.
    Shares,
    /// Ratios from 0, shown in per cent.
    Ratios,
    /// Numbers as they are.
    Numbers,
}

impl Score {
    /// The share of chips that pass.
    pub(crate) const YIELD: &'static Self = &Self::new("yield", "yield (%)", Values::Shares);

    const fn new(key: &'static str, title: &'static str, values: Values) -> Self {
        Self { key, title, values }
    }

    /// A value with its unit and always two decimals of a percentage, for sentences.
    pub(crate) fn sentence(&self, value: f64) -> String {
        match self.values {
            Values::Numbers => self.text(value),
            Values::Shares | Values::Ratios => format!("{value:.2} %"),
        }
    }

    /// An interval with its unit.
    pub(crate) fn interval(&self, low: f64, high: f64) -> String {
        format!("{}–{}", self.sentence(low).trim_end_matches(" %"), self.sentence(high))
    }

    /// Its name in a sentence.
    pub(crate) fn name(&self) -> &'static str {
        self.title.split_once(" (").map_or(self.title, |(name, _)| name)
    }

    /// The score of a name.
    pub(crate) fn from_key(key: &str) -> Option<&'static Self> {
        SCORES.iter().find(|score| score.key == key)
    }

    /// The score whose columns a summary has.
    pub(crate) fn in_table(table: &Table) -> Option<&'static Self> {
        SCORES.iter().find(|score| table.column(&format!("{}_mean", score.key)).is_ok())
    }

    /// A value in the unit of the figure, such as `97.7 %`.
    pub(crate) fn text(&self, value: f64) -> String {
        if self.values == Values::Numbers {
            return decimal(format!("{value:.3e}").parse().unwrap_or(value));
        }
        format!("{} %", decimal((100.0 * value).round() / 100.0))
    }
}

/// The scores of runs. A summary has the columns of one of them.
const SCORES: &[Score] = &[
    Score::new("accuracy", "test accuracy (%)", Values::Shares),
    Score::new("top_5_accuracy", "top-5 test accuracy (%)", Values::Shares),
    Score::new("rms_error", "rms error of the outputs", Values::Numbers),
    Score::new("agreement", "agreement with the floating-point reference (%)", Values::Shares),
    Score::new("infidelity", "infidelity 1 − F", Values::Numbers),
    Score::new("output_difference", "rms difference from the floating-point reference (%)", Values::Ratios),
];

/// The value of a swept key: a word, or a number in one fixed spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Level(String);

/// One row. Scores are in the unit of the figure, quantiles are over chips.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub kind: Kind,
    /// One level per swept key; `None` for a reference that holds for all levels.
    pub levels: Vec<Option<Level>>,
    pub chips: f64,
    pub mean: f64,
    pub q10: f64,
    pub q50: f64,
    pub q90: f64,
    /// The scores of the single chips, if the table has them and there are fewer than [`MIN_BAND`].
    pub values: Vec<f64>,
}

/// Fewer chips are drawn as points instead of a band, because their quantiles say little.
pub(crate) const MIN_BAND: f64 = 5.0;

impl Outcome {
    /// Whether quantiles say little about the chips.
    pub(crate) fn has_few_chips(&self) -> bool {
        self.chips < MIN_BAND
    }
}

/// A summary: the swept keys and the rows.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub keys: Vec<String>,
    pub outcomes: Vec<Outcome>,
    pub score: &'static Score,
}

impl Level {
    /// Spells equal numbers equally. An empty cell has no level.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Some(Self(format!("{}", number + 0.0))),
            _ => (!text.is_empty()).then(|| Self(text.to_owned())),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The level as a finite number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        self.0.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

impl Summary {
    /// Reads the columns `row`, `point`, the swept keys between `point` and `chips`, and those of the score.
    pub(crate) fn read(table: &Table) -> Result<Self, ReportError> {
        let (kind, point, chips) = (table.column("row")?, table.column("point")?, table.column("chips")?);
        let swept = point + 1..chips.max(point + 1);
        let column = |score: &Score, name: &str| format!("{}_{name}", score.key);
        let score = Score::in_table(table).unwrap_or(&SCORES[0]);
        let [mean, q10, q50, q90] = ["mean", "q10", "q50", "q90"].map(|name| column(score, name));
        for needed in [&mean, &q10, &q50, &q90] {
            table.column(needed)?;
        }
        let outcomes = table.rows().iter().map(|row| {
            let name = row.text(kind);
            let kind = KINDS.iter().find(|(_, text, _)| *text == name).map(|(kind, ..)| *kind);
            let kind = kind.ok_or_else(|| ReportError::UnknownRow { line: row.line(), value: name.to_owned() })?;
            let level = |column| table.level(row, column).map(Level::read);
            let levels = swept.clone().map(level).collect::<Result<Vec<_>, _>>()?;
            let mean = value(table, row, &mean, score)?;
            if kind != Kind::Chips {
                return Ok(Outcome {
                    kind,
                    levels,
                    chips: 0.0,
                    mean,
                    q10: mean,
                    q50: mean,
                    q90: mean,
                    values: Vec::new(),
                });
            }
            if let Some(missing) = levels.iter().position(Option::is_none) {
                return Err(ReportError::MissingLevel {
                    line: row.line(),
                    column: table.header()[swept.start + missing].clone(),
                });
            }
            let quantile = |column| value(table, row, column, score);
            let (q10, q50, q90) = (quantile(&q10)?, quantile(&q50)?, quantile(&q90)?);
            let chips = table.count(row, "chips")?;
            let values = if chips < MIN_BAND { values(table, row.text(point), score)? } else { Vec::new() };
            Ok(Outcome { kind, levels, chips, mean, q10, q50, q90, values })
        });
        let outcomes = outcomes.collect::<Result<_, _>>()?;
        Ok(Self { keys: table.header()[swept].to_vec(), outcomes, score })
    }

    /// Whether all points have too few chips for a band.
    pub(crate) fn has_few_chips(&self) -> bool {
        self.rows(Kind::Chips).all(Outcome::has_few_chips)
    }

    /// The rows of one kind.
    pub(crate) fn rows(&self, kind: Kind) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(move |outcome| outcome.kind == kind)
    }

    /// `20 chips`, `one chip`, or `12–20 chips` if some points are unfinished.
    pub(crate) fn chips(&self) -> String {
        let counts = || self.rows(Kind::Chips).map(|outcome| outcome.chips);
        let (low, high) = (counts().fold(f64::INFINITY, f64::min), counts().fold(0.0, f64::max));
        match (decimal(low), decimal(high)) {
            (low, high) if low == high && high == "1" => "one chip".to_owned(),
            (low, high) if low == high => format!("{high} chips"),
            (low, high) => format!("{low}–{high} chips"),
        }
    }
}

/// The scores of the single chips at a point, each the mean over its shots; none if the table has no second one.
fn values(table: &Table, point: &str, score: &Score) -> Result<Vec<f64>, ReportError> {
    let Some(chips) = table.chips() else { return Ok(Vec::new()) };
    let [kind, points, trial] = ["row", "point", "trial"].map(|name| chips.column(name));
    let (kind, points, trial) = (kind?, points?, trial?);
    let own = chips.rows().iter().filter(|row| row.text(kind) == "chips" && row.text(points) == point);
    let mut sums: Vec<(&str, f64, f64)> = Vec::new();
    for row in own {
        let value = value(chips, row, score.key, score)?;
        match sums.iter_mut().find(|(known, ..)| *known == row.text(trial)) {
            Some((_, sum, shots)) => (*sum, *shots) = (*sum + value, *shots + 1.0),
            None => sums.push((row.text(trial), value, 1.0)),
        }
    }
    Ok(sums.into_iter().map(|(_, sum, shots)| sum / shots).collect())
}

/// A value of a score in the unit of the figure.
fn value(table: &Table, row: &Row, column: &str, score: &Score) -> Result<f64, ReportError> {
    match score.values {
        Values::Numbers => table.number(row, column),
        Values::Ratios => Ok(100.0 * table.number(row, column)?),
        Values::Shares => Ok(100.0 * table.share(row, column)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "# seed: 1\nrow,point,a.bits,b,chips,accuracy_mean,accuracy_q10,accuracy_q50,accuracy_q90,test_se\n";

    fn read(rows: &str) -> Result<Summary, ReportError> {
        Summary::read(&Table::parse(&format!("{HEADER}{rows}")).unwrap())
    }

    #[test]
    fn reads_references_and_chips() {
        let summary =
            read("exact,,,,,0.98,,,,0.001\nchips,0,4.0,x,20,0.5,0.25,0.5,0.75,0.01\nchips,1,6,x,12,1,1,1,1,0\n")
                .unwrap();
        assert_eq!(summary.keys, ["a.bits", "b"]);
        assert_eq!(summary.outcomes[0].levels, [None, None]);
        assert_eq!(summary.outcomes[1].levels, [Level::read("4"), Level::read("x")]);
        assert!((summary.outcomes[1].q90 - 75.0).abs() < 1e-12);
        assert_eq!(summary.chips(), "12–20 chips");
    }

    #[test]
    fn every_score_is_read_in_its_unit() {
        for score in SCORES {
            let text =
                HEADER.replace("accuracy", score.key) + "exact,,,,,0.25,,,,\nchips,0,4.0,x,2,0.5,0.25,0.5,0.75,0\n";
            let summary = Summary::read(&Table::parse(&text).unwrap()).unwrap();
            let factor = if score.values == Values::Numbers { 1.0 } else { 100.0 };
            assert_eq!(summary.score, score);
            assert!((summary.outcomes[0].mean - 0.25 * factor).abs() < 1e-12);
            assert!((summary.outcomes[1].q90 - 0.75 * factor).abs() < 1e-12);
        }
        let of_key = |key: &str| SCORES.iter().find(|score| score.key == key).unwrap();
        assert_eq!(of_key("rms_error").text(0.012_345_6), "0.01235");
        assert_eq!(of_key("accuracy").text(97.7349), "97.73 %");
    }

    #[test]
    fn says_where_a_row_is_wrong() {
        let message = |rows: &str| read(rows).unwrap_err().to_string();
        assert_eq!(message("exact,,,,,good,,,,\n"), "line 3: column `accuracy_mean` holds `good`, not a finite number");
        assert_eq!(
            message("exact,,,,,1,,,,\nchips,0,4,x,2,0.5,0.5,NaN,0.5,0\n"),
            "line 4: column `accuracy_q50` holds `NaN`, not a finite number"
        );
        assert_eq!(message("exact,,,,,98,,,,\n"), "line 3: column `accuracy_mean` holds 98, outside 0…1");
        assert!(message("extact,,,,,1,,,,\n").starts_with("line 3: unknown kind of row `extact`"));
        assert_eq!(
            message("chips,0,4,,2,0.5,0.5,0.5,0.5,0\n"),
            "line 3: a row of chips without a value of the swept key `b`"
        );
        assert_eq!(
            message("chips,0,NaN,x,2,0.5,0.5,0.5,0.5,0\n"),
            "line 3: column `a.bits` holds `NaN`, not a finite number"
        );
        assert_eq!(
            message("chips,0,4,x,-2,0.5,0.5,0.5,0.5,0\n"),
            "line 3: column `chips` holds `-2`, not a whole number from 0"
        );
    }

    #[test]
    fn names_a_missing_column() {
        let table = Table::parse("row,point,chips,accuracy_mean,accuracy_q10,accuracy_q50\nexact,0,0,1,1,1\n").unwrap();
        assert_eq!(Summary::read(&table).unwrap_err().to_string(), "the table has no column `accuracy_q90`");
    }
}
