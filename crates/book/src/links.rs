//! Links between the pages, their anchors, and the table of contents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// The relative links of these pages that lead to no file or to no heading, each with page and line.
#[must_use]
pub fn check_links(pages: &[PathBuf]) -> Vec<String> {
    let mut anchors = BTreeMap::new();
    let mut broken = Vec::new();
    for page in pages {
        let text = match std::fs::read_to_string(page) {
            Ok(text) => text,
            Err(error) => {
                broken.push(format!("{}: {error}", page.display()));
                continue;
            }
        };
        for (line, target) in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { page.clone() } else { normalised(&page.with_file_name(file)) };
            if !path.exists() {
                broken.push(format!("{}:{line}: a link to `{target}`, which does not exist", page.display()));
            } else if !anchor.is_empty() && path.extension().is_some_and(|ending| ending == "md") {
                let known = anchors
                    .entry(path.clone())
                    .or_insert_with(|| std::fs::read_to_string(&path).map(|text| headings(&text)).unwrap_or_default());
                if !known.contains(anchor) {
                    broken.push(format!("{}:{line}: a link to `{target}`, which has no such heading", page.display()));
                }
            }
        }
    }
    broken
}

/// What is wrong with `SUMMARY.md` of a book: pages that it lacks or names twice.
#[must_use]
pub fn check_summary(book: &Path, pages: &[PathBuf]) -> Vec<String> {
    let summary = book.join("SUMMARY.md");
    let text = std::fs::read_to_string(&summary).unwrap_or_default();
    let mut named = BTreeMap::new();
    for (_, target) in links(&text) {
        *named.entry(normalised(&book.join(target))).or_insert(0) += 1;
    }
    let own = pages.iter().filter(|page| **page != summary);
    let times = |page: &PathBuf| named.get(&normalised(page)).copied().unwrap_or(0);
    own.filter(|page| times(page) != 1)
        .map(|page| format!("{}: SUMMARY.md names the page {} times, expected once", page.display(), times(page)))
        .collect()
}

/// The path without `.` and `..`.
fn normalised(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.file_name().is_some() => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts
}

/// The lines of a page outside of its blocks, with their numbers from 1.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut fence: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        let ticks: String = trimmed.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) => {
                if trimmed == open {
                    fence = None;
                }
            }
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => lines.push((index + 1, line.to_owned())),
        }
    }
    lines
}

/// The text without what is between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// The targets of links and images, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(&line);
        let between = |open: &str, close: char| -> Vec<String> {
            line.split(open).skip(1).filter_map(|rest| rest.split(close).next()).map(str::to_owned).collect()
        };
        let definition = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        let targets = between("](", ')').into_iter().chain(definition.map(|(_, target)| target.to_owned()));
        let tags = ["src=\"", "href=\"", "srcset=\""].into_iter().flat_map(|open| between(open, '"'));
        let targets = targets.chain(tags).filter_map(|target| target.split_whitespace().next().map(str::to_owned));
        found.extend(targets.map(|target| (number, target)));
    }
    found
}

/// The anchors of a page, as GitHub and mdBook make them of its headings.
fn headings(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        for open in ["id=\"", "name=\""] {
            anchors.extend(line.split(open).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if !(1..=6).contains(&level) || !title.starts_with(' ') {
            continue;
        }
        let anchor = slug(title);
        let free = (1..).map(|k| format!("{anchor}-{k}")).find(|next| !anchors.contains(next));
        anchors.insert(if anchors.contains(&anchor) { free.unwrap_or_default() } else { anchor });
    }
    anchors
}

/// The anchor of a heading: letters and digits in lower case, `-` for spaces.
fn slug(title: &str) -> String {
    let mut shown = String::new();
    let mut rest = title;
    // Of a link, the text.
    while let Some((before, link)) = rest.split_once("](") {
        shown += before;
        rest = link.split_once(')').map_or("", |(_, after)| after);
    }
    shown += rest;
    let kept = shown.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_those_of_the_prose() {
        let text =
            "[a](b.md#c) and ![d](e.svg \"title\") `[x](y)`\n```text\n[no](no)\n```\n[f]: g.md\n<img src=\"h.svg\">\n";
        let found = links(text);
        assert_eq!(found, [(1, "b.md#c"), (1, "e.svg"), (5, "g.md"), (6, "h.svg")].map(|(n, t)| (n, t.to_owned())));
    }

    #[test]
    fn headings_have_the_anchors_of_the_book() {
        let text = "# A `code` & more\n## [Link](x.md), too\n## Twice\n## Twice\n<a id=\"own\"></a>\n";
        let expected = ["a-code--more", "link-too", "own", "twice", "twice-1"];
        assert_eq!(headings(text).into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn broken_links_and_missing_pages_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        let pages = vec![
            write("SUMMARY.md", "- [A](a.md)\n- [Draft]()\n"),
            write("a.md", "# One\n[x](b/c.md#two) [y](#one) [z](gone.md) [w](b/c.md#three) [v](https://x.org)\n"),
            write("b/c.md", "# Two\n[back](../a.md)\n"),
        ];
        let broken = check_links(&pages);
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert!(broken[0].contains("a.md:2: a link to `gone.md`") && broken[1].contains("c.md#three"));
        let missing = check_summary(folder.path(), &pages);
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].contains("c.md"));
    }
}
