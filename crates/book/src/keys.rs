//! Tables of keys, from the types that read the files and their doc comments.
//!
//! The sentences `Range: …` and `Default: …` of a comment, and a unit in parentheses, have columns of their own.

use phaseloom_experiment::Config;
use phaseloom_hardware::spectra::SpectraSpec;
use phaseloom_hardware::{CoreSpec, Link, Process};
use phaseloom_network::{Calibration, DataSpec, ModelSpec, TrainSpec};
use phaseloom_study::StudySpec;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::fmt::Write;

/// The page of each file or table: name, name of its type, schema.
type FilePage = (&'static str, &'static str, fn(SchemaSettings) -> Schema);

fn schema_of<T: schemars::JsonSchema>(settings: SchemaSettings) -> Schema {
    settings.into_generator().into_root_schema_for::<T>()
}

const PAGES: [FilePage; 10] = [
    ("experiment", "Config", schema_of::<Config>),
    ("core", "CoreSpec", schema_of::<CoreSpec>),
    ("process", "Process", schema_of::<Process>),
    ("link", "Link", schema_of::<Link>),
    ("data", "DataSpec", schema_of::<DataSpec>),
    ("model", "ModelSpec", schema_of::<ModelSpec>),
    ("training", "TrainSpec", schema_of::<TrainSpec>),
    ("study", "StudySpec", schema_of::<StudySpec>),
    ("spectra", "SpectraSpec", schema_of::<SpectraSpec>),
    ("calibration", "Calibration", schema_of::<Calibration>),
];

/// Units as doc comments write them in parentheses.
const UNITS: [&str; 16] =
    ["bytes", "byte/s", "µm", "rad", "dB of power", "dB/Hz", "dB", "Hz", "m", "W", "A/W", "A/√Hz", "Ω", "K", "s", "nm"];

/// The JSON schemas of files that people write, with the names of the pages, in the draft that editors know.
#[must_use]
pub fn schemas() -> Vec<(&'static str, String)> {
    let files = ["experiment", "process", "model", "training", "study", "spectra"];
    let written = PAGES.iter().filter(|(name, ..)| files.contains(name));
    written.map(|(name, _, schema)| (*name, format!("{:#}\n", schema(SchemaSettings::draft07()).to_value()))).collect()
}

/// The tables of keys of a page.
#[must_use]
pub fn keys(page: &str) -> Option<String> {
    let (_, own, schema) = PAGES.iter().find(|(name, ..)| *name == page)?;
    let root = schema(SchemaSettings::default()).to_value();
    let mut text = String::new();
    let mut waiting = vec![(String::new(), root.clone())];
    let mut written: Vec<(String, Value)> = Vec::new();
    while let Some((path, table)) = waiting.pop() {
        if let Some((same, _)) = written.iter().find(|(_, known)| *known == table) {
            let _ = writeln!(text, "## `{path}`\n\nThe keys are those of `{same}`.\n");
            continue;
        }
        written.push((path.clone(), table.clone()));
        let nested = one_table(&root, own, &path, &table, &mut text);
        waiting.extend(nested.into_iter().rev());
    }
    Some(text)
}

