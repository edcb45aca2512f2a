//! Closed forms and published numbers that check the model.

pub mod closed_forms;
pub mod published;
