//! The gradient of a real loss with respect to all phases, by sending light and adjoint backwards through the mesh.
//!
//! The adjoint of a field a is `λ = ∂L/∂Re a + i·∂L/∂Im a`, so that `dL = Re Σ λ*·da`; before a cell it is `λ_in = T†·λ_out`.
//! A phase on a line changes L by `−Im Σ λ*a` there, wherever on that line the two are taken. Of a cell these are the
//! upper inner arm for θ and the upper input for φ. Both follow from the sums at its outputs,
//!
//! ```text
//! Q = [[q1, x], [y, q2]],   q1 = Σ λ1* a1,   q2 = Σ λ2* a2,   x = Σ λ2* a1,   y = Σ λ1* a2,
//! ```
//!
//! for a and λ go through every part M of the cell as `a_in = M⁻¹·a_out`, `λ_in = M†·λ_out`, so that `Q_in = M⁻¹·Q·M`
//! (derived; Hughes et al., Optica 5, 864, 2018, recalled, for the idea): with the second splitter, at π/4+β,
//!
//! ```text
//! q_arm = ½·(q1 + q2 − sin 2β·(q1 − q2) + i·cos 2β·(x − y)),
//! ```
//!
//! and with the whole cell T the sums at its inputs, whose trace is that at the outputs. They are q1 or q2 of the cells
//! before; so only x and y are summed over the batch. The fields inside are not stored but found again by undoing the
//! cells from the output on: memory O(N² + N·batch).
//! Undoing cells loses precision by the ratio of the largest to the smallest amplitude that they transmit; where that may
//! be more than four digits, the fields are stored and undone from there (see [`segments`]).

mod backward;
mod checkpoints;
mod inverse;

use crate::cell::kind::Cell;
use crate::cell::mzi::{CellErrors, Transfer, transfer};
use crate::gradient::backward::{Backward, Cells, Undone};
use crate::gradient::checkpoints::segments;
use crate::layout::Layout;
use crate::layout::execution_order::ExecutionOrder;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::propagate::circuit::{Block, Circuit, TOGETHER};
use crate::propagate::fields::Fields;
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::cis_all;
use pulp::{Arch, Simd, WithSimd};
use std::f64::consts::FRAC_PI_2;
use std::ops::Range;

/// Columns that are undone while a few lines of fields and adjoints stay in the first-level cache.
const COLUMNS_BACK: usize = 16;

