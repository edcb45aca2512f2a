//! The inputs of the photonic products of a model, and the derivative of every output with respect to each product; the gradient of
//! a loss with respect to the output of every layer.

use super::Model;
use crate::data::Batch;
use crate::error::Result;
use crate::layer::{Layer, LayerKind, Trace, chain};
use crate::network::{Call, Multiply, Network, exact_product};
use crate::photonic_layer::ProductSlopes;
use nalgebra::DMatrix;

impl Model {
    /// [`Network::product_slopes`].
    pub(super) fn slopes(
        &self,
        input: &Batch,
        weights: Option<&[DMatrix<f64>]>,
    ) -> Option<(Batch, Vec<ProductSlopes>)> {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the model");
        let views = self.photonic_layers();
        if views.iter().any(|view| view.kind.is_complex()) {
            return None;
        }
        let weights: Vec<&DMatrix<f64>> = match weights {
            Some(weights) => weights.iter().collect(),
            None => views.iter().map(|view| view.weight).collect(),
        };
        assert_eq!(weights.len(), views.len(), "one matrix for each photonic product");
        // The inputs of each product and the output of each layer, by its number in the order of the model file.
        let mut inputs: Vec<Vec<f64>> = vec![Vec::new(); views.len()];
        let mut multiply = |call: Call, x: &Batch| {
            inputs[call.product].extend_from_slice(x.as_slice());
            exact_product(weights[call.product], x)
        };
        let traces = self.traces(input, &mut multiply).ok()?;
        let products = inputs.into_iter().zip(&views).map(|(values, view)| {
            let columns = view.weight.ncols();
            let inputs = Batch::from_vec(columns, values.len() / columns, values);
            ProductSlopes { vectors: view.vectors, inputs, slopes: Vec::new() }
        });
        let mut products: Vec<ProductSlopes> = products.collect();
        let numbers: Vec<usize> = views.iter().map(|view| view.index).collect();
        let product_of = |number: usize| numbers.iter().position(|of_product| *of_product == number);
        let layers = self.trained_layers();
        let outputs = last_output(layers, &traces, input).clone();
        for output in 0..outputs.nrows() {
            let gradient =
                Batch::from_fn(outputs.nrows(), outputs.ncols(), |row, _| f64::from(u8::from(row == output)));
            let mut visit = |number: usize, gradient: &Batch| {
                if let Some(product) = product_of(number) {
                    products[product].slopes.push(by_vector(gradient, views[product].vectors));
                }
            };
            let weight = |number: usize| product_of(number).map(|product| weights[product]);
            BackwardPass { traces: &traces, weight: &weight, visit: &mut visit }.run(layers, 0, input, gradient);
        }
        Some((outputs, products))
    }

    /// Output of every layer before the loss and the gradient of the loss with respect to it, by the number of the layer in the
    /// order of the model file; `slope` gives the gradient with respect to the outputs of the last one. All in floating point, as
    /// the finished model computes them.
    pub(crate) fn layer_gradients(
        &self,
        input: &Batch,
        slope: &mut dyn FnMut(&Batch) -> Batch,
    ) -> Result<Vec<(usize, Batch, Batch)>> {
        let views = self.photonic_layers();
        let traces = self.traces(input, &mut |call, x| views[call.product].exact(x))?;
        let layers = self.trained_layers();
        let gradient = slope(last_output(layers, &traces, input));
        let mut found = Vec::new();
        let mut visit =
            |number: usize, gradient: &Batch| found.push((number, traces[number].output.clone(), gradient.clone()));
        BackwardPass { traces: &traces, weight: &|_| None, visit: &mut visit }.run(layers, 0, input, gradient);
        found.sort_by_key(|(number, ..)| *number);
        Ok(found)
    }

    /// The outputs of all layers, by their numbers.
    fn traces(&self, input: &Batch, multiply: &mut Multiply<'_>) -> Result<Vec<Trace>> {
        let mut traces: Vec<Option<Trace>> = Vec::new();
        traces.resize_with(self.placed().len(), || None);
        let mut observe = |number: usize, output: &dyn Fn() -> Batch| traces[number] = Some(Trace::new(output()));
        self.pass(input, multiply, &mut observe)?;
        Ok(traces.into_iter().map(|trace| trace.unwrap_or_else(|| Trace::new(Batch::zeros(0, 0)))).collect())
    }

    /// The layers before the loss: all but a softmax at the end.
    fn trained_layers(&self) -> &[Box<dyn Layer>] {
        let ends_with_softmax = self.spec.layer.last().is_some_and(|last| last.kind() == LayerKind::Softmax);
        &self.layers[..self.layers.len() - usize::from(ends_with_softmax)]
    }
}

