//! The hot loop of the gradient: some columns of a mesh undone for fields and adjoints together, and the sums over the batch
//! that tell the slopes of their phases.

use crate::aligned::Aligned;
use crate::cell::Transfer;
use crate::circuit::Block;
use crate::fields::Fields;
use crate::sweep::{LINE, SMALLEST_SCALE, WIDTH, at_least};
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Cells whose elements and sums stay in the cache while all tiles pass them.
const CACHED: usize = 128;

/// Cells in the order in which they are undone: of a block, chains that run down through the columns; of a mesh whose lines
/// cross, pairs. One serves a whole mesh, block by block: fields and adjoints are true only behind [`Backward::settle`].
pub(crate) struct Backward {
    /// By what each line of the fields, and of the adjoints, is to be multiplied still.
    factors: Vec<Ways>,
    steps: Vec<Step>,
    /// α, β of the inverse and of the adjoint of each cell, in the order in which they are undone.
    elements: Vec<[[f64; 4]; 2]>,
    cells: Vec<Undone>,
    /// x and y of the cells that all tiles pass just now, real and imaginary parts, lane by lane.
    sums: Aligned,
}

enum Step {
    /// Carries the first line through `count` cells, of which the first meets the second line, the next one that behind it.
    Chain { lines: [usize; 2], count: usize },
    /// Lets `count` cells each join two lines of their own.
    Pairs { count: usize },
    /// Multiplies a line of the fields, and of the adjoints.
    Scale { line: usize, by: Ways },
}

/// A cell that is undone.
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

/// A complex number for either way back, the inverse and the adjoint, side by side: they are worked out together.
#[derive(Clone, Copy)]
struct Ways {
    re: [f64; 2],
    im: [f64; 2],
}

impl Ways {
    const ONE: Self = Self { re: [1.0; 2], im: [0.0; 2] };

    #[inline(always)]
    fn new(a: Complex64, b: Complex64) -> Self {
        Self { re: [a.re, b.re], im: [a.im, b.im] }
    }

    #[inline(always)]
    fn at(&self, way: usize) -> Complex64 {
        Complex64::new(self.re[way], self.im[way])
    }

    #[inline(always)]
    fn times(&self, other: &Self) -> Self {
        let mut product = Self::ONE;
        for k in 0..2 {
            product.re[k] = self.re[k] * other.re[k] - self.im[k] * other.im[k];
            product.im[k] = self.re[k] * other.im[k] + self.im[k] * other.re[k];
        }
        product
    }

    /// `self*·other`
    #[inline(always)]
    fn conj_times(&self, other: &Self) -> Self {
        let mut product = Self::ONE;
        for k in 0..2 {
            product.re[k] = self.re[k] * other.re[k] + self.im[k] * other.im[k];
            product.im[k] = self.re[k] * other.im[k] - self.im[k] * other.re[k];
        }
        product
    }

    #[inline(always)]
    fn scaled(&self, [a, b]: [f64; 2]) -> Self {
        Self { re: [self.re[0] * a, self.re[1] * b], im: [self.im[0] * a, self.im[1] * b] }
    }

    #[inline(always)]
    fn norm_sqr(&self) -> [f64; 2] {
        let of = |way: usize| self.re[way] * self.re[way] + self.im[way] * self.im[way];
        [of(0), of(1)]
    }
}

/// What a cell T brings to the pivots of both ways back, its inverse and its adjoint: with the factors c of the upper line,
/// which is carried on, and m of the lower one, `α = −u·m/c, β = −v·c/m` with `u = T11/T21, v = T22/T12` for the inverse and
/// `α = v*·m/c, β = u*·c/m` for the adjoint (see [`sweep`](crate::sweep)).
struct Pivots {
    /// (−u, v*)
    alpha: Ways,
    /// (−v, u*)
    beta: Ways,
    /// By what the line carried on is multiplied, (−T21/det T, T12*), and the one left behind, (−T12/det T, T21*).
    carried: Ways,
    left: Ways,
    /// 1/det T
    reciprocal: Complex64,
}

