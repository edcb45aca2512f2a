//! The phase conventions of other programs and papers, converted both ways. A new one is one line in [`CONVENTIONS`].
//!
//! All cells with two 50:50 splitters share `B(θ) = S·P(θ)·S`. They differ in the phases before and after it, in the
//! definition of θ, and in the port of φ. So a mesh in any convention is the same `B(θ)` at the same positions, with phases
//! on the waveguides between them ([`Waveguides`]). A convention defines which phases its cells absorb, and the position of
//! the remainder, the phase screen. Two facts move phases (derived here):
//!
//! * A phase common to both inputs of a cell appears at both outputs: `B·e^{ix} = e^{ix}·B`.
//! * A cell with φ at its inputs (or outputs) absorbs the difference of the phases there.
//!
//! So a cell with φ before its splitters passes the remainder on to the next cell, and the phase screen is after the mesh.
//! With φ after the splitters, the screen is before the mesh. Without φ (Bell–Walmsley), every cell absorbs the phases
//! common to its inputs and to its outputs, and one phase remains at an end of each path of waveguides.
//!
//! ```
//! use phaseloom_mesh::convention::{ConvertedMesh, convention};
//! use phaseloom_mesh::{Form, MatrixProgram, topology};
//! use phaseloom_numerics::{StreamKey, haar_unitary};
//!
//! let u = haar_unitary(5, &mut StreamKey::new(1, "example").stream());
//! let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
//! let theirs = ConvertedMesh::new(&program.stages()[0], convention("clements")?);
//! assert!((theirs.matrix() - &u).norm() < 1e-13 * 5.0);
//! assert!(theirs.cells.iter().all(|cell| (0.0..=std::f64::consts::FRAC_PI_2).contains(&cell.phases[0])));
//! # Ok::<(), phaseloom_mesh::MeshError>(())
//! ```

mod bell_walmsley;
mod file;
mod mesh;
mod outer_phase;
mod splitter_table;
mod waveguides;

pub use crate::program::file_parts::ScreenPhase;
pub use bell_walmsley::BellWalmsley;
pub use file::{ConvertedProgram, load, parse};
pub use mesh::{ConvertedCell, ConvertedMesh};
pub use outer_phase::OuterPhase;
pub use waveguides::{CellFactors, Waveguides};

use crate::error::MeshError;
use crate::layout::CellPosition;
use phaseloom_files::{Alias, find};
use std::f64::consts::TAU;

/// A definition of the two phases of a cell, and of the position of the phase screen.
pub trait Convention: Send + Sync + std::fmt::Debug {
    /// The name in files and on the command line.
    fn key(&self) -> &'static str;

    /// One line for `phaseloom explain`.
    fn description(&self) -> &'static str;

    /// The names of the two phases of a cell in a file.
    fn names(&self) -> [&'static str; 2] {
        ["theta", "phi"]
    }

    /// The definition: the cell at `position` in a mesh of `modes` ports as `B(θ)` with phases around it.
    fn factors(&self, position: CellPosition, modes: usize, phases: [f64; 2]) -> CellFactors;

    /// Distributes the phases of the waveguides: two phases (rad) of each cell, and the phase screen, sorted by column, then
    /// mode.
    ///
    /// # Panics
    ///
    /// If the lists of the waveguides do not have one entry per cell, or per output, or a cell is outside of the modes.
    fn distribute(&self, waveguides: &Waveguides) -> (Vec<[f64; 2]>, Vec<ScreenPhase>);
}

/// All conventions, except for that of Phaseloom itself.
pub static CONVENTIONS: [&dyn Convention; 11] = [
    &outer_phase::MACH_ZEHNDER,
    &outer_phase::CLEMENTS,
    &outer_phase::CLEMENTS_MIDDLE,
    &outer_phase::CLEMENTS_INVERSE,
    &outer_phase::HADAMARD,
    &outer_phase::BLOCH,
    &BellWalmsley,
    &outer_phase::UPPER_OUTPUT,
    &outer_phase::LOWER_OUTPUT,
    &outer_phase::PERCEVAL,
    &outer_phase::FANG,
];

/// Other names of conventions: of other programs, and of the meshes and cells in them.
pub const CONVENTION_ALIASES: &[Alias] = &[
    ("rectangular_symmetric", "mach_zehnder"),
    ("mzi_phase_first", "mach_zehnder"),
    ("rectangular_phase_end", "clements"),
    ("interferometer", "clements"),
    // Its interferometers are `rectangular` unless another mesh is chosen.
    ("strawberryfields", "clements_middle"),
    ("rectangular", "clements_middle"),
    ("reck", "clements_inverse"),
    ("triangular", "clements_inverse"),
    ("rectangular_compact", "bell_walmsley"),
    ("triangular_compact", "bell_walmsley"),
    ("bs_h", "hadamard"),
    ("neuroptica", "upper_output"),
    ("mzi_crossing_out_phase", "lower_output"),
    ("mzi_phase_last", "perceval"),
];

/// Finds a convention by its key or alias.
///
/// # Errors
///
/// [`MeshError::Unknown`] with the keys that exist.
pub fn convention(key: &str) -> Result<&'static dyn Convention, MeshError> {
    find("convention", CONVENTIONS, |convention| convention.key(), CONVENTION_ALIASES, key).map_err(MeshError::Unknown)
}

/// The phase (rad) of a heater in [0, 2π). A phase within 2e-14 of a multiple of 2π is 0, so that rounding costs no power.
fn heater_phase(phase: f64) -> f64 {
    let wrapped = phase.rem_euclid(TAU);
    if wrapped < 2e-14 || TAU - wrapped < 2e-14 { 0.0 } else { wrapped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_of_a_heater_is_from_zero_to_two_pi() {
        assert!([-1e-17, TAU, -3e-15, 0.0].into_iter().all(|phase| heater_phase(phase).to_bits() == 0));
        assert!((heater_phase(-1.0) - (TAU - 1.0)).abs() < 1e-15 && (heater_phase(7.0) - (7.0 - TAU)).abs() < 2e-15);
    }
}
