//! Batch normalisation of each channel: `y = γ·(x − μ)/√(σ² + ε) + β`. Source: Ioffe & Szegedy 2015.
//!
//! In training, μ and σ² are mean and variance of the batch over samples and positions, and running values follow them:
//! `running ← (1 − momentum)·running + momentum·batch`, with the unbiased variance as in PyTorch. Elsewhere the running values
//! are μ and σ². A finished model folds the layer into a linear layer right before it: W → diag(s)·W, b → s·b + t with
//! `s = γ/√(σ² + ε)` and `t = β − s·μ`, so that the photonic product carries it.

use nalgebra::DMatrix;
use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use crate::data::Batch;
use crate::error::{NetworkError, Result};
use crate::layer::{Gradients, Layer, LayerSettings, NamedTensor, Parameter, Trace};
use crate::weights::{Tensor, Tensors};

/// Settings of a batch normalisation, as written in a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchNormSettings {
    /// Name of the tensor of the scale γ of each channel, which is 1 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// Name of the tensor of the shift β of each channel, which is 0 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<String>,
    /// Name of the tensor of the mean of each channel.
    pub running_mean: String,
    /// Name of the tensor of the variance of each channel. Range of its values: ≥ 0.
    pub running_var: String,
    /// Number ε that is added to the variance. Range: > 0.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Share of the statistics of a batch in the running ones, in training. Range: 0…1.
    #[serde(default = "momentum")]
    pub momentum: f64,
}

fn epsilon() -> f64 {
    1e-5
}

fn momentum() -> f64 {
    0.1
}

impl LayerSettings for BatchNormSettings {
    fn build(&self, user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        let shape = [input[0]];
        let values = |name: &str| tensors.expect(user, name, &shape).map(<[f64]>::to_vec);
        let variance = values(&self.running_var)?;
        if let Some(at) = variance.iter().position(|variance| *variance < 0.0) {
            let place = format!("{user}: tensor `{}`, index [{at}]", self.running_var);
            return Err(NetworkError::format(
                tensors.path(),
                "weights",
                place,
                variance[at],
                "a variance of at least 0",
            ));
        }
        Ok(Box::new(BatchNorm {
            weight: self.weight.as_deref().map(values).transpose()?,
            bias: self.bias.as_deref().map(values).transpose()?,
            mean: values(&self.running_mean)?,
            variance,
            epsilon: self.epsilon,
            momentum: self.momentum,
            positions: input[1..].iter().product(),
            is_folded: false,
        }))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(InvalidValue::new("epsilon", self.epsilon, "a finite number above 0"));
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(InvalidValue::new("momentum", self.momentum, "0 to 1"));
        }
        Ok(input.to_vec())
    }

    fn tensors(&self, input: &[usize]) -> Vec<NamedTensor<'_>> {
        let tensor = |name, value| NamedTensor::constant(name, vec![input[0]], value);
        let weight = self.weight.as_ref().map(|name| tensor(name, 1.0));
        let bias = self.bias.as_ref().map(|name| tensor(name, 0.0));
        let statistics = [tensor(&self.running_mean, 0.0), tensor(&self.running_var, 1.0)];
        let statistics = statistics.map(|tensor| NamedTensor { is_trained: false, ..tensor });
        weight.into_iter().chain(bias).chain(statistics).collect()
    }
}

/// A batch normalisation of samples of one shape.
#[derive(Clone, Debug)]
struct BatchNorm {
    weight: Option<Vec<f64>>,
    bias: Option<Vec<f64>>,
    /// Running mean of each channel.
    mean: Vec<f64>,
    /// Running variance of each channel.
    variance: Vec<f64>,
    epsilon: f64,
    momentum: f64,
    /// Values of a channel in one sample.
    positions: usize,
    /// Whether the layer before includes this one.
    is_folded: bool,
}

impl BatchNorm {
    /// `s = γ/√(σ² + ε)` and `t = β − s·μ` of each channel.
    fn scale_and_shift(&self, mean: &[f64], variance: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let of = |values: &Option<Vec<f64>>, channel: usize, default| values.as_ref().map_or(default, |v| v[channel]);
        let scale: Vec<f64> = (0..mean.len())
            .map(|channel| of(&self.weight, channel, 1.0) / (variance[channel] + self.epsilon).sqrt())
            .collect();
        let shift = (0..mean.len()).map(|channel| of(&self.bias, channel, 0.0) - scale[channel] * mean[channel]);
        let shift = shift.collect();
        (scale, shift)
    }

