//! Counts of a network on cores: products, conversions, shots, partial sums that wait between passes.
//!
//! Layer: matrix M×N, V vectors an inference, cut into tiles of at most k×k. A multiply-accumulate (MAC) is one product
//! and one sum, two operations.
//!
//! ```text
//! MACs      V·M·N                     padding works and costs energy, and counts for nothing
//! drives    V·Σ columns of a tile     each row block converts its inputs again
//! readings  V·Σ rows of a tile        one converted value a row and tile; ports outside the tile convert nothing
//! outputs   V·M
//! sums      V·Σ rows of a tile, less those of the first tile of each row block
//! shots     V·tiles
//! ```
//!
//! Cores that share inputs convert an input once for all of its tiles that are computed in the same pass.

use phaseloom_files::{InvalidValue, at_least};
use phaseloom_hardware::{MeshSize, Tile, TilePlan};
use std::collections::BTreeMap;

/// One photonic layer with its tile plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Rows of the matrix, M.
    pub rows: usize,
    /// Columns of the matrix, N.
    pub columns: usize,
    /// Vectors of one inference, V: the pixels of the output of a convolution, else 1.
    pub vectors: usize,
    /// The tiles, row block by row block, without those of zeros.
    pub tiles: Vec<Tile>,
    /// Different input values of one inference, if fewer than V·N: a convolution reads each pixel several times.
    pub distinct_inputs: Option<usize>,
}

impl Layer {
    /// A layer on cores of `ports` ports, with the tile plan of a run with homodyne or direct detection.
    ///
    /// # Panics
    ///
    /// If a size is zero.
    #[must_use]
    pub fn new(rows: usize, columns: usize, vectors: usize, ports: usize) -> Self {
        let tiles = TilePlan::new(rows, columns, ports, ports).tiles().to_vec();
        Self { rows, columns, vectors, tiles, distinct_inputs: None }
    }

    /// M·N·V.
    pub(crate) fn macs(&self) -> f64 {
        self.rows as f64 * self.columns as f64 * self.vectors as f64
    }

    /// M·V.
    pub(crate) fn outputs(&self) -> f64 {
        self.rows as f64 * self.vectors as f64
    }

    /// Different input values of one inference.
    pub(crate) fn inputs(&self) -> f64 {
        self.distinct_inputs.map_or(self.columns as f64 * self.vectors as f64, |inputs| inputs as f64)
    }

    /// Inputs of one vector on cores that share them, `cores` tiles at a time, in the order of the tiles.
    pub(crate) fn shared_inputs(&self, cores: usize) -> SharedInputs {
        let mut shared = SharedInputs::default();
        for pass in self.tiles.chunks(cores) {
            // Columns of each column block, and the cores that take them.
            let mut blocks: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
            for tile in pass {
                let block = blocks.entry(tile.column).or_insert((tile.columns, 0));
                *block = (block.0.max(tile.columns), block.1 + 1);
            }
            shared.drives += blocks.values().map(|(columns, _)| columns).sum::<usize>();
            shared.drivers = shared.drivers.max(blocks.len() as f64 / cores.min(self.tiles.len()) as f64);
            shared.cores = blocks.values().fold(shared.cores, |most, (_, cores)| most.max(*cores));
        }
        shared
    }

    /// Sums of measured values for one vector.
    fn sums(&self) -> usize {
        self.row_blocks().into_iter().map(|block| (block.len() - 1) * self.tiles[block.start].rows).sum()
    }

    /// Tiles of each row block: first and one past the last.
    fn row_blocks(&self) -> Vec<std::ops::Range<usize>> {
        let mut blocks: Vec<std::ops::Range<usize>> = Vec::new();
        for (index, tile) in self.tiles.iter().enumerate() {
            match blocks.last_mut() {
                Some(block) if self.tiles[block.start].row == tile.row => block.end = index + 1,
                _ => blocks.push(index..index + 1),
            }
        }
        blocks
    }

    /// Maximum number of tiles whose measured values are summed for one output, Q.
    pub(crate) fn summed_tiles(&self) -> usize {
        self.row_blocks().iter().map(ExactSizeIterator::len).max().unwrap_or(1)
    }

