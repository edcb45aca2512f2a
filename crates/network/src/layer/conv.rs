//! Convolutions along one or two axes as matrix products (im2col): a row of W for each output channel, a column for each
//! channel and tap of the kernel, a vector for each output position.
//!
//! ```text
//! y[o, p] = Σ_{c,k} W[o, c·taps + k] x[c, position p + tap k] + b[o]
//! ```
//!
//! As in PyTorch, the kernel is not reversed, an input has the shape `[channels, height, width]`, and the file stores the
//! kernel as `[out, in/groups, height, width]`. Groups lie on the diagonal of W, and the hardware skips the tiles of zeros
//! between them.

use nalgebra::DMatrix;
use phaseloom_files::{InvalidValue, require_memory};
use phaseloom_hardware::WeightKind;
use phaseloom_numerics::linalg::multiply;
use serde::{Deserialize, Serialize};

use super::{Gradients, Layer, LayerSettings, Linear, NamedTensor, Parameter, Pass, Products, Recorder, Start, Trace};
use crate::data::Batch;
use crate::error::Result;
use crate::network::exact_product;
use crate::weights::{Tensor, Tensors};
use crate::window::Windows;
use crate::window::geometry::{Geometry, Padding, PerAxis, no_image};

/// Bytes of the vectors of the samples whose product is computed together; one sample may have more.
const COLUMN_BYTES: usize = 32 << 20;

/// Settings of a convolution along `AXES` axes, as written in a model file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConvSettings<const AXES: usize> {
    /// Number of output channels, a multiple of `groups`. Range: ≥ 1.
    pub outputs: usize,
    /// Taps of the kernel, for all axes or for each: height and width.
    pub kernel: PerAxis,
    /// Input values from one position to the next, for all axes or for each. Range: ≥ 1. Default: 1.
    #[serde(default)]
    pub stride: PerAxis,
    /// Input values from one tap to the next, for all axes or for each. Range: ≥ 1.
    #[serde(default)]
    pub dilation: PerAxis,
    /// Zeros around the input: for all sides, for each axis, as `[before, after]` for each axis, or `"same"` or `"valid"`.
    #[serde(default)]
    pub padding: Padding,
    /// Groups of channels that are convolved by themselves. Range: a divisor of the input channels and of `outputs`.
    #[serde(default = "one")]
    pub groups: usize,
    /// Name of the tensor of the kernel, stored as `[out, in/groups, height, width]` (PyTorch).
    pub weight: String,
    /// Name of the tensor of the bias. Default: no bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<String>,
    /// Whether the products run on photonic meshes. Otherwise they are electronic.
    #[serde(default = "yes")]
    pub photonic: bool,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

impl<const AXES: usize> ConvSettings<AXES> {
    fn geometry(&self, input: &[usize]) -> Result<Geometry, InvalidValue> {
        if input.len() != AXES + 1 {
            return Err(no_image(input, if AXES == 1 { "[channels, length]" } else { "[channels, height, width]" }));
        }
        Geometry::new(input, &self.kernel, &self.stride, &self.dilation, &self.padding, false)
    }

    /// Shape of the kernel in the file.
    fn kernel_shape(&self, input: &[usize], geometry: &Geometry) -> Vec<usize> {
        [self.outputs, input[0] / self.groups].into_iter().chain(geometry.kernel()).collect()
    }
}

