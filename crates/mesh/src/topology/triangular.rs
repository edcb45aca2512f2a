//! The triangular mesh (Reck et al., Phys. Rev. Lett. 73, 58, 1994, recalled): 2N−3 columns, configurable from outside.
//!
//! ```text
//!  ──╳─────╳─────╳──     row r = N−1 … 1 is nulled by cells at the modes 0 … r−1,
//!  ─────╳─────╳─────     in the columns m + 2(N−1−r)
//!  ────────╳────────
//! ```

use super::{Layout, Site, Topology};
use crate::nulling::{Null, angles, on_columns, rotate};
use crate::panel::{Chain, join};
use crate::section::Settings;
use crate::sweep::{LINE, Light, WIDTH};
use crate::{MeshError, Unitary, cell};
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

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
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Settings, MeshError> {
        let n = target.modes();
        assert_eq!(layout.ports, n, "a layout of as many ports");
        let mut settings = Settings::zero(layout.sites.len(), n);
        let mut panels = panels(target.matrix());
        while let Some(mut panel) = panels.pop() {
            let first = panels.len() * WIDTH;
            let rows = first.max(1)..n.min(first + WIDTH);
            panel.truncate(rows.end);
            let nulls = Arch::new().dispatch(Panel { columns: &mut panel, first, rows: rows.clone() });
            let mut found = nulls.iter().zip(angles(&nulls));
            let mut chains = Vec::with_capacity(WIDTH);
            for (done, row) in rows.clone().rev().enumerate() {
                let mut elements = Vec::with_capacity(row);
                for (mode, (null, (theta, phi))) in found.by_ref().take(row).enumerate() {
                    elements.push(on_columns(&null.transfer(), false));
                    // Cells of a column stand two modes apart.
                    let column = mode + 2 * (n - 1 - row);
                    settings.set_cell(layout.column(column).start + mode / 2, theta, phi);
                }
                chains.push(Chain { line: 0, column: 2 * done, elements });
            }
            for row in first..rows.end {
                settings.set_output(row, cell::wrap(entry(&panel, row - first, row).arg()));
            }
            let sweep = join(rows.end, true, &chains);
            for above in &mut panels {
                sweep.apply(above[..rows.end].as_flattened_mut(), |_| Light::Everywhere);
            }
        }
        Ok(settings)
    }
}

/// A matrix by 16 rows: of each column the real parts of its entries, then the imaginary parts.
fn panels(u: &DMatrix<Complex64>) -> Vec<Vec<[f64; LINE]>> {
    let n = u.nrows();
    let mut panels = vec![vec![[0.0; LINE]; n]; n.div_ceil(WIDTH)];
    for (c, column) in u.column_iter().enumerate() {
        for (row, z) in column.iter().enumerate() {
            let line = &mut panels[row / WIDTH][c];
            (line[row % WIDTH], line[WIDTH + row % WIDTH]) = (z.re, z.im);
        }
    }
    panels
}

fn entry(columns: &[[f64; LINE]], row: usize, column: usize) -> Complex64 {
    Complex64::new(columns[column][row], columns[column][WIDTH + row])
}

/// Some rows, to be nulled.
struct Panel<'a> {
    columns: &'a mut [[f64; LINE]],
    first: usize,
    rows: std::ops::Range<usize>,
}

impl WithSimd for Panel<'_> {
    type Output = Vec<Null>;

    /// Nulls the rows of the panel from the last one on, and finds their cells.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Null> {
        let mut nulls = Vec::new();
        for row in self.rows.rev() {
            let k = row - self.first;
            let length = (k + 1).next_multiple_of(S::F64_LANES);
            for m in 0..row {
                let null = Null::from_right(entry(self.columns, k, m), entry(self.columns, k, m + 1));
                nulls.push(null);
                let t = null.transfer();
                let adjoint = [[t[0][0].conj(), t[0][1].conj()], [t[1][0].conj(), t[1][1].conj()]];
                let [a, b] = &mut self.columns[m..m + 2] else { continue };
                let ((ar, ai), (br, bi)) = (a.split_at_mut(WIDTH), b.split_at_mut(WIDTH));
                rotate(simd, (&mut ar[..length], &mut ai[..length]), (&mut br[..length], &mut bi[..length]), &adjoint);
            }
        }
        nulls
    }
}
