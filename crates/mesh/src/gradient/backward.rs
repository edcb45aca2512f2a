//! Engine: measure before and after a change.
//!
//! Undoes columns of a mesh for fields and adjoints together, and sums the overlaps x and y of each cell over the
//! batch. [`crate::gradient::inverse`] computes the coefficients, [`slopes`] the slopes from the overlaps.

mod kernel;
pub(crate) mod slopes;

use crate::cell::mzi::Transfer;
use crate::gradient::backward::kernel::apply_ops;
use crate::gradient::inverse::{CellCoefficients, ComplexLanes, LANES, LaneArray, PendingFactors, transposed};
use crate::propagate::chains::{TILE_ROW, TILE_WIDTH};
use crate::propagate::column_block::ColumnBlock;
use crate::propagate::fields::Fields;
use num_complex::Complex64;
use phaseloom_numerics::simd::aligned::Aligned;
use pulp::{Arch, Scalar, Simd, WithSimd};

/// Number of cells that all tiles pass before the next cells. Their elements and sums stay in the cache; more cells
/// would leave it, and fewer would load each tile more often.
const CELLS_PER_PASS: usize = 128;

/// Undoes the cells of a mesh, batch by batch: the cells of a block as chains that run down through the columns, the
/// cells of a mesh with crossings as pairs.
///
/// Reused for all blocks of a mesh. Until [`BackwardEngine::apply_pending`] is called, fields and adjoints lack pending
/// scale factors.
pub(crate) struct BackwardEngine {
    factors: PendingFactors,
    ops: Vec<UndoOp>,
    /// α, β of the inverse and of the adjoint of each cell, in the order in which they are undone.
    elements: Vec<[[f64; 4]; 2]>,
    cells: Vec<UndoneCell>,
    /// The index of each cell of a block in that order.
    order: Vec<usize>,
    /// x and y of the cells of the current pass, real and imaginary parts, lane by lane.
    sums: Aligned,
}

enum UndoOp {
    /// Carries the first mode through `count` cells. The first cell meets the second mode, each later cell the next
    /// one.
    Chain { modes: [usize; 2], count: usize },
    /// Undoes `count` cells on one pair of modes each.
    Pairs { count: usize },
    /// Multiplies a mode of the fields and of the adjoints by a factor each.
    Scale { mode: usize, by: [Complex64; 2] },
}

/// A cell after which both modes are multiplied by their scale factors, which are out of range.
struct PendingScale {
    index: usize,
    modes: [usize; 2],
    by: [[Complex64; 2]; 2],
}

/// An undone cell.
#[derive(Clone, Copy, Default)]
pub(crate) struct UndoneCell {
    /// Index of the cell in the layout.
    pub cell: usize,
    pub transfer: Transfer,
    /// 1/det of the transfer matrix.
    pub reciprocal: Complex64,
    /// Its upper and its lower mode.
    pub modes: [usize; 2],
    /// The overlaps x and y; before the pass, the scale factors of the two sums.
    pub sums: [Complex64; 2],
}

/// Cells that are undone together, the last one first.
#[derive(Clone, Copy)]
pub(crate) enum CellBatch<'a> {
    /// A block of columns, chain by chain.
    Block(&'a ColumnBlock),
    /// Cells on two slots each (see [`Layout::slots`](crate::layout::Layout)).
    Pairs { first_cell: usize, slots: &'a [[usize; 2]], mode_of_slot: &'a [usize], transfers: &'a [Transfer] },
}

/// Computes the coefficients and applies them, compiled for one kind of processor.
struct Undo<'a> {
    backward: &'a mut BackwardEngine,
    cells: CellBatch<'a>,
    fields: &'a mut Fields,
    adjoint: &'a mut Fields,
}

