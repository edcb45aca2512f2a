//! Bad input of every kind: exit code 2, one message that says where, what was found and what was expected, and
//! nothing written. `Scene::refuses` and `Ended::refused` check the rest.

use super::support::{
    CORE, DATA, LINK, MODEL, SWEEP, Scene, example, fixture, integers, npy, npy_real, phaseloom, run_to, safetensors,
    scales, wait,
};
use std::fs;
use std::path::Path;

#[test]
fn matrices() {
    let scene = Scene::new();
    let huge = npy("<f8", "(1000000, 1000000)", &[0; 8]);
    let cases: [(&str, Vec<u8>, &[&str]); 11] = [
        ("nan.npy", npy_real(&[&[1.0, 0.0], &[f64::NAN, 1.0]]), &["row 1, column 0", "NaN", "finite"]),
        ("inf.npy", npy_real(&[&[1.0, f64::INFINITY]]), &["row 0, column 1", "inf"]),
        ("rank1.npy", npy("<f8", "(2,)", &[0; 16]), &["rank 1", "rank 2"]),
        ("rank3.npy", npy("<f8", "(1, 1, 1)", &[0; 8]), &["rank 3", "rank 2"]),
        ("hollow.npy", npy("<f8", "(0, 3)", &[]), &["0×3", "at least one row"]),
        ("empty.npy", Vec::new(), &["empty file", "an array of NumPy"]),
        ("cut.npy", npy("<f8", "(2, 2)", &[0; 31]), &["31 bytes", "32 bytes", "cut off"]),
        ("long.npy", npy("<f8", "(2, 2)", &[0; 40]), &["40 bytes", "32 bytes"]),
        ("absurd.npy", huge, &["8000000000000 bytes", "[1000000, 1000000]"]),
        ("text.npy", b"1 2\n3 4\n".to_vec(), &["expected an array of NumPy"]),
        ("overflowing.npy", npy_real(&[&[1e308, -1e308], &[1e308, 1e308]]), &["1e308", "at most 1e151", "scale"]),
    ];
    let refused = |name: &str, parts: &[&str]| {
        let before = fs::read_dir(&scene.0).unwrap().count();
        let file = name.split(' ').next().unwrap();
        scene.call(&format!("program {name} -o program.json")).refused(&[&[file], parts].concat());
        assert_eq!(fs::read_dir(&scene.0).unwrap().count(), before);
    };
    for (name, bytes, parts) in cases {
        scene.write(name, bytes);
        refused(name, parts);
    }
    for name in ["object.npy", "structured.npy", "text.npy", "longdouble.npy", "nan.npy"] {
        fs::copy(fixture(name), scene.path(name)).unwrap();
        refused(name, &["expected"]);
    }
    refused("no.npy", &["No such file"]);
    refused(".", &["it is a folder, expected a file"]);
    // Not unitary, and by how much; not square.
    scene.write("a.npy", npy_real(&[&[1.0, 0.5], &[0.0, 1.0]]));
    refused("a.npy --form unitary", &["5.0e-1", "tolerance 1e-9", "svd"]);
    scene.write("b.npy", npy_real(&[&[1.0, 0.0]]));
    refused("b.npy --form unitary", &["1×2", "square"]);
}

#[test]
fn lists_in_the_place_of_tables() {
    let scene = Scene::new();
    scene.refuses(&format!("{DATA}{CORE}{LINK}[process]\nphase_error = []\n"), &["line", "a table of keys"]);
    scene.refuses(
        &format!("process = []\n{DATA}{CORE}"),
        &["line 3", "found list, expected a path, a preset or a table"],
    );
    scene.refuses(&format!("core = [4]\n{DATA}"), &["line 3", "a table of keys"]);
    scene.refuses(&format!("link = []\n{DATA}{CORE}"), &["line 3", "a table of keys"]);
    let sweep = "[[sweep]]\nkeys = ['process.phase_error']\nvalues = [[], [0.1]]\n";
    scene.refuses(&format!("{DATA}{CORE}{LINK}{sweep}"), &["process.phase_error", "a table of keys"]);
    let layers = MODEL.replace("[[layer]]\nkind = 'relu'\n", "").split("[[layer]]").next().unwrap().to_owned();
    let (head, input) = layers.split_once("[input]").unwrap();
    scene.write("model.toml", format!("{head}layer = [['photonic', 2, 'w1']]\n[input]{input}"));
    scene.refuses(&format!("{DATA}{CORE}"), &["model.toml", "a table of keys"]);
}

