//! A table of text: aligned columns for terminals, or Markdown for pages.

use std::fmt;

/// Alignment, minimum width and gap of a column (characters).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    right: bool,
    min_width: usize,
    gap: usize,
}

impl Column {
    /// A column of text, flush left, two spaces after the previous column.
    #[must_use]
    pub const fn left() -> Self {
        Self { right: false, min_width: 0, gap: 2 }
    }

    /// A column of numbers, flush right, two spaces after the previous column.
    #[must_use]
    pub const fn right() -> Self {
        Self { right: true, ..Self::left() }
    }

    /// The same column with at least `min_width` characters, which keeps its place when its cells change.
    #[must_use]
    pub const fn min_width(self, min_width: usize) -> Self {
        Self { min_width, ..self }
    }

    /// The same column with `gap` spaces after the previous column.
    #[must_use]
    pub const fn gap(self, gap: usize) -> Self {
        Self { gap, ..self }
    }
}

/// A table whose columns are as wide as their widest cell.
///
/// A column without a minimum width whose cells are all empty is left out. Lines end without spaces.
///
/// ```
/// use phaseloom_files::{Column, TextTable};
///
/// let mut table = TextTable::new(2, [Column::left(), Column::right()]);
/// table.row(["cells", "28"]);
/// table.row(["depth", "8"]);
/// table.line("one core");
/// assert_eq!(table.to_string(), "  cells  28\n  depth   8\n  one core\n");
/// ```
#[derive(Debug, Clone)]
pub struct TextTable {
    indent: usize,
    columns: Vec<Column>,
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
enum Line {
    Row(Vec<String>),
    Text(String),
}

impl TextTable {
    /// An empty table that starts `indent` spaces from the left margin.
    #[must_use]
    pub fn new(indent: usize, columns: impl IntoIterator<Item = Column>) -> Self {
        Self { indent, columns: columns.into_iter().collect(), lines: Vec::new() }
    }

    /// Appends a row of cells. Missing cells are empty, and cells without a column are left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        cells.resize(self.columns.len(), String::new());
        self.lines.push(Line::Row(cells));
    }

    /// Appends a line of text that does not follow the columns.
    pub fn line(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Text(text.into()));
    }

    /// The rows as a Markdown table, whose header is the first row. Bars in cells are escaped.
    ///
    /// ```
    /// use phaseloom_files::{Column, TextTable};
    ///
    /// let mut table = TextTable::new(0, [Column::left(), Column::right()]);
    /// table.row(["part", "number"]);
    /// table.row(["cells", "28"]);
    /// assert_eq!(table.markdown(), "| part | number |\n|---|---:|\n| cells | 28 |\n");
    /// ```
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            match line {
                Line::Row(cells) => {
                    cells.iter().for_each(|cell| text += &format!("| {} ", cell.replace('|', "\\|")));
                    text += "|\n";
                }
                Line::Text(content) => text += &format!("{content}\n"),
            }
            if index == 0 {
                self.columns.iter().for_each(|column| text += if column.right { "|---:" } else { "|---" });
                text += "|\n";
            }
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| column.min_width).collect();
        for line in &self.lines {
            let Line::Row(cells) = line else { continue };
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for line in &self.lines {
            let mut text = " ".repeat(self.indent);
            match line {
                Line::Text(content) => text += content,
                Line::Row(cells) => {
                    let shown = self.columns.iter().zip(cells).zip(&widths).filter(|(_, width)| **width > 0);
                    for (index, ((column, cell), &width)) in shown.enumerate() {
                        let gap = if index > 0 { column.gap } else { 0 };
                        // Widths of formats end at 65535 characters, which the value of a user may exceed.
                        let padding = " ".repeat(width - cell.chars().count());
                        text += &" ".repeat(gap);
                        text += &if column.right { padding + cell } else { cell.clone() + &padding };
                    }
                }
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_may_be_longer_than_the_widths_of_formats() {
        let mut table = TextTable::new(0, [Column::right(), Column::left()]);
        table.row(["x".repeat(70_000), "y".to_owned()]);
        table.row(["é", "z"]);
        assert!(table.to_string().lines().all(|line| line.chars().count() == 70_003));
    }
}
