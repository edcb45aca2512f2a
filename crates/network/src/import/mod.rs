//! A model file from the names and shapes of a weights file: the chain of linear layers, with biases and normalisation.
//!
//! A weights file states neither the order of its layers nor their activations. The order follows from names and shapes;
//! it is an error if they allow more than one. The activation is given by the caller.

mod chain;
mod names;

use std::fmt::Write;
use std::path::Path;

use crate::error::{NetworkError, Result, listed};
use crate::layer::{LAYER_ALIASES, LAYERS};
use crate::weights::{Tensor, Tensors};
use chain::{Candidate, order};
use names::{Role, TensorName};

/// How a file stores the weight of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightLayout {
    /// Outputs × inputs, as PyTorch.
    OutIn,
    /// Inputs × outputs, as Keras.
    InOut,
}

/// Choices of the caller that a weights file does not state.
#[derive(Clone, Debug)]
pub struct ImportSettings {
    /// Key of the activation after each layer but the last.
    pub activation: String,
    /// How weights are stored, or `None` to infer it from names and shapes.
    pub layout: Option<WeightLayout>,
    /// Names of the weights in their order, or empty to infer it.
    pub layers: Vec<String>,
}

/// A layer that was found in a weights file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedLayer {
    /// Name of the weight tensor.
    pub weight: String,
    /// Name of the bias tensor, if there is one.
    pub bias: Option<String>,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
}

/// A chain of layers inferred from a weights file.
#[derive(Clone, Debug)]
pub struct ImportedModel {
    /// The layers, from input to output.
    pub layers: Vec<ImportedLayer>,
    /// How their weights are stored.
    pub layout: WeightLayout,
    /// Names of the tensors with mean and standard deviation of the inputs, if there are such.
    pub normalisation: Option<[String; 2]>,
    /// Key of the activation after each layer but the last.
    pub activation: String,
    /// What was guessed, one sentence each.
    pub guesses: Vec<String>,
    /// Names and shapes in the file that the model does not use.
    pub unused: Vec<String>,
}

impl ImportedModel {
    /// Infers the chain of layers from the names and shapes of the tensors.
    ///
    /// # Errors
    ///
    /// [`NetworkError::Import`] if no chain fits, or more than one does, or if the file holds convolutions or batch
    /// normalisation and `settings` name no layers; the message lists what the file holds. An unknown activation.
    pub fn new(tensors: &Tensors, settings: &ImportSettings) -> Result<Self> {
        let activation = activation_key(&settings.activation, tensors.path())?;
        let found = Found::new(tensors, &settings.layers)?;
        let (layout, layout_guess) = found.layout(settings.layout)?;
        let (ordered, order_guess) = found.ordered(layout, !settings.layers.is_empty())?;
        let layers: Vec<ImportedLayer> = ordered
            .into_iter()
            .map(|candidate| {
                let [outputs, inputs] = candidate.sizes(layout);
                let bias = found.bias(&candidate.name, outputs);
                ImportedLayer { weight: candidate.name.text.clone(), bias, inputs, outputs }
            })
            .collect();
        let normalisation = found.normalisation(layers[0].inputs);
        let used = |name: &str| {
            layers.iter().any(|l| l.weight == name || l.bias.as_deref() == Some(name))
                || normalisation.iter().flatten().any(|n| n == name)
        };
        let unused = tensors.all_names().filter(|name| !used(name)).map(|name| found.described(name)).collect();
        let activation_guess = format!("`{activation}` after each layer but the last: no weights file states it");
        let input_guess = match &normalisation {
            Some([mean, std]) => format!("`{mean}` and `{std}` normalise the inputs"),
            None => "inputs without normalisation: repeat that of the training in [input]".to_owned(),
        };
        let guesses = [order_guess, layout_guess, activation_guess, input_guess].into();
        Ok(Self { layers, layout, normalisation, activation, guesses, unused })
    }

    /// The text of the model file, with the guesses as comments. `weights` is the path as the model file names it.
    #[must_use]
    pub fn toml(&self, name: &str, weights: &str) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut text = String::from("# Made by `phaseloom import` from names and shapes. Guessed, to be checked:\n");
        for guess in &self.guesses {
            let _ = writeln!(text, "# * {}", one_line(guess));
        }
        if !self.unused.is_empty() {
            let _ = writeln!(text, "# Not used: {}", one_line(&listed(&self.unused)));
        }
        let _ = write!(
            text,
            "format = \"phaseloom-model\"\nversion = 1\nname = {}\nweights = {}\n\
             # calibration = \"calibration.json\" # of the converters, by `phaseloom calibrate`\n\n\
             [input] # x = (raw·scale − mean)/std\nsize = {}\n# scale = 1.0 # of the raw values, e.g. 0.00392156862745098 for pixels 0…255\n",
            quoted(name),
            quoted(weights),
            self.layers[0].inputs,
        );
        match &self.normalisation {
            Some([mean, std]) => {
                let _ = write!(text, "mean = {}\nstd = {}\n", quoted(mean), quoted(std));
            }
            None => text += "# mean = 0.0\n# std = 1.0\n",
        }
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                let _ = write!(text, "\n[[layer]]\nkind = \"{}\"\n", self.activation);
            }
            let ImportedLayer { weight, bias, inputs, outputs } = layer;
            let _ = write!(
                text,
                "\n[[layer]] # {inputs} → {outputs}\nkind = \"photonic\" # or \"dense\": electronic\noutputs = {outputs}\nweight = {}\n",
                quoted(weight)
            );
            if let Some(bias) = bias {
                let _ = writeln!(text, "bias = {}", quoted(bias));
            }
            if self.layout == WeightLayout::InOut {
                text += "transpose = true\n";
            }
        }
        text
    }
}

