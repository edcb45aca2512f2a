//! The evaluation of one unit: all samples through one row of a point.

use crate::error::ExperimentError;
use crate::run::network_program::NetworkProducts;
use crate::run::prepare::{Chunk, PreparedPoint};
use crate::store::record::{DesignResult, LayerResult, Record, Row, Unit};
use nalgebra::DMatrix;
use phaseloom_hardware::{
    Batch, CoreSharing, CoreUse, DigitalProduct, FieldProduct, GainCalibration, LayerAddress, LayerDesign, Link,
    MatrixProduct, ProductStatistics,
};
use phaseloom_network::{LayerMeasurement, PassAddress};
use std::sync::Arc;

/// Maximum of readout bits. A smaller error is rounding of the simulation itself.
const MAX_BITS: f64 = 53.0;

/// A function of a shot, a layer and its output (outputs × samples). `None` is the network as a whole.
pub(crate) type Keep<'a> = dyn FnMut(u32, Option<usize>, &Batch) -> Result<(), ExperimentError> + 'a;

impl PreparedPoint {
    /// Computes a unit.
    pub(crate) fn evaluate(&self, unit: Unit) -> Result<Record, ExperimentError> {
        self.evaluate_and_keep(unit, &[], &mut |_, _, _| Ok(()))
    }

    /// Computes a unit. `keep` is called with the shot, the layer and its output (outputs × samples): for the layers to
    /// keep, then for the network as a whole (`None`).
    pub(crate) fn evaluate_and_keep(
        &self,
        unit: Unit,
        layers: &[usize],
        keep: &mut Keep<'_>,
    ) -> Result<Record, ExperimentError> {
        match unit.row {
            Row::Design => self.design(unit),
            Row::Levels => self.levels(unit),
            Row::Sensitivity => self.sensitivity(unit),
            _ => self.pass(unit, self.products(unit)?.as_ref(), layers, keep),
        }
    }

    /// The products of the photonic layers in a row, for chips after their correction. `None` in floating point.
    pub(crate) fn products(&self, unit: Unit) -> Result<Option<NetworkProducts>, ExperimentError> {
        let core = &self.config.core;
        let ideal = Link::ideal(self.config.link.detection);
        let optical = |designs: &[Arc<LayerDesign>], link: &Link, calibration| {
            self.optical(designs, link, calibration, unit.trial).map(Some)
        };
        match unit.row {
            Row::Design | Row::Exact | Row::Perfect | Row::Levels | Row::Sensitivity => Ok(None),
            Row::PerfectIdeal => optical(&self.perfect, &ideal, GainCalibration::None),
            Row::PerfectReal => optical(&self.perfect, &self.config.link, GainCalibration::None),
            Row::Chips => optical(&self.designs, &self.config.link, core.calibration),
            Row::Digital => self.digital().map(Some),
        }
    }

    /// The optical products of all layers for designs, a link and the chips of a trial.
    pub(crate) fn optical(
        &self,
        designs: &[Arc<LayerDesign>],
        link: &Link,
        calibration: GainCalibration,
        trial: u64,
    ) -> Result<NetworkProducts, ExperimentError> {
        let core_use = CoreUse { calibration, ..self.config.core.core_use() };
        let first = LayerAddress { seed: self.config.seed, trial, layer: 0, first_core: 0 };
        Ok(self.programs.products(designs, link, core_use, self.config.precision, first)?)
    }

    /// Sends all samples through the products of a row.
    pub(crate) fn pass(
        &self,
        unit: Unit,
        products: Option<&NetworkProducts>,
        kept_layers: &[usize],
        keep: &mut Keep<'_>,
    ) -> Result<Record, ExperimentError> {
        let samples = self.test_set.exact.ncols();
        let mut record = Record::new(unit, samples as u64);
        if unit.row == Row::Exact {
            record.class_names.clone_from(&self.test_set.class_names);
        }
        let mut layers: Vec<LayerMeasurement> = Vec::new();
        for index in 0..unit.row.shots(self.config.shots) {
            let mut outputs = DMatrix::zeros(self.network.output_size(), samples);
            // The outputs of the layers to keep, sample by sample.
            let mut kept = vec![Vec::new(); kept_layers.len()];
            let mut observe = |layer: usize, output: &dyn Fn() -> Batch| {
                let places = kept_layers.iter().zip(&mut kept).filter(|(kept, _)| **kept == layer);
                places.for_each(|(_, values)| values.extend_from_slice(output().as_slice()));
            };
            for Chunk { first_sample, exact } in &self.test_set.chunks {
                let address = PassAddress { trial: unit.trial, repetition: index, first_sample: *first_sample };
                let mut columns = outputs.columns_mut(*first_sample as usize, exact.output.ncols());
                match products {
                    None => {
                        columns.copy_from(&exact.output);
                        if !kept_layers.is_empty() {
                            self.network.exact_outputs(&exact.input, &mut observe)?;
                        }
                    }
                    Some(products) => {
                        let products: Vec<&dyn MatrixProduct> = products.all.iter().map(|p| &**p).collect();
                        let (output, measurements) = self.network.forward(exact, &products, address, &mut observe)?;
                        layers.resize_with(measurements.len(), LayerMeasurement::default);
                        layers.iter_mut().zip(&measurements).for_each(|(total, more)| total.add(more));
                        columns.copy_from(&output);
                    }
                }
            }
            if let Some(&value) = outputs.iter().find(|x| !x.is_finite()) {
                return Err(not_finite(unit, "an output", value));
            }
            record.shots.push(self.test_set.task.judge(&outputs, &self.test_set.exact));
            self.test_set.task.count(&outputs, &mut record.confusion);
            for (&layer, values) in kept_layers.iter().zip(kept) {
                keep(index, Some(layer), &Batch::from_vec(values.len() / samples, samples, values))?;
            }
            keep(index, None, &outputs)?;
        }
        let views = self.network.photonic_layers();
        record.layers = layers
            .iter()
            .enumerate()
            .map(|(i, total)| {
                let errors = products.map_or((0.0, 0.0), |p| p.errors[i]);
                layer_result(views[i].index, errors, total)
            })
            .collect();
        // Without a laser, there are no photoelectrons to count.
        let has_laser = unit.row != Row::PerfectIdeal && self.config.link.laser_power_w.is_some();
        for layer in &mut record.layers {
            if !has_laser {
                layer.photoelectrons = 0.0;
            }
            let numbers = [
                ("the matrix error", layer.matrix_error),
                ("the number of readout bits", layer.readout_bits),
                ("the number of photoelectrons", layer.photoelectrons),
            ];
            expect_finite(unit, layer, &numbers)?;
        }
        Ok(record)
    }

