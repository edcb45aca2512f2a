//! A sheet to draw on, in units of one 800th of its width; the one file that names plotters.
//!
//! plotters rounds coordinates to integers and estimates the extent of texts without knowing the font. So everything is
//! drawn four times too large and scaled back by the `viewBox`, and texts are placed by their baseline, measured with
//! the bundled font.

use plotters::prelude::*;
use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::ReportError;
use crate::plot::font::FAMILY;
use crate::plot::palette::{Colour, WHITE};

/// Units of plotters in a unit of the canvas.
const SCALE: f64 = 4.0;

/// plotters writes `font-size = size / 1.24`.
const FONT_SCALE: f64 = 1.24;

/// plotters shifts a text anchored at its top by this many ems, so the baseline is known exactly.
const TOP_TO_BASELINE_EM: f64 = 0.76;

/// A place on the canvas; y points down.
pub(crate) type Point = (f64, f64);

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line: colour, width, lengths of dash, gap, dash, … (none: solid).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stroke {
    pub colour: Colour,
    pub width: f64,
    pub dashes: &'static [f64],
}

/// The outline of a data point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Diamond,
    Triangle,
}

pub(crate) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
}

/// Opens a white canvas, draws on it and returns the SVG.
pub(crate) fn svg(
    width: f64,
    height: f64,
    draw: impl FnOnce(&Canvas) -> Result<(), ReportError>,
) -> Result<String, ReportError> {
    let size = ((width * SCALE).round() as u32, (height * SCALE).round() as u32);
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let canvas = Canvas { area };
    canvas.polygon(&[(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)], WHITE, 1.0)?;
    draw(&canvas)?;
    canvas.area.present()?;
    drop(canvas);
    let body = text.split_once(">\n").map_or("", |(_, body)| body);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" stroke-linejoin=\"round\">\n{body}",
        size.0, size.1
    ))
}

impl Canvas<'_> {
    /// An open line through the points.
    pub(crate) fn line(&self, points: &[Point], stroke: Stroke) -> Result<(), ReportError> {
        let style = rgb(stroke.colour).stroke_width(units(stroke.width).max(1) as u32);
        for dash in dashed(points, stroke.dashes) {
            self.area.draw(&PathElement::new(dash.into_iter().map(place).collect::<Vec<_>>(), style))?;
        }
        Ok(())
    }

    /// A filled polygon without outline.
    pub(crate) fn polygon(&self, points: &[Point], colour: Colour, opacity: f64) -> Result<(), ReportError> {
        let corners: Vec<_> = points.iter().copied().map(place).collect();
        Ok(self.area.draw(&Polygon::new(corners, rgb(colour).mix(opacity).filled()))?)
    }

    /// A marker with a white rim that sets it off from lines beneath.
    pub(crate) fn marker(&self, at: Point, marker: Marker, colour: Colour) -> Result<(), ReportError> {
        for (radius, colour) in [(5.0, WHITE), (3.8, colour)] {
            let around = |corners: &[Point]| -> Vec<Point> {
                corners.iter().map(|(x, y)| (at.0 + radius * x, at.1 + radius * y)).collect()
            };
            match marker {
                Marker::Circle => {
                    self.area.draw(&Circle::new(place(at), units(radius), rgb(colour).filled()))?;
                }
                Marker::Square => {
                    self.polygon(&around(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]), colour, 1.0)?;
                }
                Marker::Diamond => {
                    self.polygon(&around(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]), colour, 1.0)?;
                }
                Marker::Triangle => self.polygon(&around(&[(0.0, -1.25), (1.15, 0.8), (-1.15, 0.8)]), colour, 1.0)?,
            }
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
        self.write(text, top, anchor, size, colour, FontTransform::None)
    }

    /// A text that reads upwards, its baseline on the vertical through the point.
    pub(crate) fn upright(
        &self,
        text: &str,
        at: Point,
        anchor: Anchor,
        size: f64,
        colour: Colour,
    ) -> Result<(), ReportError> {
        let top = (at.0 - TOP_TO_BASELINE_EM * size, at.1);
        self.write(text, top, anchor, size, colour, FontTransform::Rotate270)
    }

    fn write(
        &self,
        text: &str,
        top: Point,
        anchor: Anchor,
        size: f64,
        colour: Colour,
        transform: FontTransform,
    ) -> Result<(), ReportError> {
        let text: String = text.chars().filter(|c| !c.is_control() && !('\u{fffe}'..='\u{ffff}').contains(c)).collect();
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let colour = rgb(colour);
        let style = TextStyle::from((FAMILY, size * SCALE * FONT_SCALE).into_font())
            .color(&colour)
            .transform(transform)
            .pos(Pos::new(horizontal, VPos::Top));
        Ok(self.area.draw_text(&text, &style, place(top))?)
    }
}

fn rgb((red, green, blue): Colour) -> RGBColor {
    RGBColor(red, green, blue)
}

fn units(length: f64) -> i32 {
    (length * SCALE).round() as i32
}

fn place((x, y): Point) -> (i32, i32) {
    (units(x), units(y))
}

/// Cuts a line into the dashes of a pattern, which runs on around corners.
fn dashed(points: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    if pattern.iter().sum::<f64>() <= 0.0 {
        return vec![points.to_vec()];
    }
    let mut lengths = pattern.iter().copied().cycle();
    let (mut drawing, mut left) = (true, lengths.next().unwrap_or(0.0));
    let mut dashes: Vec<Vec<Point>> = points.first().map(|&first| vec![first]).into_iter().collect();
    for pair in points.windows(2) {
        let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        let length = dx.hypot(dy);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let turn = (pair[0].0 + dx * done / length, pair[0].1 + dy * done / length);
            match dashes.last_mut() {
                Some(dash) if drawing => dash.push(turn),
                _ => dashes.push(vec![turn]),
            }
            drawing = !drawing;
            left = lengths.next().unwrap_or(0.0);
        }
        left -= length - done;
        if let (true, Some(dash)) = (drawing, dashes.last_mut()) {
            dash.push(pair[1]);
        }
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_the_pattern_around_a_corner() {
        let cut = dashed(&[(0.0, 0.0), (4.0, 0.0), (4.0, 4.0)], &[3.0, 0.5]);
        let expected =
            [vec![(0.0, 0.0), (3.0, 0.0)], vec![(3.5, 0.0), (4.0, 0.0), (4.0, 2.5)], vec![(4.0, 3.0), (4.0, 4.0)]];
        assert_eq!(cut, expected);
        assert_eq!(dashed(&[(0.0, 0.0), (9.0, 0.0)], &[]).len(), 1);
    }

    #[test]
    fn texts_are_escaped_and_cleaned() {
        let drawing =
            svg(80.0, 40.0, |canvas| canvas.text("a<b> & \"c\"\u{1}\u{ffff}", (4.0, 20.0), Anchor::Start, 10.0, WHITE));
        let drawing = drawing.unwrap();
        assert!(drawing.contains("\na&lt;b&gt; &amp; &quot;c&quot;\n"), "{drawing}");
        assert!(drawing.starts_with(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"80\" height=\"40\" viewBox=\"0 0 320 160\""
        ));
        assert!(drawing.trim_end().ends_with("</svg>"));
    }
}
