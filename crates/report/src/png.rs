//! SVG to PNG with the bundled font and no other.

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::error::ReportError;
use crate::plot::font::FONT;

/// The largest width of an image. A larger one is taken for a typing error.
const MAX_WIDTH_PX: u32 = 16_384;

/// Rasterises an SVG on white. The height follows from the proportions of the drawing.
///
/// Every font family becomes the bundled DejaVu Sans, so that the pixels do not depend on the fonts of the machine.
///
/// # Errors
/// The text is not SVG, or the width is zero or too large.
pub fn png(svg: &str, width_px: u32) -> Result<Vec<u8>, ReportError> {
    let tree = tree(svg)?;
    let refused = || ReportError::Width { width_px, limit_px: MAX_WIDTH_PX };
    if width_px > MAX_WIDTH_PX {
        return Err(refused());
    }
    let scale = width_px as f32 / tree.size().width();
    let height_px = (tree.size().height() * scale).round() as u32;
    let mut pixmap = Pixmap::new(width_px, height_px).ok_or_else(refused)?;
    pixmap.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| ReportError::Encode(error.into()))
}

/// The shapes of an SVG, texts as outlines of the bundled font.
pub(crate) fn tree(svg: &str) -> Result<Tree, ReportError> {
    let mut options = Options { font_family: "DejaVu Sans".to_owned(), ..Options::default() };
    options.fontdb_mut().load_font_data(FONT.to_vec());
    options.fontdb_mut().set_sans_serif_family("DejaVu Sans");
    options.fontdb_mut().set_serif_family("DejaVu Sans"); // the last resort for a family that is unknown
    Ok(Tree::from_str(svg, &options)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40" viewBox="0 0 8 4"><rect width="4" height="4"/></svg>"#;

    fn pixels(svg: &str, width_px: u32) -> Pixmap {
        Pixmap::decode_png(&png(svg, width_px).unwrap()).unwrap()
    }

    #[test]
    fn keeps_the_proportions_and_paints_on_white() {
        let image = pixels(SQUARE, 160);
        assert_eq!((image.width(), image.height()), (160, 80));
        let grey = |x| image.pixel(x, 40).unwrap().red();
        assert_eq!((grey(10), grey(150)), (0, 255));
    }

    #[test]
    fn letters_are_drawn_without_any_font_of_the_system() {
        let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><text x="5" y="30" font-family="No Such Family">σ</text></svg>"#;
        assert!(pixels(svg, 80).pixels().iter().any(|pixel| pixel.red() < 100));
    }

    #[test]
    fn refuses_texts_and_widths_without_an_image() {
        assert!(matches!(png("<svg", 100), Err(ReportError::Svg(_))));
        assert!(matches!(png(SQUARE, 0), Err(ReportError::Width { .. })));
        assert!(matches!(png(SQUARE, u32::MAX), Err(ReportError::Width { width_px: u32::MAX, .. })));
    }
}
