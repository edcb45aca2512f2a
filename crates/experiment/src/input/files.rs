//! The input files of a run: each is read once, and the hashes of the identity are those of the bytes that were read.

use crate::error::ExperimentError;
use crate::input::config::{Config, Experiment};
use crate::input::grid::Point;
use crate::input::subject::{MatrixInput, Subject};
use crate::input::tree::to_value;
use phaseloom_files::{InputFiles, hex, usage};
use phaseloom_hardware::{Batch, Detection, Link};
use phaseloom_network::data::{read_outputs, resolve};
use phaseloom_network::{Calibration, DataSpec, Dataset, Network, NetworkError};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::hash::Hash;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

/// The input files of all points. A run computes with these alone and reads no file again.
pub(crate) struct Inputs {
    /// SHA-256 of the contents of each file, by its path as written.
    pub hashes: BTreeMap<String, String>,
    /// The inputs of each point, by its index.
    pub points: SubjectInputs,
}

/// The inputs of all points. A run has one kind of subject.
pub(crate) enum SubjectInputs {
    /// Models, data and calibrations.
    Networks(Vec<PointInputs>),
    /// Matrices or programs, without a network.
    Matrices(Vec<Arc<MatrixInput>>),
}

/// The inputs of one point. Points share them.
pub(crate) struct PointInputs {
    pub network: Arc<dyn Network>,
    pub data: Arc<Dataset>,
    pub scales: ScaleSource,
    /// Outputs of the floating-point reference in the file that `expect.outputs` names.
    pub expected: Option<Arc<ExpectedOutputs>>,
}

/// Outputs that another program computed.
pub(crate) struct ExpectedOutputs {
    pub path: PathBuf,
    /// Outputs × samples.
    pub values: Batch,
}

/// The source of the scales of the converters of a point.
#[derive(Clone)]
pub(crate) enum ScaleSource {
    /// The calibration file of the model for the cores of the point, with its path, if there is one.
    File(Option<Arc<(PathBuf, Calibration)>>),
    /// The training data of the experiment, which the run measures.
    Data(Arc<Dataset>),
}

impl Inputs {
    /// Reads the files of all points.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is damaged.
    pub fn read(experiment: &Experiment, points: &[Point]) -> Result<Self, ExperimentError> {
        Self::read_all(experiment, points).map_err(|error| input_error(experiment, error))
    }

