//! Where the cells of a mesh stand, and its phases.

pub(crate) mod execution_order;
pub(crate) mod outer_phases;
pub(crate) mod phases;
pub(crate) mod stage;

use crate::cell::kind::Cell;
use crate::cell::mzi::{CellErrors, Transfer, wrap};
use crate::layout::outer_phases::WaveguidePhases;
use crate::layout::phases::Phases;
use num_complex::Complex64;
use std::ops::Range;

/// Length of one column of plain cells along the light (µm) (assumption; SCATTER's default pitch of an interferometer).
pub const COLUMN_UM: f64 = 120.0;
/// Distance between neighbouring modes (µm): half of SCATTER's default pitch of 24 µm for two modes.
pub const MODE_UM: f64 = 12.0;
/// Distance between the two arms of an interferometer (µm) (SCATTER's default).
pub const ARM_UM: f64 = 10.0;

/// Where one cell stands: it joins the modes `mode` and `mode + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellPosition {
    /// Column, from 0, in the direction of light.
    pub column: usize,
    /// Its upper mode, from 0.
    pub mode: usize,
}

/// A waveguide before a cell with a phase shifter: where cells have no outer phases, a few waveguides keep theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundaryShifter {
    /// The cell behind it, in the order of the layout.
    pub cell: usize,
    /// Whether it ends at the lower input of that cell.
    pub lower: bool,
}

/// Which phase of a mesh a shifter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShifterKind {
    /// Between the splitters of a cell; of a coupler on its upper line.
    Theta,
    /// Before the first splitter of a cell; of a symmetric cell on its lower inner arm, of a coupler on its lower line.
    Phi,
    /// Behind the mesh, one a mode.
    Output,
    /// On a waveguide before a cell.
    Boundary,
}

/// One phase shifter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shifter {
    /// Which phase it sets.
    pub kind: ShifterKind,
    /// Column of its cell; for the output phases the number of columns.
    pub column: usize,
    /// Upper mode of its cell, or the mode of an output or edge phase.
    pub mode: usize,
    /// Position of the heater along the light (µm).
    pub x_um: f64,
    /// Position of the heater, and of its arm, across the light (µm).
    pub y_um: f64,
    /// Position across the light of the other arm (µm), where the phase is the difference of two arms and that one has no
    /// shifter.
    pub partner_um: Option<f64>,
}

/// Lines that cross before a column.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Crossing {
    column: usize,
    /// Line i is the one that was line `order[i]`.
    order: Vec<usize>,
    /// Waveguides that each line crosses, in the order behind.
    crossed: Vec<usize>,
}

/// The places of all cells of a mesh, column by column and, in a column, from the lowest mode on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Number of lines that cells and output phases stand on.
    pub modes: usize,
    /// Number of ports on each side, the first of the lines: the others are dark at the input and dumped at the output.
    pub ports: usize,
    /// What stands at each site.
    pub cell: Cell,
    /// The cells in order of propagation.
    pub positions: Vec<CellPosition>,
    /// Number of columns, including any without cells between others.
    pub columns: usize,
    /// Index of the first cell of each column, and the number of cells.
    starts: Vec<usize>,
    /// Crossings before columns (or behind the last), in their order.
    crossings: Vec<Crossing>,
    boundary_shifters: Vec<BoundaryShifter>,
}

impl Layout {
    /// A layout from cells in any order; they are sorted by column, then mode.
    ///
    /// # Panics
    ///
    /// If a cell stands outside of the modes, or shares a mode with another of its column.
    #[must_use]
    pub fn new(modes: usize, positions: Vec<CellPosition>) -> Self {
        let positions = in_order(positions);
        assert!(positions.iter().all(|s| s.mode + 1 < modes), "a cell joins two of the {modes} modes");
        let apart = |pair: &[CellPosition]| pair[0].column < pair[1].column || pair[0].mode + 1 < pair[1].mode;
        assert!(positions.windows(2).all(apart), "cells of a column share no mode");
        Self::sorted(modes, positions)
    }

    /// One column of cells that each stand on one mode alone.
    pub(crate) fn on_each_mode(modes: usize) -> Self {
        Self::sorted(modes, (0..modes).map(|mode| CellPosition { column: 0, mode }).collect())
    }

