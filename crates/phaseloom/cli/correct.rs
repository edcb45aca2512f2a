use super::{Ending, interrupt, output};
use clap::Args;
use phaseloom::MatrixProgram;
use phaseloom::hardware::correction::{CORRECTIONS, Corrected, Correction, Instruments, correct, correction};
use phaseloom::hardware::{Chip, HardwareError};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Find settings with which an imperfect chip does what a program asks for
///
/// Without --method every method is tried on the same chip, side by side. A method sees the chip through noisy readings,
/// or knows what its line says.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom correct program.json --chip chip.json\n  \
    phaseloom correct program.json --chip chip.json --method local -o corrected.json\n  \
    phaseloom matrix corrected.json --chip chip.json")]
pub struct Correct {
    /// The program whose matrix is wanted (JSON)
    program: PathBuf,
    /// The chip, from `phaseloom chip`
    #[arg(long, value_name = "CHIP.json")]
    chip: PathBuf,
    /// The method, see `phaseloom list`
    #[arg(long, value_name = "KEY")]
    method: Option<String>,
    /// Where to write the corrected program
    #[arg(short, long, value_name = "CORRECTED.json", requires = "method")]
    output: Option<PathBuf>,
    /// Noise of each quadrature of a reading, as a share of the field of a full input
    #[arg(long, value_name = "X", default_value_t = 1e-3)]
    noise: f64,
    /// Seed of that noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Factor on the steps that a method takes
    #[arg(long, value_name = "X", default_value_t = 1.0)]
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
        let target = MatrixProgram::load(&self.program)?;
        let chip = Chip::load(&self.chip)?;
        if target.gain() <= 0.0 {
            anyhow::bail!("{}: `gain` is 0: a matrix of zeros asks for nothing", self.program.display());
        }
        let instruments =
            Instruments { noise: self.noise, seed: self.seed, effort: self.effort, ..Instruments::default() };
        let stop = interrupt::flag();
        let mut text = format!(
            "{:<19} {:>11} {:>12} {:>12} {:>10} {:>9} {:>11} {:>7}  {}\n",
            "method", "1 − F", "error", "scaled", "dB", "phase", "readings", "steps", "knows"
        );
        let mut last = None;
        for method in methods {
            if stop.load(Ordering::Relaxed) {
                return Ok(Ending::Interrupted);
            }
            let done = match correct(&chip, &target, method, &instruments) {
                Ok(done) => done,
                // Side by side, one that cannot does not hide the others.
                Err(error) if self.method.is_none() && !matches!(error, HardwareError::ShapeMismatch { .. }) => {
                    text += &format!("{:<19} {error}\n", method.key());
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if last.is_none() {
                text += &line("none", &done, true, "");
            }
            text += &line(method.key(), &done, false, method.knows().describe());
            if let Some(count) = done.out_of_reach.filter(|&count| count > 0) {
                text += &format!("  {count} of {} interferometers cannot do what is asked\n", target.interferometers());
            }
            last = Some(done);
        }
        text += "1 − F: infidelity; error: ‖Ŵ−W‖/‖W‖, scaled: behind the best gain; dB: transmission; phase: mean of all \
                 shifters (rad)\n";
        if let (Some(path), Some(done)) = (&self.output, &last) {
            done.program.save(path)?;
        }
        output::show(&text)?;
        Ok(Ending::Done)
    }
}

fn line(name: &str, done: &Corrected, before: bool, knows: &str) -> String {
    let quality = if before { done.before } else { done.after };
    let (readings, steps) = if before { (0, 0) } else { (done.readings, done.steps) };
    format!(
        "{name:<19} {:>11.3e} {:>12.4e} {:>12.4e} {:>10.3} {:>9.3} {readings:>11} {steps:>7}  {knows}\n",
        (1.0 - quality.fidelity).max(0.0),
        quality.error,
        quality.scaled_error,
        quality.transmission_db,
        quality.mean_phase_rad,
    )
}
