//! The transmitter: from numbers to input fields, by scale, input converter and modulator.
//!
//! Engine: measure before and after a change.

use crate::link::{Codes, Detection, Link, Modulator};
use crate::tile::TilePlan;
use nalgebra::DMatrixView;
use num_complex::Complex64;
use phaseloom_files::read_key;
use phaseloom_numerics::simd::vectorised;
use phaseloom_numerics::{MASK_BITS, Real, SparseFields};
use std::ops::Range;

/// The transmitter of a layer. Scale and converter work in double precision, so that single precision selects the same
/// codes. Fields are in units of √P_port.
pub(crate) struct Transmitter<T> {
    scale: f64,
    limit: f64,
    /// `None` without a converter.
    codes: Option<Codes>,
    modulator: Option<Modulator>,
    /// Leakage: the field of a port at zero, in phase and in quadrature.
    leakage: (T, T),
    columns: Vec<Column>,
}

/// A column of tiles. Its tiles get the same fields.
#[derive(Clone, Copy)]
struct Column {
    first_input: usize,
    inputs: usize,
    /// Ports, and words of the mask of illuminated ports.
    ports: usize,
    words: usize,
    /// Those of all columns before.
    ports_before: usize,
    words_before: usize,
}

/// Modulated fields of some samples relative to the leakage, column of tiles by column of tiles and sample by sample.
pub(crate) struct ModulatedBatch<T> {
    samples: usize,
    x: Vec<T>,
    q: Vec<T>,
    mask: Vec<u64>,
}

impl<T: Real> Transmitter<T> {
    /// Transmitter for `x̃ = clip(x/scale, −1, 1)`. An ideal link clips nothing.
    pub(crate) fn new(link: &Link, scale: f64, plan: &TilePlan) -> Self {
        let codes = link.input_converter().map(|dac| dac.signed());
        let limit = if link.is_ideal() { f64::INFINITY } else { 1.0 };
        let leakage = link.modulator.map_or((T::ZERO, T::ZERO), |modulator| modulator.field()(T::ZERO));
        // Offset detection uses one more port of each tile, for its constant field.
        let constant = usize::from(read_key!("link", link.detection) == Detection::Offset);
        let (mut ports_before, mut words_before) = (0, 0);
        let columns = plan.tiles()[..plan.column_blocks()].iter().map(|tile| {
            let (first_input, inputs, ports) = (tile.column, tile.columns, tile.columns + constant);
            let words = ports.div_ceil(MASK_BITS);
            let column = Column { first_input, inputs, ports, words, ports_before, words_before };
            (ports_before, words_before) = (ports_before + ports, words_before + words);
            column
        });
        let columns = columns.collect();
        Self { scale, limit, codes, modulator: link.modulator, leakage, columns }
    }

    /// Whether fields have a part in quadrature.
    pub(crate) fn quadrature(&self) -> bool {
        self.modulator.is_some_and(|modulator| modulator.quadrature())
    }

    /// The field of every port at zero.
    pub(crate) fn leakage(&self) -> Complex64 {
        Complex64::new(self.leakage.0.to_f64(), self.leakage.1.to_f64())
    }

    /// The field of a port for the number x, and its derivative by x. Rounding counts as the identity, at the rounded field; a
    /// clipped number has no slope.
    pub(crate) fn linearised(&self, x: f64) -> (Complex64, Complex64) {
        let scaled = x / self.scale;
        let drive = scaled.clamp(-self.limit, self.limit);
        let drive = self.codes.map_or(drive, |codes| codes.round(drive));
        let inside = if scaled.abs() > self.limit { 0.0 } else { 1.0 / self.scale };
        match &self.modulator {
            None => (Complex64::new(drive, 0.0), Complex64::new(inside, 0.0)),
            Some(modulator) => {
                let (re, im) = modulator.field::<f64>()(drive);
                (Complex64::new(re, im), modulator.slope(drive) * inside)
            }
        }
    }

    /// The number of full drive.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }

