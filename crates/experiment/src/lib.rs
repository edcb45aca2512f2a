//! Monte Carlo experiments on photonic chips: experiment files, grids of parameters, resumable runs and tables.
//!
//! ```text
//! experiment.toml ─▶ Experiment ─▶ points ─▶ units ─▶ records (one line each, synced) ─▶ Tables
//! ```
//!
//! A unit is one row of the tables at one point of the grid, for chips one trial. Interrupted runs resume where they
//! stopped.

pub mod cost;
mod error;
mod input;
mod metric;
mod output;
mod run;
pub mod score;
pub mod store;
pub mod yields;

pub use error::{ExperimentError, Problem, ShardError};
pub use input::axis::AxisError;
pub use input::config::{Axis, CalibrationSource, Config, Experiment};
pub use input::cost::CostSettings;
pub use input::criterion::Criterion;
pub use input::expectation::Expectation;
pub use input::grid::Point;
pub use input::network::{executes_graph, open_network};
pub use input::sensitivity::SensitivitySettings;
pub use input::subject::{MatrixForm, Subject};
pub use input::tolerance::ToleranceSettings;
pub use metric::Metric;
pub use output::columns;
pub use output::conclusion::{Conclusion, Kept, PointScore};
pub use output::summary::Summary;
pub use output::table::{ROWS, Tables};
pub use output::terminal::View;
pub use run::diagnosis::loses;
pub use run::effects::Effects;
pub use run::forecast::{Forecast, forecast};
pub use run::network_program::{NetworkProducts, NetworkProgram};
pub use run::session::start_pool;
pub use run::{KeepOutputs, Options, run, run_until};
pub use score::{Better, Quantity, Score, Unit as ScoreUnit};
pub use store::identity::{Identity, VERSION};
pub use store::merge::merge;
pub use store::outcome::{Outcome, Spent};
pub use store::plan::{Plan, Shard};
pub use store::record::{
    Confusion, DesignResult, LayerResult, MatrixDesign, MatrixQuality, MatrixResult, Record, Row, Unit,
};
pub use store::shot::{ClassCounts, OutputErrors, ShotResult, TOLERATED_LOSS, ValueErrors};
