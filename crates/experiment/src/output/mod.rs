//! Tables of results, as files and on the terminal.

pub mod statistics;
pub mod table;
mod terminal;
