//! The blocks of the README and the committed results that it shows.

use super::support::{EXAMPLES, README, block, blocks, conclusion, copy, example, phaseloom, root, same, sandbox};
use std::path::Path;

#[test]
fn the_rust_block_of_the_readme_is_the_first_example_and_prints_what_it_says() {
    let source = include_str!("../../examples/01_program_a_unitary.rs");
    let (_, code) = source.split_once("#![allow(clippy::print_stdout)]\n").unwrap();
    let blocks = blocks(README);
    let at = blocks.iter().position(|(info, _)| *info == "rust").unwrap();
    same(blocks[at].1, code);
    same(blocks[at + 1].1, &example("01_program_a_unitary"));
}

/// The text block after a mark.
fn text_after<'a>(document: &'a str, mark: &str) -> &'a str {
    block(document.split_once(mark).unwrap().1, "text")
}

/// A finished run prints its table again without computing anything.
#[test]
fn the_mnist_table_is_that_of_the_committed_results() {
    let results = root().join("results/mnist");
    if !results.join("identity.json").exists() {
        eprintln!("skipped: results/mnist is not there yet");
        return;
    }
    let folder = sandbox();
    copy(&results, &folder.path().join("results/mnist"));
    let [printed, said] = phaseloom(folder.path(), &["run", "examples/mnist/experiment.toml", "-o", "results/mnist"]);
    assert!(said.contains("nothing was computed"));
    let mut rest = printed.as_str();
    for line in text_after(README, "<!-- MNIST-OUTPUT -->").lines().filter(|line| !line.trim().is_empty()) {
        let at = rest.find(line.trim()).unwrap_or_else(|| panic!("not printed: `{line}`; the run prints\n{printed}"));
        rest = &rest[at..];
    }
    same(text_after(EXAMPLES, "<!-- mnist:result -->"), conclusion(&printed));
    // Not the PNG: another processor may rasterise it otherwise in the last bit.
    for name in ["table.csv", "summary.csv", "design.csv", "run.json", "figure.svg"] {
        let bytes = |folder: &Path| std::fs::read(folder.join("results/mnist").join(name)).unwrap();
        assert_eq!(bytes(folder.path()), bytes(root()), "results/mnist/{name} is not what its units make");
    }
}

#[test]
fn the_drawn_mesh_is_that_of_its_program() {
    let folder = tempfile::tempdir().unwrap();
    let mesh = root().join("results/mesh");
    std::fs::copy(mesh.join("program.json"), folder.path().join("program.json")).unwrap();
    phaseloom(folder.path(), &["draw", "program.json", "--input", "0", "-o", "mesh.svg"]);
    let drawn = |folder: &Path| std::fs::read_to_string(folder.join("mesh.svg")).unwrap();
    same(&drawn(&mesh), &drawn(folder.path()));
}
