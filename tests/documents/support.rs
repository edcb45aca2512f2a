//! Helpers of all modules: the blocks of a document, running programs and scripts, copies of folders. No tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub const README: &str = include_str!("../../README.md");
pub const EXAMPLES: &str = include_str!("../../examples/README.md");

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks of a document: information string and text.
pub fn blocks(document: &str) -> Vec<(&str, &str)> {
    let fenced = document.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap_or((block, ""))).collect()
}

/// The first block with this information string.
pub fn block<'a>(document: &'a str, info: &str) -> &'a str {
    let found = blocks(document).into_iter().find(|(key, _)| *key == info);
    found.unwrap_or_else(|| panic!("no block `{info}`")).1
}

/// Commands of the sh blocks, each with the text block after it, if there is one.
pub fn commands(document: &str) -> Vec<(&str, Option<&str>)> {
    let blocks = blocks(document);
    let mut found = Vec::new();
    for (i, (_, text)) in blocks.iter().enumerate().filter(|(_, (info, _))| *info == "sh") {
        found.extend(text.lines().map(|line| (line, None)));
        let printed = blocks.get(i + 1).filter(|(info, _)| *info == "text").map(|(_, text)| *text);
        found.last_mut().expect("a command in every block").1 = printed;
    }
    found
}

#[track_caller]
pub fn same(document: &str, found: &str) {
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned();
    assert_eq!(
        trimmed(document),
        trimmed(found),
        "\n--- the document says\n{document}\n--- the program prints\n{found}"
    );
}

/// Waits for the end, which must be a success; stdout and stderr.
#[track_caller]
fn output(command: &mut Command) -> [String; 2] {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {err}");
    [out, err]
}

#[track_caller]
pub fn phaseloom(folder: &Path, arguments: &[&str]) -> [String; 2] {
    let [out, err] = output(Command::new(env!("CARGO_BIN_EXE_phaseloom")).current_dir(folder).args(arguments));
    // Lists, and processes with their comments, are not results.
    if !["list", "preset", "spectra"].contains(&arguments[0]) {
        let too_wide = out.lines().find(|line| line.chars().count() > 80);
        assert!(too_wide.is_none(), "{arguments:?} prints more than 80 columns: {}", too_wide.unwrap_or_default());
    }
    [out, err]
}

/// The sentences that end the results of a run: all after the last blank line.
pub fn conclusion(printed: &str) -> &str {
    printed.trim_end().rsplit("\n\n").next().unwrap_or_default()
}

/// The folder of the program under test.
pub fn binaries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_phaseloom")).parent().expect("a folder of the binary").to_owned()
}

#[track_caller]
pub fn python(folder: &Path, script: &str) -> String {
    let [out, _] = output(Command::new("python3").current_dir(folder).args(["-c", script]));
    out
}

/// Whether python3 can import these modules; says so where it cannot.
pub fn python_has(modules: &str) -> bool {
    let found = Command::new("python3").args(["-c", &format!("import {modules}")]).output();
    let there = found.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("skipped: python3 cannot import {modules}");
    }
    there
}

/// The output of an example. `cargo test` builds the examples together with the tests.
pub fn example(name: &str) -> String {
    let source = root().join("examples").join(format!("{name}.rs"));
    let own = std::env::current_exe().expect("the path of this test");
    let folder = own.ancestors().nth(2).expect("target/<profile>").join("examples");
    let binary = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let modified = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified());
    let built = modified(&binary).unwrap_or_else(|e| panic!("{}: {e}; run `cargo build --examples`", binary.display()));
    assert!(built >= modified(&source).unwrap(), "{name} is older than its source: run `cargo build --examples`");
    let [out, _] = output(&mut Command::new(binary));
    out
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// A copy of the examples, so that nothing is written into the repository.
pub fn sandbox() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("examples"), &folder.path().join("examples"));
    folder
}
