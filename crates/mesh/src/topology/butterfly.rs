//! The butterfly mesh: log₂N columns of N/2 cells that join modes 1, 2, 4, … N/2 apart, as a fast Fourier transform does.
//!
//! Its N·log₂N cell phases and N output phases realise a small family of unitaries, among them the discrete Fourier
//! transform with bit-reversed inputs. Other unitaries are approximated by the phases that minimise ‖Û−U‖_F.

use super::{Capability, Topology, stride};
use crate::decompose::fit::fit;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;

/// N/2·log₂N cells in log₂N columns; not universal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Butterfly;

impl Topology for Butterfly {
    fn key(&self) -> &'static str {
        "butterfly"
    }

    fn description(&self) -> &'static str {
        "N/2·log₂N cells in log₂N columns, crossings between; N a power of two, else the next; not universal: fitted (FFT with bit-reversed inputs)"
    }

    fn layout(&self, modes: usize) -> Layout {
        let strides: Vec<usize> = (0..modes.next_power_of_two().trailing_zeros()).map(|s| 1 << s).collect();
        stride::layout(modes, &strides, |_, _| true)
    }

    fn capability(&self) -> Capability {
        Capability::Fitted
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        Ok(fit(layout, target.matrix()))
    }
}