/// Gradient of a loss with respect to all phases of a section (1/rad), and the adjoint before it.
///
/// `input` are the fields before the section, `output` those behind it, `adjoint` the adjoint there, all modes × batch.
/// Three to four times the time of sending the batch through, beside sending it, in memory O(N² + N·batch). Where cells
/// lose unequally, O(N² + N·batch·segments): a segment for every 80 dB between the best and the worst way of light through
/// the cells, and for every 1600 dB that all have in common. The fields before the last segment are sent again.
///
/// ```
/// use phaseloom_mesh::{Circuit, Fields, Form, MatrixProgram, StreamKey, gradient, haar_unitary, topology};
/// use phaseloom_mesh::cell::CellErrors;
///
/// let u = haar_unitary(6, &mut StreamKey::new(1, "example").stream());
/// let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
/// let (stage, errors) = (&program.stages()[0], vec![CellErrors::NONE; 15]);
/// let input = Fields::identity(6);
/// let mut output = input.clone();
/// Circuit::ideal(stage).propagate(&mut output);
/// // L = ½ Σ|a|² has the adjoint λ = a. Support is conserved: no phase changes L.
/// let (phases, _) = gradient(stage, stage.phases(), &errors, &input, output.clone(), output);
/// assert!(phases.values().iter().all(|slope| slope.abs() < 1e-13));
/// # Ok::<(), phaseloom_mesh::MeshError>(())
/// ```
///
/// # Panics
///
/// If `errors` are not one a cell, or the fields are not of one shape.
#[must_use]
pub fn gradient(
    stage: &Stage,
    phases: &Phases,
    errors: &[CellErrors],
    input: &Fields,
    mut output: Fields,
    mut adjoint: Fields,
) -> (Phases, Fields) {
    let layout = stage.layout();
    assert_eq!(layout.positions.len(), errors.len(), "one state a cell");
    assert_eq!((output.modes(), output.batch()), (adjoint.modes(), adjoint.batch()), "an adjoint for each field");
    assert_eq!((input.modes(), input.batch()), (output.modes(), output.batch()), "an input for each output");
    assert_eq!(output.modes(), layout.modes, "fields of the section");
    let mut slopes = phases.zeroed();
    if stage.kind() == StageKind::Attenuators {
        attenuators(stage, phases, errors, input, &mut adjoint, &mut slopes);
        return (slopes, adjoint);
    }
    // Σ λ*a on each line, as it stands while the cells are undone.
    let mut overlaps: Vec<Complex64> =
        (0..layout.modes).map(|mode| Fields::inner((&adjoint, mode), (&output, mode))).collect();
    for (mode, overlap) in overlaps.iter().take(layout.ports).enumerate() {
        slopes.set_output(mode, -overlap.im);
    }
    let mut block = Block::default();
    let mut backward = Backward::new(layout.modes, COLUMNS_BACK * layout.modes / 2);
    let outputs = cis_all(phases.output());
    outputs.into_iter().enumerate().for_each(|(mode, factor)| backward.multiply(mode, factor.conj()));
    let slopes_of = |undone: &[Undone], overlaps: &mut [Complex64], slopes: &mut Phases| {
        let twice: Vec<f64> = undone.iter().map(|undone| 2.0 * errors[undone.cell].beta).collect();
        let splitters = cis_all(&twice);
        Arch::new().dispatch(Slopes { layout, errors, undone, splitters: &splitters, overlaps, slopes });
    };
    // The crossings before each of these columns are undone too, and those at the end of the mesh if they reach it.
    let mut undo = |columns: Range<usize>,
                    (output, adjoint): (&mut Fields, &mut Fields),
                    overlaps: &mut [Complex64],
                    slopes: &mut Phases| {
        if columns.is_empty() && columns.end < layout.columns {
            return;
        }
        // What passed the whole mesh was the input, and is not looked at any more.
        let output_wanted = columns.start > 0;
        let Some(schedule) = stage.schedule(columns.clone()) else {
            let starts: Vec<usize> = columns.clone().step_by(COLUMNS_BACK).collect();
            for start in starts.into_iter().rev() {
                block.set(stage, phases, errors, start..columns.end.min(start + COLUMNS_BACK));
                slopes_of(backward.undo(Cells::Block(&block), output, adjoint), overlaps, slopes);
            }
            return backward.settle(output_wanted.then_some(output), adjoint);
        };
        // Light stays where it came out until all cells are undone.
        let ExecutionOrder { cells, places, order } = &*schedule;
        let mut lines = vec![0; order.len()];
        order.iter().enumerate().for_each(|(line, &place)| lines[place] = line);
        let mut transfers = Vec::new();
        for (cells, places) in cells.chunks(TOGETHER).zip(places.chunks(TOGETHER)).rev() {
            layout.transfers_of(cells, phases, errors, &mut transfers);
            let pairs = Cells::Pairs { cells, places, lines: &lines, transfers: &transfers };
            slopes_of(backward.undo(pairs, output, adjoint), overlaps, slopes);
        }
        let behind = overlaps.to_vec();
        behind.into_iter().zip(order).for_each(|(overlap, &from)| overlaps[from] = overlap);
        backward.settle(output_wanted.then_some(&mut *output), adjoint);
        adjoint.unpermute(order);
        if output_wanted {
            output.unpermute(order);
        }
    };
    let Some(segments) = segments(layout, errors) else {
        undo(0..layout.columns, (&mut output, &mut adjoint), &mut overlaps, &mut slopes);
        return (slopes, adjoint);
    };
    // The light before each segment; what the last one does to it is known.
    let mut stored = vec![input.clone()];
    for columns in &segments[..segments.len() - 1] {
        let mut fields = stored[stored.len() - 1].clone();
        Circuit::from_columns(stage, phases, errors, columns.clone()).propagate(&mut fields);
        stored.push(fields);
    }
    for (columns, stored) in segments.into_iter().zip(stored).rev() {
        undo(columns.start + 1..columns.end, (&mut output, &mut adjoint), &mut overlaps, &mut slopes);
        let cells = layout.column(columns.start);
        let transfers = layout.transfers(cells.clone(), phases, errors);
        let mut arms = Vec::with_capacity(cells.len());
        for cell in cells.clone() {
            let mode = layout.positions[cell].mode;
            let cross = |a: usize, b: usize| Fields::inner((&adjoint, mode + a), (&output, mode + b));
            let sums = Sums { q: [overlaps[mode], overlaps[mode + 1]], x: cross(1, 0), y: cross(0, 1) };
            let arm = sums.at_interferometer(layout.cell).arm(Complex64::cis(2.0 * errors[cell].beta));
            arms.push((arm, sums.trace()));
            adjoint.mix(mode, &conjugate_transpose(&transfers[cell - cells.start]));
        }
        // The fields before the first column are known, and so are the sums.
        let order = layout.permutation_before(columns.start);
        order.into_iter().for_each(|order| adjoint.unpermute(order));
        output = stored;
        for (mode, overlap) in overlaps.iter_mut().enumerate() {
            *overlap = Fields::inner((&adjoint, mode), (&output, mode));
        }
        for (cell, (arm, trace)) in cells.zip(arms) {
            let line = |mode: usize| order.map_or(mode, |order| order[mode]);
            let (upper, lower) = (line(layout.positions[cell].mode), line(layout.positions[cell].mode + 1));
            let [theta, phi] = match layout.cell {
                Cell::ThreeSplitters => {
                    // Behind the splitter at π/4+γ, at the upper line.
                    let cross = |a: usize, b: usize| Fields::inner((&adjoint, a), (&output, b));
                    let sums =
                        Sums { q: [overlaps[upper], overlaps[lower]], x: cross(lower, upper), y: cross(upper, lower) };
                    [arm, sums.behind_splitter(Complex64::cis(FRAC_PI_2 + 2.0 * errors[cell].gamma))]
                }
                Cell::Mzi | Cell::Crossing => [arm, overlaps[upper].im],
                Cell::Symmetric => [arm, trace - arm],
                Cell::Coupler => [overlaps[upper].im, overlaps[lower].im],
            };
            slopes.set_cell(cell, -theta, -phi);
            for (k, edge) in layout.boundary_shifters_before(cell..cell + 1) {
                slopes.set_boundary(k, -overlaps[if edge.lower { lower } else { upper }].im);
            }
        }
    }
    (slopes, adjoint)
}

