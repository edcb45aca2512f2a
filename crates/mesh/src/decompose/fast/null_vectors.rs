//! The sweeps of a rectangular mesh by the null vectors of the corners of its matrix.
//!
//! Rows are counted from the last one, ρ = N−1−row, so that sweep i nulls the entries ρ + column = i: an even one by
//! cells on columns, an odd one by cells on rows ([`crate::decompose::clements`]). An even sweep leaves the rows ρ ≤ i dark in one
//! column. So the vector that its cells, last to first, make of that column is a null vector of the rows ρ ≤ i and the
//! columns ≤ i+1 as they stand; and as cells on rows only mix these rows, it is one of the given matrix, passed through
//! the earlier cells on columns:
//!
//! ```text
//! A[0…i, 0…i+1]·w = 0,   v = (earlier even sweeps)·w,   chains i: v → one entry.
//! ```
//!
//! The cells of even sweeps thus follow from N/2 vectors alone, which take the place of the matrix; so do those of odd
//! sweeps, with null vectors from the left. Corners of more than half the rows have the null vectors of the opposite ones:
//! for a unitary, `z†·A[i+1…, i+2…] = 0` makes `w = A†·z` vanish beyond i+1.
//!
//! Corners without a generic pivot have no such vectors, and rounding errors grow where one is small. So the outcome is
//! probed, and who gets none takes the entries themselves.

use crate::decompose::fast::projections::{Carry, Projections, Way, project};
use crate::decompose::fuse::{Chain, join_known};
use crate::propagate::chains::{Support, TILE_ROW, TILE_WIDTH};
use nalgebra::{DMatrix, DMatrixView};
use num_complex::Complex64;
use phaseloom_numerics::StreamKey;
use phaseloom_numerics::linalg::{NullVectors, multiply, multiply_part};
use rand::Rng;
use std::f64::consts::FRAC_1_SQRT_2;

/// What a program may differ from its matrix, in Frobenius norm, for each mode, as 16 vectors estimate it: where one cell
/// makes all of the error, to a quarter of its square; so it is half of the 1e-13 that programs keep to.
const MAX_ERROR: f64 = 5e-14;

/// Modes from which on null vectors are corrected at once: their error grows as the power 2.5 of the modes.
const CORRECTED: usize = 600;

/// Nulls a unitary as [`crate::decompose::clements::null`] does; `None`, after any number of calls of `found`, where null vectors
/// do not tell its cells exactly.
pub(crate) fn null(u: &DMatrix<Complex64>, mut found: impl FnMut(usize, &[(f64, f64)])) -> Option<Vec<f64>> {
    let n = u.nrows();
    let a = DMatrix::from_fn(n, n, |rho, c| u[(n - 1 - rho, c)]);
    if n < CORRECTED
        && let Some(phases) = attempt(&a, false, &mut found)
    {
        return Some(phases);
    }
    attempt(&a, true, found)
}

fn attempt(a: &DMatrix<Complex64>, corrected: bool, mut found: impl FnMut(usize, &[(f64, f64)])) -> Option<Vec<f64>> {
    let n = a.nrows();
    let half = n / 2 + 1;
    let leading = NullVectors::new(&a.view((0, 0), (half, half)).into_owned(), 0, corrected)?;
    let trailing = NullVectors::new(&DMatrix::from_fn(half, half, |r, c| a[(n - 1 - r, n - 1 - c)]), n % 2, corrected)?;
    let mut stream = StreamKey::new(1, "null_vectors/probe").stream();
    // Numbers of modulus one: what they say of a norm spreads less than what normal ones do.
    let sign = |bit: u64| if bit & 1 == 0 { FRAC_1_SQRT_2 } else { -FRAC_1_SQRT_2 };
    let mut probe = DMatrix::zeros(n, TILE_WIDTH);
    for mut row in probe.row_iter_mut() {
        let bits = stream.next_u64();
        row.iter_mut()
            .enumerate()
            .for_each(|(k, z)| *z = Complex64::new(sign(bits >> k), sign(bits >> (TILE_WIDTH + k))));
    }
    let (mut columns, mut rows) = (tile(&probe.as_view(), n), tile(&multiply(a, &probe).as_view(), n));

    Vectors { a, near: &leading.right, far: &trailing.left }.pass::<false>(&mut columns, &mut found)?;
    Vectors { a, near: &leading.left, far: &trailing.right }.pass::<true>(&mut rows, &mut found)?;

    // What is left of the matrix is diagonal: rows·A·probe = D·columns·probe.
    let mut error = 0.0;
    let phases = (0..n)
        .map(|mode| {
            let (out, light) = (&rows[n - 1 - mode], &columns[mode]);
            let pairs = || (0..TILE_WIDTH).map(|k| (entry(out, k), entry(light, k)));
            let sum: Complex64 = pairs().map(|(out, light)| out * light.conj()).sum();
            let factor = sum / sum.norm();
            error += pairs().map(|(out, light)| (out - factor * light).norm_sqr()).sum::<f64>();
            factor.arg()
        })
        .collect();
    let error = (error / TILE_WIDTH as f64).sqrt();
    (error <= MAX_ERROR * n as f64).then_some(phases)
}

