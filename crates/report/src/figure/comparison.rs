//! Infidelity of meshes before and after correction, with the quantiles over chips. One row per mesh, least infidelity
//! first.
//!
//! ```text
//! mesh     cells   transmission (dB)     10⁻⁴   10⁻³   10⁻²   10⁻¹
//! name      28                  −1.7       ──◆──      ──●──          circle: as programmed; diamond: corrected
//! ```
//!
//! Columns used: topology, cell, cells, transmission_db, ideal_mean, and median, q10, q90 of before and after. Meshes that
//! do not realise every unitary come last, one row per topology, because other cells change nothing there.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::font;
use crate::plot::label::{decimal, quantity};
use crate::plot::legend::{Entry, Legend};
use crate::plot::marker::Marker;
use crate::plot::page::{self, Anchor, MARGIN, Stroke};
use crate::plot::palette::{Colour, FAINT_INK, FOOTER, INK, SERIES, TICK, TITLE};
use crate::style::FigureStyle;
use crate::summary::MIN_BAND;
use crate::table::Table;

const ROW: f64 = 18.0;
/// Gap between two columns of numbers, and between the last one and the axis.
const GAP: f64 = 16.0;
/// Height of labels and title of the axis.
const BELOW: f64 = 44.0;
/// Smaller infidelities are drawn here.
const MIN_INFIDELITY: f64 = 1e-12;
/// The topology that carries one row of a matrix, however small its infidelity is.
const ONE_ROW: &str = "tree";
/// A mesh with a larger infidelity without errors does not realise every unitary.
const MAX_IDEAL_INFIDELITY: f64 = 1e-6;
/// Narrower figures have no columns of numbers.
const MIN_WIDTH: f64 = 600.0;

/// Marker, colour and distance from the middle of the row of infidelities before and after correction.
const KINDS: [(&str, Marker, Colour, f64); 2] =
    [("as programmed", Marker::Circle, SERIES[1], -3.0), ("locally corrected", Marker::Diamond, SERIES[0], 3.0)];

/// The figure of meshes by infidelity.
pub(crate) const COMPARISON: Figure = Figure {
    key: "comparison",
    description: "infidelity of every mesh on the same process, before and after correction",
    draw,
};

struct Row {
    topology: String,
    name: String,
    cells: String,
    loss: String,
    is_universal: bool,
    /// 10 % quantile, median, 90 % quantile, before and after correction.
    quantiles: [[f64; 3]; 2],
    /// The single chips, if there are fewer than [`MIN_BAND`].
    chips: [Vec<f64>; 2],
}

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let rows = sorted(rows(table)?);
    let chips = rows.iter().flat_map(|row| row.chips.iter().flatten().copied());
    let values = rows.iter().flat_map(|row| row.quantiles).flatten().chain(chips);
    // An axis needs two values that differ.
    let values: Vec<f64> = values.chain([1.0, 0.1]).collect();
    let (x, y) = (Axis::logarithmic(&values, &quantity("infidelity 1 − F")), Axis::rows(rows.len() as f64));

    let width = style.units();
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| font::width(text, TICK)).fold(0.0, f64::max);
    let names = MARGIN + widest(&mut rows.iter().map(|row| row.name.as_str()));
    let (cells, loss) = ("cells", "transmission (dB)");
    let cells_end = names + GAP + font::width(cells, TICK);
    let loss_end = cells_end + GAP + font::width(loss, TICK);
    let has_numbers = width >= MIN_WIDTH;
    let left = GAP + if has_numbers { loss_end } else { names };

    let title = if style.title { font::wrap(&title(table), TITLE, width - 2.0 * MARGIN) } else { Vec::new() };
    let few = has_few_chips(table);
    let legend = Legend::new(legend(few), width - 2.0 * MARGIN);
    let legend_top = 12.0 + 1.35 * TITLE * title.len() as f64;
    let top = legend_top + legend.height() + if has_numbers { 24.0 } else { 8.0 };
    let size = (width - MARGIN - left, ROW * rows.len() as f64);
    let footer = if style.footer { provenance(table).join(" · ") } else { String::new() };
    let height = top + size.1 + BELOW + if style.footer { 28.0 } else { 8.0 };
    page::svg(style, height, |page| {
        for (index, line) in title.iter().enumerate() {
            page.text(line, (MARGIN, 28.0 + 1.35 * TITLE * index as f64), Anchor::Left, TITLE, INK)?;
        }
        legend.draw(page, (MARGIN, legend_top))?;
        if has_numbers {
            page.text(cells, (cells_end, top - 6.0), Anchor::Right, TICK, FAINT_INK)?;
            page.text(loss, (loss_end, top - 6.0), Anchor::Right, TICK, FAINT_INK)?;
        }
        let chart = page.chart((left, top), size, BELOW, (&x, &y))?;
        for (k, row) in rows.iter().enumerate() {
            let middle = k as f64 + 0.5;
            let baseline = chart.place((1.0, middle)).1 + 4.0;
            let ink = if row.is_universal { INK } else { FAINT_INK };
            page.text(&row.name, (MARGIN, baseline), Anchor::Left, TICK, ink)?;
            if has_numbers {
                page.text(&row.cells, (cells_end, baseline), Anchor::Right, TICK, ink)?;
                page.text(&row.loss, (loss_end, baseline), Anchor::Right, TICK, ink)?;
            }
            let values = row.quantiles.into_iter().zip(&row.chips).zip(KINDS);
            for (([low, median, high], chips), (_, marker, colour, shift)) in values {
                let y = middle + shift / ROW;
                if !few {
                    chart.line([(low, y), (high, y)], Stroke { colour, width: 1.6, dashes: None })?;
                }
                chart.dots(chips.iter().map(|&value| (value, y)), marker, colour)?;
                chart.markers([(median, y)], marker, colour)?;
            }
        }
        page.text(&footer, (width - MARGIN, height - 8.0), Anchor::Right, FOOTER, FAINT_INK)
    })
}

