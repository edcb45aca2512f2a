//! Tables of results, as CSV files and for the terminal.

mod axes;
mod classes;
pub mod conclusion;
pub mod table;
mod terminal;
