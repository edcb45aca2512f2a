//! A page of SVG: texts, lines, markers and charts, in units of [`FigureStyle`]. The one file that draws with plotters.
//!
//! Texts are placed by their baseline. The canvas has `SCALE` times as many pixels as the page has units; see
//! `plot/mod.rs` for the reason.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{Pos, VPos};

/// Where the anchor point of a text lies along the text.
pub(crate) use plotters::style::text_anchor::HPos as Anchor;

use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::font::FAMILY;
use crate::plot::label::printable;
use crate::plot::marker::Marker;
use crate::plot::palette::{BAND_OPACITY, Colour, FRAME, GRID, INK, LABEL, MINOR_GRID, TICK, WHITE};
use crate::plot::scheme::{hex, style_sheet};
use crate::style::FigureStyle;

/// The margin of every figure of this crate.
pub(crate) const MARGIN: f64 = 20.0;

/// Pixels of plotters per unit of the page.
const SCALE: f64 = 4.0;

/// plotters writes `font-size = size / 1.24`.
const FONT_SCALE: f64 = 1.24;

/// Distance from the anchor of a top-anchored text of plotters to its baseline (em).
const TOP_TO_BASELINE_EM: f64 = 0.76;

/// Length of a tick; plotters sets labels at twice this distance from the axis.
pub(crate) const TICK_LENGTH: f64 = 4.0;

/// Length of the caps of an error bar.
const CAP: f64 = 6.0;

/// Radius of the mark of a value: a finger on a narrow screen hits it.
const VALUE_RADIUS: f64 = 14.0;

/// More points than this do not all have a mark: a browser is slow with them, and a reader cannot tell them apart.
const MAX_VALUES: usize = 500;

/// The beginning of the attribute that says how many points a figure has, if not all have a mark.
pub(crate) const OF_POINTS: &str = "data-points=\"";

/// A place on the page; y points down.
pub(crate) type Point = (f64, f64);

/// A line: colour, width, and lengths of dash and gap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stroke {
    pub colour: Colour,
    pub width: f64,
    pub dashes: Option<(f64, f64)>,
}

/// Cells by colour and height: vertical middle, left end and width of each (pixels).
type Cells = BTreeMap<(Colour, i32), Vec<[i32; 3]>>;

/// The page itself.
pub(crate) struct Page<'s> {
    area: DrawingArea<SVGBackend<'s>, Shift>,
    /// Places with their values as texts, in the order of the keyboard; `None` if the figure has none.
    values: Option<RefCell<Vec<(Point, String)>>>,
    cells: RefCell<Cells>,
}

/// A chart on a page. Its points are values (x, y) of the two axes.
pub(crate) struct Chart<'p, 's> {
    pub page: &'p Page<'s>,
    context: ChartContext<'p, SVGBackend<'s>, Cartesian2d<Axis, Axis>>,
}

/// Opens a white page of the width of the style, draws on it and returns the SVG.
pub(crate) fn svg(
    style: &FigureStyle,
    height: f64,
    draw: impl FnOnce(&Page) -> Result<(), ReportError>,
) -> Result<String, ReportError> {
    let width = style.units();
    let size = (pixels(width).unsigned_abs(), pixels(height).unsigned_abs());
    let mut text = String::new();
    let (values, cells) = {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        area.fill(&rgb(WHITE))?;
        let page = Page { area, values: style.values.then(RefCell::default), cells: RefCell::default() };
        draw(&page)?;
        page.area.present()?;
        (page.values.as_ref().map(RefCell::take).unwrap_or_default(), page.cells.take())
    };
    let body = text.split_once(">\n").map_or("", |(_, body)| body);
    let more = paths_of_cells(&cells) + &if values.is_empty() { String::new() } else { marks_of_values(&values) };
    let with_more = body.trim_end().strip_suffix("</svg>").filter(|_| !more.is_empty());
    let with_more = with_more.map(|drawing| format!("{drawing}{more}</svg>\n"));
    let body = with_more.as_deref().unwrap_or(body);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" {} viewBox=\"0 0 {} {}\" stroke-linejoin=\"round\">\n{}{body}",
        style.size(width, height),
        size.0,
        size.1,
        style_sheet(body)
    ))
}

