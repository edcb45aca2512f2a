//! Sine, cosine, argument and wrapping of slices and registers.
//!
//! Engine: measure before and after a change.

use crate::angle::{MIN_PHASE, SEAM};
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, PI, TAU};

/// Maximum angle (rad) of the vectorised range reduction. Up to it, `k·π/2` is exact in the first two parts.
const MAX_ANGLE: f64 = 1e5;

/// π/2 in three parts of at most 33 bits (Cody and Waite, as in fdlibm). Products with k < 2²⁰ are exact.
const HALF_PI: [f64; 3] = [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_795_950_6e-21];

/// `(sin r − r)/r³` in r² and `(cos r − 1 + r²/2)/r⁴` in r², for |r| ≤ π/4, highest power first (fdlibm).
const SINE: [f64; 6] = [
    1.589_690_995_211_55e-10,
    -2.505_076_025_340_686_3e-8,
    2.755_731_370_707_006_8e-6,
    -0.000_198_412_698_298_579_5,
    0.008_333_333_333_322_49,
    -0.166_666_666_666_666_32,
];
const COSINE: [f64; 6] = [
    -1.135_964_755_778_819_5e-11,
    2.087_572_321_298_175e-9,
    -2.755_731_435_139_066e-7,
    2.480_158_728_947_673e-5,
    -0.001_388_888_888_887_411,
    0.041_666_666_666_666_6,
];

/// `(atan t − t)/t³` in t², for |t| ≤ 7/16, highest power first (fdlibm).
const ARCTANGENT: [f64; 11] = [
    0.016_285_820_115_365_782,
    -0.036_531_572_744_216_916,
    0.049_768_779_946_159_324,
    -0.058_335_701_337_905_735,
    0.066_610_731_373_875_31,
    -0.076_918_762_050_448_3,
    0.090_908_871_334_365_07,
    -0.111_111_104_054_623_56,
    0.142_857_142_725_034_66,
    -0.199_999_999_998_764_83,
    0.333_333_333_333_329_3,
];

/// Whether [`sin_cos`] may be used for all of these angles (rad).
pub fn in_range(angles: &[f64]) -> bool {
    // No early exit, which would cost a branch per angle.
    angles.iter().fold(true, |all, x| all & (x.abs() <= MAX_ANGLE))
}

/// (sin x, cos x) to 2e-16 absolute, for |x| ≤ 1e5 rad.
#[inline(always)]
pub fn sin_cos<S: Simd>(simd: S, x: S::f64s) -> (S::f64s, S::f64s) {
    // Adding 1.5·2⁵² rounds to an integer and leaves it in the lowest bits.
    let shift = simd.splat_f64s(6_755_399_441_055_744.0);
    let shifted = simd.mul_add_e_f64s(x, simd.splat_f64s(FRAC_2_PI), shift);
    let quarter = simd.transmute_u64s_f64s(shifted);
    let k = simd.sub_f64s(shifted, shift);
    let mut r = x;
    for part in HALF_PI {
        r = simd.sub_f64s(r, simd.mul_f64s(k, simd.splat_f64s(part)));
    }
    let z = simd.mul_f64s(r, r);
    let sine = simd.mul_add_e_f64s(simd.mul_f64s(r, z), polynomial(simd, &SINE, z), r);
    let one = simd.mul_add_e_f64s(z, simd.splat_f64s(-0.5), simd.splat_f64s(1.0));
    let cosine = simd.mul_add_e_f64s(simd.mul_f64s(z, z), polynomial(simd, &COSINE, z), one);
    // Quadrants: sine and cosine are swapped in odd ones; the sine is negative in 2 and 3, the cosine in 1 and 2.
    let bit = |bits, which: u64| {
        let which = simd.splat_u64s(which);
        simd.equal_u64s(simd.and_u64s(bits, which), which)
    };
    let odd = bit(quarter, 1);
    let signed = |negative, value| {
        let minus = simd.select_f64s(negative, simd.splat_f64s(-0.0), simd.splat_f64s(0.0));
        simd.xor_f64s(value, minus)
    };
    let sin = signed(bit(quarter, 2), simd.select_f64s(odd, cosine, sine));
    let cos = signed(bit(simd.add_u64s(quarter, simd.splat_u64s(1)), 2), simd.select_f64s(odd, sine, cosine));
    (sin, cos)
}

/// Wraps phases (rad) of at most a few periods to −π…π.
#[inline(always)]
pub fn wrap_symmetric<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    // Adding 1.5·2⁵² rounds to an integer. 2π is a double plus its rounding error.
    let shift = simd.splat_f64s(6_755_399_441_055_744.0);
    let periods = simd.sub_f64s(simd.mul_add_e_f64s(x, simd.splat_f64s(1.0 / TAU), shift), shift);
    let rest = simd.negate_mul_add_e_f64s(periods, simd.splat_f64s(TAU), x);
    simd.negate_mul_add_e_f64s(periods, simd.splat_f64s(2.449_293_598_294_706_4e-16), rest)
}