impl WithSimd for Undo<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { backward, cells, fields, adjoint } = self;
        backward.ops.clear();
        match cells {
            CellBatch::Block(block) => backward.prepare_block(simd, block),
            CellBatch::Pairs { first_cell, slots, mode_of_slot, transfers } => {
                let modes = |k: usize| slots[k].map(|slot| mode_of_slot[slot]);
                backward.prepare_pairs(simd, (first_cell, transfers), modes);
            }
        }
        let batch = fields.batch();
        backward.apply(simd, batch, fields.tiles_mut(), adjoint.tiles_mut());
    }
}

impl BackwardEngine {
    /// An engine for a number of modes, with room for a number of cells per batch.
    pub(crate) fn new(modes: usize, cells: usize) -> Self {
        let (elements, cells) = (Vec::with_capacity(cells), Vec::with_capacity(cells));
        Self {
            factors: PendingFactors::new(modes),
            ops: Vec::new(),
            elements,
            cells,
            order: Vec::new(),
            sums: Aligned::zeros(0),
        }
    }

    /// Multiplies a mode of the fields and of the adjoints by a factor, which stays pending.
    pub(crate) fn multiply(&mut self, mode: usize, by: Complex64) {
        self.factors.set(mode, self.factors.get(mode).map(|factor| factor * by));
    }

    /// Undoes cells, up to pending scale factors. Returns the cells with their overlaps in the order of undoing.
    pub(crate) fn undo(&mut self, cells: CellBatch<'_>, fields: &mut Fields, adjoint: &mut Fields) -> &[UndoneCell] {
        Arch::new().dispatch(Undo { backward: self, cells, fields, adjoint });
        &self.cells
    }

    /// Multiplies adjoints, and fields if they are still needed, by the pending scale factors.
    pub(crate) fn apply_pending(&mut self, fields: Option<&mut Fields>, adjoint: &mut Fields) {
        if let Some(fields) = fields {
            fields.scale(|mode| self.factors.get(mode)[0]);
        }
        adjoint.scale(|mode| self.factors.get(mode)[1]);
        self.factors.reset();
    }

    /// The chains of a block, from the last one on. Their coefficients are computed run by run.
    #[inline(always)]
    fn prepare_block<S: Simd>(&mut self, simd: S, block: &ColumnBlock) {
        let count = block.transfers().len();
        self.elements.resize(count, [[0.0; 4]; 2]);
        self.cells.resize(count, UndoneCell::default());
        self.order.resize(count, 0);
        let mut index = 0;
        for chain in block.chains().iter().rev() {
            for &cell in block.cells(chain).iter().rev() {
                self.order[cell] = index;
                index += 1;
            }
        }
        let mut pending = Vec::new();
        for run in block.runs().iter().rev() {
            for from in (0..run.count).step_by(S::F64_LANES) {
                let count = S::F64_LANES.min(run.count - from);
                self.prepare_run(simd, block, run.first + from, (run.mode + 2 * from, count), &mut pending);
            }
        }
        pending.sort_unstable_by_key(|pending| pending.index);
        let (mut index, mut pending) = (0, pending.into_iter().peekable());
        for chain in block.chains().iter().rev() {
            let length = block.cells(chain).len();
            // The last cell of the chain joins the highest modes; its upper output is carried.
            let mode = chain.mode + 1 - length;
            let (mut start, end) = (index, index + length);
            let modes = |at: usize| [mode + at - index, mode + at - index + 1];
            while let Some(PendingScale { index: at, modes: pair, by }) = pending.next_if(|pending| pending.index < end)
            {
                self.ops.push(UndoOp::Chain { modes: modes(start), count: at + 1 - start });
                self.ops.extend(pair.into_iter().zip(by).map(|(mode, by)| UndoOp::Scale { mode, by }));
                start = at + 1;
            }
            if start < end {
                self.ops.push(UndoOp::Chain { modes: modes(start), count: end - start });
            }
            index = end;
        }
    }

