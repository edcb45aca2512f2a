//! Photonic layers on chips while a network is trained: the products of the layers, and the gradients by their phases,
//! attenuators and gains.
//!
//! Chips and noise have streams of their own, so that no chip of training is ever a chip of a test or of a run.

use std::path::Path;

use phaseloom_files::InvalidValue;
use phaseloom_hardware::slopes::{Adjoint, InSitu, ParameterShift, SlopeMethod};
use phaseloom_hardware::{
    CoreSpec, FieldProduct, FullScale, LayerAddress, LayerProgram, Link, MatrixProduct, OpticalProduct, ParameterKind,
    Process, ProductTrace, Scales, Shot, TrainableLayer, bound_scales,
};
use phaseloom_numerics::StreamKey;
use rand::{Rng, RngExt};

use crate::calibration::{Calibration, CalibrationSettings};
use crate::data::{Batch, Dataset};
use crate::error::Result;
use crate::layer::place::PlacedLayer;
use crate::layer::{LayerSpec, Products, Recorder, chain};
use crate::model::{Model, ModelSpec};
use crate::network::{Network, predictions};
use crate::programs::Programs;
use crate::train::spec::{GradientMethod, LossKind, TrainOn, TrainSpec};
use crate::train::{CHUNK, trained_layers};

/// Samples of the training data that measure the scales of the converters after each epoch.
const CALIBRATION_SAMPLES: usize = 1000;

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
    method: GradientMethod,
    loss_kind: LossKind,
    seed: u64,
    shot: Shot,
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
        let design = core.design()?;
        let mut layers = Vec::new();
        for view in model.photonic_layers() {
            let (outputs, inputs) = view.shape();
            let tiles = core.plan(outputs, inputs, link.detection)?.tiles().len();
            let scales = Scales { input: 1.0, full_scale: vec![1.0; tiles] };
            let program = view.program(&core, &design, link.detection, &scales)?;
            layers.push(TrainableLayer::new(program, &process, &link, &scales, core.core_use())?);
        }
        let mut chips = Self {
            traces: layers.iter().map(|_| None).collect(),
            gradients: layers.iter().map(|_| Vec::new()).collect(),
            layers,
            core,
            process,
            link,
            on: spec.on,
            method: spec.gradient,
            loss_kind: spec.loss,
            seed: spec.seed,
            shot: Shot { trial: 0, index: 0, first_vector: 0 },
            passes: 0,
        };
        chips.fabricate(0)?;
        Ok(chips)
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
        self.start_step(step)?;
        let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
        let input = model.prepare(&data.inputs.select(rows));
        let count = trained_layers(model);
        let layers = &mut model.layers_mut()[..count];
        let traces = chain::record_with(layers, &input, &mut Recorder::new(Some(self)));
        let logits = chain::output(&traces, &input);
        let correct = predictions(logits).iter().zip(&labels).filter(|(a, b)| a == b).count();
        let (loss, gradient) = self.loss_kind.mean(logits, &labels);
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
        (self.loss_kind.mean(logits, &labels).0, correct)
    }

    /// Mean loss of the samples `rows` on the chips of a step.
    pub(super) fn loss(&mut self, model: &mut Model, data: &Dataset, rows: &[usize], step: u64) -> Result<f64> {
        self.start_step(step)?;
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
        self.start_step(step)?;
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
    pub(super) fn start_step(&mut self, step: u64) -> Result<()> {
        if self.on == TrainOn::Population {
            self.fabricate(step)?;
        }
        // The noise of a step is that of a trial of its own.
        self.shot = Shot { trial: step, index: 0, first_vector: 0 };
        self.gradients.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    /// Values of all parameters, layer by layer.
    pub(super) fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Vec<f64>> {
        self.layers.iter_mut().flat_map(|layer| layer.parameters_mut())
    }

    /// The gradients by all parameters after a backward pass, in their order. Frozen ones are empty.
    pub(super) fn take_gradients(&mut self) -> Vec<Vec<f64>> {
        let mut gradients = Vec::new();
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
        self.write_weights(model);
        let scales = self.measured_scales(model, data)?;
        for (layer, scales) in self.layers.iter_mut().zip(&scales) {
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

    /// The programs of all layers.
    pub(super) fn programs(&mut self) -> Programs {
        let layers: Vec<_> = self.layers.iter_mut().map(|layer| layer.program().clone()).collect();
        let layers: Vec<&LayerProgram> = layers.iter().map(|layer| &**layer).collect();
        Programs::new(&layers, &self.core, self.link.detection)
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
        let found = self.layers[product].backward(&trace, gradient, needs_input, method);
        self.gradients[product] = found.parameters;
        self.passes += found.passes;
        (found.input, Vec::new())
    }
}

#[cfg(test)]
mod tests;
