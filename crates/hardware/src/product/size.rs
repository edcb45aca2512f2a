//! Sizes: the components of one mesh, and the cores of a layer.

use crate::error::HardwareError;
use crate::link::Link;
use crate::product::core_spec::CoreSharing;
use crate::product::layer_program::LayerProgram;
use phaseloom_mesh::{MODE_UM, MeshDesign};

/// Components and dimensions of one mesh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeshSize {
    /// Cells.
    pub cells: usize,
    /// Phase shifters: two per cell, one per port and the boundary shifters. With symmetric cells some of the ports'
    /// shifters stay at zero.
    pub shifters: usize,
    /// Columns of cells.
    pub depth: usize,
    /// Crossings of waveguides, between columns and in cells.
    pub crossings: usize,
    /// Length along the propagation (µm): columns of [`Layout::column_um`](phaseloom_mesh::Layout::column_um), without the
    /// space for crossings.
    pub length_um: f64,
    /// Width across the propagation (µm): modes of [`MODE_UM`].
    pub width_um: f64,
}

impl MeshSize {
    /// Size of a mesh alone, without the attenuators that a program of few rows adds.
    #[must_use]
    pub fn new(design: &MeshDesign, ports: usize) -> Self {
        let layout = design.layout(ports);
        let cells = layout.positions.len();
        Self {
            cells,
            shifters: 2 * cells + ports + layout.boundary_shifters().len(),
            depth: layout.columns,
            crossings: layout.crossing_count() + cells * design.cell().crossings(),
            length_um: layout.columns as f64 * layout.column_um(),
            width_um: layout.modes as f64 * MODE_UM,
        }
    }
}

/// Size of one layer on its cores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerSize {
    /// Outputs and inputs.
    pub shape: (usize, usize),
    /// Tiles of the plan.
    pub tiles: usize,
    /// Tiles of zeros, which are skipped.
    pub zero_tiles: usize,
    /// Physical cores.
    pub cores: usize,
    /// Interferometers of one core.
    pub interferometers: usize,
    /// Columns of interferometers from input to output.
    pub depth: usize,
    /// Share of the programmed entries that belong to the matrix.
    pub utilisation: f64,
    /// Photons per symbol in one port at full drive; 0 without a laser.
    pub photons_per_port: f64,
    /// Photons per symbol of the local oscillator at a receiver; 0 without a laser.
    pub local_oscillator_photons: f64,
}

impl LayerSize {
    /// Size of a programmed layer.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Link`] for an impossible link.
    pub fn new(program: &LayerProgram, sharing: CoreSharing, link: &Link) -> Result<Self, HardwareError> {
        let receiver = link.receiver(program.ports())?;
        let photons = |photons: f64| if link.laser_power_w.is_some() { photons } else { 0.0 };
        let first = program.tiles().iter().flatten().next();
        let tiles = program.tiles().len();
        let zero_tiles = program.tiles().iter().filter(|t| t.is_none()).count();
        Ok(Self {
            shape: program.plan().shape(),
            tiles,
            zero_tiles,
            cores: if sharing == CoreSharing::Shared { 1 } else { tiles - zero_tiles },
            interferometers: first.map_or(0, |t| t.program.interferometers()),
            depth: first.map_or(0, |t| t.program.depth()),
            utilisation: program.plan().utilisation(),
            photons_per_port: photons(receiver.photons_per_port()),
            local_oscillator_photons: photons(receiver.local_oscillator_photons()),
        })
    }
}
