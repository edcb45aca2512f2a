//! The parts of a plot: axes, legend, panel, pen, palette, font, labels.

pub(crate) mod axis;
pub(crate) mod font;
pub(crate) mod label;
pub(crate) mod legend;
pub(crate) mod palette;
pub(crate) mod panel;
pub(crate) mod pen;