    /// Partial sums that wait when `cores` tiles at a time run, in the order of the tiles.
    pub(crate) fn partial_sums(&self, cores: usize) -> PartialSums {
        let mut sums = PartialSums::default();
        for block in self.row_blocks() {
            // Boundaries between passes inside the row block.
            let boundaries = (block.end - 1) / cores - block.start / cores;
            let rows = self.tiles[block.start].rows;
            sums.crossings += boundaries * rows;
            sums.waiting = sums.waiting.max(if boundaries > 0 { rows } else { 0 });
        }
        sums
    }
}

/// Inputs of one vector on cores that share them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct SharedInputs {
    /// Converted and modulated inputs.
    pub drives: usize,
    /// Share of the ports of the cores at work that have a converter and a modulator of their own.
    pub drivers: f64,
    /// Maximum number of cores that take the same input.
    pub cores: usize,
}

/// Partial sums of one vector that are written after a pass and read in the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartialSums {
    /// Rows times boundaries between passes.
    pub crossings: usize,
    /// Maximum number of rows that wait at once.
    pub waiting: usize,
}

/// The photonic layers of a network, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The layers.
    pub layers: Vec<Layer>,
    /// Values of one inference that come from and go to the memory outside; default: the inputs of the first layer and
    /// the outputs of the last.
    pub io_values: Option<f64>,
    /// Multiply-accumulates of one inference in layers that stay electronic, on both sides.
    pub electronic_macs: f64,
}

/// Counts of one inference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Tiles of all layers.
    pub tiles: usize,
    /// Multiply-accumulates of the matrices.
    pub macs: f64,
    /// Converted and modulated inputs.
    pub drives: f64,
    /// Converted measured values.
    pub readings: f64,
    /// Outputs.
    pub outputs: f64,
    /// Sums of measured values.
    pub sums: f64,
    /// Vectors through a core.
    pub shots: f64,
    /// Values from and to the memory outside.
    pub io_values: f64,
}

impl Network {
    /// A network of these layers.
    #[must_use]
    pub fn new(layers: Vec<Layer>) -> Self {
        Self { layers, io_values: None, electronic_macs: 0.0 }
    }

    /// Counts of one inference.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { io_values: self.io_values(), ..Counts::default() };
        for layer in &self.layers {
            let vectors = layer.vectors as f64;
            counts.tiles += layer.tiles.len();
            counts.macs += layer.macs();
            counts.drives += vectors * layer.tiles.iter().map(|tile| tile.columns as f64).sum::<f64>();
            counts.readings += vectors * layer.tiles.iter().map(|tile| tile.rows as f64).sum::<f64>();
            counts.outputs += layer.outputs();
            counts.sums += vectors * layer.sums() as f64;
            counts.shots += vectors * layer.tiles.len() as f64;
        }
        counts
    }

    pub(crate) fn io_values(&self) -> f64 {
        let ends = || {
            let inputs = self.layers.first().map_or(0.0, Layer::inputs);
            inputs + self.layers.last().map_or(0.0, Layer::outputs)
        };
        self.io_values.unwrap_or_else(ends)
    }

    pub(crate) fn check(&self) -> Result<(), InvalidValue> {
        if self.layers.is_empty() {
            return Err(InvalidValue::new("layers", "empty", "at least one photonic layer"));
        }
        at_least("electronic_macs", self.electronic_macs, 0.0)?;
        if let Some(values) = self.io_values {
            at_least("io_values", values, 0.0)?;
        }
        for (index, layer) in self.layers.iter().enumerate() {
            if layer.rows == 0 || layer.columns == 0 || layer.vectors == 0 || layer.tiles.is_empty() {
                let found =
                    format!("{}×{}, {} vectors, {} tiles", layer.rows, layer.columns, layer.vectors, layer.tiles.len());
                return Err(InvalidValue::new(
                    format!("layers[{index}]"),
                    found,
                    "a size above 0, and at least one tile",
                ));
            }
        }
        Ok(())
    }
}

impl Counts {
    /// Useful share of the work of the cores, `MACs/(shots·k²)`.
    #[must_use]
    pub fn utilisation(&self, ports: usize) -> f64 {
        self.macs / (self.shots * (ports as f64).powi(2))
    }
}

