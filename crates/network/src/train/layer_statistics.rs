//! The size of signal and gradient in every layer: whether a deep network can learn, and whether light survives it.

use phaseloom_files::{ColumnText, ResultTable};

use crate::data::Dataset;
use crate::error::Result;
use crate::model::Model;
use crate::network::Network;
use crate::train::loss::Loss;

/// Signal and gradient of one layer, over some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerStatistics {
    /// Number of the layer in the order of the model.
    pub layer: usize,
    /// Kind of the layer.
    pub kind: String,
    /// Whether its product runs on meshes.
    pub is_photonic: bool,
    /// Root mean square of its outputs z.
    pub signal: f64,
    /// `‖∂L/∂z‖_F`, L the mean loss.
    pub gradient: f64,
}

/// The layers before and after a training.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerChanges {
    /// With the weights at the start.
    pub before: Vec<LayerStatistics>,
    /// With the trained weights.
    pub after: Vec<LayerStatistics>,
}

/// Columns of the table of layers.
pub const LAYER_STATISTICS_COLUMNS: &[ColumnText] = &[
    ("trained", "", "Whether the row is that of the trained weights; else of those at the start."),
    ("layer", "", "Number of the layer in the order of the model, from 0."),
    ("kind", "", "Kind of the layer."),
    ("signal", "", "Root mean square of the outputs of the layer."),
    ("gradient", "", "Frobenius norm of the gradient of the mean loss with respect to the outputs of the layer."),
];

impl LayerChanges {
    /// One row for each layer, before and after the training.
    #[must_use]
    pub fn table(&self) -> ResultTable {
        let names: Vec<&str> = LAYER_STATISTICS_COLUMNS.iter().map(|column| column.0).collect();
        let mut table = ResultTable::new("layers", &names);
        for (trained, layers) in [(false, &self.before), (true, &self.after)] {
            for LayerStatistics { layer, kind, signal, gradient, .. } in layers {
                table.row([
                    trained.into(),
                    (*layer).into(),
                    kind.as_str().into(),
                    (*signal).into(),
                    (*gradient).into(),
                ]);
            }
        }
        table
    }

    /// `‖∂L/∂z₁‖/‖∂L/∂z_D‖` before and after, of the first and the last photonic layer that is not the output of the model.
    #[must_use]
    pub fn gradient_ratios(&self) -> Option<(f64, f64)> {
        let ratio = |layers| ends(layers).map(|(first, last)| first.gradient / last.gradient);
        Some((ratio(&self.before)?, ratio(&self.after)?))
    }

    /// `rms z_D/rms z₁` before and after, of the same layers.
    #[must_use]
    pub fn signal_ratios(&self) -> Option<(f64, f64)> {
        let ratio = |layers| ends(layers).map(|(first, last)| last.signal / first.signal);
        Some((ratio(&self.before)?, ratio(&self.after)?))
    }
}

/// The first and the last photonic layer that is not the output of the model.
fn ends(layers: &[LayerStatistics]) -> Option<(&LayerStatistics, &LayerStatistics)> {
    let (_, hidden) = layers.split_last()?;
    let mut photonic = hidden.iter().filter(|layer| layer.is_photonic);
    let first = photonic.next()?;
    Some((first, photonic.next_back().unwrap_or(first)))
}

/// Measures the layers of a model in floating point on the first samples of some data.
pub(super) fn measure(model: &Model, loss: &Loss, data: &Dataset, samples: usize) -> Result<Vec<LayerStatistics>> {
    let rows: Vec<usize> = (0..samples.min(data.samples())).collect();
    let labels = &data.labels()[..rows.len()];
    let input = model.prepare(&data.inputs.select(&rows));
    let layers = model.layer_gradients(&input, &mut |outputs| loss.mean(outputs, labels).1)?;
    let (placed, names) = (model.placed(), model.layer_names());
    let statistics = layers.into_iter().map(|(layer, output, gradient)| LayerStatistics {
        layer,
        kind: names[layer].clone(),
        is_photonic: placed[layer].1.photonic().is_some(),
        signal: output.norm() / (output.len() as f64).sqrt(),
        gradient: gradient.norm(),
    });
    Ok(statistics.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_hidden_photonic_layers() {
        let layer = |layer: usize, is_photonic: bool, signal: f64, gradient: f64| LayerStatistics {
            layer,
            kind: String::new(),
            is_photonic,
            signal,
            gradient,
        };
        let layers = vec![
            layer(0, true, 2.0, 0.1),
            layer(1, false, 9.0, 9.0),
            layer(2, true, 1.0, 0.4),
            layer(3, false, 9.0, 9.0),
            layer(4, true, 7.0, 7.0),
        ];
        let changes = LayerChanges { before: layers.clone(), after: layers[..2].to_vec() };
        assert_eq!(changes.gradient_ratios(), Some((0.25, 1.0)));
        assert_eq!(changes.signal_ratios(), Some((0.5, 1.0)));
        assert_eq!(changes.table().rows().len(), 7);
    }
}
