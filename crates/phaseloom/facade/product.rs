use super::program::Kind;
use super::{Error, Process, Program, Seed};
use nalgebra::DMatrix;
use phaseloom_hardware::{Detection, LayerAddress, Link, MatrixProduct, OpticalProduct, Shot};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A matrix product as a chip and its optical link perform it.
pub struct Product {
    optical: OpticalProduct<f64>,
    /// Vectors that were multiplied so far: each has noise of its own.
    sent: AtomicU64,
}

pub(super) fn key(detection: Detection) -> &'static str {
    match detection {
        Detection::Homodyne => "homodyne",
        Detection::Direct => "direct",
        Detection::Offset => "offset",
    }
}

impl Product {
    pub(super) fn new(process: &Process, seed: Seed, program: &Program, link: &Link) -> Result<Self, Error> {
        let Kind::Weights { layer, scales, core } = &program.kind else {
            let (rows, columns) = program.shape();
            return Err(Error::ComplexProduct { rows, columns });
        };
        if link.detection != program.detection {
            return Err(Error::Detection { program: key(program.detection), link: key(link.detection) });
        }
        let design = Arc::new(layer.design(process.settings())?.with_corrected(program.corrections()));
        let address = LayerAddress { seed: seed.0, trial: 0, layer: 0, first_core: 0 };
        let optical = OpticalProduct::new(layer, &design, link, scales, core.core_use(), address)?;
        Ok(Self { optical, sent: AtomicU64::new(0) })
    }

    /// Number of outputs and of inputs.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        self.optical.shape()
    }

    /// `ŷ ≈ W x` for each column of `x` (inputs × vectors), with all static errors and noise. The result is outputs ×
    /// vectors.
    ///
    /// Every vector has noise of its own, also when the same vector is sent again. The sequence of all results follows from
    /// the seed of the chip.
    ///
    /// # Panics
    ///
    /// If `x` does not have as many rows as the matrix has inputs, or has an entry that is not finite.
    #[must_use]
    pub fn multiply(&self, x: &DMatrix<f64>) -> DMatrix<f64> {
        assert_eq!(x.nrows(), self.shape().1, "rows of the vectors and inputs of the matrix");
        assert!(x.iter().all(|x| x.is_finite()), "vectors of finite numbers");
        let first_vector = self.sent.fetch_add(x.ncols() as u64, Ordering::Relaxed);
        self.optical.multiply(x, Shot { trial: 0, index: 0, first_vector }).0
    }

    /// The relative error ‖gŴ − W‖_F/‖W‖_F of the realised matrix Ŵ from static errors alone, with the gain g that undoes
    /// the nominal loss.
    #[must_use]
    pub fn matrix_error(&self) -> f64 {
        self.optical.matrix_error()
    }

    /// The part of [`Product::matrix_error`] that the detectors measure: homodyne detection of real weights measures the
    /// real part of each field alone.
    #[must_use]
    pub fn measured_error(&self) -> f64 {
        self.optical.measured_error()
    }
}
