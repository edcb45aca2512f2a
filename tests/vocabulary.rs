//! A closed list of words that names, comments, messages and documents avoid, with the terms that replace them.
//!
//! It reads every Rust, Markdown and TOML file of the repository. Identifiers are split at `_` and at capital letters,
//! words are compared without regard to case, and a phrase may continue on the next line.

use std::path::{Path, PathBuf};

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

/// (beginning of an identifier in capitals, replacement)
const PREFIXES: &[(&str, &str)] = &[("MOST_", "MAX_"), ("LARGEST_", "MAX_"), ("SMALLEST_", "MIN_"), ("LEAST_", "MIN_")];

/// (whole identifier, replacement)
const NAMES: &[(&str, &str)] = &[("Way", "a noun that states which"), ("Carry", "a noun that states what is carried")];

/// A word that one file needs.
struct Exception {
    file: &'static str,
    word: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[Exception {
    file: "docs/physics.md",
    word: "recalled",
    reason: "the bibliography states the status of each source",
}];

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
        let prefix = PREFIXES.iter().filter(|(prefix, _)| first_part && token.identifier.starts_with(prefix));
        let name = NAMES.iter().filter(|(name, _)| first_part && token.identifier == *name);
        findings.extend(listed.chain(prefix).chain(name).map(|&(word, replacement)| (token.line, word, replacement)));
    }
    findings
}

/// All Rust, Markdown and TOML files below `folder`, except for built, computed and hidden ones.
fn files(folder: &Path, list: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "results"].contains(&name.as_str()) {
                files(&path, list);
            }
        } else if path.extension().is_some_and(|ending| ["rs", "md", "toml"].iter().any(|known| ending == *known)) {
            list.push(path);
        }
    }
}

#[test]
fn no_file_uses_a_word_of_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut list = Vec::new();
    files(root, &mut list);
    let mut found = Vec::new();
    let mut used = vec![false; EXCEPTIONS.len()];
    for path in list {
        let file = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        if file == "tests/vocabulary.rs" {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (line, word, replacement) in findings(&text) {
            match EXCEPTIONS.iter().position(|e| e.file == file && e.word == word) {
                Some(k) => used[k] = true,
                None => found.push(format!("{file}:{line}: `{word}`, use: {replacement}")),
            }
        }
    }
    let unused = EXCEPTIONS.iter().zip(used).filter(|(exception, used)| !used && root.join(exception.file).exists());
    found.extend(unused.map(|(e, _)| format!("{}: the exception for `{}` ({}) is unused", e.file, e.word, e.reason)));
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
