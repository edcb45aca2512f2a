//! The claims, one file each.

pub mod measured_chip;
