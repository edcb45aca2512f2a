//! Law I14m: shot noise of a mesh that is read by homodyne.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::layer::{Layer, laser_w, photon_j, responsivity};
use crate::machine::{Matrix, process};
use crate::setting::Setting;
use crate::statistics::{Estimate, Mean};
use num_complex::Complex64;
use phaseloom_hardware::{CHARGE, Chip, ChipId};
use phaseloom_numerics::linalg::svd;

pub(super) const CLAIM: Claim = Claim {
    key: "shot_noise",
    sentence: "A homodyne readout of a mesh has std(ŷ) = ‖W‖₂·s_x·√(1 + n_s/n_LO)/(2t√(η·n_port)), t the amplitude that the mesh transmits",
    source: "I14m, derived; for I14 itself, time-multiplexed homodyne of Hamerly et al. 2019, there is no machine here",
    method: "laser, splitter error and loss → OpticalProduct, one vector 40 000 times, a local oscillator so weak that n_s counts",
    criterion: "exact in n_s: 3 s.e.; mean readings: 3 s.e.",
    rows,
};

const HARDWARE: &str = "[insertion_loss]\nloss_db = 0.3\n[splitter_error]\nsigma_rad = 0.02";
/// Full scale of the inputs.
const INPUT: f64 = 0.7;
const TIMES: usize = 40_000;

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let x = [0.6, -0.5, 0.1, 0.69];
    let (n_port, lo) = (5e4, 0.1);
    let n_lo = n_port * lo / (1.0 - lo);
    let mut rows = Vec::new();
    for (draw, eta) in [(0, responsivity(1.0).recip() * 0.8), (1, 1.0)] {
        let weight = setting.gaussian(4, 4, draw).map(|z| z.re);
        let link = format!(
            "laser_power_w = {:?}\nlo_fraction = {lo}\nresponsivity_a_per_w = {:?}\nshot_noise = true",
            laser_w(n_port, 4, lo),
            eta * CHARGE / photon_j(),
        );
        let layer = Layer::new(&weight, 4, HARDWARE, &link, INPUT)?;
        let readings = layer.readings(setting, &x, TIMES, draw as u32)?;

        // Field at the detectors, and t from the design alone: the gain is ‖W‖²/Re tr(W†Ŵ₀).
        let complex = weight.map(|w| Complex64::new(w, 0.0));
        let Some(tile) = &layer.program.tiles()[0] else { continue };
        let hardware = process(HARDWARE)?;
        let chip = Chip::fabricate(&hardware, &tile.program, ChipId { seed: setting.seed, trial: 0, core: 0 })?;
        let field = chip.matrix(&tile.program)? * Matrix::from_fn(4, 1, |i, _| Complex64::new(x[i] / INPUT, 0.0));
        let nominal = Chip::nominal(&hardware, &tile.program)?.matrix(&tile.program)?;
        let norm = svd(&complex)?.sigma[0];
        let t = norm * complex.dotc(&nominal).re / complex.norm_squared();

        let deviation = |i: usize| {
            let n_s = n_port * field[i].norm_sqr();
            norm * INPUT * (1.0 + n_s / n_lo).sqrt() / (2.0 * t * (eta * n_port).sqrt())
        };
        let mean = |i: usize| field[i].re * norm / t * INPUT;
        let (mut squares, mut means) = (Mean::default(), Mean::default());
        for column in readings.column_iter() {
            for (i, y) in column.iter().enumerate() {
                let off = (y - mean(i)) / deviation(i);
                squares.add(off * off);
                means.add(off);
            }
        }
        let weak = (0..4).map(|i| deviation(i).powi(2)).sum::<f64>() / 4.0;
        let strong = (norm * INPUT / (2.0 * t * (eta * n_port).sqrt())).powi(2);
        let label = |what: &str| format!("{what}, η = {eta:.2}");
        let check = Check::new(label("deviation over law, all outputs"), "1").law(1.0);
        rows.push(check.against("no n_s/n_LO", (strong / weak).sqrt()).near(squares.estimate().root()));
        rows.push(Check::new(label("mean deviation over law"), "1").law(0.0).near(means.estimate()));
        let squares: Mean = readings.row(0).iter().map(|y| (y - mean(0)).powi(2)).collect();
        let Estimate { value, error, draws } = squares.estimate().root();
        let check = Check::new(label("std(ŷ) of output 0"), "1").law(deviation(0));
        rows.push(check.against("a factor √2", deviation(0) * 2f64.sqrt()).near(Estimate { value, error, draws }));
    }
    Ok(rows)
}
