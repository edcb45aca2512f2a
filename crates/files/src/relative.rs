//! Paths from one folder to another.

use std::path::{Component, Path, PathBuf};

/// The path that leads from one folder to another.
///
/// It is relative if both have a folder in common other than the root, so that both can be moved together. Otherwise it is
/// absolute. Folders need not exist.
#[must_use]
pub fn relative_path(from: &Path, to: &Path) -> PathBuf {
    let (from, to) = (absolute(from), absolute(to));
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).map(|(a, _)| a);
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_));
    let common: Vec<Component<'_>> = common.collect();
    if !common.iter().any(named) {
        return to;
    }
    let up = from.components().skip(common.len()).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(common.len())).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

/// The absolute path without links, as far as the folders exist.
fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let Some((ancestor, existing)) = existing else { return path };
    let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
    rest.components().fold(existing, |mut path, part| {
        if part == Component::ParentDir {
            path.pop();
        } else {
            path.push(part);
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_below_a_common_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("a/b")).unwrap();
        assert_eq!(relative_path(&at("a/runs/new"), &at("a/b")), Path::new("../../b"));
        assert_eq!(relative_path(&at("a"), &at("a/b")), Path::new("b"));
        assert_eq!(relative_path(&at("a/../a/b"), &at("a/b")), Path::new("."));
        assert!(
            relative_path(&at("a"), Path::new("")).is_absolute()
                || relative_path(&at("a"), Path::new("")).starts_with("..")
        );
        let root = folder.path().ancestors().last().unwrap();
        assert!(relative_path(&root.join("none-such"), &at("a")).is_absolute());
    }
}
