//! Wrong labels: made on purpose, for studies, and found from the data alone.
//!
//! * Confident learning (Northcutt, Jiang, Chuang 2021, cited from memory): each part of the data is predicted by a network that was
//!   trained on the other parts. With p̂ the predicted probabilities and t_c the mean p̂_c of the samples labelled c, a sample is
//!   wrong if the class of maximum p̂ among those with p̂_c ≥ t_c is not its label.
//! * Small loss: a short training on all samples; the samples of maximum loss are wrong.
//!
//! Both train in floating point, whatever trains afterwards.

use phaseloom_files::hex;
use phaseloom_numerics::StreamKey;
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::{Batch, Dataset, Truth};
use crate::error::Result;
use crate::layer::chain;
use crate::model::Model;
use crate::network::Network;
use crate::train::TrainSpec;
use crate::train::learner::{batch_gradients, trained_layers};
use crate::train::loss::Loss;
use crate::train::optimizer::{Optimizer, Rates};

/// How samples with wrong labels are found before training. They are left out, or count less.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CleanSpec {
    /// How they are found.
    pub method: CleanMethod,
    /// Passes of each training that looks for them. Range: ≥ 1.
    pub epochs: usize,
    /// Of `confident_learning`: number of parts. Range: ≥ 2. Default: 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// Of `small_loss`: share of the samples that is left out. Range: above 0, below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Weight of these samples relative to the others, as one over an integer: with 0.25 each of the others is seen four times in an
    /// epoch. Range: ½, ⅓, … Default: they are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// How wrong labels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CleanMethod {
    /// By networks that were trained on other samples.
    ConfidentLearning,
    /// By the losses after a short training, the highest first.
    SmallLoss,
}

/// Samples that look wrong, which were left out or count less, next to those whose labels were made wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cleaned {
    /// Share of the samples that look wrong, 0…1.
    pub dropped: f64,
    /// Share of these whose label had been made wrong; NaN without any.
    pub precision: f64,
    /// Share of the labels made wrong that is among them; NaN without any.
    pub recall: f64,
}

impl CleanSpec {
    /// Key, value and what is expected of the first impossible value.
    pub(in crate::train) fn check(&self) -> Option<(&'static str, String, &'static str)> {
        if let Some(weight) = self.weight.filter(|weight| {
            let times = 1.0 / weight;
            !(2.0..=1000.0).contains(&times) || (times - times.round()).abs() > 1e-3 * times
        }) {
            return Some(("clean.weight", weight.to_string(), "one over an integer from 2 on, e.g. 0.25"));
        }
        let folds = (self.method == CleanMethod::ConfidentLearning).then(|| self.folds.unwrap_or(4));
        match (self.epochs, folds, self.folds, self.share) {
            (0, ..) => Some(("clean.epochs", "0".into(), "at least 1")),
            (_, Some(folds), _, _) if folds < 2 => Some(("clean.folds", folds.to_string(), "at least 2")),
            (_, Some(_), _, Some(share)) => {
                Some(("clean.share", share.to_string(), "no such key with `confident_learning`, which finds it"))
            }
            (_, None, Some(folds), _) => Some(("clean.folds", folds.to_string(), "no such key with `small_loss`")),
            (_, None, _, Some(share)) if share > 0.0 && share < 1.0 => None,
            (_, None, _, share) => {
                let found = share.map_or_else(|| "absent".to_owned(), |share| share.to_string());
                Some(("clean.share", found, "a number above 0, below 1, e.g. 0.3"))
            }
            _ => None,
        }
    }
}

/// Gives a share of the samples another label of the same task, at random. Returns which.
pub(in crate::train) fn make_wrong(
    data: &mut Dataset,
    share: f64,
    classes: &std::ops::Range<usize>,
    seed: u64,
) -> Vec<bool> {
    let mut stream = StreamKey::new(seed, "train/label_noise").stream();
    let mut order: Vec<usize> = (0..data.samples()).collect();
    order.shuffle(&mut stream);
    let count = (share * data.samples() as f64).round() as usize;
    let mut wrong = vec![false; data.samples()];
    if let Truth::Labels(labels) = &mut data.truth {
        for &row in &order[..count] {
            let other = classes.start + stream.random_range(0..classes.len() - 1);
            labels[row] = if other >= labels[row] { other + 1 } else { other };
            wrong[row] = true;
        }
    }
    data.sha256 = hex(&Sha256::digest(format!("{} label noise {share} {seed}", data.sha256)));
    wrong
}

