//! Monte Carlo experiments on photonic chips: experiment files, grids of parameters, resumable runs and tables.
//!
//! ```text
//! experiment.toml ─▶ Experiment ─▶ points ─▶ units ─▶ records (one line each, synced) ─▶ Tables
//! ```
//!
//! A unit is one row of the tables at one point of the grid, for chips one trial. Interrupted runs resume where they
//! stopped.

mod error;
mod input;
mod output;
mod run;
pub mod store;

pub use error::{ExperimentError, Problem};
pub use input::axis::AxisError;
pub use input::config::{Axis, CalibrationSource, Config, Experiment};
pub use input::grid::Point;
pub use input::subject::{MatrixForm, Subject};
pub use output::conclusion::{Conclusion, Kept, PointAccuracy, TOLERATED_LOSS};
pub use output::table::{ROWS, Summary, Tables};
pub use run::effects::Effects;
pub use run::network_program::{NetworkProducts, NetworkProgram};
pub use run::{KeepOutputs, Options, run};
pub use store::identity::{Identity, VERSION};
pub use store::merge::merge;
pub use store::outcome::Outcome;
pub use store::plan::{Plan, Shard, ShardError};
pub use store::record::{
    DesignResult, LayerResult, MatrixDesign, MatrixQuality, MatrixResult, Record, Row, ShotResult, Unit,
};
