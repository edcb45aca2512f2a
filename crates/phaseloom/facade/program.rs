use super::{Core, Error};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::correction::Corrected;
use phaseloom_hardware::{CoreSpec, Detection, LayerProgram, Link, Scales, bound_scales};
use phaseloom_mesh::{Form, MatrixProgram};
use std::path::Path;
use std::sync::Arc;

/// The phases of all cores that a matrix is programmed on.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) kind: Kind,
    pub(super) detection: Detection,
    /// The corrected program of each core, if the program was corrected for a chip.
    pub(super) corrected: Option<Arc<Vec<Corrected>>>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Real weights in tiles, with the scales of the converters.
    Weights { layer: Arc<LayerProgram>, scales: Arc<Scales>, core: CoreSpec },
    /// One complex matrix on one core.
    Complex { target: Arc<DMatrix<Complex64>>, program: Arc<MatrixProgram> },
}

impl Program {
    pub(super) fn from_weights(core: &Core, weights: &DMatrix<f64>) -> Result<Self, Error> {
        let link = Link { detection: core.detection, ..Link::default() };
        let scales = bound_scales(weights, &core.spec, &link, core.input_scale)?;
        let layer = LayerProgram::with_design(weights, &core.spec, &core.design()?, core.detection, &scales)?;
        let (layer, scales) = (Arc::new(layer), Arc::new(scales));
        let kind = Kind::Weights { layer, scales, core: core.spec.clone() };
        Ok(Self { kind, detection: core.detection, corrected: None })
    }

    pub(super) fn from_complex(core: &Core, matrix: &DMatrix<Complex64>) -> Result<Self, Error> {
        let (rows, columns) = matrix.shape();
        let ports = core.spec.ports;
        if rows.max(columns) > ports {
            return Err(Error::TooManyPorts { rows, columns, ports });
        }
        let program = MatrixProgram::new(matrix, Form::Auto, core.design()?)?;
        Ok(Self::single(matrix.clone(), program))
    }

    pub(super) fn single(target: DMatrix<Complex64>, program: MatrixProgram) -> Self {
        let kind = Kind::Complex { target: Arc::new(target), program: Arc::new(program) };
        Self { kind, detection: Detection::Homodyne, corrected: None }
    }

    /// Reads the program of one core from a program file (JSON), or from one of another phase convention. The requested
    /// matrix is that of the phases in the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no program, or contradicts itself.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let program = phaseloom_mesh::convention::load(path.as_ref())?;
        Ok(Self::single(program.matrix(), program))
    }

    /// Writes the program of a single core as a program file (JSON), which the command line reads, too.
    ///
    /// ```
    /// use phaseloom::prelude::*;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("program.json");
    ///
    /// let program = Core::new(4).program_complex(&haar_unitary(4, Seed(1)))?;
    /// program.save(&path)?;
    /// assert_eq!(Program::load(&path)?.matrix(), program.matrix());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The program has several cores (save each of [`Program::core_programs`] instead), or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let cores: Vec<&MatrixProgram> = self.core_programs().collect();
        match cores[..] {
            [program] => Ok(program.save(path.as_ref())?),
            _ => Err(Error::SeveralCores { path: path.as_ref().to_owned(), cores: cores.len() }),
        }
    }

    /// Number of outputs and of inputs of the matrix.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match &self.kind {
            Kind::Weights { layer, .. } => layer.plan().shape(),
            Kind::Complex { target, .. } => target.shape(),
        }
    }

    /// The requested matrix (outputs × inputs).
    #[must_use]
    pub fn target(&self) -> DMatrix<Complex64> {
        match &self.kind {
            Kind::Weights { layer, .. } => layer.weight().map(Complex64::from),
            Kind::Complex { target, .. } => (**target).clone(),
        }
    }

    /// The matrix (outputs × inputs) that ideal meshes realise with these phases.
    #[must_use]
    pub fn matrix(&self) -> DMatrix<Complex64> {
        self.assembled(self.core_programs().map(MatrixProgram::matrix))
    }

    /// Number of cores: tiles of the matrix that are not zero.
    #[must_use]
    pub fn cores(&self) -> usize {
        self.core_programs().count()
    }

    /// The program of each core, in the order of the tiles: their stages, phases and layouts.
    pub fn core_programs(&self) -> impl Iterator<Item = &MatrixProgram> {
        let corrected = self.corrections().iter().map(|core| &core.program);
        corrected.chain(self.uncorrected().filter(|_| self.corrected.is_none()))
    }

    /// The correction of each core, in the order of the tiles: quality before and after it, and its number of measurements.
    /// Empty if the program was not [corrected](super::Chip::correct).
    #[must_use]
    pub fn corrections(&self) -> &[Corrected] {
        self.corrected.as_ref().map_or(&[], |corrected| corrected)
    }

    /// The program of each core for chips without errors.
    pub(super) fn uncorrected(&self) -> impl Iterator<Item = &MatrixProgram> {
        let (layer, single) = match &self.kind {
            Kind::Weights { layer, .. } => (Some(layer), None),
            Kind::Complex { program, .. } => (None, Some(&**program)),
        };
        let tiles = layer.into_iter().flat_map(|layer| layer.tiles().iter().flatten().map(|tile| &tile.program));
        tiles.chain(single)
    }

    /// Number of Mach–Zehnder interferometers (or other cells) on all cores, attenuators included.
    #[must_use]
    pub fn interferometers(&self) -> usize {
        self.core_programs().map(MatrixProgram::interferometers).sum()
    }

    /// The largest number of columns of cells between an input and an output.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.core_programs().map(MatrixProgram::depth).max().unwrap_or(0)
    }

    /// The whole matrix from the matrices of its cores.
    pub(super) fn assembled(&self, mut realised: impl Iterator<Item = DMatrix<Complex64>>) -> DMatrix<Complex64> {
        let (rows, columns) = self.shape();
        let mut matrix = DMatrix::zeros(rows, columns);
        match &self.kind {
            Kind::Weights { layer, .. } => {
                for (tile, realised) in layer.tiles().iter().flatten().zip(realised) {
                    let size = (tile.tile.rows, tile.tile.columns);
                    matrix.view_mut((tile.tile.row, tile.tile.column), size).copy_from(&realised.view((0, 0), size));
                }
                matrix
            }
            Kind::Complex { .. } => realised.next().unwrap_or(matrix),
        }
    }
}
