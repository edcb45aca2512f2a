//! Kernel, stride, dilation and padding of a layer, as written in a model file, on an input of a shape.
//!
//! Along each axis there are `(length + before + after − dilation·(kernel − 1) − 1) / stride + 1` positions, rounded down.

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use super::{WindowAxis, Windows};

/// Maximum of a kernel, a stride, a dilation or a padding.
const MAX_LENGTH: usize = 1 << 16;
/// Maximum number of values under a kernel of one channel, over all positions: 512 MiB of offsets.
const MAX_OFFSETS: usize = 1 << 27;

/// A number for all axes, or one for each: height and width.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "found another type, expected a whole number, or a list of one for each axis")]
pub enum PerAxis {
    /// The same number for all axes.
    All(usize),
    /// One number for each axis.
    Each(Vec<usize>),
}

/// Zeros around an image: for all sides, for each axis, for each side of each axis, or by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "found something else, expected a whole number, a list of one for each axis, a list of [before, after] for \
                 each axis, \"same\" or \"valid\""
)]
pub enum Padding {
    /// The same number on all sides.
    All(usize),
    /// For each axis, the number on both sides.
    Each(Vec<usize>),
    /// For each axis, the numbers before and after.
    Sides(Vec<[usize; 2]>),
    /// By name.
    Named(PaddingName),
}

/// Padding by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PaddingName {
    /// As many zeros as give `length / stride` positions, rounded up; an odd one is at the end, as in TensorFlow, and in PyTorch for a stride of 1.
    Same,
    /// No padding.
    Valid,
}

impl Default for PerAxis {
    fn default() -> Self {
        Self::All(1)
    }
}

impl Default for Padding {
    fn default() -> Self {
        Self::All(0)
    }
}

impl PerAxis {
    /// The number for each of `axes`, each from 1 on.
    fn resolve(&self, key: &str, axes: usize) -> Result<Vec<usize>, InvalidValue> {
        let values = match self {
            Self::All(value) => vec![*value; axes],
            Self::Each(values) => values.clone(),
        };
        if values.len() != axes {
            return Err(axis_count(key, &format!("{values:?}"), axes));
        }
        match values.iter().find(|value| !(1..=MAX_LENGTH).contains(*value)) {
            Some(value) => Err(InvalidValue::new(key, value, format!("1 to {MAX_LENGTH}"))),
            None => Ok(values),
        }
    }
}

impl Padding {
    /// Zeros before and after, along an axis of this index.
    fn sides(&self, axis: usize, axes: usize, unpadded: &WindowAxis) -> Result<[usize; 2], InvalidValue> {
        let sides = match self {
            Self::All(value) => [*value; 2],
            Self::Each(values) if values.len() == axes => [values[axis]; 2],
            Self::Sides(sides) if sides.len() == axes => sides[axis],
            Self::Each(values) => return Err(axis_count("padding", &format!("{values:?}"), axes)),
            Self::Sides(sides) => return Err(axis_count("padding", &format!("{sides:?}"), axes)),
            Self::Named(PaddingName::Valid) => [0; 2],
            Self::Named(PaddingName::Same) => {
                let WindowAxis { length, kernel, stride, dilation, .. } = *unpadded;
                let covered = (length.div_ceil(stride) - 1) * stride + dilation * (kernel - 1) + 1;
                let total = covered.saturating_sub(length);
                return Ok([total / 2, total - total / 2]);
            }
        };
        match sides.iter().find(|side| **side > MAX_LENGTH) {
            Some(side) => Err(InvalidValue::new("padding", side, format!("at most {MAX_LENGTH}"))),
            None => Ok(sides),
        }
    }
}

fn axis_count(key: &str, found: &str, axes: usize) -> InvalidValue {
    let expected =
        if axes == 1 { "one entry, for the one axis".to_owned() } else { format!("{axes}, one for each axis") };
    InvalidValue::new(key, found, expected)
}

/// A kernel on an input of channels and axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Number of channels.
    channels: usize,
    axes: Vec<WindowAxis>,
}