#[test]
fn outputs_that_cannot_be_written() {
    let scene = Scene::new();
    scene.write("m.npy", npy_real(&[&[1.0, 0.0], &[0.0, 1.0]]));
    let program = |out: &str| {
        let before = fs::read_dir(&scene.0).unwrap().count();
        let ended = wait(phaseloom().current_dir(&scene.0).args(["program", "m.npy", "-o", out]));
        assert!(ended.code == Some(0) || fs::read_dir(&scene.0).unwrap().count() == before);
        ended
    };
    program("no/such/p.json").refused(&["-o", "no/such/p.json", "there is no folder", "make it"]);
    program(".").refused(&["-o", "it is a folder"]);
    assert!(program("").code == Some(2));
    // A program in a place with spaces and letters of all kinds; a link stays a link.
    let name = "ein Maß für λ.json";
    program(name).well();
    #[cfg(unix)]
    {
        let link = scene.path("link.json");
        std::os::unix::fs::symlink(scene.path(name), &link).unwrap();
        scene.write(name, "");
        program("link.json").well();
        assert!(link.is_symlink() && scene.text(name).starts_with('{'));
        // A device is written to, not replaced.
        program("/dev/null").well();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}

#[test]
fn programs_and_chips_that_are_damaged() {
    let scene = Scene::new();
    scene.write("m.npy", npy_real(&[&[1.0, 0.5], &[0.0, 1.0]]));
    scene.call("program m.npy -o program.json").well();
    scene.chip("[phase_error]\nsigma_rad = 0.1");
    for (name, from, to, part) in [
        ("program.json", "\"version\": 1", "\"version\": 2", "version"),
        ("program.json", "\"gain\"", "\"gane\"", "gain"),
        ("program.json", "\"cell\": \"mzi\"", "\"cell\": \"ring\"", "cell"),
        ("program.json", "0.", "1e999", "out of range"),
        ("chip.json", "\"version\": 1", "\"version\": 2", "version"),
        ("chip.json", "\"rows\": 2", "\"rows\": 3", "left.cells"),
        ("chip.json", "\"beta_rad\"", "\"beta\"", "beta_rad"),
        ("chip.json", "0.", "1e999", "out of range"),
    ] {
        let command = "matrix program.json --chip chip.json -o matrix.npy";
        scene.refuses_change(name, (from, to), command, &[name, part]);
        let good = scene.text(name);
        for (bad, part) in [("", "line 1"), (&good[..good.len() / 2], "line"), ("[1, 2]", "")] {
            scene.refuses_text(name, bad, command, &[name, part]);
        }
    }
    assert!(!scene.path("matrix.npy").exists());
}

#[test]
fn data_files() {
    let scene = Scene::new();
    let tables = format!("{DATA}{CORE}");
    for (name, bytes, parts) in [
        ("x.npy", Vec::new(), &["empty file"][..]),
        ("x.npy", npy_real(&[&[1.0, f64::NAN, 0.0]; 40]), &["sample 0, feature 1", "NaN"]),
        ("x.npy", npy_real(&[&[1.0, 2.0, 3.0]; 39]), &["39 inputs", "40 labels"]),
        ("x.npy", npy_real(&[&[1.0, 2.0]; 40]), &["2 features", "expected 3"]),
        ("x.npy", npy("<f8", "(0, 3)", &[]), &["0 samples"]),
        ("x.npy", npy("<c16", "(40, 3)", &[0; 40 * 3 * 16]), &["complex", "real"]),
        ("y.npy", integers(40, |_| 2), &["label 2 of sample 0", "2 classes"]),
        ("y.npy", integers(40, |_| -1), &["-1"]),
        ("y.npy", npy_real(&[&[0.5]; 40]), &["label of sample 0", "0.5"]),
    ] {
        scene.refuses_file(name, bytes, &tables, parts);
    }

    // IDX, gzip and CSV by their names.
    let images = fs::read(fixture("images-idx3-ubyte")).unwrap();
    let zipped = fs::read(fixture("images-idx3-ubyte.gz")).unwrap();
    let files: [(&str, &[u8], &[&str]); 8] = [
        ("a-idx3-ubyte", &[], &["0 bytes", "cut off"]),
        ("b-idx3-ubyte", &images[..images.len() - 1], &["IDX", "cut off or damaged"]),
        ("c-idx3-ubyte", &images[..7], &["7 bytes", "header"]),
        ("d-idx3-ubyte", b"not at all an image", &["bytes 0–1", "not an IDX file"]),
        ("e-idx3-ubyte.gz", &zipped[..zipped.len() - 9], &["gzip", "damaged"]),
        ("f.csv", b"", &["no rows"]),
        ("g.csv", b"1,2,x,0\n", &["line 1, column 2", "`x`"]),
        ("h.csv", b"1,2,3,0\n1,2,0\n", &["line 2", "3 columns"]),
    ];
    for (name, bytes, parts) in files {
        let labels = if name.ends_with("csv") { "" } else { "labels = 'y.npy'\n" };
        scene.refuses_file(name, bytes, &format!("[data]\ninputs = '{name}'\n{labels}{CORE}"), parts);
    }
    let far = format!("[data]\ninputs = 'ok.csv'\ncsv = {{ skip_lines = {} }}\n{CORE}", i64::MAX);
    scene.write("ok.csv", "1,2,3,0\n");
    scene.refuses(&far, &["ok.csv", "no rows"]);
    #[cfg(unix)]
    {
        // What never ends is not waited for.
        std::os::unix::fs::symlink("/dev/zero", scene.path("zero.csv")).unwrap();
        scene.refuses(
            &format!("[data]\ninputs = 'zero.csv'\n{CORE}"),
            &["zero.csv", "it is a pipe or a device, expected a plain file"],
        );
        run_to(Path::new("/dev/zero"), &scene.path("out"), &[]).refused(&["/dev/zero", "it is a pipe or a device"]);
    }
    scene.write("x.txt", "1 2 3");
    scene.refuses(&format!("[data]\ninputs = 'x.txt'\nlabels = 'y.npy'\n{CORE}"), &["x.txt", ".npy"]);
    scene.refuses(&format!("[data]\ninputs = 'none.npy'\nlabels = 'y.npy'\n{CORE}"), &["none.npy", "No such file"]);
    for (key, part) in [
        ("samples = 0", "at least 1"),
        ("samples = 41", "line 6: `data.samples` is 41 (for "),
        ("classes = []", "at least one label"),
        ("classes = [7]", "labels of the file: 0, 1"),
        ("every = { modulus = 0, except = [0] }", "modulus"),
        ("every = { modulus = 1, except = [0] }", "0 samples"),
    ] {
        scene.refuses(&format!("{DATA}{key}\n{CORE}"), &[part]);
    }
}

#[test]
fn weights_and_calibration() {
    let scene = Scene::new();
    let tables = format!("{DATA}{CORE}{LINK}");
    let good = fs::read(scene.path("w.safetensors")).unwrap();
    let weight = |name: &str, shape: &[usize]| safetensors(&[(name, shape, vec![1.0; 12])]);
    let nan = safetensors(&[("w1", &[4, 3], [vec![f64::NAN], vec![1.0; 11]].concat())]);
    for (bytes, parts) in [
        (&[][..], &["safetensors"][..]),
        (&good[..good.len() - 8], &["safetensors"]),
        (&good[..20], &["safetensors"]),
        (&[0xff; 64], &["safetensors"]),
        (&nan, &["w1", "[0, 0]", "NaN"]),
        (&weight("w1", &[3, 4]), &["w1", "[3, 4]", "[4, 3]", "transpose"]),
        (&weight("weight", &[4, 3]), &["layer 0", "`w1`", "found only weight"]),
    ] {
        scene.refuses_file("w.safetensors", bytes, &tables, parts);
    }
    scene.write("model.toml", MODEL.replace("w.safetensors", "w.npz"));
    for name in ["deflated.npz", "stored.npz"] {
        let bytes = fs::read(fixture(name)).unwrap();
        for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
            scene.refuses_file("w.npz", &bytes[..cut], &tables, &[]);
        }
    }
    scene.write("model.toml", MODEL);
    for (from, to, parts) in [
        ("\"ports\": 4", "\"ports\": 8", &["8 × 4", "4 × 4", "phaseloom calibrate"][..]),
        ("\"input_scale\": 1.0", "\"input_scale\": 0.0", &["layers[0].input_scale", "above 0"]),
        ("\"input_scale\": 1.0", "\"input_scale\": -1.0", &["layers[0].input_scale", "above 0"]),
        ("[4.0]", "[4.0, 4.0]", &["tiles of layer 0", "found 2", "expected 1"]),
        ("\"version\": 1", "\"version\": 9", &["version 9"]),
        ("\"data_sha256\"", "\"model_sha256\": \"abc\", \"data_sha256\"", &["have changed since"]),
        ("\"layers\"", "\"leyers\"", &["leyers", "line 1"]),
    ] {
        scene.refuses_file("calibration.json", scales(4).replacen(from, to, 1), &tables, parts);
    }
    fs::remove_file(scene.path("calibration.json")).unwrap();
    scene.refuses(&tables, &["calibration.json does not exist", "[calibration]\ndata = { inputs = \"train.npy\" }"]);
    scene.call("calibrate experiment.toml").refused(&["no table [calibration]", "data = {"]);
    assert!(!scene.path("calibration.json").exists());
}

