//! Vectors turned into one entry each by chains of cells, which running sums tell at once.
//!
//! A chain carries the first entry v₀ of a vector and meets the others; each cell nulls what it carries on into the entry that
//! it meets. Of any other vector x the same cells make, up to factors of each line,
//!
//! ```text
//! carried: Sⱼ = Σ_{k≤j} vₖ*·xₖ       Rⱼ = Σ_{k≤j} |vₖ|²
//! left by the cell that meets m = j+1:  xₘ − vₘ·Sⱼ/Rⱼ,   tan(θ/2) = |vₘ|/√Rⱼ
//! ```
//!
//! so that neither a rotation of v nor a root stands between one cell and the next: the cells of a chain are worked out
//! side by side. Lines are kept up to factors d, as in [`crate::propagate::chains`], by their weights w = |d|² and phases. With
//! `x = d·x̃` the sums are those of `w·ṽ*·x̃`, and of the true factor that a cell leaves only the phase depends on which
//! cell it is:
//!
//! ```text
//! αⱼ = wₘ·ṽₘ*/(w₀·ṽ₀*),   βⱼ = −ṽₘ·w₀·ṽ₀*/Rⱼ,   wⱼ ← wₘ·Rⱼ/Rₘ,   the last line: w ← w₀²·|ṽ₀|²/R.
//! ```

use crate::cell::mzi::ZERO;
use crate::propagate::chains::{MIN_SCALE, TILE_ROW, TILE_WIDTH, apply_chain};
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::{argument, phase_factors, wrap, wrap_symmetric};
use pulp::{Arch, Scalar, Simd, WithSimd};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// What the cells of a chain are, and on which of their lines they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carry {
    /// Cells T(θ, φ), which carry on their first line.
    First,
    /// Cells T(θ, φ), which carry on their second line.
    Second,
    /// Rotations `[[a*, b*], [−b, a]]`, which carry on their second line and leave what they carry real.
    Real,
    /// The same behind a phase that makes the first entry real.
    Turned,
}

/// The way of a chain: the line that it carries, and the cells that it meets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// Which of the 16 vectors it turns into one entry.
    pub vector: usize,
    pub line: usize,
    pub count: usize,
    pub carry: Carry,
}

/// Cells of several chains.
pub(crate) struct Projections {
    /// (θ, φ) of the cells of each chain in its order (rad), of rotations the argument of a in the place of φ; it is wrapped
    /// as [`crate::cell::mzi::wrap`] does.
    pub angles: Vec<Vec<(f64, f64)>>,
    /// (α, β) of the cells of each chain.
    pub elements: Vec<Vec<[f64; 4]>>,
    /// The phases of the first entry of each vector and of the one that it became (rad).
    pub phases: Vec<[f64; 2]>,
    /// What each line is to be multiplied by behind the chains.
    pub factors: Vec<Complex64>,
}

/// The cells of the chains, one behind another, which rise to higher lines or fall. The tile is used up. `None` where a cell
/// has nothing to null or nothing to null it with, or where factors leave their range.
pub(crate) fn project(tile: &mut [[f64; TILE_ROW]], rising: bool, ways: &[Way]) -> Option<Projections> {
    Arch::new().dispatch(Project { tile, rising, ways })
}

struct Project<'a> {
    tile: &'a mut [[f64; TILE_ROW]],
    rising: bool,
    ways: &'a [Way],
}

/// Numbers of the widest register; arrays are padded to whole ones.
const LANES: usize = 8;

/// What is known of each entry of one chain, in its order.
struct Entries {
    re: Vec<f64>,
    im: Vec<f64>,
    /// w·|ṽ|².
    power: Vec<f64>,
    /// The argument of ṽ (rad).
    argument: Vec<f64>,
    /// Rⱼ, and its inverse.
    sum: Vec<f64>,
    inverse: Vec<f64>,
    /// θ/2 of the cell that carries j (rad).
    half: Vec<f64>,
    /// The true phase of v as it is carried behind the cell that meets j (rad).
    carried: Vec<f64>,
}

