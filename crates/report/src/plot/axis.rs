//! Axes: coordinates of plotters with our own ticks.
//!
//! ```text
//! linear        |----+----+----+----|
//! logarithmic   |----+----+----+----|   values span more than 1.5 decades
//! with zero     |-0-//+---+----+----|   … and some are zero: zero lies left of a break
//! categories    |--a--|--b--|--c----|   values are the indices of the names
//! ```

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{IntoLogRange, LogCoord};

use crate::plot::label::{Quantity, decimal, power_of_ten};

/// Positive values that span more decades get a logarithmic axis, fewer a linear one.
const LOG_SPAN_DECADES: f64 = 1.5;

/// Share of the axis left free on either side of the data.
const MARGIN: f64 = 0.04;

/// Shares of an axis with zero: position of zero, of the break, and of the lower end of the logarithm.
const ZERO_AT: f64 = 0.05;
const BREAK_AT: f64 = 0.1;
const LOG_FROM: f64 = 0.15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
    /// A logarithm right of a break, zero left of it.
    ZeroAndLog,
    Categories,
}

/// A labelled mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub value: f64,
    pub label: String,
}

/// One axis. ±∞ lie at its ends.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    scale: Scale,
    range: Range<f64>,
    pub ticks: Vec<Tick>,
    /// Values of light lines of the grid, without labels.
    minor: Vec<f64>,
    pub title: String,
}

impl Axis {
    fn linear(range: Range<f64>, title: String) -> Self {
        Self { scale: Scale::Linear, range, ticks: Vec::new(), minor: Vec::new(), title }
    }

    /// An axis for finite values of a quantity; at least two of the values differ.
    pub(crate) fn numeric(values: &[f64], quantity: &Quantity) -> Self {
        let (low, high) = extremes(values.iter().copied());
        let (smallest, _) = extremes(values.iter().copied().filter(|&value| value > 0.0));
        if low >= 0.0 && high / smallest > 10_f64.powf(LOG_SPAN_DECADES) {
            let scale = if low <= 0.0 { Scale::ZeroAndLog } else { Scale::Log };
            return Self::log(smallest, high, scale, quantity);
        }
        let (factor, unit) = quantity.scaled(low.abs().max(high.abs()));
        let padding = (high - low).max(f64::MIN_POSITIVE) * MARGIN / (1.0 - 2.0 * MARGIN);
        let integers = values.iter().all(|value| (value / factor).fract().abs() < 1e-9);
        let mut axis = Self::linear(low - padding..high + padding, quantity.title(&unit));
        let ticks = linear_ticks(low / factor, high / factor, if integers { 1.0 } else { 0.0 });
        axis.ticks = ticks.into_iter().map(|n| Tick { value: n * factor, label: decimal(n) }).collect();
        axis
    }

    /// A logarithmic axis for positive values of a quantity; at least two of the values differ.
    pub(crate) fn logarithmic(values: &[f64], quantity: &Quantity) -> Self {
        let (low, high) = extremes(values.iter().copied());
        Self::log(low, high, Scale::Log, quantity)
    }

    fn log(smallest: f64, largest: f64, scale: Scale, quantity: &Quantity) -> Self {
        let (factor, unit) = if quantity.takes_prefix() {
            quantity.scaled((smallest * largest).sqrt())
        } else {
            (1.0, quantity.unit.to_owned())
        };
        let decades = (largest / smallest).log10();
        let (below, above) = match scale {
            Scale::ZeroAndLog => (0.0, decades * MARGIN / (1.0 - MARGIN - LOG_FROM)),
            _ => [decades * MARGIN / (1.0 - 2.0 * MARGIN); 2].into(),
        };
        let range = smallest / 10_f64.powf(below)..largest * 10_f64.powf(above);
        let mut axis = Self { scale, ..Self::linear(range, quantity.title(&unit)) };
        if scale == Scale::ZeroAndLog {
            axis.ticks.push(Tick { value: 0.0, label: "0".to_owned() });
        }
        let (first, last) = ((smallest / factor).log10() - 1e-9, (largest / factor).log10() + 1e-9);
        let plain_digits = first >= -3.0 - 2e-9 && last < 4.0;
        let every = (decades / 7.0).ceil() as i32;
        for exponent in first.floor() as i32..=last.ceil() as i32 {
            for mantissa in 1..10 {
                if !(first..=last).contains(&(f64::from(exponent) + f64::from(mantissa).log10())) {
                    continue;
                }
                let shown = f64::from(mantissa) * 10_f64.powi(exponent);
                let is_labelled = match mantissa {
                    1 => exponent.rem_euclid(every) == 0,
                    2 | 5 => decades < 2.5,
                    _ => false,
                };
                // Over many decades, more light lines would be a grey area.
                if !is_labelled && decades >= 2.5 && !matches!(mantissa, 1 | 2 | 5) {
                    continue;
                }
                if !is_labelled {
                    axis.minor.push(shown * factor);
                    continue;
                }
                let label = match mantissa {
                    _ if plain_digits => decimal(shown),
                    1 => power_of_ten(exponent),
                    _ => format!("{mantissa}×{}", power_of_ten(exponent)),
                };
                axis.ticks.push(Tick { value: shown * factor, label });
            }
        }
        axis
    }

