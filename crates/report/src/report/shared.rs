//! Runs that share axes: their summaries as one table, in which the run is one more swept key.

use crate::error::ReportError;
use crate::report::study::Study;
use crate::summary::Score;
use crate::table::{Table, csv_text};

/// The column of the run.
const RUN: &str = "run";

/// What runs must share to be drawn in one figure: the score and the swept keys.
fn axes(study: &Study) -> Option<(&'static str, Vec<&str>)> {
    let summary = study.scores()?;
    let (point, chips) = (summary.column("point").ok()?, summary.column("chips").ok()?);
    let keys = summary.header().get(point + 1..chips)?.iter().map(String::as_str).collect();
    Some((Score::in_table(summary)?.key, keys))
}

/// The studies in groups that share axes, each by their indices, in the order of their first members.
pub(super) fn groups(studies: &[Study]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, study) in studies.iter().enumerate() {
        let Some(own) = axes(study) else { continue };
        match groups.iter_mut().find(|group| axes(&studies[group[0]]).as_ref() == Some(&own)) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

/// The table of the accuracy figure of one run, or of several with the column of the run.
pub(super) fn summary(members: &[(&str, &Study)]) -> Result<Option<Table>, ReportError> {
    if let [(_, study)] = members {
        let Some(summary) = study.drawn("summary", &[]) else { return Ok(None) };
        return Ok(Some(match study.drawn("table", &[]) {
            Some(chips) => summary.with_chips(chips),
            None => summary,
        }));
    }
    let Some((score, keys)) = members.first().and_then(|(_, study)| axes(study)) else { return Ok(None) };
    let law = if score == "infidelity" { Some("infidelity_law".to_owned()) } else { None };
    let values = ["mean", "q10", "q50", "q90"].map(|name| format!("{score}_{name}")).into_iter().chain(law);
    let values: Vec<String> = values.collect();
    let mut columns: Vec<&str> = ["row", "point", RUN].to_vec();
    columns.extend(&keys);
    let mut of_chips = columns.clone();
    columns.push("chips");
    columns.extend(values.iter().map(String::as_str));
    of_chips.extend(["trial", score]);
    let whole = joined(members, "summary", &columns)?;
    let chips = members.iter().all(|(_, study)| study.table("table").is_some());
    Ok(match chips {
        true => Some(whole.with_chips(joined(members, "table", &of_chips)?)),
        false => Some(whole),
    })
}

/// The rows of one table of all members. Points are numbered on from member to member.
fn joined(members: &[(&str, &Study)], key: &str, columns: &[&str]) -> Result<Table, ReportError> {
    let mut rows = Vec::new();
    let mut first = 0;
    for (label, study) in members {
        let Some(table) = study.table(key) else { continue };
        let indices: Vec<Option<usize>> = columns.iter().map(|column| table.column(column).ok()).collect();
        let point = table.column("point")?;
        let mut last = 0;
        for row in table.rows() {
            let own = row.text(point).parse::<usize>().unwrap_or(0);
            last = last.max(own);
            rows.push(
                columns
                    .iter()
                    .zip(&indices)
                    .map(|(column, index)| match *column {
                        RUN => (*label).to_owned(),
                        "point" => (first + own).to_string(),
                        _ => index.map_or(String::new(), |index| row.text(index).to_owned()),
                    })
                    .collect(),
            );
        }
        first += last + 1;
    }
    Table::parse(&csv_text(columns, rows)?)
}

/// A name for each study: that of its run, with the folder where two have the same. It is never a number, which would be a
/// place on an axis.
pub(super) fn labels(studies: &[Study]) -> Vec<String> {
    let label = |(index, study): (usize, &Study)| {
        let name = study.name();
        let is_unique = studies.iter().filter(|other| other.name() == name).count() == 1;
        let folder = study.folder.trim_end_matches(['/', '\\']);
        let folder = folder.rsplit(['/', '\\']).next().unwrap_or(folder);
        let same = studies.iter().filter(|other| {
            let other = other.folder.trim_end_matches(['/', '\\']);
            other.rsplit(['/', '\\']).next() == Some(folder)
        });
        let label = match is_unique {
            true => name.to_owned(),
            false if same.count() == 1 => format!("{name} ({folder})"),
            false => format!("{name} ({})", index + 1),
        };
        if label.parse::<f64>().is_ok() { format!("run {label}") } else { label }
    };
    studies.iter().enumerate().map(label).collect()
}
