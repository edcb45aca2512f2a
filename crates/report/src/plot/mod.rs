//! The parts of a plot. plotters draws grid, axes, ticks, numbers, lines, points and error bars; the page around them
//! is our own.
//!
//! plotters 0.3 without `font-kit` (a C library) lacks five things, which this folder adds:
//!
//! * text metrics: plotters assumes 0.7 em a byte, so a legend box of `configure_series_labels` fits no text, and it
//!   covers data. [`font`] measures with the bundled font, and [`legend`] sets rows above the plot.
//! * labels of two lines, or upright ones, along x ([`chart`]).
//! * a logarithmic axis with zero left of a break, and ticks at round numbers with SI prefixes ([`axis`], as a
//!   `Ranged` coordinate over `LogCoord` and `RangedCoordf64`).
//! * coordinates finer than a pixel: plotters rounds to integers, so a [`page`] is drawn four times too large and scaled
//!   back by the `viewBox`.
//! * a band between two curves: `AreaSeries` ends at a constant, so the band is a `Polygon`.

pub(crate) mod axis;
pub(crate) mod chart;
pub(crate) mod end_labels;
pub(crate) mod font;
pub(crate) mod label;
pub(crate) mod legend;
pub(crate) mod marker;
pub(crate) mod page;
pub(crate) mod palette;
pub(crate) mod scheme;