impl WithSimd for Project<'_> {
    type Output = Option<Projections>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { tile, rising, ways } = self;
        let lines = tile.len();
        // Of each line in the order of a chain.
        let length = lines.next_multiple_of(LANES) + 2 * LANES;
        let (mut weight, mut phase) = (vec![1.0; length], vec![0.0; length]);
        let mut entries = Entries::new(length);
        let mut found = Projections {
            angles: Vec::with_capacity(ways.len()),
            elements: Vec::with_capacity(ways.len()),
            phases: Vec::with_capacity(ways.len()),
            factors: Vec::new(),
        };
        for (done, way) in ways.iter().enumerate() {
            let offset = if rising { way.line } else { lines - 1 - way.line };
            entries.gather(tile, rising, way);
            entries.powers(simd, &weight[offset..], way.count + 1);
            if !entries.are_generic(way.count) {
                return None;
            }
            entries.halves(simd, way.count);
            let (weight, phase) = (&mut weight[offset..], &mut phase[offset..]);
            let elements = entries.elements(simd, weight, way.count);
            if done + 1 < ways.len() {
                apply_chain(simd, tile, way.line, rising, &elements);
            }
            found.elements.push(elements);
            let first = entries.argument[0] + phase[0];
            entries.carry(simd, way.carry, (first, phase), way.count);
            found.angles.push(entries.angles(simd, way.carry, phase, way.count));
            found.phases.push([first, entries.carried[way.count]]);
            if !entries.weigh(simd, weight, way.count) {
                return None;
            }
            entries.turn(simd, way.carry, phase, way.count);
        }
        let mut of_lines = phase_factors(&phase[..lines]);
        of_lines.iter_mut().zip(&weight).for_each(|(z, w)| *z *= w.sqrt());
        if !rising {
            of_lines.reverse();
        }
        found.factors = of_lines;
        Some(found)
    }
}

/// Whole registers that hold the first `count` numbers.
#[inline(always)]
fn registers<S: Simd>(values: &[f64], count: usize) -> &[S::f64s] {
    S::as_simd_f64s(&values[..count.next_multiple_of(S::F64_LANES)]).0
}

#[inline(always)]
fn registers_mut<S: Simd>(values: &mut [f64], count: usize) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(&mut values[..count.next_multiple_of(S::F64_LANES)]).0
}

impl Entries {
    fn new(length: usize) -> Self {
        let zeros = || vec![0.0; length];
        Self {
            re: zeros(),
            im: zeros(),
            power: zeros(),
            argument: zeros(),
            sum: zeros(),
            inverse: zeros(),
            half: zeros(),
            carried: zeros(),
        }
    }

    #[inline(always)]
    fn gather(&mut self, tile: &[[f64; TILE_ROW]], rising: bool, way: &Way) {
        let entries = self.re.iter_mut().zip(&mut self.im);
        let take = |((re, im), line): ((&mut f64, &mut f64), &[f64; TILE_ROW])| {
            (*re, *im) = (line[way.vector], line[TILE_WIDTH + way.vector]);
        };
        if rising {
            entries.zip(&tile[way.line..=way.line + way.count]).for_each(take);
        } else {
            entries.zip(tile[way.line - way.count..=way.line].iter().rev()).for_each(take);
        }
    }

    /// Powers and arguments of the entries, running sums and their inverses.
    #[inline(always)]
    fn powers<S: Simd>(&mut self, simd: S, weight: &[f64], count: usize) {
        let (re, im) = (registers::<S>(&self.re, count), registers::<S>(&self.im, count));
        let power = registers_mut::<S>(&mut self.power, count);
        let angle = registers_mut::<S>(&mut self.argument, count);
        let weight = registers::<S>(weight, count);
        for ((((re, im), power), angle), w) in re.iter().zip(im).zip(power).zip(angle).zip(weight) {
            *power = simd.mul_f64s(*w, simd.mul_add_e_f64s(*re, *re, simd.mul_f64s(*im, *im)));
            *angle = argument(simd, *im, *re);
        }
        let mut sum = 0.0;
        for (all, power) in self.sum[..count].iter_mut().zip(&self.power) {
            sum += power;
            *all = sum;
        }
        let one = simd.splat_f64s(1.0);
        for (inverse, sum) in
            registers_mut::<S>(&mut self.inverse, count).iter_mut().zip(registers::<S>(&self.sum, count))
        {
            *inverse = simd.div_f64s(one, *sum);
        }
    }

