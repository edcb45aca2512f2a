#![doc = include_str!("../README.md")]

mod area;
mod buffer;
mod checks;
mod counts;
mod design;
mod electronics;
mod energy;
mod error;
mod library;
mod light;
mod photonic;
mod program;
mod time;
mod verdict;

pub use area::{Area, core_m2};
pub use buffer::Buffer;
pub use checks::{closed_forms, published};
pub use counts::{CoreSize, Counts, Layer, Network};
pub use design::{Design, LaserRule, Light, LossBits, Memory, Precision, ShifterKind};
pub use electronics::chips::{NAMED_CHIPS, NamedChip};
pub use electronics::digital::{ArrayKind, DigitalCost, DigitalDesign};
pub use electronics::equal_bits::EqualBits;
pub use energy::{Energy, EnergyPart};
pub use error::CostError;
pub use library::devices::{self, Devices};
pub use library::entry::{Entry, Status};
pub use library::laws::{ConverterLaw, Laws};
pub use library::{LIBRARY_TEXT, Library, Values};
pub use light::{
    LaserPower, MAX_LASER_W, NoLaser, NoiseLaw, laser, library_link, mean_transmission, sensitivity_wall_w,
};
pub use photonic::PhotonicCost;
pub use program::{half_turns, mean_half_turns};
pub use time::{RateLimit, Timing, load_s};
pub use verdict::comparison::{Comparison, Costs, QUANTITIES, Quantity};
pub use verdict::interval::{Interval, intervals, ratio};
pub use verdict::turning::{TurningPoint, turning_points, turning_sizes};
