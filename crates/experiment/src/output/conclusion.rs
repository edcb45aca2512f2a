//! The conclusion of a run: where the accuracy is kept, as a value and as a sentence.

use std::fmt;

/// A loss of accuracy up to this counts as none.
pub const TOLERATED_LOSS: f64 = 0.01;

/// Losses are differences of fractions, whose rounding must not decide. No test set has 10⁹ samples.
const ROUNDING: f64 = 1e-9;

/// The sentence names at most this number of points, and counts them beyond it.
const MAX_NAMED: usize = 5;

/// Accuracies at one point of a run, 0…1.
#[derive(Clone, Debug, PartialEq)]
pub struct PointAccuracy {
    /// The swept keys, such as `splitter_error.sigma_rad = `. Empty without a sweep.
    pub keys: String,
    /// The swept values as text.
    pub values: String,
    /// The value, if the only axis of the run has numbers.
    pub number: Option<f64>,
    /// Accuracy of the floating-point reference.
    pub exact: f64,
    /// Quantiles 0.1, 0.5 and 0.9 over chips.
    pub quantiles: [f64; 3],
}

impl PointAccuracy {
    /// Median over chips.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantiles[1]
    }

    /// Whether the median loses at most [`TOLERATED_LOSS`].
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.median() >= self.exact - TOLERATED_LOSS - ROUNDING
    }

    fn named(&self) -> String {
        format!("{}{}", self.keys, self.at())
    }

    fn at(&self) -> String {
        format!("{} ({})", self.values, percent(self.median()))
    }
}

/// Points at which a median loses at most [`TOLERATED_LOSS`]. Indices count the points of [`Conclusion::points`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All points.
    Everywhere,
    /// No point.
    Nowhere,
    /// The points from the smallest number up to this one.
    UpTo(usize),
    /// The points from this one up to the largest number.
    From(usize),
    /// A range that contains neither the smallest nor the largest number.
    Between(usize, usize),
    /// Points that are no range, or whose axes have no order.
    Points(Vec<usize>),
}

/// The conclusion of a run. [`Display`](fmt::Display) writes it as a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    points: Vec<PointAccuracy>,
    chips: usize,
    ordered: bool,
}

impl Conclusion {
    /// The conclusion from the accuracies at each point, for a number of chips per point. Points with numbers are sorted.
    pub(crate) fn new(mut points: Vec<PointAccuracy>, chips: usize) -> Self {
        let ordered = points.iter().all(|point| point.number.is_some());
        if ordered {
            points.sort_by(|a, b| a.number.unwrap_or(f64::NAN).total_cmp(&b.number.unwrap_or(f64::NAN)));
        }
        Self { points, chips, ordered }
    }

    /// The points, from the smallest to the largest number if the only axis of the run has numbers.
    #[must_use]
    pub fn points(&self) -> &[PointAccuracy] {
        &self.points
    }

    /// Whether the points are on one axis of numbers.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// The points that keep their accuracy.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let kept: Vec<usize> = (0..self.points.len()).filter(|&i| self.points[i].is_kept()).collect();
        let (Some(&first), Some(&last)) = (kept.first(), kept.last()) else { return Kept::Nowhere };
        let is_range = self.ordered && last - first + 1 == kept.len();
        match (first == 0, last + 1 == self.points.len()) {
            _ if kept.len() == self.points.len() => Kept::Everywhere,
            _ if !is_range => Kept::Points(kept),
            (true, _) => Kept::UpTo(last),
            (_, true) => Kept::From(first),
            _ => Kept::Between(first, last),
        }
    }

    /// The points of highest and of lowest median, the first of equal ones. `None` without a point.
    #[must_use]
    pub fn best_and_worst(&self) -> Option<(&PointAccuracy, &PointAccuracy)> {
        let by_median = |a: &&PointAccuracy, b: &&PointAccuracy| a.median().total_cmp(&b.median());
        // `max_by` returns the last of equal maxima.
        Some((self.points.iter().rev().max_by(by_median)?, self.points.iter().min_by(by_median)?))
    }

    /// The second half of the sentence.
    fn claim(&self) -> String {
        let Some((best, worst)) = self.best_and_worst() else { return "has no point".to_owned() };
        if let [point] = &self.points[..] {
            let [low, median, high] = point.quantiles.map(percent);
            return if self.chips == 1 {
                format!("has {median}")
            } else {
                format!("is {median} (10–90 %: {low} to {high})")
            };
        }
        let equal = best.median().total_cmp(&worst.median()).is_eq();
        let each = || format!("{} at each", percent(best.median()));
        let half = if worst.median() < 0.5 * worst.exact { ", less than half of the exact accuracy" } else { "" };
        let lowest = |keys: &str| format!("{keys}{} ({}{half})", worst.values, percent(worst.median()));
        let at = |i: usize| self.points[i].at();
        let named = |i: usize| self.points[i].named();
        let (most, more) = ("loses at most one percentage point", "loses more than one percentage point");
        match self.kept() {
            Kept::Everywhere if equal => format!("{most} at every point ({})", each()),
            Kept::Nowhere if equal => format!("{more} at every point ({})", each()),
            Kept::Everywhere => format!("{most} at every point, and is lowest at {}", lowest(&worst.keys)),
            Kept::Nowhere => format!(
                "{more} at every point; it is highest at {} and lowest at {}",
                best.named(),
                lowest(if self.ordered { "" } else { &worst.keys })
            ),
            Kept::UpTo(last) => {
                let (last, next) = (named(last), at(last + 1));
                format!("{most} up to {last}, and more from {next} on; it is lowest at {}", lowest(""))
            }
            Kept::From(first) => {
                let (first, before) = (named(first), at(first - 1));
                format!("{most} from {first} on, and more up to {before}; it is lowest at {}", lowest(""))
            }
            Kept::Between(first, last) => {
                let range = if first == last {
                    format!("only at {}", named(first))
                } else {
                    format!("only from {} to {}", named(first), at(last))
                };
                format!("{most} {range}; it is lowest at {}", lowest(""))
            }
            Kept::Points(kept) => {
                let share = format!("{} of {} points", kept.len(), self.points.len());
                let list = || kept.iter().map(|&i| at(i)).collect::<Vec<_>>().join(", ");
                if !self.ordered {
                    let (best, worst) = (best.named(), lowest(&worst.keys));
                    format!("{most} at {share}; it is highest at {best} and lowest at {worst}")
                } else if kept.len() <= MAX_NAMED {
                    let keys = &self.points[0].keys;
                    format!(
                        "{most} at {share} that are no single range ({keys}{}); it is lowest at {}",
                        list(),
                        lowest("")
                    )
                } else {
                    format!("{most} at {share} that are no single range; it is lowest at {}", lowest(&worst.keys))
                }
            }
        }
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = || self.points.iter().map(|point| point.exact);
        let (low, high) = (exact().fold(f64::INFINITY, f64::min), exact().fold(f64::NEG_INFINITY, f64::max));
        let exact = if low < high { format!("{} to {}", percent(low), percent(high)) } else { percent(high) };
        let subject =
            if self.chips == 1 { "one chip".to_owned() } else { format!("the median of {} chips", self.chips) };
        write!(f, "Exact accuracy {exact}; {subject} {}.", self.claim())
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

#[cfg(test)]
mod tests;
