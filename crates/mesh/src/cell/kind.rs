//! The kinds of cell that a mesh can be built of: each is the Mach–Zehnder interferometer of [`crate::cell::mzi`] with
//! something fixed before or behind it.
//!
//! ```text
//!  mzi              ──φ──╳──θ──╳──       T
//!                   ─────╳─────╳──
//!  three_splitters  ──╳──φ──╳──θ──╳──    T·S(π/4+γ)
//!                   ──╳─────╳─────╳──
//!  crossing         ──φ──╳──θ──╳──╲╱──   X·T,  X = [[0, 1], [1, 0]]
//!                   ─────╳─────╳──╱╲──
//!  symmetric        ──╳──θ₁──╳──         e^{iθ₂}·T(θ₁−θ₂, 0)
//!                   ──╳──θ₂──╳──
//!  coupler          ──θ──╳──             S(π/4+α)·diag(e^{iθ}, e^{iφ})
//!                   ──φ──╳──
//! ```
//!
//! Splitter errors keep a plain cell from a perfect cross (|α+β|) and a perfect bar (|α−β|), which is where most cells of a
//! large mesh stand. A third splitter moves what is out of reach to equal splitting, where hardly a cell stands; a
//! crossing makes of cross bar, for errors that all splitters share spare the bar state (Hamerly, Bandyopadhyay, Englund,
//! Nat. Commun. 13, 6831, 2022; its caption and abstract found, the matrices as in their public code `meshes`). A symmetric
//! cell has its second shifter beside the first and is shorter; the outer phases of a mesh of them move to common phases of
//! its cells, and a few to its boundary (Bell, Walmsley, APL Photonics 6, 070804, 2021, recalled). A coupler is no
//! interferometer: it splits as it splits, and only phases before it are set.

use crate::cell::mzi::{CellErrors, Transfer, transfer};
use crate::cell::solve::{CellSolution, match_ratio};
use crate::cell::transfers::transfers;
use crate::error::MeshError;
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::phase_factors;
use std::f64::consts::FRAC_PI_4;

/// What stands where two modes meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// Two splitters, θ between them, φ before them.
    #[default]
    Mzi,
    /// A third splitter before φ.
    ThreeSplitters,
    /// A crossing of the two waveguides behind.
    Crossing,
    /// Two splitters, a phase on each arm between them, none outside.
    Symmetric,
    /// One splitter, a phase on each line before it.
    Coupler,
}

/// Every cell there is.
pub const CELLS: [Cell; 5] = [Cell::Mzi, Cell::ThreeSplitters, Cell::Crossing, Cell::Symmetric, Cell::Coupler];

/// The cells that reach any splitting.
pub static INTERFEROMETERS: [Cell; 4] = [Cell::Mzi, Cell::ThreeSplitters, Cell::Crossing, Cell::Symmetric];

impl Cell {
    /// Finds a cell by its key.
    ///
    /// # Errors
    ///
    /// [`MeshError::UnknownCell`] with the keys that exist.
    pub fn from_key(key: &str) -> Result<Self, MeshError> {
        CELLS
            .into_iter()
            .find(|cell| cell.key() == key)
            .ok_or_else(|| MeshError::UnknownCell { found: key.to_owned(), known: CELLS.map(Self::key).join(", ") })
    }