    /// An axis of per cent with room around the given values, at least two points wide.
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
        let room = 0.03 * (high - low);
        let (low, high) = (if low > 0.0 { low } else { -room }, if high < 100.0 { high } else { 100.0 + room });
        let ticks = ticks.into_iter().map(|value| Tick { value, label: decimal(value) }).collect();
        Self { ticks, ..Self::linear(low..high, title.to_owned()) }
    }

    /// A linear axis for amounts from 0 on, with room around the given values. It begins at 0 unless they are far from it.
    pub(crate) fn amounts(low: f64, high: f64, title: &str) -> Self {
        let span = (high - low).max(0.1 * high.abs()).max(f64::MIN_POSITIVE);
        let low = if low < 2.0 * span { 0.0_f64.min(low) } else { low - 0.1 * span };
        let high = high + 0.1 * span;
        let ticks =
            linear_ticks(low, high, 0.0).into_iter().map(|value| Tick { value, label: decimal(value) }).collect();
        // A line at 0 should not lie on the frame.
        let room = if low < f64::MIN_POSITIVE { 0.03 * (high - low) } else { 0.0 };
        Self { ticks, ..Self::linear(low - room..high, title.to_owned()) }
    }

    /// An axis with one slot for each name.
    pub(crate) fn categories(names: &[String], title: &str) -> Self {
        let ticks = names.iter().enumerate().map(|(i, name)| Tick { value: i as f64, label: name.clone() }).collect();
        let range = -0.5..names.len() as f64 - 0.5;
        Self { scale: Scale::Categories, ticks, ..Self::linear(range, title.to_owned()) }
    }

    /// A vertical axis with one labelled slot for each name, the first one lowest.
    pub(crate) fn slots(names: Vec<String>, title: &str) -> Self {
        let range = -0.5..names.len() as f64 - 0.5;
        let ticks = names.into_iter().enumerate().map(|(i, label)| Tick { value: i as f64, label }).collect();
        Self { ticks, ..Self::linear(range, title.to_owned()) }
    }

    /// The position of a value as a share of the axis.
    pub(crate) fn share(&self, value: f64) -> f64 {
        const STEPS: i32 = 1_000_000;
        f64::from(self.map(&value, (0, STEPS))) / f64::from(STEPS)
    }

    /// A vertical axis without ticks for rows of a list: 0 at its upper end, `count` at its lower one.
    pub(crate) fn rows(count: f64) -> Self {
        Self::linear(count..0.0, String::new())
    }

    /// A linear axis over a range, with ticks at the given values.
    pub(crate) fn with_ticks(range: Range<f64>, values: &[f64], title: &str) -> Self {
        let ticks = values.iter().map(|&value| Tick { value, label: decimal(value) }).collect();
        Self { ticks, ..Self::linear(range, title.to_owned()) }
    }

    /// Replaces the ticks by these values.
    pub(crate) fn set_ticks(&mut self, values: &[f64]) {
        self.minor.clear();
        self.ticks = values.iter().map(|&value| Tick { value, label: decimal(value) }).collect();
    }

    /// Position of the break, as a share of the axis.
    pub(crate) fn break_at(&self) -> Option<f64> {
        (self.scale == Scale::ZeroAndLog).then_some(BREAK_AT)
    }

    /// Whether a line may join two neighbouring values: not in slots, and not across the break.
    pub(crate) fn joins(&self, left: f64, right: f64) -> bool {
        match self.scale {
            Scale::Linear | Scale::Log => true,
            Scale::ZeroAndLog => left > 0.0 || right <= 0.0,
            Scale::Categories => false,
        }
    }

    /// Whether the axis has slots instead of numbers.
    pub(crate) fn is_categorical(&self) -> bool {
        self.scale == Scale::Categories
    }

    /// Length of a linear axis; 0 for other axes, on which no distance is small everywhere.
    pub(crate) fn span(&self) -> f64 {
        if self.scale == Scale::Linear { self.range.end - self.range.start } else { 0.0 }
    }

    /// Whether a value lies between the ends of the axis.
    pub(crate) fn contains(&self, value: f64) -> bool {
        (self.range.start..=self.range.end).contains(&value)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let at = |share: f64| start + (share * f64::from(end - start)).round() as i32;
        let log = || LogCoord::from(self.range.clone().log_scale());
        match self.scale {
            _ if value.is_infinite() => at(if *value > 0.0 { 1.0 } else { 0.0 }),
            Scale::Linear | Scale::Categories => RangedCoordf64::from(self.range.clone()).map(value, (start, end)),
            Scale::Log => log().map(value, (start, end)),
            Scale::ZeroAndLog if *value <= 0.0 => at(ZERO_AT),
            Scale::ZeroAndLog => log().map(value, (at(LOG_FROM), end)),
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match self.scale {
            Scale::Categories => Vec::new(),
            _ if hint.weight().allow_light_points() => self.minor.clone(),
            _ => self.ticks.iter().map(|tick| tick.value).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.value.total_cmp(value).is_eq());
        tick.map_or(String::new(), |tick| tick.label.clone())
    }
}

