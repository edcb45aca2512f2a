//! Conventions whose cells have an inner phase θ and an outer phase φ on one of their four ports.
//!
//! With `B(θ) = S·P(θ)·S` every such cell is
//! `e^{i·c·θ'}·diag(e^{i·after})·B(θ₀ + f·θ')·diag(e^{i·before})`, with `e^{±iφ'}` on a port. The constants are derived from
//! the definitions next to them, and a test compares both. For example, for Clements `T_C = e^{iθ'}·B(π − 2θ')·P(φ' + π)`.

use super::{Convention, Dressed, ScreenPhase, Waveguides, heater_phase, waveguides::modes};
use crate::cell::mzi::{Transfer, ideal};
use crate::layout::CellPosition;
use num_complex::Complex64;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// The port of φ.
#[derive(Debug)]
struct Port {
    /// After the splitters, or before them.
    after: bool,
    /// 0: upper mode; 1: lower mode.
    side: usize,
    /// e^{iφ} or e^{−iφ}.
    sign: f64,
}

/// A kind of cell: its definition, and its relation to `B(θ)`.
#[derive(Debug)]
struct Kind {
    definition: fn(f64, f64) -> Transfer,
    /// θ = `zero` + `factor`·θ'.
    zero: f64,
    factor: f64,
    /// e^{i·common·θ'} on both modes.
    common: f64,
    before: [f64; 2],
    after: [f64; 2],
    port: Port,
}

impl Kind {
    /// The cell of Phaseloom.
    const OURS: Self = Self {
        definition: ideal,
        zero: 0.0,
        factor: 1.0,
        common: 0.0,
        before: [0.0; 2],
        after: [0.0; 2],
        port: Port { after: false, side: 0, sign: 1.0 },
    };

    fn dress(&self, theta: f64, phi: f64) -> Dressed {
        let common = self.common * theta;
        let mut dressed = Dressed {
            theta: self.zero + self.factor * theta,
            before: self.before,
            after: [self.after[0] + common, self.after[1] + common],
        };
        let port = if self.port.after { &mut dressed.after } else { &mut dressed.before };
        port[self.port.side] += self.port.sign * phi;
        dressed
    }

    /// θ' and φ' of a cell that absorbs the difference of `phases` at the side of φ, and the common remainder of both.
    fn absorb(&self, theta: f64, phases: [f64; 2]) -> ([f64; 2], f64) {
        let theta = heater_phase((heater_phase(theta) - self.zero) / self.factor);
        let bare = self.dress(theta, 0.0);
        let own = if self.port.after { bare.after } else { bare.before };
        let remainder = [phases[0] - own[0], phases[1] - own[1]];
        let (here, there) = (remainder[self.port.side], remainder[1 - self.port.side]);
        ([theta, heater_phase(self.port.sign * (here - there))], there)
    }
}

/// A convention with θ and φ.
#[derive(Debug)]
pub struct OuterPhase {
    key: &'static str,
    description: &'static str,
    /// The kind of a cell, by its position and the number of modes. Kinds with φ before their splitters must come first.
    kind: fn(CellPosition, usize) -> &'static Kind,
}

impl Convention for OuterPhase {
    fn key(&self) -> &'static str {
        self.key
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn cell(&self, position: CellPosition, modes: usize, [theta, phi]: [f64; 2]) -> Transfer {
        ((self.kind)(position, modes).definition)(theta, phi)
    }

    fn dress(&self, position: CellPosition, modes: usize, [theta, phi]: [f64; 2]) -> Dressed {
        (self.kind)(position, modes).dress(theta, phi)
    }

