//! The purely digital product at the same bits, which isolates the effect of rounding.

use crate::error::HardwareError;
use crate::link::{Converter, Link};
use crate::process::{Imperfection, PhaseQuantization};
use crate::product::matrix_product::{Batch, MatrixProduct, ProductStatistics, Shot};
use crate::product::scales::Scales;
use crate::tile::TilePlan;
use nalgebra::DMatrix;
use phaseloom_files::read_key;
use phaseloom_numerics::linalg::multiply_batch;

/// The tiles of a layer in electronics.
///
/// Inputs have the bits of the DAC, weights those of the phases (a symmetric mid-tread code over ± the largest weight of
/// the tile), and sums of each tile those of the ADC.
pub struct DigitalProduct {
    plan: TilePlan,
    tiles: Vec<DMatrix<f64>>,
    link: Link,
    scales: Scales,
}

impl DigitalProduct {
    /// Rounds the weights (outputs × inputs) of a layer. Parts without bits in link or process are exact.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Unfit`] for weights or scales of another plan, and impossible values of the link or of `phases`.
    pub fn new(
        weight: &DMatrix<f64>,
        plan: &TilePlan,
        link: &Link,
        phases: Option<&PhaseQuantization>,
        scales: &Scales,
    ) -> Result<Self, HardwareError> {
        link.check()?;
        phases.map_or(Ok(()), Imperfection::check).map_err(HardwareError::Process)?;
        scales.check(plan.tiles().len())?;
        if weight.shape() != plan.shape() {
            let expected = format!("that of the plan, {:?}", plan.shape());
            return Err(HardwareError::unfit("weights (shape)", format!("{:?}", weight.shape()), expected));
        }
        let tiles = plan.tiles().iter().map(|tile| {
            let mut block = tile.block(weight).clone_owned();
            let largest = block.amax();
            if let (Some(phases), true) = (phases, largest > 0.0) {
                block.iter_mut().for_each(|w| *w = phases.round_weight(*w, largest));
            }
            block
        });
        Ok(Self { plan: plan.clone(), tiles: tiles.collect(), link: link.clone(), scales: scales.clone() })
    }

    /// ‖W_rounded − W‖_F/‖W‖_F.
    ///
    /// # Panics
    ///
    /// If `weight` has another shape than the layer.
    #[must_use]
    pub fn matrix_error(&self, weight: &DMatrix<f64>) -> f64 {
        assert_eq!(weight.shape(), self.plan.shape(), "weights of the layer");
        let tiles = self.plan.tiles().iter().zip(&self.tiles);
        let squares = tiles.map(|(tile, block)| (block - tile.block(weight)).norm_squared());
        let norm = weight.norm();
        if norm > 0.0 { squares.sum::<f64>().sqrt() / norm } else { 0.0 }
    }
}

impl PhaseQuantization {
    /// A weight of a tile in electronics with the bits of the phases: the nearest code over ± the largest weight.
    pub(super) fn round_weight(&self, weight: f64, largest: f64) -> f64 {
        // A mid-tread converter of one bit has no code but zero.
        let codes = Converter { bits: read_key!("process.phase_quantization", self.bits).max(2) }.signed();
        codes.round(weight / largest) * largest
    }
}

impl MatrixProduct for DigitalProduct {
    fn shape(&self) -> (usize, usize) {
        self.plan.shape()
    }

    fn multiply(&self, input: &Batch, _shot: Shot) -> (Batch, ProductStatistics) {
        assert_eq!(input.nrows(), self.plan.shape().1, "one row of the batch per input of the layer");
        let mut statistics = ProductStatistics { inputs: input.len() as u64, ..ProductStatistics::default() };
        let mut x = input.clone();
        if let Some(dac) = self.link.input_converter() {
            statistics.inputs_clipped = convert(dac, x.as_mut_slice(), self.scales.input);
        }
        let mut out = DMatrix::zeros(self.plan.shape().0, input.ncols());
        for ((tile, block), &full_scale) in self.plan.tiles().iter().zip(&self.tiles).zip(&self.scales.full_scale) {
            let mut sums = multiply_batch(block, &x.rows(tile.column, tile.columns).clone_owned());
            // A tile of zeros has no full scale, and nothing to convert.
            if let Some(adc) = self.link.adc.filter(|_| full_scale > 0.0) {
                statistics.outputs_clipped += convert(adc.converter(), sums.as_mut_slice(), full_scale);
            }
            statistics.outputs += sums.len() as u64;
            let mut rows = out.rows_mut(tile.row, tile.rows);
            rows += sums;
        }
        (out, statistics)
    }
}

/// Rounds values to the signed codes of a converter and returns the number of values beyond its full scale.
fn convert(converter: Converter, values: &mut [f64], full_scale: f64) -> u64 {
    let codes = converter.signed();
    let mut clipped = 0;
    for value in values {
        let scaled = *value / full_scale;
        clipped += u64::from(scaled.abs() > 1.0);
        *value = codes.round(scaled.clamp(-1.0, 1.0)) * full_scale;
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_of_zeros_reads_zero() {
        let link: Link = toml::from_str("adc = { bits = 6 }").unwrap();
        let weight = DMatrix::from_row_slice(2, 1, &[0.5, 0.0]);
        let plan = TilePlan::new(2, 1, 1, 1);
        let scales = Scales { input: 1.0, full_scale: vec![0.5, 0.0] };
        let product = DigitalProduct::new(&weight, &plan, &link, None, &scales).unwrap();
        let shot = Shot { trial: 0, index: 0, first_vector: 0 };
        let (out, _) = product.multiply(&DMatrix::from_element(1, 3, 1.0), shot);
        assert_eq!(out, DMatrix::from_row_slice(2, 3, &[0.5, 0.5, 0.5, 0.0, 0.0, 0.0]));
    }
}
