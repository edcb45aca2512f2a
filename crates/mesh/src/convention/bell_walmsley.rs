//! The compact cell of Bell and Walmsley (APL Photonics 6, 070804, 2021, recalled): phases θ₁ and θ₂ on the two inner arms
//! and none outside.
//!
//! ```text
//!  S·diag(e^{iθ₁}, e^{iθ₂})·S = i·e^{iΣ}·[[sin Δ, cos Δ], [cos Δ, −sin Δ]],   Σ = (θ₁+θ₂)/2,   Δ = (θ₁−θ₂)/2
//! ```
//!
//! Strawberry Fields leaves out the factor i: its σ is Σ + π/2, its δ is Δ.
//!
//! Where the outer phases go (derived): a cell takes up a phase x common to its two inputs, or to its two outputs, as
//! `θ₁ + x, θ₂ + x`. So each pair of ports of a cell joins two waveguides: it can clear one of them at the cost of the
//! other. Waveguides joined so make paths that end at ports of the mesh, N of them, and rings. Along a path each pair clears
//! the waveguide before it, and one phase is left at the end. A ring keeps one phase, and one of its pairs is not needed.
//! The rings of a rectangular mesh of even N pass the edges of its odd columns; the other meshes have none.

use super::{Convention, Dressed, ScreenPhase, Waveguides, heater, waveguides::lines};
use crate::Site;
use crate::cell::Transfer;
use num_complex::Complex64;
use std::f64::consts::TAU;

/// θ₁ on the upper, θ₂ on the lower inner arm; phases at the ports and, for even N, on edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BellWalmsley;

impl Convention for BellWalmsley {
    fn key(&self) -> &'static str {
        "bell_walmsley"
    }

    fn description(&self) -> &'static str {
        "θ₁ and θ₂ on the two inner arms, no outer phase; what is left stands at ports and edges; `rectangular_compact`"
    }

    fn names(&self) -> [&'static str; 2] {
        ["theta1", "theta2"]
    }

    fn cell(&self, _: Site, _: usize, [upper, lower]: [f64; 2]) -> Transfer {
        let common = Complex64::i() * Complex64::cis((upper + lower) / 2.0);
        let (s, c) = ((upper - lower) / 2.0).sin_cos();
        [[common * s, common * c], [common * c, common * -s]]
    }

    fn dress(&self, _: Site, _: usize, [upper, lower]: [f64; 2]) -> Dressed {
        Dressed { theta: upper - lower, before: [0.0; 2], behind: [lower; 2] }
    }

    fn settle(&self, w: &Waveguides) -> (Vec<[f64; 2]>, Vec<ScreenPhase>) {
        let mut graph = Graph::new(w);
        let kept = graph.clear();
        let cells = w.theta.iter().zip(&graph.common);
        let phases = cells.map(|(theta, common)| [heater(theta + common), heater(*common)]).collect();
        let mut screen: Vec<ScreenPhase> = kept.into_iter().map(|guide| graph.screen(w, guide)).collect();
        screen.sort_by_key(|p| (p.column, p.mode));
        (phases, screen)
    }
}

/// A waveguide from port to port. A pair of ports is told by 2·cell for the inputs of a cell, 2·cell + 1 for its outputs.
struct Guide {
    mode: usize,
    from: Option<usize>,
    to: Option<usize>,
    /// Whether it passes a column, with no cell on its line there.
    passes: bool,
    phase: f64,
}

struct Graph {
    guides: Vec<Guide>,
    /// The two waveguides at each pair of ports.
    pairs: Vec<[usize; 2]>,
    used: Vec<bool>,
    /// What each cell has taken up.
    common: Vec<f64>,
}

impl Graph {
    fn new(w: &Waveguides) -> Self {
        let cells = w.sites.len();
        let mut guides = Vec::with_capacity(2 * cells + w.modes);
        let mut pairs = vec![[0; 2]; 2 * cells];
        // Pair and side that each line comes from.
        let mut source: Vec<Option<(usize, usize)>> = vec![None; w.modes];
        let mut end = |mode: usize, to: Option<usize>, phase: f64, source: Option<(usize, usize)>| {
            if let Some((pair, side)) = source {
                pairs[pair][side] = guides.len();
            }
            let from = source.map(|(pair, _)| pair);
            let column = |pair: usize| w.sites[pair / 2].column;
            let passes = from.zip(to).is_some_and(|(from, to)| column(from) + 1 < column(to));
            guides.push(Guide { mode, from, to, passes, phase });
        };
        for (k, &site) in w.sites.iter().enumerate() {
            for (side, mode) in lines(site).into_iter().enumerate() {
                end(mode, Some(2 * k), w.inputs[k][side], source[mode].replace((2 * k + 1, side)));
            }
        }
        for (mode, &phase) in w.outputs.iter().enumerate() {
            end(mode, None, phase, source[mode]);
        }
        for k in 0..cells {
            pairs[2 * k] = [2 * k, 2 * k + 1];
        }
        Self { guides, pairs, used: vec![false; 2 * cells], common: vec![0.0; cells] }
    }

    /// Clears all waveguides but those returned: the last ones of paths, one of each ring.
    fn clear(&mut self) -> Vec<usize> {
        // A path keeps its phase at an output rather than at an input, and on the uppermost of them.
        let inputs = (0..self.guides.len()).filter(|&g| self.guides[g].from.is_none());
        let outputs = (0..self.guides.len()).filter(|&g| self.guides[g].from.is_some() && self.guides[g].to.is_none());
        let mut starts: Vec<usize> = outputs.collect();
        starts.extend(inputs);
        let mut kept = Vec::new();
        let mut ends = vec![false; self.guides.len()];
        for start in starts.into_iter().rev() {
            if !ends[start] {
                let end = self.walk(start);
                (ends[start], ends[end]) = (true, true);
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

    /// The phase of a waveguide: at the port of the mesh where it begins or ends, or before the cell where it ends.
    fn screen(&self, w: &Waveguides, guide: usize) -> ScreenPhase {
        let Guide { mode, from, to, phase, .. } = self.guides[guide];
        let column = match (from, to) {
            (_, None) => w.columns,
            (None, Some(_)) => 0,
            (Some(_), Some(pair)) => w.sites[pair / 2].column,
        };
        ScreenPhase { column, mode, phase: heater(phase) }
    }
}
