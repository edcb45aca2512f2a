//! The pages of the book and the README: every block runs as the page says, every link leads somewhere.

use super::support::{binaries, root};
use crate::texts::texts;
use phaseloom_book::{check_links, check_summary, run_pages};
use std::path::PathBuf;

/// All pages of the book, its table of contents aside.
fn book() -> Vec<PathBuf> {
    let mut pages = texts(&root().join("docs"), &["md"]);
    pages.retain(|page| !page.ends_with("SUMMARY.md"));
    pages
}

#[track_caller]
fn none(failures: &[String]) {
    assert!(failures.is_empty(), "{} failures\n\n{}\n", failures.len(), failures.join("\n\n"));
}

/// `BOOK_PAGE=how-to` runs the pages with this in their path alone.
#[test]
fn every_block_of_a_page_does_what_the_page_says() {
    let mut pages = book();
    pages.push(root().join("README.md"));
    if let Ok(part) = std::env::var("BOOK_PAGE") {
        pages.retain(|page| page.to_string_lossy().contains(&part));
    }
    let findings = run_pages(&pages, Some(&binaries()));
    findings.notes.iter().for_each(|note| eprintln!("{note}"));
    none(&findings.failures);
}

#[test]
fn every_relative_link_leads_somewhere() {
    none(&check_links(&texts(root(), &["md"])));
}

#[test]
fn the_table_of_contents_names_every_page() {
    none(&check_summary(&root().join("docs"), &book()));
}

/// Blocks of Rust run as documentation tests of the facade.
#[test]
fn every_page_with_rust_is_a_documentation_test() {
    let included = include_str!("../../crates/phaseloom/pages.rs");
    for page in book() {
        let path = page.strip_prefix(root()).unwrap().display().to_string();
        if std::fs::read_to_string(&page).unwrap().contains("```rust") {
            assert!(included.contains(&format!("{path}\"")), "crates/phaseloom/pages.rs does not include {path}");
        }
    }
}
