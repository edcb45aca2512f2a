//! Real data sets below `PHASELOOM_DATA`; skipped, with a message, if the variable is not set.

use std::path::{Path, PathBuf};

use phaseloom_network::data::{DATA_VARIABLE, DataSpec, Dataset};

fn load(toml: &str) -> Option<Dataset> {
    if std::env::var_os(DATA_VARIABLE).map(PathBuf::from).is_none() {
        eprintln!("skipped: set {DATA_VARIABLE} to the folder with mnist, sklearn, vowel-deterding");
        return None;
    }
    let spec: DataSpec = toml::from_str(toml).unwrap();
    Some(spec.load(Path::new(".")).unwrap())
}

#[test]
fn mnist() {
    let toml = "inputs = '$PHASELOOM_DATA/mnist/t10k-images-idx3-ubyte.gz'
        labels = '$PHASELOOM_DATA/mnist/t10k-labels-idx1-ubyte.gz'";
    let Some(data) = load(toml) else { return };
    assert_eq!((data.features(), data.samples()), (784, 10_000));
    assert_eq!(data.labels()[..5], [7, 2, 1, 0, 4]);
    assert!((data.inputs.to_batch().max() - 255.0).abs() < 1e-12);
    data.check(784, 10).unwrap();
}

#[test]
fn sklearn() {
    let Some(digits) = load("inputs = '$PHASELOOM_DATA/sklearn/digits.csv.gz'") else { return };
    assert_eq!((digits.features(), digits.samples()), (64, 1797));
    digits.check(64, 10).unwrap();
    for (name, features, samples) in [("wine_data", 13, 178), ("breast_cancer", 30, 569), ("iris", 4, 150)] {
        let toml = format!("inputs = '$PHASELOOM_DATA/sklearn/{name}.csv'\ncsv = {{ skip_lines = 1 }}");
        let data = load(&toml).unwrap();
        assert_eq!((data.features(), data.samples()), (features, samples), "{name}");
        data.check(features, 3).unwrap();
    }
}

#[test]
fn vowels() {
    let toml = "inputs = '$PHASELOOM_DATA/vowel-deterding/vowel-train.csv'
        csv = { label = 'y', features = ['x1', 'x2', 'x3', 'x4'] }
        classes = [1, 3, 6, 9]";
    let Some(data) = load(toml) else { return };
    assert_eq!((data.features(), data.samples()), (4, 4 * 48));
    assert_eq!(data.inputs.to_batch().column(0).as_slice(), [-3.639, 0.418, -0.67, 1.779]);
    assert_eq!(data.labels()[..3], [0, 1, 2]);
}
