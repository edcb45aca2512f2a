//! Cost of a network on photonic cores.

use crate::area::{self, Area};
use crate::buffer::Buffer;
use crate::counts::{Counts, Network};
use crate::design::Design;
use crate::energy::{self, Energy};
use crate::error::CostError;
use crate::library::Values;
use crate::light::{LaserPower, NoLaser, laser};
use crate::time::Timing;

/// Cost of one inference on photonic cores.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotonicCost {
    /// What is computed, converted and moved.
    pub counts: Counts,
    /// Period, latency and loads.
    pub timing: Timing,
    /// Values that wait between passes.
    pub buffer: Buffer,
    /// The laser of a core in each layer, or the reason why there is none.
    pub lasers: Vec<Result<LaserPower, NoLaser>>,
    /// Mean electrical power of the laser of a core (W), over the time of all cores; `None` if a layer has no laser.
    pub laser_w: Option<f64>,
    /// Energy, part by part; without a laser, that of all other parts.
    pub energy: Energy,
    /// Area.
    pub area: Area,
}

impl PhotonicCost {
    /// Cost of a network on a design with a set of library values.
    ///
    /// # Errors
    ///
    /// [`CostError::Invalid`] for an impossible value, [`CostError::Hardware`] for an impossible link.
    pub fn new(network: &Network, design: &Design, values: &Values) -> Result<Self, CostError> {
        network.check()?;
        design.check(network)?;
        let counts = design.counts(network);
        let timing = Timing::new(network, design, values);
        let buffer = Buffer::new(network, design);
        let drivers = design.drivers(network, &timing.layer_shares);
        let design = &design.with_splitters(network, values);
        let lasers =
            (0..design.lights.len()).map(|layer| laser(design, layer, values)).collect::<Result<Vec<_>, _>>()?;
        let for_layer = |layer: usize| if lasers.len() == 1 { lasers[0] } else { lasers[layer] };
        let lasers: Vec<_> = (0..network.layers.len()).map(for_layer).collect();
        let powers = lasers.iter().zip(&timing.layer_shares);
        let laser_w = powers.map(|(laser, share)| laser.ok().map(|laser| share * laser.wall_w)).sum();
        let mut energy = energy::photonic(design, values, &counts, &timing, &buffer, (laser_w, drivers));
        energy.add("electronic", energy::electronic(network, values, design.sum_bits));
        let area = area::photonic(network, design, values, &buffer, drivers);
        Ok(Self { counts, timing, buffer, lasers, laser_w, energy, area })
    }

    /// Energy of one inference (J); `None` if no laser suffices.
    #[must_use]
    pub fn joule(&self) -> Option<f64> {
        self.laser_w.map(|_| self.energy.total_j())
    }

    /// Energy of one multiply-accumulate of the matrices (J); `None` if no laser suffices.
    #[must_use]
    pub fn joule_per_mac(&self) -> Option<f64> {
        self.joule().map(|joule| joule / self.counts.macs)
    }

    /// Mean electrical power (W); `None` if no laser suffices.
    #[must_use]
    pub fn watt(&self) -> Option<f64> {
        self.joule().map(|joule| joule / self.timing.period_s)
    }

    /// Electrical power of all lasers (W).
    #[must_use]
    pub fn laser_wall_w(&self) -> Option<f64> {
        self.laser_w.map(|laser_w| laser_w * self.timing.powered_cores as f64)
    }

    /// Useful operations per second and area (1/(s·m²)).
    #[must_use]
    pub fn operations_per_s_m2(&self) -> f64 {
        self.operations_per_s() / self.area.total_m2()
    }

    /// Useful operations per second: two for each multiply-accumulate of the matrices.
    #[must_use]
    pub fn operations_per_s(&self) -> f64 {
        2.0 * self.counts.macs / self.timing.period_s
    }
}
