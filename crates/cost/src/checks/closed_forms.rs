//! Closed forms that check the model and show what it depends on.

use crate::library::Values;
use phaseloom_hardware::{LIGHT, PLANCK};
use std::f64::consts::{E, LN_10};

/// The principal branch of Lambert's function, W·e^W = x, for x ≥ 0, by Newton's method.
#[must_use]
pub fn lambert_w(x: f64) -> f64 {
    let mut w = x.ln_1p();
    // Quadratic convergence from ln(1 + x) ≥ W: the loop ends long before its limit.
    for _ in 0..100 {
        let step = (w * w.exp() - x) / (w.exp() * (w + 1.0));
        w -= step;
        if step.abs() <= 1e-16 * w.abs() {
            break;
        }
    }
    w
}

/// The number of ports with the least energy, and that energy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestPorts {
    /// Ports, not rounded.
    pub ports: f64,
    /// Energy of a multiply-accumulate (J).
    pub joule_per_mac: f64,
}

/// The minimum over k of `(E_c + E_l·e^(αk))/k` with α = 2·L·ln 10/10: `k = [1 + W(E_c/(e·E_l))]/α`.
///
/// `conversion_j` (E_c) is the energy of a port, `light_j` (E_l) that of its light before the loss `loss_db` (L) of the
/// cells. Heaters, memory and intensity noise are left out.
#[must_use]
pub fn best_ports(conversion_j: f64, light_j: f64, loss_db: f64) -> BestPorts {
    let alpha = 2.0 * loss_db * LN_10 / 10.0;
    let ports = (1.0 + lambert_w(conversion_j / (E * light_j))) / alpha;
    BestPorts { ports, joule_per_mac: (conversion_j + light_j * (alpha * ports).exp()) / ports }
}

/// Energy of a port (J) at `bits`: input converter, modulator, converter of the measured value, and amplifier during
/// one symbol.
#[must_use]
pub fn conversion_j(values: &Values, bits: f64, symbol_rate_hz: f64) -> f64 {
    values.dac_j(bits) + values.modulator.symbol_j + values.adc_j(bits) + values.amplifier.power_w / symbol_rate_hz
}

/// Energy of the light of a port (J) before the loss of the cells, for direct detection at the shot-noise limit:
/// `12·4^bits·hν·10^(loss/10)/efficiency`. `other_loss_db` is all loss but that of the cells.
#[must_use]
pub fn shot_noise_light_j(values: &Values, bits: f64, other_loss_db: f64) -> f64 {
    let photon_j = PLANCK * LIGHT / values.laser.wavelength_m;
    12.0 * 4f64.powf(bits) * photon_j * 10f64.powf(other_loss_db / 10.0) / values.laser.efficiency
}

/// Symbol rate (Hz) above which holding phases alone costs less than `electronics_j` a multiply-accumulate, at any
/// number of ports: `2·P_π·(mean |φ|/π)/E`. A multiply-accumulate has two phase shifters.
#[must_use]
pub fn hold_break_even_hz(hold_pi_w: f64, mean_half_turns: f64, electronics_j: f64) -> f64 {
    2.0 * hold_pi_w * mean_half_turns / electronics_j
}

/// Number of ports above which conversion alone costs less than `electronics_j` a multiply-accumulate: each conversion
/// serves k of them.
#[must_use]
pub fn conversion_break_even_ports(conversion_j: f64, electronics_j: f64) -> f64 {
    conversion_j / electronics_j
}

/// Vectors after which half of the time of a load and its use is use.
#[must_use]
pub fn half_used_vectors(load_s: f64, symbol_rate_hz: f64) -> f64 {
    load_s * symbol_rate_hz
}

/// Mean Σφ/π of one rectangular mesh of k ports that realises a random (Haar) unitary:
/// `Σ_{r<k} (k − r)·C(2r, r)/4^r + k(k − 1)/2 + k`.
///
/// An internal phase of rank r has the mean π·C(2r, r)/4^r, and k − r cells have the rank r. External phases and output
/// phases are uniform, with the mean π.
#[must_use]
pub fn haar_half_turns(ports: usize) -> f64 {
    let (mut binomial, mut sum) = (1.0, 0.0);
    for rank in 1..ports {
        binomial *= (2.0 * rank as f64 - 1.0) / (2.0 * rank as f64);
        sum += (ports - rank) as f64 * binomial;
    }
    sum + (ports * (ports - 1)) as f64 / 2.0 + ports as f64
}
