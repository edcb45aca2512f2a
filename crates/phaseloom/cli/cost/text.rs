//! The text of a cost, in the width of a terminal.

use super::Costed;
use super::tables::turns_of_sizes;
use phaseloom::cost::{ArrayKind, EnergyPart, Memory, NAMED_CHIPS, RateLimit};
use phaseloom::experiment::cost::analysis::{BreakEven, Precision};
use phaseloom::experiment::cost::measured::MeasuredLayer;
use phaseloom::experiment::cost::{CostPoint, CostRun, verdict};
use phaseloom::files::{Column, Results, TextTable, wrap};

use phaseloom::experiment::cost::verdict::short;

pub use phaseloom::experiment::cost::verdict::part_name;

/// Bytes of memory that few chips exceed: the caches of the largest processors.
const LARGE_MEMORY: f64 = 1e8;
/// Parts of an energy below this share are one line.
const MIN_SHARE: f64 = 0.005;

/// The swept values of a point after a separator; nothing without a sweep.
pub fn levels(point: &CostPoint, separator: &str) -> String {
    let values = point.levels.iter().map(|(key, value)| format!("{} = {value}", short_key(key)));
    let values: Vec<String> = values.collect();
    if values.is_empty() { String::new() } else { format!("{separator}{}", values.join(", ")) }
}

