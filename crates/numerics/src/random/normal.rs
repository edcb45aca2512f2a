//! Normal draws in bulk: by the hundred, without a branch, in vector instructions.
//!
//! Two uniforms u, v make two draws `√(−2 ln u)·(sin πv, ± cos πv)` (Box and Muller 1958, recalled), v in ±½ and the
//! sign a bit of its own. Nothing is rejected, so that every draw has its place in the stream. Logarithm, sine and
//! cosine are polynomials through the Chebyshev nodes of their interval; products and sums are rounded one by one,
//! never fused, so that a stream gives the same bits on every processor.
//!
//! The uniforms come from 16 generators xoshiro128++ side by side (Blackman and Vigna 2021, recalled), whose states are
//! the first 256 bytes of the ChaCha8 stream of the key: a quarter of the time of that stream itself, which is as long
//! as all the rest.

use crate::random::stream::StreamKey;
use pulp::{Arch, NullaryFnOnce};
use rand::Rng;
use rand::rngs::ChaCha8Rng;

/// Generators side by side: a multiple of the lanes of any vector unit.
const LANES: usize = 16;
/// Draws that are made together.
const GROUP: usize = 128;
const HALF: usize = GROUP / 2;

/// State of the generators, word by word.
type State = [[u32; LANES]; 4];

/// A stream of draws of N(0, 1) in single (`f32`) or double precision (`f64`).
///
/// The draws are the same whether they are taken one by one or many at a time. Those in double precision have 52 bits
/// and a largest magnitude of 8.5; those in single precision 31 bits and 6.7, which a normal draw exceeds once in 4·10¹⁰.
///
/// ```
/// use phaseloom_mesh::{Normals, StreamKey};
/// let key = StreamKey::new(7, "example");
/// let mut three = [0.0; 3];
/// Normals::<f64>::new(&key).fill(&mut three);
/// let mut again = Normals::<f64>::new(&key);
/// again.skip(2);
/// assert_eq!(again.draw(), three[2]);
/// ```
#[derive(Clone, Debug)]
pub struct Normals<T> {
    state: State,
    group: [T; GROUP],
    /// Draws of the group that are spent.
    used: usize,
}

impl<T: BoxMuller> Normals<T> {
    /// The stream of a key, at its start.
    #[must_use]
    pub fn new(key: &StreamKey<'_>) -> Self {
        Self::seeded(&mut key.stream())
    }

    fn seeded(stream: &mut ChaCha8Rng) -> Self {
        let mut state = [[0; LANES]; 4];
        state.iter_mut().flatten().for_each(|word| *word = stream.next_u32());
        Self { state, group: [T::default(); GROUP], used: GROUP }
    }

    /// The next draws, as many as there is place.
    pub fn fill(&mut self, out: &mut [T]) {
        let left = out.len().min(GROUP - self.used);
        let (first, rest) = out.split_at_mut(left);
        first.copy_from_slice(&self.group[self.used..self.used + left]);
        self.used += left;
        let (groups, last) = rest.as_chunks_mut();
        Arch::new().dispatch(Fill { state: &mut self.state, groups });
        if !last.is_empty() {
            self.refill();
            last.copy_from_slice(&self.group[..last.len()]);
            self.used = last.len();
        }
    }

    /// The next draw.
    pub fn draw(&mut self) -> T {
        if self.used == GROUP {
            self.refill();
        }
        self.used += 1;
        self.group[self.used - 1]
    }

    /// Leaves out as many draws: much faster than to make them.
    pub fn skip(&mut self, count: usize) {
        let left = count.min(GROUP - self.used);
        self.used += left;
        let (groups, last) = ((count - left) / GROUP, (count - left) % GROUP);
        Arch::new().dispatch(Skip { state: &mut self.state, rounds: groups * T::ROUNDS });
        if last > 0 {
            self.refill();
            self.used = last;
        }
    }

