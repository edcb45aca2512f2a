//! The claims of the physics, recomputed through the machine: process → chip → engine, never a formula against itself.
//!
//! ```text
//! CLAIMS ── Setting (seed, quick or full) ──▶ rows: predicted, measured ± standard error, verdict ──▶ Report ──▶ table, CSV, page
//! ```
//!
//! A claim is one file in `claims/` and one line in [`CLAIMS`]. Its criterion is written beside its law, before any value
//! is seen: three standard errors plus the next-order term, and a standard error small enough to tell the nearest wrong
//! law. What fails is shown as failed.

mod check;
mod claim;
mod claims;
mod error;
mod layer;
mod machine;
mod report;
mod setting;
mod statistics;

pub use check::{Origin, Point, Row, Verdict};
pub use claim::Claim;
pub use claims::{CLAIMS, measured_chip};
pub use error::ValidationError;
pub use report::{Outcome, Report};
pub use setting::{SEED, Setting};
