//! Runs the blocks of the pages of the book and checks links. A tool of development.

mod links;
mod page;
mod run;

pub use links::{check_links, check_summary};
pub use page::{Block, Page, Run, Step};
pub use run::{Findings, run_pages};
