//! The scales of a layer: full input of the modulators and full scale of the output converters.

use crate::error::HardwareError;
use crate::link::Link;
use crate::product::core_spec::CoreSpec;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::{at_least, positive};

/// The scales of one layer, from calibration data or bounds. They belong to the model, never to a batch or a chip.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    /// `x̃ = clip(x/input, −1, 1)`.
    pub input: f64,
    /// Maximum of |W_tile x| of each tile, in the order of the tile plan: full scale of its converter.
    pub full_scale: Vec<f64>,
}

impl Scales {
    /// Checks the scales of a layer of `tiles` tiles.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Unfit`] for another number of full scales, or a scale that is not a finite number above 0. The full
    /// scale of a tile of zeros may be 0.
    pub fn check(&self, tiles: usize) -> Result<(), HardwareError> {
        positive("input", self.input).map_err(|invalid| HardwareError::Unfit(invalid.in_table("scales")))?;
        if self.full_scale.len() != tiles {
            let expected = format!("{tiles}, one for each tile");
            return Err(HardwareError::unfit("scales.full_scale (number of)", self.full_scale.len(), expected));
        }
        for (tile, &full_scale) in self.full_scale.iter().enumerate() {
            at_least(&format!("full_scale[{tile}]"), full_scale, 0.0)
                .map_err(|invalid| HardwareError::Unfit(invalid.in_table("scales")))?;
        }
        Ok(())
    }
}

/// The scales that need no data: inputs within ±`input`, outputs within √k·‖W_tile‖₂·`input`.
///
/// # Errors
///
/// A core without ports, a matrix without rows or columns or with an entry that is not finite, an `input` that is not a
/// finite number above 0, a full scale beyond the range of a double.
pub fn bound_scales(weight: &DMatrix<f64>, core: &CoreSpec, link: &Link, input: f64) -> Result<Scales, HardwareError> {
    positive("input", input).map_err(HardwareError::Unfit)?;
    let plan = core.plan(weight.nrows(), weight.ncols(), link.detection)?;
    let mut full_scale = Vec::with_capacity(plan.tiles().len());
    for tile in plan.tiles() {
        let block = tile.block(weight).map(|w| Complex64::new(w, 0.0));
        full_scale.push(phaseloom_numerics::linalg::svd(&block)?.sigma[0] * (core.ports as f64).sqrt() * input);
    }
    let scales = Scales { input, full_scale };
    scales.check(plan.tiles().len())?;
    Ok(scales)
}
