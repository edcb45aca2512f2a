//! The unit of work and its result: one evaluation of all samples, small enough to lose, whole when it is written.

use serde::{Deserialize, Serialize};

/// What a row of a result is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// Size and prediction of the hardware, no evaluation.
    Design,
    /// The network in floating point.
    Exact,
    /// Perfect mesh, ideal link: must make the same decisions.
    PerfectIdeal,
    /// Perfect mesh, real link.
    PerfectReal,
    /// A purely digital network at the same bits.
    Digital,
    /// A sampled chip.
    Chips,
}

impl Row {
    /// The name in tables.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Exact => "exact",
            Self::PerfectIdeal => "perfect_ideal",
            Self::PerfectReal => "perfect_real",
            Self::Digital => "digital",
            Self::Chips => "chips",
        }
    }

    /// The name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Exact => "exact network",
            Self::PerfectIdeal => "perfect mesh, ideal link",
            Self::PerfectReal => "perfect mesh, real link",
            Self::Digital => "digital, same bits",
            Self::Chips => "imperfect chips",
        }
    }
}

/// One unit: a row at a point, for chips one trial of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Which row.
    pub row: Row,
    /// At which point of the grid; rows that several points share stand at the first of them.
    pub point: usize,
    /// Which trial; 0 for all rows but chips.
    pub trial: u64,
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at point {}, trial {}", self.row.key(), self.point, self.trial)
    }
}

/// The result of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Which unit.
    pub unit: Unit,
    /// Number of samples, each shot.
    pub samples: u64,
    /// Each shot in turn.
    pub shots: Vec<ShotResult>,
    /// Each photonic layer, over all shots.
    pub layers: Vec<LayerResult>,
}

/// Decisions of one shot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShotResult {
    /// Samples decided rightly.
    pub correct: u64,
    /// Samples that the exact network decides rightly and this one wrongly.
    pub lost: u64,
    /// Samples that the exact network decides wrongly and this one rightly.
    pub gained: u64,
    /// Samples that both decide alike.
    pub same: u64,
}

/// What a photonic layer did, or is made of (row `design`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerResult {
    /// Index of the layer in the model.
    pub layer: usize,
    /// Measured relative matrix error ‖gŴ−W‖/‖W‖, static.
    pub matrix_error: f64,
    /// The part of it that the detectors read: with homodyne ‖Re gŴ−W‖/‖W‖.
    pub read_error: f64,
    /// log2(rms y/rms(ŷ−y)) before the bias.
    pub readout_bits: f64,
    /// Share of inputs clipped at the DAC.
    pub clipped_inputs: f64,
    /// Share of readouts clipped at the ADC.
    pub clipped_outputs: f64,
    /// Mean photoelectrons of the signal in one readout.
    pub photoelectrons: f64,
    /// What the row `design` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignResult>,
}

/// Size of one layer on its cores, and what is predicted of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesignResult {
    /// Outputs and inputs of the layer.
    pub shape: (usize, usize),
    /// Tiles of the plan.
    pub tiles: usize,
    /// Of them, tiles of zeros, which are skipped.
    pub zero_tiles: usize,
    /// Physical cores of the layer.
    pub cores: usize,
    /// Interferometers of one core.
    pub interferometers: usize,
    /// Columns of interferometers from input to output.
    pub depth: usize,
    /// Share of the programmed entries that belong to the matrix.
    pub utilisation: f64,
    /// Power transmission of the optics (dB, ≤ 0), mean over tiles.
    pub transmission_db: f64,
    /// First-order relative matrix error.
    pub predicted_error: f64,
    /// Photons in one port per symbol at full drive; 0 without a laser.
    pub photons_per_port: f64,
    /// Photons of the local oscillator at a receiver per symbol; 0 without one.
    pub local_oscillator_photons: f64,
    /// Signal-to-noise ratio of a full-scale reading (dB), mean over tiles; none without noise.
    pub snr_full_scale_db: Option<f64>,
    /// Effective bits of a full-scale reading, (SNR − 1.76)/6.02; none without noise.
    pub enob: Option<f64>,
    /// Whether the normalisation of the input is folded into the first layer.
    pub folded: bool,
}
