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
use crate::aligned::Aligned;
use crate::cell::{ZERO, wrap};
use crate::linalg::{qr, svd};
use crate::nulling::rotate;
use crate::section::Settings;
use crate::trigonometry::arguments;
use crate::{MeshError, Unitary};
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};
use std::f64::consts::{FRAC_PI_2, PI};

/// Diagonals that are nulled together, while their lines stay in the first-level cache.
const TOGETHER: usize = 4;

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
        let sites = (0..(2 * modes).saturating_sub(1)).flat_map(|column| {
            let diagonals = (modes - 1).saturating_sub(column)..modes.min(2 * modes - 1 - column);
            diagonals.map(move |j| Site { column, mode: column + 2 * j + 1 - modes })
        });
        Layout::new(2 * modes, sites.collect()).with_ports(modes)
    }

    fn is_direct(&self) -> bool {
        true
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Settings, MeshError> {
        let n = target.modes();
        Ok(nulled(layout, target.matrix(), &DMatrix::zeros(n, n)))
    }

    fn program_contraction(&self, layout: &Layout, w: &DMatrix<Complex64>) -> Result<Settings, MeshError> {
        let n = w.nrows();
        let found = svd(w)?;
        // What rounding leaves of none has no phase worth a program: of σ = 1 − ε it would be 2e-8.
        let rounding = 8.0 * f64::EPSILON * n as f64;
        let left = |sigma: f64| match 1.0 - sigma {
            lost if lost < rounding => Complex64::ZERO,
            lost => Complex64::from((lost * (1.0 + sigma)).sqrt()),
        };
        let root = DMatrix::from_fn(n, n, |r, c| left(found.sigma[r]) * found.v[(c, r)].conj());
        Ok(nulled(layout, w, &qr(&root).1))
    }
}

/// Phases of the mesh whose first columns are `[W; X]`, orthonormal ones.
///
/// Behind phases e^{iψ} on its upper and e^{iχ} on its lower line, a cell that is to do `[[a, −b*], [b, a*]]` has
///
/// ```text
/// tan(θ/2) = |a|/|b|,   φ = arg a + arg b + ψ − χ + π,
/// ```
///
/// and leaves `π/2 − θ/2 + χ − arg b` and `π/2 − θ/2 + χ − arg a` behind (from `T = i e^{iθ/2} [[e^{iφ} s, c], [e^{iφ} c, −s]]`).
/// Where a or b is dark φ = 0, and the phase behind that χ does not reach is `ψ + arg a − θ/2 − π/2` of the upper line, or
/// `ψ + arg b − π/2` of the lower one.
fn nulled(layout: &Layout, w: &DMatrix<Complex64>, below: &DMatrix<Complex64>) -> Settings {
    let n = w.nrows();
    let cells = Arch::new().dispatch(Nulled { w, below });
    // The cell of diagonal j stands in its column behind those of the diagonals before.
    let mut wanted = vec![0; cells.len()];
    for j in 0..n {
        for k in 0..n {
            let column = 2 * (n - 1) - j - k;
            wanted[layout.column(column).start + j - (n - 1).saturating_sub(column)] = j * n + k;
        }
    }
    let halves = arguments(cells.iter().map(|[a, b]| Complex64::new(b.norm_sqr().sqrt(), a.norm_sqr().sqrt())));
    let [of_a, of_b] = [0, 1].map(|which| arguments(cells.iter().map(|cell| cell[which])));
    let mut settings = Settings::zero(cells.len(), n);
    let mut before = vec![0.0; layout.modes];
    for (k, (site, &cell)) in layout.sites.iter().zip(&wanted).enumerate() {
        let (half, a, b) = (halves[cell], of_a[cell], of_b[cell]);
        let (upper, lower) = (before[site.mode], before[site.mode + 1]);
        let around = FRAC_PI_2 - half + lower;
        let dark = cells[cell].map(|z| z.norm_sqr() < ZERO * ZERO);
        let (outer, behind) = match dark {
            [true, _] => (0.0, [around - b, upper + b - FRAC_PI_2]),
            [_, true] => (0.0, [upper + a - half - FRAC_PI_2, around - a]),
            _ => (a + b + upper - lower + PI, [around - b, around - a]),
        };
        settings.set_cell(k, 2.0 * half, wrap(outer));
        before[site.mode..site.mode + 2].copy_from_slice(&behind.map(wrap));
    }
    before.iter().take(n).enumerate().for_each(|(mode, &phase)| settings.set_output(mode, wrap(phase)));
    settings
}

/// The columns `[W; X]`, to be nulled.
struct Nulled<'a> {
    w: &'a DMatrix<Complex64>,
    below: &'a DMatrix<Complex64>,
}

impl WithSimd for Nulled<'_> {
    type Output = Vec<[Complex64; 2]>;

    /// (a, b) of each cell, diagonal after diagonal. N²/2 pairs of lines on the mean over N columns.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let n = self.w.nrows();
        // Line by line, real parts apart from imaginary ones; whole registers of columns.
        let length = n.next_multiple_of(S::F64_LANES);
        let line = |m: usize| {
            let entry = |c: usize| if m < n { self.w[(m, c)] } else { self.below[(m - n, c)] };
            let part = |of: fn(Complex64) -> f64| {
                let mut values = Aligned::zeros(length);
                values.iter_mut().zip((0..n).map(|c| of(entry(c)))).for_each(|(to, value)| *to = value);
                values
            };
            (part(|z| z.re), part(|z| z.im))
        };
        let mut lines: Vec<(Aligned, Aligned)> = (0..2 * n).map(line).collect();
        let mut cells = vec![[Complex64::ONE, Complex64::ZERO]; n * n];
        // A cell waits for those on its lines of the diagonal before, so that some diagonals pass the lines together.
        let diagonals = (0..n).step_by(TOGETHER).flat_map(|start| {
            let some = start..n.min(start + TOGETHER);
            (0..n).flat_map(move |k| some.clone().map(move |j| (j, k)))
        });
        for (j, k) in diagonals {
            let first = j - j % S::F64_LANES;
            let m = n + j - 1 - k;
            let [(ar, ai), (br, bi)] = &mut lines[m..m + 2] else { continue };
            let (a, b) = (Complex64::new(ar[j], ai[j]), Complex64::new(br[j], bi[j]));
            let norm = (a.norm_sqr() + b.norm_sqr()).sqrt();
            let inverse = 1.0 / norm;
            let (a, b) = if norm >= ZERO { (a * inverse, b * inverse) } else { (Complex64::ONE, Complex64::ZERO) };
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
            cells[j * n + k] = [a, b];
        }
        cells
    }
}
