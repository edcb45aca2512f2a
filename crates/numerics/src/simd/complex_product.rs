//! A complex matrix times complex fields, many of which are dark.
//!
//! With W = A + iB and fields x + iq:
//!
//! ```text
//! Re = A x − B q      Im = A q + B x
//! ```
//!
//! Vectors pass one by one, and of each only the ports that are lit: a port left out would have added exact zeros. A field
//! that idle ports have in common stands in the sums before they begin; fields are told from there. So vectors that are
//! mostly zero cost little; of dense ones the four products cost a third more than three in the manner of Gauss would.

use crate::simd::aligned::Aligned;
use crate::simd::lanes::Lanes;
use crate::simd::real::Real;
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Ports that one word of a mask tells of; their columns of a panel, 32 KiB at most, stay near the core.
pub const PORTS_PER_WORD: usize = u64::BITS as usize;
/// Registers that a panel is high at most: where both are read, sums of Re and Im are then chains enough to hide the latency
/// of multiply-adds.
const HIGHEST: usize = 4;

/// Fields of some vectors, one after the other, less what each port sends when it is dark. Of dark ports they are not looked
/// at.
#[derive(Clone, Copy, Debug)]
pub struct Lit<'a, T> {
    /// In phase: ports × vectors.
    pub x: &'a [T],
    /// In quadrature; not looked at where nothing is sent there.
    pub q: &'a [T],
    /// Which ports are lit: ⌈ports/64⌉ words for each vector, port k in bit k mod 64 of word k/64; bits beyond the last
    /// port are zero.
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

/// The matrix, prepared for light that is sent in one quadrature or both, and read in one or both.
///
/// ```
/// use nalgebra::DMatrix;
/// use phaseloom_numerics::{ComplexProduct, Lit, Quadratures};
/// let w = DMatrix::from_row_slice(1, 3, &[1.0.into(), 2.0.into(), 3.0.into()]);
/// let quadratures = Quadratures { sent: false, read: false };
/// let product = ComplexProduct::<f64>::new(&w, 0.0.into(), quadratures);
/// let mut re = [0.0; 2];
/// // Two vectors; of the second, port 1 alone is lit.
/// let light = Lit { x: &[1.0, 10.0, 100.0, 0.0, 5.0, 0.0], q: &[], ports: &[0b111, 0b010] };
/// product.multiply(light, &mut re, &mut []);
/// assert_eq!(re, [321.0, 10.0]);
/// ```
#[derive(Debug)]
pub struct ComplexProduct<T> {
    rows: usize,
    inputs: usize,
    sent: bool,
    read: bool,
    /// Registers that a panel is high: 1, 2 or 4; and rows.
    registers: usize,
    height: usize,
    /// Panel by panel, port by port, plane by plane (A, and B where it is wanted): a column of that height.
    panels: Aligned<T>,
    /// Panel by panel, Re and Im of what comes out when all ports are dark.
    dark: Aligned<T>,
}

impl<T: Real> ComplexProduct<T> {
    /// For a matrix outputs × inputs and the field that every dark port sends.
    ///
    /// # Panics
    ///
    /// If the matrix is empty.
    #[must_use]
    pub fn new(matrix: &DMatrix<Complex64>, dark: Complex64, quadratures: Quadratures) -> Self {
        struct Count<T>(std::marker::PhantomData<T>);
        impl<T: Lanes> WithSimd for Count<T> {
            type Output = usize;

            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> usize {
                T::count::<S>()
            }
        }
        Self::for_lanes(matrix, dark, quadratures, Arch::new().dispatch(Count::<T>(std::marker::PhantomData)))
    }

