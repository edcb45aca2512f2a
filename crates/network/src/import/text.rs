//! The text of an imported model file.

use std::fmt::Write;

use super::{ImportedLayer, ImportedModel, WeightLayout};
use crate::error::listed;

impl ImportedModel {
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
             [input] # x = (raw·scale − mean)/std\n{}\n# scale = 1.0 # of the raw values, e.g. 0.00392156862745098 for pixels 0…255\n",
            quoted(name),
            quoted(weights),
            match &self.input_shape {
                Some(shape) => format!("shape = {shape:?} # channels first"),
                None => format!("size = {}", self.layers[0].inputs),
            },
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
            let ImportedLayer { weight, bias, inputs, outputs, kernel, groups, batch_norm } = layer;
            if kernel.is_empty() && index > 0 && !self.layers[index - 1].kernel.is_empty() {
                text += "\n[[layer]]\nkind = \"flatten\"\n";
            }
            match &kernel[..] {
                [] => {
                    let _ = write!(
                        text,
                        "\n[[layer]] # {inputs} → {outputs}\nkind = \"photonic\" # or \"dense\": electronic\noutputs = {outputs}\n"
                    );
                }
                kernel => {
                    let axes = kernel.len();
                    let _ = write!(
                        text,
                        "\n[[layer]] # {inputs} → {outputs} channels\nkind = \"conv{axes}d\"\noutputs = {outputs}\n\
                         kernel = {kernel:?}\n# stride = 1\n# padding = 0\n"
                    );
                    if *groups > 1 {
                        let _ = writeln!(text, "groups = {groups}");
                    }
                }
            }
            let _ = writeln!(text, "weight = {}", quoted(weight));
            if let Some(bias) = bias {
                let _ = writeln!(text, "bias = {}", quoted(bias));
            }
            if self.layout == WeightLayout::InOut && kernel.is_empty() {
                text += "transpose = true\n";
            }
            if let Some(norm) = batch_norm {
                text += "\n[[layer]]\nkind = \"batch_norm\"\n";
                for (key, name) in norm.keys() {
                    let _ = writeln!(text, "{key} = {}", quoted(name));
                }
                let _ = writeln!(text, "epsilon = {:?}", norm.epsilon);
            }
        }
        text
    }
}

/// What a weights file does not state about convolutions, and whether the plain ones fit the dense layer after them.
pub(super) fn geometry_guess(layers: &[ImportedLayer], input: &[usize]) -> String {
    let mut guess = "strides of 1, no padding, no pooling, no residual sums: no weights file states them".to_owned();
    let mut lengths = input[1..].to_vec();
    let convolutions = layers.iter().take_while(|layer| !layer.kernel.is_empty());
    let channels = convolutions.clone().last().map_or(0, |layer| layer.outputs);
    for layer in convolutions {
        for (length, kernel) in lengths.iter_mut().zip(&layer.kernel) {
            *length = (*length + 1).saturating_sub(*kernel);
        }
    }
    let values = channels * lengths.iter().product::<usize>();
    if let Some(dense) = layers.iter().find(|layer| layer.kernel.is_empty()).filter(|layer| layer.inputs != values) {
        let _ = write!(
            guess,
            "; add those of the training, because these convolutions give {values} values and `{}` takes {}",
            dense.weight, dense.inputs
        );
    }
    guess
}

/// Text for a comment: names of tensors may hold line breaks.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
