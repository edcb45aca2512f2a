//! The key `activation`: another activation between the layers of a model, to compare activations without other model files.

use crate::input::config::Config;
use phaseloom_files::{InputFiles, InvalidValue, canonical, nearest};
use phaseloom_network::layer::{LAYER_ALIASES, LAYERS, LayerSpec};
use phaseloom_network::{Model, NetworkError, Tensors};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use std::path::Path;

/// The key of a layer from its key or alias; another name is refused by a check.
pub(crate) fn layer_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(from)?;
    let keys = || LAYERS.iter().map(|(key, _)| *key);
    Ok(name.map(|name| canonical(keys(), LAYER_ALIASES, &name).map_or(name, str::to_owned)))
}

/// The activation of a key, with the defaults of its settings.
fn layer(key: &str) -> Option<LayerSpec> {
    let layer: LayerSpec = serde_json::from_value(json!({ "kind": key })).ok()?;
    layer.is_activation().then_some(layer)
}

impl Config {
    /// Checks that there is such an activation, and a model that takes it.
    pub(crate) fn check_activation(&self) -> Result<(), InvalidValue> {
        let Some(key) = &self.activation else { return Ok(()) };
        if self.is_graph() {
            let expected = "no such key: an ONNX file keeps its own activations";
            return Err(InvalidValue::new("activation", format!("`{key}`"), expected));
        }
        if layer(key).is_some() {
            return Ok(());
        }
        let keys: Vec<&str> = LAYERS.iter().map(|(key, _)| *key).filter(|key| layer(key).is_some()).collect();
        let near = nearest(key, keys.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        let expected = format!("one of {}{}", keys.join(", "), near.unwrap_or_default());
        Err(InvalidValue::new("activation", format!("`{key}`"), expected))
    }
}

/// Reads a model file (TOML), with the activation `key` in the place of all activations before its last linear layer.
pub(crate) fn model_with_activation(path: &Path, key: &str, files: &InputFiles) -> Result<Model, NetworkError> {
    let model = Model::load_from(path, files)?;
    let mut spec = model.spec().clone();
    let last = spec.layer.iter().rposition(has_weight).unwrap_or(0);
    let count = layer(key).map_or(0, |activation| replace(&mut spec.layer[..=last], &activation));
    if count == 0 {
        let expected =
            "an activation before the last linear layer, which `activation` replaces; leave out `activation`";
        let (path, found) = (path.to_owned(), "none".to_owned());
        return Err(NetworkError::Setting { path, key: "layer".into(), found, expected: expected.into() });
    }
    let tensors = Tensors::load_from(&model.weights_path()?, files)?;
    Model::from_tensors(spec, path.parent().unwrap_or(Path::new("")), &tensors)
}

/// Whether a layer is linear, or one inside it is.
fn has_weight(layer: &LayerSpec) -> bool {
    layer.weight().is_some() || layer.parts().iter().any(|(_, layers)| layers.iter().any(has_weight))
}

/// Puts an activation in the place of all activations, also of those inside other layers. Returns their number.
fn replace(layers: &mut [LayerSpec], activation: &LayerSpec) -> usize {
    let mut count = 0;
    for layer in layers {
        if layer.is_activation() {
            *layer = activation.clone();
            count += 1;
        }
        count += layer.parts_mut().into_iter().map(|layers| replace(layers, activation)).sum::<usize>();
    }
    count
}
