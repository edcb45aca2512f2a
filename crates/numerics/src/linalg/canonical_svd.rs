//! The canonical singular value decomposition: equal matrices have equal factors.
//!
//! `W = U·Σ·V†` leaves three choices free: the phase of each pair of vectors, the basis for equal singular values, and all
//! vectors beyond the rank. On an imperfect chip these choices matter as much as the errors, so each is fixed:
//!
//! 1. The largest component of each right singular vector is real and positive.
//! 2. For equal singular values, and beyond the numerical rank, the basis is Gram–Schmidt of the unit vectors in the order
//!    of their indices.
//! 3. Independent blocks are decomposed separately. Otherwise rounding, amplified by 1/(gap between singular values), would
//!    mix them and destroy exact zeros.

use crate::error::NumericsError;
use crate::linalg;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;

/// `W = U·diag(σ)·V†` with full square U (M×M) and V (N×N) and min(M,N) singular values, descending.
#[derive(Clone, Debug)]
pub struct CanonicalSvd {
    /// Left singular vectors, M×M.
    pub u: DMatrix<Complex64>,
    /// Singular values; exact zeros beyond the numerical rank.
    pub sigma: Vec<f64>,
    /// Right singular vectors, N×N.
    pub v: DMatrix<Complex64>,
}

/// Norm of the component of a unit vector outside a subspace from which on Gram–Schmidt uses the vector. Any value below
/// 1/√N finds a basis. A smaller component would amplify rounding.
const INDEPENDENT: f64 = 1e-3;

/// Components above this ratio to the largest one count as equally large, and the first of them is made real.
const TIE: f64 = 1.0 - 1e-8;

/// The canonical decomposition of a finite matrix.
///
/// Numerical rank: σ > 4ε·max(M,N)·σ₁. Singular values count as equal within 16ε·max(M,N)·σ₁, ε = 2.2e-16.
///
/// # Errors
///
/// [`NumericsError::NotFinite`] for a NaN or an infinity, [`NumericsError::Svd`] if every attempt fails its residual check.
pub fn canonical_svd(w: &DMatrix<Complex64>) -> Result<CanonicalSvd, NumericsError> {
    let (rows, columns) = w.shape();
    let linalg::Svd { mut u, mut sigma, mut v } = by_blocks(w)?;
    let first = sigma.first().copied().unwrap_or(0.0);
    let unit = f64::EPSILON * rows.max(columns) as f64 * first;
    let rank = sigma.iter().take_while(|&&s| s > 4.0 * unit).count();
    sigma[rank..].fill(0.0);

    let mut start = 0;
    while start < rank {
        let end = (start..rank).find(|&j| sigma[start] - sigma[j] > 16.0 * unit).unwrap_or(rank);
        if end - start > 1 {
            canonical_basis(&mut u, &mut v, start..end);
            let mean = sigma[start..end].iter().sum::<f64>() / (end - start) as f64;
            sigma[start..end].fill(mean);
        }
        start = end;
    }
    for j in 0..rank {
        let largest = v.column(j).iter().map(|z| z.norm()).fold(0.0, f64::max);
        if let Some(z) = v.column(j).iter().copied().find(|z| z.norm() >= TIE * largest) {
            let phase_factor = z.conj() / z.norm();
            u.column_mut(j).iter_mut().for_each(|x| *x *= phase_factor);
            v.column_mut(j).iter_mut().for_each(|x| *x *= phase_factor);
        }
    }
    Ok(CanonicalSvd { u: complete(&u, rank), sigma, v: complete(&v, rank) })
}

/// The decomposition of each independent block, with all singular values in descending order.
fn by_blocks(w: &DMatrix<Complex64>) -> Result<linalg::Svd, NumericsError> {
    let (rows, columns) = w.shape();
    let blocks = blocks(w);
    if matches!(&blocks[..], [(r, c)] if r.len() == rows && c.len() == columns) {
        return linalg::svd(w);
    }
    // (σ, vector of U, vector of V, index of the block)
    let mut triples = Vec::new();
    for (block, (r, c)) in blocks.iter().enumerate() {
        let svd = linalg::svd(&w.select_rows(r).select_columns(c))?;
        triples.extend(
            svd.sigma
                .iter()
                .enumerate()
                .map(|(j, &s)| (s, svd.u.column(j).clone_owned(), svd.v.column(j).clone_owned(), block)),
        );
    }
    triples.sort_by(|a, b| b.0.total_cmp(&a.0));
    let count = rows.min(columns);
    let (mut u, mut v) = (DMatrix::zeros(rows, count), DMatrix::zeros(columns, count));
    let mut sigma = vec![0.0; count];
    for (j, (s, left, right, block)) in triples.into_iter().enumerate() {
        sigma[j] = s;
        blocks[block].0.iter().zip(left.iter()).for_each(|(&i, &z)| u[(i, j)] = z);
        blocks[block].1.iter().zip(right.iter()).for_each(|(&i, &z)| v[(i, j)] = z);
    }
    Ok(linalg::Svd { u, sigma, v })
}

