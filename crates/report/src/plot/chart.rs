//! The frame of a figure: title, legend, axes and footer around the marks.
//!
//! ```text
//!   title
//!   legend
//!   ┌─────────────┐
//! y │    marks    │
//!   └─────────────┘
//!          x
//!   footer
//! ```

use crate::error::ReportError;
use crate::plot::axis::{Axis, Tick};
use crate::plot::legend::{Entry, Legend};
use crate::plot::page::{Anchor, Chart, MARGIN, Page, Stroke, TICK_LENGTH};
use crate::plot::palette::{Colour, FAINT_INK, FOOTER, FRAME, INK, LABEL, TICK, TITLE, WHITE};
use crate::plot::{font, page};
use crate::style::FigureStyle;

/// Height of the plot, and the most of it relative to its width.
const PLOT_HEIGHT: f64 = 350.0;
const MAX_ASPECT: f64 = 0.75;
/// Height above the legend of a figure without title.
const TOP: f64 = 10.0;
/// Distance of two lines of a text, relative to its size.
const LEADING: f64 = 1.35;
/// Longest name of a category that is written upright.
const UPRIGHT_LIMIT: f64 = 150.0;
/// Lines of a title or of the name of a category.
const MAX_LINES: usize = 2;

/// All parts of a figure around its marks.
pub(crate) struct Frame {
    pub title: String,
    pub legend: Vec<Entry>,
    pub x: Axis,
    pub y: Axis,
    pub footer: String,
    /// The same positions in another quantity, along the upper side.
    pub top: Option<TopAxis>,
    /// Room right of the plot.
    pub right: f64,
}

/// Ticks at values of x, labelled in another quantity.
#[derive(Debug, Clone)]
pub(crate) struct TopAxis {
    pub ticks: Vec<Tick>,
    pub title: String,
}

/// Draws a frame with the given marks as SVG.
pub(crate) fn draw(
    style: &FigureStyle,
    frame: Frame,
    marks: impl FnOnce(&mut Chart) -> Result<(), ReportError>,
) -> Result<String, ReportError> {
    let Frame { title, legend, mut x, y, footer, top: upper, right } = frame;
    let widest = y.ticks.iter().map(|tick| font::width(&tick.label, TICK)).fold(0.0, f64::max);
    let left = MARGIN + 1.6 * LABEL + widest + 2.0 * TICK_LENGTH;
    let page_width = style.units();
    let width = page_width - MARGIN - left - right;
    let plot_height = PLOT_HEIGHT.min(MAX_ASPECT * width);

    let title = if style.title { lines(&title, TITLE, width) } else { Vec::new() };
    let legend = Legend::new(legend, width);
    let legend_top = TOP + if title.is_empty() { 0.0 } else { 10.0 + LEADING * TITLE * title.len() as f64 };
    let upper_height = if upper.is_some() { LEADING * (LABEL + TICK) + 2.0 * TICK_LENGTH } else { 0.0 };
    let top = legend_top + legend.height() + 10.0 + upper_height;

    let names = x.is_categorical().then(|| Names::new(&x, width));
    let labels_height = 2.0 * TICK_LENGTH + names.as_ref().map_or(LEADING * TICK, Names::height);
    let x_title = lines(&std::mem::take(&mut x.title), LABEL, width);
    let x_title_top = top + plot_height + labels_height + 2.0;
    let footer = if style.footer { font::wrap(&footer, FOOTER, page_width - 2.0 * MARGIN) } else { Vec::new() };
    let x_title_height = LEADING * LABEL * x_title.len() as f64;
    let footer_top = x_title_top + x_title_height + if footer.is_empty() { 0.0 } else { 12.0 };
    let height = (footer_top + LEADING * FOOTER * footer.len() as f64 + 12.0).ceil();

    page::svg(style, height, |page| {
        paragraph(page, &title, (left, 16.0), Anchor::Left, TITLE, INK)?;
        legend.draw(page, (left, legend_top))?;
        let mut chart = page.chart((left, top), (width, plot_height), labels_height, (&x, &y))?;
        marks(&mut chart)?;
        if let Some(share) = x.break_at() {
            draw_break(page, left + share * width, top + plot_height)?;
        }
        if let Some(names) = names {
            names.draw(&chart, &x)?;
        }
        if let Some(upper) = upper {
            upper.draw(&chart, left + width / 2.0)?;
        }
        paragraph(page, &x_title, (left + width / 2.0, x_title_top), Anchor::Center, LABEL, INK)?;
        paragraph(page, &footer, (page_width - MARGIN, footer_top), Anchor::Right, FOOTER, FAINT_INK)
    })
}