#[test]
fn keys_of_experiments() {
    let scene = Scene::new();
    for (tables, parts) in [
        (format!("trails = 3\n{DATA}{CORE}"), &["line 3", "`trails`", "did you mean `trials`?"][..]),
        (format!("{DATA}{CORE}[lnik]\nadc = 3\n"), &["line 8", "did you mean `link`?"]),
        (format!("{DATA}{CORE}[link]\nlaser_power = 3\n"), &["line 9", "did you mean `laser_power_w`?"]),
        (format!("{DATA}[core]\nprots = 4\n"), &["line 7", "did you mean `ports`?"]),
        (format!("{DATA}{CORE}[[swep]]\nkeys = ['seed']\n"), &["did you mean `sweep`?"]),
        (format!("{DATA}{CORE}[[sweep]]\nkey = ['seed']\nvalues = [1]\n"), &["line 9", "did you mean `keys`?"]),
        (format!("{DATA}{CORE}[process]\nphase_eror = {{ sigma_rad = 1 }}\n"), &["line 9", "`phase_error`?"]),
        (format!("{DATA}{CORE}[process.phase_error]\nsigma = 1\n"), &["line 9", "`sigma_rad`?"]),
        (format!("{DATA}{CORE}{CORE}"), &["line 8", "duplicate key"]),
        (format!("{DATA}{CORE}["), &["line 8"]),
        (format!("process = 3\n{DATA}{CORE}"), &["line 3", "integer `3`", "a path, a preset or a table"]),
        (format!("process = 'none.toml'\n{DATA}{CORE}"), &["none.toml", "No such file"]),
        (DATA.replace("labels", "lables"), &["line 5", "did you mean `labels`?"]),
        (CORE.to_owned(), &["`data` is absent", "[data]"]),
    ] {
        scene.refuses(&tables, parts);
    }
    scene.write("experiment.toml", "");
    scene.run(&[]).refused(&["experiment.toml", "an empty file"]);
    scene.write("experiment.toml", b"name = 'a'\nmodel = '\xff'\n");
    scene.run(&[]).refused(&["experiment.toml", "line 2, byte 10", "UTF-8"]);
    run_to(&scene.path("none.toml"), &scene.path("out"), &[]).refused(&["none.toml", "No such file"]);
    run_to(scene.0.path(), &scene.path("out"), &[]).refused(&["it is a folder, expected a file"]);
}