    /// Whether no entry of a vector that light meets counts as zero, and all are numbers.
    #[inline(always)]
    fn are_generic(&self, count: usize) -> bool {
        let least = self.power[..=count].iter().fold(f64::INFINITY, |least, power| least.min(*power));
        least >= ZERO * ZERO && self.sum[count].is_finite()
    }

    #[inline(always)]
    fn halves<S: Simd>(&mut self, simd: S, count: usize) {
        let met = registers::<S>(&self.power[1..], count);
        let half = registers_mut::<S>(&mut self.half, count);
        for ((half, met), sum) in half.iter_mut().zip(met).zip(registers::<S>(&self.sum, count)) {
            *half = argument(simd, simd.sqrt_f64s(*met), simd.sqrt_f64s(*sum));
        }
    }

    #[inline(always)]
    fn elements<S: Simd>(&self, simd: S, weight: &[f64], count: usize) -> Vec<[f64; 4]> {
        let mut elements = Vec::with_capacity(count.next_multiple_of(LANES));
        let (re, im) = (registers::<S>(&self.re[1..], count), registers::<S>(&self.im[1..], count));
        let (met, inverse) = (registers::<S>(&weight[1..], count), registers::<S>(&self.inverse, count));
        let splat = |x: f64| simd.splat_f64s(x);
        let (first_re, first_im) = (splat(self.re[0]), splat(self.im[0]));
        let (of_met, of_inverse) = (splat(1.0 / self.power[0]), splat(-weight[0]));
        for (((re, im), met), inverse) in re.iter().zip(im).zip(met).zip(inverse) {
            // v₀·vₘ*
            let g_re = simd.mul_add_e_f64s(*re, first_re, simd.mul_f64s(*im, first_im));
            let g_im = simd.negate_mul_add_e_f64s(*im, first_re, simd.mul_f64s(*re, first_im));
            let (a, b) = (simd.mul_f64s(*met, of_met), simd.mul_f64s(*inverse, of_inverse));
            let parts = [(g_re, a), (g_im, a), (g_re, b), (g_im, simd.neg_f64s(b))];
            let mut columns = [[0.0; LANES]; 4];
            for (column, (g, factor)) in columns.iter_mut().zip(parts) {
                simd.partial_store_f64s(column, simd.mul_f64s(g, factor));
            }
            let [ar, ai, br, bi] = columns;
            elements.extend((0..S::F64_LANES).map(|k| [ar[k], ai[k], br[k], bi[k]]));
        }
        elements.truncate(count);
        elements
    }

    /// The phases with which v is carried. `T = i e^{iθ/2} [[e^{iφ} s, c], [e^{iφ} c, −s]]` adds π/2 + θ/2 to the phase of
    /// what it carries on its second line; of what it carries on its first one the phase becomes that of the entry that it
    /// meets, and 3π/2 + θ/2.
    #[inline(always)]
    fn carry<S: Simd>(&mut self, simd: S, carry: Carry, (first, phase): (f64, &[f64]), count: usize) {
        self.carried[0] = first;
        match carry {
            Carry::First => {
                let behind = registers_mut::<S>(&mut self.carried[1..], count);
                let met = registers::<S>(&self.argument[1..], count).iter().zip(registers::<S>(&phase[1..], count));
                let half = registers::<S>(&self.half, count);
                for ((behind, (argument, phase)), half) in behind.iter_mut().zip(met).zip(half) {
                    let met = simd.add_f64s(*argument, *phase);
                    *behind = simd.add_f64s(met, simd.add_f64s(*half, simd.splat_f64s(FRAC_PI_2 + PI)));
                }
            }
            Carry::Second => {
                let mut carried = first - TAU * (first / TAU).floor();
                self.carried[0] = carried;
                for (behind, half) in self.carried[1..=count].iter_mut().zip(&self.half) {
                    let (once, twice) = (carried + (half + FRAC_PI_2), carried + (half + (FRAC_PI_2 - TAU)));
                    carried = if once < TAU { once } else { twice };
                    *behind = carried;
                }
            }
            Carry::Real => self.carried[1..=count].fill(0.0),
            Carry::Turned => self.carried[..=count].fill(0.0),
        }
    }

