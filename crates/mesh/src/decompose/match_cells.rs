//! Cells that do, one after another, what the cells of a program do: other cells, or the same with errors.
//!
//! Cells are taken in the order of light. Each is to do `T0 = T(θ,φ)·diag(e^{iψ_m}, e^{iψ_{m+1}})`, where ψ are the phases
//! that cells before left on the lines; it takes the ratio of the first row of T0, and leaves new phases ψ behind, which
//! end in the output phases (Bandyopadhyay, Hamerly, Englund, Optica 8, 1247, 2021, recalled; physics notes §2.4). Exact
//! where every cell reaches its ratio, for a plain one with equal arms `|α+β| ≤ θ/2 ≤ π/2−|α−β|`; else the nearest ratio.
//! O(cells).

use crate::cell::kind::Cell;
use crate::cell::mzi::{CellErrors, Transfer, wrap};
use crate::decompose::nulling::{Null, angles};
use crate::layout::Layout;
use crate::layout::phases::Phases;
use num_complex::Complex64;

/// Phases (rad, wrapped; θ of plain cells in 0…π) with which cells of the layout, with these errors, do what ideal cells of
/// the kind `cell` do with the phases `wanted`; and the number of cells that miss their ratio.
///
/// # Panics
///
/// If phases or errors are not those of the layout, or its cells are no interferometers ([`crate::decompose::fit::refit`] is for them).
#[must_use]
pub fn match_cells(layout: &Layout, cell: Cell, wanted: &Phases, errors: &[CellErrors]) -> (Phases, usize) {
    assert!(layout.cell.is_interferometer(), "{} cells cannot follow others", layout.cell.key());
    assert_eq!(errors.len(), layout.positions.len(), "one state a cell");
    let output = wanted.output();
    let wanted =
        layout.clone().with_cell(cell).transfers(0..errors.len(), wanted, &vec![CellErrors::NONE; errors.len()]);
    // Outer phases that cells do not have are given away at the end.
    let kind = if layout.cell.has_outer_phase() { layout.cell } else { Cell::Mzi };
    let mut phases = Phases::zero(wanted.len(), output.len());
    let mut missed = 0;
    let left = carry(layout, &wanted, |k, target| {
        let found = kind.match_target(target, errors[k]);
        missed += usize::from(!found.reached);
        phases.set_cell(k, found.theta, wrap(found.phi));
        kind.transfer(found.theta, found.phi, errors[k])
    });
    for (mode, (phase, turn)) in output.iter().zip(left).enumerate() {
        phases.set_output(mode, wrap(phase + turn.arg()));
    }
    if !layout.cell.has_outer_phase() {
        phases = layout.without_outer_phases(&phases);
    }
    (phases, missed)
}

/// Phases (rad, wrapped) of plain cells without errors that do what these do, given by their transfer matrices in the
/// order of the layout, with output phases (rad) behind; a cell of which an entry is dark has φ = 0.
pub(crate) fn follow_perfect(layout: &Layout, wanted: &[Transfer], output: &[f64]) -> Phases {
    let mut cells = Vec::with_capacity(wanted.len());
    let left = carry(layout, wanted, |_, target| {
        let cell = Null::of_row(target[0]);
        cells.push(cell);
        cell.transfer()
    });
    let mut phases = Phases::zero(wanted.len(), output.len());
    for (k, (theta, phi)) in angles(&cells).into_iter().enumerate() {
        phases.set_cell(k, theta, phi);
    }
    for (mode, (phase, turn)) in output.iter().zip(left).enumerate() {
        phases.set_output(mode, wrap(phase + turn.arg()));
    }
    phases
}

/// Takes the phases that cells leave behind them through a mesh, from those at its inputs, all zero, to those at its
/// outputs; `cell` tells what cell k makes where it is to make what is wanted, behind the phases before it.
fn carry(layout: &Layout, wanted: &[Transfer], mut cell: impl FnMut(usize, &Transfer) -> Transfer) -> Vec<Complex64> {
    let mut turn = vec![Complex64::ONE; layout.modes];
    let mut column = 0;
    for (k, (position, target)) in layout.positions.iter().zip(wanted).enumerate() {
        while column <= position.column {
            layout.permute(column, &mut turn);
            column += 1;
        }
        let (upper, lower) = (position.mode, position.mode + 1);
        let target = target.map(|[a, b]| [a * turn[upper], b * turn[lower]]);
        let made = cell(k, &target);
        (turn[upper], turn[lower]) = (left_over(&made, &target, 0), left_over(&made, &target, 1));
    }
    for column in column..=layout.columns {
        layout.permute(column, &mut turn);
    }
    turn
}

/// The phase that a row still lacks: of the inner product of both, which is robust where an entry is dark.
fn left_over(made: &Transfer, wanted: &Transfer, row: usize) -> Complex64 {
    let overlap = made[row][0].conj() * wanted[row][0] + made[row][1].conj() * wanted[row][1];
    let size = overlap.norm_sqr().sqrt();
    if size > 0.0 { overlap / size } else { Complex64::new(1.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Rectangular, Topology};

    /// Phases may differ where an entry is dark; what the mesh does may not.
    #[test]
    fn perfect_cells_do_what_any_others_find() {
        let layout = Rectangular.layout(7);
        let perfect = vec![CellErrors::NONE; layout.positions.len()];
        for draw in 0..50u32 {
            let mut wanted = Phases::blank(&layout);
            for (k, phase) in (0u32..).zip(wanted.values_mut()) {
                *phase = [f64::from((k * 7919 + draw * 104_729) % 6283) / 1000.0, 0.0, std::f64::consts::PI]
                    [usize::from(k % 5 == 0) + usize::from(k % 10 == 0)];
            }
            let transfers = layout.transfers(0..perfect.len(), &wanted, &perfect);
            let (slow, missed) = match_cells(&layout, Cell::Mzi, &wanted, &perfect);
            let fast = follow_perfect(&layout, &transfers, wanted.output());
            let matrix = |settings: &Phases| {
                let stage = crate::layout::stage::Stage::mesh(layout.clone(), settings.clone());
                crate::propagate::circuit::Circuit::ideal(&stage).matrix()
            };
            let of_wanted = matrix(&wanted);
            let off = (matrix(&slow) - &of_wanted).camax();
            assert!(missed == 0 && off < 1e-14, "{draw}: {off:e}, {missed} missed");
            assert!((matrix(&fast) - of_wanted).camax() < 1e-14, "{draw}");
        }
    }
}
