//! Breaking of long lines of text at spaces.

/// Characters of a line of output, so that it fits a terminal of the usual width.
pub const WIDTH: usize = 80;

/// Words that stay on the line of the word before them: units and signs.
const WITH_PREVIOUS: [&str; 8] = ["%", "pt", "dB", "rad", "=", "±", "…", "–"];
/// Words that stay on the line of the word after them.
const WITH_NEXT: [&str; 4] = ["=", "±", "…", "–"];

/// Breaks every line of a text at spaces so that it has at most `width` characters, unless a single word is longer.
///
/// A number stays with its unit. Further lines are indented like the first, by `hang` more spaces.
///
/// ```
/// use phaseloom_files::wrap;
///
/// assert_eq!(wrap("  one two three", 9, 2), "  one two\n    three");
/// assert_eq!(wrap("up to 5 %", 7, 0), "up to\n5 %");
/// ```
#[must_use]
pub fn wrap(text: &str, width: usize, hang: usize) -> String {
    text.lines().map(|line| wrap_line(line, width, hang)).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize, hang: usize) -> String {
    if line.chars().count() <= width {
        return line.trim_end().to_owned();
    }
    let indent = line.chars().take_while(|&c| c == ' ').count();
    let mut text = String::new();
    let mut length = 0;
    for group in groups(line.trim()) {
        let size = group.chars().count();
        if length > 0 && length + 1 + size > width {
            text.push('\n');
            length = 0;
        }
        let gap = match (length, text.is_empty()) {
            (0, true) => indent,
            (0, false) => indent + hang,
            _ => 1,
        };
        text += &" ".repeat(gap);
        text += &group;
        length += gap + size;
    }
    text
}

/// The words of a line, those that stay together joined by a space.
fn groups(line: &str) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    let mut joins_next = false;
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let plain = word.trim_end_matches([',', ';', '.', ')', ':']);
        match groups.last_mut() {
            Some(last) if joins_next || WITH_PREVIOUS.contains(&plain) => *last += &format!(" {word}"),
            _ => groups.push(word.to_owned()),
        }
        joins_next = WITH_NEXT.contains(&word);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_and_short_lines_stay_whole() {
        assert_eq!(wrap("a bc\n\ndef  g", 10, 2), "a bc\n\ndef  g");
        assert_eq!(wrap("a verylongword b", 6, 0), "a\nverylongword\nb");
        assert_eq!(wrap("sigma = 0.02 (96.89 %), more", 14, 0), "sigma = 0.02\n(96.89 %),\nmore");
        assert!(wrap(&"λ ".repeat(200), WIDTH, 0).lines().all(|line| line.chars().count() <= WIDTH));
    }
}
