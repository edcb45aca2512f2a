//! Execution of a graph for several samples, node by node.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::scan::{InputMapping, OutputMapping};

use crate::gru::Gru;
use crate::site::{Products, Site};

/// What a marker replaces, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Marked {
    Site(usize),
    Loop(usize),
    Gru(usize),
}

/// The place of an operator that this file computes. tract passes it by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Marker {
    pub marked: Marked,
    /// Type and shape of each output.
    pub outputs: Vec<(DatumType, Vec<usize>)>,
}

impl Op for Marker {
    fn name(&self) -> StaticName {
        "Phaseloom".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Marker {
    not_out_of_plan!();
}

impl TypedOp for Marker {
    as_op!();

    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.outputs.iter().map(|(kind, shape)| kind.fact(shape)).collect())
    }
}

/// The operators that markers replace, of a graph and of the bodies of its loops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub sites: Vec<Site>,
    pub loops: Vec<Loop>,
    pub grus: Vec<Gru>,
}

/// A graph that is ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    plan: Arc<TypedSimplePlan>,
    order: Vec<usize>,
    /// Nodes whose values nothing needs after each step.
    released: Vec<Vec<usize>>,
    /// Number of the operator of the file that each step computes, if it has its name.
    layers: Vec<Option<usize>>,
}

/// Sees the number of an operator and its output for each sample.
pub(crate) type Show<'a> = dyn FnMut(usize, &[&TValue]) + 'a;

impl Program {
    pub fn new(model: TypedModel) -> TractResult<Self> {
        let model = model.into_optimized()?;
        let order = model.eval_order()?;
        let mut last_use: HashMap<usize, usize> = HashMap::new();
        for (step, &id) in order.iter().enumerate() {
            last_use.insert(id, step);
            for input in &model.node(id).inputs {
                last_use.insert(input.node, step);
            }
        }
        let mut released = vec![Vec::new(); order.len()];
        for (id, step) in last_use {
            if !model.outputs.iter().any(|output| output.node == id) && !model.node(id).inputs.is_empty() {
                released[step].push(id);
            }
        }
        let layers = vec![None; order.len()];
        Ok(Self { plan: SimplePlan::new(model)?, order, released, layers })
    }

    /// Numbers the steps that have the name of a known operator of the file, and returns these names. An output may have other
    /// axes here, or be joined with an operator that follows it.
    pub fn number(&mut self, is_known: impl Fn(&str) -> bool) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (&id, layer) in self.order.iter().zip(&mut self.layers) {
            let node = self.plan.model().node(id);
            let is_operator = !node.inputs.is_empty() && node.outputs.len() == 1;
            if is_operator && is_known(&node.name) {
                *layer = Some(names.len());
                names.push(node.name.clone());
            }
        }
        names
    }

    /// The outputs of each sample from its inputs.
    pub fn run(
        &self,
        parts: &Parts,
        inputs: Vec<TVec<TValue>>,
        step: usize,
        products: &mut Products<'_>,
        show: &mut Show<'_>,
    ) -> TractResult<Vec<TVec<TValue>>> {
        let mut states: Vec<TypedSimpleState> = inputs
            .into_iter()
            .map(|inputs| {
                let mut state = self.plan.spawn()?;
                state.set_inputs(inputs)?;
                Ok(state)
            })
            .collect::<TractResult<_>>()?;
        for ((&id, released), layer) in self.order.iter().zip(&self.released).zip(&self.layers) {
            let node = self.plan.model().node(id);
            match node.op_as::<Marker>() {
                Some(Marker { marked, .. }) => {
                    let inputs: Vec<_> =
                        states.iter().map(|state| state.prepare_inputs(id)).collect::<TractResult<_>>()?;
                    let outputs = match *marked {
                        Marked::Site(index) => site(&parts.sites[index], index, inputs, step, products)?,
                        Marked::Loop(index) => parts.loops[index].run(parts, inputs, step, products)?,
                        Marked::Gru(index) => parts.grus[index].run(&parts.sites, inputs, step, products)?,
                    };
                    for (state, outputs) in states.iter_mut().zip(outputs) {
                        state.set_values(id, outputs)?;
                    }
                }
                None => {
                    for state in &mut states {
                        // An input has its value, and so has a constant.
                        if state.turn_state.values[id].is_none() {
                            state.compute_one(id).with_context(|| format!("computing {}", node.name))?;
                        }
                    }
                }
            }
            if let Some(layer) = *layer {
                let outputs = states.iter().filter_map(|state| state.turn_state.values[id].as_ref()?.first());
                show(layer, &outputs.collect::<Vec<_>>());
            }
            for state in &mut states {
                released.iter().for_each(|&id| state.turn_state.values[id] = None);
            }
        }
        states.iter_mut().map(TypedSimpleState::outputs).collect()
    }
}

