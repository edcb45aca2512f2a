//! A row of a claim: what was predicted, what was found, and whether that is near enough.

use crate::statistics::Estimate;

/// Standard errors that a value may lie from its prediction.
const STANDARD_ERRORS: f64 = 3.0;

/// Where a predicted value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A formula.
    Law,
    /// A number in a paper, or in the raw data of its authors.
    Published,
    /// A number from an independent program (NumPy).
    Reference,
    /// A bound of the criterion: rounding, an order, a ratio.
    Bound,
}

impl Origin {
    /// Its name in tables.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Law => "law",
            Self::Published => "published",
            Self::Reference => "reference",
            Self::Bound => "bound",
        }
    }
}

/// Whether a row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within what the criterion allows.
    Pass,
    /// Outside, with what is wrong.
    Fail(String),
    /// Not computed, with the reason and, where data are needed, their public source.
    Skipped(String),
}

impl Verdict {
    /// Its name in tables.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "FAIL",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// Where a row stands in a figure: a point of a series over some quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The line that it belongs to.
    pub series: String,
    /// Its place on that line.
    pub x: f64,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which case of the claim.
    pub label: String,
    /// Unit of the three numbers; 1 for a pure number.
    pub unit: &'static str,
    /// The value that the claim predicts, or a bound.
    pub predicted: f64,
    /// Where that comes from.
    pub origin: Origin,
    /// The value that the machine gives.
    pub measured: f64,
    /// Its standard error; 0 where nothing is random.
    pub standard_error: f64,
    /// Number of draws; 1 where nothing is random.
    pub draws: u64,
    /// When it passes.
    pub criterion: String,
    /// Share that is used up of what the criterion allows: within −1…1 for a pass.
    pub share: f64,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What a reader should know beside it.
    pub note: String,
    /// Its place in a figure.
    pub point: Option<Point>,
}

/// Collects what a row is compared with; each of its endings makes the row.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    label: String,
    unit: &'static str,
    predicted: f64,
    predicted_error: f64,
    origin: Origin,
    allowance: f64,
    wrong: Option<(String, f64)>,
    note: String,
    point: Option<Point>,
}

impl Check {
    pub fn new(label: impl Into<String>, unit: &'static str) -> Self {
        Self {
            label: label.into(),
            unit,
            predicted: 0.0,
            predicted_error: 0.0,
            origin: Origin::Bound,
            allowance: 0.0,
            wrong: None,
            note: String::new(),
            point: None,
        }
    }

    pub fn law(self, value: f64) -> Self {
        Self { predicted: value, origin: Origin::Law, ..self }
    }

    /// A published value and its standard error.
    pub fn published(self, value: f64, error: f64) -> Self {
        Self { predicted: value, predicted_error: error, origin: Origin::Published, ..self }
    }

    /// A value of an independent program and its standard error.
    pub fn reference(self, value: f64, error: f64) -> Self {
        Self { predicted: value, predicted_error: error, origin: Origin::Reference, ..self }
    }

    /// What is allowed beside three standard errors, in the unit of the row.
    pub fn allow(self, allowance: f64) -> Self {
        Self { allowance, ..self }
    }

    /// The nearest wrong law: it must be told from the measured value, or the row fails.
    pub fn against(self, name: &str, value: f64) -> Self {
        Self { wrong: Some((name.to_owned(), value)), ..self }
    }

    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    pub fn point(self, series: impl Into<String>, x: f64) -> Self {
        Self { point: Some(Point { series: series.into(), x }), ..self }
    }

    /// |measured − predicted| ≤ 3 standard errors + allowance, and the wrong law further off than that.
    pub fn near(self, found: Estimate) -> Row {
        let error = found.error.hypot(self.predicted_error);
        let allowed = STANDARD_ERRORS * error + self.allowance;
        let mut criterion = "within 3 s.e.".to_owned();
        if self.predicted_error > 0.0 {
            criterion += " (its own among them)";
        }
        if self.allowance > 0.0 {
            criterion += &format!(" + {}", number(self.allowance));
        }
        let deviation = found.value - self.predicted;
        let mut verdict = if deviation.abs() <= allowed {
            Verdict::Pass
        } else {
            Verdict::Fail(match error > 0.0 {
                true => format!("off by {}, {:.1} s.e.", number(deviation), deviation / error),
                false => format!("off by {}", number(deviation)),
            })
        };
        if let Some((name, wrong)) = &self.wrong {
            criterion += &format!("; tells {name} ({})", number(*wrong));
            if verdict == Verdict::Pass && (found.value - wrong).abs() <= allowed {
                verdict = Verdict::Fail(format!("its standard error does not tell {name}"));
            }
        }
        let share = if deviation.abs() > 0.0 { deviation / allowed } else { 0.0 };
        self.row(found, criterion, share, verdict)
    }

    /// A whole number that must be met exactly.
    pub fn count(self, found: usize) -> Row {
        let check = Self { allowance: 0.5, ..self };
        Row { criterion: "equal".into(), ..check.near(Estimate::exact(found as f64)) }
    }

