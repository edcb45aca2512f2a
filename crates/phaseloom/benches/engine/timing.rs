//! What criterion found: medians of this run, their ratios and exponents.

use crate::common::seconds;
use crate::works::{OURS, REFERENCE, WORKS, Work};
use phaseloom::report::PowerLawFit;
use std::path::Path;
use std::time::SystemTime;

/// Median times of one work at one size (s).
pub struct Timing {
    pub work: &'static Work,
    pub size: usize,
    pub ours_s: f64,
    pub reference_s: f64,
}

impl Timing {
    pub fn ratio(&self) -> f64 {
        self.ours_s / self.reference_s
    }

    /// Our time for the smallest part of the work (ns).
    pub fn ns_per_item(&self) -> f64 {
        1e9 * self.ours_s / (self.work.items)(self.size) as f64
    }

    /// The same in words: `96.25 ns a cell`.
    pub fn per_item(&self) -> String {
        let ns = self.ns_per_item();
        let time = if ns < 1000.0 { format!("{ns:.2} ns") } else { seconds(1e-9 * ns) };
        format!("{time} a {}", self.work.item)
    }
}

/// The works of which both ways were measured since `started`; older ones that lie in the folder are not of this run.
pub fn since(started: SystemTime, folder: &Path) -> Vec<Timing> {
    let median_s = |work: &Work, way: &str, size: usize| -> Option<f64> {
        let path = folder.join(work.key).join(way).join(size.to_string()).join("new/estimates.json");
        let fresh = path.metadata().ok()?.modified().ok()? >= started;
        let estimates: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).ok()?).ok()?;
        fresh.then(|| Some(1e-9 * estimates["median"]["point_estimate"].as_f64()?))?
    };
    let of = |work: &'static Work, size: usize| {
        let (ours_s, reference_s) = (median_s(work, OURS, size)?, median_s(work, REFERENCE, size)?);
        Some(Timing { work, size, ours_s, reference_s })
    };
    WORKS.iter().flat_map(|work| work.sizes.iter().filter_map(move |&size| of(work, size))).collect()
}

/// Fitted exponents of N of a work: ours and the reference's.
pub fn growth(timings: &[Timing], work: &Work) -> (Option<PowerLawFit>, Option<PowerLawFit>) {
    let own = || timings.iter().filter(|timing| timing.work.key == work.key);
    let fit = |time: fn(&Timing) -> f64| PowerLawFit::new(&own().map(|t| (t.size as f64, time(t))).collect::<Vec<_>>());
    (fit(|t| t.ours_s), fit(|t| t.reference_s))
}

/// A line for each work and size, and the exponents behind the last of each.
pub fn print(timings: &[Timing]) {
    for (i, timing) in timings.iter().enumerate() {
        let Timing { work, size, ours_s, reference_s } = timing;
        let (ours, theirs) = (seconds(*ours_s), seconds(*reference_s));
        let (title, ratio, part, reference) = (work.title, timing.ratio(), timing.per_item(), work.reference);
        println!("{title:<42}{size:>6}{ours:>12}{theirs:>12}{ratio:>8.2}   {part:<26} ({reference})");
        let last = timings.get(i + 1).is_none_or(|next| next.work.key != work.key);
        if let (true, (Some(ours), Some(theirs))) = (last, growth(timings, work)) {
            println!("{:<42}  time ∝ N^p: p = {ours}, reference {theirs}", "");
        }
    }
}
