//! A weight matrix as programs of cores: one program per tile.

use crate::error::HardwareError;
use crate::link::Detection;
use crate::product::core_spec::{CoreSpec, GainScope};
use crate::product::scales::Scales;
use crate::tile::{Tile, TilePlan};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::read_key;
use phaseloom_mesh::{Capability, Form, MatrixProgram, MeshDesign};
use phaseloom_numerics::{CanonicalSvd, canonical_svd};

/// One tile: the target in the corner of its core, and the program of the core.
#[derive(Clone, Debug)]
pub struct TileProgram {
    /// Position of the tile in the matrix.
    pub tile: Tile,
    /// Target of the corner. With offset detection its last column is the constant field.
    pub target: DMatrix<Complex64>,
    /// The program of the k×k core.
    pub program: MatrixProgram,
}

/// Whether the entries of a weight matrix are real or complex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightKind {
    /// Real: every output is detected.
    #[default]
    Real,
    /// Complex: fields go in and out.
    Complex,
    /// Complex and unitary: one mesh of as many ports as the matrix has rows, without attenuators.
    Unitary,
}

impl WeightKind {
    /// Whether fields go in and out, so that each has two real parts.
    #[must_use]
    pub fn is_complex(self) -> bool {
        self != Self::Real
    }
}

/// A layer as programs, made once per weight matrix.
#[derive(Clone, Debug)]
pub struct LayerProgram {
    /// Outputs × inputs; if complex, the real part above the imaginary part.
    weight: DMatrix<f64>,
    kind: WeightKind,
    plan: TilePlan,
    tiles: Vec<Option<TileProgram>>,
    ports: usize,
}

impl LayerProgram {
    /// Cuts a weight matrix (outputs × inputs) into tiles and programs each on meshes of the core. Tiles of zeros are skipped.
    ///
    /// With offset detection each row gets one more column: the constant field that `scales` require.
    ///
    /// # Errors
    ///
    /// A core without ports, an unknown topology, [scales](Scales::check) of another matrix, a matrix without rows or columns or
    /// with an entry that is not finite, too little memory.
    pub fn new(
        weight: &DMatrix<f64>,
        core: &CoreSpec,
        detection: Detection,
        scales: &Scales,
    ) -> Result<Self, HardwareError> {
        Self::with_design(weight, core, &core.design()?, detection, scales)
    }

    /// The same on meshes of another design, such as a custom topology, in place of the keys of the core.
    ///
    /// # Errors
    ///
    /// As [`LayerProgram::new`].
    pub fn with_design(
        weight: &DMatrix<f64>,
        core: &CoreSpec,
        design: &MeshDesign,
        detection: Detection,
        scales: &Scales,
    ) -> Result<Self, HardwareError> {
        let plan = core.plan(weight.nrows(), weight.ncols(), detection)?;
        scales.check(plan.tiles().len())?;
        let block = |tile: &Tile, t: usize| {
            let block = tile.block(weight).map(|w| Complex64::new(w, 0.0));
            match detection {
                _ if block.iter().all(|w| w.re == 0.0) => None,
                Detection::Offset => {
                    Some(block.insert_column(tile.columns, (scales.full_scale[t] / scales.input).into()))
                }
                _ => Some(block),
            }
        };
        let tiles = program_tiles(&plan, core, design, &block)?;
        Ok(Self { tiles, weight: weight.clone(), kind: WeightKind::Real, plan, ports: core.ports })
    }

    /// A layer of complex weights on meshes of a design. `weight` is the real part of the matrix above its imaginary part:
    /// 2·outputs × inputs. Nothing is detected, so there are no scales.
    ///
    /// # Errors
    ///
    /// As [`LayerProgram::new`]; [`WeightKind::Unitary`] of a matrix that is not unitary to 1e-5, or larger than a core.
    ///
    /// # Panics
    ///
    /// If the number of rows is odd, or the kind is real.
    pub fn complex(
        weight: &DMatrix<f64>,
        kind: WeightKind,
        core: &CoreSpec,
        design: &MeshDesign,
    ) -> Result<Self, HardwareError> {
        assert!(kind.is_complex() && weight.nrows().is_multiple_of(2), "a real and an imaginary part");
        let plan = complex_plan(kind, (weight.nrows() / 2, weight.ncols()), core)?;
        let outputs = plan.shape().0;
        let block = |tile: &Tile| {
            let imaginary = Tile { row: tile.row + outputs, ..*tile };
            tile.block(weight).zip_map(&imaginary.block(weight), Complex64::new)
        };
        let tiles = match kind {
            WeightKind::Unitary => {
                let tile = plan.tiles()[0];
                let target = block(&tile);
                let program = MatrixProgram::from_single(&target, Form::Unitary, design.clone())?;
                vec![Some(TileProgram { tile, target, program })]
            }
            _ => {
                let block =
                    |tile: &Tile, _: usize| Some(block(tile)).filter(|b| b.iter().any(|w| *w != Complex64::ZERO));
                program_tiles(&plan, core, design, &block)?
            }
        };
        Ok(Self { tiles, weight: weight.clone(), kind, plan, ports: core.ports })
    }