#[test]
fn values_of_experiments() {
    let scene = Scene::new();
    let process = |text: &str| format!("{DATA}{CORE}[process]\n{text}\n");
    let link = |text: &str| format!("{DATA}{CORE}[link]\nlaser_power_w = 1e-3\n{text}\n");
    for (tables, parts) in [
        (
            process("splitter_error = { sigma_rad = -0.1 }"),
            &["line 9", "`process.splitter_error.sigma_rad` is -0.1"][..],
        ),
        (process("splitter_error = { sigma_rad = nan }"), &["line 9", "NaN"]),
        (process("phase_error = { sigma_rad = inf }"), &["line 9", "inf"]),
        (process("phase_error = { sigma_rad = 1e308 }"), &["line 9", "is 1e308", "at most 1e6"]),
        (process("splitter_error = { sigma_rad = 0.1, sigma_power = 0.1 }"), &["line 9", "sigma_power", "only one"]),
        (process("thermal_crosstalk = {}"), &["line 9", "absent", "distance_factor"]),
        (process("insertion_loss = { loss_db = -1 }"), &["line 9", "`process.insertion_loss.loss_db` is -1"]),
        (process("phase_quantization = { bits = 0 }"), &["line 9", "bits` is 0", "1 to 24"]),
        (process("phase_quantization = { bits = 40 }"), &["line 9", "bits` is 40", "1 to 24"]),
        (link("adc = { bits = 40 }"), &["line 10", "`link.adc.bits` is 40"]),
        (link("dac = { bits = 1 }"), &["line 10", "`link.dac.bits` is 1"]),
        (link("coupling_loss_db = -3"), &["line 10", "is -3"]),
        (link("modulator = { kind = 'push_pull', extinction_db = 20, loss_db = -1 }"), &["line 10", "loss_db` is -1"]),
        (link("responsivity_a_per_w = 1.3"), &["line 10", "1.2502", "one electron a photon"]),
        (link("wavelength_m = 1550"), &["line 10", "1550", "1e-8"]),
        (link("lo_fraction = 1"), &["line 10", "lo_fraction"]),
        (link("bandwidth_hz = 0"), &["line 10", "bandwidth_hz"]),
        (link("thermal_noise = {}"), &["line 10", "feedback_ohm", "absent"]),
        (format!("{DATA}{CORE}[link]\nshot_noise = true\n"), &["line 8", "`link.laser_power_w` is absent"]),
        (
            format!("{DATA}{CORE}[calibration]\nquantile = nan\n{DATA}")
                .replace("nan\n[data]", "nan\n[calibration.data]"),
            &["line 9", "calibration.quantile", "NaN"],
        ),
        (format!("{DATA}[core]\nports = 0\n"), &["line 7", "`core.ports` is 0"]),
        (format!("{DATA}[core]\nports = 1000000000000\n"), &["line 7", "at most 16384"]),
        (format!("{DATA}[core]\ntopology = 'rect'\n"), &["line 7", "`rect`", "rectangular, triangular"]),
        (format!("{DATA}[core]\nports = 4\ntopology = 'tree'\n"), &["line 8", "`tree`, which carries 1", "rows", "4"]),
        (process("phase_shifter = { power_pi_w = 1e308 }"), &["line 9", "power_pi_w` is 1e308", "from 0 to 1000"]),
        (format!("{DATA}[core]\nports = 1\n[link]\ndetection = 'offset'\n"), &["column_block"]),
        (format!("shots = 0\n{DATA}{CORE}"), &["line 3", "`shots` is 0"]),
        (format!("{DATA}{CORE}[link]\ndetection = 'direct'\n"), &["loses the sign", "layer 0 has a bias", "homodyne"]),
    ] {
        scene.refuses(&tables, parts);
    }
    scene.write("experiment.toml", format!("model = 'model.toml'\ntrials = 0\n{DATA}{CORE}"));
    scene.run(&[]).refused(&["line 2", "`trials` is 0", "at least 1"]);
    scene.experiment(&format!("{DATA}{CORE}"));
    scene.run(&["--trials", "0"]).refused(&["'0' for '--trials <N>'", "from 1 to 1000000"]);
    scene.run(&["--trials", "1000000000000"]).refused(&["--trials", "from 1 to 1000000"]);
    // A file of its own for the process: its name and its line.
    scene.write("process.toml", "\n[phase_error]\nsigma_rad = -1\n");
    scene.refuses(&format!("process = 'process.toml'\n{DATA}{CORE}"), &["process.toml: line 3", "is -1"]);
    assert!(!scene.path("out").exists());
}

