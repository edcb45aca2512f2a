//! The vector kernel of [`NormalStream`](crate::NormalStream): 16 generators and the Box–Muller transform.
//!
//! Engine: measure before and after a change. A change of any bit changes all results of all seeds.

use pulp::{Arch, NullaryFnOnce};

/// Parallel generators: a multiple of the lanes of every vector unit.
const LANES: usize = 16;
/// Deviates computed together.
pub(crate) const GROUP: usize = 128;
/// Pairs of deviates of a group.
pub(crate) const HALF: usize = GROUP / 2;

/// State of the generators xoshiro128++, word by word.
pub(crate) type State = [[u32; LANES]; 4];

/// The next groups of deviates.
pub(crate) fn fill_groups<T: BoxMuller>(state: &mut State, groups: &mut [[T; GROUP]]) {
    struct Fill<'a, T> {
        state: &'a mut State,
        groups: &'a mut [[T; GROUP]],
    }

    impl<T: BoxMuller> NullaryFnOnce for Fill<'_, T> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            for group in self.groups {
                T::fill_group(self.state, group);
            }
        }
    }

    Arch::new().dispatch(Fill { state, groups });
}

/// Advances the generators by a number of groups of `T`.
pub(crate) fn skip_groups<T: BoxMuller>(state: &mut State, groups: usize) {
    struct Skip<'a> {
        state: &'a mut State,
        rounds: usize,
    }

    impl NullaryFnOnce for Skip<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let mut words = [0; GROUP];
            for _ in 0..self.rounds {
                round(self.state, &mut words);
            }
        }
    }

    Arch::new().dispatch(Skip { state, rounds: groups * T::ROUNDS });
}

/// The next word of every generator, eight times.
#[inline(always)]
fn round(state: &mut State, words: &mut [u32; GROUP]) {
    let [s0, s1, s2, s3] = state;
    for out in words.as_chunks_mut::<LANES>().0 {
        for i in 0..LANES {
            let (a, b, c, d) = (s0[i], s1[i], s2[i] ^ s0[i], s3[i] ^ s1[i]);
            out[i] = a.wrapping_add(s3[i]).rotate_left(7).wrapping_add(a);
            (s0[i], s1[i], s2[i], s3[i]) = (a ^ d, b ^ c, c ^ (b << 9), d.rotate_left(11));
        }
    }
}

/// A precision of normal deviates. Implemented for `f32` and `f64` only.
pub trait BoxMuller: Copy + Default + std::fmt::Debug + Send + Sync {
    /// Calls of the generators per group.
    #[doc(hidden)]
    const ROUNDS: usize;

    /// The next group: first the products with the sines, then those with the cosines.
    #[doc(hidden)]
    fn fill_group(state: &mut State, group: &mut [Self; GROUP]);
}

/// `c₀ + x(c₁ + x(c₂ + …))`.
macro_rules! polynomial {
    ($x:expr, $last:expr) => { $last };
    ($x:expr, $first:expr, $($rest:expr),+) => { $first + $x * polynomial!($x, $($rest),+) };
}

impl BoxMuller for f32 {
    const ROUNDS: usize = 1;

    #[inline(always)]
    fn fill_group(state: &mut State, group: &mut [f32; GROUP]) {
        let mut words = [0; GROUP];
        round(state, &mut words);
        let (sines, cosines) = group.split_at_mut(HALF);
        // Two short loops, because more of their iterations fit into the reorder window of a processor.
        for (radius, word) in sines.iter_mut().zip(words) {
            *radius = radius_single(word);
        }
        for i in 0..HALF {
            let (sine, cosine) = direction_single(words[HALF + i]);
            (sines[i], cosines[i]) = (sines[i] * sine, sines[i] * cosine);
        }
    }
}