/// The output of layers one after another.
fn last_output<'a>(layers: &[Box<dyn Layer>], traces: &'a [Trace], input: &'a Batch) -> &'a Batch {
    numbers_of(layers, 0).pop().map_or(input, |number| &traces[number].output)
}

/// The numbers of layers one after another, the first of which has the number `first`. A layer comes before those inside it.
fn numbers_of(layers: &[Box<dyn Layer>], first: usize) -> Vec<usize> {
    let numbers = layers.iter().scan(first, |next, layer| {
        let own = *next;
        *next += chain::all(std::slice::from_ref(layer)).len();
        Some(own)
    });
    numbers.collect()
}

/// A backward pass that shows the gradient with respect to the output of every layer.
struct BackwardPass<'a> {
    /// The outputs of all layers.
    traces: &'a [Trace],
    /// The matrix of a layer by its number, if it is not the own one.
    weight: &'a dyn Fn(usize) -> Option<&'a DMatrix<f64>>,
    /// Called with the number of each layer and the gradient.
    visit: &'a mut dyn FnMut(usize, &Batch),
}

impl BackwardPass<'_> {
    /// The gradient with respect to the input of layers one after another, from that with respect to their output. The first
    /// layer has the number `first`.
    fn run(&mut self, layers: &[Box<dyn Layer>], first: usize, input: &Batch, mut gradient: Batch) -> Batch {
        let numbers = numbers_of(layers, first);
        for (at, (layer, &number)) in layers.iter().zip(&numbers).enumerate().rev() {
            let traces = self.traces;
            let before = if at == 0 { input } else { &traces[numbers[at - 1]].output };
            let parts = layer.parts();
            (self.visit)(number, &gradient);
            gradient = if parts.is_empty() {
                layer.input_gradient(before, &traces[number], &gradient, (self.weight)(number))
            } else {
                // The output is the sum of those of the parts.
                let mut start = number + 1;
                let mut sum = Batch::zeros(before.nrows(), before.ncols());
                for part in parts {
                    sum += self.run(part, start, before, gradient.clone());
                    start += chain::all(part).len();
                }
                sum
            };
        }
        gradient
    }
}

