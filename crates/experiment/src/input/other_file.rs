//! Files of other kinds in the place of an experiment.

use crate::error::ExperimentError;
use phaseloom_files::kind_of_file;
use std::path::Path;

const MODEL: &str = "name it by the key `model` of an experiment; `phaseloom new` makes an example";
const PROGRAM: &str =
    "`phaseloom sweep` runs it on chips without a network; or name it by the key `program` of an experiment";
const WEIGHTS: &str = "`phaseloom import` makes a model of weights, which an experiment names by its key `model`; `phaseloom new` makes an example";

/// What to do with a file of another kind than an experiment, by a part of the name of its kind.
const REMEDIES: [(&str, &str); 11] = [
    ("phaseloom-model", MODEL),
    ("phaseloom-program", PROGRAM),
    ("phaseloom-converted", PROGRAM),
    ("phaseloom-chip", "`phaseloom matrix` computes the matrix of a program on a chip"),
    ("phaseloom-training", "`phaseloom train` reads it"),
    ("a file of spectra", "`phaseloom spectra` reads it"),
    (".npz", WEIGHTS),
    ("safetensors", WEIGHTS),
    ("ONNX", MODEL),
    (
        ".npy",
        "`phaseloom sweep` runs a matrix on chips without a network; or name it by the key `matrix` of an experiment",
    ),
    ("a process", "name it by the key `process` of an experiment; `phaseloom new` makes an example"),
];

/// The error of a file of another kind than an experiment.
pub(crate) fn no_experiment(path: &Path) -> Option<ExperimentError> {
    let found = kind_of_file(path)?;
    let (_, remedy) = REMEDIES.iter().find(|(part, _)| found.contains(part))?;
    Some(ExperimentError::NoExperiment { path: path.to_owned(), found, remedy })
}
