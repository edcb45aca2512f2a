//! A closed list of words that names, comments, messages and documents avoid, with the terms that replace them.
//!
//! It reads every Rust, Markdown and TOML file of the repository. Identifiers are split at `_` and at capital letters,
//! words are compared without regard to case, and a phrase may continue on the next line.

mod texts;

use std::path::Path;

/// (word or phrase, replacement)
const WORDS: &[(&str, &str)] = &[
    ("behind", "after"),
    ("beside", "next to, relative to, compared with"),
    ("besides", "also, in addition"),
    ("stand", "is, has, applies"),
    ("stands", "is, has, applies"),
    ("standing", "is, has, applies"),
    ("tells", "indicates, states, determines"),
    ("told", "stated, distinguished"),
    ("mend", "correct"),
    ("mends", "corrects"),
    ("mended", "corrected"),
    ("mending", "correction"),
    ("wanted", "requested, target"),
    ("anew", "again, newly"),
    ("shaken", "perturbed"),
    ("lit", "illuminated, on"),
    ("so many", "a number, or the symbol"),
    ("aright", "correctly"),
    ("whichever", "any, the one that"),
    ("nobody", "no one, nothing"),
    ("of none", "no"),
    ("come near", "approximate"),
    ("comes near", "approximates"),
    ("common phase", "global phase"),
    ("physics notes", "docs/physics.md"),
    ("recalled", "the status of a source is in docs/physics.md"),
    ("fn of", "from_…, new"),
];

/// (whole identifier, or its beginning up to `_`, replacement)
const IDENTIFIERS: &[(&str, &str)] = &[
    ("MOST_", "MAX_"),
    ("LARGEST_", "MAX_"),
    ("SMALLEST_", "MIN_"),
    ("LEAST_", "MIN_"),
    ("Way", "a noun that states which"),
    ("Carry", "a noun that states what is carried"),
];

/// One word with its line and its identifier.
struct Token<'a> {
    line: usize,
    word: &'a str,
    identifier: &'a str,
}

/// The parts of an identifier: `MatrixProgram` and `matrix_program` are two words each.
fn parts(identifier: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for piece in identifier.split('_').filter(|piece| !piece.is_empty()) {
        let mut start = 0;
        let mut previous_lower = false;
        for (at, c) in piece.char_indices() {
            if c.is_uppercase() && previous_lower {
                parts.push(&piece[start..at]);
                start = at;
            }
            previous_lower = c.is_lowercase();
        }
        parts.push(&piece[start..]);
    }
    parts
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let identifiers = text.lines().enumerate().flat_map(|(k, line)| {
        line.split(|c: char| !c.is_alphanumeric() && c != '_').map(move |identifier| (k + 1, identifier))
    });
    identifiers
        .flat_map(|(line, identifier)| parts(identifier).into_iter().map(move |word| Token { line, word, identifier }))
        .collect()
}

/// Lines, words and replacements. After the first word, a phrase matches in lower case alone: `of None` is no phrase.
fn findings(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let tokens = tokens(text);
    let mut findings = Vec::new();
    for (k, token) in tokens.iter().enumerate() {
        let lower = token.word.to_lowercase();
        let phrase = |words: &str| {
            let mut words = words.split([' ', '_']);
            words.next() == Some(&lower)
                && words.zip(k + 1..).all(|(word, at)| tokens.get(at).is_some_and(|t| t.word == word))
        };
        let first_part = k == 0 || !std::ptr::eq(tokens[k - 1].identifier, token.identifier);
        let listed = WORDS.iter().filter(|(words, _)| phrase(words));
        let named = |name: &str| token.identifier == name || name.ends_with('_') && token.identifier.starts_with(name);
        let identifiers = IDENTIFIERS.iter().filter(|(name, _)| first_part && named(name));
        findings.extend(listed.chain(identifiers).map(|&(word, replacement)| (token.line, word, replacement)));
    }
    findings
}

#[test]
fn no_file_uses_a_word_of_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for path in &texts::texts(root, &["rs", "md", "toml"]) {
        if path.starts_with(root.join("results")) || path.ends_with("tests/vocabulary.rs") {
            continue;
        }
        let file = path.strip_prefix(root).unwrap().display();
        let text = std::fs::read_to_string(path).unwrap();
        let here = findings(&text).into_iter();
        found.extend(here.map(|(line, word, replacement)| format!("{file}:{line}: `{word}`, use: {replacement}")));
    }
    assert!(found.is_empty(), "{} words to replace:\n{}", found.len(), found.join("\n"));
}

#[test]
fn words_are_found_in_identifiers_comments_and_across_lines() {
    let words = |text| findings(text).into_iter().map(|(line, word, _)| (line, word)).collect::<Vec<_>>();
    assert_eq!(words("let wanted_phase = 1;\n// Stands here"), [(1, "wanted"), (2, "stands")]);
    assert_eq!(words("struct PhaseMended;"), [(1, "mended")]);
    assert_eq!(words("//! there are so\n//! many"), [(1, "so many")]);
    assert_eq!(
        words("const MOST_PORTS: usize = 1; struct Way; fn of_keys() {}"),
        [(1, "MOST_"), (1, "Way"), (1, "fn of")]
    );
    assert_eq!(words("Understanding literals, a standard way, instead of None; ALMOST_ALL"), []);
}
