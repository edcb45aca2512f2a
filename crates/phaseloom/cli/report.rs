//! The command `report`: the HTML page of runs.

use super::Exit;
use super::terminal::{output, page, streams};
use clap::Args;
use phaseloom::files::{FileError, Results, read_text, write_atomically, write_together};
use std::path::{Path, PathBuf};

/// Write one HTML page about runs, for a reader who was not there
///
/// Reads the tables of folders that `run`, `sweep`, `yield`, `tolerance`, `budget` and `cost` have written, and computes nothing
/// again. The page holds verdict, figures, sortable tables and the command that makes the results again. The page is one file
/// without requests to other computers. Runs that sweep the same keys share one figure. Also writes the numbers of the page as
/// JSON, next to the page.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom report phaseloom-runs/digits-digits\n  \
    phaseloom report before after -o comparison.html      # two runs in one figure\n  \
    phaseloom report out --template mine.html -o page.html")]
pub struct Report {
    /// Folders of finished runs
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The page; its numbers go to the same name with the ending .json. Replaces an earlier page, and no other file [default:
    /// report.html in the only folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A template (minijinja) in place of that of Phaseloom
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
}

impl Report {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let target = self.target()?;
        let template = self.template.as_deref().map(read_text).transpose()?;
        let command = page::command(&self.folders, self.output.as_deref(), self.template.as_deref());
        let report = page::report(&self.folders, &command)?;
        let html = page::html(&report, template.as_deref(), self.template.as_deref())?;
        let mut results = Results::default();
        results.value("page", target.display().to_string());
        report.sentences().into_iter().for_each(|sentence| results.sentence(sentence));
        streams::save(&target, |path| match streams::is_stream(&target) {
            true => write_atomically(path, html.as_bytes()),
            // Both or none, so that the numbers are those of the page.
            false => write_both(path, &html, report.json()),
        })?;
        output::print_summary(&results, self.format, Some(&target))?;
        Ok(Exit::Done)
    }

    /// The path of the page, at which no file of another kind is.
    fn target(&self) -> anyhow::Result<PathBuf> {
        let target = self.path()?;
        if !streams::is_stream(&target) {
            page::check_target(&target)?;
        }
        Ok(target)
    }

    fn path(&self) -> anyhow::Result<PathBuf> {
        for (index, folder) in self.folders.iter().enumerate() {
            streams::refuse_stream_because("DIR", folder, "a report reads several files of a folder")?;
            let name = |folder: &PathBuf| folder.canonicalize().unwrap_or_else(|_| folder.clone());
            let is_twice = self.folders[..index].iter().any(|other| name(other) == name(folder));
            anyhow::ensure!(!is_twice, "DIR: found {} twice, expected different folders", folder.display());
        }
        let Some(output) = &self.output else {
            let [folder] = self.folders.as_slice() else {
                anyhow::bail!(
                    "-o: found none, expected the name of the page, because there are {} folders",
                    self.folders.len()
                );
            };
            return Ok(folder.join(page::PAGE));
        };
        output::check_output_path(output, &["html", "htm"], &[("the template", self.template.as_deref())])?;
        Ok(output.clone())
    }
}

/// Writes a page and its numbers.
fn write_both(page: &Path, html: &str, numbers: &str) -> Result<(), FileError> {
    write_together(&[(page, html.as_bytes()), (&page.with_extension("json"), numbers.as_bytes())])
}
