//! Keys, columns and error codes with their texts, from the tables of the reference and the codes of the errors.

use super::super::terminal::error_text;
use phaseloom::files::folded;

/// Pages of `docs/reference/` whose tables explain names.
macro_rules! pages {
    ($($name:literal),*) => { [$(include_str!(concat!("../../../../docs/reference/", $name, ".md"))),*] };
}

const PAGES: [&str; 15] = pages![
    "keys/experiment",
    "keys/core",
    "keys/process",
    "keys/link",
    "keys/data",
    "keys/model",
    "keys/training",
    "keys/study",
    "files/spectra",
    "files/calibration",
    "files/program",
    "files/converted",
    "files/chip",
    "files/run-folder",
    "columns"
];

/// A row of a table in a document.
#[derive(Clone, Debug)]
pub struct Row {
    /// The heading of the section, such as `Process`.
    pub section: String,
    /// What the first column holds: `key`, ``column of `claims.csv` ``, `row`, …
    pub what: String,
    /// The table of settings that holds the keys, if the row names one.
    pub table: Option<String>,
    /// The names that the row explains.
    pub names: Vec<String>,
    /// The further cells, each with its heading, without empty ones.
    pub cells: Vec<(String, String)>,
}

impl Row {
    /// Whether the row explains a name: one of its keys, alone or after the table that holds it.
    pub fn explains(&self, name: &str) -> bool {
        let (path, key) = name.rsplit_once('.').map_or((None, name), |(path, key)| (Some(path), key));
        let table = path.map(|path| folded(path.rsplit('.').next().unwrap_or(path)));
        let in_table = |table: &str| {
            // A table in a table, such as `phase_error.variation`, goes by its last name, too.
            let last = |own: &str| folded(own.rsplit('.').next().unwrap_or(own));
            self.table.as_deref().is_some_and(|own| last(own) == table) || folded(&self.section) == table
        };
        let full = self.names.iter().any(|own| folded(own) == folded(name));
        full || self.names.iter().any(|own| folded(own) == folded(key)) && table.is_some_and(|table| in_table(&table))
    }
}

/// All rows of the reference that explain names.
pub fn formats() -> Vec<Row> {
    PAGES.iter().flat_map(|page| rows(page)).collect()
}

/// The terms of the glossary: one row each.
pub fn terms() -> Vec<Row> {
    let all = rows_with(include_str!("../../../../docs/glossary.md"), term_names);
    all.into_iter().filter(|row| row.what == "term").map(|row| Row { section: String::new(), ..row }).collect()
}

/// The names in the first cell of a term: those between commas, without the words in parentheses, and these words.
fn term_names(cell: &str) -> Vec<String> {
    let names = cell.split(',').flat_map(|name| {
        let (before, inside) = name.split_once('(').unwrap_or((name, ""));
        [before.trim().to_owned(), inside.trim().trim_end_matches(')').to_owned()]
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// All error codes: one row each.
pub fn errors() -> Vec<Row> {
    let row = |(code, cause, remedy): (u16, &str, &str)| Row {
        section: String::new(),
        what: "code".to_owned(),
        table: None,
        names: vec![format!("E{code:04}")],
        cells: vec![("cause".to_owned(), cause.to_owned()), ("remedy".to_owned(), remedy.to_owned())],
    };
    error_text::codes().into_iter().map(row).collect()
}

/// The rows of the Markdown tables of a page whose first cell has names in backticks. A heading such as `[adc]` is the
/// table that holds them, and the title of the page is their section.
fn rows(document: &str) -> Vec<Row> {
    rows_with(document, names)
}

/// The rows of the tables of a page whose first cell has names.
fn rows_with(document: &str, names: impl Fn(&str) -> Vec<String>) -> Vec<Row> {
    let (mut section, mut head, mut table) = (String::new(), Vec::new(), None);
    let mut found = Vec::new();
    let mut previous: Vec<String> = Vec::new();
    for line in document.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            title.clone_into(&mut section);
        }
        if let Some(heading) = line.strip_prefix("## ") {
            let path = heading.strip_prefix("`[").and_then(|path| path.strip_suffix("]`"));
            table = path.map(|path| path.trim_matches(['[', ']']).to_owned());
        }
        if !line.starts_with('|') {
            head = Vec::new();
            continue;
        }
        let cells = cells(line);
        if cells.iter().all(|cell| cell.chars().all(|c| c == '-' || c == ':')) {
            head = std::mem::take(&mut previous);
        } else if head.is_empty() {
            previous = cells;
        } else {
            let (first, rest) = cells.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            let names = names(first);
            let further = head.iter().skip(1).cloned().zip(rest.iter().map(|cell| plain(cell)));
            let row = Row {
                section: section.clone(),
                what: head.first().cloned().unwrap_or_default(),
                table: table.clone(),
                names,
                cells: further.filter(|(_, cell)| !cell.is_empty()).collect(),
            };
            if !row.names.is_empty() {
                found.push(row);
            }
        }
    }
    found
}

/// The cells of a line of a table. `\|` is a bar within a cell.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|').replace("\\|", "\u{0}");
    let cells = line.strip_suffix('|').unwrap_or(&line).split('|');
    cells.map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// The names in a first cell: all that is in backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The text of a cell without links.
fn plain(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once('[') {
        text += before;
        match link.split_once("](").and_then(|(shown, after)| Some((shown, after.split_once(')')?.1))) {
            Some((shown, after)) if !shown.contains('[') => {
                text += shown;
                rest = after;
            }
            _ => {
                text.push('[');
                rest = link;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_tables_keys_and_cells() {
        let all = formats();
        let explained = |name: &str| all.iter().filter(|row| row.explains(name)).collect::<Vec<_>>();
        let sigma = explained("process.splitter_error.sigma_rad");
        assert_eq!(sigma.len(), 1);
        assert_eq!((sigma[0].section.as_str(), sigma[0].table.as_deref()), ("Process", Some("splitter_error")));
        assert!(sigma[0].cells.contains(&("unit".to_owned(), "rad".to_owned())), "{sigma:?}");
        assert_eq!(explained("phase_quantization.uniform_in").len(), 1);
        assert!(explained("sigma_rad").len() >= 3);
        let trials = explained("trials");
        assert!(trials.iter().any(|row| row.section == "Experiment" && row.names == ["trials"]));
        assert_eq!(explained("<column>_mean")[0].section, "Columns");
        assert_eq!(plain("a [preset](#process), or [x] y"), "a preset, or [x] y");
        assert_eq!(cells("| `a` | \\|x\\| |"), ["`a`", "|x|"]);
    }

    /// Every variant of every error has a code, or it would not compile; no code occurs twice, and every one has a text.
    #[test]
    fn every_code_of_an_error_has_one_text_and_a_remedy() {
        let codes = error_text::codes();
        assert!(codes.windows(2).all(|pair| pair[0].0 < pair[1].0), "a code twice");
        let sentence = |text: &str| text.len() > 8 && text.ends_with('.');
        assert!(codes.iter().all(|(_, cause, remedy)| sentence(cause) && sentence(remedy)), "{codes:?}");
        assert!(codes.len() > 80, "only {} codes", codes.len());
    }
}