    fn sorted(modes: usize, positions: Vec<CellPosition>) -> Self {
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
            cell: Cell::Mzi,
            positions,
            columns,
            starts,
            crossings: Vec::new(),
            boundary_shifters: Vec::new(),
        }
    }

    /// The same with fewer ports than lines.
    ///
    /// # Panics
    ///
    /// If there are not so many lines.
    #[must_use]
    pub fn with_ports(mut self, ports: usize) -> Self {
        assert!(ports <= self.modes, "{ports} ports on {} lines", self.modes);
        self.ports = ports;
        self.with_edges()
    }

    /// The same with other cells.
    #[must_use]
    pub fn with_cell(mut self, cell: Cell) -> Self {
        self.cell = cell;
        self.with_edges()
    }

    fn with_edges(mut self) -> Self {
        self.boundary_shifters.clear();
        if !self.cell.has_outer_phase() {
            let kept = self.guides().clear().into_iter().filter(|guide| *guide < 2 * self.positions.len());
            self.boundary_shifters =
                kept.map(|guide| BoundaryShifter { cell: guide / 2, lower: guide % 2 == 1 }).collect();
            self.boundary_shifters.sort_by_key(|edge| (edge.cell, edge.lower));
        }
        self
    }

    /// Waveguides before cells that carry a shifter of their own, in the order of the cells; none where cells have outer
    /// phases.
    #[must_use]
    pub fn boundary_shifters(&self) -> &[BoundaryShifter] {
        &self.boundary_shifters
    }

    /// The edges before some cells, with their indices.
    pub(crate) fn boundary_shifters_before(
        &self,
        cells: Range<usize>,
    ) -> impl Iterator<Item = (usize, BoundaryShifter)> {
        let first = self.boundary_shifters.partition_point(|edge| edge.cell < cells.start);
        let edges = self.boundary_shifters[first..].iter().take_while(move |edge| edge.cell < cells.end);
        edges.enumerate().map(move |(k, &edge)| (first + k, edge))
    }

    /// Transfer matrices of some cells with the edges before them, phases in rad.
    pub(crate) fn transfers(&self, cells: Range<usize>, phases: &Phases, errors: &[CellErrors]) -> Vec<Transfer> {
        let mut all = Vec::new();
        self.transfers_into(cells, phases, errors, &mut all);
        all
    }

    /// The same, in the place of what was in `all`.
    pub(crate) fn transfers_into(
        &self,
        cells: Range<usize>,
        phases: &Phases,
        errors: &[CellErrors],
        all: &mut Vec<Transfer>,
    ) {
        let (theta, phi) = (&phases.theta()[cells.clone()], &phases.phi()[cells.clone()]);
        self.cell.transfers(theta, phi, &errors[cells.clone()], all);
        for (k, edge) in self.boundary_shifters_before(cells.clone()) {
            let turn = Complex64::cis(phases.boundary()[k]);
            all[edge.cell - cells.start].iter_mut().for_each(|row| row[usize::from(edge.lower)] *= turn);
        }
    }

    /// The same for cells anywhere.
    pub(crate) fn transfers_of(&self, cells: &[u32], phases: &Phases, errors: &[CellErrors], all: &mut Vec<Transfer>) {
        let of_cells = |values: &[f64]| -> Vec<f64> { cells.iter().map(|&cell| values[cell as usize]).collect() };
        let errors: Vec<CellErrors> = cells.iter().map(|&cell| errors[cell as usize]).collect();
        self.cell.transfers(&of_cells(phases.theta()), &of_cells(phases.phi()), &errors, all);
        if self.boundary_shifters.is_empty() {
            return;
        }
        for (transfer, &cell) in all.iter_mut().zip(cells) {
            for (k, edge) in self.boundary_shifters_before(cell as usize..cell as usize + 1) {
                let turn = Complex64::cis(phases.boundary()[k]);
                transfer.iter_mut().for_each(|row| row[usize::from(edge.lower)] *= turn);
            }
        }
    }

    /// The waveguides between the cells.
    fn guides(&self) -> WaveguidePhases {
        WaveguidePhases::new((self.modes, self.ports), &self.positions, self.columns, |column, lines| {
            self.permute(column, lines)
        })
    }

    /// The phases with which cells without outer phases do what the same ones do with them: `T(θ, φ)` becomes
    /// `e^{iθ₂}·T(θ₁−θ₂, 0)`, whatever its errors. O(cells).
    pub(crate) fn without_outer_phases(&self, with: &Phases) -> Phases {
        let cells = self.positions.len();
        let mut guides = self.guides();
        with.phi().iter().enumerate().for_each(|(k, &phi)| guides.set_phase(2 * k, phi));
        with.output().iter().enumerate().for_each(|(mode, &phase)| guides.set_phase(2 * cells + mode, phase));
        guides.clear();
        let mut phases = Phases::blank(self);
        for (k, common) in guides.common.iter().enumerate() {
            phases.set_cell(k, wrap(with.theta()[k] + common), wrap(*common));
        }
        (0..self.ports).for_each(|mode| phases.set_output(mode, wrap(guides.phase(2 * cells + mode))));
        for (k, edge) in self.boundary_shifters.iter().enumerate() {
            phases.set_boundary(k, wrap(guides.phase(2 * edge.cell + usize::from(edge.lower))));
        }
        phases
    }

    /// The same with lines that cross before a column, or behind the last: line i is then what was line `order[i]`.
    ///
    /// # Panics
    ///
    /// If the order is no permutation of the lines, or there is no such column, or it has an order already.
    #[must_use]
    pub fn with_crossing(mut self, column: usize, order: Vec<usize>) -> Self {
        let mut seen = vec![false; self.modes];
        order.iter().for_each(|&line| seen[line] = true);
        assert!(order.len() == self.modes && seen.into_iter().all(|s| s), "a permutation of {} lines", self.modes);
        assert!(column <= self.columns && self.permutation_before(column).is_none(), "column {column}");
        let crossed = crossed(&order);
        self.crossings.push(Crossing { column, order, crossed });
        self.crossings.sort_by_key(|crossing| crossing.column);
        self.with_edges()
    }

    /// Whether lines cross anywhere.
    pub(crate) fn has_crossings(&self) -> bool {
        !self.crossings.is_empty()
    }

    /// The order in which lines enter a column, where some cross before it.
    #[must_use]
    pub fn permutation_before(&self, column: usize) -> Option<&[usize]> {
        let found = self.crossings.binary_search_by_key(&column, |crossing| crossing.column).ok()?;
        Some(&self.crossings[found].order)
    }

    /// Takes values on the lines through the crossings before a column.
    pub fn permute<T: Copy>(&self, column: usize, lines: &mut [T]) {
        if let Some(order) = self.permutation_before(column) {
            let before = lines.to_vec();
            lines.iter_mut().zip(order).for_each(|(line, &from)| *line = before[from]);
        }
    }

    /// Number of crossings of waveguides between columns: pairs of lines that change their order. O(lines log lines).
    #[must_use]
    pub fn crossing_count(&self) -> usize {
        self.crossings.iter().flat_map(|crossing| &crossing.crossed).sum::<usize>() / 2
    }

    /// Waveguides that the light of each cell crosses on its way to it, the mean of both its inputs; what is crossed behind
    /// the last cell of a line counts for that one.
    #[must_use]
    pub fn crossings_per_cell(&self) -> Vec<f64> {
        let mut of_cells = vec![0.0; self.positions.len()];
        if self.crossings.is_empty() {
            return of_cells;
        }
        let mut lines: Vec<(f64, Option<usize>)> = vec![(0.0, None); self.modes];
        for column in 0..=self.columns {
            if let Some(crossing) = self.crossings.iter().find(|crossing| crossing.column == column) {
                self.permute(column, &mut lines);
                lines.iter_mut().zip(&crossing.crossed).for_each(|(line, &count)| line.0 += count as f64 / 2.0);
            }
            for k in if column < self.columns { self.column(column) } else { 0..0 } {
                let mode = self.positions[k].mode;
                of_cells[k] += lines[mode].0 + lines[mode + 1].0;
                lines[mode..mode + 2].fill((0.0, Some(k)));
            }
        }
        for (count, last) in lines {
            last.into_iter().for_each(|k| of_cells[k] += count);
        }
        of_cells
    }

    /// Index of the cell at a place.
    #[must_use]
    pub fn index_of(&self, position: CellPosition) -> Option<usize> {
        let range = (position.column < self.columns).then(|| self.column(position.column))?;
        // Cells of a column mostly stand two modes apart.
        let guess = range.start + position.mode.checked_sub(self.positions[range.start].mode)? / 2;
        if guess < range.end && self.positions[guess].mode == position.mode {
            return Some(guess);
        }
        let found = self.positions[range.clone()].binary_search_by_key(&position.mode, |s| s.mode).ok()?;
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

    /// Length of one column along the light (µm).
    #[must_use]
    pub fn column_um(&self) -> f64 {
        COLUMN_UM * self.cell.length()
    }

    /// The shifter of kind θ or φ of a cell: φ stands a quarter and θ three quarters of a column in, on the upper arm; those
    /// of a symmetric cell stand beside each other in the middle of the column, on both arms, those of a coupler a quarter in,
    /// on both lines.
    #[must_use]
    pub fn cell_shifter(&self, cell: usize, kind: ShifterKind) -> Shifter {
        let CellPosition { column, mode } = self.positions[cell];
        let upper_um = (mode as f64 + 0.5) * MODE_UM - ARM_UM / 2.0;
        let phi = kind == ShifterKind::Phi;
        let (along, y_um, partner_um) = match self.cell {
            Cell::Mzi | Cell::ThreeSplitters | Cell::Crossing => {
                (if phi { 0.25 } else { 0.75 }, upper_um, Some(upper_um + ARM_UM))
            }
            Cell::Symmetric => (0.5, if phi { upper_um + ARM_UM } else { upper_um }, None),
            Cell::Coupler => (0.25, (mode + usize::from(phi)) as f64 * MODE_UM, None),
        };
        Shifter { kind, column, mode, x_um: (column as f64 + along) * self.column_um(), y_um, partner_um }
    }

    /// The shifter of an output phase, a quarter of a column behind the mesh.
    #[must_use]
    pub fn output_shifter(&self, mode: usize) -> Shifter {
        let (x_um, y_um) = ((self.columns as f64 + 0.25) * self.column_um(), mode as f64 * MODE_UM);
        Shifter { kind: ShifterKind::Output, column: self.columns, mode, x_um, y_um, partner_um: None }
    }

    /// The shifter of an edge, where the column of its cell begins.
    #[must_use]
    pub fn boundary_shifter(&self, edge: usize) -> Shifter {
        let BoundaryShifter { cell, lower } = self.boundary_shifters[edge];
        let CellPosition { column, mode } = self.positions[cell];
        let mode = mode + usize::from(lower);
        let (x_um, y_um) = (column as f64 * self.column_um(), mode as f64 * MODE_UM);
        Shifter { kind: ShifterKind::Boundary, column, mode, x_um, y_um, partner_um: None }
    }
}

