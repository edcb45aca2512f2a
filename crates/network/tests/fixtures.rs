//! Files of other programs (NumPy, the safetensors package): every type and order is read, every damage is an error.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use num_complex::Complex64;
use phaseloom_files::read_matrix;
use phaseloom_network::NetworkError;
use phaseloom_network::data::{Batch, CsvColumns, DataSpec, Truth, read_inputs, read_labels};
use phaseloom_network::weights::Tensors;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Entry of the matrix of `make_fixtures.py`.
fn entry(dtype: &str, r: usize, c: usize) -> Complex64 {
    let (r, c) = (r as f64, c as f64);
    match &dtype[..1] {
        "f" => Complex64::from((4.0 * r + c) / 2.0 - 2.0),
        "c" => Complex64::new((4.0 * r + c) / 2.0 - 2.0, r - c / 4.0),
        "i" => Complex64::from(4.0 * r + c - 5.0),
        _ => Complex64::from(4.0 * r + c),
    }
}

#[test]
fn npy_of_every_type_byte_order_and_layout() {
    for dtype in ["f2", "f4", "f8", "c8", "c16", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"] {
        for end in ["le", "be"] {
            for order in ["C", "F"] {
                let path = fixture(&format!("matrix_{dtype}_{end}_{order}.npy"));
                let (matrix, single) = read_matrix(&path).unwrap();
                assert_eq!(matrix.shape(), (3, 4), "{path:?}");
                assert_eq!(single, matches!(dtype, "f2" | "f4" | "c8"), "{path:?}");
                for (r, c) in (0..3).flat_map(|r| (0..4).map(move |c| (r, c))) {
                    assert_eq!(matrix[(r, c)], entry(dtype, r, c), "{path:?} {r} {c}");
                }
                let inputs = read_inputs(&path, &CsvColumns::default());
                if dtype.starts_with('c') {
                    assert!(inputs.unwrap_err().to_string().contains("inputs of a network are real"));
                } else {
                    assert_eq!(inputs.unwrap(), matrix.transpose().map(|z| z.re), "features × samples, {path:?}");
                }
            }
        }
    }
    assert_eq!(read_matrix(&fixture("version2.npy")).unwrap().0[(2, 3)], entry("f8", 2, 3));
    assert_eq!(read_matrix(&fixture("bool.npy")).unwrap().0[(0, 2)], Complex64::from(1.0));
}

#[test]
fn npy_that_does_not_fit_its_use_is_refused() {
    let columns = CsvColumns::default();
    let message = |name: &str| read_matrix(&fixture(name)).unwrap_err().to_string();
    assert!(message("rank3.npy").contains("rank 3"));
    assert!(message("nan.npy").contains("row 1, column 2: found NaN"));
    assert!(message("object.npy").contains("Python objects"));
    assert!(message("structured.npy").contains("not records"));
    assert!(message("longdouble.npy").contains("astype"));
    assert!(message("text.npy").contains("<U1"));
    assert!(read_inputs(&fixture("nan.npy"), &columns).unwrap_err().to_string().contains("sample 1, feature 2"));
    assert_eq!(read_labels(&fixture("labels.npy"), &columns, Some(3)).unwrap(), [2, 0, 1]);
    assert_eq!(read_labels(&fixture("float_labels.npy"), &columns, None).unwrap(), [2, 0, 1]);
    assert!(read_labels(&fixture("matrix_i4_le_C.npy"), &columns, None).is_err());
}

#[test]
fn idx_with_and_without_gzip() {
    let columns = CsvColumns::default();
    for name in ["images-idx3-ubyte", "images-idx3-ubyte.gz"] {
        let batch = read_inputs(&fixture(name), &columns).unwrap();
        assert_eq!(batch.shape(), (4, 3));
        assert_eq!(batch.column(2).as_slice(), [8.0, 9.0, 10.0, 11.0]);
    }
    assert_eq!(read_labels(&fixture("labels-idx1-ubyte"), &columns, None).unwrap(), [2, 0, 1]);
    let spec: DataSpec =
        toml::from_str("inputs = 'images-idx3-ubyte.gz'\nlabels = 'labels-idx1-ubyte'\nclasses = [1, 2]").unwrap();
    let data = spec.load(&fixture("")).unwrap();
    assert_eq!((data.labels(), data.inputs.to_batch()[(0, 1)]), (&[1, 0][..], 8.0));
    assert_eq!(spec.files(&fixture("")).unwrap().len(), 2);
}

