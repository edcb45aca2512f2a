//! Where values lie along an axis, as a share of its length, and which of them are written beside it.
//!
//! ```text
//! linear        |----+----+----+----|
//! logarithmic   |----+----+----+----|   values span more than 1.5 decades
//! with zero     |-0-//+---+----+----|   … and some are zero: it stands left of a break
//! categories    |--a--|--b--|--c----|
//! ```

use crate::plot::label::{Quantity, decimal, power_of_ten};

/// Positive values that span more than these decades get a logarithmic axis.
const LOG_SPAN_DECADES: f64 = 1.5;

/// Share of the axis left free on either side of the data.
const MARGIN: f64 = 0.04;

/// Where zero, the break, and the logarithmic part stand.
const ZERO_AT: f64 = 0.05;
const BREAK_AT: f64 = 0.1;
const LOG_FROM: f64 = 0.15;

#[derive(Debug, Clone)]
enum Scale {
    Linear {
        low: f64,
        high: f64,
    },
    /// Decimal logarithms of the ends; `from` is where the lower end of the data stands.
    Log {
        low: f64,
        high: f64,
        from: f64,
    },
    Categories {
        count: usize,
    },
}

/// A mark on an axis; an empty label makes it a minor one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub at: f64,
    pub label: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Axis {
    scale: Scale,
    pub ticks: Vec<Tick>,
    pub title: String,
    /// Where the axis is broken between zero and the logarithmic part.
    pub break_at: Option<f64>,
}

impl Axis {
    /// An axis for finite values of a quantity; at least two of them differ.
    pub(crate) fn numeric(values: &[f64], quantity: &Quantity) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let smallest = values.iter().copied().filter(|&value| value > 0.0).fold(f64::INFINITY, f64::min);
        let has_zero = low <= 0.0;
        if low >= 0.0 && high / smallest > 10_f64.powf(LOG_SPAN_DECADES) {
            return Self::log(smallest, high, has_zero, quantity);
        }
        let (factor, unit) = quantity.scaled(low.abs().max(high.abs()));
        let pad = (high - low).max(f64::MIN_POSITIVE) * MARGIN / (1.0 - 2.0 * MARGIN);
        let whole = values.iter().all(|value| (value / factor).fract().abs() < 1e-9);
        let ticks = linear_ticks(low / factor, high / factor, if whole { 1.0 } else { 0.0 });
        let (low, high) = (low - pad, high + pad);
        let at = |tick: f64| (tick * factor - low) / (high - low);
        let ticks = ticks.into_iter().map(|tick| Tick { at: at(tick), label: decimal(tick) }).collect();
        Self { scale: Scale::Linear { low, high }, ticks, title: quantity.title(&unit), break_at: None }
    }

    /// A logarithmic axis for positive values of a quantity; at least two of them differ.
    pub(crate) fn logarithmic(values: &[f64], quantity: &Quantity) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::log(low, high, false, quantity)
    }

    fn log(smallest: f64, largest: f64, has_zero: bool, quantity: &Quantity) -> Self {
        let (factor, unit) = if quantity.takes_prefix() {
            quantity.scaled((smallest * largest).sqrt())
        } else {
            (1.0, quantity.unit.to_owned())
        };
        let (low, high) = (smallest.log10(), largest.log10());
        let from = if has_zero { LOG_FROM } else { MARGIN };
        let mut axis = Self {
            scale: Scale::Log { low, high, from },
            ticks: Vec::new(),
            title: quantity.title(&unit),
            break_at: has_zero.then_some(BREAK_AT),
        };
        if has_zero {
            axis.ticks.push(Tick { at: ZERO_AT, label: "0".to_owned() });
        }
        let (first, last) = (low - factor.log10(), high - factor.log10());
        let exact = first >= -3.0 - 1e-9 && last < 4.0;
        let every = ((high - low) / 7.0).ceil() as i32;
        for exponent in first.floor() as i32..=last.ceil() as i32 {
            for mantissa in 1..10 {
                let at = f64::from(exponent) + f64::from(mantissa).log10();
                if at < first - 1e-9 || at > last + 1e-9 {
                    continue;
                }
                let labelled = match mantissa {
                    1 => exponent.rem_euclid(every) == 0,
                    2 | 5 => high - low < 2.5,
                    _ => false,
                };
                let label = match (labelled, exact, mantissa) {
                    (false, ..) => String::new(),
                    (_, true, _) => decimal(f64::from(mantissa) * 10_f64.powi(exponent)),
                    (_, _, 1) => power_of_ten(exponent),
                    _ => format!("{mantissa}×{}", power_of_ten(exponent)),
                };
                axis.ticks.push(Tick { at: axis.at(10_f64.powf(at) * factor), label });
            }
        }
        axis
    }

    /// An axis of per cent that holds the given values with some air, no narrower than two points.
    pub(crate) fn percent(low: f64, high: f64, title: &str) -> Self {
        let span = high - low;
        let (low, high) = if span > 50.0 {
            (0.0, if high > 85.0 { 100.0 } else { high + 0.1 * span })
        } else {
            let middle = (low + high) / 2.0;
            let half = (0.6 * span).max(1.0);
            ((middle - half).max(0.0), (middle + half).min(100.0))
        };
        let ticks = linear_ticks(low, high, 0.0);
        // A line at 100 % or 0 % should not lie on the frame.
        let air = 0.03 * (high - low);
        let (low, high) = (if low > 0.0 { low } else { -air }, if high < 100.0 { high } else { 100.0 + air });
        let ticks =
            ticks.into_iter().map(|tick| Tick { at: (tick - low) / (high - low), label: decimal(tick) }).collect();
        Self { scale: Scale::Linear { low, high }, ticks, title: title.to_owned(), break_at: None }
    }

    /// An axis with one slot for each name; the values on it are their indices.
    pub(crate) fn categories(names: &[String], title: &str) -> Self {
        let scale = Scale::Categories { count: names.len() };
        let mut axis = Self { scale, ticks: Vec::new(), title: title.to_owned(), break_at: None };
        axis.ticks =
            names.iter().enumerate().map(|(i, name)| Tick { at: axis.at(i as f64), label: name.clone() }).collect();
        axis
    }

    /// Where a value lies, 0 at the left or lower end and 1 at the other.
    pub(crate) fn at(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear { low, high } => (value - low) / (high - low),
            Scale::Log { .. } if value <= 0.0 => ZERO_AT,
            Scale::Log { low, high, from } => from + (1.0 - MARGIN - from) * (value.log10() - low) / (high - low),
            Scale::Categories { count } => (value + 0.5) / count as f64,
        }
    }

    /// Whether the axis has slots in place of numbers.
    pub(crate) fn is_categorical(&self) -> bool {
        matches!(self.scale, Scale::Categories { .. })
    }
}

