//! The diamond mesh: a triangular mesh and its mirror image, (N−1)² cells on 2N−2 lines in 2N−3 columns (Shokraneh,
//! Geoffroy-Gagnon, Liboiron-Ladouceur, Opt. Express 28, 23495, 2020, recalled; its abstract found: "more error- and
//! loss-tolerant than Reck").
//!
//! ```text
//!  ─────────╳─────────    ports 0 … N−1: the triangle, its flat side at the lowest port
//!  ──────╳──╳──╳──────
//!  ───╳──╳──╳──╳──╳───
//!  ───╳──╳──╳──╳──╳───    N−2 lines without ports: light that the mirrored cells turn away from the lowest port
//!  ──────╳─────╳──────    is dumped there
//!  ───────── ─────────
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

/// (N−1)² cells; those beyond a triangular mesh can turn light away.
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

    /// That of the triangular mesh for the ports in reverse order, its cells upside down; the mirrored cells are the
    /// identity.
    ///
    /// Upside down, `T(θ,φ)` is `diag(e^{iφ}, −e^{iφ})·T(θ, π−φ)`. What stands before a cell on its lines, e^{iψ} on the upper
    /// and e^{iχ} on the lower one, adds ψ−χ to its outer phase, and χ to both behind it. Where nothing is split one path
    /// has no shifter, and φ = 0. The identity, which mirrored cells are, is θ = π with the upper line turned around.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let n = target.modes();
        assert_eq!(layout.ports, n, "a layout of as many ports");
        let reverse = DMatrix::from_fn(n, n, |r, c| target.matrix()[(n - 1 - r, n - 1 - c)]);
        let small = Triangular.layout(n);
        let found = Triangular.program(&small, &Unitary::trusted(reverse))?;
        let mut phases = Phases::zero(layout.positions.len(), n);
        let mut before = vec![0.0; layout.modes];
        // The cells of a column on the ports, from the highest, are those of the triangle from the lowest.
        let cells = |column: usize| layout.column(column).zip(small.column(column).rev().map(Some).chain(repeat(None)));
        for (k, of_triangle) in (0..layout.columns).flat_map(cells) {
            let position = layout.positions[k];
            let Some(of_triangle) = of_triangle else {
                // Of the lines that it turns around only the lowest port is not dark.
                phases.set_cell(k, PI, 0.0);
                if position.mode + 1 == n {
                    before[position.mode] = wrap(before[position.mode] + PI);
                }
                continue;
            };
            let (theta, phi) = (found.theta()[of_triangle], found.phi()[of_triangle]);
            let (upper, lower) = (before[position.mode], before[position.mode + 1]);
            let (outer, behind) = if theta < 2.0 * ZERO {
                (0.0, [phi + lower, upper])
            } else if PI - theta < 2.0 * ZERO {
                (0.0, [upper + PI, phi + PI + lower])
            } else {
                (PI - phi + upper - lower, [phi + lower, phi + PI + lower])
            };
            phases.set_cell(k, theta, wrap(outer));
            before[position.mode..position.mode + 2].copy_from_slice(&behind.map(wrap));
        }
        for (mode, phase) in found.output().iter().rev().enumerate() {
            phases.set_output(mode, wrap(phase + before[mode]));
        }
        Ok(phases)
    }
}
