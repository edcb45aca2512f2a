//! The sheet of a mesh: sizes, strokes, texts, headings and ports.
//!
//! The sheet writes SVG itself, because plotters has neither tooltips nor Bézier paths.

use super::{MeshDrawing, Part, Port, colour};
use crate::plot::font::{self, FAMILY};
use crate::plot::label::{decimal, printable};
use crate::plot::palette::{Colour, FAINT_INK, FRAME, INK, TICK, TITLE, WHITE};
use crate::plot::scheme::{FIXED, hex, style_sheet};
use crate::style::FigureStyle;
use std::fmt::Write;

/// Maximum and minimum distance between neighbouring waveguides (px). Between these limits the height of the mesh is
/// `HEIGHT`.
const MAX_PITCH: f64 = 56.0;
const MIN_PITCH: f64 = 14.0;
const HEIGHT: f64 = 640.0;

/// From this distance on, phases are printed on their shifters (px).
const MIN_PRINTED_PITCH: f64 = 40.0;

/// Minimum width of a waveguide (px).
const MIN_STROKE: f64 = 0.7;

const MARGIN: f64 = 20.0;
/// Gap between a port and its label (px).
const GAP: f64 = 6.0;
/// Heights of title and remark, of a row of headings above the mesh, and of the legend below it, in texts of size `TICK`
/// (px).
const TITLE_ROOM: f64 = 62.0;
const HEADING: f64 = 22.0;
const FOOT: f64 = 100.0;
/// Minimum width, for title and legend (px).
const MIN_WIDTH: f64 = 720.0;
/// Columns of this width have texts of size `TICK`, wider ones larger texts, because a wide drawing is shown scaled down.
const NATURAL_COLUMNS: f64 = 900.0;
/// What ports and columns are numbered by.
const MODE: &str = "mode";
const COLUMN: &str = "column";

/// The SVG under construction. Lengths are in px.
pub(super) struct Sheet {
    svg: String,
    size: String,
    has_title: bool,
    has_stages: bool,
    /// Size of texts relative to `TICK`.
    pub scale: f64,
    /// Height above the mesh.
    head: f64,
    pub shows_light: bool,
    /// Distance between neighbouring waveguides.
    pub pitch: f64,
    /// Left end of the first column.
    pub left: f64,
    /// Right end of the last column.
    right: f64,
    pub width: f64,
    pub height: f64,
}

impl Sheet {
    pub fn new(drawing: &MeshDrawing, style: &FigureStyle) -> Self {
        let waveguides = waveguides(drawing);
        let pitch = (HEIGHT / waveguides.max(1.0)).clamp(MIN_PITCH, MAX_PITCH);
        let columns: f64 = drawing.columns.iter().map(|column| column.width(pitch)).sum();
        let scale = (columns / NATURAL_COLUMNS).max(1.0);
        let width = |text: &str| font::width(text, port_size(pitch, scale));
        let labels = |ports: &[Port]| MARGIN + GAP + ports.iter().map(|port| width(&port.label)).fold(0.0, f64::max);
        let words = if pitch >= MIN_PRINTED_PITCH { MARGIN / 2.0 + GAP + width(COLUMN) } else { 0.0 };
        let (before, after) = (labels(&drawing.inputs).max(words), labels(&drawing.outputs));
        let has_stages = drawing.columns.iter().any(|column| column.stage != drawing.columns[0].stage);
        let headings = if has_stages { 2.0 } else { 1.0 };
        let head = scale * (if style.title { TITLE_ROOM } else { 0.0 } + headings * HEADING);
        let spare = MIN_WIDTH - (before + columns + after);
        let left = (before + spare.max(0.0) / 2.0).ceil();
        let right = left + columns;
        let mut sheet = Self {
            svg: String::new(),
            size: String::new(),
            has_title: style.title,
            has_stages,
            scale,
            head,
            shows_light: drawing.shows_light,
            pitch,
            left,
            right,
            width: (right + after + spare.max(0.0) / 2.0).ceil(),
            height: (head + waveguides * pitch + scale * FOOT).ceil(),
        };
        let (width, height) = (sheet.width, sheet.height);
        sheet.size = style.size(width, height);
        let _ = writeln!(sheet.svg, "<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>", hex(WHITE));
        sheet
    }

