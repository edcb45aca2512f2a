//! The memory of training, which is refused before it starts if it would not fit.

use phaseloom_files::require_memory;

use super::CHUNK;
use crate::error::Result;
use crate::layer::place::PlacedLayer;

/// Numbers next to each weight: the weight and its gradient, the two moments of Adam, copies of the weights (among them those of the
/// best epoch), and the four lists of a checkpoint with their bytes.
const PER_WEIGHT: f64 = 16.0;

/// Numbers of an epoch: of the weights, and of the samples that pass the network together.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Numbers {
    weights: f64,
    /// Of one sample in training: inputs as stored and prepared, the outputs of all layers, and two gradients and the vectors
    /// of a convolution in the layer where they are largest.
    trained: f64,
    /// Of one sample whose class is predicted: inputs as stored and prepared, and the input and the output of a layer.
    predicted: f64,
}

impl Numbers {
    fn new(layers: &[PlacedLayer<'_>], inputs: usize) -> Self {
        let inputs = inputs as f64;
        let (mut weights, mut outputs, mut largest, mut vectors) = (0.0, 0.0, inputs, 0.0);
        for layer in layers {
            let shape = layer.spec.output_shape(&layer.input).unwrap_or_default();
            let output = shape.iter().map(|&length| length as f64).product::<f64>();
            outputs += output;
            largest = f64::max(largest, output);
            if let Some([rows, columns]) = layer.spec.matrix(&layer.input) {
                weights += rows as f64 * columns as f64;
                // A vector for each position, its transpose, and its gradient.
                vectors = f64::max(vectors, 3.0 * columns as f64 * output / rows as f64);
            }
        }
        Self {
            weights,
            trained: 2.0 * inputs + outputs + 2.0 * largest + vectors,
            predicted: 2.0 * inputs + 2.0 * largest,
        }
    }

    fn bytes(self, batch: usize) -> f64 {
        let samples = f64::max(batch as f64 * self.trained, CHUNK as f64 * self.predicted);
        8.0 * (PER_WEIGHT * self.weights + samples)
    }
}

/// Refuses training with batches of some samples that does not fit next to the data, which are in memory already.
///
/// # Errors
///
/// As [`require_memory`].
pub(super) fn require(layers: &[PlacedLayer<'_>], inputs: usize, batch: usize) -> Result<()> {
    let numbers = Numbers::new(layers, inputs);
    let work = format!("training {} weights in batches of {batch} samples", numbers.weights);
    Ok(require_memory(numbers.bytes(batch), &work)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelSpec;

    /// Counted by hand: 8×8 inputs, a convolution to 4×6×6 with vectors of 9, and a dense layer of 144 inputs and 10 outputs.
    #[test]
    fn weights_and_activations_are_counted() {
        let toml = "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.safetensors'
            [input]\nshape = [1, 8, 8]
            [[layer]]\nkind = 'conv2d'\noutputs = 4\nkernel = 3\nweight = 'a'
            [[layer]]\nkind = 'flatten'\n[[layer]]\nkind = 'dense'\noutputs = 10\nweight = 'b'";
        let spec: ModelSpec = toml::from_str(toml).unwrap();
        let numbers = Numbers::new(&spec.place().unwrap().0, 64);
        let outputs = 144.0 + 144.0 + 10.0;
        let trained = 2.0 * 64.0 + outputs + 2.0 * 144.0 + 3.0 * 9.0 * 36.0;
        let expected = Numbers { weights: 36.0 + 1440.0, trained, predicted: 2.0 * 64.0 + 2.0 * 144.0 };
        assert_eq!(numbers, expected);
        let bytes = 8.0 * (16.0 * 1476.0 + 10_000.0 * trained);
        assert!((numbers.bytes(10_000) / bytes - 1.0).abs() < 1e-12);
        assert!((numbers.bytes(1) / (8.0 * (16.0 * 1476.0 + 1024.0 * 416.0)) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_batch_beyond_the_memory_is_refused() {
        let toml = "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.safetensors'
            [input]\nsize = 1000000\n[[layer]]\nkind = 'dense'\noutputs = 10\nweight = 'b'";
        let spec: ModelSpec = toml::from_str(toml).unwrap();
        let error = require(&spec.place().unwrap().0, 1_000_000, 100_000_000).unwrap_err().to_string();
        assert!(error.contains("training 10000000 weights in batches of 100000000 samples"), "{error}");
    }
}
