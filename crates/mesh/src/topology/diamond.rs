//! The diamond mesh: a triangular mesh and its mirror image, (N−1)² cells on 2N−2 modes in 2N−3 columns (Shokraneh,
//! Geoffroy-Gagnon, Liboiron-Ladouceur, Opt. Express 28, 23495, 2020).
//!
//! ```text
//!  ─────────╳─────────    ports 0 … N−1: the triangle, its flat side at the lowest port
//!  ──────╳──╳──╳──────
//!  ───╳──╳──╳──╳──╳───
//!  ───╳──╳──╳──╳──╳───    N−2 modes without ports: the mirrored cells can divert power from the lowest port,
//!  ──────╳──╳──╳──────    which is dumped there
//!  ─────────╳─────────
//! ```

use super::{Topology, Triangular};
use crate::cell::mzi::{ZERO, wrap};
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};
use nalgebra::DMatrix;
use std::f64::consts::PI;
use std::iter::repeat;

/// (N−1)² cells; those beyond a triangular mesh can dump power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diamond;

impl Topology for Diamond {
    fn key(&self) -> &'static str {
        "diamond"
    }

    fn description(&self) -> &'static str {
        "(N−1)² cells in 2N−3 columns, a triangle and its mirror image that can dump light (Shokraneh 2020)"
    }

    fn layout(&self, modes: usize) -> Layout {
        if modes < 2 {
            return Layout::new(modes, Vec::new());
        }
        let middle = modes - 2;
        let positions = (0..=2 * middle).flat_map(|column| {
            let reach = column.min(2 * middle - column);
            (middle - reach..=middle + reach).step_by(2).map(move |mode| CellPosition { column, mode })
        });
        Layout::new(2 * modes - 2, positions.collect()).with_ports(modes)
    }

    /// The program of the triangular mesh for the ports in reverse order, its cells upside down. The mirrored cells are
    /// programmed as identities.
    ///
    /// Upside down, `T(θ,φ)` is `diag(e^{iφ}, −e^{iφ})·T(θ, π−φ)`. Phase factors e^{iψ} before the upper and e^{iχ} before the
    /// lower mode of a cell add ψ−χ to its outer phase, and χ to both modes after it. In the cross and bar states the outer
    /// phase of a cell is not needed, and φ = 0. A mirrored cell has θ = π, φ = 0, which is the identity but for the sign of its upper mode.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let n = target.modes();
        assert_eq!(layout.ports, n, "a layout for the ports of the target");
        let reverse = DMatrix::from_fn(n, n, |r, c| target.matrix()[(n - 1 - r, n - 1 - c)]);
        let small = Triangular.layout(n);
        let triangle = Triangular.program(&small, &Unitary::trusted(reverse))?;
        let mut phases = Phases::zero(layout.positions.len(), n);
        let mut carried = vec![0.0; layout.modes];
        // The cells of a column on the ports, from the highest, are those of the triangle from the lowest.
        let cells = |column: usize| layout.column(column).zip(small.column(column).rev().map(Some).chain(repeat(None)));
        for (k, original) in (0..layout.columns).flat_map(cells) {
            let position = layout.positions[k];
            let Some(original) = original else {
                // Of the modes whose sign it changes, only the lowest port carries a field.
                phases.set_cell(k, PI, 0.0);
                if position.mode + 1 == n {
                    carried[position.mode] = wrap(carried[position.mode] + PI);
                }
                continue;
            };
            let (theta, phi) = (triangle.theta()[original], triangle.phi()[original]);
            let (upper, lower) = (carried[position.mode], carried[position.mode + 1]);
            let (outer, after) = if theta < 2.0 * ZERO {
                (0.0, [phi + lower, upper])
            } else if PI - theta < 2.0 * ZERO {
                (0.0, [upper + PI, phi + PI + lower])
            } else {
                (PI - phi + upper - lower, [phi + lower, phi + PI + lower])
            };
            phases.set_cell(k, theta, wrap(outer));
            carried[position.mode..position.mode + 2].copy_from_slice(&after.map(wrap));
        }
        for (mode, phase) in triangle.output().iter().rev().enumerate() {
            phases.set_output(mode, wrap(phase + carried[mode]));
        }
        Ok(phases)
    }
}
