//! A network on photonic hardware: the programs of its photonic layers, and their products on the chips of one trial.

use crate::error::{ExperimentError, Problem};
use crate::input::files::needs_scales;
use phaseloom_files::{InputFiles, InvalidValue, read_key};
use phaseloom_hardware::correction::CorrectionPlan;
use phaseloom_hardware::{
    CoreSpec, CoreUse, Detection, FieldProduct, FullScale, HardwareError, LayerAddress, LayerDesign, LayerProgram,
    Link, MatrixProduct, OpticalProduct, Precision, Process, Scales, bound_scales, check_fields,
};
use phaseloom_mesh::MeshDesign;
use phaseloom_network::{Calibration, Network};
use phaseloom_numerics::Real;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The programs of all photonic layers of a network, and the scales of their converters.
pub struct NetworkProgram {
    /// One program per photonic layer, from input to output.
    pub layers: Vec<Arc<LayerProgram>>,
    /// The scales of each.
    pub scales: Vec<Scales>,
}

impl NetworkProgram {
    /// Programs the photonic layers of a model for a link, on meshes of a design. The scales of the converters come from the
    /// calibration of the model, if the link needs them.
    ///
    /// # Errors
    ///
    /// A missing or unsuitable calibration, direct detection of a layer whose sign matters; both with the path of the
    /// `settings` that ask for them. Also as [`LayerProgram::new`].
    pub fn new(
        network: &dyn Network,
        core: &CoreSpec,
        design: &MeshDesign,
        link: &Link,
        settings: &Path,
    ) -> Result<Self, ExperimentError> {
        let calibration = match needs_scales(link) {
            true => {
                let column_block = core.column_block(link.detection);
                Calibration::for_network(network, core.ports, column_block, &InputFiles::default())?
            }
            false => None,
        };
        Self::with_calibration(network, calibration.as_ref(), core, design, link, settings)
    }

    /// Programs as [`NetworkProgram::new`] does, with a calibration that was read from a file.
    pub(crate) fn with_calibration(
        network: &dyn Network,
        calibration: Option<&(PathBuf, Calibration)>,
        core: &CoreSpec,
        design: &MeshDesign,
        link: &Link,
        settings: &Path,
    ) -> Result<Self, ExperimentError> {
        suits_detection(network, core, link).map_err(|problem| problem.in_file(settings))?;
        let column_block = core.column_block(link.detection);
        let calibration = match (needs_scales(link), calibration) {
            (false, _) => None,
            (true, Some((file, calibration))) => {
                calibration.validate(file, network, core.ports, column_block)?;
                if link.detection == Detection::Offset && calibration.quantile < 1.0 {
                    let quantile = calibration.quantile;
                    return Err(Problem::OffsetQuantile { quantile }.in_file(settings));
                }
                Some(calibration)
            }
            (true, None) => return Err(Problem::no_calibration(network, None)?.in_file(settings)),
        };
        Self::with_scales_of(network, core, design, link, calibration)
    }

    /// The same with a calibration that fits the model, or with scales of 1.
    pub(crate) fn with_scales_of(
        network: &dyn Network,
        core: &CoreSpec,
        design: &MeshDesign,
        link: &Link,
        calibration: Option<&Calibration>,
    ) -> Result<Self, ExperimentError> {
        let bound = link.adc.is_some_and(|adc| read_key!("link.adc", adc.full_scale) == FullScale::Bound);
        let (mut layers, mut scales) = (Vec::new(), Vec::new());
        for (i, view) in network.photonic_layers().iter().enumerate() {
            let scale = match calibration {
                Some(c) if bound && !view.kind.is_complex() => {
                    bound_scales(view.weight, core, link, c.layers[i].input_scale)?
                }
                Some(c) => Scales { input: c.layers[i].input_scale, full_scale: c.layers[i].full_scale.clone() },
                None => {
                    let (outputs, inputs) = view.shape();
                    let plan = core.plan(outputs, inputs, link.detection)?;
                    Scales { input: 1.0, full_scale: vec![1.0; plan.tiles().len()] }
                }
            };
            let layer = match network.programs() {
                Some(programs) => programs.layer(i, view, (core, design), link.detection, &scale)?,
                None => view.program(core, design, link.detection, &scale)?,
            };
            layers.push(Arc::new(layer));
            scales.push(scale);
        }
        Ok(Self { layers, scales })
    }

