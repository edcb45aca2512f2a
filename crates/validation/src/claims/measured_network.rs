//! Pai 2023: a real chip, fitted on one half of its outputs, predicted on the other.

use super::measured_chip::data::{Data, SOURCE};
use super::measured_chip::{MeasuredChip, ModelResult, Uncertain, measured_chip};
use super::prelude::*;
use std::path::Path;

pub(super) const CLAIM: Claim = Claim {
    key: "pai_2023_chip",
    sentence: "Splitter and phase errors fitted to half of the outputs of a real 4-port chip predict the other half better than a bias does",
    source: "Pai et al., Science 380, 398 (2023); data: GitHub solgaardlab/photonicbackprop, 6558ca0 (MIT), read from PHASELOOM_DATA",
    method: "levels by the evidence of 125 points, most probable chip → power fractions of the other 125; one chip is one draw",
    criterion: "p0 of the ideal network recomputed to 1e-6; mean gain in squared error over ideal + bias above 0 by 3 s.e., both ways",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let skipped = |reason: String| Ok(vec![Check::new("power fractions", "1").skipped(&reason)]);
    if setting.quick {
        return skipped("takes minutes: run without --quick".into());
    }
    let folder = std::env::var_os("PHASELOOM_DATA").unwrap_or_default();
    let folder = Path::new(&folder).join("photonic-mesh-4x4");
    if !Data::is_in(&folder) {
        return skipped(format!("no data in PHASELOOM_DATA; their public source is {SOURCE}"));
    }
    Ok(table(&measured_chip(&folder)?))
}

fn table(measured: &MeasuredChip) -> Vec<Row> {
    let recomputed = Estimate::exact(measured.p0_recomputed);
    let mut rows = vec![Check::new("largest difference of p0, ideal network", "1").at_most(1e-6, recomputed)];
    let uncertain = |(value, error): Uncertain| format!("{value:.4} ± {error:.4}");
    for split in &measured.splits {
        for (name, model) in ["splitters, phases", "the same and unequal arms"].into_iter().zip(&split.models) {
            let (value, error) = model.gain;
            let gain = Estimate { value, error, draws: split.held_out as u64 };
            let note = format!(
                "rms of the fraction: ideal {}, with bias {}, ours {}; {}",
                uncertain(split.ideal),
                uncertain(split.biased),
                uncertain(model.held_out),
                levels(model)
            );
            let check = Check::new(format!("gain, {name}, {}", split.name), "1").note(note);
            // 50 test points are too few for three standard errors of such a gain: reported, not judged.
            rows.push(if split.held_out >= 100 {
                check.at_least(0.0, gain)
            } else {
                check.skipped(&format!("{} points do not decide: gain {value:.1e} ± {error:.1e}", split.held_out))
            });
        }
    }
    let cosines: Vec<String> = measured.measured_cosines.iter().map(|c| format!("{c:.3}")).collect();
    let of_model = |model: usize| -> String {
        let cosines = measured.model_cosines.get(model).into_iter().flatten();
        cosines.map(|(mean, error)| format!("{mean:.3} ± {error:.3}")).collect::<Vec<_>>().join(", ")
    };
    rows.push(Check::new("cosine of measured and ideal gradients", "1").skipped(&format!(
        "no direct comparison, because points, weights and phases of the measured ones are not published: measured {}, \
         ours {}, with unequal arms {}",
        cosines.join(", "),
        of_model(0),
        of_model(1),
    )));
    rows
}

/// Levels with their 95 % bounds.
fn levels(model: &ModelResult) -> String {
    let levels = model.levels.iter().map(|(level, profile)| {
        format!("{level:?} {:.4} (95 %: {:.4}…{:.4})", profile.best, profile.bounds_95.0, profile.bounds_95.1)
    });
    format!("{}; bias {:.3} ± {:.3}", levels.collect::<Vec<_>>().join(", "), model.bias.0, model.bias.1)
}
