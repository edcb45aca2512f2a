//! Sends fields through a mesh.
//!
//! [`circuit`] compiles a stage to [`chains`] (the hot loop), [`column_block`] is the block of columns that it works
//! on, and [`fields`] is a batch of field vectors.

pub(crate) mod chains;
pub(crate) mod circuit;
pub(crate) mod column_block;
pub(crate) mod fields;
pub(crate) mod trace;