/// Writes a table of keys; the tables within it.
fn one_table(root: &Value, own: &str, path: &str, table: &Value, text: &mut String) -> Vec<(String, Value)> {
    if !path.is_empty() {
        let _ = writeln!(text, "## `{path}`\n");
        let about = paragraphs(table).unwrap_or_default();
        // "Table `[x]` of a process file: …" repeats the heading.
        let names_itself = about.starts_with('`') || about.starts_with("Table `");
        let about = if names_itself { about.split_once(": ").map_or("", |(_, rest)| rest) } else { &about };
        if !about.is_empty() {
            let _ = writeln!(text, "{}\n", sentence(about));
        }
    }
    text.push_str("| key | type | unit | range | default | meaning |\n|---|---|---|---|---|---|\n");
    let empty = serde_json::Map::new();
    let properties = table["properties"].as_object().unwrap_or(&empty);
    let mut nested = Vec::new();
    for (key, property) in properties {
        let required = table["required"].as_array().is_some_and(|all| all.iter().any(|name| name == key));
        let described = Described::new(root, own, property);
        let default = match &described.default {
            Some(default) => default.clone(),
            None if required => "–".to_owned(),
            None => property.get("default").filter(|value| !value.is_null()).map_or("absent".to_owned(), toml_value),
        };
        let cells = [&described.kind, &described.unit, &described.range, &default, &described.meaning];
        let cells: Vec<String> = cells.into_iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(text, "| `{key}` | {} |", cells.join(" | "));
        let inner = path.trim_start_matches('[').trim_end_matches(']');
        let full = if inner.is_empty() { key.clone() } else { format!("{inner}.{key}") };
        let (open, close) = if described.is_list { ("[[", "]]") } else { ("[", "]") };
        nested.extend(described.table.map(|table| (format!("{open}{full}{close}"), table)));
    }
    text.push('\n');
    nested
}

/// A property as the cells of its row.
#[derive(Default)]
struct Described {
    kind: String,
    unit: String,
    range: String,
    default: Option<String>,
    meaning: String,
    /// The schema of a table that has no page of its own.
    table: Option<Value>,
    is_list: bool,
}

impl Described {
    fn new(root: &Value, own: &str, property: &Value) -> Self {
        let mut described = Self::default();
        let text = paragraphs(property).or_else(|| paragraphs(&resolved(root, property))).unwrap_or_default();
        let (text, range) = without_sentence(&text, "Range: ");
        let (text, default) = without_sentence(&text, "Default: ");
        let values = described.set_kind(root, own, property);
        let is_number = ["number", "integer"].iter().any(|number| described.kind.contains(number));
        let (text, unit) = if is_number { without_unit(&text) } else { (text, String::new()) };
        (described.meaning, described.range, described.default, described.unit) =
            (sentence(&text), range.unwrap_or_default(), default, unit);
        if !values.is_empty() {
            let _ = write!(described.meaning, " {}", values.join(" "));
        }
        described
    }

    /// Sets type and table; the values of an enumeration with their texts.
    fn set_kind(&mut self, root: &Value, own: &str, property: &Value) -> Vec<String> {
        let schema = resolved(root, property);
        let items = resolved(root, &schema["items"]);
        if let Some(table) = one_of_tables(root, &items) {
            (self.kind, self.is_list, self.table) = ("tables".to_owned(), true, Some(table));
            return Vec::new();
        }
        if page_of(property, own).is_some() {
            self.kind = kind(root, own, property);
            return Vec::new();
        }
        if schema["properties"].is_object() {
            self.kind = "table".to_owned();
            self.table = Some(schema);
            return Vec::new();
        }
        if items["properties"].is_object() {
            (self.kind, self.is_list, self.table) = ("tables".to_owned(), true, Some(items));
            return Vec::new();
        }
        self.kind = kind(root, own, property);
        let Some(variants) = schema["oneOf"].as_array() else { return Vec::new() };
        let named = variants.iter().filter_map(|variant| {
            let text = paragraphs(variant)?;
            Some(format!("`{}`: {}", variant.get("const")?, lower(&text)))
        });
        named.collect()
    }
}

/// The text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') || text.is_empty() { "" } else { "." };
    first + letters.as_str() + end
}

/// A meaning of a key, and the kinds that it has it in.
type Meaning = (String, Vec<String>);