    /// Computes the elements of `count` cells of one run, the first of them the cell `first` of the block on the mode
    /// `mode`.
    ///
    /// Cells whose scale factors leave their range are appended to `pending`.
    #[inline(always)]
    fn prepare_run<S: Simd>(
        &mut self,
        simd: S,
        block: &ColumnBlock,
        first: usize,
        (mode, count): (usize, usize),
        pending: &mut Vec<PendingScale>,
    ) {
        let transfers = &block.transfers()[first..first + count];
        let coefficients = CellCoefficients::<S>::new(simd, transposed(transfers));
        let scaled = coefficients.scaled_by(simd, (self.factors.load(mode), self.factors.load(mode + 1)));
        self.factors.store(simd, mode, count, scaled.upper);
        self.factors.store(simd, mode + 1, count, scaled.lower);
        let [alpha, beta, sums] =
            [scaled.alpha, scaled.beta, scaled.sums].map(|both| both.map(LaneArray::from_register));
        let reciprocal = LaneArray::from_register(coefficients.reciprocal);
        for (k, &transfer) in transfers.iter().enumerate() {
            let coefficients = |direction: usize| {
                let (alpha, beta) = (alpha[direction].at(k), beta[direction].at(k));
                [alpha.re, alpha.im, beta.re, beta.im]
            };
            let index = self.order[first + k];
            self.elements[index] = [coefficients(0), coefficients(1)];
            self.cells[index] = UndoneCell {
                cell: block.first_cell() + first + k,
                transfer,
                reciprocal: reciprocal.at(k),
                modes: [mode + 2 * k, mode + 2 * k + 1],
                sums: sums.map(|sum| sum.at(k)),
            };
        }
        if simd.reduce_min_f64s(scaled.in_range) < 1.0 {
            let mut in_range = [1.0; LANES];
            S::as_mut_simd_f64s(&mut in_range).0[0] = scaled.in_range;
            for k in (0..count).filter(|&k| in_range[k] < 1.0) {
                let modes = [mode + 2 * k, mode + 2 * k + 1];
                let by = self.take_factors(modes);
                pending.push(PendingScale { index: self.order[first + k], modes, by });
            }
        }
    }

    /// Computes the elements of cells on one pair of modes each, `modes(k)`, from the last one on.
    #[inline(always)]
    fn prepare_pairs<S: Simd>(
        &mut self,
        simd: S,
        (first_cell, transfers): (usize, &[Transfer]),
        modes: impl Fn(usize) -> [usize; 2],
    ) {
        self.elements.clear();
        self.cells.clear();
        let (mut count, mut first) = (0, transfers.len());
        for transfers in transfers.rchunks(S::F64_LANES) {
            first -= transfers.len();
            // The coefficients before scale factors do not depend on other cells, so a register computes several.
            let coefficients = CellCoefficients::<S>::new(simd, transposed(transfers));
            let both = |numbers: [ComplexLanes<S>; 2]| numbers.map(LaneArray::from_register);
            let [alpha, beta, carried, kept] = [
                both(coefficients.alpha),
                both(coefficients.beta),
                both(coefficients.carried),
                both(coefficients.kept),
            ];
            let reciprocal = LaneArray::from_register(coefficients.reciprocal);
            for (k, &transfer) in transfers.iter().enumerate().rev() {
                let modes = modes(first + k);
                let [c, m] = modes.map(|mode| self.factors.get(mode).map(ComplexLanes::from_scalar));
                let lane = |both: &[LaneArray; 2]| [both[0].at(k), both[1].at(k)].map(ComplexLanes::from_scalar);
                let reciprocal = reciprocal.at(k);
                let coefficients = CellCoefficients {
                    alpha: lane(&alpha),
                    beta: lane(&beta),
                    carried: lane(&carried),
                    kept: lane(&kept),
                    reciprocal: ComplexLanes::from_scalar(reciprocal),
                };
                let scaled = coefficients.scaled_by(Scalar, (c, m));
                self.factors.set(modes[0], scaled.upper.map(ComplexLanes::to_scalar));
                self.factors.set(modes[1], scaled.lower.map(ComplexLanes::to_scalar));
                let element = |direction: usize| {
                    let (alpha, beta) = (scaled.alpha[direction], scaled.beta[direction]);
                    [alpha.re, alpha.im, beta.re, beta.im]
                };
                self.elements.push([element(0), element(1)]);
                let (cell, sums) = (first_cell + first + k, scaled.sums.map(ComplexLanes::to_scalar));
                self.cells.push(UndoneCell { cell, transfer, reciprocal, modes, sums });
                count += 1;
                let out_of_range = scaled.in_range < 1.0;
                if out_of_range || count == CELLS_PER_PASS {
                    self.ops.push(UndoOp::Pairs { count: std::mem::take(&mut count) });
                }
                if out_of_range {
                    let by = self.take_factors(modes);
                    self.ops.extend(modes.into_iter().zip(by).map(|(mode, by)| UndoOp::Scale { mode, by }));
                }
            }
        }
        if count > 0 {
            self.ops.push(UndoOp::Pairs { count });
        }
    }

