//! Messages of parsers in the words of the files, not of Rust: where `f64` is expected, that is a number.

const WORDS: [(&str, &str); 15] = [
    ("f64", "a number"),
    ("f32", "a number"),
    ("u8", "a whole number from 0"),
    ("u16", "a whole number from 0"),
    ("u32", "a whole number from 0"),
    ("u64", "a whole number from 0"),
    ("usize", "a whole number from 0"),
    ("i32", "a whole number"),
    ("i64", "a whole number"),
    ("path string", "a path"),
    ("a map", "a table"),
    ("a sequence", "a list"),
    ("a boolean", "true or false"),
    ("a borrowed string", "a string"),
    ("option", "a value"),
];
/// The words before the name of a type, and their meaning in a file.
const TYPES: [(&str, &str); 4] = [
    ("struct ", "a table"),
    ("enum ", "one of its words"),
    ("internally tagged enum ", "a table"),
    ("tuple struct ", "a list"),
];
const FOUND: [(&str, &str); 3] = [("floating point", "number"), ("map", "table"), ("sequence", "list")];

/// Longer lines are cut.
const LONGEST: usize = 2000;

/// The message for a terminal: control characters written out, long lines cut.
pub fn shown(message: &str) -> String {
    let lines = message.lines().map(|line| {
        let mut shown = String::new();
        for (k, c) in line.chars().enumerate() {
            match c {
                _ if k == LONGEST => {
                    shown.push('…');
                    break;
                }
                c if c.is_control() && c != '\t' => shown.extend(c.escape_default()),
                c => shown.push(c),
            }
        }
        shown
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The message with the types of Rust said in words; what the user wrote stays as it is.
pub fn plain(message: &str) -> String {
    // The text before the last `expected` may contain words of the user.
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let Some((head, found)) = ["invalid type: ", "invalid value: "].iter().find_map(|s| found.split_once(s)) else {
        return message.to_owned();
    };
    let name = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let word = WORDS.iter().find_map(|(rust, said)| {
        let rest = expected.strip_prefix(rust)?;
        (name(rest) == 0).then(|| format!("{said}{rest}"))
    });
    let named = || {
        TYPES.iter().find_map(|(rust, said)| {
            let rest = expected.strip_prefix(rust)?;
            Some(format!("{said}{}", &rest[name(rest)..]))
        })
    };
    let expected = word.or_else(named).unwrap_or_else(|| expected.to_owned());
    let said = FOUND.iter().find_map(|(rust, said)| Some(format!("{said}{}", found.strip_prefix(rust)?)));
    let found = said.unwrap_or_else(|| found.to_owned());
    format!("{head}found {found}, expected {expected}")
}
