//! The wide tables of a run for the terminal: every statistic of the scores, and the layers.

use crate::input::grid::Point;
use crate::output::axis_names::short;
use crate::output::summary::Summary;
use crate::output::table::{ROWS, Tables, swept_value};
use crate::store::record::Row;
use phaseloom_files::{Column, TextTable};
use std::fmt::Write;

impl Tables<'_> {
    /// The size of the layers (first point), and their errors at each point.
    pub(super) fn layers(&self, out: &mut String) {
        let mut rows =
            vec![headings("layer|shape|tiles|cores|MZIs/core|depth|used|in→out|photons/port|LO photons|SNR|ENOB")];
        for layer in self.design(0) {
            let Some(d) = &layer.design else { continue };
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
        let designs = || self.design(0).iter().filter_map(|layer| layer.design.as_ref());
        let interferometers: usize = match shared {
            true => designs().map(|d| d.interferometers).max().unwrap_or(0),
            false => designs().map(|d| d.cores * d.interferometers).sum(),
        };
        let _ = writeln!(
            out,
            "{}\n{} of {} ports, {}, {interferometers} {} in all{}\n({})\n",
            self.name(),
            if shared { "one core, shared by all tiles," } else { "a core for each tile," },
            config.core.ports,
            config.core.design().map_or_else(|_| config.core.topology.clone(), |design| design.to_string()),
            config.core.design().map_or("cells", |design| design.cell().plural()),
            if self.points().len() > 1 { "; at the first point:" } else { "" },
            self.settings_text(),
        );
        align(out, &rows);

        let mut rows = vec![headings(
            "|layer|matrix error|predicted|of it read|readout bits|clipped in|clipped out|signal e⁻/readout",
        )];
        for point in self.points() {
            let chips = self.summary(Row::Chips, point.index);
            for (design, measured) in self.design(point.index).iter().zip(&chips.layers) {
                let predicted = design.design.as_ref().map_or(0.0, |d| d.predicted_error);
                rows.push(vec![
                    swept_values(point),
                    measured.layer.to_string(),
                    error(measured.matrix_error),
                    error(predicted),
                    error(measured.measured_error),
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

    /// All statistics of the scores, wider than most terminals.
    pub(super) fn wide_scores(&self, out: &mut String) {
        let quantity = self.score().quantity;
        let exact = self.summary(Row::Exact, 0);
        let mut rows =
            vec![headings(&format!("|row|{}|std. dev.|std. error|10 %|50 %|90 %|vs reference", quantity.heading))];
        rows[0].extend(exact.others.iter().map(|(other, _)| other.heading.to_owned()));
        let mut previous: Vec<Summary> = Vec::new();
        for point in self.points() {
            for (i, row) in ROWS.into_iter().enumerate() {
                let s = self.summary(row, point.index);
                // A reference row equal to that of the previous point is left out.
                if row != Row::Chips && previous.get(i).is_some_and(|p| p.scores == s.scores) {
                    continue;
                }
                let many = s.chips > 1;
                let spread = |x: f64| if many { quantity.text(x) } else { String::new() };
                let mut cells = vec![
                    swept_values(point),
                    if many { format!("{} {}", s.chips, row.title()) } else { row.title().to_owned() },
                    quantity.text(s.mean()),
                    spread(s.sd()),
                    spread(s.se()),
                    spread(s.quantile(0.1)),
                    spread(s.quantile(0.5)),
                    spread(s.quantile(0.9)),
                    if row == Row::Exact {
                        String::new()
                    } else {
                        quantity.difference_text(s.difference, s.difference_se)
                    },
                ];
                cells.extend(s.others.iter().map(|(other, value)| other.text(*value)));
                rows.push(cells);
            }
            previous = ROWS.iter().map(|&row| self.summary(row, point.index)).collect();
        }
        let of_test_set = match exact.test_se.is_finite() && self.score().has_reference {
            true => format!("the test set gives the reference a standard error of {}; ", quantity.text(exact.test_se)),
            false => String::new(),
        };
        let _ = writeln!(
            out,
            "\n{} on {} samples ({of_test_set}points share their draws; references equal to those of the point above are \
             not repeated)\n",
            quantity.title,
            self.samples(),
        );
        align(out, &rows);
    }
}

/// The swept values of a point: `splitter_error.sigma_rad = phase_error.sigma_rad = 0.01`.
fn swept_values(point: &Point) -> String {
    let mut text = String::new();
    for (i, ((key, value), axis)) in point.levels.iter().zip(&point.axes).enumerate() {
        let last_of_axis = point.axes.get(i + 1) != Some(axis);
        let _ = write!(text, "{} = ", short(key));
        if last_of_axis {
            let separator = if i + 1 < point.levels.len() { ", " } else { "" };
            let _ = write!(text, "{}{separator}", swept_value(value));
        }
    }
    text
}

/// The headings of a table.
fn headings(names: &str) -> Vec<String> {
    names.split('|').map(str::to_owned).collect()
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

/// A relative error. From 1e6 on, it is written with an exponent.
fn error(value: f64) -> String {
    if value < 1e6 { format!("{value:.4}") } else { format!("{value:.3e}") }
}