/// The parts of one core: two meshes around a column of k attenuators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreSize {
    /// Ports, k.
    pub ports: usize,
    /// Cells of both meshes, and attenuators.
    pub cells: usize,
    /// Phase shifters of both meshes and the attenuators.
    pub shifters: usize,
    /// Columns of cells that light passes.
    pub depth: usize,
}

impl CoreSize {
    /// A core of two meshes of one design around k attenuators of two phase shifters each.
    #[must_use]
    pub fn new(mesh: &MeshSize, ports: usize) -> Self {
        let (cells, shifters, depth) = (2 * mesh.cells + ports, 2 * mesh.shifters + 2 * ports, 2 * mesh.depth + 1);
        Self { ports, cells, shifters, depth }
    }

    /// The core of two rectangular meshes: k(k−1) + k cells, 2[k(k−1) + k] + 2k shifters, depth 2k + 1
    /// from three ports on.
    #[must_use]
    pub fn rectangular(ports: usize) -> Self {
        let cells = ports * ports;
        // Two ports have one cell in one column.
        let columns = if ports > 2 { ports } else { ports.saturating_sub(1) };
        Self { ports, cells, shifters: 2 * cells + 2 * ports, depth: 2 * columns + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_sums_wait_where_a_row_block_spans_two_passes() {
        // 2 row blocks of 13 tiles: 4 cores cut the first after 4, 8 and 12 tiles, the second after 16, 20 and 24.
        let layer = Layer::new(128, 784, 1, 64);
        assert_eq!(layer.partial_sums(4), PartialSums { crossings: 6 * 64, waiting: 64 });
        assert_eq!(layer.partial_sums(13), PartialSums::default());
        assert_eq!((layer.summed_tiles(), layer.tiles.len()), (13, 26));
    }

    /// A grouped convolution has tiles on the diagonal alone: no two of them take the same input, and no values are summed.
    #[test]
    fn tiles_on_the_diagonal_share_nothing() {
        let mut layer = Layer::new(8, 8, 1, 4);
        let full = SharedInputs { drives: 8, drivers: 0.5, cores: 2 };
        assert_eq!((layer.shared_inputs(4), layer.sums()), (full, 8));
        // Two cores: row blocks one after the other, whose inputs are other ones.
        assert_eq!(layer.shared_inputs(2), SharedInputs { drives: 16, drivers: 1.0, cores: 1 });
        layer.tiles.retain(|tile| tile.row == tile.column);
        assert_eq!((layer.shared_inputs(4), layer.sums()), (SharedInputs { drives: 8, drivers: 1.0, cores: 1 }, 0));
    }

    #[test]
    fn counts_of_a_perceptron_and_a_convolution() {
        let perceptron = Network::new(vec![Layer::new(128, 784, 1, 64), Layer::new(10, 128, 1, 64)]).counts();
        let parts = [perceptron.drives, perceptron.readings, perceptron.outputs, perceptron.io_values];
        assert_eq!(parts.map(|x| x as u64), [1696, 1684, 138, 794]);
        assert!((perceptron.utilisation(64) - 101_632.0 / 114_688.0).abs() < 1e-15);
        let mut layer = Layer::new(64, 288, 196, 64);
        layer.distinct_inputs = Some(32 * 196);
        let convolution = Network::new(vec![layer]).counts();
        let parts = [convolution.drives, convolution.readings, convolution.outputs, convolution.io_values];
        assert_eq!(parts.map(|x| x as u64), [56_448, 62_720, 12_544, 18_816]);
        assert!((convolution.utilisation(64) - 0.9).abs() < 1e-15);
    }

    #[test]
    fn the_closed_form_of_a_core_counts_the_compiled_mesh() {
        for ports in [1, 2, 3, 5, 8] {
            let mesh = MeshSize::new(&phaseloom_mesh::MeshDesign::from(phaseloom_mesh::Rectangular), ports);
            assert_eq!(CoreSize::new(&mesh, ports), CoreSize::rectangular(ports));
        }
        assert_eq!((CoreSize::rectangular(64).cells, CoreSize::rectangular(64).shifters), (4096, 8320));
    }
}
