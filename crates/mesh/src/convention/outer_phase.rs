//! Conventions whose cells have an inner phase θ and an outer phase φ on one of their four ports.
//!
//! With `B(θ) = S·P(θ)·S` every such cell is
//! `e^{i·c·θ'}·diag(e^{i·behind})·B(θ₀ + f·θ')·diag(e^{i·before})`, and `e^{±iφ'}` on a port. The constants are (derived) from
//! the definitions beside them, and tested against these; e.g. for Clements `T_C = e^{iθ'}·B(π − 2θ')·P(φ' + π)`.

use super::{Convention, Dressed, ScreenPhase, Waveguides, heater, waveguides::lines};
use crate::cell::mzi::{Transfer, ideal};
use crate::layout::CellPosition;
use num_complex::Complex64;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Where φ stands.
#[derive(Debug)]
struct Port {
    /// Behind the splitters, or before them.
    behind: bool,
    /// 0: on the upper line; 1: on the lower.
    line: usize,
    /// e^{iφ} or e^{−iφ}.
    sign: f64,
}

/// A kind of cell: its definition, and how it stands to `B(θ)`.
#[derive(Debug)]
struct Kind {
    definition: fn(f64, f64) -> Transfer,
    /// θ = `zero` + `factor`·θ'.
    zero: f64,
    factor: f64,
    /// e^{i·common·θ'} on both lines.
    common: f64,
    before: [f64; 2],
    behind: [f64; 2],
    port: Port,
}

impl Kind {
    /// Our own.
    const OURS: Self = Self {
        definition: ideal,
        zero: 0.0,
        factor: 1.0,
        common: 0.0,
        before: [0.0; 2],
        behind: [0.0; 2],
        port: Port { behind: false, line: 0, sign: 1.0 },
    };

    fn dress(&self, theta: f64, phi: f64) -> Dressed {
        let common = self.common * theta;
        let mut dressed = Dressed {
            theta: self.zero + self.factor * theta,
            before: self.before,
            behind: [self.behind[0] + common, self.behind[1] + common],
        };
        let port = if self.port.behind { &mut dressed.behind } else { &mut dressed.before };
        port[self.port.line] += self.port.sign * phi;
        dressed
    }

    /// θ' and φ' of the cell whose phases differ as `phases` do on the side where φ stands, and the common phase that is
    /// left of them.
    fn settle(&self, theta: f64, phases: [f64; 2]) -> ([f64; 2], f64) {
        let theta = heater((heater(theta) - self.zero) / self.factor);
        let bare = self.dress(theta, 0.0);
        let own = if self.port.behind { bare.behind } else { bare.before };
        let left = [phases[0] - own[0], phases[1] - own[1]];
        let (here, there) = (left[self.port.line], left[1 - self.port.line]);
        ([theta, heater(self.port.sign * (here - there))], there)
    }
}

/// A convention with θ and φ.
#[derive(Debug)]
pub struct OuterPhase {
    key: &'static str,
    description: &'static str,
    /// The kind of the cell at a place in a mesh of so many modes. Kinds with φ before their splitters must come first.
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

    /// With φ before the splitters, in the order of light; with φ behind them, against it; the screen stands between.
    fn settle(&self, w: &Waveguides) -> (Vec<[f64; 2]>, Vec<ScreenPhase>) {
        let mut phases = vec![[0.0; 2]; w.positions.len()];
        // What the cells before the screen pass on, and what those behind it hand back; the column where they meet.
        let (mut passed, mut handed) = (vec![0.0; w.modes], w.outputs.clone());
        let mut columns = vec![w.columns; w.modes];
        for (k, &position) in w.positions.iter().enumerate() {
            let kind = (self.kind)(position, w.modes);
            if !kind.port.behind {
                let [upper, lower] = lines(position);
                let at = [w.inputs[k][0] + passed[upper], w.inputs[k][1] + passed[lower]];
                let (own, left) = kind.settle(w.theta[k], at);
                phases[k] = own;
                let behind = kind.dress(own[0], own[1]).behind;
                passed[upper] = (left - behind[0]).rem_euclid(TAU);
                passed[lower] = (left - behind[1]).rem_euclid(TAU);
            }
        }
        for (k, &position) in w.positions.iter().enumerate().rev() {
            let kind = (self.kind)(position, w.modes);
            if kind.port.behind {
                let [upper, lower] = lines(position);
                let (own, left) = kind.settle(w.theta[k], [handed[upper], handed[lower]]);
                phases[k] = own;
                let before = kind.dress(own[0], own[1]).before;
                handed[upper] = (w.inputs[k][0] + left - before[0]).rem_euclid(TAU);
                handed[lower] = (w.inputs[k][1] + left - before[1]).rem_euclid(TAU);
                (columns[upper], columns[lower]) = (position.column, position.column);
            }
        }
        // A screen with no cell of its lines before it stands at the inputs.
        if w.positions.iter().all(|&position| (self.kind)(position, w.modes).port.behind) {
            columns.fill(0);
        }
        let phase = |mode: usize| heater(passed[mode] + handed[mode]);
        let mut screen: Vec<ScreenPhase> =
            (0..w.modes).map(|mode| ScreenPhase { column: columns[mode], mode, phase: phase(mode) }).collect();
        screen.sort_by_key(|p| (p.column, p.mode));
        (phases, screen)
    }
}

const fn turned(behind: bool, line: usize) -> Port {
    Port { behind, line, sign: 1.0 }
}

static OURS: Kind = Kind::OURS;

