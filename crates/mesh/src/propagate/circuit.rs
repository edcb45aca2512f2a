//! Settings and errors compiled to what light meets: sines and cosines, transfer matrices, chains of elements.

use crate::cell::mzi::{CellErrors, Transfer, transfer};
use crate::layout::CellPosition;
use crate::layout::execution_order::ExecutionOrder;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::propagate::chains::{ChainBuilder, ChainElement, Chains};
use crate::propagate::fields::Fields;
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Columns of cells that light passes while a few lines stay in the first-level cache.
pub(crate) const COLUMNS: usize = 32;
/// Cells of a mesh whose lines cross, of which the coefficients are made together.
pub(crate) const TOGETHER: usize = 1024;

/// One section, its phases and errors turned into coefficients.
#[derive(Clone, Debug)]
pub struct Circuit {
    chains: Chains,
}

impl Circuit {
    /// Compiles a section with the phases that its shifters really have and the state of each cell. O(cells).
    ///
    /// # Panics
    ///
    /// If `errors` are not one a cell.
    #[must_use]
    pub fn compile(stage: &Stage, phases: &Phases, errors: &[CellErrors]) -> Self {
        let positions = &stage.layout().positions;
        assert_eq!(positions.len(), errors.len(), "one state a cell");
        let mut builder = ChainBuilder::new(stage.layout().modes, positions.len());
        match stage.kind() {
            StageKind::Mesh => {
                cells(stage, phases, errors, 0..stage.layout().columns, &mut builder);
            }
            StageKind::Attenuators => {
                for (k, position) in positions.iter().enumerate() {
                    builder.scale(position.mode, transfer(phases.theta()[k], phases.phi()[k], errors[k])[0][0]);
                }
            }
        }
        for (mode, &phase) in phases.output().iter().enumerate() {
            builder.scale(mode, Complex64::cis(phase));
        }
        Self { chains: builder.finish() }
    }

    /// Some columns of cells of a mesh with the crossings before each, and those at its end, without the output phases.
    pub(crate) fn from_columns(
        stage: &Stage,
        phases: &Phases,
        errors: &[CellErrors],
        columns: std::ops::Range<usize>,
    ) -> Self {
        let modes = stage.layout().modes;
        let mut builder = ChainBuilder::new(modes, columns.len() * modes / 2);
        cells(stage, phases, errors, columns, &mut builder);
        Self { chains: builder.finish() }
    }

    /// The section as designed: its own phases, no errors.
    #[must_use]
    pub fn ideal(stage: &Stage) -> Self {
        let errors = vec![CellErrors::NONE; stage.layout().positions.len()];
        Self::compile(stage, stage.phases(), &errors)
    }

    /// The matrix of the section, modes × modes.
    #[must_use]
    pub fn matrix(&self) -> DMatrix<Complex64> {
        let mut fields = Fields::identity(self.chains.lines());
        self.propagate(&mut fields);
        fields.to_matrix()
    }

    /// Sends fields through, in place. O(cells × batch).
    ///
    /// Fields of another number of modes are cut or padded with dark modes first.
    pub fn propagate(&self, fields: &mut Fields) {
        fields.resize(self.chains.lines());
        fields.apply(&self.chains);
    }
}

/// The cells of some columns as elements.
fn cells(
    stage: &Stage,
    phases: &Phases,
    errors: &[CellErrors],
    columns: std::ops::Range<usize>,
    builder: &mut ChainBuilder,
) {
    if let Some(schedule) = stage.schedule(columns.clone()) {
        let ExecutionOrder { cells, places, order } = &*schedule;
        let mut transfers = Vec::new();
        for (cells, places) in cells.chunks(TOGETHER).zip(places.chunks(TOGETHER)) {
            stage.layout().transfers_of(cells, phases, errors, &mut transfers);
            Arch::new().dispatch(CompilePairs { places, transfers: &transfers, builder });
        }
        builder.cross(order);
        return;
    }
    let mut block = Block::default();
    for start in columns.clone().step_by(COLUMNS) {
        block.set(stage, phases, errors, start..columns.end.min(start + COLUMNS));
        Arch::new().dispatch(CompileChains { block: &block, builder });
    }
}

/// Cells as chains that run up through the columns: the upper output of a cell at (column, mode) is the lower input of the
/// one at (column+1, mode−1). Blocks of columns keep the chains short: one block touches few lines at a time.
struct CompileChains<'a> {
    block: &'a Block,
    builder: &'a mut ChainBuilder,
}

impl WithSimd for CompileChains<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { block, builder } = self;
        for chain in &block.chains {
            builder.begin(chain.mode + 1, false, chain.column);
            for &cell in block.cells(chain) {
                let [[t11, t12], [t21, t22]]: Transfer = block.transfers[cell];
                builder.element(ChainElement { p: t12, q: t11, r: t22, s: t21 });
            }
            builder.end();
        }
    }
}

/// Cells of a mesh whose lines cross, one by one.
struct CompilePairs<'a> {
    places: &'a [[u32; 2]],
    transfers: &'a [Transfer],
    builder: &'a mut ChainBuilder,
}

impl WithSimd for CompilePairs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (places, &[[t11, t12], [t21, t22]]) in self.places.iter().zip(self.transfers) {
            self.builder.pair(places.map(|place| place as usize), ChainElement { p: t11, q: t12, r: t21, s: t22 });
        }
    }
}

/// Some neighbouring columns of a mesh. One serves all of its columns, block by block, without asking for memory again.
#[derive(Default)]
pub(crate) struct Block {
    /// The first of its cells in the layout.
    pub first: usize,
    /// The transfer matrices of its cells, in the order of the layout.
    pub transfers: Vec<Transfer>,
    /// The chains in the order of column + mode, which respects the light: of two cells that share a mode, the earlier
    /// one stands on an earlier chain, or earlier on the same one.
    pub chains: Vec<Diagonal>,
    /// The cells of each column in the order of the layout, as far as they stand two modes apart.
    pub runs: Vec<Run>,
    /// Cells, counted from the first one, chain by chain.
    order: Vec<usize>,
    /// Where those of each sum of column and mode end in that order.
    ends: Vec<usize>,
}

/// Cells of one column at the modes `mode`, `mode` + 2, …
pub(crate) struct Run {
    /// The first of them, counted from the first of the block.
    pub first: usize,
    pub mode: usize,
    pub count: usize,
}

/// Cells at (column, mode), (column+1, mode−1), …
pub(crate) struct Diagonal {
    pub column: usize,
    pub mode: usize,
    cells: std::ops::Range<usize>,
}

impl Block {
    /// Becomes the block of some columns.
    pub(crate) fn set(
        &mut self,
        stage: &Stage,
        phases: &Phases,
        errors: &[CellErrors],
        columns: std::ops::Range<usize>,
    ) {
        let layout = stage.layout();
        let cells = layout.column(columns.start).start..layout.column(columns.end - 1).end;
        self.first = cells.start;
        layout.transfers_into(cells.clone(), phases, errors, &mut self.transfers);
        let positions = &layout.positions[cells];
        let Self { chains, runs, order, ends, .. } = self;
        runs.clear();
        let mut first = 0;
        for run in positions.chunk_by(|a, b| a.column == b.column && a.mode + 2 == b.mode) {
            runs.push(Run { first, mode: run[0].mode, count: run.len() });
            first += run.len();
        }
        // Sorted by column + mode, and those of one sum by column, in which the sites come.
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

    /// The cells of a chain, counted from the first of the block.
    pub(crate) fn cells(&self, chain: &Diagonal) -> &[usize] {
        &self.order[chain.cells.clone()]
    }
}
