#![doc = include_str!("../README.md")]

mod bytes;
mod checks;
mod csv_table;
mod error;
mod error_text;
mod kind;
mod matrix;
mod memory;
mod missing;
pub mod npy;
mod printed;
mod relative;
mod strict;
mod text;
mod toml_file;
pub mod usage;

pub use bytes::{FileBytes, InputFiles, hex, read_bytes, read_bytes_up_to, sha256};
pub use checks::{Alias, at_least, between, canonical, find, folded, positive, spread_rad, within};
pub use csv_table::CsvTable;
pub use error::{FileError, InvalidValue};
pub use error_text::{nearest, short_number};
pub use kind::{kind_of_file, other_kind};
pub use matrix::{has_matrix_ending, parse_matrix, read_matrix, touchstone_ports, write_matrix_file};
pub use memory::{address_space, require_memory};
pub use npy::{Reals, is_npy, write_matrix, write_real_matrix};
pub use printed::numbers::{decimal, power, ratio, significant, transmission};
pub use printed::results::{ColumnText, ResultFormat, ResultTable, ResultValue, Results, shortest};
pub use printed::text_table::{Column, TextTable};
pub use printed::wrap::{WIDTH, wrap};
pub use relative::relative_path;
pub use strict::{KindNames, deserialize_strict, from_json_strict, list_of_tables, parse_json, read_json, to_json};
pub use text::write::{remove_stale_parts, write_atomically, write_together};
pub use text::{
    check_input_folder, check_not_input, check_output, check_output_folder, check_replaced, check_replaced_text,
    observe_reads, read_text, read_text_up_to, read_up_to,
};
pub use toml_file::{line_of_key, locate, parse_toml, read_toml};
