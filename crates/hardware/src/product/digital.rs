//! The purely digital product at the same bits: what of a result is due to rounding alone.

use crate::link::Link;
use crate::process::PhaseQuantization;
use crate::product::layer_program::Scales;
use crate::product::matrix_product::{Batch, MatrixProduct, Readings, Shot};
use crate::product::tile::TilePlan;
use nalgebra::DMatrix;
use phaseloom_numerics::linalg::multiply_batch;

/// The tiles of a layer in electronics: inputs at the bits of the DAC, weights at the bits of the phases (a symmetric
/// mid-tread code over ± the largest weight of the tile), sums of each tile at the bits of the ADC.
pub struct DigitalProduct {
    plan: TilePlan,
    tiles: Vec<DMatrix<f64>>,
    link: Link,
    scales: Scales,
}

impl DigitalProduct {
    /// Rounds the weights (outputs × inputs) of a layer. What has no bits in link or process is exact.
    #[must_use]
    pub fn new(
        weight: &DMatrix<f64>,
        plan: &TilePlan,
        link: &Link,
        phases: Option<&PhaseQuantization>,
        scales: &Scales,
    ) -> Self {
        let tiles = plan.tiles().iter().map(|tile| {
            let mut block = weight.view((tile.row, tile.column), (tile.rows, tile.columns)).clone_owned();
            let top = block.amax();
            if let (Some(phases), true) = (phases, top > 0.0) {
                // One bit leaves no code but zero in a mid-tread converter; two is the least.
                let codes = crate::link::Converter { bits: phases.bits.max(2) }.signed();
                block.iter_mut().for_each(|w| *w = codes.round(*w / top) * top);
            }
            block
        });
        Self { plan: plan.clone(), tiles: tiles.collect(), link: link.clone(), scales: scales.clone() }
    }

    /// ‖W_rounded − W‖_F/‖W‖_F.
    ///
    /// # Panics
    ///
    /// If `weight` is not of the shape of the layer.
    #[must_use]
    pub fn matrix_error(&self, weight: &DMatrix<f64>) -> f64 {
        let squares = self.plan.tiles().iter().zip(&self.tiles).map(|(tile, block)| {
            (block - weight.view((tile.row, tile.column), (tile.rows, tile.columns))).norm_squared()
        });
        let norm = weight.norm();
        if norm > 0.0 { squares.sum::<f64>().sqrt() / norm } else { 0.0 }
    }
}

impl MatrixProduct for DigitalProduct {
    fn shape(&self) -> (usize, usize) {
        self.plan.shape()
    }

    fn multiply(&self, input: &Batch, _shot: Shot) -> (Batch, Readings) {
        let mut readings = Readings { inputs: input.len() as u64, ..Readings::default() };
        let mut x = input.clone();
        if let Some(dac) = self.link.dac.map(|dac| dac.signed()) {
            for x in x.iter_mut() {
                let scaled = *x / self.scales.input;
                readings.inputs_clipped += u64::from(scaled.abs() > 1.0);
                *x = dac.round(scaled.clamp(-1.0, 1.0)) * self.scales.input;
            }
        }
        let mut out = DMatrix::zeros(self.plan.shape().0, input.ncols());
        for ((tile, block), &full_scale) in self.plan.tiles().iter().zip(&self.tiles).zip(&self.scales.full_scale) {
            let mut sums = multiply_batch(block, &x.rows(tile.column, tile.columns).clone_owned());
            // A tile of zeros has no full scale of its own, and nothing to convert.
            if let Some(adc) = self.link.adc.map(|adc| adc.converter().signed()).filter(|_| full_scale > 0.0) {
                for y in sums.iter_mut() {
                    let scaled = *y / full_scale;
                    readings.outputs_clipped += u64::from(scaled.abs() > 1.0);
                    *y = adc.round(scaled.clamp(-1.0, 1.0)) * full_scale;
                }
            }
            readings.outputs += sums.len() as u64;
            let mut rows = out.rows_mut(tile.row, tile.rows);
            rows += sums;
        }
        (out, readings)
    }
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
        let product = DigitalProduct::new(&weight, &plan, &link, None, &scales);
        let shot = Shot { trial: 0, index: 0, first_sample: 0 };
        let (out, _) = product.multiply(&DMatrix::from_element(1, 3, 1.0), shot);
        assert_eq!(out, DMatrix::from_row_slice(2, 3, &[0.5, 0.5, 0.5, 0.0, 0.0, 0.0]));
    }
}
