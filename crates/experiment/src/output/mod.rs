//! Tables of results, as CSV files and for the terminal.

pub mod statistics;
pub mod table;
mod terminal;