    /// The digital products of all layers at the bits of the converters.
    fn digital(&self) -> Result<NetworkProducts, ExperimentError> {
        let mut products = NetworkProducts::default();
        for (program, scales) in self.programs.layers.iter().zip(&self.programs.scales) {
            let phases = self.config.process.phase_quantization.as_ref();
            if program.kind().is_complex() {
                products.add_fields(FieldProduct::digital(program, phases)?);
                continue;
            }
            let product = DigitalProduct::new(program.weight(), program.plan(), &self.config.link, phases, scales)?;
            let error = product.matrix_error(program.weight());
            products.errors.push((error, error));
            products.all.push(Box::new(product));
        }
        Ok(products)
    }

    /// Sizes and predictions of every layer.
    fn design(&self, unit: Unit) -> Result<Record, ExperimentError> {
        let link = &self.config.link;
        let receiver = link.receiver(self.config.core.ports)?;
        let views = self.network.photonic_layers();
        let mut layers = Vec::new();
        for (i, (program, design)) in self.programs.layers.iter().zip(&self.designs).enumerate() {
            let first = program.tiles().iter().flatten().next();
            let tiles = program.tiles().len();
            let zero_tiles = program.tiles().iter().filter(|tile| tile.is_none()).count();
            let photons = |photons: f64| if link.laser_power_w.is_some() { photons } else { 0.0 };
            let quality = design.signal_quality(&self.programs.scales[i], &receiver);
            layers.push(LayerResult {
                layer: views[i].index,
                design: Some(DesignResult {
                    shape: program.plan().shape(),
                    tiles,
                    zero_tiles,
                    cores: if self.config.core.cores == CoreSharing::Shared { 1 } else { tiles - zero_tiles },
                    interferometers: first.map_or(0, |tile| tile.program.interferometers()),
                    depth: first.map_or(0, |tile| tile.program.depth()),
                    utilisation: program.plan().utilisation(),
                    transmission_db: design.transmission_db(program),
                    predicted_error: design.predicted_error(),
                    photons_per_port: photons(receiver.photons_per_port()),
                    local_oscillator_photons: photons(receiver.local_oscillator_photons()),
                    snr_full_scale_db: quality.map(|q| q.snr_full_scale_db),
                    enob: quality.map(|q| q.enob),
                    folded: self.network.folds_input(),
                }),
                ..LayerResult::default()
            });
        }
        for layer in &layers {
            let Some(d) = &layer.design else { continue };
            let numbers = [
                ("the predicted error", d.predicted_error),
                ("the transmission", d.transmission_db),
                ("the number of photons in a port", d.photons_per_port),
                ("the number of photons of the local oscillator", d.local_oscillator_photons),
            ];
            expect_finite(unit, layer, &numbers)?;
        }
        Ok(Record { layers, ..Record::new(unit, 0) })
    }
}

fn not_finite(unit: Unit, what: &str, value: f64) -> ExperimentError {
    ExperimentError::NotFinite { unit: unit.to_string(), what: what.to_owned(), value }
}

fn expect_finite(unit: Unit, layer: &LayerResult, numbers: &[(&str, f64)]) -> Result<(), ExperimentError> {
    match numbers.iter().find(|(_, value)| !value.is_finite()) {
        Some((what, value)) => Err(not_finite(unit, &format!("{what} of layer {}", layer.layer), *value)),
        None => Ok(()),
    }
}

fn layer_result(layer: usize, (matrix_error, measured_error): (f64, f64), total: &LayerMeasurement) -> LayerResult {
    let share = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
    let ProductStatistics { inputs, inputs_clipped, outputs, outputs_clipped, signal_photoelectrons } = total.readouts;
    let error = total.sum_squares_error;
    // Without signal, the bits are −∞. The clamp gives a number that JSON can hold.
    let has_error = error > 0.0 || error.is_nan();
    let readout_bits = if has_error { total.readout_bits().clamp(-MAX_BITS, MAX_BITS) } else { MAX_BITS };
    LayerResult {
        layer,
        matrix_error,
        measured_error,
        readout_bits,
        clipped_inputs: share(inputs_clipped, inputs),
        clipped_outputs: share(outputs_clipped, outputs),
        photoelectrons: if outputs == 0 { 0.0 } else { signal_photoelectrons / outputs as f64 },
        design: None,
    }
}