/// Writes the points, if there are several, and the details of one.
pub fn write(results: &mut Results, run: &CostRun, costed: &[Costed<'_>], chosen: &Costed<'_>, turns: &BreakEven) {
    if costed.len() > 1 {
        points(results, run, costed);
    }
    let (point, light) = (chosen.point, &chosen.analysis.photonic);
    let config = &point.model.config;
    results.line(format!("{}{}", config.name, levels(point, ": ")));
    let kind = format!("{:?}", point.model.settings.shifter).to_lowercase();
    let use_of_cores = if light.timing.resident { "resident" } else { "shared" };
    let idle = point.model.settings.cores.unwrap_or(0).saturating_sub(light.timing.powered_cores);
    let idle = match idle {
        0 => String::new(),
        1 => " (another has no tile and no power, and takes area)".into(),
        idle => format!(" ({idle} more have no tile and no power, and take area)"),
    };
    results.line(format!(
        "{} {use_of_cores} {} of {} ports{idle} for {} tiles, shifters {kind}, {} Hz, {} chips, seed {}\n",
        light.timing.powered_cores,
        if light.timing.powered_cores == 1 { "core" } else { "cores" },
        config.core.ports,
        light.counts.tiles,
        short(config.link.symbol_rate_hz),
        config.trials,
        config.seed
    ));
    bits(results, chosen);
    energy(results, chosen);
    electronics(results, chosen);
    five_tests(results, chosen);
    turning(results, turns, config.core.ports);
    results.sentence(verdict::sentence(&point.model, &chosen.analysis));
}

fn points(results: &mut Results, run: &CostRun, costed: &[Costed<'_>]) {
    let right = [5, 10, 8, 9, 9, 8, 7].map(|width| Column::right().min_width(width).gap(1));
    let mut table = TextTable::new(0, right.into_iter().chain([Column::left().gap(1), Column::left().gap(1)]));
    table.row(["point", run.score.quantity.heading, "correct", "pJ/MAC", "systolic", "tree", "front", "", ""]);
    for c in costed {
        let ratio = |kind| c.analysis.equal(kind).map_or("none".to_owned(), |c| short(c.ratio));
        let share = c.point.correctness.share(c.point.model.settings.max_drop);
        table.row([
            c.point.index.to_string(),
            run.score.quantity.text(c.point.correctness.score),
            format!("{:.0} %", 100.0 * share),
            c.analysis.photonic.joule_per_mac().map_or("none".to_owned(), |joule| short(1e12 * joule)),
            ratio(ArrayKind::Systolic),
            ratio(ArrayKind::Tree),
            if c.pareto { "*".to_owned() } else { String::new() },
        ]);
        if !c.point.levels.is_empty() {
            for line in wrap(&levels(c.point, ""), 74, 0).lines() {
                table.line(format!("      {line}"));
            }
        }
    }
    results.show(table);
    results.line(
        "\nsystolic, tree: energy of electronics of equal readout bits over that of light. correct: share of chips. front: no \
         other point has at least this score for less energy.\n",
    );
    if costed.iter().any(|c| !c.analysis.has_score) {
        results.line(
            "Some points ask for fewer bits than the chips of the run have (score_bits in cost.csv). Their score is not that of \
             the cost, and they are on no front: vary `link.laser_power_w` in place of `cost.readout_bits`.\n",
        );
    }
}

fn bits(results: &mut Results, chosen: &Costed<'_>) {
    let left = [Column::left(), Column::right()];
    let right = [7, 5, 8, 5, 10, 5, 8, 7].map(|width| Column::right().min_width(width).gap(1));
    let mut table = TextTable::new(0, left.into_iter().chain(right));
    results.line("bits, log2(rms y/rms error), measured on the same samples:");
    table.row([
        "layer",
        "matrix",
        "vectors",
        "total",
        "no noise",
        "chips",
        "converters",
        "light",
        "compared",
        "digital",
    ]);
    let layers = chosen.point.model.measured.layers.iter().zip(&chosen.analysis.readout_bits);
    for (layer, compared) in layers {
        table.row([
            layer.layer.to_string(),
            format!("{}×{}", layer.rows, layer.columns),
            layer.vectors.to_string(),
            bits_text(layer.total_bits),
            bits_text(layer.noiseless_bits),
            bits_text(layer.chip_bits),
            bits_text(layer.converter_bits),
            layer.light_bits().map_or("–".to_owned(), |bits| format!("{bits:.2}")),
            format!("{compared:.2}"),
            equal_bits(layer, *compared),
        ]);
    }
    results.show(table);
    let measured = &chosen.point.model.measured;
    let light = &chosen.analysis.photonic;
    let rest = match chosen.point.model.has_given_power() {
        true => "compared: by the noise law of the receiver at the laser power of the link",
        false => "compared: the requested bits, from which the laser power follows",
    };
    let splits: Vec<String> = light.lasers.iter().flatten().map(|laser| short(laser.lo_fraction)).collect();
    let splits = if splits.is_empty() { String::new() } else { format!(", local oscillator {}", splits.join(", ")) };
    results.line(format!(
        "{} samples, {} chips. chips, converters: each alone. light: the error that total has and no noise has not, – if there is none. \
         {rest}{splits}. digital: bits of weights and inputs with the compared readout bits.\n",
        measured.samples, measured.chips
    ));
}

fn bits_text(bits: Option<f64>) -> String {
    bits.filter(|bits| *bits < 40.0).map_or("exact".to_owned(), |bits| format!("{bits:.2}"))
}

fn equal_bits(layer: &MeasuredLayer, readout: f64) -> String {
    let table = phaseloom::cost::EqualBits::new(layer.digital.clone()).ok();
    table.and_then(|table| table.bits(readout)).map_or("none".to_owned(), |bits| format!("{bits:.2}"))
}

fn energy(results: &mut Results, chosen: &Costed<'_>) {
    let light = &chosen.analysis.photonic;
    let energy = &light.energy;
    let total = energy.total_j();
    let mut table =
        TextTable::new(0, [Column::left().min_width(30), Column::right().min_width(12), Column::right().min_width(8)]);
    table.row(["energy of one inference", "nJ", "share"]);
    let mut parts: Vec<_> = energy.parts.iter().filter(|part| part.joule > 0.0).collect();
    parts.sort_by(|a, b| b.joule.total_cmp(&a.joule));
    let (named, small): (Vec<&EnergyPart>, Vec<&EnergyPart>) =
        parts.into_iter().partition(|part| part.joule >= MIN_SHARE * total);
    let row = |name: &str, joule: f64| [name.to_owned(), short(1e9 * joule), format!("{:.1} %", 100.0 * joule / total)];
    named.iter().for_each(|part| table.row(row(part_name(part.key), part.joule)));
    if !small.is_empty() {
        table.row(row("all others", small.iter().map(|part| part.joule).sum::<f64>()));
    }
    table.row(row(if light.laser_w.is_some() { "total" } else { "total without a laser" }, total));
    results.show(table);
    let per_mac = light.joule_per_mac().map_or("none".to_owned(), |joule| format!("{} pJ/MAC", short(1e12 * joule)));
    let watt = |watt: Option<f64>| watt.map_or("none".to_owned(), |watt| format!("{} W", short(watt)));
    let limit = match light.timing.limit {
        RateLimit::Cores => "the cores",
        RateLimit::Loads => "loading the weights",
        RateLimit::Memory => "the memory outside",
        RateLimit::Requests => "the requests",
    };
    results.line(format!(
        "\n{per_mac}, {} MACs; power {}, of which lasers at the wall plug {}; latency {} ns, {} inferences/s, limited by \
         {limit}; area {} mm²{}.",
        short(light.counts.macs),
        watt(light.watt()),
        watt(light.laser_wall_w()),
        short(1e9 * light.timing.latency_s),
        short(1.0 / light.timing.period_s),
        short(1e6 * light.area.total_m2()),
        light.watt().map_or_else(String::new, |watt| format!(", {} W/cm²", short(1e-4 * watt / light.area.total_m2()))),
    ));
    if light.buffer.bytes > 0.0 {
        let memory = if light.buffer.memory == Memory::Dram { "the memory outside" } else { "the memory on the chip" };
        let is_huge = light.buffer.memory == Memory::Sram && light.buffer.bytes > LARGE_MEMORY;
        let huge = if is_huge { "; that is more than chips have: `cost.sram_bytes` limits it" } else { "" };
        results.line(format!(
            "{} bytes of a batch wait between passes in {memory}, {} of them partial sums at most{huge}.",
            short(light.buffer.bytes),
            short(light.buffer.partial_sum_bytes)
        ));
    }
    results.line(format!(
        "{:.0} % of the energy rests on assumptions of the device library (`status = \"assumption\"`).\n",
        100.0 * chosen.analysis.assumed_share
    ));
}

fn electronics(results: &mut Results, chosen: &Costed<'_>) {
    let right = [4, 8, 7, 7, 7, 7, 7].map(|width| Column::right().min_width(width).gap(1));
    let mut table = TextTable::new(0, [Column::left().min_width(20)].into_iter().chain(right));
    table.row(["electronics", "bits", "pJ/MAC", "ns", "ratio", "5 %", "50 %", "95 %"]);
    for c in &chosen.analysis.counterparts {
        let kind = if c.kind == ArrayKind::Systolic { "systolic" } else { "tree" };
        let precision = match c.precision {
            Precision::EqualBits => "equal bits",
            Precision::EqualDrop => "equal drop",
            Precision::SameBits => "converters",
        };
        let none = || "none".to_owned();
        let interval = [c.interval.low, c.interval.median, c.interval.high].map(short);
        let cells = [
            format!("{kind}, {precision}"),
            c.bits.map_or_else(none, |bits| format!("{bits:.1}")),
            c.cost.as_ref().map_or_else(none, |cost| short(1e12 * cost.joule() / cost.macs)),
            c.cost.as_ref().map_or_else(none, |cost| short(1e9 * cost.latency_s)),
            short(c.ratio),
        ];
        table.row(cells.into_iter().chain(interval));
    }
    results.show(table);
    let context: Vec<String> =
        NAMED_CHIPS.iter().map(|chip| format!("{} {}", chip.name, short(1e12 * chip.joule_per_mac()))).collect();
    results.line(format!(
        "ns: latency. ratio: energy of electronics over that of light; light wins above 1. Intervals: all assumptions sampled \
         together. tree: adder tree. equal bits: the readout bits of light; equal drop: the score of the chips; converters: the bits of the converters.\nNot like \
         for like, chips at rated power and 8 bits, pJ/MAC: {}.\n",
        context.join("; ")
    ));
}

fn five_tests(results: &mut Results, chosen: &Costed<'_>) {
    results.line("does photonics pay off?");
    let mut table =
        TextTable::new(2, [Column::left(), Column::left(), Column::right().min_width(8), Column::right().min_width(6)]);
    table.row(["test", "answer", "number", "limit"]);
    for test in &chosen.tests {
        table.row([test.key.to_owned(), test.answer.word().to_owned(), short(test.number), short(test.limit)]);
        for line in wrap(&test.meaning, 70, 0).lines() {
            table.line(format!("      {line}"));
        }
    }
    results.show(table);
    results.line("");
}

fn turning(results: &mut Results, turns: &BreakEven, ports: usize) {
    results.line("the verdict on energy turns at");
    let mut table = TextTable::new(
        1,
        [Column::left(), Column::left(), Column::right().min_width(8), Column::left(), Column::left()],
    );
    table.row(["quantity", "unit", "here", "against systolic", "against tree"]);
    let mut keys: Vec<&str> = turns.turning.iter().map(|turning| turning.key).collect();
    keys.dedup();
    for key in keys {
        let of = |kind| turns.turning.iter().find(|turning| turning.key == key && turning.kind == kind);
        let cell = |kind| {
            let points = of(kind).map(|turning| turning.points.as_slice()).unwrap_or_default();
            let text = |point: &phaseloom::cost::TurningPoint| {
                let side = if point.light_wins_above { ">" } else { "<" };
                format!("{side} {}", short(point.value))
            };
            if points.is_empty() { "–".to_owned() } else { points.iter().map(text).collect::<Vec<_>>().join(", ") }
        };
        let first = of(ArrayKind::Systolic);
        let own = first.and_then(|turning| turning.own).map_or("–".to_owned(), short);
        let unit = first.map_or("", |turning| turning.unit);
        table.row([key.to_owned(), unit.to_owned(), own, cell(ArrayKind::Systolic), cell(ArrayKind::Tree)]);
    }
    let size = |index: usize| {
        let turns: Vec<String> = turns_of_sizes(turns, index)
            .map(|(size, above)| format!("{} {size}", if above { "≥" } else { "<" }))
            .collect();
        if turns.is_empty() { "–".to_owned() } else { turns.join(", ") }
    };
    table.row(["core.ports".to_owned(), String::new(), ports.to_string(), size(0), size(1)]);
    results.show(table);
    results.line(
        "> x: light wins above x, < x: below; – at no value of the range that is searched (turning.csv), all else as here.\n",
    );
}

/// The end of a key.
fn short_key(key: &str) -> &str {
    key.strip_prefix("process.").unwrap_or(key)
}
