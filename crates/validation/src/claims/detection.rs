//! Counting statistics of one detector and of balanced homodyne detection.

use super::prelude::*;
use crate::layer::{laser_w, responsivity};

pub(super) const CLAIM: Claim = Claim {
    key: "detection",
    sentence: "One detector counts Poisson: std(n) = √n, std(√n) = ½; balanced homodyne measures Re a to ½/√η in units of \
         √photon, for every a",
    source: "docs/physics.md, Detection and noise; .5000 and, for η = .5, .7082 of a NumPy program",
    method: "laser and shot noise → OpticalProduct of one port → repeated outputs for one vector",
    criterion: "std(√n): 3/(16n) relative; homodyne: n_s/(2n_LO) relative; else 3 standard errors",
    rows,
};

/// Share of the power in the local oscillator: 1000 times the signal.
const STRONG: f64 = 1000.0 / 1001.0;

fn rows(setting: &Setting<'_>) -> Rows {
    let one = DMatrix::from_element(1, 1, 1.0);
    let mut rows = Vec::new();
    for (index, n) in (0..).zip([5.0, 400.0, 1e4]) {
        let link = format!(
            "detection = \"direct\"\nlaser_power_w = {:?}\nresponsivity_a_per_w = {:?}\nshot_noise = true",
            laser_w(n, 1, 0.0),
            responsivity(1.0)
        );
        let outputs = Layer::new(&one, 1, "", &link, 1.0)?.repeated(setting, &[1.0], 1_000_000, index)?;
        // The product returns |y| = √(counts/n).
        let counts: Vec<f64> = outputs.iter().map(|y| y * y * n).collect();
        let mean = counts.iter().copied().collect::<Mean>().estimate();
        rows.push(Check::new(format!("mean count, n = {n}"), "photons").law(n).near(mean));
        let squares: Mean = counts.iter().map(|c| (c - n).powi(2)).collect();
        let check = Check::new(format!("std(n), n = {n}"), "photons").law(n.sqrt());
        rows.push(check.against("a factor √2", (2.0 * n).sqrt()).near(squares.estimate().sqrt()));
        if n < 10.0 {
            let empty: Mean = counts.iter().map(|&c| if c < 0.5 { 1.0 } else { 0.0 }).collect();
            let check = Check::new(format!("P(0), n = {n}"), "1").law((-n).exp());
            // A normal law rounded to whole counts ≥ 0 has Φ((½ − n)/√n) = .0221 at n = 5.
            rows.push(check.against("a normal law", 0.0221).near(empty.estimate()));
        } else {
            let roots: Vec<f64> = counts.iter().map(|c| c.sqrt()).collect();
            let mean = roots.iter().sum::<f64>() / roots.len() as f64;
            let squares: Mean = roots.iter().map(|r| (r - mean).powi(2)).collect();
            let check = Check::new(format!("std(√n), n = {n}"), "√photon").law(0.5).allow(0.5 * 3.0 / (16.0 * n));
            rows.push(check.near(squares.estimate().sqrt()));
        }
    }
    for (index, (eta, x)) in (10..).zip([(1.0, 0.0), (0.5, 0.0), (1.0, 0.9), (1.0, -0.5)]) {
        // 100 photons of signal, 100 000 of oscillator.
        let photons = 100.0;
        let link = format!(
            "laser_power_w = {:?}\nlo_fraction = {STRONG:?}\nresponsivity_a_per_w = {:?}\nshot_noise = true",
            laser_w(photons, 1, STRONG),
            responsivity(eta)
        );
        let outputs = Layer::new(&one, 1, "", &link, 1.0)?.repeated(setting, &[x], 200_000, index)?;
        let squares: Mean = outputs.iter().map(|y| (y - x).powi(2) * photons).collect();
        let law = 0.5 / eta.sqrt();
        let check = Check::new(format!("std(Re a), η = {eta}, a/a_max = {x}"), "√photon").law(law);
        let check = check.allow(law * x * x / 2000.0).against("a factor √2", law * 2f64.sqrt());
        rows.push(check.near(squares.estimate().sqrt()));
    }
    Ok(rows)
}
