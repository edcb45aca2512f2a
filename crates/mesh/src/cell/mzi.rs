//! The Mach–Zehnder interferometer (MZI), the 2×2 cell of every mesh, and every sign convention.
//!
//! ```text
//!            ┌─φ─┐  splitter  ┌─θ─┐  splitter
//!  upper ────┤   ├───╲  ╱─────┤   ├───╲  ╱──── upper
//!            └───┘    ╳ α     └───┘    ╳ β
//!  lower ────────────╱  ╲─────────────╱  ╲──── lower
//! ```
//!
//! `T(θ,φ;α,β) = S(π/4+β)·P(θ)·S(π/4+α)·P(φ)`, with `S(η) = [[cos η, i sin η], [i sin η, cos η]]` and
//! `P(a) = diag(e^{ia}, 1)`. Light meets φ first. Without errors `T = i e^{iθ/2} [[e^{iφ} s, c], [e^{iφ} c, −s]]`,
//! `s = sin(θ/2)`, `c = cos(θ/2)`: θ = 0 is the cross state, θ = π the bar state. The same matrix as `MZICrossing` in
//! QPG-MIT/meshes and `mach_zehnder` in Strawberry Fields.

use num_complex::Complex64;
pub use phaseloom_numerics::angle::wrap;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_4, PI};

/// Maximum modulus that counts as zero when a cell nulls an entry of a unitary, whose entries are of order one.
///
/// A smaller bound would null the rounding errors of preceding cells. A larger one would break the promise of 1e-13·N:
/// leaving out N(N−1)/2 entries of this size in each triangle moves a mesh by up to 4e-14·N, and two meshes by twice that.
pub const ZERO: f64 = 4e-14;

/// A 2×2 transfer matrix by rows: `[[t11, t12], [t21, t22]]`, row = output, column = input.
pub type Transfer = [[Complex64; 2]; 2];

/// Fabrication errors of one cell: splitters and arms, without phases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellErrors {
    /// Error of the first splitter of the MZI (rad): its angle is π/4 + alpha.
    pub alpha: f64,
    /// Error of the second splitter (rad).
    pub beta: f64,
    /// Error of the splitter before the external phase (rad), if the cell has one.
    pub gamma: f64,
    /// Amplitude transmission of the upper inner arm, 0…1.
    pub upper_transmission: f64,
    /// Amplitude transmission of the lower inner arm, 0…1.
    pub lower_transmission: f64,
}

impl CellErrors {
    /// A cell as designed: 50:50 splitters, no loss.
    pub const NONE: Self = Self { alpha: 0.0, beta: 0.0, gamma: 0.0, upper_transmission: 1.0, lower_transmission: 1.0 };
}

/// `S(π/4+β)·diag(g_u e^{iθ}, g_l)·S(π/4+α)·P(φ)`: the transfer matrix of a cell with phases in rad.
///
/// ```
/// use phaseloom_mesh::cell::{transfer, CellErrors};
/// let cross = transfer(0.0, 0.0, CellErrors::NONE);
/// assert!(cross[0][0].norm() < 1e-15 && (cross[0][1].im - 1.0).abs() < 1e-15);
/// ```
#[must_use]
pub fn transfer(theta: f64, phi: f64, errors: CellErrors) -> Transfer {
    let (sa, ca) = (FRAC_PI_4 + errors.alpha).sin_cos();
    let (sb, cb) = (FRAC_PI_4 + errors.beta).sin_cos();
    let upper = Complex64::from_polar(errors.upper_transmission, theta);
    let lower = errors.lower_transmission;
    let external = Complex64::cis(phi);
    let i = Complex64::i();
    [
        [(upper * (cb * ca) - lower * sb * sa) * external, i * (upper * (cb * sa) + lower * sb * ca)],
        [i * (upper * (sb * ca) + lower * cb * sa) * external, lower * (cb * ca) - upper * (sb * sa)],
    ]
}

/// The ideal transfer matrix in closed form, exact to rounding in the cross and the bar state.
#[must_use]
pub fn ideal(theta: f64, phi: f64) -> Transfer {
    let (s, c) = (theta / 2.0).sin_cos();
    let global = Complex64::i() * Complex64::cis(theta / 2.0);
    let external = Complex64::cis(phi);
    [[global * external * s, global * c], [global * external * c, global * -s]]
}

/// (θ, φ) of the cell whose `T11` is the real number `transmission`: an attenuator whose lower port is dumped. A number
/// outside 0…1 counts as the nearest limit, and NaN makes both phases NaN.
///
/// `θ = 2 arcsin t`, `φ = −θ/2 − π/2` makes `i e^{iθ/2} e^{iφ} sin(θ/2)` equal to t.
#[must_use]
pub fn attenuator(transmission: f64) -> (f64, f64) {
    let theta = 2.0 * transmission.clamp(0.0, 1.0).asin();
    (theta, wrap(-theta / 2.0 - PI / 2.0))
}

/// Angle error (rad) of a splitter whose *bar amplitude* deviates by `delta` from 1/√2 (Fang 2019).
///
/// The exact inverse of `cos(π/4+α) = 1/√2 + δ`, about −√2·δ. An amplitude outside 0…1 counts as the nearest limit.
#[must_use]
pub fn splitter_error_from_amplitude(delta: f64) -> f64 {
    (FRAC_1_SQRT_2 + delta).clamp(0.0, 1.0).acos() - FRAC_PI_4
}

