//! The unit of work and its result: one evaluation of all samples. An interruption loses at most the units in progress.

pub use crate::store::confusion::Confusion;
pub use crate::store::shot::ShotResult;
use serde::{Deserialize, Serialize};

/// Kind of a row of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// Size and predicted errors of the hardware, without an evaluation.
    Design,
    /// Floating-point reference: the network without hardware.
    Exact,
    /// Perfect mesh, ideal link. It must predict the same classes as the reference.
    PerfectIdeal,
    /// Perfect mesh, real link.
    PerfectReal,
    /// Digital network with the same bits.
    Digital,
    /// Perfect chip with the program of a matrix, in experiments without a network.
    Perfect,
    /// Sampled chip.
    Chips,
    /// Sampled chip at many levels of an error, in experiments with a `[tolerance]`.
    Levels,
    /// Sensitivities of the outputs, or of a matrix, to the components of a sampled chip, in experiments with a `[sensitivity]`.
    Sensitivity,
}

impl Row {
    /// The key in tables.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Exact => "exact",
            Self::PerfectIdeal => "perfect_ideal",
            Self::PerfectReal => "perfect_real",
            Self::Digital => "digital",
            Self::Perfect => "perfect",
            Self::Chips => "chips",
            Self::Levels => "levels",
            Self::Sensitivity => "sensitivity",
        }
    }

    /// Number of shots that are computed where chips are sent `shots` times.
    pub(crate) fn shots(self, shots: u32) -> u32 {
        match self {
            Self::Design | Self::Perfect | Self::Levels | Self::Sensitivity => 0,
            Self::Exact | Self::PerfectIdeal | Self::Digital => 1,
            Self::PerfectReal | Self::Chips => shots,
        }
    }

    /// The title on the terminal.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Exact => "floating-point reference",
            Self::PerfectIdeal => "perfect mesh, ideal link",
            Self::PerfectReal => "perfect mesh, real link",
            Self::Digital => "digital, same bits",
            Self::Perfect => "perfect chip",
            Self::Chips => "imperfect chips",
            Self::Levels => "chips at many levels",
            Self::Sensitivity => "sensitivities of chips",
        }
    }
}

/// One unit: a row at a point, for chips one trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Kind of row.
    pub row: Row,
    /// Index of the point. A row that several points share belongs to the first of them.
    pub point: usize,
    /// Index of the trial, 0 for all rows but chips.
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
    /// The unit.
    pub unit: Unit,
    /// Number of samples in each shot.
    pub samples: u64,
    /// Results of each shot.
    pub shots: Vec<ShotResult>,
    /// Results of each photonic layer, over all shots.
    pub layers: Vec<LayerResult>,
    /// True and predicted classes of a classification, over all shots. Records of early runs lack them.
    #[serde(default, skip_serializing_if = "Confusion::is_empty")]
    pub confusion: Confusion,
    /// Names of the classes in their order, in the row `exact` of labels that are names or were chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// Result of an experiment without a network. Its records have no samples, shots or layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<MatrixResult>,
    /// The row `levels` alone: numbers of the levels of `[tolerance]`, and the quantity of `pass` at each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<(u32, f64)>,
    /// The row `sensitivity` alone: s² of every phase and splitter of all cores, or of the program of a matrix (1/rad²), in the
    /// order of a map.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitivity: Vec<f32>,
}

impl Record {
    /// A record of a unit without a result yet.
    pub(crate) fn new(unit: Unit, samples: u64) -> Self {
        let (shots, layers, class_names) = (Vec::new(), Vec::new(), Vec::new());
        let (confusion, matrix, levels, sensitivity) = (Confusion::default(), None, Vec::new(), Vec::new());
        Self { unit, samples, shots, layers, confusion, class_names, matrix, levels, sensitivity }
    }

    /// Number of samples, or positions of samples, of all shots that were classified.
    fn classified(&self) -> u64 {
        let shots = self.shots.iter().filter(|shot| shot.class_counts().is_some());
        shots.fold(0, |sum: u64, shot| sum.saturating_add(shot.judged(self.samples)))
    }