/// Sites by column, then mode. Those of a column mostly come by mode: O(cells) then.
fn in_order(positions: Vec<CellPosition>) -> Vec<CellPosition> {
    let by_place = |s: &CellPosition| (s.column, s.mode);
    if positions.is_sorted_by_key(by_place) {
        return positions;
    }
    let columns = positions.iter().map(|s| s.column + 1).max().unwrap_or(0);
    if columns > 4 * positions.len() {
        let mut positions = positions;
        positions.sort_by_key(by_place);
        return positions;
    }
    let mut places = vec![0; columns + 1];
    positions.iter().for_each(|s| places[s.column + 1] += 1);
    (0..columns).for_each(|column| places[column + 1] += places[column]);
    let mut sorted = positions.clone();
    for position in &positions {
        sorted[places[position.column]] = *position;
        places[position.column] += 1;
    }
    let mut start = 0;
    for end in places.into_iter().take(columns) {
        let column: &mut [CellPosition] = &mut sorted[start..end];
        if !column.is_sorted_by_key(|s| s.mode) {
            column.sort_by_key(|s| s.mode);
        }
        start = end;
    }
    sorted
}

/// How many others each line crosses, in the order behind: those that stand on its other side then. A binary indexed tree
/// counts them in O(N log N).
fn crossed(order: &[usize]) -> Vec<usize> {
    let n = order.len();
    let mut tree = vec![0; n + 1];
    order
        .iter()
        .enumerate()
        .map(|(before, &from)| {
            let (mut smaller, mut i) = (0, from);
            while i > 0 {
                smaller += tree[i];
                i &= i - 1;
            }
            let mut i = from + 1;
            while i <= n {
                tree[i] += 1;
                i += i & i.wrapping_neg();
            }
            // Of the lines that stand before it now, those from behind it; and the other way round.
            (before - smaller) + (from - smaller)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_are_pairs_that_change_their_order() {
        for (order, count) in
            [(vec![], 0), (vec![0, 1, 2], 0), (vec![1, 0], 1), (vec![3, 2, 1, 0], 6), (vec![0, 2, 1, 3], 1)]
        {
            assert_eq!(crossed(&order).into_iter().sum::<usize>(), 2 * count, "{order:?}");
        }
        // A perfect shuffle of 2s lines has s(s−1)/2 crossings.
        let shuffle: Vec<usize> = (0..16).map(|i| i / 2 + 8 * (i % 2)).collect();
        assert_eq!(crossed(&shuffle).into_iter().sum::<usize>(), 56);
        assert_eq!(crossed(&[3, 0, 1, 2]), [3, 1, 1, 1]);
    }

    #[test]
    fn sites_stand_by_column_then_mode() {
        let position = |(column, mode)| CellPosition { column, mode };
        for places in [
            vec![],
            vec![(1, 2), (0, 1), (1, 0), (0, 3)],
            vec![(0, 3), (3, 0), (3, 2), (0, 0)],
            vec![(1000, 0), (7, 2), (7, 0)],
        ] {
            let mut sorted = places.clone();
            sorted.sort_unstable();
            let found = in_order(places.into_iter().map(position).collect());
            assert_eq!(found, sorted.into_iter().map(position).collect::<Vec<_>>());
        }
    }

    #[test]
    fn lines_cross_before_their_column() {
        let layout = Layout::new(2, (0..5).map(|column| CellPosition { column, mode: 0 }).collect());
        let wired = layout.with_crossing(3, vec![1, 0]).with_crossing(0, vec![1, 0]).with_crossing(5, vec![1, 0]);
        let mut lines = [7, 8];
        wired.permute(1, &mut lines);
        assert_eq!(lines, [7, 8]);
        wired.permute(3, &mut lines);
        assert_eq!(lines, [8, 7]);
    }
}
