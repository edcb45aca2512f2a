//! Names of operators: those in the file, and patterns that choose them.

use std::collections::HashMap;

use tract_onnx::pb::{GraphProto, ModelProto};

/// Names of the operators of a file and of its inner graphs, the longest first. An operator without a name has that of its
/// first output.
pub(crate) fn names_of_file(proto: &ModelProto) -> Vec<String> {
    fn add(graph: &GraphProto, names: &mut Vec<String>) {
        for node in &graph.node {
            names.extend([&node.name].into_iter().chain(node.output.first()).filter(|name| !name.is_empty()).cloned());
            let inner = node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs));
            inner.for_each(|graph| add(graph, names));
        }
    }
    let mut names = Vec::new();
    proto.graph.iter().for_each(|graph| add(graph, &mut names));
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names
}

/// The name of the first output of each operator of a graph, by the name of the operator.
pub(crate) fn outputs_of_operators(proto: &ModelProto) -> HashMap<String, String> {
    let nodes = proto.graph.iter().flat_map(|graph| &graph.node);
    let named = nodes.filter_map(|node| {
        let tensor = node.output.first()?;
        let name = if node.name.is_empty() { tensor } else { &node.name };
        Some((name.clone(), tensor.clone()))
    });
    named.collect()
}

/// Names of the constants of a file, the longest first.
pub(crate) fn names_of_tensors(proto: &ModelProto) -> Vec<String> {
    let initializers = proto.graph.iter().flat_map(|graph| &graph.initializer);
    let mut names: Vec<String> =
        initializers.map(|tensor| tensor.name.clone()).filter(|name| !name.is_empty()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names
}

/// The name of an operator in its file, without the endings of tract: the longest name of the file with which it starts.
pub(crate) fn name_in_file<'a>(name: &'a str, of_file: &[String]) -> &'a str {
    let length = of_file.iter().find(|known| name.starts_with(known.as_str())).map_or(name.len(), String::len);
    &name[..length]
}

/// Whether a pattern occurs in a name. `*` matches any characters.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut rest = name;
    pattern.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_occur_in_names() {
        for (pattern, name, expected) in [
            ("/layer.*/", "/layer.1/conv/Conv", true),
            ("/layer.*/", "/layers/conv/Conv", false),
            ("conv1", "/conv1/Conv", true),
            ("conv*Gemm", "/conv1/Conv", false),
            ("*", "anything", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_tract_adds_to_names_is_left_out() {
        let of_file = ["features.conv12", "features.conv1", "/fc/Gemm"].map(str::to_owned);
        for (name, expected) in [
            ("/fc/Gemm.ab.einsum", "/fc/Gemm"),
            ("features.conv1.einsum", "features.conv1"),
            ("features.conv12", "features.conv12"),
            ("unknown.ab", "unknown.ab"),
        ] {
            assert_eq!(name_in_file(name, &of_file), expected);
        }
    }
}
