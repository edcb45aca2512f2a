//! Chains of 2×2 elements on neighbouring lines, and elements that each join two lines anywhere, applied to many vectors at
//! once: the hot loop of the project.
//!
//! A chain carries one line through its elements and meets another line at each:
//!
//! ```text
//!  line 2  ────────────╳──   element on (carried, met): carried ← p·carried + q·met
//!  line 1  ──────╳─────╳──                               left    ← r·carried + s·met
//!  line 0  ──────╳────────   what is left stays on the line that was carried so far; the carried one moves on.
//! ```
//!
//! Each line is kept up to a factor d: `carried = p·d_c·(c̃ + α·m̃)`, `left = s·d_m·(m̃ + β·c̃)` with
//! `α = q·d_m/(p·d_c)`, `β = r·d_c/(s·d_m)`. So an element costs two complex multiply-adds a vector instead of four
//! multiplications: a whole mesh of N(N−1)/2 elements costs 4N² multiply-adds a vector, as a product with an N×N matrix
//! does. No pivoting is needed: every term keeps its relative accuracy, whatever the sizes of α, β and d; only their
//! range has to be watched.

use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Vectors that pass together. A tile of them, lines × 2·WIDTH numbers, holds the real parts of a line beside its
/// imaginary parts; one register window of it stays in the first-level cache while a chain passes.
pub(crate) const WIDTH: usize = 16;
/// Numbers of one line of a tile.
pub(crate) const LINE: usize = 2 * WIDTH;

/// A pivot p smaller than this beside q is made as large: that adds 1e-17 of the other line, far below rounding.
pub(crate) const MIN_PIVOT: f64 = 1e-17;
/// |d|² below which a line is rescaled at once; so a tile holds at most 1e67 times the light of a line.
pub(crate) const MIN_SCALE: f64 = 1e-100;

/// A 2×2 element in the order of a chain: `carried ← p·carried + q·met`, `left ← r·carried + s·met`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChainElement {
    pub p: Complex64,
    pub q: Complex64,
    pub r: Complex64,
    pub s: Complex64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Carries `line` through `count` elements, to lower lines or to higher ones.
    Chain { line: usize, count: usize, rising: bool, column: usize },
    /// Lets `count` elements each join two lines of their own.
    Pairs { count: usize },
    /// Multiplies a line.
    Scale { line: usize, by: Complex64 },
    /// Lines cross.
    Cross,
}

/// Where the light of a tile may be: elements that meet two dark lines are left out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Support {
    /// On every line.
    Full,
    /// At the input on the lines first…last. Falling chains count that each column of cells widens it by one line; of pairs
    /// the lit lines are followed one by one.
    LightCone { first: usize, last: usize },
}

/// Chains, pairs and factors in the order of application, and a crossing of lines at the end.
#[derive(Clone, Debug)]
pub(crate) struct Chains {
    lines: usize,
    steps: Vec<Step>,
    elements: Vec<[f64; 4]>,
    /// The lines that the elements of pairs join.
    pairs: Vec<[usize; 2]>,
    /// Where each line comes from when they cross.
    order: Vec<usize>,
}

/// What the steps of a sweep use, in their order.
#[derive(Clone, Copy)]
struct Parts<'a> {
    steps: &'a [Step],
    elements: &'a [[f64; 4]],
    pairs: &'a [[usize; 2]],
    order: &'a [usize],
}

/// Builds a [`Chains`].
pub(crate) struct ChainBuilder {
    chains: Chains,
    scales: Vec<Complex64>,
    line: usize,
    rising: bool,
    start: usize,
    first: usize,
    column: usize,
}

impl ChainBuilder {
    /// A sweep over so many lines, of about so many elements.
    pub(crate) fn new(lines: usize, elements: usize) -> Self {
        let elements = Vec::with_capacity(elements);
        let chains = Chains { lines, steps: Vec::new(), elements, pairs: Vec::new(), order: Vec::new() };
        let scales = vec![Complex64::new(1.0, 0.0); lines];
        Self { chains, scales, line: 0, rising: false, start: 0, first: 0, column: 0 }
    }

    /// Begins a chain that carries `line` to higher lines (`rising`) or to lower ones. `column` is the number of
    /// columns of cells that light passed before its first element; it counts for light cones alone.
    pub(crate) fn begin(&mut self, line: usize, rising: bool, column: usize) {
        (self.line, self.start, self.rising, self.column) = (line, line, rising, column);
        self.first = self.chains.elements.len();
    }

