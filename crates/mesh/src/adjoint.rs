//! The gradient of a real loss with respect to all phases, by sending light and adjoint backwards through the mesh.
//!
//! The adjoint of a field a is `λ = ∂L/∂Re a + i·∂L/∂Im a`, so that `dL = Re Σ λ*·da`; before a cell it is `λ_in = T†·λ_out`.
//! A phase on a line changes L by `−Im Σ λ*a` there, wherever on that line the two are taken. For φ that is the upper
//! input (x, λ_x) of its cell. For θ it is the upper arm behind the first splitter, where with c = cos(π/4+α),
//! s = sin(π/4+α), y the lower input (derived; Hughes et al., Optica 5, 864, 2018, recalled, for the idea)
//!
//! ```text
//! Σ λ*a = c² Σ λ_x* x + s² Σ λ_y* y + i·c·s·(e^{−iφ} Σ λ_x* y − e^{iφ} Σ λ_y* x).
//! ```
//!
//! `Σ λ_x* x + Σ λ_y* y` is the same before and behind a cell, for `λ_in†·a_in = λ_out†·T·a_in`; so only the first of them
//! is summed. The fields inside are not stored but found again by undoing the cells from the output on: memory
//! O(N² + N·batch).
//! Undoing a column of cells loses precision by the ratio of the largest to the smallest amplitude that its lines
//! transmit; where that adds up to [`LOST_DIGITS`] digits along the light, the fields are stored and undone from there.

use crate::cell::{CellErrors, Transfer, transfer};
use crate::circuit::{Block, COLUMNS, Circuit};
use crate::fields::Fields;
use crate::section::{Section, SectionKind, Settings};
use crate::sweep::{LINE, SMALLEST_SCALE, pivot};
use crate::trigonometry::phase_factors;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};
use std::f64::consts::FRAC_PI_4;
use std::ops::Range;

/// Decimal digits that undoing may lose before the fields are stored.
const LOST_DIGITS: f64 = 4.0;
/// Amplitude below which an arm counts as dark.
const SMALLEST_ARM: f64 = 1e-60;
/// What a digit of loss that is common to all lines counts: it does no harm before the range of a double ends.
const COMMON: f64 = 0.05;

