//! Yield against the swept quantity: the share of chips that pass, with its 95 % interval.
//!
//! ```text
//! columns  point, one per swept key, criterion, yield, yield_low, yield_high
//! x        as in the figure of accuracies; one line per combination of the other keys
//! y        yield (%)
//! ```

use super::intervals::{self, Words};
use super::{Figure, spread};
use crate::error::ReportError;
use crate::style::FigureStyle;
use crate::summary::{Kind, Level, MIN_BAND, Outcome, Score, Summary};
use crate::table::Table;

/// The figure of yields over a sweep.
pub(crate) const YIELD: Figure =
    Figure { key: "yield", description: "share of chips that pass over a sweep, with its 95 % interval", draw };

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let words = Words {
        title: "Yield",
        legend: "share of chips that pass, 95 % interval of Wilson",
        value: |summary, outcome| {
            let Outcome { mean, q10, q90, .. } = outcome;
            let levels = spread::levels(summary, outcome);
            format!("{levels}: {mean:.1} % of the chips pass, 95 % interval {q10:.1}–{q90:.1} %")
        },
    };
    intervals::draw(table, style, &read(table)?, &words)
}

/// The yields as scores of chips: the share is the mean, and the ends of its interval are the quantiles.
fn read(table: &Table) -> Result<Summary, ReportError> {
    let from = table.column("point")? + 1;
    let swept = from..table.column("criterion")?.max(from);
    let mut outcomes = Vec::new();
    for row in table.rows() {
        let percent = |name| table.share(row, name).map(|share| 100.0 * share);
        let (mean, q10, q90) = (percent("yield")?, percent("yield_low")?, percent("yield_high")?);
        let levels = swept.clone().map(|index| table.level(row, index).map(Level::read)).collect::<Result<_, _>>()?;
        let chips = table.count(row, "chips").unwrap_or(MIN_BAND);
        outcomes.push(Outcome { kind: Kind::Chips, levels, chips, mean, q10, q50: mean, q90, values: Vec::new() });
    }
    Ok(Summary { keys: table.header()[swept].to_vec(), outcomes, score: Score::YIELD })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_has_an_axis_and_one_point_has_no_figure() {
        let head = "point,process.phase_error.sigma_rad,criterion,yield,yield_low,yield_high\n";
        let rows = "0,0.01,drop,1,0.9,1\n1,0.02,drop,0.8,0.7,0.9\n2,0.05,drop,0.1,0.05,0.2\n";
        let svg = draw(&Table::parse(&format!("{head}{rows}")).unwrap(), &FigureStyle::default()).unwrap();
        assert!(svg.contains("yield (%)"), "{svg}");
        let one = Table::parse("point,criterion,yield,yield_low,yield_high\n0,drop,1,0.9,1\n").unwrap();
        assert!(matches!(draw(&one, &FigureStyle::default()), Err(ReportError::NoRows)));
        let words =
            "point,correction,criterion,yield,yield_low,yield_high\n0,none,drop,1,0.9,1\n1,local,drop,1,0.9,1\n";
        assert!(draw(&Table::parse(words).unwrap(), &FigureStyle::default()).unwrap().contains("local"));
    }
}
