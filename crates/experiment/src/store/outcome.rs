//! The finished units of a run, with its points and its open folder.

use crate::error::ExperimentError;
use crate::input::grid::Point;
use crate::store::Store;
use crate::store::identity::Identity;
use crate::store::record::{Record, Unit};
use std::collections::BTreeMap;
use std::path::Path;

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
    /// One line about the source that costs most accuracy, if this call finished a run that loses some.
    pub diagnosis: Option<String>,
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

    /// The folder of the run.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.store.folder()
    }
}