/// Gradient of a loss with respect to all phases of a section (1/rad), and the adjoint before it.
///
/// `input` are the fields before the section, `output` those behind it, `adjoint` the adjoint there, all modes × batch.
/// Three to four times the time of sending the batch through, beside sending it, in memory O(N² + N·batch). Where cells
/// lose unequally, O(N² + N·batch·segments): a segment for every 80 dB between the best and the worst line of each
/// column, added up over the columns.
///
/// ```
/// use phaseloom_mesh::{Circuit, Fields, Form, MatrixProgram, StreamKey, gradient, haar_unitary, topology};
/// use phaseloom_mesh::cell::CellErrors;
///
/// let u = haar_unitary(6, &mut StreamKey::new(1, "example").stream());
/// let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
/// let (section, errors) = (&program.sections()[0], vec![CellErrors::NONE; 15]);
/// let input = Fields::identity(6);
/// let mut output = input.clone();
/// Circuit::ideal(section).propagate(&mut output);
/// // L = ½ Σ|a|² has the adjoint λ = a. Light is conserved: no phase changes L.
/// let (phases, _) = gradient(section, section.settings(), &errors, &input, output.clone(), output);
/// assert!(phases.values().iter().all(|slope| slope.abs() < 1e-13));
/// # Ok::<(), phaseloom_mesh::MeshError>(())
/// ```
///
/// # Panics
///
/// If `errors` are not one a cell, or the fields are not of one shape.
#[must_use]
pub fn gradient(
    section: &Section,
    phases: &Settings,
    errors: &[CellErrors],
    input: &Fields,
    mut output: Fields,
    mut adjoint: Fields,
) -> (Settings, Fields) {
    let layout = section.layout();
    assert_eq!(layout.sites.len(), errors.len(), "one state a cell");
    assert_eq!((output.modes(), output.batch()), (adjoint.modes(), adjoint.batch()), "an adjoint for each field");
    assert_eq!((input.modes(), input.batch()), (output.modes(), output.batch()), "an input for each output");
    assert_eq!(output.modes(), layout.modes, "fields of the section");
    let mut slopes = Settings::zero(layout.sites.len(), phases.output().len());
    if section.kind() == SectionKind::Attenuators {
        attenuators(section, phases, errors, input, &mut adjoint, &mut slopes);
        return (slopes, adjoint);
    }
    // Σ λ*a on each line, as it stands while the cells are undone.
    let mut overlaps: Vec<Complex64> =
        (0..layout.modes).map(|mode| Fields::inner((&adjoint, mode), (&output, mode))).collect();
    for (mode, overlap) in overlaps.iter().enumerate() {
        slopes.set_output(mode, -overlap.im);
    }
    let back = |mode: usize| Complex64::cis(-phases.output()[mode]);
    output.scale(back);
    adjoint.scale(back);
    let undo = |columns: Range<usize>,
                light: (&mut Fields, &mut Fields),
                overlaps: &mut [Complex64],
                slopes: &mut Settings| {
        let (output, adjoint) = light;
        let starts: Vec<usize> = columns.clone().step_by(COLUMNS).collect();
        for start in starts.into_iter().rev() {
            let block = Block::new(section, phases, errors, start..columns.end.min(start + COLUMNS));
            let cells = block.first..block.first + block.transfers.len();
            let splitters: Vec<f64> = errors[cells.clone()].iter().map(|e| FRAC_PI_4 + e.alpha).collect();
            let (splitters, turns) = (phase_factors(&splitters), phase_factors(&phases.phi()[cells.clone()]));
            let sums = Backward::new(layout.modes, &block).run(output, adjoint, overlaps);
            for (k, cell) in cells.enumerate() {
                let (theta, phi) = sums[k].slopes(splitters[k], turns[k]);
                slopes.set_cell(cell, theta, phi);
            }
        }
    };
    let Some(segments) = segments(section, errors) else {
        undo(0..layout.columns, (&mut output, &mut adjoint), &mut overlaps, &mut slopes);
        return (slopes, adjoint);
    };
    let mut fields = input.clone();
    let mut stored = Vec::with_capacity(segments.len());
    for columns in &segments {
        stored.push(fields.clone());
        Circuit::of_columns(section, phases, errors, columns.clone()).propagate(&mut fields);
    }
    for (columns, stored) in segments.into_iter().zip(stored).rev() {
        undo(columns.start + 1..columns.end, (&mut output, &mut adjoint), &mut overlaps, &mut slopes);
        // The fields before the first column are known.
        output = stored;
        for cell in layout.column(columns.start) {
            let mode = layout.sites[cell].mode;
            adjoint.mix(mode, &conjugate_transpose(&transfer(phases.theta()[cell], phases.phi()[cell], errors[cell])));
            let sum = |a: usize, b: usize| Fields::inner((&adjoint, mode + a), (&output, mode + b));
            let sums = Sums { xx: sum(0, 0), yy: sum(1, 1), xy: sum(0, 1), yx: sum(1, 0) };
            let splitter = Complex64::cis(FRAC_PI_4 + errors[cell].alpha);
            let (theta, phi) = sums.slopes(splitter, Complex64::cis(phases.phi()[cell]));
            slopes.set_cell(cell, theta, phi);
            (overlaps[mode], overlaps[mode + 1]) = (sums.xx, sums.yy);
        }
    }
    (slopes, adjoint)
}

