//! Parts that the commands share: output, files of results, options of figures, error texts, command lines, interruption, limits of
//! the system.

pub mod arguments;
pub mod error_text;
pub mod figures;
pub mod interrupt;
pub mod matrix_file;
pub mod output;
pub mod page;
pub mod results;
pub mod shell;
pub mod streams;
pub mod system;

use std::fmt::Display;
use std::str::FromStr;

/// The parser of an option that takes a whole number within limits.
pub fn whole<T>(min: T, max: T) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static,
{
    move |text| match text.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from {min} to {max}")),
    }
}
