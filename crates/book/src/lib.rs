//! Runs the blocks of the pages of the book checks links, and generates tables of keys. A tool of development.

mod keys;
mod links;
mod page;
mod regions;
mod run;

pub use keys::{keys, schemas};
pub use links::{check_links, check_summary};
pub use page::{Block, Page, Run, Step};
pub use regions::{compare, renewed};
pub use run::{Findings, run_pages};