/// Tells the slopes of cells that are undone, one after another, and takes the sums on the lines back through them.
struct Slopes<'a> {
    layout: &'a Layout,
    errors: &'a [CellErrors],
    undone: &'a [Undone],
    /// e^{2iβ} of each.
    splitters: &'a [Complex64],
    overlaps: &'a mut [Complex64],
    slopes: &'a mut Phases,
}

impl WithSimd for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { layout, errors, undone, splitters, overlaps, slopes } = self;
        // The lower line of a cell is mostly the upper one of the next. Its sum is kept here, for a processor waits long
        // before it loads as one what was just stored in parts.
        let mut last = (usize::MAX, Complex64::ZERO);
        for (undone, &splitter) in undone.iter().zip(splitters) {
            let Undone { cell, ref transfer, reciprocal, lines: [upper, lower], sums: [x, y] } = *undone;
            let of_upper = if upper == last.0 { last.1 } else { overlaps[upper] };
            let outputs = Sums { q: [of_upper, overlaps[lower]], x, y };
            let inputs = outputs.before(transfer, reciprocal);
            let core = outputs.at_interferometer(layout.cell);
            let arm = core.arm(splitter);
            let [theta, phi] = match layout.cell {
                // A splitter has the determinant 1.
                Cell::ThreeSplitters => {
                    [arm, core.before(&layout.cell.within(transfer, errors[cell].gamma), reciprocal)[0].im]
                }
                Cell::Mzi | Cell::Crossing => [arm, inputs[0].im],
                // The sum over both arms is that over both outputs.
                Cell::Symmetric => [arm, outputs.trace() - arm],
                Cell::Coupler => inputs.map(|q| q.im),
            };
            slopes.set_cell(cell, -theta, -phi);
            for (k, edge) in layout.boundary_shifters_before(cell..cell + 1) {
                slopes.set_boundary(k, -inputs[usize::from(edge.lower)].im);
            }
            (overlaps[upper], overlaps[lower]) = (inputs[0], inputs[1]);
            last = (lower, inputs[1]);
        }
    }
}

