//! The role of each swept key in a figure: x axis, tied to x, or one line per value.

use crate::summary::{Level, Outcome, Summary};
use std::collections::HashSet;

/// The keys of a sweep, by their indices in [`Summary::keys`].
///
/// The first numeric key that varies is x, or the first key that varies if none is numeric. A key with one value at each
/// x is tied to x. Every combination of the other keys is one line.
#[derive(Default)]
pub(crate) struct FigureAxes {
    /// None if nothing varies.
    pub x: Option<usize>,
    /// Levels of x: numbers in increasing order, words in the order of the table.
    pub x_levels: Vec<Level>,
    pub x_is_numeric: bool,
    /// Keys that vary with x.
    pub tied: Vec<usize>,
    /// Keys that distinguish the lines.
    pub grouping: Vec<usize>,
    /// Levels of the grouping keys, one list per line; at least one.
    pub groups: Vec<Vec<Level>>,
}

impl FigureAxes {
    pub(crate) fn new(summary: &Summary) -> Self {
        let levels: Vec<Vec<Level>> = (0..summary.keys.len()).map(|key| distinct(summary, &[key]).concat()).collect();
        let is_numeric = |key: usize| levels[key].iter().all(|level| level.number().is_some());
        let varying: Vec<usize> = (0..levels.len()).filter(|&key| levels[key].len() > 1).collect();
        let x = varying.iter().copied().find(|&key| is_numeric(key)).or(varying.first().copied());
        let Some(x) = x else {
            return Self { groups: vec![Vec::new()], ..Self::default() };
        };
        let others = varying.into_iter().filter(|&key| key != x);
        let (tied, grouping) = others.partition(|&key| distinct(summary, &[x, key]).len() == levels[x].len());
        Self {
            x: Some(x),
            x_levels: levels[x].clone(),
            x_is_numeric: is_numeric(x),
            tied,
            groups: distinct(summary, &grouping),
            grouping,
        }
    }

    /// The position of a row on x: the number itself, or the index of the word.
    pub(crate) fn x_of(&self, outcome: &Outcome) -> Option<f64> {
        let level = outcome.levels.get(self.x?)?.as_ref()?;
        if self.x_is_numeric {
            return level.number();
        }
        self.x_levels.iter().position(|other| other == level).map(|index| index as f64)
    }

    /// The line of a row; `None` for a reference common to all lines.
    pub(crate) fn group_of(&self, outcome: &Outcome) -> Option<usize> {
        let levels = select(outcome, &self.grouping)?;
        self.groups.iter().position(|group| *group == levels)
    }
}

fn select(outcome: &Outcome, keys: &[usize]) -> Option<Vec<Level>> {
    keys.iter().map(|&key| outcome.levels.get(key).cloned().flatten()).collect()
}

/// The combinations of levels of some keys, in the order of the table, then sorted by the numeric keys.
fn distinct(summary: &Summary, keys: &[usize]) -> Vec<Vec<Level>> {
    let mut combinations: Vec<Vec<Level>> = Vec::new();
    let mut known = HashSet::new();
    for levels in summary.outcomes.iter().filter_map(|outcome| select(outcome, keys)) {
        if known.insert(levels.clone()) {
            combinations.push(levels);
        }
    }
    for place in (0..keys.len()).rev() {
        if combinations.iter().all(|levels| levels[place].number().is_some()) {
            combinations.sort_by(|a, b| {
                let numbers = (a[place].number().unwrap_or(0.0), b[place].number().unwrap_or(0.0));
                numbers.0.total_cmp(&numbers.1)
            });
        }
    }
    combinations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    fn axes(keys: &str, rows: &[&str]) -> FigureAxes {
        let header = format!("row,point,{keys},chips,accuracy_mean,accuracy_q10,accuracy_q50,accuracy_q90\n");
        let commas = ",".repeat(keys.matches(',').count());
        let rows: String = rows.iter().map(|levels| format!("chips,0,{levels},2,0.5,0.5,0.5,0.5\n")).collect();
        let text = format!("{header}exact,,{commas},,0.9,,,\n{rows}");
        FigureAxes::new(&Summary::read(&Table::parse(&text).unwrap()).unwrap())
    }

    #[test]
    fn one_key_is_x_in_increasing_order() {
        let axes = axes("a", &["0.10", "0", "0.1", "0.02"]);
        assert_eq!((axes.x, axes.x_is_numeric, axes.groups.len()), (Some(0), true, 1));
        assert_eq!(axes.x_levels.iter().map(Level::text).collect::<Vec<_>>(), ["0", "0.02", "0.1"]);
    }

    #[test]
    fn keys_swept_together_make_one_line() {
        let axes = axes("a,b", &["0,0", "1,2", "2,4"]);
        assert_eq!((axes.tied, axes.grouping, axes.groups), (vec![1], vec![], vec![vec![]]));
    }

    #[test]
    fn a_grid_makes_one_line_for_each_level_of_the_other_key() {
        let axes = axes("word,a,b", &["on,0,8", "off,0,8", "on,1,9", "off,1,9"]);
        assert_eq!((axes.x, axes.tied, &axes.grouping[..]), (Some(1), vec![2], &[0][..]));
        let groups: Vec<_> = axes.groups.iter().map(|group| group[0].text()).collect();
        assert_eq!(groups, ["on", "off"]);
    }

    #[test]
    fn words_alone_are_in_the_order_of_the_table() {
        let axes = axes("a", &["none", "local", "4"]);
        assert!(!axes.x_is_numeric);
        assert_eq!(axes.x_levels.iter().map(Level::text).collect::<Vec<_>>(), ["none", "local", "4"]);
    }

    #[test]
    fn a_single_level_is_no_sweep() {
        let axes = axes("a", &["0.1"]);
        assert_eq!((axes.x, axes.groups.len()), (None, 1));
    }
}
