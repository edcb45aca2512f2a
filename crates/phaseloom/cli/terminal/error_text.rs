//! Error messages on a terminal.

/// Longer lines are cut, because a terminal cannot show them.
const MAX_LINE: usize = 2000;

/// Escapes control characters and cuts long lines, so that a message is safe to print on a terminal.
pub fn escape_control(message: &str) -> String {
    let escaped = |c: char| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() };
    let lines = message.lines().map(|line| {
        let end = if line.chars().nth(MAX_LINE).is_some() { "…" } else { "" };
        line.chars().take(MAX_LINE).map(escaped).collect::<String>() + end
    });
    lines.collect::<Vec<_>>().join("\n")
}
