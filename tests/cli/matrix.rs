//! `program`, `chip`, `matrix`: their files are numbers that others compute with. Another test rebuilds the matrix of a
//! chip from the two JSON files alone (`crates/hardware/tests/oracle.rs`); here the command gives the same matrix.

use super::support::{GENERAL, Scene, fixture, npy, npy_real, read};
use phaseloom::Complex64;
use phaseloom::hardware::Chip;
use phaseloom::mesh::MatrixProgram;
use phaseloom_testing::Matrix;
use std::f64::consts::TAU;

/// A folder with a general matrix (3×4), a unitary (4×4) and its single-precision copy.
fn matrices() -> Scene {
    let scene = Scene::new();
    scene.write("general.npy", npy_real(&GENERAL));
    // The discrete Fourier transform of four points with phases, unitary.
    let entry = |r: usize, c: usize| Complex64::cis(TAU * (r * c) as f64 / 4.0 + 0.3 * r as f64) / 2.0;
    let parts: Vec<f64> = (0..16).map(|k| entry(k / 4, k % 4)).flat_map(|z| [z.re, z.im]).collect();
    let double: Vec<u8> = parts.iter().flat_map(|x| x.to_le_bytes()).collect();
    let single: Vec<u8> = parts.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    scene.write("unitary.npy", npy("<c16", "(4, 4)", &double));
    scene.write("single.npy", npy("<c8", "(4, 4)", &single));
    scene
}

#[test]
fn forms_and_precisions() {
    let scene = matrices();
    let [unitary, general] = ["unitary.npy", "general.npy"].map(|name| read(&scene.path(name)));
    for topology in ["rectangular", "triangular"] {
        let form = |matrix: &str, expected: &str, words: &[&str], target: &Matrix| {
            let said = scene.call(&format!("program {matrix} -o program.json --topology {topology}")).well().out;
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
            let program = scene.json("program.json");
            assert_eq!((&program["version"], &program["form"]), (&1.into(), &expected.into()));
            (scene.matrix("program.json") - target).camax()
        };
        assert!(form("unitary.npy", "unitary", &["|U†U − I|", "form unitary"], &unitary) < 1e-13);
        assert!(form("unitary.npy --form svd", "svd", &[], &unitary) < 1e-13);
        // Single precision is off by 1e-8; what is programmed is the nearest unitary.
        let off = form("single.npy", "unitary", &["single precision", "nearest unitary"], &unitary);
        assert!(1e-9 < off && off < 1e-7, "{off:e}");
        assert!(form("general.npy", "svd", &[], &general) < 4e-13 * 3.0);
    }
    // The same 1e-6 is unitary for single precision alone.
    let nearly = [1.0 + 1e-6, 0.0, 0.0, 1.0];
    let single: Vec<u8> = nearly.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    scene.write("single.npy", npy("<f4", "(2, 2)", &single));
    scene.write("nearly.npy", npy_real(&[&nearly[..2], &nearly[2..]]));
    scene.call("program single.npy --form unitary -o single.json").well();
    let parts = ["nearly.npy", "2.0e-6", "tolerance 1e-9", "svd"];
    scene.call("program nearly.npy --form unitary -o nearly.json").refused(&parts);
    assert!(!scene.path("nearly.json").exists());
}

#[test]
fn rounded_values_become_the_nearest_unitary_on_one_mesh() {
    let scene = matrices();
    let unitary = read(&scene.path("unitary.npy"));
    let rounded: Vec<u8> = (0..16)
        .map(|k| unitary[(k / 4, k % 4)])
        .flat_map(|z| [z.re, z.im])
        .flat_map(|x| ((x * 1e4).round() / 1e4).to_le_bytes())
        .collect();
    scene.write("rounded.npy", npy("<c16", "(4, 4)", &rounded));
    let said = scene.call("program rounded.npy -o two.json").well();
    assert!(said.out.contains("two meshes") && said.err.contains("`--nearest-unitary`"), "{}", said.err);
    let said = scene.call("program rounded.npy --nearest-unitary -o one.json").well();
    assert!(said.out.contains("form unitary") && said.out.contains("6 MZIs"), "{}", said.out);
    let program = scene.matrix("one.json");
    // The polar factor of U + E is U + (E − U·E†·U)/2 to first order, so it is at least as close as the rounded matrix.
    assert!((&program - &unitary).norm() < (read(&scene.path("rounded.npy")) - &unitary).norm());
    assert!((program.adjoint() * &program - Matrix::identity(4, 4)).camax() < 1e-13);
    // Nothing was asked to be written.
    assert!(scene.call("program rounded.npy --nearest-unitary").well().err.contains("-o PROGRAM.json"));
    scene.write("singular.npy", npy_real(&[&[1.0, 1.0], &[1.0, 1.0]]));
    scene.call("program singular.npy --nearest-unitary -o singular.json").refused(&["singular"]);
    assert!(!scene.path("singular.json").exists());
    scene.call("program general.npy --nearest-unitary").refused(&["3×4", "square"]);
    scene.call("program rounded.npy --nearest-unitary --form svd").refused(&["--form"]);
}

