//! What commands print: results as text, JSON and CSV, aligned tables, long lines broken at spaces.

pub mod numbers;
pub mod results;
pub mod text_table;
pub mod wrap;
