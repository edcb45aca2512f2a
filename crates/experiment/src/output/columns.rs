//! What the columns of the tables of a run mean: name, unit, one sentence. A test compares the names with written files.
//!
//! `<key>` is the path of a swept key, `<i>` the index of a photonic layer among all layers, and `<column>` a column whose
//! statistics over chips are given.

use phaseloom_files::ColumnText;

/// The first columns of every table of a run.
pub const LEADING_COLUMNS: &[ColumnText] = &[
    ("row", "", "Kind of row."),
    ("point", "", "Index of the point of the grid, from 0."),
    ("<key>", "", "Value of a swept key; the column has the path of the key as its name."),
];

/// `table.csv` of a network: one row per unit and shot.
pub const TABLE_COLUMNS: &[ColumnText] = &[
    ("trial", "", "Index of the chip; 0 in rows other than `chips`."),
    ("shot", "", "Index of the repetition of the dynamic noise."),
    ("samples", "", "Number of samples."),
    ("accuracy", "1", "Share of samples that are classified correctly; of positions, if they have labels."),
    ("top_5_accuracy", "1", "Share of samples whose label is among the classes of the top five outputs."),
    ("rms_error", "of the targets", "Root mean square of output − target, over all samples and outputs."),
    ("difference", "as the score", "Score minus that of the floating-point reference, on the same samples."),
    ("agreement", "1", "Share of samples with the same class as the floating-point reference."),
    (
        "r_squared",
        "1",
        "1 − Σ(output − target)²/Σ(target − mean)² over all samples and outputs, with the mean of each output; empty if the \
         targets are constant.",
    ),
    (
        "output_difference",
        "1",
        "‖Ŷ − Y‖/‖Y‖ of all outputs Ŷ and those of the floating-point reference Y (Frobenius norm).",
    ),
];

/// The columns of each photonic layer in `table.csv` and `summary.csv`. A summary has means over chips.
pub const LAYER_COLUMNS: &[ColumnText] = &[
    (
        "layer<i>_matrix_error",
        "1",
        "Static error ‖gŴ − W‖/‖W‖ of the complex matrix with its gain g; a summary has the root mean square over chips.",
    ),
    (
        "layer<i>_read_error",
        "1",
        "The part of the matrix error that reaches a readout: ‖Re gŴ − W‖/‖W‖ with homodyne detection, else the same.",
    ),
    (
        "layer<i>_readout_bits",
        "bit",
        "log2(rms y / rms(ŷ − y)) before the bias, over all shots of the unit, limited to −53…53.",
    ),
    ("layer<i>_clipped_inputs", "1", "Share of the inputs that the DAC or the modulator clips."),
    ("layer<i>_clipped_outputs", "1", "Share of the outputs that the ADC clips."),
    (
        "layer<i>_photoelectrons",
        "",
        "Mean number of photoelectrons that the signal makes in one readout; 0 without a laser.",
    ),
];

/// `summary.csv` of a network: one row per point and kind of row.
pub const SUMMARY_COLUMNS: &[ColumnText] = &[
    ("chips", "", "Number of chips; 1 in rows other than `chips`."),
    ("<column>_mean", "as the score", "Mean of the score over chips, each the mean of its shots."),
    ("<column>_sd", "as the score", "Standard deviation of the score between chips."),
    ("<column>_se", "as the score", "Standard error of that mean over chips."),
    ("<column>_q10", "as the score", "10 % quantile of the score over chips (type 7)."),
    ("<column>_q50", "as the score", "Median of the score over chips."),
    ("<column>_q90", "as the score", "90 % quantile of the score over chips."),
    (
        "test_se",
        "as the score",
        "Standard error from the finite test set, √(p(1−p)/n) of a share p. It is common to all chips: more chips do not lower \
         it.",
    ),
    (
        "difference",
        "as the score",
        "Mean of the score minus that of the floating-point reference, paired on the same samples.",
    ),
    (
        "difference_se",
        "as the score",
        "Standard error of that difference: between chips, or over samples if there is one chip.",
    ),
    ("agreement", "1", "Share of samples with the same class as the floating-point reference, mean over chips."),
    ("r_squared", "1", "R² as in `table.csv`, mean over chips."),
    ("output_difference", "1", "Relative difference of the outputs as in `table.csv`, mean over chips."),
    (
        "sd_between_chips",
        "as the score",
        "Standard deviation between chips without that of shots; with two shots or more.",
    ),
    ("sd_between_shots", "as the score", "Standard deviation between the shots of one chip; with two shots or more."),
];

