//! The command `merge`: merge the shards of a run.

use super::Exit;
use super::terminal::results::{self, ResultOptions};
use super::terminal::shell::{path_word, quoted};
use super::terminal::{output, page};
use super::training_study;
use clap::Args;
use phaseloom::experiment::{Tables, loses, merge};
use phaseloom::study::{self, Study, StudyTables};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Merge the shards of a run, or of a study
#[derive(Args)]
#[command(after_help = "Example:\n  phaseloom merge part1 part2 -o whole")]
pub struct Merge {
    /// Folders of shards of one run
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Folder of the whole run [default: the name of the first shard without its `-K-of-N`]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    results: ResultOptions,
}

impl Merge {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let start = Instant::now();
        let folder = match &self.output {
            Some(folder) => folder.clone(),
            None => whole_folder(&self.folders[0])?,
        };
        output::check_output_folder(&folder)?;
        if Study::is_at(&self.folders[0]) {
            let study = Study::load(&self.folders[0])?;
            let outcome = study::merge(&study, &self.folders, &folder)?;
            let missing = || anyhow::anyhow!("{}: networks are missing", folder.display());
            let tables = StudyTables::new(&outcome).ok_or_else(missing)?;
            return training_study::finish(&tables, self.results.format, &self.results.figures);
        }
        let outcome = merge(&self.folders, &folder, &|text| output::status(&format!("note: {text}")))?;
        let sessions = self.folders.iter().flat_map(|part| results::sessions(part)).collect();
        results::provenance(&outcome, results::MERGED, start.elapsed(), sessions)?;
        if outcome.points.iter().any(|point| point.config.tolerance.is_some()) {
            output::status(&format!("note: `phaseloom tolerance {}` prints the results", quoted(&path_word(&folder))));
        } else if let Some(tables) = Tables::new(&outcome) {
            results::write(&outcome, &tables, self.results.figures)?;
            page::write(&outcome)?;
            self.results.print(&tables)?;
            if loses(&tables) {
                output::status(&format!(
                    "note: `phaseloom run {}` finds out which source costs most, in at most a tenth of the time of this run",
                    quoted(&path_word(&folder))
                ));
            }
        }
        results::say_where(&folder);
        Ok(Exit::Done)
    }
}

/// The folder of the whole run: `phaseloom-runs/digits` for a shard in `…/digits-1-of-2`.
fn whole_folder(shard: &Path) -> anyhow::Result<PathBuf> {
    let name = shard.file_name().unwrap_or_default().to_string_lossy();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = name.rsplit_once("-of-").filter(|(_, of)| is_number(of)).and_then(|(rest, _)| rest.rsplit_once('-'));
    match whole.filter(|(_, part)| is_number(part)) {
        Some((whole, _)) => Ok(Path::new("phaseloom-runs").join(whole)),
        None => anyhow::bail!(
            "{}: found a folder whose name does not end with `-K-of-N`, the default name of a shard, expected one, or -o \
             with the folder of the whole run",
            shard.display()
        ),
    }
}
