//! The options of figures, which the commands that draw share.

use clap::Args;
use phaseloom::report::{FigureStyle, Length, ReportError, pdf, png};
use std::path::Path;

/// Width of the PNG (pixels).
const PNG_WIDTH: u32 = 1600;

/// The style of a figure or drawing.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Options of figures")]
pub struct Style {
    /// Width of the figure, such as 86mm, 3.4in or 800px [default: 800px; of a mesh: by its size]
    #[arg(long, value_name = "LENGTH")]
    width: Option<Length>,
    /// Leave the title out
    #[arg(long)]
    no_title: bool,
}

/// The options of figures in a folder.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Options of figures")]
pub struct FigureOptions {
    #[command(flatten)]
    style: Style,
    /// Leave the footer out, which names version, identity and seed
    #[arg(long)]
    no_footer: bool,
    /// Write the figure as PDF, too
    #[arg(long)]
    pdf: bool,
}

impl Style {
    /// The first option that is given.
    pub fn given(self) -> Option<&'static str> {
        let given = [("--width", self.width.is_some()), ("--no-title", self.no_title)];
        given.into_iter().find_map(|(option, given)| given.then_some(option))
    }

    pub fn get(self) -> FigureStyle {
        FigureStyle { width: self.width, title: !self.no_title, ..FigureStyle::default() }
    }
}

impl FigureOptions {
    /// The first option that is given.
    pub fn given(self) -> Option<&'static str> {
        let own = [("--pdf", self.pdf), ("--no-footer", self.no_footer)];
        own.into_iter().find_map(|(option, given)| given.then_some(option)).or(self.style.given())
    }

    pub fn style(self) -> FigureStyle {
        FigureStyle { footer: !self.no_footer, ..self.style.get() }
    }

    /// The same options, with a PDF also if there is one of an earlier call, which would be of another state of the run.
    pub fn with_pdf_of(self, path: &Path) -> Self {
        Self { pdf: self.pdf || path.with_extension("pdf").exists(), ..self }
    }

    /// A figure in every format, each with the ending of its file.
    pub fn formats(self, svg: String) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
        let mut files = vec![("png", png(&svg, PNG_WIDTH)?)];
        if self.pdf {
            files.push(("pdf", pdf(&svg)?));
        }
        files.push(("svg", svg.into_bytes()));
        Ok(files)
    }
}