/// The output of a site for each sample.
fn site(
    site: &Site,
    index: usize,
    inputs: Vec<TVec<TValue>>,
    step: usize,
    products: &mut Products<'_>,
) -> TractResult<Vec<TVec<TValue>>> {
    let x: Vec<TValue> = inputs.into_iter().map(|mut inputs| inputs.swap_remove(0)).collect();
    let outputs = site.multiply(&x, &mut |first, x| products(index, step, first, x))?;
    Ok(outputs.into_iter().map(|y| tvec!(y.into_tvalue())).collect())
}

/// A loop over one axis of some inputs (`Scan`), which carries states from step to step.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub body: Program,
    pub inputs: Vec<InputMapping>,
    pub outputs: Vec<OutputMapping<TDim>>,
    pub steps: usize,
}

impl Loop {
    fn run(
        &self,
        parts: &Parts,
        inputs: Vec<TVec<TValue>>,
        step: usize,
        products: &mut Products<'_>,
    ) -> TractResult<Vec<TVec<TValue>>> {
        let of_state = |(mapping, input): (&InputMapping, &TValue)| mapping.is_state().then(|| input.clone());
        let mut states: Vec<Vec<TValue>> =
            inputs.iter().map(|inputs| self.inputs.iter().zip(inputs).filter_map(of_state).collect()).collect();
        // The outputs of the body in each step, by sample.
        let mut history: Vec<Vec<TVec<TValue>>> = vec![Vec::new(); inputs.len()];
        for i in 0..self.steps {
            let body_inputs = inputs.iter().zip(&states).map(|(inputs, states)| self.body_inputs(inputs, states, i));
            let outputs = self.body.run(
                parts,
                body_inputs.collect::<TractResult<_>>()?,
                step * self.steps + i,
                products,
                &mut |_, _| {},
            )?;
            for ((outputs, states), history) in outputs.into_iter().zip(&mut states).zip(&mut history) {
                let carried = self.outputs.iter().zip(&outputs).filter(|(mapping, _)| mapping.state);
                *states = carried.map(|(_, value)| value.clone()).collect();
                history.push(outputs);
            }
        }
        history.iter().map(|history| self.collect(history)).collect()
    }

    /// The inputs of the body in a step.
    fn body_inputs(&self, inputs: &TVec<TValue>, states: &[TValue], step: usize) -> TractResult<TVec<TValue>> {
        let mut states = states.iter();
        let of = |(mapping, input): (&InputMapping, &TValue)| match mapping {
            InputMapping::Full => Ok(input.clone()),
            InputMapping::State => states.next().cloned().context("a state without a value"),
            InputMapping::Scan(info) => {
                let at = if info.chunk < 0 { self.steps - 1 - step } else { step };
                Ok(input.slice(info.axis, at, at + 1)?.into_tvalue())
            }
        };
        self.inputs.iter().zip(inputs).map(of).collect()
    }

    /// The outputs of the loop from those of its body in all steps.
    fn collect(&self, history: &[TVec<TValue>]) -> TractResult<TVec<TValue>> {
        let mut outputs: Vec<(usize, TValue)> = Vec::new();
        for (index, mapping) in self.outputs.iter().enumerate() {
            let steps = || history.iter().map(|outputs| outputs[index].clone().into_tensor());
            if let Some((slot, info)) = mapping.scan {
                let mut pieces: Vec<Tensor> = steps().collect();
                if info.chunk < 0 {
                    pieces.reverse();
                }
                outputs.push((slot, Tensor::stack_tensors(info.axis, &pieces)?.into_tvalue()));
            }
            if let Some(slot) = mapping.last_value_slot {
                outputs.push((slot, steps().next_back().context("a loop without steps")?.into_tvalue()));
            }
        }
        outputs.sort_by_key(|(slot, _)| *slot);
        Ok(outputs.into_iter().map(|(_, value)| value).collect())
    }
}
