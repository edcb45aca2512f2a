//! The positions of the cells of a mesh, and its phases.
//!
//! This file holds the cells by column and mode; [`shifter`] the heaters in µm, [`crossings`] the permutations of modes
//! between columns, [`phases`] one value per phase shifter, [`outer_phases`] the phases that symmetric cells lack, and
//! [`stage`] a mesh with its phases.

mod crossings;
pub(crate) mod outer_phases;
pub(crate) mod phases;
pub(crate) mod shifter;
pub(crate) mod stage;

use crate::cell::kind::Cell;
use crate::cell::mzi::{CellErrors, Transfer};
use crate::layout::crossings::Crossing;
use crate::layout::phases::Phases;
use crate::layout::shifter::BoundaryShifter;
use num_complex::Complex64;
use std::ops::Range;

/// The position of one cell, which joins the modes `mode` and `mode + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellPosition {
    /// Column, from 0, in the direction of light.
    pub column: usize,
    /// Its upper mode, from 0.
    pub mode: usize,
}

/// The positions of all cells of a mesh, by column and then by mode, with the crossings between columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Number of modes.
    pub modes: usize,
    /// Number of ports on each side. They are the first modes; the others are idle at the input and dumped at the
    /// output.
    pub ports: usize,
    /// The kind of cell at each position.
    pub cell: Cell,
    /// The cells in order of propagation.
    pub positions: Vec<CellPosition>,
    /// Number of columns, including empty ones between others.
    pub columns: usize,
    /// Index of the first cell of each column, and the number of cells.
    starts: Vec<usize>,
    /// Crossings before columns (or after the last), by column.
    crossings: Vec<Crossing>,
    boundary_shifters: Vec<BoundaryShifter>,
}

impl Layout {
    /// A layout of cells given in any order; they are sorted by column, then mode.
    ///
    /// # Panics
    ///
    /// If a cell is outside of the modes, or shares a mode with another cell of its column, or if the columns do not fit
    /// into memory.
    #[must_use]
    pub fn new(modes: usize, mut positions: Vec<CellPosition>) -> Self {
        positions.sort_by_key(|position| (position.column, position.mode));
        assert!(positions.iter().all(|s| s.mode < modes.saturating_sub(1)), "a cell joins two of the {modes} modes");
        let apart = |pair: &[CellPosition]| pair[0].column < pair[1].column || pair[0].mode + 1 < pair[1].mode;
        assert!(positions.windows(2).all(apart), "cells of a column share no mode");
        Self::from_sorted(modes, positions)
    }

    /// One column of attenuators, one on each mode.
    pub(crate) fn attenuators(modes: usize) -> Self {
        Self::from_sorted(modes, (0..modes).map(|mode| CellPosition { column: 0, mode }).collect())
    }

    fn from_sorted(modes: usize, positions: Vec<CellPosition>) -> Self {
        let columns = positions.last().map_or(0, |s| s.column + 1);
        let mut starts = Vec::with_capacity(columns + 1);
        for (k, position) in positions.iter().enumerate() {
            while starts.len() <= position.column {
                starts.push(k);
            }
        }
        starts.push(positions.len());
        Self {
            modes,
            ports: modes,
            cell: Cell::default(),
            positions,
            columns,
            starts,
            crossings: Vec::new(),
            boundary_shifters: Vec::new(),
        }
    }

    /// The layout with fewer ports than modes.
    ///
    /// # Panics
    ///
    /// If there are fewer modes than ports.
    #[must_use]
    pub fn with_ports(mut self, ports: usize) -> Self {
        assert!(ports <= self.modes, "{ports} ports on {} modes", self.modes);
        self.ports = ports;
        self.with_boundary_shifters()
    }

    /// The layout with other cells.
    #[must_use]
    pub fn with_cell(mut self, cell: Cell) -> Self {
        self.cell = cell;
        self.with_boundary_shifters()
    }

    /// Transfer matrices of some cells, including the boundary shifters on their inputs; phases in rad.
    pub(crate) fn transfers(&self, cells: Range<usize>, phases: &Phases, errors: &[CellErrors]) -> Vec<Transfer> {
        let mut transfers = Vec::new();
        self.transfers_into(cells, phases, errors, &mut transfers);
        transfers
    }

    /// [`Layout::transfers`], which replaces the contents of `transfers`.
    pub(crate) fn transfers_into(
        &self,
        cells: Range<usize>,
        phases: &Phases,
        errors: &[CellErrors],
        transfers: &mut Vec<Transfer>,
    ) {
        let (theta, phi) = (&phases.theta()[cells.clone()], &phases.phi()[cells.clone()]);
        self.cell.transfers_into(theta, phi, &errors[cells.clone()], transfers);
        for (k, shifter) in self.boundary_shifters_before(cells.clone()) {
            let phase_factor = Complex64::cis(phases.boundary()[k]);
            let transfer = &mut transfers[shifter.cell - cells.start];
            transfer.iter_mut().for_each(|row| row[usize::from(shifter.lower)] *= phase_factor);
        }
    }

    /// Index of the cell at a position.
    #[must_use]
    pub fn index_of(&self, position: CellPosition) -> Option<usize> {
        let range = (position.column < self.columns).then(|| self.column(position.column))?;
        let column = &self.positions[range.clone()];
        // Most columns have a cell on every second mode. This place is tried before a search, because crosstalk finds the
        // neighbours of every cell for each setting of the phases.
        let guess = position.mode.checked_sub(column.first()?.mode)? / 2;
        let k = match column.get(guess) {
            Some(cell) if cell.mode == position.mode => guess,
            _ => column.binary_search_by_key(&position.mode, |cell| cell.mode).ok()?,
        };
        Some(range.start + k)
    }

    /// Range of cell indices in one column.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    #[must_use]
    pub fn column(&self, column: usize) -> Range<usize> {
        self.starts[column]..self.starts[column + 1]
    }

    /// Range of cell indices in some columns.
    pub(crate) fn cells(&self, columns: &Range<usize>) -> Range<usize> {
        self.starts[columns.start]..self.starts[columns.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_sorted_by_column_then_mode() {
        let position = |(column, mode)| CellPosition { column, mode };
        let layout = Layout::new(5, [(1, 2), (7, 1), (1, 0), (0, 3)].map(position).to_vec());
        assert_eq!(layout.positions, [(0, 3), (1, 0), (1, 2), (7, 1)].map(position));
        assert_eq!((layout.column(1), layout.column(2), layout.columns), (1..3, 3..3, 8));
        assert_eq!(Layout::new(1, Vec::new()).columns, 0);
        assert_eq!([(1, 2), (1, 1), (9, 0)].map(|p| layout.index_of(position(p))), [Some(2), None, None]);
    }
}