/// The key of an activation, from its name.
fn activation_key(key: &str, path: &Path) -> Result<String> {
    let activations = LAYERS.iter().map(|(key, _)| *key).filter(|key| !["photonic", "dense"].contains(key));
    phaseloom_files::find("activation", activations, |key| *key, LAYER_ALIASES, key)
        .map(str::to_owned)
        .map_err(|invalid| NetworkError::setting(path, invalid.key, invalid.found, invalid.expected))
}

/// The tensors of a file by their roles.
struct Found<'a> {
    tensors: &'a Tensors,
    names: Vec<TensorName>,
    weights: Vec<Candidate>,
}

impl<'a> Found<'a> {
    /// Sorts the tensors by role. If `chosen` is not empty, these are the weights, in this order.
    fn new(tensors: &'a Tensors, chosen: &[String]) -> Result<Self> {
        let mut names: Vec<TensorName> = tensors.names().map(TensorName::new).collect();
        names.sort();
        let mut found = Self { tensors, names, weights: Vec::new() };
        for name in chosen {
            if found.shape(name).len() != 2 {
                return Err(found.problem(
                    &format!("`{name}` is no tensor of two axes"),
                    "name weights as the file does in --layers",
                ));
            }
            found.weights.push(found.candidate(&TensorName::new(name)));
        }
        if chosen.is_empty() {
            let weights =
                found.names.iter().filter(|name| found.shape(&name.text).len() == 2 && name.role != Role::Bias);
            found.weights = weights.map(|name| found.candidate(name)).collect();
        }
        if chosen.is_empty() {
            found.refuse_other_layers()?;
        }
        if found.weights.is_empty() {
            return Err(found.problem("no tensor of two axes, the weight of a layer", "write the model file by hand"));
        }
        Ok(found)
    }

    /// Refuses layers that a model file has no kind for, and without which the network would be another one.
    fn refuse_other_layers(&self) -> Result<()> {
        let first =
            |is: &dyn Fn(&str) -> bool| self.tensors.names().find(|name| is(name)).map(|name| self.described(name));
        if let Some(tensor) = first(&|name| self.shape(name).len() > 2) {
            return Err(self.problem(
                &format!("{tensor} has more than two axes, as the weight of a convolution: export the network to ONNX instead"),
                "name the dense layers with --layers to import these alone, on the features that the convolutions give; \
                 a convolution whose kernel covers its whole input is a dense layer: reshape it to [outputs, inputs]",
            ));
        }
        let statistics = ["running_mean", "running_var", "moving_mean", "moving_variance"];
        let is_statistic = |name: &str| {
            let name = name.strip_suffix(":0").unwrap_or(name);
            statistics.iter().any(|end| name.ends_with(end))
        };
        if let Some(tensor) = first(&is_statistic) {
            return Err(self.problem(
                &format!("{tensor} is a statistic of a batch normalisation, which is no layer here"),
                "fold it into the linear layer before it and export again: W → diag(γ/√(σ² + ε))·W, b → γ·(b − μ)/√(σ² + ε) + β, \
                 in PyTorch `torch.nn.utils.fusion.fuse_linear_bn_eval`; or name the layers with --layers to leave it out",
            ));
        }
        Ok(())
    }

    fn candidate(&self, name: &TensorName) -> Candidate {
        let shape = self.shape(&name.text);
        Candidate { name: name.clone(), shape: [shape[0], shape[1]] }
    }

    fn shape(&self, name: &str) -> &[usize] {
        self.tensors.get(name).map_or(&[], Tensor::shape)
    }

    /// The name with its shape, for messages.
    fn described(&self, name: &str) -> String {
        match self.tensors.get(name) {
            Some(tensor) => format!("{name} {:?}", tensor.shape()),
            None => format!("{name} (no real tensor)"),
        }
    }

