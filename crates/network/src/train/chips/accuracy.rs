//! The accuracy of a network on chips: on the one that trained it, on others that did not, and on perfect ones.

use std::ops::ControlFlow;

use phaseloom_hardware::{FieldProduct, LayerAddress, Link, MatrixProduct, OpticalProduct, Process, Shot};

use super::ChipLayers;
use crate::data::{Batch, Dataset};
use crate::error::Result;
use crate::model::Model;
use crate::network::Network;
use crate::train::CHUNK;
use crate::train::spec::TrainOn;

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
    /// Accuracy on perfect chips, on the chip of the training, and on chips that did not train. `flow` is asked before each of
    /// them; a break leaves out the rest.
    pub(in crate::train) fn accuracy(
        &mut self,
        model: &Model,
        data: &Dataset,
        test_chips: u64,
        flow: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<ChipAccuracy> {
        let ideal = Link::ideal(self.link.detection);
        let seed = self.purpose("train/test_chips");
        let perfect = self.on_chips(model, data, (&Process::default(), &ideal), (seed, 0))?;
        let (process, link) = (self.process.clone(), self.link.clone());
        let trained_chip = match self.on {
            TrainOn::Chip => Some(self.on_chips(model, data, (&process, &link), (self.purpose("train/chips"), 0))?),
            TrainOn::Population | TrainOn::Exact => None,
        };
        let mut tested = Vec::new();
        for trial in 0..test_chips {
            if flow(trial, test_chips).is_break() {
                break;
            }
            tested.push(self.on_chips(model, data, (&process, &link), (seed, trial))?);
        }
        Ok(ChipAccuracy { perfect, trained_chip, test_chips: tested })
    }

    /// Accuracy on the chip of the training or, of a population, on one chip that never trains and is no test chip.
    pub(in crate::train) fn validation_accuracy(&mut self, model: &Model, data: &Dataset) -> Result<f64> {
        let purpose = if self.on == TrainOn::Chip { "train/chips" } else { "train/validation_chip" };
        let (process, link, seed) = (self.process.clone(), self.link.clone(), self.purpose(purpose));
        self.on_chips(model, data, (&process, &link), (seed, 0))
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
            correct += self.criterion.correct(&outputs, labels);
        }
        Ok(correct as f64 / data.samples() as f64)
    }
}
