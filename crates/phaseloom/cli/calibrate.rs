//! The command `calibrate`: measure the scales of the converters on training data.

use super::Exit;
use super::terminal::{output, streams};
use clap::Args;
use phaseloom::experiment::Experiment;
use phaseloom::files::{InputFiles, ResultTable, Results, check_replaced, significant};
use phaseloom::network::{Calibration, CalibrationSettings, Network};
use std::path::PathBuf;

/// Measure the scales of the converters on training data
///
/// Sends the data of the experiment's [calibration] table once through the perfect network. Writes one input scale per
/// layer and one full scale per tile, for each core size and detection of the experiment. The first calibration goes to
/// the path in the model file, the others to the same folder (calibration-16x16.json).
#[derive(Args)]
#[command(after_help = "Example:\n  phaseloom calibrate experiment.toml")]
pub struct Calibrate {
    /// The experiment (TOML), with a table [calibration]
    experiment: PathBuf,
    /// Where to write [default: the path in the model file]
    #[arg(short, long, value_name = "CALIBRATION.json")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
}

impl Calibrate {
    pub fn execute(self) -> anyhow::Result<Exit> {
        streams::refuse_stream("the experiment", &self.experiment)?;
        if let Some(path) = &self.output {
            anyhow::ensure!(
                !streams::is_stream(path),
                "-o: found `-`, standard output, expected a file: each core size gets a file of its own next to it"
            );
            output::check_json_path(path, &["phaseloom-calibration"], &[("the experiment", Some(&self.experiment))])?;
        }
        let experiment = Experiment::load(&self.experiment)?;
        let config = &experiment.config;
        let Some(source) = &config.calibration else {
            anyhow::bail!(
                "{}: no table [calibration]: add one that names training data, such as\n\
                 [calibration]\ndata = {{ inputs = \"train-images-idx3-ubyte.gz\" }}",
                self.experiment.display()
            );
        };
        let data = source.data.load(&experiment.base());
        let data = data.map_err(|e| e.in_settings("calibration.data", &experiment.path, &experiment.text))?;
        let mut done = Vec::new();
        let mut results = Results::default();
        let mut layers = ResultTable::new("layers", &COLUMNS);
        // Every core size of the grid. The first takes the file that the model names, the others a sibling file.
        for point in experiment.points()? {
            let Some(model_file) = &point.config.model else {
                anyhow::bail!("{}: found no key `model`: only a network has scales", self.experiment.display());
            };
            anyhow::ensure!(
                point.config.activation.is_none(),
                "{}: key `activation`: found another activation than that of the model, expected none: `run` measures the scales \
                 of such a network itself, on the data of [calibration]",
                self.experiment.display()
            );
            let core = &point.config.core;
            let column_block = core.column_block(point.config.link.detection);
            let job = (model_file.clone(), core.ports, column_block);
            if done.contains(&job) {
                continue;
            }
            let path = experiment.base().join(model_file);
            let model = point.config.open_network(&path, &InputFiles::default())?;
            if !done.iter().any(|(path, ..)| path == model_file) {
                model.note().iter().for_each(|note| output::status(&format!("note: {note}")));
            }
            let Some(main) =
                self.output.clone().map(Ok).or_else(|| model.calibration_path().transpose()).transpose()?
            else {
                anyhow::bail!("{} names no `calibration`: name one there, or give -o", model_file.display());
            };
            check_replaced(&main, &["phaseloom-calibration"])?;
            if column_block == 0 {
                anyhow::bail!("core.ports is {}: offset detection needs at least 2", core.ports);
            }
            let another = done.iter().any(|(m, ..)| m == model_file);
            // Another experiment may use an existing calibration of the same model for other tiles, so it is kept.
            let taken = Calibration::load(&main).is_ok_and(|c| {
                c.model_sha256 == Some(model.sha256()) && (c.ports, c.column_block) != (core.ports, column_block)
            });
            let path = if another || taken { Calibration::sibling(&main, core.ports, column_block) } else { main };
            let settings = CalibrationSettings { ports: core.ports, column_block, quantile: source.quantile };
            let calibration = Calibration::measure(&*model, &data, settings)?;
            calibration.save(&path)?;
            add(&*model, &calibration, &mut results, &mut layers);
            output::status(&format!("wrote {}", path.display()));
            done.push(job);
        }
        results.table(layers);
        output::print_results(&results, self.format)?;
        Ok(Exit::Done)
    }
}

/// Columns of the results.
const COLUMNS: [&str; 9] = [
    "ports",
    "column_block",
    "samples",
    "quantile",
    "layer",
    "input_scale",
    "tiles",
    "full_scale_min",
    "full_scale_max",
];

/// Adds a calibration to the results.
fn add(model: &dyn Network, calibration: &Calibration, results: &mut Results, table: &mut ResultTable) {
    let Calibration { samples, quantile, ports, column_block, .. } = calibration;
    results.line(format!("tiles of {ports}×{column_block}: {samples} samples, quantile {quantile}"));
    for (view, layer) in model.photonic_layers().iter().zip(&calibration.layers) {
        let min = layer.full_scale.iter().copied().fold(f64::INFINITY, f64::min);
        let max = layer.full_scale.iter().copied().fold(0.0, f64::max);
        let full_scale = match layer.full_scale.len() {
            1 => format!("full scale of its tile {}", significant(max)),
            tiles => format!("full scale of {tiles} tiles {} to {}", significant(min), significant(max)),
        };
        results.line(format!("layer {}: input scale {}, {full_scale}", view.index, significant(layer.input_scale)));
        table.row([
            (*ports).into(),
            (*column_block).into(),
            (*samples as u64).into(),
            (*quantile).into(),
            view.index.into(),
            layer.input_scale.into(),
            layer.full_scale.len().into(),
            min.into(),
            max.into(),
        ]);
    }
}
