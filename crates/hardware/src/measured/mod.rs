//! Measured data: a process or a chip from measurements.

pub mod process_fit;
pub mod spectra;
