//! A score over two swept keys of numbers: one coloured cell for each pair of levels.
//!
//! ```text
//! columns  as in the figure of accuracies
//! x, y     the first numeric key, and the other one; a slot for each level, because levels need not be evenly spaced
//! colour   median over chips on the map cividis, logarithmic for infidelities that span more than 1.5 decades
//! values   printed in the cells of a grid of up to 8×8
//! ```

use super::accuracy::tied_title;
use super::{Figure, provenance};
use crate::error::ReportError;
use crate::figure_axes::FigureAxes;
use crate::plot::axis::{Axis, extremes};
use crate::plot::chart::{self, Frame};
use crate::plot::font;
use crate::plot::label::{decimal, quantity};
use crate::plot::legend::Entry;
use crate::plot::page::{Anchor, Chart};
use crate::plot::palette::{Colour, INK, TICK};
use crate::style::FigureStyle;
use crate::summary::{Kind, Level, Summary, Values};
use crate::table::Table;

/// The heat map of a run with a network.
pub(crate) const SCORE_MAP: Figure = Figure {
    key: "map",
    description: "median accuracy of imperfect chips over a sweep of two numeric keys, as a heat map",
    draw,
};

/// The heat map of a run without a network.
pub(crate) const INFIDELITY_MAP: Figure = Figure {
    key: "infidelity-map",
    description: "median infidelity of a matrix over a sweep of two numeric keys, as a heat map",
    draw,
};

/// Cividis (Nuñez et al., PLoS ONE 13, e0199239, 2018), at equal steps: even in lightness, and equal for readers with and
/// without colour vision deficiency.
const CIVIDIS: [Colour; 10] = [
    (0x00, 0x22, 0x4e),
    (0x12, 0x35, 0x70),
    (0x3b, 0x49, 0x6c),
    (0x57, 0x5d, 0x6d),
    (0x70, 0x71, 0x73),
    (0x8a, 0x86, 0x78),
    (0xa5, 0x9c, 0x74),
    (0xc3, 0xb3, 0x69),
    (0xe1, 0xcc, 0x55),
    (0xfe, 0xe8, 0x38),
];

/// Texts on dark and on light cells. They are no greys, so that they stay on a dark page.
const ON_DARK: Colour = (255, 255, 254);
const ON_LIGHT: Colour = (0, 0, 1);
/// Cells are dark below this share of the map.
const DARK: f64 = 0.5;

/// Grids of at most this many levels on both axes have their values printed.
const MAX_PRINTED: usize = 8;
/// Room of the colour bar right of the plot, without its labels, and width of the bar.
const BAR_ROOM: f64 = 44.0;
const BAR: f64 = 16.0;
/// Strips of the colour bar.
const STRIPS: usize = 64;
/// An infidelity below this is rounding and counts as zero.
const ROUNDING: f64 = 1e-20;

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let summary = Summary::read(table)?;
    let axes = FigureAxes::new(&summary);
    let keys = grid(&summary, &axes).ok_or(ReportError::NoRows)?;
    let (x, y) = (&keys.0, &keys.1);
    let cells = cells(&summary, (x, y));
    let scale = scale(&summary, &cells);
    let name = |key: usize, levels: &[Level]| {
        let quantity = quantity(&summary.keys[key]);
        let largest = levels.iter().filter_map(Level::number).fold(0.0, |max: f64, value| max.max(value.abs()));
        let (factor, unit) = quantity.scaled(largest);
        let labels: Vec<String> =
            levels.iter().map(|level| level.number().map_or_else(String::new, |n| decimal(n / factor))).collect();
        (labels, quantity.title(&unit))
    };
    let (x_names, x_title) = name(x.key, &x.levels);
    let (y_names, y_title) = name(y.key, &y.levels);
    let prints = x.levels.len().max(y.levels.len()) <= MAX_PRINTED;
    let labels = scale.ticks.iter().map(|tick| font::width(&tick.label, TICK)).fold(0.0, f64::max);
    let mut footer = provenance(table);
    if cells.iter().any(|cell| !scale.contains(cell.value)) {
        footer.push("darkest: 1 − F = 0".to_owned());
    }
    let remark = format!("colour: {}, median of {}", summary.score.title, summary.chips());
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Parameter sweep").to_owned(),
        legend: vec![Entry { text: remark, ..Entry::default() }],
        x: Axis::categories(&thinned(x_names), &tied_title(&summary, &axes, x_title)),
        y: Axis::slots(thinned(y_names), &y_title),
        footer: footer.join(" · "),
        top: None,
        right: BAR_ROOM + labels,
    };
    chart::draw(style, frame, |chart| {
        for cell in &cells {
            let share = if scale.contains(cell.value) { scale.share(cell.value) } else { 0.0 };
            let (x, y) = (cell.x as f64, cell.y as f64);
            let corners = [(x - 0.5, y - 0.5), (x + 0.5, y - 0.5), (x + 0.5, y + 0.5), (x - 0.5, y + 0.5)];
            let corners = corners.map(|corner| chart.place(corner));
            chart.page.polygon(&corners, colour(share), 1.0)?;
            if prints {
                print(chart, &summary, cell, share, corners[1].0 - corners[0].0)?;
            }
            chart.value((x, y), || {
                let named = |key: &Key, index: usize| {
                    let quantity = quantity(&summary.keys[key.key]);
                    format!("{} = {}", quantity.name, quantity.value(key.levels[index].text()))
                };
                let levels = [named(&keys.0, cell.x), named(&keys.1, cell.y)].join(", ");
                format!("{levels}: median {}", summary.score.text(cell.value))
            });
        }
        bar(chart, &scale)
    })
}

