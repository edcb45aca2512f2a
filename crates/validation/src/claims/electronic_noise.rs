//! Shot, thermal and intensity noise of one direct detector as signal-to-noise ratio (SNR) and effective number of bits (ENOB).
//!
//! ENOB = (SNR/dB − 1.76)/6.02.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "electronic_noise",
    sentence: "B = 5 GHz, 1 A/W, 5 kΩ, −145 dB/Hz give 17.4, 34.7, 44.8 and 47.6 dB (2.60, 5.47, 7.14, 7.61 bits) at 1, \
         10, 100 µW and 1 mW",
    source: "docs/physics.md, Detection and noise; values of a NumPy program",
    method: "link with shot, thermal and intensity noise → OpticalProduct, direct → variance of the measured power",
    criterion: "half a unit of the last digit printed: .05 dB, .005 bits",
    rows,
};

/// Power (W), its name, SNR (dB) and ENOB (bits).
const TABLE: [(f64, &str, f64, f64); 4] =
    [(1e-6, "1 µW", 17.4, 2.60), (1e-5, "10 µW", 34.7, 5.47), (1e-4, "100 µW", 44.8, 7.14), (1e-3, "1 mW", 47.6, 7.61)];

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    for (index, (power_w, name, db, bits)) in (0..).zip(TABLE) {
        let link = format!(
            "detection = \"direct\"\nsymbol_rate_hz = 1e10\nbandwidth_hz = 5e9\nlaser_power_w = {power_w:?}\n\
             shot_noise = true\n[thermal_noise]\nfeedback_ohm = 5000.0\ntemperature_k = 300.0\n\
             [intensity_noise]\nrin_db_per_hz = -145.0"
        );
        let layer = Layer::new(&DMatrix::from_element(1, 1, 1.0), 1, "", &link, 1.0)?;
        let outputs = layer.repeated(setting, &[1.0], 400_000, index)?;
        // The product returns √I in units of the full field.
        let variance: Mean = outputs.iter().map(|y| (y * y - 1.0).powi(2)).collect();
        let snr = variance.estimate().map(f64::recip, variance.estimate().value.powi(-2)).decibel();
        let check = Check::new(format!("SNR, {name}"), "dB").reference(db, 0.0).allow(0.05);
        rows.push(check.against("a factor √2 of noise", db - 10.0 * 2f64.log10()).near(snr));
        let enob = snr.map(|db| (db - 1.76) / 6.02, 1.0 / 6.02);
        rows.push(Check::new(format!("ENOB, {name}"), "bits").reference(bits, 0.0).allow(0.005).near(enob));
    }
    Ok(rows)
}