/// The samples without those that look wrong, or with more copies of the others, and what looked wrong. `model` has its first weights.
pub(in crate::train) fn clean(
    spec: &TrainSpec,
    clean: &CleanSpec,
    model: &dyn Fn() -> Result<Model>,
    loss: &Loss,
    data: &Dataset,
    wrong: &[bool],
) -> Result<(Dataset, Cleaned)> {
    let samples = data.samples();
    let drop: Vec<bool> = match clean.method {
        CleanMethod::ConfidentLearning => {
            let folds = clean.folds.unwrap_or(4).min(samples);
            let mut order: Vec<usize> = (0..samples).collect();
            order.shuffle(&mut StreamKey::new(spec.seed, "train/folds").stream());
            let mut predicted = vec![Vec::new(); samples];
            for fold in 0..folds {
                let (held, others): (Vec<_>, Vec<_>) = order.iter().enumerate().partition(|(at, _)| at % folds == fold);
                let others: Vec<usize> = others.into_iter().map(|(_, row)| *row).collect();
                let network = fitted(spec, clean.epochs, model()?, loss, data, &others);
                for (_, &row) in held {
                    predicted[row] = probabilities(&network, loss, data, row);
                }
            }
            suspicious(&predicted, data.labels())
        }
        CleanMethod::SmallLoss => {
            let network = fitted(spec, clean.epochs, model()?, loss, data, &(0..samples).collect::<Vec<_>>());
            let surprise = |row: usize| -probabilities(&network, loss, data, row)[data.labels()[row]].ln();
            let mut order: Vec<(f64, usize)> = (0..samples).map(|row| (surprise(row), row)).collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0));
            let count = (clean.share.unwrap_or(0.0) * samples as f64).round() as usize;
            let mut drop = vec![false; samples];
            order[..count].iter().for_each(|(_, row)| drop[*row] = true);
            drop
        }
    };
    let both = drop.iter().zip(wrong).filter(|(a, b)| **a && **b).count() as f64;
    let count = |all: &[bool]| all.iter().filter(|is| **is).count() as f64;
    let cleaned =
        Cleaned { dropped: count(&drop) / samples as f64, precision: both / count(&drop), recall: both / count(wrong) };
    let mut rows: Vec<usize> = (0..samples).filter(|row| !drop[*row]).collect();
    if let Some(weight) = clean.weight {
        rows = rows.repeat((1.0 / weight).round() as usize);
        rows.extend((0..samples).filter(|row| drop[*row]));
    }
    let labels = rows.iter().map(|&row| data.labels()[row]).collect();
    let sha256 = hex(&Sha256::digest(format!("{} {clean:?} {}", data.sha256, spec.seed)));
    Ok((Dataset { inputs: data.inputs.keep(&rows), truth: Truth::Labels(labels), sha256, ..data.clone() }, cleaned))
}

/// Which samples confident learning takes for wrong.
fn suspicious(predicted: &[Vec<f64>], labels: &[usize]) -> Vec<bool> {
    let classes = predicted.first().map_or(0, Vec::len);
    let threshold = |class: usize| {
        let own = labels.iter().zip(predicted).filter(|(label, _)| **label == class).map(|(_, p)| p[class]);
        let (sum, count) = own.fold((0.0, 0.0), |(sum, count), p| (sum + p, count + 1.0));
        if count > 0.0 { sum / count } else { f64::INFINITY }
    };
    let thresholds: Vec<f64> = (0..classes).map(threshold).collect();
    let is_wrong = |(p, label): (&Vec<f64>, &usize)| {
        let confident = (0..classes).filter(|class| p[*class] >= thresholds[*class]);
        confident.max_by(|a, b| p[*a].total_cmp(&p[*b])).is_some_and(|class| class != *label)
    };
    predicted.iter().zip(labels).map(is_wrong).collect()
}

/// A network after some passes over some samples, in floating point.
fn fitted(spec: &TrainSpec, epochs: usize, mut model: Model, loss: &Loss, data: &Dataset, rows: &[usize]) -> Model {
    let mut optimizer: Optimizer = spec.new_optimizer();
    let steps = (epochs * rows.len().div_ceil(spec.batch)) as f64;
    let mut step = 0.0;
    for epoch in 0..epochs {
        let mut order = rows.to_vec();
        order.shuffle(&mut StreamKey::new(spec.seed, "train/clean_order").block(epoch as u64).stream());
        for batch in order.chunks(spec.batch) {
            let gradients = batch_gradients(&mut model, loss, data, batch).gradients;
            let rate = spec.learning_rate * spec.schedule.factor(step / steps);
            let mut parameters: Vec<_> = model.layers_mut().iter_mut().flat_map(|layer| layer.parameters()).collect();
            optimizer.step(&mut parameters, &gradients, Rates { values: rate, phases: rate }, spec.weight_decay);
            step += 1.0;
        }
    }
    model
}

