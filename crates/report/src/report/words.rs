//! Words for the keys in the cells of tables.

use crate::plot::label::quantity;
use crate::report::column::significant;
use crate::summary::KINDS;

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

/// A criterion of a yield with its limit.
pub(super) fn criterion(key: &str, limit: &str) -> String {
    let percent = || limit.parse::<f64>().map_or_else(|_| limit.to_owned(), |x| significant(100.0 * x));
    match key {
        "accuracy" => format!("an accuracy of at least {} %", percent()),
        "drop" => format!("a loss of the score of at most {limit}"),
        "fidelity" => format!("a fidelity of at least {limit}"),
        "rms_error" => format!("an rms error of at most {limit}"),
        _ => format!("a {} of at most {limit}", cell(key)),
    }
}

/// A text with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}", first.to_uppercase())
}