/// [`crate::angle::wrap`] for phases (rad) of at most a few periods.
#[inline(always)]
pub fn wrap<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    let rest = wrap_symmetric(simd, x);
    let negative = simd.less_than_f64s(rest, simd.splat_f64s(-SEAM));
    let wrapped = simd.select_f64s(negative, simd.add_f64s(rest, simd.splat_f64s(TAU)), rest);
    let zero = simd.less_than_f64s(simd.abs_f64s(wrapped), simd.splat_f64s(MIN_PHASE));
    simd.select_f64s(zero, simd.splat_f64s(0.0), wrapped)
}

/// [`crate::angle::wrap`] of each phase (rad), of at most a few periods.
pub fn wrap_in_place(phases: &mut [f64]) {
    struct All<'a>(&'a mut [f64]);
    impl WithSimd for All<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (registers, rest) = S::as_mut_simd_f64s(self.0);
            registers.iter_mut().for_each(|x| *x = wrap(simd, *x));
            let last = wrap(simd, simd.partial_load_f64s(rest));
            simd.partial_store_f64s(rest, last);
        }
    }
    Arch::new().dispatch(All(phases));
}

/// `e^{ix}` of each angle (rad).
pub fn cis_all(angles: &[f64]) -> Vec<Complex64> {
    const LANES: usize = 8;
    struct All<'a>(&'a [f64]);
    impl WithSimd for All<'_> {
        type Output = Vec<Complex64>;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let mut all = Vec::with_capacity(self.0.len());
            for angles in self.0.chunks(LANES) {
                let (mut x, mut s, mut c) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
                x[..angles.len()].copy_from_slice(angles);
                let lanes = S::as_simd_f64s(&x).0.iter();
                let results = S::as_mut_simd_f64s(&mut s).0.iter_mut().zip(S::as_mut_simd_f64s(&mut c).0);
                for (x, (s, c)) in lanes.zip(results) {
                    (*s, *c) = sin_cos(simd, *x);
                }
                all.extend((0..angles.len()).map(|k| Complex64::new(c[k], s[k])));
            }
            all
        }
    }
    if in_range(angles) {
        return Arch::new().dispatch(All(angles));
    }
    angles.iter().map(|&x| Complex64::cis(x)).collect()
}

/// The [`argument`] of each number (rad).
pub fn arguments(numbers: impl ExactSizeIterator<Item = Complex64>) -> Vec<f64> {
    struct All<'a>(&'a mut [f64], &'a [f64]);
    impl WithSimd for All<'_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (y, y_rest) = S::as_mut_simd_f64s(self.0);
            let (x, x_rest) = S::as_simd_f64s(self.1);
            y.iter_mut().zip(x).for_each(|(y, x)| *y = argument(simd, *y, *x));
            for (y, x) in y_rest.iter_mut().zip(x_rest) {
                *y = simd.reduce_max_f64s(argument(simd, simd.splat_f64s(*y), simd.splat_f64s(*x)));
            }
        }
    }
    let (mut y, mut x) = (Vec::with_capacity(numbers.len()), Vec::with_capacity(numbers.len()));
    for number in numbers {
        y.push(number.im);
        x.push(number.re);
    }
    Arch::new().dispatch(All(&mut y, &x));
    y
}

/// The argument of x + iy (rad), −π…π, to 4e-16; 0 where both are 0.
#[inline(always)]
pub fn argument<S: Simd>(simd: S, y: S::f64s, x: S::f64s) -> S::f64s {
    let zero = simd.splat_f64s(0.0);
    let (ax, ay) = (simd.abs_f64s(x), simd.abs_f64s(y));
    let (small, large) = (simd.min_f64s(ax, ay), simd.max_f64s(ax, ay));
    // Above tan(π/8), atan t = π/4 + atan((t−1)/(t+1)), so that one polynomial is enough.
    let far = simd.greater_than_f64s(small, simd.mul_f64s(large, simd.splat_f64s(std::f64::consts::SQRT_2 - 1.0)));
    let above = simd.select_f64s(far, simd.sub_f64s(small, large), small);
    let below = simd.select_f64s(far, simd.add_f64s(small, large), large);
    let below = simd.select_f64s(simd.equal_f64s(large, zero), simd.splat_f64s(1.0), below);
    let t = simd.div_f64s(above, below);
    let z = simd.mul_f64s(t, t);
    let base = simd.select_f64s(far, simd.splat_f64s(FRAC_PI_4), zero);
    let rest = simd.mul_f64s(simd.mul_f64s(t, z), polynomial(simd, &ARCTANGENT, z));
    let angle = simd.add_f64s(base, simd.sub_f64s(t, rest));
    let steep = simd.greater_than_f64s(ay, ax);
    let angle = simd.select_f64s(steep, simd.sub_f64s(simd.splat_f64s(FRAC_PI_2), angle), angle);
    let negative = simd.less_than_f64s(x, zero);
    let angle = simd.select_f64s(negative, simd.sub_f64s(simd.splat_f64s(PI), angle), angle);
    simd.select_f64s(simd.less_than_f64s(y, zero), simd.sub_f64s(zero, angle), angle)
}

