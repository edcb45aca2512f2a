use super::Ending;
use super::terminal::{interrupt, output};
use anyhow::Context;
use clap::Args;
use phaseloom::hardware::correction::{CORRECTIONS, Corrected, Correction, Instruments, correct, correction};
use phaseloom::hardware::{Chip, ChipId, HardwareError};
use phaseloom::mesh::convention;
use std::path::PathBuf;

/// Times the noise of a reading from which on a fit counts as failed: a good one leaves at most once.
const TOO_FAR: f64 = 3.0;

/// Find settings with which an imperfect chip does what a program asks for
///
/// Without --method every method is tried on the same chip, side by side. A method sees the chip through noisy readings,
/// or knows what its line says. The table shows infidelity 1 − F, error, transmitted light, mean phase, the electrical power
/// that holds the phases (where the process of the chip has a [phase_shifter]), readings and steps; `none` is the program
/// as it was. Ctrl-C stops it, with nothing written.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom correct program.json --chip chip.json\n  \
    phaseloom correct program.json --chip chip.json --method local -o corrected.json\n  \
    phaseloom matrix corrected.json --chip chip.json --target program.json")]
pub struct Correct {
    /// The program whose matrix is wanted (JSON)
    program: PathBuf,
    /// The chip, from `phaseloom chip`
    #[arg(long, value_name = "CHIP.json")]
    chip: PathBuf,
    /// The method, see `phaseloom list`
    #[arg(long, value_name = "KEY")]
    method: Option<String>,
    /// Where to write the corrected program of one `--method`
    #[arg(short, long, value_name = "CORRECTED.json", requires = "method")]
    output: Option<PathBuf>,
    /// Noise of each quadrature of a reading, as a share of the field of a full input
    #[arg(long, value_name = "X", default_value_t = 1e-3, allow_hyphen_values = true)]
    noise: f64,
    /// Seed of that noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Factor on the steps that a method takes
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    effort: f64,
}

impl Correct {
    pub fn execute(self) -> anyhow::Result<Ending> {
        for (name, value, most) in [("noise", self.noise, 1.0), ("effort", self.effort, 1000.0)] {
            if !(0.0..=most).contains(&value) {
                anyhow::bail!("--{name}: found {value}, expected a number from 0 to {most}");
            }
        }
        let methods: Vec<&dyn Correction> = match &self.method {
            Some(key) => vec![correction(key)?],
            None => CORRECTIONS.to_vec(),
        };
        if let Some(path) = &self.output {
            output::not_over(path, &[("the program", &self.program), ("the chip", &self.chip)])?;
        }
        let target = convention::load(&self.program)?;
        let chip = Chip::load(&self.chip)?;
        if target.gain() <= 0.0 {
            anyhow::bail!("{}: `gain` is 0: a matrix of zeros asks for nothing", self.program.display());
        }
        let Self { noise, seed, effort, .. } = self;
        let draws = ChipId { seed, trial: 0, core: 0 };
        let instruments = Instruments { noise, effort, draws, interrupt: interrupt::on_ctrl_c() };
        let mut text = format!(
            "{:<19} {:>11} {:>12} {:>12} {:>12} {:>9} {:>12} {:>11} {:>7}  {}\n",
            "method", "1 − F", "error", "scaled", "light", "phase", "heaters", "readings", "steps", "knows"
        );
        let mut last = None;
        for method in methods {
            let done = match correct(&chip, &target, method, &instruments) {
                Ok(done) => done,
                Err(HardwareError::Interrupted) => {
                    output::note("interrupted: nothing was written");
                    return Ok(Ending::Interrupted);
                }
                // Side by side, one that cannot does not hide the others.
                Err(error) if self.method.is_none() && !matches!(error, HardwareError::ShapeMismatch { .. }) => {
                    text += &format!("{:<19} {error}\n", method.key());
                    continue;
                }
                Err(error @ HardwareError::ShapeMismatch { .. }) => return Err(error.into()),
                Err(error) => {
                    return Err(error).context(format!("{}: correction `{}`", self.chip.display(), method.key()));
                }
            };
            if last.is_none() {
                text += &line("none", &done, true, "");
            }
            text += &line(method.key(), &done, false, method.knows().describe());
            if done.after.fidelity < done.before.fidelity && 1.0 - done.after.fidelity > 1e-12 {
                text += "  worse than the program as it was\n";
            }
            if let Some(count) = done.result.clipped_cells.filter(|&count| count > 0) {
                text += &format!("  {count} of {} interferometers cannot do what is asked\n", target.interferometers());
            }
            if let Some(count) = done.result.wrapped_heaters.filter(|&count| count > 0) {
                text += &format!(
                    "  {count} heater{} a turn higher or lower: crosstalk alone would ask for less than 0 or more than 2π\n",
                    if count == 1 { " stands" } else { "s stand" }
                );
            }
            if let Some(residual) = done.result.residual {
                text += &fit(residual, noise);
            }
            last = Some(done);
        }
        text += "F = |tr(W†Ŵ)|²/(‖W‖²‖Ŵ‖²), blind to common phase and loss; error: ‖Ŵ−W‖/‖W‖, scaled: behind the gain with which it is \
                 least; light: transmission; phase: mean of all shifters (rad)\n";
        text += if chip.process().phase_shifter.is_some() {
            "heaters: power that holds all phases, Σ|φ|·P_π/π, every phase within one turn\n"
        } else {
            "heaters: the process of the chip names no [phase_shifter], so what a phase costs is not known\n"
        };
        if let (Some(path), Some(done)) = (&self.output, &last) {
            done.program.save(path)?;
        }
        output::show(&text)?;
        Ok(Ending::Done)
    }
}

fn line(name: &str, done: &Corrected, before: bool, knows: &str) -> String {
    let quality = if before { done.before } else { done.after };
    let (readings, steps) = if before { (0, 0) } else { (done.measurements, done.result.steps) };
    format!(
        "{name:<19} {:>11.3e} {:>12.4e} {:>12.4e} {:>12} {:>9.3} {:>12} {readings:>11} {steps:>7}  {knows}\n",
        (1.0 - quality.fidelity).max(0.0),
        quality.error,
        quality.scaled_error,
        output::transmission(quality.transmission_db),
        quality.mean_phase_rad,
        quality.heater_power_w.map_or_else(|| "–".to_owned(), output::power),
    )
}

/// What a fit leaves of the readings, beside their noise.
fn fit(residual: f64, noise: f64) -> String {
    // Without noise, what 12 iterations and difference quotients leave.
    if residual > TOO_FAR * noise.max(1e-6) {
        format!(
            "  warning: the fit misses the readings by {residual:.1e} rms, far above their noise of {noise:.1e}: what it found may be \
             wrong; read more with a larger --effort, or the chip does not follow its design\n"
        )
    } else {
        format!("  the fit misses the readings by {residual:.1e} rms, their noise is {noise:.1e}\n")
    }
}
