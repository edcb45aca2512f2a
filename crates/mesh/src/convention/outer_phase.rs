//! Conventions whose cells have an inner phase θ and an outer phase φ on one of their four ports.
//!
//! With `B(θ) = S·P(θ)·S` every such cell is
//! `e^{i·g·θ'}·diag(e^{i·after})·B(θ₀ + f·θ')·diag(e^{i·before})`, with `e^{±iφ'}` on a port. The constants are derived from
//! the definition in the comment of each convention, and `tests/conventions.rs` compares both. For example, for Clements
//! `T_C = e^{iθ'}·B(π − 2θ')·P(φ' + π)`.

use super::{CellFactors, Convention, ScreenPhase, Waveguides, heater_phase, waveguides::modes};
use crate::layout::CellPosition;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// The port of φ.
#[derive(Clone, Copy, Debug)]
struct Port {
    /// After the splitters, or before them.
    after: bool,
    /// 0: upper mode; 1: lower mode.
    side: usize,
    /// e^{iφ} or e^{−iφ}.
    sign: f64,
}

/// A convention with θ and φ: the relation of its cells to `B(θ)`.
#[derive(Clone, Copy, Debug)]
pub struct OuterPhase {
    key: &'static str,
    description: &'static str,
    /// θ = `zero` + `factor`·θ'.
    zero: f64,
    factor: f64,
    /// e^{i·global·θ'} on both modes.
    global: f64,
    before: [f64; 2],
    after: [f64; 2],
    port: Port,
    /// The convention of the cells outside of the first corner of a mesh, if it is another one. Cells of the first corner
    /// have φ before their splitters, the others after them.
    outside_corner: Option<&'static Self>,
}

impl OuterPhase {
    /// The convention of the cell at a position in a mesh of `modes` ports.
    fn at(&self, position: CellPosition, modes: usize) -> &Self {
        // The rectangular decomposition nulls entries from the right by the cells of the first corner.
        match self.outside_corner {
            Some(other) if position.column + position.mode + 2 > modes => other,
            _ => self,
        }
    }

    fn factors_of_phases(&self, [theta, phi]: [f64; 2]) -> CellFactors {
        let global = self.global * theta;
        let mut factors = CellFactors {
            theta: self.zero + self.factor * theta,
            before: self.before,
            after: [self.after[0] + global, self.after[1] + global],
        };
        let port = if self.port.after { &mut factors.after } else { &mut factors.before };
        port[self.port.side] += self.port.sign * phi;
        factors
    }

    /// θ' and φ' of a cell that absorbs the difference of `phases` at the side of φ, and the remainder common to both.
    fn absorb(&self, theta: f64, phases: [f64; 2]) -> ([f64; 2], f64) {
        let theta = heater_phase((heater_phase(theta) - self.zero) / self.factor);
        let bare = self.factors_of_phases([theta, 0.0]);
        let own = if self.port.after { bare.after } else { bare.before };
        let remainder = [phases[0] - own[0], phases[1] - own[1]];
        let (here, there) = (remainder[self.port.side], remainder[1 - self.port.side]);
        ([theta, heater_phase(self.port.sign * (here - there))], there)
    }
}

impl Convention for OuterPhase {
    fn key(&self) -> &'static str {
        self.key
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn factors(&self, position: CellPosition, modes: usize, phases: [f64; 2]) -> CellFactors {
        self.at(position, modes).factors_of_phases(phases)
    }

    /// Cells with φ before their splitters are visited in the order of propagation, the others in reverse. The phase screen
    /// is between them.
    fn distribute(&self, w: &Waveguides) -> (Vec<[f64; 2]>, Vec<ScreenPhase>) {
        w.assert_complete();
        let mut phases = vec![[0.0; 2]; w.positions.len()];
        // The phases that the cells before the screen pass forwards, and those after it backwards; the column of the screen.
        let (mut forwards, mut backwards) = (vec![0.0; w.modes], w.outputs.clone());
        let mut columns = vec![w.columns; w.modes];
        for (k, &position) in w.positions.iter().enumerate() {
            let cell = self.at(position, w.modes);
            if !cell.port.after {
                let [upper, lower] = modes(position);
                let at = [w.inputs[k][0] + forwards[upper], w.inputs[k][1] + forwards[lower]];
                let (own, common) = cell.absorb(w.theta[k], at);
                phases[k] = own;
                let after = cell.factors_of_phases(own).after;
                forwards[upper] = (common - after[0]).rem_euclid(TAU);
                forwards[lower] = (common - after[1]).rem_euclid(TAU);
            }
        }
        for (k, &position) in w.positions.iter().enumerate().rev() {
            let cell = self.at(position, w.modes);
            if cell.port.after {
                let [upper, lower] = modes(position);
                let (own, common) = cell.absorb(w.theta[k], [backwards[upper], backwards[lower]]);
                phases[k] = own;
                let before = cell.factors_of_phases(own).before;
                backwards[upper] = (w.inputs[k][0] + common - before[0]).rem_euclid(TAU);
                backwards[lower] = (w.inputs[k][1] + common - before[1]).rem_euclid(TAU);
                (columns[upper], columns[lower]) = (position.column, position.column);
            }
        }
        // A screen without cells before it is at the inputs.
        if w.positions.iter().all(|&position| self.at(position, w.modes).port.after) {
            columns.fill(0);
        }
        let phase = |mode: usize| heater_phase(forwards[mode] + backwards[mode]);
        let mut screen: Vec<ScreenPhase> =
            (0..w.modes).map(|mode| ScreenPhase { column: columns[mode], mode, phase: phase(mode) }).collect();
        screen.sort_by_key(|p| (p.column, p.mode));
        (phases, screen)
    }
}

