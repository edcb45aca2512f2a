//! Trained programs of a model: the phases and gains of every tile, in one file next to the weights.
//!
//! A safetensors file with the metadata `format`, `version`, `ports`, `topology`, `cell` and `column_block`, and for tile `t` of
//! photonic layer `l` the tensors `l.t.phases` (rad; θ, φ, outputs and boundary of the first mesh, then θ and φ of the attenuators,
//! then the second mesh) and `l.t.gain` (one value). A tile of zeros has none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use phaseloom_files::{InputFiles, InvalidValue};
use phaseloom_hardware::{CoreSpec, Detection, LayerProgram, Scales, WeightKind};
use phaseloom_mesh::{MatrixProgram, MeshDesign};

use crate::error::Result;
use crate::photonic_layer::PhotonicLayer;
use crate::weights::{Tensor, Tensors};

const FORMAT: &str = "phaseloom-programs";

/// The programs of all photonic layers of a model.
#[derive(Clone, Debug)]
pub struct Programs {
    path: PathBuf,
    tensors: BTreeMap<String, Tensor>,
    metadata: BTreeMap<String, String>,
}

impl Programs {
    /// The programs of layers on a core.
    #[must_use]
    pub fn new(layers: &[&LayerProgram], core: &CoreSpec, detection: Detection) -> Self {
        let mut tensors = BTreeMap::new();
        for (l, layer) in layers.iter().enumerate() {
            for (t, tile) in layer.tiles().iter().enumerate() {
                let Some(tile) = tile else { continue };
                let phases = tile.program.stages().iter().flat_map(|stage| stage.phases().values()).copied();
                let phases: Vec<f64> = phases.collect();
                tensors.insert(format!("{l}.{t}.phases"), Tensor::new(vec![phases.len()], phases));
                tensors.insert(format!("{l}.{t}.gain"), Tensor::new(vec![1], vec![tile.program.gain()]));
            }
        }
        let metadata =
            [("format", FORMAT.to_owned()), ("version", "1".to_owned())].into_iter().chain(core_keys(core, detection));
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).collect();
        Self { path: PathBuf::new(), tensors, metadata }
    }

    /// Reads a file of programs through `files`.
    ///
    /// # Errors
    ///
    /// As [`Tensors::load`], and for a file of another format.
    pub fn load_from(path: &Path, files: &InputFiles) -> Result<Self> {
        let tensors = Tensors::load_from(path, files)?;
        if tensors.metadata.get("format").is_none_or(|format| format != FORMAT) {
            let found = "a file without the metadata `format = phaseloom-programs`";
            let expected = "the programs that `phaseloom train` writes";
            return Err(InvalidValue::new("programs", found, expected).in_file(path).into());
        }
        let named = tensors.iter().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
        Ok(Self { path: path.to_owned(), tensors: named, metadata: tensors.metadata })
    }

    /// A tensor, such as `1.0.phases` of tile 0 of photonic layer 1.
    #[cfg(test)]
    pub(crate) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// The phases and gains of all tiles.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.values()
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut tensors = Tensors::new();
        self.tensors.iter().for_each(|(name, tensor)| tensors.insert(name, tensor.clone()));
        tensors.metadata.clone_from(&self.metadata);
        tensors.save(path)
    }

    /// The photonic layer of number `index`, from 0, as its programs.
    ///
    /// # Errors
    ///
    /// If the programs were trained on other cores, or a tensor is missing or has another length; as
    /// [`LayerProgram::from_programs`].
    pub fn layer(
        &self,
        index: usize,
        layer: &PhotonicLayer<'_>,
        (core, design): (&CoreSpec, &MeshDesign),
        detection: Detection,
        scales: &Scales,
    ) -> Result<LayerProgram> {
        for (key, required) in core_keys(core, detection) {
            let found = self.metadata.get(key).cloned().unwrap_or_else(|| "nothing".into());
            if found != required {
                let expected = format!(
                    "{required}, that of `[core]` and its detection: programs run on cores like those that trained them; without the \
                     key `programs` the model is programmed from its weights"
                );
                return Err(InvalidValue::new(key, found, expected).in_file(&self.path).into());
            }
        }
        let (shape, kind) = (layer.shape(), layer.kind);
        let plan = core.plan(shape.0, shape.1, detection)?;
        let blank = match kind {
            WeightKind::Unitary => {
                let mesh = MatrixProgram::blank(shape.0, shape.0, design.clone()).stages()[0].phases().zeroed();
                MatrixProgram::from_phases(design.clone(), shape.0, mesh)
            }
            _ => MatrixProgram::blank(core.ports, core.ports, design.clone()),
        };
        let tile = |t: usize| {
            let (Some(phases), Some(gain)) =
                (self.tensors.get(&format!("{index}.{t}.phases")), self.tensors.get(&format!("{index}.{t}.gain")))
            else {
                return Ok(None);
            };
            let mut stages: Vec<_> = blank.stages().iter().map(|stage| stage.phases().zeroed()).collect();
            let required: usize = stages.iter().map(|stage| stage.values().len()).sum();
            let values = phases.values();
            let gain = gain.values().first().copied().unwrap_or(f64::NAN);
            if values.len() != required
                || !values.iter().all(|phase| phase.is_finite())
                || !(gain.is_finite() && gain >= 0.0)
            {
                let found = match values.iter().find(|phase| !phase.is_finite()) {
                    Some(phase) => format!("the phase {phase}"),
                    None => format!("{} phases and the gain {gain}", values.len()),
                };
                let expected = format!("{required} finite phases and a gain from 0");
                let place = format!("tensors {index}.{t}");
                return Err(InvalidValue::new(place, found, expected).in_file(&self.path).into());
            }
            let mut values = values.iter();
            for phase in stages.iter_mut().flat_map(|stage| stage.values_mut()) {
                *phase = values.next().copied().unwrap_or_default();
            }
            Ok(Some(blank.with_phases(stages).with_electronic_gain(gain)))
        };
        let programs = (0..plan.tiles().len()).map(tile).collect::<Result<Vec<_>>>()?;
        match kind.is_complex() {
            true => Ok(LayerProgram::from_complex_programs(shape, kind, core, programs)?),
            false => Ok(LayerProgram::from_programs(shape, core, detection, scales, programs)?),
        }
    }
}

/// What the programs of a core need of it.
fn core_keys(core: &CoreSpec, detection: Detection) -> [(&'static str, String); 4] {
    [
        ("ports", core.ports.to_string()),
        ("topology", core.topology.clone()),
        ("cell", core.cell.clone().unwrap_or_else(|| "mzi".into())),
        ("column_block", core.column_block(detection).to_string()),
    ]
}
