//! The inputs of the photonic products of a model, and the derivative of every output with respect to theirs.

use super::Model;
use crate::data::Batch;
use crate::layer::{Layer, LayerKind, Trace, chain};
use crate::network::{Call, Network, exact_product};

/// One photonic product in the exact network.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductSlopes {
    /// Vectors of each sample, such as the positions of a convolution.
    pub vectors: usize,
    /// Inputs: columns of the matrix × (samples · vectors), sample by sample.
    pub inputs: Batch,
    /// For each output of the network its derivative with respect to the product: rows of the matrix × (samples · vectors).
    pub slopes: Vec<Batch>,
}

impl Model {
    /// [`Network::product_slopes`].
    pub(super) fn slopes(&self, input: &Batch) -> Option<(Batch, Vec<ProductSlopes>)> {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the model");
        let ends_with_softmax = self.spec.layer.last().is_some_and(|last| last.kind() == LayerKind::Softmax);
        let layers = &self.layers[..self.layers.len() - usize::from(ends_with_softmax)];
        let is_complex = |layer: &dyn Layer| layer.linear().is_some_and(|linear| linear.kind.is_complex());
        if layers.iter().any(|layer| !layer.parts().is_empty() || is_complex(&**layer)) {
            return None;
        }
        // The inputs of each product, as the pass on hardware sees them.
        let mut inputs: Vec<Vec<f64>> = vec![Vec::new(); self.photonic_layers().len()];
        let weights: Vec<_> = self.photonic_layers().iter().map(|layer| layer.weight.clone()).collect();
        let mut multiply = |call: Call, x: &Batch| {
            inputs[call.product].extend_from_slice(x.as_slice());
            exact_product(&weights[call.product], x)
        };
        self.pass(input, &mut multiply, &mut |_, _| {}).ok()?;
        let mut traces: Vec<Trace> = Vec::new();
        for layer in layers {
            let output = layer.forward(chain::output(&traces, input));
            traces.push(Trace::new(output));
        }
        let logits = chain::output(&traces, input).clone();
        let mut products = Vec::new();
        for (index, layer) in layers.iter().enumerate().filter(|(_, layer)| layer.photonic().is_some()) {
            let vectors = layer.vectors();
            let after = &traces[index].output;
            let slope = |output: usize| {
                let gradient =
                    Batch::from_fn(logits.nrows(), logits.ncols(), |row, _| f64::from(u8::from(row == output)));
                let of_layer = match index + 1 == layers.len() {
                    true => Some(gradient),
                    false => chain::backward(&layers[index + 1..], after, &traces[index + 1..], gradient, true).input,
                };
                of_layer.map(|gradient| by_vector(&gradient, vectors))
            };
            let slopes = (0..logits.nrows()).map(slope).collect::<Option<Vec<Batch>>>()?;
            let values = std::mem::take(&mut inputs[products.len()]);
            let columns = weights[products.len()].ncols();
            products.push(ProductSlopes {
                vectors,
                inputs: Batch::from_vec(columns, values.len() / columns, values),
                slopes,
            });
        }
        Some((logits, products))
    }
}

/// Rows × (samples · vectors) from (rows · vectors) × samples, the order of a layer with several vectors a sample.
fn by_vector(values: &Batch, vectors: usize) -> Batch {
    let rows = values.nrows() / vectors;
    Batch::from_fn(rows, vectors * values.ncols(), |row, column| {
        values[(row * vectors + column % vectors, column / vectors)]
    })
}
