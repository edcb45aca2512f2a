//! The conventions of other programs and papers, both ways. A new one is one line in [`CONVENTIONS`].
//!
//! What all cells of two 50:50 splitters share is `B(θ) = S·P(θ)·S`. They differ in phases before and behind it, in what
//! they call θ and on which of the four ports φ stands. So a mesh in any convention is the same `B(θ)` in the same places,
//! with phases on the waveguides between them ([`Waveguides`]); a convention says which phases its cells take up, and where
//! the rest stands, the phase screen. Two facts move phases (derived):
//!
//! * a phase common to both inputs of a cell comes out at both outputs: `B·e^{ix} = e^{ix}·B`;
//! * of the phases at its inputs (or outputs) a cell with φ there takes up the difference.
//!
//! A cell with φ before its splitters therefore passes what it cannot take up on to the next one, and the screen stands
//! behind the mesh; with φ behind them it goes the other way. Without φ (Bell–Walmsley) every cell takes up common phases of
//! its inputs and of its outputs, and a phase is left at one end of each path of waveguides.
//!
//! ```
//! use phaseloom_mesh::{ConvertedMesh, convention};
//! use phaseloom_mesh::{Form, MatrixProgram, StreamKey, haar_unitary, topology};
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
mod splitter;
mod waveguides;

pub use bell_walmsley::BellWalmsley;
pub use file::{ConvertedProgram, load};
pub use mesh::{ConvertedCell, ConvertedMesh, ScreenPhase};
pub use outer_phase::OuterPhase;
pub use splitter::amplitude_from_splitter_error;
pub use waveguides::{Dressed, Waveguides};

use crate::cell::mzi::Transfer;
use crate::error::MeshError;
use crate::layout::CellPosition;

/// A meaning of the two phases of a cell, and a place for the phase screen.
pub trait Convention: Send + Sync + std::fmt::Debug {
    /// The name in files and on the command line.
    fn key(&self) -> &'static str;

    /// One line for `phaseloom list`.
    fn description(&self) -> &'static str;

    /// What a file calls the two phases of a cell.
    fn names(&self) -> [&'static str; 2] {
        ["theta", "phi"]
    }

    /// The definition: the 2×2 matrix of the cell at `position` in a mesh of `modes` ports, phases in rad.
    fn cell(&self, position: CellPosition, modes: usize, phases: [f64; 2]) -> Transfer;

    /// The same cell as `B(θ)` with phases around it.
    fn dress(&self, position: CellPosition, modes: usize, phases: [f64; 2]) -> Dressed;

    /// Gives the phases of the waveguides to the cells, as far as they can take them: two phases (rad) of each cell, and
    /// the screen, sorted by column, then mode.
    fn settle(&self, waveguides: &Waveguides) -> (Vec<[f64; 2]>, Vec<ScreenPhase>);
}

/// Every convention there is, besides our own.
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

/// Finds a convention by its key.
///
/// # Errors
///
/// [`MeshError::UnknownConvention`] with the keys that exist.
pub fn convention(key: &str) -> Result<&'static dyn Convention, MeshError> {
    CONVENTIONS.into_iter().find(|c| c.key() == key).ok_or_else(|| MeshError::UnknownConvention {
        found: key.to_owned(),
        known: CONVENTIONS.map(Convention::key).join(", "),
    })
}

/// A phase (rad) in [0, 2π), for a heater. What is within 2e-14 of a full turn is none: rounding is not worth 2π of heat.
fn heater(phase: f64) -> f64 {
    let turned = phase.rem_euclid(std::f64::consts::TAU);
    if turned < 2e-14 || std::f64::consts::TAU - turned < 2e-14 { 0.0 } else { turned }
}

#[cfg(test)]
mod tests;
