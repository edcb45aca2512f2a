//! The start of training: random initial weights, and mean and standard deviation of the inputs.
//!
//! Weights are normal with variance `2/inputs` before a rectifier (He et al. 2015), `2/(1 + slope²)/inputs` before a leaky
//! one, and `1/inputs` elsewhere; the inputs of a convolution are the values under its kernel. Biases are zero.

use phaseloom_numerics::{StreamKey, haar_unitary, standard_normal};

use crate::data::Inputs;
use crate::error::Result;
use crate::layer::place::PlacedLayer;
use crate::layer::{LayerSpec, NamedTensor, Start};
use crate::train::CHUNK;
use crate::weights::{Tensor, Tensors};

/// Adds the initial values of all tensors of layers.
pub(super) fn insert_weights(layers: &[PlacedLayer<'_>], seed: u64, tensors: &mut Tensors) {
    for (index, layer) in layers.iter().enumerate() {
        let gain = match layer.next {
            Some(LayerSpec::Relu(_) | LayerSpec::Relu6(_)) => 2.0,
            Some(LayerSpec::LeakyRelu(leaky)) => 2.0 / (1.0 + leaky.slope * leaky.slope),
            _ => 1.0_f64,
        };
        for NamedTensor { name, shape, start, .. } in layer.spec.tensors(&layer.input) {
            let count = shape.iter().product();
            let values = match start {
                Start::Random { inputs } => {
                    let deviation = (gain / inputs as f64).sqrt();
                    let mut stream = StreamKey::new(seed, "train/initial_weights").layer(index as u64).stream();
                    (0..count).map(|_| deviation * standard_normal(&mut stream)).collect()
                }
                Start::Unitary => {
                    let mut stream = StreamKey::new(seed, "train/initial_weights").layer(index as u64).stream();
                    let unitary = haar_unitary(shape[1], &mut stream).transpose();
                    unitary.iter().map(|z| z.re).chain(unitary.iter().map(|z| z.im)).collect()
                }
                Start::Constant(value) => vec![value; count],
            };
            tensors.insert(name, Tensor::new(shape, values));
        }
    }
}

/// Replaces initial values by those of a file. Returns the names of the tensors that the file lacks.
///
/// # Errors
///
/// If a tensor has another shape or is not finite, or the file holds none of the tensors.
pub(super) fn insert_initial<'a>(
    layers: &[PlacedLayer<'a>],
    file: &Tensors,
    tensors: &mut Tensors,
) -> Result<Vec<&'a str>> {
    let mut absent = Vec::new();
    let all: Vec<_> =
        layers.iter().flat_map(|layer| layer.spec.tensors(&layer.input).into_iter().map(move |t| (layer, t))).collect();
    let is_held = |name: &str| file.all_names().any(|known| known == name);
    let has_none = !all.iter().any(|(_, tensor)| is_held(tensor.name));
    for (layer, NamedTensor { name, shape, .. }) in all {
        let user = format!("{} ({})", layer.key, layer.spec.kind());
        if is_held(name) || has_none {
            let values = file.expect(&user, name, &shape)?.to_vec();
            tensors.insert(name, Tensor::new(shape, values));
        } else {
            absent.push(name);
        }
    }
    Ok(absent)
}

/// Mean and population standard deviation of each feature of `raw·scale`.
///
/// The standard deviation of a constant feature is set to 1, so that the normalisation can divide by it.
pub(super) fn mean_and_std(raw: &Inputs, scale: f64) -> (Vec<f64>, Vec<f64>) {
    let (features, samples) = (raw.features(), raw.samples() as f64);
    let batches = || raw.batches(CHUNK).map(|(_, batch)| batch);
    let mut mean = vec![0.0; features];
    for batch in batches() {
        for column in batch.column_iter() {
            mean.iter_mut().zip(column.iter()).for_each(|(m, x)| *m += x * scale);
        }
    }
    mean.iter_mut().for_each(|m| *m /= samples);
    let mut std = vec![0.0; features];
    for batch in batches() {
        for column in batch.column_iter() {
            for ((s, x), m) in std.iter_mut().zip(column.iter()).zip(&mean) {
                *s += (x * scale - m) * (x * scale - m);
            }
        }
    }
    for (s, m) in std.iter_mut().zip(&mean) {
        let deviation = (*s / samples).sqrt();
        // Rounding of the mean gives a constant feature a tiny deviation, which counts as zero.
        *s = if deviation > 1e-12 * m.abs() && deviation.is_normal() { deviation } else { 1.0 };
    }
    (mean, std)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Batch;
    use crate::model::ModelSpec;

    #[test]
    fn weights_have_the_variance_of_he() {
        let toml = "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.npz'\n[input]\nsize = 200
            [[layer]]\nkind = 'dense'\noutputs = 100\nweight = 'a'\nbias = 'ab'\n[[layer]]\nkind = 'relu'
            [[layer]]\nkind = 'photonic'\noutputs = 50\nweight = 'b'\ntranspose = true\n";
        let spec: ModelSpec = toml::from_str(toml).unwrap();
        let mut tensors = Tensors::new();
        insert_weights(&spec.place().unwrap().0, 5, &mut tensors);
        let variance = |name: &str| {
            let values = tensors.get(name).unwrap().values();
            values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64
        };
        // Relative standard errors √(2/n): 1.0 % of 20000 and 2.0 % of 5000 values; tolerance three of them.
        assert!((variance("a") / (2.0 / 200.0) - 1.0).abs() < 0.03);
        assert!((variance("b") / (1.0 / 100.0) - 1.0).abs() < 0.06);
        assert_eq!(tensors.get("b").unwrap().shape(), [100, 50]);
        assert!(tensors.get("ab").unwrap().values().iter().all(|b| b.abs() < 1e-300));
    }

    #[test]
    fn constant_features_get_the_deviation_one() {
        let raw = Batch::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 0.1, 0.1, 0.1]);
        let (mean, std) = mean_and_std(&raw.into(), 2.0);
        assert!((mean[0] - 4.0).abs() < 1e-15 && (std[0] - (8.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((mean[1] - 0.2).abs() < 1e-15 && (std[1] - 1.0).abs() < 1e-15);
    }
}
