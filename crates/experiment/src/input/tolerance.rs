//! The table `[tolerance]`: the level that changes from good to bad until a chip fails.

use crate::input::config::{Axis, Config};
use crate::input::grid::set;
use crate::input::tree::to_value;
use phaseloom_files::{InvalidValue, deserialize_strict, positive, shortest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Intervals of a range of real levels. Twelve halvings reach one of them.
const INTERVALS: u32 = 1 << 12;

/// The table `[tolerance]` of an experiment that `phaseloom tolerance` runs: which level leads from good to bad chips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ToleranceSettings {
    /// Keys of the process or of the link that take the level together, such as `process.phase_error.sigma_rad`.
    pub keys: Vec<String>,
    /// The level of good chips: a small error, many bits, much power. Range: > 0.
    pub from: f64,
    /// The level of bad chips. Range: > 0, different from `from`.
    pub to: f64,
    /// Whether a level is a factor on the values that the keys have in the experiment, rather than the value itself.
    /// Default: `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scale: bool,
    /// Every chip is measured at this number of levels, rather than by bisection. Range: 2…1000. Default: bisection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<u32>,
}

impl ToleranceSettings {
    /// Checks the values, and that `config` has the keys.
    pub(crate) fn check(&self, config: &Config) -> Result<(), InvalidValue> {
        positive("tolerance.from", self.from)?;
        positive("tolerance.to", self.to)?;
        if (self.from - self.to).abs() <= 1e-9 * self.from {
            return Err(InvalidValue::new(
                "tolerance.to",
                self.to,
                format!("another level than `from`, {}", self.from),
            ));
        }
        if let Some(grid) = self.grid.filter(|grid| !(2..=1000).contains(grid)) {
            return Err(InvalidValue::new("tolerance.grid", grid, "2 to 1000 levels"));
        }
        for (key, level) in [("tolerance.from", self.from), ("tolerance.to", self.to)] {
            if self.is_whole() && level.fract() != 0.0 {
                return Err(InvalidValue::new(key, level, "a whole number of bits"));
            }
        }
        if self.keys.is_empty() {
            return Err(InvalidValue::new("tolerance.keys", "none", "at least one key"));
        }
        for key in &self.keys {
            let is_physical = key.starts_with("process.") || (key.starts_with("link.") && key != "link.adc.full_scale");
            if !is_physical {
                let expected = "a number of the process or of the link, such as process.phase_error.sigma_rad";
                return Err(InvalidValue::new("tolerance.keys", format!("`{key}`"), expected));
            }
        }
        for level in [0, self.last()] {
            self.apply(config, level).map_err(|reason| {
                let found = format!("{} at the level {}", self.keys.join(", "), shortest(self.level(level)));
                InvalidValue::new("tolerance", found, reason)
            })?;
        }
        Ok(())
    }

