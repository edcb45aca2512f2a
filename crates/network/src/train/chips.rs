//! Photonic layers on chips while a network is trained: the products of the layers, and the gradients by their phases,
//! attenuators and gains.
//!
//! Chips and noise have streams of their own, so that no chip of training is ever a chip of a test or of a run.

use std::path::Path;

use phaseloom_files::{InputFiles, InvalidValue};
use phaseloom_hardware::slopes::{Adjoint, InSitu, ParameterShift, SlopeMethod};
use phaseloom_hardware::{
    CoreSpec, FieldProduct, FullScale, LayerAddress, LayerProgram, Link, MatrixProduct, OpticalProduct, ParameterKind,
    Process, ProductTrace, Scales, Shot, TrainableLayer, bound_scales,
};
use phaseloom_numerics::StreamKey;
use phaseloom_numerics::linalg::multiply;
use rand::{Rng, RngExt};

use crate::calibration::{Calibration, CalibrationSettings};
use crate::data::{Batch, Dataset, resolve};
use crate::error::Result;
use crate::layer::place::PlacedLayer;
use crate::layer::{LayerSpec, Products, Recorder, chain};
use crate::model::{Model, ModelSpec};
use crate::network::{Network, predictions};
use crate::programs::Programs;
use crate::train::CHUNK;
use crate::train::learner::trained_layers;
use crate::train::loss::Loss;
use crate::train::spec::{GradientMethod, TrainOn, TrainSpec, TrainedParameters};

/// Samples of the training data that measure the scales of the converters after each epoch.
const CALIBRATION_SAMPLES: usize = 1000;

/// Largest logarithm of a gain that counts as one: e^200 is far from any amplifier, and squares of it are still finite.
const MAX_LOG_GAIN: f64 = 200.0;

/// Size of the perturbation of forward-only training (rad, and relative for gains).
const PERTURBATION: f64 = 1e-2;