    fn problem(&self, problem: &str, remedy: &'static str) -> NetworkError {
        let found: Vec<String> = self.names.iter().map(|name| self.described(&name.text)).collect();
        NetworkError::Import {
            path: self.tensors.path().to_owned(),
            problem: problem.to_owned(),
            found: if found.is_empty() { "nothing".to_owned() } else { listed(&found) },
            remedy,
        }
    }

    /// How the weights are stored: as requested, else as the only layout that fits, else as the names imply.
    fn layout(&self, requested: Option<WeightLayout>) -> Result<(WeightLayout, String)> {
        let described = |layout| match layout {
            WeightLayout::OutIn => "[outputs, inputs], as PyTorch",
            WeightLayout::InOut => "[inputs, outputs], as Keras",
        };
        if let Some(layout) = requested {
            return Ok((layout, format!("weights are {}, as requested", described(layout))));
        }
        let fits = |layout: &WeightLayout| {
            !order(&self.weights, *layout).is_empty()
                && self.weights.iter().all(|w| self.bias_fits(&w.name, w.sizes(*layout)[0]))
        };
        let fitting: Vec<WeightLayout> = [WeightLayout::OutIn, WeightLayout::InOut].into_iter().filter(fits).collect();
        match fitting[..] {
            [layout] => Ok((layout, format!("weights are {}, by their shapes", described(layout)))),
            [] => Err(self.problem(
                "the weights and biases form no chain in which each layer takes the outputs of the one before",
                "name the weights of the chain in their order with --layers, or write the model file by hand",
            )),
            _ => {
                let implied = self.weights[0].name.layout;
                match implied.filter(|_| self.weights.iter().all(|w| w.name.layout == implied)) {
                    Some(layout) => Ok((layout, format!("weights are {}, by their names", described(layout)))),
                    None => Err(self.problem(
                        "names and shapes do not state whether weights are [outputs, inputs] or [inputs, outputs]",
                        "choose with --layout",
                    )),
                }
            }
        }
    }

    /// The weights in the order of the layers.
    fn ordered(&self, layout: WeightLayout, chosen: bool) -> Result<(Vec<Candidate>, String)> {
        let described = |order: &[Candidate]| {
            let names: Vec<&str> = order.iter().map(|w| w.name.text.as_str()).collect();
            names.join(", ")
        };
        if chosen {
            return match self.weights.windows(2).find(|pair| pair[0].sizes(layout)[0] != pair[1].sizes(layout)[1]) {
                None => {
                    Ok((self.weights.clone(), format!("the layers are {}, as requested", described(&self.weights))))
                }
                Some(pair) => Err(self.problem(
                    &format!("`{}` does not take the outputs of `{}`", pair[1].name.text, pair[0].name.text),
                    "correct --layers or --layout",
                )),
            };
        }
        let mut orders = order(&self.weights, layout);
        match orders.len() {
            1 => {
                let order = orders.remove(0);
                let guess = format!("the layers are {}, by numbers in their names and by shapes", described(&order));
                Ok((order, guess))
            }
            0 => Err(self.problem(
                "the weights form no chain in which each layer takes the outputs of the one before",
                "name the weights of the chain in their order with --layers, or write the model file by hand",
            )),
            _ => Err(self.problem(
                &format!("several orders of the weights fit: {}; or {}", described(&orders[0]), described(&orders[1])),
                "name the weights in their order with --layers",
            )),
        }
    }

    /// The bias of a weight: the tensor with the same prefix, or the one right after it if names have no roles.
    fn bias_name(&self, weight: &TensorName) -> Option<&TensorName> {
        let vector = |name: &&TensorName| self.shape(&name.text).len() == 1;
        match weight.role {
            Role::Weight => {
                self.names.iter().filter(vector).find(|n| n.role == Role::Bias && n.prefix == weight.prefix)
            }
            _ => {
                let at = self.names.iter().position(|name| name.text == weight.text)?;
                self.names.get(at + 1).filter(vector).filter(|name| name.role == Role::Unknown)
            }
        }
    }

    fn bias(&self, weight: &TensorName, outputs: usize) -> Option<String> {
        let bias = self.bias_name(weight)?;
        (self.shape(&bias.text) == [outputs]).then(|| bias.text.clone())
    }

    fn bias_fits(&self, weight: &TensorName, outputs: usize) -> bool {
        self.bias_name(weight).is_none_or(|bias| self.shape(&bias.text) == [outputs])
    }

    /// Mean and standard deviation of the inputs: `….mean` and `….std` of the same prefix, one value for each input.
    fn normalisation(&self, inputs: usize) -> Option<[String; 2]> {
        self.tensors.names().filter(|name| self.shape(name) == [inputs]).find_map(|mean| {
            let std = format!("{}std", mean.strip_suffix("mean").filter(|p| p.is_empty() || p.ends_with(['.', '/']))?);
            (self.shape(&std) == [inputs]).then(|| [mean.to_owned(), std])
        })
    }
}

/// Text for a comment: names of tensors may hold line breaks.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
