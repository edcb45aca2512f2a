//! The templates of `phaseloom new`: one line in [`TEMPLATES`] and one constant each.

use phaseloom::hardware::{HardwareError, preset};

/// A folder to start from.
pub struct Template {
    /// Key of `--example`.
    pub key: &'static str,
    /// Heading of the page in the folder.
    pub title: &'static str,
    /// What the folder shows, in one sentence.
    pub about: &'static str,
    /// The files, apart from the page.
    pub files: &'static [File],
    /// The commands to type next, in order, each with what it does.
    pub commands: &'static [(&'static str, &'static str)],
}

/// A file of a template.
pub struct File {
    pub name: &'static str,
    /// What it holds.
    pub about: &'static str,
    pub contents: Contents,
}

/// The contents of a file.
pub enum Contents {
    Bytes(&'static [u8]),
    /// The text of a preset of a process.
    Preset(&'static str),
}

impl Contents {
    pub fn bytes(&self) -> Result<Vec<u8>, HardwareError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.to_vec()),
            Self::Preset(key) => Ok(preset(key).map_err(HardwareError::Preset)?.text.into()),
        }
    }
}

/// All templates, the default one first.
pub const TEMPLATES: [&Template; 8] = [&DIGITS, &ONNX, &UNITARY, &CHIP, &STUDY, &RELU, &FORGETTING, &SMALL_DATA];

/// A file of the template that is stored in the folder of its name, or in the examples.
macro_rules! file {
    ($name:literal, $path:literal, $about:literal) => {
        File { name: $name, about: $about, contents: Contents::Bytes(include_bytes!($path)) }
    };
}

const DIGITS_DATA: File = file!(
    "digits.csv.gz",
    "../../../../examples/digits/digits.csv.gz",
    "1797 digits: 64 pixels 0…16 and the label; every fifth is test data"
);

const DIGITS_LICENCE: File =
    file!("COPYING-scikit-learn", "../../../../examples/digits/COPYING-scikit-learn", "licence of the digits");

const DIGITS: Template = Template {
    key: "digits",
    title: "Handwritten digits on photonic chips",
    about: "A trained network (64-32-10, ReLU) classifies 8×8 digits on simulated chips with fabrication errors and noise.",
    files: &[
        file!("experiment.toml", "digits/experiment.toml", "the experiment: chips, link, errors"),
        file!("model.toml", "digits/model.toml", "the layers of the network"),
        file!("process.toml", "digits/process.toml", "what fabrication does to a chip"),
        file!("train.toml", "digits/train.toml", "the training that made the weights"),
        file!("weights.safetensors", "../../../../examples/digits/weights.safetensors", "weights and biases"),
        file!("calibration.json", "../../../../examples/digits/calibration.json", "scales of the converters"),
        DIGITS_DATA,
        DIGITS_LICENCE,
    ],
    commands: &[
        ("phaseloom run experiment.toml", "accuracy on ten chips at each of four error levels"),
        ("phaseloom explain sigma_rad", "what a key means, its unit and range"),
        ("phaseloom calibrate experiment.toml", "measure the scales of the converters again, on training data"),
        ("phaseloom train train.toml --overwrite", "train the network again, from random weights"),
    ],
};

const STUDY: Template = Template {
    key: "study",
    title: "A study of trained networks",
    about: "Does training on imperfect chips help chips that never trained? Networks of several seeds are trained both ways and compared.",
    files: &[
        file!("study.toml", "study/study.toml", "what is compared, over which seeds, and the criterion"),
        file!("train.toml", "study/train.toml", "the training, which the study changes"),
        file!("model.toml", "study/model.toml", "the layers of the network"),
        file!("chips.toml", "study/chips.toml", "the experiment that tests each network"),
        DIGITS_DATA,
        DIGITS_LICENCE,
    ],
    commands: &[
        ("phaseloom run study.toml", "train and test six networks, and compare them"),
        ("phaseloom run study.toml --dry-run", "how many networks"),
    ],
};

const RELU: Template = Template {
    key: "relu",
    title: "ReLU against sigmoid in deep networks of passive meshes",
    about: "Gradients and signals fade with depth where a chip only passes light on: how fast, for which activation, and what gain keeps them.",
    files: &[
        file!("study.toml", "relu/study.toml", "activations, gains and depths that are compared, and the criterion"),
        file!("train.toml", "relu/train.toml", "the training, which the study changes"),
        file!("model.toml", "relu/model.toml", "the layers of the network: one that repeats, and the readout"),
        file!("chips.toml", "relu/chips.toml", "the experiment that tests each network"),
        DIGITS_DATA,
        DIGITS_LICENCE,
    ],
    commands: &[
        ("phaseloom run study.toml --dry-run", "how many networks"),
        ("phaseloom run study.toml", "train, test and compare them; Ctrl-C keeps what is done"),
    ],
};

const SMALL_DATA: Template = Template {
    key: "small-data",
    title: "What better data gain on a given chip",
    about: "300 digits, some with wrong labels: cleaning, early stopping and training on chips with errors, next to a wider network.",
    files: &[
        file!("study.toml", "small-data/study.toml", "the ways that are compared, and the criterion"),
        file!("train.toml", "small-data/train.toml", "the training, which the study changes"),
        file!("model.toml", "small-data/model.toml", "the layers of the network"),
        file!("chips.toml", "small-data/chips.toml", "the experiment that tests each network"),
        DIGITS_DATA,
        DIGITS_LICENCE,
    ],
    commands: &[
        ("phaseloom run study.toml --dry-run", "how many networks"),
        ("phaseloom run study.toml", "train, test and compare them; Ctrl-C keeps what is done"),
    ],
};

