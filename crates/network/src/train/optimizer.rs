//! Adam with decoupled weight decay, an optimiser for stochastic gradients.
//!
//! `m ← β₁ m + (1−β₁) g`, `v ← β₂ v + (1−β₂) g²`, `w ← w − η (m̂ / (√v̂ + ε) + λ w)` with `m̂ = m/(1−β₁ᵗ)`,
//! `v̂ = v/(1−β₂ᵗ)`, β₁ = 0.9, β₂ = 0.999, ε = 1e-8. Source: Kingma & Ba 2015, and Loshchilov & Hutter 2019 for the decay λ.
//!
//! Phases without effect, such as a global phase or those of a cell without light, have slopes of rounding errors. Adam would
//! divide them by themselves and let these phases walk, so that ε of phases is at least 1e-8 of the largest slope.

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

/// State of Adam for a list of parameters whose order and sizes stay the same.
#[derive(Clone, Debug, Default)]
pub struct Adam {
    steps: u64,
    moments: Vec<Vec<(f64, f64)>>,
}

impl Adam {
    /// The state before the first step.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One step with the gradients of the parameters, in the same order. A parameter with an empty gradient is frozen.
    ///
    /// # Panics
    ///
    /// If the numbers of parameters, gradients or values differ, or change after the first step.
    pub fn step(&mut self, parameters: &mut [Parameter<'_>], gradients: &[Vec<f64>], rates: Rates, weight_decay: f64) {
        assert_eq!(parameters.len(), gradients.len(), "Adam needs one gradient per parameter");
        if self.moments.is_empty() {
            self.moments = gradients.iter().map(|g| vec![(0.0, 0.0); g.len()]).collect();
        }
        assert_eq!(self.moments.len(), gradients.len(), "the number of parameters must not change");
        self.steps += 1;
        let correct1 = 1.0 / (1.0 - BETA1.powf(self.steps as f64));
        let correct2 = 1.0 / (1.0 - BETA2.powf(self.steps as f64));
        for ((parameter, gradient), moments) in parameters.iter_mut().zip(gradients).zip(&mut self.moments) {
            if gradient.is_empty() {
                continue;
            }
            assert_eq!(parameter.values.len(), gradient.len(), "Adam needs one gradient per value");
            assert_eq!(moments.len(), gradient.len(), "the sizes of parameters must not change");
            let learning_rate = if parameter.is_phase { rates.phases } else { rates.values };
            let largest = || gradient.iter().fold(0.0_f64, |largest, g| largest.max(g.abs()));
            let epsilon = if parameter.is_phase { EPSILON * largest().max(EPSILON) } else { EPSILON };
            let decay = if parameter.decays { learning_rate * weight_decay } else { 0.0 };
            for ((w, &g), (m, v)) in parameter.values.iter_mut().zip(gradient).zip(moments) {
                *m = BETA1 * *m + (1.0 - BETA1) * g;
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                *w -= learning_rate * (*m * correct1) / ((*v * correct2).sqrt() + epsilon) + decay * *w;
            }
        }
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

    /// Steps of Adam at a rate until L = ‖U − Û‖²_F/2N of a mesh falls to half of its first value, from Haar phases to a Haar
    /// target; 60 if it does not.
    fn steps_to_half(modes: usize, rate: f64, seed: u64) -> usize {
        let [start, target] =
            [2 * seed, 2 * seed + 1].map(|seed| haar_unitary(modes, &mut StreamKey::new(seed, "test/rates").stream()));
        let program = MatrixProgram::new(&start, Form::Unitary, topology("rectangular").unwrap()).unwrap();
        let stage = &program.stages()[0];
        let errors = vec![CellErrors::NONE; stage.layout().positions.len()];
        let mut phases = stage.phases().clone();
        let (mut adam, mut first) = (Adam::new(), None);
        for step in 0..60 {
            let mut output = Fields::identity(modes);
            Circuit::compile(stage, &phases, &errors).propagate(&mut output);
            let difference = output.to_matrix() - &target;
            let loss = difference.norm_squared() / (2 * modes) as f64;
            if loss <= 0.5 * *first.get_or_insert(loss) {
                return step;
            }
            let adjoint = Fields::from_matrix(&difference.unscale(modes as f64));
            let slopes = gradient(stage, &phases, &errors, &Fields::identity(modes), output, adjoint).0;
            let parameter = Parameter { values: phases.values_mut(), decays: false, is_phase: true };
            adam.step(&mut [parameter], &[slopes.values().to_vec()], rates(rate), 0.0);
        }
        60
    }

    /// At a rate below .57/√N the steps depend on the rate and not on N; at twice the largest useful rate a mesh of 32 modes is
    /// slower. Values of an independent computation, ± 25 % (set beforehand); medians of 5 targets.
    #[test]
    fn rates_of_phases_scale_with_the_root_of_the_modes() {
        let median = |modes, rate| {
            let mut steps: Vec<usize> = (0..5).map(|seed| steps_to_half(modes, rate, seed)).collect();
            steps.sort_unstable();
            steps[2] as f64
        };
        for (modes, expected) in [(8, 13.0), (16, 10.0), (32, 10.0), (64, 11.0)] {
            let steps: f64 = median(modes, 0.05);
            println!("{modes} {steps} {expected}");
            assert!((steps / expected - 1.0).abs() < 0.25, "{modes} modes: {steps} steps, expected {expected}");
        }
        let (useful, twice) = (median(32, 0.1), median(32, 0.2));
        println!("{useful} {twice}");
        assert!(twice > 1.25 * useful, "{useful} steps at .1, {twice} at .2");
    }

    #[test]
    fn the_first_step_has_the_size_of_the_learning_rate() {
        let mut values = [1.0, 1.0, 1.0];
        Adam::new().step(
            &mut [Parameter { values: &mut values, decays: false, is_phase: false }],
            &[vec![5.0, -1e-3, 0.0]],
            rates(0.1),
            1.0,
        );
        assert!((values[0] - 0.9).abs() < 1e-8 && (values[1] - 1.1).abs() < 1e-5 && (values[2] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn decay_acts_on_weights_only() {
        let (mut weight, mut bias) = ([2.0], [2.0]);
        let mut parameters = [
            Parameter { values: &mut weight, decays: true, is_phase: false },
            Parameter { values: &mut bias, decays: false, is_phase: false },
        ];
        Adam::new().step(&mut parameters, &[vec![0.0], vec![0.0]], rates(0.1), 0.5);
        assert!((weight[0] - 1.9).abs() < 1e-15 && (bias[0] - 2.0).abs() < 1e-15);
    }

    #[test]
    fn finds_the_bottom_of_a_bowl() {
        let mut values = [3.0, -4.0];
        let mut adam = Adam::new();
        for _ in 0..2000 {
            let gradient = vec![2.0 * (values[0] - 1.0), 20.0 * (values[1] - 2.0)];
            adam.step(
                &mut [Parameter { values: &mut values, decays: true, is_phase: false }],
                &[gradient],
                rates(0.02),
                0.0,
            );
        }
        assert!((values[0] - 1.0).abs() < 1e-3 && (values[1] - 2.0).abs() < 1e-3, "{values:?}");
    }
}
