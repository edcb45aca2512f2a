//! A complex matrix times complex fields, many of which are off.
//!
//! With W = A + iB and fields x + iq:
//!
//! ```text
//! Re = A x − B q      Im = A q + B x
//! ```
//!
//! Each vector is multiplied on its own, skipping ports that are off. The leakage of an off port (finite extinction) is
//! the same for all ports and is added once; inputs are given relative to it. So vectors that are mostly zero cost
//! little. Dense vectors cost a third more than with Gauss's method of three real products.
//!
//! Engine: measure before and after a change.

use crate::simd::aligned::Aligned;
use crate::simd::lanes::Lanes;
use crate::simd::real::Real;
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Ports per word of a mask. Their columns of a panel, at most 32 KiB, fit into the first-level cache.
pub const MASK_BITS: usize = u64::BITS as usize;
/// Maximum height of a panel in registers.
///
/// With this height, the sums of Re and Im are enough independent chains to hide the latency of multiply-adds. Lower
/// panels need the sums of both quadratures separately.
const MAX_REGISTERS: usize = 4;

/// Fields of several vectors relative to the leakage of an off port; fields of off ports are ignored.
#[derive(Clone, Copy, Debug)]
pub struct SparseFields<'a, T> {
    /// In-phase fields, ports × vectors.
    pub x: &'a [T],
    /// Quadrature fields, ports × vectors; ignored if the product has no quadrature input.
    pub q: &'a [T],
    /// Masks of the ports that are on: ⌈ports/64⌉ words per vector, port k in bit k mod 64 of word k/64. Bits beyond the
    /// last port are zero.
    pub ports: &'a [u64],
}

/// Quadratures that a product handles in addition to the real part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quadratures {
    /// Whether inputs have an imaginary part.
    pub sent: bool,
    /// Whether the imaginary part of the outputs is needed.
    pub read: bool,
}

/// A matrix prepared for products, with inputs in one quadrature or both, and outputs in one or both.
///
/// ```
/// use nalgebra::DMatrix;
/// use phaseloom_numerics::{ComplexProduct, Quadratures, SparseFields};
/// let w = DMatrix::from_row_slice(1, 3, &[1.0.into(), 2.0.into(), 3.0.into()]);
/// let quadratures = Quadratures { sent: false, read: false };
/// let product = ComplexProduct::<f64>::new(&w, 0.0.into(), quadratures);
/// let mut re = [0.0; 2];
/// // Two vectors; in the second, only port 1 is on.
/// let fields = SparseFields { x: &[1.0, 10.0, 100.0, 0.0, 5.0, 0.0], q: &[], ports: &[0b111, 0b010] };
/// product.multiply(fields, &mut re, &mut []);
/// assert_eq!(re, [321.0, 10.0]);
/// ```
#[derive(Debug)]
pub struct ComplexProduct<T> {
    rows: usize,
    inputs: usize,
    sent: bool,
    read: bool,
    /// Height of a panel in registers: 1, 2 or 4.
    registers: usize,
    /// Height of a panel in rows.
    height: usize,
    /// Columns of a panel's height, by panel, port and plane (A, and B if needed).
    panels: Aligned<T>,
    /// Re and Im of the output when all ports are off, by panel.
    leakage: Aligned<T>,
}

impl<T: Real> ComplexProduct<T> {
    /// Prepares a matrix outputs × inputs; `leakage` is the field that every off port sends.
    ///
    /// # Panics
    ///
    /// If the matrix is empty.
    #[must_use]
    pub fn new(matrix: &DMatrix<Complex64>, leakage: Complex64, quadratures: Quadratures) -> Self {
        struct Count<T>(std::marker::PhantomData<T>);
        impl<T: Lanes> WithSimd for Count<T> {
            type Output = usize;

            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> usize {
                T::count::<S>()
            }
        }
        Self::for_lanes(matrix, leakage, quadratures, Arch::new().dispatch(Count::<T>(std::marker::PhantomData)))
    }

