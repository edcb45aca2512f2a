//! The spread over chips: a band between quantiles, a bar at a single point, or the chips themselves where they are few.

use crate::error::ReportError;
use crate::plot::label::quantity;
use crate::plot::marker::Marker;
use crate::plot::page::{Chart, Stroke};
use crate::summary::{Kind, Outcome, Summary};

/// Spreads below this are rounding.
const ROUNDING: f64 = 1e-9;

/// Draws the spread of joined points, given with their x. `inside` moves a value to the end of the axis if it lies beyond.
pub(super) fn draw(
    chart: &mut Chart,
    run: &[(f64, &Outcome)],
    (stroke, marker): (Stroke, Marker),
    centre: fn(&Outcome) -> f64,
    inside: impl Fn(f64) -> f64,
) -> Result<(), ReportError> {
    if run.iter().all(|(_, outcome)| outcome.has_few_chips()) {
        let chips = run.iter().flat_map(|(x, outcome)| outcome.values.iter().map(|value| (*x, inside(*value))));
        return chart.dots(chips.filter(|(_, value)| value.is_finite()), marker, stroke.colour);
    }
    if run.iter().all(|(_, outcome)| outcome.q90 - outcome.q10 <= ROUNDING * outcome.q90.abs()) {
        return Ok(());
    }
    match run {
        [(x, outcome)] => {
            let stroke = Stroke { width: 1.5, dashes: None, ..stroke };
            chart.error_bar(*x, [inside(outcome.q10), centre(outcome), outcome.q90], stroke)
        }
        run => {
            let curves: Vec<_> = run.iter().map(|(x, outcome)| (*x, inside(outcome.q10), outcome.q90)).collect();
            chart.band(&curves, stroke.colour)
        }
    }
}

/// Whether the legend shows a band: the spread is a band at some points of an axis of numbers.
pub(super) fn has_band(summary: &Summary, x_is_numeric: bool) -> bool {
    x_is_numeric && !summary.has_few_chips()
}

/// The words of the legend: `median of 20 chips, 10–90 % band`.
pub(super) fn words(summary: &Summary, centre: &str, x_is_numeric: bool) -> String {
    let chips = summary.chips();
    let shows_chips = summary.rows(Kind::Chips).any(|outcome| outcome.values.len() > 1);
    match (summary.has_few_chips(), shows_chips) {
        _ if chips == "one chip" => chips,
        (true, true) => format!("{centre} of {chips}, small: each chip"),
        (true, false) => format!("{centre} of {chips}"),
        (false, _) => format!("{centre} of {chips}, 10–90 % {}", if x_is_numeric { "band" } else { "bars" }),
    }
}

/// A point of chips in words: `splitter error σ = 0.01 rad: median 97.1 %, 10–90 %: 96.8–97.4 %`.
pub(super) fn text(summary: &Summary, outcome: &Outcome, centre: &str, value: f64) -> String {
    format!("{}: {centre} {}", levels(summary, outcome), range(summary, outcome, value))
}

/// The values of the swept keys of a point, in words.
pub(super) fn levels(summary: &Summary, outcome: &Outcome) -> String {
    let levels = outcome
        .levels
        .iter()
        .zip(&summary.keys)
        .filter_map(|(level, key)| Some(quantity(key).named(level.as_ref()?.text())));
    levels.collect::<Vec<_>>().join(", ")
}

/// A value of chips, with its quantiles if they say something.
pub(super) fn range(summary: &Summary, outcome: &Outcome, value: f64) -> String {
    let score = summary.score;
    if outcome.kind != Kind::Chips || outcome.has_few_chips() {
        return score.sentence(value);
    }
    format!("{}, 10–90 %: {}", score.sentence(value), score.interval(outcome.q10, outcome.q90))
}
