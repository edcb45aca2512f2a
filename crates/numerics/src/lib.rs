//! Numbers and no light: linear algebra, random streams, vector instructions.
//!
//! ```
//! use phaseloom_numerics::{StreamKey, haar_unitary, linalg::multiply};
//!
//! let u = haar_unitary(4, &mut StreamKey::new(1, "example").stream());
//! let identity = multiply(&u.adjoint(), &u);
//! assert!((identity[(0, 0)].re - 1.0).abs() < 1e-14);
//! ```

pub mod angle;
pub mod error;
pub mod least_squares;
pub mod linalg;
pub mod random;
pub mod simd;

pub use error::NumericsError;
pub use linalg::canonical_svd::{CanonicalSvd, canonical_svd};
pub use linalg::fidelity::{fidelity, matrix_error, relative_error};
pub use random::haar::{haar_orthogonal, haar_unitary};
pub use random::normal::Normals;
pub use random::stream::{StreamKey, standard_normal};
pub use simd::complex_product::{ComplexProduct, Lit, PORTS_PER_WORD, Quadratures};
pub use simd::exponential::exponentials;
pub use simd::real::Real;
