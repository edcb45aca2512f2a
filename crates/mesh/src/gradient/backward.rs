//! The hot loop of the gradient: some columns of a mesh undone for fields and adjoints together, and the sums over the batch
//! that tell the slopes of their phases.

use crate::cell::mzi::Transfer;
use crate::gradient::inverse::{Factors, LANES, Lanes, Numbers, Pivots, transposed};
use crate::propagate::chains::{LINE, WIDTH};
use crate::propagate::circuit::Block;
use crate::propagate::fields::Fields;
use num_complex::Complex64;
use phaseloom_numerics::simd::aligned::Aligned;
use pulp::{Arch, Scalar, Simd, WithSimd};

/// Cells whose elements and sums stay in the cache while all tiles pass them.
const CACHED: usize = 128;

/// Cells in the order in which they are undone: of a block, chains that run down through the columns; of a mesh whose lines
/// cross, pairs. One serves a whole mesh, block by block: fields and adjoints are true only behind [`Backward::settle`].
pub(crate) struct Backward {
    factors: Factors,
    steps: Vec<Step>,
    /// α, β of the inverse and of the adjoint of each cell, in the order in which they are undone.
    elements: Vec<[[f64; 4]; 2]>,
    cells: Vec<Undone>,
    /// Where each cell of a block stands in that order.
    places: Vec<usize>,
    /// x and y of the cells that all tiles pass just now, real and imaginary parts, lane by lane.
    sums: Aligned,
}

enum Step {
    /// Carries the first line through `count` cells, of which the first meets the second line, the next one that behind it.
    Chain { lines: [usize; 2], count: usize },
    /// Lets `count` cells each join two lines of their own.
    Pairs { count: usize },
    /// Multiplies a line of the fields, and of the adjoints.
    Scale { line: usize, by: [Complex64; 2] },
}

/// A cell behind which both lines have to be multiplied: their factors became too large or too small.
struct Far {
    place: usize,
    lines: [usize; 2],
    by: [[Complex64; 2]; 2],
}

/// A cell that is undone.
#[derive(Clone, Copy, Default)]
pub(crate) struct Undone {
    /// In the order of the layout.
    pub cell: usize,
    pub transfer: Transfer,
    /// 1/det of it.
    pub reciprocal: Complex64,
    /// Its upper line and its lower one.
    pub lines: [usize; 2],
    /// x and y; until the cells are undone, the factors of what is summed.
    pub sums: [Complex64; 2],
}

/// Cells that are undone together, the last one first.
#[derive(Clone, Copy)]
pub(crate) enum Cells<'a> {
    /// A block of columns, chain by chain.
    Block(&'a Block),
    /// Cells that each join two places, and the line on which the light of each place stands.
    Pairs { cells: &'a [u32], places: &'a [[u32; 2]], lines: &'a [usize], transfers: &'a [Transfer] },
}

/// Works the coefficients out, and lets the light pass, with the instructions of one kind of processor.
struct Undo<'a> {
    backward: &'a mut Backward,
    cells: Cells<'a>,
    fields: &'a mut Fields,
    adjoint: &'a mut Fields,
}

impl WithSimd for Undo<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { backward, cells, fields, adjoint } = self;
        backward.steps.clear();
        match cells {
            Cells::Block(block) => backward.block(simd, block),
            Cells::Pairs { cells, places, lines, transfers } => {
                backward.pairs(simd, (cells, transfers), |k| places[k].map(|place| lines[place as usize]));
            }
        }
        let batch = fields.batch();
        backward.pass(simd, batch, fields.tiles_mut(), adjoint.tiles_mut());
    }
}

impl Backward {
    /// For so many lines, and about so many cells at a time.
    pub(crate) fn new(lines: usize, cells: usize) -> Self {
        let (elements, made) = (Vec::with_capacity(cells), Vec::with_capacity(cells));
        Self {
            factors: Factors::new(lines),
            steps: Vec::new(),
            elements,
            cells: made,
            places: Vec::new(),
            sums: Aligned::zeros(0),
        }
    }

