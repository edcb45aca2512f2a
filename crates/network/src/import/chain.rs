//! The orders of weights in which each layer takes the outputs of the one before.

use super::WeightLayout;
use super::names::TensorName;
use std::collections::BTreeMap;

/// A tensor of two axes that may be the weight of a layer.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) name: TensorName,
    pub(super) shape: [usize; 2],
}

impl Candidate {
    /// Outputs and inputs.
    pub(super) fn sizes(&self, layout: WeightLayout) -> [usize; 2] {
        let [a, b] = self.shape;
        if layout == WeightLayout::OutIn { [a, b] } else { [b, a] }
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
            let fits = self.chain.last().is_none_or(|last| last.sizes(self.layout)[0] == next.sizes(self.layout)[1]);
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