/// The cells of each colour and height as one path: a level line through the middle of each, as wide as the cell is high.
fn paths_of_cells(cells: &Cells) -> String {
    let mut paths = String::new();
    for ((colour, height), cells) in cells {
        let _ = write!(paths, "<path fill=\"none\" stroke=\"{}\" stroke-width=\"{height}\" d=\"", hex(*colour));
        // Row by row, because steps from cell to cell have fewer digits than places.
        let mut sorted = cells.clone();
        sorted.sort_unstable();
        let (mut x, mut y) = (0, 0);
        for [middle, left, width] in sorted {
            let _ = write!(paths, "m{} {}h{width}", left - x, middle - y);
            (x, y) = (left + width, middle);
        }
        paths += "\"/>\n";
    }
    paths
}

/// Invisible circles with the values. The first one is in the order of the keyboard; a page moves on with the arrow keys.
fn marks_of_values(values: &[(Point, String)]) -> String {
    let step = values.len().div_ceil(MAX_VALUES);
    let points = if step > 1 { format!(" {OF_POINTS}{}\"", values.len()) } else { String::new() };
    let mut marks = format!("<g class=\"values\"{points}>\n");
    for (index, ((x, y), value)) in values.iter().step_by(step).enumerate() {
        let order = if index == 0 { 0 } else { -1 };
        let value = printable(value).replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let _ = writeln!(
            marks,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"none\" pointer-events=\"all\" tabindex=\"{order}\" role=\"img\" \
             aria-label=\"{value}\"><title>{value}</title></circle>",
            pixels(*x),
            pixels(*y),
            pixels(VALUE_RADIUS)
        );
    }
    marks + "</g>\n"
}

impl<'s> Page<'s> {
    /// Adds the value at a place as a text, if the figure has values.
    pub(crate) fn value(&self, at: Point, text: impl FnOnce() -> String) {
        if let Some(values) = &self.values {
            values.borrow_mut().push((at, text()));
        }
    }

    /// A chart with its grid, axes, ticks and labels. The point is the upper left corner of its plotting area, with
    /// labels of y left of it; labels and title of x take `below` units.
    pub(crate) fn chart(
        &self,
        (left, top): Point,
        (width, height): (f64, f64),
        below: f64,
        (x, y): (&Axis, &Axis),
    ) -> Result<Chart<'_, 's>, ReportError> {
        let margin = if y.ticks.is_empty() { 0.0 } else { left - MARGIN };
        let origin = (pixels(left - margin), pixels(top));
        let area = self.area.clone().shrink(origin, (pixels(width + margin), pixels(height + below)));
        let mut context = ChartBuilder::on(&area)
            .x_label_area_size(pixels(below))
            .y_label_area_size(pixels(margin))
            .build_cartesian_2d(x.clone(), y.clone())?;
        let ink = rgb(INK);
        let mut mesh = context.configure_mesh();
        mesh.bold_line_style(thin(GRID))
            .light_line_style(thin(MINOR_GRID))
            .axis_style(thin(FRAME))
            .set_all_tick_mark_size(pixels(TICK_LENGTH))
            .label_style(text_style(TICK, &ink))
            .axis_desc_style(text_style(LABEL, &ink));
        if !x.title.is_empty() {
            mesh.x_desc(printable(&x.title));
        }
        if !y.title.is_empty() {
            mesh.y_desc(printable(&y.title));
        }
        mesh.draw()?;
        Ok(Chart { page: self, context })
    }

    /// An open line through the points.
    pub(crate) fn line(&self, points: &[Point], stroke: Stroke) -> Result<(), ReportError> {
        let points: Vec<_> = points.iter().copied().map(pixel).collect();
        match stroke.dashes {
            None => self.area.draw(&PathElement::new(points, stroke.style()))?,
            Some((dash, gap)) => {
                self.area.draw(&DashedPathElement::new(points, pixels(dash), pixels(gap), stroke.style()))?;
            }
        }
        Ok(())
    }

