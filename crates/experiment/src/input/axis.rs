//! An axis as text on a command line: `KEY=FROM:TO:STEP`, `KEY=a,b,c`, `KEY1=KEY2=VALUES`.

use crate::input::config::Axis;
use crate::input::processes::PROCESS;
use phaseloom_files::{nearest, shortest};
use phaseloom_hardware::IMPERFECTIONS;
use std::fmt::Display;
use std::str::FromStr;

/// Maximum number of values of a range.
const MAX_VALUES: f64 = 100_000.0;

/// Keys and tables of an experiment that an axis may name next to those of the process.
const OTHER_KEYS: [&str; 7] =
    ["process.", "process", "core.topology", "core.cell", "correction", "correction_noise", "correction_effort"];

/// A text that is no axis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AxisError(String);

/// Reads `KEY=VALUES` or `KEY1=KEY2=VALUES`. A key of the process needs no `process.` before it.
///
/// ```
/// use phaseloom_experiment::Axis;
/// let axis: Axis = "splitter_error.sigma_rad=0:0.1:0.01".parse()?;
/// assert_eq!((axis.values.len(), axis.values[3].as_float()), (11, Some(0.03)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl FromStr for Axis {
    type Err = AxisError;

    fn from_str(text: &str) -> Result<Self, AxisError> {
        Self::with_keys(text, full_key)
    }
}

impl Axis {
    /// Reads an axis as [`from_str`](Self::from_str) does, with any key of an experiment, such as `link.laser_power_w`.
    ///
    /// # Errors
    ///
    /// A text that is no axis. Keys are checked with the experiment.
    pub fn for_experiment(text: &str) -> Result<Self, AxisError> {
        Self::with_keys(text, |key| Ok(full_key(key).unwrap_or_else(|_| key.to_owned())))
    }

    fn with_keys(text: &str, full_key: impl Fn(&str) -> Result<String, String>) -> Result<Self, AxisError> {
        let Some((keys, values)) = text.rsplit_once('=').filter(|(_, values)| !values.trim().is_empty()) else {
            return Err(AxisError(malformed("found no values")));
        };
        let keys: Vec<String> =
            keys.split('=').map(|key| full_key(key.trim())).collect::<Result<_, _>>().map_err(AxisError)?;
        // The names of presets have a colon.
        let is_named = keys.iter().any(|key| key == PROCESS);
        let values = if values.contains(':') && !is_named { range(values) } else { list(values) };
        Ok(Self { keys, values: values.map_err(AxisError)? })
    }
}

/// The message about a text that is not of the form of an axis.
fn malformed(found: impl Display) -> String {
    format!("{found}, expected KEY=FROM:TO:STEP or KEY=a,b,c, such as splitter_error.sigma_rad=0:0.1:0.01")
}

/// The key of an experiment: keys of the process may be given without their first part.
fn full_key(key: &str) -> Result<String, String> {
    let tables = || IMPERFECTIONS.iter().map(|(table, _)| *table).chain(["phase_shifter"]);
    let (table, rest) = key.split_once('.').unwrap_or((key, ""));
    if tables().any(|known| known == table) && !rest.is_empty() {
        return Ok(format!("process.{key}"));
    }
    if OTHER_KEYS.iter().any(|known| *known == key || (known.ends_with('.') && key.starts_with(known))) {
        return Ok(key.to_owned());
    }
    if tables().any(|known| known == table) {
        return Err(format!(
            "found the table `{table}`, expected one of its keys, as `phaseloom explain {table}` lists them"
        ));
    }
    let near = match nearest(table, tables().chain(OTHER_KEYS)) {
        Some(known) if tables().any(|table| table == known) && !rest.is_empty() => {
            format!("; did you mean `{known}.{rest}`?")
        }
        Some(known) => format!("; did you mean `{known}`?"),
        None => String::new(),
    };
    let others = OTHER_KEYS[1..].join(", ");
    Err(format!(
        "found the key `{key}`, expected one of the process, such as splitter_error.sigma_rad, or {others}{near}"
    ))
}