    /// Cells with φ before their splitters are visited in the order of propagation, the others in reverse. The phase screen
    /// is between them.
    fn distribute(&self, w: &Waveguides) -> (Vec<[f64; 2]>, Vec<ScreenPhase>) {
        let mut phases = vec![[0.0; 2]; w.positions.len()];
        // The phases that the cells before the screen pass forwards, and those after it backwards; the column of the screen.
        let (mut forwards, mut backwards) = (vec![0.0; w.modes], w.outputs.clone());
        let mut columns = vec![w.columns; w.modes];
        for (k, &position) in w.positions.iter().enumerate() {
            let kind = (self.kind)(position, w.modes);
            if !kind.port.after {
                let [upper, lower] = modes(position);
                let at = [w.inputs[k][0] + forwards[upper], w.inputs[k][1] + forwards[lower]];
                let (own, common) = kind.absorb(w.theta[k], at);
                phases[k] = own;
                let after = kind.dress(own[0], own[1]).after;
                forwards[upper] = (common - after[0]).rem_euclid(TAU);
                forwards[lower] = (common - after[1]).rem_euclid(TAU);
            }
        }
        for (k, &position) in w.positions.iter().enumerate().rev() {
            let kind = (self.kind)(position, w.modes);
            if kind.port.after {
                let [upper, lower] = modes(position);
                let (own, common) = kind.absorb(w.theta[k], [backwards[upper], backwards[lower]]);
                phases[k] = own;
                let before = kind.dress(own[0], own[1]).before;
                backwards[upper] = (w.inputs[k][0] + common - before[0]).rem_euclid(TAU);
                backwards[lower] = (w.inputs[k][1] + common - before[1]).rem_euclid(TAU);
                (columns[upper], columns[lower]) = (position.column, position.column);
            }
        }
        // A screen without cells before it is at the inputs.
        if w.positions.iter().all(|&position| (self.kind)(position, w.modes).port.after) {
            columns.fill(0);
        }
        let phase = |mode: usize| heater_phase(forwards[mode] + backwards[mode]);
        let mut screen: Vec<ScreenPhase> =
            (0..w.modes).map(|mode| ScreenPhase { column: columns[mode], mode, phase: phase(mode) }).collect();
        screen.sort_by_key(|p| (p.column, p.mode));
        (phases, screen)
    }
}

const fn port(after: bool, side: usize) -> Port {
    Port { after, side, sign: 1.0 }
}

static OURS: Kind = Kind::OURS;

/// Clements et al., Optica 3, 1460 (2016); `T` of Strawberry Fields, `Beamsplitter` of `interferometer`.
static T: Kind = Kind {
    definition: |theta, phi| {
        let ((s, c), phase_factor) = (theta.sin_cos(), Complex64::cis(phi));
        [[phase_factor * c, Complex64::from(-s)], [phase_factor * s, Complex64::from(c)]]
    },
    zero: PI,
    factor: -2.0,
    common: 1.0,
    before: [PI, 0.0],
    ..Kind::OURS
};

/// `T†` of the same phases.
static T_INVERSE: Kind = Kind {
    definition: |theta, phi| {
        let ((s, c), phase_factor) = (theta.sin_cos(), Complex64::cis(-phi));
        [[phase_factor * c, phase_factor * s], [Complex64::from(-s), Complex64::from(c)]]
    },
    zero: PI,
    factor: -2.0,
    common: 1.0,
    after: [PI, 0.0],
    port: Port { after: true, side: 0, sign: -1.0 },
    ..Kind::OURS
};

/// Splitters `H = [[1, 1], [1, −1]]/√2`: `H·P(θ)·H·P(φ)`, θ = 0 is bar. `S = diag(1, i)·H·diag(1, i)`.
static H: Kind = Kind {
    definition: |theta, phi| {
        let ((s, c), phase_factor) = ((theta / 2.0).sin_cos(), Complex64::cis(phi));
        let (bar, cross) = (Complex64::cis(theta / 2.0) * c, Complex64::i() * Complex64::cis(theta / 2.0) * s);
        [[phase_factor * bar, cross], [phase_factor * cross, bar]]
    },
    zero: -PI,
    before: [FRAC_PI_2, 0.0],
    after: [FRAC_PI_2, 0.0],
    ..Kind::OURS
};

/// θ/2 on the upper arm and −θ/2 on the lower: the cell of Phaseloom without `e^{iθ/2}`.
static DIFFERENTIAL: Kind = Kind {
    definition: |theta, phi| {
        let ((s, c), phase_factor) = ((theta / 2.0).sin_cos(), Complex64::cis(phi));
        [
            [Complex64::i() * phase_factor * s, Complex64::i() * c],
            [Complex64::i() * phase_factor * c, -Complex64::i() * s],
        ]
    },
    common: -0.5,
    ..Kind::OURS
};

/// `½(e^{iθ} − 1)` and `½i(e^{iθ} + 1)`: the entries of `B(θ)`.
fn bar_and_cross(theta: f64) -> (Complex64, Complex64) {
    let phase_factor = Complex64::cis(theta);
    ((phase_factor - 1.0) / 2.0, Complex64::i() * (phase_factor + 1.0) / 2.0)
}

/// `MZI` of neuroptica.
static UPPER: Kind = Kind {
    definition: |theta, phi| {
        let ((bar, cross), phase_factor) = (bar_and_cross(theta), Complex64::cis(phi));
        [[phase_factor * bar, phase_factor * cross], [cross, -bar]]
    },
    port: port(true, 0),
    ..Kind::OURS
};