    /// A filled rectangle between two corners, above all other parts of the page. Thousands of them are short texts.
    pub(crate) fn cell(&self, corner: Point, opposite: Point, colour: Colour) {
        let ((left, top), (right, bottom)) = (pixel(corner), pixel(opposite));
        let cell = [(top + bottom) / 2, left, right - left];
        self.cells.borrow_mut().entry((colour, bottom - top)).or_default().push(cell);
    }

    /// A filled polygon without outline.
    pub(crate) fn polygon(&self, points: &[Point], colour: Colour, opacity: f64) -> Result<(), ReportError> {
        let corners: Vec<_> = points.iter().copied().map(pixel).collect();
        Ok(self.area.draw(&Polygon::new(corners, rgb(colour).mix(opacity)))?)
    }

    /// A marker with a rim in the colour of the page, which separates it from lines beneath.
    pub(crate) fn marker(&self, at: Point, marker: Marker, colour: Colour) -> Result<(), ReportError> {
        self.sized_marker(at, marker, colour, 1.0)
    }

    /// A marker of a size relative to the usual one.
    pub(crate) fn sized_marker(&self, at: Point, marker: Marker, colour: Colour, size: f64) -> Result<(), ReportError> {
        for (radius, colour) in [(3.8 * size + 1.2, WHITE), (3.8 * size, colour)] {
            if marker == Marker::Circle {
                self.area.draw(&Circle::new(pixel(at), pixels(radius), rgb(colour).filled()))?;
                continue;
            }
            let corners = marker.corners().into_iter().map(|(x, y)| (at.0 + radius * x, at.1 + radius * y));
            self.polygon(&corners.collect::<Vec<_>>(), colour, 1.0)?;
        }
        Ok(())
    }

    /// A horizontal text whose baseline runs through the point. Characters that XML forbids are left out.
    pub(crate) fn text(
        &self,
        text: &str,
        at: Point,
        anchor: Anchor,
        size: f64,
        colour: Colour,
    ) -> Result<(), ReportError> {
        let top = (at.0, at.1 - TOP_TO_BASELINE_EM * size);
        self.write(text, top, anchor, &text_style(size, &rgb(colour)))
    }

    /// A text that reads upwards and ends at the point, its baseline on the vertical through the point.
    pub(crate) fn upright(&self, text: &str, at: Point, size: f64, colour: Colour) -> Result<(), ReportError> {
        let top = (at.0 - TOP_TO_BASELINE_EM * size, at.1);
        let colour = rgb(colour);
        self.write(text, top, Anchor::Right, &text_style(size, &colour).transform(FontTransform::Rotate270))
    }

    fn write(&self, text: &str, top: Point, anchor: Anchor, style: &TextStyle) -> Result<(), ReportError> {
        let style = style.pos(Pos::new(anchor, VPos::Top));
        Ok(self.area.draw_text(&printable(text), &style, pixel(top))?)
    }
}

impl Chart<'_, '_> {
    /// The place of a point on the page.
    pub(crate) fn place(&self, point: (f64, f64)) -> Point {
        let (x, y) = self.context.backend_coord(&point);
        (f64::from(x) / SCALE, f64::from(y) / SCALE)
    }

    /// Adds the value at a point as a text, if the figure has values.
    pub(crate) fn value(&self, point: (f64, f64), text: impl FnOnce() -> String) {
        self.page.value(self.place(point), text);
    }