#[test]
fn direct_detection_needs_a_modulus() {
    let scene = Scene::new();
    let tables = format!("{DATA}{CORE}[link]\ndetection = 'direct'\n");
    scene.write("model.toml", MODEL.replace("bias = 'b1'\n", ""));
    scene.refuses(&tables, &["layer 0", "followed by `relu`"]);
    scene.write("model.toml", MODEL.replace("bias = 'b1'\n", "").replace("relu", "modulus"));
    scene.refuses(&tables, &["layer 2", "last layer"]);
    scene.refuses(&tables.replace("ports = 4", "ports = 2"), &["layer 0", "several tiles"]);
    let last = "[[layer]]\nkind = 'squared_modulus'\n";
    scene.write("model.toml", MODEL.replace("bias = 'b1'\n", "").replace("relu", "modulus") + last);
    scene.experiment(&tables);
    scene.run(&[]).well();
}

#[test]
fn sweeps() {
    let scene = Scene::new();
    let sweep = |keys: &str, values: &str| format!("{DATA}{CORE}{LINK}[[sweep]]\nkeys = {keys}\nvalues = {values}\n");
    for (keys, values, parts) in [
        ("['link.adc.bits']", "[]", &["line 16", "`sweep[0].values` is empty"][..]),
        ("[]", "[1]", &["line 15", "`sweep[0].keys` is empty"]),
        ("['seed']", "[1, 2]", &["line 15", "`seed` belongs to the whole run"]),
        ("['trials']", "[1, 2]", &["line 15", "`trials` belongs to the whole run"]),
        ("['calibration.quantile']", "[1]", &["line 15", "belongs to the whole run"]),
        ("['link.adc.bist']", "[4]", &["line 15", "does not exist", "did you mean `bits`?"]),
        ("['proces.phase_error.sigma_rad']", "[4]", &["line 15", "did you mean `process`?"]),
        ("['link.adc.bits.more']", "[4]", &["line 15", "no table"]),
        ("['']", "[4]", &["line 15", "does not exist"]),
        ("['link.adc.bits']", "[4, 'a']", &["line 15", "cannot take the value \"a\""]),
        ("['link.adc.bits']", "[4, 40]", &["line 15", "`link.adc.bits` 40", "2 to 24"]),
        ("['link.laser_power_w']", "[1, nan]", &["line 15", "cannot take the value nan"]),
        ("['link.laser_power_w']", "[1979-05-27]", &["line 16", "found a date"]),
        ("['process.phase_error']", "[{ sigma_rad = -1 }]", &["line 15", "`process.phase_error.sigma_rad` -1"]),
        ("['link.adc.bits', 'link.adc.bits']", "[4]", &["line 15", "two axes"]),
        ("['link.adc.bits']", "[4, 6, 4]", &["line 15", "takes the value 4 twice", "once"]),
        ("['process.phase_error.sigma_rad']", "[0, 0.1, 0.0]", &["line 15", "takes the value 0.0 twice"]),
        ("['core.ports']", "[4, 8]", &["calibration.json", "4 × 4", "8 × 8"]),
        ("['model']", "['none.toml']", &["none.toml"]),
    ] {
        scene.refuses(&sweep(keys, values), parts);
    }
    // The key is in the file of the process, the impossible value is not.
    scene.write("process.toml", "[splitter_error]\nsigma_rad = 0.1\n");
    let bad = SWEEP.replace("0.01", "-0.01");
    scene.refuses(&format!("process = 'process.toml'\n{DATA}{CORE}{bad}"), &["experiment.toml: line 10", "-0.01"]);
    let bits = (2..=24).map(|b: u32| b.to_string()).collect::<Vec<_>>().join(", ");
    let axes = ["link.adc.bits", "link.dac.bits", "process.phase_quantization.bits", "shots"]
        .map(|key| format!("[[sweep]]\nkeys = ['{key}']\nvalues = [{bits}]\n"));
    scene.experiment(&format!("{DATA}{CORE}{LINK}{}", axes.concat()));
    scene.run(&["--trials", "4"]).refused(&["more than 1000000 points × trials"]);
    assert!(!scene.path("out").exists());
}

