//! Does photonics pay off? Five tests, each with the number that decides it, and one sentence.
//!
//! The criteria are fixed here, before any number is known:
//!
//! | test | yes | no |
//! |---|---|---|
//! | correct | at least `min_yield` of the chips lose at most `max_drop`, and have no more bits than the cost | fewer |
//! | energy | the whole interval of E(systolic)/E(light) at equal readout bits is above 1, and so is that of the adder tree | both are below 1 |
//! | density | operations/(s·mm²) exceed those of the digital arrays of the same rate | they do not |
//! | latency | light is faster than both arrays | slower than both |
//! | scale | every tile has a core, or a load serves as many vectors as it lasts symbols | neither |
//!
//! Anything between is "open".

use crate::cost::analysis::Analysis;
use crate::cost::model::CostModel;
use phaseloom_cost::{ArrayKind, Interval};
use phaseloom_files::significant;

/// The outcome of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// For light.
    Yes,
    /// Neither.
    Open,
    /// Against light.
    No,
}

impl Answer {
    /// The word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Open => "open",
            Self::No => "no",
        }
    }

    /// Yes if all are true, no if none is.
    fn from_facts(facts: &[bool]) -> Self {
        match facts.iter().filter(|fact| **fact).count() {
            0 => Self::No,
            all if all == facts.len() => Self::Yes,
            _ => Self::Open,
        }
    }

    /// By an interval of a ratio: yes above 1, no below 1.
    fn from_interval(interval: &Interval) -> Self {
        match (interval.low > 1.0, interval.high < 1.0) {
            (true, _) => Self::Yes,
            (_, true) => Self::No,
            _ => Self::Open,
        }
    }
}

/// One of the five tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its key.
    pub key: &'static str,
    /// The outcome.
    pub answer: Answer,
    /// The number that decides.
    pub number: f64,
    /// The limit that it is compared with.
    pub limit: f64,
    /// What the number is.
    pub meaning: String,
}

/// Scores of the chips of a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Correctness {
    /// Loss of the score of each chip against the floating-point reference.
    pub losses: Vec<f64>,
    /// Mean score of the chips.
    pub score: f64,
    /// Score of the floating-point reference.
    pub exact: f64,
}

impl Correctness {
    /// Mean loss over chips.
    #[must_use]
    pub fn mean_loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64
    }

    /// Share of chips that lose at most `max_drop`.
    #[must_use]
    pub fn share(&self, max_drop: f64) -> f64 {
        // Losses are differences of rounded numbers.
        let correct = self.losses.iter().filter(|loss| **loss <= max_drop + 1e-9).count();
        correct as f64 / self.losses.len().max(1) as f64
    }
}

/// The five tests of a point.
#[must_use]
pub fn tests(model: &CostModel, analysis: &Analysis, correctness: &Correctness) -> Vec<Test> {
    let (settings, light) = (&model.settings, &analysis.photonic);
    let [systolic, tree] = [ArrayKind::Systolic, ArrayKind::Tree].map(|kind| analysis.equal(kind));
    let share = correctness.share(settings.max_drop);
    let mut correct = Test {
        key: "correct",
        answer: Answer::from_facts(&[share >= settings.min_yield]),
        number: share,
        limit: settings.min_yield,
        meaning: format!("share of chips that lose at most {}", settings.max_drop),
    };
    if !analysis.has_score {
        // Fewer bits do not help chips that fail with more.
        correct.answer = if correct.answer == Answer::Yes { Answer::Open } else { Answer::No };
        correct.meaning += "; the chips of the run have more bits than are asked for: vary `link.laser_power_w` in place \
                            of `cost.readout_bits` or `cost.light_share`";
    }
    let mut energy = Test {
        key: "energy",
        answer: Answer::No,
        number: systolic.map_or(0.0, |c| c.ratio),
        limit: 1.0,
        meaning: "energy of a systolic array over that of light".into(),
    };
    if let (Some(systolic), Some(tree)) = (systolic, tree) {
        let answers = [systolic, tree].map(|c| Answer::from_interval(&c.interval));
        energy.answer = if answers[0] == answers[1] { answers[0] } else { Answer::Open };
        energy.meaning += &format!("; adder tree: {}", short(tree.ratio));
    }
    let density_ratio = systolic.and_then(|c| c.cost.as_ref()).map_or(0.0, |cost| {
        // Both compute the same at the same rate.
        cost.area.total_m2() / light.area.total_m2()
    });
    let density = Test {
        key: "density",
        answer: Answer::from_facts(&[density_ratio > 1.0]),
        number: density_ratio,
        limit: 1.0,
        meaning: format!(
            "area of digital arrays of the same rate over that of light, which has {} TOPS/mm²",
            short(light.operations_per_s_m2() * 1e-18)
        ),
    };
    let faster: Vec<bool> = [systolic, tree]
        .into_iter()
        .filter_map(|c| Some(c?.cost.as_ref()?.latency_s > light.timing.latency_s))
        .collect();
    let latency_of = |c: Option<&crate::cost::analysis::Counterpart>| {
        c.and_then(|c| c.cost.as_ref()).map_or(0.0, |cost| cost.latency_s / light.timing.latency_s)
    };
    let latency = Test {
        key: "latency",
        answer: if faster.is_empty() { Answer::No } else { Answer::from_facts(&faster) },
        number: latency_of(systolic),
        limit: 1.0,
        meaning: format!("latency of a systolic array over that of light; adder tree: {}", short(latency_of(tree))),
    };
    let vectors = model.measured.layers.iter().map(|layer| layer.vectors as f64).fold(f64::INFINITY, f64::min);
    let used = settings.batch * vectors / (light.timing.load_s * model.config.link.symbol_rate_hz);
    let scale = if light.timing.resident {
        let meaning = format!("tiles over cores: all of the {} tiles have one", light.counts.tiles);
        let share = light.counts.tiles as f64 / light.timing.powered_cores as f64;
        Test { key: "scale", answer: Answer::Yes, number: share, limit: 1.0, meaning }
    } else {
        let meaning = "vectors of a load over the symbols that the load lasts, in the layer with fewest".into();
        Test { key: "scale", answer: Answer::from_facts(&[used >= 1.0]), number: used, limit: 1.0, meaning }
    };
    let mut all = vec![correct, energy, density, latency, scale];
    let electronic = model.measured.electronic_macs;
    if electronic > 0.0 {
        let share = 100.0 * electronic / (electronic + light.counts.macs);
        all[4].meaning += &format!("; {} % of the MACs stay electronic", short(share));
    }
    all
}

