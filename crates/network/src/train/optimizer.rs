//! Adam with decoupled weight decay, an optimiser for stochastic gradients.
//!
//! `m ← β₁ m + (1−β₁) g`, `v ← β₂ v + (1−β₂) g²`, `w ← w − η (m̂ / (√v̂ + ε) + λ w)` with `m̂ = m/(1−β₁ᵗ)`,
//! `v̂ = v/(1−β₂ᵗ)`, β₁ = 0.9, β₂ = 0.999, ε = 1e-8. Source: Kingma & Ba 2015, and Loshchilov & Hutter 2019 for the decay λ.

use crate::layer::Parameter;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

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
    pub fn step(
        &mut self,
        parameters: &mut [Parameter<'_>],
        gradients: &[Vec<f64>],
        learning_rate: f64,
        weight_decay: f64,
    ) {
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
            let decay = if parameter.decays { learning_rate * weight_decay } else { 0.0 };
            for ((w, &g), (m, v)) in parameter.values.iter_mut().zip(gradient).zip(moments) {
                *m = BETA1 * *m + (1.0 - BETA1) * g;
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                *w -= learning_rate * (*m * correct1) / ((*v * correct2).sqrt() + EPSILON) + decay * *w;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_size_of_the_learning_rate() {
        let mut values = [1.0, 1.0, 1.0];
        Adam::new().step(&mut [Parameter { values: &mut values, decays: false }], &[vec![5.0, -1e-3, 0.0]], 0.1, 1.0);
        assert!((values[0] - 0.9).abs() < 1e-8 && (values[1] - 1.1).abs() < 1e-5 && (values[2] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn decay_acts_on_weights_only() {
        let (mut weight, mut bias) = ([2.0], [2.0]);
        let mut parameters =
            [Parameter { values: &mut weight, decays: true }, Parameter { values: &mut bias, decays: false }];
        Adam::new().step(&mut parameters, &[vec![0.0], vec![0.0]], 0.1, 0.5);
        assert!((weight[0] - 1.9).abs() < 1e-15 && (bias[0] - 2.0).abs() < 1e-15);
    }

    #[test]
    fn finds_the_bottom_of_a_bowl() {
        let mut values = [3.0, -4.0];
        let mut adam = Adam::new();
        for _ in 0..2000 {
            let gradient = vec![2.0 * (values[0] - 1.0), 20.0 * (values[1] - 2.0)];
            adam.step(&mut [Parameter { values: &mut values, decays: true }], &[gradient], 0.02, 0.0);
        }
        assert!((values[0] - 1.0).abs() < 1e-3 && (values[1] - 2.0).abs() < 1e-3, "{values:?}");
    }
}
