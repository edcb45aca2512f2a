//! From two costs to a verdict: ratios, their intervals, and values at which the verdict turns.

pub mod comparison;
pub mod interval;
pub mod turning;
