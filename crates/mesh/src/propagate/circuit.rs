//! Compiles a stage with its phases and errors to chains of elements, and sends fields through them.

use crate::cell::mzi::{CellErrors, transfer};
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::propagate::chains::{ChainBuilder, Chains};
use crate::propagate::column_block::ColumnBlock;
use crate::propagate::fields::Fields;
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::cell::RefCell;
use std::ops::Range;

/// Number of columns per block. The modes that one chain of a block touches stay in the first-level cache; longer
/// chains would leave it, and shorter ones load and store more.
pub(crate) const COLUMNS: usize = 32;
/// Batch size for computing transfer matrices in layouts with waveguide crossings.
pub(crate) const BATCH: usize = 1024;

/// One stage, compiled with its phases and errors to coefficients.
#[derive(Clone, Debug)]
pub struct Circuit {
    chains: Chains,
}

impl Circuit {
    /// Compiles a stage with the actual phases of its shifters and the errors of each cell. O(cells).
    ///
    /// # Panics
    ///
    /// If `errors` does not have one entry per cell, or `phases` are not those of the stage.
    #[must_use]
    pub fn compile(stage: &Stage, phases: &Phases, errors: &[CellErrors]) -> Self {
        let positions = &stage.layout().positions;
        assert_eq!(positions.len(), errors.len(), "one entry of errors per cell");
        assert_eq!(phases.shape(), stage.phases().shape(), "phases of the stage");
        let mut builder = ChainBuilder::new(stage.layout().modes, positions.len());
        match stage.kind() {
            StageKind::Mesh => {
                add_cells(stage, phases, errors, 0..stage.layout().columns, &mut builder);
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

    /// Compiles some columns of a mesh with the crossings before each, and those at its end, without the output phases.
    pub(crate) fn from_columns(stage: &Stage, phases: &Phases, errors: &[CellErrors], columns: Range<usize>) -> Self {
        let modes = stage.layout().modes;
        let mut builder = ChainBuilder::new(modes, columns.len() * modes / 2);
        add_cells(stage, phases, errors, columns, &mut builder);
        Self { chains: builder.finish() }
    }

    /// The stage as designed: its own phases, no errors.
    #[must_use]
    pub fn ideal(stage: &Stage) -> Self {
        let errors = vec![CellErrors::NONE; stage.layout().positions.len()];
        Self::compile(stage, stage.phases(), &errors)
    }

    /// The matrix of the stage, modes × modes.
    #[must_use]
    pub fn matrix(&self) -> DMatrix<Complex64> {
        let mut fields = Fields::identity(self.chains.modes());
        self.propagate(&mut fields);
        fields.to_matrix()
    }

    /// Sends fields through, in place. O(cells × batch).
    ///
    /// Fields of another number of modes are cut or padded with zero modes first.
    pub fn propagate(&self, fields: &mut Fields) {
        fields.resize(self.chains.modes());
        fields.apply(&self.chains);
    }
}

/// Adds the cells of some columns to the chains.
fn add_cells(stage: &Stage, phases: &Phases, errors: &[CellErrors], columns: Range<usize>, builder: &mut ChainBuilder) {
    let layout = stage.layout();
    if layout.has_crossings() {
        let (slots, permutation) = layout.slots(columns.clone());
        let mut first = layout.cells(&columns).start;
        let mut transfers = Vec::new();
        for slots in slots.chunks(BATCH) {
            layout.transfers_into(first..first + slots.len(), phases, errors, &mut transfers);
            builder.cells_as_pairs(slots, &transfers);
            first += slots.len();
        }
        builder.permute(permutation);
        return;
    }
    // The allocations of a block would take a tenth of the time of a mesh of 4 modes.
    thread_local! {
        static BLOCK: RefCell<ColumnBlock> = RefCell::default();
    }
    BLOCK.with_borrow_mut(|block| {
        for start in columns.clone().step_by(COLUMNS) {
            block.set(stage, phases, errors, start..columns.end.min(start + COLUMNS));
            builder.cells_of_block(block);
        }
    });
}
