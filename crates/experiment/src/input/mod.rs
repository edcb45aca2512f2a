//! Experiment files and the grid of points that they span.

pub mod axis;
pub mod config;
pub mod files;
pub mod grid;
mod other_file;
pub mod subject;
pub(crate) mod tree;
