//! The identity of a run: a hash of the experiment, the contents of its input files, and the version.

use crate::error::ExperimentError;
use crate::input::config::{Config, Experiment};
use crate::input::tree::{flatten, to_value};
use phaseloom_files::hex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The version in every output.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The identity of a run with everything that it is computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// SHA-256 of the other fields, hexadecimal.
    pub identity: String,
    /// Version of Phaseloom.
    pub version: String,
    /// The experiment without the number of trials, which may grow, the place of its files, and the settings of its
    /// cost and yield.
    pub experiment: Value,
    /// SHA-256 of the contents of each input file, by its path as written.
    pub inputs: BTreeMap<String, String>,
}

impl Identity {
    /// The identity of an experiment whose input files have these hashes.
    pub(crate) fn new(config: &Config, inputs: BTreeMap<String, String>) -> Self {
        let experiment = canonical(config);
        let mut identity = Self { identity: String::new(), version: VERSION.to_owned(), experiment, inputs };
        identity.identity = identity.hash();
        identity
    }

    /// SHA-256 of the other fields.
    fn hash(&self) -> String {
        let rest = Self { identity: String::new(), ..self.clone() };
        hex(&Sha256::digest(to_value(&rest).to_string()))
    }

    /// Whether the hash is correct and belongs to `config`.
    #[must_use]
    pub(crate) fn is_of(&self, config: &Config) -> bool {
        self.identity == self.hash() && self.experiment == canonical(config)
    }

    /// Checks that the run in `folder` is of the same identity.
    pub(crate) fn expect_same(&self, other: &Self, folder: &Path) -> Result<(), ExperimentError> {
        match self.identity == other.identity {
            true => Ok(()),
            false => Err(ExperimentError::OtherIdentity { path: folder.to_owned(), keys: self.differences(other) }),
        }
    }

    /// The keys, files or versions in which two identities differ.
    fn differences(&self, other: &Self) -> Vec<String> {
        let (ours, theirs) = (flatten(&to_value(self)), flatten(&to_value(other)));
        let mut keys: Vec<String> = ours
            .keys()
            .chain(theirs.keys())
            .filter(|key| *key != "identity" && ours.get(*key) != theirs.get(*key))
            .map(|key| key.trim_start_matches("experiment.").to_owned())
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

impl Experiment {
    /// The first digits of a hash of the settings, without the number of trials.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut digits = Identity::new(&self.config, BTreeMap::new()).identity;
        digits.truncate(8);
        digits
    }
}

/// The experiment without the number of trials, the place of its files and the settings of its cost and yield, which may differ
/// between sessions of one run.
fn canonical(config: &Config) -> Value {
    let mut experiment = to_value(config);
    if let Value::Object(table) = &mut experiment {
        table.remove("trials");
        table.remove("base");
        table.remove("cost");
        // Without a tolerance, it changes no unit.
        if config.tolerance.is_none() {
            table.remove("pass");
        }
    }
    experiment
}
