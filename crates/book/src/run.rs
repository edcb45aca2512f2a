//! Runs the steps of pages, each page in an empty folder of its own.

use crate::page::{Block, Page, Run};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A page should run in less time [s].
const MAX_PAGE_S: f64 = 20.0;

/// What the pages showed.
#[derive(Debug, Default)]
pub struct Findings {
    /// Blocks that do not do what the page says, each with page and line.
    pub failures: Vec<String>,
    /// Blocks that were not run and pages that took long.
    pub notes: Vec<String>,
}

impl Findings {
    fn append(&mut self, mut other: Self) {
        self.failures.append(&mut other.failures);
        self.notes.append(&mut other.notes);
    }
}

/// Runs all pages, several at a time. `binaries` is the folder of `phaseloom`, which is put before the `PATH`.
#[must_use]
pub fn run_pages(pages: &[PathBuf], binaries: Option<&Path>) -> Findings {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(pages.len());
    let work = || {
        while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
            let findings = run_page(page, binaries);
            all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((page, findings));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut all = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.sort_by_key(|(page, _)| *page);
    let mut findings = Findings::default();
    all.into_iter().for_each(|(_, own)| findings.append(own));
    findings
}

/// What a block printed and how it ended.
struct Printed {
    out: String,
    err: String,
    success: bool,
}

/// The folder of a page and the programs that its blocks find.
struct Place {
    folder: tempfile::TempDir,
    path: OsString,
}

impl Place {
    fn new(binaries: Option<&Path>) -> std::io::Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = binaries.map(Path::to_owned).into_iter().chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders).map_err(std::io::Error::other)?;
        Ok(Self { folder: tempfile::tempdir()?, path })
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Result<Printed, String> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env("PATH", &self.path).stdin(Stdio::null());
        // A page has no data but its own, and prints without colours.
        command.env_remove("PHASELOOM_DATA").env("NO_COLOR", "1").env_remove("COLUMNS");
        let output = command.output().map_err(|error| format!("{program}: {error}"))?;
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Printed { out, err, success: output.status.success() })
    }
}