    /// Adds an element to the chain. Returns whether it had to rescale both of its lines, which then begins a chain anew.
    #[inline(always)]
    pub(crate) fn element(&mut self, e: ChainElement) -> bool {
        let (dc, dm) = (self.scales[self.line], self.scales[self.next()]);
        let (carried, alpha) = pivot((e.p, dc), (e.q, dm));
        let (left, beta) = pivot((e.s, dm), (e.r, dc));
        self.add([alpha, beta], carried, left)
    }

    /// Adds a unitary element of which α is known, without dividing: its rows are orthogonal, so that
    /// `β = −α*·|d_c/d_m|²`.
    #[inline(always)]
    fn unitary(&mut self, e: ChainElement, alpha: Complex64) -> bool {
        let (dc, dm) = (self.scales[self.line], self.scales[self.next()]);
        let beta = alpha.conj() * -(dc.norm_sqr() / dm.norm_sqr());
        self.add([alpha, beta], e.p * dc, e.s * dm)
    }

    /// Adds a chain of elements (α, β), which are those of the lines as they stand, up to factors of theirs; for light on
    /// every line.
    pub(crate) fn chain(&mut self, line: usize, rising: bool, elements: &[[f64; 4]]) {
        debug_assert_eq!(self.first, self.chains.elements.len(), "the chain before has ended");
        self.chains.steps.push(Step::Chain { line, count: elements.len(), rising, column: 0 });
        self.chains.elements.extend_from_slice(elements);
        self.first = self.chains.elements.len();
    }

    /// The line that the next element meets.
    #[inline(always)]
    fn next(&self) -> usize {
        if self.rising { self.line + 1 } else { self.line - 1 }
    }

    #[inline(always)]
    fn add(&mut self, [alpha, beta]: [Complex64; 2], carried: Complex64, left: Complex64) -> bool {
        let met = self.next();
        self.chains.elements.push([alpha.re, alpha.im, beta.re, beta.im]);
        self.scales[met] = carried;
        self.scales[self.line] = left;
        let rescaled = is_small(carried) || is_small(left);
        let previous = self.line;
        self.line = met;
        if rescaled {
            let column = self.column + self.chains.elements.len() - self.first;
            self.end();
            self.rescale(previous);
            self.rescale(met);
            self.begin(met, self.rising, column);
        }
        rescaled
    }

    /// Adds an element that joins two lines, wherever they stand: the first is what is carried, and both stay in place.
    #[inline(always)]
    pub(crate) fn pair(&mut self, [a, b]: [usize; 2], e: ChainElement) {
        let (da, db) = (self.scales[a], self.scales[b]);
        let (first, alpha) = pivot((e.p, da), (e.q, db));
        let (second, beta) = pivot((e.s, db), (e.r, da));
        self.chains.elements.push([alpha.re, alpha.im, beta.re, beta.im]);
        self.chains.pairs.push([a, b]);
        (self.scales[a], self.scales[b]) = (first, second);
        match self.chains.steps.last_mut() {
            Some(Step::Pairs { count }) => *count += 1,
            _ => self.chains.steps.push(Step::Pairs { count: 1 }),
        }
        if is_small(first) || is_small(second) {
            self.rescale(a);
            self.rescale(b);
        }
    }

    /// The factor by which a line is to be multiplied still.
    pub(crate) fn scale_of(&self, line: usize) -> Complex64 {
        self.scales[line]
    }

