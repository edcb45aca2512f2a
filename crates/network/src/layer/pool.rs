//! Pooling: the maximum or the mean of the values under a kernel, for each channel by itself.
//!
//! Zeros of the padding are never a maximum. As in PyTorch, a mean counts them, unless `include_padding` is false (Keras).

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use super::{Gradients, Layer, LayerSettings, Trace};
use crate::data::Batch;
use crate::error::{NetworkError, Result};
use crate::weights::Tensors;
use crate::window::geometry::{Geometry, Padding, PaddingName, PerAxis, no_image};
use crate::window::{PADDING, Windows};

/// Settings of a maximum under a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MaxPoolSettings {
    /// Taps of the kernel, for all axes or for each: height and width.
    pub kernel: PerAxis,
    /// Input values from one position to the next. Default: the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<PerAxis>,
    /// Input values from one tap to the next. Range: ≥ 1.
    #[serde(default)]
    pub dilation: PerAxis,
    /// Padding, as that of a convolution.
    #[serde(default)]
    pub padding: Padding,
    /// Whether a last kernel may reach beyond the end of the input (PyTorch). Default: `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ceil_mode: bool,
}

/// Settings of a mean under a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AveragePoolSettings {
    /// Taps of the kernel, for all axes or for each: height and width.
    pub kernel: PerAxis,
    /// Input values from one position to the next. Default: the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<PerAxis>,
    /// Padding, as that of a convolution.
    #[serde(default)]
    pub padding: Padding,
    /// Whether a mean counts the zeros of the padding (PyTorch), and is not that of the values alone (Keras).
    #[serde(default = "yes")]
    pub include_padding: bool,
    /// Whether a last kernel may reach beyond the end of the input (PyTorch). Default: `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ceil_mode: bool,
}

/// Settings of a maximum of each channel: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPoolSettings {}

/// Settings of a mean of each channel: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePoolSettings {}

fn yes() -> bool {
    true
}

/// The number that replaces the values under a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistic {
    Max,
    Mean { include_padding: bool },
}

/// Builds a pooling layer.
fn build(geometry: Result<Geometry, InvalidValue>, statistic: Statistic, tensors: &Tensors) -> Result<Box<dyn Layer>> {
    let geometry = geometry.map_err(|invalid| NetworkError::from_invalid(tensors.path(), invalid))?;
    Ok(Box::new(Pool { windows: geometry.windows(), statistic, numbers: geometry.numbers() }))
}

impl MaxPoolSettings {
    fn geometry(&self, input: &[usize]) -> Result<Geometry, InvalidValue> {
        image(input)?;
        let stride = self.stride.as_ref().unwrap_or(&self.kernel);
        Geometry::new(input, &self.kernel, stride, &self.dilation, &self.padding, self.ceil_mode)?
            .without_empty_windows()
    }
}

impl AveragePoolSettings {
    fn geometry(&self, input: &[usize]) -> Result<Geometry, InvalidValue> {
        image(input)?;
        let stride = self.stride.as_ref().unwrap_or(&self.kernel);
        let has_padding = ![Padding::All(0), Padding::Named(PaddingName::Valid)].contains(&self.padding);
        if self.ceil_mode && has_padding && self.include_padding {
            let expected = "no padding, or `include_padding = false`";
            return Err(InvalidValue::new("ceil_mode", "true, for a mean that counts zeros of a padding", expected));
        }
        Geometry::new(input, &self.kernel, stride, &PerAxis::All(1), &self.padding, self.ceil_mode)?
            .without_empty_windows()
    }
}

/// A kernel that covers all values of a channel.
fn global(input: &[usize]) -> Result<Geometry, InvalidValue> {
    image(input)?;
    Geometry::whole(input)
}

/// Checks that an input has channels and at least one axis.
fn image(input: &[usize]) -> Result<(), InvalidValue> {
    if input.len() > 1 { Ok(()) } else { Err(no_image(input, "[channels, length] or [channels, height, width]")) }
}

