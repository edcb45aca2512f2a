//! Scales of the converters, measured on calibration data in the floating-point network and saved next to the weights.
//!
//! For each photonic layer:
//!
//! * `input_scale` s_x is the maximum (or a quantile) of |x| at its input.
//! * `full_scale` of each tile is the maximum (or the same quantile) of |W_tile x_tile|. If the quantile is zero, as for
//!   a tile whose input is zero in almost all samples, the maximum replaces it.
//!
//! Scales therefore belong to the model, never to a batch or a chip.

mod quantile;

use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use phaseloom_files::{FileError, InputFiles, InvalidValue, from_json_strict, to_json, write_atomically};
use phaseloom_hardware::{MAX_PORTS, Tile, TilePlan};
use phaseloom_numerics::linalg::multiply_part;
use serde::{Deserialize, Serialize};

use crate::calibration::quantile::{HighQuantile, Magnitude, Magnitudes, any_above};
use crate::data::{Batch, Dataset};
use crate::error::{NetworkError, Result};
use crate::network::{Call, Network};

/// Samples that pass the network together. The number is fixed so that the same data give the same bits.
const CHUNK: usize = 1024;

/// Vectors whose products are compared together. Inputs and products of a layer that is not too wide then stay in the
/// caches; with fewer vectors the products are too small to be fast.
const PIECE: usize = 64;

/// Name of the format in its files.
pub(crate) const FORMAT: &str = "phaseloom-calibration";

/// Scales of all photonic layers of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// `"phaseloom-calibration"`.
    pub format: String,
    /// Version of the format: 1.
    pub version: u32,
    /// Hash of the measured model ([`Network::sha256`]). It is not checked if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sha256: Option<String>,
    /// Hash of the data ([`Dataset::sha256`]).
    pub data_sha256: String,
    /// Number of samples.
    pub samples: usize,
    /// Quantile (type 7) of the magnitudes that is the scale. 1 is the maximum.
    pub quantile: f64,
    /// Ports k of the cores, the maximum number of rows of a tile.
    pub ports: usize,
    /// Maximum number of columns of a tile: k, or k−1 with offset detection.
    pub column_block: usize,
    /// The photonic layers, from input to output.
    pub layers: Vec<LayerScale>,
}

/// Scales of one photonic layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayerScale {
    /// s_x, in units of the input of the layer. It is 1 if the input is always zero.
    pub input_scale: f64,
    /// Full scale of each tile in the order of [`TilePlan`], in units of weight × input.
    ///
    /// It is the maximum if the quantile is zero, and 1 for a tile whose output is always zero.
    pub full_scale: Vec<f64>,
}

/// Size of the tiles and quantile, for [`Calibration::measure`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationSettings {
    /// Ports k of the cores.
    pub ports: usize,
    /// Columns of a tile: k, or k−1 with offset detection.
    pub column_block: usize,
    /// Quantile (type 7) of the magnitudes, above 0 and at most 1, which is the maximum.
    pub quantile: f64,
}

/// The magnitudes of one layer while the data pass.
struct LayerMeasurement {
    plan: TilePlan,
    /// Outputs of each tile, in the order of the plan.
    outputs: Vec<HighQuantile>,
    input: HighQuantile,
}

impl Calibration {
    /// Passes the raw data once through the floating-point network.
    ///
    /// # Errors
    ///
    /// If the data do not fit the model, a setting is out of range, or a value overflows. Also if the quantile of the
    /// inputs of a layer is zero although some input is not.
    pub fn measure(model: &dyn Network, data: &Dataset, settings: CalibrationSettings) -> Result<Self> {
        let CalibrationSettings { ports, column_block, quantile } = settings;
        let invalid = |key: &str, found: String, expected: &str| {
            NetworkError::setting(&data.inputs_path, format!("calibration.{key}"), found, expected)
        };
        let possible = 1..=MAX_PORTS;
        if !possible.contains(&ports) || !possible.contains(&column_block) {
            let expected = format!("1 to {MAX_PORTS} of each");
            return Err(invalid("ports", format!("{ports} ports, {column_block} columns"), &expected));
        }
        if !(quantile > 0.0 && quantile <= 1.0) {
            return Err(invalid("quantile", quantile.to_string(), "a number above 0, at most 1"));
        }
        if data.samples() == 0 {
            return Err(invalid("samples", "0".into(), "at least 1"));
        }
        if data.features() != model.input_size() {
            let (path, found) = (data.inputs_path.clone(), data.features());
            return Err(NetworkError::FeatureCount { path, found, expected: model.input_size() });
        }
        model.check_inputs(data)?;
        let samples = data.samples();
        let photonic = model.photonic_layers();
        let mut layers: Vec<LayerMeasurement> = photonic
            .iter()
            .map(|view| {
                let values = |rows| HighQuantile::new((rows * samples * view.vectors * view.steps) as u64, quantile);
                let (rows, columns) = view.shape();
                let plan = TilePlan::new(rows, columns, ports, column_block);
                let outputs = plan.tiles().iter().map(|tile| values(tile.rows)).collect();
                LayerMeasurement { plan, outputs, input: values(columns) }
            })
            .collect();
        for (_, chunk) in data.inputs.batches(CHUNK) {
            let mut multiply = |call: Call, x: &Batch| {
                let layer = &photonic[call.product];
                // Fields meet no converter.
                if !layer.kind.is_complex() {
                    layers[call.product].add(layer.weight, x);
                }
                layer.exact(x)
            };
            model.pass(&model.prepare(&chunk), &mut multiply, &mut |_, _| {})?;
        }
        let layers = layers.into_iter().zip(&photonic).map(|(layer, view)| match view.kind.is_complex() {
            true => Ok(LayerScale { input_scale: 1.0, full_scale: vec![1.0; layer.plan.tiles().len()] }),
            false => layer.finish(&format!("layer {}", view.index), &data.inputs_path, quantile),
        });
        Ok(Self {
            format: FORMAT.into(),
            version: 1,
            layers: layers.collect::<Result<_>>()?,
            model_sha256: Some(model.sha256()),
            data_sha256: data.sha256.clone(),
            samples,
            quantile,
            ports,
            column_block,
        })
    }

