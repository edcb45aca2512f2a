//! Words for the keys in the cells of tables, and their numbers.

use crate::plot::label::{decimal, quantity};
use crate::summary::{KINDS, Score, Values};

/// Keys with their words. Other keys are shown with spaces for underscores.
const WORDS: &[(&str, &str)] = &[
    ("drop", "loss of the score"),
    ("accuracy", "accuracy"),
    ("rms_error", "rms error"),
    ("matrix_error", "matrix error"),
    ("matrix_error_squared", "squared matrix error"),
    ("output_difference_squared", "squared difference of the outputs"),
    ("loss", "loss of the score"),
    ("all", "all sources together"),
    ("none", "no source"),
    ("theta", "internal phase θ"),
    ("phi", "external phase φ"),
    ("systolic", "systolic array"),
    ("tree", "adder tree"),
    ("bare", "products and sums alone"),
    ("equal_bits", "bits of the readout"),
    ("equal_drop", "bits of equal accuracy"),
    ("same_bits", "bits of the converters"),
    ("rated", "as rated"),
    ("true", "yes"),
    ("false", "no"),
    ("correct", "correct chips"),
    ("density", "work per area"),
    ("scale", "scale"),
];

/// A cell in words.
pub(super) fn cell(text: &str) -> String {
    if let Some((.., name)) = KINDS.iter().find(|(_, key, _)| *key == text) {
        return (*name).to_owned();
    }
    match WORDS.iter().find(|(key, _)| *key == text) {
        Some((_, words)) => (*words).to_owned(),
        // A sentence or a name with spaces is no key.
        None if text.contains(' ') => text.to_owned(),
        None => quantity(text).name.replace('_', " "),
    }
}

/// What chips do that pass a criterion of a yield, such as `have a fidelity of at least 0.99`.
pub(super) fn criterion(key: &str, limit: &str, score: Option<&Score>) -> String {
    let percent = || limit.parse::<f64>().map_or_else(|_| limit.to_owned(), |x| significant(100.0 * x));
    match (key, score) {
        ("accuracy", _) => format!("have an accuracy of at least {} %", percent()),
        ("drop", Some(score)) if score.values != Values::Numbers => {
            let points = percent();
            let unit = if points == "1" { "percentage point" } else { "percentage points" };
            format!("lose at most {points} {unit} of {}", score.name())
        }
        ("drop", _) => format!("lose at most {limit} of the score"),
        ("fidelity", _) => format!("have a fidelity of at least {limit}"),
        ("output_difference", _) => format!("differ in their outputs by at most {} %", percent()),
        ("rms_error", _) => format!("have an rms error of at most {limit}"),
        _ => format!("have a {} of at most {limit}", cell(key)),
    }
}

/// A sentence whose numbers stay on the line of their units.
pub(super) fn unbroken(text: &str) -> String {
    [" = ", " %", " rad", " W", " mW", " µW"]
        .iter()
        .fold(text.to_owned(), |text, part| text.replace(part, &part.replace(' ', "\u{a0}")))
}

/// A text with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}", first.to_uppercase())
}

/// A number with at most four significant digits; a whole one with all.
pub(super) fn significant(number: f64) -> String {
    if number.fract().abs() < f64::EPSILON * number.abs() && number.abs() < 1e6 {
        return decimal(number.round());
    }
    decimal(format!("{number:.3e}").parse().unwrap_or(number))
}
