//! What a user should know about the settings of a cost: keys without effect, parts that the library replaces, layers that
//! compute nothing.

use crate::cost::CostPoint;
use crate::cost::model::CostModel;
use crate::error::ExperimentError;
use crate::input::config::{Config, Experiment};
use crate::input::cost::CostSettings;
use crate::input::grid::Point;
use crate::input::tree::to_value;
use phaseloom_cost::{ArrayKind, CostError, DigitalCost, Library, PhotonicCost};
use phaseloom_files::{InputFiles, InvalidValue};
use serde_json::Value;
use std::collections::BTreeSet;

/// Keys that change no energy, time or area, but what is measured or how it is judged; and the name of the library.
const OF_VERDICT: [&str; 6] = ["samples", "chips", "draws", "max_drop", "min_yield", "library"];
/// Maximum number of points that are tried.
const MAX_TRIED: usize = 1000;

/// The keys of the table [cost] that differ from their defaults at some point, and whose defaults give the same costs at every
/// point.
pub(super) fn without_effect(points: &[CostPoint]) -> Result<Vec<String>, ExperimentError> {
    let default = to_value(&CostSettings::default());
    let differing = points.iter().flat_map(|point| match to_value(&point.model.settings) {
        Value::Object(settings) => settings,
        _ => serde_json::Map::new(),
    });
    let differing = differing.filter(|(key, value)| default.get(key) != Some(value)).map(|(key, _)| key);
    let keys: BTreeSet<String> = differing.filter(|key| !OF_VERDICT.contains(&key.as_str())).collect();
    let mut without = Vec::new();
    if points.len() > MAX_TRIED {
        return Ok(without);
    }
    for key in keys {
        let changes = |point: &CostPoint| -> Result<bool, CostError> {
            let mut settings = to_value(&point.model.settings);
            if let Value::Object(table) = &mut settings {
                table.remove(&key);
            }
            let Ok(settings) = serde_json::from_value::<CostSettings>(settings) else { return Ok(true) };
            if settings == point.model.settings {
                return Ok(false);
            }
            Ok(costs(&point.model.with_settings(settings))? != costs(&point.model)?)
        };
        let mut any = false;
        for point in points {
            // A default that is impossible next to the other keys is no sign of a key without effect.
            any = any || changes(point).unwrap_or(true);
        }
        if !any {
            without.push(format!("cost.{key}"));
        }
    }
    Ok(without)
}

/// Light and a systolic array, in full.
fn costs(model: &CostModel) -> Result<(PhotonicCost, Option<DigitalCost>), CostError> {
    let ports = model.config.core.ports;
    let network = model.network(ports);
    let design = model.design(&network, ports, model.nominal())?;
    let costs = model.comparison(&network, design, ArrayKind::Systolic, None)?.costs(model.nominal())?;
    Ok((costs.photonic, costs.digital))
}

/// Notes on what the library replaces.
pub(super) fn notes(config: &Config, library: &Library) -> Vec<String> {
    let (link, values) = (&config.link, library.values());
    let mut notes = Vec::new();
    let converters =
        [("link.dac", link.dac.is_none(), values.dac.enob), ("link.adc", link.adc.is_none(), values.adc.enob)];
    for (key, is_missing, enob) in converters {
        if is_missing {
            notes.push(format!(
                "the experiment has no {key}: the cost has a converter of the device library, with {enob} effective bits, whose \
                 rounding no score has"
            ));
        }
    }
    if !config.has_noise_of_light() {
        notes.push(
            "the link has no noise: the cost has the noise of the device library, which no score has; link.shot_noise and \
             link.laser_power_w give both the same"
                .into(),
        );
    }
    for (name, rate_hz) in [("dac", values.dac.rate_hz), ("adc", values.adc.rate_hz)] {
        if link.symbol_rate_hz > rate_hz {
            notes.push(format!(
                "link.symbol_rate_hz is {:e} Hz, and the {name} of the device library has {rate_hz:e} Hz: the cost assumes \
                 converters that take turns, each at the energy of one sample, without more area",
                link.symbol_rate_hz
            ));
        }
    }
    notes
}

/// Checks before the run that every photonic layer has real weights, and one that is not zero: others have no tiles, and no
/// precision.
pub(super) fn expect_weights(experiment: &Experiment, points: &[Point]) -> Result<(), ExperimentError> {
    let mut seen = BTreeSet::new();
    for point in points {
        let Some(model) = &point.config.model else { continue };
        if !seen.insert(point.config.network_key()) {
            continue;
        }
        let path = experiment.base().join(model);
        // The run itself reports a model that cannot be read.
        let Ok(network) = point.config.open_network(&path, &InputFiles::default()) else { continue };
        for layer in network.photonic_layers() {
            if layer.kind.is_complex() {
                let found = format!("a network whose layer {} is complex", layer.index);
                let expected = "photonic layers of real weights: the cost counts the detectors and converters after every \
                                layer, and complex layers have none";
                return Err(experiment.with_line(InvalidValue::new("model", found, expected)));
            }
            if layer.weight.iter().all(|weight| *weight == 0.0) {
                let found = format!("a network whose layer {} has only weights of 0", layer.index);
                let expected = "weights that compute something: the layer takes no core and has no precision; remove it from \
                                the model, or train it again";
                return Err(experiment.with_line(InvalidValue::new("model", found, expected)));
            }
        }
    }
    Ok(())
}
