//! The table and the sentence that a run ends with, for people.

use crate::input::grid::Point;
use crate::output::table::{ROWS, Summary, Tables, level};
use crate::store::record::Row;
use phaseloom_files::{Column, TextTable};
use std::fmt::Write;

/// A fall of accuracy that counts as none.
const KEPT: f64 = 0.01;

impl Tables<'_> {
    /// The tables of hardware and accuracy, and one sentence.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.hardware(&mut out);
        self.accuracy(&mut out);
        let _ = writeln!(out, "\n{}", self.sentence());
        out
    }

    /// What the layers are made of (first point), and errors at each point.
    fn hardware(&self, out: &mut String) {
        let mut rows = vec![
            [
                "layer",
                "shape",
                "tiles",
                "cores",
                "MZIs/core",
                "depth",
                "used",
                "in→out",
                "photons/port",
                "LO photons",
                "SNR",
                "ENOB",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        let mut interferometers = 0;
        for layer in self.design(0) {
            let Some(d) = &layer.design else { continue };
            interferometers += d.cores * d.interferometers;
            let photons = |n: f64| if n > 0.0 { format!("{n:.3e}") } else { "–".to_owned() };
            let zero = if d.zero_tiles > 0 { format!(" ({} zero)", d.zero_tiles) } else { String::new() };
            rows.push(vec![
                layer.layer.to_string(),
                format!("{}×{}", d.shape.0, d.shape.1),
                format!("{}{zero}", d.tiles),
                d.cores.to_string(),
                d.interferometers.to_string(),
                d.depth.to_string(),
                format!("{:.0} %", 100.0 * d.utilisation),
                format!("{:.2} dB", d.transmission_db),
                photons(d.photons_per_port),
                photons(d.local_oscillator_photons),
                d.snr_full_scale_db.map_or("–".to_owned(), |db| format!("{db:.1} dB")),
                d.enob.map_or("–".to_owned(), |bits| format!("{bits:.1}")),
            ]);
        }
        let config = &self.points()[0].config;
        let shared = config.core.cores == phaseloom_hardware::CoreSharing::Shared;
        if shared {
            interferometers =
                self.design(0).iter().filter_map(|l| l.design.as_ref()).map(|d| d.interferometers).max().unwrap_or(0);
        }
        let _ = writeln!(
            out,
            "{}\n{} of {} ports, {}, {interferometers} {} in all{}\n({})\n",
            self.name(),
            if shared { "one core, shared by all tiles," } else { "a core for each tile," },
            config.core.ports,
            config.core.design().map_or_else(|_| config.core.topology.clone(), |design| design.to_string()),
            config.core.design().map_or("cells", |design| design.cell().plural()),
            if self.points().len() > 1 { "; at the first point:" } else { "" },
            self.settings(),
        );
        align(out, &rows);

        let mut rows = vec![
            [
                "",
                "layer",
                "matrix error",
                "predicted",
                "of it read",
                "readout bits",
                "clipped in",
                "clipped out",
                "signal e⁻/readout",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        for point in self.points() {
            let chips = self.summary(Row::Chips, point.index);
            for (design, measured) in self.design(point.index).iter().zip(&chips.layers) {
                let predicted = design.design.as_ref().map_or(0.0, |d| d.predicted_error);
                rows.push(vec![
                    levels(point),
                    measured.layer.to_string(),
                    error(measured.matrix_error),
                    error(predicted),
                    error(measured.read_error),
                    format!("{:.2}", measured.readout_bits),
                    format!("{:.3} %", 100.0 * measured.clipped_inputs),
                    format!("{:.3} %", 100.0 * measured.clipped_outputs),
                    if config.link.laser_power_w.is_some() {
                        format!("{:.3e}", measured.photoelectrons)
                    } else {
                        "–".to_owned()
                    },
                ]);
            }
        }
        let _ = writeln!(
            out,
            "\nchips, mean over trials (matrix error ‖Ŵ−W‖/‖W‖ of the complex matrix: rms, and first-order prediction; of it read: \
             the part that reaches a detector, the real part with homodyne)\n"
        );
        align(out, &rows);
    }

    fn accuracy(&self, out: &mut String) {
        let mut rows = vec![
            ["", "row", "accuracy", "sd", "s.e.", "10 %", "50 %", "90 %", "vs exact", "same decisions"]
                .map(str::to_owned)
                .to_vec(),
        ];
        let mut previous: Vec<Summary> = Vec::new();
        for point in self.points() {
            for (i, row) in ROWS.into_iter().enumerate() {
                let s = self.summary(row, point.index);
                // A reference row that is the same as at the point before says nothing new.
                if row != Row::Chips && previous.get(i).is_some_and(|p| p.accuracies == s.accuracies) {
                    continue;
                }
                let percent = |x: f64| format!("{:.2} %", 100.0 * x);
                let many = s.chips > 1;
                let of_many = |x: f64| if many { percent(x) } else { String::new() };
                rows.push(vec![
                    levels(point),
                    if many { format!("{} {}", s.chips, row.title()) } else { row.title().to_owned() },
                    percent(s.mean()),
                    of_many(s.sd()),
                    of_many(s.se()),
                    of_many(s.quantile(0.1)),
                    of_many(s.quantile(0.5)),
                    of_many(s.quantile(0.9)),
                    if row == Row::Exact {
                        String::new()
                    } else {
                        format!("{:+.2} ± {:.2} pt", 100.0 * s.difference, 100.0 * s.difference_se)
                    },
                    percent(s.agreement),
                ]);
            }
            previous = ROWS.iter().map(|&row| self.summary(row, point.index)).collect();
        }
        let exact = self.summary(Row::Exact, 0);
        let _ = writeln!(
            out,
            "\naccuracy on {} samples (the test set's own s.e. is {:.2} %, common to all rows; points share their draws; \
             references equal to those of the point above are not repeated)\n",
            self.samples(),
            100.0 * exact.test_se
        );
        align(out, &rows);
    }

    /// Number of axes of the grid: keys that take their values together are one.
    fn axes(&self) -> usize {
        match &self.identity_record().experiment["sweep"] {
            serde_json::Value::Array(axes) => axes.len(),
            _ => 0,
        }
    }

    /// One sentence: does it still work, and until where.
    #[must_use]
    pub fn sentence(&self) -> String {
        let exact = self.summary(Row::Exact, 0).mean();
        let medians: Vec<(String, f64)> = self
            .points()
            .iter()
            .map(|point| (levels(point), self.summary(Row::Chips, point.index).quantile(0.5)))
            .collect();
        let chips = self.summary(Row::Chips, 0).chips;
        let who = if chips == 1 { "one chip".to_owned() } else { format!("the median of {chips} chips") };
        let percent = |x: f64| format!("{:.1} %", 100.0 * x);
        if medians.len() == 1 {
            let s = self.summary(Row::Chips, 0);
            return format!(
                "Exact accuracy {}; {who} has {} (10–90 %: {} to {}).",
                percent(exact),
                percent(s.quantile(0.5)),
                percent(s.quantile(0.1)),
                percent(s.quantile(0.9)),
            );
        }
        if self.axes() > 1 || !self.axis_is_ordered() {
            let by = |a: &&(String, f64), b: &&(String, f64)| a.1.total_cmp(&b.1);
            if let (Some(best), Some(worst)) = (medians.iter().max_by(by), medians.iter().min_by(by)) {
                return format!(
                    "Exact accuracy {}; {who} is best at {} ({}) and worst at {} ({}).",
                    percent(exact),
                    best.0,
                    percent(best.1),
                    worst.0,
                    percent(worst.1)
                );
            }
        }
        let kept: Vec<&(String, f64)> = medians.iter().take_while(|(_, m)| *m >= exact - KEPT).collect();
        let broken = medians.iter().find(|(_, m)| *m < 0.5 * exact);
        let worst = medians.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let mut sentence = match kept.last() {
            Some((at, median)) if kept.len() == medians.len() => {
                return format!(
                    "Exact accuracy {}; {who} stays within one percentage point of it at every point, {} at the last ({at}).",
                    percent(exact),
                    percent(*median)
                );
            }
            Some((at, median)) => format!(
                "Exact accuracy {}; {who} stays within one percentage point of it up to {at} ({})",
                percent(exact),
                percent(*median)
            ),
            None => format!(
                "Exact accuracy {}; {who} is more than one percentage point below it from the first point on",
                percent(exact)
            ),
        };
        match (broken, worst) {
            (Some((at, median)), _) => {
                let _ = write!(sentence, ", and less than half of it is left at {at} ({}).", percent(*median));
            }
            (None, Some((at, median))) => {
                let _ = write!(sentence, ", and lowest at {at} ({}).", percent(*median));
            }
            (None, None) => sentence.push('.'),
        }
        sentence
    }
}

impl Tables<'_> {
    /// Whether the levels are numbers, rising or falling: then there is a point up to which something holds.
    fn axis_is_ordered(&self) -> bool {
        let level = |point: &Point| point.levels.first().and_then(|(_, value)| value.as_f64());
        let levels: Option<Vec<f64>> = self.points().iter().map(level).collect();
        levels.is_some_and(|all| all.is_sorted() || all.is_sorted_by(|a, b| a >= b))
    }
}

/// The levels of a point: `splitter_error.sigma_rad, phase_error.sigma_rad = 0.01`.
fn levels(point: &Point) -> String {
    let mut text = String::new();
    for (i, ((key, value), axis)) in point.levels.iter().zip(&point.axes).enumerate() {
        let short = key.trim_start_matches("process.");
        let last_of_axis = point.axes.get(i + 1) != Some(axis);
        let _ = write!(text, "{short} = ");
        if last_of_axis {
            let separator = if i + 1 < point.levels.len() { ", " } else { "" };
            let _ = write!(text, "{}{separator}", level(value));
        }
    }
    text
}

/// Writes a table with two columns of text, then numbers. A first cell equal to the one above is left empty.
fn align(out: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let mut table = TextTable::new(2, (0..columns).map(|c| if c < 2 { Column::left() } else { Column::right() }));
    for (r, row) in rows.iter().enumerate() {
        let repeated = r > 1 && row[0] == rows[r - 1][0];
        table.row(std::iter::once(if repeated { "" } else { &*row[0] }).chain(row[1..].iter().map(String::as_str)));
    }
    let _ = write!(out, "{table}");
}

/// A relative error; one so large that nobody counts its digits with an exponent.
fn error(value: f64) -> String {
    if value < 1e6 { format!("{value:.4}") } else { format!("{value:.3e}") }
}
