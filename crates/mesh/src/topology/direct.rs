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
use crate::cell::{Transfer, ZERO};
use crate::follow::follow_perfect;
use crate::linalg::{qr, svd};
use crate::nulling::rotate;
use crate::section::Settings;
use crate::{MeshError, Unitary};
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

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
        let n = target.modes();
        Ok(self.nulled(target.matrix(), &DMatrix::zeros(n, n)))
    }

    fn program_contraction(&self, w: &DMatrix<Complex64>) -> Result<Settings, MeshError> {
        let n = w.nrows();
        let found = svd(w)?;
        // What rounding leaves of none has no phase worth a program: of σ = 1 − ε it would be 2e-8.
        let rounding = 8.0 * f64::EPSILON * n as f64;
        let left = |sigma: f64| match 1.0 - sigma {
            lost if lost < rounding => Complex64::ZERO,
            lost => Complex64::from((lost * (1.0 + sigma)).sqrt()),
        };
        let root = DMatrix::from_fn(n, n, |r, c| left(found.sigma[r]) * found.v[(c, r)].conj());
        Ok(self.nulled(w, &qr(&root).1))
    }
}

impl Direct {
    /// Phases of the mesh whose first columns are `[W; X]`, orthonormal ones.
    fn nulled(self, w: &DMatrix<Complex64>, below: &DMatrix<Complex64>) -> Settings {
        let n = w.nrows();
        let layout = self.layout(n);
        let mut wanted: Vec<Transfer> = vec![[[Complex64::ZERO; 2]; 2]; layout.sites.len()];
        for (site, cell) in Arch::new().dispatch(Nulled { w, below }) {
            if let Some(k) = layout.index_of(site) {
                wanted[k] = cell;
            }
        }
        follow_perfect(&layout, &wanted, &vec![0.0; n])
    }
}

/// The columns `[W; X]`, to be nulled.
struct Nulled<'a> {
    w: &'a DMatrix<Complex64>,
    below: &'a DMatrix<Complex64>,
}

impl WithSimd for Nulled<'_> {
    type Output = Vec<(Site, Transfer)>;

    /// The cells in the order in which they null. N²/2 pairs of lines on the mean over N columns.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let n = self.w.nrows();
        // Line by line, real parts apart from imaginary ones; whole registers of columns.
        let length = n.next_multiple_of(S::F64_LANES);
        let line = |m: usize| {
            let entry = |c: usize| if m < n { self.w[(m, c)] } else { self.below[(m - n, c)] };
            let part = |of: fn(Complex64) -> f64| {
                let values = (0..n).map(|c| of(entry(c)));
                values.chain(std::iter::repeat_n(0.0, length - n)).collect::<Vec<f64>>()
            };
            (part(|z| z.re), part(|z| z.im))
        };
        let mut lines: Vec<(Vec<f64>, Vec<f64>)> = (0..2 * n).map(line).collect();
        let mut cells = Vec::with_capacity(n * n);
        for j in 0..n {
            let first = j - j % S::F64_LANES;
            for m in (j..n + j).rev() {
                let [(ar, ai), (br, bi)] = &mut lines[m..m + 2] else { continue };
                let (a, b) = (Complex64::new(ar[j], ai[j]), Complex64::new(br[j], bi[j]));
                let norm = (a.norm_sqr() + b.norm_sqr()).sqrt();
                let (a, b) = if norm >= ZERO { (a / norm, b / norm) } else { (Complex64::ONE, Complex64::ZERO) };
                // Takes (a, b) to (1, 0); light meets its inverse.
                let nulling = [[a.conj(), b.conj()], [-b, a]];
                if (a, b) != (Complex64::ONE, Complex64::ZERO) {
                    let rest = first..;
                    rotate(
                        simd,
                        (&mut ar[rest.clone()], &mut ai[rest.clone()]),
                        (&mut br[rest.clone()], &mut bi[rest]),
                        &nulling,
                    );
                }
                (br[j], bi[j]) = (0.0, 0.0);
                cells.push((site(n, j, m), [[a, -b.conj()], [b, a.conj()]]));
            }
        }
        cells
    }
}

fn site(modes: usize, j: usize, mode: usize) -> Site {
    Site { column: (mode - j) + (modes - 1 - j), mode }
}
