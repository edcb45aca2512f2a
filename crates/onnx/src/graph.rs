//! An ONNX graph as a network.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use phaseloom_files::{InputFiles, hex};
use phaseloom_network::data::{Batch, Dataset};
use phaseloom_network::network::{Call, GraphSettings, Multiply, Observe, Operator};
use phaseloom_network::{Network, NetworkError, PhotonicLayer, Result};
use sha2::{Digest, Sha256};
use tract_onnx::tract_core::internal::*;

use crate::error::graph_error;
use crate::guard::{guarded, unguarded};
use crate::load::{ReadFiles, decode, external_files, folder, load};
use crate::lower::{Choice, Lowering};
use crate::names::{names_of_file, names_of_tensors};
use crate::program::{Parts, Program};
use crate::site::BATCH_BYTES;

/// Maximum number of samples that pass the graph together.
const MAX_SAMPLES: usize = 256;

/// An ONNX graph whose linear operators with constant weights may run on meshes.
pub struct Graph {
    path: PathBuf,
    program: Program,
    parts: Parts,
    operators: Vec<Operator>,
    others: Vec<(String, usize)>,
    settings: GraphSettings,
    /// Shape of one sample.
    sample_shape: Vec<usize>,
    /// Shape of the input tensor of one sample.
    input_shape: Vec<usize>,
    input_kind: DatumType,
    output_shape: Vec<usize>,
    /// Samples that pass the graph together.
    group: usize,
    /// Files with weights: name in the graph and path.
    external: Vec<(String, PathBuf)>,
    sha256: String,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("path", &self.path).field("operators", &self.operators).finish_non_exhaustive()
    }
}

impl Graph {
    /// Reads a graph through `files`.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is no ONNX file, settings that do not fit the graph, an operator that tract does not know.
    pub fn load_from(path: &Path, settings: &GraphSettings, files: &InputFiles) -> Result<Self> {
        let file = files.read(path)?;
        let proto = decode(path, &file.bytes)?;
        let mut digest = Sha256::new();
        digest.update(b"phaseloom-graph/1");
        digest.update(file.sha256);
        let external = external_files(&proto).into_iter();
        let external: Vec<_> = external.map(|name| (name.clone(), folder(path).join(name))).collect();
        let mut weights = HashMap::new();
        for (_, file) in &external {
            let read = files.read(file)?;
            digest.update(read.sha256);
            weights.insert(file.clone(), read.bytes.clone());
        }
        digest.update(settings.canonical());
        let loaded = load(path, &proto, settings, ReadFiles(weights))?;
        let sample_shape = loaded.shape;
        let input_shape = loaded.has_batch.then_some(1).into_iter().chain(sample_shape.iter().copied()).collect();
        settings.check_shape(&sample_shape).map_err(|invalid| NetworkError::from_invalid(path, invalid))?;
        let choice = Choice { photonic: settings.photonic.as_deref(), electronic: &settings.electronic };
        let mut lowering = Lowering::new(choice, names_of_file(&proto), names_of_tensors(&proto));
        let prepare = |lowering: &mut Lowering<'_>| -> TractResult<(Program, Vec<usize>)> {
            let model = lowering.lower(loaded.model, 1)?;
            let shape = model.output_fact(0)?.shape.as_concrete().map(<[usize]>::to_vec);
            let shape = shape.context("the shape of the output depends on the data")?;
            Ok((Program::new(model)?, shape))
        };
        const REMEDY: &str =
            "report it with the file, or keep the operator in electronics with `electronic = [\"name\"]`";
        let (program, output_shape) = guarded(|| prepare(&mut lowering))
            .map_err(|error| graph_error(path, "replacing operators", error, REMEDY))?;
        lowering.check_patterns().map_err(|(problem, remedy)| NetworkError::graph(path, problem, remedy))?;
        let Lowering { parts, operators, others, .. } = lowering;
        let widest = parts.sites.iter().map(|site| site.vector_bytes() * site.positions.len()).max().unwrap_or(1);
        Ok(Self {
            path: path.to_owned(),
            program,
            operators,
            others: others.into_iter().collect(),
            settings: settings.clone(),
            sample_shape,
            input_shape,
            input_kind: loaded.input_kind,
            output_shape,
            group: (BATCH_BYTES / widest.max(1)).clamp(1, MAX_SAMPLES),
            external,
            sha256: hex(&digest.finalize()),
            parts,
        })
    }

    /// One sample as a tensor.
    fn tensor(&self, sample: &[f64]) -> TractResult<TValue> {
        let values: Vec<f32> = sample.iter().map(|&x| x as f32).collect();
        let tensor = match self.input_kind.is_integer() {
            true => {
                let values: Vec<i64> = sample.iter().map(|&x| x as i64).collect();
                Tensor::from_shape(&self.input_shape, &values)?
            }
            false => Tensor::from_shape(&self.input_shape, &values)?,
        };
        Ok(tensor.cast_to_dt(self.input_kind)?.into_owned().into_tvalue())
    }
}

