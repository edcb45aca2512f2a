//! Scores on chips of the networks of a study against the swept quantity: mean over seeds and its standard error.
//!
//! ```text
//! columns  variant, task, test, one per swept key, score, seeds, chips_mean, chips_sd
//! x        as in the figure of accuracies; one line per combination of variant, test and other keys
//! y        score on chips after the last task
//! ```

use super::intervals::{self, Words};
use super::{Figure, spread};
use crate::error::ReportError;
use crate::style::FigureStyle;
use crate::summary::{Kind, Level, Outcome, Score, Summary, Values};
use crate::table::Table;

/// The figure of a study.
pub(crate) const STUDY: Figure =
    Figure { key: "study", description: "score on chips of each variant of a study, mean over seeds", draw };

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let words = Words {
        title: "Study",
        legend: "score on chips, mean over seeds ± standard error",
        value: |summary, outcome| {
            let levels = spread::levels(summary, outcome);
            let error = 0.5 * (outcome.q90 - outcome.q10);
            format!(
                "{levels}: {} ± {} (mean over {} seeds, standard error)",
                summary.score.sentence(outcome.mean),
                summary.score.sentence(error),
                outcome.chips
            )
        },
    };
    intervals::draw(table, style, &read(table)?, &words)
}

fn read(table: &Table) -> Result<Summary, ReportError> {
    let (task, test) = (table.column("task")?, table.column("test")?);
    let swept: Vec<usize> = (test + 1..table.column("score")?.max(test + 1)).collect();
    let columns: Vec<usize> = [table.column("variant")?, test].into_iter().chain(swept).collect();
    let number = |text: &str| text.parse::<usize>().unwrap_or(0);
    let last = table.rows().iter().map(|row| number(row.text(task))).max().unwrap_or(0);
    let mut score = Score::from_key("accuracy");
    let mut outcomes = Vec::new();
    for row in table.rows().iter().filter(|row| number(row.text(task)) == last) {
        score = Score::from_key(row.text(table.column("score")?)).or(score);
        let factor = if score.is_some_and(|score| score.values == Values::Numbers) { 1.0 } else { 100.0 };
        let seeds = table.number(row, "seeds")?;
        let mean = factor * table.number(row, "chips_mean")?;
        // One seed has no spread.
        let error = if seeds > 1.0 { factor * table.number(row, "chips_sd")? / seeds.sqrt() } else { 0.0 };
        let level = |&column: &usize| match column == test {
            true => Level::read(&format!("test {}", row.text(column))),
            false => Level::read(row.text(column)),
        };
        let levels = columns.iter().map(level).collect();
        let (q10, q90) = (mean - error, mean + error);
        outcomes.push(Outcome {
            kind: Kind::Chips,
            levels,
            chips: seeds,
            mean,
            q10,
            q50: mean,
            q90,
            values: Vec::new(),
        });
    }
    let keys = columns.iter().map(|&column| table.header()[column].clone()).collect();
    Ok(Summary { keys, outcomes, score: score.ok_or(ReportError::NoRows)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_task_is_drawn_with_one_line_for_each_variant() {
        let table = "variant,task,test,process.phase_error.sigma_rad,score,seeds,chips_mean,chips_sd\n\
            clean,1,1,0,accuracy,2,0.1,0.01\nclean,2,1,0,accuracy,2,0.9,0.02\nclean,2,1,0.1,accuracy,2,0.5,0.02\n\
            robust,2,1,0,accuracy,2,0.88,0.02\nrobust,2,1,0.1,accuracy,2,0.7,0.02\n";
        let table = Table::parse(table).unwrap();
        let summary = read(&table).unwrap();
        assert_eq!(summary.outcomes.len(), 4);
        assert!((summary.outcomes[0].mean - 90.0).abs() < 1e-9);
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        assert!(svg.contains("robust") && svg.contains("test accuracy (%)"), "{svg}");
    }
}
