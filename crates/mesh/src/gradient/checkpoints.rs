//! Where light has to be stored so that a mesh with loss can be undone.
//!
//! Undoing columns s…c multiplies a rounding error at c by at most the ratio of the largest to the smallest amplitude that
//! they transmit. Of a cell with arms t, `T = S′·diag(t)·S` with unitary S, and so, for any weights g on its two lines,
//!
//! ```text
//! ‖diag(g)·T·x‖ ≤ max(g)·max(t)·‖x‖ ≤ ‖diag(g′)·x‖   with   g′ = max(g)·max(t) on both lines
//! ```
//!
//! (derived; the same with ≥ and least values). From g = 1 behind a column back to an earlier one, g′ bounds all that light
//! can gain on the way there, line by line: on the best path of arms, which is far from the best arm of every column.
//! A factor common to a column cancels in the ratio, so the mean of its lines is taken out; then `g ← max(1, g′)` bounds
//! the ways to all later columns at once.

use crate::cell::mzi::CellErrors;
use crate::layout::Layout;
use std::ops::Range;

/// Decimal digits that undoing may lose before the light is stored.
const LOST_DIGITS: f64 = 4.0;
/// Amplitude below which an arm counts as dark.
const MIN_ARM: f64 = 1e-60;
/// What a digit of loss that is common to all lines counts: it does no harm before the range of a double ends.
const COMMON: f64 = 0.05;
/// Lines that are compared at once.
const LANES: usize = 8;

/// Columns before which the light is to be stored: in each segment all columns but the first can be undone; `None` where
/// all of the mesh can. The segments are as long as they may be from the end on, so that light is sent again through the
/// fewest columns. O(modes × columns).
pub(crate) fn segments(layout: &Layout, errors: &[CellErrors]) -> Option<Vec<Range<usize>>> {
    let mut undone = Gains::new(layout.modes);
    let (mut segments, mut end) = (Vec::new(), layout.columns);
    for column in (0..layout.columns).rev() {
        if !undone.extend(layout, errors, column) || undone.lost() > LOST_DIGITS {
            segments.push(column..end);
            end = column;
            undone = Gains::new(layout.modes);
        }
    }
    if segments.is_empty() {
        return None;
    }
    if end > 0 {
        segments.push(0..end);
    }
    segments.reverse();
    Some(segments)
}

/// Bounds of the amplitude from each line to any later column, beside what is common to all lines.
struct Gains {
    most: Vec<f64>,
    least: Vec<f64>,
    common_digits: f64,
}

impl Gains {
    fn new(modes: usize) -> Self {
        Self { most: vec![1.0; modes], least: vec![1.0; modes], common_digits: 0.0 }
    }

    /// Decimal digits that undoing loses.
    fn lost(&self) -> f64 {
        // Lane by lane, for one chain of comparisons would take longer than all the rest.
        let (mut best, mut worst) = ([1.0; LANES], [1.0; LANES]);
        for (most, least) in self.most.chunks(LANES).zip(self.least.chunks(LANES)) {
            best.iter_mut().zip(most).for_each(|(best, gain)| *best = larger(*gain, *best));
            worst.iter_mut().zip(least).for_each(|(worst, gain)| *worst = smaller(*gain, *worst));
        }
        let (best, worst) = (best.into_iter().fold(1.0, larger), worst.into_iter().fold(1.0, smaller));
        (best / worst).log10() + COMMON * self.common_digits
    }

