//! The command `explain`: what a key, a method, a column or an error code means.
//!
//! Texts come from the lists of components in the code, from the tables of the reference and from the codes of the errors.

pub mod catalogue;
mod documents;

use super::Exit;
use super::terminal::output;
use catalogue::{Catalogue, catalogues, commands};
use clap::Args;
use documents::{Row, errors, formats, terms};
use phaseloom::files::{ResultTable, Results, canonical, folded, nearest};
use phaseloom::hardware::{HardwareError, PRESET_PREFIX, PRESET_STATE, preset};
use std::collections::BTreeSet;

/// Explain a key, method, column, command, preset or error code; alone, list all
///
/// A name may be the key of a file (splitter_error.sigma_rad), a topology, a cell, a convention, an imperfection, a
/// correction, a preset, a layer or a claim, one of these words, a section of the file formats (process), a column of a
/// table (accuracy_q50), or a code (E0104). Case, `_` and `-` do not matter.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom explain sigma_rad\n  \
    phaseloom explain clements\n  \
    phaseloom explain thermo-optic-silicon\n  \
    phaseloom explain E0104\n  \
    phaseloom explain topology\n  \
    phaseloom explain")]
pub struct Explain {
    /// The name [default: list all]
    name: Option<String>,
    #[command(flatten)]
    format: output::Format,
}

impl Explain {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let mut results = Results::default();
        let mut table = ResultTable::new("explanations", &["name", "kind", "text"]);
        let explanations = match &self.name {
            None => {
                results.show(all());
                listed_names()
            }
            Some(name) => {
                let explanations = explained(name)?;
                results.value("name", name.as_str());
                results.show(text_of(&explanations));
                explanations
            }
        };
        explanations.into_iter().for_each(|entry| table.row([entry.name.into(), entry.kind.into(), entry.text.into()]));
        results.table(table);
        output::print_results(&results, self.format)?;
        Ok(Exit::Done)
    }
}

/// What is known of one meaning of a name.
struct Explanation {
    /// The names that it explains.
    name: String,
    /// Such as `topology`, or the place of a key.
    kind: String,
    /// The text without line breaks; of a preset the file.
    text: String,
    /// The lines on the terminal.
    lines: String,
}

impl Explanation {
    fn new(name: &str, kind: &str, text: &str, lines: String) -> Self {
        Self { name: name.to_owned(), kind: kind.to_owned(), text: text.to_owned(), lines }
    }
}

