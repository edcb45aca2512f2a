//! Figures inside a page: the drawing of `figure.svg` without its own style sheet, and the marks of its values.

use crate::error::ReportError;
use crate::figure::Figure;
use crate::plot::page::OF_POINTS;
use crate::style::FigureStyle;
use crate::table::Table;

/// Width of the variant for narrow screens: 420 units, whose texts stay readable on a phone.
const NARROW: &str = "315px";

/// A figure in two widths.
#[derive(serde::Serialize)]
pub(super) struct Inlined {
    pub caption: String,
    pub wide: String,
    pub narrow: String,
    /// How a reader finds the values, in the place of the value.
    pub hint: String,
}

/// Draws a figure for a page; `None` if it does not suit the table.
pub(super) fn inlined(figure: &Figure, table: &Table, caption: &str) -> Result<Option<Inlined>, ReportError> {
    let style = |width| FigureStyle { width, title: false, footer: false, values: true };
    let draw = |style: &FigureStyle| (figure.draw)(table, style).map(|svg| inside(&svg, caption));
    let wide = match draw(&style(None)) {
        Err(ReportError::NoRows) => return Ok(None),
        drawn => drawn?,
    };
    let narrow = draw(&style(NARROW.parse().ok()))?;
    let hint = hint(&wide);
    Ok(Some(Inlined { caption: caption.to_owned(), wide, narrow, hint }))
}

/// What a reader does to see a value, and how many of the points have one if not all have.
fn hint(drawing: &str) -> String {
    let how = "Point at a mark, touch it, or reach it with Tab and the arrow keys: its value appears here.";
    let points = drawing.split_once(OF_POINTS).and_then(|(_, rest)| rest.split_once('"')).map(|(points, _)| points);
    match points {
        None => how.to_owned(),
        Some(points) => {
            let marks = drawing.matches("role=\"img\"").count();
            format!("{how} Of {points} points, {marks} at equal steps have one; the table has all.")
        }
    }
}

/// The drawing for a screen reader: a group with a name, whose texts are left to the marks.
fn inside(svg: &str, caption: &str) -> String {
    let view = svg.split_once("viewBox=\"").and_then(|(_, rest)| rest.split_once('"')).map_or("", |(view, _)| view);
    let body = svg.split_once("</style>\n").map_or("", |(_, body)| body);
    let (drawing, values) = match body.split_once("<g class=\"values\">") {
        Some((drawing, values)) => (drawing, format!("<g class=\"values\">{values}")),
        None => (body.trim_end().trim_end_matches("</svg>"), "</svg>".to_owned()),
    };
    let name = caption.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    format!(
        "<svg viewBox=\"{view}\" stroke-linejoin=\"round\" role=\"group\" aria-label=\"{name}\">\n\
         <g class=\"drawing\" aria-hidden=\"true\">\n{drawing}</g>\n{}",
        values.trim_end()
    )
}
