//! The tables of a cost: one row per point, and the details of one point.

use super::Costed;
use super::text::part_name;
use phaseloom::cost::{ArrayKind, NAMED_CHIPS};
use phaseloom::experiment::cost::analysis::{BreakEven, Counterpart, array_key};
use phaseloom::experiment::cost::{CostRun, verdict};
use phaseloom::experiment::score::{Score, Unit};
use phaseloom::files::{ColumnText, ResultTable, ResultValue};

/// Columns of `cost.csv`.
#[cfg(test)]
pub const COST_COLUMNS: &[ColumnText] = &[
    ("point", "", "Index of the point."),
    ("<key>", "", "Value of a swept key."),
    ("score_mean", "1", "Mean score of the chips, such as the accuracy."),
    ("score_exact", "1", "Score of the floating-point reference."),
    (
        "score_bits",
        "bit",
        "Readout bits of the chips with that score, mean over MACs; empty without error. If `readout_bits` are fewer, the score is not that of the cost, and the point is on no front.",
    ),
    ("correct_share", "1", "Share of chips that lose at most `cost.max_drop`."),
    (
        "readout_bits",
        "bit",
        "Readout bits of the layers on which the comparison rests, mean over multiply-accumulates (MACs).",
    ),
    ("energy_j", "J", "Energy of one inference; empty if no laser reaches the bits."),
    ("energy_per_mac_j", "J", "Energy of one MAC of the matrices."),
    ("power_w", "W", "Mean electrical power."),
    ("laser_w", "W", "Electrical power of all lasers."),
    ("latency_s", "s", "Time from the first input to the last output."),
    ("period_s", "s", "Time between two inferences."),
    ("limit", "", "What limits the rate: `cores`, `loads`, `memory` or `requests`."),
    ("cores", "", "Cores that have power: no more than there are tiles."),
    ("resident", "", "Whether every tile has a core."),
    ("area_m2", "m²", "Area of all cores, memory and logic."),
    ("buffer_bytes", "B", "Values of a batch that wait between passes of shared cores."),
    ("assumed_share", "1", "Share of the energy that rests on assumptions of the library."),
    ("<array>_ratio", "1", "Energy of electronics of equal readout bits over that of light; 0 if no laser suffices."),
    ("<array>_q05", "1", "5 % quantile of the ratio over samples of the library; `_q50` and `_q95` likewise."),
    (
        "pareto",
        "",
        "Whether no other point has at least the same score for less energy, and the score is that of the cost.",
    ),
];

/// Columns of `energy.csv`.
pub const ENERGY_COLUMNS: &[ColumnText] = &[
    ("side", "", "`light`, `systolic` or `tree`; electronics have equal readout bits."),
    ("part", "", "The part in words."),
    ("key", "", "Its key in the formulas of the cost model."),
    ("joule", "J", "Energy of one inference."),
    ("share", "1", "Share of the energy of the side."),
];

/// Columns of `electronics.csv`.
pub const ELECTRONICS_COLUMNS: &[ColumnText] = &[
    ("array", "", "`systolic`, `tree`, `bare` (products and sums alone) or a named chip at its rated power."),
    (
        "precision",
        "",
        "`equal_bits`: the readout bits of light; `equal_drop`: the score of the chips, if it is that of the cost; `same_bits`: those of the converters.",
    ),
    ("bits", "bit", "Bits of weights and inputs, mean over MACs; empty if no electronics are equal."),
    ("energy_per_mac_j", "J", "Energy of one MAC."),
    ("latency_s", "s", "Time from the first input to the last output."),
    ("area_m2", "m²", "Area of as many arrays as the rate of light needs."),
    ("ratio", "1", "Energy over that of light."),
    ("q05", "1", "5 % quantile of the ratio over samples of the library."),
    ("q50", "1", "Median."),
    ("q95", "1", "95 % quantile."),
];

/// Columns of `tests.csv`.
pub const TESTS_COLUMNS: &[ColumnText] = &[
    ("test", "", "`correct`, `energy`, `density`, `latency` or `scale`."),
    ("answer", "", "`yes`, `open` or `no`."),
    ("number", "", "The number that decides."),
    ("limit", "", "The limit that it is compared with."),
    ("meaning", "", "What the number is."),
];

/// Columns of `turning.csv`.
pub const TURNING_COLUMNS: &[ColumnText] = &[
    ("array", "", "The array that light is compared with."),
    ("quantity", "", "The quantity, or `core.ports`."),
    ("unit", "", "Its unit."),
    ("own", "", "Its value at this point, if it has one."),
    (
        "turns_at",
        "",
        "Value at which energies are equal; of `core.ports` the first size on the other side. Empty if nowhere.",
    ),
    ("light_wins", "", "`above` or `below` that value; without a turn, `everywhere` or `nowhere` in the range."),
    ("from", "", "Start of the range that was searched."),
    ("to", "", "End of that range."),
];

