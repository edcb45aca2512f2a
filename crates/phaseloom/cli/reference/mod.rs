//! The reference of the book: the generated parts of its pages are those that the program makes.
//!
//! `UPDATE_REFERENCE=1 cargo test --workspace --lib reference` writes them again.

mod commands;

use super::explain::catalogue::{Catalogue, catalogues};
use super::terminal::error_text;
use super::{compare, correct, cost, heaters};
use phaseloom::experiment::columns;
use phaseloom::experiment::yields::budget::BUDGET_COLUMNS;
use phaseloom::experiment::yields::sensitivity::SENSITIVITY_COLUMNS;
use phaseloom::experiment::yields::share::YIELD_COLUMNS;
use phaseloom::experiment::yields::tolerance::{CRITICAL_COLUMNS, TOLERANCE_COLUMNS};
use phaseloom::files::ColumnText;
use phaseloom::hardware::{PRESET_STATE, PRESETS};
use phaseloom::network::train::{HISTORY_COLUMNS, LAYER_STATISTICS_COLUMNS};
use phaseloom::study;
use phaseloom::validation::{CLAIMS, CLAIMS_COLUMNS};
use phaseloom_book as book;
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[test]
fn the_reference_is_that_of_the_program() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut files = Vec::new();
    for path in pages(&docs) {
        let page = std::fs::read_to_string(&path).unwrap();
        let renewed = book::renewed(&page, region).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        files.push((path, renewed));
    }
    files.extend(
        book::schemas().into_iter().map(|(name, text)| (docs.join(format!("reference/schema/{name}.json")), text)),
    );
    let stale = book::compare(&files, std::env::var_os("UPDATE_REFERENCE").is_some()).unwrap();
    assert!(
        stale.is_empty(),
        "not what the program makes: {stale:?}; run `UPDATE_REFERENCE=1 cargo test --workspace --lib reference`"
    );
}

/// All pages below a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let of_entry = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => pages(&path),
        Some(ending) if ending == "md" => vec![path],
        _ => Vec::new(),
    };
    entries.into_iter().flat_map(of_entry).collect()
}

/// A generated part: `commands`, `errors`, `presets`, `catalogue KIND`, `columns TABLE` or `keys PAGE`.
fn region(name: &str) -> Option<String> {
    match name.split_once(' ').unwrap_or((name, "")) {
        ("commands", _) => Some(commands::page()),
        ("errors", _) => Some(errors()),
        ("presets", _) => Some(presets()),
        ("catalogue", kind) => catalogues().iter().find(|list| list.kind == kind).map(entries),
        ("columns", table) => columns_of(table).map(|(file, columns)| columns_table(file, columns)),
        ("keys", page) => book::keys(page),
        _ => None,
    }
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn errors() -> String {
    let mut text = "| code | cause | remedy |\n|---|---|---|\n".to_owned();
    for (code, cause, remedy) in error_text::codes() {
        let _ = writeln!(text, "| `E{code:04}` | {} | {} |", cell(cause), cell(remedy));
    }
    text
}

/// The files of the presets, with the source of every number in their comments.
fn presets() -> String {
    let mut text = format!("State of calibration of all presets: {PRESET_STATE}.\n");
    for preset in PRESETS {
        let _ = write!(
            text,
            "\n## `{}`\n\n{}.\n\n```toml\n{}\n```\n",
            preset.key,
            sentence(preset.line),
            preset.text.trim()
        );
    }
    text
}

/// The text with a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The entries of a list, with other names and, of conventions and claims, the source.
fn entries(list: &Catalogue) -> String {
    let source = |key: &str| match list.kind {
        "claim" => CLAIMS.iter().find(|claim| claim.key == key).map(|claim| claim.source.to_owned()),
        _ => None,
    };
    let sources = list.entries.iter().any(|(key, _)| source(key).is_some());
    let mut heads = vec!["key", "what it is"];
    heads.extend((!list.aliases.is_empty()).then_some("also"));
    heads.extend(sources.then_some("source"));
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for (key, line) in &list.entries {
        let mut cells = vec![format!("`{key}`"), cell(line)];
        let also: Vec<String> = list.aliases_of(key).iter().map(|alias| format!("`{alias}`")).collect();
        cells.extend((!list.aliases.is_empty()).then(|| also.join(", ")));
        cells.extend(sources.then(|| cell(&source(key).unwrap_or_default())));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// The file, or the command that prints the table, and the columns.
fn columns_of(table: &str) -> Option<(&'static str, &'static [ColumnText])> {
    Some(match table {
        "all" => ("all tables", columns::LEADING_COLUMNS),
        "table" => ("`table.csv`", columns::TABLE_COLUMNS),
        "layers" => ("each layer", columns::LAYER_COLUMNS),
        "summary" => ("`summary.csv`", columns::SUMMARY_COLUMNS),
        "design" => ("`design.csv`", columns::DESIGN_COLUMNS),
        "classes" => ("`classes.csv`", columns::CLASSES_COLUMNS),
        "confusion" => ("`confusion.csv`", columns::CONFUSION_COLUMNS),
        "matrix" => ("`table.csv` without a network", columns::MATRIX_COLUMNS),
        "matrix-summary" => ("`summary.csv` without a network", columns::MATRIX_SUMMARY_COLUMNS),
        "claims" => ("`claims.csv`", &CLAIMS_COLUMNS),
        "compare" => ("`table.csv` of `compare`", compare::COLUMNS),
        "cost" => ("`cost.csv`", cost::COST_COLUMNS),
        "energy" => ("`energy.csv`", cost::ENERGY_COLUMNS),
        "electronics" => ("`electronics.csv`", cost::ELECTRONICS_COLUMNS),
        "tests" => ("`tests.csv`", cost::TESTS_COLUMNS),
        "turning" => ("`turning.csv`", cost::TURNING_COLUMNS),
        "break-even" => ("`break-even.csv`", cost::BREAK_EVEN_COLUMNS),
        "yield" => ("`yield.csv`", YIELD_COLUMNS),
        "tolerance" => ("`tolerance.csv`", TOLERANCE_COLUMNS),
        "critical" => ("`critical.csv`", CRITICAL_COLUMNS),
        "budget" => ("`budget.csv`", BUDGET_COLUMNS),
        "sensitivity" => ("`sensitivity.csv`", SENSITIVITY_COLUMNS),
        "study-table" => ("`table.csv` of a study", study::TABLE_COLUMNS),
        "study-training" => ("`training.csv` of a study", study::TRAINING_COLUMNS),
        "study-summary" => ("`summary.csv` of a study", study::SUMMARY_COLUMNS),
        "study-tests" => ("Further columns of `table.csv` of a study", study::TEST_COLUMNS),
        "study-sequence" => ("`sequence.csv` of a study", study::SEQUENCE_COLUMNS),
        "study-criteria" => ("`criteria.csv` of a study", study::CRITERIA_COLUMNS),
        "layer-statistics" => ("`…-layers.csv` of `train`, `layers.csv` of a study", LAYER_STATISTICS_COLUMNS),
        "history" => ("`…-history.csv` of `train`", HISTORY_COLUMNS),
        "heaters" => ("the table of `heaters`", &heaters::COLUMNS),
        "correct" => ("the results of `correct`", &correct::COLUMNS),
        _ => return None,
    })
}

fn columns_table(file: &str, columns: &[ColumnText]) -> String {
    let mut text = format!("| column of {file} | unit | meaning |\n|---|---|---|\n");
    for (name, unit, meaning) in columns {
        let _ = writeln!(text, "| `{name}` | {unit} | {} |", cell(meaning));
    }
    text
}
