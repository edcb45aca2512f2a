//! The device library: the shipped file, files that override it, samples.

mod common;

use phaseloom_cost::{ArrayKind, CostError, DigitalCost, Library, PhotonicCost, ShifterKind, Status};
use std::path::Path;

fn refused(text: &str) -> String {
    match Library::with_text(Path::new("mine.toml"), text) {
        Err(CostError::File(error)) => error.to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn assumptions_have_a_range_or_no_part_in_energy() {
    let library = Library::shipped().unwrap();
    let mut fixed = Vec::new();
    library.entries.for_each(|key, entry| {
        if entry.status != Status::Found && entry.low.is_none() {
            fixed.push(key.to_owned());
        }
    });
    // Areas of 45 nm are multiplied by a factor with a range.
    assert_eq!(fixed, ["detector.rejection_db", "logic.multiply8_m2", "logic.add32_m2"]);
}

#[test]
fn a_file_overrides_entries_and_laws() {
    let text =
        "[laws]\nadc = 'flash'\n[adc]\npower_w = { value = 0.02, unit = 'W', status = 'found', source = 'mine' }";
    let library = Library::with_text(Path::new("mine.toml"), text).unwrap();
    let (mine, shipped) = (library.values(), Library::shipped().unwrap().values());
    assert!(
        (mine.adc_j(8.0) - 2e-12).abs() < 1e-24 && (mine.adc_j(4.0) / mine.adc_j(8.0) - 15.0 / 255.0).abs() < 1e-12
    );
    assert!((shipped.adc_j(4.0) / shipped.adc_j(8.0) - 0.5).abs() < 1e-12);
    assert!((mine.dac_j(6.0) - shipped.dac_j(6.0)).abs() < 1e-30);
}

#[test]
fn refused_entries_are_named_with_their_line() {
    let entry = |text: &str| format!("\n[adc]\npower_w = {{ {text} }}");
    for (text, message) in [
        ("\n[adcs]\n".to_owned(), "line 2: unknown field `adcs`"),
        ("[adc]\npowers_w = 1.0".to_owned(), "did you mean `power_w`?"),
        (
            entry("value = 1.0, unit = 'mW', status = 'found', source = 'x'"),
            "line 3: `adc.power_w.unit` is `mW`: expected `W`",
        ),
        (
            entry("value = -1.0, unit = 'W', status = 'found', source = 'x'"),
            "line 3: `adc.power_w.value` is -1: expected 0 to 1000 W",
        ),
        (entry("value = nan, unit = 'W', status = 'found', source = 'x'"), "`adc.power_w.value` is NaN"),
        (entry("value = 1.0, unit = 'W', status = 'sure', source = 'x'"), "`found`, `from_memory`, `assumption`"),
        (entry("value = 1.0, unit = 'W', status = 'found', source = ' '"), "`adc.power_w.source` is empty"),
        (entry("value = 1.0, unit = 'W', status = 'found'"), "source"),
        (
            entry("value = 1.0, unit = 'W', status = 'found', source = 'x', low = 2.0, high = 3.0"),
            "between `low` = 2 and `high` = 3",
        ),
        (entry("value = 1.0, unit = 'W', status = 'found', source = 'x', low = 0.5"), "`adc.power_w.high` is absent"),
        (entry("value = 1.0, unit = 'W', status = 'found', source = 'x', lows = 0.5"), "did you mean `low`?"),
        ("[adc]\npower_w = 1.0".to_owned(), "line 2: found number `1.0`, expected a table"),
        (
            "[laser]\nefficiency = { value = 2.0, unit = 'W/W', status = 'found', source = 'x' }".to_owned(),
            "`laser.efficiency.value` is 2: expected 1e-6 to 1 W/W",
        ),
        ("[laws]\nadc = 'sarr'".to_owned(), "did you mean `sar`?"),
        ("adc = []".to_owned(), "line 1: found list"),
    ] {
        let error = refused(&text);
        assert!(error.starts_with("mine.toml: line") && error.contains(message), "{error}\nexpected {message}");
    }
}

/// Every entry has a range in its unit, and every number of a cost is finite at both of its ends.
#[test]
fn every_entry_has_a_range_in_which_costs_are_finite() {
    let shipped = Library::shipped().unwrap();
    let network = common::perceptron();
    let mut entries = Vec::new();
    let list = |key: &str, unit, _: &_| {
        entries.push((key.to_owned(), unit));
        Ok::<(), ()>(())
    };
    shipped.entries.try_map(list).unwrap();
    for (key, unit) in entries {
        let (table, field) = key.split_once('.').unwrap();
        let with = |value: &str| {
            let entry = format!("{{ value = {value}, unit = '{unit}', status = 'found', source = 'x' }}");
            Library::with_text(Path::new("mine.toml"), &format!("[{table}]\n{field} = {entry}"))
        };
        for value in ["1e300", "-1e300", "inf", "nan"] {
            let error = with(value).unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}.value`")) && error.contains(&format!(" {unit}")), "{error}");
        }
        let error = with("1e300").unwrap_err().to_string();
        let limits = error.split("expected ").nth(1).unwrap().trim_end_matches(unit);
        for value in limits.split(" to ") {
            let values = match with(value.trim()) {
                Ok(library) => library.values(),
                // Both limit each other.
                Err(error) => {
                    assert!(error.to_string().contains("one electron a photon"), "{error}");
                    continue;
                }
            };
            for cores in [4, 28] {
                let mut design = common::design(cores, 100.0);
                design.shifter = ShifterKind::Heater;
                design.half_turns = vec![4992.0];
                let cost = PhotonicCost::new(&network, &design, &values).unwrap();
                let digital = common::digital(ArrayKind::Systolic, &network, None);
                let digital = DigitalCost::new(&network, &digital, &values, cost.timing.period_s).unwrap();
                let numbers = cost.energy.parts.iter().map(|part| part.joule).chain([
                    cost.area.total_m2(),
                    cost.timing.period_s,
                    cost.timing.latency_s,
                    cost.operations_per_s_m2(),
                    digital.joule(),
                    digital.area.total_m2(),
                    digital.latency_s,
                    cost.laser_w.unwrap_or(0.0),
                ]);
                let bits =
                    cost.lasers.iter().map(|laser| laser.map_or_else(|none| none.max_readout_bits, |l| l.wall_w));
                for number in numbers.chain(bits) {
                    assert!(number.is_finite() && number.abs() < 1e30, "{key} = {value}: {number}");
                }
            }
        }
    }
}

#[test]
fn samples_stay_in_their_ranges_and_follow_their_law() {
    let library = Library::shipped().unwrap();
    let draws = 4000;
    let samples: Vec<_> = (0..draws).map(|draw| library.sample(5, draw)).collect();
    for values in &samples {
        values
            .try_map(|key, _, value| {
                let mut entries = library.entries.clone();
                let (low, high) = entries.get_mut(key).unwrap().range();
                if (low * (1.0 - 1e-12)..=high * (1.0 + 1e-12)).contains(value)
                    || low < 0.0 && (low..=high).contains(value)
                {
                    Ok(())
                } else {
                    Err(format!("{key}: {value}"))
                }
            })
            .unwrap();
    }
    // Logarithmic from 1e-13 to 1e-11: the mean of log₁₀ is −12, its standard error 2/√12/√4000 = 0.009.
    let mean = |f: &dyn Fn(usize) -> f64| (0..draws as usize).map(f).sum::<f64>() / draws as f64;
    assert!((mean(&|i| samples[i].slow_dac.update_j.log10()) + 12.0).abs() < 0.04);
    // Uniform from 0 to 0.5 and from 6.5 to 8 bits.
    assert!((mean(&|i| samples[i].converters.idle) - 0.25).abs() < 0.01);
    assert!((mean(&|i| samples[i].dac.enob) - 7.25).abs() < 0.03);
    // Two entries are independent.
    let product = |i: usize| (samples[i].converters.idle - 0.25) * (samples[i].dac.enob - 7.25);
    assert!(mean(&product).abs() < 0.004);
}
