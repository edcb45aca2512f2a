//! Short names and values of the axes of a parameter sweep, for tables and sentences.

use crate::input::grid::Point;
use crate::output::table::{Tables, swept_value};
use phaseloom_files::shortest;

/// Characters of a row of 80 that the names of several axes may take.
const MAX_NAMES: usize = 40;

impl Tables<'_> {
    /// Index and first key of each axis.
    pub(super) fn axes(&self) -> Vec<(usize, &str)> {
        let point = &self.points()[0];
        let mut axes: Vec<(usize, &str)> =
            point.axes.iter().copied().zip(point.levels.iter().map(|(k, _)| &**k)).collect();
        axes.dedup_by_key(|(axis, _)| *axis);
        axes
    }

    /// The short name of each axis: the last part of its first key, numbered if two axes have the same. Names that would
    /// leave no room for results are letters instead.
    pub(super) fn axis_names(&self) -> Vec<String> {
        let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
        let names: Vec<String> = self.axes().iter().map(|(_, key)| last(key)).collect();
        let is_double = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
        let numbered =
            |(i, name): (usize, &String)| if is_double(name) { format!("{name} {}", i + 1) } else { name.clone() };
        let named: Vec<String> = names.iter().enumerate().map(numbered).collect();
        let width: usize = named.iter().map(|name| name.chars().count() + 2).sum();
        if named.len() < 2 || width <= MAX_NAMES {
            return named;
        }
        ('a'..='z').map(String::from).chain((27..).map(|i| format!("axis {i}"))).take(named.len()).collect()
    }

    /// A line for each axis whose short name is not its only key: `sigma_rad: splitter_error.sigma_rad`.
    pub(super) fn long_keys(&self) -> Vec<String> {
        let point = &self.points()[0];
        let line = |(name, (axis, _)): (String, (usize, &str))| {
            let of_axis = point.levels.iter().zip(&point.axes).filter(|(_, a)| **a == axis);
            let keys: Vec<&str> = of_axis.map(|((key, _), _)| short(key)).collect();
            (keys != [name.as_str()]).then(|| format!("{name}: {}", keys.join(" = ")))
        };
        self.axis_names().into_iter().zip(self.axes()).filter_map(line).collect()
    }

    /// The value of each axis at a point.
    pub(super) fn axis_values(&self, point: &Point) -> Vec<String> {
        let at = |axis| point.axes.iter().position(|&a| a == axis).map(|i| plain(&point.levels[i].1));
        self.axes().iter().filter_map(|(axis, _)| at(*axis)).collect()
    }

    /// The values of a point with the names of their axes: `sigma_rad = 0.01`.
    pub(super) fn axis_names_and_values(&self, point: &Point) -> String {
        let pairs = self.axis_names().into_iter().zip(self.axis_values(point));
        pairs.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// A key without the name of the table that most keys of a sweep share.
pub(super) fn short(key: &str) -> &str {
    key.strip_prefix("process.").unwrap_or(key)
}

/// A swept value as text: a number without needless digits, 0 and not 0.0, with an exponent only if it is long.
fn plain(value: &serde_json::Value) -> String {
    const MAX_PLAIN: usize = 8;
    let text = |number: f64| match format!("{number}") {
        plain if plain.len() <= MAX_PLAIN => plain,
        _ => shortest(number),
    };
    value.as_f64().map_or_else(|| swept_value(value), text)
}
