use super::{Ending, output};
use clap::Args;
use phaseloom::hardware::Detection;
use phaseloom::network::{Calibration, CalibrationSettings};
use phaseloom::{Experiment, Model};
use std::path::PathBuf;

/// Measure the scales of the converters on training data
///
/// Sends the data of the experiment's [calibration] table once through the perfect network and writes, beside the
/// weights, one input scale a layer and one full scale a tile, for the core size and detection of the experiment.
#[derive(Args)]
#[command(after_help = "Example:\n  phaseloom calibrate experiment.toml")]
pub struct Calibrate {
    /// The experiment (TOML), with a table [calibration]
    experiment: PathBuf,
    /// Where to write [default: what the model file names]
    #[arg(short, long, value_name = "CALIBRATION.json")]
    output: Option<PathBuf>,
}

impl Calibrate {
    pub fn execute(self) -> anyhow::Result<Ending> {
        let experiment = Experiment::load(&self.experiment)?;
        let config = &experiment.config;
        let Some(source) = &config.calibration else {
            anyhow::bail!(
                "{}: no table [calibration]: add one that names training data, such as\n  \
                 [calibration]\n  data = {{ inputs = \"train-images-idx3-ubyte.gz\", labels = \"train-labels-idx1-ubyte.gz\" }}",
                self.experiment.display()
            );
        };
        let model = Model::load(&experiment.base().join(&config.model))?;
        let Some(path) = self.output.map(Ok).or_else(|| model.calibration_path().transpose()).transpose()? else {
            anyhow::bail!("the model file names no `calibration`: name one there, or give -o");
        };
        let data = source.data.load(experiment.base())?;
        let column_block = config.core.column_block(config.link.detection);
        if column_block == 0 {
            anyhow::bail!("core.ports is {}: offset detection needs at least 2", config.core.ports);
        }
        let settings = CalibrationSettings { ports: config.core.ports, column_block, quantile: source.quantile };
        let calibration = Calibration::measure(&model, &data, settings)?;
        calibration.save(&path)?;
        let mut text = format!("{} samples, quantile {}\n", calibration.samples, calibration.quantile);
        for (view, layer) in model.photonic_layers().iter().zip(&calibration.layers) {
            text += &format!(
                "layer {}: input scale {:.6}, full scale of {} tiles {:.6} to {:.6}\n",
                view.index,
                layer.input_scale,
                layer.full_scale.len(),
                layer.full_scale.iter().copied().fold(f64::INFINITY, f64::min),
                layer.full_scale.iter().copied().fold(0.0, f64::max),
            );
        }
        if config.link.detection == Detection::Offset {
            text += "offset detection: the constant field of a tile is its full scale\n";
        }
        output::show(&text)?;
        output::note(&format!("wrote {}", path.display()));
        Ok(Ending::Done)
    }
}
