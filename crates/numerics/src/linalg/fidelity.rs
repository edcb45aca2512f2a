//! Distances between matrices: fidelity and relative errors.

use nalgebra::DMatrix;
use num_complex::Complex64;

/// `‖U − Û‖_F/√N` of two matrices of N columns: the usual error of a mesh. A global phase counts as an error. NaN for
/// empty matrices.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn matrix_error(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    (target - realised).norm() / (target.ncols() as f64).sqrt()
}

/// `‖W − Ŵ‖_F/‖W‖_F`; for a unitary the same as [`matrix_error`]. NaN or infinite if W is zero.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn relative_error(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    (target - realised).norm() / target.norm()
}

/// `|tr(U†Û)|²/(tr(U†U)·tr(Û†Û))`, 0…1.
///
/// A global phase and a loss common to all modes do not change it, so report the transmission as well. NaN if a matrix
/// is zero.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn fidelity(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    // The quotient is squared last, because fourth powers of the entries may leave the range of a double.
    (target.dotc(realised) / (target.norm() * realised.norm())).norm_sqr()
}

/// `1 − F` of the [`fidelity`], 0…1, with an error of about 1e-15·√(1 − F), and digits down to 1e-30.
///
/// The difference of 1 and F loses what is below 1e-16. Here it is the square of the part of Û that is orthogonal to U.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn infidelity(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    let target = target.unscale(target.norm());
    let realised = realised.unscale(realised.norm());
    let overlap = target.dotc(&realised);
    (realised - target * overlap).norm_squared()
}

/// Starts of the search of [`port_phase_fidelity`]: columns of the largest overlaps.
const STARTS: usize = 8;
/// Maximum number of steps from one start; each step raises the overlap.
const MAX_STEPS: usize = 1000;

/// The [`fidelity`] after the best phases of the ports, `max |tr(U†·D₁·Û·D₂)|²/(‖U‖²‖Û‖²)` over diagonal unitaries D₁, D₂: for
/// measurements in which the phases of inputs and outputs mean nothing.
///
/// The overlap `Σ aᵢ·cᵢⱼ·bⱼ`, `c = conj(U)∘Û`, is maximised over the phases a and b in turn, from the phases of up to eight columns of c.
/// The result is exact if Û differs from U by phases of ports alone, and otherwise the best of what these starts reach.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn port_phase_fidelity(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    let scale = target.norm() * realised.norm();
    let overlaps = target.zip_map(realised, |u, v| u.conj() * v / scale);
    let mut starts: Vec<usize> = (0..overlaps.ncols()).collect();
    starts.sort_by(|a, b| overlaps.column(*b).norm().total_cmp(&overlaps.column(*a).norm()));
    let aligned = |sum: Complex64| if sum.norm() > 0.0 { sum.conj() / sum.norm() } else { Complex64::ONE };
    let mut best = 0.0_f64;
    for start in starts.into_iter().take(STARTS) {
        let mut rows: Vec<Complex64> = overlaps.column(start).iter().map(|z| aligned(*z)).collect();
        let mut total = 0.0;
        for _ in 0..MAX_STEPS {
            let sums = overlaps.column_iter().map(|column| column.iter().zip(&rows).map(|(c, a)| c * a).sum());
            let columns: Vec<Complex64> = sums.map(aligned).collect();
            let sums = overlaps.row_iter().map(|row| row.iter().zip(&columns).map(|(c, b)| c * b).sum::<Complex64>());
            let sums: Vec<Complex64> = sums.collect();
            rows = sums.iter().map(|sum| aligned(*sum)).collect();
            let sum: f64 = sums.iter().map(|sum| sum.norm()).sum();
            if sum <= total + 1e-15 {
                break;
            }
            total = sum;
        }
        best = best.max(total);
    }
    best.powi(2).min(1.0)
}

/// `(Σ|Uᵢⱼ||Ûᵢⱼ|)²/(‖U‖²‖Û‖²)`: the [`fidelity`] of amplitudes, for measurements of powers alone. Not below
/// [`port_phase_fidelity`].
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn amplitude_fidelity(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    fidelity(&target.map(|z| z.norm().into()), &realised.map(|z| z.norm().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::haar::haar_unitary;
    use crate::random::stream::StreamKey;

    /// Phases of ports change nothing; the three fidelities are in order; for 2×2 matrices a grid of phases finds the same.
    #[test]
    fn phases_of_ports_do_not_count() {
        let mut stream = StreamKey::new(3, "test").stream();
        for modes in [1, 2, 5, 9] {
            let (u, v) = (haar_unitary(modes, &mut stream), haar_unitary(modes, &mut stream));
            let phases = |at: f64| {
                DMatrix::from_fn(modes, modes, |i, j| {
                    if i == j { Complex64::cis(at * (1 + i * i) as f64) } else { Complex64::ZERO }
                })
            };
            let turned = phases(1.3) * &u * phases(0.7) * Complex64::from(0.2);
            assert!((port_phase_fidelity(&u, &turned) - 1.0).abs() < 1e-12, "{modes}");
            let (plain, ports) = (fidelity(&u, &v), port_phase_fidelity(&u, &v));
            assert!(plain <= ports + 1e-12 && ports <= amplitude_fidelity(&u, &v) + 1e-12);
            if modes == 2 {
                // Phases of one output and of one input; the others are global.
                let step = |k: i32| Complex64::cis(f64::from(k) * std::f64::consts::TAU / 2000.0);
                let c = u.zip_map(&v, |u, v| u.conj() * v / 2.0);
                let grid = (0..2000).map(|k| {
                    let columns = [c[(0, 0)] + c[(1, 0)] * step(k), c[(0, 1)] + c[(1, 1)] * step(k)];
                    (columns[0].norm() + columns[1].norm()).powi(2)
                });
                let largest = grid.fold(0.0, f64::max);
                assert!((largest - ports).abs() < 1e-4 && ports >= largest - 1e-12, "{largest} {ports}");
            }
        }
    }

    #[test]
    fn a_tiny_infidelity_keeps_its_digits() {
        let (c, zero) = (Complex64::new, Complex64::new(0.0, 0.0));
        let identity = DMatrix::<Complex64>::identity(2, 2);
        for angle in [1e-12_f64, 1e-6, 0.3] {
            // A rotation by an angle ε has |tr(R)|²/4 = cos²ε; a factor changes nothing.
            let rotated = DMatrix::from_row_slice(
                2,
                2,
                &[c(angle.cos(), 0.0), c(-angle.sin(), 0.0), c(angle.sin(), 0.0), c(angle.cos(), 0.0)],
            ) * c(0.0, 3e-100);
            let expected = angle.sin().powi(2);
            let found = infidelity(&identity, &rotated);
            assert!((found - expected).abs() < 2e-15 * expected.sqrt(), "{angle}: {found}");
        }
        let shifted = DMatrix::from_row_slice(2, 2, &[zero, c(1.0, 0.0), c(1.0, 0.0), zero]);
        assert!((infidelity(&identity, &shifted) - 1.0).abs() < 1e-15);
    }
}
