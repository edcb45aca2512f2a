//! Every command of the examples and of CONTRIBUTING runs and ends as the document says.

use super::support::{EXAMPLES, commands, conclusion, example, phaseloom, same, sandbox};
use phaseloom::hardware::preset;
use std::path::Path;

/// Commands of the gate: this test runs inside one of them.
const GATE: [&str; 3] =
    ["cargo test --workspace", "cargo fmt --all --check", "cargo clippy --workspace --all-targets -- -D warnings"];

fn edit(path: &Path, change: impl Fn(String) -> String) {
    std::fs::write(path, change(std::fs::read_to_string(path).unwrap())).unwrap();
}

/// Whether a file needs outside data that are not there; says so.
fn lacks_data(path: &Path) -> bool {
    let needs = std::fs::read_to_string(path).unwrap().contains("= \"$PHASELOOM_DATA/");
    let lacks = needs && std::env::var_os("PHASELOOM_DATA").is_none();
    if lacks {
        eprintln!("skipped: {} needs PHASELOOM_DATA", path.display());
    }
    lacks
}

/// Runs a command of a document in a copy of the examples; its output, if the document has it.
fn run_documented(sandbox: &Path, command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(' ').collect();
    let arguments: &[&str] = match words[..] {
        _ if GATE.contains(&command) => return None,
        ["cargo", "run", "--example", name] => return Some(example(name)),
        ["phaseloom", "run" | "train", file, ..] if lacks_data(&sandbox.join(file)) => return None,
        ["phaseloom", "run", file] if file.starts_with("examples/mnist/") => {
            edit(&sandbox.join(file), |text| {
                // Two documents may name the same command.
                let text = text.replace("[data]\nsamples = 256", "[data]").replace("[data]", "[data]\nsamples = 256");
                text.replace("correction_effort = 0.1", "correction_effort = 0.002")
                    .replace("0.01, 0.03, ", "")
                    .replace("[0.05, 0.1, 0.15]", "[0.1]")
                    .replace("\"self_configuration\", ", "")
            });
            // Of the reduced run nothing is printed in a document.
            &["run", file, "--trials", "1"]
        }
        ["phaseloom", "run", _] => {
            let [out, _] = phaseloom(sandbox, &words[1..]);
            return Some(out);
        }
        ["phaseloom", "train", file, "--overwrite"] => {
            edit(&sandbox.join(file), |text| {
                let (head, tail) = text.split_once("\nepochs = ").expect("a number of epochs");
                let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{head}\nepochs = 1{tail}").replace("\n[train]", "\n[train]\nsamples = 100")
            });
            &words[1..]
        }
        ["phaseloom", "spectra", file] => {
            let data = std::env::var_os("PHASELOOM_DATA");
            if data.is_some_and(|folder| Path::new(&folder).join("photonic-components").is_dir()) {
                let [printed, _] = phaseloom(sandbox, &words[1..]);
                same(preset("siepic-measured").unwrap().text, &printed);
            } else {
                eprintln!("skipped: {file} needs photonic-components in PHASELOOM_DATA");
            }
            return None;
        }
        _ => panic!("a document has the command `{command}`, which this test does not know: teach it to"),
    };
    phaseloom(sandbox, arguments);
    None
}

#[test]
fn every_command_runs_and_ends_as_the_document_says() {
    let folder = sandbox();
    for document in [EXAMPLES, include_str!("../../CONTRIBUTING.md")] {
        for (command, said) in commands(document) {
            let Some(printed) = run_documented(folder.path(), command) else { continue };
            let said = said.unwrap_or_else(|| panic!("no printed result after `{command}`"));
            // The document has the last sentences of an experiment, and the full output of an example.
            same(said, if command.starts_with("phaseloom run") { conclusion(&printed) } else { &printed });
        }
    }
}
