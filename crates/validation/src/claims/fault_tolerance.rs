//! Cells whose corrected error does not grow with the mesh: three splitters, or a crossing.

use super::prelude::*;
use phaseloom_mesh::Cell;

pub(super) const CLAIM: Claim = Claim {
    key: "fault_tolerance",
    sentence: "After local correction, three splitters leave 4√2·σ²√(1−3/N), a crossing 4/√3·μ² of errors that all share, \
         for every N; plain cells N·μ²·2√2/3",
    source: "docs/physics.md, Corrections; Hamerly, Bandyopadhyay, Englund 2022",
    method: "splitter_error, random or common, → chips of Haar unitaries of each cell → `local` → rms of E; share of \
         chips with no cell out of reach",
    criterion: "d ln E/d ln N within ±.1 from N = 16 on; prefactors of first order within 10 %, of a crossing within 25 % \
         (an independent program had 19 % at N = 64), each plus 3 standard errors; coverage within 3 standard errors \
         + .03 of next order",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let local = correction("local")?;
    // rms of E after correction, and the share of chips without a cell out of reach.
    let measured = |cell: Cell, n: usize, text: &str, count: u64| -> Result<(Estimate, Estimate), ValidationError> {
        let (process, design) = (process(text)?, MeshDesign::new(topology("rectangular")?, cell)?);
        let results = setting.draws(count, |draw| {
            let program = programmed(&setting.haar(n, 500_000 + draw), &design)?;
            let chip = setting.chip(&process, &program, 500_000 + draw)?;
            let corrected = correct(&chip, &program, local, &Instruments::default())?;
            Ok((corrected.after.error.powi(2), corrected.result.clipped_cells == Some(0)))
        })?;
        let error: Mean = results.iter().map(|d| d.0).collect();
        let covered: Mean = results.iter().map(|d| f64::from(u8::from(d.1))).collect();
        Ok((error.estimate().sqrt(), covered.estimate()))
    };
    let mut rows = Vec::new();
    let sigma = 0.05_f64;
    let mut points = Vec::new();
    for (n, quick, full) in [(16, 200, 1000), (32, 100, 500), (64, 30, 200), (128, 8, 60)] {
        let text = format!("[splitter_error]\nsigma_rad = {sigma:?}");
        let (error, _) = measured(Cell::ThreeSplitters, n, &text, setting.pick(quick, full))?;
        let law = 4.0 * std::f64::consts::SQRT_2 * sigma * sigma * (1.0 - 3.0 / n as f64).sqrt();
        points.push(((n as f64).ln(), error.value.ln(), error.error / error.value));
        let check = Check::new(format!("three splitters, N = {n}, σ = {sigma}"), "1").law(law).allow(0.1 * law);
        rows.push(check.near(error));
    }
    let (value, error) = slope(&points);
    let slope = Estimate { value, error, draws: points.len() as u64 };
    rows.push(Check::new("d ln E/d ln N, three splitters, N = 16…128", "1").law(0.0).allow(0.1).near(slope));
    for (n, sigma) in [(16, 0.05_f64), (32, 0.03)] {
        let text = format!("[splitter_error]\nsigma_rad = {sigma:?}");
        let (_, covered) = measured(Cell::ThreeSplitters, n, &text, setting.pick(300, 2000))?;
        let law = (-16.0 * (n as f64 - 3.0) * sigma * sigma).exp();
        let check = Check::new(format!("coverage, three splitters, N = {n}, σ = {sigma}"), "1").law(law).allow(0.03);
        rows.push(check.near(covered));
    }
    let common = 0.05_f64;
    for n in [32, 64] {
        let text = format!("[splitter_error]\nmean_rad = {common:?}");
        let count = setting.pick(30, 200);
        let (plain, _) = measured(Cell::Mzi, n, &text, count)?;
        let law = 2.0 * std::f64::consts::SQRT_2 / 3.0 * n as f64 * common * common;
        let check = Check::new(format!("plain cells, common μ = {common}, N = {n}"), "1").law(law).allow(0.1 * law);
        rows.push(check.near(plain));
        let (crossed, _) = measured(Cell::Crossing, n, &text, count)?;
        let law = 4.0 / 3f64.sqrt() * common * common;
        let check = Check::new(format!("crossings, common μ = {common}, N = {n}"), "1").law(law).allow(0.25 * law);
        rows.push(check.near(crossed));
    }
    Ok(rows)
}
