//! The verdict of each part of a study: a number with its interval, and one or two sentences.

use crate::error::ReportError;
use crate::figure_axes::FigureAxes;
use crate::plot::label::quantity;
use crate::report::study::Study;
use crate::report::words::{self, capital, significant};
use crate::summary::{Kind, Outcome, Score, Summary, Values};
use crate::table::{Row, Table};

/// A loss of a share up to this, in percentage points, counts as none; the second number is rounding.
const TOLERATED: f64 = 1.0 + 1e-7;

/// A verdict. Number and interval are empty where there is none.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(super) struct Verdict {
    pub number: String,
    pub interval: String,
    pub sentence: String,
}

/// The verdict of a kind, if the study has its tables.
pub(super) type VerdictOf = fn(&Study) -> Result<Option<Verdict>, ReportError>;

/// All verdicts, each with the key of the table that it reads. The first one that a study has is the verdict of its page.
pub(super) const VERDICTS: [(&str, VerdictOf); 5] =
    [("electronics", cost), ("budget", budget), ("tolerance", tolerance), ("yield", yields), ("summary", scores)];

/// The verdict of the scores over chips; `None` without chips.
pub(super) fn scores(study: &Study) -> Result<Option<Verdict>, ReportError> {
    let Some(table) = study.scores() else { return Ok(None) };
    let summary = Summary::read(table)?;
    let axes = FigureAxes::new(&summary);
    let chips: Vec<&Outcome> = summary.rows(Kind::Chips).collect();
    let score = summary.score;
    let better = |a: &&&Outcome, b: &&&Outcome| match is_higher_better(score) {
        true => a.q50.total_cmp(&b.q50),
        false => b.q50.total_cmp(&a.q50),
    };
    // `max_by` returns the last of equal maxima.
    let (Some(best), Some(worst)) = (chips.iter().rev().max_by(better), chips.iter().min_by(better)) else {
        return Ok(None);
    };
    let subject = match summary.chips().as_str() {
        "one chip" => "one chip".to_owned(),
        chips => format!("the median of {chips}"),
    };
    let exact =
        summary.rows(Kind::Exact).next().filter(|_| ["accuracy", "top_5_accuracy", "rms_error"].contains(&score.key));
    let against = exact.map(|exact| format!(" The floating-point reference has {}.", score.sentence(exact.mean)));
    let against = against.unwrap_or_default();
    let at = |outcome: &Outcome| levels(&summary, &axes, outcome);
    let value = |outcome: &Outcome| with_interval(score, outcome);
    let verdict = |outcome: &Outcome, sentence: String| {
        let centre = if summary.chips() == "one chip" { "one chip" } else { "median" };
        let at = at(outcome);
        let place = if at.is_empty() { String::new() } else { format!(" at {at}") };
        let spread = interval(score, outcome).map(|interval| format!("; 10–90 % of the chips: {interval}"));
        let interval = format!("{centre}{place}{}", spread.unwrap_or_default());
        Verdict { number: score.sentence(outcome.q50), interval, sentence }
    };
    if axes.x.is_none() {
        let sentence = match subject.as_str() {
            "one chip" => format!("The {} of one chip is {}.{against}", score.name(), value(best)),
            _ => format!("The median {} of {} is {}.{against}", score.name(), summary.chips(), value(best)),
        };
        return Ok(Some(verdict(best, sentence)));
    }
    let is_kept = |outcome: &Outcome| exact.is_some_and(|exact| exact.mean - outcome.q50 <= TOLERATED);
    let is_one_axis = axes.x_is_numeric && axes.grouping.is_empty() && score.values == Values::Shares;
    if is_one_axis && exact.is_some() {
        let mut sorted = chips.clone();
        sorted.sort_by(|a, b| axes.x_of(a).unwrap_or(f64::NAN).total_cmp(&axes.x_of(b).unwrap_or(f64::NAN)));
        let kept = sorted.iter().filter(|outcome| is_kept(outcome)).count();
        let loses = "loses at most one percentage point";
        let name = score.name();
        let fails = format!("{subject} loses more than one percentage point of {name}");
        if kept == 0 {
            let sentence = format!("At every level, {fails}. It is highest at {}: {}.{against}", at(best), value(best));
            return Ok(Some(verdict(best, sentence)));
        }
        // Without any error, chips lose nothing: the first level with one is the finding.
        if let [zero, first, ..] = sorted.as_slice()
            && kept == 1
            && is_kept(zero)
            && axes.x_of(zero).is_some_and(|x| x.abs() < f64::EPSILON)
        {
            let sentence = format!(
                "Already at {}, {fails}: it is {}. At {} it is {}.{against}",
                at(first),
                value(first),
                at(zero),
                value(zero)
            );
            return Ok(Some(verdict(first, sentence)));
        }
        let is_first = sorted.iter().take(kept).all(|outcome| is_kept(outcome));
        let is_last = sorted.iter().rev().take(kept).all(|outcome| is_kept(outcome));
        let range = match (kept, is_first, is_last) {
            (kept, ..) if kept == sorted.len() => Some((*worst, None, "At every level")),
            (kept, true, _) => Some((sorted[kept - 1], Some(sorted[kept]), "Up to")),
            (kept, _, true) => {
                let first = sorted.len() - kept;
                Some((sorted[first], Some(sorted[first - 1]), "From"))
            }
            _ => None,
        };
        if let Some((last, next, word)) = range {
            let head = match word {
                "Up to" => format!("Up to {}, {subject} {loses} of {name}", at(last)),
                "From" => format!("From {} on, {subject} {loses} of {name}", at(last)),
                word => format!("{word}, {subject} {loses} of {name}"),
            };
            let next = next.map(|next| format!(" At {} it is {}.", at(next), value(next))).unwrap_or_default();
            return Ok(Some(verdict(last, format!("{head}.{next}{against}"))));
        }
    }
    let (high, low) = if is_higher_better(score) { ("high", "low") } else { ("low", "high") };
    let of = if subject == "one chip" { subject } else { summary.chips() };
    let ties = |outcome: &Outcome| chips.iter().filter(|other| other.q50.total_cmp(&outcome.q50).is_eq()).count() - 1;
    let name = score.name();
    let sentence = if ties(best) + 1 == chips.len() {
        format!("The median {name} of {of} is the same at all {} settings: {}.{against}", chips.len(), value(best))
    } else {
        format!(
            "The median {name} of {of} is {high}est at {}: {}.{} It is {low}est at {}: {}.{}{against}",
            at(best),
            value(best),
            tied("The median", high, ties(best)),
            at(worst),
            value(worst),
            tied("The median", low, ties(worst))
        )
    };
    Ok(Some(verdict(best, sentence)))
}

