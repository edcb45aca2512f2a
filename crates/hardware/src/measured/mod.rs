//! Measured data: a process or a chip from measurements.

pub mod chip_table;
pub mod heater_table;
pub mod process_fit;
pub mod spectra;
