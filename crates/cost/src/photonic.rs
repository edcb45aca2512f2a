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
    /// The laser of a core, or the reason why there is none.
    pub laser: Result<LaserPower, NoLaser>,
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
        design.check()?;
        let counts = network.counts();
        let timing = Timing::new(network, design, values);
        let buffer = Buffer::new(network, design, &timing);
        let laser = laser(design, values)?;
        let energy = energy::photonic(design, values, &counts, &timing, &buffer, laser.as_ref().ok());
        let area = area::photonic(network, design, values, &buffer);
        Ok(Self { counts, timing, buffer, laser, energy, area })
    }

    /// Energy of one inference (J); `None` if no laser suffices.
    #[must_use]
    pub fn joule(&self) -> Option<f64> {
        self.laser.is_ok().then(|| self.energy.total_j())
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
        self.laser.as_ref().ok().map(|laser| laser.wall_w * self.timing.powered_cores as f64)
    }

    /// Useful operations per second: two for each multiply-accumulate of the matrices.
    #[must_use]
    pub fn operations_per_s(&self) -> f64 {
        2.0 * self.counts.macs / self.timing.period_s
    }
}
