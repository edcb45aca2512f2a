//! Scales of the converters that a run measures on the training data of its experiment.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Config, Experiment};
use crate::input::files::ScaleSource;
use phaseloom_network::{Calibration, CalibrationSettings, DataSpec, Network};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The measured scales of a run, each with the name of its file: `calibration.json` is the first.
#[derive(Default)]
pub(crate) struct Measured {
    /// Name of the file, and the key of the model and of its tiles.
    files: Vec<(String, String, usize, usize)>,
    scales: Vec<Arc<(PathBuf, Calibration)>>,
}

impl Measured {
    /// The scales of a point, from the file of its model or measured on training data.
    ///
    /// # Errors
    ///
    /// Data that do not fit the model, and a link that needs scales where there are neither a file nor data.
    pub fn scales(
        &mut self,
        experiment: &Experiment,
        config: &Config,
        network: &dyn Network,
        source: &ScaleSource,
        needs_scales: bool,
    ) -> Result<Option<Arc<(PathBuf, Calibration)>>, ExperimentError> {
        let (data, quantile) = match (source, &config.calibration) {
            (ScaleSource::Data(data), Some(source)) => (data, source.quantile),
            (ScaleSource::File(None), _) if needs_scales => {
                return Err(Problem::no_calibration(network, config.data.as_ref())?.in_file(&experiment.path));
            }
            (ScaleSource::File(file), _) => return Ok(file.clone()),
            (ScaleSource::Data(_), None) => return Ok(None),
        };
        let (ports, column_block) = (config.core.ports, config.core.column_block(config.link.detection));
        let key = config.network_key();
        let same = |file: &(String, String, usize, usize)| (&file.1, file.2, file.3) == (&key, ports, column_block);
        if let Some(at) = self.files.iter().position(same) {
            return Ok(Some(Arc::clone(&self.scales[at])));
        }
        let settings = CalibrationSettings { ports, column_block, quantile };
        let scales = Calibration::measure(network, data, settings)?;
        let name = self.name(&key, ports, column_block);
        let scales = Arc::new((PathBuf::from(&name), scales));
        self.files.push((name, key, ports, column_block));
        self.scales.push(Arc::clone(&scales));
        Ok(Some(scales))
    }

    /// The name of the next file: another size of tiles is a sibling, another model has a number.
    fn name(&self, key: &str, ports: usize, column_block: usize) -> String {
        let main = |index: usize| {
            if index == 0 { "calibration.json".to_owned() } else { format!("calibration-model{}.json", index + 1) }
        };
        let mut models: Vec<&str> = Vec::new();
        for (_, model, ..) in &self.files {
            if !models.contains(&model.as_str()) {
                models.push(model);
            }
        }
        match models.iter().position(|model| *model == key) {
            None => main(models.len()),
            Some(index) => {
                Calibration::sibling(Path::new(&main(index)), ports, column_block).to_string_lossy().into_owned()
            }
        }
    }

    /// Names and scales of the files.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Calibration)> {
        self.files.iter().map(|(name, ..)| name.as_str()).zip(self.scales.iter().map(|scales| &scales.1))
    }

    /// A sentence about the measured scales, if there are any.
    pub fn note(&self) -> Option<String> {
        let scales = &self.scales.first()?.1;
        let names: Vec<&str> = self.files().map(|(name, _)| name).collect();
        let Calibration { samples, quantile, .. } = scales;
        let kind = if *quantile < 1.0 { format!("quantile {quantile}") } else { "maximum".to_owned() };
        Some(format!(
            "the scales of the converters are measured on the {samples} samples of [calibration] ({kind}) and written to the \
             folder of the run: {}",
            names.join(", ")
        ))
    }
}

impl Problem {
    /// The problem of a model without scales, and the lines that name training data like the test data.
    pub(crate) fn no_calibration(network: &dyn Network, test_data: Option<&DataSpec>) -> Result<Self, ExperimentError> {
        let what = match network.calibration_path()? {
            Some(file) => format!("{} does not exist", file.display()),
            None => "there are none".to_owned(),
        };
        let name = test_data.and_then(|data| data.inputs.to_str()).unwrap_or("x.npy").to_lowercase();
        let inputs = ["csv", "npy"].into_iter().find(|ending| name.contains(ending));
        let inputs = inputs.map_or("train-images-idx3-ubyte.gz".to_owned(), |ending| format!("train.{ending}"));
        let columns = test_data.and_then(|data| data.csv.as_ref()).and_then(|csv| toml::Value::try_from(csv).ok());
        let columns = columns.map(|columns| format!(", csv = {columns}")).unwrap_or_default();
        Ok(Self::NoCalibration { what, data: format!("{{ inputs = \"{inputs}\"{columns} }}") })
    }
}
