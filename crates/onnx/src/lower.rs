//! Replaces the operators of a graph that can go to light by markers, in the bodies of its loops too.

use phaseloom_files::require_memory;
use phaseloom_network::network::{Operator, Place};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::gru_seq::GruSeq;
use tract_onnx::tract_core::ops::scan::{Scan, iteration_count};

use crate::gru::Gru;
use crate::names::{matches, name_in_file};
use crate::program::{Loop, Marked, Marker, Parts, Program};
use crate::site::Site;
use crate::{conv, einsum};

/// Name patterns that choose the operators that go to light.
pub(crate) struct Choice<'a> {
    /// Patterns of the operators that go to light. `None` is all.
    pub photonic: Option<&'a [String]>,
    /// Patterns of those that do not.
    pub electronic: &'a [String],
}

impl Choice<'_> {
    /// Why an operator stays electronic, if the patterns say so.
    fn refusal(&self, name: &str, of_file: &[String]) -> Option<String> {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| chooses(pattern, name, of_file));
        if any(self.electronic) {
            return Some("named in `electronic`".into());
        }
        self.photonic.is_some_and(|patterns| !any(patterns)).then(|| "not named in `photonic`".into())
    }
}

/// Whether a pattern chooses an operator. The whole name of an operator chooses that one alone.
fn chooses(pattern: &str, name: &str, of_file: &[String]) -> bool {
    if of_file.iter().any(|known| known == pattern) { pattern == name } else { matches(pattern, name) }
}

/// The name in the ONNX standard of an operator that tract gives another name.
fn onnx_name(name: &str) -> String {
    const NAMES: [(&str, &str); 18] = [
        ("AddAxis", "Unsqueeze"),
        ("RmAxis", "Squeeze"),
        ("MoveAxis", "Transpose"),
        ("Move", "Transpose"),
        ("Iff", "Where"),
        ("GT", "Greater"),
        ("GTE", "GreaterOrEqual"),
        ("LT", "Less"),
        ("LTE", "LessOrEqual"),
        ("Eq", "Equal"),
        ("Ln", "Log"),
        ("Recip", "Reciprocal"),
        ("GeluExact", "Gelu"),
        ("RmsNorm", "RMSNormalization"),
        ("LstmEpilogue", "LSTM"),
        ("MultiBroadcastTo", "Expand"),
        ("TypedConcat", "Concat"),
        ("Downsample", "Slice"),
    ];
    let reduced = name.strip_prefix("Reduce<").and_then(|rest| rest.strip_suffix('>'));
    match (NAMES.iter().find(|(own, _)| *own == name), reduced) {
        (Some((_, standard)), _) => (*standard).to_owned(),
        (None, Some(reduced)) => format!("Reduce{reduced}"),
        (None, None) => name.to_owned(),
    }
}

/// The parts that were found so far.
pub(crate) struct Lowering<'a> {
    choice: Choice<'a>,
    /// Names of the operators of the file.
    names: Vec<String>,
    /// Names of the constants of the file.
    tensors: Vec<String>,
    pub parts: Parts,
    /// The linear operators, in the order of the graph.
    pub operators: Vec<Operator>,
    /// Number of all other operators of each kind.
    pub others: std::collections::BTreeMap<String, usize>,
}

impl<'a> Lowering<'a> {
    pub fn new(choice: Choice<'a>, names: Vec<String>, tensors: Vec<String>) -> Self {
        Self { choice, names, tensors, parts: Parts::default(), operators: Vec::new(), others: Default::default() }
    }