/// That other settings share a value; empty if there are none.
fn tied(subject: &str, word: &str, others: usize) -> String {
    match others {
        0 => String::new(),
        1 => format!(" {subject} is as {word} at one other setting."),
        others => format!(" {subject} is as {word} at {others} other settings."),
    }
}

fn is_higher_better(score: &Score) -> bool {
    score.values == Values::Shares
}

/// The quantiles of chips, if there are enough of them.
fn interval(score: &Score, outcome: &Outcome) -> Option<String> {
    (!outcome.has_few_chips()).then(|| score.interval(outcome.q10, outcome.q90))
}

fn with_interval(score: &Score, outcome: &Outcome) -> String {
    let interval = interval(score, outcome).map(|interval| format!(" (10–90 %: {interval})")).unwrap_or_default();
    score.sentence(outcome.q50) + &interval
}

/// The place of a row on the axes that vary, in words.
fn levels(summary: &Summary, axes: &FigureAxes, outcome: &Outcome) -> String {
    let keys = axes.x.iter().chain(&axes.tied).chain(&axes.grouping);
    let level = |&key: &usize| {
        let quantity = quantity(&summary.keys[key]);
        Some(quantity.named(outcome.levels.get(key)?.as_ref()?.text()))
    };
    listed(keys.filter_map(level))
}