    /// The same for registers of so many numbers.
    fn for_lanes(matrix: &DMatrix<Complex64>, dark: Complex64, quadratures: Quadratures, lanes: usize) -> Self {
        let Quadratures { sent, read } = quadratures;
        assert!(!matrix.is_empty(), "a matrix with rows and columns");
        let (rows, inputs) = matrix.shape();
        let registers = rows.div_ceil(lanes).next_power_of_two().min(HIGHEST);
        let height = registers * lanes;
        let planes = if sent || read { 2 } else { 1 };
        let count = rows.div_ceil(height);
        let mut panels = Aligned::zeros(count * inputs * planes * height);
        let mut lightless = Aligned::zeros(count * 2 * height);
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
            let sum = sum * dark;
            lightless[2 * panel * height + place] = T::from_f64(sum.re);
            lightless[(2 * panel + 1) * height + place] = T::from_f64(sum.im);
        }
        Self { rows, inputs, sent, read, registers, height, panels, dark: lightless }
    }

    /// Real and imaginary part of the product, outputs × vectors; the imaginary part is left alone where it is not read.
    ///
    /// The bits of a vector do not depend on its neighbours.
    ///
    /// # Panics
    ///
    /// If the lengths do not fit to each other, or a port is lit that is not there.
    pub fn multiply(&self, light: Lit<'_, T>, re: &mut [T], im: &mut [T]) {
        let vectors = re.len() / self.rows;
        assert_eq!(re.len(), vectors * self.rows, "whole vectors");
        assert!(!self.read || im.len() == re.len(), "an imaginary part for each real one");
        assert_eq!(light.x.len(), vectors * self.inputs, "a field for each port and vector");
        assert!(!self.sent || light.q.len() == light.x.len(), "a field in quadrature for each one in phase");
        assert_eq!(light.ports.len(), vectors * self.inputs.div_ceil(PORTS_PER_WORD), "words of lit ports");
        let arch = Arch::new();
        match (self.sent, self.read) {
            (false, false) => arch.dispatch(Multiply::<T, 1, false, false> { product: self, light, re, im }),
            (false, true) => arch.dispatch(Multiply::<T, 2, false, true> { product: self, light, re, im }),
            (true, false) => arch.dispatch(Multiply::<T, 2, true, false> { product: self, light, re, im }),
            (true, true) => arch.dispatch(Multiply::<T, 2, true, true> { product: self, light, re, im }),
        }
    }
}

struct Multiply<'a, T, const PLANES: usize, const SENT: bool, const READ: bool> {
    product: &'a ComplexProduct<T>,
    light: Lit<'a, T>,
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
            _ => self.run::<S, HIGHEST>(simd),
        }
    }
}

