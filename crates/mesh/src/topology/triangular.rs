//! The triangular mesh (Reck et al., Phys. Rev. Lett. 73, 58, 1994, recalled): 2N−3 columns, configurable from outside.
//!
//! ```text
//!  ──╳─────╳─────╳──     row r = N−1 … 1 is nulled by cells at the modes 0 … r−1,
//!  ─────╳─────╳─────     in the columns m + 2(N−1−r)
//!  ────────╳────────
//! ```

use super::Topology;
use crate::cell::mzi as cell;
use crate::decompose::fast::projections::{Carry, Projections, Way, project};
use crate::decompose::fuse::{Chain, join, join_known};
use crate::decompose::nulling::{Null, angles, on_rows, rotate};
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};
use crate::propagate::chains::{Support, TILE_ROW, TILE_WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Modes from which on projections are faster than rotations.
const LARGE: usize = 8;

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
        let positions = (0..(2 * modes).saturating_sub(3))
            .flat_map(|column| {
                // Row r = modes−1−(column−mode)/2 has cells at the modes below r.
                let highest = column.min(2 * modes - 4 - column);
                (column % 2..=highest).step_by(2).map(move |mode| CellPosition { column, mode })
            })
            .collect();
        Layout::new(modes, positions)
    }

    /// Nulls the rows from the last to the second, each from the left to the diagonal. O(N³).
    ///
    /// Of 16 rows at a time the cells are found on those rows alone; then the rows above pass them all at once.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let n = target.modes();
        assert_eq!(layout.ports, n, "a layout of as many ports");
        let mut settings = Phases::zero(layout.positions.len(), n);
        let mut panels = panels(target.matrix());
        // Cells of a column stand two modes apart.
        let index = |row: usize, mode: usize| layout.column(mode + 2 * (n - 1 - row)).start + mode / 2;
        while let Some(mut panel) = panels.pop() {
            let first = panels.len() * TILE_WIDTH;
            panel.truncate(n.min(first + TILE_WIDTH));
            let rows = (first..panel.len()).rev();
            let mut set_row = |row: usize, angles: &[(f64, f64)], phase: f64| {
                for (mode, &(theta, phi)) in angles.iter().enumerate() {
                    settings.set_cell(index(row, mode), theta, phi);
                }
                settings.set_output(row, cell::wrap(-phase));
            };
            let ways: Vec<Way> =
                rows.clone().map(|row| Way { vector: row - first, line: 0, count: row, carry: Carry::First }).collect();
            let generic = if n >= LARGE { project(&mut panel.clone(), true, &ways) } else { None };
            let chains = if let Some(Projections { angles, elements, phases, factors }) = generic {
                rows.clone()
                    .zip(&angles)
                    .zip(phases)
                    .for_each(|((row, angles), [_, phase])| set_row(row, angles, phase));
                join_known(true, &chains(elements), &factors)
            } else {
                let nulls = Arch::new().dispatch(Panel { columns: &mut panel, first });
                for (row, nulls) in rows.zip(&nulls) {
                    set_row(row, &angles(nulls), entry(&panel, row - first, row).arg());
                }
                let elements = |nulls: &Vec<Null>| nulls.iter().map(|null| on_rows(&null.transfer())).collect();
                join(panel.len(), true, &chains(nulls.iter().map(elements).collect()))
            };
            for above in &mut panels {
                chains.apply(above[..panel.len()].as_flattened_mut(), |_| Support::Full);
            }
        }
        Ok(settings)
    }
}

/// Cells of some rows, the last row first, each two columns behind the one before.
fn chains<E>(elements: Vec<Vec<E>>) -> Vec<Chain<E>> {
    let chain = |(done, elements)| Chain { line: 0, column: 2 * done, elements };
    elements.into_iter().enumerate().map(chain).collect()
}

/// The conjugate of a matrix by 16 rows, on which T acts where T† acts on the matrix from the right: of each column the
/// real parts of its entries, then the imaginary parts.
fn panels(u: &DMatrix<Complex64>) -> Vec<Vec<[f64; TILE_ROW]>> {
    let n = u.nrows();
    let mut panels = vec![vec![[0.0; TILE_ROW]; n]; n.div_ceil(TILE_WIDTH)];
    for (c, column) in u.column_iter().enumerate() {
        for (row, z) in column.iter().enumerate() {
            let line = &mut panels[row / TILE_WIDTH][c];
            (line[row % TILE_WIDTH], line[TILE_WIDTH + row % TILE_WIDTH]) = (z.re, -z.im);
        }
    }
    panels
}

fn entry(columns: &[[f64; TILE_ROW]], row: usize, column: usize) -> Complex64 {
    Complex64::new(columns[column][row], columns[column][TILE_WIDTH + row])
}

/// Some rows, to be nulled.
struct Panel<'a> {
    columns: &'a mut [[f64; TILE_ROW]],
    first: usize,
}

impl WithSimd for Panel<'_> {
    type Output = Vec<Vec<Null>>;

    /// Nulls the rows of the panel from the last one on, and finds their cells.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let mut nulls = Vec::with_capacity(TILE_WIDTH);
        for row in (self.first..self.columns.len()).rev() {
            let k = row - self.first;
            let length = (k + 1).next_multiple_of(S::F64_LANES);
            let mut of_row = Vec::with_capacity(row);
            for m in 0..row {
                let [a, b] = [m, m + 1].map(|column| entry(self.columns, k, column).conj());
                let null = Null::from_right(a, b);
                of_row.push(null);
                let [a, b] = &mut self.columns[m..m + 2] else { continue };
                let ((ar, ai), (br, bi)) = (a.split_at_mut(TILE_WIDTH), b.split_at_mut(TILE_WIDTH));
                let lines = ((&mut ar[..length], &mut ai[..length]), (&mut br[..length], &mut bi[..length]));
                rotate(simd, lines.0, lines.1, &null.transfer());
            }
            nulls.push(of_row);
        }
        nulls
    }
}
