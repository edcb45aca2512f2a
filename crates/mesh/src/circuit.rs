//! Settings and errors compiled to what light meets: sines and cosines, transfer matrices, chains of elements.

use crate::cell::{CellErrors, Transfer, transfer};
use crate::fields::Fields;
use crate::section::{Section, SectionKind, Settings};
use crate::sweep::{Builder, Element, Sweep};
use crate::transfers::transfers;
use nalgebra::DMatrix;
use num_complex::Complex64;

/// Columns of cells that light passes while a few lines stay in the first-level cache.
const COLUMNS: usize = 32;

/// One section, its phases and errors turned into coefficients.
#[derive(Clone, Debug)]
pub struct Circuit {
    sweep: Sweep,
}

impl Circuit {
    /// Compiles a section with the phases that its shifters really have and the state of each cell. O(cells).
    ///
    /// # Panics
    ///
    /// If `errors` are not one a cell.
    #[must_use]
    pub fn compile(section: &Section, phases: &Settings, errors: &[CellErrors]) -> Self {
        let sites = &section.layout().sites;
        assert_eq!(sites.len(), errors.len(), "one state a cell");
        let mut builder = Builder::new(section.layout().modes, sites.len());
        match section.kind() {
            SectionKind::Mesh => chains(section, phases, errors, &mut builder),
            SectionKind::Attenuators => {
                for (k, site) in sites.iter().enumerate() {
                    builder.scale(site.mode, transfer(phases.theta()[k], phases.phi()[k], errors[k])[0][0]);
                }
            }
        }
        for (mode, &phase) in phases.output().iter().enumerate() {
            builder.scale(mode, Complex64::cis(phase));
        }
        Self { sweep: builder.finish() }
    }

    /// The section as designed: its own phases, no errors.
    #[must_use]
    pub fn ideal(section: &Section) -> Self {
        let errors = vec![CellErrors::NONE; section.layout().sites.len()];
        Self::compile(section, section.settings(), &errors)
    }

    /// The matrix of the section, modes × modes.
    #[must_use]
    pub fn matrix(&self) -> DMatrix<Complex64> {
        let mut fields = Fields::identity(self.sweep.lines());
        self.propagate(&mut fields);
        fields.to_matrix()
    }

    /// Sends fields through, in place. O(cells × batch).
    ///
    /// Fields of another number of modes are cut or padded with dark modes first.
    pub fn propagate(&self, fields: &mut Fields) {
        fields.resize(self.sweep.lines());
        fields.apply(&self.sweep);
    }
}

/// The cells of a mesh as chains that run up through the columns: the upper output of a cell at (column, mode) is the
/// lower input of the one at (column+1, mode−1).
///
/// Blocks of columns keep the chains short: one block touches few lines at a time. Within a block the chains follow in
/// the order of column + mode, which respects the light: of two cells that share a mode, the earlier one stands on an
/// earlier chain, or earlier on the same one.
fn chains(section: &Section, phases: &Settings, errors: &[CellErrors], builder: &mut Builder) {
    const NONE: u32 = u32::MAX;
    let layout = section.layout();
    let modes = layout.modes;
    let mut at = vec![NONE; COLUMNS * modes];
    for start in (0..layout.columns).step_by(COLUMNS) {
        let columns = COLUMNS.min(layout.columns - start);
        let cells = layout.column(start).start..layout.column(start + columns - 1).end;
        at.fill(NONE);
        for (k, site) in layout.sites[cells.clone()].iter().enumerate() {
            at[(site.column - start) * modes + site.mode] = k as u32;
        }
        let of = |values: &[f64]| values[cells.clone()].to_vec();
        let matrices = transfers(&of(phases.theta()), &of(phases.phi()), &errors[cells.clone()]);
        for diagonal in 0..modes + columns {
            let mut open = false;
            for column in diagonal.saturating_sub(modes - 1)..columns.min(diagonal + 1) {
                let mode = diagonal - column;
                let k = at[column * modes + mode];
                if k == NONE {
                    if open {
                        builder.end();
                    }
                    open = false;
                    continue;
                }
                if !open {
                    builder.begin(mode + 1, false, start + column);
                    open = true;
                }
                let [[t11, t12], [t21, t22]]: Transfer = matrices[k as usize];
                builder.element(Element { p: t12, q: t11, r: t22, s: t21 });
            }
            if open {
                builder.end();
            }
        }
    }
}
