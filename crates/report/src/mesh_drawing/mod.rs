//! Drawings of meshes as a chip designer draws them, from a description of their parts.
//!
//! ```text
//!  0 ──[φ]──╮   ╭──[θ]──╮   ╭──[ ]── 0      a column of an interferometer, then a column of output phases
//!           ▐███▌       ▐███▌               ▐███▌ a splitter, [ ] a phase shifter in the colour of its phase
//!  1 ───────╯   ╰───────╯   ╰──[ ]── 1
//! ```
//!
//! Light propagates from left to right. A column is a list of parts, and each part fills the column on its waveguides. To
//! add a kind of part, write a variant of [`Part`], and its width and strokes in `mesh_drawing/part.rs`.

mod colour;
mod legend;
mod part;
mod route;
mod sheet;

use crate::style::FigureStyle;
use sheet::Sheet;

/// The description of a drawing of a mesh.
///
/// ```
/// use phaseloom_report::{FigureStyle, MeshColumn, MeshDrawing, Part, Port, Shifter};
///
/// let port = |at: f64| Port { at, label: format!("{at}") };
/// let shifter = |name: &str, phase| Shifter { name: name.into(), phase };
/// let cell = Part::Interferometer {
///     at: [0.0, 1.0],
///     phi: shifter("φ", 0.0),
///     theta: shifter("θ", std::f64::consts::FRAC_PI_2),
///     symmetric: false,
///     powers: [[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]],
/// };
/// let drawing = MeshDrawing {
///     title: "one interferometer".into(),
///     remark: "light into port 0".into(),
///     phases: "phase".into(),
///     shows_light: true,
///     inputs: vec![port(0.0), port(1.0)],
///     outputs: vec![port(0.0), port(1.0)],
///     columns: vec![MeshColumn { label: "0".into(), stage: "mesh".into(), parts: vec![cell] }],
/// };
/// let svg = drawing.svg(&FigureStyle::default());
/// assert_eq!(svg.matches("class=\"splitter\"").count(), 2);
/// assert!(svg.contains("<title>θ: 1.5708 rad</title>"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MeshDrawing {
    /// The title, one line.
    pub title: String,
    /// A remark below the title, one line.
    pub remark: String,
    /// The title of the scale of phases.
    pub phases: String,
    /// Whether waveguides show the power in them.
    pub shows_light: bool,
    /// Ports on the left.
    pub inputs: Vec<Port>,
    /// Ports on the right.
    pub outputs: Vec<Port>,
    /// Columns in the direction of light.
    pub columns: Vec<MeshColumn>,
}

/// An input or output of the mesh.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Height of the waveguide, from 0 at the top, in distances between neighbouring waveguides.
    pub at: f64,
    /// The text next to the port.
    pub label: String,
}

/// Parts at the same position along the mesh.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshColumn {
    /// The text above the column; may be empty.
    pub label: String,
    /// Neighbouring columns of the same stage share one heading.
    pub stage: String,
    /// In any order.
    pub parts: Vec<Part>,
}

/// A phase shifter.
#[derive(Clone, Debug, PartialEq)]
pub struct Shifter {
    /// The name at the beginning of its tooltip.
    pub name: String,
    /// Its phase (rad). Its colour shows the phase modulo 2π.
    pub phase: f64,
}

/// One element of a column. `at` are heights as in [`Port`]. Powers are relative to the input power, and ignored if the
/// drawing shows no light.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A straight waveguide.
    Waveguide {
        /// Its height.
        at: f64,
        /// Power in it, 0…1.
        power: f64,
    },
    /// A waveguide that bends to another height and crosses others.
    Bend {
        /// Its heights on the left and on the right.
        at: [f64; 2],
        /// Power in it, 0…1.
        power: f64,
    },
    /// A splitter alone.
    Splitter {
        /// Heights of its upper and its lower waveguide.
        at: [f64; 2],
        /// Powers in the upper and the lower waveguide, 0…1: before and after the splitter.
        powers: [[f64; 2]; 2],
    },
    /// A waveguide that begins in the middle of the column, without light.
    Begin {
        /// Its height.
        at: f64,
    },
    /// A waveguide that ends in the middle of the column, in an absorber.
    End {
        /// Its height.
        at: f64,
        /// Power that is lost there, 0…1.
        power: f64,
    },
    /// A phase shifter on a straight waveguide.
    Shifter {
        /// Height of the waveguide.
        at: f64,
        /// The shifter.
        shifter: Shifter,
        /// Power in the waveguide, 0…1.
        power: f64,
    },
    /// A Mach–Zehnder interferometer: φ, splitter, θ, splitter; θ on the upper waveguide.
    Interferometer {
        /// Heights of its upper and its lower waveguide.
        at: [f64; 2],
        /// The shifter before the first splitter, on the upper waveguide. In a symmetric interferometer it is between the
        /// splitters, on the lower waveguide.
        phi: Shifter,
        /// The shifter between the splitters.
        theta: Shifter,
        /// Whether φ and θ are opposite one another, between the splitters.
        symmetric: bool,
        /// Powers in the upper and the lower waveguide, 0…1: before, between and after the splitters.
        powers: [[f64; 2]; 3],
    },
}

