//! The gradient of a real loss with respect to all phases of a mesh, by the adjoint method.
//!
//! The adjoint of a field a is `λ = ∂L/∂Re a + i·∂L/∂Im a`, so that `dL = Re Σ λ*·da`. It propagates backwards:
//! `λ_in = T†·λ_out` at a cell T. The slope of a phase on a mode is `−Im Σ λ*·a` there, for any cut of that mode. In an
//! MZI the cuts are the upper inner arm for θ and the upper input for φ. Both follow from the overlaps at its outputs,
//!
//! ```text
//! Q = [[q1, x], [y, q2]],   q1 = Σ λ1*·a1,   q2 = Σ λ2*·a2,   x = Σ λ2*·a1,   y = Σ λ1*·a2.
//! ```
//!
//! Fields and adjoints pass every part M of a cell as `a_in = M⁻¹·a_out`, `λ_in = M†·λ_out`, so that `Q_in = M⁻¹·Q·M`
//! (derived; the idea is from Hughes et al., Optica 5, 864, 2018). With the second splitter at π/4+β
//!
//! ```text
//! q_arm = ½·(q1 + q2 − sin 2β·(q1 − q2) + i·cos 2β·(x − y)),
//! ```
//!
//! and with the whole cell T the overlaps at its inputs, whose sum is that at the outputs. They are q1 or q2 of the
//! preceding cells, so only x and y are summed over the batch. The fields inside the mesh are not stored. They are
//! reconstructed by undoing the cells from the output on: memory O(N² + N·batch).
//!
//! Undoing cells loses precision by the ratio of the largest to the smallest amplitude that they transmit. Where that
//! may exceed four digits, the fields are stored at checkpoints and undone from there (see [`checkpoints`]).

mod backward;
mod checkpoints;
mod inverse;
pub mod norms;
pub mod powers;
pub mod slopes;

use crate::cell::mzi::{CellErrors, Transfer, transfer};
use crate::gradient::backward::slopes::{Overlaps, slopes_of_undone};
use crate::gradient::backward::{BackwardEngine, CellBatch};
use crate::gradient::checkpoints::segments;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::propagate::circuit::{BATCH, Circuit};
use crate::propagate::column_block::ColumnBlock;
use crate::propagate::fields::Fields;
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::cis_all;
use std::f64::consts::FRAC_PI_2;
use std::ops::Range;

/// Number of columns per undone block. The modes of fields and adjoints that one chain touches stay in the first-level
/// cache; longer chains would leave it, and shorter ones load and store more.
const COLUMNS_PER_BLOCK: usize = 16;

