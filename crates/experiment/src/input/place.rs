//! Where the file of an experiment lies: the folder of its paths, and the run whose file it is.

use crate::error::ExperimentError;
use crate::input::config::{COST, Config, EXPERIMENT, Experiment, IDENTITY};
use phaseloom_files::relative_path;
use std::path::{Path, PathBuf};

impl Experiment {
    /// The folder to which paths in the experiment are relative.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        base(&self.path, &self.config)
    }

    /// The folder of the run whose file this is, if it is one.
    #[must_use]
    pub fn run_folder(&self) -> Option<&Path> {
        let folder = self.path.parent()?;
        (self.path.file_name().is_some_and(|name| name == EXPERIMENT || name == COST) && is_run(folder))
            .then_some(folder)
    }

    /// The configuration for the file of a run in a folder, from which the paths lead to the same files.
    pub(crate) fn config_in(&self, folder: &Path) -> Result<Config, ExperimentError> {
        let config = Config { base: Some(relative_path(folder, &self.base())), ..self.config.clone() };
        self.check(&config).map(|()| config)
    }
}

/// Whether a folder is that of a run.
pub(super) fn is_run(folder: &Path) -> bool {
    folder.join(IDENTITY).is_file()
}

/// The folder to which the paths of an experiment in a file are relative.
pub(super) fn base(path: &Path, config: &Config) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    config.base.as_ref().map_or_else(|| folder.to_owned(), |base| folder.join(base))
}
