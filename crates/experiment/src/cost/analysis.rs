//! The costs of one point next to electronics: ratios with intervals, and the values at which they turn.

use crate::cost::model::CostModel;
use phaseloom_cost::{
    ArrayKind, CostError, DigitalCost, Interval, PhotonicCost, QUANTITIES, Quantity, TurningPoint, Values, intervals,
    ratio,
};

/// Core sizes at which the verdict is computed, with the bits of the run.
const SIZES: [usize; 7] = [4, 8, 16, 32, 64, 128, 256];
/// Points of a break-even curve.
const CURVE: usize = 41;
/// A break-even curve goes this factor below and above the value of the run.
const CURVE_FACTOR: f64 = 100.0;

/// By what the precision of electronics is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// The readout bits of every layer are those of light.
    EqualBits,
    /// The score loses no more than that of the chips; none if the chips have more bits than are asked for.
    EqualDrop,
    /// Weights and inputs have the bits of the converters of the run.
    SameBits,
}

impl Precision {
    /// Its key in tables.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::EqualBits => "equal_bits",
            Self::EqualDrop => "equal_drop",
            Self::SameBits => "same_bits",
        }
    }
}

/// The key of an array in tables.
#[must_use]
pub fn array_key(kind: ArrayKind) -> &'static str {
    match kind {
        ArrayKind::Systolic => "systolic",
        ArrayKind::Tree => "tree",
    }
}

/// Electronics next to light.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterpart {
    /// How an array sums.
    pub kind: ArrayKind,
    /// How its precision is chosen.
    pub precision: Precision,
    /// Bits of weights and inputs, mean over the multiply-accumulates of all layers; `None` if no electronics are equal.
    pub bits: Option<f64>,
    /// Its cost.
    pub cost: Option<DigitalCost>,
    /// Energy of electronics over that of light; 0 if no laser suffices or no electronics are equal.
    pub ratio: f64,
    /// The ratio over samples of the library.
    pub interval: Interval,
}

/// The costs of one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// Cost of light.
    pub photonic: PhotonicCost,
    /// Readout bits of each layer on which the comparison rests.
    pub readout_bits: Vec<f64>,
    /// Electronics, those of equal readout bits first.
    pub counterparts: Vec<Counterpart>,
    /// Share of the energy of light that rests on assumptions.
    pub assumed_share: f64,
    /// Whether the scores of the chips are those of this cost, or no better ([`CostModel::has_score_of_run`]).
    pub has_score: bool,
}

/// The arrays that are compared, in the order of [`Analysis::counterparts`]: the array, how its bits are chosen, and the bits.
type Choice = (ArrayKind, Precision, Option<f64>);

/// Light, electronics in the order of the choices, and the readout bits of each layer, with one set of library values.
type Evaluated = (PhotonicCost, Vec<Option<DigitalCost>>, Vec<f64>);

impl Analysis {
    /// The costs of a point, with intervals over `draws` samples of the library.
    ///
    /// # Errors
    ///
    /// Values that the cost model does not take.
    pub fn new(model: &CostModel, seed: u64, draws: u64) -> Result<Self, CostError> {
        let ports = model.config.core.ports;
        let network = model.network(ports);
        let has_score = model.has_score_of_run()?;
        let choices = choices(model, has_score);
        let evaluate = |values: &Values| -> Result<Evaluated, CostError> {
            let design = model.design(&network, ports, values)?;
            let photonic = PhotonicCost::new(&network, &design, values)?;
            let mut readout_bits = Vec::new();
            let costs = choices.iter().map(|&(kind, precision, bits)| {
                if precision != Precision::EqualBits && bits.is_none() {
                    return Ok(None);
                }
                let comparison = model.comparison(&network, design.clone(), kind, bits)?;
                readout_bits = (0..network.layers.len()).map(|l| comparison.readout_bits(&photonic, l)).collect();
                comparison.electronics(&photonic, values)
            });
            let costs = costs.collect::<Result<Vec<_>, CostError>>()?;
            Ok((photonic, costs, readout_bits))
        };
        let ratios = |photonic: &PhotonicCost, costs: &[Option<DigitalCost>]| -> Vec<f64> {
            let ratio = |cost: &DigitalCost| ratio(cost.joule(), photonic.joule());
            costs.iter().map(|cost| cost.as_ref().map_or(0.0, ratio)).collect()
        };
        let (photonic, costs, readout_bits) = evaluate(model.nominal())?;
        let nominal = ratios(&photonic, &costs);
        let intervals = intervals(&model.library, seed, draws, |values| {
            let (photonic, costs, _) = evaluate(values)?;
            Ok(ratios(&photonic, &costs))
        })?;
        let assumed_share = model.library.assumed_share(|values| {
            let cost = PhotonicCost::new(&network, &model.design(&network, ports, values)?, values)?;
            // A sample without a laser lacks its part.
            Ok::<_, CostError>(photonic.energy.parts.iter().map(|part| cost.energy.part(part.key)).collect())
        })?;
        let counterparts = choices.into_iter().zip(costs).zip(nominal).zip(intervals);
        let counterparts = counterparts.map(|((((kind, precision, bits), cost), ratio), interval)| {
            let bits = bits.or_else(|| equal_bits(model, &readout_bits)).filter(|_| cost.is_some());
            Counterpart { kind, precision, bits, cost, ratio, interval }
        });
        let counterparts = counterparts.collect();
        Ok(Self { photonic, readout_bits, counterparts, assumed_share, has_score })
    }

