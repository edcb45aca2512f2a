//! Tables of results, as CSV files and for the terminal.

mod axes;
mod axis_names;
mod classes;
pub mod columns;
pub mod conclusion;
mod matrix_table;
mod matrix_terminal;
mod student;
pub mod summary;
pub mod table;
pub mod terminal;
mod wide;