    /// Checks that each pattern chooses a linear operator.
    ///
    /// # Errors
    ///
    /// The problem and its remedy.
    pub fn check_patterns(&self) -> Result<(), (String, &'static str)> {
        let photonic = self.choice.photonic.unwrap_or_default().iter().map(|pattern| ("photonic", pattern));
        let electronic = self.choice.electronic.iter().map(|pattern| ("electronic", pattern));
        for (key, pattern) in photonic.chain(electronic) {
            let is_known = self.operators.iter().any(|operator| chooses(pattern, &operator.name, &self.names));
            if pattern.is_empty() || !is_known {
                let names: Vec<&str> = self.operators.iter().take(12).map(|operator| operator.name.as_str()).collect();
                let problem = format!(
                    "the pattern `{pattern}` of `{key}` is in no name of a linear operator ({})",
                    names.join(", ")
                );
                return Err((problem, "correct the pattern; `phaseloom inspect` lists all names"));
            }
        }
        Ok(())
    }

    /// The graph with its sites marked. It is inside loops of `steps` steps.
    pub fn lower(&mut self, mut model: TypedModel, steps: usize) -> TractResult<TypedModel> {
        for id in model.eval_order()? {
            let node = model.node(id).clone();
            self.require_outputs(&node)?;
            let Some((marked, inputs)) = self.mark(&model, &node, steps)? else { continue };
            let outputs = node.outputs.iter().map(|output| Ok((output.fact.datum_type, concrete(&output.fact)?)));
            let marker = Marker { marked, outputs: outputs.collect::<TractResult<_>>()? };
            let inputs: Vec<OutletId> = inputs.into_iter().map(|slot| node.inputs[slot]).collect();
            TypedModelPatch::replace_single_op(&model, &node, &inputs, marker)?.apply(&mut model)?;
        }
        model.compact()?;
        Ok(model)
    }

    /// Checks that the outputs of an operator fit in memory.
    fn require_outputs(&self, node: &TypedNode) -> TractResult<()> {
        for output in &node.outputs {
            let Some(shape) = output.fact.shape.as_concrete() else { continue };
            let bytes =
                shape.iter().map(|&length| length as f64).product::<f64>() * output.fact.datum_type.size_of() as f64;
            let name = name_in_file(&node.name, &self.names);
            require_memory(bytes, &format!("the output of `{name}` with the shape {shape:?}"))?;
        }
        Ok(())
    }

    /// The name in the file of the constant from which a value is computed, the first if there are several.
    fn tensor<'m>(&'m self, model: &'m TypedModel, outlet: OutletId) -> &'m str {
        let node = model.node(outlet.node);
        match node.inputs.first() {
            Some(input) => self.tensor(model, *input),
            None => name_in_file(&node.name, &self.tensors),
        }
    }

    /// The marker of an operator, and which of its inputs remain.
    fn mark(
        &mut self,
        model: &TypedModel,
        node: &TypedNode,
        steps: usize,
    ) -> TractResult<Option<(Marked, Vec<usize>)>> {
        if let Some(op) = node.op_as::<EinSum>() {
            let macs = macs(op, model, node)? * steps as f64;
            return match self.einsum(op, model, node)? {
                Ok(site) => Ok(Some(self.site(site, "MatMul", steps))),
                Err(reason) => Ok(self.electronic(node, "MatMul", reason, macs)),
            };
        }
        if let Some(op) = node.op_as::<Conv>() {
            let taps: usize = op.pool_spec.kernel_shape.iter().product();
            let outputs: usize = concrete(&node.outputs[0].fact)?.iter().product();
            let macs = (outputs * op.input_channels() / op.group * taps * steps) as f64;
            return match self.convolution(op, model, node)? {
                Ok(site) => Ok(Some(self.site(site, "Conv", steps))),
                Err(reason) => Ok(self.electronic(node, "Conv", reason, macs)),
            };
        }
        if let Some(op) = node.op_as::<Deconv>() {
            let taps: usize = op.pool_spec.kernel_shape.iter().product();
            let inputs: usize = concrete(model.outlet_fact(node.inputs[0])?)?.iter().product();
            let macs = (inputs * op.pool_spec.output_channels / op.group * taps * steps) as f64;
            return Ok(self.electronic(node, "ConvTranspose", "a transposed convolution".into(), macs));
        }
        if let Some(op) = node.op_as::<Scan>() {
            return self.scan(op, model, node, steps);
        }
        if let Some(op) = node.op_as::<GruSeq>() {
            let inputs = model.node_input_facts(node.id)?;
            let x = concrete(inputs[0])?;
            let constants: Vec<Option<Arc<Tensor>>> =
                node.inputs.iter().map(|input| constant(model, *input)).collect::<TractResult<_>>()?;
            let refusal = self.choice.refusal(name_in_file(&node.name, &self.names), &self.names);
            let first = self.parts.sites.len();
            return match refusal.map_or_else(
                || Gru::new(op, name_in_file(&node.name, &self.names), &constants, &x, first),
                |reason| Ok(Err(reason)),
            )? {
                Ok((gru, sites)) => {
                    for site in sites {
                        self.site(site, "GRU", steps);
                    }
                    self.parts.grus.push(gru);
                    let kept = (0..node.inputs.len()).filter(|slot| [0, node.inputs.len() - 1].contains(slot));
                    Ok(Some((Marked::Gru(self.parts.grus.len() - 1), kept.collect())))
                }
                Err(reason) => {
                    let per_step = 3 * op.hidden * (op.hidden + if op.projected { 0 } else { x[2] });
                    Ok(self.electronic(node, "GRU", reason, (x[1] * per_step * steps) as f64))
                }
            };
        }
        let kind = onnx_name(&node.op.name());
        if !matches!(kind.as_str(), "Source" | "Const") {
            *self.others.entry(kind).or_default() += 1;
        }
        Ok(None)
    }

