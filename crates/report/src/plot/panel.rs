//! One plot on its sheet: title, legend, grid, axes, footer, and in the middle the marks of a figure.
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
use crate::plot::axis::Axis;
use crate::plot::legend::{Entry, Legend};
use crate::plot::palette::{FAINT_INK, FOOTER, FRAME, GRID, INK, LABEL, TICK, TITLE, WHITE};
use crate::plot::pen::{Anchor, Canvas, Stroke};
use crate::plot::{font, pen};

const WIDTH: f64 = 800.0;
const PLOT_HEIGHT: f64 = 350.0;
const MARGIN: f64 = 20.0;
const TICK_LENGTH: f64 = 4.0;
/// Longest name of a category, where names are written upright.
const UPRIGHT_LIMIT: f64 = 150.0;
/// Lines of a title or of the name of a category.
const MAX_LINES: usize = 2;

/// Everything around the marks.
pub(crate) struct Sheet {
    pub title: String,
    pub legend: Vec<Entry>,
    pub x: Axis,
    pub y: Axis,
    pub footer: String,
}

/// The area inside the axes.
pub(crate) struct Panel<'a, 's> {
    pub canvas: &'a Canvas<'s>,
    left: f64,
    top: f64,
    width: f64,
}

impl Panel<'_, '_> {
    /// The place on the canvas of two shares of the axes, 0…1 rightwards and upwards.
    pub(crate) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + self.width * x, self.top + PLOT_HEIGHT * (1.0 - y))
    }

    fn bottom(&self) -> f64 {
        self.top + PLOT_HEIGHT
    }
}

/// Draws a sheet with the given marks as SVG.
pub(crate) fn draw(sheet: Sheet, marks: impl FnOnce(&Panel) -> Result<(), ReportError>) -> Result<String, ReportError> {
    let widest = sheet.y.ticks.iter().map(|tick| font::width(&tick.label, TICK)).fold(0.0, f64::max);
    let left = MARGIN + 1.6 * LABEL + widest + TICK_LENGTH + 3.0;
    let width = WIDTH - MARGIN - left;

    let title = lines(&sheet.title, TITLE, WIDTH - MARGIN - left);
    let legend = Legend::new(sheet.legend, width);
    let legend_top = 20.0 + 1.3 * TITLE * title.len() as f64;
    let top = legend_top + legend.height() + 10.0;

    let names = Names::of(&sheet.x, width);
    let x_title = lines(&sheet.x.title, LABEL, width);
    let x_title_top = top + PLOT_HEIGHT + TICK_LENGTH + names.height() + 6.0;
    let footer = font::wrap(&sheet.footer, FOOTER, WIDTH - 2.0 * MARGIN);
    let footer_top = x_title_top + 1.3 * LABEL * x_title.len() as f64 + 12.0;
    let height = (footer_top + 1.4 * FOOTER * footer.len() as f64 + 12.0).ceil();

    pen::svg(WIDTH, height, |canvas| {
        let panel = Panel { canvas, left, top, width };
        for (i, line) in title.iter().enumerate() {
            let baseline = 16.0 + 1.3 * TITLE * (i as f64 + 0.75);
            canvas.text(line, (left, baseline), Anchor::Start, TITLE, INK)?;
        }
        legend.draw(canvas, left, legend_top)?;
        grid(&panel, &sheet.x, &sheet.y)?;
        marks(&panel)?;
        frame(&panel, &sheet.x, &sheet.y)?;
        names.draw(&panel, &sheet.x)?;
        let middle = left + width / 2.0;
        for (i, line) in x_title.iter().enumerate() {
            let baseline = x_title_top + 1.3 * LABEL * (i as f64 + 0.75);
            canvas.text(line, (middle, baseline), Anchor::Middle, LABEL, INK)?;
        }
        canvas.upright(&sheet.y.title, (MARGIN + 0.8 * LABEL, top + PLOT_HEIGHT / 2.0), Anchor::Middle, LABEL, INK)?;
        for (i, line) in footer.iter().enumerate() {
            let baseline = footer_top + 1.4 * FOOTER * (i as f64 + 0.75);
            canvas.text(line, (WIDTH - MARGIN, baseline), Anchor::End, FOOTER, FAINT_INK)?;
        }
        Ok(())
    })
}

