//! Defaults of the keys of an experiment, and whether a value is that default.

use phaseloom_hardware::correction::{Instruments, correction};
use serde::{Deserialize, Deserializer};

pub(super) fn one<T: From<u8>>() -> T {
    T::from(1)
}

pub(super) fn twenty() -> u64 {
    20
}

/// The key of a correction from its key or alias; another name is refused by `Experiment::check`.
pub(super) fn correction_key<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    Ok(correction(&name).map_or(name, |method| method.key.to_owned()))
}

pub(super) fn none() -> String {
    "none".into()
}

pub(super) fn is_none(key: &String) -> bool {
    key == "none"
}

pub(super) fn measurement_noise() -> f64 {
    Instruments::default().noise
}

pub(super) fn is_measurement_noise(noise: &f64) -> bool {
    noise.to_bits() == measurement_noise().to_bits()
}

pub(super) fn is_one(number: &f64) -> bool {
    number.to_bits() == 1.0_f64.to_bits()
}
