//! Reading of ONNX files: the input and the output that an experiment means, and the files with the weights.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use phaseloom_network::network::GraphSettings;
use phaseloom_network::{NetworkError, Result};
use tract_onnx::data_resolver::ModelDataResolver;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto, ValueInfoProto, tensor_shape_proto, type_proto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use crate::error::graph_error;
use crate::guard::guarded;

/// A graph of tract for one sample.
pub(crate) struct Loaded {
    pub model: TypedModel,
    /// The graph with the operators of the file.
    pub original: TypedModel,
    /// Shape of the input of one sample.
    pub shape: Vec<usize>,
    /// Whether the first axis of the input in the file counts samples.
    pub has_batch: bool,
    pub input_kind: DatumType,
}

/// What to do about a graph that tract cannot run.
const SIMPLIFY: &str = "export the model again with a fixed input shape, or simplify it: `pip install onnxsim`, `onnxsim in.onnx out.onnx`";

/// Decodes a file.
pub(crate) fn decode(path: &Path, bytes: &[u8]) -> Result<ModelProto> {
    let proto = guarded(|| onnx().proto_model_for_read(&mut &*bytes));
    let proto =
        proto.map_err(|error| graph_error(path, "reading the file as ONNX", error, "export the model again"))?;
    if proto.graph.as_ref().is_none_or(|graph| graph.node.is_empty()) {
        return Err(NetworkError::graph(path, "found an ONNX file without a graph", "export the model again"));
    }
    Ok(proto)
}

/// Files that hold weights next to the graph, as written there: of its initialisers, its constants and its inner graphs.
pub(crate) fn external_files(proto: &ModelProto) -> Vec<String> {
    let mut files = Vec::new();
    proto.graph.iter().for_each(|graph| add_external_files(graph, &mut files));
    files
}

fn add_external_files(graph: &GraphProto, files: &mut Vec<String>) {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let constants = attributes.clone().flat_map(|attribute| attribute.t.iter().chain(&attribute.tensors));
    let external = |tensor: &&TensorProto| !tensor.external_data.is_empty();
    for tensor in graph.initializer.iter().chain(constants).filter(external) {
        for entry in tensor.external_data.iter().filter(|entry| entry.key == "location") {
            if !files.contains(&entry.value) {
                files.push(entry.value.clone());
            }
        }
    }
    let inner = attributes.flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs));
    inner.for_each(|graph| add_external_files(graph, files));
}

/// The folder of the graph, from which the names of its files count.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Files with weights that were read already, by their absolute paths. tract gets their bytes from here, and so reads no file
/// itself.
#[derive(Default)]
pub(crate) struct ReadFiles(HashMap<PathBuf, Vec<u8>>);

impl ReadFiles {
    /// Adds the bytes of a file.
    pub fn insert(&mut self, path: &Path, bytes: Vec<u8>) {
        self.0.insert(absolute(path), bytes);
    }
}

/// The path without links and steps up; tract asks for files by such paths.
fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

impl ModelDataResolver for ReadFiles {
    fn read_bytes_from_path(
        &self,
        buffer: &mut Vec<u8>,
        path: &Path,
        offset: usize,
        length: Option<usize>,
    ) -> TractResult<()> {
        let bytes = self
            .0
            .get(&absolute(path))
            .with_context(|| format!("{}: weights in a file of an unknown place", path.display()))?;
        let end = length.map_or(Some(bytes.len()), |length| offset.checked_add(length));
        let part = end.and_then(|end| bytes.get(offset..end)).with_context(|| {
            let size = bytes.len();
            format!("{}: weights from byte {offset} on, but the file has {size} bytes: it is cut off", path.display())
        })?;
        buffer.extend_from_slice(part);
        Ok(())
    }
}

/// Prepares a graph for one sample.
pub(crate) fn load(path: &Path, proto: &ModelProto, settings: &GraphSettings, weights: ReadFiles) -> Result<Loaded> {
    let graph = proto.graph.clone().unwrap_or_default();
    check_output(path, &graph, settings)?;
    let (shape, has_batch) = sample_shape(path, input(path, &graph, settings)?, settings)?;
    let prepare = || -> TractResult<(TypedModel, TypedModel, DatumType)> {
        let mut reader = onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
        reader.provider = Arc::new(weights);
        let mut model = reader.parse(proto, folder(path).to_str())?.model;
        if let Some(output) = &settings.output {
            model.select_outputs_by_name([output])?;
        }
        let kind = model.input_fact(0)?.datum_type.concretize().unwrap_or(f32::datum_type());
        let first = has_batch.then_some(1);
        let dims: TVec<usize> = first.into_iter().chain(shape.iter().copied()).collect();
        model.set_input_fact(0, InferenceFact::dt_shape(kind, dims))?;
        let original = model.into_typed()?;
        Ok((original.clone().into_decluttered()?, original, kind))
    };
    let (model, original, input_kind) =
        guarded(prepare).map_err(|error| graph_error(path, "preparing the graph for one sample", error, SIMPLIFY))?;
    Ok(Loaded { model, original, shape, has_batch, input_kind })
}

