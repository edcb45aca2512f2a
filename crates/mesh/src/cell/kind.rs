//! The kinds of cell that a mesh can be built of.
//!
//! Each kind is the Mach–Zehnder interferometer (MZI) of [`crate::cell::mzi`] with one more part, or a part of it:
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
//! Splitter errors keep an MZI from the exact cross state (by |α+β|) and the exact bar state (by |α−β|). Most cells of
//! a large mesh operate near the cross state. A third splitter moves the unreachable region to equal splitting, which
//! few cells need. A crossing swaps cross and bar: an error that all splitters share does not limit the bar state
//! (Hamerly, Bandyopadhyay, Englund, Nat. Commun. 13, 6831, 2022; matrices as in their public code `meshes`).
//!
//! A symmetric cell has its second phase shifter next to the first and is shorter. The outer phases of its mesh move
//! into phases common to both arms, and a few to the boundary (Bell, Walmsley, APL Photonics 6, 070804, 2021). A
//! coupler has a fixed splitting ratio; only the phases before it are set.
//!
//! A new kind is described here: [`Cell::parts`], its closed form in [`Cell::transfer`], its heaters and its slopes.

use crate::cell::mzi::{CellErrors, Transfer, transfer};
use crate::cell::solve::{CellSolution, match_ratio};
use crate::cell::transfers::transfers_into;
use crate::error::MeshError;
use num_complex::Complex64;
use phaseloom_files::{Alias, find};
use phaseloom_numerics::simd::trigonometry::cis_all;
use std::f64::consts::FRAC_PI_4;

/// The kind of 2×2 unit at a position where two modes meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// Two splitters, θ between them, φ before them.
    #[default]
    Mzi,
    /// An MZI with a third splitter before φ.
    ThreeSplitters,
    /// An MZI followed by a crossing of its two waveguides.
    Crossing,
    /// Two splitters with a phase on each arm between them and no outer phase.
    Symmetric,
    /// One splitter with a phase on each mode before it.
    Coupler,
}

/// Every kind of cell.
pub const CELLS: [Cell; 5] = [Cell::Mzi, Cell::ThreeSplitters, Cell::Crossing, Cell::Symmetric, Cell::Coupler];

/// Other names of cells.
pub const CELL_ALIASES: &[Alias] = &[
    ("mach_zehnder", "mzi"),
    ("3_mzi", "three_splitters"),
    ("mzi_crossing", "crossing"),
    ("smzi", "symmetric"),
    ("symmetric_mzi", "symmetric"),
    ("directional_coupler", "coupler"),
];

/// The kinds that reach any splitting ratio.
pub static INTERFEROMETERS: [Cell; 4] = [Cell::Mzi, Cell::ThreeSplitters, Cell::Crossing, Cell::Symmetric];

/// One optical part of a cell. Light passes the parts in the order of [`Cell::parts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellPart {
    /// The splitter before the outer phase, at π/4 + γ.
    InputSplitter,
    /// The first splitter of an MZI, or the only one of a coupler, at π/4 + α.
    FirstSplitter,
    /// The second splitter of an MZI, at π/4 + β.
    SecondSplitter,
    /// θ on the upper waveguide.
    Theta,
    /// φ on the upper waveguide.
    Phi,
    /// φ on the lower waveguide, next to θ.
    LowerPhi,
    /// The amplitude transmissions of the two arms.
    Arms,
    /// A crossing of the two waveguides.
    Crossing,
}

/// The waveguide that a heater is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeatedWaveguide {
    /// The upper arm; the lower one has no heater, and the phase is the difference of the two.
    UpperArmAlone,
    /// The upper arm of two with a heater each.
    UpperArm,
    /// The lower arm of two with a heater each.
    LowerArm,
    /// The waveguide of the upper mode.
    UpperMode,
    /// The waveguide of the lower mode.
    LowerMode,
}