    /// Begins a column earlier; `false` where an arm of it is dark.
    fn extend(&mut self, layout: &Layout, errors: &[CellErrors], column: usize) -> bool {
        let cells = layout.column(column);
        let Self { most, least, common_digits } = self;
        let (modes, idle) = (most.len() as f64, (most.len() - 2 * cells.len()) as f64);
        let (mut sum, mut darkest) = (idle, f64::INFINITY);
        for (position, e) in layout.positions[cells.clone()].iter().zip(&errors[cells]) {
            let [a, b] = [position.mode, position.mode + 1];
            let (brighter, darker) = (larger(e.upper, e.lower), smaller(e.upper, e.lower));
            let gained = larger(most[a], most[b]) * brighter;
            let left = smaller(least[a], least[b]) * darker;
            (most[a], most[b], least[a], least[b]) = (gained, gained, left, left);
            sum += e.upper + e.lower;
            darkest = smaller(darker, darkest);
        }
        if !(darkest >= MIN_ARM && sum < f64::INFINITY) {
            return false;
        }
        let (mean, by) = (sum / modes, modes / sum);
        most.iter_mut().for_each(|gain| *gain = larger(*gain * by, 1.0));
        least.iter_mut().for_each(|gain| *gain = smaller(*gain * by, 1.0));
        if let Some(order) = layout.permutation_before(column) {
            for gains in [most, least] {
                let behind = gains.clone();
                order.iter().zip(behind).for_each(|(&from, gain)| gains[from] = gain);
            }
        }
        *common_digits += mean.log10().abs();
        true
    }
}

/// One comparison, where `f64::max` looks for NaN too.
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::phases::Phases;
    use crate::layout::stage::Stage;
    use crate::propagate::circuit::Circuit;
    use crate::topology;
    use crate::topology::mesh_design::MeshDesign;
    use phaseloom_numerics::linalg;
    use phaseloom_testing::wave;

    /// No matrix of columns is conditioned worse than the bound says, from any column to any later one.
    #[test]
    fn columns_are_conditioned_as_well_as_the_bound_says() {
        for design in MeshDesign::all() {
            let layout = design.layout(6);
            let mut phases = Phases::blank(&layout);
            phases.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = 3.0 * wave(k, 1.3));
            let arm = |k: usize, step: f64| 0.7 + 0.25 * wave(k, step);
            let errors: Vec<CellErrors> = (0..layout.positions.len())
                .map(|k| CellErrors { beta: 0.1, upper: arm(k, 0.7), lower: arm(k, 1.9), ..CellErrors::NONE })
                .collect();
            let mut gains = Gains::new(layout.modes);
            let stage = Stage::mesh(layout, phases);
            let layout = stage.layout();
            for first in (0..layout.columns).rev() {
                assert!(gains.extend(layout, &errors, first));
                let bound = gains.lost();
                for end in first + 1..=layout.columns {
                    let columns = Circuit::from_columns(&stage, stage.phases(), &errors, first..end);
                    let sigma = linalg::svd(&columns.matrix()).expect("finite").sigma;
                    let digits = (sigma[0] / sigma[sigma.len() - 1]).log10();
                    assert!(digits < bound + 1e-9, "{design} columns {first}..{end}: {digits} beyond {bound}");
                }
            }
        }
    }

    /// With equal loss everywhere the best way is that along an edge, where every other column has no cell.
    #[test]
    fn equal_loss_is_gained_along_the_edge() {
        let layout = MeshDesign::from(topology("rectangular").unwrap()).layout(200);
        let errors = vec![CellErrors { upper: 0.99, lower: 0.99, ..CellErrors::NONE }; layout.positions.len()];
        let mut gains = Gains::new(layout.modes);
        assert!((0..layout.columns).all(|column| gains.extend(&layout, &errors, column)));
        let (lost, edge) = (gains.lost() - COMMON * gains.common_digits, 100.0 * -0.99_f64.log10());
        assert!((lost - edge).abs() < 0.02 * edge, "{lost} and {edge}");
        assert!(segments(&layout, &errors).is_none());
    }

    #[test]
    fn segments_follow_one_another_and_begin_at_dark_arms() {
        let layout = MeshDesign::from(topology("rectangular").unwrap()).layout(30);
        let state = |k: usize| CellErrors { upper: if k == 200 { 0.0 } else { 0.5 }, ..CellErrors::NONE };
        let errors: Vec<CellErrors> = (0..layout.positions.len()).map(state).collect();
        let found = segments(&layout, &errors).unwrap();
        assert!(found.len() > 2 && found[0].start == 0 && found[found.len() - 1].end == layout.columns, "{found:?}");
        assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start && !pair[0].is_empty()), "{found:?}");
        assert!(found.iter().any(|columns| columns.start == layout.positions[200].column), "{found:?}");
    }
}