/// Columns between which the fields are to be stored: in each segment all columns but the first can be undone; `None`
/// where all of the mesh can.
fn segments(section: &Section, errors: &[CellErrors]) -> Option<Vec<Range<usize>>> {
    let layout = section.layout();
    // A column amplifies rounding by at most the ratio of the largest to the smallest amplitude that its lines transmit.
    let digits = |column: usize| {
        let cells = layout.column(column);
        let idle = 2 * cells.len() < layout.modes;
        let (mut least, mut most) = if idle { (1.0, 1.0) } else { (f64::INFINITY, 0.0) };
        for t in errors[cells].iter().flat_map(|e| [e.upper, e.lower]) {
            if !(SMALLEST_ARM..f64::INFINITY).contains(&t) {
                return f64::INFINITY;
            }
            (least, most) = (f64::min(least, t), f64::max(most, t));
        }
        (most / least).log10() - least.min(1.0).log10() * COMMON
    };
    if (0..layout.columns).map(digits).sum::<f64>() <= LOST_DIGITS {
        return None;
    }
    let mut segments = Vec::new();
    let (mut start, mut lost) = (0, 0.0);
    for column in 1..layout.columns {
        lost += digits(column);
        if lost > LOST_DIGITS {
            segments.push(start..column);
            (start, lost) = (column, 0.0);
        }
    }
    segments.push(start..layout.columns);
    Some(segments)
}

/// `Σ λ*a` over the batch, at the inputs of a cell.
#[derive(Clone, Copy, Debug)]
struct Sums {
    xx: Complex64,
    yy: Complex64,
    /// Σ λ_x* y
    xy: Complex64,
    /// Σ λ_y* x
    yx: Complex64,
}

impl Sums {
    /// (dL/dθ, dL/dφ) of a cell; `splitter` is e^{i(π/4+α)}, `turn` is e^{iφ}.
    fn slopes(&self, splitter: Complex64, turn: Complex64) -> (f64, f64) {
        let (c, s) = (splitter.re, splitter.im);
        let cross = (turn.conj() * self.xy - turn * self.yx).re;
        (-(c * c * self.xx.im + s * s * self.yy.im + c * s * cross), -self.xx.im)
    }
}

/// The cells of a block in the order in which they are undone: chains that run down through the columns.
struct Backward {
    lines: usize,
    steps: Vec<Step>,
    /// α, β of the inverse and of the adjoint of each cell, in the order of the chains.
    elements: Vec<[[f64; 4]; 2]>,
    cells: Vec<Undone>,
}

enum Step {
    /// Carries `line` to higher lines, through `count` cells.
    Chain { line: usize, count: usize },
    /// Multiplies a line of the fields, and of the adjoints.
    Scale { line: usize, by: [Complex64; 2] },
}

/// A cell of the block, and the factors of its inputs while the sums are taken: of x, y, λ_x, λ_y.
struct Undone {
    cell: usize,
    mode: usize,
    scales: [Complex64; 4],
}