    fn read_all(experiment: &Experiment, points: &[Point]) -> Result<Self, ExperimentError> {
        let files = InputFiles::with(&experiment.known_files);
        let base = &experiment.base();
        let (mut networks, mut calibrations, mut data_sets) = (HashMap::new(), HashMap::new(), HashMap::new());
        let (mut matrices, mut expectations) = (HashMap::new(), HashMap::new());
        let (mut hashes, mut inputs, mut others) = (BTreeMap::new(), Vec::new(), Vec::new());
        for point in points {
            let Config { core, link, .. } = &point.config;
            if let Some(chip) = &point.config.chip {
                let file = files.read(&base.join(chip)).map_err(|error| experiment.named_by(error, "chip"))?;
                hashes.entry(format!("chip: {}", chip.display())).or_insert_with(|| hex(&file.sha256));
            }
            let subject = point.config.subject().map_err(|invalid| experiment.with_line(invalid))?;
            let (model_file, choice) = match subject {
                Subject::Network { model, data } => (model, data),
                Subject::Matrix(written) | Subject::Program(written) => {
                    let path = base.join(written);
                    let key = if matches!(subject, Subject::Program(_)) { "program" } else { "matrix" };
                    files.read(&path).map_err(|error| experiment.named_by(error, key))?;
                    others.push(cached(&mut matrices, path.clone(), || {
                        Ok(Arc::new(MatrixInput::read(subject, &path, &files)?))
                    })?);
                    let sha256 = files.read(&path)?.sha256;
                    hashes.entry(written.display().to_string()).or_insert_with(|| hex(&sha256));
                    continue;
                }
            };
            let path = resolve(model_file, base)?;
            let network_key = point.config.network_key();
            let network = cached(&mut networks, network_key.clone(), || {
                files.read(&path).map_err(|error| experiment.named_by(error, "model"))?;
                Ok(point.config.open_network(&path, &files)?)
            })?;
            let tile = (core.ports, core.column_block(link.detection));
            let file = cached(&mut calibrations, (network_key, tile), || {
                let file = Calibration::for_network(&*network, tile.0, tile.1, &files)?.map(Arc::new);
                let is_valid = file
                    .as_deref()
                    .is_some_and(|(path, scales)| scales.validate(path, &*network, tile.0, tile.1).is_ok());
                Ok((file, is_valid))
            })?;
            let scales = match (file, &point.config.calibration) {
                ((Some(file), true), Some(source)) if same_number(file.1.quantile, source.quantile) => {
                    ScaleSource::File(Some(file))
                }
                (_, Some(source)) if needs_scales(link) => {
                    let located =
                        |error: NetworkError| error.in_settings("calibration.data", &experiment.path, &experiment.text);
                    ScaleSource::Data(cached(&mut data_sets, to_value(&source.data).to_string(), || {
                        Ok(Arc::new(source.data.load_from(base, &files).map_err(located)?))
                    })?)
                }
                ((file, _), _) => ScaleSource::File(file),
            };
            let data = cached(&mut data_sets, to_value(choice).to_string(), || {
                let located = |error: NetworkError| error.in_settings("data", &experiment.path, &experiment.text);
                Ok(Arc::new(choice.load_from(base, &files).map_err(located)?))
            })?;
            let expected = match point.config.expect.as_ref().and_then(|expect| expect.outputs.as_ref()) {
                Some(written) => Some(cached(&mut expectations, written.clone(), || {
                    let path = resolve(written, base)?;
                    let file = files.read(&path).map_err(|error| experiment.named_by(error, "expect.outputs"))?;
                    let values = read_outputs(&file)?;
                    Ok(Arc::new(ExpectedOutputs { path, values }))
                })?),
                None => None,
            };
            let key = model_file.display();
            let mut used: Vec<_> =
                network.files()?.into_iter().map(|(role, file)| (format!("{key}: {role}"), file)).collect();
            used.push((key.to_string(), path));
            let mut data_files = |role: &str, choice: &DataSpec| -> Result<(), ExperimentError> {
                let files = choice.paths().zip(choice.files(base)?);
                used.extend(files.map(|(written, file)| (format!("{role}: {}", written.display()), file)));
                Ok(())
            };
            data_files("data", choice)?;
            match (&scales, &point.config.calibration) {
                (ScaleSource::Data(_), Some(source)) => data_files("calibration", &source.data)?,
                (ScaleSource::File(Some(file)), _) => {
                    let name = file.0.file_name().unwrap_or_default().to_string_lossy();
                    used.push((format!("{key}: {name}"), file.0.clone()));
                }
                _ => {}
            }
            used.extend(expected.iter().map(|expected| ("expect: outputs".to_owned(), expected.path.clone())));
            for (name, file) in used {
                // Every file was read above: its bytes, and so its hash, are those that the run computes with.
                if let Entry::Vacant(place) = hashes.entry(name) {
                    place.insert(hex(&files.read(&file)?.sha256));
                }
            }
            inputs.push(PointInputs { network, data, scales, expected });
        }
        let points = match others.is_empty() {
            true => SubjectInputs::Networks(inputs),
            false => SubjectInputs::Matrices(others),
        };
        Ok(Self { hashes, points })
    }
}

impl SubjectInputs {
    /// Number of samples and indices of the photonic layers of a network at a point.
    pub fn form(&self, point: usize) -> Option<(u64, Vec<usize>)> {
        let Self::Networks(points) = self else { return None };
        let PointInputs { network, data, .. } = &points[point];
        Some((data.samples() as u64, network.photonic_layers().iter().map(|view| view.index).collect()))
    }
}

/// The error of an input that cannot be read. It says what to do where the folder of a run was moved.
fn input_error(experiment: &Experiment, error: ExperimentError) -> ExperimentError {
    if experiment.run_folder().is_none() || !is_missing_file(&error) {
        return error;
    }
    ExperimentError::Moved { path: experiment.path.clone(), base: experiment.base(), source: Box::new(error) }
}

/// Whether a file that does not exist is a cause of an error.
fn is_missing_file(error: &ExperimentError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::NotFound) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether the link needs the scales of a calibration, because its results depend on the magnitude of the numbers.
pub(crate) fn needs_scales(link: &Link) -> bool {
    let needs = !link.is_ideal() || link.detection == Detection::Offset;
    if needs {
        // The table says how the scales were measured.
        usage::mark("calibration");
    }
    needs
}

fn same_number(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

/// The value of a key, computed where the key is new.
pub(crate) fn cached<K: Hash + Eq, V: Clone>(
    values: &mut HashMap<K, V>,
    key: K,
    compute: impl FnOnce() -> Result<V, ExperimentError>,
) -> Result<V, ExperimentError> {
    if let Some(value) = values.get(&key) {
        return Ok(value.clone());
    }
    let value = compute()?;
    values.insert(key, value.clone());
    Ok(value)
}
