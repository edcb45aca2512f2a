//! Optimisers for stochastic gradients.
//!
//! * Adam with decoupled weight decay: `m ← β₁ m + (1−β₁) g`, `v ← β₂ v + (1−β₂) g²`, `w ← w − η (m̂ / (√v̂ + ε) + λ w)` with
//!   `m̂ = m/(1−β₁ᵗ)`, `v̂ = v/(1−β₂ᵗ)`, β₁ = 0.9, β₂ = 0.999. Source: Kingma & Ba 2015, and Loshchilov & Hutter 2019 for the decay
//!   λ. ε is 1e-8 for weights. For phases it is 1e-8 of the largest gradient of the group: a phase without effect, such as a global
//!   phase, has a gradient of pure rounding, by whose sign Adam would move it without end.
//! * Stochastic gradient descent with momentum μ: `m ← μ m + g`, `w ← w − η (m + λ w)`.

use serde::{Deserialize, Serialize};

use crate::layer::Parameter;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Learning rates of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Of weights, biases and other numbers.
    pub values: f64,
    /// Of phases and logarithms of gains (rad).
    pub phases: f64,
}

/// How gradients become steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OptimizerName {
    /// Adam with decoupled weight decay.
    #[default]
    Adam,
    /// Stochastic gradient descent, with `momentum` if it is given.
    Sgd,
}

/// The rule of an optimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Adam,
    Sgd { momentum: f64 },
}

/// An optimiser with its state, for a list of parameters whose order and sizes stay the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    pub(super) steps: u64,
    /// m of every value.
    pub(super) first: Vec<Vec<f64>>,
    /// v of every value; empty lists for gradient descent.
    pub(super) second: Vec<Vec<f64>>,
}

impl Optimizer {
    /// Adam before the first step.
    #[must_use]
    pub fn adam() -> Self {
        Self::new(Rule::Adam)
    }

    /// Stochastic gradient descent before the first step. A momentum of 0 is none.
    #[must_use]
    pub fn sgd(momentum: f64) -> Self {
        Self::new(Rule::Sgd { momentum })
    }

    fn new(rule: Rule) -> Self {
        Self { rule, steps: 0, first: Vec::new(), second: Vec::new() }
    }

    /// One step with the gradients of the parameters, in the same order. A parameter with an empty gradient is frozen: it neither
    /// moves nor decays.
    ///
    /// # Panics
    ///
    /// If the numbers of parameters, gradients or values differ, or change after the first step.
    pub fn step(&mut self, parameters: &mut [Parameter<'_>], gradients: &[Vec<f64>], rates: Rates, weight_decay: f64) {
        assert_eq!(parameters.len(), gradients.len(), "an optimiser needs one gradient per parameter");
        if self.first.is_empty() {
            self.first = gradients.iter().map(|g| vec![0.0; g.len()]).collect();
            self.second = match self.rule {
                Rule::Adam => self.first.clone(),
                Rule::Sgd { .. } => vec![Vec::new(); gradients.len()],
            };
        }
        assert_eq!(self.first.len(), gradients.len(), "the number of parameters must not change");
        self.steps += 1;
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, gradient), (first, second)) in parameters.iter_mut().zip(gradients).zip(moments) {
            if gradient.is_empty() {
                continue;
            }
            assert_eq!(parameter.values.len(), gradient.len(), "an optimiser needs one gradient per value");
            assert_eq!(first.len(), gradient.len(), "the sizes of parameters must not change");
            let learning_rate = if parameter.is_phase { rates.phases } else { rates.values };
            let decay = if parameter.decays { learning_rate * weight_decay } else { 0.0 };
            match self.rule {
                Rule::Adam => adam(parameter, gradient, (first, second), (learning_rate, decay), self.steps),
                Rule::Sgd { momentum } => {
                    for ((w, &g), m) in parameter.values.iter_mut().zip(gradient).zip(first) {
                        *m = momentum * *m + g;
                        *w -= learning_rate * *m + decay * *w;
                    }
                }
            }
        }
    }
}

