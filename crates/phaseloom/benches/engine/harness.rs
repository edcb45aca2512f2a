//! The harness: a work and its reference run in turn, and the ratio of their times is compared with a limit.
//!
//! A shared machine may change its clock from run to run. Two runs in turn see nearly the same clock, so the median of
//! their ratios is steadier than the ratio of two medians.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Times of a work and its reference (s, medians), and the median ratio of two runs in turn.
#[derive(Clone, Copy)]
pub struct Times {
    pub ours_s: f64,
    pub reference_s: f64,
    pub ratio: f64,
}

/// One work, size by size.
pub struct Work {
    /// Filters of the command line look for a part of this.
    pub key: String,
    /// Name in tables.
    pub title: String,
    pub reference: &'static str,
    /// Sizes N with the largest ratio allowed at each.
    pub limits: Vec<(usize, f64)>,
    /// The smallest part of the work, and the number of such parts at size N.
    pub item: (&'static str, fn(usize) -> usize),
    pub time: Box<dyn Fn(usize) -> Times>,
}

/// A work measured at one size.
pub struct Timing<'a> {
    pub work: &'a Work,
    pub size: usize,
    pub limit: f64,
    pub times: Times,
}

impl Timing<'_> {
    /// Our time for the smallest part of the work (ns).
    pub fn ns_per_item(&self) -> f64 {
        1e9 * self.times.ours_s / (self.work.item.1)(self.size) as f64
    }

    /// The same with its unit: `96.25 ns per cell`.
    pub fn per_item(&self) -> String {
        let ns = self.ns_per_item();
        let time = if ns < 1000.0 { format!("{ns:.2} ns") } else { seconds(1e-9 * ns) };
        format!("{time} per {}", self.work.item.0)
    }

    pub fn limit(&self) -> String {
        if self.limit.is_finite() { format!("{:.2}", self.limit) } else { "–".to_owned() }
    }

    pub fn print(&self) {
        let Times { ours_s, reference_s, ratio } = self.times;
        let verdict = if ratio <= self.limit { "ok" } else { "over" };
        println!(
            "{:<48}{:>6}{:>12}{:>12}{ratio:>8.2}{:>8}  {verdict:<5} {:<30} ({})",
            self.work.title,
            self.size,
            seconds(ours_s),
            seconds(reference_s),
            self.limit(),
            self.per_item(),
            self.work.reference
        );
    }
}

pub fn print_header() {
    println!("{:<48}{:>6}{:>12}{:>12}{:>8}{:>8}", "work", "N", "ours", "reference", "ratio", "limit");
}

/// The time of a work whose inputs are made from a size and a seed.
///
/// Several inputs take turns, so that no branch predictor learns one of them and an unusual one does not decide.
pub fn in_turn<T: 'static, A, B>(
    input: impl Fn(usize, u64) -> T + 'static,
    ours: impl Fn(&T) -> A + 'static,
    reference: impl Fn(&T) -> B + 'static,
) -> Box<dyn Fn(usize) -> Times> {
    Box::new(move |n| {
        let inputs: Vec<T> = (0..4).map(|seed| input(n, seed)).collect();
        alternate(&inputs, &ours, &reference)
    })
}

/// Runs ours and the reference in turn: at least five times each, then for 1.5 s or up to 2000 times.
pub fn alternate<T, A, B>(inputs: &[T], ours: impl Fn(&T) -> A, reference: impl Fn(&T) -> B) -> Times {
    let next = Cell::new(0);
    let time = |run: &dyn Fn(&T)| {
        let input = &inputs[next.get() % inputs.len()];
        let start = Instant::now();
        run(black_box(input));
        start.elapsed().as_secs_f64()
    };
    let (mut all_ours, mut all_references) = (Vec::new(), Vec::new());
    let start = Instant::now();
    for pair in 0..=2000 {
        let ours_s = time(&|input| drop(black_box(ours(input))));
        let reference_s = time(&|input| drop(black_box(reference(input))));
        next.set(next.get() + 1);
        // The first pair warms caches and the clock.
        if pair > 0 {
            all_ours.push(ours_s);
            all_references.push(reference_s);
        }
        if pair >= 5 && start.elapsed() > Duration::from_millis(1500) {
            break;
        }
    }
    let ratios = all_ours.iter().zip(&all_references).map(|(a, b)| a / b).collect();
    Times { ours_s: median(all_ours), reference_s: median(all_references), ratio: median(ratios) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A time with a unit. A difference of two measurements may be negative.
pub fn seconds(s: f64) -> String {
    match s {
        _ if s < 0.0 => format!("−{}", seconds(-s)),
        _ if s < 1e-6 => format!("{:.2} ns", s * 1e9),
        _ if s < 1e-3 => format!("{:.1} µs", s * 1e6),
        _ if s < 1.0 => format!("{:.2} ms", s * 1e3),
        _ => format!("{s:.2} s"),
    }
}
