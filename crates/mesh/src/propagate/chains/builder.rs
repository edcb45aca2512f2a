//! Engine: measure before and after a change.
//!
//! Computes the coefficients (α, β) of chains and pairs, and the scale factors of the modes; see
//! [`crate::propagate::chains`].

use crate::cell::mzi::Transfer;
use crate::propagate::chains::{
    ChainElement, ChainOp, ChainView, Chains, MIN_PIVOT, MIN_SCALE, Support, TILE_ROW, TILE_WIDTH, apply_chain,
    apply_view,
};
use crate::propagate::column_block::ColumnBlock;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Builds [`Chains`], with one pending scale factor per mode.
///
/// Either chains ([`begin`](Self::begin), then [`element`](Self::element) or [`null`](Self::null) any number of times,
/// then [`end`](Self::end)), or [`pair`](Self::pair)s.
pub(crate) struct ChainBuilder {
    chains: Chains,
    scales: Vec<Complex64>,
    mode: usize,
    rising: bool,
    start: usize,
    first: usize,
    column: usize,
}

impl ChainBuilder {
    /// An empty builder for a number of modes, with room for a number of elements.
    pub(crate) fn new(modes: usize, elements: usize) -> Self {
        let elements = Vec::with_capacity(elements);
        // The diagonals of a small mesh, and a scale factor for each of its modes.
        let ops = Vec::with_capacity(3 * modes);
        let chains = Chains { modes, ops, elements, pairs: Vec::new(), order: Vec::new() };
        let scales = vec![Complex64::new(1.0, 0.0); modes];
        Self { chains, scales, mode: 0, rising: false, start: 0, first: 0, column: 0 }
    }

    /// Begins a chain that carries `mode` to higher modes (`rising`) or to lower ones.
    ///
    /// `column` is the number of columns of cells before its first element. Only [`Support::LightCone`] uses it.
    pub(crate) fn begin(&mut self, mode: usize, rising: bool, column: usize) {
        (self.mode, self.start, self.rising, self.column) = (mode, mode, rising, column);
        self.first = self.chains.elements.len();
    }

    /// Adds an element to the chain. Returns whether both of its modes were rescaled, which ends the chain and begins
    /// another.
    #[inline(always)]
    pub(crate) fn element(&mut self, e: ChainElement) -> bool {
        let (dc, dm) = (self.scales[self.mode], self.scales[self.next()]);
        let (carried, alpha) = pivot((e[0][0], dc), (e[0][1], dm));
        let (kept, beta) = pivot((e[1][1], dm), (e[1][0], dc));
        self.add([alpha, beta], carried, kept)
    }

    /// Adds a unitary element with a known α. Its rows are orthogonal, so `β = −α*·|d_c/d_m|²` needs no complex
    /// division.
    #[inline(always)]
    fn unitary(&mut self, e: ChainElement, alpha: Complex64) -> bool {
        let (dc, dm) = (self.scales[self.mode], self.scales[self.next()]);
        let beta = alpha.conj() * -(dc.norm_sqr() / dm.norm_sqr());
        self.add([alpha, beta], e[0][0] * dc, e[1][1] * dm)
    }

    /// The mode that the next element meets.
    #[inline(always)]
    fn next(&self) -> usize {
        if self.rising { self.mode + 1 } else { self.mode - 1 }
    }

    #[inline(always)]
    fn add(&mut self, [alpha, beta]: [Complex64; 2], carried: Complex64, kept: Complex64) -> bool {
        let met = self.next();
        self.chains.elements.push([alpha.re, alpha.im, beta.re, beta.im]);
        self.scales[met] = carried;
        self.scales[self.mode] = kept;
        let rescaled = is_small(carried) || is_small(kept);
        let previous = self.mode;
        self.mode = met;
        if rescaled {
            let column = self.column + self.chains.elements.len() - self.first;
            self.end();
            self.rescale(previous);
            self.rescale(met);
            self.begin(met, self.rising, column);
        }
        rescaled
    }

