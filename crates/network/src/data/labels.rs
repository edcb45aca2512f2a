//! Labels in the forms in which files store them, and the classes that they mean.
//!
//! Whole numbers from 0 are classes as they are, whatever their type. −1 and 1 are the classes 0 and 1. A row of one 1
//! among zeros (one-hot) is the class of its column. Names are classes in the order of the alphabet. Other rows, and arrays of
//! more axes, hold the class of each position of a sample, such as a token or a pixel; −100 marks a position without one, as in
//! PyTorch.

use std::collections::BTreeSet;
use std::path::Path;

use phaseloom_files::nearest;
use serde::{Deserialize, Serialize};

use crate::error::{NetworkError, Result};

/// 2^53, from which floats skip integers.
const LIMIT: f64 = 9_007_199_254_740_992.0;

/// A label as `classes` of a choice of data names it: a whole number, a name, or a list of labels that are one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "found another type, expected a label: a whole number, a name, or a list of them")]
pub enum ClassLabel {
    /// A number of the file.
    Number(i64),
    /// A name of the file.
    Name(String),
    /// Labels that are one class.
    Group(#[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>"))] Vec<ClassLabel>),
}

impl ClassLabel {
    /// The numbers and names of the label.
    pub(super) fn members(&self) -> Vec<&ClassLabel> {
        match self {
            Self::Group(labels) => labels.iter().flat_map(Self::members).collect(),
            label => vec![label],
        }
    }

    /// Whether the label is, or holds, a number or name.
    fn holds(&self, is: &impl Fn(&ClassLabel) -> bool) -> bool {
        self.members().into_iter().any(is)
    }
}

impl std::fmt::Display for ClassLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
            Self::Group(labels) => {
                write!(f, "[{}]", labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// The number in place of the label of a position that is not judged, such as padding.
pub const IGNORED_LABEL: i64 = -100;

/// The labels of a file, one for each sample, or `per_sample` for the positions of each sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum StoredLabels {
    Numbers(Vec<i64>),
    Names(Vec<String>),
    Positions { numbers: Vec<i64>, per_sample: usize },
}

/// The class of each sample, or position of a sample, `None` for one that is left out, and the names of the classes if the
/// file names them and nothing else gives their order.
pub(super) type Classes = (Vec<Option<usize>>, Option<Vec<String>>);

/// A whole number that a float holds exactly.
pub(super) fn whole(value: f64) -> Option<i64> {
    (value.abs() < LIMIT && value.fract() == 0.0).then_some(value as i64)
}

/// The column of the only 1 of a row whose other values are all 0, or all −1.
pub(super) fn one_hot(row: &[f64]) -> Option<usize> {
    let is = |value: f64, number: f64| (value - number).abs() < f64::EPSILON;
    let at = row.iter().position(|&value| is(value, 1.0))?;
    let mut others = row.iter().enumerate().filter(|&(k, _)| k != at).map(|(_, &value)| value);
    let first = others.next()?;
    ((is(first, 0.0) || is(first, -1.0)) && others.all(|value| is(value, first))).then_some(at)
}

impl StoredLabels {
    /// The labels of an array: n whole numbers, n×1, n×classes with one-hot rows, or else n×positions, of any number of axes.
    pub(super) fn from_array(path: &Path, format: &'static str, shape: &[usize], values: &[f64]) -> Result<Self> {
        let refused = |place: String, found: String, expected: &str| {
            Err(NetworkError::format(path, format, place, found, expected))
        };
        let width = match *shape {
            [_] => 1,
            [_, columns] => columns.max(1),
            [_, ref axes @ ..] => return Self::each_position(path, format, axes.iter().product(), values),
            [] => {
                let expected = "a label for each sample, n or n×1, one-hot rows, n×classes, or a label for each position, \
                                n×positions";
                return refused("shape".into(), format!("{shape:?}"), expected);
            }
        };
        let is_one_hot = || values.chunks(width).all(|row| one_hot(row).is_some());
        if width > 1 && values.iter().all(|value| whole(*value).is_some()) && !is_one_hot() {
            return Self::each_position(path, format, width, values);
        }
        let mut numbers = Vec::with_capacity(values.len() / width);
        for (sample, row) in values.chunks(width).enumerate() {
            let number = if width == 1 { whole(row[0]) } else { one_hot(row).map(|class| class as i64) };
            let Some(number) = number else {
                let (found, expected) = if width == 1 {
                    (row[0].to_string(), "a whole number below 2^53")
                } else {
                    (
                        format!("{width} values that are not one-hot"),
                        "one 1, the others 0; one label a sample, n×1; or whole numbers",
                    )
                };
                return refused(format!("label of sample {sample}"), found, expected);
            };
            numbers.push(number);
        }
        Ok(Self::Numbers(numbers))
    }

    /// The labels of an array with a whole number for each position.
    fn each_position(path: &Path, format: &'static str, per_sample: usize, values: &[f64]) -> Result<Self> {
        if per_sample == 0 {
            return Err(NetworkError::format(path, format, "shape", "no position", "at least one position a sample"));
        }
        let number = |(at, &value): (usize, &f64)| {
            whole(value).ok_or_else(|| {
                let place = format!("label of sample {}, position {}", at / per_sample, at % per_sample);
                NetworkError::format(path, format, place, value, "a whole number below 2^53")
            })
        };
        let numbers = values.iter().enumerate().map(number).collect::<Result<_>>()?;
        Ok(Self::Positions { numbers, per_sample })
    }

    /// Positions of a sample that have a label each, if the labels are not of samples.
    pub(super) fn positions(&self) -> Option<usize> {
        if let Self::Positions { per_sample, .. } = self { Some(*per_sample) } else { None }
    }

    /// Number of samples.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Positions { numbers, per_sample } => numbers.len() / per_sample,
            Self::Numbers(numbers) => numbers.len(),
            Self::Names(names) => names.len(),
        }
    }