    /// measured ≤ limit.
    pub fn at_most(self, limit: f64, found: Estimate) -> Row {
        let check = Self { predicted: limit, ..self };
        let verdict = match found.value <= limit {
            true => Verdict::Pass,
            false => Verdict::Fail(format!("{} times the bound", number(found.value / limit))),
        };
        check.row(found, "at most the bound".into(), found.value / limit, verdict)
    }

    /// measured − 3 standard errors ≥ limit, both positive.
    pub fn at_least(self, limit: f64, found: Estimate) -> Row {
        let check = Self { predicted: limit, ..self };
        let low = found.value - STANDARD_ERRORS * found.error;
        let verdict = match low >= limit {
            true => Verdict::Pass,
            false => Verdict::Fail(format!("3 s.e. below it is {}, under the bound", number(low))),
        };
        let criterion = if found.error > 0.0 { "above the bound by 3 s.e." } else { "at least the bound" };
        let share = (limit + STANDARD_ERRORS * found.error) / found.value;
        check.row(found, criterion.into(), share, verdict)
    }

    /// A row that is not computed.
    pub fn skipped(self, reason: &str) -> Row {
        let nothing = Estimate { value: f64::NAN, error: f64::NAN, draws: 0 };
        self.row(nothing, String::new(), f64::NAN, Verdict::Skipped(reason.to_owned()))
    }

    fn row(self, found: Estimate, criterion: String, share: f64, verdict: Verdict) -> Row {
        // A number that is none never passes by a comparison that went the wrong way.
        let verdict = match verdict {
            Verdict::Pass if !(found.value.is_finite() && found.error.is_finite()) => {
                Verdict::Fail("the measured value is no finite number".into())
            }
            other => other,
        };
        Row {
            label: self.label,
            unit: self.unit,
            predicted: self.predicted,
            origin: self.origin,
            measured: found.value,
            standard_error: found.error,
            draws: found.draws,
            criterion,
            share,
            verdict,
            note: self.note,
            point: self.point,
        }
    }
}

/// A number for people: five digits, a power of ten where it is small or large.
pub(crate) fn number(x: f64) -> String {
    match x.abs() {
        _ if !x.is_finite() => "–".into(),
        a if a > 0.0 && !(1e-3..1e5).contains(&a) => format!("{x:.2e}"),
        a if a > 0.0 => {
            let decimals = (4 - a.log10().floor() as i32).clamp(0, 7) as usize;
            let text = format!("{x:.decimals$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        _ => "0".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: f64, error: f64) -> Estimate {
        Estimate { value, error, draws: 7 }
    }

    #[test]
    fn near_is_three_standard_errors_and_the_allowance() {
        let check = || Check::new("a", "1").law(1.0);
        assert_eq!(check().near(found(1.29, 0.1)).verdict, Verdict::Pass);
        assert!(matches!(check().near(found(1.31, 0.1)).verdict, Verdict::Fail(_)));
        let row = check().allow(0.05).near(found(1.34, 0.1));
        assert!(row.verdict == Verdict::Pass && (row.share - 0.34 / 0.35).abs() < 1e-12);
        let published = Check::new("a", "1").published(1.0, 0.4).near(found(2.4, 0.3));
        assert_eq!(published.verdict, Verdict::Pass, "3·0.5 = 1.5");
    }

    #[test]
    fn a_law_that_cannot_be_told_from_a_wrong_one_fails() {
        let check = |error| Check::new("a", "1").law(1.0).against("1.1", 1.1).near(found(1.0, error));
        assert_eq!(check(0.03).verdict, Verdict::Pass);
        assert!(matches!(check(0.04).verdict, Verdict::Fail(_)));
    }

    #[test]
    fn bounds_hold_on_their_side_and_nan_never_passes() {
        assert_eq!(Check::new("a", "1").at_most(1.0, found(0.5, 0.0)).verdict, Verdict::Pass);
        assert!(matches!(Check::new("a", "1").at_most(1.0, found(2.0, 0.0)).verdict, Verdict::Fail(_)));
        assert_eq!(Check::new("a", "1").at_least(1.0, found(1.4, 0.1)).verdict, Verdict::Pass);
        assert!(matches!(Check::new("a", "1").at_least(1.0, found(1.2, 0.1)).verdict, Verdict::Fail(_)));
        for row in [
            Check::new("a", "1").at_most(1.0, found(f64::NAN, 0.0)),
            Check::new("a", "1").at_least(1.0, found(f64::INFINITY, 0.0)),
            Check::new("a", "1").law(1.0).near(found(1.0, f64::INFINITY)),
        ] {
            assert!(matches!(row.verdict, Verdict::Fail(_)), "{row:?}");
        }
        assert_eq!(Check::new("a", "1").law(6.0).count(6).verdict, Verdict::Pass);
        assert!(matches!(Check::new("a", "1").law(6.0).count(7).verdict, Verdict::Fail(_)));
    }

    #[test]
    fn numbers_have_five_digits() {
        let texts = [0.0, 1.0, 0.22345678, 12_345.678, 1e-16, -0.5, f64::NAN].map(number);
        assert_eq!(texts, ["0", "1", "0.22346", "12346", "1.00e-16", "-0.5", "–"]);
    }
}