fn run_page(path: &Path, binaries: Option<&Path>) -> Findings {
    let start = Instant::now();
    let mut findings = Findings::default();
    let page = match Page::read(path) {
        Ok(page) => page,
        Err(reason) => {
            findings.failures.push(reason);
            return findings;
        }
    };
    let place = match Place::new(binaries) {
        Ok(place) => place,
        Err(error) => {
            findings.failures.push(format!("{}: no folder for its blocks: {error}", path.display()));
            return findings;
        }
    };
    // `None` after a block that was skipped.
    let mut printed = None;
    let mut missing = None;
    for step in &page.steps {
        let at = format!("{}:{}", path.display(), step.line);
        match run_step(&step.run, &place, &mut printed) {
            Ok(None) => {}
            Ok(Some(reason)) => {
                missing = missing.or(matches!(step.run, Run::Python { .. }).then_some(step.line));
                findings.notes.push(format!("{at}: skipped: {reason}"));
            }
            Err(_) if missing.is_some() => {
                let line = missing.unwrap_or_default();
                findings
                    .notes
                    .push(format!("{at}: skipped with the rest of the page: it needs the block of line {line}"));
                break;
            }
            Err(reason) => {
                findings.failures.push(format!("{at}: {reason}"));
                // Blocks after a command that failed would fail too.
                if !matches!(step.run, Run::Output(_) | Run::Parse(_)) {
                    break;
                }
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    if seconds > MAX_PAGE_S {
        findings.notes.push(format!("{}: took {seconds:.0} s, more than {MAX_PAGE_S} s", path.display()));
    }
    findings
}

/// Runs a step; the reason if it was skipped.
fn run_step(run: &Run, place: &Place, printed: &mut Option<(Printed, bool)>) -> Result<Option<String>, String> {
    match run {
        Run::Setup(commands) => {
            ended(&place.output("sh", &["-euc", commands])?, commands, false)?;
        }
        Run::Shell { commands, fails } => {
            let found = place.output("sh", &["-euc", commands])?;
            ended(&found, commands, *fails)?;
            *printed = Some((found, *fails));
        }
        Run::Python { script, needs, fails } => {
            let import = format!("import {needs}");
            if !place.output("python3", &["-c", &import]).is_ok_and(|found| found.success) {
                *printed = None;
                return Ok(Some(format!("python3 cannot import {needs}")));
            }
            let found = place.output("python3", &["-c", script])?;
            ended(&found, script, *fails)?;
            *printed = Some((found, *fails));
        }
        Run::File { name, block } => {
            parses(block)?;
            let file = place.folder.path().join(name);
            let folder = file.parent().unwrap_or(&file);
            let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, &block.text));
            written.map_err(|error| format!("{name}: {error}"))?;
        }
        Run::Output(said) => {
            let Some((found, fails)) = &printed else { return Ok(None) };
            let found = if *fails { &found.err } else { &found.out };
            if !matches(said, found) {
                return Err(format!(
                    "the block above prints something else\n--- the page says\n{said}--- it prints\n{found}"
                ));
            }
        }
        Run::Parse(block) => parses(block)?,
        Run::Skip(reason) => {
            *printed = None;
            return Ok(Some(reason.clone()));
        }
    }
    Ok(None)
}

/// Whether a block ended as its page says.
fn ended(found: &Printed, block: &str, fails: bool) -> Result<(), String> {
    if found.success != fails {
        return Ok(());
    }
    let says = if fails { "succeeds, but the page says that it fails" } else { "fails" };
    Err(format!(
        "the block {says}\n--- block\n{}\n--- standard output\n{}--- standard error\n{}",
        block.trim_end(),
        found.out,
        found.err
    ))
}

/// Whether settings are readable. A block of JSON with `…` is an extract.
fn parses(block: &Block) -> Result<(), String> {
    match block.info.as_str() {
        "toml" => block.text.parse::<toml::Table>().map(drop).map_err(|error| format!("no TOML: {error}")),
        "json" if !block.text.contains('…') => serde_json::from_str::<serde_json::Value>(&block.text)
            .map(drop)
            .map_err(|error| format!("no JSON: {error}")),
        _ => Ok(()),
    }
}

/// Whether a text is what a page says, trailing spaces aside. A line `…` of the page is any number of lines.
fn matches(said: &str, found: &str) -> bool {
    let lines =
        |text: &str| -> Vec<String> { text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect() };
    let (said, found) = (lines(said), lines(found));
    let mut parts = said.split(|line| line.trim() == "…");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else { return false };
    let mut open = false;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        open = parts.peek().is_none() && part.is_empty();
        let last = parts.peek().is_none();
        let at = if part.is_empty() {
            Some(0)
        } else if last {
            rest.len().checked_sub(part.len()).filter(|at| rest[*at..] == *part)
        } else {
            rest.windows(part.len()).position(|window| window == part)
        };
        let Some(at) = at else { return false };
        rest = &rest[at + part.len()..];
    }
    open || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_any_number_of_lines() {
        assert!(matches("a  \nb\n", "a\nb   \n\n"));
        assert!(!matches("a\n", "a\nb\n"));
        assert!(matches("a\n…\n", "a\nb\nc\n"));
        assert!(matches("a\n…\n", "a\n"));
        assert!(matches("…\nc\n", "a\nc\nb\nc\n"));
        assert!(matches("a\n…\nc\n…\ne", "a\nb\nc\nd\ne"));
        assert!(!matches("a\n…\nc\n…\ne", "a\nb\nd\ne"));
        assert!(!matches("a\n…\na\n", "a\n"));
        assert!(matches("…\n…\nb\n", "a\nb"));
    }

    fn page(text: &str) -> Findings {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.md");
        std::fs::write(&path, text).unwrap();
        run_pages(&[path], None)
    }

    #[test]
    fn a_page_runs_in_order_in_one_folder() {
        let found = page(
            "<!-- file: a/x.csv -->\n```csv\n1,2\n```\n\n```sh\ncat a/x.csv\necho done > b\n```\n<!-- output -->\n```text\n1,2\n```\n\
             <!-- errors -->\n```sh\ncat b >&2\nfalse\ntrue\n```\n<!-- output -->\n```text\ndone\n```\n\
             <!-- reduced: touch long -->\n```sh\nsleep 1000\n```\n```sh\ntest -f long\n```\n<!-- skip: no cluster -->\n```sh\nsbatch\n```\n",
        );
        assert!(found.failures.is_empty(), "{:?}", found.failures);
        assert_eq!(found.notes.len(), 1);
        assert!(found.notes[0].contains("page.md:32: skipped: no cluster"), "{:?}", found.notes);
    }

    #[test]
    fn a_block_that_needs_a_skipped_one_is_no_failure() {
        let text = "<!-- needs: no_such_module -->\n```python\n```\n```sh\ntest -f made-by-python\n```\n";
        let found = page(text);
        assert!(found.failures.is_empty() && found.notes.len() == 2, "{found:?}");
    }

    #[test]
    fn failures_name_page_line_and_what_was_printed() {
        let found = page(
            "\n```sh\necho x\n```\n<!-- output -->\n```text\ny\n```\n```sh\necho seen; exit 3\n```\n```toml\na b\n```\n",
        );
        assert_eq!(found.failures.len(), 2, "{:?}", found.failures);
        assert!(found.failures[0].contains("page.md:6: ") && found.failures[0].contains("it prints\nx"));
        assert!(found.failures[1].contains("page.md:9: ") && found.failures[1].contains("seen"));
    }
}
