//! Student's distribution: how many standard errors of a mean from few chips are as unlikely as two of many.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// Probability that a normal deviate is within two standard deviations.
const TWO_SIGMA: f64 = 0.954_499_736_103_641_6;

/// From this number of degrees of freedom on, the limit is 2 to 1 %.
const MANY: usize = 200;

/// The number of standard errors within which a mean of `chips` values lies as often as a normal deviate within 2. Infinite
/// for one value.
pub(super) fn limit(chips: usize) -> f64 {
    let freedom = chips.saturating_sub(1);
    if freedom == 0 {
        return f64::INFINITY;
    }
    if freedom >= MANY {
        return 2.0;
    }
    // The probability increases with the angle whose tangent is t/√ν.
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if probability(middle, freedom) < TWO_SIGMA { low = middle } else { high = middle }
    }
    (freedom as f64).sqrt() * low.tan()
}

/// Probability of |t| below √ν·tan(angle) (Abramowitz and Stegun, 26.7.3 and 26.7.4).
fn probability(angle: f64, freedom: usize) -> f64 {
    let (sine, cosine) = angle.sin_cos();
    let is_odd = freedom % 2 == 1;
    let (mut term, mut sum) = if is_odd { (cosine, 0.0) } else { (1.0, 0.0) };
    let mut k = if is_odd { 1 } else { 0 };
    while k + 1 < freedom {
        sum += term;
        k += 2;
        term *= cosine * cosine * (k - 1) as f64 / k as f64;
    }
    if is_odd { FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of tables: t of the two-sided probability 95.45 % (SciPy: `t.ppf((1 + erf(sqrt(2)))/2, nu)`), and of 95 % for
    /// the probability itself.
    #[test]
    fn limits_are_those_of_tables() {
        for (freedom, t) in [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (9, 2.26216), (30, 2.04227)] {
            let angle = (t / f64::from(freedom).sqrt()).atan();
            assert!((probability(angle, freedom as usize) - 0.95).abs() < 1e-5, "{freedom}");
        }
        for (chips, t) in [(2, 13.97), (3, 4.53), (4, 3.31), (5, 2.87), (20, 2.14), (100, 2.03)] {
            assert!((limit(chips) - t).abs() < 0.006, "{chips}: {}", limit(chips));
        }
        assert!(limit(1).is_infinite() && (limit(MANY + 1) - 2.0).abs() < 1e-12);
    }
}
