//! Sends fields through a mesh.

pub(crate) mod chains;
pub(crate) mod circuit;
pub(crate) mod fields;
pub(crate) mod trace;
