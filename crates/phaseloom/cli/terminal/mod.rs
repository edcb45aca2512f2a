//! Parts that the commands share: output, files of results, error texts, interruption.

pub mod error_text;
pub mod interrupt;
pub mod output;
pub mod results;
