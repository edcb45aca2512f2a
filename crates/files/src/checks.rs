//! Checks of single values and of names in lists.

use crate::error::InvalidValue;
use crate::error_text::nearest;

/// Another name of an entry of a list, and the key of that entry.
pub type Alias = (&'static str, &'static str);

/// A name in lower case without `_`, `-` and blanks: `LeakyReLU`, `leaky-relu` and `leaky_relu` are one name.
#[must_use]
pub fn folded(name: &str) -> String {
    name.chars().filter(|c| !"_- ".contains(*c)).flat_map(char::to_lowercase).collect()
}

/// The key that a name means: the key itself or an alias, without regard to case, `_` and `-`.
pub fn canonical(keys: impl IntoIterator<Item = &'static str>, aliases: &[Alias], name: &str) -> Option<&'static str> {
    let same = |other: &str| folded(other) == folded(name);
    let exact = |(other, _): &(&str, &str)| *other == name;
    let names: Vec<Alias> = keys.into_iter().map(|key| (key, key)).chain(aliases.iter().copied()).collect();
    let found = names.iter().find(|pair| exact(pair)).or_else(|| names.iter().find(|(other, _)| same(other)));
    found.map(|(_, key)| *key)
}

/// The entry of a list with this key or alias; `kind` names the list in messages.
///
/// # Errors
///
/// The [`InvalidValue`] with all keys and the nearest one.
pub fn find<T>(
    kind: &str,
    list: impl IntoIterator<Item = T>,
    key_of: impl Fn(&T) -> &'static str,
    aliases: &[Alias],
    name: &str,
) -> Result<T, InvalidValue> {
    let list: Vec<T> = list.into_iter().collect();
    let known: Vec<&'static str> = list.iter().map(&key_of).collect();
    let key = canonical(known.iter().copied(), aliases, name);
    let entry = list.into_iter().find(|entry| Some(key_of(entry)) == key);
    entry.ok_or_else(|| {
        let near = nearest(name, known.iter().copied().chain(aliases.iter().map(|(alias, _)| *alias)));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        InvalidValue::new(kind, format!("`{name}`"), format!("one of {}{near}", known.join(", ")))
    })
}

/// `Ok` if the condition holds, else the error for one number.
fn check(holds: bool, key: &str, value: f64, expected: &str) -> Result<(), InvalidValue> {
    if holds { Ok(()) } else { Err(InvalidValue::new(key, shortest(value), expected)) }
}

/// The shorter of decimal and scientific notation: very large and very small numbers have no row of zeros.
fn shortest(value: f64) -> String {
    let (decimal, scientific) = (value.to_string(), format!("{value:e}"));
    if scientific.len() + 3 < decimal.len() { scientific } else { decimal }
}

/// Checks that a number is finite and at least `min`.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key and the number.
pub fn at_least(key: &str, value: f64, min: f64) -> Result<(), InvalidValue> {
    check(value.is_finite() && value >= min, key, value, &format!("a finite number ≥ {min}"))
}

/// Checks that a number lies between two others, both included.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key and the number.
pub fn between(key: &str, value: f64, min: f64, max: f64) -> Result<(), InvalidValue> {
    let expected = format!("a number from {} to {}", shortest(min), shortest(max));
    check((min..=max).contains(&value), key, value, &expected)
}

/// Checks that a quantity lies between two others, both included. The message has its unit.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key, the number, the range and the unit.
pub fn within(key: &str, value: f64, [min, max]: [f64; 2], unit: &str) -> Result<(), InvalidValue> {
    let expected = format!("{} to {} {unit}", shortest(min), shortest(max));
    check((min..=max).contains(&value), key, value, &expected)
}

/// Checks the standard deviation of an angle: from 0 to 1e6 rad.
///
/// Beyond a few radians all standard deviations have the same effect; the limit keeps sines accurate.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key and the number.
pub fn spread_rad(key: &str, value: f64) -> Result<(), InvalidValue> {
    at_least(key, value, 0.0)?;
    check(value <= 1e6, key, value, "at most 1e6 rad")
}

/// Checks that a number is finite and greater than zero.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key and the number.
pub fn positive(key: &str, value: f64) -> Result<(), InvalidValue> {
    check(value.is_finite() && value > 0.0, key, value, "a finite number > 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_neither_by_case_nor_by_hyphens() {
        const ALIASES: &[Alias] = &[("swish", "silu")];
        for (name, key) in [
            ("leaky_relu", Some("leaky_relu")),
            ("LeakyReLU", Some("leaky_relu")),
            ("Swish", Some("silu")),
            ("SILU", Some("silu")),
            ("relu", None),
            ("", None),
            ("--", None),
            ("silu\u{1b}", None),
        ] {
            assert_eq!(canonical(["silu", "leaky_relu"], ALIASES, name), key, "{name}");
        }
        let error = find("layer", ["silu"], |key| *key, ALIASES, "swich").unwrap_err().to_string();
        assert_eq!(error, "`layer` is `swich`: expected one of silu; did you mean `swish`?");
    }
}
