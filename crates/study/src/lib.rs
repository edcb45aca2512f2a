#![doc = include_str!("../README.md")]

mod chips;
mod criterion;
mod error;
mod merge;
mod result;
mod run;
mod spec;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod units;

pub use chips::TEST_COLUMNS;
pub use criterion::{CRITERIA_COLUMNS, Check, criteria_table};
pub use error::{Result, StudyError};
pub use merge::merge;
pub use result::{NetworkResult, TestResult, TrainingResult};
pub use run::{Options, Outcome, run};
pub use spec::{Criterion, FORMAT, STUDY, Study, StudySpec, Variant};
pub use store::Store;
pub use tables::{SEQUENCE_COLUMNS, SUMMARY_COLUMNS, StudyTables, TABLE_COLUMNS, TRAINING_COLUMNS};
pub use units::{Settings, TrainSettings, Unit, Units};