impl Geometry {
    /// The geometry on an input of shape `[channels, lengths…]`. With `ceil_mode`, as in PyTorch, a last kernel may reach beyond
    /// the padded input, if it starts in the input or in the padding before it.
    pub fn new(
        input: &[usize],
        kernel: &PerAxis,
        stride: &PerAxis,
        dilation: &PerAxis,
        padding: &Padding,
        ceil_mode: bool,
    ) -> Result<Self, InvalidValue> {
        let [channels, lengths @ ..] = input else { return Err(no_image(input, "[channels, height, width]")) };
        let count = lengths.len();
        let kernel = kernel.resolve("kernel", count)?;
        let (stride, dilation) = (stride.resolve("stride", count)?, dilation.resolve("dilation", count)?);
        let mut axes = Vec::with_capacity(count);
        for axis in 0..count {
            let (length, kernel, stride, dilation) = (lengths[axis], kernel[axis], stride[axis], dilation[axis]);
            let distance = lengths[axis + 1..].iter().product();
            let unpadded = WindowAxis { length, distance, kernel, stride, dilation, before: 0, positions: 0 };
            let [before, after] = padding.sides(axis, count, &unpadded)?;
            let covered = dilation * (kernel - 1) + 1;
            let Some(room) = (length + before + after).checked_sub(covered) else {
                let found = format!("a kernel that covers {covered} values");
                let expected = format!("at most {}, the length of the axis with its padding", length + before + after);
                return Err(InvalidValue::new("kernel", found, expected));
            };
            let reaches = ceil_mode && room % stride > 0 && (room / stride + 1) * stride < length + before;
            axes.push(WindowAxis { before, positions: room / stride + 1 + usize::from(reaches), ..unpadded });
        }
        let geometry = Self { channels: *channels, axes };
        let offsets = geometry.axes.iter().try_fold(1_usize, |all, axis| {
            all.checked_mul(axis.kernel)?.checked_mul(axis.positions).filter(|&all| all <= MAX_OFFSETS)
        });
        match offsets {
            Some(_) => Ok(geometry),
            None => {
                let found = format!("{} taps at {} positions", geometry.taps(), geometry.positions());
                Err(InvalidValue::new("kernel", found, format!("at most {MAX_OFFSETS} in all")))
            }
        }
    }

    /// A kernel that covers all values of a channel, for an input of at least one axis.
    pub fn whole(input: &[usize]) -> Result<Self, InvalidValue> {
        let [channels, lengths @ ..] = input else { return Err(no_image(input, "[channels, height, width]")) };
        let values: usize = lengths.iter().product();
        if values > MAX_OFFSETS {
            let expected = format!("at most {MAX_OFFSETS} values of a channel");
            return Err(InvalidValue::new("kind", format!("a layer on {values} values of a channel"), expected));
        }
        let axis = |axis: usize| WindowAxis {
            length: lengths[axis],
            distance: lengths[axis + 1..].iter().product(),
            kernel: lengths[axis],
            stride: 1,
            dilation: 1,
            before: 0,
            positions: 1,
        };
        Ok(Self { channels: *channels, axes: (0..lengths.len()).map(axis).collect() })
    }

    /// The same geometry if every position has a value of the input under its kernel.
    ///
    /// The first kernel reaches to `dilation·(kernel − 1) − before`, and the last one starts at
    /// `stride·(positions − 1) − before`.
    pub fn without_empty_windows(self) -> Result<Self, InvalidValue> {
        let is_empty = |axis: &&WindowAxis| {
            let last_start = axis.stride * (axis.positions - 1);
            axis.dilation * (axis.kernel - 1) < axis.before || last_start >= axis.before + axis.length
        };
        match self.axes.iter().find(is_empty) {
            Some(axis) => {
                let found = format!("zeros that fill a whole kernel of {}", axis.kernel);
                Err(InvalidValue::new("padding", found, "less than the length of the kernel"))
            }
            None => Ok(self),
        }
    }

