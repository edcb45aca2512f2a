//! `phaseloom-book PAGE…`: runs pages with the `phaseloom` on the `PATH` and checks their links.
#![allow(clippy::print_stdout)]

use phaseloom_book::{check_links, run_pages};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let pages: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if pages.is_empty() {
        println!("usage: phaseloom-book PAGE…");
        return ExitCode::from(2);
    }
    let findings = run_pages(&pages, None);
    let mut failures = findings.failures;
    failures.extend(check_links(&pages));
    for line in findings.notes.iter().chain(&failures) {
        println!("{line}");
    }
    println!("{} pages, {} failures", pages.len(), failures.len());
    ExitCode::from(u8::from(!failures.is_empty()))
}