    /// Multiplies a line of the fields, and of the adjoints, before the next cells are undone.
    pub(crate) fn multiply(&mut self, line: usize, by: Complex64) {
        self.factors.set(line, self.factors.get(line).map(|factor| factor * by));
    }

    /// Undoes cells, up to the factors that are left; they come back with their sums, in the order in which they are
    /// undone.
    pub(crate) fn undo(&mut self, cells: Cells<'_>, fields: &mut Fields, adjoint: &mut Fields) -> &[Undone] {
        Arch::new().dispatch(Undo { backward: self, cells, fields, adjoint });
        &self.cells
    }

    /// Multiplies fields, where they are still wanted, and adjoints by the factors that are left.
    pub(crate) fn settle(&mut self, fields: Option<&mut Fields>, adjoint: &mut Fields) {
        if let Some(fields) = fields {
            fields.scale(|line| self.factors.get(line)[0]);
        }
        adjoint.scale(|line| self.factors.get(line)[1]);
        self.factors = Factors::new(self.factors.lines());
    }

    /// Chains that run down through a block, from the last one on. Their coefficients are worked out column by column.
    #[inline(always)]
    fn block<S: Simd>(&mut self, simd: S, block: &Block) {
        let count = block.transfers.len();
        self.elements.resize(count, [[0.0; 4]; 2]);
        self.cells.resize(count, Undone::default());
        self.places.resize(count, 0);
        let mut place = 0;
        for chain in block.chains.iter().rev() {
            for &cell in block.cells(chain).iter().rev() {
                self.places[cell] = place;
                place += 1;
            }
        }
        let mut far = Vec::new();
        for run in block.runs.iter().rev() {
            for from in (0..run.count).step_by(S::F64_LANES) {
                let count = S::F64_LANES.min(run.count - from);
                self.side_by_side(simd, block, run.first + from, (run.mode + 2 * from, count), &mut far);
            }
        }
        far.sort_unstable_by_key(|far| far.place);
        let (mut place, mut far) = (0, far.into_iter().peekable());
        for chain in block.chains.iter().rev() {
            let length = block.cells(chain).len();
            // The last cell of the chain joins the highest lines; its upper output is carried.
            let line = chain.mode + 1 - length;
            let (mut start, end) = (place, place + length);
            let lines = |at: usize| [line + at - place, line + at - place + 1];
            while let Some(Far { place: at, lines: pair, by }) = far.next_if(|far| far.place < end) {
                self.steps.push(Step::Chain { lines: lines(start), count: at + 1 - start });
                self.steps.extend(pair.into_iter().zip(by).map(|(line, by)| Step::Scale { line, by }));
                start = at + 1;
            }
            if start < end {
                self.steps.push(Step::Chain { lines: lines(start), count: end - start });
            }
            place = end;
        }
    }

    /// Some cells of a column on the lines `mode`, `mode` + 1, …, of which the first is the cell `first` of the block; those
    /// that leave factors out of their range are added to `far`.
    #[inline(always)]
    fn side_by_side<S: Simd>(
        &mut self,
        simd: S,
        block: &Block,
        first: usize,
        (mode, count): (usize, usize),
        far: &mut Vec<Far>,
    ) {
        let transfers = &block.transfers[first..first + count];
        let pivots = Pivots::<S>::new(simd, transposed(transfers));
        let joined = pivots.join(simd, (self.factors.load(mode), self.factors.load(mode + 1)));
        self.factors.store(simd, mode, count, joined.upper);
        self.factors.store(simd, mode + 1, count, joined.lower);
        let [alpha, beta, sums] = [joined.alpha, joined.beta, joined.sums].map(|both| both.map(Lanes::of));
        let reciprocal = Lanes::of(pivots.reciprocal);
        for (k, &transfer) in transfers.iter().enumerate() {
            let way = |way: usize| {
                let (alpha, beta) = (alpha[way].at(k), beta[way].at(k));
                [alpha.re, alpha.im, beta.re, beta.im]
            };
            let place = self.places[first + k];
            self.elements[place] = [way(0), way(1)];
            self.cells[place] = Undone {
                cell: block.first + first + k,
                transfer,
                reciprocal: reciprocal.at(k),
                lines: [mode + 2 * k, mode + 2 * k + 1],
                sums: sums.map(|sum| sum.at(k)),
            };
        }
        if simd.reduce_min_f64s(joined.near) < 1.0 {
            let mut near = [1.0; LANES];
            S::as_mut_simd_f64s(&mut near).0[0] = joined.near;
            for k in (0..count).filter(|&k| near[k] < 1.0) {
                let lines = [mode + 2 * k, mode + 2 * k + 1];
                let by = self.forget(lines);
                far.push(Far { place: self.places[first + k], lines, by });
            }
        }
    }