    /// Adds an element that joins any two modes. The first one is `carried`; both keep their places.
    #[inline(always)]
    pub(crate) fn pair(&mut self, [a, b]: [usize; 2], e: ChainElement) {
        let (da, db) = (self.scales[a], self.scales[b]);
        let (first, alpha) = pivot((e[0][0], da), (e[0][1], db));
        let (second, beta) = pivot((e[1][1], db), (e[1][0], da));
        self.chains.elements.push([alpha.re, alpha.im, beta.re, beta.im]);
        self.chains.pairs.push([a, b]);
        (self.scales[a], self.scales[b]) = (first, second);
        match self.chains.ops.last_mut() {
            Some(ChainOp::Pairs { count }) => *count += 1,
            _ => self.chains.ops.push(ChainOp::Pairs { count: 1 }),
        }
        if is_small(first) || is_small(second) {
            self.rescale(a);
            self.rescale(b);
        }
    }

    /// The pending scale factor of a mode.
    pub(crate) fn scale_factor(&self, mode: usize) -> Complex64 {
        self.scales[mode]
    }

    /// Applies the operations since the last [`clear`](Self::clear) to one tile. The scale factors stay pending.
    pub(crate) fn apply(&mut self, tile: &mut [[f64; TILE_ROW]]) {
        self.end();
        self.chains.apply(tile[..self.chains.modes].as_flattened_mut(), |_| Support::Full);
        self.begin(self.mode, self.rising, 0);
    }

    /// Extends the chain by one cell per item of `vectors`, and applies each cell to the tile before the next is computed.
    ///
    /// `cell` computes the cell from the number of the vector and from its entries on the carried mode and on the mode that
    /// the cell meets, with their scale factors. It returns whether the cell nulls the carried entry. In that case α is
    /// computed from the tile directly, which breaks the dependency on the slower computation of the element.
    /// Only legal within a chain.
    pub(crate) fn null(
        &mut self,
        tile: &mut [[f64; TILE_ROW]],
        vectors: impl Iterator<Item = usize>,
        cell: impl FnMut(usize, [Complex64; 2]) -> (ChainElement, bool),
    ) {
        Arch::new().dispatch(Null { builder: self, tile, vectors, cell });
    }

    /// Removes all operations, but keeps the pending scale factors.
    pub(crate) fn clear(&mut self) {
        self.chains.ops.clear();
        self.chains.elements.clear();
        self.chains.pairs.clear();
    }

    /// Ends the chain.
    pub(crate) fn end(&mut self) {
        let count = self.chains.elements.len() - self.first;
        if count > 0 {
            let (mode, rising, column) = (self.start, self.rising, self.column);
            self.chains.ops.push(ChainOp::Chain { mode, count, rising, column });
            self.first += count;
        }
    }

    /// Applies the pending scale factor of a mode.
    fn rescale(&mut self, mode: usize) {
        let by = std::mem::replace(&mut self.scales[mode], Complex64::new(1.0, 0.0));
        self.chains.ops.push(ChainOp::Scale { mode, by });
    }

    /// Multiplies a mode by a factor, which stays pending.
    pub(crate) fn scale(&mut self, mode: usize, by: Complex64) {
        self.scales[mode] *= by;
    }

    /// Permutes the modes after all other operations: mode i is then the former mode `order[i]`.
    pub(crate) fn permute(&mut self, order: Vec<usize>) {
        debug_assert!(self.chains.order.is_empty(), "one permutation per mesh");
        self.chains.ops.push(ChainOp::Permute);
        self.scales = order.iter().map(|&mode| self.scales[mode]).collect();
        self.chains.order = order;
    }

    /// The chains, with the pending scale factors applied at the end.
    pub(crate) fn finish(mut self) -> Chains {
        for mode in 0..self.chains.modes {
            if self.scales[mode] != Complex64::new(1.0, 0.0) {
                self.rescale(mode);
            }
        }
        self.chains
    }
}

#[inline(always)]
fn is_small(factor: Complex64) -> bool {
    factor.norm_sqr() < MIN_SCALE
}

