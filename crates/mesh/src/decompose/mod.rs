//! Decompositions: from a matrix to the phases of a mesh, one file per algorithm.

pub(crate) mod clements;
pub(crate) mod contraction;
pub(crate) mod fit;
pub(crate) mod fuse;
pub(crate) mod match_cells;
pub(crate) mod nulling;
pub(crate) mod reck;
pub(crate) mod unitary;
