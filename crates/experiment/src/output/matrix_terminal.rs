//! The tables of a run without a network for the terminal, at most 80 columns wide, and its conclusion.

use crate::input::grid::Point;
use crate::output::conclusion::ties;
use crate::output::matrix_table::MatrixTables;
use crate::output::student;
use crate::store::record::{MatrixDesign, MatrixQuality, Row};
use phaseloom_files::{Column, TextTable, WIDTH, ratio, wrap};
use phaseloom_numerics::statistics::{mean, quantile, standard_error};
use std::fmt::Write;

/// An infidelity below this is rounding: errors of 1e-12, squared.
const ROUNDING: f64 = 1e-24;

/// The mean infidelity at a point next to its law.
struct Mean {
    value: f64,
    error: f64,
    law: Option<f64>,
    /// The law agrees with the mean if it differs by at most this number of standard errors.
    limit: f64,
}

impl Mean {
    /// The difference of the law in standard errors, positive if the law is above; 0 for a difference by rounding.
    fn deviation(&self) -> Option<f64> {
        let difference = self.law? - self.value;
        let is_rounding = difference.abs() <= ROUNDING + 1e-9 * self.value;
        Some(if is_rounding { 0.0 } else { difference / self.error })
    }
}

impl MatrixTables<'_> {
    /// The tables of infidelity and of matrix error.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.head(&mut out);
        self.infidelity(&mut out);
        self.errors(&mut out);
        out
    }

    fn points(&self) -> &[Point] {
        self.0.points()
    }

    /// Name, program, number of chips, and the long keys of the axes.
    fn head(&self, out: &mut String) {
        let _ = writeln!(out, "{}", self.0.name());
        if let Some(design) = self.design(0) {
            let (rows, columns) = design.shape;
            let size = |design: &MatrixDesign| (design.shape, design.form.clone(), design.mesh.clone(), design.cells);
            let is_one = (1..self.points().len()).all(|point| self.design(point).map(size) == Some(size(design)));
            let first = if is_one { "" } else { " (first point)" };
            let meshes = if design.form == "svd" { "two meshes" } else { "one mesh" };
            let line = format!(
                "{rows}×{columns} matrix on {meshes} ({}, form {}): {} cells, depth {}{first}",
                design.mesh, design.form, design.cells, design.depth,
            );
            let _ = writeln!(out, "{}", wrap(&line, WIDTH, 2));
        }
        let config = &self.points()[0].config;
        let chips = self.qualities(Row::Chips, 0).len();
        let _ = writeln!(
            out,
            "{chips} {} at each point, seed {}, {}",
            if chips == 1 { "chip" } else { "chips" },
            config.seed,
            self.0.settings_text()
        );
        self.0.long_keys().iter().for_each(|line| {
            let _ = writeln!(out, "{}", wrap(line, WIDTH, 2));
        });
    }

    /// A table with a column for each axis and for each heading.
    fn table(&self, headings: &[&str], cells: impl Fn(&[MatrixQuality], usize, bool) -> Vec<String>) -> TextTable {
        let mut names = self.0.axis_names();
        if names.is_empty() {
            names.push(String::new());
        }
        let axes = names.len();
        let mut table = TextTable::new(2, (0..axes + headings.len()).map(|_| Column::right()));
        table.row(names.into_iter().chain(headings.iter().map(|&heading| heading.to_owned())));
        let mut previous: Vec<String> = Vec::new();
        for point in self.points() {
            let perfect = self.qualities(Row::Perfect, point.index);
            let perfect = cells(&perfect, point.index, false);
            if perfect != previous {
                let mut start = vec![String::new(); axes - 1];
                start.push("perfect".into());
                table.row(start.into_iter().chain(perfect.clone()));
            }
            previous = perfect;
            let mut start = self.0.axis_values(point);
            if start.is_empty() {
                start.push("chips".into());
            }
            let chips = self.qualities(Row::Chips, point.index);
            table.row(start.into_iter().chain(cells(&chips, point.index, true)));
        }
        table
    }

    fn mean(&self, point: usize) -> Mean {
        let values: Vec<f64> = self.qualities(Row::Chips, point).iter().map(|q| q.infidelity).collect();
        let law = self.design(point).and_then(|design| design.infidelity);
        let without_rounding = |value: f64| if value < ROUNDING { 0.0 } else { value };
        let limit = student::limit(values.len());
        Mean { value: without_rounding(mean(&values)), error: without_rounding(standard_error(&values)), law, limit }
    }

    fn infidelity(&self, out: &mut String) {
        let headings = ["1 − F", "± s.e.", "law", "10 %", "median", "90 %"];
        let table = self.fitting(&headings, &[6, 4, 3], |qualities, point, chips| {
            let values: Vec<f64> = qualities.iter().map(|quality| quality.infidelity).collect();
            if !chips {
                return vec![small(mean(&values))];
            }
            let Mean { value, error, law, .. } = self.mean(point);
            let many = values.len() > 1;
            let spread = |value: f64| if many { small(value) } else { String::new() };
            let [low, median, high] = [0.1, 0.5, 0.9].map(|p| spread(quantile(&values, p)));
            vec![small(value), spread(error), law.map_or(String::new(), small), low, median, high]
        });
        let _ = writeln!(out, "\nInfidelity 1 − F of the chips, F = |tr(W†Ŵ)|²/(‖W‖²‖Ŵ‖²)\n\n{table}");
    }

    /// The table with as many of its columns as fit 80, in one of the given numbers; the CSV files have all of them.
    fn fitting(
        &self,
        headings: &[&str],
        counts: &[usize],
        cells: impl Fn(&[MatrixQuality], usize, bool) -> Vec<String>,
    ) -> String {
        let with = |count: usize| {
            let kept = |qualities: &[MatrixQuality], point: usize, chips: bool| {
                let mut row = cells(qualities, point, chips);
                row.truncate(count);
                row
            };
            self.table(&headings[..count], kept).to_string()
        };
        let fits = |text: &String| text.lines().all(|line| line.chars().count() <= WIDTH);
        let last = counts.last().copied().unwrap_or(headings.len());
        counts.iter().map(|&count| with(count)).find(fits).unwrap_or_else(|| with(last))
    }

    fn errors(&self, out: &mut String) {
        let has_power = self.points().iter().any(|point| {
            self.qualities(Row::Chips, point.index).iter().any(|quality| quality.heater_power_w.is_some())
        });
        let headings = ["error", "law", "error_scaled", "transmission", "heaters"];
        let counts = if has_power { &[5, 4, 3, 2][..] } else { &[4, 3, 2] };
        // The first power chooses the unit of the column.
        let first = std::cell::OnceCell::new();
        let unit_of = |power: f64| *first.get_or_init(|| power);
        let table = self.fitting(&headings, counts, |qualities, point, chips| {
            let rms = |value: fn(&MatrixQuality) -> f64| {
                mean(&qualities.iter().map(|q| value(q).powi(2)).collect::<Vec<_>>()).sqrt()
            };
            let average = |value: fn(&MatrixQuality) -> f64| mean(&qualities.iter().map(value).collect::<Vec<_>>());
            let law = self.design(point).and_then(|design| design.error).filter(|_| chips);
            let power = average(|q| q.heater_power_w.unwrap_or(f64::NAN));
            vec![
                relative(rms(|q| q.error)),
                law.map_or(String::new(), relative),
                relative(rms(|q| q.scaled_error)),
                // No loss is 0, not −0.
                format!("{:.3} dB", Some(average(|q| q.transmission_db)).filter(|db| db.abs() >= 5e-4).unwrap_or(0.0)),
                if power.is_finite() { phaseloom_files::power(power, unit_of(power)) } else { String::new() },
            ]
        });
        let _ = writeln!(
            out,
            "Matrix error ‖Ŵ−W‖/‖W‖, rms over chips, and after the best real factor\n\n{table}\n{}",
            self.remark()
        );
    }

    /// What the law is, or why there is none.
    fn remark(&self) -> &'static str {
        let laws = self.points().iter().filter(|point| self.mean(point.index).law.is_some()).count();
        let given = self.points().iter().any(|point| point.config.chip.is_some());
        match laws {
            0 if given => "No law: it predicts chips sampled from a process, not a chip that exists.",
            0 => "No law: it predicts chips that no correction has changed.",
            n if n < self.points().len() => {
                "Law: first order in random errors of this program, exact in the others; only\n\
                 without correction."
            }
            _ => "Law: first order in random errors of this program, exact in deterministic ones.",
        }
    }

    /// The mean infidelity at the ends of the sweep, and whether it follows the law.
    pub fn conclusion(&self) -> String {
        let mut points: Vec<(&Point, Mean)> =
            self.points().iter().map(|point| (point, self.mean(point.index))).collect();
        let number = |point: &Point| point.levels.first().and_then(|(_, value)| value.as_f64());
        let is_ordered = self.0.axes().len() == 1 && points.iter().all(|(point, _)| number(point).is_some());
        match is_ordered {
            true => {
                points.sort_by(|(a, _), (b, _)| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal))
            }
            false => points.sort_by(|(_, a), (_, b)| a.value.total_cmp(&b.value)),
        }
        let chips = self.qualities(Row::Chips, 0).len();
        let subject = match chips {
            1 => "The infidelity of one chip".to_owned(),
            _ => format!("The mean infidelity of {chips} chips"),
        };
        // Points that print the same value.
        let tied = |value: f64| {
            let equal = points.iter().filter(|(_, mean)| small(mean.value) == small(value));
            ties(equal.map(|(point, _)| self.0.axis_names_and_values(point)))
        };
        let at = |(point, mean): &(&Point, Mean)| {
            let places = if is_ordered { self.0.axis_names_and_values(point) } else { tied(mean.value) };
            format!("{} at {places}", small(mean.value))
        };
        let mut text = match &points[..] {
            [] => "No point was computed".to_owned(),
            [(_, mean)] if chips > 1 => format!("{subject} is {} ± {}", small(mean.value), small(mean.error)),
            [(_, mean)] => format!("{subject} is {}", small(mean.value)),
            [first, .., last] if is_ordered => {
                format!(
                    "{subject} is {} and {} at {}",
                    at(first),
                    small(last.1.value),
                    self.0.axis_values(last.0).join(", ")
                )
            }
            [first, .., last] if small(first.1.value) == small(last.1.value) => {
                format!("{subject} is {} at every point", small(first.1.value))
            }
            [first, .., last] => format!("{subject} is lowest, {}, and highest, {}", at(first), at(last)),
        };
        if chips > 1 {
            text += &self.comparison(&points);
        }
        text + "."
    }

    /// How many means follow the law, and the one that does so least.
    fn comparison(&self, points: &[(&Point, Mean)]) -> String {
        let compared: Vec<(&Point, &Mean, f64)> =
            points.iter().filter_map(|(point, mean)| Some((*point, mean, mean.deviation()?))).collect();
        let within = compared.iter().filter(|(_, mean, deviation)| deviation.abs() <= mean.limit).count();
        let limit = compared.iter().map(|(_, mean, _)| mean.limit).fold(0.0, f64::max);
        // From some thirty chips on, Student's t is 2 to 5 %.
        let limit = match limit < 2.1 {
            true => "2 standard errors".to_owned(),
            false => format!("{limit:.1} standard errors (Student's t, 95 %)"),
        };
        let places = match (within, compared.len()) {
            (_, 0) => return String::new(),
            (1, 1) if points.len() == 1 => String::new(),
            (0, 1) if points.len() == 1 => {
                return format!(
                    "; the law, {}, is not within {limit} of it",
                    small(compared[0].1.law.unwrap_or(f64::NAN))
                );
            }
            (n, all) if n == all && all == points.len() => " at every point".to_owned(),
            (n, all) if all == points.len() => format!(" at {n} of {all} points"),
            (1, 1) => " at the only point that has one".to_owned(),
            (n, all) if n == all => format!(" at all {all} points that have one"),
            (n, all) => format!(" at {n} of the {all} points that have one"),
        };
        let mut text = format!("; the law is within {limit} of it{places}");
        let farthest = compared.iter().max_by(|a, b| a.2.abs().total_cmp(&b.2.abs()));
        if let Some((point, mean, deviation)) = farthest.filter(|(_, mean, d)| d.abs() > mean.limit) {
            let share = 100.0 * ((mean.law.unwrap_or(f64::NAN) - mean.value) / mean.value).abs();
            let side = if *deviation > 0.0 { "above" } else { "below" };
            let _ =
                write!(text, ", and farthest from it, {share:.1} % {side}, at {}", self.0.axis_names_and_values(point));
        }
        text
    }
}

/// A small number with an exponent; 0 if it is rounding.
fn small(value: f64) -> String {
    if value.abs() < ROUNDING { "0".to_owned() } else { format!("{value:.2e}") }
}

/// A relative error; 0 if it is rounding.
fn relative(value: f64) -> String {
    if value < 1e-12 { "0".to_owned() } else { ratio(value, 4) }
}
