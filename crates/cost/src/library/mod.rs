//! The device library: the shipped file, a file that overrides entries, samples of the ranges.

pub mod devices;
pub mod entry;
pub mod laws;

use crate::error::CostError;
use devices::Devices;
use entry::{Entry, Status};
use phaseloom_files::{FileError, InvalidValue, locate, parse_toml, read_toml};
use phaseloom_hardware::{CHARGE, LIGHT, PLANCK};
use phaseloom_numerics::StreamKey;
use rand::RngExt;
use std::path::Path;

/// The library that comes with Phaseloom (TOML).
pub const LIBRARY_TEXT: &str = include_str!("../../library.toml");

/// Name of the shipped library in messages.
const SHIPPED: &str = "library.toml";

/// One set of values of all devices.
pub type Values = Devices<f64>;

/// Every number that the cost model takes from outside an experiment, with its source and range.
///
/// ```
/// let library = phaseloom_cost::Library::shipped()?;
/// assert!((library.values().dac_j(8.0) - 3.5714e-12).abs() < 1e-16);
/// # Ok::<(), phaseloom_cost::CostError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Library {
    /// The entries.
    pub entries: Devices<Entry>,
}

impl Library {
    /// The library that comes with Phaseloom.
    ///
    /// # Errors
    ///
    /// None for the shipped text, which a test reads.
    pub fn shipped() -> Result<Self, CostError> {
        let file: Devices<Option<Entry>> = parse_toml(Path::new(SHIPPED), LIBRARY_TEXT)?;
        let entries = file
            .try_map(|key, unit, entry| {
                let entry = entry.clone().ok_or_else(|| InvalidValue::new(key, "absent", "a table with its value"))?;
                entry.check(key, unit)?;
                Ok(entry)
            })
            .map_err(|invalid| locate(Path::new(SHIPPED), LIBRARY_TEXT, invalid))?;
        Ok(Self { entries })
    }

    /// The shipped library with the entries of a file in place of its own.
    ///
    /// # Errors
    ///
    /// [`CostError::File`] with the line and the key: a file that cannot be read, an unknown key, another unit, a value
    /// outside its range.
    pub fn with_file(path: &Path) -> Result<Self, CostError> {
        let (file, text) = read_toml(path, "device library")?;
        Ok(Self::shipped()?.overridden(file, path, &text)?)
    }

    /// As [`with_file`](Self::with_file), from the text of a file; `path` is for messages alone.
    ///
    /// # Errors
    ///
    /// As [`with_file`](Self::with_file).
    pub fn with_text(path: &Path, text: &str) -> Result<Self, CostError> {
        Ok(Self::shipped()?.overridden(parse_toml(path, text)?, path, text)?)
    }

    fn overridden(self, mut file: Devices<Option<Entry>>, path: &Path, text: &str) -> Result<Self, FileError> {
        let mut entries =
            self.entries.try_map(|key, unit, shipped| match file.get_mut(key).and_then(Option::take) {
                Some(entry) => entry.check(key, unit).map(|()| entry).map_err(|invalid| locate(path, text, invalid)),
                None => Ok(shipped.clone()),
            })?;
        entries.laws.dac = file.laws.dac.or(entries.laws.dac);
        entries.laws.adc = file.laws.adc.or(entries.laws.adc);
        let library = Self { entries };
        library.check_detector().map_err(|invalid| locate(path, text, invalid))?;
        Ok(library)
    }

    /// Checks that a photon makes at most one electron, in all of the ranges.
    fn check_detector(&self) -> Result<(), InvalidValue> {
        let (_, responsivity) = self.entries.detector.responsivity_a_per_w.range();
        let (wavelength, _) = self.entries.laser.wavelength_m.range();
        let max = CHARGE * wavelength / (PLANCK * LIGHT);
        if responsivity <= max {
            return Ok(());
        }
        let expected = format!("at most {max:.4} A/W at the wavelength {wavelength:e} m: one electron a photon");
        Err(InvalidValue::new("detector.responsivity_a_per_w", responsivity, expected))
    }

    /// The value of every entry.
    #[must_use]
    pub fn values(&self) -> Values {
        self.entries.map(|_, entry| entry.value)
    }

    /// One sample of all ranges together. Every entry takes one random number, whether it has a range or not, so that a
    /// change of one range changes no other value.
    #[must_use]
    pub fn sample(&self, seed: u64, draw: u64) -> Values {
        let mut stream = StreamKey::new(seed, "cost/library").trial(draw).stream();
        self.entries.map(|_, entry| entry.quantile(stream.random()))
    }

    /// Share of a total that rests on assumptions, 0…1.
    ///
    /// `items` are the parts of the total, in a fixed order, as a function of the values. A part rests on assumptions
    /// by the sum of |∂ln part/∂ln value| over the entries whose status is `assumption`, and at most by 1. A power that
    /// is proportional to one assumed value thus counts in full, and a part without an assumed factor does not count.
    ///
    /// # Errors
    ///
    /// Those of the function.
    pub fn assumed_share<E>(&self, items: impl Fn(&Values) -> Result<Vec<f64>, E>) -> Result<f64, E> {
        let nominal = self.values();
        let parts = items(&nominal)?;
        let mut weights = vec![0.0; parts.len()];
        let mut assumed = Vec::new();
        self.entries.for_each(|key, entry| {
            if entry.status == Status::Assumption {
                assumed.push((key.to_owned(), entry.increased()));
            }
        });
        for (key, increased) in assumed {
            let mut values = nominal.clone();
            let Some(value) = values.get_mut(&key) else { continue };
            *value = increased;
            for ((weight, part), changed) in weights.iter_mut().zip(&parts).zip(items(&values)?) {
                if *part > 0.0 {
                    *weight += ((changed / part).ln() / 1.01f64.ln()).abs();
                }
            }
        }
        let resting: f64 = parts.iter().zip(&weights).map(|(part, weight)| part * weight.min(1.0)).sum();
        let total: f64 = parts.iter().sum();
        Ok(if total > 0.0 { resting / total } else { 0.0 })
    }
}
