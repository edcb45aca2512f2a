//! The same network on electronics.

pub mod chips;
pub mod digital;
pub mod equal_bits;