    /// [`Self::new`] for registers of `lanes` numbers.
    fn for_lanes(matrix: &DMatrix<Complex64>, leakage: Complex64, quadratures: Quadratures, lanes: usize) -> Self {
        let Quadratures { sent, read } = quadratures;
        assert!(!matrix.is_empty(), "the matrix is empty");
        let (rows, inputs) = matrix.shape();
        let registers = rows.div_ceil(lanes).next_power_of_two().min(MAX_REGISTERS);
        let height = registers * lanes;
        let planes = if sent || read { 2 } else { 1 };
        let count = rows.div_ceil(height);
        let mut panels = Aligned::zeros(count * inputs * planes * height);
        let mut all_off = Aligned::zeros(count * 2 * height);
        for i in 0..rows {
            let (panel, place) = (i / height, i % height);
            let mut sum = Complex64::new(0.0, 0.0);
            for k in 0..inputs {
                let z = matrix[(i, k)];
                sum += z;
                for (plane, part) in [z.re, z.im].into_iter().enumerate().take(planes) {
                    panels[((panel * inputs + k) * planes + plane) * height + place] = T::from_f64(part);
                }
            }
            let sum = sum * leakage;
            all_off[2 * panel * height + place] = T::from_f64(sum.re);
            all_off[(2 * panel + 1) * height + place] = T::from_f64(sum.im);
        }
        Self { rows, inputs, sent, read, registers, height, panels, leakage: all_off }
    }

    /// Computes real and imaginary part of the product, outputs × vectors; an imaginary part that is not read is unchanged.
    ///
    /// The bits of a vector do not depend on the other vectors.
    ///
    /// # Panics
    ///
    /// If the lengths do not match, or a mask names a port that does not exist.
    pub fn multiply(&self, fields: SparseFields<'_, T>, re: &mut [T], im: &mut [T]) {
        let vectors = re.len() / self.rows;
        assert_eq!(re.len(), vectors * self.rows, "complete vectors");
        assert!(!self.read || im.len() == re.len(), "length of the imaginary part");
        assert_eq!(fields.x.len(), vectors * self.inputs, "length of the fields");
        assert!(!self.sent || fields.q.len() == fields.x.len(), "length of the quadrature fields");
        assert_eq!(fields.ports.len(), vectors * self.inputs.div_ceil(MASK_BITS), "words of the masks");
        let arch = Arch::new();
        match (self.sent, self.read) {
            (false, false) => arch.dispatch(Multiply::<T, 1, false, false> { product: self, fields, re, im }),
            (false, true) => arch.dispatch(Multiply::<T, 2, false, true> { product: self, fields, re, im }),
            (true, false) => arch.dispatch(Multiply::<T, 2, true, false> { product: self, fields, re, im }),
            (true, true) => arch.dispatch(Multiply::<T, 2, true, true> { product: self, fields, re, im }),
        }
    }
}

struct Multiply<'a, T, const PLANES: usize, const SENT: bool, const READ: bool> {
    product: &'a ComplexProduct<T>,
    fields: SparseFields<'a, T>,
    re: &'a mut [T],
    im: &'a mut [T],
}

impl<T: Real, const PLANES: usize, const SENT: bool, const READ: bool> WithSimd
    for Multiply<'_, T, PLANES, SENT, READ>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.product.registers {
            1 => self.run::<S, 1>(simd),
            2 => self.run::<S, 2>(simd),
            _ => self.run::<S, MAX_REGISTERS>(simd),
        }
    }
}

