//! The command `correct`: correct the fabrication errors of a chip.

use super::Exit;
use super::terminal::{interrupt, output, streams, whole};
use anyhow::Context;
use clap::Args;
use phaseloom::files::usage::{self, KeysRead};
use phaseloom::files::{
    Column, ColumnText, ResultTable, ResultValue, Results, TextTable, WIDTH, power, transmission, wrap,
};
use phaseloom::hardware::correction::{CORRECTIONS, Corrected, Correction, Instruments, correct, correction};
use phaseloom::hardware::{Chip, ChipId, HardwareError};
use phaseloom::mesh::convention;
use std::path::PathBuf;

/// A fit whose residual exceeds this multiple of the measurement noise has failed; a good fit has at most once the noise.
const MAX_RESIDUAL_PER_NOISE: f64 = 3.0;

/// Correct the phases of a program for an imperfect chip
///
/// Without --method every method is tried on the same chip. A method sees the chip through noisy measurements, or knows
/// the quantities that the output names. The table shows infidelity 1 − F, error_scaled, transmission, the electrical power
/// of the phases (if the process of the chip has a [phase_shifter]) and the number of measurements; --format csv has more.
/// The row `none` is the uncorrected program. Ctrl-C stops the command, and nothing is written.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom correct program.json --chip chip.json\n  \
    phaseloom correct program.json --chip chip.json --method local -o corrected.json\n  \
    phaseloom matrix corrected.json --chip chip.json --target program.json")]
pub struct Correct {
    /// The program of the target matrix (JSON)
    program: PathBuf,
    /// The chip, from `phaseloom chip`
    #[arg(long, value_name = "CHIP.json")]
    chip: PathBuf,
    /// The method, see `phaseloom explain`
    #[arg(long, value_name = "KEY")]
    method: Option<String>,
    /// Where to write the corrected program of one `--method`, `-` for standard output
    #[arg(short, long, value_name = "CORRECTED.json", requires = "method")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
    /// Noise of each quadrature of a measurement, relative to the field of a full input [default: 0.001]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    noise: Option<f64>,
    /// Seed of that noise [default: 1]
    #[arg(long, value_name = "N", value_parser = whole(0, u64::MAX))]
    seed: Option<u64>,
    /// Factor on the number of steps of a method [default: 1]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    effort: Option<f64>,
}

impl Correct {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let (noise, effort, seed) = (self.noise.unwrap_or(1e-3), self.effort.unwrap_or(1.0), self.seed.unwrap_or(1));
        for (name, value, most) in [("noise", noise, 1.0), ("effort", effort, 1000.0)] {
            if !(0.0..=most).contains(&value) {
                anyhow::bail!("--{name}: found {value}, expected a number from 0 to {most}");
            }
        }
        let methods: Vec<&Correction> = match &self.method {
            Some(key) => vec![correction(key)?],
            None => CORRECTIONS.to_vec(),
        };
        if let Some(path) = &self.output {
            let read = [("the program", Some(self.program.as_path())), ("the chip", Some(&self.chip))];
            output::check_json_path(path, &["phaseloom-program"], &read)?;
        }
        let (program, chip) = (streams::input(&self.program)?, streams::input(&self.chip)?);
        let target = convention::load(&program)?;
        let chip = Chip::load(&chip)?;
        if target.gain() <= 0.0 {
            anyhow::bail!(
                "{}: `gain` is 0: found a matrix of zeros, expected a target that is not zero",
                self.program.display()
            );
        }
        let draws = ChipId { seed, trial: 0, core: 0 };
        let instruments = Instruments { noise, effort, draws, interrupt: interrupt::on_signal() };
        let columns = [8, 12, 12, 9, 12].map(|width| Column::right().min_width(width).gap(1));
        let columns = [vec![Column::left().min_width(18)], columns.to_vec()].concat();
        let mut table = TextTable::new(0, columns);
        table.row("method|1 − F|error_scaled|transmission|heaters|measurements".split('|'));
        let mut data = ResultTable::new("methods", &COLUMNS.map(|(name, ..)| name));
        let mut known = Vec::new();
        let (mut last, mut read) = (None, KeysRead::default());
        let mut heaters = 0.0;
        for method in methods {
            let (corrected, keys) = usage::record(|| correct(&chip, &target, method, &instruments));
            read.extend(keys);
            let done = match corrected {
                Ok(done) => done,
                Err(HardwareError::Interrupted) => {
                    output::status("interrupted: nothing was written");
                    return Ok(Exit::Interrupted);
                }
                // If all methods are tried, one that fails does not hide the others.
                Err(error) if self.method.is_none() && !matches!(error, HardwareError::ShapeMismatch { .. }) => {
                    table.line(wrap(&format!("{:<18} {error}", method.key), WIDTH, 2));
                    continue;
                }
                Err(error @ HardwareError::ShapeMismatch { .. }) => return Err(error.into()),
                Err(error) => {
                    return Err(error).context(format!("{}: correction `{}`", self.chip.display(), method.key));
                }
            };
            if last.is_none() {
                heaters = done.before.heater_power_w.unwrap_or(0.0);
                table.row(row("none", &done, true, heaters));
                data.row(values("none", &done, true, ""));
            }
            table.row(row(method.key, &done, false, heaters));
            data.row(values(method.key, &done, false, method.knows.describe()));
            known.push(format!("  {}: {}", method.key, method.knows.describe()));
            // A change in the third digit is no change of the table.
            let (before, after) = (1.0 - done.before.fidelity, 1.0 - done.after.fidelity);
            if after > 1.001 * before && after > 1e-12 {
                table.line("  worse than the uncorrected program");
            }
            if let Some(count) = done.result.clipped_cells.filter(|&count| count > 0) {
                let cells = target.interferometers();
                table.line(format!(
                    "  {count} of {cells} {} cannot reach their target",
                    target.design().cell().plural()
                ));
            }
            if let Some(count) = done.result.wrapped_heaters.filter(|&count| count > 0) {
                let heaters = if count == 1 { "heater is" } else { "heaters are" };
                table.line(format!(
                    "  {count} {heaters} shifted by 2π: crosstalk would require a phase below 0 or above 2π"
                ));
            }
            if let Some(residual) = done.result.residual {
                table.line(wrap(&fit(residual, noise), WIDTH, 2));
            }
            last = Some(done);
        }
        for (option, given, key) in [
            ("--noise", self.noise.is_some(), "correction_noise"),
            ("--seed", self.seed.is_some(), "correction_noise"),
            ("--effort", self.effort.is_some(), "correction_effort"),
        ] {
            if given && !read.uses(key) {
                output::status(&format!("note: {option} has no effect: no method of this table reads it"));
            }
        }
        let mut results = Results::default();
        results.table(data);
        results.show(table);
        results.line("");
        results.line("what each method knows:");
        known.iter().for_each(|line| results.line(line));
        results.line(
            "F = |tr(W†Ŵ)|²/(‖W‖²‖Ŵ‖²), independent of global phase and loss; error_scaled: ‖Ŵ−W‖/‖W‖ after the \
             gain that minimises it (error: with the gain of the program, in --format csv|json)",
        );
        results.line(if chip.process().phase_shifter.is_some() {
            "heaters: power that holds all phases, Σ|φ|·P_π/π, every phase modulo 2π"
        } else {
            "heaters: the process of the chip names no [phase_shifter], so the power of a phase is unknown"
        });
        if let (Some(path), Some(done)) = (&self.output, &last) {
            streams::save(path, |path| done.program.save(path))?;
        }
        output::print_summary(&results, self.format, self.output.as_deref())?;
        Ok(Exit::Done)
    }
}

