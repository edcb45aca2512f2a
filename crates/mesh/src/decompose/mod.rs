//! Decompositions: from a unitary to the phases of a mesh.

pub(crate) mod clements;
pub(crate) mod fast;
pub(crate) mod fit;
pub(crate) mod fuse;
pub(crate) mod match_cells;
pub(crate) mod nulling;
pub(crate) mod unitary;
