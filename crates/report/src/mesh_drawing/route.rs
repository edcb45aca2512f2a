//! The path of a waveguide: level pieces, and bends that are level at both ends.

use std::fmt::Write;

/// A path from left to right (px).
pub(super) struct Route {
    path: String,
    y: f64,
}

impl Route {
    pub fn from(x: f64, y: f64) -> Self {
        Self { path: format!("M{x:.2} {y:.2}"), y }
    }

    /// Level up to `begin`, then a bend that ends at (`end`, `y`).
    pub fn bend(mut self, begin: f64, end: f64, y: f64) -> Self {
        let middle = (begin + end) / 2.0;
        let _ = write!(self.path, "H{begin:.2}C{middle:.2} {:.2} {middle:.2} {y:.2} {end:.2} {y:.2}", self.y);
        Self { y, ..self }
    }

    /// Level up to `x`: the whole path.
    pub fn to(self, x: f64) -> String {
        format!("{}H{x:.2}", self.path)
    }
}
