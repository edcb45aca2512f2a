//! An imperfection of one's own: phases that drift with the temperature of the chip.
//!
//! An imperfection acts at fabrication (`fabricate`), when phases are set (`drive`) or while light passes (`fluctuate`). Its random
//! numbers follow from its name, so that it changes no draw of another source.
//!
//! `cargo run --release --example 06_own_imperfection`
#![allow(clippy::print_stdout)]

use phaseloom::files::{InvalidValue, positive};
use phaseloom::hardware::{Imperfection, StageErrors};
use phaseloom::numerics::NormalStream;
use phaseloom::prelude::*;

/// Every phase of a column of cells has the offset of the temperature there: a gradient along the light, of a random slope.
#[derive(Debug)]
struct TemperatureGradient {
    /// Standard deviation of the phase between the two ends of a stage (rad).
    sigma_rad: f64,
}

impl Imperfection for TemperatureGradient {
    fn check(&self) -> Result<(), InvalidValue> {
        positive("sigma_rad", self.sigma_rad)
    }

    fn fabricate(&self, deviates: &mut NormalStream<f64>, stage: &mut StageErrors) {
        let end = self.sigma_rad * deviates.draw();
        let cells = stage.cell_errors.len();
        let (theta, phi): (Vec<f64>, Vec<f64>) = (stage.offsets.theta().to_vec(), stage.offsets.phi().to_vec());
        for cell in 0..cells {
            let offset = end * cell as f64 / cells as f64;
            stage.offsets.set_cell(cell, theta[cell] + offset, phi[cell] + offset);
        }
    }
}

fn main() -> Result<(), Error> {
    let w = DMatrix::from_fn(8, 8, |i, j| ((1 + i + 3 * j) as f64).sin());
    let program = Core::new(8).program(&w)?;
    println!("gradient/rad  error, mean of 20 chips");
    for sigma_rad in [0.02, 0.05, 0.1] {
        let process = Process::from_toml("splitter_error.sigma_rad = 0.01")?;
        let process = process.with_source("temperature_gradient", TemperatureGradient { sigma_rad })?;
        let mut errors = Vec::new();
        for seed in 0..20 {
            errors.push(process.fabricate(&program, Seed(seed))?.matrix_error(&program)?);
        }
        println!("{sigma_rad:12}  {:.4}", errors.iter().sum::<f64>() / 20.0);
    }
    Ok(())
}