    fn refill(&mut self) {
        Arch::new().dispatch(Fill { state: &mut self.state, groups: std::slice::from_mut(&mut self.group) });
        self.used = 0;
    }
}

struct Fill<'a, T> {
    state: &'a mut State,
    groups: &'a mut [[T; GROUP]],
}

impl<T: BoxMuller> NullaryFnOnce for Fill<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for group in self.groups {
            T::make(self.state, group);
        }
    }
}

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

/// The next words of all generators.
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

/// A precision in which normal draws are made. Implemented for `f32` and `f64` alone.
pub trait BoxMuller: Copy + Default + std::fmt::Debug + Send + Sync {
    /// Rounds of words that a group takes.
    #[doc(hidden)]
    const ROUNDS: usize;

    #[doc(hidden)]
    fn make(state: &mut State, group: &mut [Self; GROUP]);
}

/// `c₀ + x(c₁ + x(c₂ + …))`.
macro_rules! polynomial {
    ($x:expr, $last:expr) => { $last };
    ($x:expr, $first:expr, $($rest:expr),+) => { $first + $x * polynomial!($x, $($rest),+) };
}

impl BoxMuller for f32 {
    const ROUNDS: usize = 1;

    #[inline(always)]
    fn make(state: &mut State, group: &mut [f32; GROUP]) {
        let mut words = [0; GROUP];
        round(state, &mut words);
        let (sines, cosines) = group.split_at_mut(HALF);
        // Two short loops: more of their turns fit in the window in which a processor looks for work.
        for (radius, word) in sines.iter_mut().zip(words) {
            *radius = radius_single(word);
        }
        for i in 0..HALF {
            let (sine, cosine) = direction_single(words[HALF + i]);
            (sines[i], cosines[i]) = (sines[i] * sine, sines[i] * cosine);
        }
    }
}

/// √(−2 ln u), u = (k + ½)·2⁻³¹ of the upper 31 bits of a word; to 1e-6, relative.
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

