//! The most sensitive components of a budget on the terminal, and what first order predicts.

use phaseloom::experiment::cost::verdict::short;
use phaseloom::experiment::yields::sensitivity::{ComponentSensitivity, SensitivityMap, sensitivity_map};
use phaseloom::experiment::{Experiment, Options, Outcome, SensitivitySettings};
use phaseloom::files::{Column, Results, TextTable, wrap};

/// Number of components that are printed.
const SHOWN: usize = 10;

/// Components of a kind are equal if they differ by at most this share; records of chips have seven digits.
const EQUAL: f64 = 1e-5;

/// The map of the perfect chip with those of the sampled chips, if the experiment can have one.
pub(super) fn compute(
    experiment: &Experiment,
    samples: usize,
    outcome: &Outcome,
) -> anyhow::Result<Option<SensitivityMap>> {
    let mut map = sensitivity_map(experiment, samples, &Options::default())?;
    if let Some(map) = &mut map {
        map.add_chips(outcome);
    }
    Ok(map)
}

/// Says why an experiment has no map.
pub(super) fn refuse(printed: &mut Results, experiment: &Experiment) {
    // The settings allow a map, and the layers of the model do not.
    let of_layers = ["a network with complex layers", "real products, each of which is detected"];
    let [found, expected] = SensitivitySettings::refusal(&experiment.config).unwrap_or(of_layers);
    printed.sentence(format!("No sensitivity map of {found}. A map needs {expected}."));
}

/// Prints the most sensitive components, and what first order predicts if `has_law`: of independent errors without a correction.
pub(super) fn print(printed: &mut Results, map: &SensitivityMap, has_law: bool) {
    let of_matrix = map.samples.is_none();
    match flat(map).filter(|_| of_matrix) {
        Some(sentence) => printed.sentence(sentence),
        None => most_sensitive(printed, map),
    }
    let [phases, splitters] = map.variances();
    if !has_law || phases + splitters <= 0.0 {
        return;
    }
    if of_matrix {
        let share = |part: f64| format!("{:.1} %", 100.0 * part / (phases + splitters));
        printed.sentence(format!(
            "First order predicts E² = {}: {} by phase errors, {} by splitter errors.",
            short(phases + splitters),
            share(phases),
            share(splitters)
        ));
    }
    if let Some([phases, splitters, both]) = map.accuracy_loss {
        let points = |loss: f64| format!("{:.2}", 100.0 * loss);
        printed.sentence(format!(
            "First order predicts a loss of accuracy of {} points by phase errors, {} by splitter errors, {} by both.",
            points(phases),
            points(splitters),
            points(both)
        ));
    }
}

/// The sentence about a map whose phases are all equal, and whose splitters are: that of a mesh without loss.
fn flat(map: &SensitivityMap) -> Option<String> {
    let all = map.sorted();
    let kind = |of_splitters: bool| {
        let own = all.iter().filter(|c| (c.component == "splitter") == of_splitters);
        let values: Vec<f64> =
            own.clone().flat_map(|c| [Some(c.sensitivity), c.chips.map(|mean| mean.value)]).flatten().collect();
        let (min, max) = values.iter().fold((f64::INFINITY, 0.0_f64), |(min, max), x| (min.min(*x), max.max(*x)));
        (max - min <= EQUAL * max).then(|| (own.count(), short(max)))
    };
    let ((phases, of_phase), (splitters, of_splitter)) = (kind(false)?, kind(true)?);
    Some(format!(
        "The map is flat, as of every mesh without loss: a phase changes the matrix W by {of_phase} of ‖W‖ per rad, a splitter \
         by {of_splitter}. None of {phases} phases and {splitters} splitters matters more than another of its kind."
    ))
}

fn most_sensitive(printed: &mut Results, map: &SensitivityMap) {
    let total = map.variance();
    let all = map.sorted();
    let has_cores = all.iter().any(|component| component.core.is_some());
    let head = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let cores = if has_cores { head(&["layer", "tile"]) } else { Vec::new() };
    let mut rows = vec![
        [head(&["component"]), cores, head(&["stage", "column", "mode", "s (1/rad)", "on chips", "share"])].concat(),
    ];
    for component in all.iter().take(SHOWN) {
        let share = (component.sensitivity * component.sigma).powi(2) / total;
        let core = component.core.map_or(Vec::new(), |(layer, tile)| vec![layer.to_string(), tile.to_string()]);
        let place = [component.stage, component.column, component.mode].map(|number| number.to_string());
        let values = [
            short(component.sensitivity),
            match component.chips {
                Some(mean) if map.chips > 1 => format!("{} ± {}", short(mean.value), short(mean.error)),
                Some(mean) => short(mean.value),
                None => "–".to_owned(),
            },
            if total > 0.0 { format!("{:.2} %", 100.0 * share) } else { "–".to_owned() },
        ];
        rows.push([vec![name(component)], core, place.to_vec(), values.to_vec()].concat());
    }
    let right = Column::right().gap(2);
    let mut table = TextTable::new(0, std::iter::once(Column::left()).chain((1..rows[0].len()).map(|_| right)));
    rows.into_iter().for_each(|row| table.row(row));
    let samples = map.samples.map_or(String::new(), |samples| format!("{samples} samples, "));
    let chips = if map.chips == 1 { "1 chip".to_owned() } else { format!("{} chips", map.chips) };
    printed.line(format!("most sensitive of {} phases and splitters; {samples}{chips}", all.len()));
    printed.show(table);
    let meaning = match map.samples {
        Some(_) => [
            "change of all outputs with an error of this component, rms over samples, on the perfect chip",
            "the variance of the outputs",
        ],
        None => [
            "change of the matrix with an error of this component, relative to the matrix, ‖∂W‖/‖W‖, on the perfect chip",
            "E², to first order,",
        ],
    };
    let text = format!(
        "s: {}; on chips: the same on sampled chips with all errors; share: of {} by the phase and splitter errors of the \
         process. All are in sensitivity.csv.",
        meaning[0], meaning[1]
    );
    printed.line(wrap(&text, 80, 0));
}

fn name(component: &ComponentSensitivity) -> String {
    match component.component {
        "splitter" => format!("splitter {}", component.number + 1),
        other => other.to_owned(),
    }
}