/// Deviation δ of the bar amplitude `r = 1/√2 + δ` of a splitter with the angle error `alpha` (rad): `cos(π/4+α) − 1/√2 ≈
/// −α/√2` (Fang et al., Opt. Express 27, 14009, 2019; their code uses the names r and t).
///
/// The inverse is [`splitter_error_from_amplitude`]. Both are exact for α in [−π/4, π/4], where r and t = √(1 − r²) are
/// amplitudes from 0 to 1.
#[must_use]
pub fn amplitude_from_splitter_error(alpha: f64) -> f64 {
    (FRAC_PI_4 + alpha).cos() - FRAC_1_SQRT_2
}

/// Angle error (rad) of a splitter whose *cross power* deviates by `delta` from 1/2 ("50 ± x %").
///
/// The exact inverse of `sin²(π/4+α) = 1/2 + δ`, about δ. A power outside 0…1 counts as the nearest limit.
#[must_use]
pub fn splitter_error_from_power(delta: f64) -> f64 {
    (2.0 * delta).clamp(-1.0, 1.0).asin() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;
    use std::f64::consts::TAU;

    fn close(a: &Transfer, b: &Transfer, tolerance: f64) {
        for r in 0..2 {
            for c in 0..2 {
                assert!((a[r][c] - b[r][c]).norm() < tolerance, "({r},{c}): {} and {}", a[r][c], b[r][c]);
            }
        }
    }

    #[test]
    fn equals_the_product_of_its_four_parts_and_the_closed_form() {
        for k in 0..200 {
            let f = f64::from(k);
            let (theta, phi) = (f * 0.37 % TAU, f * 0.91 % TAU);
            let errors = CellErrors { alpha: 0.3 * (f * 1.3).sin(), beta: 0.2 * (f * 0.7).cos(), ..CellErrors::NONE };
            close(&transfer(theta, phi, errors), &reference::mzi(theta, phi, errors), 1e-15 * 4.0);
            // Closed form with C± = cos(α±β), S± = sin(α±β): docs/physics.md, Cells.
            let (s, c) = (theta / 2.0).sin_cos();
            let (cp, cm) = ((errors.alpha + errors.beta).cos(), (errors.alpha - errors.beta).cos());
            let (sp, sm) = ((errors.alpha + errors.beta).sin(), (errors.alpha - errors.beta).sin());
            let (g, e) = (Complex64::cis(theta / 2.0), Complex64::cis(phi));
            let form = [
                [g * e * Complex64::new(-c * sp, s * cm), g * Complex64::new(-s * sm, c * cp)],
                [g * e * Complex64::new(s * sm, c * cp), g * Complex64::new(-c * sp, -s * cm)],
            ];
            close(&transfer(theta, phi, errors), &form, 4e-15);
            close(&transfer(theta, phi, CellErrors::NONE), &ideal(theta, phi), 4e-15);
            let [a, b] = ideal(theta, phi);
            assert!((a[0] * b[1] - a[1] * b[0] - Complex64::cis(theta + phi)).norm() < 4e-15, "determinant");
        }
    }

    #[test]
    fn zero_is_cross_and_pi_is_bar_and_phi_is_on_the_upper_input() {
        let cross = ideal(0.0, 0.0);
        assert!((cross[0][1] - Complex64::i()).norm() < 1e-15 && cross[0][0].norm() < 1e-15);
        let bar = ideal(PI, 0.0);
        assert!((bar[0][0] + 1.0).norm() < 1e-15 && (bar[1][1] - 1.0).norm() < 1e-15);
        close(&ideal(PI, PI), &[[1.0.into(), 0.0.into()], [0.0.into(), 1.0.into()]], 1e-15);
        let (a, b) = (ideal(1.0, 0.0), ideal(1.0, 0.5));
        assert!((b[0][0] - a[0][0] * Complex64::cis(0.5)).norm() < 1e-15, "φ multiplies the upper input by e^{{+iφ}}");
        assert!((b[0][1] - a[0][1]).norm() < 1e-15, "φ leaves the lower input alone");
    }

    #[test]
    fn reachable_moduli_are_those_of_the_splitter_errors() {
        let e = CellErrors { alpha: 0.05, beta: 0.02, ..CellErrors::NONE };
        assert!((transfer(0.0, 0.0, e)[0][0].norm() - 0.07_f64.sin()).abs() < 1e-15);
        assert!((transfer(PI, 0.0, e)[0][0].norm() - 0.03_f64.cos()).abs() < 1e-15);
    }

    #[test]
    fn attenuator_transmits_a_real_amplitude() {
        for t in [0.0, 1e-9, 0.3, 0.999_999, 1.0] {
            let (theta, phi) = attenuator(t);
            assert!((ideal(theta, phi)[0][0] - t).norm() < 2e-16 + 1e-15 * t);
        }
    }

    #[test]
    fn splitter_errors_convert_exactly() {
        for k in -70..=70 {
            let alpha = f64::from(k) / 100.0;
            let back = splitter_error_from_amplitude(amplitude_from_splitter_error(alpha));
            // The arc cosine loses digits near r = 1, as 1/sin(π/4+α).
            assert!((back - alpha).abs() < 1e-15 / (FRAC_PI_4 + alpha).sin(), "{alpha}: {back}");
        }
        assert!((splitter_error_from_amplitude(0.01) + 2f64.sqrt() * 0.01).abs() < 2e-4);
        let alpha = splitter_error_from_power(0.02);
        assert!(((FRAC_PI_4 + alpha).sin().powi(2) - 0.52).abs() < 1e-15);
        assert!((alpha - 0.02).abs() < 1e-5);
    }
}
