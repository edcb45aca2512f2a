//! Tables of results, as CSV files and for the terminal.

mod axes;
mod classes;
pub mod conclusion;
mod matrix_table;
mod matrix_terminal;
pub mod table;
mod terminal;