fn adam(
    parameter: &mut Parameter<'_>,
    gradient: &[f64],
    (first, second): (&mut [f64], &mut [f64]),
    (learning_rate, decay): (f64, f64),
    steps: u64,
) {
    let correct1 = 1.0 / (1.0 - BETA1.powf(steps as f64));
    let correct2 = 1.0 / (1.0 - BETA2.powf(steps as f64));
    let largest = || gradient.iter().fold(0.0_f64, |largest, g| largest.max(g.abs()));
    let epsilon = if parameter.is_phase { EPSILON * largest().max(EPSILON) } else { EPSILON };
    for ((w, &g), (m, v)) in parameter.values.iter_mut().zip(gradient).zip(first.iter_mut().zip(second)) {
        *m = BETA1 * *m + (1.0 - BETA1) * g;
        *v = BETA2 * *v + (1.0 - BETA2) * g * g;
        *w -= learning_rate * (*m * correct1) / ((*v * correct2).sqrt() + epsilon) + decay * *w;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom_mesh::cell::CellErrors;
    use phaseloom_mesh::{Circuit, Fields, Form, MatrixProgram, gradient, topology};
    use phaseloom_numerics::{StreamKey, haar_unitary};

    fn rates(rate: f64) -> Rates {
        Rates { values: rate, phases: rate }
    }

    /// L = ‖U − Û‖²_F/2N of a mesh before each of some steps of an optimiser at a rate, relative to its first value, from Haar phases
    /// to a Haar target.
    fn losses((mut optimizer, steps): (Optimizer, usize), modes: usize, rate: f64, seed: u64) -> Vec<f64> {
        let [start, target] =
            [2 * seed, 2 * seed + 1].map(|seed| haar_unitary(modes, &mut StreamKey::new(seed, "test/rates").stream()));
        let program = MatrixProgram::new(&start, Form::Unitary, topology("rectangular").unwrap()).unwrap();
        let stage = &program.stages()[0];
        let errors = vec![CellErrors::NONE; stage.layout().positions.len()];
        let mut phases = stage.phases().clone();
        let mut losses = Vec::new();
        for _ in 0..steps {
            let mut output = Fields::identity(modes);
            Circuit::compile(stage, &phases, &errors).propagate(&mut output);
            let difference = output.to_matrix() - &target;
            losses.push(difference.norm_squared() / (2 * modes) as f64);
            let adjoint = Fields::from_matrix(&difference.unscale(modes as f64));
            let slopes = gradient(stage, &phases, &errors, &Fields::identity(modes), output, adjoint).0;
            let parameter = Parameter { values: phases.values_mut(), decays: false, is_phase: true };
            optimizer.step(&mut [parameter], &[slopes.values().to_vec()], rates(rate), 0.0);
        }
        let first = losses[0];
        losses.into_iter().map(|loss| loss / first).collect()
    }

    /// Steps until half of the first loss; all of them if it is never reached.
    fn steps_to_half((optimizer, most): (Optimizer, usize), modes: usize, rate: f64, seed: u64) -> usize {
        let losses = losses((optimizer, most), modes, rate, seed);
        losses.iter().position(|loss| *loss <= 0.5).unwrap_or(most)
    }

    /// Median of 5 targets.
    fn median_steps(optimizer: &Optimizer, most: usize, modes: usize, rate: f64) -> f64 {
        let mut steps: Vec<usize> =
            (0..5).map(|seed| steps_to_half((optimizer.clone(), most), modes, rate, seed)).collect();
        steps.sort_unstable();
        steps[2] as f64
    }

    /// At a rate below .57/√N the steps depend on the rate and not on N; at twice the largest useful rate a mesh of 32 modes is
    /// slower. Values of an independent computation, ± 25 % (set beforehand); medians of 5 targets.
    #[test]
    fn rates_of_phases_scale_with_the_root_of_the_modes() {
        let median = |modes, rate| median_steps(&Optimizer::adam(), 60, modes, rate);
        for (modes, expected) in [(8, 13.0), (16, 10.0), (32, 10.0), (64, 11.0)] {
            let steps: f64 = median(modes, 0.05);
            assert!((steps / expected - 1.0).abs() < 0.25, "{modes} modes: {steps} steps, expected {expected}");
        }
        let (useful, twice) = (median(32, 0.1), median(32, 0.2));
        assert!(twice > 1.25 * useful, "{useful} steps at .1, {twice} at .2");
    }

    /// The Hessian of L has 1/N on its diagonal and a largest eigenvalue of 1.1 to 1.2 at every N, so that gradient descent is stable
    /// up to a rate near 1.7 and its steps grow as N. Values of an independent computation, ± 25 % (set beforehand).
    #[test]
    fn steps_of_gradient_descent_grow_with_the_modes() {
        let median = |modes, rate| median_steps(&Optimizer::sgd(0.0), 200, modes, rate);
        for (modes, expected) in [(8, 19.0), (32, 83.0)] {
            let steps: f64 = median(modes, 1.0);
            assert!((steps / expected - 1.0).abs() < 0.25, "{modes} modes: {steps} steps, expected {expected}");
            // At four times the largest stable rate the loss never settles: a quarter of the first one was set beforehand.
            for seed in 0..5 {
                let last = losses((Optimizer::sgd(0.0), 200), modes, 4.0, seed)[199];
                assert!(last > 0.25, "{modes} modes: {last} of the first loss at a rate of 4");
            }
        }
    }

    #[test]
    fn the_first_step_has_the_size_of_the_learning_rate() {
        let mut values = [1.0, 1.0, 1.0];
        let parameter = Parameter { values: &mut values, decays: false, is_phase: false };
        Optimizer::adam().step(&mut [parameter], &[vec![5.0, -1e-3, 0.0]], rates(0.1), 1.0);
        assert!((values[0] - 0.9).abs() < 1e-8 && (values[1] - 1.1).abs() < 1e-5 && (values[2] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn decay_acts_on_weights_only_and_nothing_on_frozen_parameters() {
        for mut optimizer in [Optimizer::adam(), Optimizer::sgd(0.0)] {
            let (mut weight, mut bias, mut frozen) = ([2.0], [2.0], [2.0]);
            let mut parameters = [
                Parameter { values: &mut weight, decays: true, is_phase: false },
                Parameter { values: &mut bias, decays: false, is_phase: false },
                Parameter { values: &mut frozen, decays: true, is_phase: false },
            ];
            optimizer.step(&mut parameters, &[vec![0.0], vec![0.0], Vec::new()], rates(0.1), 0.5);
            assert!((weight[0] - 1.9).abs() < 1e-15 && (bias[0] - 2.0).abs() < 1e-15);
            assert!((frozen[0] - 2.0_f64).abs() < 1e-300);
        }
    }

    #[test]
    fn both_find_the_bottom_of_a_bowl() {
        for (mut optimizer, rate) in
            [(Optimizer::adam(), 0.02), (Optimizer::sgd(0.0), 0.02), (Optimizer::sgd(0.9), 0.01)]
        {
            let mut values = [3.0, -4.0];
            for _ in 0..2000 {
                let gradient = vec![2.0 * (values[0] - 1.0), 20.0 * (values[1] - 2.0)];
                let parameter = Parameter { values: &mut values, decays: true, is_phase: false };
                optimizer.step(&mut [parameter], &[gradient], rates(rate), 0.0);
            }
            assert!((values[0] - 1.0).abs() < 1e-3 && (values[1] - 2.0).abs() < 1e-3, "{values:?}");
        }
    }

    /// By hand: gradient 1 throughout, rate 0.1, momentum 0.5: steps of 0.1, 0.15 and 0.175.
    #[test]
    fn momentum_adds_up() {
        let mut values = [0.0];
        let mut sgd = Optimizer::sgd(0.5);
        for expected in [-0.1, -0.25, -0.425] {
            let parameter = Parameter { values: &mut values, decays: false, is_phase: false };
            sgd.step(&mut [parameter], &[vec![1.0]], rates(0.1), 0.0);
            assert!((values[0] - expected).abs() < 1e-15, "{values:?}");
        }
    }

    /// A gradient of rounding next to one of 1e-3: with ε = 1e-8·1e-3, the phase without effect moves by at most 1e-17/1e-11 of the
    /// rate in the first step; the other moves by the rate. A group without any gradient stays, and is not NaN.
    #[test]
    fn phases_without_effect_stay() {
        let mut values = [0.0, 0.0];
        let parameter = Parameter { values: &mut values, decays: false, is_phase: true };
        Optimizer::adam().step(&mut [parameter], &[vec![1e-3, 1e-17]], rates(0.1), 0.0);
        assert!((values[0] + 0.1).abs() < 1e-7 && values[1].abs() < 1.1e-7, "{values:?}");
        let mut idle = [1.0];
        let parameter = Parameter { values: &mut idle, decays: false, is_phase: true };
        Optimizer::adam().step(&mut [parameter], &[vec![0.0]], rates(0.1), 0.0);
        assert!((idle[0] - 1.0_f64).abs() < 1e-300);
    }
}
