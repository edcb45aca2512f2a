//! Names of operators: those in the file, and patterns that choose them.

/// The name of an operator in its file, without what tract adds to it.
pub(crate) fn name_in_file(name: &str) -> &str {
    const ADDED: [&str; 8] = [".einsum", ".ab", ".conv", ".extracted", ".axis-", "-decluttered", ".gemm", ".kernel"];
    let end = ADDED.iter().filter_map(|added| name.find(added)).min().unwrap_or(name.len());
    if end == 0 { name } else { &name[..end] }
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
        assert_eq!(name_in_file("/fc/Gemm.ab.einsum"), "/fc/Gemm");
        assert_eq!(name_in_file("node_linear_9"), "node_linear_9");
    }
}
