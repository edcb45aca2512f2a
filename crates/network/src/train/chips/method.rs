//! Ways to obtain the gradient of a batch on chips. Each counts how many times light passes a core for it.
//!
//! | key | passes for a batch of B samples | bias and variance |
//! |---|---|---|
//! | `adjoint` | 0: a model of the chip computes it | none for the chip of the model |
//! | `in_situ` | 3 per vector and core | without loss none; loss turns the gradient (Pai et al., Science 380, 398, 2023) |
//! | `parameter_shift` | 2 per phase shifter, vector and core | none |
//! | `forward_only` | 2 per vector and layer | none up to c²; relative variance P − 1 for P parameters |
//! | `sigma_only` | as `adjoint` | none for attenuators and gains; the meshes stay |

use phaseloom_hardware::ParameterKind;
use phaseloom_hardware::slopes::{Adjoint, InSitu, ParameterShift, SlopeMethod};

use super::forward_only::ForwardOnly;
use super::sigma_only::SigmaOnly;
use super::{ChipLayers, Forward};
use crate::data::Dataset;
use crate::error::Result;
use crate::layer::chain;
use crate::model::Model;
use crate::train::learner::BatchResult;
use crate::train::spec::GradientMethod;

/// A way to obtain the gradient of a batch. The default is backpropagation from layer to layer through a model of the chips.
pub(super) trait BatchGradient: Sync {
    /// Mean loss, correct predictions and gradients of the samples `rows` in the step of number `step`.
    fn gradients(
        &self,
        chips: &mut ChipLayers,
        model: &mut Model,
        data: &Dataset,
        rows: &[usize],
        step: u64,
    ) -> Result<BatchResult> {
        chips.start_step(model, step)?;
        let before = chips.passes;
        let Forward { loss, correct, gradient, layers, input, traces } = chips.record(model, data, rows);
        let layers = &mut model.layers_mut()[..layers];
        let backward = chain::backward_with(layers, &input, &traces, gradient, false, Some(chips));
        let mut gradients = backward.parameters;
        gradients.extend(chips.take_gradients());
        Ok(BatchResult { loss, correct, gradients, passes: chips.passes - before })
    }

    /// How the slopes of a core by its phases are obtained in a backward pass.
    fn slopes(&self) -> &'static dyn SlopeMethod {
        &Adjoint
    }

    /// Whether parameters of a kind stay.
    fn leaves(&self, _kind: ParameterKind) -> bool {
        false
    }
}

/// The method of a key.
pub(super) fn method(key: GradientMethod) -> &'static dyn BatchGradient {
    match key {
        GradientMethod::Adjoint => &Backward(&Adjoint),
        GradientMethod::InSitu => &Backward(&InSitu),
        GradientMethod::ParameterShift => &Backward(&ParameterShift),
        GradientMethod::ForwardOnly => &ForwardOnly,
        GradientMethod::SigmaOnly => &SigmaOnly,
    }
}

/// Backpropagation with a method for the slopes inside each core.
struct Backward(&'static dyn SlopeMethod);

impl BatchGradient for Backward {
    fn slopes(&self) -> &'static dyn SlopeMethod {
        self.0
    }
}