/// A text in at most two lines; the rest is an ellipsis.
fn lines(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines = font::wrap(text, size, limit);
    if lines.len() > MAX_LINES {
        let rest = lines.split_off(MAX_LINES - 1).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| font::fit(line, size, limit)).collect()
}

fn thin(colour: crate::plot::palette::Colour) -> Stroke {
    Stroke { colour, width: 1.0, dashes: &[] }
}

fn grid(panel: &Panel, x: &Axis, y: &Axis) -> Result<(), ReportError> {
    if !x.is_categorical() {
        for tick in x.ticks.iter().filter(|tick| !tick.label.is_empty()) {
            panel.canvas.line(&[panel.at(tick.at, 0.0), panel.at(tick.at, 1.0)], thin(GRID))?;
        }
    }
    for tick in y.ticks.iter().filter(|tick| !tick.label.is_empty()) {
        panel.canvas.line(&[panel.at(0.0, tick.at), panel.at(1.0, tick.at)], thin(GRID))?;
    }
    Ok(())
}

/// The two axes, their ticks, the numbers of y, and the break of x.
fn frame(panel: &Panel, x: &Axis, y: &Axis) -> Result<(), ReportError> {
    let canvas = panel.canvas;
    canvas.line(&[panel.at(0.0, 1.0), panel.at(0.0, 0.0), panel.at(1.0, 0.0)], thin(FRAME))?;
    for tick in &y.ticks {
        let (left, y) = panel.at(0.0, tick.at);
        if tick.label.is_empty() {
            canvas.line(&[(left - 0.6 * TICK_LENGTH, y), (left, y)], thin(FRAME))?;
            continue;
        }
        canvas.line(&[(left - TICK_LENGTH, y), (left, y)], thin(FRAME))?;
        let end = (left - TICK_LENGTH - 3.0, y + 0.36 * TICK);
        canvas.text(&tick.label, end, Anchor::End, TICK, INK)?;
    }
    for tick in x.ticks.iter().filter(|_| !x.is_categorical()) {
        let (x, y) = panel.at(tick.at, 0.0);
        let length = if tick.label.is_empty() { 0.6 * TICK_LENGTH } else { TICK_LENGTH };
        canvas.line(&[(x, y), (x, y + length)], thin(FRAME))?;
    }
    if let Some(share) = x.break_at {
        let (x, y) = panel.at(share, 0.0);
        let slash = |x: f64| [(x - 2.0, y + 5.0), (x + 2.0, y - 5.0)];
        let gap = [(x - 5.0, y + 6.0), (x - 1.0, y - 6.0), (x + 5.0, y - 6.0), (x + 1.0, y + 6.0)];
        canvas.polygon(&gap, WHITE, 1.0)?;
        canvas.line(&slash(x - 3.0), thin(FRAME))?;
        canvas.line(&slash(x + 3.0), thin(FRAME))?;
    }
    Ok(())
}

/// The labels along x: numbers, words in one or two lines, or words set upright where they are too many for that.
enum Names {
    Level(Vec<Vec<String>>),
    Upright(Vec<String>),
}

impl Names {
    fn of(x: &Axis, width: f64) -> Self {
        if !x.is_categorical() {
            return Self::Level(x.ticks.iter().map(|tick| vec![tick.label.clone()]).collect());
        }
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
            Self::Level(names) => 1.3 * TICK * names.iter().map(Vec::len).max().unwrap_or(0) as f64,
            Self::Upright(names) => names.iter().map(|name| font::width(name, TICK)).fold(0.0, f64::max) + 6.0,
        }
    }

    fn draw(&self, panel: &Panel, x: &Axis) -> Result<(), ReportError> {
        let top = panel.bottom() + TICK_LENGTH;
        let places = x.ticks.iter().map(|tick| panel.at(tick.at, 0.0).0);
        match self {
            Self::Level(names) => {
                for (place, name) in places.zip(names) {
                    for (i, line) in name.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
                        let baseline = top + 1.3 * TICK * (i as f64 + 0.8);
                        panel.canvas.text(line, (place, baseline), Anchor::Middle, TICK, INK)?;
                    }
                }
            }
            Self::Upright(names) => {
                for (place, name) in places.zip(names) {
                    panel.canvas.upright(name, (place + 0.36 * TICK, top + 4.0), Anchor::End, TICK, INK)?;
                }
            }
        }
        Ok(())
    }
}