/// √(−2 ln u) to a relative 1e-6; u = (k + ½)·2⁻³¹ with k the upper 31 bits of a word.
#[inline(always)]
fn radius_single(word: u32) -> f32 {
    let u = ((word >> 1) as i32 as f32 + 0.5) * (1.0 / 2_147_483_648.0);
    // u = 2^e·(1 + m), 1 + m from √½ to √2; ln(1 + m) = m + m²·P(m) to 4e-7.
    let bits = u.to_bits();
    let e = bits.wrapping_sub(f32::to_bits(std::f32::consts::FRAC_1_SQRT_2)) as i32 >> 23;
    let m = f32::from_bits(bits.wrapping_sub((e << 23) as u32)) - 1.0;
    let z = m * m;
    let even = polynomial!(z, -0.5, -0.249_824_51, -0.171_323_87, -0.101_885_86);
    let odd = polynomial!(z, 0.333_341_14, 0.199_290_57, 0.159_840_96);
    let logarithm = e as f32 * std::f32::consts::LN_2 + (m + z * (even + m * odd));
    (-2.0 * logarithm).sqrt()
}

/// Sine and signed cosine, to 8e-7, of an angle in ±π/2 from the upper 31 bits; the last bit is the cosine's sign.
#[inline(always)]
fn direction_single(word: u32) -> (f32, f32) {
    let x = (word as i32 >> 1) as f32 * (std::f32::consts::PI / 2_147_483_648.0);
    let z = x * x;
    let sine = x * polynomial!(z, 0.999_999_2, -0.166_656_77, 0.008_313_191, -0.000_185_225_39);
    let cosine = polynomial!(z, 0.999_999_95, -0.499_999_05, 0.041_663_573, -0.001_385_363, 2.315_241_7e-5);
    (sine, f32::from_bits(cosine.to_bits() ^ (word << 31)))
}

impl BoxMuller for f64 {
    const ROUNDS: usize = 2;

    #[inline(always)]
    fn fill_group(state: &mut State, group: &mut [f64; GROUP]) {
        let (mut high, mut low) = ([0; GROUP], [0; GROUP]);
        round(state, &mut high);
        round(state, &mut low);
        let word = |i: usize| u64::from(high[i]) << 32 | u64::from(low[i]);
        let (sines, cosines) = group.split_at_mut(HALF);
        for (i, radius) in sines.iter_mut().enumerate() {
            *radius = radius_double(word(i));
        }
        for i in 0..HALF {
            let (sine, cosine) = direction_double(word(HALF + i));
            (sines[i], cosines[i]) = (sines[i] * sine, sines[i] * cosine);
        }
    }
}

/// The float in 1…2 whose fraction is the upper 52 bits of a word.
#[inline(always)]
fn from_one(word: u64) -> f64 {
    f64::from_bits(word >> 12 | 1f64.to_bits())
}

/// √(−2 ln u) to a relative 1e-12; u = (k + ½)·2⁻⁵² with k the upper 52 bits of a word.
#[inline(always)]
fn radius_double(word: u64) -> f64 {
    let u = from_one(word) - (1.0 - f64::EPSILON / 2.0);
    // u = 2^e·(1 + m) as above; ln(1 + m) = 2s + s³·Q(s²) with s = m/(2 + m), to 1e-13.
    let bits = u.to_bits();
    let e = bits.wrapping_sub(f64::to_bits(std::f64::consts::FRAC_1_SQRT_2)) & 0xfff0_0000_0000_0000;
    let m = f64::from_bits(bits.wrapping_sub(e)) - 1.0;
    // e is −52…0 in the upper 12 bits. It becomes a float as the last bits of 2⁵², with an offset of 2¹¹.
    const OFFSET: f64 = 4_503_599_627_370_496.0;
    let e = f64::from_bits((e >> 52) ^ 0x800 | OFFSET.to_bits()) - (OFFSET + 2048.0);
    let s = m / (2.0 + m);
    let z = s * s;
    let q = polynomial!(
        z,
        0.666_666_666_673_750_9,
        0.399_999_987_973_375_9,
        0.285_717_545_359_144_9,
        0.221_914_008_303_085_04,
        0.193_626_537_142_020_08
    );
    let logarithm = e * std::f64::consts::LN_2 + (2.0 * s + s * z * q);
    (-2.0 * logarithm).sqrt()
}

