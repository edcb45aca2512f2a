//! Batch normalisations of a weights file, and the layers that they follow.

use super::chain::Candidate;
use super::names::TensorName;
use super::{Found, WeightLayout};
use crate::error::Result;

/// A batch normalisation that was found in a weights file.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedBatchNorm {
    /// Name of the scales, if there are such.
    pub weight: Option<String>,
    /// Name of the shifts, if there are such.
    pub bias: Option<String>,
    /// Name of the means.
    pub running_mean: String,
    /// Name of the variances.
    pub running_var: String,
    /// The default of the framework: 1e-5 (PyTorch), 1e-3 (Keras).
    pub epsilon: f64,
}

/// Last words of the names of mean, variance, scale and shift, and the default of ε: PyTorch, Keras.
const FRAMEWORKS: [([&str; 4], f64); 2] = [
    (["running_mean", "running_var", "weight", "bias"], 1e-5),
    (["moving_mean", "moving_variance", "gamma", "beta"], 1e-3),
];

impl ImportedBatchNorm {
    /// Keys of the model file and names of the tensors.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let weight = self.weight.as_deref().map(|name| ("weight", name));
        let bias = self.bias.as_deref().map(|name| ("bias", name));
        let statistics = [("running_mean", self.running_mean.as_str()), ("running_var", self.running_var.as_str())];
        weight.into_iter().chain(bias).chain(statistics)
    }

    /// Names of its tensors.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.keys().map(|(_, name)| name)
    }
}

impl Found<'_> {
    /// The batch normalisation after each layer. If the layers were `chosen`, others may be left out.
    pub(super) fn batch_norms(
        &self,
        layers: &[Candidate],
        layout: WeightLayout,
        chosen: bool,
    ) -> Result<Vec<Option<ImportedBatchNorm>>> {
        let mut found = vec![None; layers.len()];
        for (name, norm) in self.all_batch_norms() {
            let channels = self.shape(&norm.running_mean);
            let fits = |layer: &Candidate| channels == [layer.sizes(layout)[0]];
            match layer_before(&name, layers, &fits).filter(|&at| found[at].is_none()) {
                Some(at) => found[at] = Some(norm),
                None if chosen => {}
                None => {
                    return Err(self.problem(
                        &format!("the batch normalisation {} follows no layer for sure", self.described(&norm.running_mean)),
                        "write the model file by hand, with a layer `batch_norm`; or name layers with --layers to leave it out",
                    ));
                }
            }
        }
        Ok(found)
    }

    /// All batch normalisations, with the name that a weight of the same prefix has.
    fn all_batch_norms(&self) -> Vec<(TensorName, ImportedBatchNorm)> {
        let mut norms = Vec::new();
        for (words, epsilon) in FRAMEWORKS {
            for name in &self.names {
                let (text, end) = name.text.strip_suffix(":0").map_or((&*name.text, ""), |text| (text, ":0"));
                let Some(prefix) = text.strip_suffix(words[0]) else { continue };
                let [mean, variance, weight, bias] = words.map(|word| format!("{prefix}{word}{end}"));
                let known = |name: String| self.tensors.get(&name).is_some().then_some(name);
                let Some(running_var) = known(variance) else { continue };
                let norm = ImportedBatchNorm {
                    weight: known(weight),
                    bias: known(bias),
                    running_mean: mean,
                    running_var,
                    epsilon,
                };
                norms.push((TensorName::new(&format!("{prefix}weight")), norm));
            }
        }
        norms
    }
}

/// The layer right before a batch normalisation, by their names, among those that fit: `bn1` follows `conv1`; in a list, `1`
/// follows `0`.
fn layer_before(norm: &TensorName, layers: &[Candidate], fits: &dyn Fn(&Candidate) -> bool) -> Option<usize> {
    let names = || layers.iter().enumerate().filter(|(_, layer)| fits(layer)).map(|(at, layer)| (at, &layer.name));
    // In a list only the entry right before; between others there may be an activation.
    let is_right_before = |name: &TensorName| match (name.numbers.split_last(), norm.numbers.split_last()) {
        (Some((last, place)), Some((norm_last, norm_place))) => place == norm_place && last + 1 == *norm_last,
        _ => false,
    };
    let in_list = names().filter(|(_, name)| name.pattern == norm.pattern && is_right_before(name));
    // Keras gives the first layer of a kind no number: `dense`, `dense_1`.
    let is_twin = |name: &TensorName| name.pattern != norm.pattern && name.numbers == norm.numbers;
    let twins: Vec<usize> = names().filter(|(_, name)| is_twin(name)).map(|(at, _)| at).collect();
    match (in_list.max_by_key(|(_, name)| name.numbers.clone()), &twins[..]) {
        (Some((at, _)), _) => Some(at),
        (None, [at]) => Some(*at),
        _ => None,
    }
}
