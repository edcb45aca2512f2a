//! The text files of the repository, for tests of all of them.

use std::path::{Path, PathBuf};

/// All files below `folder` with one of these endings, except for built, computed and hidden ones.
pub fn texts(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || ["target", "phaseloom-runs", "provenance.json"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            found.extend(texts(&path, endings));
        } else if path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) {
            found.push(path);
        }
    }
    found
}
