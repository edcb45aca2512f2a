//! The command `explain`: what a key, a method, a column or an error code means.
//!
//! Texts come from the lists of components in the code, from the tables of `crates/FORMATS.md` and from `crates/ERRORS.md`.

mod catalogue;
mod documents;

use super::Exit;
use super::terminal::output;
use catalogue::{Catalogue, catalogues};
use clap::Args;
use documents::{Row, errors, formats};
use phaseloom::files::{canonical, folded, nearest};
use phaseloom::hardware::{HardwareError, PRESET_PREFIX, PRESET_STATE, preset};
use std::collections::BTreeSet;

/// Explain a key, method, column, preset or error code; alone, list all
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
}

impl Explain {
    pub fn execute(self) -> anyhow::Result<Exit> {
        let text = match &self.name {
            None => all(),
            Some(name) => explained(name)?,
        };
        output::print(&text)?;
        Ok(Exit::Done)
    }
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
    let mut text: String = catalogues().iter().map(listed).collect();
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

/// All that is known of a name.
fn explained(name: &str) -> anyhow::Result<String> {
    let name = &without_layer_index(name);
    let name = name.strip_prefix(PRESET_PREFIX).unwrap_or(name);
    let mut parts = Vec::new();
    for list in catalogues() {
        let plural = list.title.split(' ').next().unwrap_or(list.kind);
        if [list.kind, plural].iter().any(|kind| folded(kind) == folded(name)) {
            parts.push(listed(&list));
            continue;
        }
        let Some(key) = canonical(list.entries.iter().map(|(key, _)| *key), list.aliases, name) else { continue };
        if list.kind == "preset" {
            parts.push(preset_text(key)?);
            continue;
        }
        for (_, line) in list.entries.iter().filter(|(own, _)| *own == key) {
            let mut text = format!("{key}: {}\n{}", list.kind, paragraph("", line, 2));
            let aliases = list.aliases_of(key);
            if !aliases.is_empty() {
                text += &paragraph("also", &aliases.join(", "), 12);
            }
            parts.push(text);
        }
    }
    let rows: Vec<Row> = formats().into_iter().chain(errors()).collect();
    let holds = |row: &&Row| {
        let in_section = folded(&row.section) == folded(name) || row.table.as_deref() == Some(name);
        in_section || row.explains(name)
    };
    parts.extend(rows.iter().filter(holds).map(row_text));
    if parts.is_empty() {
        return Err(unknown(name, &rows));
    }
    Ok(parts.join("\n"))
}

/// A row as a heading and its cells.
fn row_text(row: &Row) -> String {
    let names = row.names.join(", ");
    let what = row.what.replace('`', "");
    let what = if what.contains("key") { "key" } else { what.as_str() };
    let place = match (&row.table, row.section.as_str()) {
        (_, "") => String::new(),
        (Some(table), section) => format!(" of [{table}], {section}"),
        (None, section) => format!(", {section}"),
    };
    let mut text = format!("{names}: {what}{place}\n");
    let column = row.cells.iter().map(|(head, _)| head.chars().count() + 4).max().unwrap_or(0).max(12);
    for (head, cell) in &row.cells {
        let cell = if head == "default" && cell == "–" { "must be given" } else { cell };
        text += &paragraph(head, cell, column);
    }
    text
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
    let mut known: BTreeSet<String> = keys.chain(kinds).chain(rows).filter(|name| !name.is_empty()).collect();
    let mut near = Vec::new();
    while near.len() < 3 {
        let Some(next) = nearest(name, known.iter().map(String::as_str)).map(str::to_owned) else { break };
        known.remove(&next);
        near.push(format!("`{next}`"));
    }
    let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
    anyhow::anyhow!(
        "`{name}`: found no key, method, column, section or error code of this name, expected one that `phaseloom explain` \
         lists{near}"
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
            explained(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert!(names.len() > 400, "only {} names", names.len());
    }

    #[test]
    fn a_preset_is_printed_as_a_file() {
        for preset in phaseloom::hardware::PRESETS {
            explained(preset.key).unwrap().parse::<toml::Table>().unwrap_or_else(|e| panic!("{}: {e}", preset.key));
        }
    }
}