impl Backward {
    fn new(lines: usize, block: &Block) -> Self {
        let one = Complex64::new(1.0, 0.0);
        let mut scales = vec![[one; 2]; lines];
        let count = block.transfers.len();
        let (elements, cells) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut made = Self { lines, steps: Vec::new(), elements, cells };
        for chain in block.chains.iter().rev() {
            let cells = block.cells(chain);
            // The last cell of the chain joins the highest lines; its upper output is carried.
            let mut line = chain.mode + 1 - cells.len();
            let (mut start, mut count) = (line, 0);
            for &cell in cells.iter().rev() {
                let t = &block.transfers[cell];
                let mut element = [[0.0; 4]; 2];
                for (way, matrix) in [inverse(t), conjugate_transpose(t)].iter().enumerate() {
                    // (x, y) = M·(upper output, lower output): carried on is y, left behind is x.
                    let [[r, s], [p, q]] = *matrix;
                    let (dc, dm) = (scales[line][way], scales[line + 1][way]);
                    let (carried, alpha) = pivot((p, dc), (q, dm));
                    let (left, beta) = pivot((s, dm), (r, dc));
                    element[way] = [alpha.re, alpha.im, beta.re, beta.im];
                    (scales[line][way], scales[line + 1][way]) = (left, carried);
                }
                let [[x, lx], [y, ly]] = [scales[line], scales[line + 1]];
                made.elements.push(element);
                made.cells.push(Undone { cell, mode: line, scales: [x, y, lx, ly] });
                (line, count) = (line + 1, count + 1);
                // Inverses of lossy cells amplify, so factors grow as well as shrink.
                let far = |z: Complex64| !(SMALLEST_SCALE..1.0 / SMALLEST_SCALE).contains(&z.norm_sqr());
                if [x, y, lx, ly].into_iter().any(far) {
                    made.steps.push(Step::Chain { line: start, count });
                    for line in [line - 1, line] {
                        made.steps.push(Step::Scale { line, by: std::mem::replace(&mut scales[line], [one; 2]) });
                    }
                    (start, count) = (line, 0);
                }
            }
            if count > 0 {
                made.steps.push(Step::Chain { line: start, count });
            }
        }
        made.steps.extend(scales.into_iter().enumerate().map(|(line, by)| Step::Scale { line, by }));
        made
    }

    /// Undoes the block and takes the sums of each of its cells. `overlaps` are Σ λ*a of each line, before and after.
    fn run(self, fields: &mut Fields, adjoint: &mut Fields, overlaps: &mut [Complex64]) -> Vec<Sums> {
        let zero = Complex64::new(0.0, 0.0);
        let mut totals = vec![[0.0; 6]; self.cells.len()];
        let (fields, adjoint) = (fields.tiles_mut(), adjoint.tiles_mut());
        Arch::new().dispatch(Run { backward: &self, fields, adjoint, totals: &mut totals });
        let mut sums = vec![Sums { xx: zero, yy: zero, xy: zero, yx: zero }; self.cells.len()];
        for (&Undone { cell, mode, scales: [x, y, lx, ly] }, total) in self.cells.iter().zip(&totals) {
            let sum = |k: usize| Complex64::new(total[2 * k], total[2 * k + 1]);
            let xx = lx.conj() * x * sum(0);
            let yy = overlaps[mode] + overlaps[mode + 1] - xx;
            (overlaps[mode], overlaps[mode + 1]) = (xx, yy);
            sums[cell] = Sums { xx, yy, xy: lx.conj() * y * sum(1), yx: ly.conj() * x * sum(2) };
        }
        sums
    }
}

struct Run<'a> {
    backward: &'a Backward,
    fields: &'a mut [f64],
    adjoint: &'a mut [f64],
    totals: &'a mut [[f64; 6]],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Tiles that pass a chain one after another, so that the sums of a cell are gathered once for all of them.
        const TILES: usize = 8;
        let length = self.backward.lines * LINE;
        let groups = self.fields.chunks_mut(TILES * length).zip(self.adjoint.chunks_mut(TILES * length));
        for (fields, adjoint) in groups {
            let (fields, adjoint) = (S::as_mut_simd_f64s(fields).0, S::as_mut_simd_f64s(adjoint).0);
            match S::F64_LANES {
                8 => pass::<S, 2>(simd, self.backward, fields, adjoint, self.totals),
                4 => pass::<S, 4>(simd, self.backward, fields, adjoint, self.totals),
                2 => pass::<S, 8>(simd, self.backward, fields, adjoint, self.totals),
                _ => pass::<S, 16>(simd, self.backward, fields, adjoint, self.totals),
            }
        }
    }
}