    /// Applies what was added since the last [`ChainBuilder::clear`] to one tile; the factors of its lines are left.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(&mut self, simd: S, tile: &mut [[f64; LINE]]) {
        self.end();
        self.chains.tile(simd, tile.as_flattened_mut(), Support::Full);
        self.begin(self.line, self.rising, 0);
    }

    /// Adds an element that nulls the entry `k` of the line that it carries on, and applies it to one tile at once.
    ///
    /// α is what nulls the entries as they stand in the tile; it does not wait for the element to be worked out.
    #[inline(always)]
    pub(crate) fn nulling<S: Simd>(
        &mut self,
        simd: S,
        tile: &mut [[f64; LINE]],
        k: usize,
        e: ChainElement,
        trivial: bool,
    ) {
        let (line, rising, steps) = (self.line, self.rising, self.chains.steps.len());
        let entry = |line: usize| Complex64::new(tile[line][k], tile[line][WIDTH + k]);
        let (carried, met) = (entry(line), entry(self.next()));
        let rescaled = if trivial {
            self.element(e)
        } else {
            let quotient = carried * met.conj();
            let size = -met.norm_sqr();
            self.unitary(e, Complex64::new(quotient.re / size, quotient.im / size))
        };
        // Steps of a rescaling: the chain that it ended, and two factors.
        let scales = if rescaled { &self.chains.steps[steps + 1..] } else { &[] };
        let last = &self.chains.elements[self.chains.elements.len() - 1..];
        carry_tile(simd, tile, line, rising, last);
        let scales = Parts { steps: scales, elements: &[], pairs: &[], order: &[] };
        on_tile(simd, scales, tile.as_flattened_mut(), Support::Full);
    }

    /// Forgets chains and elements, but not the factors.
    pub(crate) fn clear(&mut self) {
        self.chains.steps.clear();
        self.chains.elements.clear();
        self.chains.pairs.clear();
    }

    /// Ends the chain.
    pub(crate) fn end(&mut self) {
        let count = self.chains.elements.len() - self.first;
        if count > 0 {
            let (line, rising, column) = (self.start, self.rising, self.column);
            self.chains.steps.push(Step::Chain { line, count, rising, column });
            self.first += count;
        }
    }

    fn rescale(&mut self, line: usize) {
        let by = std::mem::replace(&mut self.scales[line], Complex64::new(1.0, 0.0));
        self.chains.steps.push(Step::Scale { line, by });
    }

    /// Multiplies a line by a factor.
    pub(crate) fn scale(&mut self, line: usize, by: Complex64) {
        self.scales[line] *= by;
    }

    /// Lets lines cross, behind all else: line i is then what was line `order[i]`.
    pub(crate) fn cross(&mut self, order: &[usize]) {
        debug_assert!(self.chains.order.is_empty(), "lines cross once");
        self.chains.steps.push(Step::Cross);
        self.chains.order = order.to_vec();
        self.scales = order.iter().map(|&line| self.scales[line]).collect();
    }

    /// The sweep, with the factors that are left.
    pub(crate) fn finish(mut self) -> Chains {
        for line in 0..self.chains.lines {
            if self.scales[line] != Complex64::new(1.0, 0.0) {
                self.rescale(line);
            }
        }
        self.chains
    }
}

#[inline(always)]
fn is_small(factor: Complex64) -> bool {
    factor.norm_sqr() < MIN_SCALE
}

/// `p·d_x·x̃ + q·d_y·ỹ = f·(x̃ + c·ỹ)`: (f, c).
#[inline(always)]
fn pivot((p, dx): (Complex64, Complex64), (q, dy): (Complex64, Complex64)) -> (Complex64, Complex64) {
    let (factor, other) = (at_least(p, q) * dx, q * dy);
    let size = factor.norm_sqr();
    if size < f64::MIN_POSITIVE {
        // No light that a double could hold: the line is dark from here on.
        return (Complex64::new(0.0, 0.0), Complex64::new(0.0, 0.0));
    }
    (factor, other * factor.conj() * (1.0 / size))
}

/// The pivot p, made larger where it is too small beside q.
#[inline(always)]
fn at_least(p: Complex64, q: Complex64) -> Complex64 {
    if p.norm_sqr() < MIN_PIVOT * MIN_PIVOT * q.norm_sqr() {
        return Complex64::new(MIN_PIVOT * q.norm(), 0.0);
    }
    p
}

impl Chains {
    /// Number of lines.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// Applies the sweep to tiles, one behind another; `light(t)` tells where tile `t` has any.
    pub(crate) fn apply(&self, tiles: &mut [f64], light: impl Fn(usize) -> Support) {
        struct Apply<'a, F> {
            chains: &'a Chains,
            tiles: &'a mut [f64],
            light: F,
        }
        impl<F: Fn(usize) -> Support> WithSimd for Apply<'_, F> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                for (t, tile) in self.tiles.chunks_exact_mut(self.chains.lines * LINE).enumerate() {
                    self.chains.tile(simd, tile, (self.light)(t));
                }
            }
        }
        if self.lines > 0 {
            Arch::new().dispatch(Apply { chains: self, tiles, light });
        }
    }

    #[inline(always)]
    fn tile<S: Simd>(&self, simd: S, tile: &mut [f64], light: Support) {
        let parts = Parts { steps: &self.steps, elements: &self.elements, pairs: &self.pairs, order: &self.order };
        on_tile(simd, parts, tile, light);
    }
}

