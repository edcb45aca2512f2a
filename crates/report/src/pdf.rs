//! SVG to PDF: one page of paths in plain colours, which is all that a figure has.
//!
//! The shapes are those of [`png`](crate::png()), so that both formats look alike. Texts are outlines of the bundled font.
//! (The crates `svg2pdf` and `krilla-svg` would draw any SVG, but each needs its own version of `usvg`.)

use crate::error::ReportError;
use crate::png::tree;
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};
use resvg::tiny_skia::{Path as Outline, PathSegment, Point, Transform};
use resvg::usvg::{Color, Fill, FillRule, Group, LineCap, LineJoin, Node, Paint, PaintOrder, Path, Stroke};
use std::io::Write;

/// Points of PDF per pixel of CSS: 72 and 96 per inch.
const PT_PER_PX: f32 = 0.75;

/// Converts an SVG of this crate to a PDF of the same size. The same drawing gives the same bytes on every machine.
///
/// Only plain colours, opacities of shapes, strokes and dashes are converted; gradients, images and clip paths are left
/// out.
///
/// # Errors
/// The text is not SVG.
pub fn pdf(svg: &str) -> Result<Vec<u8>, ReportError> {
    let tree = tree(svg)?;
    let size = tree.size();
    let mut page = Page { content: Content::new(), opacities: Vec::new() };
    // The y axis of PDF points up.
    page.content.transform([PT_PER_PX, 0.0, 0.0, -PT_PER_PX, 0.0, PT_PER_PX * size.height()]);
    page.group(tree.root(), 1.0);
    let bytes = page.finish(PT_PER_PX * size.width(), PT_PER_PX * size.height());
    bytes.map_err(|error| ReportError::Encode(error.into()))
}

/// The page under construction, and the opacities of its graphics states.
struct Page {
    content: Content,
    opacities: Vec<f32>,
}

impl Page {
    fn group(&mut self, group: &Group, opacity: f32) {
        let opacity = opacity * group.opacity().get();
        for node in group.children() {
            match node {
                Node::Group(inner) => self.group(inner, opacity),
                Node::Path(path) if path.is_visible() => self.path(path, opacity),
                Node::Text(text) => self.group(text.flattened(), opacity),
                Node::Path(_) | Node::Image(_) => {}
            }
        }
    }

    fn path(&mut self, path: &Path, opacity: f32) {
        let Transform { sx, ky, kx, sy, tx, ty } = path.abs_transform();
        self.content.save_state().transform([sx, ky, kx, sy, tx, ty]);
        let stroke_first = path.paint_order() == PaintOrder::StrokeAndFill;
        for is_stroke in [stroke_first, !stroke_first] {
            match (is_stroke, path.fill(), path.stroke()) {
                (false, Some(fill), _) => self.fill(fill, path.data(), opacity),
                (true, _, Some(stroke)) => self.stroke(stroke, path.data(), opacity),
                _ => {}
            }
        }
        self.content.restore_state();
    }

    fn fill(&mut self, fill: &Fill, outline: &Outline, opacity: f32) {
        let Paint::Color(colour) = fill.paint() else { return };
        self.set_opacity(opacity * fill.opacity().get());
        let [red, green, blue] = rgb(*colour);
        self.content.set_fill_rgb(red, green, blue);
        self.outline(outline);
        match fill.rule() {
            FillRule::NonZero => self.content.fill_nonzero(),
            FillRule::EvenOdd => self.content.fill_even_odd(),
        };
    }

    fn stroke(&mut self, stroke: &Stroke, outline: &Outline, opacity: f32) {
        let Paint::Color(colour) = stroke.paint() else { return };
        self.set_opacity(opacity * stroke.opacity().get());
        let [red, green, blue] = rgb(*colour);
        let cap = match stroke.linecap() {
            LineCap::Butt => LineCapStyle::ButtCap,
            LineCap::Round => LineCapStyle::RoundCap,
            LineCap::Square => LineCapStyle::ProjectingSquareCap,
        };
        let join = match stroke.linejoin() {
            LineJoin::Miter | LineJoin::MiterClip => LineJoinStyle::MiterJoin,
            LineJoin::Round => LineJoinStyle::RoundJoin,
            LineJoin::Bevel => LineJoinStyle::BevelJoin,
        };
        self.content
            .set_stroke_rgb(red, green, blue)
            .set_line_width(stroke.width().get())
            .set_line_cap(cap)
            .set_line_join(join)
            .set_miter_limit(stroke.miterlimit().get())
            .set_dash_pattern(stroke.dasharray().unwrap_or_default().iter().copied(), stroke.dashoffset());
        self.outline(outline);
        self.content.stroke();
    }

