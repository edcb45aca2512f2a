//! The ideal network equals that of the authors, its gradients equal finite differences, and bad files are refused.

use super::data::SOURCE;
use super::*;
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PHASELOOM_DATA").map(|root| Path::new(&root).join("photonic-mesh-4x4"));
    if folder.is_none() {
        eprintln!("skipped: PHASELOOM_DATA is not set; the data are from {SOURCE}");
    }
    folder
}

/// The file has nine digits, and its matrices are single precision: 1e-6.
#[test]
fn the_ideal_network_is_that_of_the_authors() {
    let Some(folder) = folder() else { return };
    let data = Data::read(&folder).unwrap();
    assert_eq!((data.points.len(), data.slopes.len()), (250, 700));
    let network = Network::new(&data.unitaries).unwrap();
    let all: Vec<usize> = (0..250).collect();
    let ideal = ideal_fractions(&network, &data, &all).unwrap();
    for (f, point) in ideal.iter().zip(&data.points) {
        assert!((probability(*f) - point.ideal[0]).abs() < 1e-6, "{} and {}", probability(*f), point.ideal[0]);
        assert!((f - power_fraction(point.ideal)).abs() < 1e-6);
    }
    let cosines = gradients::measured(&data.slopes);
    for (computed, stated) in cosines.iter().zip([0.984, 0.982, 0.980]) {
        assert!((computed - stated).abs() < 6e-4, "{cosines:?}");
    }
}

/// Central differences of the loss by θ and φ, on a chip with all errors: curvature and rounding stay below 1e-7.
#[test]
fn slopes_are_those_of_the_loss() {
    let unitaries: Vec<_> = (0..3).map(|layer| phaseloom_testing::haar(MODES, layer)).collect();
    let network = Network::new(&unitaries).unwrap();
    let levels = [(Level::Splitter, 0.05), (Level::Phase, 0.1), (Level::Imbalance, 1.0)];
    let levels = levels.map(|(level, best)| (level, Profile { best, bounds_68: (0.0, 1.0), bounds_95: (0.0, 1.0) }));
    let id = phaseloom_hardware::ChipId { seed: 1, trial: 0, core: 0 };
    let chip = Chip::fabricate(&process(&levels), network.program(), id).unwrap();
    let inputs = DMatrix::from_row_slice(4, 2, &[0.5, -1.0, 1.2, 0.3, 1.9, 2.0, 1.9, 2.0]);
    let labels = [0, 1];
    let loss = |chip: &Chip| -> f64 {
        let fractions = network.fractions(chip, &inputs).unwrap();
        let p = fractions.iter().zip(labels).map(|(f, l)| if l == 0 { probability(*f) } else { 1.0 - probability(*f) });
        -p.map(f64::ln).sum::<f64>() / 2.0
    };
    let slopes = network.slopes(&chip, &inputs, &labels).unwrap();
    assert_eq!(slopes.len(), 36);
    // The offset of a phase shifter acts in all three layers, so its slope is the sum of three.
    for k in 0..12 {
        let moved = |step: f64| {
            let mut stages = chip.stages().to_vec();
            stages[0].offsets.values_mut()[k] += step;
            loss(&Chip::from_stages(&Process::default(), network.program(), stages).unwrap())
        };
        let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        let slope = slopes[k] + slopes[12 + k] + slopes[24 + k];
        assert!((slope - expected).abs() < 1e-7 * expected.abs().max(1.0), "{k}: {slope} and {expected}");
    }
}

#[test]
fn malformed_files_are_named_with_their_line() {
    let Some(source) = folder() else { return };
    let broken = |name: &str, change: &dyn Fn(&str) -> String| -> String {
        let folder = tempfile::tempdir().unwrap();
        for file in ["moons-unitaries.json", "moons-points.csv", "batch-gradients.csv"] {
            let text = std::fs::read_to_string(source.join(file)).unwrap();
            std::fs::write(folder.path().join(file), if file == name { change(&text) } else { text }).unwrap();
        }
        Data::read(folder.path()).unwrap_err().to_string()
    };
    let points = "moons-points.csv";
    for (change, named) in [
        ((&|t: &str| t.replacen("test,", "rest,", 1)) as &dyn Fn(&str) -> String, "line 202: found rest"),
        (&|t: &str| t.replacen("0.3726460635662079", "x", 1), "line 2: found x, expected a finite number"),
        (&|t: &str| t.replacen("0.3726460635662079", "7.5", 1), "line 2: found |x|"),
        (&|t: &str| t.replacen("0.940059004", "1.2", 1), "line 2: found 1.2 and"),
        (&|t: &str| t.replacen("0.940059004,", "", 1), "line 2: found 9 cells"),
        (&|t: &str| t.replacen("label", "class", 1), "line 1"),
        (&|_: &str| String::new(), "line 1"),
    ] {
        let message = broken(points, change);
        assert!(message.contains(points) && message.contains(named), "{message}");
    }
    assert!(broken("batch-gradients.csv", &|t| t.replacen("4,0,", "four,0,", 1)).contains("line 2: found four"));
    assert!(broken("moons-unitaries.json", &|t| t.replacen("-0.069", "oops", 1)).contains("line "));
    assert!(broken("moons-unitaries.json", &|t| t.replacen("unitaries_im", "imaginary", 1)).contains("unitaries_im"));
    assert!(!Data::is_in(Path::new("nowhere")));
}