    /// Whether every level is a whole number: those of bits.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.scale && self.keys.iter().any(|key| key.ends_with(".bits"))
    }

    /// The number of the last level, that of bad chips; the first is 0.
    #[must_use]
    pub fn last(&self) -> u32 {
        match self.grid {
            _ if self.is_whole() => (self.to - self.from).abs().round() as u32,
            Some(grid) => grid - 1,
            None => INTERVALS,
        }
    }

    /// The level of a number: equal ratios from `from` to `to`, or whole numbers.
    #[must_use]
    pub fn level(&self, number: u32) -> f64 {
        let share = f64::from(number) / f64::from(self.last());
        match self.is_whole() {
            true => (self.from + share * (self.to - self.from)).round(),
            // The ends are exact.
            false if number == 0 => self.from,
            false if number == self.last() => self.to,
            false => self.from * (self.to / self.from).powf(share),
        }
    }

    /// The value of a key at a level, in an experiment as a tree.
    fn value(&self, tree: &Value, key: &str, number: u32) -> Result<Value, String> {
        let level = self.level(number);
        Ok(match (self.scale, self.is_whole()) {
            (true, _) => {
                let pointer = format!("/{}", key.replace('.', "/"));
                let own = tree.pointer(&pointer).and_then(Value::as_f64).filter(|own| own.abs() > 0.0);
                let own = own.ok_or_else(|| format!("a number other than 0 at `{key}` in the experiment to scale"))?;
                Value::from(own * level)
            }
            (false, true) => Value::from(level as i64),
            (false, false) => Value::from(level),
        })
    }

    /// The axes of a sweep from the first to the last level, one for each key.
    pub(crate) fn axes(&self, config: &Config) -> Result<Vec<Axis>, String> {
        let tree = to_value(config);
        let toml = |value: Value| {
            value.as_i64().map_or_else(|| toml::Value::from(value.as_f64().unwrap_or_default()), toml::Value::from)
        };
        let axis = |key: &String| {
            let ends = [0, self.last()].map(|number| self.value(&tree, key, number).map(toml));
            Ok(Axis { keys: vec![key.clone()], values: ends.into_iter().collect::<Result<_, String>>()? })
        };
        self.keys.iter().map(axis).collect()
    }

    /// The settings at a level, or the reason why it is impossible.
    pub(crate) fn apply(&self, config: &Config, number: u32) -> Result<Config, String> {
        let mut tree = to_value(config);
        for key in &self.keys {
            let value = self.value(&tree, key, number)?;
            set(&mut tree, key, value).map_err(|reason| format!("a key of a number; `{key}` {reason}"))?;
        }
        let config: Config = deserialize_strict(tree).map_err(|error| format!("possible settings: {error}"))?;
        let checked = config.process.check().and_then(|()| config.link.check());
        checked.map(|()| config).map_err(|error| format!("possible settings: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let text = "model = 'm'\n[data]\ninputs = 'x.npy'\n[process]\nphase_error.sigma_rad = 0.1\nsplitter_error.sigma_rad = 0.2\n[link]\nadc.bits = 8";
        toml::from_str(text).unwrap()
    }

    fn settings(keys: &[&str], from: f64, to: f64, scale: bool) -> ToleranceSettings {
        ToleranceSettings { keys: keys.iter().map(|key| (*key).to_owned()).collect(), from, to, scale, grid: None }
    }

    #[test]
    fn levels_have_equal_ratios() {
        let sigma = settings(&["process.phase_error.sigma_rad"], 1e-3, 1.0, false);
        sigma.check(&config()).unwrap();
        assert!((sigma.level(2048) - 1e-3_f64.sqrt()).abs() < 1e-12);
        let half = sigma.apply(&config(), 2048).unwrap();
        assert!((half.process.phase_error.unwrap().sigma_rad - 1e-3_f64.sqrt()).abs() < 1e-12);
        let bits = settings(&["link.adc.bits", "link.dac.bits"], 8.0, 2.0, false);
        bits.check(&config()).unwrap();
        assert_eq!((0..=bits.last()).map(|n| bits.level(n) as i64).collect::<Vec<_>>(), [8, 7, 6, 5, 4, 3, 2]);
        let both = settings(&["process.phase_error.sigma_rad", "process.splitter_error.sigma_rad"], 0.1, 10.0, true);
        let process = both.apply(&config(), both.last()).unwrap().process;
        assert!((process.phase_error.unwrap().sigma_rad - 1.0).abs() < 1e-12);
        assert!((process.splitter_error.unwrap().sigma_rad.unwrap() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn impossible_levels_are_refused() {
        for (bad, part) in [
            (settings(&["core.ports"], 1.0, 2.0, false), "`core.ports`"),
            (settings(&["process.phase_error.sigma"], 1.0, 2.0, false), "sigma"),
            (settings(&["process.phase_error.sigma_rad"], 1.0, 1.0, false), "another level"),
            (settings(&["process.phase_error.sigma_rad"], 0.0, 1.0, false), "tolerance.from"),
            (settings(&["process.insertion_loss.loss_db"], 0.1, 1.0, true), "to scale"),
            (settings(&["link.adc.bits"], 8.0, 0.1, false), "bits"),
            (settings(&["link.adc.bits"], 8.0, 2.5, false), "a whole number of bits"),
            (settings(&["process.phase_error.sigma_rad"], 1e-3, 1e300, false), "at the level 1e300"),
            (settings(&[], 8.0, 0.1, false), "at least one key"),
        ] {
            let error = bad.check(&config()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