/// The lines of all explanations on the terminal.
fn text_of(explanations: &[Explanation]) -> String {
    let lines = explanations.iter().map(|entry| entry.lines.as_str()).filter(|lines| !lines.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// All names with their texts.
fn listed_names() -> Vec<Explanation> {
    let commands = commands().into_iter().map(|(key, line)| Explanation::new(&key, "command", &line, String::new()));
    let lists = catalogues().into_iter().flat_map(|list| list_entries(&list));
    let rows: Vec<Row> = formats().into_iter().chain(errors()).collect();
    commands.chain(lists).chain(rows.iter().map(row_explanation).collect::<Vec<_>>()).collect()
}

/// The entries of a list.
fn list_entries(list: &Catalogue) -> Vec<Explanation> {
    let entry = |(key, line): &(&str, &str)| Explanation::new(key, list.kind, line, String::new());
    list.entries.iter().map(entry).collect()
}

/// List every topology, cell, convention, imperfection, correction, preset, link part, detection, layer, figure and claim
#[derive(Args)]
#[command(hide = true)]
pub struct List {}

impl List {
    pub fn execute(self) -> anyhow::Result<Exit> {
        output::print(&all())?;
        Ok(Exit::Done)
    }
}

/// Print a preset of a process
///
/// A preset is an ordinary process file with the source of every number, to read, copy and change. It describes chips as
/// fabricated, before any correction. Every argument that takes a process also takes preset:KEY.
#[derive(Args)]
#[command(hide = true)]
#[command(after_help = "Examples:\n  \
    phaseloom preset thermo-optic-silicon\n  \
    phaseloom preset mems-silicon > process.toml")]
pub struct Preset {
    /// Key of the preset, see `phaseloom explain preset`
    key: String,
}

impl Preset {
    pub fn execute(self) -> anyhow::Result<Exit> {
        output::print(&preset_text(&self.key)?)?;
        Ok(Exit::Done)
    }
}

/// The file of a preset, with the state that it describes.
fn preset_text(key: &str) -> Result<String, HardwareError> {
    let text = preset(key).map_err(HardwareError::Preset)?.text;
    Ok(format!("# State of calibration: {PRESET_STATE}.\n{text}"))
}

/// Width of the text under a key.
const WIDTH: usize = 78;

/// All components, then the names of all keys and columns, then all error codes.
fn all() -> String {
    let mut text = "commands\n".to_owned();
    commands().iter().for_each(|(key, line)| text += &paragraph(key, line, 23));
    text += &catalogues().iter().map(listed).collect::<String>();
    text += "keys and columns, by section of the file formats\n";
    let rows = formats();
    let mut sections: Vec<&str> = rows.iter().map(|row| row.section.as_str()).collect();
    sections.dedup();
    for section in sections {
        let own = rows.iter().filter(|row| row.section == section);
        let names: Vec<String> = own.flat_map(|row| row.names.iter().map(|name| full_name(row, name))).collect();
        text += &paragraph(section, &names.join(", "), 23);
    }
    text += "error codes\n";
    for row in errors() {
        text += &paragraph(&row.names.join(", "), &row.cells[0].1, 23);
    }
    text
}

/// A key with the table that holds it.
fn full_name(row: &Row, name: &str) -> String {
    row.table.as_ref().map_or_else(|| name.to_owned(), |table| format!("{table}.{name}"))
}

/// A list with one line for each entry.
fn listed(list: &Catalogue) -> String {
    let mut text = paragraph("", &list.title, 0);
    for (key, line) in &list.entries {
        let aliases = list.aliases_of(key);
        let also = if aliases.is_empty() { String::new() } else { format!("; also: {}", aliases.join(", ")) };
        text += &paragraph(key, &format!("{line}{also}"), 23);
    }
    text
}

/// The name of a column of one layer as the documents have it, for all layers; other names as they are.
fn without_layer_index(name: &str) -> String {
    let rest = name.strip_prefix("layer").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let column = rest.and_then(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('_'));
    column.map_or_else(|| name.to_owned(), |column| format!("layer<i>_{column}"))
}

/// Statistics over chips that end the name of a column of `summary.csv`.
const STATISTICS: [&str; 6] = ["mean", "sd", "se", "q10", "q50", "q90"];

/// A column of a statistic, such as `infidelity_se`, as its quantity and the name that the documents have.
fn statistic(name: &str) -> Option<(&str, String)> {
    let (quantity, statistic) = name.rsplit_once('_')?;
    STATISTICS.contains(&statistic).then(|| (quantity, format!("<column>_{statistic}")))
}

/// A column of one array of electronics, such as `systolic_ratio`, as the name that the documents have.
fn array_column(name: &str) -> Option<String> {
    let (_, column) = ["systolic", "tree"].iter().find_map(|array| name.split_once(&format!("{array}_")))?;
    Some(format!("<array>_{column}"))
}

/// All that is known of a name.
fn explained(name: &str) -> anyhow::Result<Vec<Explanation>> {
    let name = &without_layer_index(name);
    let name = name.strip_prefix(PRESET_PREFIX).unwrap_or(name);
    let mut found = Vec::new();
    for (key, line) in commands().iter().filter(|(key, _)| folded(key) == folded(name)) {
        let options = format!("`phaseloom {key} --help` shows its options");
        let lines = format!("{key}: command\n{}{}", paragraph("", line, 2), paragraph("", &options, 2));
        found.push(Explanation::new(key, "command", &format!("{line}; {options}"), lines));
    }
    for list in catalogues() {
        let plural = list.title.split(' ').next().unwrap_or(list.kind);
        if [list.kind, plural].iter().any(|kind| folded(kind) == folded(name)) {
            let mut entries = list_entries(&list);
            if let Some(first) = entries.first_mut() {
                // The list is printed as a whole.
                first.lines = listed(&list);
            }
            found.extend(entries);
            continue;
        }
        let Some(key) = canonical(list.entries.iter().map(|(key, _)| *key), list.aliases, name) else { continue };
        if list.kind == "preset" {
            let text = preset_text(key)?;
            found.push(Explanation::new(key, "preset", &text, text.clone()));
            continue;
        }
        for (_, line) in list.entries.iter().filter(|(own, _)| *own == key) {
            let mut lines = format!("{key}: {}\n{}", list.kind, paragraph("", line, 2));
            let aliases = list.aliases_of(key);
            if !aliases.is_empty() {
                lines += &paragraph("also", &aliases.join(", "), 12);
            }
            found.push(Explanation::new(key, list.kind, line, lines));
        }
    }
    let rows: Vec<Row> = formats().into_iter().chain(errors()).chain(terms()).collect();
    let of_name = |name: &str| {
        let holds = |row: &&Row| {
            let in_section = folded(&row.section) == folded(name) || row.table.as_deref() == Some(name);
            in_section || row.explains(name)
        };
        rows.iter().filter(holds).map(row_explanation).collect::<Vec<_>>()
    };
    found.extend(of_name(name));
    if let (true, Some((quantity, statistic))) = (found.is_empty(), statistic(name)) {
        let columns = of_name(quantity);
        if !columns.is_empty() {
            found.extend(columns.into_iter().chain(of_name(&statistic)));
        }
    }
    if let (true, Some(column)) = (found.is_empty(), array_column(name)) {
        found.extend(of_name(&column));
    }
    if found.is_empty() {
        return Err(unknown(name, &rows));
    }
    Ok(found)
}

/// A row as a heading and its cells.
fn row_explanation(row: &Row) -> Explanation {
    let names = row.names.join(", ");
    let what = row.what.replace('`', "");
    let what = if what.contains("key") { "key" } else { what.as_str() };
    let place = match (&row.table, row.section.as_str()) {
        (_, "") => String::new(),
        (Some(table), section) => format!(" of [{table}], {section}"),
        (None, section) => format!(", {section}"),
    };
    let kind = format!("{what}{place}");
    let mut lines = format!("{names}: {kind}\n");
    let column = row.cells.iter().map(|(head, _)| head.chars().count() + 4).max().unwrap_or(0).max(12);
    let mut texts = Vec::new();
    for (head, cell) in &row.cells {
        let cell = if head == "default" && cell == "–" { "must be given" } else { cell };
        lines += &paragraph(head, cell, column);
        texts.push(format!("{head}: {cell}"));
    }
    Explanation::new(&names, &kind, &texts.join("; "), lines)
}

/// A heading and a text, wrapped, with the text at a column.
fn paragraph(head: &str, text: &str, column: usize) -> String {
    let mut lines = Vec::new();
    let mut line = if head.is_empty() { " ".repeat(column) } else { format!("  {head:<width$}", width = column - 2) };
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(column)));
            empty = true;
        }
        if !empty || (line.chars().count() > column && !line.ends_with(' ')) {
            line.push(' ');
        }
        line += word;
        empty = false;
    }
    lines.push(line);
    lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The error of a name that nothing has, with the nearest ones.
