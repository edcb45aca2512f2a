//! The parts of the page in their order: scores, yield, tolerance, budget, sensitivity, cost, tables.

use crate::error::ReportError;
use crate::figure::{
    BUDGET_FIGURE, COST_FIGURES, FIGURES, Figure, MATRIX_FIGURES, SENSITIVITY_FIGURE, TOLERANCE_FIGURE, YIELD_FIGURE,
};
use crate::report::column::{LISTINGS, Listing};
use crate::report::inline::{Inlined, inlined};
use crate::report::study::Study;
use crate::report::verdict::{self, VerdictOf};
use crate::report::words;
use crate::report::{MAX_ROWS, shared, table_id};
use crate::summary::{KINDS, Kind, Score, Summary, Values};
use crate::table::{Row, Table};
use serde::Serialize;

/// A budget of more settings (times quantities) is drawn at one of them.
const MAX_SETTINGS: usize = 6;

/// A section of the page.
#[derive(Serialize)]
pub(super) struct Section {
    id: &'static str,
    title: String,
    parts: Vec<Part>,
}

/// The part of a section that belongs to one study, or to several that share axes.
#[derive(Serialize, Default)]
struct Part {
    /// The name of the study, if there are several.
    study: Option<String>,
    texts: Vec<String>,
    figures: Vec<Inlined>,
    tables: Vec<ShownTable>,
}

/// A table in words.
#[derive(Serialize)]
struct ShownTable {
    id: String,
    /// The name of a download of the rows that are shown.
    file: String,
    /// The file in the folder, with all rows.
    source: String,
    title: &'static str,
    columns: Vec<ShownColumn>,
    rows: Vec<ShownRow>,
    rows_in_file: usize,
}

#[derive(Serialize)]
struct ShownRow {
    /// Its index in the data.
    index: usize,
    cells: Vec<String>,
}

#[derive(Serialize)]
struct ShownColumn {
    title: String,
    is_number: bool,
    index: usize,
}

impl Section {
    fn new(id: &'static str, title: impl Into<String>, parts: Vec<Part>) -> Option<Self> {
        let is_empty = |part: &Part| part.texts.is_empty() && part.figures.is_empty() && part.tables.is_empty();
        let parts: Vec<Part> = parts.into_iter().filter(|part| !is_empty(part)).collect();
        (!parts.is_empty()).then(|| Self { id, title: title.into(), parts })
    }

    /// The drawings, whose colours need twins on a dark page.
    pub(super) fn drawings(&self) -> impl Iterator<Item = &str> {
        let figures = self.parts.iter().flat_map(|part| &part.figures);
        figures.flat_map(|figure| [figure.wide.as_str(), figure.narrow.as_str()])
    }
}

/// A figure with the table that it draws and its caption.
type Drawn = (&'static str, Figure, &'static str);

/// All sections that the studies have.
pub(super) fn sections(studies: &[Study], labels: &[String], said: &[&str]) -> Result<Vec<Section>, ReportError> {
    let [split, break_even, front] = COST_FIGURES;
    let kinds: [(&str, &str, VerdictOf, Vec<Drawn>); 5] = [
        (
            "yield",
            "Yield",
            verdict::yields,
            vec![("yield", YIELD_FIGURE, "Share of chips that pass, with its 95 % interval.")],
        ),
        (
            "tolerance",
            "Tolerance",
            verdict::tolerance,
            vec![("critical", TOLERANCE_FIGURE, "Share of chips that still pass, against the level of the error.")],
        ),
        (
            "budget",
            "Error budget",
            verdict::budget,
            vec![(
                "budget",
                BUDGET_FIGURE,
                "Cost of each source of error, with its standard error; bars: average over orders.",
            )],
        ),
        (
            "sensitivity",
            "Sensitivity on the mesh",
            |_| Ok(None),
            vec![(
                "sensitivity",
                SENSITIVITY_FIGURE,
                "The mesh of the most sensitive core, each component at its place; lines are its waveguides, light from the left. The darkest components, on a dark page the lightest, change the outputs, or the matrix, most.",
            )],
        ),
        (
            "cost",
            "Energy, time and area",
            verdict::cost,
            vec![
                ("energy", split, "Energy of one inference by part, light next to electronics."),
                ("break-even", break_even, "Energy of a systolic array over that of light, if one quantity changes."),
                ("cost", front, "Score against energy of one inference, over all settings."),
            ],
        ),
    ];
    let mut sections = Vec::new();
    sections.extend(scores(studies, labels, said)?);
    for (id, title, verdict, drawn) in kinds {
        let mut parts = Vec::new();
        for (index, study) in studies.iter().enumerate() {
            let mut part = Part { study: name(labels, index), ..Part::default() };
            let sentence = verdict(study)?.map(|verdict| verdict.sentence);
            part.texts.extend(sentence.filter(|text| !said.contains(&text.as_str())));
            for (key, figure, caption) in &drawn {
                let Some(mut table) = study.drawn(key, &metadata(study, key)) else { continue };
                let mut caption = (*caption).to_owned();
                if let Some((of_setting, words)) = one_setting(&table).filter(|_| *key == "budget") {
                    (table, caption) = (of_setting, format!("{caption} Only {words}, where all sources cost most."));
                }
                let figure = inlined(figure, &table, &caption).map_err(|error| error.in_file(&study.file(key)))?;
                part.figures.extend(figure);
            }
            parts.push(part);
        }
        sections.extend(Section::new(id, title, parts));
    }
    sections.extend(tables(studies, labels));
    Ok(sections)
}

