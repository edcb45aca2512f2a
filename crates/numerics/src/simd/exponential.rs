//! Exponential function of slices.
//!
//! Engine: measure before and after a change.

use pulp::{Arch, NullaryFnOnce};
use std::f64::consts::LOG2_E;

/// ln 2 in two parts (Cody and Waite, as in fdlibm). Products of the first part with integers below 2²⁰ are exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];

/// Adding this number, 1.5·2⁵², rounds to an integer, which is then in the lowest bits.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// Replaces each number x by `e^x`, with a relative error of at most 5e-16, plus an absolute error of 5e-324.
///
/// Products and sums are rounded separately, never fused, so that the bits are the same on every processor.
///
/// ```
/// let mut values = [0.0, -1.0, -1e6];
/// phaseloom_numerics::exp_in_place(&mut values);
/// assert!(values[0] == 1.0 && (values[1] - (-1f64).exp()).abs() < 1e-15 && values[2] == 0.0);
/// ```
pub fn exp_in_place(values: &mut [f64]) {
    struct All<'a>(&'a mut [f64]);
    impl NullaryFnOnce for All<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            self.0.iter_mut().for_each(|x| *x = exponential(*x));
        }
    }
    Arch::new().dispatch(All(values));
}

/// `e^x = 2^n·e^r` with |r| ≤ ½ ln 2, and the Taylor series of e^r up to r¹³, whose remainder is 4e-18.
#[inline(always)]
fn exponential(x: f64) -> f64 {
    // Beyond these limits e^x is 0 or ∞ anyway.
    let x = x.clamp(-800.0, 800.0);
    let n = (x * LOG2_E + SHIFT) - SHIFT;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let mut sum = 1.0 / 6_227_020_800.0;
    for factorial in
        [479_001_600.0, 39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0]
    {
        sum = sum * r + 1.0 / factorial;
    }
    // 2^n in two factors, because 2^n may overflow or underflow where e^x does not.
    let half = (n * 0.5 + SHIFT) - SHIFT;
    let power = |k: f64| f64::from_bits((k + (4_503_599_627_370_496.0 + 1023.0)).to_bits() << 52);
    sum * power(half) * power(n - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        let x: Vec<f64> = (-100_000..=100_000)
            .map(|k| f64::from(k) * 7.1e-3)
            .chain((-1000..=1000).map(|k| f64::from(k) * 1e-5))
            .chain([0.0, -0.0, 1e-300, -1e300, 1e300, f64::INFINITY, f64::NEG_INFINITY, -745.0, -746.0, 709.7, 710.0])
            .collect();
        for length in [0, 1, 7, 8, 9, x.len()] {
            let mut computed = x[..length].to_vec();
            exp_in_place(&mut computed);
            for (x, computed) in x.iter().zip(computed) {
                assert_eq!(computed.to_bits(), exponential(*x).to_bits(), "{x}: the same without vector instructions");
                let exact = x.exp();
                let near = (computed - exact).abs() <= 5e-16 * exact + 5e-324;
                assert!(
                    if exact.is_finite() { near } else { computed == f64::INFINITY },
                    "{x}: {computed:e} and {exact:e}"
                );
            }
        }
    }
}