    /// The class of each sample. With `chosen`, the classes are these labels in this order, and other samples are left
    /// out.
    pub(super) fn classes(self, path: &Path, chosen: Option<&[ClassLabel]>) -> Result<Classes> {
        match (self, chosen) {
            (Self::Numbers(numbers), None) => Ok((class_numbers(path, &numbers)?, None)),
            (Self::Positions { numbers, per_sample }, None) => {
                let class = |(at, &number): (usize, &i64)| match usize::try_from(number) {
                    Ok(class) => Ok(Some(class)),
                    Err(_) if number == IGNORED_LABEL => Ok(None),
                    Err(_) => {
                        let place = format!("label of sample {}, position {}", at / per_sample, at % per_sample);
                        let expected =
                            format!("a whole number from 0, or {IGNORED_LABEL} for a position without a label");
                        Err(NetworkError::format(path, "labels", place, number, expected))
                    }
                };
                Ok((numbers.iter().enumerate().map(class).collect::<Result<_>>()?, None))
            }
            (Self::Numbers(numbers) | Self::Positions { numbers, .. }, Some(chosen)) => {
                let members = || chosen.iter().flat_map(ClassLabel::members);
                if let Some(ClassLabel::Name(name)) = members().find(|label| matches!(label, ClassLabel::Name(_))) {
                    let expected = "whole numbers, as the labels of the file";
                    return Err(NetworkError::choice(path, "classes", format!("the name `{name}`"), expected));
                }
                let known: BTreeSet<i64> = numbers.iter().copied().collect();
                let absent = members().find_map(|label| match label {
                    ClassLabel::Number(number) => (!known.contains(number)).then_some(number),
                    ClassLabel::Name(_) | ClassLabel::Group(_) => None,
                });
                if let Some(number) = absent {
                    let list: Vec<String> = known.iter().take(12).map(ToString::to_string).collect();
                    let expected = format!("labels of the file: {}", list.join(", "));
                    return Err(NetworkError::choice(path, "classes", format!("the number {number}"), expected));
                }
                let class =
                    |n: &i64| chosen.iter().position(|label| label.holds(&|own| *own == ClassLabel::Number(*n)));
                Ok((numbers.iter().map(class).collect(), None))
            }
            (Self::Names(names), None) => {
                let known: Vec<String> = names.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
                let class = |name: &String| known.binary_search(name).ok();
                Ok((names.iter().map(class).collect(), Some(known)))
            }
            (Self::Names(names), Some(chosen)) => {
                let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                for label in chosen.iter().flat_map(ClassLabel::members) {
                    let found = match label {
                        ClassLabel::Name(name) if known.contains(name.as_str()) => continue,
                        ClassLabel::Name(name) => format!("the name `{name}`"),
                        ClassLabel::Number(_) | ClassLabel::Group(_) => format!("the number {label}"),
                    };
                    let list: Vec<&str> = known.iter().take(12).copied().collect();
                    let near = match label {
                        ClassLabel::Name(name) => nearest(name, known.iter().copied()),
                        ClassLabel::Number(_) | ClassLabel::Group(_) => None,
                    };
                    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                    let expected = format!("names of the file: {}{near}", list.join(", "));
                    return Err(NetworkError::choice(path, "classes", found, expected));
                }
                let same = |label: &ClassLabel, name: &str| matches!(label, ClassLabel::Name(known) if known == name);
                let class = |name: &String| chosen.iter().position(|label| label.holds(&|own| same(own, name)));
                Ok((names.iter().map(class).collect(), None))
            }
        }
    }
}