/// Rows and columns of each block, ascending. Nonzero entries join a row and a column to one block; rows and columns of
/// zeros belong to no block.
fn blocks(w: &DMatrix<Complex64>) -> Vec<(Vec<usize>, Vec<usize>)> {
    let (rows, columns) = w.shape();
    let full = |j: usize| (0..rows).filter(move |&i| w[(i, j)].re != 0.0 || w[(i, j)].im != 0.0);
    // Each row has the name of the first row of its block.
    let mut name: Vec<usize> = (0..rows).collect();
    fn root(name: &mut [usize], mut row: usize) -> usize {
        while name[row] != row {
            name[row] = name[name[row]];
            row = name[row];
        }
        row
    }
    for j in 0..columns {
        let mut first = None;
        for i in full(j) {
            let here = root(&mut name, i);
            let there = root(&mut name, first.unwrap_or(i));
            name[here.max(there)] = here.min(there);
            first = Some(i);
        }
    }
    let mut blocks = vec![(Vec::new(), Vec::new()); rows];
    for j in 0..columns {
        if let Some(i) = full(j).next() {
            blocks[root(&mut name, i)].1.push(j);
        }
    }
    for i in 0..rows {
        blocks[root(&mut name, i)].0.push(i);
    }
    blocks.retain(|(_, columns)| !columns.is_empty());
    blocks
}

/// Rotates the vectors of equal singular values so that the part of V is Gram–Schmidt of the projected unit vectors.
fn canonical_basis(u: &mut DMatrix<Complex64>, v: &mut DMatrix<Complex64>, cluster: std::ops::Range<usize>) {
    let size = cluster.len();
    let subspace = v.columns(cluster.start, size).clone_owned();
    // In the coordinates of the subspace, the projected unit vector e_j is the conjugate of row j.
    let units = (0..subspace.nrows()).map(|j| DVector::from_iterator(size, subspace.row(j).iter().map(|z| z.conj())));
    let rotation = gram_schmidt(DMatrix::zeros(size, size), 0, units);
    for matrix in [u, v] {
        let rotated = linalg::multiply(&matrix.columns(cluster.start, size).clone_owned(), &rotation);
        matrix.columns_mut(cluster.start, size).copy_from(&rotated);
    }
}

/// Keeps the first `rank` columns and completes them to a unitary with unit vectors in index order.
fn complete(vectors: &DMatrix<Complex64>, rank: usize) -> DMatrix<Complex64> {
    let n = vectors.nrows();
    let mut basis = DMatrix::zeros(n, n);
    basis.columns_mut(0, rank).copy_from(&vectors.columns(0, rank));
    let units = (0..n).map(|j| DVector::from_fn(n, |i, _| if i == j { 1.0.into() } else { 0.0.into() }));
    gram_schmidt(basis, rank, units)
}

/// Fills the columns from `filled` on with the candidates, in their order, orthogonalised against the columns before
/// (twice, for orthogonality to rounding).
fn gram_schmidt(
    mut basis: DMatrix<Complex64>,
    mut filled: usize,
    candidates: impl Iterator<Item = DVector<Complex64>>,
) -> DMatrix<Complex64> {
    for mut candidate in candidates {
        if filled == basis.ncols() {
            break;
        }
        for _ in 0..2 {
            let done = basis.columns(0, filled);
            candidate -= done * done.ad_mul(&candidate);
        }
        let norm = candidate.norm();
        if norm >= INDEPENDENT {
            basis.set_column(filled, &(candidate / Complex64::new(norm, 0.0)));
            filled += 1;
        }
    }
    basis
}