impl TopAxis {
    fn draw(&self, chart: &Chart, middle: f64) -> Result<(), ReportError> {
        let stroke = Stroke { colour: FRAME, width: 1.0, dashes: None };
        let mut end = f64::NEG_INFINITY;
        let mut upper = 0.0;
        for Tick { value, label } in &self.ticks {
            let (x, y) = chart.place((*value, f64::INFINITY));
            upper = y;
            chart.page.line(&[(x, y), (x, y - TICK_LENGTH)], stroke)?;
            let half = font::width(label, TICK) / 2.0;
            // Labels that would touch are left out.
            if x - half > end + 4.0 {
                chart.page.text(label, (x, y - 2.0 * TICK_LENGTH), Anchor::Center, TICK, INK)?;
                end = x + half;
            }
        }
        let baseline = upper - 2.0 * TICK_LENGTH - LEADING * TICK;
        chart.page.text(&self.title, (middle, baseline), Anchor::Center, LABEL, INK)
    }
}

/// Lines of text below a point.
fn paragraph(
    page: &Page,
    lines: &[String],
    (x, top): page::Point,
    anchor: Anchor,
    size: f64,
    colour: Colour,
) -> Result<(), ReportError> {
    let baseline = |i: usize| top + LEADING * size * (i as f64 + 0.75);
    lines.iter().enumerate().try_for_each(|(i, line)| page.text(line, (x, baseline(i)), anchor, size, colour))
}

/// Two slashes over a gap in the x axis.
fn draw_break(page: &Page, x: f64, y: f64) -> Result<(), ReportError> {
    let stroke = Stroke { colour: FRAME, width: 1.0, dashes: None };
    let slash = |x: f64| [(x - 2.0, y + 5.0), (x + 2.0, y - 5.0)];
    let gap = [(x - 5.0, y + 6.0), (x - 1.0, y - 6.0), (x + 5.0, y - 6.0), (x + 1.0, y + 6.0)];
    page.polygon(&gap, WHITE, 1.0)?;
    page.line(&slash(x - 3.0), stroke)?;
    page.line(&slash(x + 3.0), stroke)
}

/// A text in at most two lines. A longer one ends in an ellipsis.
fn lines(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines = font::wrap(text, size, limit);
    if lines.len() > MAX_LINES {
        let rest = lines.split_off(MAX_LINES - 1).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| font::fit(line, size, limit)).collect()
}

/// The names along a categorical axis: in one or two lines, or upright if they do not fit.
enum Names {
    Level(Vec<Vec<String>>),
    Upright(Vec<String>),
}

impl Names {
    fn new(x: &Axis, width: f64) -> Self {
        let slot = width / x.ticks.len().max(1) as f64 - 8.0;
        let level: Vec<_> = x.ticks.iter().map(|tick| font::wrap_evenly(&tick.label, TICK, slot)).collect();
        let fits =
            |name: &Vec<String>| name.len() <= MAX_LINES && name.iter().all(|line| font::width(line, TICK) <= slot);
        if level.iter().all(fits) {
            return Self::Level(level);
        }
        Self::Upright(x.ticks.iter().map(|tick| font::fit(&tick.label, TICK, UPRIGHT_LIMIT)).collect())
    }

    fn height(&self) -> f64 {
        match self {
            Self::Level(names) => LEADING * TICK * names.iter().map(Vec::len).max().unwrap_or(0) as f64,
            Self::Upright(names) => names.iter().map(|name| font::width(name, TICK)).fold(0.0, f64::max) + 6.0,
        }
    }

    fn draw(&self, chart: &Chart, x: &Axis) -> Result<(), ReportError> {
        let places = x.ticks.iter().map(|tick| chart.place((tick.value, f64::NEG_INFINITY)));
        match self {
            Self::Level(names) => places.zip(names).try_for_each(|((x, bottom), name)| {
                paragraph(chart.page, name, (x, bottom + TICK_LENGTH), Anchor::Center, TICK, INK)
            }),
            Self::Upright(names) => places.zip(names).try_for_each(|((x, bottom), name)| {
                chart.page.upright(name, (x + 0.36 * TICK, bottom + 2.0 * TICK_LENGTH), TICK, INK)
            }),
        }
    }
}