/// The values of the swept keys of a row, in the columns before `end`; empty without a sweep.
fn swept(table: &Table, row: &Row, end: &str) -> String {
    let from = table.column("point").map_or(0, |point| point + 1);
    named(table, row, from..table.column(end).unwrap_or(from))
}

/// Some columns of a row, as names of swept keys with their values.
fn named(table: &Table, row: &Row, columns: std::ops::Range<usize>) -> String {
    let value = |index: usize| quantity(&table.header()[index]).named(row.text(index));
    listed(columns.map(value))
}

/// Levels with `and`; with commas if one of them is a name, such as `uncorrected`.
fn listed(levels: impl Iterator<Item = String>) -> String {
    let levels: Vec<String> = levels.collect();
    levels.join(if levels.iter().all(|level| level.contains(" = ")) { " and " } else { ", " })
}

fn at(levels: &str) -> String {
    if levels.is_empty() { String::new() } else { format!(" at {levels}") }
}

/// The verdict of a yield.
pub(super) fn yields(study: &Study) -> Result<Option<Verdict>, ReportError> {
    let Some(table) = study.table("yield") else { return Ok(None) };
    let mut rows: Vec<(&Row, f64)> = Vec::new();
    for row in table.rows() {
        rows.push((row, table.share(row, "yield")?));
    }
    let text = |row: &Row, column| Ok::<_, ReportError>(row.text(table.column(column)?).to_owned());
    let percent = |row: &Row, column| Ok::<_, ReportError>(format!("{:.1}", 100.0 * table.number(row, column)?));
    let (Some(best), Some(worst)) =
        (rows.iter().rev().max_by(|a, b| a.1.total_cmp(&b.1)), rows.iter().min_by(|a, b| a.1.total_cmp(&b.1)))
    else {
        return Ok(None);
    };
    let sentence = |(row, _): &(&Row, f64)| {
        Ok::<_, ReportError>(format!("{} of {} chips", text(row, "passes")?, text(row, "chips")?))
    };
    let row = best.0;
    let levels = swept(table, row, "criterion");
    let criterion = words::criterion(&text(row, "criterion")?, &text(row, "limit")?, study.score());
    let ties = |(_, share): &(&Row, f64)| rows.iter().filter(|(_, other)| other.total_cmp(share).is_eq()).count() - 1;
    let mut sentences = format!("{} pass{}: they {criterion}.", sentence(best)?, at(&levels));
    if rows.len() > 1 && ties(best) + 1 == rows.len() {
        sentences += &format!(" The yield is the same at all {} settings.", rows.len());
    } else if rows.len() > 1 {
        sentences += &tied("The yield", "high", ties(best));
        let at = at(&swept(table, worst.0, "criterion"));
        let number = percent(worst.0, "yield")?;
        sentences += &format!(" The yield is lowest{at}: {} pass, {number} %.", sentence(worst)?);
        sentences += &tied("The yield", "low", ties(worst));
    }
    Ok(Some(Verdict {
        number: format!("{} %", percent(row, "yield")?),
        interval: format!("yield, 95 % interval {}–{} %", percent(row, "yield_low")?, percent(row, "yield_high")?),
        sentence: sentences,
    }))
}

