//! The generated parts of pages: between `<!-- generated: NAME -->` and `<!-- end -->`.

use std::path::{Path, PathBuf};

const OPEN: &str = "<!-- generated: ";
const CLOSE: &str = "<!-- end -->";

/// The page with all its generated parts made again by `text`.
///
/// # Errors
///
/// The reason, if a part is not closed or nothing makes it.
pub fn renewed(page: &str, text: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut renewed = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, after) = after.split_once(" -->\n").ok_or("a generated part without a name")?;
        let (_, after) = after.split_once(CLOSE).ok_or_else(|| format!("the generated part `{name}` is not closed"))?;
        let made = text(name).ok_or_else(|| format!("nothing generates `{name}`"))?;
        renewed += &format!("{before}{OPEN}{name} -->\n\n{}\n\n{CLOSE}", made.trim());
        rest = after;
    }
    Ok(renewed + rest)
}

/// Whether the texts of files are current; `update` writes them. The names of those that are not.
///
/// # Errors
///
/// A file that cannot be written.
pub fn compare(files: &[(PathBuf, String)], update: bool) -> std::io::Result<Vec<String>> {
    let differs = |(path, text): &&(PathBuf, String)| std::fs::read_to_string(path).ok().as_ref() != Some(text);
    let stale: Vec<&(PathBuf, String)> = files.iter().filter(differs).collect();
    if update {
        for (path, text) in &stale {
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            std::fs::write(path, text)?;
        }
        return Ok(Vec::new());
    }
    Ok(stale.iter().map(|(path, _)| path.display().to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_parts_are_replaced() {
        let page = "a\n<!-- generated: x y -->\nold\n<!-- end -->\nb\n";
        let found = renewed(page, |name| (name == "x y").then(|| "new\n".to_owned())).unwrap();
        assert_eq!(found, "a\n<!-- generated: x y -->\n\nnew\n\n<!-- end -->\nb\n");
        assert_eq!(renewed(&found, |_| Some("new".to_owned())).unwrap(), found);
        assert!(
            renewed(page, |_| None).is_err() && renewed("<!-- generated: x -->\n", |_| Some(String::new())).is_err()
        );
    }
}