/// A table of the keys of all variants of an enumeration with the tag `kind`. A key names the kinds that it belongs to, and has
/// a text for each of its meanings.
fn one_of_tables(root: &Value, schema: &Value) -> Option<Value> {
    let variants =
        schema["oneOf"].as_array().filter(|variants| variants.iter().all(|one| one["properties"].is_object()))?;
    // Key, first property, meanings.
    let mut keys: Vec<(String, Value, Vec<Meaning>)> = Vec::new();
    let mut required: Vec<Value> = vec!["kind".into()];
    for variant in variants {
        let kind = variant["properties"]["kind"]["const"].as_str()?;
        let settings = resolved(root, variant);
        required.extend(settings["required"].as_array().into_iter().flatten().cloned());
        for (key, property) in settings["properties"].as_object()?.iter().filter(|(key, _)| *key != "kind") {
            let text = lower(&paragraphs(property).unwrap_or_default());
            let known = keys.iter().position(|(known, ..)| known == key).unwrap_or_else(|| {
                keys.push((key.clone(), property.clone(), Vec::new()));
                keys.len() - 1
            });
            let meanings = &mut keys[known].2;
            match meanings.iter_mut().find(|(known, _)| *known == text) {
                Some((_, kinds)) => kinds.push(format!("`{kind}`")),
                None => meanings.push((text, vec![format!("`{kind}`")])),
            }
        }
    }
    let mut properties = serde_json::Map::new();
    properties.insert("kind".to_owned(), json!({ "type": "string", "description": "Kind of the layer." }));
    for (key, mut property, meanings) in keys {
        let meanings: Vec<String> =
            meanings.iter().map(|(text, kinds)| format!("Of {}: {text}", kinds.join(", "))).collect();
        property["description"] = meanings.join(" ").into();
        properties.insert(key, property);
    }
    let about = schema["description"].clone();
    Some(json!({ "description": about, "properties": properties, "required": required }))
}

/// The first letter in lower case, unless an abbreviation begins with it.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// The page of a table that is no part of this one.
fn page_of(schema: &Value, own: &str) -> Option<&'static str> {
    let only = match alternatives(schema)[..] {
        [only] => only,
        _ => schema,
    };
    let name = only["$ref"].as_str()?.strip_prefix("#/$defs/")?;
    PAGES.iter().find(|(_, kind, _)| *kind == name && name != own).map(|(page, ..)| *page)
}

/// The schemas of `anyOf`, without that of null.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let all: Vec<&Value> = schema["anyOf"].as_array().map(|all| all.iter().collect()).unwrap_or_default();
    all.into_iter().filter(|one| one["type"] != "null").collect()
}

/// The schema that a reference names, also within an option.
fn resolved(root: &Value, schema: &Value) -> Value {
    let alternatives = alternatives(schema);
    if let [only] = alternatives[..] {
        return resolved(root, only);
    }
    let Some(path) = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) else { return schema.clone() };
    let mut found = root.pointer(path).cloned().unwrap_or_default();
    if schema["properties"].is_object() {
        // A variant with a tag: its own keys and those of its settings.
        let more = schema["properties"].as_object().cloned().unwrap_or_default();
        if let Some(properties) = found["properties"].as_object_mut() {
            properties.extend(more);
        }
    }
    found
}

