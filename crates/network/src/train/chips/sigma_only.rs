//! Attenuators and gains alone: the singular vectors of every tile stay as they were programmed. A change needs k numbers in place
//! of k², and their exact gradient two passes of light; what can be learnt is limited to the frozen bases.

use phaseloom_hardware::ParameterKind;

use super::ChipLayers;
use super::method::{BatchGradient, backward};
use crate::data::Dataset;
use crate::error::Result;
use crate::model::Model;
use crate::train::learner::BatchResult;

pub(super) struct SigmaOnly;

impl BatchGradient for SigmaOnly {
    fn gradients(
        &self,
        chips: &mut ChipLayers,
        model: &mut Model,
        data: &Dataset,
        rows: &[usize],
        step: u64,
    ) -> Result<BatchResult> {
        backward(chips, model, data, rows, step)
    }

    fn leaves(&self, kind: ParameterKind) -> bool {
        kind == ParameterKind::Mesh
    }
}
