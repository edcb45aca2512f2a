//! A row of a claim: predicted value, measured value, criterion and verdict.

use crate::statistics::Estimate;

/// Allowed distance of a value from its prediction, in standard errors.
const STANDARD_ERRORS: f64 = 3.0;

/// Where a predicted value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A formula.
    Law,
    /// A number in a paper, or in the raw data of its authors.
    Published,
    /// A number from an independent program (NumPy).
    Reference,
    /// A bound of the criterion: rounding, an order, a ratio.
    #[default]
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

/// The verdict on a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Within the criterion.
    #[default]
    Pass,
    /// Outside of the criterion, with the deviation.
    Fail(String),
    /// Not computed, with the reason and the public source of missing data.
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

    /// Its mark on a terminal.
    #[must_use]
    pub fn mark(&self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Fail(_) => "✗",
            Self::Skipped(_) => "–",
        }
    }
}

/// A row as a point of a series in a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Name of the series.
    pub series: String,
    /// Abscissa of the point.
    pub x: f64,
}

/// One comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The case of the claim.
    pub label: String,
    /// Unit of the three numbers; 1 for a pure number.
    pub unit: &'static str,
    /// The value that the claim predicts, or a bound.
    pub predicted: f64,
    /// Origin of the predicted value.
    pub origin: Origin,
    /// The value that the simulator computes.
    pub measured: f64,
    /// Standard error of the measured value; 0 if nothing is random.
    pub standard_error: f64,
    /// Number of draws; 1 if nothing is random.
    pub draws: u64,
    /// The condition for a pass.
    pub criterion: String,
    /// Deviation relative to the allowed one: within −1…1 for a pass.
    pub share: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// A remark for the reader.
    pub note: String,
    /// The point of the row in a figure.
    pub point: Option<Point>,
}

/// Builder of a row: the prediction and its tolerance. The last call gives the measured value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Check {
    row: Row,
    predicted_error: f64,
    allowance: f64,
    wrong: Option<(String, f64)>,
}

impl Check {
    pub fn new(label: impl Into<String>, unit: &'static str) -> Self {
        Self { row: Row { label: label.into(), unit, ..Row::default() }, ..Self::default() }
    }

    fn predicted(self, predicted: f64, predicted_error: f64, origin: Origin) -> Self {
        Self { row: Row { predicted, origin, ..self.row }, predicted_error, ..self }
    }

    pub fn law(self, value: f64) -> Self {
        self.predicted(value, 0.0, Origin::Law)
    }

    /// A published value and its standard error.
    pub fn published(self, value: f64, error: f64) -> Self {
        self.predicted(value, error, Origin::Published)
    }

    /// A value of an independent program and its standard error.
    pub fn reference(self, value: f64, error: f64) -> Self {
        self.predicted(value, error, Origin::Reference)
    }

    /// Adds to the three standard errors of the tolerance, in the unit of the row.
    pub fn allow(self, allowance: f64) -> Self {
        Self { allowance, ..self }
    }

    /// The nearest wrong law. The row fails unless the measured value excludes it.
    pub fn against(self, name: &str, value: f64) -> Self {
        Self { wrong: Some((name.to_owned(), value)), ..self }
    }

    pub fn note(self, note: impl Into<String>) -> Self {
        Self { row: Row { note: note.into(), ..self.row }, ..self }
    }

    pub fn point(self, series: impl Into<String>, x: f64) -> Self {
        Self { row: Row { point: Some(Point { series: series.into(), x }), ..self.row }, ..self }
    }

    /// |measured − predicted| ≤ 3 standard errors + allowance, and the wrong law is outside of that.
    pub fn near(self, measured: Estimate) -> Row {
        let error = measured.error.hypot(self.predicted_error);
        let allowed = STANDARD_ERRORS * error + self.allowance;
        let mut criterion = "within 3 standard errors".to_owned();
        if self.predicted_error > 0.0 {
            criterion += " (that of the prediction included)";
        }
        if self.allowance > 0.0 {
            criterion += &format!(" + {}", number(self.allowance));
        }
        let deviation = measured.value - self.row.predicted;
        let mut verdict = if deviation.abs() <= allowed {
            Verdict::Pass
        } else {
            Verdict::Fail(match error > 0.0 {
                true => format!("off by {}, {:.1} standard errors", number(deviation), deviation / error),
                false => format!("off by {}", number(deviation)),
            })
        };
        if let Some((name, wrong)) = &self.wrong {
            criterion += &format!("; excludes {name} ({})", number(*wrong));
            if verdict == Verdict::Pass && (measured.value - wrong).abs() <= allowed {
                verdict = Verdict::Fail(format!("its standard error does not exclude {name}"));
            }
        }
        let share = if deviation.abs() > 0.0 { deviation / allowed } else { 0.0 };
        self.row(measured, criterion, share, verdict)
    }

