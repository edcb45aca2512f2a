//! Keys, columns and error codes with their texts, from the tables of `crates/FORMATS.md` and `crates/ERRORS.md`.

use phaseloom::files::folded;

const FORMATS: &str = include_str!("../../../FORMATS.md");
const ERRORS: &str = include_str!("../../../ERRORS.md");

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
            self.table.as_deref().is_some_and(|own| folded(own) == table) || folded(&self.section) == table
        };
        let full = self.names.iter().any(|own| folded(own) == folded(name));
        full || self.names.iter().any(|own| folded(own) == folded(key)) && table.is_some_and(|table| in_table(&table))
    }
}

/// All rows of `crates/FORMATS.md` that explain names.
pub fn formats() -> Vec<Row> {
    rows(FORMATS)
}

/// All rows of `crates/ERRORS.md`: one code each.
pub fn errors() -> Vec<Row> {
    rows(ERRORS)
}

/// The rows of the Markdown tables of a document whose first cell has names in backticks.
fn rows(document: &str) -> Vec<Row> {
    let (mut section, mut head, mut table) = (String::new(), Vec::new(), None);
    let mut found = Vec::new();
    let mut previous: Vec<String> = Vec::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut section);
        }
        if !line.starts_with('|') {
            (head, table) = (Vec::new(), None);
            continue;
        }
        let cells = cells(line);
        if cells.iter().all(|cell| cell.chars().all(|c| c == '-' || c == ':')) {
            head = std::mem::take(&mut previous);
        } else if head.is_empty() {
            previous = cells;
        } else {
            let (first, rest) = cells.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            let names = names(first, &mut table);
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

/// The names in a first cell. Two names in a row are a table and its key, and `…` repeats the table of the row before.
fn names(cell: &str, table: &mut Option<String>) -> Vec<String> {
    let mut names = Vec::new();
    let mut between = "";
    for (index, part) in cell.split('`').enumerate() {
        if index % 2 == 0 {
            between = part;
            continue;
        }
        if between.trim().is_empty() && !names.is_empty() {
            *table = names.pop();
        } else if names.is_empty() && !between.contains('…') {
            *table = None;
        }
        names.push(part.to_owned());
    }
    names
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
        assert!(trials.iter().any(|row| row.section == "Experiment" && row.names == ["trials", "shots"]));
        assert_eq!(explained("accuracy_mean")[0].section, "Run folder");
        assert_eq!(plain("a [preset](#process), or [x] y"), "a preset, or [x] y");
        assert_eq!(cells("| `a` | \\|x\\| |"), ["`a`", "|x|"]);
    }

    /// Every variant of every error has a code, or it would not compile; every code has a text, and every text a code.
    #[test]
    fn every_code_of_an_error_has_one_text_and_a_remedy() {
        use phaseloom::{experiment, files, hardware, mesh, network, numerics, report, validation};
        let mut codes: Vec<u16> = [
            &[1, 2][..],
            files::FileError::CODES,
            numerics::NumericsError::CODES,
            mesh::MeshError::CODES,
            hardware::HardwareError::CODES,
            hardware::spectra::SpectraError::CODES,
            network::NetworkError::CODES,
            experiment::ExperimentError::CODES,
            experiment::Problem::CODES,
            report::ReportError::CODES,
            validation::ValidationError::CODES,
            phaseloom::Error::CODES,
        ]
        .concat();
        codes.sort_unstable();
        let texts: Vec<String> = errors().iter().flat_map(|row| row.names.clone()).collect();
        assert_eq!(texts, codes.iter().map(|code| format!("E{code:04}")).collect::<Vec<_>>());
        for row in errors() {
            let heads: Vec<&str> = row.cells.iter().map(|(head, _)| head.as_str()).collect();
            assert_eq!(heads, ["cause", "remedy"], "{:?}", row.names);
        }
    }
}