/// Clements et al., Optica 3, 1460 (2016, recalled); `T` of Strawberry Fields, `Beamsplitter` of `interferometer`.
static T: Kind = Kind {
    definition: |theta, phi| {
        let ((s, c), turn) = (theta.sin_cos(), Complex64::cis(phi));
        [[turn * c, Complex64::from(-s)], [turn * s, Complex64::from(c)]]
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
        let ((s, c), turn) = (theta.sin_cos(), Complex64::cis(-phi));
        [[turn * c, turn * s], [Complex64::from(-s), Complex64::from(c)]]
    },
    zero: PI,
    factor: -2.0,
    common: 1.0,
    behind: [PI, 0.0],
    port: Port { behind: true, line: 0, sign: -1.0 },
    ..Kind::OURS
};

/// Splitters `H = [[1, 1], [1, −1]]/√2`: `H·P(θ)·H·P(φ)`, θ = 0 is bar. `S = diag(1, i)·H·diag(1, i)`.
static H: Kind = Kind {
    definition: |theta, phi| {
        let ((s, c), turn) = ((theta / 2.0).sin_cos(), Complex64::cis(phi));
        let (bar, cross) = (Complex64::cis(theta / 2.0) * c, Complex64::i() * Complex64::cis(theta / 2.0) * s);
        [[turn * bar, cross], [turn * cross, bar]]
    },
    zero: -PI,
    before: [FRAC_PI_2, 0.0],
    behind: [FRAC_PI_2, 0.0],
    ..Kind::OURS
};

/// θ/2 on the upper arm and −θ/2 on the lower: ours without `e^{iθ/2}`.
static DIFFERENTIAL: Kind = Kind {
    definition: |theta, phi| {
        let ((s, c), turn) = ((theta / 2.0).sin_cos(), Complex64::cis(phi));
        [[Complex64::i() * turn * s, Complex64::i() * c], [Complex64::i() * turn * c, -Complex64::i() * s]]
    },
    common: -0.5,
    ..Kind::OURS
};

/// `½(e^{iθ} − 1)` and `½i(e^{iθ} + 1)`: the entries of `B(θ)`.
fn bar_and_cross(theta: f64) -> (Complex64, Complex64) {
    let turn = Complex64::cis(theta);
    ((turn - 1.0) / 2.0, Complex64::i() * (turn + 1.0) / 2.0)
}

/// `MZI` of neuroptica.
static UPPER: Kind = Kind {
    definition: |theta, phi| {
        let ((bar, cross), turn) = (bar_and_cross(theta), Complex64::cis(phi));
        [[turn * bar, turn * cross], [cross, -bar]]
    },
    port: turned(true, 0),
    ..Kind::OURS
};

/// `MZICrossingOutPhase` of QPG-MIT/meshes.
static LOWER: Kind = Kind {
    definition: |theta, phi| {
        let ((bar, cross), turn) = (bar_and_cross(theta), Complex64::cis(phi));
        [[bar, cross], [turn * cross, -turn * bar]]
    },
    port: turned(true, 1),
    ..Kind::OURS
};

/// `mzi phase last` of Perceval: `phi_a` (θ) on the lower arm, `phi_b` (φ) on the lower output. `S·diag(1, e^{iθ})·S`.
static BELOW: Kind = Kind {
    definition: |theta, phi| {
        let ((bar, cross), turn) = (bar_and_cross(theta), Complex64::cis(phi));
        [[-bar, cross], [turn * cross, turn * bar]]
    },
    factor: -1.0,
    common: 1.0,
    port: turned(true, 1),
    ..Kind::OURS
};

pub(super) static MACH_ZEHNDER: OuterPhase = OuterPhase {
    key: "mach_zehnder",
    description: "our cell: φ, splitter, θ, splitter; Strawberry Fields `rectangular_symmetric`, Perceval `mzi phase first`",
    kind: |_, _| &OURS,
};

pub(super) static CLEMENTS: OuterPhase = OuterPhase {
    key: "clements",
    description: "[[e^{iφ}cos θ, −sin θ], [e^{iφ}sin θ, cos θ]], screen at the outputs; `rectangular_phase_end`, `interferometer`",
    kind: |_, _| &T,
};

pub(super) static CLEMENTS_MIDDLE: OuterPhase = OuterPhase {
    key: "clements_middle",
    description: "T of Clements before the screen, T† behind it; Strawberry Fields `rectangular`",
    // Cells that the rectangular algorithm nulls from the right: those of the first corner.
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

/// A program holds no splitter errors, so only the phases are in its file, and they are ours.
pub(super) static FANG: OuterPhase = OuterPhase {
    key: "fang",
    description: "our phases; splitter errors are amplitudes, r = 1/√2 + δ (Fang 2019): see `amplitude_from_splitter_error`",
    kind: |_, _| &OURS,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    /// S·P(θ)·S with phases around it is the definition.
    #[test]
    fn the_constants_are_those_of_the_definitions() {
        for kind in [&OURS, &T, &T_INVERSE, &H, &DIFFERENTIAL, &UPPER, &LOWER, &BELOW] {
            for k in 0..60 {
                let (theta, phi) = (f64::from(k) * 0.37 - 7.0, f64::from(k) * 0.91 - 11.0);
                let (wanted, d) = ((kind.definition)(theta, phi), kind.dress(theta, phi));
                let bare = reference::mzi(d.theta, 0.0, crate::cell::mzi::CellErrors::NONE);
                for (r, c) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let made = Complex64::cis(d.behind[r]) * bare[r][c] * Complex64::cis(d.before[c]);
                    assert!((made - wanted[r][c]).norm() < 2e-14, "{kind:?} ({r},{c}): {made} and {}", wanted[r][c]);
                }
            }
        }
    }
}