    /// Number of taps of the kernel.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|axis| axis.kernel).product()
    }

    /// Number of positions.
    pub fn positions(&self) -> usize {
        self.axes.iter().map(|axis| axis.positions).product()
    }

    /// Positions along each axis, after a number of channels: the shape of the output.
    pub fn output_shape(&self, channels: usize) -> Vec<usize> {
        std::iter::once(channels).chain(self.axes.iter().map(|axis| axis.positions)).collect()
    }

    /// The lengths of the kernel along the axes.
    pub fn kernel(&self) -> impl Iterator<Item = usize> + '_ {
        self.axes.iter().map(|axis| axis.kernel)
    }

    /// The windows on all channels.
    pub fn windows(&self) -> Windows {
        let size: usize = self.axes.iter().map(|axis| axis.length).product();
        Windows::new((0..self.channels).map(|channel| channel * size).collect(), &self.axes)
    }

    /// All numbers, for a hash.
    pub fn numbers(&self) -> Vec<f64> {
        let of = |axis: &WindowAxis| {
            [axis.length, axis.kernel, axis.stride, axis.dilation, axis.before, axis.positions].map(|n| n as f64)
        };
        self.axes.iter().flat_map(of).collect()
    }
}

/// The input of a layer has another shape than the layer takes.
pub(crate) fn no_image(input: &[usize], expected: &str) -> InvalidValue {
    let found = format!("a layer on an input of the shape {input:?}");
    let expected =
        format!("one on {expected}: give `input.shape` in place of `input.size`, or correct the layers before it");
    InvalidValue::new("kind", found, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Settings {
        kernel: PerAxis,
        #[serde(default)]
        stride: PerAxis,
        #[serde(default)]
        dilation: PerAxis,
        #[serde(default)]
        padding: Padding,
    }

    fn geometry(input: &[usize], toml: &str) -> Result<Geometry, InvalidValue> {
        let s: Settings = toml::from_str(toml).unwrap();
        Geometry::new(input, &s.kernel, &s.stride, &s.dilation, &s.padding, false)
    }

    /// The shapes of `torch.nn.Conv2d` and, for "same" with a stride, of `tf.nn.conv2d`.
    #[test]
    fn positions_are_those_of_pytorch_and_tensorflow() {
        for (toml, expected) in [
            ("kernel = 3", vec![7, 6, 5]),
            ("kernel = [3, 2]\nstride = 2", vec![7, 3, 3]),
            ("kernel = 3\npadding = 1\nstride = [1, 2]", vec![7, 8, 4]),
            ("kernel = 3\npadding = [[0, 1], [2, 0]]", vec![7, 7, 7]),
            ("kernel = 3\ndilation = 2\npadding = [2, 0]", vec![7, 8, 3]),
            ("kernel = 4\npadding = 'same'", vec![7, 8, 7]),
            ("kernel = 3\nstride = 3\npadding = 'same'", vec![7, 3, 3]),
            ("kernel = 3\npadding = 'valid'", vec![7, 6, 5]),
        ] {
            assert_eq!(geometry(&[5, 8, 7], toml).unwrap().output_shape(7), expected, "{toml}");
        }
        let same = geometry(&[1, 8], "kernel = 4\npadding = 'same'").unwrap();
        assert_eq!(same.axes[0].before, 1, "the odd zero is at the end");
    }

    #[test]
    fn impossible_kernels_are_named_by_their_keys() {
        for (toml, part) in [
            ("kernel = 9", "at most 8"),
            ("kernel = 0", "`kernel`"),
            ("kernel = [3]", "2, one for each axis"),
            ("kernel = 3\nstride = 0", "`stride`"),
            ("kernel = 3\npadding = [1, 1, 1]", "`padding`"),
            ("kernel = 3\npadding = 1000000", "`padding`"),
            ("kernel = 65536\npadding = 65536", "taps at"),
        ] {
            let error = geometry(&[1, 8, 9], toml).unwrap_err().to_string();
            assert!(error.contains(part), "{error} | {part}");
        }
        assert!(toml::from_str::<Settings>("kernel = 3\npadding = 'full'").is_err());
    }
}
