//! The kinds of task: what the outputs of a network mean, and what they are compared with.

use crate::error::Problem;
use crate::input::config::Config;
use crate::metric::Metric;
use crate::run::class_axis::ClassAxis;
use crate::store::record::Confusion;
use crate::store::shot::{ClassCounts, OutputErrors, ShotResult, ValueErrors};
use phaseloom_hardware::Batch;
use phaseloom_network::{Dataset, Network, Truth, binary_predictions, predictions};

/// What the outputs of a network mean for some data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Task {
    /// The outputs decide on a class at each position of each sample, which is known, or not judged (`None`).
    Classification { labels: Vec<Option<usize>>, decision: Decision },
    /// Each output approximates a real target: targets × samples.
    Regression { targets: Batch },
    /// Nothing is known of the outputs, which are compared with those of the floating-point reference. They may decide on
    /// classes.
    Outputs(Option<Decision>),
}

/// How outputs decide on classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decision {
    axis: ClassAxis,
    /// With a threshold, the class is 1 if the only output exceeds it. Else it is the index of the maximum output.
    threshold: Option<f64>,
    /// A sample is correct if its class is among this number of top outputs.
    among: u64,
}

/// The axis of the classes of a network, if the data have labels or the outputs have such an axis.
///
/// # Errors
///
/// An axis that the outputs lack, and labels for outputs of several axes.
pub(crate) fn class_axis(network: &dyn Network, data: &Dataset, config: &Config) -> Result<Option<ClassAxis>, Problem> {
    let shape = network.output_shape();
    let refused = |found: String, expected| Err(Problem::ClassAxis { shape: shape.clone(), found, expected });
    let positions = match &data.truth {
        _ if config.metric == Some(Metric::None) => None,
        Truth::Labels(_) => Some(1),
        Truth::PositionLabels(labels) => Some(labels.per_sample),
        Truth::Targets(_) | Truth::Unknown => None,
    };
    let has_labels = positions.is_some();
    match ClassAxis::new(&shape, config.class_axis, positions.filter(|positions| *positions > 1)) {
        Err(axis) => {
            refused(format!("class_axis = {axis}"), "an axis of at least 2 classes, from 0, or from −1 at the end")
        }
        Ok(None) if positions.is_some_and(|positions| positions > 1) => {
            let found = format!("{} labels a sample", positions.unwrap_or(1));
            let expected = "one axis of classes that leaves as many positions; name it by `class_axis`, or write one label a sample";
            refused(found, expected)
        }
        Ok(None) if has_labels => {
            let expected = "one axis of classes; choose another `output`, give `labels` of shape (samples, positions), leave \
                            them out, or set `metric = \"none\"`";
            refused("labels of samples and several axes".into(), expected)
        }
        Ok(Some(axis)) if positions.is_some_and(|positions| positions != axis.positions) => {
            let labels = positions.unwrap_or(1);
            let labels = if labels == 1 { "one label".to_owned() } else { format!("{labels} labels") };
            let found = format!("{labels} a sample and {} positions with a class each", axis.positions);
            refused(
                found,
                "a label for each position, of shape (samples, positions); or leave out `labels`: the classes are then compared \
                 with the floating-point reference",
            )
        }
        Ok(axis) => Ok(axis),
    }
}