/// The name of a study, if there are several.
fn name(labels: &[String], index: usize) -> Option<String> {
    (labels.len() > 1).then(|| labels[index].clone())
}

/// What the figures of a budget and a cost read beyond the records of the run.
fn metadata(study: &Study, key: &str) -> Vec<(&'static str, String)> {
    let score = study.score();
    let unit = if score.is_none_or(|score| score.values != Values::Numbers) { "%" } else { "1" };
    match (key, score) {
        ("budget", score) => {
            let budget = study.table("budget");
            let of = budget.and_then(|table| Some(table.rows().first()?.text(table.column("quantity").ok()?)));
            let (of, score) = (of.unwrap_or("loss"), score.map_or("score", Score::name));
            let title = if of == "loss" { format!("loss of {score}") } else { words::cell(of) };
            vec![("quantity", title), ("unit", if of == "loss" { unit.to_owned() } else { "1".to_owned() })]
        }
        ("cost", Some(score)) => vec![("score", score.name().to_owned()), ("score_unit", unit.to_owned())],
        _ => Vec::new(),
    }
}

/// A budget of many settings at the one where all sources cost most, with that setting in words.
fn one_setting(table: &Table) -> Option<(Table, String)> {
    let settings = table.rows().iter().filter(|row| table.column("source").is_ok_and(|i| row.text(i) == "all")).count();
    let worst = verdict::worst_setting(table).filter(|_| settings > MAX_SETTINGS)?;
    let words = verdict::setting_text(table, worst);
    // The swept keys have one value left, which the caption names.
    Some((table.filtered(|row| verdict::is_setting(table, row, worst)), words))
}

/// The scores over chips: one figure for runs that share axes.
fn scores(studies: &[Study], labels: &[String], said: &[&str]) -> Result<Option<Section>, ReportError> {
    let mut parts = Vec::new();
    let mut title = "Accuracy";
    for group in shared::groups(studies) {
        let members: Vec<(&str, &Study)> =
            group.iter().map(|&index| (labels[index].as_str(), &studies[index])).collect();
        // The verdicts have read the summaries; an error is one of the single chips, and names their file and its line.
        for (label, study) in &members {
            let own = shared::summary(&[(label, study)])?;
            own.map(|own| Summary::read(&own)).transpose().map_err(|error| error.in_file(&study.file("table")))?;
        }
        let Some(table) = shared::summary(&members)? else { continue };
        let is_matrix = Score::in_table(&table).is_some_and(|score| score.key == "infidelity");
        if is_matrix {
            title = "Infidelity";
        } else if !Score::in_table(&table).is_some_and(|score| score.key.ends_with("accuracy")) {
            title = "Score";
        }
        let mut part = Part { study: name(labels, group[0]).filter(|_| group.len() == 1), ..Part::default() };
        for (label, study) in &members {
            let sentence = verdict::scores(study)?.map(|verdict| verdict.sentence);
            let sentence = sentence.filter(|text| !said.contains(&text.as_str()));
            part.texts.extend(sentence.map(|text| if group.len() > 1 { format!("{label}. {text}") } else { text }));
        }
        for (index, figure) in (if is_matrix { MATRIX_FIGURES } else { FIGURES }).iter().enumerate() {
            let caption = match (index, is_matrix) {
                (0, false) => "Chips of the process, next to the network without their errors.",
                (0, true) => "Chips of the process, and the law that predicts their mean.",
                _ => "Median over chips at each pair of values.",
            };
            part.figures.extend(inlined(figure, &table, caption)?);
        }
        parts.push(part);
    }
    Ok(Section::new("scores", title, parts))
}

/// The tables of all studies, in words.
fn tables(studies: &[Study], labels: &[String]) -> Option<Section> {
    let parts = studies.iter().enumerate().map(|(index, study)| {
        let listed = LISTINGS.iter().filter(|listing| study.is_reported(listing.key));
        let tables = listed.filter_map(|listing| Some(shown(index, study, listing, study.table(listing.key)?)));
        Part { study: name(labels, index), tables: tables.collect(), ..Part::default() }
    });
    Section::new("tables", "Tables", parts.collect())
}

/// A table in words.
fn shown(study_index: usize, study: &Study, listing: &Listing, table: &Table) -> ShownTable {
    let columns = listing.columns(table, study.score());
    let mut rows: Vec<(usize, &Row)> = table.rows().iter().take(MAX_ROWS).enumerate().collect();
    if let Ok(row) = table.column("row") {
        // The chips are what a run is about: they come before the references.
        let is_reference = |text: &str| KINDS.iter().any(|(kind, key, _)| *kind != Kind::Chips && *key == text);
        rows.sort_by_key(|(_, cells)| is_reference(cells.text(row)));
    }
    let cells = |row: &Row| columns.iter().map(|column| column.text(row.text(column.index))).collect();
    let rows: Vec<ShownRow> = rows.into_iter().map(|(index, row)| ShownRow { index, cells: cells(row) }).collect();
    let (key, count) = (listing.key, table.rows().len());
    ShownTable {
        id: table_id(study_index, key),
        file: if rows.len() < count { format!("{key}-first-{}.csv", rows.len()) } else { format!("{key}.csv") },
        source: format!("{key}.csv"),
        title: listing.title,
        rows,
        rows_in_file: count,
        columns: columns
            .into_iter()
            .map(|column| ShownColumn { title: column.title, is_number: column.is_number, index: column.index })
            .collect(),
    }
}