impl Network for Graph {
    fn input_shape(&self) -> Vec<usize> {
        self.input_shape.clone()
    }

    fn output_shape(&self) -> Vec<usize> {
        self.output_shape.clone()
    }

    fn operators(&self) -> Vec<Operator> {
        self.operators.clone()
    }

    fn other_operators(&self) -> Vec<(String, usize)> {
        self.others.clone()
    }

    fn photonic_layers(&self) -> Vec<PhotonicLayer<'_>> {
        let sites = self.parts.sites.iter().enumerate();
        sites
            .map(|(index, site)| PhotonicLayer {
                index,
                weight: &site.weight,
                vectors: site.positions.len(),
                steps: site.steps,
                sign_matters: Some(format!("(`{}`) is followed by electronics that use its sign", site.name)),
            })
            .collect()
    }

    /// None: the outputs of inner operators are not shown.
    fn layer_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn prepare(&self, raw: &Batch) -> Batch {
        assert_eq!(raw.nrows(), self.input_size(), "raw inputs need the features of the graph");
        self.settings.prepare(raw, &self.sample_shape)
    }

    fn check_inputs(&self, data: &Dataset) -> Result<()> {
        let lengths = |shape: &[usize]| shape.iter().copied().filter(|&length| length != 1).collect::<Vec<_>>();
        let found = lengths(&data.sample_shape);
        if found.len() > 1 && found != lengths(&self.sample_shape) {
            let problem = format!(
                "the samples of {} have the shape {:?}, the graph takes {:?}",
                data.inputs_path.display(),
                data.sample_shape,
                self.sample_shape
            );
            return Err(NetworkError::graph(
                &self.path,
                problem,
                "bring the axes of the data into the order of the graph",
            ));
        }
        let prepared = self.prepare(&data.inputs);
        let (low, high) = range(self.input_kind);
        let is_integer = self.input_kind.is_integer() || self.input_kind == bool::datum_type();
        let fits = |x: f64| (low..=high).contains(&x) && (!is_integer || x.fract() == 0.0);
        for (sample, column) in prepared.column_iter().enumerate() {
            if let Some(feature) = column.iter().position(|&x| !fits(x)) {
                let kind = if is_integer { "whole number" } else { "number" };
                let expected = format!("a {kind} from {low:?} to {high:?}, as the graph takes");
                return Err(NetworkError::input(&data.inputs_path, sample, feature, column[feature], &expected));
            }
        }
        Ok(())
    }

    fn pass(&self, input: &Batch, multiply: &mut Multiply<'_>, _observe: &mut Observe<'_>) -> Result<Batch> {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the graph");
        let mut outputs = Vec::with_capacity(self.output_size() * input.ncols());
        let run = || -> TractResult<()> {
            for first_sample in (0..input.ncols()).step_by(self.group) {
                let samples = input.columns(first_sample, self.group.min(input.ncols() - first_sample));
                let tensors = samples.column_iter().map(|sample| Ok(tvec!(self.tensor(sample.as_slice())?)));
                let tensors: Vec<_> = tensors.collect::<TractResult<_>>()?;
                let mut products = |product: usize, step, first, x: &Batch| {
                    let first_vector = first_sample * self.parts.sites[product].positions.len() + first;
                    unguarded(|| multiply(Call { product, first_vector, step }, x))
                };
                for output in self.program.run(&self.parts, tensors, 0, &mut products)? {
                    let output = output[0].cast_to::<f32>()?;
                    let values = output.try_as_plain_ram()?;
                    outputs.extend(values.as_slice::<f32>()?.iter().map(|&y| f64::from(y)));
                }
            }
            Ok(())
        };
        const REMEDY: &str = "check that the inputs are what the graph expects, such as indices in range";
        guarded(run).map_err(|error| graph_error(&self.path, "computing the graph", error, REMEDY))?;
        Ok(Batch::from_vec(self.output_size(), input.ncols(), outputs))
    }

    fn sha256(&self) -> String {
        self.sha256.clone()
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>> {
        Ok(self.external.clone())
    }

    /// Next to the graph: `net.onnx` has `net.calibration.json`.
    fn calibration_path(&self) -> Result<Option<PathBuf>> {
        Ok(Some(self.path.with_extension("calibration.json")))
    }
}

/// The range of the numbers of a kind of tensor.
fn range(kind: DatumType) -> (f64, f64) {
    match kind {
        DatumType::Bool => (0.0, 1.0),
        DatumType::U8 => (0.0, u8::MAX.into()),
        DatumType::U16 => (0.0, u16::MAX.into()),
        DatumType::U32 => (0.0, u32::MAX.into()),
        DatumType::I8 => (i8::MIN.into(), i8::MAX.into()),
        DatumType::I16 => (i16::MIN.into(), i16::MAX.into()),
        DatumType::I32 => (i32::MIN.into(), i32::MAX.into()),
        DatumType::U64 => (0.0, 1e15),
        DatumType::I64 => (-1e15, 1e15),
        DatumType::F16 => (-65504.0, 65504.0),
        _ => (f32::MIN.into(), f32::MAX.into()),
    }
}
