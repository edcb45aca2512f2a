//! `[core]` of an experiment: the cores of a layer, and how tiles use them.

use crate::error::HardwareError;
use crate::link::Detection;
use crate::tile::TilePlan;
use phaseloom_files::read_key;
use phaseloom_mesh::{Cell, MeshDesign, topology};
use serde::{Deserialize, Deserializer, Serialize};

/// Whether each tile has its own core, or all tiles are programmed on one core in turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CoreSharing {
    /// One core per tile: errors differ from tile to tile.
    #[default]
    Each,
    /// One physical core for all tiles of the network: they share its errors.
    Shared,
}

/// Tiles whose singular values share one scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GainScope {
    /// Each tile is scaled by its own largest singular value.
    #[default]
    Tile,
    /// All tiles of a layer are scaled by the largest of their singular values: one gain per layer.
    Layer,
}

/// Whether the electronic gain may use measurements of the fabricated chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GainCalibration {
    /// From the design alone.
    #[default]
    None,
    /// One factor per tile, from the realised matrix.
    Scalar,
    /// One factor per output of a tile, from the realised matrix.
    PerOutput,
}

/// How the tiles of a layer use cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoreUse {
    /// Whether tiles share a core.
    pub sharing: CoreSharing,
    /// Whether gains are calibrated with the chip.
    pub calibration: GainCalibration,
}

/// Maximum number of ports of a core: far beyond what is built, and small enough for a matrix in memory.
pub const MAX_PORTS: usize = 16384;

/// `[core]` of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CoreSpec {
    /// Ports k of a core: two k×k meshes and k attenuators. A smaller tile uses the first ports. Range: 1…16384; offset
    /// detection: at least 2.
    pub ports: usize,
    /// Key of the topology of the meshes, see `phaseloom explain topology`. `"tree"` has one row and suits no core of
    /// more than one port.
    #[serde(deserialize_with = "topology_key")]
    pub topology: String,
    /// Key of the cells of the meshes. `"coupler"` belongs to the topology `masks`. The key `"mzi"` is not written, so
    /// that experiments from before other cells existed keep their identity. Default: the usual cell of the topology.
    #[serde(skip_serializing_if = "is_mzi", deserialize_with = "cell_key")]
    pub cell: Option<String>,
    /// Whether tiles share a core.
    pub cores: CoreSharing,
    /// Tiles whose singular values share one scale.
    pub normalise: GainScope,
    /// Source of the electronic gain after a chip.
    pub calibration: GainCalibration,
}

/// The key of a topology from its key or alias; another name is refused by [`CoreSpec::design`].
fn topology_key<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    Ok(topology(&name).map_or(name, |topology| topology.key().to_owned()))
}

/// The key of a cell from its key or alias; another name is refused by [`CoreSpec::design`].
fn cell_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(from)?;
    Ok(name.map(|name| Cell::from_key(&name).map_or(name, |cell| cell.key().to_owned())))
}

fn is_mzi(cell: &Option<String>) -> bool {
    cell.as_deref().is_none_or(|cell| cell == Cell::Mzi.key())
}

impl Default for CoreSpec {
    fn default() -> Self {
        Self {
            ports: 64,
            topology: "rectangular".into(),
            cell: None,
            cores: CoreSharing::Each,
            normalise: GainScope::Tile,
            calibration: GainCalibration::None,
        }
    }
}

impl CoreSpec {
    /// Maximum number of matrix columns on one core: offset detection reserves one port.
    #[must_use]
    pub fn column_block(&self, detection: Detection) -> usize {
        let ports = read_key!("core", self.ports);
        if detection == Detection::Offset { ports.saturating_sub(1) } else { ports }
    }

    /// The meshes of a core.
    ///
    /// # Errors
    ///
    /// Unknown keys, or a topology that cannot be built of the cell.
    pub fn design(&self) -> Result<MeshDesign, HardwareError> {
        let (topology, cell) = (&read_key!("core", self.topology), &read_key!("core", self.cell));
        Ok(MeshDesign::from_keys(topology, cell.as_deref())?)
    }

    /// The use of its cores.
    #[must_use]
    pub fn core_use(&self) -> CoreUse {
        CoreUse { sharing: read_key!("core", self.cores), calibration: read_key!("core", self.calibration) }
    }

    /// The tile plan of a matrix.
    ///
    /// # Errors
    ///
    /// [`HardwareError::NoPorts`] if a core has no port for data.
    pub fn plan(&self, rows: usize, columns: usize, detection: Detection) -> Result<TilePlan, HardwareError> {
        if self.column_block(detection) == 0 {
            return Err(HardwareError::NoPorts);
        }
        if rows == 0 || columns == 0 {
            let expected = "a matrix of at least one row and one column";
            return Err(HardwareError::unfit("matrix", format!("{rows}×{columns}"), expected));
        }
        Ok(TilePlan::new(rows, columns, self.ports, self.column_block(detection)))
    }
}