/// One of the two keys, with its levels.
struct Key {
    key: usize,
    levels: Vec<Level>,
}

/// The keys of a grid of numbers; `None` if the sweep is none.
fn grid(summary: &Summary, axes: &FigureAxes) -> Option<(Key, Key)> {
    let x = axes.x.filter(|_| axes.x_is_numeric)?;
    let &y = axes.grouping.first()?;
    let mut levels: Vec<Level> = axes.groups.iter().map(|group| group[0].clone()).collect();
    levels.sort_by(|a, b| a.number().unwrap_or(f64::NAN).total_cmp(&b.number().unwrap_or(f64::NAN)));
    levels.dedup();
    // Further keys that vary with y are no third axis.
    let is_grid = levels.len() == axes.groups.len() && levels.iter().all(|level| level.number().is_some());
    let is_swept = summary.rows(Kind::Chips).next().is_some();
    (is_grid && is_swept).then(|| (Key { key: x, levels: axes.x_levels.clone() }, Key { key: y, levels }))
}

/// The median at a pair of levels, given by their indices.
struct Cell {
    x: usize,
    y: usize,
    value: f64,
}

fn cells(summary: &Summary, (x, y): (&Key, &Key)) -> Vec<Cell> {
    let at = |key: &Key, levels: &[Option<Level>]| {
        let own = levels.get(key.key)?.as_ref()?;
        key.levels.iter().position(|level| level == own)
    };
    let cell = |levels: &[Option<Level>], value: f64| {
        Some(Cell { x: at(x, levels)?, y: at(y, levels)?, value: if value.abs() < ROUNDING { 0.0 } else { value } })
    };
    summary.rows(Kind::Chips).filter_map(|outcome| cell(&outcome.levels, outcome.q50)).collect()
}

/// The scale of the colours.
fn scale(summary: &Summary, cells: &[Cell]) -> Axis {
    let title = summary.score.title;
    let values: Vec<f64> = cells.iter().map(|cell| cell.value).collect();
    let (low, high) = extremes(values.iter().copied());
    if summary.score.values == Values::Shares {
        return Axis::percent(low, high, title);
    }
    let positive: Vec<f64> = values.into_iter().filter(|value| *value > 0.0).collect();
    match extremes(positive.iter().copied()) {
        (least, most) if low >= 0.0 && least < most => Axis::numeric(&positive, &quantity(title)),
        _ => Axis::amounts(low, high, title),
    }
}

/// The colour at a share of the map.
fn colour(share: f64) -> Colour {
    let at = share.clamp(0.0, 1.0) * (CIVIDIS.len() - 1) as f64;
    let below = (at as usize).min(CIVIDIS.len() - 2);
    let (a, b) = (CIVIDIS[below], CIVIDIS[below + 1]);
    let mixed = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * (at - below as f64)).round() as u8;
    let (red, green, blue) = (mixed(a.0, b.0), mixed(a.1, b.1), mixed(a.2, b.2));
    // A dark page replaces greys, so none of the map may be one.
    if red == green && green == blue { (red, green, blue - 1) } else { (red, green, blue) }
}

/// The value of a cell in the middle of it, if it fits.
fn print(chart: &Chart, summary: &Summary, cell: &Cell, share: f64, room: f64) -> Result<(), ReportError> {
    let text = match summary.score.values {
        Values::Numbers => decimal(format!("{:.1e}", cell.value).parse().unwrap_or(cell.value)),
        Values::Shares | Values::Ratios => format!("{:.1}", cell.value),
    };
    let size = TICK * ((room - 4.0) / font::width(&text, TICK)).min(1.0);
    if size < 0.6 * TICK {
        return Ok(());
    }
    let (x, y) = chart.place((cell.x as f64, cell.y as f64));
    let ink = if share < DARK { ON_DARK } else { ON_LIGHT };
    chart.page.text(&text, (x, y + 0.36 * size), Anchor::Center, size, ink)
}