/// The type in words.
fn kind(root: &Value, own: &str, schema: &Value) -> String {
    if let Some(page) = page_of(schema, own) {
        return format!("[table]({page}.md)");
    }
    let schema = resolved(root, schema);
    let several = alternatives(&schema);
    if !several.is_empty() {
        let kinds: Vec<String> = several.iter().map(|one| kind(root, own, one)).collect();
        return kinds.join(" or ");
    }
    if let Some(variants) = schema["oneOf"].as_array() {
        let values: Vec<String> = variants.iter().flat_map(values).collect();
        return values.join(", ");
    }
    if schema["enum"].is_array() {
        return values(&schema).join(", ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect(),
        _ => Vec::new(),
    };
    match types[..] {
        ["array"] => format!("list of {}", kind(root, own, &schema["items"])),
        ["string"] => "text".to_owned(),
        ["boolean"] => "true or false".to_owned(),
        ["object"] => "table".to_owned(),
        [one] => one.to_owned(),
        _ => "any value".to_owned(),
    }
}

/// The values of an enumeration.
fn values(schema: &Value) -> Vec<String> {
    let several = schema["enum"].as_array().cloned().unwrap_or_default();
    several.iter().chain(schema.get("const")).map(|value| format!("`{value}`")).collect()
}

/// The doc comment in one paragraph, without links.
fn paragraphs(schema: &Value) -> Option<String> {
    let text = schema["description"].as_str()?;
    let text = text.split("```").next().unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(words.join(" ").replace("[`", "`").replace("`]", "`"))
}

/// The text without a sentence that begins so, and the rest of that sentence. A full stop is followed by a space or the end.
fn without_sentence(text: &str, begin: &str) -> (String, Option<String>) {
    let Some((before, rest)) = text.split_once(begin) else { return (text.to_owned(), None) };
    let (sentence, after) = rest.split_once(". ").unwrap_or((rest.trim_end_matches('.'), ""));
    (format!("{before}{after}").trim().to_owned(), Some(sentence.to_owned()))
}

/// The text without its first unit, and the unit; `1` for a number without one.
fn without_unit(text: &str) -> (String, String) {
    if text.contains(" (dimensionless)") {
        return (text.replacen(" (dimensionless)", "", 1), "1".to_owned());
    }
    let found = UNITS.iter().map(|unit| (format!(" ({unit})"), *unit)).find(|(written, _)| text.contains(written));
    found.map_or((text.to_owned(), String::new()), |(written, unit)| (text.replacen(&written, "", 1), unit.to_owned()))
}

/// A value as in TOML.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let short = text.strip_suffix(".0").unwrap_or(&text);
            let zeros = short.len() - short.trim_end_matches('0').len();
            if zeros >= 5 { format!("`{}e{zeros}`", short.trim_end_matches('0')) } else { format!("`{short}`") }
        }
        Value::Object(_) => "its defaults".to_owned(),
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row of a key below a heading.
    fn row(page: &str, table: &str, key: &str) -> String {
        let text = keys(page).unwrap();
        let part = text.split("## ").find(|part| part.starts_with(table)).unwrap();
        part.lines()
            .find(|line| line.starts_with(&format!("| `{key}` |")))
            .unwrap_or_else(|| panic!("{part}"))
            .to_owned()
    }

    #[test]
    fn rows_have_type_unit_range_default_and_meaning() {
        let sigma = row("process", "`[phase_error]`", "sigma_rad");
        assert!(
            sigma.starts_with("| `sigma_rad` | number | rad | 0…10⁶ | – | Standard deviation of the static"),
            "{sigma}"
        );
        let uniform = row("process", "`[phase_quantization]`", "uniform_in");
        assert!(uniform.contains("| `\"phase\"`, `\"voltage\"` |  |  | `\"phase\"` |"), "{uniform}");
        let link = row("link", "|", "bandwidth_hz");
        assert!(link.contains("| number | Hz | 10⁻⁴…10¹⁵ | half the symbol rate |"), "{link}");
        assert!(row("experiment", "|", "data").contains("| [table](data.md) |"));
        assert!(row("experiment", "|", "process").contains("| text or [table](process.md) |"));
        assert!(row("model", "`[[layer]]`", "slope").contains("Of `leaky_relu`: slope below 0"));
        assert!(row("link", "|", "symbol_rate_hz").contains("| `1e9` |"));
        assert!(row("experiment", "`[[sweep]]`", "keys").contains("| list of text |  |  | – |"));
        assert!(keys("no such page").is_none());
    }

    /// A key whose name ends with a unit has this unit.
    #[test]
    fn units_are_those_of_the_names() {
        let ends = [("_rad", "rad"), ("_hz", "Hz"), ("_w", "W"), ("_m", "m"), ("_s", "s"), ("_k", "K"), ("_ohm", "Ω")];
        let mut checked = 0;
        for (page, ..) in PAGES {
            for line in keys(page).unwrap().lines().filter(|line| line.starts_with("| `")) {
                let cells: Vec<&str> = line.split(" | ").collect();
                let name = cells[0].trim_start_matches("| ").trim_matches('`');
                if name.contains("_per_") {
                    continue;
                }
                for (_, unit) in ends.iter().filter(|(end, _)| name.ends_with(end)) {
                    assert_eq!(cells[2], *unit, "{page}: {line}");
                    checked += 1;
                }
            }
        }
        assert!(checked >= 9, "only {checked} units");
    }
}
