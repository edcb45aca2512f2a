//! Sines and cosines of many angles at once.

use pulp::Simd;
use std::f64::consts::FRAC_2_PI;

/// Largest angle (rad) that the vectorised reduction takes: below it `k·π/2` is exact in the first two parts.
const LARGEST: f64 = 1e5;

/// π/2 in three parts of at most 33 bits (Cody and Waite; the parts of fdlibm): products with k < 2²⁰ are exact.
#[allow(clippy::excessive_precision, reason = "as published")]
const HALF_PI: [f64; 3] = [1.570_796_326_734_125_614_17, 6.077_100_506_303_965_976_60e-11, 2.022_266_248_795_950_631_54e-21];

/// `(sin r − r)/r³` in r² and `(cos r − 1 + r²/2)/r⁴` in r², for |r| ≤ π/4, highest power first (fdlibm).
const SINE: [f64; 6] = [
    1.589_690_995_211_550_1e-10,
    -2.505_076_025_340_686_3e-8,
    2.755_731_370_707_006_8e-6,
    -1.984_126_982_985_795e-4,
    8.333_333_333_322_49e-3,
    -1.666_666_666_666_663_2e-1,
];
const COSINE: [f64; 6] = [
    -1.135_964_755_778_819_5e-11,
    2.087_572_321_298_174_8e-9,
    -2.755_731_435_139_066e-7,
    2.480_158_728_947_673e-5,
    -1.388_888_888_887_411e-3,
    4.166_666_666_666_66e-2,
];

/// Whether [`sin_cos`] may be used for all of these angles (rad).
pub(crate) fn in_range(angles: &[f64]) -> bool {
    angles.iter().all(|x| x.abs() <= LARGEST)
}

/// (sin x, cos x) to 2e-16 absolute, for |x| ≤ 1e5 rad.
#[inline(always)]
pub(crate) fn sin_cos<S: Simd>(simd: S, x: S::f64s) -> (S::f64s, S::f64s) {
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
    let polynomial = |coefficients: [f64; 6]| {
        let mut sum = simd.splat_f64s(coefficients[0]);
        for c in &coefficients[1..] {
            sum = simd.mul_add_e_f64s(sum, z, simd.splat_f64s(*c));
        }
        sum
    };
    let sine = simd.mul_add_e_f64s(simd.mul_f64s(r, z), polynomial(SINE), r);
    let one = simd.mul_add_e_f64s(z, simd.splat_f64s(-0.5), simd.splat_f64s(1.0));
    let cosine = simd.mul_add_e_f64s(simd.mul_f64s(z, z), polynomial(COSINE), one);
    // Quarter turns: swapped where odd, sin negative in quarters 2, 3 and cos in 1, 2.
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

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::{Arch, WithSimd};

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
}
