//! Layers of complex fields.
//!
//! A sample of n fields has the shape `[2, n]`: n in-phase parts, then n quadratures. The gradient of a loss by a field z has the
//! same shape, and is the adjoint `λ = ∂L/∂Re z + i·∂L/∂Im z`.

mod activation;
mod complex_photonic;
mod electro_optic;
mod encoding;
mod intensity;

pub use activation::{ModRelu, SaturableAbsorber};
pub use complex_photonic::ComplexPhotonicSettings;
pub use electro_optic::ElectroOptic;
pub use encoding::{AmplitudeEncoding, PhaseEncoding};
pub use intensity::{Amplitude, Intensity};

use num_complex::Complex64;
use phaseloom_files::InvalidValue;

use crate::data::Batch;

/// The number of fields of a sample of a shape.
///
/// # Errors
///
/// A shape that is not `[2, n]`.
fn fields(input: &[usize]) -> Result<usize, InvalidValue> {
    match input {
        [2, fields] => Ok(*fields),
        _ => {
            let found = format!("a layer of complex fields on an input of the shape {input:?}");
            let expected = "one on the shape [2, n], the in-phase parts and the quadratures of n fields: set `input.shape`, \
                            or put a layer `phase_encoding` or `amplitude_encoding` before it";
            Err(InvalidValue::new("kind", found, expected))
        }
    }
}

/// The number of values of a row of real values.
///
/// # Errors
///
/// A shape of several axes.
fn row(input: &[usize]) -> Result<usize, InvalidValue> {
    match input {
        [values] => Ok(*values),
        _ => {
            let found = format!("an encoding of an input of the shape {input:?}");
            Err(InvalidValue::new("kind", found, "one of a row of values: put a layer `flatten` before it"))
        }
    }
}

/// Calls a function with each field of `a` (2·n × samples) and the one of `b` at its place.
fn visit(a: &Batch, b: &Batch, mut call: impl FnMut(Complex64, Complex64)) {
    let (rows, half) = (a.nrows(), a.nrows() / 2);
    if half > 0 {
        for (a, b) in a.as_slice().chunks_exact(rows).zip(b.as_slice().chunks_exact(rows)) {
            (0..half).for_each(|k| call(Complex64::new(a[k], a[half + k]), Complex64::new(b[k], b[half + k])));
        }
    }
}

/// A batch of fields (2·n × samples), each computed from its field of `a` (2·n × samples) and the one of `b` at its place.
fn zip(a: &Batch, b: &Batch, compute: impl Fn(Complex64, Complex64) -> Complex64) -> Batch {
    let (rows, half) = (a.nrows(), a.nrows() / 2);
    let mut output = Batch::zeros(rows, a.ncols());
    if half > 0 {
        let samples = a.as_slice().chunks_exact(rows).zip(b.as_slice().chunks_exact(rows));
        for (out, (a, b)) in output.as_mut_slice().chunks_exact_mut(rows).zip(samples) {
            let (re, im) = out.split_at_mut(half);
            for k in 0..half {
                let z = compute(Complex64::new(a[k], a[half + k]), Complex64::new(b[k], b[half + k]));
                (re[k], im[k]) = (z.re, z.im);
            }
        }
    }
    output
}