/// Probability of every class for a sample; those of other tasks are 0.
fn probabilities(model: &Model, loss: &Loss, data: &Dataset, row: usize) -> Vec<f64> {
    let input: Batch = model.prepare(&data.inputs.select(&[row]));
    let logits = chain::forward(&model.layers()[..trained_layers(model)], &input);
    let task = loss.task_of(data.labels()[row], logits.len());
    let maximum = task.clone().map(|k| logits[k]).fold(f64::NEG_INFINITY, f64::max);
    let mut all = vec![0.0; logits.len()];
    let mut sum = 0.0;
    for k in task {
        all[k] = (logits[k] - maximum).exp();
        sum += all[k];
    }
    all.iter_mut().for_each(|p| *p /= sum);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: thresholds .8 (mean of .9, .7) and .65 (mean of .6, .7). The last sample is labelled 0 and sure of 1.
    #[test]
    fn a_sample_is_wrong_if_it_is_sure_of_another_class() {
        let predicted = [[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.3, 0.7], [0.05, 0.95]].map(Vec::from);
        // With the last sample in class 0 its threshold falls to .55.
        assert_eq!(suspicious(&predicted, &[0, 0, 1, 1, 0]), [false, false, false, false, true]);
        assert_eq!(suspicious(&predicted, &[0, 0, 1, 1, 1]), [false; 5]);
    }

    #[test]
    fn impossible_settings_are_named() {
        for (toml, key) in [
            ("method = 'small_loss'\nepochs = 1", "clean.share"),
            ("method = 'small_loss'\nepochs = 1\nshare = 1.5", "clean.share"),
            ("method = 'small_loss'\nepochs = 1\nshare = 0.5\nfolds = 3", "clean.folds"),
            ("method = 'confident_learning'\nepochs = 0", "clean.epochs"),
            ("method = 'confident_learning'\nepochs = 1\nfolds = 1", "clean.folds"),
            ("method = 'confident_learning'\nepochs = 1\nshare = 0.5", "clean.share"),
            ("method = 'confident_learning'\nepochs = 1\nweight = 0.4", "clean.weight"),
            ("method = 'confident_learning'\nepochs = 1\nweight = 0", "clean.weight"),
        ] {
            assert_eq!(toml::from_str::<CleanSpec>(toml).unwrap().check().unwrap().0, key);
        }
        assert!(
            toml::from_str::<CleanSpec>("method = 'small_loss'\nepochs = 1\nshare = 0.5").unwrap().check().is_none()
        );
    }

    /// Two clouds of points and 20 % wrong labels: both methods find most of them, and little else.
    #[test]
    fn wrong_labels_of_two_clouds_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut stream = StreamKey::new(3, "test/clouds").stream();
        let row = |i: usize| {
            let centre = if i.is_multiple_of(2) { 1.0 } else { -1.0 };
            let mut near = || centre + 0.5 * (stream.random::<f64>() - 0.5);
            format!("{},{},{}\n", near(), near(), i % 2)
        };
        std::fs::write(folder.path().join("a.csv"), (0..200).map(row).collect::<String>()).unwrap();
        let model = "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.safetensors'\ninput = { size = 2 }
            layer = [{ kind = 'dense', outputs = 4, weight = 'a' }, { kind = 'tanh' }, { kind = 'dense', outputs = 2, weight = 'b' }]";
        std::fs::write(folder.path().join("model.toml"), model).unwrap();
        for method in [
            "method = 'confident_learning'",
            "method = 'small_loss', share = 0.2",
            "method = 'confident_learning', weight = 0.25",
        ] {
            let toml = format!(
                "format = 'phaseloom-training'\nversion = 1\nmodel = 'model.toml'\nepochs = 3\nbatch = 16\nlearning_rate = 0.02
                seed = 5\nlabel_noise = 0.2\nclean = {{ {method}, epochs = 10 }}\ntrain = {{ inputs = 'a.csv' }}"
            );
            let spec: TrainSpec = toml::from_str(&toml).unwrap();
            let trained =
                crate::train::train(&spec, folder.path(), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
            let found = trained.cleaned.unwrap();
            assert!(found.precision > 0.9 && found.recall > 0.9, "{method}: {found:?}");
            assert!((found.dropped - 0.2).abs() < 0.03, "{method}: {found:?}");
        }
    }
}