/// (f, c) with `p·d_x·x̃ + q·d_y·ỹ = f·(x̃ + c·ỹ)`.
#[inline(always)]
fn pivot((p, dx): (Complex64, Complex64), (q, dy): (Complex64, Complex64)) -> (Complex64, Complex64) {
    let (factor, other) = (enlarged_pivot(p, q) * dx, q * dy);
    let size = factor.norm_sqr();
    if size < f64::MIN_POSITIVE {
        // Below the range of a double: the mode is zero from here on.
        return (Complex64::new(0.0, 0.0), Complex64::new(0.0, 0.0));
    }
    (factor, other * factor.conj() * (1.0 / size))
}

/// The pivot p, or one of [`MIN_PIVOT`]·|q| if p is smaller.
#[inline(always)]
fn enlarged_pivot(p: Complex64, q: Complex64) -> Complex64 {
    if p.norm_sqr() < MIN_PIVOT * MIN_PIVOT * q.norm_sqr() {
        return Complex64::new(MIN_PIVOT * q.norm(), 0.0);
    }
    p
}

impl ChainBuilder {
    /// Adds the cells of some columns as chains that run up through the columns.
    pub(crate) fn cells_of_block(&mut self, block: &ColumnBlock) {
        Arch::new().dispatch(AddBlock { block, builder: self });
    }

    /// Adds cells as pairs of modes, one by one.
    pub(crate) fn cells_as_pairs(&mut self, modes: &[[usize; 2]], transfers: &[Transfer]) {
        Arch::new().dispatch(AddPairs { modes, transfers, builder: self });
    }
}

struct Null<'a, I, F> {
    builder: &'a mut ChainBuilder,
    tile: &'a mut [[f64; TILE_ROW]],
    vectors: I,
    cell: F,
}

impl<I, F> WithSimd for Null<'_, I, F>
where
    I: Iterator<Item = usize>,
    F: FnMut(usize, [Complex64; 2]) -> (ChainElement, bool),
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { builder, tile, vectors, mut cell } = self;
        for k in vectors {
            let (mode, rising, ops) = (builder.mode, builder.rising, builder.chains.ops.len());
            let met = builder.next();
            let [x, y] = [mode, met].map(|mode| Complex64::new(tile[mode][k], tile[mode][TILE_WIDTH + k]));
            let (element, nulls_carried) = cell(k, [x * builder.scales[mode], y * builder.scales[met]]);
            let rescaled = if nulls_carried {
                let quotient = x * y.conj();
                let size = -y.norm_sqr();
                builder.unitary(element, Complex64::new(quotient.re / size, quotient.im / size))
            } else {
                builder.element(element)
            };
            let last = &builder.chains.elements[builder.chains.elements.len() - 1..];
            apply_chain(simd, tile, mode, rising, last);
            // The operations of a rescaling: the end of the chain, and two scale factors.
            let scales = if rescaled { &builder.chains.ops[ops + 1..] } else { &[] };
            let scales = ChainView { ops: scales, elements: &[], pairs: &[], order: &[] };
            apply_view(simd, scales, tile.as_flattened_mut(), Support::Full);
        }
    }
}

struct AddBlock<'a> {
    block: &'a ColumnBlock,
    builder: &'a mut ChainBuilder,
}

impl WithSimd for AddBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { block, builder } = self;
        for chain in block.chains() {
            builder.begin(chain.mode + 1, false, chain.column);
            for &cell in block.cells(chain) {
                let [[t11, t12], [t21, t22]]: Transfer = block.transfers()[cell];
                builder.element([[t12, t11], [t22, t21]]);
            }
            builder.end();
        }
    }
}

struct AddPairs<'a> {
    modes: &'a [[usize; 2]],
    transfers: &'a [Transfer],
    builder: &'a mut ChainBuilder,
}

impl WithSimd for AddPairs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (&modes, &transfer) in self.modes.iter().zip(self.transfers) {
            self.builder.pair(modes, transfer);
        }
    }
}
