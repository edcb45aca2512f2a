#![doc = include_str!("../README.md")]

pub mod angle;
pub mod binomial;
pub mod error;
pub mod least_squares;
pub mod linalg;
pub mod random;
pub mod simd;
pub mod statistics;

pub use error::NumericsError;
pub use linalg::canonical_svd::{CanonicalSvd, canonical_svd};
pub use linalg::fidelity::{
    amplitude_fidelity, fidelity, infidelity, matrix_error, port_phase_fidelity, relative_error,
};
pub use random::haar::{haar_orthogonal, haar_unitary};
pub use random::normal::NormalStream;
pub use random::stream::{StreamKey, standard_normal};
pub use simd::complex_product::{ComplexProduct, MASK_BITS, Quadratures, SparseFields};
pub use simd::exponential::exp_in_place;
pub use simd::real::Real;
