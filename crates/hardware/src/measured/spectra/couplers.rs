//! Splitting angles of directional couplers, from unbalanced Mach–Zehnder interferometers with two equal couplers.
//!
//! A coupler of angle η couples the power k = sin²η. In an interferometer with the angles η₁, η₂, the power ratio of the
//! cross output, T = P_cross/(P_bar + P_cross), is largest at zero phase difference, where the couplers act as one:
//! `T_max = sin²(η₁ + η₂)`, which is 4k(1 − k) for equal couplers. Losses of fibres and gratings cancel in T.
//!
//! A maximum therefore gives the mean angle, `η = ½ asin√T_max` or `π/2 − ½ asin√T_max`. The angle grows with the coupler
//! length, `η = κL + η₀`, and the fitted line decides between the two.

use super::table::{SAY_THE_UNIT, Sweep, read, refuse, short};
use super::{SpectraError, SweepsSpec};
use phaseloom_numerics::statistics::LineFit;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// Maximum number of rounds in which devices change to the other side of 50:50. Each round lowers the residuals.
const ROUNDS: usize = 20;

/// Minimum fringe of the cross output (dB). Linear powers that are read as decibels vary by a fraction of it.
const MIN_FRINGE_DB: f64 = 0.5;

/// One interferometer.
#[derive(Clone, Debug, PartialEq)]
pub struct Coupler {
    /// Name of the device.
    pub device: String,
    /// Coupler length (µm).
    pub length_um: f64,
    /// Maximum power ratio of the cross output.
    pub maximum: f64,
    /// Mean splitting angle of its two couplers (rad), on the side of 50:50 nearer to the line.
    pub angle_rad: f64,
}

/// Couplers of many lengths and the line through their angles.
#[derive(Clone, Debug, PartialEq)]
pub struct Couplers {
    /// The devices, by length.
    pub devices: Vec<Coupler>,
    /// η = κL + η₀: slope in rad/µm, intercept in rad.
    pub line: LineFit,
}

impl Couplers {
    /// Reads the spectra and fits the line.
    ///
    /// # Errors
    ///
    /// Impossible settings; unreadable or damaged files; too few devices; a maximum at the edge of the window; angles that
    /// do not grow.
    pub fn measure(spec: &SweepsSpec) -> Result<Self, SpectraError> {
        spec.check(2).map_err(SpectraError::Settings)?;
        let sweeps = read(spec)?;
        let mut devices = sweeps.iter().map(|sweep| coupler(spec, sweep)).collect::<Result<Vec<_>, _>>()?;
        let lengths: Vec<f64> = devices.iter().map(|device| device.length_um).collect();
        let below: Vec<f64> = devices.iter().map(|device| device.angle_rad).collect();
        let Some((angles, line)) = unfold(&lengths, &below) else {
            let expected =
                "angles that grow with at least two lengths, up to full coupling: check `power` (cross, bar)";
            return Err(refuse(spec, "couplers that no such line fits".into(), expected));
        };
        for (device, angle) in devices.iter_mut().zip(angles) {
            device.angle_rad = angle;
        }
        Ok(Self { devices, line })
    }

    /// Standard deviation σ of the angle of one splitter (rad), and its standard error.
    ///
    /// A device measures the mean of two couplers. If their errors are independent, as in a simulated chip, the mean has the
    /// standard deviation σ/√2. So σ = √2·s, with s the standard deviation about the line, measurement errors included.
    #[must_use]
    pub fn sigma_rad(&self) -> (f64, f64) {
        let root = std::f64::consts::SQRT_2;
        (root * self.line.deviation(), root * self.line.deviation_error())
    }

    /// Whether the angle on the other side of 50:50 is also within three standard deviations of the line.
    #[must_use]
    pub fn is_doubtful(&self, device: &Coupler) -> bool {
        (FRAC_PI_2 - device.angle_rad - self.line.at(device.length_um)).abs() < 3.0 * self.line.deviation()
    }

    /// Coupler length of 50:50 (µm), at which the line is π/4, and its standard error.
    #[must_use]
    pub fn half_length_um(&self) -> (f64, f64) {
        let length = (FRAC_PI_4 - self.line.intercept) / self.line.slope;
        (length, self.line.error_at(length) / self.line.slope)
    }
}

/// One device, with its angle below 50:50.
fn coupler(spec: &SweepsSpec, sweep: &Sweep) -> Result<Coupler, SpectraError> {
    let [cross, bar] = [0, 1].map(|k| &sweep.power_db[k]);
    let extreme = |pick: fn(f64, f64) -> f64, start| cross.iter().copied().fold(start, pick);
    let fringe = extreme(f64::max, f64::NEG_INFINITY) - extreme(f64::min, f64::INFINITY);
    if fringe < MIN_FRINGE_DB {
        let found = format!("a fringe of {fringe:.2} dB in the cross output of `{}`", short(&sweep.device));
        let expected = format!("one of at least {MIN_FRINGE_DB} dB: equal couplers let no light across at its minimum");
        return Err(refuse(spec, found, &format!("{expected}; widen `window_nm`, or {SAY_THE_UNIT}")));
    }
    let ratio = |(cross, bar): (&f64, &f64)| 1.0 / (1.0 + 10f64.powf((bar - cross) / 10.0));
    let ratios = cross.iter().zip(bar).map(ratio);
    let (at, maximum) = ratios.enumerate().fold((0, 0.0), |best, (i, t)| if t > best.1 { (i, t) } else { best });
    let nm = sweep.wavelength_nm[at];
    if !sweep.wavelength_nm.iter().any(|w| *w < nm) || !sweep.wavelength_nm.iter().any(|w| *w > nm) {
        let found = format!(
            "the largest share of the cross output of `{}` at the edge of the window, {nm} nm",
            short(&sweep.device)
        );
        return Err(refuse(spec, found, "a maximum inside: a `window_nm` of at least one fringe"));
    }
    let angle_rad = 0.5 * maximum.sqrt().min(1.0).asin();
    Ok(Coupler { device: sweep.device.clone(), length_um: sweep.number, maximum, angle_rad })
}

/// Angles on their true side of 50:50 and the rising line through them, from angles folded below 50:50.
///
/// The first line is the best one over all choices of the last device below 50:50. Then each device takes the side nearer
/// to the line until none changes.
fn unfold(lengths: &[f64], below: &[f64]) -> Option<(Vec<f64>, LineFit)> {
    let above = |angle: f64| FRAC_PI_2 - angle;
    let mut best: Option<(Vec<f64>, LineFit)> = None;
    for last in 0..=below.len() {
        let angles: Vec<f64> = below.iter().enumerate().map(|(i, &a)| if i < last { a } else { above(a) }).collect();
        let Some(line) = LineFit::new(lengths, &angles).filter(|line| line.slope > 0.0) else { continue };
        if best.as_ref().is_none_or(|(_, least)| line.squares() < least.squares()) {
            best = Some((angles, line));
        }
    }
    let (mut angles, mut line) = best?;
    for _ in 0..ROUNDS {
        let side = |(&length, &angle): (&f64, &f64)| {
            let aim = line.at(length);
            if (aim - angle).abs() <= (aim - above(angle)).abs() { angle } else { above(angle) }
        };
        let moved: Vec<f64> = lengths.iter().zip(below).map(side).collect();
        let Some(fitted) = LineFit::new(lengths, &moved).filter(|fitted| fitted.slope > 0.0) else { break };
        if fitted.squares() >= line.squares() {
            break;
        }
        (angles, line) = (moved, fitted);
    }
    Some((angles, line))
}
