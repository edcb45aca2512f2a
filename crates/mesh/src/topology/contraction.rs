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

use super::{Capability, Topology};
use crate::cell::mzi::{ZERO, wrap};
use crate::decompose::fast::projections::{Carry, Projections, Way, project};
use crate::decompose::fuse::{Chain, join, join_known};
use crate::decompose::nulling::rotate;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};
use crate::propagate::chains::{ChainElement, Chains, Support, TILE_ROW, TILE_WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::linalg::{qr, svd};
use phaseloom_numerics::simd::trigonometry::arguments;
use pulp::{Arch, Simd, WithSimd};
use std::collections::VecDeque;
use std::f64::consts::{FRAC_PI_2, PI};
use std::ops::Range;

/// N² cells in 2N−1 columns for any contraction; not unitary between its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contraction;

impl Topology for Contraction {
    fn key(&self) -> &'static str {
        "contraction"
    }

    fn description(&self) -> &'static str {
        "any matrix on one mesh of N² cells in 2N−1 columns, what is too much is dumped (QR form)"
    }

    fn layout(&self, modes: usize) -> Layout {
        // Of diagonal j the cell on the lines m, m+1 for m = j … N+j−1: those columns meet these diagonals.
        let positions = (0..(2 * modes).saturating_sub(1)).flat_map(|column| {
            let diagonals = (modes - 1).saturating_sub(column)..modes.min(2 * modes - 1 - column);
            diagonals.map(move |j| CellPosition { column, mode: column + 2 * j + 1 - modes })
        });
        Layout::new(2 * modes, positions.collect()).with_ports(modes)
    }

    fn capability(&self) -> Capability {
        Capability::AnyContraction
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let n = target.modes();
        Ok(nulled(layout, target.matrix(), &DMatrix::zeros(n, n)))
    }

    fn program_contraction(&self, layout: &Layout, w: &DMatrix<Complex64>) -> Result<Phases, MeshError> {
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
/// Where a (θ = 0) or b is dark φ = 0, and the phase behind that χ does not reach is `ψ + arg a − θ/2 − π/2` of the upper line, or
/// `ψ + arg b − π/2` of the lower one.
fn nulled(layout: &Layout, w: &DMatrix<Complex64>, below: &DMatrix<Complex64>) -> Phases {
    let n = w.nrows();
    assert_eq!(layout.ports, n, "a layout of as many ports");
    let cells = null(layout, w, below);
    let mut settings = Phases::zero(cells.len(), n);
    let mut before = vec![0.0; layout.modes];
    for (k, (position, &Rotation { half, a, b })) in layout.positions.iter().zip(&cells).enumerate() {
        let (upper, lower) = (before[position.mode], before[position.mode + 1]);
        let around = FRAC_PI_2 - half + lower;
        let (outer, behind) = if half <= 0.0 {
            (0.0, [around - b, upper + b - FRAC_PI_2])
        } else if half >= FRAC_PI_2 {
            (0.0, [upper + a - half - FRAC_PI_2, around - a])
        } else {
            (a + b + upper - lower + PI, [around - b, around - a])
        };
        settings.set_cell(k, 2.0 * half, wrap(outer));
        before[position.mode..position.mode + 2].copy_from_slice(&behind.map(wrap));
    }
    before.iter().take(n).enumerate().for_each(|(mode, &phase)| settings.set_output(mode, wrap(phase)));
    settings
}

/// θ/2 and the arguments of a and b (rad): θ/2 is 0 where a, and π/2 where b is dark.
#[derive(Clone, Copy)]
struct Rotation {
    half: f64,
    a: f64,
    b: f64,
}

/// What a cell does that meets no light.
const IDLE: Rotation = Rotation { half: FRAC_PI_2, a: 0.0, b: 0.0 };

/// The cells that null the columns `[W; X]`, in the order of the layout. Of 16 columns at a time the cells are found on
/// those columns alone; then the columns behind pass them all at once. O(N³).
fn null(layout: &Layout, w: &DMatrix<Complex64>, below: &DMatrix<Complex64>) -> Vec<Rotation> {
    let n = w.nrows();
    let whole = |m: usize, c: usize| if m < n { w[(m, c)] } else { below[(m - n, c)] };
    // Lines below the last one with light stay dark.
    let lines =
        (0..2 * n).rev().find(|&m| m < n || (0..n).any(|c| whole(m, c) != Complex64::ZERO)).map_or(0, |m| m + 1);
    let panel = |p: usize| {
        let mut panel = vec![[0.0; TILE_ROW]; 2 * n];
        for c in p * TILE_WIDTH..n.min((p + 1) * TILE_WIDTH) {
            for (m, line) in panel.iter_mut().enumerate().take(lines) {
                let z = whole(m, c);
                (line[c % TILE_WIDTH], line[TILE_WIDTH + c % TILE_WIDTH]) = (z.re, z.im);
            }
        }
        panel
    };
    let mut panels: VecDeque<Vec<[f64; TILE_ROW]>> = (0..n.div_ceil(TILE_WIDTH)).map(panel).collect();
    let mut cells = vec![IDLE; n * n];
    for start in (0..n).step_by(TILE_WIDTH) {
        let Some(mut first) = panels.pop_front() else { break };
        let diagonals = start..n.min(start + TILE_WIDTH);
        // The cell of diagonal j on the lines m, m+1.
        let mut found = |j: usize, m: usize, rotation: Rotation| {
            let column = m + n - 1 - 2 * j;
            cells[layout.column(column).start + j - (n - 1).saturating_sub(column)] = rotation;
        };
        let chains = generic(&first, diagonals.clone(), lines, &mut found).unwrap_or_else(|| {
            let (chains, rotations) = Arch::new().dispatch(Panel { panel: &mut first, diagonals, lines });
            let halves = rotations.iter().map(|(_, [a, b])| Complex64::new(b.norm_sqr().sqrt(), a.norm_sqr().sqrt()));
            let halves = arguments(halves);
            let [of_a, of_b] = [0, 1].map(|which| arguments(rotations.iter().map(|(_, cell)| cell[which])));
            for (k, ([j, m], _)) in rotations.into_iter().enumerate() {
                found(j, m, Rotation { half: halves[k], a: of_a[k], b: of_b[k] });
            }
            join(2 * n, false, &chains)
        });
        for behind in &mut panels {
            chains.apply(behind.as_flattened_mut(), |_| Support::Full);
        }
    }
    cells
}

/// The cells of some diagonals all at once; `None` where an entry counts as zero.
fn generic(
    panel: &[[f64; TILE_ROW]],
    diagonals: Range<usize>,
    lines: usize,
    found: &mut impl FnMut(usize, usize, Rotation),
) -> Option<Chains> {
    let n = panel.len() / 2;
    let highest = |j: usize| (n + j).min(lines) - 1;
    let way = |j: usize| {
        // Where the line behind is dark, the first cell only makes the entry of the highest line real.
        let (line, carry) =
            if highest(j) + 1 < lines { (highest(j) + 1, Carry::Real) } else { (highest(j), Carry::Turned) };
        Way { vector: j % TILE_WIDTH, line, count: line - j, carry }
    };
    let ways: Vec<Way> = diagonals.clone().map(way).collect();
    let Projections { angles, elements, phases, factors } = project(&mut panel.to_vec(), false, &ways)?;
    let mut chains: Vec<Chain<[f64; 4]>> = Vec::with_capacity(ways.len());
    let mut column = 0;
    for (((j, way), (angles, elements)), [argument, _]) in
        diagonals.zip(&ways).zip(angles.iter().zip(elements)).zip(phases)
    {
        // A cell comes behind those on its lines of the diagonal before, which ends one line lower.
        if j % TILE_WIDTH > 0 {
            column += highest(j - 1) + 1 - highest(j);
        }
        let mut b = argument;
        if way.carry == Carry::Turned {
            found(j, way.line, Rotation { a: argument, ..IDLE });
            b = 0.0;
        }
        for (m, &(theta, a)) in (j..way.line).rev().zip(angles) {
            found(j, m, Rotation { half: theta / 2.0, a, b });
            b = 0.0;
        }
        chains.push(Chain { line: way.line, column: column + highest(j) + 1 - way.line, elements });
    }
    Some(join_known(false, &chains, &factors))
}

/// (a, b) of a cell that meets no light.
const DARK: [Complex64; 2] = [Complex64::ONE, Complex64::ZERO];

/// Some columns, to be nulled by their diagonals.
struct Panel<'a> {
    /// Line by line 16 real parts, then imaginary parts.
    panel: &'a mut [[f64; TILE_ROW]],
    diagonals: Range<usize>,
    /// The first so many lines have light.
    lines: usize,
}