impl MeshDrawing {
    /// Draws the mesh as SVG in a style; it has no footer. A width scales the whole drawing, texts too. The same description gives the same bytes on every machine.
    ///
    /// Every shifter has a tooltip with its name and its phase, and every waveguide that shows light one with its power.
    /// Phases are printed on the shifters of meshes of up to 16 waveguides. A phase or a power that is not finite is printed
    /// as `NaN` or `inf`; heights must be finite.
    #[must_use]
    pub fn svg(&self, style: &FigureStyle) -> String {
        let mut sheet = Sheet::new(self, style);
        let mut from = sheet.left;
        for column in &self.columns {
            let to = from + column.width(sheet.pitch);
            for part in &column.parts {
                part.draw(&mut sheet, (from, to));
            }
            from = to;
        }
        sheet.headings(self);
        sheet.ports(self);
        legend::draw(&mut sheet, self);
        sheet.finish()
    }

    /// Size of the smallest text of the drawing in a style (pt).
    #[must_use]
    pub fn smallest_text_pt(&self, style: &FigureStyle) -> f64 {
        let svg = self.svg(style);
        let sizes = svg.split("font-size=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok());
        let px = style.width.map_or(1.0, |width| width.px() / self.width());
        // 96 px and 72 pt are an inch.
        0.75 * px * sizes.fold(f64::INFINITY, f64::min)
    }

    /// Width of the drawing (px at its natural size).
    #[must_use]
    pub fn width(&self) -> f64 {
        Sheet::new(self, &FigureStyle::default()).width
    }
}

impl MeshColumn {
    /// Integer pixels, so that waveguides of neighbouring columns join without a seam.
    fn width(&self, pitch: f64) -> f64 {
        (pitch * self.parts.iter().map(Part::width).fold(0.0, f64::max)).round()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::png;

    fn drawing(waveguides: u32, power: Option<f64>) -> MeshDrawing {
        let port = |k: u32| Port { at: f64::from(k), label: k.to_string() };
        let shifter = |k: u32| Part::Shifter {
            at: f64::from(k),
            shifter: Shifter { name: format!("<{k}>"), phase: f64::from(k) },
            power: power.unwrap_or_default(),
        };
        MeshDrawing {
            title: "a & b".into(),
            remark: String::new(),
            phases: "phase".into(),
            shows_light: power.is_some(),
            inputs: (0..waveguides).map(port).collect(),
            outputs: (0..waveguides).map(port).collect(),
            columns: vec![MeshColumn {
                label: String::new(),
                stage: "phases".into(),
                parts: (0..waveguides).map(shifter).collect(),
            }],
        }
    }

    #[test]
    fn texts_are_escaped_and_the_drawing_is_an_image() {
        let svg = drawing(2, None).svg(&FigureStyle::default());
        assert!(svg.contains("a &amp; b") && svg.contains("<title>&lt;1&gt;: 1 rad</title>"), "{svg}");
        assert!(!png(&svg, 100).unwrap().is_empty());
    }

    #[test]
    fn power_has_a_legend_only_where_it_is_shown() {
        assert!(!drawing(2, None).svg(&FigureStyle::default()).contains("dB"));
        let with_light = drawing(2, Some(0.25)).svg(&FigureStyle::default());
        assert!(
            with_light.contains("dB") && with_light.matches("<title>power 0.25</title>").count() == 2,
            "{with_light}"
        );
    }

    #[test]
    fn phases_are_printed_where_there_is_room() {
        let printed = |waveguides| drawing(waveguides, None).svg(&FigureStyle::default()).contains(">1.00</text>");
        assert!(printed(4) && printed(16) && !printed(17));
    }

    #[test]
    fn a_narrow_drawing_has_small_texts() {
        let size = |width: &str| {
            drawing(4, None).smallest_text_pt(&FigureStyle { width: width.parse().ok(), ..FigureStyle::default() })
        };
        // Texts scale with the width: 86 mm are 325.04 px.
        assert!((size("86mm") / size("720px") - 325.04 / 720.0).abs() < 1e-3);
        assert!(size("86mm") < 5.0 && size("720px") > 6.0, "{} {}", size("86mm"), size("720px"));
    }

    #[test]
    fn an_empty_mesh_and_nan_are_drawn_without_panic() {
        let empty = MeshDrawing { columns: Vec::new(), ..drawing(0, None) };
        assert!(png(&empty.svg(&FigureStyle::default()), 100).is_ok());
        let mut odd = drawing(1, Some(f64::NAN));
        if let Part::Shifter { shifter, .. } = &mut odd.columns[0].parts[0] {
            shifter.phase = f64::NAN;
        }
        assert!(odd.svg(&FigureStyle::default()).ends_with("</svg>\n"));
    }
}