/// The title with the number of modes, the process, and the chips.
fn title(table: &Table) -> String {
    let of = |key: &str| table.metadata(key).filter(|text| !text.is_empty());
    let mut title = "Infidelity of meshes".to_owned();
    title += &of("modes").map_or(String::new(), |modes| format!(" of N = {modes} modes"));
    title += &of("process").map_or(String::new(), |process| format!(" on {process}"));
    title + &of("trials").map_or(String::new(), |trials| format!(", {trials} chips each"))
}

/// Whether quantiles say little about the chips.
fn has_few_chips(table: &Table) -> bool {
    table.metadata("trials").and_then(|trials| trials.parse::<f64>().ok()).is_some_and(|trials| trials < MIN_BAND)
}

fn legend(few: bool) -> Vec<Entry> {
    let width = if few { 0.0 } else { 1.6 };
    let entry = |(text, marker, colour, _)| Entry {
        line: Some(Stroke { colour, width, dashes: None }),
        marker: Some(marker),
        text: String::from(text),
        ..Entry::default()
    };
    let remark = if few { "median, small: each chip" } else { "median, 10–90 % of chips" };
    let remark = Entry { text: remark.to_owned(), ..Entry::default() };
    KINDS.map(entry).into_iter().chain([remark]).collect()
}

/// Rows by infidelity after correction. Those of meshes that do not realise every unitary come last, the best of each
/// topology only.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| {
        let key = |row: &Row| row.quantiles[1][1].max(0.0);
        b.is_universal.cmp(&a.is_universal).then(key(a).total_cmp(&key(b)))
    });
    let mut kept: Vec<Row> = Vec::new();
    for row in rows {
        let best = kept.iter_mut().find(|other| !other.is_universal && other.topology == row.topology);
        match best.filter(|_| !row.is_universal) {
            Some(best) => best.name = format!("{}, best cell (not universal)", best.topology),
            None if !row.is_universal => kept.push(Row { name: format!("{} (not universal)", row.name), ..row }),
            None => kept.push(row),
        }
    }
    kept
}

fn rows(table: &Table) -> Result<Vec<Row>, ReportError> {
    let text = |name: &str| table.column(name);
    let (topology, cell, cells) = (text("topology")?, text("cell")?, text("cells")?);
    let [topologies, cell_names] = ["topology", "cell"].map(quantity);
    let mut rows = Vec::new();
    for row in table.rows() {
        let quantiles = |when: &str| -> Result<[f64; 3], ReportError> {
            let quantile = |which: &str| table.number(row, &format!("{when}_{which}")).map(|v| v.max(MIN_INFIDELITY));
            Ok([quantile("q10")?, quantile("median")?, quantile("q90")?])
        };
        let is_universal = row.text(topology) != ONE_ROW && table.number(row, "ideal_mean")? < MAX_IDEAL_INFIDELITY;
        let shown = topologies.value(row.text(topology));
        let name = match row.text(cell) {
            "mzi" => shown.clone(),
            other => format!("{shown} · {}", cell_names.value(other)),
        };
        rows.push(Row {
            topology: shown,
            name,
            cells: row.text(cells).to_owned(),
            loss: two_decimals(table.number(row, "transmission_db")?),
            is_universal,
            quantiles: [quantiles("before")?, quantiles("after")?],
            chips: match table.chips().filter(|_| has_few_chips(table)) {
                Some(chips) => chips_of(chips, [row.text(topology), row.text(cell)])?,
                None => Default::default(),
            },
        });
    }
    if rows.is_empty() { Err(ReportError::NoRows) } else { Ok(rows) }
}