impl WithSimd for Panel<'_> {
    /// The cells as chains, and (a, b) of each with its diagonal and its upper line.
    type Output = (Vec<Chain>, Vec<([usize; 2], [Complex64; 2])>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { panel, diagonals, lines } = self;
        let n = panel.len() / 2;
        let mut chains: Vec<Chain> = Vec::with_capacity(TILE_WIDTH);
        let (mut rotations, mut column) = (Vec::with_capacity(TILE_WIDTH * n), 0);
        for j in diagonals {
            let lane = j % TILE_WIDTH;
            let whole = lane - lane % S::F64_LANES;
            let highest = (n + j).min(lines) - 1;
            if let Some(before) = chains.last() {
                column += before.line - highest;
            }
            let mut elements = Vec::with_capacity(highest + 1 - j);
            for m in (j..=highest).rev() {
                let [upper, lower] = &mut panel[m..m + 2] else { continue };
                let entry = |line: &[f64; TILE_ROW]| Complex64::new(line[lane], line[TILE_WIDTH + lane]);
                let lit = |z: Complex64| if z.norm_sqr() < ZERO * ZERO { Complex64::ZERO } else { z };
                let (a, b) = (lit(entry(upper)), lit(entry(lower)));
                let norm = (a.norm_sqr() + b.norm_sqr()).sqrt();
                let inverse = 1.0 / norm;
                let [a, b] = if norm >= ZERO { [a * inverse, b * inverse] } else { DARK };
                // Takes (a, b) to (1, 0); light meets its inverse.
                let ((ar, ai), (br, bi)) = (upper.split_at_mut(TILE_WIDTH), lower.split_at_mut(TILE_WIDTH));
                let (first, second) = ((&mut ar[whole..], &mut ai[whole..]), (&mut br[whole..], &mut bi[whole..]));
                rotate(simd, first, second, &[[a.conj(), b.conj()], [-b, a]]);
                (lower[lane], lower[TILE_WIDTH + lane]) = (0.0, 0.0);
                elements.push(ChainElement {
                    carried_carried: b.conj(),
                    carried_met: a.conj(),
                    left_carried: a,
                    left_met: -b,
                });
                rotations.push(([j, m], [a, b]));
            }
            chains.push(Chain { line: highest + 1, column, elements });
        }
        (chains, rotations)
    }
}
