//! The whole repository: versions, links, and no names of places on a machine.

use super::support::root;
use crate::texts::texts;

#[test]
fn the_changelog_has_the_version_of_the_package() {
    let changelog = include_str!("../../CHANGELOG.md");
    let heading = changelog.lines().find(|line| line.starts_with("## [")).unwrap();
    assert!(heading.starts_with(&format!("## [{}]", env!("CARGO_PKG_VERSION"))), "{heading}");
    assert!(include_str!("../../results/README.md").contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn nothing_names_a_place_on_somebodys_machine() {
    // In two parts each, so that this file does not name them.
    let places = [
        ("/", "work/"),
        ("/", "home/"),
        ("/", "root/"),
        ("/", "Users/"),
        ("/", "tmp/"),
        ("C:", "\\"),
        ("../", "shared"),
    ];
    let found = texts(root(), &["md", "rs", "toml", "py", "json", "csv", "svg", "txt"]);
    assert!(found.len() > 100, "only {} texts found", found.len());
    for path in found {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for (a, b) in places {
            let place = format!("{a}{b}");
            // A relative path such as `examples/root/` is none.
            let named = text.match_indices(&place).find(|(at, _)| {
                let before = text[..*at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "_-.~".contains(c))
            });
            assert!(named.is_none(), "{} names {place}", path.display());
        }
    }
}
