//! A gated recurrent unit, which tract runs as one operator. Its two products go to light: that of the inputs once for all
//! steps, that of the state in each step.
//!
//! ```text
//! a = W x + b,  r = R h + c                  (both 3·hidden: gates z and r, candidate n)
//! z = σ(a_z + r_z),  ρ = σ(a_r + r_r),  n = tanh(a_n + ρ·r_n),  h ← (1 − z)·n + z·h
//! ```

use nalgebra::DMatrix;
use phaseloom_network::data::Batch;
use phaseloom_network::window::Windows;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::gru_seq::GruSeq;

use crate::site::{Products, Site, expect_finite, numbers, offsets};

/// A gated recurrent unit whose products are sites.
#[derive(Clone, Debug)]
pub(crate) struct Gru {
    hidden: usize,
    steps: usize,
    backward: bool,
    emits_sequence: bool,
    /// Index of the site of W. `None` if another operator computes `W x + b`.
    input: Option<usize>,
    /// Index of the site of R.
    recurrent: usize,
}

impl Gru {
    /// The unit and its sites, the first of which gets the index `first`; or why there are none.
    pub fn new(
        op: &GruSeq,
        name: &str,
        inputs: &[Option<Arc<Tensor>>],
        x_shape: &[usize],
        first: usize,
    ) -> TractResult<Result<(Self, Vec<Site>), String>> {
        let [1, steps, width] = *x_shape else { return Ok(Err("several samples".into())) };
        let weights = if op.projected { 1 } else { 2 };
        let constants: Option<Vec<&Arc<Tensor>>> = inputs[1..inputs.len() - 1].iter().map(Option::as_ref).collect();
        let Some(constants) = constants else { return Ok(Err("two activations".into())) };
        let gates = 3 * op.hidden;
        let biases = match constants.get(weights).filter(|_| op.has_bias) {
            Some(bias) => numbers(bias)?,
            None => vec![0.0; 2 * gates],
        };
        let recurrent = numbers(constants[weights - 1])?;
        for (values, what) in [(&biases, "bias"), (&recurrent, "R")] {
            expect_finite(values, name, what)?;
        }
        let mut sites = Vec::new();
        if !op.projected {
            let input = numbers(constants[0])?;
            expect_finite(&input, name, "W")?;
            let weight = DMatrix::from_row_iterator(gates, width, input.into_iter().map(f64::from));
            sites.push(site(format!("{name} (input)"), weight, &biases[..gates], steps, 1));
        }
        let weight = DMatrix::from_row_iterator(gates, op.hidden, recurrent.into_iter().map(f64::from));
        sites.push(site(format!("{name} (state)"), weight, &biases[gates..], 1, steps));
        let gru = Self {
            hidden: op.hidden,
            steps,
            backward: op.chunk < 0,
            emits_sequence: op.emit_y,
            input: (!op.projected).then_some(first),
            recurrent: first + sites.len() - 1,
        };
        Ok(Ok((gru, sites)))
    }

    /// The outputs of each sample from its inputs x and h.
    pub fn run(
        &self,
        sites: &[Site],
        inputs: Vec<TVec<TValue>>,
        step: usize,
        products: &mut Products<'_>,
    ) -> TractResult<Vec<TVec<TValue>>> {
        let gates = 3 * self.hidden;
        let mut product = |index: usize, samples: &[TValue], step: usize| -> TractResult<Vec<Vec<f32>>> {
            let mut multiply = |first: usize, x: &Batch| products(index, step, first, x);
            sites[index].multiply(samples, &mut multiply)?.iter().map(numbers).collect()
        };
        let x: Vec<TValue> = inputs.iter().map(|inputs| inputs[0].clone()).collect();
        let projected = match self.input {
            Some(index) => product(index, &x, step)?,
            None => x.iter().map(|x| numbers(x)).collect::<TractResult<_>>()?,
        };
        let mut states: Vec<Vec<f32>> = inputs.iter().map(|inputs| numbers(&inputs[1])).collect::<TractResult<_>>()?;
        let length = if self.emits_sequence { self.steps } else { 0 };
        let mut sequences = vec![vec![0.0; length * self.hidden]; inputs.len()];
        for i in 0..self.steps {
            let t = if self.backward { self.steps - 1 - i } else { i };
            let tensors = states.iter().map(|h| Ok(Tensor::from_shape(&[self.hidden], h)?.into_tvalue()));
            let recurrent = product(self.recurrent, &tensors.collect::<TractResult<Vec<_>>>()?, step * self.steps + i)?;
            for (((h, a), r), sequence) in states.iter_mut().zip(&projected).zip(&recurrent).zip(&mut sequences) {
                step_of(h, &a[t * gates..][..gates], r);
                if self.emits_sequence {
                    sequence[t * self.hidden..][..self.hidden].copy_from_slice(h);
                }
            }
        }
        let outputs = sequences.iter().zip(&states).map(|(sequence, h)| {
            let sequence = Tensor::from_shape(&[1, length, self.hidden], sequence)?;
            Ok(tvec!(sequence.into_tvalue(), Tensor::from_shape(&[1, 1, self.hidden], h)?.into_tvalue()))
        });
        outputs.collect()
    }
}

/// One step of the state.
fn step_of(h: &mut [f32], a: &[f32], r: &[f32]) {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let hidden = h.len();
    for (k, h) in h.iter_mut().enumerate() {
        let z = sigmoid(a[k] + r[k]);
        let reset = sigmoid(a[hidden + k] + r[hidden + k]);
        let n = (a[2 * hidden + k] + reset * r[2 * hidden + k]).tanh();
        *h = (1.0 - z) * n + z * *h;
    }
}

/// A matrix that multiplies the rows of a tensor.
fn site(name: String, weight: DMatrix<f64>, bias: &[f32], positions: usize, steps: usize) -> Site {
    let (rows, inputs) = weight.shape();
    Site {
        name,
        macs: weight.len() * positions,
        weight,
        input: 0,
        windows: Windows::with_one_tap(
            offsets(&[(inputs, 1)]),
            (0..positions).map(|position| (position * inputs) as u32).collect(),
        ),
        rows: offsets(&[(rows, 1)]),
        positions: offsets(&[(positions, rows)]),
        bias: bias.to_vec(),
        output_kind: f32::datum_type(),
        output_shape: vec![positions, rows],
        steps,
    }
}