/// One chain of elements (α, β) on one tile.
#[inline(always)]
pub(crate) fn carry_tile<S: Simd>(simd: S, tile: &mut [[f64; LINE]], line: usize, rising: bool, elements: &[[f64; 4]]) {
    let chain = Step::Chain { line, count: elements.len(), rising, column: 0 };
    let parts = Parts { steps: &[chain], elements, pairs: &[], order: &[] };
    on_tile(simd, parts, tile.as_flattened_mut(), Support::Full);
}

/// Steps on one tile, in registers as wide as the machine has.
#[inline(always)]
fn on_tile<S: Simd>(simd: S, parts: Parts<'_>, tile: &mut [f64], light: Support) {
    let (registers, _) = S::as_mut_simd_f64s(tile);
    match S::F64_LANES {
        8 => pass::<S, 2>(simd, parts, registers, light),
        4 => pass::<S, 4>(simd, parts, registers, light),
        2 => pass::<S, 8>(simd, parts, registers, light),
        _ => pass::<S, 16>(simd, parts, registers, light),
    }
}

/// One tile: per line G registers of real parts, then G of imaginary parts.
#[inline(always)]
fn pass<S: Simd, const G: usize>(simd: S, parts: Parts<'_>, tile: &mut [S::f64s], light: Support) {
    let (planes, _) = tile.as_chunks_mut::<G>();
    let Parts { steps, mut elements, mut pairs, order } = parts;
    let mut lit = light.lines(if pairs.is_empty() { 0 } else { planes.len() / 2 });
    for step in steps {
        match *step {
            Step::Scale { line, by } => {
                let (re, im, ni) = (simd.splat_f64s(by.re), simd.splat_f64s(by.im), simd.splat_f64s(-by.im));
                let (x, y) = (planes[2 * line], planes[2 * line + 1]);
                for g in 0..G {
                    planes[2 * line][g] = simd.mul_add_e_f64s(ni, y[g], simd.mul_f64s(re, x[g]));
                    planes[2 * line + 1][g] = simd.mul_add_e_f64s(im, x[g], simd.mul_f64s(re, y[g]));
                }
            }
            Step::Pairs { count } => {
                let (joined, later) = elements.split_at(count);
                let (of_these, of_later) = pairs.split_at(count);
                for (element, &[a, b]) in joined.iter().zip(of_these) {
                    if lit[a] || lit[b] {
                        (lit[a], lit[b]) = (true, true);
                        join::<S, G>(simd, planes, element, [a, b]);
                    }
                }
                (elements, pairs) = (later, of_later);
            }
            Step::Cross => {
                let before = planes.to_vec();
                for (line, &from) in order.iter().enumerate() {
                    planes[2 * line..2 * line + 2].copy_from_slice(&before[2 * from..2 * from + 2]);
                }
            }
            Step::Chain { line, count, rising, column } => {
                let (chain, rest) = elements.split_at(count);
                elements = rest;
                if rising {
                    carry::<S, G, true>(simd, planes, chain, line);
                } else {
                    let lit = light.meets(line, column, count);
                    let line = line - lit.start;
                    carry::<S, G, false>(simd, planes, &chain[lit], line);
                }
            }
        }
    }
}

impl Support {
    /// Whether light stands on each of so many lines at the input.
    fn lines(self, count: usize) -> Vec<bool> {
        match self {
            Self::Full => vec![true; count],
            Self::LightCone { first, last } => (0..count).map(|line| (first..=last).contains(&line)).collect(),
        }
    }

    /// The elements of a falling chain that meet light; element k joins the lines line−k−1 and line−k.
    fn meets(self, line: usize, column: usize, count: usize) -> Range<usize> {
        match self {
            Self::Full => 0..count,
            // Before column c light stands on the lines first−c … last+c; element k stands in the column column+k.
            Self::LightCone { first, .. } if line + column < first => count..count,
            Self::LightCone { last, .. } => (line - 1).saturating_sub(column + last).div_ceil(2).min(count)..count,
        }
    }
}