/// The verdict in one sentence.
#[must_use]
pub fn sentence(model: &CostModel, analysis: &Analysis) -> String {
    let bits = mean_bits(model, analysis);
    let Some(joule) = analysis.photonic.joule() else {
        let none = analysis.photonic.lasers.iter().filter_map(|laser| laser.err());
        let max = none.map(|none| none.max_readout_bits).fold(f64::INFINITY, f64::min);
        return format!(
            "No laser reaches {} readout bits: chip, converters and intensity noise end at {}.",
            short(bits),
            short(max)
        );
    };
    let (part, share) = analysis.max_part();
    let against =
        [(ArrayKind::Systolic, "a systolic array"), (ArrayKind::Tree, "an adder tree")].map(|(kind, name)| {
            let Some(counterpart) = analysis.equal(kind).filter(|c| c.cost.is_some()) else {
                return format!("has no equal in {name}, which is more precise with one bit");
            };
            let interval = &counterpart.interval;
            let verb = match Answer::from_interval(interval) {
                Answer::Yes => "beats",
                Answer::No => "loses to",
                Answer::Open if counterpart.ratio > 1.0 => "is ahead of, but may lose to,",
                Answer::Open => "trails, but may beat,",
            };
            let factor = if counterpart.ratio >= 1.0 { counterpart.ratio } else { 1.0 / counterpart.ratio.max(1e-300) };
            let [low, high] = [interval.low, interval.high].map(short);
            format!("{verb} {name} by ×{} (ratio {low} to {high})", short(factor))
        });
    format!(
        "At {} readout bits light takes {} pJ/MAC and {}, and {}; most of its energy goes into {} ({:.0} %).",
        short(bits),
        short(1e12 * joule / analysis.photonic.counts.macs),
        against[0],
        against[1],
        part_name(part),
        100.0 * share
    )
}

/// Readout bits of the network: mean over the multiply-accumulates of its layers.
#[must_use]
pub fn mean_bits(model: &CostModel, analysis: &Analysis) -> f64 {
    mean_over_macs(model, &analysis.readout_bits)
}

/// Readout bits of the chips of the run, as [`mean_bits`]; `None` if a layer has no error.
#[must_use]
pub fn run_bits(model: &CostModel) -> Option<f64> {
    let bits = model.measured.layers.iter().map(|layer| layer.total_bits).collect::<Option<Vec<_>>>()?;
    Some(mean_over_macs(model, &bits))
}

fn mean_over_macs(model: &CostModel, bits: &[f64]) -> f64 {
    let macs = model.measured.layers.iter().map(|layer| (layer.rows * layer.columns * layer.vectors) as f64);
    let total: f64 = macs.clone().sum();
    macs.zip(bits).map(|(macs, bits)| macs * bits).sum::<f64>() / total
}

/// A part of an energy in words.
#[must_use]
pub fn part_name(key: &str) -> &str {
    match key {
        "hold" => "holding the phases",
        "program" => "loading the weights",
        "slow_dac" => "slow converters of phases",
        "dac" => "input converters",
        "modulator" => "modulators",
        "bias" => "bias of the modulators",
        "receiver" => "receivers",
        "adc" => "output converters",
        "digital" => "logic after the converters",
        "sram" => "memory on the chip",
        "between" => "memory between passes",
        "io" => "inputs and outputs",
        "idle" => "idle parts",
        "electronic" => "electronic layers",
        "serialiser" => "serialisers",
        "mac" => "products and sums",
        "mac_registers" => "registers of the array",
        "post" => "bias and scale",
        "weights" => "reading the weights",
        other => other,
    }
}

/// Three significant digits, with an exponent for huge and tiny numbers.
///
/// ```
/// use phaseloom_experiment::cost::verdict::short;
/// assert_eq!([0.0, 0.123_45, 28.0, 1_234_567.0, 1e9, 4.5625e-15].map(short), ["0", "0.123", "28", "1.23e6", "1e9", "4.56e-15"]);
/// ```
#[must_use]
pub fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    if rounded == 0.0 || (1e-3..1e5).contains(&rounded.abs()) { significant(rounded) } else { format!("{rounded:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_that_contains_one_is_open() {
        let answer = |low, high| Answer::from_interval(&Interval { low, median: 1.0, high, above_one: 0.5 });
        assert_eq!([answer(1.1, 2.0), answer(0.9, 1.1), answer(0.2, 0.9)], [Answer::Yes, Answer::Open, Answer::No]);
        assert_eq!(
            [&[true, true][..], &[true, false], &[false]].map(Answer::from_facts),
            [Answer::Yes, Answer::Open, Answer::No]
        );
    }
}
