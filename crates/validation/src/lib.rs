//! The claims of the physics, recomputed by the simulator: process → chip → engine, never a formula against itself.
//!
//! ```text
//! CLAIMS ── Setting (seed, quick or full) ──▶ rows: predicted, measured ± standard error, verdict ──▶ Report ──▶ table, CSV, page
//! ```
//!
//! A claim is one file in `claims/` and one line in [`CLAIMS`]. Its criterion is part of the claim and is written before any
//! value is seen: three standard errors plus the next-order term. The standard error must also be small enough to exclude
//! the nearest wrong law. Rows that fail are shown as failed. In the tests, each claim is a test of its own.

mod check;
mod claim;
mod claims;
mod error;
mod layer;
mod report;
mod setting;
mod simulation;
mod statistics;

pub use check::{Origin, Point, Row, Verdict};
pub use claim::{Claim, Rows};
pub use claims::CLAIMS;
pub use error::ValidationError;
pub use report::{CLAIMS_COLUMNS, Outcome, Report};
pub use setting::{SEED, Setting};