    /// The array of equal readout bits.
    #[must_use]
    pub fn equal(&self, kind: ArrayKind) -> Option<&Counterpart> {
        self.counterparts.iter().find(|c| c.kind == kind && c.precision == Precision::EqualBits)
    }

    /// The part of the energy of light that takes most, with its share.
    #[must_use]
    pub fn max_part(&self) -> (&'static str, f64) {
        let energy = &self.photonic.energy;
        let max = energy.parts.iter().max_by(|a, b| a.joule.total_cmp(&b.joule));
        max.map_or(("", 0.0), |part| (part.key, part.joule / energy.total_j()))
    }
}

/// The arrays that are compared.
fn choices(model: &CostModel, has_score: bool) -> Vec<Choice> {
    let measured = &model.measured;
    // One sample decides otherwise by chance.
    let tolerance = 1.0 / measured.samples as f64;
    let enough = |loss: f64| loss <= measured.chips_loss.max(0.0) + tolerance;
    let equal_drop = measured.digital_loss.iter().find(|(_, loss)| has_score && enough(*loss)).map(|(bits, _)| *bits);
    let converters = [model.config.link.dac.map(|dac| dac.bits), model.config.link.adc.map(|adc| adc.bits)];
    let same_bits = converters.into_iter().flatten().max().map_or(8.0, f64::from);
    let precisions =
        [(Precision::EqualBits, None), (Precision::EqualDrop, equal_drop), (Precision::SameBits, Some(same_bits))];
    let both = |(precision, bits)| [ArrayKind::Systolic, ArrayKind::Tree].map(|kind| (kind, precision, bits));
    precisions.into_iter().flat_map(both).collect()
}

/// Bits of equal digital products, mean over the multiply-accumulates of all layers.
fn equal_bits(model: &CostModel, readout_bits: &[f64]) -> Option<f64> {
    let (mut sum, mut macs) = (0.0, 0.0);
    for (layer, readout) in model.measured.layers.iter().zip(readout_bits) {
        let own = (layer.rows * layer.columns * layer.vectors) as f64;
        sum += own * phaseloom_cost::EqualBits::new(layer.digital.clone()).ok()?.bits(*readout)?;
        macs += own;
    }
    Some(sum / macs)
}

/// A quantity at whose values a verdict turns.
#[derive(Clone, Debug, PartialEq)]
pub struct Turning {
    /// Key of the quantity.
    pub key: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The array that light is compared with.
    pub kind: ArrayKind,
    /// The value of the run, if it has one value.
    pub own: Option<f64>,
    /// The values at which the ratio of energies crosses 1, in a range that is searched.
    pub points: Vec<TurningPoint>,
    /// That range.
    pub range: [f64; 2],
}

/// A point of a break-even curve.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// Key of the quantity.
    pub key: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Its value.
    pub value: f64,
    /// The value of the run.
    pub own: f64,
    /// Energy of a systolic array, and of an adder tree, of equal readout bits over that of light.
    pub ratios: [f64; 2],
}