/// Least and greatest of some values; (∞, −∞) for none.
pub(crate) fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// Round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten, four to eight of them.
fn linear_ticks(low: f64, high: f64, min_step: f64) -> Vec<f64> {
    let target = ((high - low) / 6.0).max(f64::MIN_POSITIVE);
    let decade = 10_f64.powf(target.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|step| *step >= 0.7 * target);
    let step = step.unwrap_or(10.0 * decade).max(min_step);
    let first = (low / step - 1e-9).ceil();
    (0..20).map(|i| first + f64::from(i)).take_while(|n| n * step <= high + 1e-9 * step).map(|n| n * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::label::quantity;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    /// Position as a share of the axis.
    fn at(axis: &Axis, value: f64) -> f64 {
        axis.share(value)
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-6
    }

    #[test]
    fn less_than_a_decade_and_a_half_is_linear() {
        let axis = Axis::numeric(&[0.0, 0.002, 0.005, 0.01, 0.02, 0.05], &quantity("splitter_error.sigma_rad"));
        assert_eq!(labels(&axis), ["0", "0.01", "0.02", "0.03", "0.04", "0.05"]);
        assert!(close(at(&axis, 0.025), 0.5) && axis.break_at().is_none());
    }

    #[test]
    fn decades_are_logarithmic_and_zero_lies_left_of_a_break() {
        let axis = Axis::numeric(&[0.0, 1e-4, 1e-3, 1e-1], &quantity("splitter_error.sigma_rad"));
        assert_eq!(labels(&axis), ["0", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]);
        assert!(at(&axis, 0.0) < axis.break_at().unwrap() && axis.break_at().unwrap() < at(&axis, 1e-4));
        assert!(!axis.joins(0.0, 1e-4) && axis.joins(1e-4, 1e-3));
        assert!(close(at(&axis, 1e-3) - at(&axis, 1e-4), at(&axis, 1e-2) - at(&axis, 1e-3)));
        let ticks: Vec<f64> = axis.ticks.iter().map(|tick| at(&axis, tick.value)).collect();
        assert!(ticks.is_sorted() && ticks[ticks.len() - 1] <= 1.0);
        assert!(close(at(&axis, f64::NEG_INFINITY), 0.0) && close(at(&axis, f64::INFINITY), 1.0));
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
    fn per_cent_leaves_room_and_stays_between_0_and_100() {
        for (low, high) in [(15.0, 98.0), (97.5, 97.5), (100.0, 100.0), (0.0, 0.0), (0.0, 100.0), (90.0, 99.0)] {
            let axis = Axis::percent(low, high, "accuracy");
            assert!(at(&axis, low) > 0.0 && at(&axis, high) < 1.0, "{low} {high}");
            assert!(axis.ticks.len() >= 3, "{low} {high}: {:?}", axis.ticks);
            assert!(!labels(&axis).contains(&"120") && axis.ticks.iter().all(|tick| axis.contains(tick.value)));
        }
    }

    #[test]
    fn categories_sit_in_the_middle_of_their_slots() {
        let axis = Axis::categories(&["a".to_owned(), "b".to_owned()], "");
        assert_eq!(labels(&axis), ["a", "b"]);
        assert!(close(at(&axis, 0.0), 0.25) && close(at(&axis, 1.0), 0.75));
    }

    #[test]
    fn plotters_writes_the_labels_of_our_ticks() {
        let axis = Axis::numeric(&[1e-6, 1e-5, 1e-4], &quantity("laser_power_w"));
        assert_eq!(axis.ticks.iter().map(|tick| axis.format_ext(&tick.value)).collect::<Vec<_>>(), labels(&axis));
        assert_eq!(Axis::rows(3.0).map(&3.0, (300, 0)), 300);
    }
}
