//! The network of an experiment: a model file, or an ONNX graph with the settings of the experiment.

use crate::input::activation::model_with_activation;
use crate::input::config::Config;
use crate::input::tree::to_value;
use phaseloom_files::{InputFiles, InvalidValue, kind_of_file};
use phaseloom_network::network::{GraphSettings, refuse_foreign};
use phaseloom_network::{Model, Network, NetworkError};
use std::path::Path;
use std::sync::Arc;

/// Parts of the kinds of files that hold weights without layers.
const WEIGHTS: [&str; 3] = ["safetensors", ".npz", ".npy"];

/// Reads a network: an ONNX graph if the name of its file ends with `.onnx`, else a model file (TOML).
///
/// # Errors
///
/// A file that cannot be read or is damaged, a file of another program, settings of a graph for a model file, and any
/// ONNX file if this program was built without the feature `onnx`.
pub fn open_network(
    path: &Path,
    settings: &GraphSettings,
    files: &InputFiles,
) -> Result<Arc<dyn Network>, NetworkError> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
        return open_graph(path, settings, files);
    }
    refuse_foreign(path, files)?;
    if let Some(found) = kind_of_file(path).filter(|kind| WEIGHTS.iter().any(|part| kind.contains(part))) {
        const REMEDY: &str = "`phaseloom import` makes a model file of weights";
        return Err(NetworkError::weights_alone(path, &found, REMEDY));
    }
    if *settings != GraphSettings::default() {
        const REMEDY: &str = "leave out the shape, the output and the patterns, which belong to an ONNX file";
        return Err(NetworkError::graph(path, "found a model file (TOML) with settings of an ONNX graph", REMEDY));
    }
    Ok(Arc::new(Model::load_from(path, files)?))
}

/// Whether this thread executes the library for ONNX graphs. A panic of that library becomes an error, so a hook for panics
/// must not report it.
#[must_use]
pub fn executes_graph() -> bool {
    #[cfg(feature = "onnx")]
    return phaseloom_onnx::executes_graph();
    #[cfg(not(feature = "onnx"))]
    false
}

#[cfg(feature = "onnx")]
fn open_graph(path: &Path, settings: &GraphSettings, files: &InputFiles) -> Result<Arc<dyn Network>, NetworkError> {
    Ok(Arc::new(phaseloom_onnx::Graph::load_from(path, settings, files)?))
}

#[cfg(not(feature = "onnx"))]
fn open_graph(path: &Path, _: &GraphSettings, _: &InputFiles) -> Result<Arc<dyn Network>, NetworkError> {
    const REMEDY: &str = "install it with its default features, or add the feature `onnx`";
    Err(NetworkError::graph(path, "found an ONNX file, which this build of Phaseloom does not read", REMEDY))
}

impl Config {
    /// The settings of the experiment for an ONNX graph.
    #[must_use]
    pub fn graph_settings(&self) -> GraphSettings {
        GraphSettings {
            input: self.input.clone(),
            output: self.output.clone(),
            photonic: self.photonic.clone(),
            electronic: self.electronic.clone(),
        }
    }

    /// Reads the network of the model file at `path`.
    ///
    /// # Errors
    ///
    /// As [`open_network`]; and a model without an activation that `activation` could replace.
    pub fn open_network(&self, path: &Path, files: &InputFiles) -> Result<Arc<dyn Network>, NetworkError> {
        match &self.activation {
            Some(key) => Ok(Arc::new(model_with_activation(path, key, files)?)),
            None => open_network(path, &self.graph_settings(), files),
        }
    }

    /// A text that is equal for equal networks: the model file, and all settings that change the network.
    pub(crate) fn network_key(&self) -> String {
        format!("{}{}{:?}", to_value(&self.model), to_value(&self.graph_settings()), self.activation)
    }

    /// Whether the model is an ONNX file.
    pub(crate) fn is_graph(&self) -> bool {
        self.model.as_ref().is_some_and(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")))
    }

    /// Checks the keys of an ONNX graph, which other models do not have.
    pub(crate) fn check_graph(&self) -> Result<(), InvalidValue> {
        let settings = self.graph_settings();
        let is_graph = self.is_graph();
        let given = [
            ("input", settings.input.is_some()),
            ("output", settings.output.is_some()),
            ("photonic", settings.photonic.is_some()),
            ("electronic", !settings.electronic.is_empty()),
        ];
        match given.iter().find(|(_, given)| *given && !is_graph) {
            Some((key, _)) => {
                let expected = "no such key: it belongs to an ONNX file, and the model is none";
                Err(InvalidValue::new(*key, "given", expected))
            }
            None => settings.check(),
        }
    }
}

#[cfg(all(test, not(feature = "onnx")))]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_graphs_says_so() {
        let error = open_network(Path::new("net.onnx"), &GraphSettings::default(), &InputFiles::default()).unwrap_err();
        assert!(error.to_string().contains("this build of Phaseloom does not read"), "{error}");
    }
}