/// Sine and signed cosine, to 8e-13, of an angle in ±π/2 from the upper 52 bits; the last bit is the cosine's sign.
#[inline(always)]
fn direction_double(word: u64) -> (f64, f64) {
    let x = (from_one(word) - 1.5) * std::f64::consts::PI;
    let z = x * x;
    let sine = x * polynomial!(
        z,
        0.999_999_999_999_949_7,
        -0.166_666_666_664_666_72,
        0.008_333_333_320_358_348,
        -0.000_198_412_666_831_306_73,
        2.755_695_291_285_804_8e-6,
        -2.503_026_818_882_279e-8,
        1.541_121_974_664_89e-10
    );
    let cosine = polynomial!(
        z,
        0.999_999_999_999_248,
        -0.499_999_999_970_127_5,
        0.041_666_666_472_851_79,
        -0.001_388_888_417_078_905_4,
        2.480_103_992_800_827_2e-5,
        -2.752_467_042_508_166_4e-7,
        1.990_750_610_376_022_8e-9
    );
    (sine, f64::from_bits(cosine.to_bits() ^ (word << 63)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream::StreamKey;
    use rand::Rng;

    fn close((a, b): (f64, f64), u: f64, v: f64, negative: bool, tolerance: f64) {
        let (r, (sine, cosine)) = ((-2.0 * u.ln()).sqrt(), (v * std::f64::consts::PI).sin_cos());
        let off = (a - r * sine).hypot(b - if negative { -r * cosine } else { r * cosine });
        assert!(off <= tolerance * r, "u = {u:e}, v = {v:e}: off by {off:e}");
    }

    /// Words of all sizes, against logarithm, sine and cosine of the standard library.
    #[test]
    fn pairs_are_those_of_the_formula() {
        let mut stream = StreamKey::new(1, "test").stream();
        for k in 0..200_000 {
            let (radius, angle) = (stream.next_u64() >> (k % 64), stream.next_u64());
            let radius = if k % 2 == 0 { radius } else { !radius };
            let negative = |word: u64| word & 1 == 1;
            let u = ((radius >> 12) as f64 + 0.5) * 2f64.powi(-52);
            let v = ((angle >> 12) as f64) * 2f64.powi(-52) - 0.5;
            close(pair_double(radius, angle), u, v, negative(angle), 2e-12);
            let (radius, angle) = ((radius >> 32) as u32, (angle >> 32) as u32);
            let u = f64::from(((radius >> 1) as f32 + 0.5) * 2f32.powi(-31));
            let v = f64::from(angle as i32 >> 1) * 2f64.powi(-31);
            let (a, b) = pair_single(radius, angle);
            if u < 1.0 {
                close((a.into(), b.into()), u, v, negative(angle.into()), 2e-6);
            }
        }
        let (a, b) = pair_single(0, 1);
        assert!(a.abs() < 1e-30 && (b + 6.66).abs() < 0.01, "the largest magnitude: {b}");
        let (a, b) = pair_double(0, 1 << 63);
        assert!(a.abs() < 1e-12 && (b - 8.57).abs() < 0.01, "the largest magnitude: {b}");
        let (a, b) = pair_single(u32::MAX, 0);
        assert!(a.abs() < 1e-30 && b.abs() < 1e-30, "the smallest: {b}");
    }

    fn pair_single(radius: u32, angle: u32) -> (f32, f32) {
        let (r, (sine, cosine)) = (radius_single(radius), direction_single(angle));
        (r * sine, r * cosine)
    }

    fn pair_double(radius: u64, angle: u64) -> (f64, f64) {
        let (r, (sine, cosine)) = (radius_double(radius), direction_double(angle));
        (r * sine, r * cosine)
    }
}
