//! The 2×2 cells of a mesh: kinds, transfer matrices, and phases under fabrication errors.
//!
//! `mzi.rs` fixes every sign convention, `kind.rs` lists the kinds of cell, `solve.rs` corrects a cell with errors.

pub(crate) mod kind;
pub(crate) mod mzi;
pub(crate) mod solve;
pub(crate) mod transfers;

pub use kind::{CELLS, Cell, CellPart, INTERFEROMETERS};
pub use mzi::*;
pub use solve::{CellSolution, match_ratio, match_transmission};