/// Columns of `break-even.csv`.
pub const BREAK_EVEN_COLUMNS: &[ColumnText] = &[
    ("quantity", "", "The quantity."),
    ("unit", "", "Its unit."),
    ("value", "", "Its value."),
    ("own", "", "Its value at this point."),
    ("systolic", "1", "Energy of a systolic array of equal readout bits over that of light; 0 if no laser suffices."),
    ("tree", "1", "The same for an adder tree."),
];

/// The unit of the score in a figure.
pub fn score_unit(score: &Score) -> &'static str {
    if score.quantity.unit == Unit::Percent { "%" } else { "1" }
}

/// The single values of the point in detail.
pub fn values(run: &CostRun, chosen: &Costed<'_>) -> Vec<(&'static str, ResultValue)> {
    let point = chosen.point;
    vec![
        ("identity", run.outcome.identity.identity.as_str().into()),
        ("seed", point.model.config.seed.into()),
        ("score", run.score.quantity.key.into()),
        ("detail_of_point", point.index.into()),
        ("verdict", verdict::sentence(&point.model, &chosen.analysis).into()),
    ]
}

/// All tables, that of the points first.
pub fn all(costed: &[Costed<'_>], chosen: &Costed<'_>, break_even: &BreakEven) -> Vec<ResultTable> {
    let points = ResultTable::from_rows("cost", costed.iter().map(point_row).collect());
    vec![points, tests(chosen), energy(chosen), electronics(chosen), turning(chosen, break_even), curves(break_even)]
}

fn point_row(costed: &Costed<'_>) -> Vec<(String, ResultValue)> {
    let Costed { point, analysis, .. } = costed;
    let light = &analysis.photonic;
    let share = point.correctness.share(point.model.settings.max_drop);
    let mut row: Vec<(String, ResultValue)> = vec![("point".into(), point.index.into())];
    row.extend(point.levels.iter().map(|(key, value)| (key.clone(), ResultValue::from_json(value))));
    let values: Vec<(&str, ResultValue)> = vec![
        ("score_mean", point.correctness.score.into()),
        ("score_exact", point.correctness.exact.into()),
        ("score_bits", verdict::run_bits(&point.model).into()),
        ("correct_share", share.into()),
        ("readout_bits", verdict::mean_bits(&point.model, analysis).into()),
        ("energy_j", light.joule().into()),
        ("energy_per_mac_j", light.joule_per_mac().into()),
        ("power_w", light.watt().into()),
        ("laser_w", light.laser_wall_w().into()),
        ("latency_s", light.timing.latency_s.into()),
        ("period_s", light.timing.period_s.into()),
        ("limit", format!("{:?}", light.timing.limit).to_lowercase().into()),
        ("cores", light.timing.powered_cores.into()),
        ("resident", light.timing.resident.into()),
        ("area_m2", light.area.total_m2().into()),
        ("buffer_bytes", light.buffer.bytes.into()),
        ("assumed_share", analysis.assumed_share.into()),
    ];
    row.extend(values.into_iter().map(|(key, value)| (key.to_owned(), value)));
    for kind in [ArrayKind::Systolic, ArrayKind::Tree] {
        let Some(counterpart) = analysis.equal(kind) else { continue };
        let key = array_key(kind);
        let interval = &counterpart.interval;
        for (name, value) in
            [("ratio", counterpart.ratio), ("q05", interval.low), ("q50", interval.median), ("q95", interval.high)]
        {
            row.push((format!("{key}_{name}"), value.into()));
        }
    }
    row.push(("pareto".into(), costed.pareto.into()));
    row
}

fn names<'a>(columns: &[(&'a str, &'a str, &'a str)]) -> Vec<&'a str> {
    columns.iter().map(|(name, ..)| *name).collect()
}

fn tests(chosen: &Costed<'_>) -> ResultTable {
    let mut table = ResultTable::new("tests", &names(TESTS_COLUMNS));
    for test in &chosen.tests {
        let meaning = test.meaning.clone().into();
        table.row([test.key.into(), test.answer.word().into(), test.number.into(), test.limit.into(), meaning]);
    }
    table
}

fn energy(chosen: &Costed<'_>) -> ResultTable {
    let mut table = ResultTable::new("energy", &names(ENERGY_COLUMNS));
    let mut side = |side: &str, energy: &phaseloom::cost::Energy| {
        let total = energy.total_j();
        for part in &energy.parts {
            let share = if total > 0.0 { part.joule / total } else { 0.0 };
            table.row([side.into(), part_name(part.key).into(), part.key.into(), part.joule.into(), share.into()]);
        }
    };
    side("light", &chosen.analysis.photonic.energy);
    for kind in [ArrayKind::Systolic, ArrayKind::Tree] {
        if let Some(cost) = chosen.analysis.equal(kind).and_then(|c| c.cost.as_ref()) {
            side(array_key(kind), &cost.energy);
        }
    }
    table
}

