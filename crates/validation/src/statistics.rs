//! The statistics that claims use, under short names.

pub(crate) use phaseloom_numerics::statistics::{
    Estimate, RunningMean as Mean, kolmogorov_smirnov, median, weighted_slope as slope,
};