/// The values FROM, FROM + STEP, … up to TO, with as many decimals as FROM and STEP have.
fn range(text: &str) -> Result<Vec<toml::Value>, String> {
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    let &[from_text, to_text, step_text] = parts.as_slice() else {
        return Err(malformed(format!("found {} parts in `{text}`", parts.len())));
    };
    let number = |text: &str| {
        let value: Option<f64> = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| malformed(format!("found `{text}`, which is no number")))
    };
    let (from, to, step) = (number(from_text)?, number(to_text)?, number(step_text)?);
    // One value, whatever the step.
    let is_single = (to - from).abs() <= 0.0;
    let steps = if is_single { 0.0 } else { (to - from) / step };
    if step.abs() <= 0.0 && !is_single {
        return Err(malformed("found a step of 0"));
    }
    if steps < 0.0 {
        return Err(malformed(format!("found a step of {step_text}, which leads away from {to_text}")));
    }
    if steps > MAX_VALUES {
        return Err(malformed(format!("found a step of {step_text}, which makes more than {MAX_VALUES} values")));
    }
    let decimals = decimals(from_text).max(decimals(step_text));
    let is_whole = [from_text, to_text, step_text].iter().all(|text| text.parse::<i64>().is_ok());
    // TO itself belongs to the values, whatever the rounding of the quotient.
    let count = steps.round();
    if (steps - count).abs() > 1e-9 * count.max(1.0) {
        let end = |count: f64| format!("{:.decimals$}", from + count * step);
        let hits = steps_that_hit(to - from, steps, is_whole).join(" or ");
        let or = if hits.is_empty() { "" } else { ", or a step of " };
        return Err(format!(
            "found a step of {step_text}, which does not hit {to_text}, expected the end {} or {}{or}{hits}",
            end(steps.floor()),
            end(steps.ceil())
        ));
    }
    let count = count as u32;
    let value = |i: u32| {
        let value = from + f64::from(i) * step;
        // 0.03, not 0.030000000000000002.
        let value = format!("{value:.decimals$}").parse().unwrap_or(value);
        if is_whole { toml::Value::Integer(value as i64) } else { toml::Value::Float(value + 0.0) }
    };
    Ok((0..=count).map(value).collect())
}

/// The nearest larger and the nearest smaller step that divide a range evenly and have few digits.
fn steps_that_hit(length: f64, steps: f64, is_whole: bool) -> Vec<String> {
    let step = |count: u32| {
        let step = length / f64::from(count);
        let text = shortest(format!("{step:.3e}").parse().unwrap_or(step));
        let hits = text.parse().is_ok_and(|read: f64| (read * f64::from(count) - length).abs() <= 1e-12 * length.abs());
        (hits && (!is_whole || step.fract() == 0.0)).then_some(text)
    };
    let count = steps as u32;
    // Ten times as many values contain a smaller step, unless the steps are whole numbers.
    let larger = (1..=count).rev().find_map(step);
    let smaller = (count + 1..=10 * (count + 1)).find_map(step);
    larger.into_iter().chain(smaller).collect()
}

/// Digits after the point of a number as written, with its exponent; enough for any number beyond 30.
fn decimals(text: &str) -> usize {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
    let exponent: i64 = exponent.parse().unwrap_or(0);
    (fraction - exponent).clamp(0, 300) as usize
}

