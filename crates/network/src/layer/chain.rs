//! Layers one after another: the forward pass, the pass in training, and the gradients.

use std::borrow::Cow;

use super::{Gradients, Layer};
use crate::data::Batch;
use crate::network::{Call, Multiply, Observe};

/// A forward pass whose photonic products come from the caller, who also sees the output of each layer.
///
/// Products and layers are counted in the order of the model file; a layer comes before those inside it.
pub struct Pass<'a> {
    multiply: &'a mut Multiply<'a>,
    observe: &'a mut Observe<'a>,
    products: usize,
    layers: usize,
}

impl<'a> Pass<'a> {
    /// A pass at its first layer.
    pub fn new(multiply: &'a mut Multiply<'a>, observe: &'a mut Observe<'a>) -> Self {
        Self { multiply, observe, products: 0, layers: 0 }
    }

    /// The number of the next product, which [`Pass::multiply`] computes for a layer.
    pub fn next_product(&mut self) -> usize {
        self.products += 1;
        self.products - 1
    }

    /// `W x` of a product for the vectors of the batch from number `first_vector` on.
    pub fn multiply(&mut self, product: usize, first_vector: usize, x: &Batch) -> Batch {
        (self.multiply)(Call { product, first_vector, step: 0 }, x)
    }

    /// The output of layers one after another.
    pub fn run(&mut self, layers: &[Box<dyn Layer>], input: &Batch) -> Batch {
        let mut x = Cow::Borrowed(input);
        for layer in layers {
            let index = self.layers;
            self.layers += 1;
            let output = layer.pass(&x, self);
            (self.observe)(index, &|| output.clone());
            x = Cow::Owned(output);
        }
        x.into_owned()
    }
}

/// Photonic products in training, on hardware in place of floating point.
pub trait Products {
    /// `W x` of a product for vectors (inputs × vectors), with all that [`Products::backward`] needs. Products are counted in the
    /// order of the model file.
    fn multiply(&mut self, product: usize, x: &Batch) -> Batch;

    /// The gradient of the loss by the inputs of the product, if `needs_input`, from its gradient by the outputs; and that by the
    /// weight, in its order in memory. It is empty if the weight is no parameter.
    fn backward(&mut self, product: usize, gradient: &Batch, needs_input: bool) -> (Option<Batch>, Vec<f64>);
}

/// A pass in training, which counts the products.
pub struct Recorder<'a> {
    /// The products on hardware; `None` computes them in floating point.
    pub products: Option<&'a mut dyn Products>,
    next: usize,
}

impl<'a> Recorder<'a> {
    /// A pass at its first layer.
    pub fn new(products: Option<&'a mut dyn Products>) -> Self {
        Self { products, next: 0 }
    }

    /// The output of the next photonic product and its number, or `None` if it is computed in floating point.
    pub fn multiply(&mut self, x: &Batch) -> Option<(usize, Batch)> {
        let products = self.products.as_mut()?;
        self.next += 1;
        Some((self.next - 1, products.multiply(self.next - 1, x)))
    }
}

/// All that the gradients of a layer need of its forward pass in training.
#[derive(Debug)]
pub struct Trace {
    /// Output: outputs × samples.
    pub output: Batch,
    /// The traces of the layers inside, chain by chain.
    pub parts: Vec<Vec<Trace>>,
    /// Number of the product of the layer, if it was computed on hardware.
    pub product: Option<usize>,
}

impl Trace {
    /// The trace of a layer without layers inside.
    #[must_use]
    pub fn new(output: Batch) -> Self {
        Self { output, parts: Vec::new(), product: None }
    }
}

/// The output of layers in floating point.
pub(crate) fn forward(layers: &[Box<dyn Layer>], input: &Batch) -> Batch {
    let x = layers.iter().fold(Cow::Borrowed(input), |x, layer| Cow::Owned(layer.forward(&x)));
    x.into_owned()
}

/// The pass of layers in training, in floating point: one trace for each.
pub(crate) fn record(layers: &mut [Box<dyn Layer>], input: &Batch) -> Vec<Trace> {
    record_with(layers, input, &mut Recorder::new(None))
}

/// The pass of layers in training: one trace for each.
pub(crate) fn record_with(layers: &mut [Box<dyn Layer>], input: &Batch, recorder: &mut Recorder<'_>) -> Vec<Trace> {
    let mut traces: Vec<Trace> = Vec::with_capacity(layers.len());
    for layer in layers {
        let trace = layer.record_with(traces.last().map_or(input, |trace| &trace.output), recorder);
        traces.push(trace);
    }
    traces
}

/// The output of recorded layers.
pub(crate) fn output<'a>(traces: &'a [Trace], input: &'a Batch) -> &'a Batch {
    traces.last().map_or(input, |trace| &trace.output)
}

/// The gradients of layers recorded in floating point.
pub(crate) fn backward(
    layers: &[Box<dyn Layer>],
    input: &Batch,
    traces: &[Trace],
    gradient: Batch,
    needs_input: bool,
) -> Gradients {
    backward_with(layers, input, traces, gradient, needs_input, None)
}

/// The gradients of recorded layers. `gradient` is that of the loss with respect to their output, `products` are those of the
/// record.
pub(crate) fn backward_with(
    layers: &[Box<dyn Layer>],
    input: &Batch,
    traces: &[Trace],
    gradient: Batch,
    needs_input: bool,
    mut products: Option<&mut dyn Products>,
) -> Gradients {
    let mut gradient = Some(gradient);
    let mut by_layer = Vec::with_capacity(layers.len());
    for (index, (layer, trace)) in layers.iter().zip(traces).enumerate().rev() {
        let Some(of_output) = &gradient else { break };
        let before = output(&traces[..index], input);
        let needs_input = index > 0 || needs_input;
        let gradients = match &mut products {
            Some(products) => layer.backward_with(before, trace, of_output, needs_input, &mut **products),
            None => layer.backward(before, trace, of_output, needs_input),
        };
        by_layer.push(gradients.parameters);
        gradient = gradients.input;
    }
    Gradients { input: gradient.filter(|_| needs_input), parameters: by_layer.into_iter().rev().flatten().collect() }
}

/// All layers in the order of the model file. A layer comes before those inside it.
pub(crate) fn all(layers: &[Box<dyn Layer>]) -> Vec<&dyn Layer> {
    let mut found: Vec<&dyn Layer> = Vec::new();
    for layer in layers {
        found.push(&**layer);
        layer.parts().into_iter().for_each(|part| found.extend(all(part)));
    }
    found
}

/// Folds each batch normalisation into the linear layer right before it.
pub(crate) fn fold(layers: &mut [Box<dyn Layer>]) {
    for layer in layers.iter_mut() {
        layer.parts_mut().into_iter().for_each(fold);
    }
    for index in 1..layers.len() {
        let (before, after) = layers.split_at_mut(index);
        if let Some(linear) = before[index - 1].linear_mut()
            && !linear.kind.is_complex()
            && let Some((scale, shift)) = after[0].take_scale_and_shift()
        {
            linear.scale_and_shift(&scale, &shift);
        }
    }
}
