//! Re-programs a mesh for other cells (another kind of cell, or the same cells with fabrication errors), cell by cell in
//! the order of propagation (Bandyopadhyay, Hamerly, Englund, Optica 8, 1247, 2021).
//!
//! ```text
//!  T0 = T(θ,φ)·diag(e^{iψ_m}, e^{iψ_{m+1}})    target of a cell; ψ: phases that the cells before it lack
//!  T  ∝ T0 in the ratio of the first row       realised cell
//!  T0 = diag(e^{iψ_m′}, e^{iψ_{m+1}′})·T       new phases ψ, which end in the output phases
//! ```
//!
//! The mesh is exact if every cell reaches its ratio: an MZI with equal arms does for `|α+β| ≤ θ/2 ≤ π/2−|α−β|`. Other cells
//! take the nearest ratio. O(cells).

use crate::cell::kind::Cell;
use crate::cell::mzi::{CellErrors, Transfer, wrap};
use crate::decompose::nulling::{NullingCell, angles};
use crate::layout::Layout;
use crate::layout::phases::Phases;
use num_complex::Complex64;

/// Phases (rad, wrapped; θ of an MZI in 0…π) with which the cells of the layout, with these errors, realise the ideal cells
/// of the kind `cell` with the phases `target`. The second value is the number of cells that miss their ratio.
///
/// # Panics
///
/// If phases or errors are not those of the layout, or its cells are not interferometers: [`crate::refit`] is for those.
#[must_use]
pub fn match_cells(layout: &Layout, cell: Cell, target: &Phases, errors: &[CellErrors]) -> (Phases, usize) {
    assert!(layout.cell.is_interferometer(), "{} cells cannot match others", layout.cell.key());
    assert_eq!(errors.len(), layout.positions.len(), "one error state per cell");
    let source = layout.clone().with_cell(cell);
    assert_eq!(target.shape(), Phases::blank(&source).shape(), "phases of the layout");
    let ideal = vec![CellErrors::NONE; errors.len()];
    let targets = source.transfers(0..errors.len(), target, &ideal);
    // Cells without an outer phase are matched as MZIs; their outer phases move to the boundary at the end.
    let kind = if layout.cell.has_outer_phase() { layout.cell } else { Cell::Mzi };
    let mut phases = Phases::zero(targets.len(), target.output().len());
    let mut missed = 0;
    let lacking = propagate_phases(layout, &targets, |k, target| {
        let solution = kind.match_target(target, errors[k]);
        missed += usize::from(!solution.reached);
        phases.set_cell(k, solution.theta, wrap(solution.phi));
        kind.transfer(solution.theta, solution.phi, errors[k])
    });
    set_outputs(&mut phases, target.output(), &lacking);
    if !layout.cell.has_outer_phase() {
        phases = layout.without_outer_phases(&phases);
    }
    (phases, missed)
}

/// Phases (rad, wrapped) of ideal MZIs that realise cells given by their transfer matrices, in the order of the layout,
/// followed by output phases (rad). A cell with an entry that counts as zero gets φ = 0.
pub(crate) fn match_transfers(layout: &Layout, targets: &[Transfer], output: &[f64]) -> Phases {
    let mut cells = Vec::with_capacity(targets.len());
    let lacking = propagate_phases(layout, targets, |_, target| {
        let cell = NullingCell::from_row(target[0]);
        cells.push(cell);
        cell.transfer()
    });
    let mut phases = Phases::zero(targets.len(), output.len());
    for (k, (theta, phi)) in angles(&cells).into_iter().enumerate() {
        phases.set_cell(k, theta, phi);
    }
    set_outputs(&mut phases, output, &lacking);
    phases
}

fn set_outputs(phases: &mut Phases, output: &[f64], lacking: &[Complex64]) {
    for (mode, (phase, lacking)) in output.iter().zip(lacking).enumerate() {
        phases.set_output(mode, wrap(phase + lacking.arg()));
    }
}

/// Propagates the phase factors that realised cells lack, from 1 at the inputs to the outputs. `realise(k, target)` is the
/// transfer matrix of cell k for its target after the phase factors before it.
fn propagate_phases(
    layout: &Layout,
    targets: &[Transfer],
    mut realise: impl FnMut(usize, &Transfer) -> Transfer,
) -> Vec<Complex64> {
    let mut lacking = vec![Complex64::ONE; layout.modes];
    let mut column = 0;
    for (k, (position, target)) in layout.positions.iter().zip(targets).enumerate() {
        while column <= position.column {
            layout.permute(column, &mut lacking);
            column += 1;
        }
        let (upper, lower) = (position.mode, position.mode + 1);
        let target = target.map(|[a, b]| [a * lacking[upper], b * lacking[lower]]);
        let realised = realise(k, &target);
        (lacking[upper], lacking[lower]) = (lacking_phase(&realised, &target, 0), lacking_phase(&realised, &target, 1));
    }
    for column in column..=layout.columns {
        layout.permute(column, &mut lacking);
    }
    lacking
}

/// The phase factor between a row of the target and the realised row: that of their inner product, which is robust if an
/// entry is zero.
fn lacking_phase(realised: &Transfer, target: &Transfer, row: usize) -> Complex64 {
    let overlap = realised[row][0].conj() * target[row][0] + realised[row][1].conj() * target[row][1];
    let size = overlap.norm_sqr().sqrt();
    if size > 0.0 { overlap / size } else { Complex64::ONE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Rectangular, Topology};

    /// The phases may differ if an entry is zero. The matrix of the mesh must not.
    #[test]
    fn transfers_of_ideal_cells_are_matched() {
        let layout = Rectangular.layout(7);
        let perfect = vec![CellErrors::NONE; layout.positions.len()];
        for draw in 0..50u32 {
            let mut target = Phases::blank(&layout);
            for (k, phase) in (0u32..).zip(target.values_mut()) {
                *phase = [f64::from((k * 7919 + draw * 104_729) % 6283) / 1000.0, 0.0, std::f64::consts::PI]
                    [usize::from(k % 5 == 0) + usize::from(k % 10 == 0)];
            }
            let transfers = layout.transfers(0..perfect.len(), &target, &perfect);
            let (slow, missed) = match_cells(&layout, Cell::Mzi, &target, &perfect);
            let fast = match_transfers(&layout, &transfers, target.output());
            let matrix = |phases: &Phases| {
                let stage = crate::layout::stage::Stage::mesh(layout.clone(), phases.clone());
                crate::propagate::circuit::Circuit::ideal(&stage).matrix()
            };
            let expected = matrix(&target);
            let error = (matrix(&slow) - &expected).camax();
            assert!(missed == 0 && error < 1e-14, "{draw}: {error:e}, {missed} missed");
            assert!((matrix(&fast) - expected).camax() < 1e-14, "{draw}");
        }
    }
}