#[test]
fn arrays_of_an_npz_file_are_data() {
    let load = |toml: &str| toml::from_str::<DataSpec>(toml).unwrap().load(&fixture(""));
    let data = load("inputs = 'data.npz'\nnpz = { inputs = 'x', labels = 'y' }").unwrap();
    assert_eq!(((data.inputs.features(), data.inputs.samples()), &*data.sample_shape), ((4, 3), &[1, 2, 2][..]));
    assert_eq!(
        (data.inputs.to_batch().column(2).as_slice(), data.labels()),
        (&[8.0, 9.0, 10.0, 11.0][..], &[2, 0, 1][..])
    );
    let named = load("inputs = 'data.npz'\nnpz = { inputs = 'x', labels = 'names' }").unwrap();
    assert_eq!(named.labels(), [1, 2, 0]);
    assert_eq!(named.class_names.unwrap().names, ["ape", "emu", "ox"]);
    let regression = load("inputs = 'data.npz'\nnpz = { inputs = 'x', targets = 'targets' }").unwrap();
    assert_eq!(regression.truth, Truth::Targets(Batch::from_column_slice(2, 3, &[-2.0, -1.5, 0.0, 0.5, 2.0, 2.5])));
    let apart = load("inputs = 'matrix_f8_le_C.npy'\nlabels = 'data.npz'\nnpz = { labels = 'names' }").unwrap();
    assert_eq!((apart.labels(), &*apart.sample_shape), (&[1, 2, 0][..], &[4][..]));
    let unlabelled = load("inputs = 'data.npz'\nnpz = { inputs = 'targets' }").unwrap();
    assert_eq!((unlabelled.truth, unlabelled.inputs.to_batch().shape()), (Truth::Unknown, (2, 3)));
    for (toml, part) in [
        (
            "inputs = 'data.npz'",
            "`npz.inputs`: found no name, expected the name of one of the arrays names, targets, x, y",
        ),
        (
            "inputs = 'data.npz'\nnpz = { inputs = 'x', labels = 'nams' }",
            "`nams`, expected an array of the file: names, targets, x, y; did you mean `names`?",
        ),
        ("inputs = 'data.npz'\nnpz = { inputs = 'names' }", "array `names`, dtype: found <U3, expected numbers"),
        ("inputs = 'data.npz'\nnpz = { inputs = 'y' }", "array `y`, shape"),
        ("inputs = 'data.npz'\nlabels = 'labels.npy'\nnpz = { inputs = 'x', labels = 'y' }", "`npz.labels`"),
        ("inputs = 'data.npz'\nnpz = { labels = 'y', targets = 'targets' }", "one of them"),
        ("inputs = 'labels.npy'\nnpz = { inputs = 'x' }", "not .npz"),
        ("inputs = 'matrix_f8_le_C.npy'\nlabels = 'data.npz'\nnpz = { inputs = 'x', labels = 'y' }", "`npz.inputs`"),
    ] {
        let error = load(toml).unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
}

#[test]
fn tensors_of_every_format() {
    for (name, bias) in [
        ("f16.safetensors", true),
        ("f32.safetensors", true),
        ("f64.safetensors", true),
        ("bf16.safetensors", false),
        ("stored.npz", true),
        ("deflated.npz", true),
    ] {
        let tensors = Tensors::load(&fixture(name)).unwrap();
        let weight = tensors.get("weight").unwrap();
        assert_eq!(weight.shape(), [3, 4], "{name}");
        for (at, &value) in weight.values().iter().enumerate() {
            assert_eq!(Complex64::from(value), entry("f8", at / 4, at % 4), "{name}");
        }
        assert_eq!(tensors.get("bias").map(|b| b.values() == [1.0, 2.0, 3.0]), bias.then_some(true), "{name}");
    }
    let stored = Tensors::load(&fixture("stored.npz")).unwrap();
    assert_eq!(stored.get("fortran"), stored.get("weight"));
    let metadata = Tensors::load(&fixture("f32.safetensors")).unwrap().metadata;
    assert_eq!(metadata.get("other").map(String::as_str), Some("note"));
    let one = Tensors::load(&fixture("matrix_f4_be_F.npy")).unwrap();
    assert_eq!(one.get("matrix_f4_be_F").unwrap().shape(), [3, 4]);
    let integers = Tensors::load(&fixture("with_integers.safetensors")).unwrap();
    assert!(integers.get("steps").is_none() && integers.unused().contains(&"steps".to_owned()));
}

/// Reads a file with every reader that its name allows.
fn read_all(path: &Path) -> Vec<Result<(), NetworkError>> {
    let columns = CsvColumns::default();
    vec![
        read_inputs(path, &columns).map(|_| ()),
        read_labels(path, &columns, None).map(|_| ()),
        Tensors::load(path).map(|_| ()),
        if path.extension().is_some_and(|e| e == "npy") {
            read_matrix(path).map(|_| ()).map_err(NetworkError::from)
        } else {
            Ok(())
        },
    ]
}

#[test]
fn damaged_files_are_errors_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let mut names: Vec<_> = fs::read_dir(fixture("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    // The headers of the matrices differ in their types only, so two of them represent all.
    names.retain(|name| {
        let name = name.to_string_lossy();
        !name.ends_with(".py")
            && (!name.starts_with("matrix") || name == "matrix_f8_le_C.npy" || name == "matrix_c8_be_F.npy")
    });
    names.sort();
    assert!(names.len() >= 20);
    for name in names {
        let complete = fs::read(fixture(&name.to_string_lossy())).unwrap();
        let path = folder.path().join(&name);
        let attempt = |bytes: &[u8], what: String| {
            fs::write(&path, bytes).unwrap();
            catch_unwind(|| read_all(&path)).unwrap_or_else(|_| panic!("{name:?}, {what}: panicked"))
        };
        let step = (complete.len() / 40).max(1);
        for length in (0..complete.len()).step_by(step).chain([complete.len() - 1]) {
            let results = attempt(&complete[..length], format!("cut to {length}"));
            assert!(results[..3].iter().all(Result::is_err), "{name:?} cut to {length}");
        }
        // The header of a .npy has 128 bytes; of the other files, all bytes count as header.
        let header =
            if path.extension().is_some_and(|e| e == "npy") { complete.len().min(128) } else { complete.len() };
        for at in (0..header).step_by(header.div_ceil(300)) {
            for flip in [0x01, 0x20, 0x80] {
                let mut bytes = complete.clone();
                bytes[at] ^= flip;
                attempt(&bytes, format!("byte {at} ^ {flip:02x}"));
            }
        }
    }
}
