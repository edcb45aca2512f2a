//! The two precisions of fields and currents.
//!
//! Engine: measure before and after a change.

use crate::linalg::Scalar;
use crate::simd::box_muller::BoxMuller;
use crate::simd::lanes::Lanes;
use std::ops::AddAssign;

/// `f64`, or `f32` where noise and converters are much coarser than its rounding of 6e-8.
///
/// Implemented for these two types only. The compiler turns every function into vector instructions.
///
/// ```
/// use phaseloom_numerics::Real;
/// assert_eq!(Real::round_ties_even(f32::from_f64(2.5)).to_f64(), 2.0);
/// ```
pub trait Real: Scalar + BoxMuller + Lanes + AddAssign + PartialOrd + Default + 'static {
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;

    /// The nearest number of this precision; infinite beyond its range.
    #[must_use]
    fn from_f64(x: f64) -> Self;

    /// The same number in this precision.
    #[must_use]
    fn from_f32(x: f32) -> Self;

    /// The same number in double precision.
    #[must_use]
    fn to_f64(self) -> f64;

    /// √x.
    #[must_use]
    fn sqrt(self) -> Self;

    /// |x|.
    #[must_use]
    fn abs(self) -> Self;

    /// The nearest integer, halves to the even one; for |x| below 2²² (`f32`) or 2⁵¹ (`f64`).
    #[must_use]
    fn round_ties_even(self) -> Self;

    /// The nearest number from `min` to `max`.
    #[must_use]
    #[inline(always)]
    fn clamp(self, min: Self, max: Self) -> Self {
        let above = if self < min { min } else { self };
        if above > max { max } else { above }
    }
}

macro_rules! real {
    ($type:ty, $shift:expr) => {
        impl Real for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as Self
            }

            #[inline(always)]
            fn from_f32(x: f32) -> Self {
                Self::from(x)
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                <$type>::sqrt(self)
            }

            #[inline(always)]
            fn abs(self) -> Self {
                <$type>::abs(self)
            }

            #[inline(always)]
            fn round_ties_even(self) -> Self {
                // Adding 1.5·2^(mantissa bits) leaves no bits for the fraction: a rounding without a function call.
                self + $shift - $shift
            }
        }
    };
}

real!(f32, 12_582_912.0);
real!(f64, 6_755_399_441_055_744.0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_the_even_number() {
        for (x, nearest) in [(0.5, 0.0), (1.5, 2.0), (-2.5, -2.0), (-0.51, -1.0), (4_000_000.49, 4_000_000.0)] {
            assert!((Real::round_ties_even(f64::from_f64(x)) - nearest).abs() < 1e-15);
            assert!((Real::round_ties_even(f32::from_f64(x)).to_f64() - nearest).abs() < 1e-15);
        }
        assert!(
            (Real::clamp(-3.0f32, -1.0, 1.0) + 1.0).abs() < 1e-7 && (Real::clamp(0.5f64, 0.0, 1.0) - 0.5).abs() < 1e-15
        );
    }
}