/// Σ λ*a over the batch, at the outputs of a cell.
#[derive(Clone, Copy, Debug)]
struct Sums {
    /// Of the upper and of the lower line.
    q: [Complex64; 2],
    /// Σ λ2* a1
    x: Complex64,
    /// Σ λ1* a2
    y: Complex64,
}

impl Sums {
    /// Im Σ λ*a over both lines: the same wherever both are cut in a cell.
    #[inline(always)]
    fn trace(&self) -> f64 {
        self.q[0].im + self.q[1].im
    }

    /// Im Σ λ*a at the upper inner arm; `splitter` is e^{2iβ}.
    #[inline(always)]
    fn arm(&self, splitter: Complex64) -> f64 {
        let [q1, q2] = self.q;
        0.5 * (q1.im + q2.im - splitter.im * (q1.im - q2.im) + splitter.re * (self.x - self.y).re)
    }

    /// The sums at the outputs of the interferometer in a cell.
    #[inline(always)]
    fn at_interferometer(self, cell: Cell) -> Self {
        match cell {
            Cell::Mzi | Cell::ThreeSplitters | Cell::Symmetric | Cell::Coupler => self,
            Cell::Crossing => Self { q: [self.q[1], self.q[0]], x: self.y, y: self.x },
        }
    }

    /// Im Σ λ*a on the upper line behind a splitter at η, if these are the sums before it: the same as
    /// [`Sums::arm`] for a splitter undone, `Q′ = S·Q·S⁻¹`; `splitter` is e^{2iη}.
    fn behind_splitter(&self, splitter: Complex64) -> f64 {
        let [q1, q2] = self.q;
        0.5 * (q1.im + q2.im + splitter.re * (q1.im - q2.im) - splitter.im * (self.x - self.y).re)
    }

    /// Σ λ*a at the inputs of the cell T, the diagonal of T⁻¹·Q·T; `reciprocal` is 1/det T.
    #[inline(always)]
    fn before(&self, t: &Transfer, reciprocal: Complex64) -> [Complex64; 2] {
        let ([q1, q2], [upper, lower]) = (self.q, [t[0][0], t[1][0]]);
        let numerator = t[1][1] * (q1 * upper + self.x * lower) - t[0][1] * (self.y * upper + q2 * lower);
        let before = numerator * reciprocal;
        [before, q1 + q2 - before]
    }
}

fn conjugate_transpose(t: &Transfer) -> Transfer {
    [[t[0][0].conj(), t[1][0].conj()], [t[0][1].conj(), t[1][1].conj()]]
}

/// Each line has one cell, `a ← T11·a`.
fn attenuators(
    stage: &Stage,
    phases: &Phases,
    errors: &[CellErrors],
    input: &Fields,
    adjoint: &mut Fields,
    slopes: &mut Phases,
) {
    let positions = &stage.layout().positions;
    let amplitude = |k: usize, theta: f64| transfer(theta, phases.phi()[k], errors[k])[0][0];
    let mut factors = vec![Complex64::new(0.0, 0.0); stage.layout().modes];
    for (k, position) in positions.iter().enumerate() {
        let theta = phases.theta()[k];
        let t = amplitude(k, theta);
        // T11 is A·e^{iθ} + B: half of the difference to θ + π is A·e^{iθ}.
        let moving = (t - amplitude(k, theta + std::f64::consts::PI)) * 0.5;
        let overlap = Fields::inner((adjoint, position.mode), (input, position.mode));
        slopes.set_cell(k, -(moving * overlap).im, -(t * overlap).im);
        factors[position.mode] = t.conj();
    }
    adjoint.scale(|mode| factors[mode]);
}
