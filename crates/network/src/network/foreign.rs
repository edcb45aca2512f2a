//! Model files of other programs: what they are, and how Python converts them to ONNX.

use std::path::Path;

use phaseloom_files::InputFiles;

use crate::error::{NetworkError, Result};

/// A kind of model file that only its own program can read.
struct Foreign {
    what: &'static str,
    /// Python that converts it, with the name of the file in place of `{}`.
    convert: [&'static str; 2],
}

const PYTORCH: Foreign = Foreign {
    what: "a PyTorch checkpoint, whose Python objects only Python can read",
    convert: [
        "model = MyNet(); model.load_state_dict(torch.load(\"{}.pt\")); model.eval()",
        "torch.onnx.export(model, torch.zeros(1, 1, 28, 28), \"{}.onnx\")",
    ],
};
const TORCHSCRIPT: Foreign = Foreign {
    what: "a TorchScript model",
    convert: [
        "model = torch.jit.load(\"{}.pt\").eval()",
        "torch.onnx.export(model, torch.zeros(1, 1, 28, 28), \"{}.onnx\", dynamo=False)",
    ],
};
const KERAS: Foreign = Foreign {
    what: "a Keras model",
    convert: ["model = keras.models.load_model(\"{}.keras\")", "model.export(\"{}.onnx\", format=\"onnx\")"],
};
const HDF5: Foreign = Foreign {
    what: "an HDF5 file, as older Keras saves models",
    convert: ["model = keras.models.load_model(\"{}.h5\")", "model.export(\"{}.onnx\", format=\"onnx\")"],
};
const TFLITE: Foreign = Foreign {
    what: "a TensorFlow Lite model",
    convert: [
        "import subprocess, sys",
        "subprocess.run([sys.executable, \"-m\", \"tf2onnx.convert\", \"--tflite\", \"{}.tflite\", \"--output\", \"{}.onnx\"])",
    ],
};

/// Checks that a model file is not one of another program. Its first bytes decide.
///
/// # Errors
///
/// What the file is, with the two lines of Python that convert it. A file that cannot be read.
pub fn refuse_foreign(path: &Path, files: &InputFiles) -> Result<()> {
    let file = files.read(path)?;
    let Some(foreign) = kind(&file.bytes) else { return Ok(()) };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let convert = foreign.convert.map(|line| line.replace("{}", &stem));
    Err(NetworkError::Foreign { path: path.to_owned(), what: foreign.what, convert })
}

fn kind(bytes: &[u8]) -> Option<&'static Foreign> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    match () {
        () if starts(b"PK") => {
            let archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).ok()?;
            let any = |part: &str| archive.file_names().any(|name| name.is_ok_and(|name| name.contains(part)));
            match () {
                () if any("/code/") => Some(&TORCHSCRIPT),
                () if any("data.pkl") => Some(&PYTORCH),
                () if any("config.json") || any(".weights.h5") => Some(&KERAS),
                () => None,
            }
        }
        () if starts(b"\x89HDF") => Some(&HDF5),
        () if bytes.get(4..8) == Some(b"TFL3") => Some(&TFLITE),
        // A pickle of protocol 2 or newer, as `torch.save` wrote before version 1.6.
        () if starts(b"\x80") && bytes.get(1).is_some_and(|&protocol| (2..=5).contains(&protocol)) => Some(&PYTORCH),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn archive(name: &str) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"x").unwrap();
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn files_of_other_programs_are_recognised_by_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        for (bytes, part) in [
            (archive("net/data.pkl"), "model.load_state_dict(torch.load(\"net.pt\"))"),
            (archive("net/code/__torch__.py"), "torch.jit.load"),
            (archive("model.weights.h5"), "keras.models.load_model(\"net.keras\")"),
            (b"\x89HDF\r\n\x1a\n".to_vec(), "net.h5"),
            (b"\x1c\0\0\0TFL3".to_vec(), "tf2onnx"),
            (b"\x80\x02}q".to_vec(), "PyTorch"),
        ] {
            let path = folder.path().join("net.bin");
            std::fs::write(&path, bytes).unwrap();
            let error = refuse_foreign(&path, &InputFiles::default()).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("expected a model file"), "{error} | {part}");
        }
        let path = folder.path().join("model.toml");
        std::fs::write(&path, "format = 'phaseloom-model'").unwrap();
        assert!(refuse_foreign(&path, &InputFiles::default()).is_ok());
    }
}