/// A tile of the first lines of up to 16 vectors.
fn tile(vectors: &DMatrixView<'_, Complex64>, lines: usize) -> Vec<[f64; TILE_ROW]> {
    let mut tile = vec![[0.0; TILE_ROW]; lines];
    for (k, vector) in vectors.column_iter().enumerate() {
        for (line, z) in tile.iter_mut().zip(vector.iter()) {
            (line[k], line[TILE_WIDTH + k]) = (z.re, z.im);
        }
    }
    tile
}

fn entry(line: &[f64; TILE_ROW], k: usize) -> Complex64 {
    Complex64::new(line[k], line[TILE_WIDTH + k])
}

/// The null vectors of the sweeps of one parity: of corners up to half the side they are the columns i+1 of `near`, of
/// larger ones `A†·z`, with z* the column N−2−i of `far`, counted from its last entry. Those of cells on rows are kept
/// conjugate, as `A·z*`.
struct Vectors<'a> {
    a: &'a DMatrix<Complex64>,
    near: &'a DMatrix<Complex64>,
    far: &'a DMatrix<Complex64>,
}

impl Vectors<'_> {
    /// Finds the cells, and lets 16 probes pass them. `ROWS`: the cells act on rows, and the null vectors are conjugate.
    fn pass<const ROWS: bool>(
        &self,
        probe: &mut [[f64; TILE_ROW]],
        mut found: impl FnMut(usize, &[(f64, f64)]),
    ) -> Option<()> {
        let n = self.a.nrows();
        let sweeps: Vec<usize> = (usize::from(ROWS)..n.saturating_sub(1)).step_by(2).collect();
        // Many together make large products, but fill up their triangle of zeros: a sixteenth of the sweeps, or so.
        let together = (n / 16).max(1).next_multiple_of(TILE_WIDTH);
        let mut tiles: Vec<Vec<[f64; TILE_ROW]>> =
            sweeps.chunks(together).flat_map(|sweeps| self.tiles::<ROWS>(sweeps)).collect();
        tiles.reverse();
        for sweeps in sweeps.chunks(TILE_WIDTH) {
            let mut panel = tiles.pop()?;
            let carry = if ROWS { Carry::First } else { Carry::Second };
            let way = |(vector, &i)| Way { vector, line: i + 1, count: i + 1, carry };
            let ways: Vec<Way> = sweeps.iter().enumerate().map(way).collect();
            let Projections { angles, elements, factors, .. } = project(&mut panel, false, &ways)?;
            sweeps.iter().zip(&angles).for_each(|(&i, angles)| found(i, angles));
            let chains = ways.iter().zip(elements).map(|(way, elements)| Chain { line: way.line, column: 0, elements });
            let chains = join_known(false, &chains.collect::<Vec<_>>(), &factors);
            for later in tiles.iter_mut().map(|tile| &mut tile[..]).chain([&mut *probe]) {
                chains.apply(later[..panel.len()].as_flattened_mut(), |_| Support::Full);
            }
        }
        Some(())
    }

    /// The null vectors of some sweeps, by 16, on the lines that their cells meet.
    fn tiles<const ROWS: bool>(&self, sweeps: &[usize]) -> Vec<Vec<[f64; TILE_ROW]>> {
        let n = self.a.nrows();
        let (from, lines) = (sweeps[0] + 1, sweeps[sweeps.len() - 1] + 2);
        let far = |i: usize| i + 1 > n / 2;
        let mut z = DMatrix::zeros(n - from, sweeps.len());
        for (mut z, &i) in z.column_iter_mut().zip(sweeps).filter(|(_, i)| far(**i)) {
            let vector = self.far.column(n - 2 - i);
            (0..n - 1 - i).for_each(|k| z[n - 1 - from - k] = if ROWS { vector[k] } else { vector[k].conj() });
        }
        let mut vectors = if far(lines) {
            multiply_part(self.a, !ROWS, (lines, from), &z)
        } else {
            DMatrix::zeros(lines, sweeps.len())
        };
        for (mut vector, &i) in vectors.column_iter_mut().zip(sweeps) {
            if far(i) {
                vector.rows_mut(i + 2, lines - i - 2).fill(Complex64::new(0.0, 0.0));
            } else {
                let near = self.near.column(i + 1);
                vector.iter_mut().zip(near.iter().take(i + 2)).for_each(|(z, w)| *z = if ROWS { w.conj() } else { *w });
            }
        }
        let tiles = sweeps.chunks(TILE_WIDTH).enumerate();
        tiles
            .map(|(t, sweeps)| {
                let lines = sweeps[sweeps.len() - 1] + 2;
                tile(&vectors.columns(t * TILE_WIDTH, sweeps.len()), lines)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decompose::clements;
    use phaseloom_numerics::haar_unitary;

    /// Angles of the cells in the order of the sweeps, and phases of the diagonal.
    type Found = (Vec<(f64, f64)>, Vec<f64>);

    fn found(null: impl FnOnce(&mut dyn FnMut(usize, &[(f64, f64)])) -> Option<Vec<f64>>) -> Option<Found> {
        let mut cells = Vec::new();
        let phases = null(&mut |i, angles| {
            cells.extend(angles.iter().enumerate().map(|(j, &angles)| ((i, j), angles)));
        })?;
        cells.sort_by_key(|&(place, _)| place);
        Some((cells.into_iter().map(|(_, angles)| angles).collect(), phases))
    }

    #[test]
    fn finds_the_cells_that_the_entries_tell() {
        for n in [2, 3, 4, 5, 16, 17, 33, 64, 97] {
            let u = haar_unitary(n, &mut StreamKey::new(n as u64, "test").stream());
            let slow = found(|f| Some(clements::null(&u, f))).expect("any unitary");
            for corrected in [false, true] {
                let a = DMatrix::from_fn(n, n, |rho, c| u[(n - 1 - rho, c)]);
                let fast = found(|f| attempt(&a, corrected, f)).expect("a generic unitary");
                assert_eq!(fast.0.len(), slow.0.len());
                let turn = |a: f64, b: f64| (Complex64::cis(a) - Complex64::cis(b)).norm();
                // An angle is as exact as the entries that tell it are large: 1e-4 at the least, in these.
                for (k, (a, b)) in fast.0.iter().zip(&slow.0).enumerate() {
                    assert!(turn(a.0, b.0) < 1e-8 && turn(a.1, b.1) < 1e-8, "N={n} cell {k}: {a:?} {b:?}");
                }
                for (a, b) in fast.1.iter().zip(&slow.1) {
                    assert!(turn(*a, *b) < 1e-8, "N={n}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn leaves_what_is_not_generic_to_the_entries() {
        let n = 20;
        let haar = haar_unitary(n / 2, &mut StreamKey::new(1, "test").stream());
        let mut blocks = DMatrix::identity(n, n);
        blocks.view_mut((0, 0), (n / 2, n / 2)).copy_from(&haar);
        let reversal = DMatrix::from_fn(n, n, |r, c| Complex64::new(f64::from(u8::from(r + c + 1 == n)), 0.0));
        let not_a_number = DMatrix::from_element(n, n, Complex64::new(f64::NAN, 0.0));
        for u in [DMatrix::identity(n, n), reversal, blocks, not_a_number] {
            assert!(found(|f| null(&u, f)).is_none());
        }
    }
}