impl Pivots {
    #[inline(always)]
    fn new(t: &Transfer) -> Self {
        let [[t11, t12], [t21, t22]] = *t;
        let determinant = t11 * t22 - t12 * t21;
        let (t12, t21) = (at_least(t12, t22), at_least(t21, t11));
        let reciprocal = determinant.conj() * (1.0 / determinant.norm_sqr());
        let (pivots, others) = (Ways::new(t21, t12), Ways::new(t11, t22));
        let norms = pivots.norm_sqr();
        let quotients = pivots.conj_times(&others).scaled([1.0 / norms[0], 1.0 / norms[1]]);
        let (u, v) = (quotients.at(0), quotients.at(1));
        Self {
            alpha: Ways::new(-u, v.conj()),
            beta: Ways::new(-v, u.conj()),
            carried: Ways::new(-t21 * reciprocal, t12.conj()),
            left: Ways::new(-t12 * reciprocal, t21.conj()),
            reciprocal,
        }
    }
}

/// Cells that are undone together, the last one first.
#[derive(Clone, Copy)]
pub(crate) enum Cells<'a> {
    /// A block of columns, chain by chain.
    Block(&'a Block),
    /// Cells that each join two places, and the line on which the light of each place stands.
    Pairs { cells: &'a [u32], places: &'a [[u32; 2]], lines: &'a [usize], transfers: &'a [Transfer] },
}

/// Works the coefficients out with the instructions of this processor.
struct Compile<'a> {
    backward: &'a mut Backward,
    cells: Cells<'a>,
}

impl WithSimd for Compile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.backward.compile(self.cells);
    }
}

impl Backward {
    /// For so many lines, and about so many cells at a time.
    pub(crate) fn new(lines: usize, cells: usize) -> Self {
        let (elements, made) = (Vec::with_capacity(cells), Vec::with_capacity(cells));
        let factors = vec![Ways::ONE; lines];
        Self { factors, steps: Vec::new(), elements, cells: made, sums: Aligned::zeros(0) }
    }

    /// Multiplies a line of the fields, and of the adjoints, before the next cells are undone.
    pub(crate) fn multiply(&mut self, line: usize, by: Complex64) {
        self.factors[line] = self.factors[line].times(&Ways::new(by, by));
    }

    /// Undoes cells, up to the factors that are left; they come back with their sums, in the order in which they are
    /// undone.
    pub(crate) fn undo(&mut self, cells: Cells<'_>, fields: &mut Fields, adjoint: &mut Fields) -> &[Undone] {
        Arch::new().dispatch(Compile { backward: self, cells });
        let batch = fields.batch();
        Arch::new().dispatch(Run { backward: self, batch, fields: fields.tiles_mut(), adjoint: adjoint.tiles_mut() });
        &self.cells
    }

    /// Multiplies fields, where they are still wanted, and adjoints by the factors that are left.
    pub(crate) fn settle(&mut self, fields: Option<&mut Fields>, adjoint: &mut Fields) {
        if let Some(fields) = fields {
            fields.scale(|line| self.factors[line].at(0));
        }
        adjoint.scale(|line| self.factors[line].at(1));
        self.factors.fill(Ways::ONE);
    }

    #[inline(always)]
    fn compile(&mut self, cells: Cells<'_>) {
        self.steps.clear();
        self.elements.clear();
        self.cells.clear();
        match cells {
            Cells::Block(block) => {
                for chain in block.chains.iter().rev() {
                    let cells = block.cells(chain);
                    // The last cell of the chain joins the highest lines; its upper output is carried.
                    let line = chain.mode + 1 - cells.len();
                    let cell = |&cell: &usize| (block.first + cell, &block.transfers[cell]);
                    self.chain(cells.iter().rev().map(cell), [line, line + 1]);
                }
            }
            Cells::Pairs { cells, places, lines: of_places, transfers } => {
                let mut count = 0;
                for ((&cell, places), transfer) in cells.iter().zip(places).zip(transfers).rev() {
                    let lines = places.map(|place| of_places[place as usize]);
                    count += 1;
                    let far = self.cell(cell as usize, transfer, lines);
                    if far || count == CACHED {
                        self.steps.push(Step::Pairs { count: std::mem::take(&mut count) });
                    }
                    if far {
                        self.rescale(lines);
                    }
                }
                if count > 0 {
                    self.steps.push(Step::Pairs { count });
                }
            }
        }
    }

