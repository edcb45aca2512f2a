//! From measurements to a process or a chip.

pub mod process_fit;
pub mod spectra;