/// The cell of Phaseloom: `S·P(θ)·S·P(φ)`.
pub(super) const MACH_ZEHNDER: OuterPhase = OuterPhase {
    key: "mach_zehnder",
    description: "the cell of Phaseloom: φ, splitter, θ, splitter; Strawberry Fields `rectangular_symmetric`, Perceval `mzi phase first`",
    zero: 0.0,
    factor: 1.0,
    global: 0.0,
    before: [0.0; 2],
    after: [0.0; 2],
    port: Port { after: false, side: 0, sign: 1.0 },
    outside_corner: None,
};

/// Clements et al., Optica 3, 1460 (2016); `T` of Strawberry Fields, `Beamsplitter` of `interferometer`.
pub(super) const CLEMENTS: OuterPhase = OuterPhase {
    key: "clements",
    description: "[[e^{iφ}cos θ, −sin θ], [e^{iφ}sin θ, cos θ]], screen at the outputs; `rectangular_phase_end`, `interferometer`",
    zero: PI,
    factor: -2.0,
    global: 1.0,
    before: [PI, 0.0],
    ..MACH_ZEHNDER
};

pub(super) const CLEMENTS_MIDDLE: OuterPhase = OuterPhase {
    key: "clements_middle",
    description: "T of Clements before the screen, T† after it; Strawberry Fields `rectangular`",
    outside_corner: Some(&CLEMENTS_INVERSE),
    ..CLEMENTS
};

/// `T†` of the same phases.
pub(super) const CLEMENTS_INVERSE: OuterPhase = OuterPhase {
    key: "clements_inverse",
    description: "T† of Clements, screen at the inputs; Strawberry Fields `triangular` (Reck)",
    before: [0.0; 2],
    after: [PI, 0.0],
    port: Port { after: true, side: 0, sign: -1.0 },
    ..CLEMENTS
};

/// Splitters `H = [[1, 1], [1, −1]]/√2`: `H·P(θ)·H·P(φ)`, θ = 0 is the bar state. `S = diag(1, i)·H·diag(1, i)`.
pub(super) const HADAMARD: OuterPhase = OuterPhase {
    key: "hadamard",
    description: "splitters [[1, 1], [1, −1]]/√2, θ = 0 is bar; screen at the outputs",
    zero: -PI,
    before: [FRAC_PI_2, 0.0],
    after: [FRAC_PI_2, 0.0],
    ..MACH_ZEHNDER
};

/// The cell of Phaseloom without `e^{iθ/2}`: `S·diag(e^{iθ/2}, e^{−iθ/2})·S·P(φ)`.
pub(super) const BLOCH: OuterPhase = OuterPhase {
    key: "bloch",
    description: "θ/2 on the upper and −θ/2 on the lower arm; screen at the outputs",
    global: -0.5,
    ..MACH_ZEHNDER
};

/// `MZI` of neuroptica: `P(φ)·S·P(θ)·S`.
pub(super) const UPPER_OUTPUT: OuterPhase = OuterPhase {
    key: "upper_output",
    description: "φ on the upper output of each cell, screen at the inputs; neuroptica",
    port: Port { after: true, side: 0, sign: 1.0 },
    ..MACH_ZEHNDER
};

/// `MZICrossingOutPhase` of QPG-MIT/meshes: `diag(1, e^{iφ})·S·P(θ)·S`.
pub(super) const LOWER_OUTPUT: OuterPhase = OuterPhase {
    key: "lower_output",
    description: "φ on the lower output of each cell, screen at the inputs; Hamerly's `MZICrossingOutPhase`",
    port: Port { after: true, side: 1, sign: 1.0 },
    ..MACH_ZEHNDER
};

/// `phi_a` (θ) and `phi_b` (φ) of Perceval: `diag(1, e^{iφ})·S·diag(1, e^{iθ})·S`.
pub(super) const PERCEVAL: OuterPhase = OuterPhase {
    key: "perceval",
    description: "θ on the lower arm, φ on the lower output, screen at the inputs; Perceval `mzi phase last`",
    factor: -1.0,
    global: 1.0,
    ..LOWER_OUTPUT
};

/// A program has no splitter errors, so its file has only phases, which are those of Phaseloom.
pub(super) const FANG: OuterPhase = OuterPhase {
    key: "fang",
    description: "the phases of Phaseloom; splitter errors are amplitudes, r = 1/√2 + δ (Fang 2019): see `amplitude_from_splitter_error`",
    ..MACH_ZEHNDER
};