impl Cell {
    /// Finds a cell by its key or alias.
    ///
    /// # Errors
    ///
    /// [`MeshError::Unknown`] with the keys that exist.
    pub fn from_key(key: &str) -> Result<Self, MeshError> {
        find("cell", CELLS, |cell| cell.key(), CELL_ALIASES, key).map_err(MeshError::Unknown)
    }

    /// The key in files and on the command line.
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

    /// The text for `phaseloom explain`.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Mzi => "Mach–Zehnder interferometer: two splitters, θ between and φ before them",
            Self::ThreeSplitters => "a third splitter before φ: most settings stay in reach of any splitter errors",
            Self::Crossing => "a crossing after it: an error shared by all splitters leaves most phases exact",
            Self::Symmetric => {
                "θ₁ and θ₂ on the two inner arms, shorter; outer phases are at the boundary (Bell–Walmsley)"
            }
            Self::Coupler => "one splitter with a phase on each mode before it, for phase masks",
        }
    }

    /// The optical parts in the order in which light passes them.
    #[must_use]
    pub fn parts(self) -> &'static [CellPart] {
        use CellPart::{Arms, Crossing, FirstSplitter, InputSplitter, LowerPhi, Phi, SecondSplitter, Theta};
        match self {
            Self::Mzi => &[Phi, FirstSplitter, Theta, Arms, SecondSplitter],
            Self::ThreeSplitters => &[InputSplitter, Phi, FirstSplitter, Theta, Arms, SecondSplitter],
            Self::Crossing => &[Phi, FirstSplitter, Theta, Arms, SecondSplitter, Crossing],
            Self::Symmetric => &[FirstSplitter, Theta, LowerPhi, Arms, SecondSplitter],
            Self::Coupler => &[Theta, LowerPhi, Arms, FirstSplitter],
        }
    }

    fn has(self, part: CellPart) -> bool {
        self.parts().contains(&part)
    }

    /// Number of splitters.
    #[must_use]
    pub fn splitters(self) -> usize {
        let splitters = [CellPart::InputSplitter, CellPart::FirstSplitter, CellPart::SecondSplitter];
        splitters.into_iter().filter(|&part| self.has(part)).count()
    }

    /// Number of waveguide crossings.
    #[must_use]
    pub fn crossings(self) -> usize {
        usize::from(self.has(CellPart::Crossing))
    }

    /// Whether φ is a phase before the first splitter. Otherwise φ is on the lower inner arm, and θ and φ together set
    /// the phase common to both modes.
    #[must_use]
    pub fn has_outer_phase(self) -> bool {
        self.parts()[0] != CellPart::FirstSplitter
    }

    /// Whether θ and φ are next to each other on the two waveguides. Otherwise both are on the upper one, in series.
    #[must_use]
    pub fn has_shifters_side_by_side(self) -> bool {
        self.has(CellPart::LowerPhi)
    }

    /// Whether the phase shifters are on the waveguides of the two modes, next to those of the cells above and below.
    #[must_use]
    pub fn has_shifters_on_both_modes(self) -> bool {
        self.has_shifters_side_by_side() && self.has_outer_phase()
    }

    /// Whether the cell reaches any splitting ratio, so that it can replace another one.
    #[must_use]
    pub fn is_interferometer(self) -> bool {
        self.has(CellPart::SecondSplitter)
    }

    /// Whether the cell is a plain MZI, which decompositions and other conventions use.
    #[must_use]
    pub fn is_mzi(self) -> bool {
        matches!(self, Self::Mzi)
    }

    /// The word for several cells of this kind.
    #[must_use]
    pub fn plural(self) -> &'static str {
        if self.is_interferometer() { "MZIs" } else { "cells" }
    }

    /// Length relative to an MZI: the number of splitters and phase shifters in series, divided by four.
    ///
    /// The insertion loss scales with it too. Both assume that all parts are equally long and lossy.
    #[must_use]
    pub fn length(self) -> f64 {
        let shifters = [CellPart::Theta, CellPart::Phi].into_iter().filter(|&part| self.has(part)).count();
        (self.splitters() + shifters) as f64 / 4.0
    }

    /// The positions of the heaters of θ and φ: the fraction of the cell's length, and the waveguide.
    pub(crate) fn heaters(self) -> [(f64, HeatedWaveguide); 2] {
        use HeatedWaveguide::{LowerArm, LowerMode, UpperArm, UpperArmAlone, UpperMode};
        match self {
            Self::Mzi | Self::ThreeSplitters | Self::Crossing => [(0.75, UpperArmAlone), (0.25, UpperArmAlone)],
            Self::Symmetric => [(0.5, UpperArm), (0.5, LowerArm)],
            Self::Coupler => [(0.25, UpperMode), (0.25, LowerMode)],
        }
    }

    /// The overlaps Im Σ λ*·a at the two phase shifters, θ then φ.
    ///
    /// `arm` is the overlap on the upper inner arm and `trace` the sum over both modes, which is the same at each cut
    /// through the cell. `inputs` are the overlaps at the inputs, and `after_input_splitter` is the one on the upper
    /// mode between the input splitter and φ.
    #[inline(always)]
    pub(crate) fn overlaps_at_shifters(
        self,
        arm: f64,
        trace: f64,
        inputs: [Complex64; 2],
        after_input_splitter: impl FnOnce() -> f64,
    ) -> [f64; 2] {
        match self {
            Self::Mzi | Self::Crossing => [arm, inputs[0].im],
            Self::ThreeSplitters => [arm, after_input_splitter()],
            Self::Symmetric => [arm, trace - arm],
            Self::Coupler => inputs.map(|overlap| overlap.im),
        }
    }

    /// Values at the outputs of the MZI in the cell, from those at the outputs of the cell.
    #[inline(always)]
    pub(crate) fn inner_outputs<T>(self, [upper, lower]: [T; 2]) -> [T; 2] {
        match self {
            Self::Mzi | Self::ThreeSplitters | Self::Symmetric | Self::Coupler => [upper, lower],
            Self::Crossing => [lower, upper],
        }
    }

    /// The transfer matrix with phases in rad.
    ///
    /// ```
    /// use phaseloom_mesh::{Cell, cell::CellErrors};
    /// let bar = Cell::Crossing.transfer(0.0, 0.0, CellErrors::NONE);
    /// assert!(bar[0][1].norm() < 1e-15, "θ = 0 is the bar state of this cell");
    /// ```
    #[must_use]
    pub fn transfer(self, theta: f64, phi: f64, errors: CellErrors) -> Transfer {
        match self {
            Self::Coupler => coupler([Complex64::cis(theta), Complex64::cis(phi)], errors),
            Self::Symmetric => transfer(theta - phi, 0.0, errors).map(|row| row.map(|z| z * Complex64::cis(phi))),
            Self::Mzi | Self::ThreeSplitters | Self::Crossing => {
                self.wrap_mzi(transfer(theta, phi, errors), errors.gamma)
            }
        }
    }

    /// Replaces the contents of `all` with the transfer matrices of many cells; phases in rad.
    pub(crate) fn transfers_into(self, theta: &[f64], phi: &[f64], errors: &[CellErrors], all: &mut Vec<Transfer>) {
        match self {
            Self::Coupler => {
                let phases = cis_all(theta).into_iter().zip(cis_all(phi));
                all.clear();
                all.extend(phases.zip(errors).map(|((upper, lower), errors)| coupler([upper, lower], *errors)));
            }
            Self::Symmetric => {
                let difference: Vec<f64> = theta.iter().zip(phi).map(|(upper, lower)| upper - lower).collect();
                transfers_into(&difference, &vec![0.0; phi.len()], errors, all);
                for (t, phase_factor) in all.iter_mut().zip(cis_all(phi)) {
                    t.as_flattened_mut().iter_mut().for_each(|z| *z *= phase_factor);
                }
            }
            Self::Mzi => transfers_into(theta, phi, errors, all),
            Self::ThreeSplitters | Self::Crossing => {
                transfers_into(theta, phi, errors, all);
                all.iter_mut().zip(errors).for_each(|(t, errors)| *t = self.wrap_mzi(*t, errors.gamma));
            }
        }
    }

    /// The transfer matrix of the cell that contains the MZI `t`.
    fn wrap_mzi(self, t: Transfer, gamma: f64) -> Transfer {
        match self {
            Self::Mzi | Self::Symmetric | Self::Coupler => t,
            Self::ThreeSplitters => after_input_splitter(&t, FRAC_PI_4 + gamma),
            Self::Crossing => [t[1], t[0]],
        }
    }

    /// The transfer matrix of the MZI in a cell with the transfer matrix `t`, with the phases around it.
    pub(crate) fn inner_mzi(self, t: &Transfer, gamma: f64) -> Transfer {
        match self {
            Self::Mzi | Self::Symmetric | Self::Coupler => *t,
            Self::ThreeSplitters => after_input_splitter(t, -FRAC_PI_4 - gamma),
            Self::Crossing => [t[1], t[0]],
        }
    }

    /// The phases θ and φ for which the cell equals `target` up to one phase per output, as closely as possible.
    ///
    /// [`match_ratio`] solves for the MZI in the cell. A symmetric cell is solved as an MZI with the same splitters.
    /// The result has no meaning for a coupler.
    #[must_use]
    pub fn match_target(self, target: &Transfer, errors: CellErrors) -> CellSolution {
        match_ratio(&self.inner_mzi(target, errors.gamma), errors)
    }
}

