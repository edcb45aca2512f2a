//! Numbers for people: few digits, an exponent where it is shorter, units.

use crate::printed::results::shortest;

/// A number with some decimals, with an exponent from 10⁶ on. A number that rounds to zero has no sign.
///
/// ```
/// use phaseloom_files::decimal;
///
/// assert_eq!([0.25, -3e7, -1e-9].map(|number| decimal(number, 3)), ["0.250", "-3.000e7", "0.000"]);
/// ```
#[must_use]
pub fn decimal(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e6 {
        return format!("{value:.decimals$e}");
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if !zero.contains(|digit: char| matches!(digit, '1'..='9')) => zero.to_owned(),
        _ => text,
    }
}

/// A number with at most six significant digits.
#[must_use]
pub fn significant(value: f64) -> String {
    // Rounding to the digits of an exponent, then the shortest text of that number.
    shortest(format!("{value:.5e}").parse().unwrap_or(value))
}

/// A ratio with some decimals, with an exponent if it is tiny.
///
/// ```
/// use phaseloom_files::ratio;
///
/// assert_eq!([0.25, 3.14e-15].map(|number| ratio(number, 4)), ["0.2500", "3.1e-15"]);
/// ```
#[must_use]
pub fn ratio(value: f64, decimals: usize) -> String {
    if value < 1e-3 { format!("{value:.1e}") } else { decimal(value, decimals) }
}

/// An electrical power in W or mW, the unit that suits `reference`, so that a table has one unit.
///
/// ```
/// use phaseloom_files::power;
///
/// assert_eq!([1.5, 0.02].map(|watts| power(watts, 1.5)), ["1.500 W", "0.020 W"]);
/// assert_eq!([1.5, 0.0].map(|watts| power(watts, 0.02)), ["1500.000 mW", "0.000 mW"]);
/// assert_eq!([3e-9, 0.0].map(|watts| power(watts, 3e-9)), ["3.00e-9 W", "0.00e0 W"]);
/// ```
#[must_use]
pub fn power(watts: f64, reference: f64) -> String {
    match reference {
        _ if reference >= 1.0 => format!("{} W", decimal(watts, 3)),
        _ if reference == 0.0 || reference >= 1e-6 => format!("{:.3} mW", 1e3 * watts),
        _ => format!("{watts:.2e} W"),
    }
}

/// Transmitted power in dB, or "no light" for zero power.
#[must_use]
pub fn transmission(db: f64) -> String {
    if db > f64::NEG_INFINITY { format!("{} dB", decimal(db, 3)) } else { "no light".to_owned() }
}
