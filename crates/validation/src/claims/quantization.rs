//! Phases rounded to the codes of a converter, uniform in phase or in voltage.

use super::prelude::*;
use std::f64::consts::{PI, SQRT_2, TAU};

pub(super) const CLAIM: Claim = Claim {
    key: "phase_quantization",
    sentence: "Codes uniform in phase, Δ = 2π/2^b, make E = √N·Δ/√12; of 8 bits uniform in voltage a phase is off by .0101 \
         rms and .0246 at most",
    source: "docs/physics.md, Converters; a NumPy program has .0414 for a law of .0401 at N = 32, b = 8",
    method: "phase_quantization → driven phases → chips of Haar unitaries; for voltages the drive of the uniform φ alone",
    criterion: "next order: Δ²N/48 relative, and Δ² for θ of the corner cells, which use all codes; voltages: half an LSB, \
         1/255 relative, for the ends",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    for (topology, n, bits, unitaries) in [
        ("rectangular", 4_usize, 10, 12_000),
        ("rectangular", 16, 10, 2000),
        ("rectangular", 32, 8, 2000),
        ("triangular", 4, 10, 12_000),
        ("triangular", 16, 10, 2000),
    ] {
        let step = TAU / 2f64.powi(bits);
        let mesh = Mesh { modes: n, topology, unitaries, chips: 1, first: 0 };
        let text = format!("[phase_quantization]\nbits = {bits}");
        let error = setting.mean(mesh, &text, error_squared)?.estimate().sqrt();
        let size = n as f64;
        let law = size.sqrt() * step / 12f64.sqrt();
        let name = if topology == "rectangular" { String::new() } else { format!("{topology}, ") };
        let check = Check::new(format!("E, {name}N = {n}, {bits} bits"), "1").law(law);
        let check = check.allow(law * step * step * (size / 48.0 + 1.0));
        let check = if n == 32 { check.note("an independent program has .0414, of one draw") } else { check };
        rows.push(check.against("N−1 for N", law * ((size - 1.0) / size).sqrt()).near(error));
    }
    let process = process("[phase_quantization]\nbits = 8\nuniform_in = \"voltage\"")?;
    let errors = setting.draws(400, |draw| {
        let program = unitary(&setting.haar(32, draw), "rectangular")?;
        let driven = process.drive(&program);
        let pairs = program.stages()[0].phases().phi().iter().zip(driven[0].phi());
        Ok(pairs.map(|(target, driven)| (driven - target + PI).rem_euclid(TAU) - PI).collect::<Vec<f64>>())
    })?;
    let squares: Mean = errors.iter().flatten().map(|e| e * e).collect();
    let rms = squares.estimate().sqrt();
    let law = TAU * SQRT_2 / 255.0 / 12f64.sqrt();
    let check = Check::new("error of φ in voltage, rms", "rad").law(law).allow(law / 255.0);
    let uniform = TAU / 256.0 / 12f64.sqrt();
    rows.push(check.against("uniform in phase", uniform).note("a printed value is .01003").near(rms));
    let check = Check::new("error of φ in voltage, largest", "rad").law(TAU / 255.0).allow(TAU / 255.0 / 255.0);
    rows.push(check.near(largest(errors.iter().flatten().map(|e| e.abs()))));
    Ok(rows)
}
