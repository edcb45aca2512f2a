//! Markers of data points: one shape per series.

use crate::plot::page::Point;
use std::f64::consts::TAU;

/// The outline of a data point. Equal markers have equal shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Diamond,
    Triangle,
    TriangleDown,
    Cross,
    Plus,
    Hexagon,
    /// A star with this number of points.
    Star(usize),
}

/// The markers of the first series.
const FIRST: [Marker; 8] = [
    Marker::Circle,
    Marker::Square,
    Marker::Diamond,
    Marker::Triangle,
    Marker::TriangleDown,
    Marker::Cross,
    Marker::Plus,
    Marker::Hexagon,
];

impl Marker {
    /// The marker of a series. No two series have the same; from the ninth on they are stars of four, five, … points.
    pub(crate) fn for_series(index: usize) -> Self {
        FIRST.get(index).copied().unwrap_or_else(|| Self::Star(index - FIRST.len() + 4))
    }

    /// The corners of the outline around the origin, for a radius of 1; empty for a circle.
    pub(crate) fn corners(self) -> Vec<Point> {
        let turned = |corners: &[Point], angle: f64| {
            let (sine, cosine) = angle.sin_cos();
            corners.iter().map(|(x, y)| (cosine * x - sine * y, sine * x + cosine * y)).collect()
        };
        match self {
            Self::Circle => Vec::new(),
            Self::Square => vec![(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Self::Diamond => vec![(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Triangle => vec![(0.0, -1.25), (1.15, 0.8), (-1.15, 0.8)],
            Self::TriangleDown => vec![(0.0, 1.25), (1.15, -0.8), (-1.15, -0.8)],
            Self::Plus => PLUS.to_vec(),
            Self::Cross => turned(&PLUS, TAU / 8.0),
            Self::Hexagon => (0..6)
                .map(|k| (1.1 * (TAU * f64::from(k) / 6.0).cos(), 1.1 * (TAU * f64::from(k) / 6.0).sin()))
                .collect(),
            Self::Star(points) => {
                let corner = |k: usize| {
                    let (radius, angle) =
                        (if k.is_multiple_of(2) { 1.4 } else { 0.6 }, TAU * k as f64 / (2 * points) as f64);
                    (radius * angle.sin(), -radius * angle.cos())
                };
                (0..2 * points).map(corner).collect()
            }
        }
    }
}

/// A plus sign of thick arms.
const PLUS: [Point; 12] = [
    (-0.45, -1.3),
    (0.45, -1.3),
    (0.45, -0.45),
    (1.3, -0.45),
    (1.3, 0.45),
    (0.45, 0.45),
    (0.45, 1.3),
    (-0.45, 1.3),
    (-0.45, 0.45),
    (-1.3, 0.45),
    (-1.3, -0.45),
    (-0.45, -0.45),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_series_share_a_shape() {
        let shapes: Vec<String> = (0..40).map(|index| format!("{:.6?}", Marker::for_series(index).corners())).collect();
        assert!(shapes.iter().enumerate().all(|(i, shape)| !shapes[..i].contains(shape)));
    }
}
