//! The triangular mesh (Reck et al., Phys. Rev. Lett. 73, 58, 1994, recalled): 2N−3 columns, configurable from outside.
//!
//! ```text
//!  ──╳─────╳─────╳──     row r = N−1 … 1 is nulled by cells at the modes 0 … r−1,
//!  ─────╳─────╳─────     in the columns m + 2(N−1−r)
//!  ────────╳────────
//! ```

use super::{Layout, Site, Topology};
use crate::cell;
use crate::nulling::{Null, angles, on_columns, rotate};
use crate::panel::{Chain, apply_to_columns, join};
use crate::section::Settings;
use crate::{MeshError, Unitary};
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Rows that are nulled together.
const ROWS: usize = 16;

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
        let sites = (0..(2 * modes).saturating_sub(3))
            .flat_map(|column| {
                // Row r = modes−1−(column−mode)/2 has cells at the modes below r.
                let highest = column.min(2 * modes - 4 - column);
                (column % 2..=highest).step_by(2).map(move |mode| Site { column, mode })
            })
            .collect();
        Layout::new(modes, sites)
    }

    /// Nulls the rows from the last to the second, each from the left to the diagonal. O(N³).
    ///
    /// Of 16 rows at a time the cells are found on those rows alone; then the rows above pass them all at once.
    fn program(&self, target: &Unitary) -> Result<Settings, MeshError> {
        let n = target.modes();
        let layout = self.layout(n);
        let mut settings = Settings::zero(layout.sites.len(), n);
        let mut u = target.matrix().clone();
        let mut rows = n;
        while rows > 1 {
            let count = ROWS.min(rows - 1);
            let above = rows - count;
            let mut panel = Panel::new(&u, above, rows);
            let nulls = Arch::new().dispatch(&mut panel);
            let mut chains = Vec::with_capacity(count);
            let mut found = nulls.iter().zip(angles(&nulls));
            for done in 0..count {
                let row = rows - 1 - done;
                let mut elements = Vec::with_capacity(row);
                for (mode, (null, (theta, phi))) in found.by_ref().take(row).enumerate() {
                    elements.push(on_columns(&null.transfer(), false));
                    if let Some(k) = layout.index_of(Site { column: mode + 2 * (n - 1 - row), mode }) {
                        settings.set_cell(k, theta, phi);
                    }
                }
                chains.push(Chain { line: 0, column: 2 * done, elements });
                settings.set_output(row, cell::wrap(panel.entry(row - above, row).arg()));
            }
            apply_to_columns(&mut u, above, above, &join(rows, true, &chains));
            rows = above;
        }
        if n > 0 {
            settings.set_output(0, cell::wrap(u[(0, 0)].arg()));
        }
        Ok(settings)
    }
}

/// The rows to be nulled: of each column the real parts of its 16 entries, then the imaginary parts.
struct Panel {
    columns: Vec<[f64; 2 * ROWS]>,
    rows: usize,
}

impl Panel {
    fn new(u: &DMatrix<Complex64>, from: usize, to: usize) -> Self {
        let column = |c: usize| {
            let mut parts = [0.0; 2 * ROWS];
            for (k, z) in u.column(c).rows(from, to - from).iter().enumerate() {
                (parts[k], parts[ROWS + k]) = (z.re, z.im);
            }
            parts
        };
        Self { columns: (0..to).map(column).collect(), rows: to - from }
    }

    fn entry(&self, row: usize, column: usize) -> Complex64 {
        Complex64::new(self.columns[column][row], self.columns[column][ROWS + row])
    }
}

impl WithSimd for &mut Panel {
    type Output = Vec<Null>;

    /// Nulls the rows of the panel from the last one on, and finds their cells.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Null> {
        let mut nulls = Vec::new();
        for row in (0..self.rows).rev() {
            for m in 0..self.columns.len() - (self.rows - row) {
                let null = Null::from_right(self.entry(row, m), self.entry(row, m + 1));
                nulls.push(null);
                let t = null.transfer().map(|row| row.map(|z| z.conj()));
                let [first, second] = &mut self.columns[m..m + 2] else { continue };
                let length = (row + 1).next_multiple_of(S::F64_LANES);
                let (ar, ai) = first.split_at_mut(ROWS);
                let (br, bi) = second.split_at_mut(ROWS);
                rotate(simd, (&mut ar[..length], &mut ai[..length]), (&mut br[..length], &mut bi[..length]), &t);
            }
        }
        nulls
    }
}
