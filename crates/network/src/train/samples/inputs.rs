//! The data of a training: the share that becomes validation data, and whether the inputs are scaled.

use phaseloom_files::hex;
use phaseloom_numerics::StreamKey;
use rand::seq::SliceRandom;
use sha2::{Digest, Sha256};

use crate::data::{Dataset, Truth};
use crate::network::Network;
use crate::train::CHUNK;
use crate::train::samples::tasks::{self, ReplaySpec};

/// Root mean square of an input above which training is slow or diverges, and of all inputs below which the network hardly sees
/// them: initial weights suit inputs near 1.
const SCALES: [f64; 2] = [0.01, 10.0];

/// Samples whose scale is measured.
const MEASURED: usize = 4 * CHUNK;

/// Splits a random share off: the other samples, and those of the share, both in their order.
///
/// # Errors
///
/// A message if one of both would have no samples.
pub(in crate::train) fn split(data: &Dataset, share: f64, seed: u64) -> Result<(Dataset, Dataset), String> {
    let samples = data.samples();
    let count = (share * samples as f64).round() as usize;
    if count == 0 || count == samples {
        return Err(format!("a share that leaves samples on both sides: {samples} samples give {count}"));
    }
    let mut order: Vec<usize> = (0..samples).collect();
    order.shuffle(&mut StreamKey::new(seed, "train/validation").stream());
    let part = |rows: &[usize], name: &str| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        let labels = rows.iter().map(|&row| data.labels()[row]).collect();
        let sha256 = hex(&Sha256::digest(format!("{} {name} {share} {seed}", data.sha256)));
        Dataset { inputs: data.inputs.keep(&rows), truth: Truth::Labels(labels), sha256, ..data.clone() }
    };
    Ok((part(&order[count..], "train"), part(&order[..count], "validation")))
}

/// The samples of an earlier task that are trained again, chosen at random.
pub(in crate::train) fn replay(
    spec: &ReplaySpec,
    sizes: (&std::path::Path, usize, usize),
    seed: u64,
) -> crate::error::Result<Dataset> {
    let data = tasks::load("replay.data", &spec.data, spec.task_outputs, sizes)?;
    let Some(count) = spec.samples.filter(|count| *count < data.samples()) else { return Ok(data) };
    let mut rows: Vec<usize> = (0..data.samples()).collect();
    rows.shuffle(&mut StreamKey::new(seed, "train/replay_samples").stream());
    rows.truncate(count);
    rows.sort_unstable();
    let labels = rows.iter().map(|&row| data.labels()[row]).collect();
    let sha256 = hex(&Sha256::digest(format!("{} replay {count} {seed}", data.sha256)));
    Ok(Dataset { inputs: data.inputs.keep(&rows), truth: Truth::Labels(labels), sha256, ..data })
}

/// A warning if inputs, as they enter the network, are far from unit scale.
pub(in crate::train) fn scale_warning(network: &dyn Network, data: &Dataset) -> Option<String> {
    let samples = data.samples().min(MEASURED);
    let mut squares = vec![0.0; data.features()];
    for first in (0..samples).step_by(CHUNK) {
        let batch = network.prepare(&data.inputs.batch(first..samples.min(first + CHUNK)));
        for column in batch.column_iter() {
            squares.iter_mut().zip(column.iter()).for_each(|(sum, x)| *sum += x * x);
        }
    }
    let rms = |square: f64| (square / samples as f64).sqrt();
    let (feature, largest) =
        squares.iter().map(|&square| rms(square)).enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let remedy =
        "expected about 1: set `standardize = true` with `mean` and `std` in `[input]` of the model, or `input.scale`";
    let path = data.inputs_path.display();
    match largest {
        _ if largest > SCALES[1] => Some(format!(
            "warning: {path}: the inputs are not scaled: found feature {feature} with a root mean square of {largest:.3e}, {remedy}"
        )),
        _ if largest < SCALES[0] => Some(format!(
            "warning: {path}: the inputs are not scaled: found a root mean square of at most {largest:.3e} in every feature, {remedy}"
        )),
        _ => None,
    }
}
