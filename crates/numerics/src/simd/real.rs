//! The two precisions of light and current.

use crate::linalg::Element;
use crate::random::normal::BoxMuller;
use crate::simd::lanes::Lanes;
use std::ops::AddAssign;

/// `f64`, or `f32` where noise and converters are far coarser than its rounding of 6e-8.
///
/// Implemented for these two alone. Every function is one that the compiler turns into vector instructions.
///
/// ```
/// use phaseloom_numerics::Real;
/// assert_eq!(f32::from_f64(2.5).nearest_even().to_f64(), 2.0);
/// ```
pub trait Real: Element + BoxMuller + Lanes + AddAssign + PartialOrd + Default + 'static {
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
    fn root(self) -> Self;

    /// |x|.
    #[must_use]
    fn modulus(self) -> Self;

    /// The nearest whole number, halves to the even one; for |x| below 2²² (`f32`) or 2⁵¹ (`f64`).
    #[must_use]
    fn nearest_even(self) -> Self;

    /// The nearest number between two limits.
    #[must_use]
    #[inline(always)]
    fn limit(self, low: Self, high: Self) -> Self {
        let above = if self < low { low } else { self };
        if above > high { high } else { above }
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
            fn root(self) -> Self {
                self.sqrt()
            }

            #[inline(always)]
            fn modulus(self) -> Self {
                <$type>::abs(self)
            }

            #[inline(always)]
            fn nearest_even(self) -> Self {
                // 1.5 times the first number behind whose point no bit is left: a rounding without a call.
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
    fn halves_go_to_the_even_number() {
        for (x, nearest) in [(0.5, 0.0), (1.5, 2.0), (-2.5, -2.0), (-0.51, -1.0), (4_000_000.49, 4_000_000.0)] {
            assert!((f64::from_f64(x).nearest_even() - nearest).abs() < 1e-15);
            assert!((f32::from_f64(x).nearest_even().to_f64() - nearest).abs() < 1e-15);
        }
        assert!(((-3.0f32).limit(-1.0, 1.0) + 1.0).abs() < 1e-7 && (0.5f64.limit(0.0, 1.0) - 0.5).abs() < 1e-15);
    }
}
