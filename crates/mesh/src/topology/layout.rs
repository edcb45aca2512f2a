use std::ops::Range;

/// Length of one column of cells along the light (µm) (assumption; SCATTER's default pitch of an interferometer).
pub const COLUMN_UM: f64 = 120.0;
/// Distance between neighbouring modes (µm): half of SCATTER's default pitch of 24 µm for two modes.
pub const MODE_UM: f64 = 12.0;
/// Distance between the two arms of an interferometer (µm) (SCATTER's default).
pub const ARM_UM: f64 = 10.0;

/// Where one cell stands: it joins the modes `mode` and `mode + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Column, from 0, in the direction of light.
    pub column: usize,
    /// Its upper mode, from 0.
    pub mode: usize,
}

/// Which phase of a mesh a shifter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShifterKind {
    /// Between the splitters of a cell.
    Theta,
    /// Before the first splitter of a cell.
    Phi,
    /// Behind the mesh, one a mode.
    Output,
}

/// One phase shifter, always on the upper arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shifter {
    /// Which phase it sets.
    pub kind: ShifterKind,
    /// Column of its cell; for the output phases the number of columns.
    pub column: usize,
    /// Upper mode of its cell, or the mode of an output phase.
    pub mode: usize,
    /// Position of the heater along the light (µm).
    pub x_um: f64,
    /// Position of the heater, and of the upper arm, across the light (µm).
    pub y_um: f64,
}

/// The places of all cells of a mesh, column by column and, in a column, from the lowest mode on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Number of ports on each side.
    pub modes: usize,
    /// The cells in order of propagation.
    pub sites: Vec<Site>,
    /// Number of columns, including any without cells between others.
    pub columns: usize,
    /// Index of the first cell of each column, and the number of cells.
    starts: Vec<usize>,
}

impl Layout {
    /// A layout from cells in any order; they are sorted by column, then mode.
    ///
    /// # Panics
    ///
    /// If a cell stands outside of the modes, or shares a mode with another of its column.
    #[must_use]
    pub fn new(modes: usize, mut sites: Vec<Site>) -> Self {
        sites.sort_by_key(|s| (s.column, s.mode));
        assert!(sites.iter().all(|s| s.mode + 1 < modes), "a cell joins two of the {modes} modes");
        let apart = |pair: &[Site]| pair[0].column < pair[1].column || pair[0].mode + 1 < pair[1].mode;
        assert!(sites.windows(2).all(apart), "cells of a column share no mode");
        Self::sorted(modes, sites)
    }

    /// One column of cells that each stand on one mode alone.
    pub(crate) fn on_each_mode(modes: usize) -> Self {
        Self::sorted(modes, (0..modes).map(|mode| Site { column: 0, mode }).collect())
    }

    fn sorted(modes: usize, sites: Vec<Site>) -> Self {
        let columns = sites.last().map_or(0, |s| s.column + 1);
        let mut starts = Vec::with_capacity(columns + 1);
        for (k, site) in sites.iter().enumerate() {
            while starts.len() <= site.column {
                starts.push(k);
            }
        }
        starts.push(sites.len());
        Self { modes, sites, columns, starts }
    }

    /// Index of the cell at a place.
    #[must_use]
    pub fn index_of(&self, site: Site) -> Option<usize> {
        let range = (site.column < self.columns).then(|| self.column(site.column))?;
        // Cells of a column mostly stand two modes apart.
        let guess = range.start + site.mode.checked_sub(self.sites[range.start].mode)? / 2;
        if guess < range.end && self.sites[guess].mode == site.mode {
            return Some(guess);
        }
        let found = self.sites[range.clone()].binary_search_by_key(&site.mode, |s| s.mode).ok()?;
        Some(range.start + found)
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

    /// The shifter of kind θ or φ of a cell: φ stands a quarter and θ three quarters of a column in, on the upper arm.
    #[must_use]
    pub fn cell_shifter(&self, cell: usize, kind: ShifterKind) -> Shifter {
        let Site { column, mode } = self.sites[cell];
        let along = if kind == ShifterKind::Phi { 0.25 } else { 0.75 };
        Shifter {
            kind,
            column,
            mode,
            x_um: (column as f64 + along) * COLUMN_UM,
            y_um: (mode as f64 + 0.5) * MODE_UM - ARM_UM / 2.0,
        }
    }

    /// The shifter of an output phase, a quarter of a column behind the mesh.
    #[must_use]
    pub fn output_shifter(&self, mode: usize) -> Shifter {
        Shifter {
            kind: ShifterKind::Output,
            column: self.columns,
            mode,
            x_um: (self.columns as f64 + 0.25) * COLUMN_UM,
            y_um: mode as f64 * MODE_UM,
        }
    }
}