/// Columns of the results.
pub const COLUMNS: [ColumnText; 10] = [
    ("method", "", "Key of the correction; `none` for the program as it is."),
    ("infidelity", "1", "1 − F, independent of a global phase and of uniform loss."),
    ("error", "1", "Matrix error ‖Ŵ − W‖/‖W‖ with the gain of the program."),
    ("error_scaled", "1", "Matrix error with the real gain that minimises it."),
    (
        "transmission_db",
        "dB of power",
        "‖Ŵ‖²/‖W‖² with the gain of the program. Attenuation by design is no loss, so errors of attenuators can bring it above 0.",
    ),
    ("mean_phase_rad", "rad", "Mean magnitude of all phases."),
    (
        "heater_power_w",
        "W",
        "Power that holds all phases; empty without `phase_shifter.power_pi_w`. A method takes the phase in 0…2π, because a \
         heater cannot cool.",
    ),
    ("measurements", "", "Vectors that were sent and measured."),
    ("steps", "", "Steps of the method."),
    ("knows", "", "What the method assumes to be known."),
];

/// A row of the results.
fn values(name: &str, done: &Corrected, before: bool, knows: &str) -> [ResultValue; 10] {
    let quality = if before { done.before } else { done.after };
    let (measurements, steps) = if before { (0, 0) } else { (done.measurements, done.result.steps) };
    [
        name.into(),
        (1.0 - quality.fidelity).max(0.0).into(),
        quality.error.into(),
        quality.scaled_error.into(),
        quality.transmission_db.into(),
        quality.mean_phase_rad.into(),
        quality.heater_power_w.into(),
        measurements.into(),
        steps.into(),
        knows.into(),
    ]
}

/// A row of the text, with the unit of the power `heaters`.
fn row(name: &str, done: &Corrected, before: bool, heaters: f64) -> [String; 6] {
    let quality = if before { done.before } else { done.after };
    let measurements = if before { 0 } else { done.measurements };
    [
        name.to_owned(),
        format!("{:.2e}", (1.0 - quality.fidelity).max(0.0)),
        format!("{:.2e}", quality.scaled_error),
        transmission(quality.transmission_db),
        quality.heater_power_w.map_or_else(|| "–".to_owned(), |watts| power(watts, heaters)),
        measurements.to_string(),
    ]
}

/// The residual of a fit next to the noise of the measurements.
fn fit(residual: f64, noise: f64) -> String {
    // The floor is the residual of 12 iterations with difference quotients in the absence of noise.
    if residual > MAX_RESIDUAL_PER_NOISE * noise.max(1e-6) {
        format!(
            "  warning: the fit misses the measurements by {residual:.1e} rms, far above their noise of {noise:.1e}: the result may be \
             wrong; measure more with a larger --effort, or the chip does not follow its design"
        )
    } else {
        format!("  the fit misses the measurements by {residual:.1e} rms, their noise is {noise:.1e}")
    }
}
