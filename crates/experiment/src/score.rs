//! The number by which a run judges a row of its results, such as the accuracy, and how it is written.

/// A number of a result with its name and unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Name of its columns.
    pub key: &'static str,
    /// Name in sentences and on axes.
    pub title: &'static str,
    /// Heading of its column on the terminal.
    pub heading: &'static str,
    /// Unit of the number.
    pub unit: Unit,
}

/// The unit of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share 0…1, or another ratio, written in per cent.
    Percent,
    /// A number as it is.
    Number,
}

impl Quantity {
    /// A value with its unit: `97.73 %`, or four significant digits.
    #[must_use]
    pub fn text(&self, value: f64) -> String {
        match self.unit {
            Unit::Percent => format!("{:.2} %", 100.0 * value),
            Unit::Number => significant(value),
        }
    }

    /// A difference with its standard error: `-4.34 ± 0.46 pt` (percentage points), or numbers.
    #[must_use]
    pub fn difference_text(&self, difference: f64, standard_error: f64) -> String {
        match self.unit {
            // One sample, or equal targets, have no standard error.
            _ if !standard_error.is_finite() => String::new(),
            Unit::Percent => format!("{:+.2} ± {:.2} pt", 100.0 * difference, 100.0 * standard_error),
            Unit::Number => {
                let sign = if difference < 0.0 { "" } else { "+" };
                format!("{sign}{} ± {}", significant(difference), significant(standard_error))
            }
        }
    }
}

/// A number with four significant digits, with an exponent if it is tiny or huge.
fn significant(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 || !magnitude.is_finite() {
        return format!("{value}");
    }
    if !(1e-3..1e6).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let decimals = (3 - magnitude.log10().floor() as i32).max(0) as usize;
    format!("{value:.decimals$}")
}

/// Which values of a score are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Higher ones.
    Higher,
    /// Lower ones.
    Lower,
}

/// The quantity by which a run judges its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// The quantity.
    pub quantity: Quantity,
    /// Which values are better.
    pub better: Better,
    /// Whether the floating-point reference has a value of its own, rather than a trivial one because the score compares
    /// with the reference.
    pub has_reference: bool,
    /// What a row does that loses at most the tolerated loss.
    pub within: &'static str,
    /// What a row does that loses more.
    pub beyond: &'static str,
    /// What chips do whose score is worse.
    pub worse: &'static str,
}

/// Share of samples with the same predicted class as the floating-point reference.
pub const AGREEMENT: Quantity = Quantity {
    key: "agreement",
    title: "agreement with the floating-point reference",
    heading: "same decisions",
    unit: Unit::Percent,
};

/// Relative rms difference ‖Ŷ − Y‖/‖Y‖ of the outputs Ŷ from those of the floating-point reference.
pub const OUTPUT_DIFFERENCE: Quantity = Quantity {
    key: "output_difference",
    title: "relative rms difference from the outputs of the floating-point reference",
    heading: "output difference",
    unit: Unit::Percent,
};

/// Coefficient of determination R² of a regression.
pub const R_SQUARED: Quantity = Quantity { key: "r_squared", title: "R²", heading: "R²", unit: Unit::Number };

impl Score {
    /// Share of samples with the correct class.
    pub const ACCURACY: Self = Self {
        quantity: Quantity { key: "accuracy", title: "accuracy", heading: "accuracy", unit: Unit::Percent },
        better: Better::Higher,
        has_reference: true,
        within: "loses at most one percentage point",
        beyond: "loses more than one percentage point",
        worse: "lose accuracy",
    };

    /// Share of samples whose class is among those of the top five outputs.
    pub const TOP_5: Self = Self {
        quantity: Quantity {
            key: "top_5_accuracy",
            title: "top-5 accuracy",
            heading: "top-5 accuracy",
            unit: Unit::Percent,
        },
        ..Self::ACCURACY
    };

    /// Root mean square error of a regression.
    pub const RMS_ERROR: Self = Self {
        quantity: Quantity { key: "rms_error", title: "rms error", heading: "rms error", unit: Unit::Number },
        better: Better::Lower,
        has_reference: true,
        within: "exceeds it by at most 1 % of the standard deviation of the targets",
        beyond: "exceeds it by more than 1 % of the standard deviation of the targets",
        worse: "have larger errors",
    };

    /// Agreement with the floating-point reference, for data without labels.
    pub const AGREEMENT: Self =
        Self { quantity: AGREEMENT, has_reference: false, worse: "decide otherwise", ..Self::ACCURACY };

    /// Difference from the outputs of the floating-point reference, for data without labels and a network of one output.
    pub const OUTPUT_DIFFERENCE: Self = Self {
        quantity: OUTPUT_DIFFERENCE,
        better: Better::Lower,
        has_reference: false,
        within: "is at most 1 %",
        beyond: "is more than 1 %",
        worse: "give other outputs",
    };

    /// The score of a key, such as `accuracy`.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        let all = [Self::ACCURACY, Self::TOP_5, Self::RMS_ERROR, Self::AGREEMENT, Self::OUTPUT_DIFFERENCE];
        all.into_iter().find(|score| score.quantity.key == key)
    }

    /// Loss of a value relative to a reference: positive if the value is worse.
    #[must_use]
    pub fn loss(&self, reference: f64, value: f64) -> f64 {
        match self.better {
            Better::Higher => reference - value,
            Better::Lower => value - reference,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.123_456, "0.1235"),
            (12.3456, "12.35"),
            (123_456.7, "123457"),
            (1e-7, "1.000e-7"),
            (2e9, "2.000e9"),
            (-0.5, "-0.5000"),
        ] {
            assert_eq!(Score::RMS_ERROR.quantity.text(value), text);
        }
        assert_eq!(Score::ACCURACY.quantity.difference_text(-0.0434, 0.0046), "-4.34 ± 0.46 pt");
        assert_eq!(Score::RMS_ERROR.quantity.difference_text(0.25, 0.125), "+0.2500 ± 0.1250");
    }
}
