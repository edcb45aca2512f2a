//! A mesh that does any matrix of norm at most one by itself, without singular values: N² cells on 2N lines.
//!
//! A contraction W is the corner of a unitary; of that unitary only the first N columns matter, `V = [W; X]` with
//! `X†X = I − W†W`, and of X only the product, so that X may be a triangle. Its columns are nulled one after another, each
//! by N cells that stand on a diagonal: column j, from row N+j up to row j (derived; the count N² and the idea of
//! programming a matrix by nulling its columns as in the QR meshes of the public code `meshes`).
//!
//! ```text
//!  ──────────╳────  lines 0 … N−1: ports      columns 0 … 2N−2; the cell of diagonal j on the lines m, m+1
//!  ───────╳──╳──    lines N … 2N−1: dark      stands in column (m−j) + (N−1−j)
//!  ────╳──╳───────  at the input, dumped
//!  ────╳──────────  behind
//! ```

use super::{Layout, Site, Topology};
use crate::cell::{CellErrors, Transfer};
use crate::follow::follow_transfers;
use crate::linalg::{qr, svd};
use crate::section::Settings;
use crate::{MeshError, Unitary};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// N² cells in 2N−1 columns for any contraction; not unitary between its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direct;

impl Topology for Direct {
    fn key(&self) -> &'static str {
        "direct"
    }

    fn description(&self) -> &'static str {
        "any matrix on one mesh of N² cells in 2N−1 columns, what is too much is dumped (QR form)"
    }

    fn layout(&self, modes: usize) -> Layout {
        let sites = (0..modes).flat_map(|j| (j..modes + j).map(move |m| site(modes, j, m)));
        Layout::new(2 * modes, sites.collect()).with_ports(modes)
    }

    fn is_direct(&self) -> bool {
        true
    }

    fn program(&self, target: &Unitary) -> Result<Settings, MeshError> {
        self.program_contraction(target.matrix())
    }

    fn program_contraction(&self, w: &DMatrix<Complex64>) -> Result<Settings, MeshError> {
        let n = w.nrows();
        let layout = self.layout(n);
        let found = svd(w)?;
        let left = |sigma: f64| Complex64::from(((1.0 - sigma) * (1.0 + sigma)).max(0.0).sqrt());
        let root = DMatrix::from_fn(n, n, |r, c| left(found.sigma[r]) * found.v[(c, r)].conj());
        let mut columns = DMatrix::zeros(2 * n, n);
        columns.rows_mut(0, n).copy_from(w);
        columns.rows_mut(n, n).copy_from(&qr(&root).1);
        let mut wanted: Vec<Transfer> = vec![[[Complex64::new(0.0, 0.0); 2]; 2]; layout.sites.len()];
        for j in 0..n {
            for m in (j..n + j).rev() {
                let (a, b) = (columns[(m, j)], columns[(m + 1, j)]);
                let norm = a.norm().hypot(b.norm());
                let one = Complex64::new(1.0, 0.0);
                let (a, b) = if norm > 0.0 { (a / norm, b / norm) } else { (one, one * 0.0) };
                // Takes (a, b) to (1, 0); light meets its inverse.
                let nulling = nalgebra::Matrix2::new(a.conj(), b.conj(), -b, a);
                let mixed = nulling * columns.rows(m, 2);
                columns.rows_mut(m, 2).copy_from(&mixed);
                columns[(m + 1, j)] = one * 0.0;
                if let Some(k) = layout.index_of(site(n, j, m)) {
                    wanted[k] = [[a, -b.conj()], [b, a.conj()]];
                }
            }
        }
        let errors = vec![CellErrors::NONE; wanted.len()];
        Ok(follow_transfers(&layout, &wanted, &vec![0.0; n], &errors).0)
    }
}

fn site(modes: usize, j: usize, mode: usize) -> Site {
    Site { column: (mode - j) + (modes - 1 - j), mode }
}
