//! The extinction ratio of one interferometer as a function of its splitter errors and unequal arms.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "extinction",
    sentence: "The extinction of the bar port is cos²(α−β)/sin²(α+β), of the cross port cos²(α+β)/sin²(α−β); unequal arms \
         1 and r leave (1−r)²/4",
    source: "docs/physics.md, Cells; numbers of a NumPy program",
    method: "one chip of two modes, programmed as bar and as cross; ratio of the powers of the two realised matrices",
    criterion: "formulas: 1e-8 relative, for 1e-16 of an amplitude above 1e-8; printed numbers: half a unit of their last \
         digit",
    rows,
};

/// The chip as bar and as cross.
fn bar_and_cross(setting: &Setting<'_>, text: &str, trial: u64) -> Result<(Matrix, Matrix, f64, f64), ValidationError> {
    let bar = unitary(&Matrix::identity(2, 2), "rectangular")?;
    let exchange = Matrix::from_row_slice(2, 2, &[0.0.into(), 1.0.into(), 1.0.into(), 0.0.into()]);
    let cross = unitary(&exchange, "rectangular")?;
    let chip = setting.chip(&process(text)?, &bar, trial)?;
    let cell = chip.stages()[0].cell_errors[0];
    Ok((chip.matrix(&bar)?, chip.matrix(&cross)?, cell.alpha, cell.beta))
}

fn rows(setting: &Setting<'_>) -> Rows {
    let differences = setting.draws(1000, |trial| {
        let (bar, cross, a, b) = bar_and_cross(setting, "[splitter_error]\nsigma_rad = 0.02", trial)?;
        let upper = bar[(0, 0)].norm_sqr() / cross[(0, 0)].norm_sqr();
        let lower = cross[(1, 0)].norm_sqr() / bar[(1, 0)].norm_sqr();
        let bar_law = ((a - b).cos() / (a + b).sin()).powi(2);
        let cross_law = ((a + b).cos() / (a - b).sin()).powi(2);
        Ok(((upper / bar_law - 1.0).abs(), (lower / cross_law - 1.0).abs()))
    })?;
    let mut rows = vec![
        Check::new("bar port, largest relative difference", "1")
            .at_most(1e-8, largest(differences.iter().map(|d| d.0))),
        Check::new("cross port, largest relative difference", "1")
            .at_most(1e-8, largest(differences.iter().map(|d| d.1))),
    ];
    // |α+β|, ratio (dB), and half a unit of the last digit of the coarser of the two (dB). The angle of 25 dB is .05626,
    // which rounds to .0563. A printed .0562 is its sine, 10^(−25/20).
    let printed = [(0.0283, 31.0, 0.05), (0.0563, 25.0, 0.008), (0.0316, 30.0, 0.014), (0.001, 60.0, 0.005)];
    for (sum, db, half) in printed {
        let text = format!("[splitter_error]\nmean_rad = {:?}", sum / 2.0);
        let (bar, cross, ..) = bar_and_cross(setting, &text, 0)?;
        let ratio = Estimate::exact(bar[(0, 0)].norm_sqr() / cross[(0, 0)].norm_sqr()).decibel();
        let check = Check::new(format!("extinction of |α+β| = {sum}"), "dB").reference(db, 0.0).allow(half);
        let check = if db > 24.0 && db < 26.0 { check.note("a printed .0562 is the sine of the angle") } else { check };
        rows.push(check.against("half the angle", db + 20.0 * 2f64.log10()).near(ratio));
    }
    for imbalance in [0.2_f64, 2.0] {
        let text = format!("[insertion_loss]\nimbalance_db = {imbalance:?}");
        let (_, cross, ..) = bar_and_cross(setting, &text, 0)?;
        let law = (1.0 - 10f64.powf(-imbalance / 20.0)).powi(2) / 4.0;
        let check = Check::new(format!("leakage of arms that differ by {imbalance} dB"), "1").law(law);
        rows.push(check.allow(1e-8 * law).near(Estimate::exact(cross[(0, 0)].norm_sqr())));
    }
    Ok(rows)
}
