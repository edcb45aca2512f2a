//! What commands share on the terminal: output, tables of results, error texts, interruption.

pub mod error_text;
pub mod interrupt;
pub mod output;
pub mod results;
