//! The columns before which fields are stored so that a mesh with loss can be undone.
//!
//! Undoing columns s…c multiplies a rounding error at c by at most the ratio of the largest to the smallest amplitude
//! that they transmit. A cell with arms t is `T = S′·diag(t)·S` with unitary S, so for any weights g on its two modes
//!
//! ```text
//! ‖diag(g)·T·x‖ ≤ max(g)·max(t)·‖x‖ ≤ ‖diag(g′)·x‖   with   g′ = max(g)·max(t) on both modes
//! ```
//!
//! (derived; the same holds with ≥ and minima). From g = 1 after a column back to an earlier one, g′ bounds the gain of
//! each mode: along the best path of arms, which is far below the product of the best arms of all columns. A factor
//! common to a column cancels in the ratio, so the mean of its modes is divided out. Then `g ← max(1, g′)` bounds the
//! paths to all later columns at once.

use crate::cell::mzi::CellErrors;
use crate::layout::Layout;
use std::ops::Range;

/// Maximum number of decimal digits that undoing may lose. Beyond it the fields are stored; below it they are undone.
const LOST_DIGITS: f64 = 4.0;
/// Minimum amplitude of an arm that can be undone. Below it the arm counts as blocked, and the fields are stored.
const MIN_ARM: f64 = 1e-60;
/// Weight of a digit of loss common to all modes: it costs no precision, only the range of a double.
const COMMON_WEIGHT: f64 = 0.05;
/// Number of modes compared at once.
const LANES: usize = 8;

/// Segments of columns; the fields are stored before each. Within a segment all columns but the first can be undone.
///
/// `None` if the whole mesh can be undone. Segments are as long as possible from the end on, so that the fewest columns
/// are propagated again. O(modes × columns).
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

/// Bounds of the amplitude from each mode to any later column, relative to the mean of all modes.
struct Gains {
    max: Vec<f64>,
    min: Vec<f64>,
    common_digits: f64,
}

impl Gains {
    fn new(modes: usize) -> Self {
        Self { max: vec![1.0; modes], min: vec![1.0; modes], common_digits: 0.0 }
    }

    /// Decimal digits that undoing loses.
    fn lost(&self) -> f64 {
        // Lane by lane, because one chain of dependent comparisons would dominate the run time.
        let (mut best, mut worst) = ([1.0; LANES], [1.0; LANES]);
        for (max, min) in self.max.chunks(LANES).zip(self.min.chunks(LANES)) {
            best.iter_mut().zip(max).for_each(|(best, gain)| *best = larger(*gain, *best));
            worst.iter_mut().zip(min).for_each(|(worst, gain)| *worst = smaller(*gain, *worst));
        }
        let (best, worst) = (best.into_iter().fold(1.0, larger), worst.into_iter().fold(1.0, smaller));
        (best / worst).log10() + COMMON_WEIGHT * self.common_digits
    }

    /// Extends the range by the preceding column. Returns `false` if one of its arms is blocked.
    fn extend(&mut self, layout: &Layout, errors: &[CellErrors], column: usize) -> bool {
        let cells = layout.column(column);
        let Self { max, min, common_digits } = self;
        let (modes, idle) = (max.len() as f64, (max.len() - 2 * cells.len()) as f64);
        let (mut sum, mut smallest) = (idle, f64::INFINITY);
        for (position, e) in layout.positions[cells.clone()].iter().zip(&errors[cells]) {
            let [a, b] = [position.mode, position.mode + 1];
            let (larger_arm, smaller_arm) = (
                larger(e.upper_transmission, e.lower_transmission),
                smaller(e.upper_transmission, e.lower_transmission),
            );
            let gain = larger(max[a], max[b]) * larger_arm;
            let loss = smaller(min[a], min[b]) * smaller_arm;
            (max[a], max[b], min[a], min[b]) = (gain, gain, loss, loss);
            sum += e.upper_transmission + e.lower_transmission;
            smallest = smaller(smaller_arm, smallest);
        }
        if !(smallest >= MIN_ARM && sum < f64::INFINITY) {
            return false;
        }
        let (mean, by) = (sum / modes, modes / sum);
        max.iter_mut().for_each(|gain| *gain = larger(*gain * by, 1.0));
        min.iter_mut().for_each(|gain| *gain = smaller(*gain * by, 1.0));
        if let Some(order) = layout.permutation_before(column) {
            for gains in [max, min] {
                let permuted = gains.clone();
                order.iter().zip(permuted).for_each(|(&from, gain)| gains[from] = gain);
            }
        }
        *common_digits += mean.log10().abs();
        true
    }
}

/// The larger number by one comparison; `f64::max` also checks for NaN.
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller number by one comparison.
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

    /// The condition number of any range of columns is within the bound.
    #[test]
    fn condition_numbers_are_within_the_bound() {
        for design in MeshDesign::all() {
            let layout = design.layout(6);
            let mut phases = Phases::blank(&layout);
            phases.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = 3.0 * wave(k, 1.3));
            let arm = |k: usize, step: f64| 0.7 + 0.25 * wave(k, step);
            let errors: Vec<CellErrors> = (0..layout.positions.len())
                .map(|k| CellErrors {
                    beta: 0.1,
                    upper_transmission: arm(k, 0.7),
                    lower_transmission: arm(k, 1.9),
                    ..CellErrors::NONE
                })
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

    /// With equal loss everywhere the best path is along the boundary, where every other column has no cell.
    #[test]
    fn equal_loss_is_gained_along_the_boundary() {
        let layout = MeshDesign::from(topology("rectangular").unwrap()).layout(200);
        let errors = vec![
            CellErrors { upper_transmission: 0.99, lower_transmission: 0.99, ..CellErrors::NONE };
            layout.positions.len()
        ];
        let mut gains = Gains::new(layout.modes);
        assert!((0..layout.columns).all(|column| gains.extend(&layout, &errors, column)));
        let (lost, expected) = (gains.lost() - COMMON_WEIGHT * gains.common_digits, 100.0 * -0.99_f64.log10());
        assert!((lost - expected).abs() < 0.02 * expected, "{lost} and {expected}");
        assert!(segments(&layout, &errors).is_none());
    }

    #[test]
    fn segments_follow_one_another_and_begin_at_blocked_arms() {
        let layout = MeshDesign::from(topology("rectangular").unwrap()).layout(30);
        let state = |k: usize| CellErrors { upper_transmission: if k == 200 { 0.0 } else { 0.5 }, ..CellErrors::NONE };
        let errors: Vec<CellErrors> = (0..layout.positions.len()).map(state).collect();
        let columns = segments(&layout, &errors).unwrap();
        assert!(
            columns.len() > 2 && columns[0].start == 0 && columns[columns.len() - 1].end == layout.columns,
            "{columns:?}"
        );
        assert!(columns.windows(2).all(|pair| pair[0].end == pair[1].start && !pair[0].is_empty()), "{columns:?}");
        assert!(columns.iter().any(|segment| segment.start == layout.positions[200].column), "{columns:?}");
    }
}