/// Checks that a model can be trained on chips.
pub(super) fn check_model(model: &ModelSpec, placed: &[PlacedLayer<'_>]) -> Result<(), InvalidValue> {
    if model.input.fold {
        let expected = "`fold = false`: trained phases are those of the weights as they are";
        return Err(InvalidValue::new("input.fold", "true", expected));
    }
    for layer in placed {
        let is_norm = |next: &LayerSpec| next.kind().key() == "batch_norm";
        if layer.spec.kind().key() != "dense" && layer.spec.weight().is_some() && layer.next.is_some_and(is_norm) {
            let expected =
                "no batch normalisation right after a photonic layer, which would be folded into its trained phases";
            return Err(InvalidValue::new(&layer.key, "followed by `batch_norm`", expected));
        }
    }
    Ok(())
}

/// The photonic layers of a model on chips.
pub(super) struct ChipLayers {
    layers: Vec<TrainableLayer>,
    traces: Vec<Option<ProductTrace>>,
    /// Gradients of the present step: of every layer, its groups of parameters.
    gradients: Vec<Vec<Vec<f64>>>,
    core: CoreSpec,
    process: Process,
    link: Link,
    on: TrainOn,
    trains: TrainedParameters,
    method: GradientMethod,
    seed: u64,
    /// Scales of the converters of every layer, as last measured.
    scales: Vec<Scales>,
    /// Inputs of every product of the present step, for the gradient by the weights.
    inputs: Vec<Batch>,
    shot: Shot,
    /// The loss, of equal weights at first.
    pub criterion: Loss,
    /// How many times light passed a core for gradients.
    pub passes: u64,
}

/// Accuracy of a trained network on some chips, 0…1.
#[derive(Clone, Debug, PartialEq)]
pub struct ChipAccuracy {
    /// On perfect chips with an ideal link.
    pub perfect: f64,
    /// On the chip of the training, if it was one.
    pub trained_chip: Option<f64>,
    /// On chips that did not train.
    pub test_chips: Vec<f64>,
}

impl ChipLayers {
    /// The layers of a model with its weights as the first programs. `base` is the folder of the training file.
    pub(super) fn new(spec: &TrainSpec, base: &Path, model: &Model) -> Result<Self> {
        let core = spec.core.clone().unwrap_or_default();
        let process = spec.process.clone().unwrap_or_default().read(base)?;
        let link = spec.link.clone().unwrap_or_default();
        let mut chips = Self {
            layers: Vec::new(),
            traces: Vec::new(),
            gradients: Vec::new(),
            core,
            process,
            link,
            on: spec.on,
            trains: spec.trained_parameters(),
            method: spec.gradient,
            seed: spec.seed,
            scales: Vec::new(),
            inputs: Vec::new(),
            shot: Shot { trial: 0, index: 0, first_vector: 0 },
            criterion: Loss::default(),
            passes: 0,
        };
        for view in model.photonic_layers() {
            let (outputs, inputs) = view.shape();
            let plan = chips.core.plan(outputs, inputs, chips.link.detection)?;
            chips.scales.push(Scales { input: 1.0, full_scale: vec![1.0; plan.tiles().len()] });
        }
        let initial = match &spec.initial_programs {
            Some(path) => Some(Programs::load_from(&resolve(path, base)?, &InputFiles::default())?),
            None => None,
        };
        chips.program(model, initial.as_ref())?;
        chips.fabricate(0)?;
        Ok(chips)
    }

    /// Programs the weights of the model.
    fn program_weights(&mut self, model: &Model) -> Result<()> {
        self.program(model, None)
    }

    /// Programs the weights of the model, or starts from other programs.
    fn program(&mut self, model: &Model, initial: Option<&Programs>) -> Result<()> {
        self.layers.clear();
        let design = self.core.design()?;
        for (index, (view, scales)) in model.photonic_layers().iter().zip(&self.scales).enumerate() {
            let detection = self.link.detection;
            let program = match initial {
                Some(programs) => programs.layer(index, view, (&self.core, &design), detection, scales)?,
                None => view.program(&self.core, &design, detection, scales)?,
            };
            let core_use = self.core.core_use();
            self.layers.push(TrainableLayer::new(program, &self.process, &self.link, scales, core_use)?);
        }
        self.traces = self.layers.iter().map(|_| None).collect();
        self.gradients = self.layers.iter().map(|_| Vec::new()).collect();
        self.inputs = self.layers.iter().map(|_| Batch::zeros(0, 0)).collect();
        Ok(())
    }

    /// The seed of a purpose: far from every seed that a user writes.
    fn purpose(&self, purpose: &str) -> u64 {
        StreamKey::new(self.seed, purpose).stream().next_u64()
    }

    fn fabricate(&mut self, trial: u64) -> Result<()> {
        let seed = self.purpose("train/chips");
        let mut first_core = 0;
        for (index, layer) in self.layers.iter_mut().enumerate() {
            layer.fabricate(LayerAddress { seed, trial, layer: index as u64, first_core })?;
            first_core += layer.tiles() as u64;
        }
        Ok(())
    }

    /// Mean loss, number of correct predictions, and gradient of every parameter of the model and then of the chips, for the samples
    /// `rows` in the step of number `step`. Frozen parameters have no gradient.
    pub(super) fn gradients(
        &mut self,
        model: &mut Model,
        data: &Dataset,
        rows: &[usize],
        step: u64,
    ) -> Result<(f64, usize, Vec<Vec<f64>>)> {
        if self.method == GradientMethod::ForwardOnly {
            return self.forward_only(model, data, rows, step);
        }
        self.start_step(model, step)?;
        let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
        let input = model.prepare(&data.inputs.select(rows));
        let count = trained_layers(model);
        let layers = &mut model.layers_mut()[..count];
        let traces = chain::record_with(layers, &input, &mut Recorder::new(Some(self)));
        let logits = chain::output(&traces, &input);
        let correct = predictions(logits).iter().zip(&labels).filter(|(a, b)| a == b).count();
        let (loss, gradient) = self.criterion.mean(logits, &labels);
        let mut gradients = chain::backward_with(layers, &input, &traces, gradient, false, Some(self)).parameters;
        gradients.extend(self.take_gradients());
        Ok((loss, correct, gradients))
    }

    /// Mean loss and number of correct predictions of the samples `rows` in a step.
    fn evaluate(&mut self, model: &mut Model, data: &Dataset, rows: &[usize]) -> (f64, usize) {
        let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
        let input = model.prepare(&data.inputs.select(rows));
        let count = trained_layers(model);
        let layers = &mut model.layers_mut()[..count];
        let traces = chain::record_with(layers, &input, &mut Recorder::new(Some(self)));
        let logits = chain::output(&traces, &input);
        let correct = predictions(logits).iter().zip(&labels).filter(|(a, b)| a == b).count();
        (self.criterion.mean(logits, &labels).0, correct)
    }

    /// Mean loss of the samples `rows` on the chips of a step.
    pub(super) fn loss(&mut self, model: &mut Model, data: &Dataset, rows: &[usize], step: u64) -> Result<f64> {
        self.start_step(model, step)?;
        Ok(self.evaluate(model, data, rows).0)
    }

    /// Simultaneous perturbation: `g = (L(p + cΔ) − L(p − cΔ))/(2c)·Δ` with random signs Δ (Spall, IEEE Trans. Autom. Control 37,
    /// 332, 1992): unbiased up to c², and of relative variance P − 1 for P parameters.
    fn forward_only(
        &mut self,
        model: &mut Model,
        data: &Dataset,
        rows: &[usize],
        step: u64,
    ) -> Result<(f64, usize, Vec<Vec<f64>>)> {
        self.start_step(model, step)?;
        let mut stream = StreamKey::new(self.seed, "train/perturbation").block(step).stream();
        // The weights of photonic layers are no parameters.
        let photonic: Vec<*const f64> = model.photonic_mut().iter().map(|linear| linear.weight.as_ptr()).collect();
        let mut signs: Vec<Vec<f64>> = Vec::new();
        for parameter in model.layers_mut().iter_mut().flat_map(|layer| layer.parameters()) {
            let frozen = photonic.contains(&parameter.values.as_ptr());
            let count = if frozen { 0 } else { parameter.values.len() };
            signs.push((0..count).map(|_| if stream.random::<bool>() { 1.0 } else { -1.0 }).collect());
        }
        for values in self.parameters_mut() {
            signs.push(values.iter().map(|_| if stream.random::<bool>() { 1.0 } else { -1.0 }).collect());
        }
        let move_all = |chips: &mut Self, model: &mut Model, by: f64| {
            let of_model = model.layers_mut().iter_mut().flat_map(|layer| layer.parameters()).map(|p| p.values);
            let all = of_model.chain(chips.parameters_mut().map(Vec::as_mut_slice));
            for (values, signs) in all.zip(&signs) {
                values.iter_mut().zip(signs).for_each(|(value, sign)| *value += by * sign);
            }
        };
        move_all(self, model, PERTURBATION);
        let (plus, correct) = self.evaluate(model, data, rows);
        move_all(self, model, -2.0 * PERTURBATION);
        let (minus, _) = self.evaluate(model, data, rows);
        move_all(self, model, PERTURBATION);
        self.passes += 2 * rows.len() as u64 * self.layers.len() as u64;
        let slope = (plus - minus) / (2.0 * PERTURBATION);
        signs.iter_mut().flatten().for_each(|sign| *sign *= slope);
        Ok((0.5 * (plus + minus), correct, signs))
    }

    /// Prepares a step: new chips of a population, new noise, no gradients.
    fn start_step(&mut self, model: &Model, step: u64) -> Result<()> {
        let programs = self.trains == TrainedParameters::Weights;
        if programs {
            self.program_weights(model)?;
        }
        match self.on {
            TrainOn::Population => self.fabricate(step)?,
            TrainOn::Chip | TrainOn::Exact if programs => self.fabricate(0)?,
            TrainOn::Chip | TrainOn::Exact => {}
        }
        // The noise of a step is that of a trial of its own.
        self.shot = Shot { trial: step, index: 0, first_vector: 0 };
        self.gradients.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    /// Values of all parameters, layer by layer.
    pub(super) fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Vec<f64>> {
        let trained = self.trains == TrainedParameters::Phases;
        self.layers.iter_mut().filter(move |_| trained).flat_map(|layer| layer.parameters_mut())
    }

    /// Whether every parameter is finite, and every gain far within the range of a double.
    pub(super) fn is_usable(&self) -> bool {
        let mut groups = self.layers.iter().flat_map(|layer| layer.parameters().iter().zip(layer.kinds()));
        groups.all(|(values, kind)| {
            let limit = if kind == ParameterKind::Gain { MAX_LOG_GAIN } else { f64::MAX };
            values.iter().all(|value| value.abs() <= limit)
        })
    }

    /// Number of lists of parameters of each layer.
    pub(super) fn groups(&self) -> impl Iterator<Item = usize> + '_ {
        let trained = self.trains == TrainedParameters::Phases;
        self.layers.iter().map(move |layer| if trained { layer.parameters().len() } else { 0 })
    }

    /// The gradients by all parameters after a backward pass, in their order. Frozen ones are empty.
    pub(super) fn take_gradients(&mut self) -> Vec<Vec<f64>> {
        let mut gradients = Vec::new();
        if self.trains == TrainedParameters::Weights {
            return gradients;
        }
        for (layer, found) in self.layers.iter().zip(&mut self.gradients) {
            if found.is_empty() {
                gradients.extend(layer.parameters().iter().map(|_| Vec::new()));
                continue;
            }
            for (kind, gradient) in layer.kinds().into_iter().zip(std::mem::take(found)) {
                let frozen = kind == ParameterKind::Mesh && self.method == GradientMethod::SigmaOnly;
                gradients.push(if frozen { Vec::new() } else { gradient });
            }
        }
        gradients
    }

    /// Writes the weights that homodyne detection reads on perfect chips into the model.
    pub(super) fn write_weights(&mut self, model: &mut Model) {
        let weights: Vec<_> = self.layers.iter_mut().map(TrainableLayer::weight).collect();
        for (linear, weight) in model.photonic_mut().into_iter().zip(weights) {
            linear.weight = weight;
        }
    }

    /// Measures the scales of the converters on the first training samples, and the factors that undo the mean loss.
    pub(super) fn calibrate(&mut self, model: &mut Model, data: &Dataset) -> Result<()> {
        if self.trains == TrainedParameters::Phases {
            self.write_weights(model);
        }
        self.scales = self.measured_scales(model, data)?;
        if self.trains == TrainedParameters::Weights {
            self.program_weights(model)?;
            return self.fabricate(0);
        }
        for (layer, scales) in self.layers.iter_mut().zip(&self.scales) {
            layer.set_scales(scales)?;
        }
        Ok(())
    }

    fn measured_scales(&self, model: &Model, data: &Dataset) -> Result<Vec<Scales>> {
        let column_block = self.core.column_block(self.link.detection);
        let samples = data.samples().min(CALIBRATION_SAMPLES);
        let first = Dataset { inputs: data.inputs.batch(0..samples).into(), ..data.clone() };
        let settings = CalibrationSettings { ports: self.core.ports, column_block, quantile: 1.0 };
        let calibration = Calibration::measure(model, &first, settings)?;
        let bound = self.link.adc.is_some_and(|adc| adc.full_scale == FullScale::Bound);
        let views = model.photonic_layers();
        let scales = calibration.layers.into_iter().zip(&views).map(|(layer, view)| match bound {
            _ if view.kind.is_complex() => Ok(Scales { input: layer.input_scale, full_scale: layer.full_scale }),
            true => Ok(bound_scales(view.weight, &self.core, &self.link, layer.input_scale)?),
            false => Ok(Scales { input: layer.input_scale, full_scale: layer.full_scale }),
        });
        scales.collect()
    }

    /// The programs of all layers, if their phases were trained.
    pub(super) fn programs(&mut self) -> Option<Programs> {
        if self.trains == TrainedParameters::Weights {
            return None;
        }
        let layers: Vec<_> = self.layers.iter_mut().map(|layer| layer.program().clone()).collect();
        let layers: Vec<&LayerProgram> = layers.iter().map(|layer| &**layer).collect();
        Some(Programs::new(&layers, &self.core, self.link.detection))
    }

    /// Accuracy on perfect chips, on the chip of the training, and on chips that did not train.
    pub(super) fn accuracy(&mut self, model: &Model, data: &Dataset, test_chips: u64) -> Result<ChipAccuracy> {
        let ideal = Link::ideal(self.link.detection);
        let seed = self.purpose("train/test_chips");
        let perfect = self.on_chips(model, data, (&Process::default(), &ideal), (seed, 0))?;
        let (process, link) = (self.process.clone(), self.link.clone());
        let trained_chip = match self.on {
            TrainOn::Chip => Some(self.on_chips(model, data, (&process, &link), (self.purpose("train/chips"), 0))?),
            TrainOn::Population | TrainOn::Exact => None,
        };
        let chips = (0..test_chips).map(|trial| self.on_chips(model, data, (&process, &link), (seed, trial)));
        Ok(ChipAccuracy { perfect, trained_chip, test_chips: chips.collect::<Result<_>>()? })
    }

    /// Accuracy on the chips of a trial.
    fn on_chips(
        &mut self,
        model: &Model,
        data: &Dataset,
        (process, link): (&Process, &Link),
        (seed, trial): (u64, u64),
    ) -> Result<f64> {
        let mut products: Vec<Box<dyn MatrixProduct>> = Vec::new();
        let mut first_core = 0;
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let (program, scales) = (layer.program().clone(), layer.scales().clone());
            let design = std::sync::Arc::new(program.design(process)?);
            let address = LayerAddress { seed, trial, layer: index as u64, first_core };
            let core_use = self.core.core_use();
            products.push(match program.kind().is_complex() {
                true => Box::new(FieldProduct::new(&program, &design, core_use, address)?),
                false => Box::new(OpticalProduct::<f32>::new(&program, &design, link, &scales, core_use, address)?),
            });
            first_core += layer.tiles() as u64;
        }
        let mut correct = 0;
        for (first, batch) in data.inputs.batches(CHUNK) {
            let views = model.photonic_layers();
            let mut multiply = |call: crate::network::Call, x: &Batch| {
                let first_vector = (first * views[call.product].vectors + call.first_vector) as u64;
                products[call.product].multiply(x, Shot { trial, index: 0, first_vector }).0
            };
            let outputs = model.pass(&model.prepare(&batch), &mut multiply, &mut |_, _| {})?;
            let labels = &data.labels()[first..first + batch.ncols()];
            correct += predictions(&outputs).iter().zip(labels).filter(|(a, b)| a == b).count();
        }
        Ok(correct as f64 / data.samples() as f64)
    }
}