/// What would turn the verdict of a point.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakEven {
    /// Turning points of every quantity, for both arrays.
    pub turning: Vec<Turning>,
    /// Ports of a core with the ratio to both arrays, with the bits of the run.
    pub sizes: Vec<(usize, [f64; 2])>,
    /// Break-even curves.
    pub curves: Vec<CurvePoint>,
}

impl BreakEven {
    /// Computes the full model at many values of each quantity.
    ///
    /// # Errors
    ///
    /// Values that the cost model does not take.
    pub fn new(model: &CostModel) -> Result<Self, CostError> {
        let ports = model.config.core.ports;
        let (network, values) = (model.network(ports), model.nominal());
        let design = model.design(&network, ports, values)?;
        let comparisons = [ArrayKind::Systolic, ArrayKind::Tree]
            .map(|kind| model.comparison(&network, design.clone(), kind, None).map(|comparison| (kind, comparison)));
        let comparisons = comparisons.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (mut turning, mut curves) = (Vec::new(), Vec::new());
        for &(quantity, key, unit, range) in QUANTITIES {
            let own = own_value(model, quantity, values);
            if !is_relevant(model, quantity, &network) {
                continue;
            }
            for (kind, comparison) in &comparisons {
                let points = comparison.turning_points(quantity, range, values)?;
                turning.push(Turning { key, unit, kind: *kind, own, points, range });
            }
            let Some(own) = own.filter(|own| *own > 0.0) else { continue };
            for index in 0..CURVE {
                let exponent = 2.0 * index as f64 / (CURVE - 1) as f64 - 1.0;
                let value = match quantity {
                    // Bits are logarithms already.
                    Quantity::ReadoutBits => own + 2.0 * exponent,
                    _ => own * CURVE_FACTOR.powf(exponent),
                };
                if !(range[0]..=range[1]).contains(&value) {
                    continue;
                }
                let mut ratios = [0.0; 2];
                for (ratio, (_, comparison)) in ratios.iter_mut().zip(&comparisons) {
                    // Beyond the table of digital products no ratio is known.
                    *ratio = comparison.ratio_at(quantity, value, values).unwrap_or(f64::NAN);
                }
                if ratios.iter().all(|ratio| ratio.is_finite()) {
                    curves.push(CurvePoint { key, unit, value, own, ratios });
                }
            }
        }
        Ok(Self { turning, sizes: sizes(model)?, curves })
    }
}

/// Whether a quantity has an effect on a point.
fn is_relevant(model: &CostModel, quantity: Quantity, network: &phaseloom_cost::Network) -> bool {
    match quantity {
        Quantity::CellLoss => model.config.process.insertion_loss.as_ref().is_some_and(|loss| loss.loss_db > 0.0),
        Quantity::Batch => model.cores(network) < network.counts().tiles,
        _ => true,
    }
}

/// The value of a quantity at a point, if all layers have the same.
fn own_value(model: &CostModel, quantity: Quantity, values: &Values) -> Option<f64> {
    match quantity {
        Quantity::CellLoss => model.config.process.insertion_loss.as_ref().map(|loss| loss.loss_db),
        Quantity::HoldPower => Some(model.settings.shifter.device(values).hold_pi_w),
        Quantity::Batch => Some(model.settings.batch),
        Quantity::SymbolRate => Some(model.config.link.symbol_rate_hz),
        Quantity::ReadoutBits => model.settings.readout_bits,
        Quantity::Register => Some(values.register.j_per_bit),
        Quantity::SlowDac => Some(values.slow_dac.static_w),
        Quantity::Bias => Some(values.modulator.bias_w),
    }
}

/// The ratio to both arrays for cores of other sizes. Chips have the bits of the run.
fn sizes(model: &CostModel) -> Result<Vec<(usize, [f64; 2])>, CostError> {
    let values = model.nominal();
    let mut sizes: Vec<usize> = SIZES.into_iter().chain([model.config.core.ports]).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let ratios = |ports: usize| -> Result<(usize, [f64; 2]), CostError> {
        let network = model.network(ports);
        let design = model.design(&network, ports, values)?;
        let mut ratios = [0.0; 2];
        for (ratio, kind) in ratios.iter_mut().zip([ArrayKind::Systolic, ArrayKind::Tree]) {
            *ratio = model.comparison(&network, design.clone(), kind, None)?.costs(values)?.ratio();
        }
        Ok((ports, ratios))
    };
    sizes.into_iter().map(ratios).collect()
}
