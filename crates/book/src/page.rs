//! A page of Markdown as the steps that its test runs.

use std::path::{Path, PathBuf};

/// A page and its steps, in order.
#[derive(Debug)]
pub struct Page {
    /// The file that was read.
    pub path: PathBuf,
    /// All steps in the order of the page.
    pub steps: Vec<Step>,
}

/// One step, with the line of the page on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// Line of the fence or the comment, from 1.
    pub line: usize,
    /// What is done.
    pub run: Run,
}

/// What is done for a block or a comment.
#[derive(Debug, PartialEq, Eq)]
pub enum Run {
    /// Hidden commands of a shell.
    Setup(String),
    /// A block that is written to a file.
    File {
        /// Path in the folder of the page.
        name: String,
        /// The block.
        block: Block,
    },
    /// A block of a shell.
    Shell {
        /// The commands, those of `reduced` if there are some.
        commands: String,
        /// Whether it must fail.
        fails: bool,
    },
    /// A block of Python.
    Python {
        /// The script.
        script: String,
        /// Modules that it imports, separated by commas.
        needs: String,
        /// Whether it must fail.
        fails: bool,
    },
    /// What the block above must have printed.
    Output(String),
    /// A block of settings that must be readable.
    Parse(Block),
    /// A block that is not run.
    Skip(String),
}

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The information string, such as `toml`.
    pub info: String,
    /// The lines, each with its end.
    pub text: String,
}

/// The languages of blocks.
const LANGUAGES: [&str; 8] = ["sh", "text", "toml", "json", "csv", "python", "rust", "bibtex"];

/// The words that begin a comment before a block.
const WORDS: [&str; 6] = ["file", "output", "errors", "reduced", "skip", "needs"];

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    ///
    /// The line and the reason, if a file cannot be read, a fence is not closed, or a comment or a language is unknown.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let steps = steps(&text).map_err(|(line, reason)| format!("{}:{line}: {reason}", path.display()))?;
        Ok(Self { path: path.to_owned(), steps })
    }
}

/// A comment `<!-- word: rest -->` of one line.
fn comment(line: &str) -> Option<(&str, &str)> {
    let inner = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    let (word, rest) = inner.split_once(':').unwrap_or((inner, ""));
    Some((word.trim(), rest.trim()))
}

/// The line without the indentation of its fence.
fn without_indentation(line: &str, indentation: usize) -> &str {
    let spaces = line.len() - line.trim_start_matches(' ').len();
    &line[spaces.min(indentation)..]
}

fn steps(text: &str) -> Result<Vec<Step>, (usize, String)> {
    let mut steps = Vec::new();
    let mut comments: Vec<(&str, &str)> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let number = index + 1;
        let trimmed = line.trim_start();
        if let Some((word, rest)) = comment(line) {
            if word == "setup" {
                steps.push(Step { line: number, run: Run::Setup(rest.to_owned()) });
            } else {
                comments.push((word, rest));
            }
            continue;
        }
        let ticks = trimmed.len() - trimmed.trim_start_matches('`').len();
        if ticks < 3 {
            comments.clear();
            continue;
        }
        let (fence, info) = trimmed.split_at(ticks);
        let indentation = line.len() - trimmed.len();
        let mut block = Block { info: info.trim().to_owned(), text: String::new() };
        loop {
            let Some((_, line)) = lines.next() else {
                return Err((number, "the block is not closed".to_owned()));
            };
            if line.trim() == fence {
                break;
            }
            block.text += without_indentation(line, indentation);
            block.text.push('\n');
        }
        let run = step(block, &comments).map_err(|reason| (number, reason))?;
        steps.extend(run.map(|run| Step { line: number, run }));
        comments.clear();
    }
    Ok(steps)
}

/// How a block is run under the comments before it; `None` for a block that is only read by people.
fn step(block: Block, comments: &[(&str, &str)]) -> Result<Option<Run>, String> {
    if !LANGUAGES.contains(&block.info.as_str()) {
        return Err(format!("a block `{}`, expected one of {}", block.info, LANGUAGES.join(", ")));
    }
    if let Some((word, _)) = comments.iter().find(|(word, _)| !WORDS.contains(word)) {
        return Err(format!("a comment `{word}` before a block, expected one of {}, setup", WORDS.join(", ")));
    }
    let given = |word: &str| comments.iter().find(|(own, _)| *own == word).map(|(_, rest)| (*rest).to_owned());
    let fails = given("errors").is_some();
    if let Some(reason) = given("skip") {
        return if reason.is_empty() { Err("`skip` without a reason".to_owned()) } else { Ok(Some(Run::Skip(reason))) };
    }
    if let Some(name) = given("file") {
        return if name.is_empty() {
            Err("`file` without a name".to_owned())
        } else {
            Ok(Some(Run::File { name, block }))
        };
    }
    if given("output").is_some() {
        return if block.info == "text" {
            Ok(Some(Run::Output(block.text)))
        } else {
            Err(format!("`output` before a block `{}`, expected `text`", block.info))
        };
    }
    Ok(match block.info.as_str() {
        "sh" => Some(Run::Shell { commands: given("reduced").unwrap_or(block.text), fails }),
        "python" => {
            let needs = given("needs").unwrap_or_else(|| "numpy".to_owned());
            Some(Run::Python { script: block.text, needs, fails })
        }
        "toml" | "json" => Some(Run::Parse(block)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_steps_in_order() {
        let page = "# Title\n<!-- setup: touch a -->\n\n<!-- file: x.toml -->\n```toml\na = 1\n```\n\n1. Type\n\n   ```sh\n   ls\n     \
            more\n   ```\n\n<!-- output -->\n```text\na\n…\n```\n<!-- errors -->\n```sh\nfalse\n```\n```rust\n```\n";
        let runs: Vec<(usize, Run)> = steps(page).unwrap().into_iter().map(|step| (step.line, step.run)).collect();
        let block = Block { info: "toml".to_owned(), text: "a = 1\n".to_owned() };
        let expected = [
            (2, Run::Setup("touch a".to_owned())),
            (5, Run::File { name: "x.toml".to_owned(), block }),
            (11, Run::Shell { commands: "ls\n  more\n".to_owned(), fails: false }),
            (17, Run::Output("a\n…\n".to_owned())),
            (22, Run::Shell { commands: "false\n".to_owned(), fails: true }),
        ];
        assert_eq!(runs, expected);
    }

    #[test]
    fn mistakes_are_errors_with_their_line() {
        assert_eq!(steps("\n```\nx\n```\n").unwrap_err().0, 2);
        assert_eq!(steps("<!-- ouput -->\n```text\n```\n").unwrap_err().0, 2);
        assert_eq!(steps("```sh\nls\n").unwrap_err().0, 1);
        assert!(steps("<!-- skip -->\n```sh\n```\n").is_err());
        assert!(steps("<!-- a remark -->\n\n```sh\n```\n").is_ok());
    }
}
