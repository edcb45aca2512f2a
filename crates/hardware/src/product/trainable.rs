//! A layer on chips whose parameters are its phases, attenuators and gains: training through light.
//!
//! Parameters are unwrapped. The heaters get a phase modulo 2π, then quantisation and crosstalk act as in any other program. An
//! attenuator has one parameter θ; its second phase follows as φ = −θ/2 − π/2, which keeps its amplitude `sin(θ/2)` real. A gain is
//! stored as its logarithm. The factor that undoes the mean loss, the full scales of the converters and the constant field of
//! offset detection belong to the design: they are set by [`TrainableLayer::set_scales`] and are constants of the backward pass.

use crate::chip::{Chip, ChipId};
use crate::error::HardwareError;
use crate::link::{Detection, Link};
use crate::process::Process;
use crate::product::address::LayerAddress;
use crate::product::backward::ProductTrace;
use crate::product::core_spec::{CoreSharing, CoreUse, GainCalibration};
use crate::product::field::{FieldProduct, check_fields};
use crate::product::layer_design::LayerDesign;
use crate::product::layer_program::{LayerProgram, WeightKind};
use crate::product::matrix_product::{Batch, ProductStatistics, Shot};
use crate::product::optical::OpticalProduct;
use crate::product::scales::Scales;
use crate::product::slopes::SlopeMethod;
use nalgebra::DMatrix;
use phaseloom_mesh::{MatrixProgram, Phases, Stage, StageKind};
use phaseloom_numerics::angle::wrap;
use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

/// A layer whose phases, attenuators and gains are trained on chips.
///
/// ```
/// use phaseloom_hardware::slopes::Adjoint;
/// use phaseloom_hardware::{CoreSpec, Detection, LayerAddress, LayerProgram, Link, Process, Scales, Shot, TrainableLayer};
/// use nalgebra::DMatrix;
///
/// let weight = DMatrix::from_fn(4, 4, |i, j| (i as f64 - 1.3 * j as f64).sin());
/// let core = CoreSpec { ports: 4, ..CoreSpec::default() };
/// let scales = Scales { input: 1.0, full_scale: vec![2.0] };
/// let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.05")?;
/// let program = LayerProgram::new(&weight, &core, Detection::Homodyne, &scales)?;
/// let mut layer = TrainableLayer::new(program, &process, &Link::default(), &scales, core.core_use())?;
/// layer.fabricate(LayerAddress { seed: 1, trial: 0, layer: 0, first_core: 0 })?;
///
/// let x = DMatrix::from_element(4, 8, 0.5);
/// let (y, trace, _) = layer.record(&x, Shot { trial: 0, index: 0, first_vector: 0 });
/// // The loss ½ Σ y² has the gradient y.
/// let gradients = layer.backward(&trace, &y, true, &Adjoint);
/// assert_eq!(gradients.parameters.len(), layer.parameters().len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TrainableLayer {
    program: Arc<LayerProgram>,
    design: Arc<LayerDesign>,
    link: Link,
    scales: Scales,
    sharing: CoreSharing,
    address: LayerAddress,
    chips: Vec<Option<Chip>>,
    /// Parameters of all tiles that are not zero: those of every stage, then the logarithm of the gain.
    parameters: Vec<Vec<f64>>,
    /// What the design fixed, of every tile; `None` is a tile of zeros.
    fixed: Vec<Option<Fixed>>,
    product: Option<Product>,
    differentiates_noise: bool,
}

/// The product at the present parameters.
enum Product {
    Optical(Box<OpticalProduct>),
    Field(FieldProduct),
}

/// What the values of a group of parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Phases of a mesh.
    Mesh,
    /// θ of attenuators.
    Attenuators,
    /// The logarithm of a gain.
    Gain,
}

/// Constants of one tile between two calibrations.
#[derive(Clone, Copy, Debug)]
struct Fixed {
    /// Designed gain over the gain of the program: it undoes the mean loss.
    loss: f64,
    /// Full scale of the converter over the gain of the program.
    full_scale: f64,
    /// Constant field of offset detection over the gain of the program.
    constant: f64,
}

/// Gradients of a loss for a layer, summed over the batch.
#[derive(Debug)]
pub struct LayerGradients {
    /// By the parameters, in the order of [`TrainableLayer::parameters`].
    pub parameters: Vec<Vec<f64>>,
    /// By the inputs (inputs × vectors), if asked for.
    pub input: Option<Batch>,
    /// How many times light passed a core for the gradients.
    pub passes: u64,
}

