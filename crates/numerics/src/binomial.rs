//! Intervals of a share of passes and of a quantile, from the binomial distribution.
//!
//! * [`wilson`]: the score interval `(p + z²/2n ± z√(p(1−p)/n + z²/4n²))/(1 + z²/n)` (Wilson 1927); its mean coverage is the
//!   nominal one.
//! * [`clopper_pearson`]: the limits at which a tail of the binomial distribution is half of 1 − level; its coverage is at
//!   least the nominal one (Clopper and Pearson 1934).
//! * [`quantile_ranks`]: order statistics that hold a quantile whatever the distribution is, because the number of values
//!   below the quantile is binomial.

/// z of a two-sided 95 % interval, Φ⁻¹(0.975).
const Z_95: f64 = 1.959_963_984_540_054;

/// Confidence of every interval.
const LEVEL: f64 = 0.95;

/// The 95 % score interval of Wilson for `passes` of `draws`.
///
/// ```
/// let (low, high) = phaseloom_numerics::binomial::wilson(18, 20);
/// assert!((low - 0.6990).abs() < 5e-5 && (high - 0.9721).abs() < 5e-5);
/// ```
///
/// # Panics
///
/// Without draws, or with more passes than draws.
#[must_use]
pub fn wilson(passes: u64, draws: u64) -> (f64, f64) {
    check(passes, draws);
    let (n, p) = (draws as f64, passes as f64 / draws as f64);
    let z2 = Z_95 * Z_95;
    let scale = 1.0 + z2 / n;
    let centre = (p + z2 / (2.0 * n)) / scale;
    let half = Z_95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / scale;
    // At the ends, the limit is 0 or 1 but for rounding.
    let low = if passes == 0 { 0.0 } else { centre - half };
    let high = if passes == draws { 1.0 } else { centre + half };
    (low, high)
}

/// The 95 % interval of Clopper and Pearson for `passes` of `draws`.
///
/// ```
/// let (low, high) = phaseloom_numerics::binomial::clopper_pearson(0, 20);
/// assert!(low < 1e-300 && (high - (1.0 - 0.025_f64.powf(1.0 / 20.0))).abs() < 1e-12);
/// ```
///
/// # Panics
///
/// Without draws, or with more passes than draws.
#[must_use]
pub fn clopper_pearson(passes: u64, draws: u64) -> (f64, f64) {
    check(passes, draws);
    let tail = (1.0 - LEVEL) / 2.0;
    // The largest p at which `is_below` holds.
    let solve = |is_below: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            *(if is_below(middle) { &mut low } else { &mut high }) = middle;
        }
        0.5 * (low + high)
    };
    let low = if passes == 0 { 0.0 } else { solve(&|p| at_least(passes, draws, p) < tail) };
    let high = if passes == draws { 1.0 } else { solve(&|p| at_most(passes, draws, p) > tail) };
    (low, high)
}

/// Ranks from 1 of the order statistics of `draws` values between which the quantile of order `q` lies with a probability of
/// at least 95 %. A limit is `None` if there are too few values for it.
///
/// ```
/// use phaseloom_numerics::binomial::quantile_ranks;
/// assert_eq!(quantile_ranks(100, 0.1), (Some(5), Some(17)));
/// assert_eq!(quantile_ranks(20, 0.1).0, None);
/// ```
///
/// # Panics
///
/// Without draws, or with an order outside 0…1.
#[must_use]
pub fn quantile_ranks(draws: u64, q: f64) -> (Option<u64>, Option<u64>) {
    check(0, draws);
    assert!((0.0..=1.0).contains(&q), "a quantile of order {q}");
    let tail = (1.0 - LEVEL) / 2.0;
    // Value r is above the quantile if fewer than r values are below it: the largest r with P(X < r) ≤ tail.
    let low = partition_point(draws, |r| at_most(r - 1, draws, q) <= tail);
    // Value r is below the quantile if at least r values are below it: the smallest r with P(X ≥ r) ≤ tail.
    let high = partition_point(draws, |r| at_least(r, draws, q) > tail) + 1;
    ((low >= 1).then_some(low), (high <= draws).then_some(high))
}

/// The number of ranks 1…`draws` for which `holds`, which holds for the first ones alone.
fn partition_point(draws: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, draws + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        *(if holds(middle) { &mut low } else { &mut high }) = middle;
    }
    low
}

fn check(passes: u64, draws: u64) {
    assert!(draws > 0 && passes <= draws, "{passes} passes of {draws} draws");
}

