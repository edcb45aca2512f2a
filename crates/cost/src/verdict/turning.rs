//! Values of a quantity at which a verdict turns: where the ratio of energies of electronics and light crosses 1.

/// A value at which the ratio crosses 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurningPoint {
    /// The value.
    pub value: f64,
    /// Whether light wins above the value, and loses below.
    pub light_wins_above: bool,
}

/// Points at which the range is sampled before each crossing is bisected. Two crossings between neighbours are missed.
const SAMPLES: usize = 64;
/// Bisections: the relative error of a value is below 1e-12.
const BISECTIONS: usize = 60;

/// All values from `low` to `high`, in their order, at which `ratio` crosses 1. The range is sampled on a logarithmic
/// scale if `low` exceeds 0, else linearly.
///
/// `ratio` is the energy of electronics over that of light, from the full model; 0 if no laser suffices.
///
/// # Errors
///
/// Those of the function.
pub fn turning_points<E>(low: f64, high: f64, ratio: impl Fn(f64) -> Result<f64, E>) -> Result<Vec<TurningPoint>, E> {
    let logarithmic = low > 0.0;
    let at = |position: f64| {
        let value = match logarithmic {
            true => (low.ln() + position * (high / low).ln()).exp(),
            false => low + position * (high - low),
        };
        // Rounding must not leave the range.
        value.max(low).min(high)
    };
    let wins = |position: f64| ratio(at(position)).map(|ratio| ratio > 1.0);
    let mut points = Vec::new();
    let mut before = wins(0.0)?;
    for sample in 1..SAMPLES {
        let [mut left, mut right] = [sample - 1, sample].map(|n| n as f64 / (SAMPLES - 1) as f64);
        let after = wins(right)?;
        if before != after {
            for _ in 0..BISECTIONS {
                let middle = 0.5 * (left + right);
                if wins(middle)? == before {
                    left = middle;
                } else {
                    right = middle;
                }
            }
            points.push(TurningPoint { value: at(0.5 * (left + right)), light_wins_above: after });
        }
        before = after;
    }
    Ok(points)
}

/// Neighbours in a list of sizes between which the verdict turns, such as the ports of a core, which no formula
/// interpolates: (size before, size after, whether light wins after). `ratio` is as for [`turning_points`].
///
/// # Errors
///
/// Those of the function.
pub fn turning_sizes<E>(
    sizes: &[usize],
    ratio: impl Fn(usize) -> Result<f64, E>,
) -> Result<Vec<(usize, usize, bool)>, E> {
    let wins = sizes.iter().map(|&size| ratio(size).map(|ratio| ratio > 1.0)).collect::<Result<Vec<_>, E>>()?;
    let pairs = sizes.windows(2).zip(wins.windows(2));
    Ok(pairs.filter(|(_, wins)| wins[0] != wins[1]).map(|(sizes, wins)| (sizes[0], sizes[1], wins[1])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crossing_is_found_with_its_direction() {
        // ln(ratio) = −(ln x − ln 2)(ln x − ln 30): above 1 between 2 and 30.
        let ratio = |x: f64| Ok::<f64, ()>((-(x / 2.0).ln() * (x / 30.0).ln()).exp());
        let points = turning_points(1e-3, 1e3, ratio).unwrap();
        assert_eq!(points.len(), 2);
        for (point, (value, above)) in points.iter().zip([(2.0, true), (30.0, false)]) {
            assert!((point.value / value - 1.0).abs() < 1e-9 && point.light_wins_above == above, "{point:?}");
        }
        let linear = turning_points(0.0, 4.0, Ok::<f64, ()>).unwrap();
        assert!(linear.len() == 1 && (linear[0].value - 1.0).abs() < 1e-9);
    }
}
