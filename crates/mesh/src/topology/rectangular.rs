//! The rectangular mesh: N columns of cells, all paths equally long (Clements et al., Optica 3, 1460, 2016, recalled).
//!
//! ```text
//!  ──╳─────╳─────     modes 0…3, columns 0…3: even columns join (0,1), (2,3), odd columns (1,2)
//!  ──╳──╳──╳──╳──
//!  ──╳──╳──╳──╳──
//!  ──╳─────╳─────
//! ```

use super::{Layout, Site, Topology};
use crate::cell::{self, null_from_left, null_from_right};
use crate::nulling::{apply_from_left, apply_from_right};
use crate::section::Settings;
use crate::{MeshError, Unitary};
use std::f64::consts::PI;

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
        let sites = (0..modes)
            .flat_map(|column| (column % 2..modes.saturating_sub(1)).step_by(2).map(move |mode| Site { column, mode }))
            .collect();
        Layout::new(modes, sites)
    }

    /// Nulls the lower triangle along its diagonals, by turns from the right and from the left, and pulls the phases
    /// left over through to the outputs (physics notes §1.3, without quotients). O(N³).
    fn program(&self, target: &Unitary) -> Result<Settings, MeshError> {
        let n = target.modes();
        let layout = self.layout(n);
        let mut settings = Settings::zero(layout.sites.len(), n);
        let mut place = |column: usize, mode: usize, theta: f64, phi: f64| {
            if let Some(k) = layout.index_of(Site { column, mode }) {
                settings.set_cell(k, theta, phi);
            }
        };
        let mut u = target.matrix().clone();
        let mut left = Vec::new();
        for i in 0..n.saturating_sub(1) {
            if i % 2 == 0 {
                for j in 0..=i {
                    let (m, row) = (i - j, n - 1 - j);
                    let (theta, phi) = null_from_right(u[(row, m)], u[(row, m + 1)]);
                    apply_from_right(&mut u, m, row, theta, phi);
                    place(j, m, theta, phi);
                }
            } else {
                let sweep = apply_from_left(&mut u, n - 2 - i, i, null_from_left);
                left.extend(sweep.into_iter().enumerate().map(|(j, (theta, phi))| (j, n - 2 - i + j, theta, phi)));
            }
        }
        // U = L₁†L₂†…D·R: D is pulled to the left through each T†,
        // T†(θ,φ)·diag(e^{ip₁}, e^{ip₂}) = diag(e^{ip₁′}, e^{ip₂′})·T(θ, φ′).
        let mut d: Vec<f64> = u.diagonal().iter().map(|z| z.arg()).collect();
        for (j, m, theta, phi) in left.into_iter().rev() {
            let (p1, p2) = (d[m], d[m + 1]);
            place(n - 1 - j, m, theta, cell::wrap(p1 - p2));
            d[m] = cell::wrap(p2 - phi - theta + PI);
            d[m + 1] = cell::wrap(p2 - theta + PI);
        }
        for (mode, phase) in d.into_iter().enumerate() {
            settings.set_output(mode, cell::wrap(phase));
        }
        Ok(settings)
    }
}
