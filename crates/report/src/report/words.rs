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

/// Keys with their words.
type Pairs = &'static [(&'static str, &'static str)];

/// Settings of a run with their values, in words. Other ones are shown with spaces for underscores.
const SETTINGS: &[(&str, &str, Pairs)] = &[
    ("detection", "detection", &[]),
    ("modulator", "modulators", &[("none", "ideal"), ("push_pull", "push-pull")]),
    ("cores", "cores", &[("each", "one for each tile of a weight matrix"), ("shared", "shared by the tiles")]),
    (
        "normalise",
        "scale of the weights",
        &[("tile", "for each tile by itself"), ("layer", "one for all tiles of a layer")],
    ),
    (
        "gain calibration",
        "gain calibration",
        &[
            ("none", "none: gains from the design"),
            ("scalar", "one gain per tile"),
            ("per_output", "one gain per output"),
        ],
    ),
    (
        "input normalisation",
        "normalisation of the inputs",
        &[("folded", "folded into the weights"), ("not folded", "not folded into the weights")],
    ),
    ("correction", "correction of the chips", &[]),
];

/// A setting of a run and its value in words.
pub(super) fn setting(name: &str, value: &str) -> (String, String) {
    let plain = |text: &str| text.replace('_', " ");
    let Some((_, words, values)) = SETTINGS.iter().find(|(key, ..)| *key == name) else {
        return (plain(name), quantity(name).value(value));
    };
    // A value may have a remark after it, such as `scalar (64 probe vectors a core, noiseless)`.
    let (value, remark) =
        value.split_once(" (").map_or((value, String::new()), |(value, rest)| (value, format!(" ({rest}")));
    let known = values.iter().find(|(key, _)| *key == value);
    let value = known.map_or_else(|| quantity(name).value(value), |(_, words)| (*words).to_owned());
    ((*words).to_owned(), value + &remark)
}

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

/// Whether the quantity of a criterion of a yield is a share, which is shown in per cent or in percentage points.
pub(super) fn is_share(criterion: &str, score: Option<&Score>) -> bool {
    match criterion {
        "accuracy" | "output_difference" => true,
        "drop" => score.is_some_and(|score| score.values != Values::Numbers),
        _ => false,
    }
}

/// What chips do that pass a criterion of a yield, such as `have a fidelity of at least 0.99`.
pub(super) fn criterion(key: &str, limit: &str, score: Option<&Score>) -> String {
    let percent = || limit.parse::<f64>().map_or_else(|_| limit.to_owned(), |x| significant(100.0 * x));
    match (key, score) {
        ("accuracy", _) => format!("have an accuracy of at least {} %", percent()),
        ("drop", Some(score)) if is_share(key, Some(score)) => {
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

/// A sentence whose numbers stay on the line of their units, and whose intervals stay whole.
pub(super) fn unbroken(text: &str) -> String {
    let text = text.replace('–', "\u{2060}–\u{2060}");
    [" = ", " %", " rad", " W", " mW", " µW"]
        .iter()
        .fold(text, |text, part| text.replace(part, &part.replace(' ', "\u{a0}")))
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