#[test]
fn models() {
    let scene = Scene::new();
    let tables = format!("{DATA}{CORE}");
    for (from, to, parts) in [
        ("weights =", "weihgts =", &["line 4", "did you mean `weights`?"][..]),
        ("outputs = 4", "ouputs = 4", &["line 10", "did you mean `outputs`?"]),
        ("'relu'", "'rellu'", &["line 14", "did you mean `relu`?"]),
        ("version = 1", "version = 2", &["line 2", "`version` is 2", "expected 1"]),
        ("phaseloom-model", "phaseloom-modle", &["line 1", "is this a model file?"]),
        ("size = 3", "size = 0", &["line 7", "`input.size` is 0"]),
        ("size = 3", "size = 4", &["`w1`", "[4, 3]", "[4, 4]"]),
        ("size = 3", "size = 1000000000000", &["line 7", "input.size", "at most"]),
        ("outputs = 2", "outputs = 1", &["`w2`", "[2, 4]", "[1, 4]"]),
        ("size = 3", "size = 3\nscale = nan", &["line 8", "`input.scale` is NaN"]),
        ("size = 3", "size = 3\nstd = 0", &["input.std", "above 0"]),
        ("size = 3", "size = 3\nmean = 'm'", &["`m`", "w1"]),
        ("'photonic'", "'dense'", &["no photonic layer"]),
        ("version = 1", "version = 1\nversion = 1", &["line 3", "duplicate key"]),
        ("w.safetensors", "w", &["ends with one of .safetensors", ".safetensors"]),
        ("w.safetensors", "none.npz", &["none.npz", "No such file"]),
    ] {
        assert!(MODEL.contains(from));
        scene.write("model.toml", MODEL.replace(from, to));
        scene.refuses(&tables, parts);
    }
    scene.write("model.toml", MODEL.split("[[layer]]").next().unwrap().to_owned() + "layer = []\n");
    scene.refuses(&tables, &["layer"]);
    scene.write("model.toml", MODEL.replace("outputs = 2", "outputs = 1"));
    let one = safetensors(&[("w1", &[4, 3], vec![1.0; 12]), ("b1", &[4], vec![0.0; 4]), ("w2", &[1, 4], vec![1.0; 4])]);
    scene.write("w.safetensors", one);
    scene.write("y.npy", integers(40, |i| i % 3));
    scene.refuses(&tables, &["label 2 of sample 2", "0…1"]);
}

