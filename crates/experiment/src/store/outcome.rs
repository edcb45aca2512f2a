//! The finished units of a run, with its points and its open folder.

use crate::error::ExperimentError;
use crate::input::grid::Point;
use crate::store::Store;
use crate::store::identity::Identity;
use crate::store::record::{Record, Unit};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Time that a run took, and what is known of it from earlier sessions. None of it changes a result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spent {
    /// Time of all work.
    pub time: Duration,
    /// Time of the preparations, such as the decomposition of the weights.
    pub preparation: Duration,
    /// Mean time of the chips of each point, if some were computed.
    pub chips: Vec<Option<Duration>>,
    /// The line about the source that costs most accuracy, if it was found.
    pub diagnosis: Option<String>,
}

/// The state of a run after computing or merging. Its folder stays locked until this value is dropped.
#[derive(Debug)]
pub struct Outcome {
    /// Identity of the run.
    pub identity: Identity,
    /// Points of the grid.
    pub points: Vec<Point>,
    /// All finished units.
    pub records: BTreeMap<Unit, Record>,
    /// Number of units that this call computed.
    pub computed: usize,
    /// Number of units of the whole run that are missing.
    pub missing: usize,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Times of this call. Its `diagnosis` is one line about the source that costs most accuracy, of a finished run that
    /// loses some.
    pub spent: Spent,
    pub(crate) store: Store,
}

impl Outcome {
    /// Writes a file of results to the folder of the run, whole or not at all.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ExperimentError> {
        self.store.write(name, bytes)
    }

    /// Writes several files of results: all of them, or none if one cannot be written.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn write_together(&self, files: &[(&str, &[u8])]) -> Result<(), ExperimentError> {
        self.store.write_together(files)
    }

    /// The folder of the run.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.store.folder()
    }
}