    /// The count equals the predicted whole number.
    pub fn count(self, measured: usize) -> Row {
        let check = Self { allowance: 0.5, ..self };
        Row { criterion: "equal".into(), ..check.near(Estimate::exact(measured as f64)) }
    }

    /// measured ≤ limit.
    pub fn at_most(self, limit: f64, measured: Estimate) -> Row {
        let check = self.predicted(limit, 0.0, Origin::Bound);
        let verdict = match measured.value <= limit {
            true => Verdict::Pass,
            false => Verdict::Fail(format!("{} times the bound", number(measured.value / limit))),
        };
        check.row(measured, "at most the bound".into(), measured.value / limit, verdict)
    }

    /// measured − 3 standard errors ≥ limit, both positive.
    pub fn at_least(self, limit: f64, measured: Estimate) -> Row {
        let check = self.predicted(limit, 0.0, Origin::Bound);
        let low = measured.value - STANDARD_ERRORS * measured.error;
        let verdict = match low >= limit {
            true => Verdict::Pass,
            false => Verdict::Fail(format!("{} after subtracting 3 standard errors, below the bound", number(low))),
        };
        let criterion =
            if measured.error > 0.0 { "above the bound by 3 standard errors" } else { "at least the bound" };
        let share = (limit + STANDARD_ERRORS * measured.error) / measured.value;
        check.row(measured, criterion.into(), share, verdict)
    }

    /// A row that is not computed.
    pub fn skipped(self, reason: &str) -> Row {
        let nothing = Estimate { value: f64::NAN, error: f64::NAN, draws: 0 };
        self.row(nothing, String::new(), f64::NAN, Verdict::Skipped(reason.to_owned()))
    }

    fn row(self, measured: Estimate, criterion: String, share: f64, verdict: Verdict) -> Row {
        // Comparisons with NaN are false, which could make NaN pass.
        let verdict = match verdict {
            Verdict::Pass if !(measured.value.is_finite() && measured.error.is_finite()) => {
                Verdict::Fail("the measured value is not finite".into())
            }
            other => other,
        };
        Row {
            measured: measured.value,
            standard_error: measured.error,
            draws: measured.draws,
            criterion,
            share,
            verdict,
            ..self.row
        }
    }
}

/// A number with five digits, or with a power of ten if it is small or large.
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

    fn estimate(value: f64, error: f64) -> Estimate {
        Estimate { value, error, draws: 7 }
    }

    #[test]
    fn near_is_three_standard_errors_and_the_allowance() {
        let check = || Check::new("a", "1").law(1.0);
        assert_eq!(check().near(estimate(1.29, 0.1)).verdict, Verdict::Pass);
        assert!(matches!(check().near(estimate(1.31, 0.1)).verdict, Verdict::Fail(_)));
        let row = check().allow(0.05).near(estimate(1.34, 0.1));
        assert!(row.verdict == Verdict::Pass && (row.share - 0.34 / 0.35).abs() < 1e-12);
        let published = Check::new("a", "1").published(1.0, 0.4).near(estimate(2.4, 0.3));
        assert_eq!(published.verdict, Verdict::Pass, "3·0.5 = 1.5");
    }

    #[test]
    fn a_law_that_does_not_exclude_the_wrong_one_fails() {
        let check = |error| Check::new("a", "1").law(1.0).against("1.1", 1.1).near(estimate(1.0, error));
        assert_eq!(check(0.03).verdict, Verdict::Pass);
        assert!(matches!(check(0.04).verdict, Verdict::Fail(_)));
    }

    #[test]
    fn bounds_hold_on_their_side_and_nan_never_passes() {
        assert_eq!(Check::new("a", "1").at_most(1.0, estimate(0.5, 0.0)).verdict, Verdict::Pass);
        assert!(matches!(Check::new("a", "1").at_most(1.0, estimate(2.0, 0.0)).verdict, Verdict::Fail(_)));
        assert_eq!(Check::new("a", "1").at_least(1.0, estimate(1.4, 0.1)).verdict, Verdict::Pass);
        assert!(matches!(Check::new("a", "1").at_least(1.0, estimate(1.2, 0.1)).verdict, Verdict::Fail(_)));
        for row in [
            Check::new("a", "1").at_most(1.0, estimate(f64::NAN, 0.0)),
            Check::new("a", "1").at_least(1.0, estimate(f64::INFINITY, 0.0)),
            Check::new("a", "1").law(1.0).near(estimate(1.0, f64::INFINITY)),
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