    /// Cells that each join two lines of their own, `lines(k)`, from the last one on.
    #[inline(always)]
    fn pairs<S: Simd>(
        &mut self,
        simd: S,
        (cells, transfers): (&[u32], &[Transfer]),
        lines: impl Fn(usize) -> [usize; 2],
    ) {
        self.elements.clear();
        self.cells.clear();
        let (mut count, mut first) = (0, cells.len());
        for transfers in transfers.rchunks(S::F64_LANES) {
            first -= transfers.len();
            // What does not depend on factors is worked out side by side.
            let pivots = Pivots::<S>::new(simd, transposed(transfers));
            let both = |numbers: [Numbers<S>; 2]| numbers.map(Lanes::of);
            let [alpha, beta, carried, left] =
                [both(pivots.alpha), both(pivots.beta), both(pivots.carried), both(pivots.left)];
            let reciprocal = Lanes::of(pivots.reciprocal);
            for (k, &transfer) in transfers.iter().enumerate().rev() {
                let lines = lines(first + k);
                let [c, m] = lines.map(|line| self.factors.get(line).map(Numbers::one));
                let lane = |both: &[Lanes; 2]| [both[0].at(k), both[1].at(k)].map(Numbers::one);
                let reciprocal = reciprocal.at(k);
                let pivots = Pivots {
                    alpha: lane(&alpha),
                    beta: lane(&beta),
                    carried: lane(&carried),
                    left: lane(&left),
                    reciprocal: Numbers::one(reciprocal),
                };
                let joined = pivots.join(Scalar, (c, m));
                self.factors.set(lines[0], joined.upper.map(Numbers::the_one));
                self.factors.set(lines[1], joined.lower.map(Numbers::the_one));
                let way = |way: usize| {
                    let (alpha, beta) = (joined.alpha[way], joined.beta[way]);
                    [alpha.re, alpha.im, beta.re, beta.im]
                };
                self.elements.push([way(0), way(1)]);
                let (cell, sums) = (cells[first + k] as usize, joined.sums.map(Numbers::the_one));
                self.cells.push(Undone { cell, transfer, reciprocal, lines, sums });
                count += 1;
                let far = joined.near < 1.0;
                if far || count == CACHED {
                    self.steps.push(Step::Pairs { count: std::mem::take(&mut count) });
                }
                if far {
                    let by = self.forget(lines);
                    self.steps.extend(lines.into_iter().zip(by).map(|(line, by)| Step::Scale { line, by }));
                }
            }
        }
        if count > 0 {
            self.steps.push(Step::Pairs { count });
        }
    }

