//! The samples of a training: the share that validates, tasks and what is replayed of them, wrong labels, shifted copies.

pub mod augment;
pub mod clean;
pub mod inputs;
pub mod tasks;
