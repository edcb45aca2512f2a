//! The command `new`: a folder from a template, with the commands to type next.

mod templates;

use super::Exit;
use super::terminal::{output, streams};
use anyhow::Context;
use clap::Args;
use clap::builder::PossibleValuesParser;
use phaseloom::files::{FileError, WIDTH, wrap, write_atomically};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use templates::{TEMPLATES, Template};

/// Make a folder with files to start from
///
/// Prints the commands to type next. They need nothing but the folder and this program. The file README.md in the folder
/// repeats them.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom new first\n  \
    phaseloom new mesh --example unitary\n  \
    phaseloom new lab --example chip")]
pub struct New {
    /// The folder: a new or empty one
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// digits: a trained network; onnx: networks of PyTorch and Keras; unitary: a mesh; chip: a chip from fabrication to
    /// correction
    #[arg(long, value_name = "KEY", default_value = "digits", ignore_case = true,
          value_parser = PossibleValuesParser::new(TEMPLATES.map(|template| template.key)))]
    example: String,
}

impl New {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let template = TEMPLATES.iter().find(|template| template.key.eq_ignore_ascii_case(&self.example));
        let template = template.with_context(|| format!("--example: no template `{}`", self.example))?;
        anyhow::ensure!(
            !streams::is_stream(&self.folder),
            "found `-`, standard output, expected the name of a folder: this command writes several files"
        );
        let io = |path: &Path, source| FileError::Io { path: path.to_owned(), source };
        if self.folder.exists() {
            anyhow::ensure!(
                self.folder.is_dir(),
                "{}: found a file, expected a new or an empty folder: choose another name",
                self.folder.display()
            );
            let mut entries = std::fs::read_dir(&self.folder).map_err(|e| io(&self.folder, e))?;
            anyhow::ensure!(
                entries.next().is_none(),
                "{}: found a folder with files, expected a new or an empty one: choose another name",
                self.folder.display()
            );
        }
        std::fs::create_dir_all(&self.folder).map_err(|e| io(&self.folder, e))?;
        for file in template.files {
            write_atomically(&self.folder.join(file.name), &file.contents.bytes()?)?;
        }
        write_atomically(&self.folder.join("README.md"), readme(template).as_bytes())?;
        let about = format!("{}: {}", template.key, template.about);
        let mut text = format!("{}\n\nType next:\n  cd {}\n", wrap(&about, WIDTH, 2), shell_word(&self.folder));
        for (command, about) in template.commands {
            let _ = write!(text, "  # {about}\n  {command}\n");
        }
        output::print(&text)?;
        Ok(Exit::Done)
    }
}

/// The page of the folder: its files and the commands.
fn readme(template: &Template) -> String {
    let mut text =
        format!("# {}\n\n{}\n\n## Files\n\n| file | what it holds |\n|---|---|\n", template.title, template.about);
    for file in template.files {
        let _ = writeln!(text, "| `{}` | {} |", file.name, file.about);
    }
    text += "\n## Commands\n\n";
    for (command, about) in template.commands {
        let _ = writeln!(text, "{about}:\n\n```sh\n{command}\n```\n");
    }
    text += "`phaseloom explain KEY` explains any key of these files, any column of a table and any error code.\n";
    text
}

/// A path as one word of a shell.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    // A word that begins with a hyphen would be an option.
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