/// The infidelities of the single chips of a mesh, before and after correction.
fn chips_of(chips: &Table, mesh: [&str; 2]) -> Result<[Vec<f64>; 2], ReportError> {
    let (topology, cell) = (chips.column("topology")?, chips.column("cell")?);
    let mut values: [Vec<f64>; 2] = Default::default();
    for row in chips.rows().iter().filter(|row| [row.text(topology), row.text(cell)] == mesh) {
        for (values, column) in values.iter_mut().zip(["before", "after"]) {
            values.push(chips.number(row, column)?.max(MIN_INFIDELITY));
        }
    }
    Ok(values)
}

/// Two decimals and a true minus sign. No loss is 0, not −0.
fn two_decimals(value: f64) -> String {
    let rounded = (100.0 * value).round() / 100.0 + 0.0;
    let sign = if decimal(rounded).starts_with('−') { "−" } else { "" };
    format!("{sign}{:.2}", rounded.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# phaseloom: 0.1.0\n# modes: 8\n# trials: 20\n# process: preset:siepic\n\
                         topology,cell,cells,transmission_db,ideal_mean,before_q10,before_median,before_q90,\
                         after_q10,after_median,after_q90\n\
                         butterfly,mzi,12,-1,0.4,0.5,0.5,0.5,0.4,0.4,0.4\n\
                         butterfly,crossing,12,-1,0.4,0.5,0.5,0.5,0.3,0.3,0.3\n\
                         triangular,mzi,28,-1.5,1e-16,0.01,0.02,0.03,1e-3,1e-3,1e-3\n\
                         rectangular,mzi,28,-1.5,1e-16,0.01,0.02,0.03,0,1e-15,1e-4\n\
                         tree,crossing,7,0,1e-16,0.1,0.2,0.3,0.1,0.1,0.1\n";

    fn drawn(style: &FigureStyle) -> String {
        draw(&Table::parse(TABLE).unwrap(), style).unwrap()
    }

    #[test]
    fn every_universal_mesh_has_its_row_least_infidelity_first() {
        let svg = drawn(&FigureStyle::default());
        for text in ["−1.50", "0.00", "phaseloom 0.1.0", "infidelity 1 − F", "transmission (dB)", "as programmed"] {
            assert!(svg.contains(text), "{text}");
        }
        let at = |name: &str| svg.find(&format!("\n{name}\n")).unwrap_or_else(|| panic!("{name}"));
        let names =
            ["rectangular", "triangular", "tree · crossing (not universal)", "butterfly, best cell (not universal)"];
        assert!(names.map(at).is_sorted());
        assert!(!svg.contains("butterfly · crossing"), "one row per topology that is not universal");
        let other = Table::parse("topology,cell\nrectangular,mzi\n").unwrap();
        assert!(draw(&other, &FigureStyle::default()).is_err(), "columns are missing");
    }

    #[test]
    fn the_title_names_size_process_and_chips() {
        let title = "Infidelity of meshes of N = 8 modes on preset:siepic, 20 chips each";
        assert!(drawn(&FigureStyle::default()).contains(title));
        let bare = drawn(&FigureStyle { title: false, footer: false, ..FigureStyle::default() });
        assert!(!bare.contains("Infidelity of") && !bare.contains("phaseloom 0.1.0"));
    }

    #[test]
    fn few_chips_are_points() {
        let text = TABLE.replace("# trials: 20", "# trials: 3");
        let chips: String = (1..4).map(|k| format!("triangular,mzi,{k}e-2,{k}e-3\n")).collect();
        let chips = Table::parse(&format!("topology,cell,before,after\n{chips}")).unwrap();
        let table = Table::parse(&text).unwrap();
        let alone = draw(&table, &FigureStyle::default()).unwrap();
        let svg = draw(&table.with_chips(chips), &FigureStyle::default()).unwrap();
        assert!(svg.contains("small: each chip") && !svg.contains("10–90 %"));
        // Each circle has a rim.
        assert_eq!(svg.matches("<circle").count(), alone.matches("<circle").count() + 2 * 3);
    }

    #[test]
    fn a_narrow_figure_keeps_names_and_axis_alone() {
        let svg = drawn(&FigureStyle { width: "86mm".parse().ok(), ..FigureStyle::default() });
        assert!(svg.contains("width=\"86mm\"") && svg.contains("rectangular") && !svg.contains("transmission"));
    }
}