    /// The values of each channel, sample by sample, with the index of the channel.
    fn channels<'a>(&self, batch: &'a Batch) -> impl Iterator<Item = (usize, &'a [f64])> {
        let channels = self.mean.len();
        batch.as_slice().chunks_exact(self.positions).enumerate().map(move |(at, values)| (at % channels, values))
    }

    /// Mean and biased variance of each channel over samples and positions.
    fn statistics(&self, input: &Batch) -> (Vec<f64>, Vec<f64>) {
        let count = (input.ncols() * self.positions) as f64;
        let mut mean = vec![0.0; self.mean.len()];
        self.channels(input).for_each(|(channel, values)| mean[channel] += values.iter().sum::<f64>());
        mean.iter_mut().for_each(|mean| *mean /= count);
        let mut variance = vec![0.0; self.mean.len()];
        for (channel, values) in self.channels(input) {
            variance[channel] += values.iter().map(|x| (x - mean[channel]).powi(2)).sum::<f64>();
        }
        variance.iter_mut().for_each(|variance| *variance /= count);
        (mean, variance)
    }

    /// `scale·x + shift` of each channel.
    fn apply(&self, input: &Batch, (scale, shift): &(Vec<f64>, Vec<f64>)) -> Batch {
        let mut output = input.clone();
        for (at, values) in output.as_mut_slice().chunks_exact_mut(self.positions).enumerate() {
            let channel = at % self.mean.len();
            values.iter_mut().for_each(|x| *x = scale[channel] * *x + shift[channel]);
        }
        output
    }
}

impl Layer for BatchNorm {
    fn forward(&self, input: &Batch) -> Batch {
        if self.is_folded {
            return input.clone();
        }
        self.apply(input, &self.scale_and_shift(&self.mean, &self.variance))
    }

    fn record(&mut self, input: &Batch) -> Trace {
        let (mean, variance) = self.statistics(input);
        let count = (input.ncols() * self.positions) as f64;
        // One value has no unbiased variance; this can be the last batch of an epoch.
        if count > 1.0 {
            let unbiased = count / (count - 1.0);
            for (running, mean) in self.mean.iter_mut().zip(&mean) {
                *running += self.momentum * (mean - *running);
            }
            for (running, variance) in self.variance.iter_mut().zip(&variance) {
                *running += self.momentum * (unbiased * variance - *running);
            }
        }
        Trace::new(self.apply(input, &self.scale_and_shift(&mean, &variance)))
    }