    fn outline(&mut self, outline: &Outline) {
        // Fewer digits make a file half as large. A unit is a pixel or less.
        let rounded = |point: Point| Point::from_xy((1e3 * point.x).round() / 1e3, (1e3 * point.y).round() / 1e3);
        let segments = outline.segments().map(|segment| match segment {
            PathSegment::MoveTo(p) => PathSegment::MoveTo(rounded(p)),
            PathSegment::LineTo(p) => PathSegment::LineTo(rounded(p)),
            PathSegment::QuadTo(c, p) => PathSegment::QuadTo(rounded(c), rounded(p)),
            PathSegment::CubicTo(c1, c2, p) => PathSegment::CubicTo(rounded(c1), rounded(c2), rounded(p)),
            PathSegment::Close => PathSegment::Close,
        });
        let mut last = (0.0, 0.0);
        for segment in segments {
            match segment {
                PathSegment::MoveTo(p) => self.content.move_to(p.x, p.y),
                PathSegment::LineTo(p) => self.content.line_to(p.x, p.y),
                // PDF has cubic curves only.
                PathSegment::QuadTo(c, p) => {
                    let third = |end: f32, control: f32| (1e3 * (end + 2.0 / 3.0 * (control - end))).round() / 1e3;
                    let (x1, y1) = (third(last.0, c.x), third(last.1, c.y));
                    self.content.cubic_to(x1, y1, third(p.x, c.x), third(p.y, c.y), p.x, p.y)
                }
                PathSegment::CubicTo(c1, c2, p) => self.content.cubic_to(c1.x, c1.y, c2.x, c2.y, p.x, p.y),
                PathSegment::Close => self.content.close_path(),
            };
            last = match segment {
                PathSegment::MoveTo(p)
                | PathSegment::LineTo(p)
                | PathSegment::QuadTo(_, p)
                | PathSegment::CubicTo(_, _, p) => (p.x, p.y),
                PathSegment::Close => last,
            };
        }
    }

    /// Selects the graphics state of an opacity.
    fn set_opacity(&mut self, opacity: f32) {
        let known = self.opacities.iter().position(|other| (other - opacity).abs() < 1e-4);
        let index = known.unwrap_or_else(|| {
            self.opacities.push(opacity);
            self.opacities.len() - 1
        });
        self.content.set_parameters(Name(state_name(index).as_bytes()));
    }

    fn finish(self, width: f32, height: f32) -> std::io::Result<Vec<u8>> {
        let [catalog, pages, page, contents] = [1, 2, 3, 4].map(Ref::new);
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page]).count(1);
        let mut written = pdf.page(page);
        written.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(contents);
        let mut resources = written.resources();
        let mut states = resources.ext_g_states();
        for (index, opacity) in self.opacities.iter().enumerate() {
            let mut state =
                states.insert(Name(state_name(index).as_bytes())).start::<pdf_writer::writers::ExtGraphicsState>();
            state.stroking_alpha(*opacity).non_stroking_alpha(*opacity);
        }
        states.finish();
        resources.finish();
        written.finish();
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.content.finish())?;
        pdf.stream(contents, &encoder.finish()?).filter(Filter::FlateDecode);
        Ok(pdf.finish())
    }
}

fn state_name(index: usize) -> String {
    format!("G{index}")
}

fn rgb(colour: Color) -> [f32; 3] {
    [colour.red, colour.green, colour.blue].map(|channel| f32::from(channel) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const DRAWING: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="96" height="48" viewBox="0 0 8 4">
        <rect width="4" height="4" fill="#FF0000" opacity="0.5"/>
        <path d="M0 1H8" stroke="#0000FF" stroke-width="2" stroke-dasharray="2 1"/>
        <text x="1" y="3" font-size="2">σ</text></svg>"##;

    /// The stream of the page.
    fn content(pdf: &[u8]) -> String {
        let (begin, end) = (b"stream\n", b"\nendstream");
        let find = |part: &[u8]| pdf.windows(part.len()).position(|window| window == part).unwrap();
        let mut text = String::new();
        let stream = &pdf[find(begin) + begin.len()..find(end)];
        flate2::read::ZlibDecoder::new(stream).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn shapes_strokes_and_letters_become_paths_of_a_page_of_the_same_size() {
        let bytes = pdf(DRAWING).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("%PDF-1.7") && text.trim_end().ends_with("%%EOF"));
        assert!(text.contains("/MediaBox [0 0 72 36]") && text.contains("/ca 0.5"), "{text}");
        let content = content(&bytes);
        for operator in ["1 0 0 rg", "0 0 1 RG", "[2 1] 0 d", "\nf\n", "\nS\n", " c\n"] {
            assert!(content.contains(operator), "{operator}: {content}");
        }
        assert_eq!(bytes, pdf(DRAWING).unwrap());
        assert!(matches!(pdf("<svg"), Err(ReportError::Svg(_))));
    }
}
