//! A model file from the names and shapes of a weights file: the chain of dense layers and convolutions, with biases, batch
//! normalisations and the normalisation of the input.
//!
//! A weights file states neither the order of its layers nor their activations. The order follows from names and shapes;
//! it is an error if they allow more than one. The activation is given by the caller.

mod batch_norm;
mod chain;
mod names;
mod text;

use std::path::Path;

use crate::error::{NetworkError, Result, listed};
use crate::layer::place::entries;
use crate::layer::{LAYER_ALIASES, LAYERS, LayerKind, LayerSpec};
use crate::weights::{Tensor, Tensors};
pub use batch_norm::ImportedBatchNorm;
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
    /// Lengths of the axes of a sample, channels first. Convolutions need it.
    pub input_shape: Option<Vec<usize>>,
}

/// A layer that was found in a weights file.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedLayer {
    /// Name of the weight tensor.
    pub weight: String,
    /// Name of the bias tensor, if there is one.
    pub bias: Option<String>,
    /// Number of inputs; of a convolution, of input channels.
    pub inputs: usize,
    /// Number of outputs; of a convolution, of output channels.
    pub outputs: usize,
    /// Lengths of the kernel of a convolution. Empty for a dense layer.
    pub kernel: Vec<usize>,
    /// Groups of a convolution; 1 for a dense layer.
    pub groups: usize,
    /// The batch normalisation right after the layer, if there is one.
    pub batch_norm: Option<ImportedBatchNorm>,
}

/// A chain of layers inferred from a weights file.
#[derive(Clone, Debug)]
pub struct ImportedModel {
    /// The layers, from input to output.
    pub layers: Vec<ImportedLayer>,
    /// How their weights are stored.
    pub layout: WeightLayout,
    /// Lengths of the axes of a sample, if there are convolutions.
    pub input_shape: Option<Vec<usize>>,
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
    /// [`NetworkError::Import`] if no chain fits, or more than one does, if a batch normalisation follows no layer for sure, or
    /// if there are convolutions and `settings` give no shape; the message lists what the file holds. An unknown activation.
    pub fn new(tensors: &Tensors, settings: &ImportSettings) -> Result<Self> {
        let activation = activation_key(&settings.activation, tensors.path())?;
        let found = Found::new(tensors, &settings.layers)?;
        let (layout, layout_guess) = found.layout(settings.layout)?;
        let (ordered, order_guess) = found.ordered(layout, !settings.layers.is_empty())?;
        let norms = found.batch_norms(&ordered, layout, !settings.layers.is_empty())?;
        let input_shape = found.input_shape(&ordered[0], settings.input_shape.as_deref())?;
        let mut layers: Vec<ImportedLayer> = Vec::with_capacity(ordered.len());
        for (candidate, batch_norm) in ordered.iter().zip(norms) {
            let [outputs, inputs] = candidate.sizes(layout);
            let bias = found.bias(&candidate.name, outputs);
            let kernel = candidate.kernel().to_vec();
            let channels = match (layers.last(), &input_shape) {
                _ if kernel.is_empty() => inputs,
                (Some(before), _) => before.outputs,
                (None, Some(shape)) => shape[0],
                (None, None) => inputs,
            };
            let (weight, groups) = (candidate.name.text.clone(), channels.checked_div(inputs).unwrap_or(1));
            layers.push(ImportedLayer { weight, bias, inputs: channels, outputs, kernel, groups, batch_norm });
        }
        let features = input_shape.as_ref().map_or(layers[0].inputs, |shape| shape.iter().product());
        let normalisation = found.normalisation(features);
        let used = |name: &str| {
            let is_of = |layer: &ImportedLayer| {
                let norm = layer.batch_norm.iter().flat_map(ImportedBatchNorm::names);
                layer.weight == name || layer.bias.as_deref() == Some(name) || norm.into_iter().any(|used| used == name)
            };
            layers.iter().any(is_of)
                || normalisation.iter().flatten().any(|n| n == name)
                // PyTorch counts the batches of a batch normalisation.
                || name.ends_with("num_batches_tracked")
        };
        let unused = tensors.all_names().filter(|name| !used(name)).map(|name| found.described(name)).collect();
        let activation_guess = format!("`{activation}` after each layer but the last: no weights file states it");
        let input_guess = match &normalisation {
            Some([mean, std]) => format!("`{mean}` and `{std}` normalise the inputs"),
            None => "inputs without normalisation: repeat that of the training in [input]".to_owned(),
        };
        let mut guesses = vec![order_guess, layout_guess, activation_guess, input_guess];
        let norms = layers.iter().filter_map(|layer| {
            let norm = layer.batch_norm.as_ref()?;
            Some(format!("`{}` of `{}`", norm.running_mean, layer.weight))
        });
        let norms: Vec<String> = norms.collect();
        if !norms.is_empty() {
            guesses.push(format!("batch normalisations before the activation: {}", norms.join(", ")));
        }
        guesses.extend(input_shape.as_ref().map(|shape| text::geometry_guess(&layers, shape)));
        Ok(Self { layers, layout, input_shape, normalisation, activation, guesses, unused })
    }
}

