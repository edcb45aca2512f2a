//! Phaseloom simulates linear algebra on photonic chips: meshes of Mach–Zehnder interferometers (MZIs) with fabrication
//! errors, optical links and trained neural networks.
//!
//! Real weights on a noisy chip:
//!
//! ```
//! use phaseloom::prelude::*;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("weights.npy");
//! # let matrix = DMatrix::from_fn(10, 64, |i, j| Complex64::from((i * 64 + j) as f64).sin());
//! # phaseloom::files::write_matrix(&path, &matrix)?;
//! # let weights_npy = path.to_str().expect("a temporary folder has a name in UTF-8");
//!
//! let weights = read_matrix(weights_npy)?; // outputs × inputs
//! let core = Core::new(64); // a rectangular mesh of MZIs
//! let program = core.program(&weights)?; // tiles, singular values, phases
//! let process = Process::preset("thermo-optic-silicon")?;
//! let chip = process.fabricate(&program, Seed(1))?; // one frozen sample
//! let link = Link { laser_power_w: Some(1e-3), shot_noise: true, ..Link::default() };
//! let product = chip.product(&program, &link)?;
//! let x = DMatrix::from_element(64, 1, 0.5); // inputs × vectors
//! let y = product.multiply(&x); // W x with static errors and noise
//! println!("matrix error {:.3}", product.matrix_error());
//! # assert_eq!(y.shape(), (10, 1));
//! # assert!(product.matrix_error() > 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [`prelude`] holds the types of this example. The crates below hold everything else, in the order of the data:
//! [`mesh`] (cells, decompositions, propagation, gradients), [`hardware`] (processes, chips, links, products,
//! corrections), [`network`] (models, data, training), [`experiment`] (Monte Carlo runs), [`report`] (figures) and
//! [`validation`] (the physics claims, recomputed). [`numerics`] and [`files`] serve all of them.

mod facade;

pub use facade::{Chip, Core, Error, Process, Product, Program, Seed, haar_unitary, read_complex_matrix, read_matrix};

pub use nalgebra;
pub use num_complex::Complex64;
pub use phaseloom_experiment as experiment;
pub use phaseloom_files as files;
pub use phaseloom_hardware as hardware;
pub use phaseloom_mesh as mesh;
pub use phaseloom_network as network;
pub use phaseloom_numerics as numerics;
pub use phaseloom_report as report;
pub use phaseloom_validation as validation;

/// The types that most programs need: `use phaseloom::prelude::*`.
pub mod prelude {
    pub use crate::facade::{
        Chip, Core, Error, Process, Product, Program, Seed, haar_unitary, read_complex_matrix, read_matrix,
    };
    pub use nalgebra::DMatrix;
    pub use num_complex::Complex64;
    pub use phaseloom_hardware::{Detection, Link};
}