/// The values of a list: numbers, truth values or words.
fn list(text: &str) -> Result<Vec<toml::Value>, String> {
    let value = |item: &str| match item {
        "" => Err(malformed(format!("found an empty value in `{text}`"))),
        "true" | "false" => Ok(toml::Value::Boolean(item == "true")),
        _ => Ok(match (item.parse::<i64>(), item.parse::<f64>()) {
            (Ok(number), _) => toml::Value::Integer(number),
            (_, Ok(number)) => toml::Value::Float(number),
            _ => toml::Value::String(item.to_owned()),
        }),
    };
    text.split(',').map(|item| value(item.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        text.parse::<Axis>().unwrap().values.iter().map(toml::Value::to_string).collect()
    }

    #[test]
    fn a_range_holds_its_end_and_the_decimals_that_were_written() {
        let sigma = "splitter_error.sigma_rad";
        assert_eq!(
            values(&format!("{sigma}=0:0.1:0.01")),
            ["0.0", "0.01", "0.02", "0.03", "0.04", "0.05", "0.06", "0.07", "0.08", "0.09", "0.1"]
        );
        assert_eq!(values(&format!("{sigma}=0.1:0:-0.05")), ["0.1", "0.05", "0.0"]);
        assert_eq!(values(&format!("{sigma}=1e-3:3e-3:1e-3")), ["0.001", "0.002", "0.003"]);
        assert_eq!(values(&format!("{sigma}=0:0.09:0.03")), ["0.0", "0.03", "0.06", "0.09"]);
        assert_eq!(values(&format!("{sigma}=0.5:0.5:0")), ["0.5"]);
        assert_eq!(values("phase_quantization.bits=4:12:4"), ["4", "8", "12"]);
    }

    #[test]
    fn a_list_holds_numbers_and_words_and_keys_move_together() {
        assert_eq!(values("correction=none,local"), ["\"none\"", "\"local\""]);
        assert_eq!(values("process=preset:a, b.toml"), ["\"preset:a\"", "\"b.toml\""]);
        assert_eq!(values("phase_error.sigma_rad=0, 0.5,1e-3"), ["0", "0.5", "0.001"]);
        let both: Axis = "splitter_error.sigma_rad=process.phase_error.sigma_rad=0,1".parse().unwrap();
        assert_eq!(both.keys, ["process.splitter_error.sigma_rad", "process.phase_error.sigma_rad"]);
    }

    #[test]
    fn a_step_that_misses_the_end_names_ends_and_steps_that_hit() {
        for (text, expected) in [
            ("splitter_error.sigma_rad=0:0.1:0.03", "the end 0.09 or 0.12, or a step of 0.05 or 0.025"),
            ("splitter_error.sigma_rad=0.1:0:-0.03", "the end 0.01 or -0.02, or a step of -0.05 or -0.025"),
            ("splitter_error.sigma_rad=0:0.01:1", "the end 0 or 1, or a step of 0.01"),
            ("phase_quantization.bits=4:12:3", "the end 10 or 13, or a step of 4 or 2"),
            ("phase_quantization.bits=4:5:3", "the end 4 or 7, or a step of 1"),
        ] {
            let message = text.parse::<Axis>().unwrap_err().to_string();
            assert!(message.contains(&format!("expected {expected}")), "{message}");
        }
    }

    #[test]
    fn bad_texts_say_what_is_wrong() {
        for (text, part) in [
            ("splitter_error.sigma_rad", "found no values"),
            ("splitter_error.sigma_rad=", "found no values"),
            ("splitter_error.sigma_rad=0:1", "found 2 parts"),
            ("splitter_error.sigma_rad=0:1:0", "found a step of 0"),
            ("splitter_error.sigma_rad=0:1:-0.1", "leads away from 1"),
            ("splitter_error.sigma_rad=0:x:1", "found `x`, which is no number"),
            ("splitter_error.sigma_rad=0:inf:1", "found `inf`, which is no number"),
            ("splitter_error.sigma_rad=0:1:1e-9", "more than 100000 values"),
            ("splitter_error.sigma_rad=1,,2", "an empty value"),
            ("spliter_error.sigma_rad=1", "did you mean `splitter_error.sigma_rad`?"),
            ("splitter_error=1", "found the table `splitter_error`"),
            ("link.laser_power_w=1", "found the key `link.laser_power_w`"),
        ] {
            let message = text.parse::<Axis>().unwrap_err().to_string();
            assert!(message.contains(part) && message.contains("expected"), "{message}");
        }
    }
}