const FORGETTING: Template = Template {
    key: "forgetting",
    title: "What a network forgets when it learns a second question",
    about: "A network on a chip learns whether a digit is odd, then whether it is 5 or more, with eleven ways to keep the first answer.",
    files: &[
        file!("study.toml", "forgetting/study.toml", "the ways that are compared, and the seeds"),
        file!("first.toml", "forgetting/first.toml", "the training on the first question"),
        file!("second.toml", "forgetting/second.toml", "the training on the second question"),
        file!("model.toml", "forgetting/model.toml", "the layers of the network, with two outputs for each question"),
        file!("model-first.toml", "forgetting/model-first.toml", "the same with the outputs of the first question"),
        file!("model-second.toml", "forgetting/model-second.toml", "the same with the outputs of the second question"),
        file!("test-first.toml", "forgetting/test-first.toml", "the experiment that asks the first question"),
        file!("test-second.toml", "forgetting/test-second.toml", "the experiment that asks the second question"),
        DIGITS_DATA,
        DIGITS_LICENCE,
    ],
    commands: &[
        ("phaseloom run study.toml --dry-run", "how many networks"),
        ("phaseloom run study.toml", "train, test and compare them; Ctrl-C keeps what is done"),
    ],
};

const ONNX: Template = Template {
    key: "onnx",
    title: "Convolutional networks of PyTorch and Keras on photonic chips",
    about: "Two small convolutional networks, exported to ONNX by PyTorch and by Keras, classify 8×8 digits on simulated chips.",
    files: &[
        file!("pytorch.toml", "onnx/pytorch.toml", "the experiment on the network of PyTorch"),
        file!("pytorch.onnx", "onnx/pytorch.onnx", "the network: two convolutions, a dense layer"),
        file!("pytorch-logits.npy", "onnx/pytorch-logits.npy", "what PyTorch computes for the test data"),
        file!("train_pytorch.py", "onnx/train_pytorch.py", "the training and the export in PyTorch"),
        file!("keras.toml", "onnx/keras.toml", "the experiment on the network of Keras"),
        file!("keras.onnx", "onnx/keras.onnx", "a network like it, channels last"),
        file!("keras-outputs.npy", "onnx/keras-outputs.npy", "what Keras computes for the test data"),
        file!("train_keras.py", "onnx/train_keras.py", "the training and the export in Keras"),
        DIGITS_DATA,
        DIGITS_LICENCE,
    ],
    commands: &[
        ("phaseloom inspect pytorch.toml", "which operators go to light, with their tiles"),
        ("phaseloom run pytorch.toml", "accuracy on five chips"),
        ("phaseloom run keras.toml", "the same for the network of Keras"),
    ],
};

const UNITARY: Template = Template {
    key: "unitary",
    title: "A unitary on a mesh of interferometers",
    about: "A random 8×8 unitary is programmed on a mesh, drawn, realised by an imperfect chip and corrected.",
    files: &[file!("process.toml", "unitary/process.toml", "what fabrication does to a chip")],
    commands: &[
        ("phaseloom generate haar 8 --seed 1 -o u.npy", "a unitary; any .npy of your own will do"),
        ("phaseloom program u.npy -o program.json", "its phases on a rectangular mesh (Clements)"),
        ("phaseloom draw program.json --input 0 -o mesh.svg", "the mesh with light from the first port"),
        ("phaseloom chip process.toml --program program.json --seed 1 -o chip.json", "sample a chip"),
        ("phaseloom matrix program.json --chip chip.json -o realised.npy", "the matrix that this chip realises"),
        ("phaseloom correct program.json --chip chip.json", "every correction side by side"),
        ("phaseloom correct program.json --chip chip.json --method local -o corrected.json", "keep the phases of one"),
        ("phaseloom matrix corrected.json --chip chip.json --target u.npy", "the matrix after correction"),
        (
            "phaseloom convert program.json --to strawberryfields -o strawberryfields.json",
            "the phases that another program gives",
        ),
    ],
};

const CHIP: Template = Template {
    key: "chip",
    title: "A chip from fabrication to correction",
    about: "A core of 8 ports is fabricated by a foundry process, runs any 8×8 matrix, and is corrected for its errors.",
    files: &[File {
        name: "process.toml",
        about: "the preset thermo-optic-silicon, to be changed: each number with its source",
        contents: Contents::Preset("thermo-optic-silicon"),
    }],
    commands: &[
        ("phaseloom chip process.toml --core 8 --seed 1 -o chip.json", "fabricate a core: two meshes and attenuators"),
        ("phaseloom generate gaussian 8 --seed 1 -o weights.npy", "a matrix of weights"),
        ("phaseloom program weights.npy --form svd -o program.json", "its phases: W = g·U·Σ·V†"),
        ("phaseloom matrix program.json --chip chip.json -o realised.npy", "the matrix that the chip realises"),
        ("phaseloom correct program.json --chip chip.json", "every correction side by side"),
        ("phaseloom correct program.json --chip chip.json --method local -o corrected.json", "keep the phases of one"),
        ("phaseloom matrix corrected.json --chip chip.json --target weights.npy", "the matrix after correction"),
        ("phaseloom compare --modes 8 --process process.toml --trials 3", "other meshes on the same process"),
    ],
};