#[inline(always)]
fn pass<S: Simd, const G: usize>(
    simd: S,
    backward: &Backward,
    fields: &mut [S::f64s],
    adjoint: &mut [S::f64s],
    totals: &mut [[f64; 6]],
) {
    let (fields, _) = fields.as_chunks_mut::<G>();
    let (adjoint, _) = adjoint.as_chunks_mut::<G>();
    let length = 2 * backward.lines;
    let zero = simd.splat_f64s(0.0);
    let mut sums = [[zero; 6]; COLUMNS];
    let mut done = 0;
    for step in &backward.steps {
        match *step {
            Step::Scale { line, by } => {
                for (fields, adjoint) in fields.chunks_exact_mut(length).zip(adjoint.chunks_exact_mut(length)) {
                    scale::<S, G>(simd, &mut fields[2 * line..2 * line + 2], by[0]);
                    scale::<S, G>(simd, &mut adjoint[2 * line..2 * line + 2], by[1]);
                }
            }
            Step::Chain { line, count } => {
                let elements = &backward.elements[done..done + count];
                let sums = &mut sums[..count];
                sums.fill([zero; 6]);
                for (fields, adjoint) in fields.chunks_exact_mut(length).zip(adjoint.chunks_exact_mut(length)) {
                    undo::<S, G>(simd, fields, adjoint, elements, line, sums);
                }
                for (total, sums) in totals[done..done + count].iter_mut().zip(sums) {
                    for (total, &sum) in total.iter_mut().zip(&*sums) {
                        *total += simd.reduce_sum_f64s(sum);
                    }
                }
                done += count;
            }
        }
    }
}

#[inline(always)]
fn scale<S: Simd, const G: usize>(simd: S, line: &mut [[S::f64s; G]], by: Complex64) {
    let [re, im] = line else { return };
    let (c, s, ns) = (simd.splat_f64s(by.re), simd.splat_f64s(by.im), simd.splat_f64s(-by.im));
    for (re, im) in re.iter_mut().zip(im) {
        let (x, y) = (*re, *im);
        *re = simd.mul_add_e_f64s(ns, y, simd.mul_f64s(c, x));
        *im = simd.mul_add_e_f64s(s, x, simd.mul_f64s(c, y));
    }
}

#[inline(always)]
fn splat<S: Simd>(simd: S, c: &[f64; 4]) -> [S::f64s; 4] {
    [simd.splat_f64s(c[0]), simd.splat_f64s(c[1]), simd.splat_f64s(c[2]), simd.splat_f64s(c[3])]
}

/// `sum + a*·b`.
#[inline(always)]
fn accumulate<S: Simd>(
    simd: S,
    a: (S::f64s, S::f64s),
    b: (S::f64s, S::f64s),
    sum: (S::f64s, S::f64s),
) -> (S::f64s, S::f64s) {
    (
        simd.mul_add_e_f64s(a.1, b.1, simd.mul_add_e_f64s(a.0, b.0, sum.0)),
        simd.negate_mul_add_e_f64s(a.1, b.0, simd.mul_add_e_f64s(a.0, b.1, sum.1)),
    )
}

/// `(carried + α·met, met + β·carried)`.
#[inline(always)]
#[expect(clippy::type_complexity, reason = "two complex registers")]
fn element<S: Simd>(
    simd: S,
    [ar, ai, br, bi]: [S::f64s; 4],
    (cr, ci): (S::f64s, S::f64s),
    (mr, mi): (S::f64s, S::f64s),
) -> ((S::f64s, S::f64s), (S::f64s, S::f64s)) {
    let left = (
        simd.negate_mul_add_e_f64s(bi, ci, simd.mul_add_e_f64s(br, cr, mr)),
        simd.mul_add_e_f64s(bi, cr, simd.mul_add_e_f64s(br, ci, mi)),
    );
    let carried = (
        simd.negate_mul_add_e_f64s(ai, mi, simd.mul_add_e_f64s(ar, mr, cr)),
        simd.mul_add_e_f64s(ai, mr, simd.mul_add_e_f64s(ar, mi, ci)),
    );
    (carried, left)
}

