//! Tables of results, as files and on the terminal.

pub mod table;
mod terminal;