impl<const AXES: usize> LayerSettings for ConvSettings<AXES> {
    fn build(&self, user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        let geometry =
            self.geometry(input).map_err(|invalid| crate::NetworkError::from_invalid(tensors.path(), invalid))?;
        let shape = self.kernel_shape(input, &geometry);
        // The matrix with all groups, and the vectors of one sample with their products.
        let (outputs, inputs) = (self.outputs as f64, geometry.taps() as f64 * input[0] as f64);
        let of_sample = (inputs + outputs) * geometry.positions() as f64;
        require_memory(8.0 * (outputs * inputs + of_sample), &format!("{user}, a matrix of {outputs}×{inputs}"))?;
        let values = tensors.expect(user, &self.weight, &shape)?;
        let bias = self.bias.as_ref().map(|name| tensors.expect(user, name, &[self.outputs]));
        let linear = Linear {
            weight: block_diagonal(values, self.groups, [self.outputs, geometry.taps() * input[0]]),
            bias: bias.transpose()?.map(<[f64]>::to_vec),
            is_photonic: self.photonic,
            kind: WeightKind::Real,
            is_transposed: false,
        };
        let (windows, numbers) = (geometry.windows(), geometry.numbers());
        Ok(Box::new(Conv {
            linear,
            groups: self.groups,
            kernel_shape: shape,
            windows,
            features: input.iter().product(),
            numbers,
        }))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        let geometry = self.geometry(input)?;
        let divides = |channels: usize| channels.checked_rem(self.groups) == Some(0);
        if !divides(input[0]) || !divides(self.outputs) {
            let expected = format!("a divisor of the {} input channels and the {} outputs", input[0], self.outputs);
            return Err(InvalidValue::new("groups", self.groups, expected));
        }
        Ok(geometry.output_shape(self.outputs))
    }

    fn weight(&self, input: &[usize]) -> Option<(&str, [usize; 2])> {
        let taps = self.geometry(input).map_or(0, |geometry| geometry.taps());
        Some((&self.weight, [self.outputs, taps.saturating_mul(input.first().copied().unwrap_or(0))]))
    }

    fn tensors(&self, input: &[usize]) -> Vec<NamedTensor<'_>> {
        let Ok(geometry) = self.geometry(input) else { return Vec::new() };
        let inputs = input[0] / self.groups * geometry.taps();
        let shape = self.kernel_shape(input, &geometry);
        let weight = NamedTensor { name: &self.weight, shape, start: Start::Random { inputs }, is_trained: true };
        let bias = self.bias.as_ref().map(|name| NamedTensor::constant(name, vec![self.outputs], 0.0));
        std::iter::once(weight).chain(bias).collect()
    }
}

/// The kernels of all groups on the diagonal of a matrix, from their values in the order of the file.
fn block_diagonal(values: &[f64], groups: usize, [rows, columns]: [usize; 2]) -> DMatrix<f64> {
    let (group_rows, group_columns) = (rows / groups, columns / groups);
    let mut weight = DMatrix::zeros(rows, columns);
    for (row, values) in values.chunks_exact(group_columns).enumerate() {
        let start = row / group_rows * group_columns;
        for (column, &value) in values.iter().enumerate() {
            weight[(row, start + column)] = value;
        }
    }
    weight
}

/// A convolution on samples of one shape.
#[derive(Clone, Debug)]
struct Conv {
    /// W with the groups on its diagonal, and the bias of each output channel.
    linear: Linear,
    groups: usize,
    kernel_shape: Vec<usize>,
    windows: Windows,
    /// Number of values of a sample.
    features: usize,
    numbers: Vec<f64>,
}

impl Conv {
    /// Whether an entry of W is in the block of a group.
    fn is_in_group(&self, row: usize, column: usize) -> bool {
        let (rows, columns) = self.linear.weight.shape();
        row / (rows / self.groups) == column / (columns / self.groups)
    }

    /// The output with products of vectors from `multiply`, which sees the first of their samples.
    fn compute(&self, input: &Batch, multiply: &mut dyn FnMut(usize, &Batch) -> Batch) -> Batch {
        assert_eq!(input.nrows(), self.features, "inputs need the features of the layer");
        let (outputs, positions, samples) = (self.linear.weight.nrows(), self.windows.positions(), input.ncols());
        let together = (COLUMN_BYTES / (8 * self.windows.size() * positions)).max(1);
        let mut output = Batch::zeros(outputs * positions, samples);
        for first in (0..samples).step_by(together) {
            let count = together.min(samples - first);
            let columns = self.windows.columns(&input.columns(first, count).into_owned());
            let mut product = multiply(first, &columns);
            self.linear.add_bias(&mut product);
            let of_samples = product.as_slice().chunks_exact(outputs * positions);
            for (product, mut y) in of_samples.zip(output.columns_mut(first, count).column_iter_mut()) {
                transpose(product, outputs, y.as_mut_slice());
            }
        }
        output
    }