/// Gradient of a loss with respect to all phases of a stage (1/rad), and the adjoint before the stage.
///
/// `input` are the fields before the stage, `output` the fields after it, `adjoint` the adjoint there: all modes ×
/// batch. The cost is three to four times that of propagating the batch, and the memory O(N² + N·batch).
///
/// If cells lose unequally, the memory is O(N² + N·batch·segments). A segment spans 80 dB between the best and the
/// worst path of light through the cells, or 1600 dB of loss common to all modes. The fields before the last segment
/// are then propagated once more.
///
/// ```
/// use phaseloom_mesh::{Circuit, Fields, Form, MatrixProgram, gradient, topology};
/// use phaseloom_numerics::{StreamKey, haar_unitary};
/// use phaseloom_mesh::cell::CellErrors;
///
/// let u = haar_unitary(6, &mut StreamKey::new(1, "example").stream());
/// let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
/// let (stage, errors) = (&program.stages()[0], vec![CellErrors::NONE; 15]);
/// let input = Fields::identity(6);
/// let mut output = input.clone();
/// Circuit::ideal(stage).propagate(&mut output);
/// // L = ½ Σ|a|² has the adjoint λ = a. Power is conserved, so no phase changes L.
/// let (phases, _) = gradient(stage, stage.phases(), &errors, &input, output.clone(), output);
/// assert!(phases.values().iter().all(|slope| slope.abs() < 1e-13));
/// # Ok::<(), phaseloom_mesh::MeshError>(())
/// ```
///
/// # Panics
///
/// If `errors` does not have one entry per cell, `phases` are not those of the stage, or the fields differ in shape.
#[must_use]
pub fn gradient(
    stage: &Stage,
    phases: &Phases,
    errors: &[CellErrors],
    input: &Fields,
    mut output: Fields,
    mut adjoint: Fields,
) -> (Phases, Fields) {
    let layout = stage.layout();
    assert_eq!(layout.positions.len(), errors.len(), "one entry of errors per cell");
    assert_eq!(phases.shape(), stage.phases().shape(), "phases of the stage");
    assert_eq!((output.modes(), output.batch()), (adjoint.modes(), adjoint.batch()), "an adjoint for each field");
    assert_eq!((input.modes(), input.batch()), (output.modes(), output.batch()), "an input for each output");
    assert_eq!(output.modes(), layout.modes, "fields of the stage");
    let mut slopes = phases.zeroed();
    if stage.kind() == StageKind::Attenuators {
        attenuators(stage, phases, errors, input, &mut adjoint, &mut slopes);
        return (slopes, adjoint);
    }
    // Σ λ*·a on each mode, after the cells that are not undone yet.
    let mut overlaps: Vec<Complex64> =
        (0..layout.modes).map(|mode| Fields::overlap((&adjoint, mode), (&output, mode))).collect();
    for (mode, overlap) in overlaps.iter().take(layout.ports).enumerate() {
        slopes.set_output(mode, -overlap.im);
    }
    let mut block = ColumnBlock::default();
    let mut backward = BackwardEngine::new(layout.modes, COLUMNS_PER_BLOCK * layout.modes / 2);
    let outputs = cis_all(phases.output());
    outputs.into_iter().enumerate().for_each(|(mode, factor)| backward.multiply(mode, factor.conj()));
    // Undoes columns with the crossings before each, and those at the end of the mesh if the columns reach it.
    let mut undo = |columns: Range<usize>,
                    (output, adjoint): (&mut Fields, &mut Fields),
                    overlaps: &mut [Complex64],
                    slopes: &mut Phases| {
        if columns.is_empty() && columns.end < layout.columns {
            return;
        }
        // Fields undone through the whole mesh equal the input, which is known.
        let needs_fields = columns.start > 0;
        if !layout.has_crossings() {
            let starts: Vec<usize> = columns.clone().step_by(COLUMNS_PER_BLOCK).collect();
            for start in starts.into_iter().rev() {
                block.set(stage, phases, errors, start..columns.end.min(start + COLUMNS_PER_BLOCK));
                let undone = backward.undo(CellBatch::Block(&block), output, adjoint);
                slopes_of_undone(layout, errors, undone, overlaps, slopes);
            }
            return backward.apply_pending(needs_fields.then_some(output), adjoint);
        }
        // Fields keep their output modes until all cells are undone.
        let (slots, permutation) = layout.slots(columns.clone());
        let mut mode_of_slot = vec![0; permutation.len()];
        permutation.iter().enumerate().for_each(|(mode, &slot)| mode_of_slot[slot] = mode);
        let mut transfers = Vec::new();
        let mut end = layout.cells(&columns).end;
        for slots in slots.chunks(BATCH).rev() {
            let first_cell = end - slots.len();
            layout.transfers_into(first_cell..end, phases, errors, &mut transfers);
            let pairs = CellBatch::Pairs { first_cell, slots, mode_of_slot: &mode_of_slot, transfers: &transfers };
            slopes_of_undone(layout, errors, backward.undo(pairs, output, adjoint), overlaps, slopes);
            end = first_cell;
        }
        let permuted = overlaps.to_vec();
        permuted.into_iter().zip(&permutation).for_each(|(overlap, &slot)| overlaps[slot] = overlap);
        backward.apply_pending(needs_fields.then_some(&mut *output), adjoint);
        adjoint.unpermute(&permutation);
        if needs_fields {
            output.unpermute(&permutation);
        }
    };
    let Some(segments) = segments(layout, errors) else {
        undo(0..layout.columns, (&mut output, &mut adjoint), &mut overlaps, &mut slopes);
        return (slopes, adjoint);
    };
    // The fields before each segment; those after the last one are known.
    let mut stored = vec![input.clone()];
    for columns in &segments[..segments.len() - 1] {
        let mut fields = stored[stored.len() - 1].clone();
        Circuit::from_columns(stage, phases, errors, columns.clone()).propagate(&mut fields);
        stored.push(fields);
    }
    for (columns, stored) in segments.into_iter().zip(stored).rev() {
        undo(columns.start + 1..columns.end, (&mut output, &mut adjoint), &mut overlaps, &mut slopes);
        let cells = layout.column(columns.start);
        let transfers = layout.transfers(cells.clone(), phases, errors);
        let mut arms = Vec::with_capacity(cells.len());
        for cell in cells.clone() {
            let mode = layout.positions[cell].mode;
            let cross = |a: usize, b: usize| Fields::overlap((&adjoint, mode + a), (&output, mode + b));
            let sums = Overlaps { q: [overlaps[mode], overlaps[mode + 1]], x: cross(1, 0), y: cross(0, 1) };
            let arm = sums.at_inner_mzi(layout.cell).arm(Complex64::cis(2.0 * errors[cell].beta));
            arms.push((arm, sums.trace()));
            adjoint.mix(mode, &conjugate_transpose(&transfers[cell - cells.start]));
        }
        // The fields before the first column are stored, and give the overlaps there.
        let order = layout.permutation_before(columns.start);
        order.into_iter().for_each(|order| adjoint.unpermute(order));
        output = stored;
        for (mode, overlap) in overlaps.iter_mut().enumerate() {
            *overlap = Fields::overlap((&adjoint, mode), (&output, mode));
        }
        for (cell, (arm, trace)) in cells.zip(arms) {
            let before_crossing = |mode: usize| order.map_or(mode, |order| order[mode]);
            let mode = layout.positions[cell].mode;
            let (upper, lower) = (before_crossing(mode), before_crossing(mode + 1));
            let after_input_splitter = || {
                let cross = |a: usize, b: usize| Fields::overlap((&adjoint, a), (&output, b));
                let q = [overlaps[upper], overlaps[lower]];
                let inputs = Overlaps { q, x: cross(lower, upper), y: cross(upper, lower) };
                inputs.after_splitter(Complex64::cis(FRAC_PI_2 + 2.0 * errors[cell].gamma))
            };
            let inputs = [overlaps[upper], overlaps[lower]];
            let [theta, phi] = layout.cell.overlaps_at_shifters(arm, trace, inputs, after_input_splitter);
            slopes.set_cell(cell, -theta, -phi);
            for (k, shifter) in layout.boundary_shifters_before(cell..cell + 1) {
                slopes.set_boundary(k, -inputs[usize::from(shifter.lower)].im);
            }
        }
    }
    (slopes, adjoint)
}