impl<T: Real, const PLANES: usize, const SENT: bool, const READ: bool> Multiply<'_, T, PLANES, SENT, READ> {
    #[inline(always)]
    fn run<S: Simd, const G: usize>(self, simd: S) {
        let Self { product, light, re, im } = self;
        let ComplexProduct { rows, inputs, height, ref panels, ref dark, .. } = *product;
        let words = inputs.div_ceil(PORTS_PER_WORD);
        let zero = [T::splat(simd, T::ZERO); G];
        let darks = dark.chunks_exact(2 * height);
        for (panel, (columns, dark)) in panels.chunks_exact(inputs * PLANES * height).zip(darks).enumerate() {
            let first = panel * height;
            let count = height.min(rows - first);
            for word in 0..words {
                // All vectors pass these columns before the next ones.
                let from = word * PORTS_PER_WORD;
                let ports = PORTS_PER_WORD.min(inputs - from);
                let columns = &columns[from * PLANES * height..][..ports * PLANES * height];
                let columns = T::registers::<S>(columns).0.as_chunks::<G>().0.as_chunks::<PLANES>().0;
                for (j, re) in re.chunks_exact_mut(rows).enumerate() {
                    let re = &mut re[first..first + count];
                    let im = if READ { &mut im[j * rows + first..][..count] } else { &mut im[..0] };
                    let x = &light.x[j * inputs + from..][..ports];
                    let q = if SENT { &light.q[j * inputs + from..][..ports] } else { x };
                    let mut lit = light.ports[j * words + word];
                    let (mut re_sum, mut im_sum) = if word == 0 {
                        (load::<S, T, G>(simd, &dark[..height]), load::<S, T, G>(simd, &dark[height..]))
                    } else {
                        (load::<S, T, G>(simd, re), load::<S, T, G>(simd, im))
                    };
                    // Low panels have registers left, and need more chains.
                    let (mut re_quadrature, mut im_quadrature) = (zero, zero);
                    while lit != 0 {
                        let k = lit.trailing_zeros() as usize;
                        lit &= lit - 1;
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
                            let (re, im) = if G < HIGHEST {
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
                    if SENT && G < HIGHEST {
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

/// Registers of a panel; what is beyond the values is zero. Each is named by a constant, so that none needs memory.
#[inline(always)]
fn load<S: Simd, T: Lanes, const G: usize>(simd: S, values: &[T]) -> [T::Register<S>; G] {
    let (whole, part) = T::registers::<S>(values);
    let mut registers = [T::splat(simd, T::default()); G];
    for (g, register) in registers.iter_mut().enumerate() {
        match whole.get(g) {
            Some(values) => *register = *values,
            None if g == whole.len() => *register = T::load_part(simd, part),
            None => {}
        }
    }
    registers
}

#[inline(always)]
fn store<S: Simd, T: Lanes, const G: usize>(simd: S, values: &mut [T], registers: [T::Register<S>; G]) {
    let (whole, part) = T::registers_mut::<S>(values);
    let count = whole.len();
    for (g, register) in registers.into_iter().enumerate() {
        match whole.get_mut(g) {
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

    /// Against nalgebra's complex product, with ports of every share of darkness; rounding of sums of up to 150 terms of
    /// order one.
    #[test]
    fn lit_ports_make_the_whole_product() {
        fn check<T: Real>(tolerance: f64) {
            let mut stream = StreamKey::new(1, "test").stream();
            for ((rows, inputs, vectors), bright) in [
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
                    let floor = Complex64::new(-0.25, if sent { 0.5 } else { 0.0 });
                    let fields = fields.map(|z| match z {
                        z if z.re < bright => Complex64::new(0.0, 0.0),
                        z if sent => z,
                        z => z.re.into(),
                    });
                    let part = |f: fn(&Complex64) -> f64| fields.iter().map(|z| T::from_f64(f(z))).collect::<Vec<T>>();
                    let words = inputs.div_ceil(PORTS_PER_WORD);
                    let mut ports = vec![0; words * vectors];
                    for ((k, j), _) in (0..inputs)
                        .flat_map(|k| (0..vectors).map(move |j| (k, j)))
                        .map(|at| (at, fields[at]))
                        .filter(|(_, z)| z.norm_sqr() > 0.0)
                    {
                        ports[j * words + k / PORTS_PER_WORD] |= 1 << (k % PORTS_PER_WORD);
                    }
                    let (x, q) = (part(|z| z.re), part(|z| z.im));
                    let light = Lit { x: &x, q: if sent { &q } else { &[] }, ports: &ports };
                    let mut re = vec![T::from_f64(f64::NAN); rows * vectors];
                    let mut im = if read { re.clone() } else { Vec::new() };
                    ComplexProduct::new(&w, floor, Quadratures { sent, read }).multiply(light, &mut re, &mut im);
                    let expected = &w * fields.map(|z| z + floor);
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

    /// Registers of one number, as on a machine without any: the same up to rounding of sums of 70 terms of order one.
    #[test]
    fn plain_code_agrees() {
        let mut stream = StreamKey::new(3, "test").stream();
        for rows in [1, 2, 3, 9] {
            let w = DMatrix::from_fn(rows, 70, |_, _| {
                Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream))
            });
            let x: Vec<f64> = (0..140).map(|_| standard_normal(&mut stream)).collect();
            let q: Vec<f64> = x.iter().map(|x| x.sin()).collect();
            let light = Lit { x: &x, q: &q, ports: &[u64::MAX, 0b11_1111, 0x5555, 0b10_0000] };
            let (dark, both) = (Complex64::new(0.3, 0.1), Quadratures { sent: true, read: true });
            let mut fast = vec![0.0; 4 * rows];
            let (re, im) = fast.split_at_mut(2 * rows);
            ComplexProduct::new(&w, dark, both).multiply(light, re, im);
            let mut plain = vec![0.0; 4 * rows];
            let (re, im) = plain.split_at_mut(2 * rows);
            let product = &ComplexProduct::for_lanes(&w, dark, both, 1);
            Multiply::<f64, 2, true, true> { product, light, re, im }.with_simd(pulp::Scalar::new());
            assert!(fast.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-12), "{rows} rows");
        }
    }

    /// To leave a dark port out, to name it, and to have other neighbours: the same bits.
    #[test]
    fn what_is_left_out_adds_nothing() {
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
            let light = Lit { x: &x[70 * from..70 * to], q: &q[70 * from..70 * to], ports };
            product.multiply(light, &mut re, &mut im);
            re.iter().chain(&im).map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let whole = run(0, 3, false);
        assert_eq!(whole, run(0, 3, true));
        assert_eq!(whole[33..66], run(1, 2, false)[..33]);
    }
}