#[test]
fn trainings() {
    let scene = Scene::new();
    let good = "format = 'phaseloom-training'\nversion = 1\nmodel = 'model.toml'\nepochs = 2\nbatch = 8\n\
                learning_rate = 1e-2\nseed = 1\n[train]\ninputs = 'x.npy'\nlabels = 'y.npy'\n[calibration]\nports = 4\n";
    let train = |text: &str| {
        scene.write("train.toml", text);
        scene.call("train train.toml --overwrite")
    };
    let (weights, calibration) = (scene.path("w.safetensors"), scene.path("calibration.json"));
    let before = (fs::read(&weights).unwrap(), fs::read(&calibration).unwrap());
    for (from, to, parts) in [
        ("epochs = 2", "epoch = 2", &["line 4", "did you mean `epochs`?"][..]),
        ("epochs = 2", "epochs = 0", &["line 4", "`epochs` is 0"]),
        ("batch = 8", "batch = 0", &["line 5", "`batch` is 0"]),
        ("1e-2", "nan", &["line 6", "`learning_rate` is NaN"]),
        ("1e-2", "-1", &["line 6", "`learning_rate` is -1"]),
        ("1e-2", "1e300", &["training: found a loss of", "learning_rate"]),
        ("[train]", "[training]", &["line 8", "did you mean `train`?"]),
        ("ports = 4", "ports = 0", &["line 12", "`calibration.ports` is 0"]),
        ("ports = 4", "ports = 20000", &["line 12", "`calibration.ports` is 20000", "16384"]),
        ("ports = 4", "ports = 4\nquantile = 0", &["line 13", "`calibration.quantile` is 0"]),
        ("'x.npy'", "'none.npy'", &["none.npy", "No such file"]),
        ("'model.toml'", "'none.toml'", &["none.toml", "No such file"]),
    ] {
        assert!(good.contains(from));
        train(&good.replace(from, to)).refused(parts);
        assert!(before == (fs::read(&weights).unwrap(), fs::read(&calibration).unwrap()), "{to}");
    }
    // Errors that would appear only at the end are reported before the first epoch.
    for (from, to, parts) in [
        (
            "ports = 4",
            "ports = 4\nsamples = 41",
            &["train.toml: line", "`calibration.samples` is 41", "at most 40"][..],
        ),
        ("'model.toml'", "'far.toml'", &["no/such/w.safetensors", "there is no folder"]),
    ] {
        scene.write("far.toml", MODEL.replace("w.safetensors", "no/such/w.safetensors"));
        assert!(!train(&good.replace(from, to)).refused(parts).err.contains("epoch "));
    }
    let ended = train(good).well();
    assert!(ended.out.starts_with("epoch 2/2"));
    assert!(before.0 != fs::read(&weights).unwrap() && before.1 != fs::read(&calibration).unwrap());
    scene.experiment(&format!("{DATA}{CORE}{LINK}"));
    scene.run(&[]).well();
}