/// Rows × (samples · vectors) from (rows · vectors) × samples, the order of a layer with several vectors a sample.
fn by_vector(values: &Batch, vectors: usize) -> Batch {
    let rows = values.nrows() / vectors;
    Batch::from_fn(rows, vectors * values.ncols(), |row, column| {
        values[(row * vectors + column % vectors, column / vectors)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::varied;
    use crate::weights::{Tensor, Tensors};
    use std::path::Path;

    /// A model of convolutions, pools, normalisations that no linear layer carries, and residual blocks inside each other.
    const TOML: &str = "
format = 'phaseloom-model'
version = 1
name = 'test'
weights = 'w.safetensors'
input = { shape = [2, 4, 4] }
[[layer]]
kind = 'conv2d'
outputs = 3
kernel = 3
padding = 1
weight = 'w1'
bias = 'b1'
[[layer]]
kind = 'tanh'
[[layer]]
kind = 'residual'
[[layer.layer]]
kind = 'batch_norm'
weight = 'gamma'
running_mean = 'mean'
running_var = 'variance'
[[layer.layer]]
kind = 'residual'
[[layer.layer.layer]]
kind = 'conv2d'
outputs = 3
kernel = 1
weight = 'w2'
[[layer.layer]]
kind = 'silu'
[[layer.shortcut]]
kind = 'conv2d'
outputs = 3
kernel = 1
weight = 'w3'
[[layer]]
kind = 'average_pool'
kernel = 2
[[layer]]
kind = 'flatten'
[[layer]]
kind = 'layer_norm'
[[layer]]
kind = 'residual'
[[layer.layer]]
kind = 'photonic'
outputs = 12
weight = 'w4'
[[layer]]
kind = 'dense'
outputs = 4
weight = 'w5'
[[layer]]
kind = 'photonic'
outputs = 3
weight = 'w6'
[[layer]]
kind = 'softmax'
";

    fn model() -> Model {
        let mut tensors = Tensors::new();
        let shapes: [(&str, &[usize]); 9] = [
            ("w1", &[3, 2, 3, 3]),
            ("b1", &[3]),
            ("gamma", &[3]),
            ("mean", &[3]),
            ("w2", &[3, 3, 1, 1]),
            ("w3", &[3, 3, 1, 1]),
            ("w4", &[12, 12]),
            ("w5", &[4, 12]),
            ("w6", &[3, 4]),
        ];
        for (seed, (name, shape)) in shapes.into_iter().enumerate() {
            tensors.insert(name, Tensor::new(shape.to_vec(), varied(shape.iter().product(), seed)));
        }
        tensors.insert("variance", Tensor::new(vec![3], vec![0.5, 1.0, 2.0]));
        Model::from_tensors(toml::from_str(TOML).unwrap(), Path::new(""), &tensors).unwrap()
    }

    /// Every entry of every product, with the own weights and with those of an imperfect chip, against central differences of
    /// the outputs before the softmax. The step 1e-5 leaves an error of about 1e-10; the tolerance is 1e-7.
    #[test]
    fn slopes_through_residual_blocks_are_those_of_finite_differences() {
        let model = model();
        let views = model.photonic_layers();
        let own: Vec<DMatrix<f64>> = views.iter().map(|view| view.weight.clone()).collect();
        let realised: Vec<DMatrix<f64>> =
            own.iter().map(|w| w.map(|x| 1.1 * x) + DMatrix::from_element(w.nrows(), w.ncols(), 0.02)).collect();
        let input = Batch::from_vec(32, 2, varied(64, 11));
        for weights in [&own, &realised] {
            let given = (!std::ptr::eq(weights, &own)).then_some(&weights[..]);
            let (outputs, products) = model.product_slopes(&input, given).unwrap();
            assert_eq!((products.len(), outputs.shape()), (5, (3, 2)));
            // Logarithms of softmax outputs differ from the outputs before it by one number per sample.
            let changed = |product: usize, at: (usize, usize), step: f64| {
                let mut multiply = |call: Call, x: &Batch| {
                    let mut y = exact_product(&weights[call.product], x);
                    if call.product == product {
                        y[at] += step;
                    }
                    y
                };
                let result = model.pass(&input, &mut multiply, &mut |_, _| {}).unwrap();
                result.map(f64::ln)
            };
            for (index, product) in products.iter().enumerate() {
                assert_eq!(product.vectors, views[index].vectors);
                assert_eq!((product.slopes.len(), product.inputs.nrows()), (3, views[index].weight.ncols()));
                for (row, column) in
                    (0..product.slopes[0].nrows()).flat_map(|r| (0..product.slopes[0].ncols()).map(move |c| (r, c)))
                {
                    let step = 1e-5;
                    let at = (row, column);
                    let by = (changed(index, at, step) - changed(index, at, -step)) / (2.0 * step);
                    let sample = column / product.vectors;
                    for (a, b) in [(0, 1), (1, 2)] {
                        let expected = by[(a, sample)] - by[(b, sample)];
                        let found = product.slopes[a][at] - product.slopes[b][at];
                        assert!((found - expected).abs() < 1e-7, "{index} {at:?}: {found}, {expected}");
                    }
                }
            }
        }
    }

    /// Of fields and of real values: the gradient with respect to the outputs of every layer against central differences of the loss
    /// Σ y·v, with the output of one layer changed. The step 1e-5 leaves an error of about 1e-10; the tolerance is 1e-7.
    #[test]
    fn gradients_of_layers_are_those_of_finite_differences() {
        let toml = "
format = 'phaseloom-model'
version = 1
name = 'test'
weights = 'w.safetensors'
input = { size = 3 }
[[layer]]
kind = 'amplitude_encoding'
[[layer]]
kind = 'repeat'
times = 2
layer = [{ kind = 'complex_photonic', outputs = 3, weight = 'w{n}' }, { kind = 'electro_optic' }, { kind = 'scale', factor = 1.5 }]
[[layer]]
kind = 'intensity'
[[layer]]
kind = 'photonic'
outputs = 2
weight = 'w3'
";
        let mut tensors = Tensors::new();
        for (seed, (name, shape)) in
            [("w1", vec![2, 3, 3]), ("w2", vec![2, 3, 3]), ("w3", vec![2, 3])].into_iter().enumerate()
        {
            tensors.insert(name, Tensor::new(shape.clone(), varied(shape.iter().product(), seed)));
        }
        let model = Model::from_tensors(toml::from_str(toml).unwrap(), Path::new(""), &tensors).unwrap();
        let input = Batch::from_vec(3, 2, varied(6, 7));
        let slope = Batch::from_vec(2, 2, varied(4, 9));
        let found = model.layer_gradients(&input, &mut |_| slope.clone()).unwrap();
        assert_eq!(found.len(), 9);
        for (number, output, gradient) in &found {
            let loss = |output: &Batch| chain::forward(&model.layers[number + 1..], output).dot(&slope);
            for at in 0..output.len() {
                let changed = |step: f64| {
                    let mut output = output.clone();
                    output.as_mut_slice()[at] += step;
                    loss(&output)
                };
                let expected = (changed(1e-5) - changed(-1e-5)) / 2e-5;
                assert!((gradient.as_slice()[at] - expected).abs() < 1e-7, "{number} {at}: {gradient} {expected}");
            }
        }
    }
}