    /// Lets fields and adjoints pass the cells.
    #[inline(always)]
    fn pass<S: Simd>(&mut self, simd: S, batch: usize, fields: &mut [f64], adjoint: &mut [f64]) {
        let Self { factors, steps, elements, cells, sums, .. } = self;
        let length = factors.lines() * LINE;
        // All tiles pass a few chains while their elements and sums stay in the cache.
        let (mut steps, mut elements, mut cells) = (&steps[..], &elements[..], &mut cells[..]);
        while !steps.is_empty() {
            let mut passing = 0;
            let long = |step: &Step| {
                passing += match step {
                    Step::Chain { count, .. } | Step::Pairs { count } => *count,
                    Step::Scale { .. } => 0,
                };
                passing >= CACHED
            };
            let end = steps.iter().position(long).map_or(steps.len(), |last| last + 1);
            let ((now, later), (chains, rest)) = (steps.split_at(end), elements.split_at(passing));
            let (undone, of_later) = cells.split_at_mut(passing);
            // Each lane sums by itself until all tiles have passed.
            let count = passing * 4 * S::F64_LANES;
            if sums.len() < count {
                *sums = Aligned::zeros(count);
            }
            sums[..count].fill(0.0);
            let of_now = S::as_mut_simd_f64s(&mut sums[..count]).0.as_chunks_mut::<4>().0;
            let tiles = fields.chunks_exact_mut(length).zip(adjoint.chunks_exact_mut(length));
            for (k, (fields, adjoint)) in tiles.enumerate() {
                let tile = [S::as_mut_simd_f64s(fields).0, S::as_mut_simd_f64s(adjoint).0];
                // What fills up the last tile is dark and stays so.
                let lit = (batch - k * WIDTH).min(WIDTH).div_ceil(S::F64_LANES);
                match S::F64_LANES {
                    8 => pass::<S, 1>(simd, now, (chains, undone), (tile, lit), of_now),
                    4 => pass::<S, 2>(simd, now, (chains, undone), (tile, lit), of_now),
                    2 => pass::<S, 4>(simd, now, (chains, undone), (tile, lit), of_now),
                    _ => pass::<S, 8>(simd, now, (chains, undone), (tile, lit), of_now),
                }
            }
            // A loop: what `collect` and `map` call is not compiled for this processor.
            for (cell, sums) in undone.iter_mut().zip(of_now) {
                let sum = |part: usize| simd.reduce_sum_f64s(sums[part]);
                cell.sums[0] *= Complex64::new(sum(0), sum(1));
                cell.sums[1] *= Complex64::new(sum(2), sum(3));
            }
            (steps, elements, cells) = (later, rest, of_later);
        }
    }

    /// The factors of two lines, which become one.
    fn forget(&mut self, lines: [usize; 2]) -> [[Complex64; 2]; 2] {
        lines.map(|line| {
            let by = self.factors.get(line);
            self.factors.set(line, [Complex64::ONE; 2]);
            by
        })
    }
}

/// Two registers: as much of a line of fields and of adjoints as 16 registers hold beside sums and coefficients.
type Two<S> = [<S as Simd>::f64s; 2];

/// One tile of fields and of adjoints: per line P pairs of registers of real parts, then P of imaginary parts, of which the
/// first few hold light.
#[inline(always)]
fn pass<S: Simd, const P: usize>(
    simd: S,
    steps: &[Step],
    (mut elements, mut cells): (&[[[f64; 4]; 2]], &[Undone]),
    ([fields, adjoint], lit): ([&mut [S::f64s]; 2], usize),
    mut sums: &mut [[S::f64s; 4]],
) {
    let (fields, adjoint) = (fields.as_chunks_mut::<2>().0, adjoint.as_chunks_mut::<2>().0);
    for step in steps {
        match *step {
            Step::Scale { line, by } => {
                let line = 2 * P * line..2 * P * (line + 1);
                scale::<S, P>(simd, &mut fields[line.clone()], by[0]);
                scale::<S, P>(simd, &mut adjoint[line], by[1]);
            }
            Step::Chain { count, .. } | Step::Pairs { count } => {
                let (chain, later) = elements.split_at(count);
                let (undone, of_rest) = cells.split_at(count);
                let (of_chain, of_later) = std::mem::take(&mut sums).split_at_mut(count);
                if let Step::Chain { lines, .. } = *step {
                    for pair in 0..lit / 2 {
                        undo_chain::<S, P, 2>(simd, (fields, adjoint), chain, (lines, pair), of_chain);
                    }
                    if lit % 2 == 1 {
                        undo_chain::<S, P, 1>(simd, (fields, adjoint), chain, (lines, lit / 2), of_chain);
                    }
                } else {
                    for ((elements, undone), sums) in chain.iter().zip(undone).zip(of_chain) {
                        undo_pair::<S, P>(simd, (fields, adjoint), elements, (undone.lines, lit.div_ceil(2)), sums);
                    }
                }
                (elements, cells, sums) = (later, of_rest, of_later);
            }
        }
    }
}

