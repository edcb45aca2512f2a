//! Figures of the tables of an experiment or a benchmark, and drawings of meshes ([`MeshDrawing`]).
//!
//! ```text
//! summary.csv ── Table ── Summary ── FigureAxes ──▶ Figure ──▶ figure.svg ──▶ figure.png, figure.pdf
//!                text     numbers    roles of keys   plotters                  bundled font
//! ```
//!
//! Figures depend on their table alone, never on a simulation. The same table gives the same bytes on every machine:
//! texts are measured and rasterised with the font in `fonts/`, and no clock, system font or hash order enters. An SVG
//! follows the colour scheme of its reader, by a style sheet over the colours of the light scheme; PNG and PDF are light.
//! To add a figure, write one file in `figure/` and one line in [`FIGURES`].

mod error;
mod figure;
mod figure_axes;
mod mesh_drawing;
mod pdf;
mod plot;
mod png;
mod power_law_fit;
mod report;
mod style;
mod summary;
mod table;

pub use error::ReportError;
pub use figure::{
    BUDGET_FIGURE, COMPARISON_FIGURE, COST_FIGURES, FIGURES, Figure, MATRIX_FIGURES, SENSITIVITY_FIGURE, STUDY_FIGURE,
    TOLERANCE_FIGURE, TRAINING_FIGURE, VALIDATION_FIGURES, YIELD_FIGURE,
};
pub use mesh_drawing::{MeshColumn, MeshDrawing, Part, Port, Shifter};
pub use pdf::pdf;
pub use png::png;
pub use power_law_fit::PowerLawFit;
pub use report::{REPORT_TABLES, Report, Session, Study};
pub use style::{FigureStyle, Length, LengthError};
pub use table::{Row, Table, csv_text};

/// Draws the accuracy figure of a `summary.csv` as SVG.
///
/// ```
/// let summary = "\
/// ## name: two chips
/// row,point,process.splitter_error.sigma_rad,chips,accuracy_mean,accuracy_q10,accuracy_q50,accuracy_q90
/// exact,,,,0.98,,,
/// chips,0,0.00,20,0.97,0.97,0.97,0.97
/// chips,1,0.01,20,0.80,0.70,0.81,0.90
/// ";
/// let svg = phaseloom_report::accuracy_figure(summary)?;
/// assert!(svg.contains("splitter error σ (rad)"));
/// # Ok::<(), phaseloom_report::ReportError>(())
/// ```
///
/// # Errors
/// The table cannot be read: no header or no rows, a missing column, a cell that is not what its column holds.
pub fn accuracy_figure(summary_csv: &str) -> Result<String, ReportError> {
    (FIGURES[0].draw)(&Table::parse(summary_csv)?, &FigureStyle::default())
}

/// Draws the times of a benchmark against the size of its works as SVG, with fitted exponents.
///
/// Times are in seconds. Each work has the curve of its time relative to its reference. Works of fewer than three sizes are
/// left out.
///
/// ```
/// let times = "\
/// ## name: times
/// work,size,ours_s,reference,reference_s
/// realise,64,0.001,product,0.001
/// realise,128,0.008,product,0.009
/// realise,256,0.064,product,0.071
/// ";
/// let svg = phaseloom_report::scaling_figure(&phaseloom_report::Table::parse(times)?)?;
/// assert!(svg.contains("realise: 3.00 ± 0.00"));
/// # Ok::<(), phaseloom_report::ReportError>(())
/// ```
///
/// # Errors
/// The table lacks a column, holds something that is no number, or has no work of three sizes.
pub fn scaling_figure(times: &Table) -> Result<String, ReportError> {
    figure::scaling::draw(times, &FigureStyle::default())
}
