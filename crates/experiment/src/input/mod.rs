//! Experiment files, the grid of points that they span, and the files that they name.

pub(crate) mod activation;
pub mod axis;
pub mod calibration;
pub mod config;
pub mod cost;
pub mod criterion;
mod defaults;
pub mod expectation;
pub mod files;
mod given_chip;
pub mod grid;
pub mod network;
mod other_file;
mod place;
pub(crate) mod processes;
pub mod sensitivity;
pub mod sources;
pub mod subject;
pub mod tolerance;
pub(crate) mod tree;