/// Horner's rule, highest power first.
#[inline(always)]
fn polynomial<S: Simd>(simd: S, coefficients: &[f64], x: S::f64s) -> S::f64s {
    let mut sum = simd.splat_f64s(coefficients[0]);
    for c in &coefficients[1..] {
        sum = simd.mul_add_e_f64s(sum, x, simd.splat_f64s(*c));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Each<'a>(&'a [f64]);

    impl WithSimd for Each<'_> {
        type Output = Vec<(f64, f64)>;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let one = |x: &f64| {
                let (s, c) = sin_cos(simd, simd.splat_f64s(*x));
                (simd.reduce_max_f64s(s), simd.reduce_max_f64s(c))
            };
            self.0.iter().map(one).collect()
        }
    }

    #[test]
    fn agrees_with_the_standard_library() {
        let angles: Vec<f64> = (0..200_000)
            .map(|k| (f64::from(k) - 1e5) * 0.999_371)
            .chain((0..200_000).map(|k| (f64::from(k) - 1e5) * 1.1e-4))
            .chain((0..64).map(|k| f64::from(k - 32) * std::f64::consts::FRAC_PI_4))
            .collect();
        assert!(in_range(&angles) && !in_range(&[1.1e5]) && !in_range(&[f64::NAN]));
        for (x, (s, c)) in angles.iter().zip(Arch::new().dispatch(Each(&angles))) {
            assert!((c - x.cos()).abs() <= 2.3e-16 && (s - x.sin()).abs() <= 2.3e-16, "{x}: {c} {s}");
        }
    }

    #[test]
    fn slices_are_wrapped_like_single_phases() {
        let fine = (0..40_000).map(|k| f64::from(k - 20_000) * 9.7e-4);
        let seams = (-3..=3).flat_map(|periods| {
            let seam = f64::from(periods) * TAU;
            [seam, seam - 2e-9, seam - 1.1e-9, seam - 0.9e-9, seam + 1e-12, seam + PI, seam - 1e-16]
        });
        let phases: Vec<f64> = fine.chain(seams).collect();
        for count in [0, 1, 7, 8, 9, phases.len()] {
            let mut computed = phases[phases.len() - count..].to_vec();
            wrap_in_place(&mut computed);
            for (x, computed) in phases[phases.len() - count..].iter().zip(computed) {
                // The scalar function subtracts a rounded 2π, which differs by 2.4e-16 per period.
                assert!((computed - crate::angle::wrap(*x)).abs() < 4e-15, "{x}: {computed}");
            }
        }
    }

    struct Arguments<'a>(&'a [(f64, f64)]);

    impl WithSimd for Arguments<'_> {
        type Output = Vec<f64>;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let one = |&(y, x): &(f64, f64)| argument(simd, simd.splat_f64s(y), simd.splat_f64s(x));
            self.0.iter().map(|point| simd.reduce_max_f64s(one(point))).collect()
        }
    }

    #[test]
    fn arguments_of_any_number_of_numbers() {
        for count in 0..18 {
            let numbers: Vec<Complex64> = (0..count).map(|k| Complex64::cis(f64::from(k) * 1.3)).collect();
            let angles = arguments(numbers.iter().copied());
            assert_eq!(angles.len(), numbers.len());
            assert!(angles.iter().zip(&numbers).all(|(angle, z)| (angle - z.arg()).abs() < 1e-15));
        }
    }

    #[test]
    fn arguments_agree_with_the_standard_library() {
        let ring = (0..100_000).map(|k| f64::from(k) * 6.3e-5 - 3.15);
        let mut points: Vec<(f64, f64)> = ring.map(|a| (3.7 * a.sin(), 3.7 * a.cos())).collect();
        for y in [-1.0, -1e-16, -1e-200, 0.0, 1e-200, 1e-9, 0.414_213_562_373_095, 1.0] {
            points.extend([-2.0, -1.0, -1e-12, 0.0, 1e-160, 1e-9, 1.0, 2.5].map(|x| (y, x)));
        }
        for ((y, x), computed) in points.iter().zip(Arch::new().dispatch(Arguments(&points))) {
            assert!((computed - y.atan2(*x)).abs() <= 4.5e-16, "({y}, {x}): {computed} and {}", y.atan2(*x));
        }
    }
}