impl Task {
    /// The task of a network on data that were checked with it.
    ///
    /// # Errors
    ///
    /// A threshold where none is needed, and a metric that the data or the network do not fit.
    pub fn new(
        network: &dyn Network,
        data: &Dataset,
        axis: Option<ClassAxis>,
        config: &Config,
    ) -> Result<Self, Problem> {
        let threshold = config.threshold;
        let decision = axis.map(|axis| Decision { axis, threshold: None, among: 1 });
        let needs = |metric: Metric, needed| {
            let found = match &data.truth {
                Truth::Labels(_) | Truth::PositionLabels(_) => {
                    format!("labels of {} classes", axis.map_or(0, |axis| axis.classes))
                }
                Truth::Targets(_) => "targets".into(),
                Truth::Unknown => "neither labels nor targets".into(),
            };
            Err(Problem::Metric { metric, needed, found })
        };
        let labels = match &data.truth {
            Truth::Labels(labels) => Some(labels.iter().copied().map(Some).collect()),
            Truth::PositionLabels(positions) => Some(positions.labels.clone()),
            Truth::Targets(_) | Truth::Unknown => None,
        };
        let judges: bool =
            labels.as_ref().is_some_and(|labels: &Vec<Option<usize>>| labels.iter().any(Option::is_some));
        if labels.is_some() && !judges && config.metric != Some(Metric::None) {
            let (shape, found) = (network.output_shape(), "no position with a label".into());
            return Err(Problem::ClassAxis { shape, found, expected: "at least one label that is not -100" });
        }
        let task = match (config.metric, &data.truth, decision) {
            (Some(Metric::None), ..) => Self::Outputs(None),
            (Some(Metric::Top5), Truth::Labels(_) | Truth::PositionLabels(_), Some(decision))
                if decision.axis.classes > 5 =>
            {
                let labels = labels.unwrap_or_default();
                Self::Classification { labels, decision: Decision { among: 5, ..decision } }
            }
            (Some(metric @ Metric::Top5), ..) => return needs(metric, "labels of six classes or more"),
            (None | Some(Metric::Accuracy), Truth::Labels(_) | Truth::PositionLabels(_), Some(decision)) => {
                let is_binary = decision.axis.classes == 1;
                let threshold = is_binary.then(|| threshold.unwrap_or_else(|| network.threshold()));
                let labels = labels.unwrap_or_default();
                Self::Classification { labels, decision: Decision { threshold, ..decision } }
            }
            (Some(metric @ Metric::Accuracy), ..) => return needs(metric, "labels"),
            (None | Some(Metric::RmsError), Truth::Targets(targets), _) => {
                Self::Regression { targets: targets.clone() }
            }
            (Some(metric @ Metric::RmsError), ..) => return needs(metric, "targets"),
            (None, ..) => Self::Outputs(decision.filter(|decision| decision.axis.classes > 1)),
        };
        match &task {
            Self::Classification { decision: Decision { threshold: Some(_), .. }, .. } => Ok(task),
            _ if threshold.is_some() => Err(Problem::Threshold { outputs: network.output_size() }),
            _ => Ok(task),
        }
    }

    /// Share of judged positions with the correct class, if the data say which it is.
    pub fn accuracy(&self, outputs: &Batch) -> Option<f64> {
        let Self::Classification { labels, decision } = self else { return None };
        let judged: Vec<bool> = decision.are_correct(outputs, labels).into_iter().flatten().collect();
        Some(judged.iter().filter(|correct| **correct).count() as f64 / judged.len() as f64)
    }

    /// Whether samples have labels.
    pub fn has_labels(&self) -> bool {
        matches!(self, Self::Classification { .. })
    }

    /// The same task for the first samples.
    ///
    /// # Panics
    ///
    /// If there are fewer samples.
    pub fn first_samples(&self, count: usize) -> Self {
        match self {
            Self::Classification { labels, decision } => {
                let count = count * decision.axis.positions;
                Self::Classification { labels: labels[..count].to_vec(), decision: *decision }
            }
            Self::Regression { targets } => Self::Regression { targets: targets.columns(0, count).clone_owned() },
            Self::Outputs(decision) => Self::Outputs(*decision),
        }
    }

