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

use super::{Layout, Site, Topology, Triangular};
use crate::cell::CellErrors;
use crate::cell_kind::Cell;
use crate::follow::follow_perfect;
use crate::section::Settings;
use crate::{MeshError, Unitary};
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::f64::consts::PI;

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
        // Rows of cells r = 0 … 2N−4: row r joins the lines r and r+1 and has as many cells as it is near to the middle.
        let middle = modes - 2;
        let sites = (0..=2 * middle).flat_map(|mode| {
            let away = mode.abs_diff(middle);
            (away..=2 * middle - away).step_by(2).map(move |column| Site { column, mode })
        });
        Layout::new(2 * modes - 2, sites.collect()).with_ports(modes)
    }

    /// That of the triangular mesh for the ports in reverse order, its cells upside down; the mirrored cells are the
    /// identity, θ = φ = π.
    fn program(&self, target: &Unitary) -> Result<Settings, MeshError> {
        let n = target.modes();
        let reverse = DMatrix::from_fn(n, n, |r, c| target.matrix()[(n - 1 - r, n - 1 - c)]);
        let found = Triangular.program(&Unitary::trusted(reverse))?;
        let (small, layout) = (Triangular.layout(n), self.layout(n));
        let idle = Cell::Mzi.transfer(PI, PI, CellErrors::NONE);
        let cells = small.sites.len();
        let made = small.transfers(0..cells, &found, &vec![CellErrors::NONE; cells]);
        let wanted = layout.sites.iter().map(|site| {
            let mirrored = (n - 2).checked_sub(site.mode).map(|mode| Site { mode, ..*site });
            mirrored.and_then(|site| small.index_of(site)).map_or(idle, |k| {
                let [a, b] = made[k];
                [[b[1], b[0]], [a[1], a[0]]]
            })
        });
        let wanted: Vec<[[Complex64; 2]; 2]> = wanted.collect();
        let output: Vec<f64> = found.output().iter().rev().copied().collect();
        Ok(follow_perfect(&layout, &wanted, &output))
    }
}
