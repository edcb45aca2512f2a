//! The numbers of a report as JSON, once: `report.json`, and the element `data` of the page. Its bytes depend on the tables
//! alone, not on folders, machines or times.

use crate::report::column::LISTINGS;
use crate::report::study::Study;
use crate::report::verdict::Verdict;
use crate::report::{MAX_ROWS, Report, table_id};
use crate::table::Table;
use serde_json::{Value, json};
use std::fmt::Write;

/// The version of the format, which grows when a name changes its meaning.
const VERSION: u32 = 1;

/// The text of `report.json`: one line per row of a table.
pub(super) fn json(title: &str, studies: &[Study], labels: &[String], verdicts: &[Vec<Verdict>]) -> String {
    let mut text = format!(
        "{{\n\"format\": \"{}\",\n\"version\": {VERSION},\n\"title\": {},\n\"studies\": [",
        Report::FORMAT,
        Value::from(title)
    );
    for (index, study) in studies.iter().enumerate() {
        let metadata = |key: &str| study.metadata(key).map(Value::from).unwrap_or_default();
        let settings: serde_json::Map<_, _> =
            study.settings.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let verdicts: Vec<Value> = verdicts[index]
            .iter()
            .map(
                |verdict| json!({"number": verdict.number, "interval": verdict.interval, "sentence": verdict.sentence}),
            )
            .collect();
        let _ = write!(
            text,
            "{}\n{{\n\"name\": {}",
            if index == 0 { "" } else { "," },
            Value::from(labels[index].as_str())
        );
        for (name, value) in [
            ("phaseloom", metadata("phaseloom")),
            ("identity", metadata("identity")),
            ("seed", metadata("seed")),
            ("settings", settings.into()),
            ("verdicts", verdicts.into()),
        ] {
            let _ = write!(text, ",\n\"{name}\": {value}");
        }
        text += ",\n\"tables\": [";
        let reported = study.tables.iter().filter(|(key, _)| study.is_reported(key));
        for (place, (key, table)) in reported.enumerate() {
            text += if place == 0 { "\n" } else { ",\n" };
            write_table(&mut text, &table_id(index, key), key, table);
        }
        text += "\n]\n}";
    }
    text + "\n]\n}\n"
}

fn write_table(text: &mut String, id: &str, key: &str, table: &Table) {
    let title = LISTINGS.iter().find(|listing| listing.key == key).map_or(key, |listing| listing.title);
    let columns: Vec<Value> = table.header().iter().map(|column| json!({"key": column})).collect();
    let _ = write!(
        text,
        "{{\"id\": {}, \"key\": {}, \"title\": {}, \"rows_in_file\": {}, \"columns\": {}, \"rows\": [",
        Value::from(id),
        Value::from(key),
        Value::from(title),
        table.rows().len(),
        Value::from(columns)
    );
    for (index, row) in table.rows().iter().take(MAX_ROWS).enumerate() {
        let cells: Value = (0..table.header().len()).map(|column| cell(row.text(column))).collect();
        let _ = write!(text, "{}\n{cells}", if index == 0 { "" } else { "," });
    }
    text.push_str("\n]}");
}

/// A cell as a number, if it is one, or as a text; an empty one is missing.
fn cell(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(whole), _) => whole.into(),
        (_, Ok(number)) if number.is_finite() => number.into(),
        _ => text.into(),
    }
}
