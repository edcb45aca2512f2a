//! Light and electronics at equal precision, and the values of a quantity at which the verdict turns.

use super::interval::ratio;
use super::turning::{TurningPoint, turning_points};
use crate::counts::Network;
use crate::design::{Design, Light, Precision};
use crate::electronics::digital::{DigitalCost, DigitalDesign};
use crate::electronics::equal_bits::EqualBits;
use crate::error::CostError;
use crate::library::Values;
use crate::photonic::PhotonicCost;
use phaseloom_files::InvalidValue;

/// One network on cores and on digital arrays.
///
/// The arrays have the bits that read out as many bits as the cores do, layer by layer.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The network.
    pub network: &'a Network,
    /// The cores.
    pub design: Design,
    /// The arrays. The `bits` of a layer with a table are replaced.
    pub digital: DigitalDesign,
    /// Readout bits of digital products, one table a layer; without a table, the `bits` of the arrays stay.
    pub tables: Vec<EqualBits>,
}

/// Both costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Of the cores.
    pub photonic: PhotonicCost,
    /// Of the arrays; `None` if no laser suffices, or if the readout bits of a layer are below its table of digital products:
    /// then no electronics are equal, because those of the table are more precise.
    pub digital: Option<DigitalCost>,
}

impl Costs {
    /// Energy of electronics over that of light; 0 if no laser suffices, or if no electronics are equal.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.digital.as_ref().map_or(0.0, |digital| ratio(digital.joule(), self.photonic.joule()))
    }
}

/// A quantity in which a verdict may turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Loss of a cell (dB).
    CellLoss,
    /// Power that holds a phase of π (W).
    HoldPower,
    /// Inputs per load of the weights, on both sides; nothing for resident cores.
    Batch,
    /// Symbol rate of the cores (Hz).
    SymbolRate,
    /// Readout bits, on both sides.
    ReadoutBits,
    /// Energy of a register (J/bit).
    Register,
    /// Static power of a slow converter (W).
    SlowDac,
    /// Bias of a modulator (W).
    Bias,
}

/// Every quantity with its key, unit and the range in which turning points are searched.
pub const QUANTITIES: &[(Quantity, &str, &str, [f64; 2])] = &[
    (Quantity::CellLoss, "cell_loss_db", "dB", [1e-3, 2.0]),
    (Quantity::HoldPower, "hold_pi_w", "W", [1e-9, 1.0]),
    (Quantity::Batch, "batch", "1", [1.0, 1e8]),
    (Quantity::SymbolRate, "symbol_rate_hz", "Hz", [1e7, 1e12]),
    (Quantity::ReadoutBits, "readout_bits", "bit", [1.0, 12.0]),
    (Quantity::Register, "register_j_per_bit", "J/bit", [1e-16, 1e-13]),
    (Quantity::SlowDac, "slow_dac_w", "W", [1e-8, 1e-1]),
    (Quantity::Bias, "modulator_bias_w", "W", [1e-6, 10.0]),
];

impl Comparison<'_> {
    /// Both costs with a set of library values.
    ///
    /// # Errors
    ///
    /// [`CostError`], also if there are some tables, but not one for each layer.
    pub fn costs(&self, values: &Values) -> Result<Costs, CostError> {
        let photonic = PhotonicCost::new(self.network, &self.design, values)?;
        let digital = self.electronics(&photonic, values)?;
        Ok(Costs { photonic, digital })
    }

    /// The cost of the arrays next to that of the cores, with the same values. `None` as in [`Costs::digital`].
    ///
    /// # Errors
    ///
    /// As [`costs`](Self::costs).
    pub fn electronics(&self, photonic: &PhotonicCost, values: &Values) -> Result<Option<DigitalCost>, CostError> {
        let layers = self.network.layers.len();
        if ![0, layers].contains(&self.tables.len()) {
            let expected = format!("none, or {layers}, one for each photonic layer");
            return Err(InvalidValue::new("tables (number of)", self.tables.len(), expected).into());
        }
        if photonic.laser_w.is_none() {
            return Ok(None);
        }
        let mut digital = self.digital.clone();
        for (layer, (table, bits)) in self.tables.iter().zip(&mut digital.bits).enumerate() {
            let Some(equal) = table.bits(self.readout_bits(photonic, layer)) else { return Ok(None) };
            *bits = equal;
        }
        Ok(Some(DigitalCost::new(self.network, &digital, values, photonic.timing.period_s)?))
    }

    /// The readout bits of a layer of the cores: those asked for, or those of the laser.
    ///
    /// # Panics
    ///
    /// If the design has no light for the layer, or the cost no laser.
    #[must_use]
    pub fn readout_bits(&self, photonic: &PhotonicCost, layer: usize) -> f64 {
        match (self.design.light(layer).precision, &photonic.lasers[layer]) {
            (Precision::ReadoutBits(bits), _) => bits,
            (Precision::LaserPower(_), Ok(laser)) => laser.readout_bits,
            (Precision::LaserPower(_), Err(none)) => none.max_readout_bits,
        }
    }

    /// The values from `low` to `high` at which the ratio of energies crosses 1, from the full model.
    ///
    /// Readout bits stay above the start of all tables of digital products.
    ///
    /// # Errors
    ///
    /// [`CostError`], such as a range in which a value is impossible.
    pub fn turning_points(
        &self,
        quantity: Quantity,
        [mut low, high]: [f64; 2],
        values: &Values,
    ) -> Result<Vec<TurningPoint>, CostError> {
        if quantity == Quantity::ReadoutBits {
            // Rounding must not leave the tables.
            low = self.tables.iter().map(EqualBits::min_readout_bits).fold(low, f64::max) * (1.0 + 1e-12);
        }
        if low >= high {
            return Ok(Vec::new());
        }
        turning_points(low, high, |value| self.ratio_at(quantity, value, values))
    }

    /// The ratio of energies at another value of a quantity.
    ///
    /// # Errors
    ///
    /// As [`costs`](Self::costs), and an impossible value.
    pub fn ratio_at(&self, quantity: Quantity, value: f64, values: &Values) -> Result<f64, CostError> {
        let (mut changed, mut values) = (self.clone(), values.clone());
        changed.set(quantity, value, &mut values);
        Ok(changed.costs(&values)?.ratio())
    }

    fn set(&mut self, quantity: Quantity, value: f64, values: &mut Values) {
        let design = &mut self.design;
        let mut lights = |change: &dyn Fn(&mut Light)| design.lights.iter_mut().for_each(change);
        match quantity {
            Quantity::CellLoss => lights(&|light| light.set_cell_loss(value)),
            Quantity::HoldPower => design.shifter.device_mut(values).hold_pi_w = value,
            Quantity::Batch => {
                design.batch = value;
                self.digital.batch = self.digital.batch.map(|_| value);
            }
            Quantity::SymbolRate => {
                design.symbol_rate_hz = value;
                lights(&|light| {
                    if let Some(link) = &mut light.link {
                        link.symbol_rate_hz = value;
                    }
                });
            }
            Quantity::ReadoutBits => lights(&|light| light.precision = Precision::ReadoutBits(value)),
            Quantity::Register => values.register.j_per_bit = value,
            Quantity::SlowDac => values.slow_dac.static_w = value,
            Quantity::Bias => values.modulator.bias_w = value,
        }
    }
}
