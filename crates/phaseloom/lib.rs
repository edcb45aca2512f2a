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
//! # Commands and calls
//!
//! What a command of the command line does, these calls do:
//!
//! | command | calls |
//! |---|---|
//! | `program` | [`Core::program`] or [`Core::program_complex`], then [`Program::save`] |
//! | `convert` | [`ConvertedProgram::new`](mesh::convention::ConvertedProgram::new) and [`mesh::convention::load`]; [`mesh::Netlist::new`] |
//! | `chip` | [`Process::fabricate`]; files by [`Chip::cores`], then [`hardware::Chip::save`] and [`load`](hardware::Chip::load) |
//! | `chip --from` | [`hardware::ChipTable::parse`], [`hardware::Process::from_chip`] |
//! | `heaters` | [`hardware::heaters`](hardware::heaters()), [`hardware::HeaterCalibration`] |
//! | `matrix` | [`Program::matrix`], [`Chip::matrix`], [`Chip::matrix_error`] |
//! | `correct` | [`Chip::correct`], [`Program::corrections`] |
//! | `compare` | [`hardware::comparison::trial`] for each of [`mesh::MeshDesign::all`] |
//! | `draw` | [`report::MeshDrawing`] of a [`mesh::StageTrace`] |
//! | `train` | [`TrainSpec::load`](network::TrainSpec::load), then [`network::train::train`], or [`train_resumable`](network::train::train_resumable), and [`Trained::save`](network::Trained::save) |
//! | `calibrate` | [`Calibration::measure`](network::Calibration::measure), then [`save`](network::Calibration::save) |
//! | `run` | [`Experiment::load`](experiment::Experiment::load), then [`experiment::run`] and [`Tables::write`](experiment::Tables::write); one network on one chip: [`Network::on_chip`] |
//! | `sweep` | [`Experiment::new`](experiment::Experiment::new) with a `matrix` or a `program`, then as `run`; its law: [`hardware::Process::matrix_law`] |
//! | `cost` | [`experiment::cost::cost`], then [`Analysis::new`](experiment::cost::analysis::Analysis::new) of each point and [`verdict::tests`](experiment::cost::verdict::tests); the model alone: [`cost::PhotonicCost`] |
//! | `merge` | [`experiment::merge`] |
//! | `spectra` | [`hardware::spectra::derive`] |
//! | `validate` | [`validation::Report::new`] |
//! | `generate` | [`haar_unitary`], [`numerics::haar_orthogonal`], then [`files::write_matrix`] |
//! | `import` | [`network::import::ImportedModel::new`] |
//! | `explain` | [`Process::preset`], [`hardware::preset`], [`mesh::topologies`], [`CELLS`](mesh::CELLS), [`CONVENTIONS`](mesh::convention::CONVENTIONS), [`IMPERFECTIONS`](hardware::IMPERFECTIONS), [`CORRECTIONS`](hardware::correction::CORRECTIONS), [`PRESETS`](hardware::PRESETS), [`LINK_PARTS`](hardware::LINK_PARTS), [`DETECTIONS`](hardware::DETECTIONS), [`LAYERS`](network::layer::LAYERS), [`FIGURES`](report::FIGURES), [`CLAIMS`](validation::CLAIMS) |
//!
//! A whole experiment in one call, with its files in a folder:
//!
//! ```no_run
//! use phaseloom::experiment::{self, Options, Tables};
//! use phaseloom::prelude::*;
//! use std::path::Path;
//!
//! let experiment = Experiment::load(Path::new("examples/digits/digits.toml"))?;
//! let outcome = experiment::run(&experiment, Path::new("results"), &Options::default())?;
//! if let Some(tables) = Tables::new(&outcome) {
//!     print!("{}", tables.text());
//! }
//! # Ok::<(), phaseloom::Error>(())
//! ```
//!
//! The [`prelude`] holds the types of the first example. The crates below hold everything else, in the order of the data:
//! [`mesh`] (cells, decompositions, propagation, gradients), [`hardware`] (processes, chips, links, products,
//! corrections), [`network`] (models, data, training), [`experiment`] (Monte Carlo runs), [`report`] (figures) and
//! [`validation`] (the physics claims, recomputed). [`numerics`] and [`files`] serve all of them.
//!
//! # Features
//!
//! The default, `cli`, includes everything. With `default-features = false` the library holds programs, processes, chips, links
//! and products; `network`, `experiment`, `study`, `report` and `validation` add the crates of these names, and `experiment` also adds
//! [`Network`].

// The command line names the library as its users do.
#[cfg(feature = "cli")]
extern crate self as phaseloom;

#[cfg(feature = "cli")]
mod cli;
mod facade;
#[cfg(doctest)]
mod pages;

pub use facade::{Chip, Core, Error, Process, Product, Program, Seed, haar_unitary, read_complex_matrix, read_matrix};
#[cfg(feature = "experiment")]
pub use facade::{Network, PhotonicNetwork};

#[cfg(feature = "cli")]
pub use cli::main as command_line;

pub use nalgebra;
pub use num_complex::Complex64;
#[cfg(feature = "experiment")]
pub use phaseloom_cost as cost;
#[cfg(feature = "experiment")]
pub use phaseloom_experiment as experiment;
pub use phaseloom_files as files;
pub use phaseloom_hardware as hardware;
pub use phaseloom_mesh as mesh;
#[cfg(feature = "network")]
pub use phaseloom_network as network;
pub use phaseloom_numerics as numerics;
#[cfg(feature = "report")]
pub use phaseloom_report as report;
#[cfg(feature = "study")]
pub use phaseloom_study as study;
#[cfg(feature = "validation")]
pub use phaseloom_validation as validation;

/// The types that most programs need: `use phaseloom::prelude::*`.
pub mod prelude {
    pub use crate::facade::{
        Chip, Core, Error, Process, Product, Program, Seed, haar_unitary, read_complex_matrix, read_matrix,
    };
    #[cfg(feature = "experiment")]
    pub use crate::facade::{Network, PhotonicNetwork};
    pub use nalgebra::DMatrix;
    pub use num_complex::Complex64;
    #[cfg(feature = "experiment")]
    pub use phaseloom_experiment::Experiment;
    pub use phaseloom_hardware::correction::{Instruments, Interrupt};
    pub use phaseloom_hardware::{Detection, Link};
    #[cfg(feature = "network")]
    pub use phaseloom_network::{Network as _, accuracy, predictions};
}