fn unknown(name: &str, rows: &[Row]) -> anyhow::Error {
    let lists = catalogues();
    let keys = lists.iter().flat_map(|list| list.entries.iter().chain(list.aliases).map(|(key, _)| (*key).to_owned()));
    let kinds = lists.iter().map(|list| list.kind.to_owned());
    let rows = rows.iter().flat_map(|row| row.names.iter().cloned().chain([row.section.clone()]));
    let commands = commands().into_iter().map(|(key, _)| key);
    let mut known: BTreeSet<String> =
        keys.chain(kinds).chain(commands).chain(rows).filter(|name| !name.is_empty()).collect();
    let mut near = Vec::new();
    while near.len() < 3 {
        let Some(next) = nearest(name, known.iter().map(String::as_str)).map(str::to_owned) else { break };
        known.remove(&next);
        near.push(format!("`{next}`"));
    }
    let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
    anyhow::anyhow!(
        "`{name}`: found no key, method, column, command, section, term or error code of this name, expected one that \
         `phaseloom explain` lists, or a term of the glossary{near}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_has_an_explanation() {
        let mut names = Vec::new();
        for list in catalogues() {
            names.push(list.kind.to_owned());
            names.extend(list.entries.iter().chain(list.aliases).map(|(key, _)| (*key).to_owned()));
            for (alias, key) in list.aliases {
                assert!(list.entries.iter().any(|(own, _)| own == key), "{alias} is an alias of no key: {key}");
                assert!(list.entries.iter().all(|(own, _)| folded(own) != folded(alias)), "{alias} is a key itself");
            }
        }
        for row in formats().iter().chain(&errors()) {
            names.push(row.section.clone());
            names.extend(row.names.iter().map(|name| full_name(row, name)));
        }
        for name in names.iter().filter(|name| !name.is_empty()) {
            explained(name).map(|_| ()).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for (name, text) in [
            ("heater", "warms the waveguide"),
            ("dB", "ratio of powers"),
            ("decibel", "ratio of powers"),
            ("systolic_ratio", "Energy of electronics"),
            ("tree_q05", "5 % quantile"),
        ] {
            let found = explained(name).unwrap();
            assert!(found.iter().any(|entry| entry.text.contains(text)), "{name}");
        }
        assert!(names.len() > 400, "only {} names", names.len());
    }

    #[test]
    fn a_preset_is_printed_as_a_file() {
        for preset in phaseloom::hardware::PRESETS {
            text_of(&explained(preset.key).unwrap())
                .parse::<toml::Table>()
                .unwrap_or_else(|e| panic!("{}: {e}", preset.key));
        }
    }
}
