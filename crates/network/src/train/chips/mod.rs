//! Photonic layers on chips while a network is trained: the products of the layers, and the gradients by their phases,
//! attenuators and gains.
//!
//! Chips and noise have streams of their own, so that no chip of training is ever a chip of a test or of a run.

mod accuracy;
mod forward_only;
mod method;
mod sigma_only;

use std::f64::consts::TAU;
use std::path::Path;

use phaseloom_files::{InputFiles, InvalidValue};
use phaseloom_hardware::slopes::Adjoint;
use phaseloom_hardware::{
    CoreSpec, Detection, FullScale, HardwareError, LayerAddress, LayerProgram, Link, ParameterKind, Process,
    ProductTrace, Scales, Shot, TrainableLayer, bound_scales,
};
use phaseloom_numerics::StreamKey;
use phaseloom_numerics::linalg::multiply;
use rand::Rng;

use crate::calibration::{Calibration, CalibrationSettings};
use crate::data::{Batch, Dataset, resolve};
use crate::error::Result;
use crate::layer::place::PlacedLayer;
use crate::layer::{LayerSpec, Products, Recorder, Trace, chain};
use crate::model::{Model, ModelSpec};
use crate::network::Network;

use crate::programs::Programs;
pub use crate::train::chips::accuracy::ChipAccuracy;
use crate::train::chips::method::{BatchGradient, method};
use crate::train::learner::{BatchResult, trained_layers};
use crate::train::loss::Loss;
use crate::train::spec::{NoiseGradient, TrainOn, TrainSpec, TrainedParameters};

/// Samples of the training data that measure the scales of the converters after each epoch.
const CALIBRATION_SAMPLES: usize = 1000;

/// Largest logarithm of a gain that counts as one: e^200 is far from any amplifier, and squares of it are still finite.
const MAX_LOG_GAIN: f64 = 200.0;

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