    /// A layer of given programs, such as trained ones: one for each tile of the plan, `None` for a tile of zeros. The matrices of
    /// the programs are the targets, and their real parts the weight.
    ///
    /// # Errors
    ///
    /// A core without ports, [scales](Scales::check) of another matrix, [`HardwareError::Unfit`] for another number of programs or
    /// a program that is not one of the core.
    pub fn from_programs(
        shape: (usize, usize),
        core: &CoreSpec,
        detection: Detection,
        scales: &Scales,
        programs: Vec<Option<MatrixProgram>>,
    ) -> Result<Self, HardwareError> {
        let plan = core.plan(shape.0, shape.1, detection)?;
        scales.check(plan.tiles().len())?;
        let mut tiles = given_tiles(&plan, core.ports, programs)?;
        if detection == Detection::Offset {
            for (tile, full_scale) in tiles.iter_mut().zip(&scales.full_scale) {
                let Some(TileProgram { tile, target, .. }) = tile else { continue };
                *target = std::mem::take(target).insert_column(tile.columns, (full_scale / scales.input).into());
            }
        }
        Ok(Self::from_tiles(tiles, WeightKind::Real, plan, core.ports))
    }

    /// The same programs for other real weights (outputs × inputs), from which the errors of the layer count.
    ///
    /// # Panics
    ///
    /// If the weights have another shape, or those of the layer are complex.
    #[must_use]
    pub fn with_weight(mut self, weight: &DMatrix<f64>) -> Self {
        assert_eq!((weight.shape(), self.kind), (self.plan.shape(), WeightKind::Real), "weights of the layer");
        self.weight = weight.clone();
        for TileProgram { tile, target, .. } in self.tiles.iter_mut().flatten() {
            target.columns_mut(0, tile.columns).copy_from(&tile.block(weight).map(Complex64::from));
        }
        self
    }

    /// A complex layer of given programs, as [`LayerProgram::from_programs`] makes a real one.
    ///
    /// # Errors
    ///
    /// As [`LayerProgram::from_programs`] and [`LayerProgram::complex`].
    pub fn from_complex_programs(
        shape: (usize, usize),
        kind: WeightKind,
        core: &CoreSpec,
        programs: Vec<Option<MatrixProgram>>,
    ) -> Result<Self, HardwareError> {
        let plan = complex_plan(kind, shape, core)?;
        let ports = if kind == WeightKind::Unitary { shape.0 } else { core.ports };
        let tiles = given_tiles(&plan, ports, programs)?;
        Ok(Self::from_tiles(tiles, kind, plan, core.ports))
    }

    fn from_tiles(tiles: Vec<Option<TileProgram>>, kind: WeightKind, plan: TilePlan, ports: usize) -> Self {
        let mut layer = Self { weight: DMatrix::zeros(0, 0), kind, plan, tiles, ports };
        layer.weight = layer.ideal_weight();
        layer
    }

    /// Whether the weights are complex.
    #[must_use]
    pub fn kind(&self) -> WeightKind {
        self.kind
    }

    /// The weight matrix, outputs × inputs; of complex weights the real part above the imaginary part, 2·outputs × inputs.
    #[must_use]
    pub fn weight(&self) -> &DMatrix<f64> {
        &self.weight
    }

    /// Its tiles.
    #[must_use]
    pub fn plan(&self) -> &TilePlan {
        &self.plan
    }

    /// The programmed tiles in the order of the plan; `None` is a tile of zeros.
    #[must_use]
    pub fn tiles(&self) -> &[Option<TileProgram>] {
        &self.tiles
    }

    /// The programs, for training.
    pub(super) fn tiles_mut(&mut self) -> &mut [Option<TileProgram>] {
        &mut self.tiles
    }

    /// The matrix that perfect chips realise: g·U·Σ·V† of every tile. Of real weights the part that homodyne detection reads,
    /// outputs × inputs; of complex weights the real part above the imaginary part.
    #[must_use]
    pub fn ideal_weight(&self) -> DMatrix<f64> {
        let (rows, columns) = self.plan.shape();
        let mut weight = DMatrix::zeros(if self.kind.is_complex() { 2 * rows } else { rows }, columns);
        for TileProgram { tile, program, .. } in self.tiles.iter().flatten() {
            let matrix = program.matrix();
            let matrix = matrix.view((0, 0), (tile.rows, tile.columns));
            let mut block = weight.view_mut((tile.row, tile.column), (tile.rows, tile.columns));
            block.zip_apply(&matrix, |w, z| *w = z.re);
            if self.kind.is_complex() {
                let mut block = weight.view_mut((rows + tile.row, tile.column), (tile.rows, tile.columns));
                block.zip_apply(&matrix, |w, z| *w = z.im);
            }
        }
        weight
    }