    /// Reads a calibration file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a calibration of version 1, or holds a scale that is not above zero.
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_from(path, &InputFiles::default())
    }

    fn load_from(path: &Path, files: &InputFiles) -> Result<Self> {
        let json_error = |source| FileError::Json { path: path.to_owned(), kind: "calibration", source };
        let calibration: Self = from_json_strict(&files.read(path)?.bytes).map_err(json_error)?;
        calibration.check(path)?;
        Ok(calibration)
    }

    /// Path of the scales for tiles of one size: `calibration.json` becomes `calibration-16x15.json`.
    #[must_use]
    pub fn sibling(path: &Path, ports: usize, column_block: usize) -> PathBuf {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        path.with_file_name(format!("{stem}-{ports}x{column_block}.json"))
    }

    /// Reads the scales for tiles of one size through `files`, and returns them with the path of their file.
    ///
    /// If the file is for another size, its sibling for the requested size replaces it. Without a sibling, the result
    /// has another size, which [`Calibration::validate`] refuses.
    ///
    /// # Errors
    ///
    /// As [`Calibration::load`].
    pub fn load_for(path: &Path, ports: usize, column_block: usize, files: &InputFiles) -> Result<(PathBuf, Self)> {
        let sibling = Self::sibling(path, ports, column_block);
        let calibration = Self::load_from(path, files)?;
        if (calibration.ports, calibration.column_block) != (ports, column_block) && sibling.exists() {
            let calibration = Self::load_from(&sibling, files)?;
            return Ok((sibling, calibration));
        }
        Ok((path.to_owned(), calibration))
    }

    /// Reads the scales of a network for tiles of one size through `files`, with the path of their file.
    ///
    /// `None` if the network names no calibration, or its file does not exist.
    ///
    /// # Errors
    ///
    /// As [`Network::calibration_path`] and [`Calibration::load_for`].
    pub fn for_network(
        network: &dyn Network,
        ports: usize,
        column_block: usize,
        files: &InputFiles,
    ) -> Result<Option<(PathBuf, Self)>> {
        let path = network.calibration_path()?.filter(|path| path.exists());
        path.map(|path| Self::load_for(&path, ports, column_block, files)).transpose()
    }

    fn check(&self, path: &Path) -> Result<()> {
        let invalid =
            |key: String, found: String, expected: &str| Err(NetworkError::setting(path, key, found, expected));
        if self.format != FORMAT || self.version != 1 {
            let found = format!("{:?} version {}", self.format, self.version);
            return invalid("format".into(), found, "\"phaseloom-calibration\" version 1");
        }
        if self.ports == 0 || self.column_block == 0 {
            return invalid("ports".into(), format!("{}, columns {}", self.ports, self.column_block), "at least 1");
        }
        if !(self.quantile > 0.0 && self.quantile <= 1.0) {
            return invalid("quantile".into(), self.quantile.to_string(), "a number above 0, at most 1");
        }
        if self.samples == 0 {
            return invalid("samples".into(), "0".into(), "at least 1");
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let scales = std::iter::once(&layer.input_scale).chain(&layer.full_scale);
            if let Some((at, scale)) = scales.enumerate().find(|(_, s)| !(s.is_finite() && **s > 0.0)) {
                let key = if at == 0 { "input_scale".to_owned() } else { format!("full_scale[{}]", at - 1) };
                return invalid(format!("layers[{index}].{key}"), scale.to_string(), "a finite number above 0");
            }
        }
        Ok(())
    }

    /// Writes a calibration file atomically. Floats are read back to the same bits.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or [`Calibration::load`] would refuse it.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.check(path)?;
        Ok(write_atomically(path, to_json(self).as_bytes())?)
    }

    /// Checks that the calibration belongs to the model and to tiles of this size. Messages name `path`.
    ///
    /// # Errors
    ///
    /// If the hash of the model, the tile size, the number of layers, or the number of tiles of a layer differs, and as
    /// [`Calibration::load`].
    pub fn validate(&self, path: &Path, model: &dyn Network, ports: usize, column_block: usize) -> Result<()> {
        self.check(path)?;
        let differs = |place: String, found: String, expected: String| {
            let expected = expected
                + "; name training data in a table [calibration] of the experiment, or run `phaseloom calibrate` for this \
                   model and these ports";
            Err(InvalidValue::new(place, found, expected).in_file(path).into())
        };
        if (self.ports, self.column_block) != (ports, column_block) {
            let found = format!("{} × {}", self.ports, self.column_block);
            return differs("tile size (ports × column_block)".into(), found, format!("{ports} × {column_block}"));
        }
        let views = model.photonic_layers();
        if self.layers.len() != views.len() {
            return differs("photonic layers".into(), self.layers.len().to_string(), views.len().to_string());
        }
        for (view, scale) in views.iter().zip(&self.layers) {
            let (rows, columns) = view.shape();
            let tiles = TilePlan::new(rows, columns, ports, column_block).tiles().len();
            if scale.full_scale.len() != tiles {
                let place = format!("tiles of layer {}", view.index);
                return differs(place, scale.full_scale.len().to_string(), tiles.to_string());
            }
        }
        match &self.model_sha256 {
            Some(found) if *found != model.sha256() => differs(
                "model_sha256".into(),
                found.clone(),
                format!("{}: the weights, `[input]` or the layers of the model have changed since", model.sha256()),
            ),
            _ => Ok(()),
        }
    }
}

