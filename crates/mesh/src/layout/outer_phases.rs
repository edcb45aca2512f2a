//! Moves external phases to the boundary of a mesh of symmetric MZIs, which have only an internal and a global phase.
//!
//! A cell can absorb a phase x common to its two inputs, or to its two outputs. So each pair of ports of a cell joins
//! two waveguides: it can clear the phase of one at the cost of the other. Waveguides joined in this way form paths,
//! which end at ports of the mesh, and rings. Along a path each pair clears the waveguide before it, and one phase
//! remains at the end. A ring keeps one phase, and one of its pairs is not needed (derived). The rings of a rectangular
//! mesh of even N pass the boundary modes of its odd columns; a triangular mesh has none.

use crate::cell::mzi::wrap;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};
use std::f64::consts::TAU;

/// The waveguides between the cells of a mesh, each with a phase (rad).
///
/// Waveguides 2k and 2k+1 end at the upper and at the lower input of cell k, the following ones at the outputs of the
/// modes. A pair of ports has the index 2·cell at the inputs of a cell and 2·cell + 1 at its outputs.
pub(crate) struct OuterPhases {
    waveguides: Vec<Waveguide>,
    /// The two waveguides at each pair of ports.
    pairs: Vec<[usize; 2]>,
    used: Vec<bool>,
    /// The global phase that each cell has absorbed (rad).
    pub global_phases: Vec<f64>,
}

struct Waveguide {
    /// The mode on which it ends.
    mode: usize,
    /// The pair of ports at which it begins and at which it ends; `None` at a port of the mesh.
    from: Option<usize>,
    to: Option<usize>,
    /// Whether it passes a column that has no cell on its mode.
    passes_column: bool,
    /// Whether it begins at an idle input or ends dumped, so that its phase has no effect.
    is_idle: bool,
    phase: f64,
}

/// The origin of the field on a mode.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// An input of the mesh.
    Input(usize),
    /// An output of a cell.
    Cell {
        /// Index of the pair of output ports: 2·cell + 1.
        pair: usize,
        /// 0 is the upper port.
        side: usize,
    },
}

impl OuterPhases {
    /// The waveguides of a mesh with its cells in order of propagation, all phases zero; the first `ports` modes are
    /// ports.
    ///
    /// `permute` applies the crossings before a column to one value per mode. It is called for `columns` + 1 columns.
    pub(crate) fn new(
        (modes, ports): (usize, usize),
        positions: &[CellPosition],
        columns: usize,
        permute: impl Fn(usize, &mut [Source]),
    ) -> Self {
        let cells = positions.len();
        let mut waveguides = Vec::with_capacity(2 * cells + modes);
        let mut pairs = vec![[0; 2]; 2 * cells];
        let mut sources: Vec<Source> = (0..modes).map(Source::Input).collect();
        let mut end_waveguide = |mode: usize, to: Option<usize>, source: Source| {
            let (from, begins_idle) = match source {
                Source::Input(mode) => (None, mode >= ports),
                Source::Cell { pair, side } => {
                    pairs[pair][side] = waveguides.len();
                    (Some(pair), false)
                }
            };
            let column = |pair: usize| positions[pair / 2].column;
            let passes_column = from.zip(to).is_some_and(|(from, to)| column(from) + 1 < column(to));
            let is_idle = begins_idle || (to.is_none() && mode >= ports);
            waveguides.push(Waveguide { mode, from, to, passes_column, is_idle, phase: 0.0 });
        };
        let mut column = 0;
        for (k, &position) in positions.iter().enumerate() {
            while column <= position.column {
                permute(column, &mut sources);
                column += 1;
            }
            for side in 0..2 {
                let mode = position.mode + side;
                let source = std::mem::replace(&mut sources[mode], Source::Cell { pair: 2 * k + 1, side });
                end_waveguide(mode, Some(2 * k), source);
            }
        }
        (column..=columns).for_each(|column| permute(column, &mut sources));
        sources.into_iter().enumerate().for_each(|(mode, source)| end_waveguide(mode, None, source));
        for k in 0..cells {
            pairs[2 * k] = [2 * k, 2 * k + 1];
        }
        Self { waveguides, pairs, used: vec![false; 2 * cells], global_phases: vec![0.0; cells] }
    }

    /// The phase of a waveguide (rad).
    pub(crate) fn phase(&self, waveguide: usize) -> f64 {
        self.waveguides[waveguide].phase
    }

    pub(crate) fn set_phase(&mut self, waveguide: usize, phase: f64) {
        self.waveguides[waveguide].phase = phase;
    }