#[inline(always)]
fn scale<S: Simd, const P: usize>(simd: S, line: &mut [Two<S>], by: Complex64) {
    let (re, im) = line.split_at_mut(P);
    let (c, s, ns) = (simd.splat_f64s(by.re), simd.splat_f64s(by.im), simd.splat_f64s(-by.im));
    for (re, im) in re.as_flattened_mut().iter_mut().zip(im.as_flattened_mut()) {
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

/// One chain of a pair of registers of fields and adjoints, of each of which the first G hold light, and the sums x and y at
/// its cells.
#[inline(always)]
fn undo_chain<S: Simd, const P: usize, const G: usize>(
    simd: S,
    (fields, adjoint): (&mut [Two<S>], &mut [Two<S>]),
    elements: &[[[f64; 4]; 2]],
    ([first, mut lower], pair): ([usize; 2], usize),
    sums: &mut [[S::f64s; 4]],
) {
    let load = |planes: &[Two<S>], line: usize| (planes[2 * P * line + pair], planes[2 * P * line + P + pair]);
    let (mut a, mut l) = (load(fields, first), load(adjoint, first));
    let mut upper = first;
    for ([inverse, back], sums) in elements.iter().zip(sums) {
        let [mut x, mut y] = [(sums[0], sums[1]), (sums[2], sums[3])];
        for g in 0..G {
            let (met, below) = (load(fields, lower), load(adjoint, lower));
            x = accumulate(simd, (below.0[g], below.1[g]), (a.0[g], a.1[g]), x);
            y = accumulate(simd, (l.0[g], l.1[g]), (met.0[g], met.1[g]), y);
        }
        *sums = [x.0, x.1, y.0, y.1];
        for (planes, carried, coefficients) in [(&mut *adjoint, &mut l, back), (&mut *fields, &mut a, inverse)] {
            let coefficients = splat(simd, coefficients);
            for g in 0..G {
                let met = load(planes, lower);
                let (on, left) = element(simd, coefficients, (carried.0[g], carried.1[g]), (met.0[g], met.1[g]));
                (carried.0[g], carried.1[g]) = on;
                (planes[2 * P * upper + pair][g], planes[2 * P * upper + P + pair][g]) = left;
            }
        }
        (upper, lower) = (lower, lower + 1);
    }
    for (planes, (re, im)) in [(fields, a), (adjoint, l)] {
        (planes[2 * P * upper + pair], planes[2 * P * upper + P + pair]) = (re, im);
    }
}

/// One cell on two lines anywhere, in all of a tile that holds light.
#[inline(always)]
fn undo_pair<S: Simd, const P: usize>(
    simd: S,
    (fields, adjoint): (&mut [Two<S>], &mut [Two<S>]),
    [inverse, back]: &[[f64; 4]; 2],
    ([upper, lower], lit): ([usize; 2], usize),
    sums: &mut [S::f64s; 4],
) {
    let both = [2 * P * upper..2 * P * (upper + 1), 2 * P * lower..2 * P * (lower + 1)];
    let [a, met] = fields.get_disjoint_mut(both.clone()).expect("two lines");
    let [l, below] = adjoint.get_disjoint_mut(both).expect("two lines");
    let [mut x, mut y] = [(sums[0], sums[1]), (sums[2], sums[3])];
    for pair in 0..lit.min(P) {
        for g in 0..2 {
            let at = |line: &[Two<S>]| (line[pair][g], line[P + pair][g]);
            x = accumulate(simd, at(below), at(a), x);
            y = accumulate(simd, at(l), at(met), y);
        }
    }
    *sums = [x.0, x.1, y.0, y.1];
    for (upper, lower, coefficients) in [(l, below, back), (a, met, inverse)] {
        let coefficients = splat(simd, coefficients);
        for pair in 0..lit.min(P) {
            for g in 0..2 {
                let at = |line: &[Two<S>]| (line[pair][g], line[P + pair][g]);
                let (carried, left) = element(simd, coefficients, at(upper), at(lower));
                // The carried line ends on the lower one.
                (upper[pair][g], upper[P + pair][g]) = left;
                (lower[pair][g], lower[P + pair][g]) = carried;
            }
        }
    }
}

#[cfg(test)]
mod tests;
