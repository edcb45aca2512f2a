//! Tables of results, as CSV files and for the terminal.

mod axes;
pub mod conclusion;
pub mod table;
mod terminal;
