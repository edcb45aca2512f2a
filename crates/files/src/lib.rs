//! Files and no light: reading text with limits, writing atomically, TOML and JSON with errors that name the line and
//! the nearest key, tables of text.

mod error;
mod memory;
mod strict;
mod text;
mod text_table;
pub mod toml_file;

pub use error::FileError;
pub use memory::require_memory;
pub use strict::{by_key, json_by_key, list_of_tables};
pub use text::{read_text, read_text_up_to, write_atomically};
pub use text_table::{Column, TextTable};