impl<T: Real, const PLANES: usize, const SENT: bool, const READ: bool> Multiply<'_, T, PLANES, SENT, READ> {
    #[inline(always)]
    fn run<S: Simd, const G: usize>(self, simd: S) {
        let Self { product, fields, re, im } = self;
        let ComplexProduct { rows, inputs, height, ref panels, ref leakage, .. } = *product;
        let words = inputs.div_ceil(MASK_BITS);
        let zero = [T::splat(simd, T::ZERO); G];
        let leakages = leakage.chunks_exact(2 * height);
        for (panel, (columns, leakage)) in panels.chunks_exact(inputs * PLANES * height).zip(leakages).enumerate() {
            let first = panel * height;
            let count = height.min(rows - first);
            for word in 0..words {
                // All vectors use these columns, which stay in the cache, before the next ones.
                let from = word * MASK_BITS;
                let ports = MASK_BITS.min(inputs - from);
                let columns = &columns[from * PLANES * height..][..ports * PLANES * height];
                let columns = T::registers::<S>(columns).0.as_chunks::<G>().0.as_chunks::<PLANES>().0;
                for (j, re) in re.chunks_exact_mut(rows).enumerate() {
                    let re = &mut re[first..first + count];
                    let im = if READ { &mut im[j * rows + first..][..count] } else { &mut im[..0] };
                    let x = &fields.x[j * inputs + from..][..ports];
                    let q = if SENT { &fields.q[j * inputs + from..][..ports] } else { x };
                    let mut on = fields.ports[j * words + word];
                    let (mut re_sum, mut im_sum) = if word == 0 {
                        (load::<S, T, G>(simd, &leakage[..height]), load::<S, T, G>(simd, &leakage[height..]))
                    } else {
                        (load::<S, T, G>(simd, re), load::<S, T, G>(simd, im))
                    };
                    // Low panels have free registers and need more independent chains.
                    let (mut re_quadrature, mut im_quadrature) = (zero, zero);
                    while on != 0 {
                        let k = on.trailing_zeros() as usize;
                        on &= on - 1;
                        let column = &columns[k];
                        let (a, b) = (&column[0], &column[PLANES - 1]);
                        let (x, q) = (T::splat(simd, x[k]), T::splat(simd, q[k]));
                        for g in 0..G {
                            re_sum[g] = T::multiply_add(simd, a[g], x, re_sum[g]);
                            if READ {
                                im_sum[g] = T::multiply_add(simd, b[g], x, im_sum[g]);
                            }
                        }
                        if SENT {
                            let (re, im) = if G < MAX_REGISTERS {
                                (&mut re_quadrature, &mut im_quadrature)
                            } else {
                                (&mut re_sum, &mut im_sum)
                            };
                            for g in 0..G {
                                re[g] = T::multiply_subtract(simd, b[g], q, re[g]);
                                if READ {
                                    im[g] = T::multiply_add(simd, a[g], q, im[g]);
                                }
                            }
                        }
                    }
                    if SENT && G < MAX_REGISTERS {
                        let one = T::splat(simd, T::ONE);
                        for g in 0..G {
                            re_sum[g] = T::multiply_add(simd, one, re_quadrature[g], re_sum[g]);
                            im_sum[g] = T::multiply_add(simd, one, im_quadrature[g], im_sum[g]);
                        }
                    }
                    store::<S, T, G>(simd, re, re_sum);
                    if READ {
                        store::<S, T, G>(simd, im, im_sum);
                    }
                }
            }
        }
    }
}

/// Loads the registers of a panel; lanes beyond the values are zero.
///
/// Constant indices keep all registers out of memory.
#[inline(always)]
fn load<S: Simd, T: Lanes, const G: usize>(simd: S, values: &[T]) -> [T::Register<S>; G] {
    let (full, part) = T::registers::<S>(values);
    let mut registers = [T::splat(simd, T::default()); G];
    for (g, register) in registers.iter_mut().enumerate() {
        match full.get(g) {
            Some(values) => *register = *values,
            None if g == full.len() => *register = T::load_part(simd, part),
            None => {}
        }
    }
    registers
}

