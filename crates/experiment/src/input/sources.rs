//! The key `sources`: which imperfections of the process and parts of the link are on.

use crate::input::config::Config;
use phaseloom_files::{InvalidValue, nearest};
use phaseloom_hardware::{IMPERFECTIONS, LINK_PARTS};

/// The keys of all sources: imperfections of the process, then parts of the link.
fn all_sources() -> impl Iterator<Item = &'static str> {
    IMPERFECTIONS.iter().chain(LINK_PARTS).map(|(key, _)| *key)
}

impl Config {
    /// The keys of the sources that are on, in the order of their lists.
    #[must_use]
    pub fn sources_on(&self) -> Vec<&'static str> {
        let of_process: Vec<&str> = self.process.sources().map(|(key, _)| key).collect();
        let is_on = |key: &&'static str| match LINK_PARTS.iter().any(|(part, _)| part == key) {
            true => self.link.without(key) != self.link,
            false => of_process.contains(key),
        };
        all_sources().filter(is_on).collect()
    }

    /// Switches off all sources but those of the key `sources`.
    pub(crate) fn keep_sources(&mut self) {
        let Some(kept) = &self.sources else { return };
        let is_off = |key: &str| !kept.iter().any(|kept| kept == key);
        for (key, _) in IMPERFECTIONS.iter().filter(|(key, _)| is_off(key)) {
            self.process = self.process.without(key);
        }
        for (key, _) in LINK_PARTS.iter().filter(|(key, _)| is_off(key)) {
            self.link = self.link.without(key);
        }
    }

    /// Checks the keys of `sources`.
    pub(crate) fn check_sources(&self) -> Result<(), InvalidValue> {
        let known = |key: &str| all_sources().any(|known| known == key);
        let Some(unknown) = self.sources.iter().flatten().find(|key| !known(key)) else { return Ok(()) };
        let near = nearest(unknown, all_sources()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let expected = format!("of {}{near}", all_sources().collect::<Vec<_>>().join(", "));
        Err(InvalidValue::new("sources", format!("`{unknown}`"), expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_that_are_not_named_are_off() {
        let text = "model = 'm'\n[data]\ninputs = 'x.npy'\n[process]\nphase_error.sigma_rad = 0.1\nsplitter_error.sigma_rad = 0.2\n\
                    [link]\ndac.bits = 6\nadc.bits = 6\nlaser_power_w = 0.1\nshot_noise = true";
        let mut config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.sources_on(), ["phase_error", "splitter_error", "dac", "shot_noise", "adc"]);
        let all = config.clone();
        config.sources = Some(config.sources_on().into_iter().map(str::to_owned).collect());
        config.keep_sources();
        assert_eq!((&config.process, &config.link), (&all.process, &all.link));
        config.sources = Some(vec!["splitter_error".into(), "adc".into()]);
        config.keep_sources();
        assert_eq!(config.sources_on(), ["splitter_error", "adc"]);
        assert_eq!(config.link.laser_power_w, Some(0.1));
        config.sources = Some(vec!["phase_eror".into()]);
        let error = config.check_sources().unwrap_err().to_string();
        assert!(error.contains("did you mean `phase_error`?"), "{error}");
    }
}