/// The verdict of a tolerance: the first point that has one, and the number of those that have none.
pub(super) fn tolerance(study: &Study) -> Result<Option<Verdict>, ReportError> {
    let Some(table) = study.table("tolerance") else { return Ok(None) };
    let key = study.metadata("level").unwrap_or("level");
    let level = quantity(key);
    let named = if key == "factor" { "the factor on the errors".to_owned() } else { level.name.clone() };
    let value = |row: &Row, column: &str| {
        let rounded = table.number(row, column).ok().and_then(|x| format!("{x:.2e}").parse::<f64>().ok());
        rounded.map_or("unknown".to_owned(), |x| level.value(&x.to_string()))
    };
    let number = |name: &str| study.metadata(name).and_then(|text| text.parse::<f64>().ok());
    let is_rising = number("from").zip(number("to")).is_none_or(|(from, to)| from < to);
    let found = table.rows().iter().find(|row| table.number(row, "tolerance").is_ok());
    let Some(row) = found.or(table.rows().first()) else { return Ok(None) };
    let share = format!("{} %", significant(100.0 * table.number(row, "yield")?));
    let chips = significant(table.number(row, "chips")?);
    let levels = at(&swept(table, row, "yield"));
    if found.is_none() {
        let level = |name| number(name).map_or("the last level".to_owned(), |x| level.value(&x.to_string()));
        let ends = |column: &'static str| {
            let shares: Vec<f64> = table.rows().iter().filter_map(|row| table.number(row, column).ok()).collect();
            shares.into_iter()
        };
        let pass_first = ends("fail_all").map(|fail| 1.0 - fail).fold(0.0, f64::max);
        let pass_last = ends("pass_all").fold(1.0, f64::min);
        let percent = |share: f64| format!("{} %", significant(100.0 * share));
        let asked = table.number(row, "yield")?;
        let sentence = if pass_first < asked {
            format!(
                "No level of {named} has a yield of {share}: even at {} at most {} of {chips} chips pass.",
                level("from"),
                percent(pass_first)
            )
        } else if pass_last >= asked {
            format!(
                "The yield is {share} or more at every level of {named}: even at {} {} of {chips} chips pass.",
                level("to"),
                percent(pass_last)
            )
        } else {
            format!("At no setting the range of levels of {named} contains the level with a yield of {share}.")
        };
        return Ok(Some(Verdict { sentence, ..Verdict::default() }));
    }
    let none = table.rows().iter().filter(|row| table.number(row, "tolerance").is_err()).count();
    let rest = match (none, table.rows().len()) {
        (0, 1) => String::new(),
        (0, all) => format!(" The table has the other {} settings.", all - 1),
        (none, all) => format!(" At {none} of {all} settings no level of the range has this yield."),
    };
    let word = if is_rising { "largest" } else { "smallest" };
    Ok(Some(Verdict {
        number: value(row, "tolerance"),
        interval: format!("95 % interval {} to {}", value(row, "low"), value(row, "high")),
        sentence: format!("This is the {word} {named} at which {share} of {chips} chips pass{levels}.{rest}"),
    }))
}

/// The verdict of an error budget: the source that costs most where all sources together cost most.
pub(super) fn budget(study: &Study) -> Result<Option<Verdict>, ReportError> {
    let Some(table) = study.table("budget") else { return Ok(None) };
    let (source, of) = (table.column("source")?, table.column("quantity")?);
    let Some(first) = table.rows().first().map(|row| row.text(of)) else { return Ok(None) };
    let own = |row: &&Row| row.text(of) == first;
    let Some(all) = worst_setting(table) else { return Ok(None) };
    let none = table.rows().iter().find(|row| own(row) && row.text(source) == "none" && is_setting(table, row, all));
    let total = |row: &Row| table.number(row, "alone").unwrap_or(f64::NEG_INFINITY);
    let column = if table.number(first_source(table, source), "shapley").is_ok() { "shapley" } else { "left_out" };
    let sources = table
        .rows()
        .iter()
        .filter(own)
        .filter(|row| !["all", "none"].contains(&row.text(source)) && is_setting(table, row, all));
    let cost = |row: &Row| table.number(row, column).unwrap_or(f64::NEG_INFINITY);
    let sources: Vec<&Row> = sources.collect();
    let Some(&largest) = sources.iter().rev().max_by(|a, b| cost(a).total_cmp(&cost(b))) else { return Ok(None) };
    let as_much =
        sources.iter().filter(|row| row.line() != largest.line() && cost(row).total_cmp(&cost(largest)).is_eq());
    let as_much: Vec<String> = as_much.map(|row| words::cell(row.text(source))).collect();
    let as_much = match as_much.as_slice() {
        [] => String::new(),
        [other] => format!(" {} costs as much.", capital(other)),
        others => format!(" {} cost as much.", capital(&others.join(" and "))),
    };
    let is_share = study.score().is_none_or(|score| score.values != Values::Numbers) && first == "loss";
    let text = |value: f64| match is_share {
        true => format!("{:.2}", 100.0 * value + 0.0),
        false => significant(value),
    };
    let unit = if is_share { " percentage points" } else { "" };
    let name = match study.score().filter(|_| first == "loss") {
        Some(score) => format!("loss of {}", score.name()),
        None => words::cell(first),
    };
    let whole = total(all) - none.map_or(0.0, total);
    let error = table.number(largest, &format!("{column}_se")).unwrap_or(0.0);
    let how = if column == "shapley" { "on the average over orders" } else { "against all but this source" };
    let levels = at(&setting_text(table, all));
    Ok(Some(Verdict {
        number: format!("{} ± {}", text(cost(largest)), text(error)),
        interval: format!("{} with its standard error", if is_share { "percentage points" } else { &name }),
        sentence: format!(
            "{} costs most{levels}: {}{unit} of {name} {how}.{as_much} All sources together cost {}{unit}.",
            capital(&words::cell(largest.text(source))),
            text(cost(largest)),
            text(whole)
        ),
    }))
}