#[inline(always)]
fn store<S: Simd, T: Lanes, const G: usize>(simd: S, values: &mut [T], registers: [T::Register<S>; G]) {
    let (full, part) = T::registers_mut::<S>(values);
    let count = full.len();
    for (g, register) in registers.into_iter().enumerate() {
        match full.get_mut(g) {
            Some(values) => *values = register,
            None if g == count => T::store_part(simd, part, register),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream::{StreamKey, standard_normal};

    /// Against nalgebra's complex product, for every share of off ports. The tolerance is the rounding of sums of up to
    /// 150 terms of order one.
    #[test]
    fn ports_that_are_on_give_the_complete_product() {
        fn check<T: Real>(tolerance: f64) {
            let mut stream = StreamKey::new(1, "test").stream();
            for ((rows, inputs, vectors), threshold) in [
                ((7, 10, 9), 0.0),
                ((1, 1, 1), -9.0),
                ((64, 64, 5), 1.0),
                ((65, 65, 2), 0.0),
                ((130, 150, 3), 0.5),
                ((16, 129, 4), 9.0),
                ((20, 20, 3), -9.0),
                ((40, 128, 1), -9.0),
            ] {
                let mut draw = |rows, columns| {
                    DMatrix::from_fn(rows, columns, |_, _| {
                        Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream))
                    })
                };
                let (w, fields) = (draw(rows, inputs), draw(inputs, vectors));
                for (sent, read) in [(true, true), (true, false), (false, true), (false, false)] {
                    let leakage = Complex64::new(-0.25, if sent { 0.5 } else { 0.0 });
                    let fields = fields.map(|z| match z {
                        z if z.re < threshold => Complex64::new(0.0, 0.0),
                        z if sent => z,
                        z => z.re.into(),
                    });
                    let part = |f: fn(&Complex64) -> f64| fields.iter().map(|z| T::from_f64(f(z))).collect::<Vec<T>>();
                    let words = inputs.div_ceil(MASK_BITS);
                    let mut ports = vec![0; words * vectors];
                    for ((k, j), _) in (0..inputs)
                        .flat_map(|k| (0..vectors).map(move |j| (k, j)))
                        .map(|at| (at, fields[at]))
                        .filter(|(_, z)| z.norm_sqr() > 0.0)
                    {
                        ports[j * words + k / MASK_BITS] |= 1 << (k % MASK_BITS);
                    }
                    let (x, q) = (part(|z| z.re), part(|z| z.im));
                    let sparse = SparseFields { x: &x, q: if sent { &q } else { &[] }, ports: &ports };
                    let mut re = vec![T::from_f64(f64::NAN); rows * vectors];
                    let mut im = if read { re.clone() } else { Vec::new() };
                    ComplexProduct::new(&w, leakage, Quadratures { sent, read }).multiply(sparse, &mut re, &mut im);
                    let expected = &w * fields.map(|z| z + leakage);
                    for (z, re) in expected.iter().zip(&re) {
                        assert!((z.re - re.to_f64()).abs() < tolerance, "{rows}×{inputs}: {} {}", z.re, re.to_f64());
                    }
                    for (z, im) in expected.iter().zip(&im) {
                        assert!((z.im - im.to_f64()).abs() < tolerance, "{rows}×{inputs}: {} {}", z.im, im.to_f64());
                    }
                }
            }
        }
        check::<f64>(1e-12);
        check::<f32>(5e-4);
    }

    /// Registers of one number, as on a processor without vectors, agree up to the rounding of sums of 70 terms.
    #[test]
    fn plain_code_agrees() {
        let mut stream = StreamKey::new(3, "test").stream();
        for rows in [1, 2, 3, 9] {
            let w = DMatrix::from_fn(rows, 70, |_, _| {
                Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream))
            });
            let x: Vec<f64> = (0..140).map(|_| standard_normal(&mut stream)).collect();
            let q: Vec<f64> = x.iter().map(|x| x.sin()).collect();
            let fields = SparseFields { x: &x, q: &q, ports: &[u64::MAX, 0b11_1111, 0x5555, 0b10_0000] };
            let (leakage, both) = (Complex64::new(0.3, 0.1), Quadratures { sent: true, read: true });
            let mut fast = vec![0.0; 4 * rows];
            let (re, im) = fast.split_at_mut(2 * rows);
            ComplexProduct::new(&w, leakage, both).multiply(fields, re, im);
            let mut plain = vec![0.0; 4 * rows];
            let (re, im) = plain.split_at_mut(2 * rows);
            let product = &ComplexProduct::for_lanes(&w, leakage, both, 1);
            Multiply::<f64, 2, true, true> { product, fields, re, im }.with_simd(pulp::Scalar::new());
            assert!(fast.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-12), "{rows} rows");
        }
    }

    /// Skipping or naming an off port, and other vectors in the batch, give the same bits.
    #[test]
    fn skipped_ports_add_nothing() {
        let mut stream = StreamKey::new(2, "test").stream();
        let w =
            DMatrix::from_fn(33, 70, |_, _| Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream)));
        let mut draw = |k: usize| if k.is_multiple_of(3) { 0.0 } else { standard_normal(&mut stream) as f32 };
        let x: Vec<f32> = (0..70 * 3).map(&mut draw).collect();
        let q: Vec<f32> = (0..70 * 3).map(&mut draw).collect();
        let product = ComplexProduct::<f32>::new(&w, Complex64::new(0.0, 0.1), Quadratures { sent: true, read: true });
        let named = |k: usize, all: bool| all || x[k] != 0.0;
        let ports = |all| -> Vec<u64> {
            let word = |from: usize, to: usize| (from..to).map(|k| u64::from(named(k, all)) << (k - from)).sum();
            (0..3).flat_map(|j| [word(70 * j, 70 * j + 64), word(70 * j + 64, 70 * j + 70)]).collect()
        };
        let run = |from: usize, to: usize, all| {
            let (mut re, mut im) = (vec![0.0; 33 * (to - from)], vec![0.0; 33 * (to - from)]);
            let ports = &ports(all)[2 * from..2 * to];
            let fields = SparseFields { x: &x[70 * from..70 * to], q: &q[70 * from..70 * to], ports };
            product.multiply(fields, &mut re, &mut im);
            re.iter().chain(&im).map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let batch = run(0, 3, false);
        assert_eq!(batch, run(0, 3, true));
        assert_eq!(batch[33..66], run(1, 2, false)[..33]);
    }
}