    #[inline(always)]
    fn chain<'a>(&mut self, cells: impl Iterator<Item = (usize, &'a Transfer)>, mut lines: [usize; 2]) {
        let (mut start, mut count) = (lines, 0);
        for (cell, transfer) in cells {
            let far = self.cell(cell, transfer, lines);
            let before = lines;
            lines = [before[1], before[1] + 1];
            count += 1;
            if far {
                self.steps.push(Step::Chain { lines: start, count });
                self.rescale(before);
                (start, count) = (lines, 0);
            }
        }
        if count > 0 {
            self.steps.push(Step::Chain { lines: start, count });
        }
    }

    /// Adds a cell; returns whether its lines have to be rescaled.
    #[inline(always)]
    fn cell(&mut self, cell: usize, transfer: &Transfer, lines: [usize; 2]) -> bool {
        let Pivots { alpha, beta, carried, left, reciprocal } = Pivots::new(transfer);
        // Of the upper line, which has been carried on, and of the lower one.
        let [c, m] = lines.map(|line| self.factors[line]);
        let sums = [m.at(1).conj() * c.at(0), c.at(1).conj() * m.at(0)];
        self.cells.push(Undone { cell, transfer: *transfer, reciprocal, lines, sums });
        // m/c and its reciprocal, by one division: factors are kept so that their squares may be multiplied.
        let (w, of_c, of_m) = (c.conj_times(&m), c.norm_sqr(), m.norm_sqr());
        let both = [1.0 / (of_c[0] * of_m[0]), 1.0 / (of_c[1] * of_m[1])];
        let alpha = w.times(&alpha).scaled([both[0] * of_m[0], both[1] * of_m[1]]);
        let beta = w.conj_times(&beta).scaled([both[0] * of_c[0], both[1] * of_c[1]]);
        let way = |k: usize| [alpha.re[k], alpha.im[k], beta.re[k], beta.im[k]];
        self.elements.push([way(0), way(1)]);
        let (left, carried) = (left.times(&m), carried.times(&c));
        (self.factors[lines[0]], self.factors[lines[1]]) = (left, carried);
        // Inverses of lossy cells amplify, so factors grow as well as shrink.
        let near = |norm: f64| (SMALLEST_SCALE..1.0 / SMALLEST_SCALE).contains(&norm);
        let [[a, b], [c, d]] = [left.norm_sqr(), carried.norm_sqr()];
        !(near(a) & near(b) & near(c) & near(d))
    }

    fn rescale(&mut self, lines: [usize; 2]) {
        for line in lines {
            let by = std::mem::replace(&mut self.factors[line], Ways::ONE);
            self.steps.push(Step::Scale { line, by });
        }
    }
}

struct Run<'a> {
    backward: &'a mut Backward,
    batch: usize,
    fields: &'a mut [f64],
    adjoint: &'a mut [f64],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { factors, steps, elements, cells, sums } = self.backward;
        let length = factors.len() * LINE;
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
            let tiles = self.fields.chunks_exact_mut(length).zip(self.adjoint.chunks_exact_mut(length));
            for (k, (fields, adjoint)) in tiles.enumerate() {
                let tile = [S::as_mut_simd_f64s(fields).0, S::as_mut_simd_f64s(adjoint).0];
                // What fills up the last tile is dark and stays so.
                let lit = (self.batch - k * WIDTH).min(WIDTH).div_ceil(S::F64_LANES);
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
                scale::<S, P>(simd, &mut fields[line.clone()], by.at(0));
                scale::<S, P>(simd, &mut adjoint[line], by.at(1));
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