/// `design.csv`: one row per point and photonic layer.
pub const DESIGN_COLUMNS: &[ColumnText] = &[
    ("layer", "", "Index of the photonic layer among all layers."),
    ("outputs", "", "Rows of its matrix."),
    ("inputs", "", "Columns of its matrix."),
    ("tiles", "", "Number of tiles of the matrix."),
    ("zero_tiles", "", "Number of tiles of zeros, which are skipped."),
    ("cores", "", "Number of physical cores."),
    ("interferometers_per_core", "", "Interferometers of one core, attenuators included."),
    ("depth", "", "Columns of cells in one core, attenuators included."),
    ("utilisation", "1", "Share of the k×k entries of all tiles that belong to the matrix."),
    (
        "transmission_db",
        "dB of power",
        "Power from input to output that the gain of the design compensates, mean over tiles, ≤ 0. A `correction` does not \
         change it.",
    ),
    ("photons_per_port", "", "Photons at full drive in a symbol, before the chip; 0 without a laser."),
    ("local_oscillator_photons", "", "Photons of the local oscillator at one receiver in a symbol."),
    ("photoelectrons_per_readout", "", "Photoelectrons that the signal makes in one readout, mean over chips."),
    (
        "snr_full_scale_db",
        "dB",
        "Signal-to-noise ratio of a full-scale readout without the converter, mean over tiles.",
    ),
    ("enob", "bit", "Effective number of bits of that readout, (SNR − 1.76)/6.02."),
    ("matrix_error_predicted", "1", "Matrix error of first order in the errors of the process."),
    ("matrix_error_measured", "1", "Matrix error, root mean square over chips."),
    ("matrix_error_read", "1", "The part of it that reaches a readout."),
    ("readout_bits", "bit", "Bits of a readout as in `table.csv`, mean over chips."),
];

/// `classes.csv` of a classification: one row per point, kind of row and class.
pub const CLASSES_COLUMNS: &[ColumnText] = &[
    ("class", "", "Name of the label, or its index."),
    ("samples", "", "Number of samples of the class; of positions, if they have labels."),
    ("accuracy_mean", "1", "Share of the samples of the class that are classified correctly, mean over chips."),
    ("accuracy_se", "1", "Standard error of that mean over chips."),
];

/// `confusion.csv` of a classification: one row per pair of classes that occurs.
pub const CONFUSION_COLUMNS: &[ColumnText] = &[
    ("true", "", "Class of the label."),
    ("predicted", "", "Class of the outputs."),
    ("count", "", "Number of samples, mean over chips and shots."),
];

/// `table.csv` of a run without a network, after `trial`: one row per chip.
pub const MATRIX_COLUMNS: &[ColumnText] = &[
    ("infidelity", "1", "1 − F with F = |tr(W†Ŵ)|²/(‖W‖²‖Ŵ‖²), with all digits also where it is tiny."),
    ("error", "1", "Matrix error ‖Ŵ − W‖/‖W‖ with the gain of the program."),
    ("error_scaled", "1", "Matrix error after the real factor on Ŵ that minimises it."),
    ("transmission_db", "dB of power", "‖Ŵ‖²/‖W‖² of the optics, before the gain."),
    ("heater_power_w", "W", "Power of the heaters; empty without `phase_shifter.power_pi_w`."),
];

/// `summary.csv` of a run without a network, after `chips`.
pub const MATRIX_SUMMARY_COLUMNS: &[ColumnText] = &[
    ("<column>_mean", "as the quantity", "Mean over chips."),
    ("<column>_sd", "as the quantity", "Standard deviation between chips."),
    ("<column>_se", "as the quantity", "Standard error of the mean over chips."),
    ("<column>_q10", "as the quantity", "10 % quantile over chips (type 7)."),
    ("<column>_q50", "as the quantity", "Median over chips."),
    ("<column>_q90", "as the quantity", "90 % quantile over chips."),
    ("infidelity_law", "1", "Predicted mean of `infidelity`; empty if chips are corrected or components share errors."),
    (
        "error_law",
        "1",
        "Predicted root mean square of `error`, which is above the mean by about sd²/(2·mean); empty if chips are corrected or components share errors.",
    ),
];
