//! Layers that a model file writes once and that follow each other several times.

use std::path::Path;

use phaseloom_files::{InvalidValue, list_of_tables};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Layer, LayerSettings, LayerSpec};
use crate::error::{NetworkError, Result};
use crate::weights::Tensors;

/// What the number of a repetition replaces in names.
const NUMBER: &str = "{n}";

/// Maximum number of repetitions.
const MAX_TIMES: usize = 1000;

/// Layers one after another, several times. Reading a model file replaces this layer by its repetitions, so that a model has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RepeatSettings {
    /// How many times the layers follow each other. Range: 1…1000.
    pub times: usize,
    /// The layers: tables `[[layer.layer]]`. In their names, `{n}` becomes the number of the repetition, from 1.
    #[serde(deserialize_with = "layer_list")]
    pub layer: Vec<LayerSpec>,
}

impl RepeatSettings {
    /// The repetitions, or what is wrong.
    fn layers(&self) -> Result<Vec<LayerSpec>, String> {
        if !(1..=MAX_TIMES).contains(&self.times) {
            return Err(format!("`times` of a `repeat`: found {}, expected 1 to {MAX_TIMES}", self.times));
        }
        let text = |error: serde_json::Error| error.to_string();
        let tree = serde_json::to_value(&self.layer).map_err(text)?;
        let copies: Result<Vec<Vec<LayerSpec>>, String> = (1..=self.times)
            .map(|number| {
                let mut copy = tree.clone();
                number_names(&mut copy, &number.to_string());
                serde_json::from_value(copy).map_err(text)
            })
            .collect();
        Ok(copies?.concat())
    }
}

/// Replaces `{n}` in all texts of a tree.
fn number_names(tree: &mut Value, number: &str) {
    match tree {
        Value::String(text) => *text = text.replace(NUMBER, number),
        Value::Array(list) => list.iter_mut().for_each(|part| number_names(part, number)),
        Value::Object(table) => table.values_mut().for_each(|part| number_names(part, number)),
        _ => {}
    }
}

/// Reads a list of layers, with the repetitions in the place of each `repeat`.
pub(crate) fn layer_list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<LayerSpec>, D::Error> {
    let mut layers = Vec::new();
    for layer in list_of_tables::<LayerSpec, D>(from)? {
        match layer {
            LayerSpec::Repeat(repeat) => layers.extend(repeat.layers().map_err(D::Error::custom)?),
            layer => layers.push(layer),
        }
    }
    Ok(layers)
}

impl LayerSettings for RepeatSettings {
    fn build(&self, user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        // `output_shape` has refused this layer before: reading a file replaces it.
        Err(NetworkError::setting(Path::new(user), "kind", "repeat", "its layers one after another"))
    }

    fn output_shape(&self, _input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        Err(InvalidValue::new("kind", "repeat", "its layers one after another: a model file alone has this short form"))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::ModelSpec;

    const MODEL: &str = "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.npz'\ninput.size = 3\n";

    #[test]
    fn layers_follow_each_other_with_names_of_their_own() {
        let repeat = "[[layer]]\nkind = 'repeat'\ntimes = 2\nlayer = [{ kind = 'photonic', outputs = 3, weight = 'w{n}' }, { kind = 'relu' }]\n";
        let spec: ModelSpec = toml::from_str(&format!("{MODEL}{repeat}[[layer]]\nkind = 'tanh'\n")).unwrap();
        let names: Vec<_> = spec.layer.iter().map(|layer| (layer.kind().key(), layer.weight())).collect();
        let expected =
            [("photonic", Some("w1")), ("relu", None), ("photonic", Some("w2")), ("relu", None), ("tanh", None)];
        assert_eq!(names, expected);
        let error = toml::from_str::<ModelSpec>(&format!("{MODEL}{}", repeat.replace('2', "0"))).unwrap_err();
        assert!(error.to_string().contains("expected 1 to 1000"), "{error}");
    }
}