    fn site(&mut self, site: Site, kind: &str, steps: usize) -> (Marked, Vec<usize>) {
        let site = Site { steps: site.steps * steps, ..site };
        self.operators.push(Operator {
            name: site.name.clone(),
            kind: kind.to_owned(),
            place: Place::Photonic,
            shape: Some(site.weight.shape()),
            vectors: site.positions.len() * site.steps,
            macs: (site.macs * site.steps) as f64,
        });
        let input = site.input;
        self.parts.sites.push(site);
        (Marked::Site(self.parts.sites.len() - 1), vec![input])
    }

    fn electronic(&mut self, node: &TypedNode, kind: &str, reason: String, macs: f64) -> Option<(Marked, Vec<usize>)> {
        self.operators.push(Operator {
            name: name_in_file(&node.name, &self.names).to_owned(),
            kind: kind.to_owned(),
            place: Place::Electronic(reason),
            shape: None,
            vectors: 0,
            macs,
        });
        None
    }

    fn einsum(&self, op: &EinSum, model: &TypedModel, node: &TypedNode) -> TractResult<Result<Site, String>> {
        let name = name_in_file(&node.name, &self.names);
        if op.q_params.is_some() || op.operating_dt.is_integer() {
            return Ok(Err("quantised".into()));
        }
        let [first, second] = *node.inputs.as_slice() else { return Ok(Err("not two factors".into())) };
        let (x, weight) = match (constant(model, first)?, constant(model, second)?) {
            (_, Some(weight)) => (0, weight),
            (Some(weight), None) => (1, weight),
            (None, None) => return Ok(Err("two activations".into())),
        };
        if let Some(reason) = self.choice.refusal(name, &self.names) {
            return Ok(Err(reason));
        }
        let shape = concrete(model.outlet_fact(node.inputs[x])?)?;
        let weight = (&*weight, self.tensor(model, node.inputs[1 - x]));
        einsum::site(op, name, x, weight, &shape, (node.outputs[0].fact.datum_type, &concrete(&node.outputs[0].fact)?))
    }

