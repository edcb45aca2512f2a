//! The 2×2 cells that a mesh is built of.

pub(crate) mod kind;
pub(crate) mod mzi;
pub(crate) mod solve;
pub(crate) mod transfers;

pub use kind::{CELLS, Cell, INTERFEROMETERS};
pub use mzi::*;
pub use solve::{CellSolution, match_ratio, match_transmission};
