//! Where the outer phases of a mesh go whose cells take up only a phase that is common to both of their lines.
//!
//! A cell takes up a phase x common to its two inputs, or to its two outputs. So each pair of ports of a cell joins two
//! waveguides: it can clear one of them at the cost of the other. Waveguides joined so make paths that end at ports of the
//! mesh, and rings. Along a path each pair clears the waveguide before it, and one phase is left at the end. A ring keeps
//! one phase, and one of its pairs is not needed (derived). The rings of a rectangular mesh of even N pass the edges of its
//! odd columns; a triangular mesh has none.

use crate::layout::CellPosition;
use std::f64::consts::TAU;

/// Waveguides from port to port of the cells of a mesh, each with a phase (rad): 2k and 2k+1 end at the upper and at the
/// lower input of cell k, those behind them at the outputs of the lines.
///
/// A pair of ports is told by 2·cell for the inputs of a cell, 2·cell + 1 for its outputs.
pub(crate) struct WaveguidePhases {
    guides: Vec<Guide>,
    /// The two waveguides at each pair of ports.
    pairs: Vec<[usize; 2]>,
    used: Vec<bool>,
    /// What each cell has taken up (rad).
    pub common: Vec<f64>,
}

struct Guide {
    /// The line on which it ends.
    line: usize,
    from: Option<usize>,
    to: Option<usize>,
    /// Whether it passes a column, with no cell on its line there.
    passes: bool,
    /// Whether it begins dark or ends dumped: its phase is of no account.
    idle: bool,
    phase: f64,
}

impl WaveguidePhases {
    /// The waveguides of a mesh with its cells in order of propagation, all phases zero; the first `ports` lines have ports.
    /// `wire` takes values on the lines through the crossings before a column; it is asked for `columns` + 1 of them.
    pub(crate) fn new(
        (lines, ports): (usize, usize),
        positions: &[CellPosition],
        columns: usize,
        wire: impl Fn(usize, &mut [Source]),
    ) -> Self {
        let cells = positions.len();
        let mut guides = Vec::with_capacity(2 * cells + lines);
        let mut pairs = vec![[0; 2]; 2 * cells];
        let mut sources: Vec<Source> = (0..lines).map(Source::Input).collect();
        let mut end = |line: usize, to: Option<usize>, source: Source| {
            let (from, dark) = match source {
                Source::Input(line) => (None, line >= ports),
                Source::Cell { pair, side } => {
                    pairs[pair][side] = guides.len();
                    (Some(pair), false)
                }
            };
            let column = |pair: usize| positions[pair / 2].column;
            let passes = from.zip(to).is_some_and(|(from, to)| column(from) + 1 < column(to));
            let idle = dark || (to.is_none() && line >= ports);
            guides.push(Guide { line, from, to, passes, idle, phase: 0.0 });
        };
        let mut column = 0;
        for (k, &position) in positions.iter().enumerate() {
            while column <= position.column {
                wire(column, &mut sources);
                column += 1;
            }
            for side in 0..2 {
                let line = position.mode + side;
                let before = std::mem::replace(&mut sources[line], Source::Cell { pair: 2 * k + 1, side });
                end(line, Some(2 * k), before);
            }
        }
        (column..=columns).for_each(|column| wire(column, &mut sources));
        sources.into_iter().enumerate().for_each(|(line, source)| end(line, None, source));
        for k in 0..cells {
            pairs[2 * k] = [2 * k, 2 * k + 1];
        }
        Self { guides, pairs, used: vec![false; 2 * cells], common: vec![0.0; cells] }
    }

    /// The phase of a waveguide (rad).
    pub(crate) fn phase(&self, guide: usize) -> f64 {
        self.guides[guide].phase
    }

    pub(crate) fn set_phase(&mut self, guide: usize, phase: f64) {
        self.guides[guide].phase = phase;
    }

    /// The cell before which a waveguide ends, if it ends at one; its line there; whether it comes from a cell.
    pub(crate) fn place(&self, guide: usize) -> (Option<usize>, usize, bool) {
        let Guide { line, from, to, .. } = self.guides[guide];
        (to.map(|pair| pair / 2), line, from.is_some())
    }

    /// Clears all waveguides but those returned, which are the same whatever the phases: the last ones of paths, unless
    /// their light is dark or dumped, and one of each ring.
    pub(crate) fn clear(&mut self) -> Vec<usize> {
        // A path keeps its phase where it is of no account, else at an output rather than at an input, and on the
        // uppermost of them.
        let guides = &self.guides;
        let ends = |of: fn(&Guide) -> bool| (0..guides.len()).filter(move |&g| of(&guides[g]));
        let mut starts: Vec<usize> = ends(|g| g.idle).collect();
        starts.extend(ends(|g| !g.idle && g.from.is_some() && g.to.is_none()));
        starts.extend(ends(|g| !g.idle && g.from.is_none()));
        let mut kept = Vec::new();
        let mut ended = vec![false; self.guides.len()];
        for start in starts.into_iter().rev() {
            if !ended[start] {
                let end = self.walk(start);
                (ended[start], ended[end]) = (true, true);
                kept.push(end);
            }
        }
        // Rings, from a waveguide that passes a column, if there is one.
        let mut starts: Vec<usize> = (0..self.guides.len()).collect();
        starts.sort_by_key(|&g| !self.guides[g].passes);
        for guide in starts {
            if let Some(pair) = self.guides[guide].to.filter(|&pair| !self.used[pair]) {
                self.used[pair] = true;
                kept.push(self.walk(self.other(pair, guide)));
            }
        }
        kept.retain(|&guide| !self.guides[guide].idle);
        kept
    }

    /// From a waveguide on, each unused pair clears the one before it; the last waveguide.
    fn walk(&mut self, start: usize) -> usize {
        let mut guide = start;
        while let Some(pair) = self.next(guide) {
            self.used[pair] = true;
            let phase = self.guides[guide].phase;
            self.common[pair / 2] = (self.common[pair / 2] + phase).rem_euclid(TAU);
            self.guides[guide].phase = 0.0;
            guide = self.other(pair, guide);
            self.guides[guide].phase = (self.guides[guide].phase - phase).rem_euclid(TAU);
        }
        guide
    }

    /// The unused pair at an end of a waveguide.
    fn next(&self, guide: usize) -> Option<usize> {
        let Guide { from, to, .. } = self.guides[guide];
        [from, to].into_iter().flatten().find(|&pair| !self.used[pair])
    }

    fn other(&self, pair: usize, guide: usize) -> usize {
        let [a, b] = self.pairs[pair];
        if a == guide { b } else { a }
    }
}

/// Where the light of a line comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// An input of the mesh.
    Input(usize),
    /// An output of a cell, told by its pair of ports.
    Cell {
        /// 2·cell + 1
        pair: usize,
        /// 0 is the upper line.
        side: usize,
    },
}
