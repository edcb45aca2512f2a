//! The layers of a model file, one after another: the shapes between them, and the layers built for these shapes.

use phaseloom_files::InvalidValue;

use super::{Layer, LayerSpec};
use crate::error::Result;
use crate::weights::Tensors;

/// Maximum number of values of a sample between two layers, and of weights in one layer. More would need over 16 GiB.
pub(crate) const MAX_ENTRIES: usize = 1 << 31;

/// Number of values of a shape, if it is at most [`MAX_ENTRIES`].
pub(crate) fn entries(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |all, &length| all.checked_mul(length)).filter(|&all| all <= MAX_ENTRIES)
}

/// Builds layers one after another for the shape of an input that was checked. `prefix` is the start of their names in
/// messages.
pub(crate) fn build_all(
    layers: &[LayerSpec],
    prefix: &str,
    input: &[usize],
    tensors: &Tensors,
) -> Result<Vec<Box<dyn Layer>>> {
    let mut shape = input.to_vec();
    let mut built = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        built.push(layer.build(&format!("{prefix}layer {index} ({})", layer.kind()), &shape, tensors)?);
        shape = layer.output_shape(&shape).unwrap_or(shape);
    }
    Ok(built)
}

/// A layer of a model file with its place.
#[derive(Clone, Debug)]
pub(crate) struct PlacedLayer<'a> {
    pub spec: &'a LayerSpec,
    /// Its key in the model file.
    pub key: String,
    /// Shape of its input.
    pub input: Vec<usize>,
    /// The layer after it in the same chain.
    pub next: Option<&'a LayerSpec>,
    /// Whether it is inside another layer.
    pub is_inner: bool,
}

/// Adds all layers in the order of the model file, a layer before those inside it, and returns the shape of the output.
/// `list` is the key of the list that holds them.
pub(crate) fn place_all<'a>(
    layers: &'a [LayerSpec],
    list: &str,
    input: &[usize],
    all: &mut Vec<PlacedLayer<'a>>,
) -> Result<Vec<usize>, InvalidValue> {
    let mut shape = input.to_vec();
    for (index, spec) in layers.iter().enumerate() {
        let key = format!("{list}[{index}]");
        let next = layers.get(index + 1);
        all.push(PlacedLayer { spec, key: key.clone(), input: shape.clone(), next, is_inner: list.contains('.') });
        for (part, layers) in spec.parts() {
            place_all(layers, &format!("{key}.{part}"), &shape, all)?;
        }
        if let Some([outputs, inputs]) = spec.matrix(&shape) {
            let fits = outputs > 0 && outputs.checked_mul(inputs).is_some_and(|entries| entries <= MAX_ENTRIES);
            if !fits {
                let found = format!("{outputs} ({inputs} inputs)");
                let expected = format!("at least 1, and at most {MAX_ENTRIES} weights in a layer");
                return Err(InvalidValue::new(format!("{key}.outputs"), found, expected));
            }
        }
        shape = spec.output_shape(&shape).map_err(|invalid| invalid.in_table(&key))?;
        if entries(&shape).is_none() {
            let found = format!("a layer with outputs of the shape {shape:?}");
            return Err(InvalidValue::new(format!("{key}.kind"), found, format!("at most {MAX_ENTRIES} outputs")));
        }
    }
    Ok(shape)
}
