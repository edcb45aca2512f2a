//! Messages of parsers in the terms of files: "a number", not `f64`.

/// A number of many digits in scientific notation; another text as it is.
#[must_use]
pub fn short_number(text: String) -> String {
    const MAX_DIGITS: usize = 25;
    match text.parse::<f64>() {
        Ok(number) if text.len() > MAX_DIGITS && number.is_finite() => format!("{number:e}"),
        _ => text,
    }
}

/// The known name that is most similar to `found`, if one is similar enough to be meant. A known name itself has none.
#[must_use]
pub fn nearest<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(similarity, name)| *similarity > 0.7 && *name != found)
        .map(|(_, name)| name)
}

/// Appends the nearest known name to serde's list of all known names.
pub(crate) fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let suggestion = match quoted.next() {
        Some(found) if message.starts_with("unknown field") || message.starts_with("found `") => nearest(found, quoted),
        _ => None,
    };
    suggestion.map_or_else(|| message.to_owned(), |near| format!("{message}; did you mean `{near}`?"))
}

/// Replaces the Rust types in serde's `invalid type: …, expected …` by the terms of files.
///
/// Text that the user wrote, which serde quotes, stays as it is.
pub(crate) fn without_rust_types(message: &str) -> String {
    if let Some(word) = message.strip_prefix("unknown variant ") {
        return format!("found {word}");
    }
    // The quoted text comes before the last `expected`.
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let Some(found) = ["invalid type: ", "invalid value: "].iter().find_map(|start| found.strip_prefix(start)) else {
        return message.to_owned();
    };
    let found = [("floating point", "number"), ("map", "table"), ("sequence", "list")]
        .iter()
        .find_map(|(rust, term)| Some(format!("{term}{}", short_quoted(found.strip_prefix(rust)?))))
        .unwrap_or_else(|| found.to_owned());
    format!("found {found}, expected {}", in_terms_of_files(expected))
}

/// A text with a quoted number of few digits.
fn short_quoted(text: &str) -> String {
    let parts = text.split('`').map(|part| short_number(part.to_owned()));
    parts.collect::<Vec<_>>().join("`")
}

/// The name of a type, or serde's term for it, in the terms of files; the rest of the text is kept.
fn in_terms_of_files(expected: &str) -> String {
    let after_name = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    for (rust, term) in [
        ("struct ", "a table"),
        ("enum ", "one of its words"),
        ("internally tagged enum ", "a table"),
        ("tuple struct ", "a list"),
    ] {
        if let Some(name) = expected.strip_prefix(rust) {
            return format!("{term}{}", &name[after_name(name)..]);
        }
    }
    let terms: [(&[&str], &str); 9] = [
        (&["f64", "f32"], "a number"),
        (&["u8", "u16", "u32", "u64", "usize"], "a whole number from 0"),
        (&["i32", "i64"], "a whole number"),
        (&["path string"], "a path"),
        (&["a map"], "a table"),
        (&["a sequence"], "a list"),
        (&["an array"], "a list"),
        (&["a boolean"], "true or false"),
        (&["a borrowed string"], "a string"),
    ];
    terms
        .iter()
        .flat_map(|(names, term)| names.iter().map(move |name| (name, term)))
        .find_map(|(name, term)| {
            let rest = expected.strip_prefix(name)?;
            (after_name(rest) == 0).then(|| format!("{term}{rest}"))
        })
        .unwrap_or_else(|| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_rust_become_terms_of_files() {
        for (message, plain) in [
            ("invalid type: string \"f64\", expected f64", "found string \"f64\", expected a number"),
            ("invalid type: floating point `1.5`, expected u32", "found number `1.5`, expected a whole number from 0"),
            ("invalid type: integer `3`, expected struct PhaseError", "found integer `3`, expected a table"),
            ("invalid type: map, expected a sequence at line 2", "found table, expected a list at line 2"),
            ("missing field `f64`", "missing field `f64`"),
            ("unknown variant `a`, expected `b` or `c`", "found `a`, expected `b` or `c`"),
            (
                "invalid type: floating point `100000000000000000000000000000.0`, expected u32",
                "found number `1e29`, expected a whole number from 0",
            ),
        ] {
            assert_eq!(without_rust_types(message), plain);
        }
    }
}
