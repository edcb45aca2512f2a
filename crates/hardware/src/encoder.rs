//! From numbers to light: scale, input converter, modulator.

use crate::complex_product::Sent;
use crate::{Link, Modulator};
use nalgebra::DMatrixView;
use phaseloom_mesh::Real;
use pulp::{Arch, NullaryFnOnce};

/// What happens to inputs on their way to the chip. Scale and converter work in double precision, so that no value
/// falls to another code; fields are in units of √P_port.
pub(crate) struct Encoder<T> {
    scale: f64,
    limit: f64,
    /// Codes per full scale and step; `None` for no converter.
    codes: Option<(f64, f64)>,
    modulator: Option<Modulator>,
    precision: std::marker::PhantomData<T>,
}

impl<T: Real> Encoder<T> {
    /// For `x̃ = clip(x/scale, −1, 1)`; an ideal link clips nothing.
    pub(crate) fn new(link: &Link, scale: f64) -> Self {
        let codes = link.dac.map(|dac| (dac.signed().last(), dac.step()));
        let limit = if link.is_ideal() { f64::INFINITY } else { 1.0 };
        Self { scale, limit, codes, modulator: link.modulator, precision: std::marker::PhantomData }
    }

    /// Whether light is sent in quadrature.
    pub(crate) fn quadrature(&self) -> bool {
        self.modulator.is_some()
    }

    /// Encodes some inputs of some vectors, and so many ports of constant light behind them; returns how many were
    /// clipped.
    pub(crate) fn encode(&self, input: &DMatrixView<'_, f64>, constant: usize, sent: &mut Sent<T>) -> u64 {
        let (scale, limit) = (self.scale, self.limit);
        let x = &mut sent.x[..];
        let clipped = match self.codes {
            Some((last, step)) => {
                let code = |x: f64| (x.limit(-limit, limit) * last).nearest_even() * step;
                Arch::new().dispatch(Scale { input, scale, limit, map: code, constant, x })
            }
            None => {
                Arch::new().dispatch(Scale { input, scale, limit, map: |x: f64| x.limit(-limit, limit), constant, x })
            }
        };
        if let Some(modulator) = self.modulator {
            let ports = (input.nrows() + constant) * input.ncols();
            let sent = [&mut sent.x, &mut sent.q, &mut sent.both].map(|sent| &mut sent[..ports]);
            Arch::new().dispatch(Modulate { modulator, sent });
        }
        clipped
    }
}

/// Scales and converts inputs column by column.
struct Scale<'a, T, F> {
    input: &'a DMatrixView<'a, f64>,
    scale: f64,
    limit: f64,
    map: F,
    constant: usize,
    x: &'a mut [T],
}

impl<T: Real, F: Fn(f64) -> f64> NullaryFnOnce for Scale<'_, T, F> {
    type Output = u64;

    #[inline(always)]
    fn call(self) -> u64 {
        let ports = self.input.nrows() + self.constant;
        // By the reciprocal: a division would cost as much as all the rest. What is clipped is told by the input itself.
        let (per_scale, largest) = (1.0 / self.scale, self.limit * self.scale);
        let mut clipped = 0;
        for (j, sent) in self.x.chunks_exact_mut(ports).take(self.input.ncols()).enumerate() {
            let column = self.input.column(j);
            let (data, constant) = sent.split_at_mut(column.len());
            for (sent, x) in data.iter_mut().zip(column.as_slice()) {
                clipped += u64::from(x.abs() > largest);
                *sent = T::from_f64((self.map)(x * per_scale));
            }
            constant.fill(T::ONE);
        }
        clipped
    }
}

/// Sends fields through the modulators: in phase, in quadrature, and the sum of both.
struct Modulate<'a, T> {
    modulator: Modulator,
    sent: [&'a mut [T]; 3],
}

impl<T: Real> NullaryFnOnce for Modulate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let field = self.modulator.field();
        let [x, q, both] = self.sent;
        for ((x, q), both) in x.iter_mut().zip(q).zip(both) {
            (*x, *q) = field(*x);
            *both = *x + *q;
        }
    }
}