/// Numbers from 0 as they are; −1 and 1, where both occur and nothing else, as 0 and 1.
fn class_numbers(path: &Path, numbers: &[i64]) -> Result<Vec<Option<usize>>> {
    let Some(at) = numbers.iter().position(|&n| n < 0) else {
        return Ok(numbers.iter().map(|&n| usize::try_from(n).ok()).collect());
    };
    if numbers.contains(&1) && numbers.iter().all(|n| n.abs() == 1) {
        return Ok(numbers.iter().map(|&n| Some(usize::from(n > 0))).collect());
    }
    let expected = "a whole number from 0, or only −1 and 1; choose other labels with `classes`";
    Err(NetworkError::format(path, "labels", format!("label of sample {at}"), numbers[at], expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize], values: &[f64]) -> Result<Vec<Option<usize>>> {
        let path = Path::new("y.npy");
        Ok(StoredLabels::from_array(path, "npy", shape, values)?.classes(path, None)?.0)
    }

    #[test]
    fn every_form_of_whole_numbers_is_a_class() {
        let classes = vec![Some(2), Some(0), Some(1)];
        assert_eq!(array(&[3], &[2.0, 0.0, 1.0]).unwrap(), classes);
        assert_eq!(array(&[3, 1], &[2.0, 0.0, 1.0]).unwrap(), classes);
        assert_eq!(array(&[3, 3], &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]).unwrap(), classes);
        assert_eq!(array(&[2, 2], &[-1.0, 1.0, 1.0, -1.0]).unwrap(), [Some(1), Some(0)]);
        assert_eq!(array(&[3], &[-1.0, 1.0, -1.0]).unwrap(), [Some(0), Some(1), Some(0)]);
    }

    #[test]
    fn other_labels_are_refused_with_their_sample() {
        for (shape, values, part) in [
            (&[2][..], &[0.0, 0.5][..], "label of sample 1: found 0.5, expected a whole number"),
            (&[2], &[0.0, f64::NAN], "label of sample 1: found NaN"),
            (&[2], &[0.0, 1e300], "label of sample 1"),
            (&[2], &[-1.0, -1.0], "label of sample 0: found -1"),
            (&[2], &[1.0, -2.0], "label of sample 1: found -2"),
            (&[1, 2], &[0.5, 0.5], "not one-hot"),
            (&[], &[0.0], "found []"),
            (
                &[2, 2],
                &[0.0, 2.0, 1.0, -1.0],
                "label of sample 1, position 1: found -1, expected a whole number from 0, or -100",
            ),
            (&[1, 2, 1], &[0.0, 0.5], "label of sample 0, position 1: found 0.5"),
            (&[1, 0, 1], &[], "no position"),
        ] {
            let error = array(shape, values).unwrap_err().to_string();
            assert!(error.contains(part), "{error} | {part}");
        }
    }

    #[test]
    fn other_arrays_have_a_label_for_each_position() {
        let path = Path::new("y.npy");
        let stored = StoredLabels::from_array(path, "npy", &[2, 3], &[0.0, 2.0, -100.0, 1.0, 1.0, 0.0]).unwrap();
        assert_eq!((stored.len(), stored.positions()), (2, Some(3)));
        let chosen = [2, 1].map(ClassLabel::Number);
        assert_eq!(
            stored.clone().classes(path, Some(&chosen)).unwrap().0,
            [None, Some(0), None, Some(1), Some(1), None]
        );
        assert_eq!(stored.classes(path, None).unwrap().0, [Some(0), Some(2), None, Some(1), Some(1), Some(0)]);
        // Rows of one 1 among zeros are one-hot, unless a further axis says otherwise.
        assert_eq!(array(&[2, 2], &[0.0, 1.0, 1.0, 0.0]).unwrap(), [Some(1), Some(0)]);
        assert_eq!(array(&[2, 2, 1], &[0.0, 1.0, 1.0, 0.0]).unwrap(), [Some(0), Some(1), Some(1), Some(0)]);
    }

    #[test]
    fn names_are_sorted_or_in_the_order_of_the_choice() {
        let path = Path::new("a.csv");
        let names = || StoredLabels::Names(["b", "c", "a", "b"].map(str::to_owned).to_vec());
        let (classes, known) = names().classes(path, None).unwrap();
        assert_eq!(classes, [Some(1), Some(2), Some(0), Some(1)]);
        assert_eq!(known.unwrap(), ["a", "b", "c"]);
        let name = |name: &str| ClassLabel::Name(name.into());
        let chosen = names().classes(path, Some(&[name("c"), name("b")])).unwrap().0;
        assert_eq!(chosen, [Some(1), Some(0), None, Some(1)]);
        let unknown = names().classes(path, Some(&[name("d")])).unwrap_err().to_string();
        assert!(unknown.contains("the name `d`, expected names of the file: a, b, c"), "{unknown}");
        assert!(names().classes(path, Some(&[ClassLabel::Number(1)])).is_err());
        let numbers = StoredLabels::Numbers(vec![1, -1, 3]);
        assert!(numbers.clone().classes(path, Some(&[name("1")])).is_err());
        let chosen = numbers.classes(path, Some(&[ClassLabel::Number(3), ClassLabel::Number(-1)])).unwrap().0;
        assert_eq!(chosen, [None, Some(1), Some(0)]);
        // Lists are one class.
        let group = |numbers: &[i64]| ClassLabel::Group(numbers.iter().map(|n| ClassLabel::Number(*n)).collect());
        let numbers = || StoredLabels::Numbers(vec![0, 1, 2, 3, 4]);
        let chosen = numbers().classes(path, Some(&[group(&[0, 2, 4]), group(&[1, 3])])).unwrap().0;
        assert_eq!(chosen, [0, 1, 0, 1, 0].map(Some));
        let unknown = numbers().classes(path, Some(&[group(&[0, 7])])).unwrap_err().to_string();
        assert!(unknown.contains("the number 7"), "{unknown}");
        let named = ClassLabel::Group(vec![name("a"), name("c")]);
        let chosen = names().classes(path, Some(&[name("b"), named])).unwrap().0;
        assert_eq!(chosen, [Some(0), Some(1), Some(1), Some(0)]);
    }
}
