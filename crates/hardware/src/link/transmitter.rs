//! From numbers to light: scale, input converter, modulator.

use crate::link::{Link, Modulator};
use crate::product::tile::TilePlan;
use nalgebra::DMatrixView;
use num_complex::Complex64;
use phaseloom_numerics::{MASK_BITS, Real, SparseFields};
use pulp::{Arch, NullaryFnOnce};

/// What happens to inputs on their way to the chips of a layer. Scale and converter work in double precision, so that no
/// value falls to another code; fields are in units of √P_port.
pub(crate) struct Encoder<T> {
    scale: f64,
    limit: f64,
    /// Codes per full scale and step; `None` for no converter.
    codes: Option<(f64, f64)>,
    modulator: Option<Modulator>,
    /// What a port sends for zero, in phase and in quadrature.
    dark: (T, T),
    columns: Vec<Column>,
}

/// A column of tiles: they get the same light.
#[derive(Clone, Copy)]
struct Column {
    /// First input, and how many.
    first: usize,
    inputs: usize,
    /// Ports, and words that tell which are lit; and those of all columns before.
    ports: usize,
    words: usize,
    ports_before: usize,
    words_before: usize,
}

/// Light of some samples, column of tiles by column of tiles and sample by sample: what a port sends, less what a dark
/// one does.
pub(crate) struct Sent<T> {
    samples: usize,
    x: Vec<T>,
    q: Vec<T>,
    lit: Vec<u64>,
}

impl<T: Real> Encoder<T> {
    /// For `x̃ = clip(x/scale, −1, 1)`, and so many ports of constant light at each tile; an ideal link clips nothing.
    pub(crate) fn new(link: &Link, scale: f64, plan: &TilePlan, constant: usize) -> Self {
        let codes = link.dac.map(|dac| (dac.signed().last(), dac.step()));
        let limit = if link.is_ideal() { f64::INFINITY } else { 1.0 };
        let dark = link.modulator.map_or((T::ZERO, T::ZERO), |modulator| modulator.field()(T::ZERO));
        let (mut ports_before, mut words_before) = (0, 0);
        let columns = plan.tiles()[..plan.column_blocks()].iter().map(|tile| {
            let ports = tile.columns + constant;
            let words = ports.div_ceil(MASK_BITS);
            let column = Column { first: tile.column, inputs: tile.columns, ports, words, ports_before, words_before };
            (ports_before, words_before) = (ports_before + ports, words_before + words);
            column
        });
        let columns = columns.collect();
        Self { scale, limit, codes, modulator: link.modulator, dark, columns }
    }

    /// Whether light is sent in quadrature.
    pub(crate) fn quadrature(&self) -> bool {
        self.modulator.is_some_and(|modulator| modulator.quadrature())
    }

    /// The field that every port sends for zero.
    pub(crate) fn dark(&self) -> Complex64 {
        Complex64::new(self.dark.0.to_f64(), self.dark.1.to_f64())
    }

    /// Memory for so many samples.
    pub(crate) fn memory(&self, samples: usize) -> Sent<T> {
        let total = |each: fn(&Column) -> usize| samples * self.columns.iter().map(each).sum::<usize>();
        let ports = total(|column| column.ports);
        let q = if self.quadrature() { ports } else { 0 };
        Sent { samples: 0, x: vec![T::ZERO; ports], q: vec![T::ZERO; q], lit: vec![0; total(|column| column.words)] }
    }

    /// Encodes some samples (inputs × samples); returns how many inputs were clipped.
    pub(crate) fn encode(&self, input: &DMatrixView<'_, f64>, sent: &mut Sent<T>) -> u64 {
        let limit = self.limit;
        match self.codes {
            Some((last, step)) => {
                let code = |x: f64| Real::round_ties_even(Real::clamp(x, -limit, limit) * last) * step;
                Arch::new().dispatch(Encode { encoder: self, input, map: code, sent })
            }
            None => {
                Arch::new().dispatch(Encode { encoder: self, input, map: |x: f64| Real::clamp(x, -limit, limit), sent })
            }
        }
    }

    /// The light for a column of tiles.
    pub(crate) fn light<'a>(&self, sent: &'a Sent<T>, column: usize) -> SparseFields<'a, T> {
        let Column { ports, words, ports_before, words_before, .. } = self.columns[column];
        let place = ports_before * sent.samples..(ports_before + ports) * sent.samples;
        SparseFields {
            x: &sent.x[place.clone()],
            q: if self.quadrature() { &sent.q[place] } else { &[] },
            ports: &sent.lit[words_before * sent.samples..(words_before + words) * sent.samples],
        }
    }
}

struct Encode<'a, T, F> {
    encoder: &'a Encoder<T>,
    input: &'a DMatrixView<'a, f64>,
    map: F,
    sent: &'a mut Sent<T>,
}

impl<T: Real, F: Fn(f64) -> f64> NullaryFnOnce for Encode<'_, T, F> {
    type Output = u64;

    #[inline(always)]
    fn call(self) -> u64 {
        let Self { encoder, input, map, sent } = self;
        let samples = input.ncols();
        sent.samples = samples;
        // By the reciprocal: a division would cost as much as all the rest. What is clipped is told by the input itself.
        let (per_scale, largest) = (1.0 / encoder.scale, encoder.limit * encoder.scale);
        let modulate = encoder.modulator.map(|modulator| (modulator.quadrature(), modulator.field()));
        let dark = encoder.dark;
        let mut clipped = 0;
        // A sample at a time, from its first input to its last: memory is read in its order.
        for (j, sample) in input.column_iter().enumerate() {
            for column in &encoder.columns {
                let data = &sample.as_slice()[column.first..column.first + column.inputs];
                let place = column.ports_before * samples + j * column.ports;
                let x = &mut sent.x[place..place + column.ports];
                let (made, constant) = x.split_at_mut(column.inputs);
                for (sent, x) in made.iter_mut().zip(data) {
                    clipped += u64::from(x.abs() > largest);
                    *sent = T::from_f64(map(x * per_scale));
                }
                constant.fill(T::ONE);
                let words = &mut sent.lit[column.words_before * samples + j * column.words..][..column.words];
                for (word, x) in words.iter_mut().zip(x.chunks(MASK_BITS)) {
                    let lit = x.iter().enumerate().map(|(k, &x)| u64::from(x != T::ZERO) << k);
                    *word = lit.fold(0, |word, bit| word | bit);
                }
                let Some((quadrature, field)) = &modulate else { continue };
                if *quadrature {
                    for (x, q) in x.iter_mut().zip(&mut sent.q[place..]) {
                        let (re, im) = field(*x);
                        (*x, *q) = (re - dark.0, im - dark.1);
                    }
                } else {
                    x.iter_mut().for_each(|x| *x = field(*x).0 - dark.0);
                }
            }
        }
        clipped
    }
}
