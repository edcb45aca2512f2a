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

/// A layer as programs, made once per weight matrix.
#[derive(Clone, Debug)]
pub struct LayerProgram {
    weight: DMatrix<f64>,
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
        // Per core and pair of ports: about 100 bytes for the phases as programmed and as driven, one chip and its
        // realised matrix, 32 more for singular vectors that wait for a common gain, and 128 for one decomposition. Three
        // times as much if phases are fitted.
        let fitted = design.topology().capability() == Capability::Fitted;
        let pairs = (core.ports as f64).powi(2) * if fitted { 3.0 } else { 1.0 };
        let per_tile = if read_key!("core", core.normalise) == GainScope::Layer { 132.0 } else { 100.0 };
        let work = format!("programming {} tiles on cores of {} ports", plan.tiles().len(), core.ports);
        phaseloom_files::require_memory(pairs * (per_tile * plan.tiles().len() as f64 + 128.0), &work)?;
        let targets: Vec<Option<DMatrix<Complex64>>> = plan
            .tiles()
            .iter()
            .zip(&scales.full_scale)
            .map(|(tile, full_scale)| {
                let block = tile.block(weight);
                if block.iter().all(|&w| w == 0.0) {
                    return None;
                }
                let block = block.map(|w| Complex64::new(w, 0.0));
                Some(match detection {
                    Detection::Offset => block.insert_column(tile.columns, (full_scale / scales.input).into()),
                    _ => block,
                })
            })
            .collect();
        let padded =
            |target: &DMatrix<Complex64>| target.clone().resize(core.ports, core.ports, Complex64::new(0.0, 0.0));
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
        Ok(Self { tiles, weight: weight.clone(), plan, ports: core.ports })
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
        if programs.len() != plan.tiles().len() {
            let expected = format!("{}, one for each tile", plan.tiles().len());
            return Err(HardwareError::unfit("programs of a layer (number of)", programs.len(), expected));
        }
        let mut tiles = Vec::with_capacity(programs.len());
        for ((program, &tile), full_scale) in programs.into_iter().zip(plan.tiles()).zip(&scales.full_scale) {
            let Some(program) = program else {
                tiles.push(None);
                continue;
            };
            if program.shape() != (core.ports, core.ports) {
                let (rows, columns) = program.shape();
                let expected = format!("{0}×{0}, the core", core.ports);
                return Err(HardwareError::unfit("program of a tile", format!("{rows}×{columns}"), expected));
            }
            let target = program.matrix().view((0, 0), (tile.rows, tile.columns)).into_owned();
            let target = match detection {
                Detection::Offset => target.insert_column(tile.columns, (full_scale / scales.input).into()),
                _ => target,
            };
            tiles.push(Some(TileProgram { tile, target, program }));
        }
        let mut layer = Self { weight: DMatrix::zeros(shape.0, shape.1), plan, tiles, ports: core.ports };
        layer.weight = layer.ideal_weight();
        Ok(layer)
    }

    /// The weight matrix, outputs × inputs.
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

    /// The real matrix that homodyne detection reads on perfect chips: Re(g·U·Σ·V†) of every tile, outputs × inputs.
    #[must_use]
    pub fn ideal_weight(&self) -> DMatrix<f64> {
        let (rows, columns) = self.plan.shape();
        let mut weight = DMatrix::zeros(rows, columns);
        for TileProgram { tile, program, .. } in self.tiles.iter().flatten() {
            let matrix = program.matrix();
            let mut block = weight.view_mut((tile.row, tile.column), (tile.rows, tile.columns));
            block.zip_apply(&matrix.view((0, 0), (tile.rows, tile.columns)), |w, z| *w = z.re);
        }
        weight
    }

    /// Ports of a core.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.ports
    }
}