    /// Applies the elements to fields and adjoints, and sums the overlaps.
    #[inline(always)]
    fn apply<S: Simd>(&mut self, simd: S, batch: usize, fields: &mut [f64], adjoint: &mut [f64]) {
        let Self { factors, ops, elements, cells, sums, .. } = self;
        let length = factors.modes() * TILE_ROW;
        // All tiles pass a few chains, whose elements and sums stay in the cache.
        let (mut ops, mut elements, mut cells) = (&ops[..], &elements[..], &mut cells[..]);
        while !ops.is_empty() {
            let mut passing = 0;
            let long = |op: &UndoOp| {
                passing += match op {
                    UndoOp::Chain { count, .. } | UndoOp::Pairs { count } => *count,
                    UndoOp::Scale { .. } => 0,
                };
                passing >= CELLS_PER_PASS
            };
            let end = ops.iter().position(long).map_or(ops.len(), |last| last + 1);
            let ((now, later), (chains, rest)) = (ops.split_at(end), elements.split_at(passing));
            let (undone, later_cells) = cells.split_at_mut(passing);
            // Each lane has its own sum until all tiles have passed.
            let count = passing * 4 * S::F64_LANES;
            if sums.len() < count {
                *sums = Aligned::zeros(count);
            }
            sums[..count].fill(0.0);
            let sums_now = S::as_mut_simd_f64s(&mut sums[..count]).0.as_chunks_mut::<4>().0;
            let tiles = fields.chunks_exact_mut(length).zip(adjoint.chunks_exact_mut(length));
            for (k, (fields, adjoint)) in tiles.enumerate() {
                let tile = [S::as_mut_simd_f64s(fields).0, S::as_mut_simd_f64s(adjoint).0];
                // The padding of the last tile is zero and stays zero.
                let occupied = (batch - k * TILE_WIDTH).min(TILE_WIDTH).div_ceil(S::F64_LANES);
                match S::F64_LANES {
                    8 => apply_ops::<S, 1>(simd, now, (chains, undone), (tile, occupied), sums_now),
                    4 => apply_ops::<S, 2>(simd, now, (chains, undone), (tile, occupied), sums_now),
                    2 => apply_ops::<S, 4>(simd, now, (chains, undone), (tile, occupied), sums_now),
                    _ => apply_ops::<S, 8>(simd, now, (chains, undone), (tile, occupied), sums_now),
                }
            }
            // A plain loop, because closures passed to `map` or `collect` are not inlined into the SIMD-dispatched
            // function.
            for (cell, sums) in undone.iter_mut().zip(sums_now) {
                let sum = |part: usize| simd.reduce_sum_f64s(sums[part]);
                cell.sums[0] *= Complex64::new(sum(0), sum(1));
                cell.sums[1] *= Complex64::new(sum(2), sum(3));
            }
            (ops, elements, cells) = (later, rest, later_cells);
        }
    }

    /// Takes the scale factors of two modes, and leaves 1.
    fn take_factors(&mut self, modes: [usize; 2]) -> [[Complex64; 2]; 2] {
        modes.map(|mode| {
            let by = self.factors.get(mode);
            self.factors.set(mode, [Complex64::ONE; 2]);
            by
        })
    }
}

#[cfg(test)]
mod tests;
