//! Tables of results, as CSV files and for the terminal.

pub mod conclusion;
pub mod table;
mod terminal;