    /// Judges the outputs (outputs × samples) of one shot, next to those of the floating-point reference.
    ///
    /// # Panics
    ///
    /// If the shapes differ.
    pub fn judge(&self, outputs: &Batch, exact: &Batch) -> ShotResult {
        assert_eq!(outputs.shape(), exact.shape(), "a row needs the shape of the reference");
        // Pairs of classes with whether they are equal.
        let same = |decision: &Decision| -> Vec<bool> {
            let (own, reference) = (decision.classes(outputs), decision.classes(exact));
            own.iter().zip(&reference).map(|(a, b)| a == b).collect()
        };
        match self {
            Self::Classification { labels, decision } => {
                let among = decision.among;
                let judged = labels.iter().flatten().count() as u64;
                let positions = (judged != outputs.ncols() as u64 || decision.axis.positions > 1).then_some(judged);
                let same = same(decision).iter().zip(labels).filter(|(same, label)| **same && label.is_some()).count();
                // JSON has no infinity, which outputs of 1e200 would give.
                let output_difference = Some(relative_difference(outputs, exact)).filter(|x| x.is_finite());
                let (same, judged) = (same as u64, positions);
                let mut counts = ClassCounts { correct: 0, lost: 0, gained: 0, same, among, judged, output_difference };
                let (own, reference) = (decision.are_correct(outputs, labels), decision.are_correct(exact, labels));
                for (correct, exact_correct) in own.into_iter().flatten().zip(reference.into_iter().flatten()) {
                    counts.correct += u64::from(correct);
                    counts.lost += u64::from(exact_correct && !correct);
                    counts.gained += u64::from(correct && !exact_correct);
                }
                ShotResult::Classes(counts)
            }
            Self::Regression { targets } => ShotResult::Values(value_errors(outputs, exact, targets)),
            Self::Outputs(decision) => ShotResult::Outputs(OutputErrors {
                same: decision.as_ref().map(|decision| same(decision).into_iter().filter(|same| *same).count() as u64),
                positions: decision.map_or(1, |decision| decision.axis.positions as u64),
                output_difference: relative_difference(outputs, exact),
            }),
        }
    }

    /// Adds the classes of one shot to the counts of a classification.
    pub fn count(&self, outputs: &Batch, confusion: &mut Confusion) {
        if let Self::Classification { labels, decision } = self {
            let pairs = labels.iter().zip(decision.classes(outputs));
            pairs.filter_map(|(label, predicted)| Some(((*label)?, predicted))).for_each(|(label, predicted)| {
                confusion.add(label, predicted);
            });
        }
    }
}

impl Decision {
    /// The maximum of a number of outputs.
    pub fn maximum_of(outputs: usize) -> Self {
        Self { axis: ClassAxis::only(outputs), threshold: None, among: 1 }
    }

    /// The class at each position of each sample.
    fn classes(&self, outputs: &Batch) -> Vec<usize> {
        match self.threshold {
            Some(threshold) => binary_predictions(outputs, threshold),
            None => predictions(&self.axis.by_position(outputs)),
        }
    }

    /// Whether the class at each position of each sample is correct, or among the top ones; `None` where it is not judged.
    fn are_correct(&self, outputs: &Batch, labels: &[Option<usize>]) -> Vec<Option<bool>> {
        if self.among == 1 {
            let pairs = self.classes(outputs).into_iter().zip(labels);
            return pairs.map(|(class, label)| label.map(|label| class == label)).collect();
        }
        let is_among = |(column, &label): (nalgebra::DVectorView<'_, f64>, &Option<usize>)| {
            let label = label?;
            let own = column[label];
            // Of equal outputs the first is larger, as for the class.
            let is_larger = |(class, &value): (usize, &f64)| value > own || (value >= own && class < label);
            Some((column.iter().enumerate().filter(|entry| is_larger(*entry)).count() as u64) < self.among)
        };
        self.axis.by_position(outputs).column_iter().zip(labels).map(is_among).collect()
    }
}

/// ‖a − b‖/‖b‖ over all outputs and samples. If b is zero, 0 for equal outputs and 1 for others.
fn relative_difference(a: &Batch, b: &Batch) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let difference = squares(&mut a.iter().zip(b.iter()).map(|(a, b)| a - b));
    let reference = squares(&mut b.iter().copied());
    match (difference > 0.0, reference > 0.0) {
        (false, _) => 0.0,
        (true, false) => 1.0,
        (true, true) => (difference / reference).sqrt(),
    }
}

