//! What is checked before a training starts, and its identity.

use std::path::Path;

use phaseloom_files::hex;
use sha2::{Digest, Sha256};

use crate::data::{Dataset, resolve};
use crate::error::{NetworkError, Result};
use crate::layer::LayerKind;
use crate::model::{ModelSpec, NumberOrTensor};
use crate::train::chips;
use crate::train::loss::LossKind;
use crate::train::{GradientMethod, TrainOn, TrainSpec, TrainedParameters};
use crate::weights::Tensors;

/// SHA-256 of all on which a training depends: settings, model, process, data, and values at the start.
pub(super) fn identity(
    spec: &TrainSpec,
    base: &Path,
    model: &ModelSpec,
    data: [Option<&Dataset>; 3],
    start: &Tensors,
) -> Result<String> {
    let process = spec.process.as_ref().map(|process| process.read(base)).transpose()?;
    let programs = spec.initial_programs.as_ref().map(|path| resolve(path, base)).transpose()?;
    let programs = programs.map(|path| phaseloom_files::read_bytes(&path)).transpose()?;
    let data = data.map(|data| data.map(|data| &data.sha256));
    // Numbers and texts always serialise.
    let settings = serde_json::to_vec(&(env!("CARGO_PKG_VERSION"), spec, model, process, data)).unwrap_or_default();
    let mut digest = Sha256::new();
    digest.update(settings);
    programs.iter().for_each(|file| digest.update(&file.bytes));
    for (name, tensor) in start.iter() {
        digest.update(name);
        tensor.values().iter().for_each(|value| digest.update(value.to_le_bytes()));
    }
    Ok(hex(&digest.finalize()))
}

/// Checks that a model file fits the training file, before any data are read.
pub(super) fn check_model(spec: &TrainSpec, model: &ModelSpec, path: &Path) -> Result<()> {
    let invalid = |key: &str, found: String, expected: &str| Err(NetworkError::setting(path, key, found, expected));
    if model.weights.extension().is_none_or(|e| e != "safetensors") {
        let expected = "a name that ends with .safetensors, the file that training writes";
        return invalid("weights", model.weights.display().to_string(), expected);
    }
    let (placed, output) = model.place().map_err(|invalid| NetworkError::from_invalid(path, invalid))?;
    if output.len() > 1 {
        let expected = "outputs along one axis, one for each class: add a layer of kind `flatten`, or a global pooling";
        return invalid("layer", format!("outputs of the shape {output:?}"), expected);
    }
    if output.iter().product::<usize>() < 2 {
        return invalid("layer", "1 output".into(), "at least 2, one for each class: the loss is a cross-entropy");
    }
    if spec.calibration.is_some() && model.calibration.is_none() {
        let expected = "`calibration = \"calibration.json\"`, because the training file requests a calibration";
        return invalid("calibration", "no such key".into(), expected);
    }
    for (key, value) in [("input.mean", &model.input.mean), ("input.std", &model.input.std)] {
        match value {
            NumberOrTensor::Number(number) if spec.standardize => {
                let expected =
                    "the name of a tensor, e.g. \"input.mean\", because the training file sets `standardize`";
                return invalid(key, number.to_string(), expected);
            }
            NumberOrTensor::Tensor(name) if !spec.standardize => {
                let expected = "a number, or `standardize = true` in the training file to measure it";
                return invalid(key, format!("the tensor `{name}`"), expected);
            }
            _ => {}
        }
    }
    let trains_phases = spec.on != TrainOn::Exact && spec.trained_parameters() == TrainedParameters::Phases;
    match (trains_phases, &model.programs) {
        (false, Some(programs)) => {
            let expected = "no such key: this training changes the weights, and not these programs";
            return invalid("programs", programs.display().to_string(), expected);
        }
        (true, None) => {
            let expected = "`programs = \"programs.safetensors\"`, the file for the phases that this training writes";
            return invalid("programs", "no such key".into(), expected);
        }
        _ => {}
    }
    if let Some(programs) = &model.programs
        && programs.extension().is_none_or(|e| e != "safetensors")
    {
        let expected = "a name that ends with .safetensors, the file that training writes";
        return invalid("programs", programs.display().to_string(), expected);
    }
    if spec.loss == LossKind::Mse && model.layer.last().is_some_and(|last| last.kind() == LayerKind::Softmax) {
        let expected = "no such layer with `loss = \"mse\"`: training leaves out a softmax at the end";
        return invalid("layer", "a softmax at the end".into(), expected);
    }
    let unitary = placed.iter().find(|layer| layer.spec.unitary_weight().is_some());
    if let (false, Some(layer)) = (trains_phases, unitary) {
        let expected = "`parameters = \"phases\"` and `on = \"chip\"` or `\"population\"` in the training file: a step on the phases of a mesh keeps the weight \
                        unitary, one on its entries does not";
        return invalid(&format!("{}.unitary", layer.key), "true".into(), expected);
    }
    for (index, layer) in placed.iter().enumerate().filter(|(_, layer)| layer.spec.constraint().is_some()) {
        let expected = if trains_phases {
            "no such key with `parameters = \"phases\"` in the training file: phases and `freeze` decide what the chip can be"
        } else if index == 0 && model.input.fold {
            "no such key next to `input.fold`, which changes the trained weight"
        } else if layer.next.is_some_and(|next| next.kind() == LayerKind::BatchNorm) {
            "no such key before a `batch_norm`, which the trained weight takes in"
        } else {
            continue;
        };
        return invalid(&format!("{}.constraint", layer.key), "given".into(), expected);
    }
    if let (GradientMethod::SigmaOnly, Some(layer)) = (spec.gradient, unitary) {
        let expected = "another `gradient` than \"sigma_only\" in the training file: a unitary has no attenuators";
        return invalid(&format!("{}.unitary", layer.key), "true".into(), expected);
    }
    if trains_phases {
        chips::check_model(model, &placed).map_err(|invalid| NetworkError::from_invalid(path, invalid))?;
    }
    let of_input = [&model.input.mean, &model.input.std]
        .into_iter()
        .filter_map(|v| if let NumberOrTensor::Tensor(name) = v { Some(name.as_str()) } else { None });
    let of_layers = placed.iter().flat_map(|layer| layer.spec.tensors(&layer.input)).map(|tensor| tensor.name);
    let mut names: Vec<&str> = of_input.chain(of_layers).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => invalid("layer", format!("the tensor `{}` twice", pair[0]), "a name of its own for each tensor"),
        None => Ok(()),
    }
}
