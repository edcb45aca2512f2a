//! Local correction: every cell is set to what the ideal one does, from its known errors alone.
//!
//! Cells are taken in the order of light. Each is to do `T0 = T(θ,φ)·diag(e^{iψ_m}, e^{iψ_{m+1}})`, where ψ are the phases that
//! cells before left on the lines; it takes the ratio of the first row of T0, and leaves new phases ψ behind, which end in
//! the output phases (Bandyopadhyay, Hamerly, Englund, Optica 8, 1247, 2021, recalled; physics notes §2.4). Exact where
//! every cell reaches its ratio, `|α+β| ≤ θ/2 ≤ π/2−|α−β|` for equal arms; else the nearest ratio. O(cells).

use super::crosstalk::before_crosstalk;
use super::{Correction, Found, Knowledge, Lab};
use crate::{Chip, Fabricated, HardwareError, Process};
use num_complex::Complex64;
use phaseloom_mesh::cell::{Transfer, ideal, transfer, wrap};
use phaseloom_mesh::cell_inverse::{match_ratio, match_transmission};
use phaseloom_mesh::{MatrixProgram, Section, SectionKind, Settings};

/// Local correction with known errors.
pub(super) struct Local;

impl Correction for Local {
    fn key(&self) -> &'static str {
        "local"
    }

    fn description(&self) -> &'static str {
        "each cell set to what the ideal one does, from its known errors"
    }

    fn knows(&self) -> Knowledge {
        Knowledge::Errors
    }

    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError> {
        match (lab.process(), lab.errors()) {
            (Some(process), Some(errors)) => corrected(process, lab.program(), errors),
            _ => Ok(Found { settings: lab.start(), ..Found::default() }),
        }
    }
}

/// Phases to ask for, if these are the errors.
pub(super) fn corrected(
    process: &Process,
    program: &MatrixProgram,
    errors: &[Fabricated],
) -> Result<Found, HardwareError> {
    let nominal = Chip::nominal(process, program)?;
    let mut out_of_reach = 0;
    let mut wanted = Vec::with_capacity(errors.len());
    for ((section, errors), nominal) in program.sections().iter().zip(errors).zip(nominal.sections()) {
        let (mut phases, clipped) = match section.kind() {
            SectionKind::Mesh => mesh(section, errors),
            SectionKind::Attenuators => attenuators(section, errors, nominal),
        };
        for (phase, offset) in phases.values_mut().iter_mut().zip(errors.offsets.values()) {
            *phase -= offset;
        }
        out_of_reach += clipped;
        wanted.push(phases);
    }
    let found = before_crosstalk(process, program, wanted)?;
    Ok(Found { steps: found.steps.max(1), out_of_reach: Some(out_of_reach), ..found })
}

/// Phases that the shifters of a mesh should have, and the number of cells that miss their ratio.
fn mesh(section: &Section, errors: &Fabricated) -> (Settings, usize) {
    let (layout, asked) = (section.layout(), section.settings());
    let mut phases = asked.clone();
    let mut turn = vec![Complex64::new(1.0, 0.0); layout.modes];
    let mut clipped = 0;
    for (k, site) in layout.sites.iter().enumerate() {
        let (upper, lower) = (site.mode, site.mode + 1);
        let mut wanted = ideal(asked.theta()[k], asked.phi()[k]);
        for row in &mut wanted {
            row[0] *= turn[upper];
            row[1] *= turn[lower];
        }
        let found = match_ratio(&wanted, errors.cells[k]);
        clipped += usize::from(!found.reached);
        phases.set_cell(k, found.theta, found.phi);
        let made = transfer(found.theta, found.phi, errors.cells[k]);
        (turn[upper], turn[lower]) = (left_over(&made, &wanted, 0), left_over(&made, &wanted, 1));
    }
    for (mode, turn) in turn.into_iter().enumerate() {
        phases.set_output(mode, wrap(asked.output()[mode] + turn.arg()));
    }
    (phases, clipped)
}

/// The phase that a row still lacks: of the inner product of both, which is robust where an entry is dark.
fn left_over(made: &Transfer, wanted: &Transfer, row: usize) -> Complex64 {
    let overlap = made[row][0].conj() * wanted[row][0] + made[row][1].conj() * wanted[row][1];
    let size = overlap.norm();
    if size > 0.0 { overlap / size } else { Complex64::new(1.0, 0.0) }
}

/// The same for attenuators. As much light is asked for as the cell of the design lets pass: their common loss is
/// undone by the gain.
fn attenuators(section: &Section, errors: &Fabricated, nominal: &Fabricated) -> (Settings, usize) {
    let asked = section.settings();
    let mut phases = asked.clone();
    let mut clipped = 0;
    for (k, (errors, nominal)) in errors.cells.iter().zip(&nominal.cells).enumerate() {
        let open = (nominal.upper + nominal.lower) / 2.0;
        let wanted = ideal(asked.theta()[k], asked.phi()[k])[0][0] * open;
        let found = match_transmission(wanted, *errors);
        clipped += usize::from(!found.reached);
        phases.set_cell(k, found.theta, found.phi);
    }
    (phases, clipped)
}
