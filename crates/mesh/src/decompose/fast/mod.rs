//! Decompositions that are faster for generic matrices.

pub(crate) mod null_vectors;
pub(crate) mod projections;