/// Round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten, four to eight of them.
fn linear_ticks(low: f64, high: f64, smallest_step: f64) -> Vec<f64> {
    let wanted = ((high - low) / 6.0).max(f64::MIN_POSITIVE);
    let decade = 10_f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|step| *step >= 0.7 * wanted);
    let step = step.unwrap_or(10.0 * decade).max(smallest_step);
    let first = (low / step - 1e-9).ceil();
    (0..20).map(|i| first + f64::from(i)).take_while(|n| n * step <= high + 1e-9 * step).map(|n| n * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::label::quantity;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn less_than_a_decade_and_a_half_is_linear() {
        let axis = Axis::numeric(&[0.0, 0.002, 0.005, 0.01, 0.02, 0.05], &quantity("splitter_error.sigma_rad"));
        assert_eq!(labels(&axis), ["0", "0.01", "0.02", "0.03", "0.04", "0.05"]);
        assert!((axis.at(0.025) - 0.5).abs() < 1e-12);
        assert!(axis.break_at.is_none());
    }

    #[test]
    fn decades_are_logarithmic_and_zero_stands_left_of_a_break() {
        let axis = Axis::numeric(&[0.0, 1e-4, 1e-3, 1e-1], &quantity("splitter_error.sigma_rad"));
        assert_eq!(labels(&axis), ["0", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]);
        assert!(axis.at(0.0) < axis.break_at.unwrap() && axis.break_at.unwrap() < axis.at(1e-4));
        assert!((axis.at(1e-3) - axis.at(1e-4) - (axis.at(1e-2) - axis.at(1e-3))).abs() < 1e-12);
        let ticks: Vec<f64> = axis.ticks.iter().map(|tick| tick.at).collect();
        assert!(ticks.is_sorted() && ticks[ticks.len() - 1] <= 1.0);
    }

    #[test]
    fn powers_get_a_prefix() {
        let axis = Axis::numeric(&[1e-6, 1e-5, 1e-4], &quantity("laser_power_w"));
        assert_eq!(axis.title, "laser power (µW)");
        assert_eq!(labels(&axis), ["1", "2", "5", "10", "20", "50", "100"]);
        let axis = Axis::numeric(&[1e-3, 2e-3], &quantity("laser_power_w"));
        assert_eq!(axis.title, "laser power (mW)");
    }

    #[test]
    fn bits_have_no_fractions_and_negative_numbers_no_logarithm() {
        assert_eq!(labels(&Axis::numeric(&[4.0, 5.0, 6.0], &quantity("adc_bits"))), ["4", "5", "6"]);
        assert_eq!(labels(&Axis::numeric(&[-100.0, -10.0, 0.0], &quantity("rin_db_per_hz")))[0], "−100");
    }

    #[test]
    fn per_cent_leaves_air_and_stays_between_0_and_100() {
        for (low, high) in [(15.0, 98.0), (97.5, 97.5), (100.0, 100.0), (0.0, 0.0), (0.0, 100.0), (90.0, 99.0)] {
            let axis = Axis::percent(low, high, "accuracy");
            assert!(axis.at(low) > 0.0 && axis.at(high) < 1.0, "{low} {high}");
            assert!(axis.ticks.len() >= 3, "{low} {high}: {:?}", axis.ticks);
            assert!(!labels(&axis).contains(&"120") && axis.ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.at)));
        }
    }

    #[test]
    fn categories_sit_in_the_middle_of_their_slots() {
        let axis = Axis::categories(&["a".to_owned(), "b".to_owned()], "");
        assert_eq!(axis.ticks, [Tick { at: 0.25, label: "a".into() }, Tick { at: 0.75, label: "b".into() }]);
    }
}