impl LayerSettings for MaxPoolSettings {
    fn build(&self, _user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        build(self.geometry(input), Statistic::Max, tensors)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        Ok(self.geometry(input)?.output_shape(input[0]))
    }
}

impl LayerSettings for AveragePoolSettings {
    fn build(&self, _user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        // A mean never counts what lies beyond the padded input.
        let include_padding = self.include_padding && !self.ceil_mode;
        build(self.geometry(input), Statistic::Mean { include_padding }, tensors)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        Ok(self.geometry(input)?.output_shape(input[0]))
    }
}

impl LayerSettings for GlobalMaxPoolSettings {
    fn build(&self, _user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        build(global(input), Statistic::Max, tensors)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        global(input).map(|_| vec![input[0]])
    }
}

impl LayerSettings for GlobalAveragePoolSettings {
    fn build(&self, _user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        build(global(input), Statistic::Mean { include_padding: true }, tensors)
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        global(input).map(|_| vec![input[0]])
    }
}

/// Pooling of samples of one shape.
#[derive(Clone, Debug)]
struct Pool {
    windows: Windows,
    statistic: Statistic,
    numbers: Vec<f64>,
}

impl Pool {
    /// The value that the taps of a position on a channel give, and, for a maximum, its place in the sample.
    fn value(&self, sample: &[f64], channel: usize, taps: &[u32]) -> (f64, Option<usize>) {
        let places = taps.iter().filter(|&&tap| tap != PADDING).map(|&tap| channel + tap as usize);
        match self.statistic {
            Statistic::Max => {
                let first_max = |best: Option<usize>, place: usize| match best {
                    // A value that is no number stays, so that it is noticed.
                    Some(best) if sample[place] <= sample[best] || sample[best].is_nan() => Some(best),
                    _ => Some(place),
                };
                let place = places.fold(None, first_max);
                (place.map_or(0.0, |place| sample[place]), place)
            }
            Statistic::Mean { .. } => (places.map(|place| sample[place]).sum::<f64>() / self.divisor(taps), None),
        }
    }

    /// The number of values of a mean.
    fn divisor(&self, taps: &[u32]) -> f64 {
        let values = taps.iter().filter(|&&tap| tap != PADDING).count().max(1);
        (if self.statistic == (Statistic::Mean { include_padding: true }) { taps.len() } else { values }) as f64
    }

    /// Offset of the channel and taps of each output, in the order of the outputs.
    fn outputs(&self) -> impl Iterator<Item = (usize, &[u32])> {
        self.windows
            .channels()
            .iter()
            .flat_map(|&channel| self.windows.offsets_by_position().map(move |taps| (channel, taps)))
    }
}

impl Layer for Pool {
    fn forward(&self, input: &Batch) -> Batch {
        let outputs = self.windows.channels().len() * self.windows.positions();
        let mut output = Batch::zeros(outputs, input.ncols());
        for (x, mut y) in input.column_iter().zip(output.column_iter_mut()) {
            for ((channel, taps), y) in self.outputs().zip(y.iter_mut()) {
                *y = self.value(x.as_slice(), channel, taps).0;
            }
        }
        output
    }

    fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let by_input = || {
            let mut by_input = Batch::zeros(input.nrows(), input.ncols());
            for ((x, g), mut to) in input.column_iter().zip(gradient.column_iter()).zip(by_input.column_iter_mut()) {
                for ((channel, taps), g) in self.outputs().zip(g.iter()) {
                    match self.statistic {
                        Statistic::Max => {
                            if let (_, Some(place)) = self.value(x.as_slice(), channel, taps) {
                                to[place] += g;
                            }
                        }
                        Statistic::Mean { .. } => {
                            let share = g / self.divisor(taps);
                            for &tap in taps.iter().filter(|&&tap| tap != PADDING) {
                                to[channel + tap as usize] += share;
                            }
                        }
                    }
                }
            }
            by_input
        };
        Gradients { input: needs_input.then(by_input), parameters: Vec::new() }
    }

    fn numbers(&self) -> Vec<f64> {
        let statistic = match self.statistic {
            Statistic::Max => 0.0,
            Statistic::Mean { include_padding } => 1.0 + f64::from(u8::from(include_padding)),
        };
        std::iter::once(statistic).chain(self.numbers.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    /// One row of values under a kernel of 2 with a stride of 2 and a zero on the left.
    #[test]
    fn zeros_of_the_padding_are_no_maximum_and_count_in_a_mean_as_requested() {
        let x = Batch::from_column_slice(3, 1, &[-4.0, -2.0, -6.0]);
        for (toml, expected) in [
            ("kind = 'max_pool'\nkernel = 2\npadding = 1", vec![-4.0, -2.0]),
            ("kind = 'max_pool'\nkernel = 2\nstride = 1", vec![-2.0, -2.0]),
            ("kind = 'average_pool'\nkernel = 2\npadding = 1", vec![-2.0, -4.0]),
            ("kind = 'average_pool'\nkernel = 2\npadding = 1\ninclude_padding = false", vec![-4.0, -4.0]),
            ("kind = 'max_pool'\nkernel = 2", vec![-2.0]),
            // As `MaxPool1d(2, ceil_mode=True)` and `AvgPool1d(2, ceil_mode=True)` of PyTorch; a last kernel that would start
            // after the input is left out.
            ("kind = 'max_pool'\nkernel = 2\nceil_mode = true", vec![-2.0, -6.0]),
            ("kind = 'average_pool'\nkernel = 2\nceil_mode = true", vec![-3.0, -6.0]),
            ("kind = 'max_pool'\nkernel = 2\npadding = 1\nceil_mode = true", vec![-4.0, -2.0]),
            ("kind = 'global_max_pool'", vec![-2.0]),
            ("kind = 'global_average_pool'", vec![-4.0]),
        ] {
            let layer = layer_for_test(toml, &[1, 3], &[]).unwrap();
            assert_eq!(layer.forward(&x).as_slice(), expected, "{toml}");
        }
    }

    /// Two channels of 5 × 4 against loops over rows and columns.
    #[test]
    fn images_are_pooled_channel_by_channel() {
        let x = Batch::from_vec(40, 2, varied(80, 1));
        for (kind, start, join) in [
            ("max_pool", f64::NEG_INFINITY, f64::max as fn(f64, f64) -> f64),
            ("average_pool", 0.0, |a, b| a + b / 6.0),
        ] {
            let toml = format!("kind = '{kind}'\nkernel = [3, 2]\nstride = [1, 2]");
            let mut layer = layer_for_test(&toml, &[2, 5, 4], &[]).unwrap();
            let y = layer.forward(&x);
            assert_eq!(y.nrows(), 12);
            for (sample, y) in x.column_iter().zip(y.column_iter()) {
                for (at, y) in y.iter().enumerate() {
                    let (channel, i, j) = (at / 6, at / 2 % 3, at % 2);
                    let under = (0..3).flat_map(|a| (0..2).map(move |b| channel * 20 + (i + a) * 4 + 2 * j + b));
                    let expected = under.fold(start, |all, place| join(all, sample[place]));
                    assert!((y - expected).abs() < 1e-14, "{toml} {at}");
                }
            }
            check_gradients(layer.as_mut(), &x);
        }
        for toml in [
            "kind = 'max_pool'\nkernel = 2\ndilation = 2\npadding = 1\nstride = 1",
            "kind = 'average_pool'\nkernel = 3\npadding = 'same'\ninclude_padding = false",
            "kind = 'global_max_pool'",
            "kind = 'global_average_pool'",
        ] {
            check_gradients(layer_for_test(toml, &[2, 5, 4], &[]).unwrap().as_mut(), &x);
        }
        let toml = "kind = 'average_pool'\nkernel = 3\nceil_mode = true";
        check_gradients(layer_for_test(toml, &[2, 5, 4], &[]).unwrap().as_mut(), &x);
        let error = layer_for_test(&format!("{toml}\npadding = 1"), &[2, 5, 4], &[]).unwrap_err().to_string();
        assert!(error.contains("include_padding = false"), "{error}");
        assert!(layer_for_test("kind = 'global_max_pool'", &[8], &[]).is_err());
    }
}