    /// The name in files and on the command line.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Mzi => "mzi",
            Self::ThreeSplitters => "three_splitters",
            Self::Crossing => "crossing",
            Self::Symmetric => "symmetric",
            Self::Coupler => "coupler",
        }
    }

    /// One line for `phaseloom list`.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Mzi => "Mach–Zehnder interferometer: two splitters, θ between and φ before them",
            Self::ThreeSplitters => "a third splitter before φ: most settings stay in reach of any splitter errors",
            Self::Crossing => "a crossing behind: errors that all splitters share spare most settings",
            Self::Symmetric => {
                "θ₁ and θ₂ on the two inner arms, shorter; outer phases stand at the boundary (Bell–Walmsley)"
            }
            Self::Coupler => "one splitter with a phase on each line before it, for phase masks",
        }
    }

    /// Number of splitters.
    #[must_use]
    pub fn splitters(self) -> usize {
        match self {
            Self::Coupler => 1,
            Self::Mzi | Self::Crossing | Self::Symmetric => 2,
            Self::ThreeSplitters => 3,
        }
    }

    /// Number of waveguide crossings.
    #[must_use]
    pub fn crossings(self) -> usize {
        usize::from(self == Self::Crossing)
    }

    /// Whether φ is a phase before the cell; else it is that of the lower inner arm, common to both lines with θ.
    #[must_use]
    pub fn has_outer_phase(self) -> bool {
        self != Self::Symmetric
    }

    /// Whether both shifters stand beside each other, on both lines; else in a row, on the upper one.
    #[must_use]
    pub fn has_shifters_side_by_side(self) -> bool {
        matches!(self, Self::Symmetric | Self::Coupler)
    }

    /// Whether it reaches any splitting, so that it can do what another cell does.
    #[must_use]
    pub fn is_interferometer(self) -> bool {
        INTERFEROMETERS.contains(&self)
    }

    /// What several of them are called.
    #[must_use]
    pub fn plural(self) -> &'static str {
        if self.is_interferometer() { "interferometers" } else { "cells" }
    }

    /// Splitters and shifters that light passes in a row, beside the four of a plain cell: its length, and its loss, if each
    /// is as long and loses as much as the others (assumption).
    #[must_use]
    pub fn length(self) -> f64 {
        match self {
            Self::Mzi | Self::Crossing => 1.0,
            Self::ThreeSplitters => 1.25,
            Self::Symmetric => 0.75,
            Self::Coupler => 0.5,
        }
    }

    /// The transfer matrix with phases in rad.
    ///
    /// ```
    /// use phaseloom_mesh::{Cell, cell::CellErrors};
    /// let bar = Cell::Crossing.transfer(0.0, 0.0, CellErrors::NONE);
    /// assert!(bar[0][1].norm() < 1e-15, "what was cross is bar");
    /// ```
    #[must_use]
    pub fn transfer(self, theta: f64, phi: f64, errors: CellErrors) -> Transfer {
        match self {
            Self::Coupler => coupler([Complex64::cis(theta), Complex64::cis(phi)], errors),
            Self::Symmetric => transfer(theta - phi, 0.0, errors).map(|row| row.map(|z| z * Complex64::cis(phi))),
            _ => self.around(transfer(theta, phi, errors), errors.gamma),
        }
    }

    /// Puts the transfer matrices of many cells into `all`, in the place of what was there; phases in rad.
    pub(crate) fn transfers(self, theta: &[f64], phi: &[f64], errors: &[CellErrors], all: &mut Vec<Transfer>) {
        match self {
            Self::Coupler => {
                let phases = phase_factors(theta).into_iter().zip(phase_factors(phi));
                all.clear();
                all.extend(phases.zip(errors).map(|((upper, lower), errors)| coupler([upper, lower], *errors)));
            }
            Self::Symmetric => {
                let difference: Vec<f64> = theta.iter().zip(phi).map(|(upper, lower)| upper - lower).collect();
                transfers(&difference, &vec![0.0; phi.len()], errors, all);
                for (t, common) in all.iter_mut().zip(phase_factors(phi)) {
                    t.as_flattened_mut().iter_mut().for_each(|z| *z *= common);
                }
            }
            Self::Mzi => transfers(theta, phi, errors, all),
            Self::ThreeSplitters | Self::Crossing => {
                transfers(theta, phi, errors, all);
                all.iter_mut().zip(errors).for_each(|(t, errors)| *t = self.around(*t, errors.gamma));
            }
        }
    }

    /// The cell around a plain interferometer.
    fn around(self, t: Transfer, gamma: f64) -> Transfer {
        match self {
            Self::Mzi | Self::Symmetric | Self::Coupler => t,
            Self::ThreeSplitters => before(&t, FRAC_PI_4 + gamma),
            Self::Crossing => [t[1], t[0]],
        }
    }

    /// The plain interferometer in a cell, with the phases around it.
    pub(crate) fn within(self, t: &Transfer, gamma: f64) -> Transfer {
        match self {
            Self::Mzi | Self::Symmetric | Self::Coupler => *t,
            Self::ThreeSplitters => before(t, -FRAC_PI_4 - gamma),
            Self::Crossing => [t[1], t[0]],
        }
    }

    /// Phases θ and φ with which the cell does `target` but for a phase behind each port, as nearly as it can: that of
    /// [`match_ratio`] for the interferometer in it. A symmetric cell is taken for a plain one, and a coupler too,
    /// which is none.
    #[must_use]
    pub fn match_target(self, target: &Transfer, errors: CellErrors) -> CellSolution {
        match_ratio(&self.within(target, errors.gamma), errors)
    }
}