/// Sine and cosine of an angle in ±π/2 from the upper 31 bits of a word, to 8e-7; the last bit is the cosine's sign.
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
    fn make(state: &mut State, group: &mut [f64; GROUP]) {
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

/// A float from 1 to 2 with the upper 52 bits of a word behind its point.
#[inline(always)]
fn from_one(word: u64) -> f64 {
    f64::from_bits(word >> 12 | 1f64.to_bits())
}

/// √(−2 ln u), u = (k + ½)·2⁻⁵² of the upper 52 bits of a word; to 1e-12, relative.
#[inline(always)]
fn radius_double(word: u64) -> f64 {
    let u = from_one(word) - (1.0 - f64::EPSILON / 2.0);
    // u = 2^e·(1 + m) as above; ln(1 + m) = 2s + s³·Q(s²) with s = m/(2 + m), to 1e-13.
    let bits = u.to_bits();
    let e = bits.wrapping_sub(f64::to_bits(std::f64::consts::FRAC_1_SQRT_2)) & 0xfff0_0000_0000_0000;
    let m = f64::from_bits(bits.wrapping_sub(e)) - 1.0;
    // e is −52…0 in the upper 12 bits. As a float: behind the point of 2⁵², offset by 2¹¹.
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

/// Sine and cosine of an angle in ±π/2 from the upper 52 bits of a word, to 8e-13; the last bit is the cosine's sign.
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

    fn close((a, b): (f64, f64), u: f64, v: f64, negative: bool, tolerance: f64) {
        let (r, (sine, cosine)) = ((-2.0 * u.ln()).sqrt(), (v * std::f64::consts::PI).sin_cos());
        let off = (a - r * sine).hypot(b - if negative { -r * cosine } else { r * cosine });
        assert!(off <= tolerance * r, "u = {u:e}, v = {v:e}: off by {off:e}");
    }

    /// Words of all sizes through logarithm, sine and cosine of the standard library.
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

    #[test]
    fn draws_do_not_depend_on_how_they_are_taken() {
        fn check<T: BoxMuller + PartialEq>() {
            let key = StreamKey::new(3, "test");
            let mut all = vec![T::default(); 2000];
            Normals::<T>::new(&key).fill(&mut all);
            let (mut parts, mut single) = (Normals::<T>::new(&key), Normals::<T>::new(&key));
            let mut at = 0;
            for length in [0, 1, 127, 128, 129, 0, 5, 300, 256, 3].into_iter().cycle() {
                if at + length > all.len() {
                    break;
                }
                let mut part = vec![T::default(); length];
                parts.fill(&mut part);
                assert!(part == all[at..at + length], "{length} draws from {at}");
                assert!((0..length).all(|i| single.draw() == all[at + i]));
                at += length;
                for skipped in [0, 1, 100, 400, at] {
                    let mut behind = Normals::<T>::new(&key);
                    behind.skip(at - skipped.min(at));
                    behind.skip(skipped.min(at));
                    assert!(at == all.len() || behind.draw() == all[at], "skipped to {at}");
                }
            }
            assert!(at > 1500);
        }
        check::<f32>();
        check::<f64>();
    }

    /// Moments and tails of 4 million draws; six standard errors, so that one of a hundred checks fails once in 10⁷.
    #[test]
    fn draws_are_normal() {
        fn check<T: crate::simd::real::Real>() {
            const COUNT: usize = 1 << 22;
            let mut draws = vec![T::ZERO; COUNT];
            Normals::<T>::new(&StreamKey::new(5, "test")).fill(&mut draws);
            let z: Vec<f64> = draws.iter().map(|z| z.to_f64()).collect();
            let n = COUNT as f64;
            // E z^k and its variance E z^2k − (E z^k)².
            for (power, mean, variance) in
                [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0), (6, 15.0, 10_170.0)]
            {
                let found = z.iter().map(|z| z.powi(power)).sum::<f64>() / n;
                assert!((found - mean).abs() < 6.0 * (variance / n).sqrt(), "moment {power}: {found}");
            }
            // P(z < x), Abramowitz and Stegun table 26.1 (recalled).
            for (x, p) in [
                (-4.0, 3.1671e-5),
                (-3.0, 1.349_898e-3),
                (-1.0, 0.158_655_3),
                (-0.1, 0.460_172_2),
                (0.5, 0.691_462_5),
                (2.0, 0.977_249_9),
                (3.0, 0.998_650_1),
            ] {
                let found = z.iter().filter(|z| **z < x).count() as f64 / n;
                assert!((found - p).abs() < 6.0 * (p * (1.0 - p) / n).sqrt(), "P(z < {x}): {found}");
            }
            // Neighbours, the partner of a pair, the same lane and the next group are independent; so are squares.
            for lag in [1, 16, HALF, GROUP, GROUP + HALF, 64 * GROUP] {
                let each = z.iter().zip(&z[lag..]);
                let product = each.clone().map(|(a, b)| a * b).sum::<f64>() / n.sqrt();
                let squares = each.map(|(a, b)| (a * a - 1.0) * (b * b - 1.0)).sum::<f64>() / n.sqrt();
                assert!(product.abs() < 6.0 && squares.abs() < 12.0, "lag {lag}: {product}, {squares}");
            }
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn streams_are_pinned() {
        // A change of these numbers changes every result for a given seed: it needs an entry in the CHANGELOG.
        let key = StreamKey::new(1, "pin").trial(2).core(3).layer(4).tile(5).block(6);
        let (single, double) = (Normals::<f32>::new(&key).draw(), Normals::<f64>::new(&key).draw());
        assert_eq!((single.to_bits(), double.to_bits()), PIN, "{single:e} {double:e}");
    }

    const PIN: (u32, u64) = (3_215_597_114, 4_601_205_419_591_108_061);
}
