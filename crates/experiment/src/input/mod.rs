//! Experiment files and the grid of points that they span.

pub mod config;
pub mod files;
pub mod grid;