#[test]
fn chips() {
    let scene = Scene::new();
    let chip = |text: &str, core: &str| {
        scene.write("process.toml", text);
        let ended = scene.call(&format!("chip process.toml --core {core} --seed 1 -o chip.json"));
        assert!(ended.code == Some(0) || !scene.path("chip.json").exists());
        ended
    };
    for (text, core, parts) in [
        ("# perfect", "1000000", &["1000000 ports", "GiB of memory"][..]),
        ("# perfect", "18446744073709551615", &["GiB of memory"]),
        ("# perfect", "0", &["0 ports", "at least 1"]),
        ("", "4", &["an empty file"]),
        ("[phase_errors]\nsigma_rad = 1", "3", &["process.toml: line 1", "did you mean `phase_error`?"]),
        ("[phase_error]\nsigma_rads = 1", "3", &["line 2", "did you mean `sigma_rad`?"]),
        ("[phase_error]\nsigma_rad = -1", "3", &["line 2", "`phase_error.sigma_rad` is -1"]),
        ("[phase_error]\nsigma_rad = '1'", "3", &["line 2", "expected a number"]),
        ("[phase_error]\nsigma_rad = 1\nsigma_rad = 1", "3", &["line 3", "duplicate key"]),
        ("[phase_quantization]\nbits = 4.5", "3", &["line 2"]),
        ("phase_error", "3", &["line 1"]),
    ] {
        chip(text, core).refused(parts);
    }
    chip("# perfect", "1").well();
}

#[test]
fn the_folder_of_the_data_must_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let vowels = example("vowels/vowels.toml");
    let run = |data: Option<&str>| {
        let mut command = phaseloom();
        command.arg("run").arg(&vowels).arg("-o").arg(folder.path().join("out")).env_remove("PHASELOOM_DATA");
        data.map(|data| command.env("PHASELOOM_DATA", data));
        wait(&mut command)
    };
    run(None).refused(&["PHASELOOM_DATA is not set", "export PHASELOOM_DATA="]);
    run(Some("")).refused(&["PHASELOOM_DATA is not set"]);
    run(Some("/nowhere")).refused(&["/nowhere/vowel-deterding", "No such file"]);
    assert!(!folder.path().join("out").exists());
}