/// Phase factors on both modes, then the splitter.
fn coupler(phase_factors: [Complex64; 2], errors: CellErrors) -> Transfer {
    let (upper, lower) = (phase_factors[0] * errors.upper_transmission, phase_factors[1] * errors.lower_transmission);
    let (s, c) = (FRAC_PI_4 + errors.alpha).sin_cos();
    let is = Complex64::new(0.0, s);
    [[upper * c, lower * is], [upper * is, lower * c]]
}

/// `T·S(η)`: the transfer matrix of a splitter followed by `t`.
fn after_input_splitter(t: &Transfer, eta: f64) -> Transfer {
    let (s, c) = eta.sin_cos();
    let is = Complex64::new(0.0, s);
    t.map(|[a, b]| [a * c + b * is, a * is + b * c])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::mzi::ideal;

    #[test]
    fn every_interferometer_matches_an_mzi_up_to_output_phases() {
        let errors = CellErrors { alpha: 0.03, beta: -0.02, gamma: 0.05, ..CellErrors::NONE };
        assert!(CELLS.into_iter().all(|kind| Cell::from_key(kind.key()).unwrap() == kind));
        for kind in CELLS.into_iter().filter(|cell| cell.has_outer_phase() && cell.is_interferometer()) {
            for k in 0..200u32 {
                let uniform = |j: u32| f64::from((k * 7919 + j * 104_729) % 9973) / 9973.0;
                let (theta, phi) = (0.2 + 2.7 * uniform(0), 6.2 * uniform(1));
                let target = ideal(theta, phi);
                for errors in [CellErrors::NONE, errors] {
                    let solution = kind.match_target(&target, errors);
                    if !solution.reached {
                        continue;
                    }
                    let realised = kind.transfer(solution.theta, solution.phi, errors);
                    for row in 0..2 {
                        let overlap =
                            realised[row][0].conj() * target[row][0] + realised[row][1].conj() * target[row][1];
                        assert!((overlap.norm() - 1.0).abs() < 1e-14, "{} {k}: {overlap}", kind.key());
                    }
                }
                let t = kind.transfer(theta, phi, errors);
                let inner = kind.inner_mzi(&t, errors.gamma);
                let plain = transfer(theta, phi, errors);
                assert!(inner.iter().flatten().zip(plain.iter().flatten()).all(|(a, b)| (a - b).norm() < 1e-15));
            }
        }
        assert!(matches!(Cell::from_key("mzy"), Err(MeshError::Unknown(_))));
    }

    /// With splitter errors an MZI does not reach the cross and bar states, and three splitters do.
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
