//! Attenuators and gains alone: the singular vectors of every tile stay as they were programmed. A change needs k numbers in place
//! of k², and their exact gradient two passes of light; what can be learnt is limited to the frozen bases.

use phaseloom_hardware::ParameterKind;

use super::method::BatchGradient;

pub(super) struct SigmaOnly;

impl BatchGradient for SigmaOnly {
    fn leaves(&self, kind: ParameterKind) -> bool {
        kind == ParameterKind::Mesh
    }
}