    /// The field of a port at full drive.
    pub(crate) fn full_field(&self) -> Complex64 {
        self.linearised(self.scale).0
    }

    /// Memory for a number of samples.
    pub(crate) fn memory(&self, samples: usize) -> ModulatedBatch<T> {
        let total = |each: fn(&Column) -> usize| samples * self.columns.iter().map(each).sum::<usize>();
        let ports = total(|column| column.ports);
        let q = if self.quadrature() { ports } else { 0 };
        let mask = vec![0; total(|column| column.words)];
        ModulatedBatch { samples: 0, x: vec![T::ZERO; ports], q: vec![T::ZERO; q], mask }
    }

    /// Modulates some samples (inputs × samples) and returns the number of clipped inputs.
    pub(crate) fn modulate(&self, input: &DMatrixView<'_, f64>, batch: &mut ModulatedBatch<T>) -> u64 {
        let limit = self.limit;
        match self.codes {
            Some(codes) => self.encode(input, batch, |x| codes.round(Real::clamp(x, -limit, limit))),
            None => self.encode(input, batch, |x| Real::clamp(x, -limit, limit)),
        }
    }

    fn encode(&self, input: &DMatrixView<'_, f64>, batch: &mut ModulatedBatch<T>, convert: impl Fn(f64) -> f64) -> u64 {
        let samples = input.ncols();
        batch.samples = samples;
        // Multiplies by the reciprocal, since a division would cost as much as all the rest. Clipping is judged by the
        // input itself.
        let (inverse_scale, largest) = (1.0 / self.scale, self.limit * self.scale);
        let modulator = self.modulator.map(|modulator| (modulator.quadrature(), modulator.field()));
        let leakage = self.leakage;
        vectorised(
            #[inline(always)]
            move || {
                let mut clipped = 0;
                // One sample at a time, in the order of memory.
                for (j, sample) in input.column_iter().enumerate() {
                    for column in &self.columns {
                        let data = &sample.as_slice()[column.first_input..column.first_input + column.inputs];
                        let first = column.ports_before * samples + j * column.ports;
                        let x = &mut batch.x[first..first + column.ports];
                        let (encoded, constant) = x.split_at_mut(column.inputs);
                        for (encoded, x) in encoded.iter_mut().zip(data) {
                            clipped += u64::from(x.abs() > largest);
                            *encoded = T::from_f64(convert(x * inverse_scale));
                        }
                        constant.fill(T::ONE);
                        let words = &mut batch.mask[column.words_before * samples + j * column.words..][..column.words];
                        for (word, x) in words.iter_mut().zip(x.chunks(MASK_BITS)) {
                            let bits = x.iter().enumerate().map(|(k, &x)| u64::from(x != T::ZERO) << k);
                            *word = bits.fold(0, |word, bit| word | bit);
                        }
                        let Some((quadrature, field)) = &modulator else { continue };
                        if *quadrature {
                            for (x, q) in x.iter_mut().zip(&mut batch.q[first..]) {
                                let (re, im) = field(*x);
                                (*x, *q) = (re - leakage.0, im - leakage.1);
                            }
                        } else {
                            x.iter_mut().for_each(|x| *x = field(*x).0 - leakage.0);
                        }
                    }
                }
                clipped
            },
        )
    }

    /// The input fields of a column of tiles for some samples of the batch.
    pub(crate) fn fields<'a>(
        &self,
        batch: &'a ModulatedBatch<T>,
        column: usize,
        samples: Range<usize>,
    ) -> SparseFields<'a, T> {
        let Column { ports, words, ports_before, words_before, .. } = self.columns[column];
        let range = |before: usize, each: usize| {
            let first = before * batch.samples;
            first + samples.start * each..first + samples.end * each
        };
        SparseFields {
            x: &batch.x[range(ports_before, ports)],
            q: if self.quadrature() { &batch.q[range(ports_before, ports)] } else { &[] },
            ports: &batch.mask[range(words_before, words)],
        }
    }
}