/// Whether the mean square of the outputs, of the targets and of their differences is a finite number.
pub(crate) fn is_comparable(outputs: &Batch, targets: &Batch) -> bool {
    let errors = value_errors(outputs, outputs, targets);
    errors.rms_error.is_finite() && errors.target_sd.is_finite() && outputs.norm_squared().is_finite()
}

/// Errors of outputs to targets, next to those of the floating-point reference.
fn value_errors(outputs: &Batch, exact: &Batch, targets: &Batch) -> ValueErrors {
    // The mean square over the outputs of each sample.
    let squares = |values: &Batch| -> Vec<f64> {
        let differences = values.column_iter().zip(targets.column_iter());
        differences.map(|(a, b)| (a - b).norm_squared() / targets.nrows() as f64).collect()
    };
    let (own, reference) = (squares(outputs), squares(exact));
    let samples = own.len() as f64;
    let mean = |all: &[f64]| all.iter().sum::<f64>() / samples;
    let (own_mean, reference_mean) = (mean(&own), mean(&reference));
    let (rms_error, reference_rms) = (own_mean.sqrt(), reference_mean.sqrt());
    // √x changes by Δx/(2√x) to first order.
    let change = |square: f64, mean: f64, rms: f64| if rms > 0.0 { (square - mean) / (2.0 * rms) } else { 0.0 };
    let changes = || own.iter().map(|&square| change(square, own_mean, rms_error));
    let paired = changes().zip(&reference).map(|(own, &square)| own - change(square, reference_mean, reference_rms));
    let standard_error = |changes: &mut dyn Iterator<Item = f64>| changes.map(|x| x * x).sum::<f64>().sqrt() / samples;
    let variance = |values: Vec<f64>| {
        let center = mean(&values);
        values.iter().map(|value| (value - center).powi(2)).sum::<f64>() / samples
    };
    let variances = targets.row_iter().map(|row| variance(row.iter().copied().collect()));
    let target_variance = variances.sum::<f64>() / targets.nrows() as f64;
    ValueErrors {
        rms_error,
        rms_error_se: standard_error(&mut changes()),
        difference: rms_error - reference_rms,
        difference_se: standard_error(&mut { paired }),
        target_sd: target_variance.sqrt(),
        output_difference: relative_difference(outputs, exact),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_regression_are_those_of_numpy() {
        // y = [[1, 2], [3, 5], [4, 1]], p = [[1.5, 2], [2, 5.5], [4, 0]], r = [[1, 2.5], [3, 5], [3.5, 1]] (samples × outputs).
        let targets = Batch::from_column_slice(2, 3, &[1.0, 2.0, 3.0, 5.0, 4.0, 1.0]);
        let outputs = Batch::from_column_slice(2, 3, &[1.5, 2.0, 2.0, 5.5, 4.0, 0.0]);
        let exact = Batch::from_column_slice(2, 3, &[1.0, 2.5, 3.0, 5.0, 3.5, 1.0]);
        let errors = value_errors(&outputs, &exact, &targets);
        // rms² = (0.25 + 1.25 + 1)/6; targets: variances 14/9 and 26/9 of the outputs.
        assert!((errors.rms_error - (2.5_f64 / 6.0).sqrt()).abs() < 1e-15);
        assert!((errors.difference - ((2.5_f64 / 6.0).sqrt() - (0.5_f64 / 6.0).sqrt())).abs() < 1e-15);
        assert!((errors.target_sd - (20.0_f64 / 9.0).sqrt()).abs() < 1e-15);
        assert!((errors.r_squared() - (1.0 - 2.5 / 6.0 / (20.0 / 9.0))).abs() < 1e-15);
        // Σ(p − r)² = 0.5 + 1.25 + 1.25, Σr² = 1 + 6.25 + 9 + 25 + 12.25 + 1.
        assert!((errors.output_difference - (3.0_f64 / 54.5).sqrt()).abs() < 1e-15);
    }

    /// The standard errors to first order against the spread over many draws of the samples.
    #[test]
    fn standard_errors_are_the_spread_over_samples() {
        use phaseloom_numerics::StreamKey;
        use rand::RngExt;
        let mut random = StreamKey::new(1, "regression").stream();
        let (samples, draws) = (400, 400);
        let mut all = Vec::new();
        for _ in 0..draws {
            let mut noise = || Batch::from_fn(2, samples, |_, _| random.random_range(-1.0..1.0));
            let (targets, exact_noise, noise) = (noise(), noise(), noise());
            let exact = &targets + 0.5 * exact_noise;
            all.push(value_errors(&(&exact + noise), &exact, &targets));
        }
        let spread = |value: fn(&ValueErrors) -> f64| {
            let values: Vec<f64> = all.iter().map(value).collect();
            phaseloom_numerics::statistics::variance(&values).sqrt()
        };
        let mean = |value: fn(&ValueErrors) -> f64| all.iter().map(value).sum::<f64>() / f64::from(draws);
        // The spread of 400 draws has a relative standard error of 3.5 %.
        assert!((mean(|e| e.rms_error_se) / spread(|e| e.rms_error) - 1.0).abs() < 0.12);
        assert!((mean(|e| e.difference_se) / spread(|e| e.difference) - 1.0).abs() < 0.12);
    }

    #[test]
    fn one_output_is_compared_with_its_threshold() {
        let decision = Decision { threshold: Some(0.5), ..Decision::maximum_of(1) };
        let task = Task::Classification { labels: [0, 1, 1].map(Some).to_vec(), decision };
        let (outputs, exact) =
            (Batch::from_row_slice(1, 3, &[0.5, 0.6, 0.1]), Batch::from_row_slice(1, 3, &[0.7, 0.6, 0.9]));
        let result = task.judge(&outputs, &exact);
        // Σ(a − b)² = 0.04 + 0 + 0.64, Σb² = 0.49 + 0.36 + 0.81.
        let output_difference = result.output_difference();
        assert!((output_difference.unwrap() - (0.68_f64 / 1.66).sqrt()).abs() < 1e-15);
        let expected =
            ClassCounts { correct: 2, lost: 1, gained: 1, same: 1, among: 1, judged: None, output_difference };
        assert_eq!(result, ShotResult::Classes(expected));
        let mut confusion = Confusion::default();
        task.count(&outputs, &mut confusion);
        assert_eq!(confusion.counts().collect::<Vec<_>>(), [(0, 0, 1), (1, 0, 1), (1, 1, 1)]);
    }

    #[test]
    fn without_labels_outputs_are_compared_with_the_reference() {
        let outputs = Batch::from_column_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]);
        let exact = Batch::from_column_slice(2, 2, &[2.0, 1.0, 3.0, 4.0]);
        let expected = OutputErrors { same: Some(1), positions: 1, output_difference: (2.0_f64 / 30.0).sqrt() };
        let task = Task::Outputs(Some(Decision::maximum_of(2)));
        assert_eq!(task.judge(&outputs, &exact), ShotResult::Outputs(expected));
        let one = Batch::from_row_slice(1, 2, &[1.0, 0.0]);
        let expected = OutputErrors { same: None, positions: 1, output_difference: 0.0 };
        assert_eq!(Task::Outputs(None).judge(&one, &one), ShotResult::Outputs(expected));
    }

    /// Two samples of two positions with two classes: three of four positions have the same class.
    #[test]
    fn positions_have_classes_of_their_own() {
        let axis = ClassAxis::new(&[2, 2], Some(-1), None).unwrap().unwrap();
        let task = Task::Outputs(Some(Decision { axis, threshold: None, among: 1 }));
        let outputs = Batch::from_column_slice(4, 2, &[1.0, 2.0, 5.0, 3.0, 0.0, 1.0, 1.0, 0.0]);
        let exact = Batch::from_column_slice(4, 2, &[1.0, 2.0, 3.0, 5.0, 0.0, 1.0, 1.0, 0.0]);
        let result = task.judge(&outputs, &exact);
        assert!((result.value(2) - 0.75).abs() < 1e-15 && (result.difference(2) + 0.25).abs() < 1e-15);
        assert!(!result.is_impossible(2));
    }

    /// Random outputs of 7 samples with 3 × 4 positions and 6 classes on the axis between them, against a count one by one.
    #[test]
    fn labels_of_positions_are_counted_one_by_one() {
        use phaseloom_numerics::StreamKey;
        use rand::RngExt;
        let mut random = StreamKey::new(1, "positions").stream();
        let axis = ClassAxis::new(&[3, 6, 4], None, Some(12)).unwrap().unwrap();
        let mut batch = || Batch::from_fn(72, 7, |_, _| random.random_range(-1.0..1.0));
        let (outputs, exact) = (batch(), batch());
        let labels: Vec<Option<usize>> = (0..84).map(|i| (i % 5 != 3).then_some(i * i % 6)).collect();
        for among in [1, 5] {
            let task =
                Task::Classification { labels: labels.clone(), decision: Decision { axis, threshold: None, among } };
            let output_difference = Some(relative_difference(&outputs, &exact));
            let (correct, lost, gained, same, judged) = (0, 0, 0, 0, Some(0));
            let mut expected = ClassCounts { correct, lost, gained, same, among, judged, output_difference };
            let mut confusion = Confusion::default();
            for (sample, outer, inside) in (0..84).map(|i| (i / 12, i % 12 / 4, i % 4)) {
                let Some(label) = labels[sample * 12 + outer * 4 + inside] else { continue };
                // The classes from the largest output down.
                let order = |batch: &Batch| {
                    let output = |class: usize| batch[((outer * 6 + class) * 4 + inside, sample)];
                    let mut classes: Vec<usize> = (0..6).collect();
                    classes.sort_by(|&a, &b| output(b).total_cmp(&output(a)));
                    classes
                };
                let (own, reference) = (order(&outputs), order(&exact));
                let [is, was] = [&own, &reference].map(|order| order[..among as usize].contains(&label));
                expected.correct += u64::from(is);
                expected.gained += u64::from(is && !was);
                expected.lost += u64::from(was && !is);
                expected.same += u64::from(own[0] == reference[0]);
                *expected.judged.as_mut().unwrap() += 1;
                confusion.add(label, own[0]);
            }
            let result = task.judge(&outputs, &exact);
            assert_eq!(result, ShotResult::Classes(expected));
            assert!(!result.is_impossible(7));
            let judged = expected.judged.unwrap() as f64;
            assert!((result.value(7) - expected.correct as f64 / judged).abs() < 1e-15);
            assert_eq!(task.accuracy(&outputs), Some(expected.correct as f64 / judged));
            let mut counted = Confusion::default();
            task.count(&outputs, &mut counted);
            assert_eq!((counted.total(), counted), (expected.judged.unwrap(), confusion));
            assert!(task.first_samples(3).accuracy(&outputs.columns(0, 3).clone_owned()).is_some());
        }
    }

    #[test]
    fn the_label_is_among_the_five_largest() {
        let decision = Decision { among: 5, ..Decision::maximum_of(7) };
        let task = Task::Classification { labels: [0, 1, 6].map(Some).to_vec(), decision };
        // Ranks from 0: of class 0, 5; of class 1, 4; of class 6, with four larger and one equal output before it.
        let outputs = [
            [1.0, 6.0, 5.0, 4.0, 3.0, 2.0, 0.0],
            [9.0, 2.0, 5.0, 4.0, 3.0, 1.0, 0.0],
            [4.0, 4.0, 4.0, 4.0, 2.0, 1.0, 2.0],
        ];
        let outputs = Batch::from_column_slice(7, 3, &outputs.concat());
        let (judged, output_difference) = (None, Some(0.0));
        let expected = ClassCounts { correct: 1, lost: 0, gained: 0, same: 3, among: 5, judged, output_difference };
        let result = task.judge(&outputs, &outputs);
        assert_eq!(result, ShotResult::Classes(expected));
        assert_eq!(result.score().quantity.key, "top_5_accuracy");
        assert_eq!(task.accuracy(&outputs), Some(1.0 / 3.0));
    }
}