#[test]
fn a_sweep_that_fails_at_its_first_chip_leaves_no_folder() {
    let scene = matrices();
    scene.write("dark.toml", "[insertion_loss]\nloss_db = 2000");
    scene.call("sweep general.npy --process dark.toml --trials 2 -o dark").refused(&["E0404"]);
    assert!(!scene.path("dark").exists());
    // TOML, which the run would keep, holds no such path.
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"u\xff.npy");
        std::fs::copy(scene.path("unitary.npy"), scene.path("").join(name)).unwrap();
        let arguments = [std::ffi::OsStr::new("sweep"), scene.path("").join(name).as_os_str(), "-o".as_ref()]
            .map(std::ffi::OsStr::to_owned);
        let folder = scene.path("odd");
        super::support::run(arguments.iter().map(|a| a.as_os_str()).chain([folder.as_os_str()])).refused(&["UTF-8"]);
        assert!(!folder.exists());
    }
    // A table is no key, and is not suggested for itself.
    let refused = scene.call("sweep unitary.npy --vary splitter_error=0:1:0.5");
    assert!(!refused.err.contains("did you mean"), "{}", refused.err);
    refused.refused(&["splitter_error", "expected one of its keys"]);
}

#[test]
fn every_number_type_and_order_of_numpy_makes_the_same_program() {
    let scene = Scene::new();
    for kind in ["f8", "c16", "f4", "i4"] {
        let program = |variant: &str| {
            let matrix = fixture(&format!("matrix_{kind}_{variant}.npy"));
            scene.call(&format!("program {} -o program.json", matrix.display())).well();
            scene.text("program.json")
        };
        let first = program("le_C");
        assert!(["le_F", "be_C", "be_F"].iter().all(|variant| program(variant) == first), "{kind}");
    }
}

/// The matrix of `program.json` on `chip.json`, gain included, by the library.
fn product(scene: &Scene) -> Matrix {
    let program = MatrixProgram::load(&scene.path("program.json")).unwrap();
    let chip = Chip::load(&scene.path("chip.json")).unwrap();
    chip.matrix(&program).unwrap() * Complex64::from(program.gain())
}

const SOURCES: [&str; 9] = [
    "# perfect",
    "[splitter_error]\nsigma_rad = 0.1\nmean_rad = 0.05",
    "[splitter_error]\nsigma_power = 0.05",
    "[phase_error]\nsigma_rad = 0.2",
    "[insertion_loss]\nloss_db = 0.3\nimbalance_db = -0.2\nimbalance_sigma_db = 0.4",
    "[thermal_crosstalk]\ncoefficient = 0.03",
    "[phase_quantization]\nbits = 5",
    "[phase_quantization]\nbits = 6\nuniform_in = 'voltage'",
    "[splitter_error]\nsigma_amplitude = 0.03\n[phase_error]\nsigma_rad = 0.1\n[insertion_loss]\nloss_db = 0.1\n\
     imbalance_sigma_db = 0.2\n[thermal_crosstalk]\ncoefficient = 0.01\n[phase_quantization]\nbits = 7",
];

