//! The conclusion of a run: where the score, such as the accuracy, is kept, as a value and as a sentence.

use crate::score::{Better, Quantity, Score};
use std::fmt;

/// Losses are differences of rounded numbers, whose rounding must not decide. No test set has 10⁹ samples.
const ROUNDING: f64 = 1e-7;

/// The sentence names at most this number of points, and counts them beyond it.
const MAX_NAMED: usize = 5;

/// Scores at one point of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct PointScore {
    /// The swept keys, such as `splitter_error.sigma_rad = `. Empty without a sweep.
    pub keys: String,
    /// The swept values as text.
    pub values: String,
    /// The value, if the only axis of the run has numbers.
    pub number: Option<f64>,
    /// Score of the floating-point reference.
    pub exact: f64,
    /// Quantiles 0.1, 0.5 and 0.9 over chips.
    pub quantiles: [f64; 3],
    /// A loss up to this counts as none.
    pub tolerance: f64,
}

impl PointScore {
    /// Median over chips.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantiles[1]
    }

    fn named(&self, score: &Score) -> String {
        format!("{}{}", self.keys, self.at(score))
    }

    /// As [`PointScore::named`], with other values at which the score is the same.
    fn named_with(&self, values: &str, score: &Score) -> String {
        format!("{}{values} ({})", self.keys, score.quantity.text(self.median()))
    }

    fn at(&self, score: &Score) -> String {
        format!("{} ({})", self.values, score.quantity.text(self.median()))
    }
}

/// Points at which a median loses at most the tolerated loss. Indices count the points of [`Conclusion::points`].
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
    points: Vec<PointScore>,
    chips: usize,
    ordered: bool,
    score: Score,
}

impl Conclusion {
    /// The conclusion from the scores at each point, for a number of chips per point. Points with numbers are sorted.
    pub(crate) fn new(mut points: Vec<PointScore>, chips: usize, score: Score) -> Self {
        let ordered = points.iter().all(|point| point.number.is_some());
        if ordered {
            points.sort_by(|a, b| a.number.unwrap_or(f64::NAN).total_cmp(&b.number.unwrap_or(f64::NAN)));
        }
        Self { points, chips, ordered, score }
    }

    /// The points, from the smallest to the largest number if the only axis of the run has numbers.
    #[must_use]
    pub fn points(&self) -> &[PointScore] {
        &self.points
    }

    /// Whether the points are on one axis of numbers.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// Whether the median at a point loses at most the tolerated loss.
    #[must_use]
    pub fn is_kept(&self, point: &PointScore) -> bool {
        self.score.loss(point.exact, point.median()) <= point.tolerance * (1.0 + ROUNDING)
    }

    /// The points that keep their score.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let kept: Vec<usize> = (0..self.points.len()).filter(|&i| self.is_kept(&self.points[i])).collect();
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

    /// The points of best and of worst median, the first of equal ones. `None` without a point.
    #[must_use]
    pub fn best_and_worst(&self) -> Option<(&PointScore, &PointScore)> {
        let by_median = |a: &&PointScore, b: &&PointScore| match self.score.better {
            Better::Higher => a.median().total_cmp(&b.median()),
            Better::Lower => b.median().total_cmp(&a.median()),
        };
        // `max_by` returns the last of equal maxima.
        Some((self.points.iter().rev().max_by(by_median)?, self.points.iter().min_by(by_median)?))
    }

    /// The values of the points with the same median as one of them.
    fn ties(&self, point: &PointScore) -> String {
        let is_equal = |other: &&PointScore| other.median().total_cmp(&point.median()).is_eq();
        ties(self.points.iter().filter(is_equal).map(|other| other.values.clone()))
    }

