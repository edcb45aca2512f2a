//! The rectangular mesh: N columns of cells, all paths equally long (Clements et al., Optica 3, 1460, 2016, recalled).
//!
//! ```text
//!  ──╳─────╳─────     modes 0…3, columns 0…3: even columns join (0,1), (2,3), odd columns (1,2)
//!  ──╳──╳──╳──╳──
//!  ──╳──╳──╳──╳──
//!  ──╳─────╳─────
//! ```

use super::Topology;
use crate::cell::mzi as cell;
use crate::decompose::clements;
use crate::decompose::fast::null_vectors;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};
use phaseloom_numerics::simd::trigonometry::wrap_in_place;
use std::f64::consts::PI;

/// Modes from which on null vectors are faster than entries.
const LARGE: usize = 40;

/// N(N−1)/2 cells in N columns; every loss meets every path alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangular;

impl Topology for Rectangular {
    fn key(&self) -> &'static str {
        "rectangular"
    }

    fn description(&self) -> &'static str {
        "N(N−1)/2 cells in N columns, balanced paths (Clements 2016)"
    }

    fn layout(&self, modes: usize) -> Layout {
        let positions = (0..modes)
            .flat_map(|column| {
                (column % 2..modes.saturating_sub(1)).step_by(2).map(move |mode| CellPosition { column, mode })
            })
            .collect();
        Layout::new(modes, positions)
    }

    /// Nulls the lower triangle along its diagonals, by turns from the right and from the left, and pulls the phases
    /// left over through to the outputs (physics notes §1.3, without quotients). O(N³).
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let n = target.modes();
        assert_eq!(layout.ports, n, "a layout of as many ports");
        let mut settings = Phases::zero(layout.positions.len(), n);
        // Cells of a column stand two modes apart.
        let index = |column: usize, mode: usize| layout.column(column).start + mode / 2;
        // Cells of odd sweeps wait for the phases that are pulled through them.
        let mut odd: Vec<Vec<(f64, f64)>> = vec![Vec::new(); n / 2];
        let mut found = |i: usize, angles: &[(f64, f64)]| {
            if !i.is_multiple_of(2) {
                odd[i / 2] = angles.to_vec();
                return;
            }
            for (j, &(theta, phi)) in angles.iter().enumerate() {
                settings.set_cell(index(j, i - j), theta, phi);
            }
        };
        let generic = if n >= LARGE { null_vectors::null(target.matrix(), &mut found) } else { None };
        let mut d = generic.unwrap_or_else(|| clements::null(target.matrix(), &mut found));
        // U = L₁†L₂†…D·R: D is pulled to the left through each T†,
        // T†(θ,φ)·diag(e^{ip₁}, e^{ip₂}) = diag(e^{ip₁′}, e^{ip₂′})·T(θ, φ′).
        let (mut outer, highest) = (Vec::with_capacity(n), n.saturating_sub(1));
        for angles in odd.iter().rev() {
            outer.clear();
            for (m, &(theta, phi)) in (0..highest).rev().zip(angles.iter().rev()) {
                let (p1, p2) = (d[m], d[m + 1]);
                outer.push(p1 - p2);
                d[m] = cell::wrap(p2 - phi - theta + PI);
                d[m + 1] = p2 - theta + PI;
            }
            // The other lines are wrapped by the next cell that they meet, or the next sweep.
            d[highest] = cell::wrap(d[highest]);
            wrap_in_place(&mut outer);
            for (k, (&(theta, _), &phi)) in angles.iter().rev().zip(&outer).enumerate() {
                settings.set_cell(index(n - angles.len() + k, highest - 1 - k), theta, phi);
            }
        }
        for (mode, phase) in d.into_iter().enumerate() {
            settings.set_output(mode, cell::wrap(phase));
        }
        Ok(settings)
    }
}