    /// (θ, φ): φ takes what is carried to the phase of the entry that it meets, or that one to the other's and π more.
    #[inline(always)]
    fn angles<S: Simd>(&self, simd: S, carry: Carry, phase: &[f64], count: usize) -> Vec<(f64, f64)> {
        let mut angles = Vec::with_capacity(count.next_multiple_of(LANES));
        let met = registers::<S>(&self.argument[1..], count).iter().zip(registers::<S>(&phase[1..], count));
        let carried = registers::<S>(&self.carried, count);
        for ((carried, (argument, phase)), half) in carried.iter().zip(met).zip(registers::<S>(&self.half, count)) {
            let met = simd.add_f64s(*argument, *phase);
            let phi = match carry {
                Carry::First => simd.add_f64s(simd.sub_f64s(met, *carried), simd.splat_f64s(PI)),
                Carry::Second => simd.sub_f64s(*carried, met),
                Carry::Real | Carry::Turned => met,
            };
            let (mut thetas, mut phis) = ([0.0; LANES], [0.0; LANES]);
            simd.partial_store_f64s(&mut thetas, simd.add_f64s(*half, *half));
            simd.partial_store_f64s(&mut phis, wrap(simd, phi));
            angles.extend(thetas.into_iter().zip(phis).take(S::F64_LANES));
        }
        angles.truncate(count);
        angles
    }

    /// The weights of the lines behind the chain; whether they stay in their range.
    #[inline(always)]
    fn weigh<S: Simd>(&self, simd: S, weight: &mut [f64], count: usize) -> bool {
        let last = weight[0] * self.power[0] * self.inverse[count];
        let mut least = simd.splat_f64s(f64::INFINITY);
        let sums = registers::<S>(&self.sum, count).iter().zip(registers::<S>(&self.inverse[1..], count));
        for (k, (sum, inverse)) in sums.enumerate() {
            let place = k * S::F64_LANES;
            let met = simd.partial_load_f64s(&weight[place + 1..place + 1 + S::F64_LANES]);
            let left = simd.mul_f64s(met, simd.mul_f64s(*sum, *inverse));
            let within = (count - place).min(S::F64_LANES);
            simd.partial_store_f64s(&mut weight[place..place + within], left);
            if within == S::F64_LANES {
                least = simd.min_f64s(least, left);
            }
        }
        let whole = count - count % S::F64_LANES;
        let least = weight[whole..count].iter().fold(simd.reduce_min_f64s(least), |least, w| least.min(*w));
        weight[count] = last;
        least.min(last) >= MIN_SCALE
    }

    /// The phases of the lines behind the chain.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, carry: Carry, phase: &mut [f64], count: usize) {
        let last = wrap_symmetric(Scalar, self.carried[count] - self.argument[0]);
        for place in (0..count).step_by(S::F64_LANES) {
            let within = (count - place).min(S::F64_LANES);
            let at = |values: &[f64], k: usize| simd.partial_load_f64s(&values[k..k + S::F64_LANES]);
            let left = match carry {
                Carry::First => {
                    let turned = simd.add_f64s(at(&self.half, place), simd.splat_f64s(FRAC_PI_2));
                    simd.add_f64s(at(phase, place + 1), turned)
                }
                Carry::Second => simd.sub_f64s(at(&self.carried, place + 1), at(&self.argument, place + 1)),
                Carry::Real | Carry::Turned => {
                    let turned = simd.add_f64s(at(&self.carried, place), simd.splat_f64s(PI));
                    simd.add_f64s(at(phase, place + 1), turned)
                }
            };
            simd.partial_store_f64s(&mut phase[place..place + within], wrap_symmetric(simd, left));
        }
        phase[count] = last;
    }
}

#[cfg(test)]
mod tests;