fn electronics(chosen: &Costed<'_>) -> ResultTable {
    let mut table = ResultTable::new("electronics", &names(ELECTRONICS_COLUMNS));
    let light = chosen.analysis.photonic.joule_per_mac();
    for counterpart in &chosen.analysis.counterparts {
        let Counterpart { kind, precision, bits, cost, ratio, interval } = counterpart;
        let of_cost = |f: fn(&phaseloom::cost::DigitalCost) -> f64| cost.as_ref().map(f).into();
        table.row([
            array_key(*kind).into(),
            precision.key().into(),
            (*bits).into(),
            of_cost(|cost| cost.joule() / cost.macs),
            of_cost(|cost| cost.latency_s),
            of_cost(|cost| cost.area.total_m2()),
            (*ratio).into(),
            interval.low.into(),
            interval.median.into(),
            interval.high.into(),
        ]);
    }
    let missing = || ResultValue::Missing;
    let of_light = |joule: f64| light.map(|light| joule / light).into();
    if let Some(cost) = chosen.analysis.equal(ArrayKind::Tree).and_then(|c| c.cost.as_ref()) {
        let joule = cost.bare_j / cost.macs;
        let bits = chosen.analysis.equal(ArrayKind::Tree).and_then(|c| c.bits).into();
        table.row(["bare".into(), "equal_bits".into(), bits, joule.into(), missing(), missing(), of_light(joule)]);
    }
    for chip in NAMED_CHIPS {
        let joule = chip.joule_per_mac();
        table.row([chip.name.into(), "rated".into(), 8.0.into(), joule.into(), missing(), missing(), of_light(joule)]);
    }
    table
}

fn turning(chosen: &Costed<'_>, break_even: &BreakEven) -> ResultTable {
    let mut table = ResultTable::new("turning", &names(TURNING_COLUMNS));
    for turning in &break_even.turning {
        let [from, to] = turning.range;
        let ends = |at: ResultValue, wins: &str| {
            let own = turning.own.into();
            let (key, unit) = (turning.key.into(), turning.unit.into());
            [array_key(turning.kind).into(), key, unit, own, at, wins.into(), from.into(), to.into()]
        };
        for point in &turning.points {
            table.row(ends(point.value.into(), if point.light_wins_above { "above" } else { "below" }));
        }
        if turning.points.is_empty() {
            let wins = chosen.analysis.equal(turning.kind).is_some_and(|c| c.ratio > 1.0);
            table.row(ends(ResultValue::Missing, if wins { "everywhere" } else { "nowhere" }));
        }
    }
    let own = chosen.point.model.config.core.ports;
    let (first, last) = (break_even.sizes.first(), break_even.sizes.last());
    let (from, to) = (first.map_or(own, |s| s.0), last.map_or(own, |s| s.0));
    for (index, kind) in [ArrayKind::Systolic, ArrayKind::Tree].into_iter().enumerate() {
        let row = |at: ResultValue, wins: &str| {
            let (array, own) = (array_key(kind).into(), own.into());
            [array, "core.ports".into(), "1".into(), own, at, wins.into(), from.into(), to.into()]
        };
        let turns: Vec<_> = turns_of_sizes(break_even, index).collect();
        for (size, above) in &turns {
            table.row(row((*size).into(), if *above { "above" } else { "below" }));
        }
        if turns.is_empty() {
            let wins = break_even.sizes.first().is_some_and(|(_, ratios)| ratios[index] > 1.0);
            table.row(row(ResultValue::Missing, if wins { "everywhere" } else { "nowhere" }));
        }
    }
    table
}

/// Sizes of a core from which on the verdict is another than for the next smaller size, and whether light wins there. `index`
/// is that of the array.
pub fn turns_of_sizes(break_even: &BreakEven, index: usize) -> impl Iterator<Item = (usize, bool)> {
    let wins = move |size: &(usize, [f64; 2])| size.1[index] > 1.0;
    let pairs = break_even.sizes.windows(2);
    pairs.filter(move |pair| wins(&pair[0]) != wins(&pair[1])).map(move |pair| (pair[1].0, wins(&pair[1])))
}

fn curves(break_even: &BreakEven) -> ResultTable {
    let mut table = ResultTable::new("break-even", &names(BREAK_EVEN_COLUMNS));
    for point in &break_even.curves {
        let [systolic, tree] = point.ratios.map(ResultValue::from);
        table.row([point.key.into(), point.unit.into(), point.value.into(), point.own.into(), systolic, tree]);
    }
    table
}