    fn convolution(&self, op: &Conv, model: &TypedModel, node: &TypedNode) -> TractResult<Result<Site, String>> {
        let name = name_in_file(&node.name, &self.names);
        if op.q_params.is_some() {
            return Ok(Err("quantised".into()));
        }
        let [x, kernel, bias] = *node.inputs.as_slice() else { return Ok(Err("not three inputs".into())) };
        let tensors = [kernel, bias].map(|outlet| self.tensor(model, outlet));
        let (Some(kernel), Some(bias)) = (constant(model, kernel)?, constant(model, bias)?) else {
            return Ok(Err("two activations".into()));
        };
        if let Some(reason) = self.choice.refusal(name, &self.names) {
            return Ok(Err(reason));
        }
        conv::site(
            op,
            name,
            &kernel,
            &bias,
            tensors,
            &concrete(model.outlet_fact(x)?)?,
            (node.outputs[0].fact.datum_type, &concrete(&node.outputs[0].fact)?),
        )
    }

    /// A loop whose body has sites. A loop without any stays as it is.
    fn scan(
        &mut self,
        op: &Scan,
        model: &TypedModel,
        node: &TypedNode,
        steps: usize,
    ) -> TractResult<Option<(Marked, Vec<usize>)>> {
        let count = iteration_count(&op.input_mapping, &model.node_input_facts(node.id)?)
            .and_then(|count| count.to_usize().ok());
        let is_plain = |chunk: isize| chunk.abs() == 1;
        let inputs = op.input_mapping.iter().all(|mapping| mapping.as_scan().is_none_or(|info| is_plain(info.chunk)));
        let outputs = op.output_mapping.iter().all(|mapping| mapping.scan.is_none_or(|(_, info)| is_plain(info.chunk)));
        let Some(count) = count.filter(|_| inputs && outputs && op.skip == 0) else {
            *self.others.entry("Scan".into()).or_default() += 1;
            return Ok(None);
        };
        let sites = self.parts.sites.len();
        let body = self.lower(op.body.clone(), steps * count)?;
        if self.parts.sites.len() == sites {
            return Ok(None);
        }
        self.parts.loops.push(Loop {
            body: Program::new(body)?,
            inputs: op.input_mapping.clone(),
            outputs: op.output_mapping.clone(),
            steps: count,
        });
        Ok(Some((Marked::Loop(self.parts.loops.len() - 1), (0..node.inputs.len()).collect())))
    }
}

/// The value of an outlet, if it does not depend on an input of the graph. tract leaves large constants unfolded.
pub(crate) fn constant(model: &TypedModel, outlet: OutletId) -> TractResult<Option<Arc<Tensor>>> {
    if let Some(value) = &model.outlet_fact(outlet)?.konst {
        return Ok(Some(Arc::clone(value)));
    }
    let node = model.node(outlet.node);
    if node.inputs.is_empty() {
        return Ok(None);
    }
    let mut inputs = tvec!();
    for input in &node.inputs {
        match constant(model, *input)? {
            Some(value) => inputs.push(value.into_tvalue()),
            None => return Ok(None),
        }
    }
    let outputs = node.op.eval_out_of_plan(inputs)?;
    Ok(outputs.map(|mut outputs| outputs.swap_remove(outlet.slot).into_arc_tensor()))
}

/// The shape of a tensor of one sample.
fn concrete(fact: &TypedFact) -> TractResult<Vec<usize>> {
    let shape = fact.shape.as_concrete();
    shape.map(<[usize]>::to_vec).with_context(|| format!("a shape that depends on the data: {:?}", fact.shape))
}

/// Multiplications of a sum of products: the product of the lengths of all axes.
fn macs(op: &EinSum, model: &TypedModel, node: &TypedNode) -> TractResult<f64> {
    let inputs = model.node_input_facts(node.id)?;
    let shapes: Vec<Vec<usize>> = inputs.iter().map(|fact| concrete(fact)).collect::<TractResult<_>>()?;
    let output = concrete(&node.outputs[0].fact)?;
    let length = |axis: &Axis| {
        let of_inputs = axis.inputs.iter().zip(&shapes).flat_map(|(places, shape)| places.iter().map(|&p| shape[p]));
        of_inputs.chain(axis.outputs[0].iter().map(|&p| output[p])).max().unwrap_or(1) as f64
    };
    Ok(op.axes.iter_all_axes().map(length).product())
}