/// Phase factors on both lines, then the splitter.
fn coupler(turn: [Complex64; 2], errors: CellErrors) -> Transfer {
    let (upper, lower) = (turn[0] * errors.upper_transmission, turn[1] * errors.lower_transmission);
    let (s, c) = (FRAC_PI_4 + errors.alpha).sin_cos();
    let is = Complex64::new(0.0, s);
    [[upper * c, lower * is], [upper * is, lower * c]]
}

/// `T·S(η)`.
fn before(t: &Transfer, eta: f64) -> Transfer {
    let (s, c) = eta.sin_cos();
    let is = Complex64::new(0.0, s);
    t.map(|[a, b]| [a * c + b * is, a * is + b * c])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::mzi::ideal;

    #[test]
    fn every_cell_does_what_an_interferometer_does_but_for_phases_behind_it() {
        let errors = CellErrors { alpha: 0.03, beta: -0.02, gamma: 0.05, ..CellErrors::NONE };
        assert!(CELLS.into_iter().all(|kind| Cell::from_key(kind.key()).unwrap() == kind));
        for kind in CELLS.into_iter().filter(|cell| cell.has_outer_phase() && cell.is_interferometer()) {
            for k in 0..200u32 {
                let draw = |j: u32| f64::from((k * 7919 + j * 104_729) % 9973) / 9973.0;
                let (theta, phi) = (0.2 + 2.7 * draw(0), 6.2 * draw(1));
                let target = ideal(theta, phi);
                for errors in [CellErrors::NONE, errors] {
                    let found = kind.match_target(&target, errors);
                    if !found.reached {
                        continue;
                    }
                    let made = kind.transfer(found.theta, found.phi, errors);
                    for row in 0..2 {
                        let overlap = made[row][0].conj() * target[row][0] + made[row][1].conj() * target[row][1];
                        assert!((overlap.norm() - 1.0).abs() < 1e-14, "{} {k}: {overlap}", kind.key());
                    }
                }
                let t = kind.transfer(theta, phi, errors);
                let core = kind.within(&t, errors.gamma);
                let plain = transfer(theta, phi, errors);
                assert!(core.iter().flatten().zip(plain.iter().flatten()).all(|(a, b)| (a - b).norm() < 1e-15));
            }
        }
        assert!(matches!(Cell::from_key("mzy"), Err(MeshError::UnknownCell { .. })));
    }

    /// What is out of reach: near cross and bar for a plain cell, near equal splitting for three splitters.
    #[test]
    fn a_third_splitter_reaches_cross_and_bar() {
        let errors = CellErrors { alpha: 0.05, beta: 0.02, gamma: 0.03, ..CellErrors::NONE };
        for theta in [0.0, 1e-3, std::f64::consts::PI] {
            assert!(!Cell::Mzi.match_target(&ideal(theta, 0.4), errors).reached, "{theta}");
            assert!(Cell::ThreeSplitters.match_target(&ideal(theta, 0.4), errors).reached, "{theta}");
        }
        let common = CellErrors { alpha: 0.05, beta: 0.05, ..CellErrors::NONE };
        assert!(!Cell::Mzi.match_target(&ideal(0.01, 0.4), common).reached);
        assert!(Cell::Crossing.match_target(&ideal(0.01, 0.4), common).reached);
    }
}