/// The colours with the values of the scale, right of the plot.
fn bar(chart: &Chart, scale: &Axis) -> Result<(), ReportError> {
    let (right, top) = chart.place((f64::INFINITY, f64::INFINITY));
    let bottom = chart.place((f64::INFINITY, f64::NEG_INFINITY)).1;
    let (from, to) = (right + 14.0, right + 14.0 + BAR);
    let height = |share: f64| bottom + (top - bottom) * share;
    for strip in 0..STRIPS {
        let [low, high] = [strip, strip + 1].map(|k| height(k as f64 / STRIPS as f64));
        let corners = [(from, low), (to, low), (to, high), (from, high)];
        chart.page.polygon(&corners, colour((strip as f64 + 0.5) / STRIPS as f64), 1.0)?;
    }
    for tick in &scale.ticks {
        let y = height(scale.share(tick.value)) + 0.36 * TICK;
        chart.page.text(&tick.label, (to + 6.0, y), Anchor::Left, TICK, INK)?;
    }
    Ok(())
}

/// Every n-th name, so that at most two dozen are left.
fn thinned(names: Vec<String>) -> Vec<String> {
    let every = names.len().div_ceil(24).max(1);
    names.into_iter().enumerate().map(|(i, name)| if i % every == 0 { name } else { String::new() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(score: &str, keys: &str, rows: &[(&str, f64)]) -> Table {
        let header = format!("row,point,{keys},chips,{score}_mean,{score}_q10,{score}_q50,{score}_q90\n");
        let rows: String = rows.iter().map(|(l, v)| format!("chips,0,{l},20,{v},{v},{v},{v}\n")).collect();
        Table::parse(&(header + &rows)).unwrap()
    }

    const KEYS: &str = "process.splitter_error.sigma_rad,process.phase_error.sigma_rad";

    #[test]
    fn two_numeric_keys_make_a_map_with_values_and_a_bar() {
        let rows = [("0,0", 0.98), ("0,0.02", 0.9), ("0.05,0", 0.75), ("0.05,0.02", 0.5)];
        let svg = draw(&table("accuracy", KEYS, &rows), &FigureStyle::default()).unwrap();
        for text in
            ["\n98.0\n", "\n50.0\n", "\nsplitter error σ (rad)\n", "\nphase error σ (rad)\n", "median of 20 chips"]
        {
            assert!(svg.contains(text), "{text}");
        }
        // Four cells and the strips of the bar.
        assert_eq!(svg.matches("<polygon").count(), 4 + STRIPS);
        // Nine levels have no values.
        let labels: Vec<String> = (0..9).flat_map(|i| (0..2).map(move |j| format!("{i},{j}"))).collect();
        let rows: Vec<(&str, f64)> = labels.iter().enumerate().map(|(k, l)| (l.as_str(), k as f64 / 20.0)).collect();
        assert!(!draw(&table("accuracy", KEYS, &rows), &FigureStyle::default()).unwrap().contains("\n85.0\n"));
    }

    #[test]
    fn infidelities_are_logarithmic_and_zeros_darkest() {
        let rows = [("0,0", 0.0), ("0,0.02", 1e-4), ("0.05,0", 1e-2), ("0.05,0.02", 1e-1)];
        let svg = draw(&table("infidelity", KEYS, &rows), &FigureStyle::default()).unwrap();
        assert!(svg.contains("darkest: 1 − F = 0") && svg.contains("\n0.01\n"), "{svg}");
    }

    #[test]
    fn other_sweeps_have_no_map() {
        for (keys, rows) in [
            ("a", &[("0", 0.5), ("1", 0.6)][..]),
            ("a,b", &[("0,0", 0.5), ("1,1", 0.6)][..]),
            ("a,correction", &[("0,none", 0.5), ("1,none", 0.6), ("0,local", 0.7), ("1,local", 0.8)][..]),
        ] {
            let drawn = draw(&table("accuracy", keys, rows), &FigureStyle::default());
            assert!(matches!(drawn, Err(ReportError::NoRows)), "{keys}");
        }
    }

    /// CIE lightness of a colour.
    fn lightness((red, green, blue): Colour) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        116.0 * (0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)).cbrt() - 16.0
    }

    #[test]
    fn the_map_is_even_in_lightness_and_has_no_grey() {
        let colours: Vec<Colour> = (0..=1000).map(|k| colour(f64::from(k) / 1000.0)).collect();
        assert!(colours.iter().all(|(red, green, blue)| red != green || green != blue));
        let (first, last) = (lightness(colours[0]), lightness(colours[1000]));
        for (k, &colour) in colours.iter().enumerate() {
            let even = first + (last - first) * k as f64 / 1000.0;
            assert!((lightness(colour) - even).abs() < 6.0, "{k}: {} instead of {even}", lightness(colour));
        }
    }
}