/// The forward pass of a batch.
struct Forward {
    loss: f64,
    correct: usize,
    /// Of the loss by the outputs.
    gradient: Batch,
    /// Number of layers before the loss.
    layers: usize,
    input: Batch,
    traces: Vec<Trace>,
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
    noise: NoiseGradient,
    trains: TrainedParameters,
    method: &'static dyn BatchGradient,
    seed: u64,
    /// Scales of the converters of every layer, as last measured.
    scales: Vec<Scales>,
    /// Inputs of every product of the present step, for the gradient by the weights.
    inputs: Vec<Batch>,
    /// Sums of the squares of the gradients by realised weights, while they are collected.
    squares: Option<Vec<Option<Batch>>>,
    shot: Shot,
    /// The loss, of equal weights at first.
    pub criterion: Loss,
    /// How many times light passed a core for gradients.
    pub passes: u64,
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
            noise: spec.noise_gradient,
            trains: spec.trained_parameters(),
            method: method(spec.gradient),
            seed: spec.seed,
            scales: Vec::new(),
            inputs: Vec::new(),
            squares: None,
            shot: Shot { trial: 0, index: 0, first_vector: 0 },
            criterion: Loss::default(),
            passes: 0,
        };
        if model.photonic_layers().is_empty() {
            let expected = "at least one photonic layer, because the training file sets `on`";
            return Err(InvalidValue::new("layer", "no photonic layer", expected)
                .in_file(&resolve(&spec.model, base)?)
                .into());
        }
        for view in model.photonic_layers() {
            let (outputs, inputs) = view.shape();
            let is_direct = chips.link.detection == Detection::Direct;
            if let Some(reason) = view.sign_matters.as_ref().filter(|_| is_direct) {
                let expected = "homodyne or offset, or a modulus layer without bias next";
                let found = format!("direct, but layer {} {reason}", view.index);
                return Err(HardwareError::Unfit(InvalidValue::new("link.detection", found, expected)).into());
            }
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
            let mut layer = TrainableLayer::new(program, &self.process, &self.link, scales, core_use)?;
            layer.differentiate_noise(self.noise == NoiseGradient::Reparameterised);
            self.layers.push(layer);
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

    /// Loss, correct predictions and gradients of the samples `rows` in the step of number `step`: of every parameter of the model and
    /// then of the chips. Frozen parameters have no gradient.
    pub(super) fn gradients(
        &mut self,
        model: &mut Model,
        data: &Dataset,
        rows: &[usize],
        step: u64,
    ) -> Result<BatchResult> {
        self.method.gradients(self, model, data, rows, step)
    }

    /// The forward pass of the samples `rows` in a step.
    fn record(&mut self, model: &mut Model, data: &Dataset, rows: &[usize]) -> Forward {
        let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
        let input = model.prepare(&data.inputs.select(rows));
        let count = trained_layers(model);
        let layers = &mut model.layers_mut()[..count];
        let traces = chain::record_with(layers, &input, &mut Recorder::new(Some(self)));
        let logits = chain::output(&traces, &input);
        let correct = self.criterion.correct(logits, &labels);
        let (loss, gradient) = self.criterion.mean(logits, &labels);
        Forward { loss, correct, gradient, layers: count, input, traces }
    }

    /// Mean loss of the samples `rows` on the chips of a step.
    pub(super) fn loss(&mut self, model: &mut Model, data: &Dataset, rows: &[usize], step: u64) -> Result<f64> {
        self.start_step(model, step)?;
        Ok(self.record(model, data, rows).loss)
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

    /// Layers with tiles of zeros, which have no phases to train, and their number.
    pub(super) fn zero_tiles(&self) -> Vec<(usize, usize)> {
        let zeros = |layer: &TrainableLayer| layer.zero_tiles();
        let layers = self.layers.iter().map(zeros).enumerate().filter(|(_, zeros)| *zeros > 0);
        if self.trains_phases() { layers.collect() } else { Vec::new() }
    }

    /// Distance of two codes of the converters of the phases (rad).
    pub(super) fn phase_step(&self) -> f64 {
        const BITS: u32 = 8;
        TAU / 2_f64.powi(self.process.phase_quantization.as_ref().map_or(BITS, |quantization| quantization.bits) as i32)
    }

    /// Outputs for one sample.
    pub(super) fn logits(&mut self, model: &mut Model, data: &Dataset, row: usize) -> Result<Vec<f64>> {
        self.start_step(model, 0)?;
        let forward = self.record(model, data, &[row]);
        Ok(chain::output(&forward.traces, &forward.input).as_slice().to_vec())
    }

    /// Starts or stops to sum squares; returns the sums so far.
    pub(super) fn collect_squares(&mut self, collect: bool) -> Vec<Option<Batch>> {
        let none = || self.layers.iter().map(|_| None).collect();
        let next = collect.then(none);
        std::mem::replace(&mut self.squares, next).unwrap_or_default()
    }

    /// The matrix that a layer realises as it is read, the amplitude of its unit vectors, and what a backward pass needs.
    fn realised_weight(&mut self, product: usize) -> (Batch, f64, ProductTrace) {
        let layer = &mut self.layers[product];
        let (inputs, amplitude) = (layer.inputs(), layer.scales().input);
        let (output, trace, _) = layer.record(&(Batch::identity(inputs, inputs) * amplitude), self.shot);
        (output / amplitude, amplitude, trace)
    }

    /// The matrices that the chips realise, as they are read.
    pub(super) fn realised_weights(&mut self, model: &Model) -> Result<Vec<Batch>> {
        self.start_step(model, 0)?;
        Ok((0..self.layers.len()).map(|product| self.realised_weight(product).0).collect())
    }

    /// Adds the gradient of `(λ/2)·Σ F∘(W − W*)²` to the lists of the chips.
    pub(super) fn add_weight_penalty(
        &mut self,
        strength: f64,
        (fisher, start): (&[Batch], &[Batch]),
        gradients: &mut [Vec<f64>],
    ) -> Result<()> {
        let mut lists = gradients.iter_mut();
        for product in 0..self.layers.len() {
            let (weight, amplitude, trace) = self.realised_weight(product);
            let by_weight = fisher[product].component_mul(&(weight - &start[product])) * (strength / amplitude);
            let found = self.layers[product].backward(&trace, &by_weight, false, &Adjoint);
            for (slopes, list) in found.parameters.into_iter().zip(lists.by_ref()) {
                if list.len() == slopes.len() {
                    list.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
                }
            }
        }
        Ok(())
    }

    /// Whether phases, attenuators and gains are the parameters.
    pub(super) fn trains_phases(&self) -> bool {
        self.trains == TrainedParameters::Phases
    }

    /// What each list of parameters of each layer is: `first_mesh`, `attenuators`, `second_mesh` or `gain` of a tile.
    pub(super) fn groups(&self) -> Vec<Vec<&'static str>> {
        let of_layer = |layer: &TrainableLayer| {
            let mut meshes = 0;
            let kinds = layer.kinds().into_iter();
            kinds
                .map(|kind| match kind {
                    ParameterKind::Mesh => {
                        meshes += 1;
                        if meshes == 1 { "first_mesh" } else { "second_mesh" }
                    }
                    ParameterKind::Attenuators => "attenuators",
                    ParameterKind::Gain => {
                        // The last of a tile.
                        meshes = 0;
                        "gain"
                    }
                })
                .collect()
        };
        let trained = self.trains_phases();
        self.layers.iter().map(|layer| if trained { of_layer(layer) } else { Vec::new() }).collect()
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
                gradients.push(if self.method.leaves(kind) { Vec::new() } else { gradient });
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
}

impl Products for ChipLayers {
    fn multiply(&mut self, product: usize, x: &Batch) -> Batch {
        let (output, trace, _) = self.layers[product].record(x, self.shot);
        if self.trains == TrainedParameters::Weights || self.squares.is_some() {
            self.inputs[product] = x.clone();
        }
        self.traces[product] = Some(trace);
        output
    }

    fn backward(&mut self, product: usize, gradient: &Batch, needs_input: bool) -> (Option<Batch>, Vec<f64>) {
        let Some(trace) = self.traces[product].take() else { panic!("product {product} was not recorded") };
        if let Some(squares) = &mut self.squares {
            let by_weight = multiply(gradient, &self.inputs[product].transpose());
            let square = by_weight.component_mul(&by_weight);
            let sum = squares[product].take();
            squares[product] = Some(sum.map_or_else(|| square.clone(), |sum| sum + &square));
        }
        if self.trains == TrainedParameters::Weights {
            // Straight through: the realised matrix changes as the weight does.
            let by_weight = multiply(gradient, &self.inputs[product].transpose());
            let by_input = needs_input.then(|| self.layers[product].input_gradient(&trace, gradient)).flatten();
            return (by_input, by_weight.data.into());
        }
        let found = self.layers[product].backward(&trace, gradient, needs_input, self.method.slopes());
        self.gradients[product] = found.parameters;
        self.passes += found.passes;
        (found.input, Vec::new())
    }
}

#[cfg(test)]
mod tests;