    /// Everything that follows from a process: driven phases, gains and predicted errors of each layer.
    ///
    /// # Errors
    ///
    /// An impossible process, or a chip that lets no light through.
    pub fn designs(
        &self,
        process: &Process,
        correction: Option<&CorrectionPlan>,
    ) -> Result<Vec<Arc<LayerDesign>>, HardwareError> {
        let design =
            |layer: &Arc<LayerProgram>| Ok(Arc::new(layer.design(process)?.with_correction(correction.cloned())));
        self.layers.iter().map(design).collect()
    }

    /// The optical products of all layers on the chips of one trial. `first` is the address of the first layer.
    ///
    /// # Errors
    ///
    /// As [`OpticalProduct::new`], and another number of designs than layers.
    pub fn products(
        &self,
        designs: &[Arc<LayerDesign>],
        link: &Link,
        core_use: CoreUse,
        precision: Precision,
        first: LayerAddress,
    ) -> Result<NetworkProducts, HardwareError> {
        if designs.len() != self.layers.len() {
            let expected = format!("{}, one for each photonic layer", self.layers.len());
            return Err(HardwareError::Unfit(InvalidValue::new("designs (number of)", designs.len(), expected)));
        }
        let mut products = NetworkProducts::default();
        let mut address = first;
        for ((program, design), scales) in self.layers.iter().zip(designs).zip(&self.scales) {
            if program.kind().is_complex() {
                check_fields(design.process(), link).map_err(HardwareError::Unfit)?;
                products.add_fields(FieldProduct::new(program, design, core_use, address)?);
            } else if design.fits_single(scales) && precision.on(link) == Precision::Single {
                products.add(OpticalProduct::<f32>::new(program, design, link, scales, core_use, address)?);
            } else {
                products.add(OpticalProduct::<f64>::new(program, design, link, scales, core_use, address)?);
            }
            address.layer += 1;
            address.first_core = address.first_core.wrapping_add(program.tiles().len() as u64);
        }
        Ok(products)
    }
}

/// The products of all photonic layers of a network.
#[derive(Default)]
pub struct NetworkProducts {
    /// The products, from input to output.
    pub all: Vec<Box<dyn MatrixProduct>>,
    /// Static error of each matrix: of the complex matrix, and of its detected part.
    pub errors: Vec<(f64, f64)>,
}

impl NetworkProducts {
    /// All of the error reaches the fields.
    pub(crate) fn add_fields(&mut self, product: FieldProduct) {
        self.errors.push((product.matrix_error(), product.matrix_error()));
        self.all.push(Box::new(product));
    }

    fn add<T: Real>(&mut self, product: OpticalProduct<T>) {
        self.errors.push((product.matrix_error(), product.measured_error()));
        self.all.push(Box::new(product));
    }
}

/// Checks that the network needs only |y|, if the link detects directly.
fn suits_detection(network: &dyn Network, core: &CoreSpec, link: &Link) -> Result<(), Problem> {
    if link.detection != Detection::Direct {
        return Ok(());
    }
    for view in network.photonic_layers() {
        let columns = view.weight.ncols();
        let several_tiles =
            || format!("has {columns} inputs on cores of {} ports: several tiles across a row", core.ports);
        if let Some(reason) = view.sign_matters.or_else(|| (columns > core.ports).then(several_tiles)) {
            return Err(Problem::Direct { layer: view.index, reason });
        }
    }
    Ok(())
}