pub(crate) fn conjugate_transpose(t: &Transfer) -> Transfer {
    [[t[0][0].conj(), t[1][0].conj()], [t[0][1].conj(), t[1][1].conj()]]
}

/// The gradient of a column of attenuators: each mode has one cell, `a ← T11·a`.
fn attenuators(
    stage: &Stage,
    phases: &Phases,
    errors: &[CellErrors],
    input: &Fields,
    adjoint: &mut Fields,
    slopes: &mut Phases,
) {
    let positions = &stage.layout().positions;
    let amplitude = |k: usize, theta: f64| transfer(theta, phases.phi()[k], errors[k])[0][0];
    let mut factors = vec![Complex64::new(0.0, 0.0); stage.layout().modes];
    for (k, position) in positions.iter().enumerate() {
        let theta = phases.theta()[k];
        let t = amplitude(k, theta);
        // T11 is A·e^{iθ} + B: half of the difference to θ + π is A·e^{iθ}.
        let moving = (t - amplitude(k, theta + std::f64::consts::PI)) * 0.5;
        let overlap = Fields::overlap((adjoint, position.mode), (input, position.mode));
        slopes.set_cell(k, -(moving * overlap).im, -(t * overlap).im);
        factors[position.mode] = t.conj();
    }
    adjoint.scale(|mode| factors[mode]);
}