impl LayerMeasurement {
    /// Adds the inputs and the outputs of all tiles for a batch of inputs. One product serves a column of tiles.
    fn add(&mut self, weight: &DMatrix<f64>, x: &Batch) {
        for first in (0..x.ncols()).step_by(PIECE) {
            self.add_piece(weight, &x.columns(first, PIECE.min(x.ncols() - first)).into_owned());
        }
    }

    fn add_piece(&mut self, weight: &DMatrix<f64>, x: &Batch) {
        self.input.extend(x.as_slice());
        let columns = self.plan.column_blocks();
        let mut products = DMatrix::zeros(weight.nrows(), x.ncols());
        for (column, Tile { column: first, columns: count, .. }) in self.plan.tiles()[..columns].iter().enumerate() {
            multiply_part(weight, x, *first..first + count, &mut products);
            let tiles = self.plan.tiles().iter().zip(&mut self.outputs).skip(column).step_by(columns);
            let mut tiles: Vec<(&Tile, &mut HighQuantile)> = tiles.collect();
            let mut floors: Vec<Magnitude> = Vec::with_capacity(weight.nrows());
            for (tile, outputs) in &mut tiles {
                outputs.count(tile.rows * x.ncols());
                floors.extend(std::iter::repeat_n(outputs.floor(), tile.rows));
            }
            for vector in products.as_slice().chunks_exact(weight.nrows()) {
                if any_above(vector, &floors) {
                    for (tile, outputs) in &mut tiles {
                        let rows = tile.row..tile.row + tile.rows;
                        vector[rows.clone()].iter().for_each(|&y| outputs.offer(y));
                        floors[rows].fill(outputs.floor());
                    }
                }
            }
        }
    }

    /// The scales of the layer that messages call `name`.
    fn finish(self, name: &str, path: &Path, q: f64) -> Result<LayerScale> {
        const ZERO: Magnitudes = Magnitudes { quantile: 0.0, max: 0.0 };
        let magnitudes = |values: HighQuantile, value: &dyn Fn() -> String| match values.finish().unwrap_or(ZERO) {
            Magnitudes { max, .. } if max.is_infinite() => {
                Err(NetworkError::Overflow { path: path.to_owned(), place: format!("{} of {name}", value()) })
            }
            finite => Ok(finite),
        };
        let input_scale = match magnitudes(self.input, &|| "an input".into())? {
            Magnitudes { quantile, .. } if quantile > 0.0 => quantile,
            Magnitudes { max, .. } if max > 0.0 => {
                let found = format!(
                    "{q}, for which the scale of the inputs of {name} would be zero, although their maximum is {max}"
                );
                let expected = "a quantile closer to 1, or 1, the maximum";
                return Err(NetworkError::setting(path, "calibration.quantile", found, expected));
            }
            _ => 1.0,
        };
        let tiles = self.outputs.into_iter().enumerate();
        let full_scale = tiles.map(|(t, outputs)| {
            let Magnitudes { quantile, max } = magnitudes(outputs, &|| format!("an output of tile {t}"))?;
            let scale = if quantile > 0.0 { quantile } else { max };
            Ok(if scale > 0.0 { scale } else { 1.0 })
        });
        Ok(LayerScale { input_scale, full_scale: full_scale.collect::<Result<_>>()? })
    }
}

#[cfg(test)]
mod tests;