impl Products for ChipLayers {
    fn multiply(&mut self, product: usize, x: &Batch) -> Batch {
        let (output, trace, _) = self.layers[product].record(x, self.shot);
        if self.trains == TrainedParameters::Weights {
            self.inputs[product] = x.clone();
        }
        self.traces[product] = Some(trace);
        output
    }

    fn backward(&mut self, product: usize, gradient: &Batch, needs_input: bool) -> (Option<Batch>, Vec<f64>) {
        let method: &dyn SlopeMethod = match self.method {
            GradientMethod::InSitu => &InSitu,
            GradientMethod::ParameterShift => &ParameterShift,
            GradientMethod::Adjoint | GradientMethod::SigmaOnly | GradientMethod::ForwardOnly => &Adjoint,
        };
        let Some(trace) = self.traces[product].take() else { panic!("product {product} was not recorded") };
        if self.trains == TrainedParameters::Weights {
            // Straight through: the realised matrix changes as the weight does.
            let by_weight = multiply(gradient, &self.inputs[product].transpose());
            let by_input = needs_input.then(|| self.layers[product].input_gradient(&trace, gradient)).flatten();
            return (by_input, by_weight.data.into());
        }
        let found = self.layers[product].backward(&trace, gradient, needs_input, method);
        self.gradients[product] = found.parameters;
        self.passes += found.passes;
        (found.input, Vec::new())
    }
}

#[cfg(test)]
mod tests;
