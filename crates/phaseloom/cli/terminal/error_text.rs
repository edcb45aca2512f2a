//! Error messages on a terminal.

/// Longer lines are cut, because a terminal cannot show them.
const MAX_LINE: usize = 2000;

/// Escapes control characters and cuts long lines, so that a message is safe to print on a terminal.
pub fn escape_control(message: &str) -> String {
    let lines = message.lines().map(|line| {
        let mut escaped = String::new();
        for (k, c) in line.chars().enumerate() {
            match c {
                _ if k == MAX_LINE => {
                    escaped.push('…');
                    break;
                }
                c if c.is_control() && c != '\t' => escaped.extend(c.escape_default()),
                c => escaped.push(c),
            }
        }
        escaped
    });
    lines.collect::<Vec<_>>().join("\n")
}