/// One element on two lines that stay where they are.
#[inline(always)]
fn join<S: Simd, const G: usize>(simd: S, planes: &mut [[S::f64s; G]], c: &[f64; 4], [a, b]: [usize; 2]) {
    let Ok([first, second]) = planes.get_disjoint_mut([2 * a..2 * a + 2, 2 * b..2 * b + 2]) else { return };
    let ([xr, xi], [yr, yi]) = (first, second) else { return };
    let &[ar, ai, br, bi] = c;
    let (ar, ai, br, bi) = (simd.splat_f64s(ar), simd.splat_f64s(ai), simd.splat_f64s(br), simd.splat_f64s(bi));
    for g in 0..G {
        let (x, ix, y, iy) = (xr[g], xi[g], yr[g], yi[g]);
        xr[g] = simd.negate_mul_add_e_f64s(ai, iy, simd.mul_add_e_f64s(ar, y, x));
        xi[g] = simd.mul_add_e_f64s(ai, y, simd.mul_add_e_f64s(ar, iy, ix));
        yr[g] = simd.negate_mul_add_e_f64s(bi, ix, simd.mul_add_e_f64s(br, x, y));
        yi[g] = simd.mul_add_e_f64s(bi, x, simd.mul_add_e_f64s(br, ix, iy));
    }
}

#[inline(always)]
fn carry<S: Simd, const G: usize, const RISING: bool>(
    simd: S,
    planes: &mut [[S::f64s; G]],
    chain: &[[f64; 4]],
    mut line: usize,
) {
    let (mut cr, mut ci) = (planes[2 * line], planes[2 * line + 1]);
    for element in chain {
        // The two lines stand beside each other: one window, one check of its bounds.
        let first = if RISING { line } else { line - 1 };
        let Some([a_re, a_im, b_re, b_im]) = planes[2 * first..].first_chunk_mut::<4>() else { return };
        let (mr, mi, lr, li) = if RISING { (b_re, b_im, a_re, a_im) } else { (a_re, a_im, b_re, b_im) };
        // Read after the check of the bounds, so that each is spread by its load: to spread a register takes a port of the
        // multiply-adds where these have 512 bits.
        let splat = |k: usize| simd.splat_f64s(element[k]);
        let (ar, ai, br, bi) = (splat(0), splat(1), splat(2), splat(3));
        for g in 0..G {
            let (x, y) = (mr[g], mi[g]);
            lr[g] = simd.negate_mul_add_e_f64s(bi, ci[g], simd.mul_add_e_f64s(br, cr[g], x));
            li[g] = simd.mul_add_e_f64s(bi, cr[g], simd.mul_add_e_f64s(br, ci[g], y));
            cr[g] = simd.negate_mul_add_e_f64s(ai, y, simd.mul_add_e_f64s(ar, x, cr[g]));
            ci[g] = simd.mul_add_e_f64s(ai, x, simd.mul_add_e_f64s(ar, y, ci[g]));
        }
        line = if RISING { line + 1 } else { line - 1 };
    }
    planes[2 * line] = cr;
    planes[2 * line + 1] = ci;
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::Scalar;

    /// What runs where the processor has no vector instructions gives the same to rounding.
    #[test]
    fn every_machine_agrees() {
        struct On<'a>(&'a Chains, &'a mut [f64]);
        impl WithSimd for On<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                self.0.tile(simd, self.1, Support::Full);
            }
        }
        let wave = |k: usize, step: f64| (k as f64 * step).sin();
        let z = |k: usize| Complex64::new(wave(k, 1.3), wave(k, 0.7)) * 0.7;
        let mut builder = ChainBuilder::new(9, 0);
        for (chain, (line, rising)) in [(8, false), (0, true), (5, false)].into_iter().enumerate() {
            builder.begin(line, rising, 0);
            for k in 0..line.max(8 - line).min(5) {
                let k = 7 * chain + 4 * k;
                builder.element(ChainElement { p: z(k), q: z(k + 1), r: z(k + 2), s: z(k + 3) });
            }
            builder.end();
        }
        let chains = builder.finish();
        let tile: Vec<f64> = (0..9 * LINE).map(|k| wave(k, 0.37)).collect();
        let (mut plain, mut fast) = (tile.clone(), tile);
        Scalar.vectorize(On(&chains, &mut plain));
        Arch::new().dispatch(On(&chains, &mut fast));
        for (a, b) in plain.iter().zip(&fast) {
            assert!((a - b).abs() < 1e-13, "{a} and {b}");
        }
    }
}
