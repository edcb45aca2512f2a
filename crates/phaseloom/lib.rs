//! Phaseloom runs trained neural networks on imperfect photonic chips.
//!
//! ```
//! use phaseloom::{Chip, Form, MatrixProgram, Process, ChipId, haar_unitary, matrix_error, topology, StreamKey};
//!
//! let u = haar_unitary(16, &mut StreamKey::new(1, "example").stream());
//! let program = MatrixProgram::new(&u, Form::Auto, topology("rectangular")?)?;
//! let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.01")?;
//! let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial: 0, core: 0 })?;
//! let error = matrix_error(&u, &chip.matrix(&program)?);
//! assert!((0.02..0.1).contains(&error)); // the law predicts σ√(2(N−1)) = 0.055
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crates of this facade, in the order of the data: [`mesh`], [`hardware`], [`network`], [`experiment`],
//! [`report`]; [`validation`] recomputes the claims of the physics through the first two.

pub use phaseloom_experiment as experiment;
pub use phaseloom_files as files;
pub use phaseloom_hardware as hardware;
pub use phaseloom_mesh as mesh;
pub use phaseloom_network as network;
pub use phaseloom_numerics as numerics;
pub use phaseloom_report as report;
pub use phaseloom_validation as validation;

pub use nalgebra;
pub use num_complex::Complex64;
pub use phaseloom_experiment::Experiment;
pub use phaseloom_hardware::{
    Chip, ChipId, CoreSpec, LayerAddress, LayerDesign, LayerProgram, Link, MatrixProduct, OpticalProduct, Process,
    Scales, Shot,
};
pub use phaseloom_mesh::{Form, MatrixProgram, Topology, Unitary, topology};
pub use phaseloom_network::{Calibration, DataSpec, Model};
pub use phaseloom_numerics::{StreamKey, fidelity, haar_unitary, matrix_error, relative_error};
