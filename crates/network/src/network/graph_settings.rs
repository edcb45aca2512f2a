//! What an experiment adds to an ONNX file: the choice of input and output, the normalisation, and the operators that go to
//! light.

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use crate::data::Batch;

/// What an experiment adds to an ONNX file. Everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GraphSettings {
    /// Choice, shape and normalisation of the input.
    pub input: Option<GraphInput>,
    /// Name of the output, if there are several.
    pub output: Option<String>,
    /// Patterns of the names of operators that go to light. `None` is all that can.
    pub photonic: Option<Vec<String>>,
    /// Patterns of the names of operators that stay electronic.
    pub electronic: Vec<String>,
}

/// The input of an ONNX graph: `x = (raw·scale − mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GraphInput {
    /// Name of the input, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Shape of one sample, where the file leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// Factor on the raw values, e.g. 1/255.
    #[serde(default = "one")]
    pub scale: f64,
    /// Mean, in units of `raw·scale`: one number, or one for each channel.
    #[serde(default = "zero_value")]
    pub mean: ChannelValues,
    /// Standard deviation, in units of `raw·scale`: one number, or one for each channel.
    #[serde(default = "one_value")]
    pub std: ChannelValues,
}

/// A number for all channels, or one for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "a number, or a list of one number for each channel")]
pub enum ChannelValues {
    /// One number for all channels.
    One(f64),
    /// One number for each channel.
    Each(Vec<f64>),
}

fn one() -> f64 {
    1.0
}

fn zero_value() -> ChannelValues {
    ChannelValues::One(0.0)
}

fn one_value() -> ChannelValues {
    ChannelValues::One(1.0)
}

impl Default for GraphInput {
    /// Inputs as they are.
    fn default() -> Self {
        Self { name: None, shape: None, scale: one(), mean: zero_value(), std: one_value() }
    }
}

impl ChannelValues {
    fn all(&self) -> &[f64] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }

    fn at(&self, channel: usize) -> f64 {
        match self {
            Self::One(value) => *value,
            Self::Each(values) => values[channel],
        }
    }
}

impl GraphSettings {
    /// Checks the numbers.
    ///
    /// # Errors
    ///
    /// The first impossible value, by its key.
    pub fn check(&self) -> Result<(), InvalidValue> {
        let Some(input) = &self.input else { return Ok(()) };
        if let Some(shape) = input.shape.as_ref().filter(|shape| shape.contains(&0)) {
            return Err(InvalidValue::new("input.shape", format!("{shape:?}"), "lengths of at least 1"));
        }
        if !input.scale.is_normal() {
            return Err(InvalidValue::new("input.scale", input.scale, "a finite number other than 0"));
        }
        if let Some(mean) = input.mean.all().iter().find(|mean| !mean.is_finite()) {
            return Err(InvalidValue::new("input.mean", mean, "finite numbers"));
        }
        match input.std.all().iter().find(|std| !(std.is_normal() && **std > 0.0)) {
            Some(std) => Err(InvalidValue::new("input.std", std, "finite numbers above 0")),
            None => Ok(()),
        }
    }

    /// Checks that lists of channels fit the shape of a sample.
    ///
    /// # Errors
    ///
    /// A list that is not as long as the axis of channels, the first or the last; lists of different lengths.
    pub fn check_shape(&self, shape: &[usize]) -> Result<(), InvalidValue> {
        let Some(input) = &self.input else { return Ok(()) };
        for (key, values) in [("input.mean", &input.mean), ("input.std", &input.std)] {
            if let ChannelValues::Each(values) = values
                && channel_axis(shape, values.len()).is_none()
            {
                let expected = format!("one number for each channel of an input of shape {shape:?}");
                return Err(InvalidValue::new(key, format!("{} numbers", values.len()), expected));
            }
        }
        match (&input.mean, &input.std) {
            (ChannelValues::Each(mean), ChannelValues::Each(std)) if mean.len() != std.len() => {
                let expected = format!("{}, as `input.mean` has", mean.len());
                Err(InvalidValue::new("input.std", format!("{} numbers", std.len()), expected))
            }
            _ => Ok(()),
        }
    }

    /// Inputs of the graph from raw data (both features × samples), for a checked shape of one sample.
    #[must_use]
    pub fn prepare(&self, raw: &Batch, shape: &[usize]) -> Batch {
        let Some(input) = &self.input else { return raw.clone() };
        let channels = input.mean.all().len().max(input.std.all().len());
        let axis = channel_axis(shape, channels).unwrap_or(0);
        let stride: usize = shape[(axis + 1).min(shape.len())..].iter().product();
        let channel = |feature: usize| if channels > 1 { feature / stride % channels } else { 0 };
        Batch::from_fn(raw.nrows(), raw.ncols(), |feature, sample| {
            let c = channel(feature);
            (raw[(feature, sample)] * input.scale - input.mean.at(c)) / input.std.at(c)
        })
    }

    /// All settings as bytes, for a hash.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        // Numbers and strings always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The axis of channels: the first of a sample, or the last.
fn channel_axis(shape: &[usize], channels: usize) -> Option<usize> {
    [0, shape.len().saturating_sub(1)].into_iter().find(|&axis| shape.get(axis) == Some(&channels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(toml: &str) -> GraphSettings {
        GraphSettings { input: Some(toml::from_str(toml).unwrap()), ..GraphSettings::default() }
    }

    #[test]
    fn channels_come_first_or_last() {
        let by_channel = settings("scale = 0.5\nmean = [1, 2]\nstd = [4, 8]");
        let raw = Batch::from_column_slice(6, 1, &[2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        let first = by_channel.prepare(&raw, &[2, 3]);
        assert_eq!(first.as_slice(), [0.0, 0.25, 0.5, 0.25, 0.375, 0.5]);
        let last = by_channel.prepare(&raw, &[3, 2]);
        assert_eq!(last.as_slice(), [0.0, 0.0, 0.5, 0.25, 1.0, 0.5]);
        assert!(by_channel.check_shape(&[3, 4]).unwrap_err().to_string().contains("2 numbers"));
        assert_eq!(settings("").prepare(&raw, &[6]), raw);
    }

    #[test]
    fn impossible_numbers_are_named() {
        for (toml, key) in [
            ("scale = 0", "input.scale"),
            ("std = [1, 0]", "input.std"),
            ("mean = nan", "input.mean"),
            ("shape = [0]", "input.shape"),
        ] {
            assert!(settings(toml).check().unwrap_err().to_string().contains(key), "{toml}");
        }
        assert!(settings("mean = [0.5]\nstd = 2").check().is_ok());
    }
}
