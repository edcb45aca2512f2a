//! Simultaneous perturbation: `g = (L(p + cΔ) − L(p − cΔ))/(2c)·Δ` with random signs Δ (Spall, IEEE Trans. Autom. Control 37, 332,
//! 1992): unbiased up to c², and of relative variance P − 1 for P parameters. It needs no model of the chip and no light that
//! runs backwards.

use phaseloom_numerics::StreamKey;
use rand::RngExt;

use super::ChipLayers;
use super::method::BatchGradient;
use crate::data::Dataset;
use crate::error::Result;
use crate::model::Model;
use crate::train::learner::BatchResult;

/// Size c of the perturbation (rad, and relative for gains).
const PERTURBATION: f64 = 1e-2;

pub(super) struct ForwardOnly;

impl BatchGradient for ForwardOnly {
    fn gradients(
        &self,
        chips: &mut ChipLayers,
        model: &mut Model,
        data: &Dataset,
        rows: &[usize],
        step: u64,
    ) -> Result<BatchResult> {
        chips.start_step(model, step)?;
        let mut stream = StreamKey::new(chips.seed, "train/perturbation").block(step).stream();
        let mut signs_of = |count: usize| -> Vec<f64> {
            (0..count).map(|_| if stream.random::<bool>() { 1.0 } else { -1.0 }).collect()
        };
        // The weights of photonic layers are no parameters.
        let photonic: Vec<*const f64> = model.photonic_mut().iter().map(|linear| linear.weight.as_ptr()).collect();
        let mut signs: Vec<Vec<f64>> = Vec::new();
        for parameter in model.layers_mut().iter_mut().flat_map(|layer| layer.parameters()) {
            let stays = photonic.contains(&parameter.values.as_ptr());
            signs.push(signs_of(if stays { 0 } else { parameter.values.len() }));
        }
        for values in chips.parameters_mut() {
            signs.push(signs_of(values.len()));
        }
        let move_all = |chips: &mut ChipLayers, model: &mut Model, by: f64| {
            let of_model = model.layers_mut().iter_mut().flat_map(|layer| layer.parameters()).map(|p| p.values);
            let all = of_model.chain(chips.parameters_mut().map(Vec::as_mut_slice));
            for (values, signs) in all.zip(&signs) {
                values.iter_mut().zip(signs).for_each(|(value, sign)| *value += by * sign);
            }
        };
        move_all(chips, model, PERTURBATION);
        let plus = chips.record(model, data, rows);
        move_all(chips, model, -2.0 * PERTURBATION);
        let minus = chips.record(model, data, rows);
        move_all(chips, model, PERTURBATION);
        let passes = 2 * rows.len() as u64 * chips.layers.len() as u64;
        chips.passes += passes;
        let slope = (plus.loss - minus.loss) / (2.0 * PERTURBATION);
        signs.iter_mut().flatten().for_each(|sign| *sign *= slope);
        Ok(BatchResult { loss: 0.5 * (plus.loss + minus.loss), correct: plus.correct, gradients: signs, passes })
    }
}
