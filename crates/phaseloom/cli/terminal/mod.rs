//! Parts that the commands share: output, files of results, error texts, interruption, limits of the system.

pub mod error_text;
pub mod interrupt;
pub mod output;
pub mod results;
pub mod system;
