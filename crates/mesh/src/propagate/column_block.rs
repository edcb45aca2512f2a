//! A block of neighbouring columns of a mesh, as propagation and gradient execute it.
//!
//! [`circuit`](crate::propagate::circuit) compiles a mesh block by block to chains, from the first block to the last.
//! [`backward`](crate::gradient::backward) undoes the blocks from the last one to the first, each in reverse order.
//! Both rely on the same three views of the cells, which [`ColumnBlock::set`] fills:
//!
//! * `transfers`: the transfer matrix of each cell, in the order of the layout (by column, then mode).
//! * `chains`: diagonals. The upper output of a cell at (column, mode) is the lower input of the cell at (column+1,
//!   mode−1), so one mode is carried through a whole diagonal. The diagonals are ordered by column + mode, which
//!   respects causality: of two cells that share a mode, the earlier one is on an earlier diagonal, or earlier on the
//!   same.
//! * `runs`: cells of one column two modes apart. They share no mode, so one register computes several of them
//!   together.
//!
//! Cells are counted from the first cell of the block; [`ColumnBlock::first_cell`] is its index in the layout.

use crate::cell::mzi::{CellErrors, Transfer};
use crate::layout::CellPosition;
use crate::layout::phases::Phases;
use crate::layout::stage::Stage;
use std::ops::Range;

/// Some neighbouring columns of a mesh. One value is reused for all blocks of a mesh, so that it allocates once.
#[derive(Default)]
pub(crate) struct ColumnBlock {
    first_cell: usize,
    transfers: Vec<Transfer>,
    chains: Vec<Diagonal>,
    runs: Vec<Run>,
    /// Cells in the order of the chains.
    order: Vec<usize>,
    /// The end of the cells of each column + mode in that order.
    ends: Vec<usize>,
}

/// Cells of one column at the modes `mode`, `mode` + 2, …
pub(crate) struct Run {
    /// The first of these cells, counted from the first of the block.
    pub first: usize,
    pub mode: usize,
    pub count: usize,
}

/// Cells at (column, mode), (column+1, mode−1), …
pub(crate) struct Diagonal {
    pub column: usize,
    pub mode: usize,
    cells: Range<usize>,
}

impl ColumnBlock {
    /// Replaces the contents by those of some columns, at least one.
    pub(crate) fn set(&mut self, stage: &Stage, phases: &Phases, errors: &[CellErrors], columns: Range<usize>) {
        let layout = stage.layout();
        let cells = layout.column(columns.start).start..layout.column(columns.end - 1).end;
        self.first_cell = cells.start;
        layout.transfers_into(cells.clone(), phases, errors, &mut self.transfers);
        let positions = &layout.positions[cells];
        let Self { chains, runs, order, ends, .. } = self;
        runs.clear();
        let mut first = 0;
        for run in positions.chunk_by(|a, b| a.column == b.column && a.mode + 2 == b.mode) {
            runs.push(Run { first, mode: run[0].mode, count: run.len() });
            first += run.len();
        }
        // A counting sort by column + mode; positions of equal sum stay in the order of their columns.
        let sum = |position: &CellPosition| position.column - columns.start + position.mode;
        ends.clear();
        ends.resize(layout.modes + columns.len(), 0);
        positions.iter().for_each(|position| ends[sum(position) + 1] += 1);
        (1..ends.len()).for_each(|sum| ends[sum] += ends[sum - 1]);
        order.resize(positions.len(), 0);
        for (cell, position) in positions.iter().enumerate() {
            let end = &mut ends[sum(position)];
            order[*end] = cell;
            *end += 1;
        }
        chains.clear();
        let mut first = 0;
        for &end in &*ends {
            for chain in order[first..end].chunk_by(|&a, &b| positions[a].column + 1 == positions[b].column) {
                let CellPosition { column, mode } = positions[chain[0]];
                chains.push(Diagonal { column, mode, cells: first..first + chain.len() });
                first += chain.len();
            }
        }
    }

    /// Index of the first cell in the layout.
    pub(crate) fn first_cell(&self) -> usize {
        self.first_cell
    }

    /// The transfer matrices of the cells, in the order of the layout.
    pub(crate) fn transfers(&self) -> &[Transfer] {
        &self.transfers
    }

    /// The diagonals, ordered by column + mode.
    pub(crate) fn chains(&self) -> &[Diagonal] {
        &self.chains
    }

    /// The runs of each column, in the order of the layout.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The cells of a diagonal, counted from the first of the block.
    pub(crate) fn cells(&self, chain: &Diagonal) -> &[usize] {
        &self.order[chain.cells.clone()]
    }
}
