//! Monte Carlo experiments over photonic chips: an experiment file, a grid of points, a unit a chip, tables.
//!
//! ```text
//! experiment.toml ─▶ Experiment ─▶ points ─▶ units ─▶ records (one line each, synced) ─▶ Tables
//! ```

mod config;
mod error;
mod evaluate;
mod grid;
mod identity;
mod merge;
mod plan;
mod prepare;
mod record;
mod run;
pub mod statistics;
pub mod store;
mod table;
mod text;

pub use config::{Axis, CalibrationSource, Config, Experiment};
pub use error::{ExperimentError, Problem};
pub use grid::{Point, swept_keys};
pub use identity::{Identity, VERSION};
pub use merge::merge;
pub use plan::{Plan, Shard, ShardError};
pub use record::{LayerDesign, LayerResult, Record, Row, ShotResult, Unit};
pub use run::{KeepOutputs, Options, Outcome, run};
pub use table::{ROWS, Summary, Tables};
