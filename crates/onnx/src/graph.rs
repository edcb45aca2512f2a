//! An ONNX graph as a network.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use phaseloom_files::{InputFiles, hex};
use phaseloom_hardware::WeightKind;
use phaseloom_network::data::{Batch, Dataset};
use phaseloom_network::network::{Call, GraphSettings, Multiply, Observe, Operator};
use phaseloom_network::{Network, NetworkError, PhotonicLayer, Result};
use sha2::{Digest, Sha256};
use tract_onnx::tract_core::internal::*;

use crate::error::graph_error;
use crate::guard::{guarded, unguarded};
use crate::load::{ReadFiles, decode, external_files, folder, load};
use crate::lower::{Choice, Lowering};
use crate::names::{names_of_file, names_of_tensors, outputs_of_operators};
use crate::program::{Parts, Program};
use crate::site::{BATCH_BYTES, numbers};
use crate::tensors::Tensors;

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
    /// Operators of the file whose outputs the program may show.
    tensors: Tensors,
    /// Those that it does show, once somebody has asked.
    layers: OnceLock<Vec<usize>>,
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
        let mut weights = ReadFiles::default();
        for (_, file) in &external {
            let read = files.read(file)?;
            digest.update(read.sha256);
            weights.insert(file, read.bytes.clone());
        }
        digest.update(settings.canonical());
        let loaded = load(path, &proto, settings, weights)?;
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
        let (mut program, output_shape) = guarded(|| prepare(&mut lowering))
            .map_err(|error| graph_error(path, "replacing operators", error, REMEDY))?;
        lowering.check_patterns().map_err(|(problem, remedy)| NetworkError::graph(path, problem, remedy))?;
        let Lowering { parts, operators, others, .. } = lowering;
        let widest = parts.sites.iter().map(|site| site.vector_bytes() * site.positions.len()).max().unwrap_or(1);
        Ok(Self {
            path: path.to_owned(),
            tensors: Tensors::new(&mut program, loaded.original, &outputs_of_operators(&proto)),
            layers: OnceLock::new(),
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

impl Graph {
    /// The operators that the program computes as the file has them. A sample shows which: tract permutes axes, and joins a
    /// convolution with the normalisation that follows it.
    fn shown(&self) -> TractResult<Vec<usize>> {
        let count = self.input_shape.iter().product::<usize>();
        let sample: Vec<f64> = match self.input_kind.is_float() {
            true => (0..count).map(|i| (i as f64 * 37.0).sin()).collect(),
            false => vec![0.0; count],
        };
        let expected = self.tensors.original_outputs(self.tensor(&sample)?)?;
        let mut shown: Vec<usize> = Vec::new();
        let mut multiply = |site: usize, _: usize, _: usize, x: &Batch| &self.parts.sites[site].weight * x;
        let mut show = |operator: usize, outputs: &[&TValue]| {
            let name = &self.tensors.names[operator];
            let is_new = !shown.iter().any(|&other| self.tensors.names[other] == *name);
            let is_same =
                |own: &&TValue| expected.get(&operator).is_some_and(|original| have_same_values(own, original));
            if is_new && outputs.first().is_some_and(is_same) {
                shown.push(operator);
            }
        };
        self.program.run(&self.parts, vec![tvec!(self.tensor(&sample)?)], 0, &mut multiply, &mut show)?;
        Ok(shown)
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
                kind: WeightKind::Real,
                vectors: site.positions.len(),
                steps: site.steps,
                sign_matters: Some(format!("(`{}`) is followed by electronics that use its sign", site.name)),
            })
            .collect()
    }

    /// The operators of the file whose outputs are still there after tract has joined some.
    fn layer_names(&self) -> Vec<String> {
        let found = || guarded(|| self.shown()).unwrap_or_default();
        self.layers.get_or_init(found).iter().map(|&tensor| self.tensors.names[tensor].clone()).collect()
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
        let (low, high) = range(self.input_kind);
        let is_integer = self.input_kind.is_integer() || self.input_kind == bool::datum_type();
        let fits = |x: f64| (low..=high).contains(&x) && (!is_integer || x.fract() == 0.0);
        for (first, batch) in data.inputs.batches(MAX_SAMPLES) {
            let prepared = self.prepare(&batch);
            if let Some(at) = prepared.iter().position(|&x| !fits(x)) {
                let (sample, feature) = (first + at / data.features(), at % data.features());
                let kind = if is_integer { "whole number" } else { "number" };
                let expected = format!("a {kind} from {low:?} to {high:?}, as the graph takes");
                return Err(NetworkError::input(&data.inputs_path, sample, feature, prepared[at], &expected));
            }
        }
        Ok(())
    }

    fn pass(&self, input: &Batch, multiply: &mut Multiply<'_>, observe: &mut Observe<'_>) -> Result<Batch> {
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
                let mut show = |tensor: usize, outputs: &[&TValue]| {
                    let place = |layers: &Vec<usize>| layers.iter().position(|&shown| shown == tensor);
                    let Some(layer) = self.layers.get().and_then(place) else { return };
                    let values = || outputs.iter().flat_map(|y| numbers(y).unwrap_or_default()).map(f64::from);
                    let batch = || {
                        let values: Vec<f64> = values().collect();
                        Batch::from_vec(values.len() / outputs.len().max(1), outputs.len(), values)
                    };
                    unguarded(|| observe(layer, &batch));
                };
                for output in self.program.run(&self.parts, tensors, 0, &mut products, &mut show)? {
                    outputs.extend(numbers(&output[0])?.into_iter().map(f64::from));
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

/// Whether two tensors of real numbers have the same values in the same order. Axes of length 1 change no order. Both were
/// computed in single precision, where sums of some thousand products differ by 1e-4 at most.
fn have_same_values(a: &Tensor, b: &Tensor) -> bool {
    let long = |tensor: &Tensor| tensor.shape().iter().copied().filter(|&length| length != 1).collect::<Vec<_>>();
    let is_real = a.datum_type().is_float() && b.datum_type().is_float();
    let (Ok(x), Ok(y)) = (numbers(a), numbers(b)) else { return false };
    let largest = y.iter().fold(0.0_f32, |all, value| all.max(value.abs()));
    is_real && long(a) == long(b) && x.iter().zip(&y).all(|(x, y)| (x - y).abs() <= 1e-4 * largest)
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