    /// The cell at which a waveguide ends, if any, the mode on which it ends, and whether it begins at a cell.
    pub(crate) fn place(&self, waveguide: usize) -> (Option<usize>, usize, bool) {
        let Waveguide { mode, from, to, .. } = self.waveguides[waveguide];
        (to.map(|pair| pair / 2), mode, from.is_some())
    }

    /// Clears the phases of all waveguides except those returned, which do not depend on the phases.
    ///
    /// They are the last waveguides of the paths, unless these are idle, and one waveguide of each ring.
    pub(crate) fn push_to_boundary(&mut self) -> Vec<usize> {
        // A path keeps its phase on an idle waveguide if it has one, otherwise at an output rather than at an input,
        // and on the uppermost of them.
        let waveguides = &self.waveguides;
        let select = |is: fn(&Waveguide) -> bool| (0..waveguides.len()).filter(move |&w| is(&waveguides[w]));
        let mut starts: Vec<usize> = select(|w| w.is_idle).collect();
        starts.extend(select(|w| !w.is_idle && w.from.is_some() && w.to.is_none()));
        starts.extend(select(|w| !w.is_idle && w.from.is_none()));
        let mut kept = Vec::new();
        let mut ended = vec![false; self.waveguides.len()];
        for start in starts.into_iter().rev() {
            if !ended[start] {
                let end = self.push_along_path(start);
                (ended[start], ended[end]) = (true, true);
                kept.push(end);
            }
        }
        // Rings, from a waveguide that passes a column, if there is one.
        let mut starts: Vec<usize> = (0..self.waveguides.len()).collect();
        starts.sort_by_key(|&w| !self.waveguides[w].passes_column);
        for start in starts {
            if let Some(pair) = self.waveguides[start].to.filter(|&pair| !self.used[pair]) {
                self.used[pair] = true;
                kept.push(self.push_along_path(self.other(pair, start)));
            }
        }
        kept.retain(|&waveguide| !self.waveguides[waveguide].is_idle);
        kept
    }

    /// Moves phases along a path through unused pairs, from a waveguide on. Returns the last waveguide.
    fn push_along_path(&mut self, start: usize) -> usize {
        let mut waveguide = start;
        while let Some(pair) = self.unused_pair(waveguide) {
            self.used[pair] = true;
            let phase = self.waveguides[waveguide].phase;
            self.global_phases[pair / 2] = (self.global_phases[pair / 2] + phase).rem_euclid(TAU);
            self.waveguides[waveguide].phase = 0.0;
            waveguide = self.other(pair, waveguide);
            self.waveguides[waveguide].phase = (self.waveguides[waveguide].phase - phase).rem_euclid(TAU);
        }
        waveguide
    }

    /// The unused pair of ports at an end of a waveguide.
    fn unused_pair(&self, waveguide: usize) -> Option<usize> {
        let Waveguide { from, to, .. } = self.waveguides[waveguide];
        [from, to].into_iter().flatten().find(|&pair| !self.used[pair])
    }

    /// The other waveguide at a pair of ports.
    fn other(&self, pair: usize, waveguide: usize) -> usize {
        let [a, b] = self.pairs[pair];
        if a == waveguide { b } else { a }
    }
}

impl Layout {
    /// The waveguides of the mesh, all phases zero.
    pub(super) fn outer_phases(&self) -> OuterPhases {
        OuterPhases::new((self.modes, self.ports), &self.positions, self.columns, |column, modes| {
            self.permute(column, modes)
        })
    }

    /// The phases of a mesh of cells without outer phases that equals the same mesh with them. O(cells).
    ///
    /// `T(θ, φ)` becomes `e^{iθ₂}·T(θ₁−θ₂, 0)`, which holds for any errors of the cell.
    pub(crate) fn without_outer_phases(&self, with: &Phases) -> Phases {
        let cells = self.positions.len();
        let mut outer = self.outer_phases();
        with.phi().iter().enumerate().for_each(|(k, &phi)| outer.set_phase(2 * k, phi));
        with.output().iter().enumerate().for_each(|(mode, &phase)| outer.set_phase(2 * cells + mode, phase));
        outer.push_to_boundary();
        let mut phases = Phases::blank(self);
        for (k, global_phase) in outer.global_phases.iter().enumerate() {
            phases.set_cell(k, wrap(with.theta()[k] + global_phase), wrap(*global_phase));
        }
        (0..self.ports).for_each(|mode| phases.set_output(mode, wrap(outer.phase(2 * cells + mode))));
        for (k, shifter) in self.boundary_shifters.iter().enumerate() {
            phases.set_boundary(k, wrap(outer.phase(2 * shifter.cell + usize::from(shifter.lower))));
        }
        phases
    }
}