    /// With x̂ = (x − μ)/√(σ² + ε), sums over the n values of a channel, and the gradient g with respect to y:
    /// `∂γ = Σ g x̂`, `∂β = Σ g`, `∂x = s·(g − ∂β/n − x̂·∂γ/n)`.
    fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let (mean, variance) = self.statistics(input);
        let inverse: Vec<f64> = variance.iter().map(|variance| 1.0 / (variance + self.epsilon).sqrt()).collect();
        let channels = self.mean.len();
        let (mut by_weight, mut by_bias) = (vec![0.0; channels], vec![0.0; channels]);
        for ((channel, x), (_, g)) in self.channels(input).zip(self.channels(gradient)) {
            by_bias[channel] += g.iter().sum::<f64>();
            by_weight[channel] += x.iter().zip(g).map(|(x, g)| g * (x - mean[channel]) * inverse[channel]).sum::<f64>();
        }
        let by_input = || {
            let count = (input.ncols() * self.positions) as f64;
            let (scale, _) = self.scale_and_shift(&mean, &variance);
            let mut by_input = gradient.clone();
            let of_channels = by_input.as_mut_slice().chunks_exact_mut(self.positions);
            for ((channel, x), g) in self.channels(input).zip(of_channels) {
                for (x, g) in x.iter().zip(g) {
                    let normalised = (x - mean[channel]) * inverse[channel];
                    *g = scale[channel] * (*g - (by_bias[channel] + normalised * by_weight[channel]) / count);
                }
            }
            by_input
        };
        let input = needs_input.then(by_input);
        let weight = self.weight.is_some().then_some(by_weight);
        let bias = self.bias.is_some().then_some(by_bias);
        Gradients { input, parameters: weight.into_iter().chain(bias).collect() }
    }

    /// At inference, the running values are constants: `∂x = s·g`.
    fn input_gradient(
        &self,
        _input: &Batch,
        _trace: &Trace,
        gradient: &Batch,
        _weight: Option<&DMatrix<f64>>,
    ) -> Batch {
        if self.is_folded {
            return gradient.clone();
        }
        let (scale, shift) = self.scale_and_shift(&self.mean, &self.variance);
        self.apply(gradient, &(scale, vec![0.0; shift.len()]))
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let all = [&mut self.weight, &mut self.bias].into_iter().flatten();
        all.map(|values| Parameter { values, decays: false, is_phase: false }).collect()
    }

    fn tensors(&self) -> Vec<Tensor> {
        let all = [&self.weight, &self.bias].into_iter().flatten().chain([&self.mean, &self.variance]);
        all.map(|values| Tensor::new(vec![values.len()], values.clone())).collect()
    }

    fn numbers(&self) -> Vec<f64> {
        vec![self.epsilon]
    }

    fn is_folded(&self) -> bool {
        self.is_folded
    }

    fn take_scale_and_shift(&mut self) -> Option<(Vec<f64>, Vec<f64>)> {
        self.is_folded = true;
        Some(self.scale_and_shift(&self.mean, &self.variance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    const TOML: &str = "kind = 'batch_norm'\nweight = 'w'\nbias = 'b'\nrunning_mean = 'm'\nrunning_var = 'v'";

    fn layer(toml: &str, input: &[usize]) -> Box<dyn Layer> {
        let shape = [input[0]];
        let (weight, bias, mean) = (varied(input[0], 1), varied(input[0], 2), varied(input[0], 3));
        let variance: Vec<f64> = varied(input[0], 4).iter().map(|v| 1.0 + v * v).collect();
        let tensors: [(&str, &[usize], &[f64]); 4] =
            [("w", &shape, &weight), ("b", &shape, &bias), ("m", &shape, &mean), ("v", &shape, &variance)];
        layer_for_test(toml, input, &tensors).unwrap()
    }

    #[test]
    fn running_values_normalise_at_inference_and_those_of_the_batch_in_training() {
        for input in [vec![2], vec![3, 4], vec![2, 2, 3]] {
            let mut layer = layer(TOML, &input);
            let positions: usize = input[1..].iter().product();
            let x = Batch::from_vec(input[0] * positions, 5, varied(5 * input[0] * positions, 7));
            let [w, b, m, v] = &layer.tensors()[..] else { panic!("four tensors") };
            let by = |at: usize, mean: f64, variance: f64| {
                let channel = at % x.nrows() / positions;
                w.values()[channel] * (x[at] - mean) / (variance + 1e-5).sqrt() + b.values()[channel]
            };
            let y = layer.forward(&x);
            for at in 0..x.len() {
                let channel = at % x.nrows() / positions;
                assert!((y[at] - by(at, m.values()[channel], v.values()[channel])).abs() < 1e-14);
            }
            let (w, b, m, v) = (w.clone(), b.clone(), m.clone(), v.clone());
            let trained = layer.record(&x).output;
            for channel in 0..input[0] {
                let of: Vec<usize> = (0..x.len()).filter(|at| at % x.nrows() / positions == channel).collect();
                let count = of.len() as f64;
                let mean = of.iter().map(|&at| x[at]).sum::<f64>() / count;
                let variance = of.iter().map(|&at| (x[at] - mean).powi(2)).sum::<f64>() / count;
                for &at in &of {
                    let expected =
                        w.values()[channel] * (x[at] - mean) / (variance + 1e-5).sqrt() + b.values()[channel];
                    assert!((trained[at] - expected).abs() < 1e-13);
                }
                let running = layer.tensors();
                let expected = 0.9 * m.values()[channel] + 0.1 * mean;
                assert!((running[2].values()[channel] - expected).abs() < 1e-14);
                let expected = 0.9 * v.values()[channel] + 0.1 * variance * count / (count - 1.0);
                assert!((running[3].values()[channel] - expected).abs() < 1e-14);
            }
            check_gradients(layer.as_mut(), &x);
        }
    }

    #[test]
    fn impossible_settings_are_named() {
        for (from, to, part) in [("w'", "w'\nepsilon = 0", ".epsilon`"), ("w'", "w'\nmomentum = 2", ".momentum`")] {
            let toml = TOML.replacen(from, to, 1);
            let error = layer_for_test(&toml, &[2], &[]).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let tensors: [(&str, &[usize], &[f64]); 2] = [("m", &[1], &[0.0]), ("v", &[1], &[-1.0])];
        let toml = "kind = 'batch_norm'\nrunning_mean = 'm'\nrunning_var = 'v'";
        let error = layer_for_test(toml, &[1], &tensors).unwrap_err().to_string();
        assert!(error.contains("`v`, index [0]") && error.contains("at least 0"), "{error}");
    }
}
