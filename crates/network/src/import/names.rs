//! The role and the place of a tensor, from its name.

use super::WeightLayout;

/// What a tensor is for, as far as its name states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Weight,
    Bias,
    Unknown,
}

/// The words that name a role, with the layout that they imply.
const WORDS: [(&str, Role, Option<WeightLayout>); 8] = [
    ("weight", Role::Weight, Some(WeightLayout::OutIn)),
    ("kernel", Role::Weight, Some(WeightLayout::InOut)),
    ("weights", Role::Weight, None),
    ("w", Role::Weight, None),
    ("bias", Role::Bias, None),
    ("biases", Role::Bias, None),
    ("b", Role::Bias, None),
    ("arr", Role::Unknown, None),
];

/// A name, ordered as people count: `fc2` before `fc10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TensorName {
    /// The name in the file.
    pub(super) text: String,
    pub(super) role: Role,
    /// The name without the word of its role, which weight and bias of a layer share.
    pub(super) prefix: String,
    /// The layout of a weight that the name implies.
    pub(super) layout: Option<WeightLayout>,
    /// The prefix with `#` for each number, and the numbers.
    pub(super) pattern: String,
    pub(super) numbers: Vec<u64>,
}

impl TensorName {
    pub(super) fn new(text: &str) -> Self {
        // TensorFlow ends names in `:0`.
        let name = text.strip_suffix(":0").unwrap_or(text);
        let start = name.rfind(['.', '/']).map_or(0, |at| at + 1);
        let (front, last) = name.split_at(start);
        let lower = last.to_lowercase();
        // `weight`, `w1`, `b_2`, `fc1_weight`: a word, and digits after it or another word before it.
        let word = lower.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
        let digits = &last[word.len()..];
        let own = word.rsplit('_').next().unwrap_or(word);
        let known = WORDS.iter().find(|(name, ..)| *name == own);
        let (role, layout) = known.map_or((Role::Unknown, None), |&(_, role, layout)| (role, layout));
        let prefix = match role {
            Role::Unknown => name.to_owned(),
            _ => format!(
                "{front}{}{}",
                last[..word.len() - own.len()].trim_end_matches('_'),
                digits.trim_start_matches('_')
            ),
        };
        let (pattern, numbers) = numbers(&prefix);
        Self { text: text.to_owned(), role, prefix, layout, pattern, numbers }
    }
}

impl Ord for TensorName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |name: &Self| (name.pattern.clone(), name.numbers.clone(), name.role, name.text.clone());
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for TensorName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The text with `#` for each number, and the numbers.
fn numbers(text: &str) -> (String, Vec<u64>) {
    let (mut pattern, mut numbers) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let end = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |at| start + at);
        pattern += &rest[..start];
        pattern.push('#');
        numbers.push(rest[start..end].parse().unwrap_or(u64::MAX));
        rest = &rest[end..];
    }
    (pattern + rest, numbers)
}