#[test]
fn a_chip_multiplies_by_its_realised_matrix() {
    let scene = matrices();
    for (matrix, topology) in [("general.npy", "rectangular"), ("unitary.npy", "triangular")] {
        scene.call(&format!("program {matrix} -o program.json --topology {topology}")).well();
        for source in SOURCES {
            scene.chip(source);
            let made = scene.matrix("program.json --chip chip.json");
            assert_eq!(made, product(&scene), "{source}");
            if source == "# perfect" {
                continue;
            }
            // From the process: the same chip, and another one for another trial.
            let direct = scene.matrix("program.json --process process.toml --seed 4 --trial 0");
            assert!(made == direct, "{source}");
            scene.call("chip process.toml --program program.json --seed 4 --trial 2 -o chip.json").well();
            let second = scene.matrix("program.json --chip chip.json");
            let direct = scene.matrix("program.json --process process.toml --seed 4 --trial 2");
            assert!(second == direct, "{source}");
            let is_random = !["# perfect", "[phase_q", "[thermal"].iter().any(|start| source.starts_with(start));
            assert_eq!(second != made, is_random, "{source}");
        }
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let scene = matrices();
    scene.call("program general.npy -o program.json").well();
    scene.chip("[phase_error]\nsigma_rad = 0.1");
    scene.write("list.toml", "\nphase_error = []");
    scene.call("chip process.toml --core 5 --seed 1 -o core.json").well();
    for (command, parts) in [
        ("matrix program.json --process process.toml", &["--seed"][..]),
        ("matrix program.json --seed 1", &["--process"]),
        ("matrix program.json --chip chip.json --seed 7", &["--seed", "--chip"]),
        ("matrix program.json --chip chip.json --trial 1", &["--trial", "--chip"]),
        ("chip process.toml --program program.json -o new.json", &["--seed"]),
        ("chip process.toml --seed 1 -o new.json", &["--program"]),
        ("matrix program.json --chip core.json -o new.npy", &["5×5", "3×4", "its own form"]),
        (
            "chip process.toml --core 4 --topology rectangel --seed 1 -o new.json",
            &["rectangel", "rectangular, triangular"],
        ),
        ("chip list.toml --core 5 --seed 1 -o new.json", &["list.toml: line 2", "a table of keys"]),
    ] {
        scene.call(command).refused(parts);
        assert!(!scene.path("new.json").exists() && !scene.path("new.npy").exists());
    }
    // Lists in the place of tables, which would be read by position.
    let command = "matrix program.json --chip chip.json";
    for (name, table) in [("chip.json", "/process"), ("program.json", "/right/cells/0")] {
        let parts = [name, "line 1", "found list", "a table of keys"];
        scene.refuses_value(name, (table, Vec::<f64>::new().into()), command, &parts);
    }
    let amplifies = ("\"upper_amplitude\": 1.0", "\"upper_amplitude\": 1.1");
    let parts = ["chip.json", "left.cells[0].upper_amplitude", "1.1", "passive"];
    scene.refuses_change("chip.json", amplifies, command, &parts);
}

#[test]
fn angles_beyond_measure_are_refused_and_leave_no_file() {
    let scene = matrices();
    scene.call("program unitary.npy -o program.json").well();
    // A chip of the widest process is read again.
    scene.chip("[phase_error]\nsigma_rad = 1e6\n");
    scene.call("matrix program.json --chip chip.json").well();
    for (name, angle, value, parts) in [
        (
            "chip.json",
            "/right/cells/1/phi_offset_rad",
            -3e8,
            ["right.cells[1].phi_offset_rad", "-3e8", "-1e7 to 1e7 rad"],
        ),
        ("program.json", "/right/output/2", 1.5e6, ["right.output[2]", "1.5e6", "-1e6 to 1e6 rad"]),
        ("program.json", "/right/cells/0/theta", 1.7e308, ["right.cells[0].theta", "1.7e308", "-1e6 to 1e6 rad"]),
    ] {
        let command = "matrix program.json --chip chip.json -o out.npy";
        scene.refuses_value(name, (angle, value.into()), command, &[&[name], &parts[..]].concat());
    }
    assert!(!scene.path("out.npy").exists());
}

#[test]
fn large_numbers_have_exponents() {
    let scene = Scene::new();
    scene.write("large.npy", npy_real(&[&[-2.5e9, 1.0]]));
    scene.call("program large.npy -o program.json").well();
    let said = scene.call("matrix program.json").well().out;
    assert!(said.contains("-2.500000e9") && !said.contains("2500000000"), "{said}");
}

/// The cells of a chip in any order, without places in the order of the program, and places that do not fit.
#[test]
fn cells_of_a_chip_are_matched_by_place() {
    let scene = matrices();
    scene.call("program general.npy -o program.json").well();
    scene.chip("[phase_error]\nsigma_rad = 0.1\n[splitter_error]\nsigma_rad = 0.1");
    let expected = scene.matrix("program.json --chip chip.json");
    let chip = scene.json("chip.json");
    let change = |edit: &dyn Fn(&mut Vec<serde_json::Value>)| {
        let mut changed = chip.clone();
        for part in ["right", "attenuators", "left"] {
            edit(changed[part]["cells"].as_array_mut().unwrap());
        }
        scene.write("chip.json", changed.to_string());
    };
    change(&|cells| cells.reverse());
    assert_eq!(scene.matrix("program.json --chip chip.json"), expected);
    change(&|cells| {
        for cell in cells {
            cell.as_object_mut().unwrap().retain(|key, _| key != "column" && key != "mode");
        }
    });
    assert_eq!(scene.matrix("program.json --chip chip.json"), expected);
    let refused = |edit: &dyn Fn(&mut Vec<serde_json::Value>), parts: &[&str]| {
        change(edit);
        scene.call("matrix program.json --chip chip.json").refused(&[&["chip.json"], parts].concat());
    };
    refused(&|cells| cells[1]["mode"] = 99.into(), &["right.cells[1]", "mode 99", "the place of a cell"]);
    refused(&|cells| cells[1] = cells[0].clone(), &["right.cells[1]", "for a second time"]);
    refused(&|cells| drop(cells[2].as_object_mut().unwrap().remove("column")), &["right.cells[2]", "not both"]);
    scene.write("chip.json", chip.to_string().replace("\"sigma_rad\":0.1", "\"sigma_rad\":-1"));
    let parts = ["chip.json", "process.", ".sigma_rad: found -1"];
    scene.call("matrix program.json --chip chip.json").refused(&parts);
    scene.write("chip.json", "{\"format\": \"phaseloom-chip\", \"version\": 1}");
    scene
        .call("matrix program.json --chip chip.json")
        .refused(&["missing fields `form`, `topology`, `rows`, `columns`, `right`"]);
}
