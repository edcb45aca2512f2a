//! The decomposition of a contraction W (‖W‖₂ ≤ 1, N×N) on one mesh of 2N modes, in QR form.
//!
//! W is the corner of a unitary. Only the first N columns of that unitary matter, `V = [W; X]` with `X†X = I − W†W`. Only
//! this product of X matters, so X may be triangular. The columns of V are nulled one after another: column j by N cells
//! from row N+j up to row j (derived here; the count N², and the idea to null columns as in QR meshes, are those of the
//! public code `meshes`).
//!
//! The cells of 16 columns are computed on those columns alone. Then all of them are applied to the later columns. O(N³).

use crate::cell::mzi::{ZERO, wrap};
use crate::decompose::fuse::{ChainSpec, fuse_chains};
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::propagate::chains::{ChainBuilder, Support, TILE_ROW, TILE_WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::linalg::{qr, svd};
use phaseloom_numerics::simd::trigonometry::arguments;
use std::collections::VecDeque;
use std::f64::consts::{FRAC_PI_2, PI};
use std::iter::repeat_n;

/// The phases of the mesh for a contraction `w`.
pub(crate) fn decompose(layout: &Layout, w: &DMatrix<Complex64>) -> Result<Phases, MeshError> {
    let n = w.nrows();
    assert!(w.is_square(), "a square matrix");
    let svd = svd(w)?;
    assert!(svd.sigma.iter().all(|&sigma| sigma <= 1.0 + 1e-9), "a matrix of norm at most 1");
    // A σ within rounding of 1 is lossless: √(1 − σ²) of σ = 1 − ε would be a spurious 2e-8.
    let rounding = 8.0 * f64::EPSILON * n as f64;
    let loss = |sigma: f64| match 1.0 - sigma {
        lost if lost < rounding => Complex64::ZERO,
        lost => Complex64::from((lost * (1.0 + sigma)).sqrt()),
    };
    let root = DMatrix::from_fn(n, n, |r, c| loss(svd.sigma[r]) * svd.v[(c, r)].conj());
    Ok(decompose_columns(layout, w, &qr(&root).1))
}

/// The phases of the mesh whose first columns are `[W; X]`, which are orthonormal.
///
/// A cell after phases e^{iψ} on its upper and e^{iχ} on its lower mode realises `[[a, −b*], [b, a*]]` with
///
/// ```text
/// tan(θ/2) = |a|/|b|,   φ = arg a + arg b + ψ − χ + π,
/// ```
///
/// followed by the phases `π/2 − θ/2 + χ − arg b` and `π/2 − θ/2 + χ − arg a` (from `T = i e^{iθ/2} [[e^{iφ} s, c], [e^{iφ} c, −s]]`).
/// If a (θ = 0) or b is zero, φ = 0. The phase that does not depend on χ is then `ψ + arg a − θ/2 − π/2` of the upper mode,
/// or `ψ + arg b − π/2` of the lower one.
pub(crate) fn decompose_columns(layout: &Layout, w: &DMatrix<Complex64>, x: &DMatrix<Complex64>) -> Phases {
    let n = w.nrows();
    assert_eq!(layout.ports, n, "a layout for the ports of the target");
    let cells = null(layout, w, x);
    let mut phases = Phases::zero(cells.len(), n);
    let mut carried = vec![0.0; layout.modes];
    for (k, (position, &Rotation { half, a, b })) in layout.positions.iter().zip(&cells).enumerate() {
        let (upper, lower) = (carried[position.mode], carried[position.mode + 1]);
        let common = FRAC_PI_2 - half + lower;
        let (outer, after) = if half <= 0.0 {
            (0.0, [common - b, upper + b - FRAC_PI_2])
        } else if half >= FRAC_PI_2 {
            (0.0, [upper + a - half - FRAC_PI_2, common - a])
        } else {
            (a + b + upper - lower + PI, [common - b, common - a])
        };
        phases.set_cell(k, 2.0 * half, wrap(outer));
        carried[position.mode..position.mode + 2].copy_from_slice(&after.map(wrap));
    }
    carried.iter().take(n).enumerate().for_each(|(mode, &phase)| phases.set_output(mode, wrap(phase)));
    phases
}

/// A cell `[[a, −b*], [b, a*]]`: θ/2 and the arguments of a and b (rad). θ/2 is 0 if a is zero, and π/2 if b is.
#[derive(Clone, Copy)]
struct Rotation {
    half: f64,
    a: f64,
    b: f64,
}

/// (a, b) of a cell whose entries are both zero.
const IDLE: [Complex64; 2] = [Complex64::ONE, Complex64::ZERO];

/// The cells that null the columns `[W; X]`, in the order of the layout.
fn null(layout: &Layout, w: &DMatrix<Complex64>, x: &DMatrix<Complex64>) -> Vec<Rotation> {
    let n = w.nrows();
    let entry = |m: usize, c: usize| if m < n { w[(m, c)] } else { x[(m - n, c)] };
    // Rows after the last one with an entry stay zero.
    let rows = (0..2 * n).rev().find(|&m| m < n || (0..n).any(|c| entry(m, c) != Complex64::ZERO)).map_or(0, |m| m + 1);
    let panel = |p: usize| {
        let mut panel = vec![[0.0; TILE_ROW]; 2 * n];
        for c in p * TILE_WIDTH..n.min((p + 1) * TILE_WIDTH) {
            for (m, row) in panel.iter_mut().enumerate().take(rows) {
                let z = entry(m, c);
                (row[c % TILE_WIDTH], row[TILE_WIDTH + c % TILE_WIDTH]) = (z.re, z.im);
            }
        }
        panel
    };
    let mut panels: VecDeque<Vec<[f64; TILE_ROW]>> = (0..n.div_ceil(TILE_WIDTH)).map(panel).collect();
    let mut cells = vec![Rotation { half: FRAC_PI_2, a: 0.0, b: 0.0 }; n * n];
    for first in (0..n).step_by(TILE_WIDTH) {
        let Some(mut panel) = panels.pop_front() else { break };
        let mut builder = ChainBuilder::new(2 * n, n + TILE_WIDTH);
        let mut chains: Vec<ChainSpec> = Vec::with_capacity(TILE_WIDTH);
        for j in first..n.min(first + TILE_WIDTH) {
            let last = (n + j).min(rows) - 1;
            let (mut rotations, mut elements) = (Vec::with_capacity(n), Vec::with_capacity(n));
            builder.clear();
            builder.begin(last + 1, false, 0);
            builder.null(&mut panel, repeat_n(j - first, last + 1 - j), |_, [lower, upper]| {
                let [upper, lower] =
                    [upper, lower].map(|z| if z.norm_sqr() < ZERO * ZERO { Complex64::ZERO } else { z });
                let norm = (upper.norm_sqr() + lower.norm_sqr()).sqrt();
                let [a, b] = if norm >= ZERO { [upper, lower].map(|z| z * (1.0 / norm)) } else { IDLE };
                rotations.push([a, b]);
                // Takes (a, b) to (1, 0); the mesh applies the inverse.
                let element = [[b.conj(), a.conj()], [a, -b]];
                elements.push(element);
                (element, false)
            });
            let halves =
                arguments(rotations.iter().map(|[a, b]| Complex64::new(b.norm_sqr().sqrt(), a.norm_sqr().sqrt())));
            let [a, b] = [0, 1].map(|side| arguments(rotations.iter().map(|rotation| rotation[side])));
            for (k, m) in (j..=last).rev().enumerate() {
                // The cell of diagonal j on the modes m, m+1.
                let column = m + n - 1 - 2 * j;
                let cell = layout.column(column).start + j - (n - 1).saturating_sub(column);
                cells[cell] = Rotation { half: halves[k], a: a[k], b: b[k] };
            }
            // A cell comes after those on its modes of the diagonal before, which ends one mode lower.
            let column = chains.last().map_or(0, |before| before.column + before.mode - last);
            chains.push(ChainSpec { mode: last + 1, column, elements });
        }
        let chains = fuse_chains(2 * n, false, &chains);
        for later in &mut panels {
            chains.apply(later.as_flattened_mut(), |_| Support::Full);
        }
    }
    cells
}