impl TrainableLayer {
    /// A layer that starts at the phases of a program, on perfect chips of a process.
    ///
    /// # Errors
    ///
    /// As [`LayerProgram::design`], [`OpticalProduct::new`] and [`FieldProduct::new`]; [`HardwareError::Unfit`] for gains that are
    /// calibrated with the chip, which training replaces, and for complex weights with a link that is not ideal.
    pub fn new(
        program: LayerProgram,
        process: &Process,
        link: &Link,
        scales: &Scales,
        core_use: CoreUse,
    ) -> Result<Self, HardwareError> {
        if core_use.calibration != GainCalibration::None {
            let expected = "\"none\": training on chips learns the gains";
            return Err(HardwareError::unfit("core.calibration", "a calibration of gains with the chip", expected));
        }
        link.check()?;
        if program.kind().is_complex() {
            check_fields(process, link).map_err(HardwareError::Unfit)?;
        }
        let has_gain = program.kind() != WeightKind::Unitary;
        let tiles = program.tiles().iter().flatten();
        let parameters = tiles.flat_map(|tile| parameters_of(&tile.program, has_gain)).collect();
        let design = program.design(process)?;
        let mut layer = Self {
            chips: vec![None; program.tiles().len()],
            program: Arc::new(program),
            design: Arc::new(design),
            link: link.clone(),
            scales: scales.clone(),
            sharing: core_use.sharing,
            address: LayerAddress { seed: 0, trial: 0, layer: 0, first_core: 0 },
            parameters,
            fixed: Vec::new(),
            product: None,
            differentiates_noise: false,
        };
        layer.set_scales(scales)?;
        Ok(layer)
    }

    /// Sets the scales of converters, and from the present phases the factors that undo the mean loss.
    ///
    /// # Errors
    ///
    /// [Scales](Scales::check) of another layer; a process under which no light reaches the outputs.
    pub fn set_scales(&mut self, scales: &Scales) -> Result<(), HardwareError> {
        scales.check(self.program.tiles().len())?;
        self.scales = scales.clone();
        let process = self.design.process.clone();
        let program = Arc::make_mut(&mut self.program);
        let is_offset = self.link.detection == Detection::Offset;
        let constant = |full_scale: f64| if is_offset { full_scale / scales.input } else { 0.0 };
        for (tile, full_scale) in program.tiles_mut().iter_mut().zip(&scales.full_scale) {
            let Some(tile) = tile else { continue };
            let (rows, columns) = (tile.tile.rows, tile.tile.columns);
            // The phases are the target now. Nothing depends on earlier scales, so that a training resumes to the same bits.
            let ideal = tile.program.matrix();
            tile.target.columns_mut(0, columns).copy_from(&ideal.view((0, 0), (rows, columns)));
            let others = tile.target.ncols() - columns;
            tile.target.columns_mut(columns, others).fill(constant(*full_scale).into());
        }
        self.design = Arc::new(self.program.design(&process)?);
        let tiles = self.program.tiles().iter().zip(&self.design.tiles).zip(&scales.full_scale);
        let fixed = tiles.map(|((tile, design), full_scale)| {
            let gain = tile.as_ref()?.program.gain();
            let loss = design.as_ref()?.gain / gain;
            Some(Fixed { loss, full_scale: full_scale / gain, constant: constant(*full_scale) / gain })
        });
        self.fixed = fixed.collect();
        self.product = None;
        Ok(())
    }

    /// Fabricates new chips, on which the layer computes from now on.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Process`] for an impossible process.
    pub fn fabricate(&mut self, address: LayerAddress) -> Result<(), HardwareError> {
        self.address = address;
        self.product = None;
        let mut shared: Option<Chip> = None;
        for (t, (tile, chip)) in self.program.tiles().iter().zip(&mut self.chips).enumerate() {
            let Some(tile) = tile else { continue };
            let own = address.chip(t);
            *chip = Some(match (self.sharing, &shared) {
                (CoreSharing::Shared, Some(chip)) => chip.clone(),
                (CoreSharing::Shared, None) => {
                    let id = ChipId { core: 0, ..own };
                    shared.insert(Chip::fabricate(&self.design.process, &tile.program, id)?).clone()
                }
                (CoreSharing::Each, _) => Chip::fabricate(&self.design.process, &tile.program, own)?,
            });
        }
        Ok(())
    }