/// P(X ≥ k) of X ~ B(n, p).
fn at_least(k: u64, n: u64, p: f64) -> f64 {
    match k {
        0 => 1.0,
        _ => at_most(n - k, n, 1.0 - p),
    }
}

/// P(X ≤ k) of X ~ B(n, p): a sum that starts at its largest term.
fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    if k as f64 > p * n as f64 {
        return 1.0 - at_most(n - k - 1, n, 1.0 - p);
    }
    let log_factorial = |m: u64| libm::lgamma(m as f64 + 1.0);
    let logarithm =
        log_factorial(n) - log_factorial(k) - log_factorial(n - k) + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p();
    let (mut term, mut sum) = (logarithm.exp(), 0.0);
    for i in (0..=k).rev() {
        sum += term;
        if term <= 1e-17 * sum {
            break;
        }
        term *= i as f64 * (1.0 - p) / ((n - i + 1) as f64 * p);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream::StreamKey;
    use rand::RngExt;

    fn assert_near(found: (f64, f64), expected: (f64, f64)) {
        assert!((found.0 - expected.0).abs() < 5e-5 && (found.1 - expected.1).abs() < 5e-5, "{found:?}");
    }

    /// Known values: a sum over all terms in another program.
    #[test]
    fn intervals_have_their_known_values() {
        assert_near(wilson(18, 20), (0.6990, 0.9721));
        assert_near(wilson(0, 20), (0.0, 0.1611));
        assert_near(wilson(95, 100), (0.8882, 0.9785));
        assert_near(clopper_pearson(18, 20), (0.6830, 0.9877));
        assert_near(clopper_pearson(0, 20), (0.0, 0.1684));
        assert_near(clopper_pearson(95, 100), (0.8872, 0.9836));
        assert_near(clopper_pearson(20, 20), (1.0 - 0.1684, 1.0));
    }

    #[test]
    fn order_statistics_hold_the_quantile() {
        let ranks = |n| quantile_ranks(n, 0.1);
        assert_eq!([ranks(50), ranks(100), ranks(200)].map(|r| r.0), [Some(1), Some(5), Some(12)]);
        assert_eq!([ranks(50), ranks(100), ranks(200)].map(|r| r.1), [Some(10), Some(17), Some(30)]);
        assert_eq!(ranks(20).0, None);
        assert_eq!(quantile_ranks(20, 0.9).1, None);
        assert_eq!(quantile_ranks(5, 0.5), (None, None));
    }

    #[test]
    fn tails_are_sums_of_all_terms() {
        for (n, p) in [(7_u64, 0.3), (40, 0.02), (200, 0.9), (1000, 0.5)] {
            let mut term = (1.0_f64 - p).powi(n as i32);
            let mut sum = 0.0;
            for k in 0..n {
                sum += term;
                assert!((at_most(k, n, p) - sum).abs() < 1e-11, "{k} of {n} at {p}");
                assert!((at_least(k + 1, n, p) - (1.0 - sum)).abs() < 1e-11);
                term *= (n - k) as f64 * p / ((k + 1) as f64 * (1.0 - p));
            }
        }
        // A million draws take no longer.
        let (low, high) = clopper_pearson(500_000, 1_000_000);
        assert!((high - low - 2.0 * 1.96 * 0.0005).abs() < 2e-6, "{low} {high}");
    }

    /// Blocks of 20 draws until the half width of Wilson is at most h: the coverage stays near 95 %. 600 repeats have a
    /// standard error of 1 % about the values 0.932, 0.946 and 0.970 of 2000 repeats in another program.
    #[test]
    fn repeated_looks_cost_little_coverage() {
        let mut random = StreamKey::new(1, "binomial").stream();
        for (p, half_width, expected) in [(0.9, 0.05, 0.932), (0.5, 0.05, 0.946), (0.99, 0.02, 0.970)] {
            let mut covered = 0;
            for _ in 0..600 {
                let (mut passes, mut draws) = (0, 0);
                let (low, high) = loop {
                    passes += (0..20).filter(|_| random.random_range(0.0..1.0) < p).count() as u64;
                    draws += 20;
                    let (low, high) = wilson(passes, draws);
                    if draws >= 40 && high - low <= 2.0 * half_width {
                        break (low, high);
                    }
                };
                covered += u32::from(low <= p && p <= high);
            }
            let coverage = f64::from(covered) / 600.0;
            assert!((coverage - expected).abs() < 0.04, "{p}: {coverage}");
        }
    }
}
