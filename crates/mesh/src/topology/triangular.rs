//! The triangular mesh (Reck et al., Phys. Rev. Lett. 73, 58, 1994, recalled): 2N−3 columns, configurable from outside.
//!
//! ```text
//!  ──╳─────╳─────╳──     row r = N−1 … 1 is nulled by cells at the modes 0 … r−1,
//!  ─────╳─────╳─────     in the columns m + 2(N−1−r)
//!  ────────╳────────
//! ```

use super::{Layout, Site, Topology};
use crate::cell::{self, null_from_right};
use crate::nulling::apply_from_right;
use crate::section::Settings;
use crate::{MeshError, Unitary};

/// N(N−1)/2 cells in 2N−3 columns; paths of unequal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triangular;

impl Topology for Triangular {
    fn key(&self) -> &'static str {
        "triangular"
    }

    fn description(&self) -> &'static str {
        "N(N−1)/2 cells in 2N−3 columns, self-configurable from outside (Reck 1994)"
    }

    fn layout(&self, modes: usize) -> Layout {
        let sites = (1..modes)
            .flat_map(|row| (0..row).map(move |mode| Site { column: mode + 2 * (modes - 1 - row), mode }))
            .collect();
        Layout::new(modes, sites)
    }

    /// Nulls the rows from the last to the second, each from the left to the diagonal. O(N³).
    fn program(&self, target: &Unitary) -> Result<Settings, MeshError> {
        let n = target.modes();
        let layout = self.layout(n);
        let mut settings = Settings::zero(layout.sites.len(), n);
        let mut u = target.matrix().clone();
        for row in (1..n).rev() {
            for m in 0..row {
                let (theta, phi) = null_from_right(u[(row, m)], u[(row, m + 1)]);
                apply_from_right(&mut u, m, row, theta, phi);
                if let Some(k) = layout.index_of(Site { column: m + 2 * (n - 1 - row), mode: m }) {
                    settings.set_cell(k, theta, phi);
                }
            }
        }
        for (mode, z) in u.diagonal().iter().enumerate() {
            settings.set_output(mode, cell::wrap(z.arg()));
        }
        Ok(settings)
    }
}