    /// What is wrong with a record of an experiment without a network, if something is.
    pub(crate) fn matrix_problem(&self) -> Option<&'static str> {
        if self.unit.row == Row::Levels {
            let fits =
                Self { levels: Vec::new(), ..self.clone() } == Self::new(self.unit, 0) && !self.levels.is_empty();
            return (!fits).then_some("it has no levels");
        }
        if self.unit.row == Row::Sensitivity {
            let fits = Self { sensitivity: Vec::new(), ..self.clone() } == Self::new(self.unit, 0)
                && !self.sensitivity.is_empty();
            return (!fits).then_some("it has no sensitivities");
        }
        let is_design = self.unit.row == Row::Design;
        let has = |result: &MatrixResult| [result.design.is_some(), result.chip.is_some()] == [is_design, !is_design];
        let rest = Self { matrix: None, ..self.clone() };
        let fits = rest == Self::new(self.unit, 0) && self.matrix.as_ref().is_some_and(has);
        (!fits).then_some("it is no result of a matrix")
    }

    /// What is wrong with a record of an experiment with these shots, samples and photonic layers, if something is.
    ///
    /// Numbers are finite, because JSON has no others.
    pub(crate) fn problem(&self, shots: u32, samples: u64, layers: &[usize]) -> Option<&'static str> {
        let row = self.unit.row;
        let (samples, layers) = match row {
            Row::Design => (0, layers),
            Row::Exact | Row::Levels | Row::Sensitivity => (samples, &[][..]),
            _ => (samples, layers),
        };
        if self.samples != samples || self.shots.iter().any(|shot| shot.is_impossible(samples)) {
            Some("it has another number of samples than this run")
        } else if self.shots.len() as u64 != u64::from(row.shots(shots)) {
            Some("it has another number of shots than this run")
        } else if !self.confusion.is_empty() && self.confusion.total() != self.classified() {
            Some("its counts of classes are not those of its samples")
        } else if !self.layers.iter().map(|layer| layer.layer).eq(layers.iter().copied()) {
            Some("it has other layers than this run")
        } else if self.layers.iter().any(|layer| layer.design.is_some() != (row == Row::Design)) {
            Some("it has the sizes of another row")
        } else if self.matrix.is_some() {
            Some("it is the result of a matrix")
        } else if self.levels.is_empty() == (row == Row::Levels) {
            Some("it has the levels of another row")
        } else if self.sensitivity.is_empty() == (row == Row::Sensitivity) {
            Some("it has the sensitivities of another row")
        } else {
            None
        }
    }
}

/// Results of a photonic layer, or its size (row `design`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerResult {
    /// Index of the layer in the model.
    pub layer: usize,
    /// Static relative matrix error ‖gŴ−W‖/‖W‖ of the realised matrix Ŵ with gain g.
    pub matrix_error: f64,
    /// Part of the matrix error that is detected: with homodyne detection ‖Re gŴ−W‖/‖W‖.
    #[serde(rename = "read_error")]
    pub measured_error: f64,
    /// log2(rms y/rms(ŷ−y)) of the products ŷ before the bias, y in floating point.
    pub readout_bits: f64,
    /// Share of inputs clipped at the DAC.
    pub clipped_inputs: f64,
    /// Share of readouts clipped at the ADC.
    pub clipped_outputs: f64,
    /// Mean photoelectrons of the signal in one readout.
    pub photoelectrons: f64,
    /// Size of the layer, in the row `design` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignResult>,
}

/// Size of one layer on its cores, and its predicted errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesignResult {
    /// Outputs and inputs of the layer.
    pub shape: (usize, usize),
    /// Number of tiles.
    pub tiles: usize,
    /// Number of tiles that hold only zeros and are skipped.
    pub zero_tiles: usize,
    /// Number of physical cores.
    pub cores: usize,
    /// Number of interferometers of one core.
    pub interferometers: usize,
    /// Columns of interferometers from input to output.
    pub depth: usize,
    /// Share of the programmed entries that belong to the matrix.
    pub utilisation: f64,
    /// Power transmission of the optics (dB, ≤ 0), mean over tiles.
    pub transmission_db: f64,
    /// First-order relative matrix error.
    pub predicted_error: f64,
    /// Photons in one port per symbol at full drive, 0 without a laser.
    pub photons_per_port: f64,
    /// Photons of the local oscillator at a receiver per symbol, 0 without a local oscillator.
    pub local_oscillator_photons: f64,
    /// Signal-to-noise ratio of a full-scale readout (dB), mean over tiles. `None` without noise.
    pub snr_full_scale_db: Option<f64>,
    /// Effective number of bits of a full-scale readout, (SNR − 1.76)/6.02. `None` without noise.
    pub enob: Option<f64>,
    /// Whether the normalisation of the input is folded into the first layer.
    pub folded: bool,
}

/// Result of a unit of an experiment without a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatrixResult {
    /// Size and law (row `design` alone).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub design: Option<MatrixDesign>,
    /// Quality of a chip (rows `perfect` and `chips`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chip: Option<MatrixQuality>,
}

/// Size of a program, and the law of the error of its chips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixDesign {
    /// Rows and columns of the matrix.
    pub shape: (usize, usize),
    /// Form of the program: `unitary`, `svd` or `contraction`.
    pub form: String,
    /// Topology and cells of its meshes.
    pub mesh: String,
    /// Number of cells.
    pub cells: usize,
    /// Columns of cells from input to output.
    pub depth: usize,
    /// Factor after the chip.
    pub gain: f64,
    /// Predicted mean of 1 − F. `None` if chips are corrected, or components share errors.
    pub infidelity: Option<f64>,
    /// Predicted root mean square of the matrix error. `None` if chips are corrected, or components share errors.
    pub error: Option<f64>,
}

/// Agreement of the matrix Ŵ that a chip realises with the target W.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixQuality {
    /// 1 − F, F = |tr(W†Ŵ)|²/(‖W‖²‖Ŵ‖²).
    pub infidelity: f64,
    /// ‖Ŵ − W‖/‖W‖.
    pub error: f64,
    /// The same after the real factor on Ŵ that minimises it.
    pub scaled_error: f64,
    /// Power transmission of the optics (dB).
    pub transmission_db: f64,
    /// Electrical power of the heaters (W), if the process has a `[phase_shifter]`.
    pub heater_power_w: Option<f64>,
}