/// The key of an activation, from its name.
fn activation_key(key: &str, path: &Path) -> Result<String> {
    let is_activation = |key: &&str| {
        let layer = toml::from_str::<LayerSpec>(&format!("kind = '{key}'"));
        layer.is_ok_and(|layer| layer.is_activation() || layer.kind() == LayerKind::Softmax)
    };
    let activations = LAYERS.iter().map(|(key, _)| *key).filter(is_activation);
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
            if !(2..=4).contains(&found.shape(name).len()) {
                return Err(found.problem(
                    &format!("`{name}` is no tensor of two to four axes"),
                    "name weights as the file does in --layers",
                ));
            }
            found.weights.push(found.candidate(&TensorName::new(name)));
        }
        if chosen.is_empty() {
            let has_axes = |name: &&TensorName| (2..=4).contains(&found.shape(&name.text).len());
            let weights = found.names.iter().filter(has_axes).filter(|name| name.role != Role::Bias);
            found.weights = weights.map(|name| found.candidate(name)).collect();
        }
        if chosen.is_empty() {
            found.refuse_other_layers()?;
        }
        if found.weights.is_empty() {
            let problem = "no tensor of two to four axes, the weight of a layer";
            return Err(found.problem(problem, "write the model file by hand"));
        }
        Ok(found)
    }

    /// Refuses layers that a model file has no kind for, and without which the network would be another one.
    fn refuse_other_layers(&self) -> Result<()> {
        let is_other = |name: &&TensorName| match self.shape(&name.text).len() {
            3 | 4 => name.layout == Some(WeightLayout::InOut),
            axes => axes > 4,
        };
        match self.names.iter().find(is_other) {
            None => Ok(()),
            Some(name) => Err(self.problem(
                &format!("{} is no kernel as PyTorch stores it, [out, in/groups, height, width]", self.described(&name.text)),
                "export the network to ONNX instead, because Keras also has other axes of the data; or name the dense layers \
                 with --layers to import these alone, on the features that the convolutions give",
            )),
        }
    }

    /// The shape of the input, which a network of convolutions needs.
    fn input_shape(&self, first: &Candidate, requested: Option<&[usize]>) -> Result<Option<Vec<usize>>> {
        let axes = first.kernel().len();
        let channels = first.shape[1];
        match requested {
            None if axes == 0 => Ok(None),
            None => Err(self.problem(
                &format!("`{}` is the kernel of a convolution, whose input needs a shape", first.name.text),
                "give the shape of a sample with --input-shape, channels first, e.g. --input-shape 1,28,28",
            )),
            Some(shape) if entries(shape).is_none_or(|count| count == 0) => {
                Err(self.shape_problem(shape, &first.name.text))
            }
            Some(shape) if axes == 0 => {
                let inputs: usize = shape.iter().product();
                let fits = inputs == channels || inputs == first.shape[0];
                if fits { Ok(None) } else { Err(self.shape_problem(shape, &first.name.text)) }
            }
            Some(shape) => {
                let fits = shape.len() == axes + 1 && shape[0].checked_rem(channels) == Some(0);
                if fits { Ok(Some(shape.to_vec())) } else { Err(self.shape_problem(shape, &first.name.text)) }
            }
        }
    }

    fn shape_problem(&self, shape: &[usize], weight: &str) -> NetworkError {
        let problem = format!("the requested shape of the input, {shape:?}, does not fit {}", self.described(weight));
        self.problem(&problem, "correct --input-shape: channels first, then the length, or height and width")
    }

    fn candidate(&self, name: &TensorName) -> Candidate {
        Candidate { name: name.clone(), shape: self.shape(&name.text).to_vec() }
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
        // Kernels are stored as PyTorch does.
        let is_convolution = self.weights.iter().any(|weight| !weight.kernel().is_empty());
        let layouts: &[_] =
            if is_convolution { &[WeightLayout::OutIn] } else { &[WeightLayout::OutIn, WeightLayout::InOut] };
        let fits = |layout: &WeightLayout| {
            !order(&self.weights, *layout).is_empty()
                && self.weights.iter().all(|w| self.bias_fits(&w.name, w.sizes(*layout)[0]))
        };
        let fitting: Vec<WeightLayout> = layouts.iter().copied().filter(fits).collect();
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
            return match self.weights.windows(2).find(|pair| !pair[0].precedes(&pair[1], layout)) {
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
                // Numbers decide where names differ by them alone.
                let numbered = order.iter().any(|a| {
                    order.iter().any(|b| a.name.pattern == b.name.pattern && a.name.numbers != b.name.numbers)
                });
                let by = if numbered { "numbers in their names and by shapes" } else { "shapes" };
                let guess = format!("the layers are {}, by {by}", described(&order));
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

#[cfg(test)]
mod tests;