    /// The parameters of every tile that is not zero, in the order of the tiles: phases of the first mesh, θ of the attenuators,
    /// phases of the second mesh (all in rad), and the logarithm of the gain. A unitary has the phases of one mesh alone.
    #[must_use]
    pub fn parameters(&self) -> &[Vec<f64>] {
        &self.parameters
    }

    /// The parameters, for changes.
    pub fn parameters_mut(&mut self) -> &mut [Vec<f64>] {
        self.product = None;
        &mut self.parameters
    }

    /// What the values of each group of [`TrainableLayer::parameters`] are. One unitary mesh has no gain of its own.
    #[must_use]
    pub fn kinds(&self) -> Vec<ParameterKind> {
        let of_stage = |stage: &Stage| match stage.kind() {
            StageKind::Mesh => ParameterKind::Mesh,
            StageKind::Attenuators => ParameterKind::Attenuators,
        };
        let gain = (self.program.kind() != WeightKind::Unitary).then_some(ParameterKind::Gain);
        let tiles = self.program.tiles().iter().flatten();
        tiles.flat_map(|tile| tile.program.stages().iter().map(of_stage).chain(gain)).collect()
    }

    /// Number of tiles, those of zeros included.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.chips.len()
    }

    /// The scales of the converters at the present gains.
    #[must_use]
    pub fn scales(&self) -> &Scales {
        &self.scales
    }

    /// Whether the backward pass counts that noise depends on the field: draws are then constant in units of their standard
    /// deviation. Photons that are counted one by one stay constant.
    pub fn differentiate_noise(&mut self, yes: bool) {
        self.differentiates_noise = yes;
        self.product = None;
    }

    /// Number of inputs: two for each complex field.
    #[must_use]
    pub fn inputs(&self) -> usize {
        let columns = self.program.weight().ncols();
        if self.program.kind().is_complex() { 2 * columns } else { columns }
    }

    /// Number of tiles of zeros, which have no phases.
    #[must_use]
    pub fn zero_tiles(&self) -> usize {
        self.program.tiles().iter().filter(|tile| tile.is_none()).count()
    }

    /// The layer as programs: the present phases modulo 2π, and the present gains.
    ///
    /// # Panics
    ///
    /// If a gain left the range of a double.
    #[must_use]
    pub fn program(&mut self) -> &Arc<LayerProgram> {
        self.write_parameters();
        &self.program
    }

    /// The matrix that perfect chips realise, as [`LayerProgram::ideal_weight`].
    #[must_use]
    pub fn weight(&mut self) -> DMatrix<f64> {
        self.program().ideal_weight()
    }

    /// The product of a batch (inputs × vectors), and all that the backward pass needs.
    ///
    /// # Panics
    ///
    /// If no chip was [fabricated](TrainableLayer::fabricate), or `input` has not one row per input.
    pub fn record(&mut self, input: &Batch, shot: Shot) -> (Batch, ProductTrace, ProductStatistics) {
        match self.realise() {
            Product::Optical(product) => product.record(input, shot),
            Product::Field(product) => {
                let (output, trace) = product.record(input);
                (output, trace, ProductStatistics::default())
            }
        }
    }

    /// Gradients of a loss from its gradient by the outputs (outputs × vectors). The parameters are those of the record.
    ///
    /// # Panics
    ///
    /// As [`TrainableLayer::record`], and if shapes differ.
    pub fn backward(
        &mut self,
        trace: &ProductTrace,
        gradient: &Batch,
        needs_input: bool,
        method: &dyn SlopeMethod,
    ) -> LayerGradients {
        let has_gain = self.program.kind() != WeightKind::Unitary;
        let (tiles, input) = match self.realise() {
            Product::Optical(product) => product.backward(trace, gradient, needs_input, Some(method)),
            Product::Field(product) => product.backward(trace, gradient, needs_input, Some(method)),
        };
        let passes = tiles.iter().flatten().map(|tile| tile.passes).sum();
        let process = self.design.process.clone();
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (tile, gradient) in self.program.tiles().iter().zip(tiles) {
            let (Some(tile), Some(mut gradient)) = (tile, gradient) else { continue };
            process.drive_adjoint(&tile.program, &mut gradient.phases);
            for (stage, slopes) in tile.program.stages().iter().zip(&gradient.phases) {
                parameters.push(match stage.kind() {
                    StageKind::Mesh => slopes.values().to_vec(),
                    // dφ/dθ = −½.
                    StageKind::Attenuators => {
                        slopes.theta().iter().zip(slopes.phi()).map(|(theta, phi)| theta - 0.5 * phi).collect()
                    }
                });
            }
            if has_gain {
                parameters.push(vec![gradient.log_gain]);
            }
        }
        LayerGradients { parameters, input, passes }
    }

    /// The gradient by the inputs alone, without passes for the parameters.
    ///
    /// # Panics
    ///
    /// As [`TrainableLayer::backward`].
    pub fn input_gradient(&mut self, trace: &ProductTrace, gradient: &Batch) -> Option<Batch> {
        match self.realise() {
            Product::Optical(product) => product.backward(trace, gradient, true, None).1,
            Product::Field(product) => product.backward(trace, gradient, true, None).1,
        }
    }

    /// The product at the present parameters.
    fn realise(&mut self) -> &Product {
        assert!(self.parameters.is_empty() || self.chips.iter().any(Option::is_some), "a layer on chips");
        if self.product.is_none() {
            self.write_parameters();
            let core_use = CoreUse { sharing: CoreSharing::Each, calibration: GainCalibration::None };
            let (program, design, chips) = (&self.program, &self.design, Some(&self.chips[..]));
            let differentiates_noise = self.differentiates_noise;
            let product = if program.kind().is_complex() {
                FieldProduct::on_chips(program, design, core_use, self.address, chips).map(Product::Field)
            } else {
                let scales = (&self.scales, core_use);
                OpticalProduct::on_chips(program, design, &self.link, scales, self.address, chips).map(|mut product| {
                    product.differentiates_noise = differentiates_noise;
                    Product::Optical(Box::new(product))
                })
            };
            // Everything that can fail was checked when the layer was made and when its chips were.
            self.product = Some(product.unwrap_or_else(|error| panic!("{error}")));
        }
        self.product.as_ref().unwrap_or_else(|| unreachable!("it was just made"))
    }

    /// Writes the parameters into programs, designs and scales.
    fn write_parameters(&mut self) {
        let process = self.design.process.clone();
        let has_gain = self.program.kind() != WeightKind::Unitary;
        let program = Arc::make_mut(&mut self.program);
        let design = Arc::make_mut(&mut self.design);
        let mut parameters = self.parameters.iter();
        for (t, fixed) in self.fixed.iter().enumerate() {
            let (Some(tile), Some(design), Some(fixed)) = (&mut program.tiles_mut()[t], &mut design.tiles[t], fixed)
            else {
                continue;
            };
            let stages = tile.program.stages().iter().zip(parameters.by_ref());
            let phases = stages.map(|(stage, values)| wrapped(stage, values)).collect();
            let gain = match has_gain {
                true => parameters.next().map_or(1.0, |log_gain| log_gain[0].exp()),
                false => tile.program.gain(),
            };
            tile.program = tile.program.with_phases(phases).with_electronic_gain(gain);
            let columns = tile.tile.columns;
            tile.target.columns_mut(columns, tile.target.ncols() - columns).fill((fixed.constant * gain).into());
            design.driven = process.drive(&tile.program).into();
            (design.gain, design.chip_gain) = (gain * fixed.loss, gain * fixed.loss);
            self.scales.full_scale[t] = gain * fixed.full_scale;
        }
    }
}

/// The parameters of a program.
fn parameters_of(program: &MatrixProgram, has_gain: bool) -> Vec<Vec<f64>> {
    let of_stage = |stage: &Stage| match stage.kind() {
        StageKind::Mesh => stage.phases().values().to_vec(),
        StageKind::Attenuators => stage.phases().theta().to_vec(),
    };
    program.stages().iter().map(of_stage).chain(has_gain.then(|| vec![program.gain().ln()])).collect()
}

/// The phases of a stage for its parameters, within one period.
fn wrapped(stage: &Stage, parameters: &[f64]) -> Phases {
    let mut phases = stage.phases().zeroed();
    match stage.kind() {
        StageKind::Mesh => phases.values_mut().iter_mut().zip(parameters).for_each(|(phase, p)| *phase = wrap(*p)),
        StageKind::Attenuators => {
            for (cell, theta) in parameters.iter().enumerate() {
                phases.set_cell(cell, wrap(*theta), wrap(-theta / 2.0 - FRAC_PI_2));
            }
        }
    }
    phases
}