/// `MZICrossingOutPhase` of QPG-MIT/meshes.
static LOWER: Kind = Kind {
    definition: |theta, phi| {
        let ((bar, cross), phase_factor) = (bar_and_cross(theta), Complex64::cis(phi));
        [[bar, cross], [phase_factor * cross, -phase_factor * bar]]
    },
    port: port(true, 1),
    ..Kind::OURS
};

/// `mzi phase last` of Perceval: `phi_a` (θ) on the lower arm, `phi_b` (φ) on the lower output. `S·diag(1, e^{iθ})·S`.
static BELOW: Kind = Kind {
    definition: |theta, phi| {
        let ((bar, cross), phase_factor) = (bar_and_cross(theta), Complex64::cis(phi));
        [[-bar, cross], [phase_factor * cross, phase_factor * bar]]
    },
    factor: -1.0,
    common: 1.0,
    port: port(true, 1),
    ..Kind::OURS
};

pub(super) static MACH_ZEHNDER: OuterPhase = OuterPhase {
    key: "mach_zehnder",
    description: "the cell of Phaseloom: φ, splitter, θ, splitter; Strawberry Fields `rectangular_symmetric`, Perceval `mzi phase first`",
    kind: |_, _| &OURS,
};

pub(super) static CLEMENTS: OuterPhase = OuterPhase {
    key: "clements",
    description: "[[e^{iφ}cos θ, −sin θ], [e^{iφ}sin θ, cos θ]], screen at the outputs; `rectangular_phase_end`, `interferometer`",
    kind: |_, _| &T,
};

pub(super) static CLEMENTS_MIDDLE: OuterPhase = OuterPhase {
    key: "clements_middle",
    description: "T of Clements before the screen, T† after it; Strawberry Fields `rectangular`",
    // The cells by which the rectangular decomposition nulls entries from the right: those of the first corner.
    kind: |position, modes| if position.column + position.mode + 2 <= modes { &T } else { &T_INVERSE },
};

pub(super) static CLEMENTS_INVERSE: OuterPhase = OuterPhase {
    key: "clements_inverse",
    description: "T† of Clements, screen at the inputs; Strawberry Fields `triangular` (Reck)",
    kind: |_, _| &T_INVERSE,
};

pub(super) static HADAMARD: OuterPhase = OuterPhase {
    key: "hadamard",
    description: "splitters [[1, 1], [1, −1]]/√2, θ = 0 is bar; screen at the outputs",
    kind: |_, _| &H,
};

pub(super) static BLOCH: OuterPhase = OuterPhase {
    key: "bloch",
    description: "θ/2 on the upper and −θ/2 on the lower arm; screen at the outputs",
    kind: |_, _| &DIFFERENTIAL,
};

pub(super) static UPPER_OUTPUT: OuterPhase = OuterPhase {
    key: "upper_output",
    description: "φ on the upper output of each cell, screen at the inputs; neuroptica",
    kind: |_, _| &UPPER,
};

pub(super) static LOWER_OUTPUT: OuterPhase = OuterPhase {
    key: "lower_output",
    description: "φ on the lower output of each cell, screen at the inputs; Hamerly's `MZICrossingOutPhase`",
    kind: |_, _| &LOWER,
};

pub(super) static PERCEVAL: OuterPhase = OuterPhase {
    key: "perceval",
    description: "θ on the lower arm, φ on the lower output, screen at the inputs; Perceval `mzi phase last`",
    kind: |_, _| &BELOW,
};

/// A program has no splitter errors, so its file has only phases, which are those of Phaseloom.
pub(super) static FANG: OuterPhase = OuterPhase {
    key: "fang",
    description: "the phases of Phaseloom; splitter errors are amplitudes, r = 1/√2 + δ (Fang 2019): see `amplitude_from_splitter_error`",
    kind: |_, _| &OURS,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    /// S·P(θ)·S with phases before and after it equals the definition.
    #[test]
    fn the_constants_are_those_of_the_definitions() {
        for kind in [&OURS, &T, &T_INVERSE, &H, &DIFFERENTIAL, &UPPER, &LOWER, &BELOW] {
            for k in 0..60 {
                let (theta, phi) = (f64::from(k) * 0.37 - 7.0, f64::from(k) * 0.91 - 11.0);
                let (expected, d) = ((kind.definition)(theta, phi), kind.dress(theta, phi));
                let bare = reference::mzi(d.theta, 0.0, crate::cell::mzi::CellErrors::NONE);
                for (r, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let product = Complex64::cis(d.after[r]) * bare[r][c] * Complex64::cis(d.before[c]);
                    assert!(
                        (product - expected[r][c]).norm() < 2e-14,
                        "{kind:?} ({r},{c}): {product} and {}",
                        expected[r][c]
                    );
                }
            }
        }
    }
}
