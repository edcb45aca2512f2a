//! The operators of a file whose outputs a program may compute, and these outputs for a sample.

use std::collections::HashMap;

use tract_onnx::tract_core::internal::*;

use crate::program::Program;

/// Operators of a file that a program may compute, by the numbers of [`Program::number`].
pub(crate) struct Tensors {
    /// The name of each operator.
    pub names: Vec<String>,
    /// The graph with the operators of the file.
    original: TypedModel,
    /// Where the output of each is in that graph.
    outlets: Vec<OutletId>,
}

impl Tensors {
    /// The operators of a program that was made from `original`. `outputs` has the name of the output of each.
    pub fn new(program: &mut Program, original: TypedModel, outputs: &HashMap<String, String>) -> Self {
        let outlet = |name: &str| original.find_outlet_label(outputs.get(name)?);
        let names = program.number(|name| outlet(name).is_some());
        let outlets = names.iter().filter_map(|name| outlet(name)).collect();
        Self { names, original, outlets }
    }

    /// The output of each operator for an input, by its number.
    pub fn original_outputs(&self, input: TValue) -> TractResult<HashMap<usize, Tensor>> {
        let mut model = self.original.clone();
        model.select_output_outlets(&self.outlets)?;
        let values = SimplePlan::new(model)?.run(tvec!(input))?;
        Ok(values.into_iter().map(TValue::into_tensor).enumerate().collect())
    }
}