    /// A line through the points.
    pub(crate) fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, stroke: Stroke) -> Result<(), ReportError> {
        self.page.line(&points.into_iter().map(|point| self.place(point)).collect::<Vec<_>>(), stroke)
    }

    /// A level line of a length on the page, around a point.
    pub(crate) fn stub(&self, middle: (f64, f64), length: f64, stroke: Stroke) -> Result<(), ReportError> {
        let (x, y) = self.place(middle);
        self.page.line(&[(x - length / 2.0, y), (x + length / 2.0, y)], stroke)
    }

    /// A marker at every point.
    pub(crate) fn markers(
        &self,
        points: impl IntoIterator<Item = (f64, f64)>,
        marker: Marker,
        colour: Colour,
    ) -> Result<(), ReportError> {
        points.into_iter().try_for_each(|point| self.page.marker(self.place(point), marker, colour))
    }

    /// A small marker at every point, for single chips.
    pub(crate) fn dots(
        &self,
        points: impl IntoIterator<Item = (f64, f64)>,
        marker: Marker,
        colour: Colour,
    ) -> Result<(), ReportError> {
        points.into_iter().try_for_each(|point| self.page.sized_marker(self.place(point), marker, colour, 0.6))
    }

    /// The area between two curves with the same x: (x, lower y, upper y).
    pub(crate) fn band(&self, curves: &[(f64, f64, f64)], colour: Colour) -> Result<(), ReportError> {
        let lower = curves.iter().map(|&(x, lower, _)| self.place((x, lower)));
        let upper = curves.iter().rev().map(|&(x, _, upper)| self.place((x, upper)));
        self.page.polygon(&lower.chain(upper).collect::<Vec<_>>(), colour, BAND_OPACITY)
    }

    /// A vertical error bar from the lowest to the highest of three values.
    pub(crate) fn error_bar(&mut self, x: f64, values: [f64; 3], stroke: Stroke) -> Result<(), ReportError> {
        let [low, middle, high] = values;
        let width = pixels(CAP).unsigned_abs();
        self.context.draw_series([ErrorBar::new_vertical(x, low, middle, high, stroke.style(), width)])?;
        Ok(())
    }
}

impl Stroke {
    fn style(self) -> ShapeStyle {
        rgb(self.colour).stroke_width(pixels(self.width).unsigned_abs().max(1))
    }
}

fn thin(colour: Colour) -> ShapeStyle {
    Stroke { colour, width: 1.0, dashes: None }.style()
}

fn text_style(size: f64, colour: &RGBColor) -> TextStyle<'_> {
    TextStyle::from((FAMILY, size * SCALE * FONT_SCALE).into_font()).color(colour)
}

fn rgb((red, green, blue): Colour) -> RGBColor {
    RGBColor(red, green, blue)
}

fn pixels(length: f64) -> i32 {
    (length * SCALE).round() as i32
}

fn pixel((x, y): Point) -> (i32, i32) {
    (pixels(x), pixels(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_one_colour_are_one_path_and_marks_are_limited() {
        let style = FigureStyle { values: true, ..FigureStyle::default() };
        let drawing = svg(&style, 40.0, |page| {
            page.cell((1.0, 2.0), (3.0, 4.0), INK);
            page.cell((3.0, 2.0), (5.0, 4.0), INK);
            (0..=2 * MAX_VALUES).for_each(|index| page.value((0.0, 0.0), || index.to_string()));
            Ok(())
        });
        let drawing = drawing.unwrap();
        let path = format!("<path fill=\"none\" stroke=\"{}\" stroke-width=\"8\" d=\"m4 12h8m0 0h8\"/>", hex(INK));
        assert!(drawing.contains(&path), "{drawing}");
        assert_eq!(drawing.matches("<circle").count(), (2 * MAX_VALUES + 1).div_ceil(3));
        assert!(drawing.contains(&format!("{OF_POINTS}{}\"", 2 * MAX_VALUES + 1)));
    }

    #[test]
    fn texts_are_escaped_and_cleaned() {
        let drawing = svg(&FigureStyle::default(), 40.0, |page| {
            page.text("a<b> & \"c\"\u{1}\u{ffff}", (4.0, 20.0), Anchor::Left, 10.0, WHITE)
        });
        let drawing = drawing.unwrap();
        assert!(drawing.contains("\na&lt;b&gt; &amp; &quot;c&quot;\n"), "{drawing}");
        assert!(drawing.starts_with(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"40\" viewBox=\"0 0 3200 160\""
        ));
        assert!(drawing.trim_end().ends_with("</svg>"));
    }
}
