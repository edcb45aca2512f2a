//! The orders of weights in which each layer takes the outputs of the one before.

use super::WeightLayout;
use super::names::TensorName;
use std::collections::BTreeMap;

/// A tensor that may be the weight of a layer: of two axes, or the kernel of a convolution.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) name: TensorName,
    pub(super) shape: Vec<usize>,
}

impl Candidate {
    /// Outputs and inputs; of a convolution, output channels and the input channels of one group.
    pub(super) fn sizes(&self, layout: WeightLayout) -> [usize; 2] {
        let [a, b] = [self.shape[0], self.shape[1]];
        // Kernels are stored as PyTorch does.
        if layout == WeightLayout::OutIn || !self.kernel().is_empty() { [a, b] } else { [b, a] }
    }

    /// The lengths of the kernel of a convolution. Empty for a dense layer.
    pub(super) fn kernel(&self) -> &[usize] {
        &self.shape[2..]
    }

    /// Whether a layer can take the outputs of this one. A convolution may have groups; its outputs may have many positions.
    pub(super) fn precedes(&self, next: &Self, layout: WeightLayout) -> bool {
        let ([outputs, _], [_, inputs]) = (self.sizes(layout), next.sizes(layout));
        let divides = |a: usize, b: usize| b.checked_rem(a) == Some(0);
        match (self.kernel().len(), next.kernel().len()) {
            (0, 0) => outputs == inputs,
            (_, 0) => divides(outputs, inputs),
            (a, b) => a == b && divides(inputs, outputs),
        }
    }
}

/// Steps of the search after which shapes count as ambiguous.
const MAX_STEPS: usize = 100_000;

/// The orders of all weights that form a chain, at most two. Names that differ by numbers alone keep the order of numbers.
pub(super) fn order(weights: &[Candidate], layout: WeightLayout) -> Vec<Vec<Candidate>> {
    let mut groups: BTreeMap<&str, Vec<&Candidate>> = BTreeMap::new();
    for weight in weights {
        groups.entry(&weight.name.pattern).or_default().push(weight);
    }
    for group in groups.values_mut() {
        group.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let groups: Vec<Vec<&Candidate>> = groups.into_values().collect();
    let mut search = Search { groups, layout, used: Vec::new(), chain: Vec::new(), found: Vec::new(), steps: 0 };
    search.used = vec![0; search.groups.len()];
    search.extend(weights.len());
    search.found
}

struct Search<'a> {
    groups: Vec<Vec<&'a Candidate>>,
    layout: WeightLayout,
    /// Number of weights of each group in the chain.
    used: Vec<usize>,
    chain: Vec<&'a Candidate>,
    found: Vec<Vec<Candidate>>,
    steps: usize,
}

impl Search<'_> {
    fn extend(&mut self, count: usize) {
        self.steps += 1;
        if self.chain.len() == count {
            self.found.push(self.chain.iter().map(|&weight| weight.clone()).collect());
            return;
        }
        for group in 0..self.groups.len() {
            if self.found.len() == 2 || self.steps > MAX_STEPS {
                return;
            }
            let Some(&next) = self.groups[group].get(self.used[group]) else { continue };
            let fits = self.chain.last().is_none_or(|last| last.precedes(next, self.layout));
            if fits {
                self.used[group] += 1;
                self.chain.push(next);
                self.extend(count);
                self.chain.pop();
                self.used[group] -= 1;
            }
        }
    }
}