/// Checks that the output is known.
fn check_output(path: &Path, graph: &GraphProto, settings: &GraphSettings) -> Result<()> {
    let names: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    match &settings.output {
        Some(output) if !names.contains(&output.as_str()) => {
            let problem = format!("the graph has no output `{output}`; found {}", names.join(", "));
            Err(NetworkError::graph(path, problem, "correct `output`"))
        }
        None if names.len() > 1 => {
            let problem = format!("the graph has {} outputs: {}", names.len(), names.join(", "));
            Err(NetworkError::graph(path, problem, "name one: `output = \"…\"`"))
        }
        _ => Ok(()),
    }
}

/// The input that the samples enter. Initialisers may be listed as inputs too.
fn input<'a>(path: &Path, graph: &'a GraphProto, settings: &GraphSettings) -> Result<&'a ValueInfoProto> {
    let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|input| !is_constant(&input.name)).collect();
    let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    let name = settings.input.as_ref().and_then(|input| input.name.as_deref());
    match (&inputs[..], name) {
        ([only], None) => Ok(only),
        ([only], Some(name)) if only.name == name => Ok(only),
        (_, Some(name)) if !names.contains(&name) => {
            let problem = format!("the graph has no input `{name}`; found {}", names.join(", "));
            Err(NetworkError::graph(path, problem, "correct `input.name`"))
        }
        _ => {
            let problem = format!("the graph has {} inputs ({}), expected one", inputs.len(), names.join(", "));
            Err(NetworkError::graph(path, problem, "export it with the other inputs as constants"))
        }
    }
}

/// The shape of one sample, and whether the input has an axis of samples before it.
fn sample_shape(path: &Path, input: &ValueInfoProto, settings: &GraphSettings) -> Result<(Vec<usize>, bool)> {
    let dims: Option<Vec<(Option<usize>, String)>> = input.r#type.as_ref().and_then(|kind| {
        let Some(type_proto::Value::TensorType(tensor)) = &kind.value else { return None };
        let dim = |dim: &tensor_shape_proto::Dimension| match &dim.value {
            Some(tensor_shape_proto::dimension::Value::DimValue(n)) if *n > 0 => {
                (usize::try_from(*n).ok(), n.to_string())
            }
            Some(tensor_shape_proto::dimension::Value::DimParam(name)) if !name.is_empty() => (None, name.clone()),
            _ => (None, "?".to_owned()),
        };
        Some(tensor.shape.as_ref()?.dim.iter().map(dim).collect())
    });
    let written =
        |dims: &[(Option<usize>, String)]| dims.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", ");
    const REMEDY: &str = "write the shape of one sample into the experiment, e.g. `input = { shape = [3, 224, 224] }`";
    let requested = settings.input.as_ref().and_then(|input| input.shape.clone());
    match (dims, requested) {
        (Some(dims), Some(shape)) if shape.len() == dims.len() || shape.len() + 1 == dims.len() => {
            let of_sample = &dims[dims.len() - shape.len()..];
            if of_sample
                .iter()
                .zip(&shape)
                .any(|((known, _), requested)| known.is_some_and(|known| known != *requested))
            {
                let problem =
                    format!("`input.shape` is {shape:?}, but the input `{}` is [{}]", input.name, written(&dims));
                return Err(NetworkError::graph(path, problem, "correct `input.shape`"));
            }
            let has_batch = dims.len() > shape.len();
            Ok((shape, has_batch))
        }
        (Some(dims), Some(shape)) => {
            let problem = format!("`input.shape` is {shape:?}, but the input `{}` is [{}]", input.name, written(&dims));
            Err(NetworkError::graph(path, problem, REMEDY))
        }
        (None, Some(shape)) => Ok((shape, true)),
        (Some(dims), None) if !dims.is_empty() && dims[1..].iter().all(|(known, _)| known.is_some()) => {
            Ok((dims[1..].iter().filter_map(|(known, _)| *known).collect(), true))
        }
        (dims, None) => {
            let found = dims.map_or("without a shape".to_owned(), |dims| format!("[{}]", written(&dims)));
            Err(NetworkError::graph(path, format!("the input `{}` is {found}: its size is open", input.name), REMEDY))
        }
    }
}