    pub fn finish(self) -> String {
        let Self { svg, size, width, height, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} viewBox=\"0 0 {width} {height}\" \
             font-family=\"{FAMILY}\" fill=\"none\">\n{}{svg}</svg>\n",
            style_sheet(&svg)
        )
    }

    /// Position of a waveguide of this height.
    pub fn y(&self, at: f64) -> f64 {
        self.head + (at + 0.5) * self.pitch
    }

    /// Whether phases are printed on their shifters.
    pub fn prints_phases(&self) -> bool {
        self.pitch >= MIN_PRINTED_PITCH - 1e-9
    }

    /// A waveguide along a path. Light makes it wider and darker, and its tooltip shows the power.
    pub fn waveguide(&mut self, path: &str, power: f64) {
        let strength = colour::strength(power);
        let illuminated = (colour::strength_colour(strength), 0.03 + 0.11 * strength);
        let (colour, width) = if self.shows_light { illuminated } else { (INK, 0.035) };
        let width = (width * self.pitch).max(MIN_STROKE);
        let title = self.shows_light.then(|| format!("power {}", decimal(power)));
        let (colour, end) = (hex(colour), closed("path", title.as_deref()));
        let _ = writeln!(self.svg, "<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"{width:.2}\"{end}");
    }

    /// A level line without tooltip.
    pub fn stroke(&mut self, (from, to): (f64, f64), y: f64, width: f64, colour: Colour) {
        let path = format!("M{from:.2} {y:.2}H{to:.2}");
        let _ = writeln!(self.svg, "<path d=\"{path}\" stroke=\"{}\" stroke-width=\"{width:.2}\"/>", hex(colour));
    }

    /// A filled box around a point, with a class, an outline, and optionally a tooltip.
    pub fn rectangle(&mut self, class: &str, middle: (f64, f64), size: (f64, f64), fill: Colour, title: Option<&str>) {
        let (x, y) = (middle.0 - size.0 / 2.0, middle.1 - size.1 / 2.0);
        let _ = writeln!(
            self.svg,
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{:.2}\" fill=\"{}\" \
             stroke=\"{}\" stroke-width=\"{:.2}\"{}",
            size.0,
            size.1,
            hex(fill),
            hex(INK),
            0.02 * self.pitch,
            closed("rect", title)
        );
    }

    /// A text. `anchor` is `start`, `middle` or `end`. The pointer reaches the tooltip below the text.
    pub fn text(&mut self, text: &str, at: (f64, f64), anchor: &str, size: f64, colour: Colour) {
        let _ = writeln!(
            self.svg,
            "<text x=\"{:.2}\" y=\"{:.2}\" text-anchor=\"{anchor}\" font-size=\"{size:.2}\" fill=\"{}\" \
             pointer-events=\"none\">{}</text>",
            at.0,
            at.1,
            hex(colour),
            escaped(text)
        );
    }

    /// A text in the middle of a coloured area, in the same colour in every scheme.
    pub fn text_on_colour(&mut self, text: &str, middle: (f64, f64), size: f64, colour: Colour) {
        let _ = writeln!(
            self.svg,
            "<text class=\"{FIXED}\" x=\"{:.2}\" y=\"{:.2}\" text-anchor=\"middle\" font-size=\"{size:.2}\" \
             fill=\"{}\" pointer-events=\"none\">{}</text>",
            middle.0,
            middle.1 + 0.36 * size,
            hex(colour),
            escaped(text)
        );
    }

    /// Title and remark; a number above each column, a name above each stage if there are several.
    pub fn headings(&mut self, drawing: &MeshDrawing) {
        let (room, scale, head) = (self.width - 2.0 * MARGIN, self.scale, self.head);
        if self.has_title {
            let (title, remark) = (scale * TITLE, scale * TICK);
            self.text(&font::fit(&drawing.title, title, room), (MARGIN, scale * 28.0), "start", title, INK);
            self.text(&font::fit(&drawing.remark, remark, room), (MARGIN, scale * 48.0), "start", remark, FAINT_INK);
        }
        let (pitch, mut x) = (self.pitch, self.left);
        let label = port_size(pitch, scale);
        if pitch >= MIN_PRINTED_PITCH && drawing.columns.iter().any(|column| !column.label.is_empty()) {
            let mode = self.y(0.0) - 0.9 * label;
            self.text(COLUMN, (self.left - GAP, (head - 4.0).min(mode - 1.2 * label)), "end", label, FAINT_INK);
            self.text(MODE, (self.left - GAP, mode), "end", label, FAINT_INK);
        }
        for stage in drawing.columns.chunk_by(|a, b| a.stage == b.stage) {
            let begin = x;
            for column in stage {
                let width = column.width(pitch);
                self.text(&column.label, (x + width / 2.0, head - 4.0), "middle", label, FAINT_INK);
                x += width;
            }
            if self.has_stages {
                let (heading, room) = (&stage[0].stage, x - begin);
                let size = scale * TICK * (room / font::width(heading, scale * TICK)).min(1.0);
                self.text(heading, ((begin + x) / 2.0, head - scale * HEADING - 4.0), "middle", size, INK);
                self.stroke((begin + 2.0, x - 2.0), head - scale * HEADING + 1.0, 1.0, FRAME);
            }
        }
    }

    /// The labels of the ports.
    pub fn ports(&mut self, drawing: &MeshDrawing) {
        let size = port_size(self.pitch, self.scale);
        for (ports, x, anchor) in
            [(&drawing.inputs, self.left - GAP, "end"), (&drawing.outputs, self.right + GAP, "start")]
        {
            for port in ports {
                let baseline = self.y(port.at) + 0.36 * size; // half the height of a digit
                self.text(&port.label, (x, baseline), anchor, size, INK);
            }
        }
    }
}

/// Size of the label of a port (px).
fn port_size(pitch: f64, scale: f64) -> f64 {
    (0.65 * pitch).min(scale * TICK)
}

/// Number of waveguides from top to bottom, those between ports included.
fn waveguides(drawing: &MeshDrawing) -> f64 {
    let ports = drawing.inputs.iter().chain(&drawing.outputs).map(|port| port.at);
    let parts = drawing.columns.iter().flat_map(|column| &column.parts).map(Part::lowest);
    ports.chain(parts).fold(0.0, f64::max) + 1.0
}

/// The end of a tag, with its tooltip.
fn closed(tag: &str, title: Option<&str>) -> String {
    title.map_or_else(|| "/>".to_owned(), |title| format!("><title>{}</title></{tag}>", escaped(title)))
}

/// A text as XML.
fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