    /// The second half of the sentence.
    fn claim(&self) -> String {
        let text = |value: f64| self.score.quantity.text(value);
        let Some((best, worst)) = self.best_and_worst() else { return "has no point".to_owned() };
        if let [point] = &self.points[..] {
            let [low, median, high] = point.quantiles.map(text);
            return if self.chips == 1 {
                format!("has {median}")
            } else {
                format!("is {median} (10–90 %: {low} to {high})")
            };
        }
        let equal = best.median().total_cmp(&worst.median()).is_eq();
        let each = || format!("{} at each", text(best.median()));
        let far = self.far(worst);
        let lowest = |keys: &str| format!("{keys}{} ({}{far})", self.ties(worst), text(worst.median()));
        let best_points = || best.named_with(&self.ties(best), &self.score);
        let at = |i: usize| self.points[i].at(&self.score);
        let named = |i: usize| self.points[i].named(&self.score);
        let (most, more) = (self.score.within, self.score.beyond);
        let (highest, low) = match self.score.better {
            Better::Higher => ("highest", "lowest"),
            Better::Lower => ("lowest", "highest"),
        };
        match self.kept() {
            Kept::Everywhere if equal => format!("{most} at every point ({})", each()),
            Kept::Nowhere if equal => format!("{more} at every point ({})", each()),
            Kept::Everywhere => format!("{most} at every point, and is {low} at {}", lowest(&worst.keys)),
            Kept::Nowhere => format!(
                "{more} at every point; it is {highest} at {} and {low} at {}",
                best_points(),
                lowest(if self.ordered { "" } else { &worst.keys })
            ),
            Kept::UpTo(last) => {
                let (last, next) = (named(last), at(last + 1));
                format!("{most} up to {last}, and more from {next} on; it is {low} at {}", lowest(""))
            }
            Kept::From(first) => {
                let (first, before) = (named(first), at(first - 1));
                format!("{most} from {first} on, and more up to {before}; it is {low} at {}", lowest(""))
            }
            Kept::Between(first, last) => {
                let range = if first == last {
                    format!("only at {}", named(first))
                } else {
                    format!("only from {} to {}", named(first), at(last))
                };
                format!("{most} {range}; it is {low} at {}", lowest(""))
            }
            Kept::Points(kept) => {
                let share = format!("{} of {} points", kept.len(), self.points.len());
                let list = || kept.iter().map(|&i| at(i)).collect::<Vec<_>>().join(", ");
                if !self.ordered {
                    let (best, worst) = (best_points(), lowest(&worst.keys));
                    format!("{most} at {share}; it is {highest} at {best} and {low} at {worst}")
                } else if kept.len() <= MAX_NAMED {
                    let keys = &self.points[0].keys;
                    format!(
                        "{most} at {share} that are no single range ({keys}{}); it is {low} at {}",
                        list(),
                        lowest("")
                    )
                } else {
                    format!("{most} at {share} that are no single range; it is {low} at {}", lowest(&worst.keys))
                }
            }
        }
    }

    /// A remark on a point that is far worse than the reference.
    fn far(&self, point: &PointScore) -> String {
        let reference = if self.score.has_reference { " of the reference" } else { "" };
        match self.score.better {
            Better::Higher if point.median() < 0.5 * point.exact => format!(", less than half{reference}"),
            Better::Lower if self.score.has_reference && point.median() > 2.0 * point.exact => {
                ", more than twice the reference".to_owned()
            }
            _ => String::new(),
        }
    }
}

/// Places that share a value: `0.01`, `0.01 and 0.02`, `0.01, 0.02 and 3 others`.
pub(super) fn ties(places: impl Iterator<Item = String>) -> String {
    let places: Vec<String> = places.collect();
    match &places[..] {
        [] => String::new(),
        [place] => place.clone(),
        [first @ .., last] if places.len() <= MAX_NAMED => format!("{} and {last}", first.join(", ")),
        all => format!("{} and {} others", all[..2].join(", "), all.len() - 2),
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quantity { title, .. } = self.score.quantity;
        if self.score.has_reference {
            let text = |value: f64| self.score.quantity.text(value);
            let exact = || self.points.iter().map(|point| point.exact);
            let (low, high) = (exact().fold(f64::INFINITY, f64::min), exact().fold(f64::NEG_INFINITY, f64::max));
            let exact = if low < high { format!("{} to {}", text(low), text(high)) } else { text(high) };
            write!(f, "Floating-point {title} {exact}; ")?;
        } else {
            let (first, rest) = title.split_at(title.chars().next().map_or(0, char::len_utf8));
            write!(f, "{}{rest} (without labels): ", first.to_uppercase())?;
        }
        let subject =
            if self.chips == 1 { "one chip".to_owned() } else { format!("the median of {} chips", self.chips) };
        write!(f, "{subject} {}.", self.claim())
    }
}

#[cfg(test)]
mod tests;