/// One chain of fields and adjoints, and the sums at its cells.
#[inline(always)]
fn undo<S: Simd, const G: usize>(
    simd: S,
    fields: &mut [[S::f64s; G]],
    adjoint: &mut [[S::f64s; G]],
    elements: &[[[f64; 4]; 2]],
    first: usize,
    sums: &mut [[S::f64s; 6]],
) {
    let load = |planes: &[[S::f64s; G]]| (planes[2 * first], planes[2 * first + 1]);
    let (mut y, mut ly) = (load(fields), load(adjoint));
    let mut line = first;
    for (coefficients, sums) in elements.iter().zip(sums) {
        let Some([xr, xi, mr, mi]) = fields[2 * line..].first_chunk_mut::<4>() else { return };
        let Some([lxr, lxi, lmr, lmi]) = adjoint[2 * line..].first_chunk_mut::<4>() else { return };
        // Three loops, so that each finds room in the registers.
        let inverse = splat(simd, &coefficients[0]);
        for g in 0..G {
            let (carried, left) = element(simd, inverse, (y.0[g], y.1[g]), (mr[g], mi[g]));
            (y.0[g], y.1[g], xr[g], xi[g]) = (carried.0, carried.1, left.0, left.1);
        }
        let back = splat(simd, &coefficients[1]);
        for g in 0..G {
            let (carried, left) = element(simd, back, (ly.0[g], ly.1[g]), (lmr[g], lmi[g]));
            (ly.0[g], ly.1[g], lxr[g], lxi[g]) = (carried.0, carried.1, left.0, left.1);
        }
        let [mut xx, mut xy, mut yx] = [(sums[0], sums[1]), (sums[2], sums[3]), (sums[4], sums[5])];
        for g in 0..G {
            let (x, y) = ((xr[g], xi[g]), (y.0[g], y.1[g]));
            let (lx, ly) = ((lxr[g], lxi[g]), (ly.0[g], ly.1[g]));
            xx = accumulate(simd, lx, x, xx);
            xy = accumulate(simd, lx, y, xy);
            yx = accumulate(simd, ly, x, yx);
        }
        *sums = [xx.0, xx.1, xy.0, xy.1, yx.0, yx.1];
        line += 1;
    }
    for (planes, (re, im)) in [(fields, y), (adjoint, ly)] {
        (planes[2 * line], planes[2 * line + 1]) = (re, im);
    }
}

fn conjugate_transpose(t: &Transfer) -> Transfer {
    [[t[0][0].conj(), t[1][0].conj()], [t[0][1].conj(), t[1][1].conj()]]
}

fn inverse(t: &Transfer) -> Transfer {
    let determinant = t[0][0] * t[1][1] - t[0][1] * t[1][0];
    let reciprocal = determinant.conj() * (1.0 / determinant.norm_sqr());
    [[t[1][1] * reciprocal, -t[0][1] * reciprocal], [-t[1][0] * reciprocal, t[0][0] * reciprocal]]
}

/// Each line has one cell, `a ← T11·a`.
fn attenuators(
    section: &Section,
    phases: &Settings,
    errors: &[CellErrors],
    input: &Fields,
    adjoint: &mut Fields,
    slopes: &mut Settings,
) {
    let sites = &section.layout().sites;
    let amplitude = |k: usize, theta: f64| transfer(theta, phases.phi()[k], errors[k])[0][0];
    let mut factors = vec![Complex64::new(0.0, 0.0); section.layout().modes];
    for (k, site) in sites.iter().enumerate() {
        let theta = phases.theta()[k];
        let t = amplitude(k, theta);
        // T11 is A·e^{iθ} + B: half of the difference to θ + π is A·e^{iθ}.
        let moving = (t - amplitude(k, theta + std::f64::consts::PI)) * 0.5;
        let overlap = Fields::inner((adjoint, site.mode), (input, site.mode));
        slopes.set_cell(k, -(moving * overlap).im, -(t * overlap).im);
        factors[site.mode] = t.conj();
    }
    adjoint.scale(|mode| factors[mode]);
}
