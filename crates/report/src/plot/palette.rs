//! Colours and sizes of every figure.

/// Red, green, blue.
pub(crate) type Colour = (u8, u8, u8);

/// Colours of series: the palette of Okabe and Ito (2008), which colour-blind readers can distinguish. Its black is
/// reserved for references; brown takes its place. Its yellow, weak on white, comes last.
pub(crate) const SERIES: [Colour; 8] = [
    (0, 114, 178),   // blue
    (213, 94, 0),    // vermilion
    (0, 158, 115),   // bluish green
    (204, 121, 167), // reddish purple
    (230, 159, 0),   // orange
    (86, 180, 233),  // sky blue
    (120, 94, 60),   // brown
    (240, 228, 66),  // yellow
];

pub(crate) const BLACK: Colour = (0, 0, 0);
pub(crate) const INK: Colour = (38, 38, 38);
pub(crate) const FAINT_INK: Colour = (110, 110, 110);
pub(crate) const FRAME: Colour = (150, 150, 150);
pub(crate) const GRID: Colour = (228, 228, 228);
pub(crate) const MINOR_GRID: Colour = (244, 244, 244);
pub(crate) const WHITE: Colour = (255, 255, 255);
/// The box of a splitter.
pub(crate) const SPLITTER: Colour = (226, 232, 240);

/// Steps of a sensitivity, from light to dark, as by lightness alone.
pub(crate) const SENSITIVITY: [Colour; 6] =
    [(247, 217, 160), (236, 178, 110), (214, 132, 78), (172, 85, 66), (115, 49, 64), (51, 24, 56)];

/// Opacity of the band between two quantiles.
pub(crate) const BAND_OPACITY: f64 = 0.18;

/// Font sizes: title, legend and labels of axes, ticks, footer.
pub(crate) const TITLE: f64 = 17.0;
pub(crate) const LABEL: f64 = 13.25;
pub(crate) const TICK: f64 = 12.0;
pub(crate) const FOOTER: f64 = 10.0;
