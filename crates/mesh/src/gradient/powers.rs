//! The light power at every phase shifter of a stage, for light from either end: what monitors on a chip measure.
//!
//! A chip without isolators is reciprocal: light that enters at the outputs passes the transpose of every part, with the same loss.

use super::slopes::{StageComponent, Step, apply, steps};
use crate::cell::mzi::CellErrors;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// The end of a stage at which light enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LightFrom {
    /// The inputs of the program.
    Inputs,
    /// Its outputs.
    Outputs,
}

/// Sends fields (modes × columns) through a stage. Returns the power at every phase shifter, summed over the columns and in the
/// order of [`Phases::values`], and the fields at the other end.
///
/// # Panics
///
/// If phases and errors are not those of the stage.
#[must_use]
pub fn shifter_powers(
    stage: &Stage,
    phases: &Phases,
    errors: &[CellErrors],
    fields: &DMatrix<Complex64>,
    from: LightFrom,
) -> (Phases, DMatrix<Complex64>) {
    let modes = fields.nrows();
    // Attenuators let light into a second waveguide each, where it is lost.
    let all_modes = if stage.kind() == StageKind::Attenuators { 2 * modes } else { modes };
    let mut fields = fields.clone().resize_vertically(all_modes, Complex64::ZERO);
    let mut powers = phases.zeroed();
    let mut steps = steps(stage, phases, errors);
    if from == LightFrom::Outputs {
        steps.reverse();
        // The transpose is the adjoint between two conjugations.
        fields.apply(|z| *z = z.conj());
    }
    for step in &steps {
        apply(step, &mut fields, from == LightFrom::Outputs);
        if let Step::Phase { mode, component: StageComponent::Phase(index), .. } = step {
            powers.values_mut()[*index] = fields.row(*mode).iter().map(|z| z.norm_sqr()).sum();
        }
    }
    if from == LightFrom::Outputs {
        fields.apply(|z| *z = z.conj());
    }
    (powers, fields.resize_vertically(modes, Complex64::ZERO))
}
