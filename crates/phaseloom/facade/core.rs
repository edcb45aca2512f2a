use super::{Error, Program};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{CoreSpec, Detection};

/// A photonic core: the mesh that a matrix, or each tile of a larger matrix, is programmed on.
///
/// Defaults: a rectangular mesh (Clements et al., Optica 3, 1460, 2016) of Mach–Zehnder interferometers, homodyne
/// detection, inputs within ±1, one physical core for each tile.
///
/// ```
/// use phaseloom::prelude::*;
///
/// let w = DMatrix::from_fn(10, 20, |i, j| (i as f64 - j as f64).sin());
/// let program = Core::new(8).with_topology("triangular").program(&w)?;
/// assert_eq!(program.cores(), 6); // 10×20 in tiles of 8×8
/// assert!((program.matrix() - w.map(Complex64::from)).norm() < 1e-12);
/// # Ok::<(), phaseloom::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Core {
    pub(super) spec: CoreSpec,
    pub(super) detection: Detection,
    pub(super) input_scale: f64,
}

impl Core {
    /// A core of `ports` inputs and outputs, 1 to 16384.
    #[must_use]
    pub fn new(ports: usize) -> Self {
        let spec = CoreSpec { ports, ..CoreSpec::default() };
        Self { spec, detection: Detection::Homodyne, input_scale: 1.0 }
    }

    /// The same core with another topology, by its key; the default is `rectangular`. `phaseloom list` prints all keys.
    #[must_use]
    pub fn with_topology(mut self, key: &str) -> Self {
        self.spec.topology = key.to_owned();
        self
    }

    /// The same core with another kind of cell, by its key; the default is the usual cell of the topology.
    #[must_use]
    pub fn with_cell(mut self, key: &str) -> Self {
        self.spec.cell = Some(key.to_owned());
        self
    }

    /// The same core for another detection; the default is homodyne. Offset detection takes one input port of the core.
    #[must_use]
    pub fn with_detection(mut self, detection: Detection) -> Self {
        self.detection = detection;
        self
    }

    /// The same core for inputs within ±`scale`; the default is 1. Inputs beyond are clipped by the modulators.
    #[must_use]
    pub fn with_input_scale(mut self, scale: f64) -> Self {
        self.input_scale = scale;
        self
    }

    /// Programs real weights (outputs × inputs): tiles of the size of the core, a singular value decomposition of each,
    /// and the phases of its meshes.
    ///
    /// # Errors
    ///
    /// Unknown keys of topology or cell, a core without ports, an entry that is not finite, work that does not fit in
    /// memory.
    pub fn program(&self, weights: &DMatrix<f64>) -> Result<Program, Error> {
        Program::from_weights(self, weights)
    }

    /// Programs a complex matrix (rows × columns) on a single core. A unitary matrix takes one mesh, any other matrix two
    /// meshes and a column of attenuators.
    ///
    /// # Errors
    ///
    /// As [`Core::program`], and a matrix with more rows or columns than the core has ports.
    pub fn program_complex(&self, matrix: &DMatrix<Complex64>) -> Result<Program, Error> {
        Program::from_complex(self, matrix)
    }
}
