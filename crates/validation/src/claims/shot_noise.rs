//! Shot noise of a mesh with homodyne detection: std(ŷ) = ‖W‖₂·s_x·√(1 + n_s/n_LO)/(2t√(η·n_port)).

use super::prelude::*;
use crate::layer::{laser_w, photon_j, responsivity};
use phaseloom_hardware::{CHARGE, Chip, ChipId};
use phaseloom_numerics::linalg::svd;

pub(super) const CLAIM: Claim = Claim {
    key: "shot_noise",
    sentence: "A homodyne readout of a mesh has std(ŷ) = ‖W‖₂·s_x·√(1 + n_s/n_LO)/(2t√(η·n_port)), t the amplitude that \
         the mesh transmits",
    source: "docs/physics.md, Detection and noise; not the time-multiplexed homodyne of Hamerly et al. 2019",
    method: "laser, splitter error and loss → OpticalProduct, one vector 40 000 times, a local oscillator so weak that \
         n_s counts",
    criterion: "exact in n_s: 3 standard errors; mean outputs: 3 standard errors; t to 3 %, for paths of unequal length",
    rows,
};

const HARDWARE: &str = "[insertion_loss]\nloss_db = 0.3\n[splitter_error]\nsigma_rad = 0.02";
/// Full scale of the inputs.
const INPUT: f64 = 0.7;
/// Number of shots.
const SHOTS: usize = 40_000;

fn rows(setting: &Setting<'_>) -> Rows {
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
        let outputs = layer.repeated(setting, &x, SHOTS, draw)?;

        // Field at the detectors. The transmission t follows from the design: the gain is ‖W‖²/Re tr(W†Ŵ₀).
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
        for column in outputs.column_iter() {
            for (i, y) in column.iter().enumerate() {
                let normalised = (y - mean(i)) / deviation(i);
                squares.add(normalised * normalised);
                means.add(normalised);
            }
        }
        let weak = (0..4).map(|i| deviation(i).powi(2)).sum::<f64>() / 4.0;
        let strong = (norm * INPUT / (2.0 * t * (eta * n_port).sqrt())).powi(2);
        let label = |name: &str| format!("{name}, η = {eta:.2}");
        let check = Check::new(label("deviation over law, all outputs"), "1").law(1.0);
        rows.push(check.against("no n_s/n_LO", (strong / weak).sqrt()).near(squares.estimate().sqrt()));
        rows.push(Check::new(label("mean deviation over law"), "1").law(0.0).near(means.estimate()));
        for (i, output) in outputs.row_iter().enumerate() {
            let normalised: Mean = output.iter().map(|y| (y - mean(i)) / deviation(i)).collect();
            let check = Check::new(label(&format!("mean deviation over law, output {i}")), "1");
            rows.push(check.law(0.0).near(normalised.estimate()));
            let squares: Mean = output.iter().map(|y| (y - mean(i)).powi(2)).collect();
            let check = Check::new(label(&format!("std(ŷ) of output {i}")), "1").law(deviation(i));
            rows.push(check.against("a factor √2", deviation(i) * 2f64.sqrt()).near(squares.estimate().sqrt()));
        }
        // A field passes 2·3 cells on average and one attenuator, each of 0.3 dB.
        let law = 10f64.powf(-7.0 * 0.3 / 20.0);
        rows.push(Check::new(label("t"), "1").law(law).allow(0.03 * law).near(Estimate::exact(t)));
    }
    Ok(rows)
}