    /// Ports of a core.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.ports
    }
}

/// Programs the tiles of a plan, each with the target that `block` gives for it and its number, or `None` for a tile of zeros.
fn program_tiles(
    plan: &TilePlan,
    core: &CoreSpec,
    design: &MeshDesign,
    block: &dyn Fn(&Tile, usize) -> Option<DMatrix<Complex64>>,
) -> Result<Vec<Option<TileProgram>>, HardwareError> {
    // Per core and pair of ports: about 100 bytes for the phases as programmed and as driven, one chip and its
    // realised matrix, 32 more for singular vectors that wait for a common gain, and 128 for one decomposition. Three
    // times as much if phases are fitted.
    let fitted = design.topology().capability() == Capability::Fitted;
    let pairs = (core.ports as f64).powi(2) * if fitted { 3.0 } else { 1.0 };
    let per_tile = if read_key!("core", core.normalise) == GainScope::Layer { 132.0 } else { 100.0 };
    let work = format!("programming {} tiles on cores of {} ports", plan.tiles().len(), core.ports);
    phaseloom_files::require_memory(pairs * (per_tile * plan.tiles().len() as f64 + 128.0), &work)?;
    let targets: Vec<Option<DMatrix<Complex64>>> =
        plan.tiles().iter().enumerate().map(|(t, tile)| block(tile, t)).collect();
    let padded = |target: &DMatrix<Complex64>| target.clone().resize(core.ports, core.ports, Complex64::new(0.0, 0.0));
    let mut decompositions: Vec<Option<CanonicalSvd>> = Vec::new();
    if read_key!("core", core.normalise) == GainScope::Layer {
        // A common gain needs the singular values of all tiles before the first program.
        for target in &targets {
            let decompose = |target| -> Result<_, HardwareError> {
                let matrix = padded(target);
                MatrixProgram::check(&matrix, Form::Svd, design)?;
                Ok(canonical_svd(&matrix)?)
            };
            decompositions.push(target.as_ref().map(decompose).transpose()?);
        }
    }
    let common_gain = decompositions.iter().flatten().map(|svd| svd.sigma[0]).fold(0.0, f64::max);
    decompositions.resize_with(targets.len(), || None);
    let program = |target: Option<DMatrix<Complex64>>, svd, tile: Tile| -> Result<_, HardwareError> {
        let Some(target) = target else { return Ok(None) };
        let program = match svd {
            Some(svd) => MatrixProgram::from_svd(&padded(&target), svd, common_gain, design)?,
            None => MatrixProgram::new(&padded(&target), Form::Svd, design)?,
        };
        Ok(Some(TileProgram { tile, target, program }))
    };
    let tiles = targets.into_iter().zip(decompositions).zip(plan.tiles());
    let tiles = tiles.map(|((target, svd), &tile)| program(target, svd, tile));
    let mut tiles = tiles.collect::<Result<Vec<Option<TileProgram>>, _>>()?;
    if let Some(first) = tiles.iter().flatten().next().map(|tile| tile.program.clone()) {
        tiles.iter_mut().flatten().for_each(|tile| tile.program.share_layouts(&first));
    }
    Ok(tiles)
}

/// Tiles of given programs, one for each tile of a plan, each on `ports` ports.
fn given_tiles(
    plan: &TilePlan,
    ports: usize,
    programs: Vec<Option<MatrixProgram>>,
) -> Result<Vec<Option<TileProgram>>, HardwareError> {
    if programs.len() != plan.tiles().len() {
        let expected = format!("{}, one for each tile", plan.tiles().len());
        return Err(HardwareError::unfit("programs of a layer (number of)", programs.len(), expected));
    }
    let tile = |(program, &tile): (Option<MatrixProgram>, &Tile)| {
        let Some(program) = program else { return Ok(None) };
        if program.shape() != (ports, ports) {
            let (rows, columns) = program.shape();
            let expected = format!("{ports}×{ports}, the core");
            return Err(HardwareError::unfit("program of a tile", format!("{rows}×{columns}"), expected));
        }
        let target = program.matrix().view((0, 0), (tile.rows, tile.columns)).into_owned();
        Ok(Some(TileProgram { tile, target, program }))
    };
    programs.into_iter().zip(plan.tiles()).map(tile).collect()
}

/// The tiles of a complex matrix (outputs × inputs) on a core.
fn complex_plan(kind: WeightKind, shape: (usize, usize), core: &CoreSpec) -> Result<TilePlan, HardwareError> {
    let plan = core.plan(shape.0, shape.1, Detection::Homodyne)?;
    if kind == WeightKind::Unitary && (plan.tiles().len() != 1 || shape.0 != shape.1) {
        let expected = format!("a square matrix of at most {}, the ports of a core (`core.ports`)", core.ports);
        return Err(HardwareError::unfit("unitary layer", format!("{}×{}", shape.0, shape.1), expected));
    }
    Ok(plan)
}
