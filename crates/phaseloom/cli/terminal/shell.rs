//! Command lines as a reader types them into a shell.

use std::path::Path;

/// A command line of Phaseloom from its words.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words = words.into_iter().map(quoted);
    std::iter::once("phaseloom".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// A word of a command line, in quotation marks if a shell would split or expand it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,+%@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A path as a word that no command takes for an option; not yet quoted.
pub fn path_word(path: &Path) -> String {
    let text = path.display().to_string();
    if text.starts_with('-') && text != "-" { format!("./{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_are_quoted() {
        assert_eq!(["a.toml", "a b", "it's", ""].map(quoted), ["a.toml", "'a b'", "'it'\\''s'", "''"]);
        let words = [path_word(Path::new("-o x")), path_word(Path::new("-"))];
        assert_eq!(command_line(words.iter().map(String::as_str)), "phaseloom './-o x' -");
    }
}