    /// The gradients from those by the product (outputs × vectors), by its inputs and by the weight.
    fn gradients(&self, by_output: &Batch, by_columns: Option<Batch>, mut by_weight: Vec<f64>) -> Gradients {
        let rows = self.linear.weight.nrows();
        for (k, slope) in by_weight.iter_mut().enumerate() {
            // The zeros between groups are no parameters.
            if !self.is_in_group(k % rows, k / rows) {
                *slope = 0.0;
            }
        }
        let mut parameters = vec![by_weight];
        if self.linear.bias.is_some() {
            parameters.push(by_output.column_sum().data.into());
        }
        let by_input = by_columns.map(|by_columns| self.scattered(&by_columns));
        Gradients { input: by_input, parameters }
    }

    /// (outputs · positions) × samples from outputs × (samples · positions).
    fn as_samples(&self, columns: &Batch) -> Batch {
        let (outputs, positions) = (columns.nrows(), self.windows.positions());
        let mut samples = Batch::zeros(outputs * positions, columns.ncols() / positions);
        let of_samples = samples.as_mut_slice().chunks_exact_mut(outputs * positions);
        for (columns, y) in columns.as_slice().chunks_exact(outputs * positions).zip(of_samples) {
            transpose(columns, outputs, y);
        }
        samples
    }

    /// Outputs × (samples · positions) from (outputs · positions) × samples.
    fn as_columns(&self, y: &Batch) -> Batch {
        let (outputs, positions) = (self.linear.weight.nrows(), self.windows.positions());
        let mut columns = Batch::zeros(outputs, positions * y.ncols());
        let of_samples = columns.as_mut_slice().chunks_exact_mut(outputs * positions);
        for (y, columns) in y.as_slice().chunks_exact(outputs * positions).zip(of_samples) {
            transpose(y, positions, columns);
        }
        columns
    }

    /// Gradient with respect to the input, from that with respect to the products of all vectors.
    fn by_input(&self, by_output: &Batch, weight: &DMatrix<f64>) -> Batch {
        self.scattered(&multiply(&weight.transpose(), by_output))
    }

    /// Values of columns (window × (samples · positions)) added at the inputs of their windows.
    fn scattered(&self, by_columns: &Batch) -> Batch {
        let vectors = self.windows.size() * self.windows.positions();
        let mut by_input = Batch::zeros(self.features, by_columns.len() / vectors);
        for (columns, mut sample) in by_columns.as_slice().chunks_exact(vectors).zip(by_input.column_iter_mut()) {
            self.windows.scatter(columns, sample.as_mut_slice());
        }
        by_input
    }
}

/// The transpose of a matrix of columns of length `rows`.
fn transpose(values: &[f64], rows: usize, to: &mut [f64]) {
    let columns = values.len() / rows;
    for (c, column) in values.chunks_exact(rows).enumerate() {
        for (r, &value) in column.iter().enumerate() {
            to[r * columns + c] = value;
        }
    }
}

impl Layer for Conv {
    fn forward(&self, input: &Batch) -> Batch {
        self.compute(input, &mut |_, columns| exact_product(&self.linear.weight, columns))
    }

    fn pass(&self, input: &Batch, pass: &mut Pass<'_>) -> Batch {
        if !self.linear.is_photonic {
            return self.forward(input);
        }
        let product = pass.next_product();
        let positions = self.windows.positions();
        self.compute(input, &mut |first_sample, columns| pass.multiply(product, first_sample * positions, columns))
    }

    fn record_with(&mut self, input: &Batch, recorder: &mut Recorder<'_>) -> Trace {
        if !self.linear.is_photonic {
            return self.record(input);
        }
        let columns = self.windows.columns(input);
        let Some((product, mut output)) = recorder.multiply(&columns) else { return self.record(input) };
        self.linear.add_bias(&mut output);
        Trace { product: Some(product), ..Trace::new(self.as_samples(&output)) }
    }

    fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let by_output = self.as_columns(gradient);
        let by_weight = multiply(&by_output, &self.windows.columns(input).transpose());
        let by_columns = needs_input.then(|| multiply(&self.linear.weight.transpose(), &by_output));
        self.gradients(&by_output, by_columns, by_weight.data.into())
    }

    fn backward_with(
        &self,
        input: &Batch,
        trace: &Trace,
        gradient: &Batch,
        needs_input: bool,
        products: &mut dyn Products,
    ) -> Gradients {
        let Some(product) = trace.product else { return self.backward(input, trace, gradient, needs_input) };
        let by_output = self.as_columns(gradient);
        let (by_columns, by_weight) = products.backward(product, &by_output, needs_input);
        self.gradients(&by_output, by_columns, by_weight)
    }

    fn input_gradient(&self, _input: &Batch, _trace: &Trace, gradient: &Batch, weight: Option<&DMatrix<f64>>) -> Batch {
        self.by_input(&self.as_columns(gradient), weight.unwrap_or(&self.linear.weight))
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.linear.parameters()
    }

    fn tensors(&self) -> Vec<Tensor> {
        let (rows, columns) = self.linear.weight.shape();
        let entries = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let values = entries.filter(|&(row, column)| self.is_in_group(row, column)).map(|at| self.linear.weight[at]);
        let kernel = Tensor::new(self.kernel_shape.clone(), values.collect());
        let bias = self.linear.bias.as_ref().map(|bias| Tensor::new(vec![bias.len()], bias.clone()));
        std::iter::once(kernel).chain(bias).collect()
    }

    /// A calibration counts the products that run on meshes, so that an electronic one makes another network.
    fn numbers(&self) -> Vec<f64> {
        let electronic = (!self.linear.is_photonic).then_some(1.0);
        self.numbers.iter().copied().chain(electronic).collect()
    }

    fn linear(&self) -> Option<&Linear> {
        Some(&self.linear)
    }

    fn linear_mut(&mut self) -> Option<&mut Linear> {
        Some(&mut self.linear)
    }

    fn vectors(&self) -> usize {
        self.windows.positions()
    }

    fn macs(&self) -> f64 {
        (self.linear.weight.len() / self.groups) as f64 * self.windows.positions() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    /// The definition of a convolution with groups, position by position and tap by tap. `padding` holds the zeros before.
    struct Slow<'a> {
        input: [usize; 3],
        kernel: [usize; 4],
        groups: usize,
        stride: [usize; 2],
        dilation: [usize; 2],
        before: [usize; 2],
        output: [usize; 2],
        weight: &'a [f64],
        bias: &'a [f64],
    }

    impl Slow<'_> {
        fn sample(&self, x: &[f64]) -> Vec<f64> {
            let ([_, height, width], [outputs, channels, kh, kw]) = (self.input, self.kernel);
            let mut y = Vec::new();
            for o in 0..outputs {
                for i in 0..self.output[0] {
                    for j in 0..self.output[1] {
                        let mut sum = self.bias[o];
                        for c in 0..channels {
                            for a in 0..kh {
                                for b in 0..kw {
                                    let row =
                                        (i * self.stride[0] + a * self.dilation[0]) as i64 - self.before[0] as i64;
                                    let column =
                                        (j * self.stride[1] + b * self.dilation[1]) as i64 - self.before[1] as i64;
                                    if (0..height as i64).contains(&row) && (0..width as i64).contains(&column) {
                                        let channel = o / (outputs / self.groups) * channels + c;
                                        let at = (channel * height + row as usize) * width + column as usize;
                                        sum += self.weight[((o * channels + c) * kh + a) * kw + b] * x[at];
                                    }
                                }
                            }
                        }
                        y.push(sum);
                    }
                }
            }
            y
        }
    }

    /// Sums of at most a hundred products near 1: rounding of 1e-14.
    #[test]
    fn a_convolution_is_that_of_its_definition() {
        for (toml, input, outputs, groups, kernel, stride, dilation, before, output) in [
            ("kernel = 3", [2, 6, 5], 3, 1, [3, 3], [1, 1], [1, 1], [0, 0], [4, 3]),
            ("kernel = [3, 2]\nstride = [2, 1]\npadding = 1", [2, 6, 5], 4, 2, [3, 2], [2, 1], [1, 1], [1, 1], [3, 6]),
            ("kernel = 3\ndilation = 2\npadding = 'same'", [4, 6, 5], 4, 4, [3, 3], [1, 1], [2, 2], [2, 2], [6, 5]),
            ("kernel = 2\npadding = [[0, 1], [2, 0]]", [1, 4, 4], 2, 1, [2, 2], [1, 1], [1, 1], [0, 2], [4, 5]),
            ("kernel = 4\nstride = 3\npadding = 'same'", [1, 7, 8], 2, 1, [4, 4], [3, 3], [1, 1], [1, 1], [3, 3]),
        ] {
            let shape = [outputs, input[0] / groups, kernel[0], kernel[1]];
            let weight = varied(shape.iter().product(), 1);
            let bias = varied(outputs, 2);
            let toml =
                format!("kind = 'conv2d'\noutputs = {outputs}\ngroups = {groups}\nweight = 'w'\nbias = 'b'\n{toml}");
            let tensors: [(&str, &[usize], &[f64]); 2] = [("w", &shape, &weight), ("b", &[outputs], &bias)];
            let mut layer = layer_for_test(&toml, &input, &tensors).unwrap();
            let features = input.iter().product();
            let x = Batch::from_vec(features, 3, varied(3 * features, 3));
            let y = layer.forward(&x);
            let slow =
                Slow { input, kernel: shape, groups, stride, dilation, before, output, weight: &weight, bias: &bias };
            for (sample, y) in x.column_iter().zip(y.column_iter()) {
                let expected = slow.sample(sample.as_slice());
                assert_eq!(y.len(), expected.len(), "{toml}");
                assert!(y.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-13), "{toml}");
            }
            assert_eq!(layer.vectors(), output[0] * output[1]);
            assert!((layer.macs() - (weight.len() * output[0] * output[1]) as f64).abs() < 0.5);
            assert_eq!(layer.tensors()[0].values(), weight, "{toml}");
            check_gradients(layer.as_mut(), &x);
        }
    }

    #[test]
    fn a_convolution_along_one_axis_is_that_of_an_image_of_one_row() {
        let weight = varied(2 * 3 * 4, 1);
        let one = "kind = 'conv1d'\noutputs = 2\nkernel = 4\nstride = 2\npadding = [[1, 2]]\nweight = 'w'";
        let two =
            "kind = 'conv2d'\noutputs = 2\nkernel = [1, 4]\nstride = [1, 2]\npadding = [[0, 0], [1, 2]]\nweight = 'w'";
        let mut layer = layer_for_test(one, &[3, 9], &[("w", &[2, 3, 4], &weight)]).unwrap();
        let x = Batch::from_vec(27, 2, varied(54, 2));
        let image = layer_for_test(two, &[3, 1, 9], &[("w", &[2, 3, 1, 4], &weight)]).unwrap();
        assert_eq!(layer.forward(&x), image.forward(&x));
        check_gradients(layer.as_mut(), &x);
    }

    #[test]
    fn impossible_convolutions_are_refused_by_their_keys() {
        for (toml, input, part) in [
            ("kernel = 3\ngroups = 2", vec![3, 5, 5], ".groups`"),
            ("kernel = 3\ngroups = 0", vec![3, 5, 5], ".groups`"),
            ("kernel = 6", vec![3, 5, 5], ".kernel`"),
            ("kernel = 3", vec![75], "input.shape"),
        ] {
            let toml = format!("kind = 'conv2d'\noutputs = 4\nweight = 'w'\n{toml}");
            let error = layer_for_test(&toml, &input, &[]).unwrap_err().to_string();
            assert!(error.contains(part), "{error} | {part}");
        }
    }
}
