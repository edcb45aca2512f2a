use super::{Error, Program};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::InvalidValue;
use phaseloom_hardware::{CoreSpec, Detection, HardwareError, MAX_PORTS};
use phaseloom_mesh::{Cell, MeshDesign, Topology};
use std::sync::Arc;

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
    custom_topology: Option<Arc<dyn Topology>>,
    pub(super) detection: Detection,
    pub(super) input_scale: f64,
}

impl Core {
    /// A core of `ports` inputs and outputs, 1 to 16384.
    #[must_use]
    pub fn new(ports: usize) -> Self {
        CoreSpec { ports, ..CoreSpec::default() }.into()
    }

    /// The same core with another topology, by its key; the default is `rectangular`. `phaseloom explain` prints all keys.
    #[must_use]
    pub fn with_topology(mut self, key: &str) -> Self {
        self.spec.topology = key.to_owned();
        self.custom_topology = None;
        self
    }

    /// The same core with a topology of the caller, which needs no key.
    ///
    /// ```
    /// use phaseloom::mesh::{Topology, Triangular};
    /// use phaseloom::prelude::*;
    /// use std::sync::Arc;
    ///
    /// let topology: Arc<dyn Topology> = Arc::new(Triangular);
    /// let u = haar_unitary(4, Seed(1));
    /// let program = Core::new(4).with_custom_topology(topology).program_complex(&u)?;
    /// let same = Core::new(4).with_topology("triangular").program_complex(&u)?;
    /// assert_eq!(program.matrix(), same.matrix());
    /// # Ok::<(), phaseloom::Error>(())
    /// ```
    #[must_use]
    pub fn with_custom_topology(mut self, topology: Arc<dyn Topology>) -> Self {
        self.custom_topology = Some(topology);
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

    /// Checks the keys and the number of ports.
    ///
    /// # Errors
    ///
    /// Unknown keys of topology or cell, no ports, too many of them.
    pub fn check(&self) -> Result<(), Error> {
        self.design()?;
        if self.spec.ports > MAX_PORTS {
            let expected = format!("at most {MAX_PORTS}");
            return Err(HardwareError::Unfit(InvalidValue::new("ports", self.spec.ports, expected)).into());
        }
        Ok(self.spec.plan(1, 1, self.detection).map(|_| ())?)
    }

    /// The meshes of the core.
    pub(super) fn design(&self) -> Result<MeshDesign, Error> {
        match (&self.custom_topology, &self.spec.cell) {
            (None, _) => Ok(self.spec.design()?),
            (Some(topology), None) => Ok(topology.into()),
            (Some(topology), Some(key)) => Ok(MeshDesign::new(topology.clone(), Cell::from_key(key)?)?),
        }
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

/// The core of an experiment (`[core]`), with the default detection and input scale. Here are the settings that have no
/// method: tiles that share one physical core, a gain for each layer, calibrated gains.
///
/// ```
/// use phaseloom::hardware::{CoreSharing, CoreSpec};
/// use phaseloom::prelude::*;
///
/// let spec = CoreSpec { ports: 4, cores: CoreSharing::Shared, ..CoreSpec::default() };
/// let program = Core::from(spec).program(&DMatrix::from_element(8, 8, 0.5))?;
/// let process = Process::from_toml("splitter_error.sigma_rad = 0.01")?;
/// let tiles = process.fabricate(&program, Seed(1))?.cores(&program)?;
/// assert_eq!(tiles[0], tiles[3]); // four tiles in turn on one core
/// # Ok::<(), phaseloom::Error>(())
/// ```
impl From<CoreSpec> for Core {
    fn from(spec: CoreSpec) -> Self {
        Self { spec, custom_topology: None, detection: Detection::Homodyne, input_scale: 1.0 }
    }
}
