use super::{Core, Error};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{Detection, LayerProgram, Link, Scales, bound_scales};
use phaseloom_mesh::{Form, MatrixProgram};
use std::sync::Arc;

/// The phases of all cores that a matrix is programmed on.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) kind: Kind,
    pub(super) detection: Detection,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Real weights in tiles, with the scales of the converters.
    Weights { layer: Arc<LayerProgram>, scales: Arc<Scales> },
    /// One complex matrix on one core.
    Complex { target: Arc<DMatrix<Complex64>>, program: Arc<MatrixProgram> },
}

impl Program {
    pub(super) fn from_weights(core: &Core, weights: &DMatrix<f64>) -> Result<Self, Error> {
        let link = Link { detection: core.detection, ..Link::default() };
        let scales = bound_scales(weights, &core.spec, &link, core.input_scale)?;
        let layer = LayerProgram::new(weights, &core.spec, core.detection, &scales)?;
        Ok(Self { kind: Kind::Weights { layer: Arc::new(layer), scales: Arc::new(scales) }, detection: core.detection })
    }

    pub(super) fn from_complex(core: &Core, matrix: &DMatrix<Complex64>) -> Result<Self, Error> {
        let (rows, columns) = matrix.shape();
        let ports = core.spec.ports;
        if rows.max(columns) > ports {
            return Err(Error::TooManyPorts { rows, columns, ports });
        }
        let program = MatrixProgram::new(matrix, Form::Auto, core.spec.design()?)?;
        Ok(Self {
            kind: Kind::Complex { target: Arc::new(matrix.clone()), program: Arc::new(program) },
            detection: core.detection,
        })
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
        match &self.kind {
            Kind::Weights { layer, .. } => {
                assembled(layer, layer.tiles().iter().flatten().map(|tile| tile.program.matrix()))
            }
            Kind::Complex { program, .. } => program.matrix(),
        }
    }

    /// Number of cores: tiles of the matrix that are not zero.
    #[must_use]
    pub fn cores(&self) -> usize {
        self.core_programs().count()
    }

    /// The program of each core, in the order of the tiles: their stages, phases and layouts.
    pub fn core_programs(&self) -> impl Iterator<Item = &MatrixProgram> {
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
}

/// The matrix of a layer from the matrices of its tiles that are not zero.
pub(super) fn assembled(
    layer: &LayerProgram,
    realised: impl Iterator<Item = DMatrix<Complex64>>,
) -> DMatrix<Complex64> {
    let (rows, columns) = layer.plan().shape();
    let mut matrix = DMatrix::zeros(rows, columns);
    for (tile, realised) in layer.tiles().iter().flatten().zip(realised) {
        let size = (tile.tile.rows, tile.tile.columns);
        matrix.view_mut((tile.tile.row, tile.tile.column), size).copy_from(&realised.view((0, 0), size));
    }
    matrix
}