/// The row of all sources together of the first quantity, at the setting where they cost most.
pub(super) fn worst_setting(table: &Table) -> Option<&Row> {
    let (source, of) = (table.column("source").ok()?, table.column("quantity").ok()?);
    let first = table.rows().first()?.text(of);
    let total = |row: &Row| table.number(row, "alone").unwrap_or(f64::NEG_INFINITY);
    let all = table.rows().iter().filter(|row| row.text(of) == first && row.text(source) == "all");
    all.max_by(|a, b| total(a).total_cmp(&total(b)))
}

/// Whether two rows of a budget have the same values of the swept keys.
pub(super) fn is_setting(table: &Table, row: &Row, other: &Row) -> bool {
    table.column("quantity").is_ok_and(|end| (0..end).all(|index| row.text(index) == other.text(index)))
}

/// The setting of a row of a budget in words; empty without a sweep.
pub(super) fn setting_text(table: &Table, row: &Row) -> String {
    table.column("quantity").map_or(String::new(), |end| named(table, row, 0..end))
}

fn first_source(table: &Table, source: usize) -> &Row {
    let is_source = |row: &&Row| !["all", "none"].contains(&row.text(source));
    table.rows().iter().find(is_source).unwrap_or(&table.rows()[0])
}

/// The verdict of a cost: the energy of electronics of the same bits over that of light.
pub(super) fn cost(study: &Study) -> Result<Option<Verdict>, ReportError> {
    let Some(table) = study.table("electronics") else { return Ok(None) };
    let (array, precision) = (table.column("array")?, table.column("precision")?);
    let equal =
        |name: &str| table.rows().iter().find(|row| row.text(array) == name && row.text(precision) == "equal_bits");
    let Some(row) = equal("systolic") else { return Ok(None) };
    let Ok(ratio) = table.number(row, "ratio") else { return Ok(None) };
    let number = |row: &Row, column| Some(significant(rounded(table.number(row, column).ok()?)));
    let interval = |row: &Row| Some(format!("{}–{}", number(row, "q05")?, number(row, "q95")?));
    let ends = table.number(row, "q05").ok().zip(table.number(row, "q95").ok());
    let answer = match ends {
        Some((low, _)) if low > 1.0 => "light takes less energy",
        Some((_, high)) if high < 1.0 => "light takes more energy",
        Some(_) => "the interval contains 1, so the comparison is open",
        None if ratio > 1.0 => "light takes less energy",
        None => "light takes more energy",
    };
    let bits = number(row, "bits").map(|bits| format!(" of {bits} bits")).unwrap_or_default();
    let tree = equal("tree")
        .and_then(|tree| Some(format!(" An adder tree takes {} times the energy of light.", number(tree, "ratio")?)));
    Ok(Some(Verdict {
        number: number(row, "ratio").unwrap_or_default(),
        interval: interval(row)
            .map(|interval| format!("energy of a systolic array over that of light, 90 % interval {interval}"))
            .unwrap_or_default(),
        sentence: format!(
            "A systolic array{bits} takes {} times the energy of light: {answer}.{}",
            number(row, "ratio").unwrap_or_default(),
            tree.unwrap_or_default()
        ),
    }))
}

/// Three significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}
