//! The arguments that the commands share which compute an experiment.

use super::{output, streams, whole};
use clap::Args;
use phaseloom::experiment::{Experiment, ExperimentError};
use std::path::{Path, PathBuf};

/// An experiment, where its results go, and how much is computed on how many threads.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArguments {
    /// The experiment (TOML), or the folder of a run
    pub experiment: PathBuf,
    /// Folder of the results [default: that of the run, or phaseloom-runs/<folder>-<stem> of EXPERIMENT]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Sampled chips at each point, instead of the number in the file
    #[arg(long, value_name = "N", value_parser = whole(1_u64, 1_000_000))]
    pub trials: Option<u64>,
    /// Seed, instead of the seed in the file
    #[arg(long, value_name = "N", value_parser = whole(0, u64::MAX))]
    pub seed: Option<u64>,
    /// Number of threads, which does not change results [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1_u16, 1024))]
    pub threads: Option<u16>,
}

impl RunArguments {
    /// The experiment with the numbers of the command line. Its other values are not checked with them.
    pub fn load(&self, load: impl Fn(&Path) -> Result<Experiment, ExperimentError>) -> anyhow::Result<Experiment> {
        streams::refuse_stream("the experiment", &self.experiment)?;
        self.output.as_deref().map(output::check_output_folder).transpose()?;
        let mut experiment = load(&self.experiment)?;
        experiment.config.trials = self.trials.unwrap_or(experiment.config.trials);
        experiment.config.seed = self.seed.unwrap_or(experiment.config.seed);
        Ok(experiment)
    }

    /// The number of threads in a list of sessions.
    pub fn threads_text(&self) -> String {
        self.threads.map_or_else(|| "one per core".to_owned(), |n| n.to_string())
    }
}
