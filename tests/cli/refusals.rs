//! Bad input of every kind: exit code 2, one message that says where, what was found and what was expected, and
//! nothing written. `Scene::refuses` and `Ended::refused` check the rest.

use super::support::{
    CORE, DATA, Ended, LINK, MODEL, SWEEP, Scene, example, fixture, npy, npy_real, phaseloom, run, run_to, scales, wait,
};
use std::fs;
use std::path::Path;

/// A replacement in a good file, and parts of the message that refuses it.
struct Change<'a> {
    from: &'a str,
    to: &'a str,
    parts: &'a [&'a str],
}

/// `phaseloom program` of a file, which must be refused and leave nothing.
#[track_caller]
fn refuses_matrix(matrix: &Path, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("program.json");
    wait(phaseloom().arg("program").arg(matrix).arg("-o").arg(&out)).refused(parts);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn matrices() {
    let scene = Scene::new();
    let huge = npy("<f8", "(1000000, 1000000)", &[0; 8]);
    let cases: [(&str, Vec<u8>, &[&str]); 11] = [
        ("nan", npy_real(&[&[1.0, 0.0], &[f64::NAN, 1.0]]), &["row 1, column 0", "NaN", "finite"]),
        ("inf", npy_real(&[&[1.0, f64::INFINITY]]), &["row 0, column 1", "inf"]),
        ("rank1", npy("<f8", "(2,)", &[0; 16]), &["rank 1", "rank 2"]),
        ("rank3", npy("<f8", "(1, 1, 1)", &[0; 8]), &["rank 3", "rank 2"]),
        ("hollow", npy("<f8", "(0, 3)", &[]), &["0×3", "at least one row"]),
        ("empty", Vec::new(), &["empty file", "NUMPY"]),
        ("cut", npy("<f8", "(2, 2)", &[0; 31]), &["31 bytes", "32 bytes", "cut off"]),
        ("long", npy("<f8", "(2, 2)", &[0; 40]), &["40 bytes", "32 bytes"]),
        ("absurd", huge, &["8000000000000 bytes", "[1000000, 1000000]"]),
        ("text", b"1 2\n3 4\n".to_vec(), &["NUMPY", "no .npy file"]),
        ("overflowing", npy_real(&[&[1e308, -1e308], &[1e308, 1e308]]), &["1e308", "at most 1e151", "scale"]),
    ];
    for (name, bytes, parts) in cases {
        let path = scene.write(&format!("{name}.npy"), bytes);
        refuses_matrix(&path, &[&[name], parts].concat());
    }
    for name in ["object.npy", "structured.npy", "text.npy", "longdouble.npy", "nan.npy"] {
        refuses_matrix(&fixture(name), &[name, "expected"]);
    }
    refuses_matrix(&scene.path("no.npy"), &["no.npy", "No such file"]);
    refuses_matrix(scene.0.path(), &["not a plain file"]);

    // Not unitary, and by how much; not square.
    let out = scene.path("p.json");
    let unitary = |path: &Path| wait(phaseloom().arg("program").arg(path).args(["--form", "unitary", "-o"]).arg(&out));
    unitary(&scene.write("a.npy", npy_real(&[&[1.0, 0.5], &[0.0, 1.0]]))).refused(&["5.0e-1", "tolerance 1e-9", "svd"]);
    unitary(&scene.write("b.npy", npy_real(&[&[1.0, 0.0]]))).refused(&["1×2", "square"]);
    assert!(!out.exists());
}

#[test]
fn lists_in_the_place_of_tables() {
    let scene = Scene::new();
    scene.refuses(&format!("{DATA}{CORE}{LINK}[process]\nphase_error = []\n"), &["line", "a table of keys"]);
    scene.refuses(&format!("process = []\n{DATA}{CORE}"), &["line 3", "found list, expected a path, a preset or a table"]);
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
    let matrix = scene.write("m.npy", npy_real(&[&[1.0, 0.0], &[0.0, 1.0]]));
    let program = |out: &Path| wait(phaseloom().arg("program").arg(&matrix).arg("-o").arg(out));
    program(&scene.path("no/such/p.json")).refused(&["no/such/p.json", "there is no folder"]);
    let before = fs::read_dir(scene.0.path()).unwrap().count();
    program(scene.0.path()).refused(&["it is a folder"]);
    assert_eq!(fs::read_dir(scene.0.path()).unwrap().count(), before);
    assert!(run(["program", "m.npy", "-o", ""]).code == Some(2));
    // A program in a place with spaces and letters of all kinds; a link stays a link.
    let out = scene.path("ein Maß für λ.json");
    program(&out).well();
    #[cfg(unix)]
    {
        let link = scene.path("link.json");
        std::os::unix::fs::symlink(&out, &link).unwrap();
        fs::write(&out, "old").unwrap();
        program(&link).well();
        assert!(link.is_symlink() && fs::read_to_string(&out).unwrap().starts_with('{'));
        // A device is written to, not replaced.
        program(Path::new("/dev/null")).well();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}

#[test]
fn programs_and_chips_that_are_damaged() {
    let scene = Scene::new();
    let (program, chip) = (scene.path("program.json"), scene.path("chip.json"));
    let matrix = scene.write("m.npy", npy_real(&[&[1.0, 0.5], &[0.0, 1.0]]));
    wait(phaseloom().arg("program").arg(matrix).arg("-o").arg(&program)).well();
    let process = scene.write("process.toml", "[phase_error]\nsigma_rad = 0.1");
    let mut command = phaseloom();
    command.arg("chip").arg(&process).arg("--program").arg(&program).args(["--seed", "1", "-o"]).arg(&chip);
    wait(&mut command).well();
    for (file, changes) in [
        (
            &program,
            [
                ("\"version\": 1", "\"version\": 2", "version"),
                ("\"gain\"", "\"gane\"", "gain"),
                ("\"cell\": \"mzi\"", "\"cell\": \"ring\"", "cell"),
            ],
        ),
        (
            &chip,
            [
                ("\"version\": 1", "\"version\": 2", "version"),
                ("\"rows\": 2", "\"rows\": 3", "left.cells"),
                ("\"beta_rad\"", "\"beta\"", "beta_rad"),
            ],
        ),
    ] {
        let good = fs::read_to_string(file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let refused = |text: &str, parts: &[&str]| {
            fs::write(file, text).unwrap();
            let out = scene.path("matrix.npy");
            wait(phaseloom().arg("matrix").arg(&program).arg("--chip").arg(&chip).arg("-o").arg(&out)).refused(parts);
            assert!(!out.exists());
        };
        refused("", &[name, "line 1"]);
        refused(&good[..good.len() / 2], &[name, "line"]);
        refused("[1, 2]", &[name]);
        refused(&good.replacen("0.", "1e999", 1), &[name, "out of range"]);
        for (from, to, part) in changes {
            assert!(good.contains(from), "{from}");
            refused(&good.replacen(from, to, 1), &[name, part]);
        }
        fs::write(file, good).unwrap();
    }
}

#[test]
fn data_files() {
    let scene = Scene::new();
    let tables = format!("{DATA}{CORE}");
    let inputs = |bytes: Vec<u8>, parts: &[&str]| {
        let good = fs::read(scene.path("x.npy")).unwrap();
        scene.write("x.npy", bytes);
        scene.refuses(&tables, &[&["x.npy"], parts].concat());
        scene.write("x.npy", good);
    };
    inputs(Vec::new(), &["empty file"]);
    inputs(npy_real(&[&[1.0, f64::NAN, 0.0]; 40]), &["sample 0, feature 1", "NaN"]);
    inputs(npy_real(&[&[1.0, 2.0, 3.0]; 39]), &["39 inputs", "40 labels"]);
    inputs(npy_real(&[&[1.0, 2.0]; 40]), &["2 features", "expected 3"]);
    inputs(npy("<f8", "(0, 3)", &[]), &["0 samples"]);
    inputs(npy("<c16", "(40, 3)", &[0; 40 * 3 * 16]), &["complex", "real"]);
    let labels = |bytes: Vec<u8>, parts: &[&str]| {
        let good = fs::read(scene.path("y.npy")).unwrap();
        scene.write("y.npy", bytes);
        scene.refuses(&tables, &[&["y.npy"], parts].concat());
        scene.write("y.npy", good);
    };
    let of = |value: i64| npy("<i8", "(40,)", &(0..40).flat_map(|_| value.to_le_bytes()).collect::<Vec<u8>>());
    labels(of(2), &["label 2 of sample 0", "2 classes"]);
    labels(of(-1), &["-1"]);
    labels(npy_real(&[&[0.0]; 40]), &["rank"]);

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
        scene.write(name, bytes);
        let labels = if name.ends_with("csv") { "" } else { "labels = 'y.npy'\n" };
        scene.refuses(&format!("[data]\ninputs = '{name}'\n{labels}{CORE}"), &[&[name], parts].concat());
    }
    let far = format!("[data]\ninputs = 'ok.csv'\ncsv = {{ skip_lines = {} }}\n{CORE}", i64::MAX);
    scene.write("ok.csv", "1,2,3,0\n");
    scene.refuses(&far, &["ok.csv", "no rows"]);
    #[cfg(unix)]
    {
        // What never ends is not waited for.
        std::os::unix::fs::symlink("/dev/zero", scene.path("zero.csv")).unwrap();
        scene.refuses(&format!("[data]\ninputs = 'zero.csv'\n{CORE}"), &["zero.csv", "not a plain file"]);
        run_to(Path::new("/dev/zero"), &scene.path("out"), &[]).refused(&["/dev/zero", "more than"]);
    }
    scene.write("x.txt", "1 2 3");
    scene.refuses(&format!("[data]\ninputs = 'x.txt'\nlabels = 'y.npy'\n{CORE}"), &["x.txt", ".npy"]);
    scene.refuses(&format!("[data]\ninputs = 'none.npy'\nlabels = 'y.npy'\n{CORE}"), &["none.npy", "No such file"]);
    for (key, part) in [
        ("samples = 0", "at least 1"),
        ("samples = 41", "found 40 samples"),
        ("classes = []", "at least one label"),
        ("classes = [7]", "0 samples"),
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
    let refused = |bytes: &[u8], parts: &[&str]| {
        scene.write("w.safetensors", bytes);
        scene.refuses(&tables, &[&["w.safetensors"], parts].concat());
    };
    refused(&[], &["safetensors"]);
    refused(&good[..good.len() - 8], &["safetensors"]);
    refused(&good[..20], &["safetensors"]);
    refused(&[0xff; 64], &["safetensors"]);
    scene.weights([vec![f64::NAN], vec![1.0; 11]].concat(), vec![0.0; 4], vec![1.0; 8]);
    scene.refuses(&tables, &["w1", "[0, 0]", "NaN"]);
    scene.write("w.safetensors", super::support::safetensors(&[("w1", &[3, 4], vec![1.0; 12])]));
    scene.refuses(&tables, &["w1", "[3, 4]", "[4, 3]", "transpose"]);
    scene.write("w.safetensors", super::support::safetensors(&[("weight", &[4, 3], vec![1.0; 12])]));
    scene.refuses(&tables, &["layer 0", "`w1`", "found only weight"]);
    for name in ["deflated.npz", "stored.npz"] {
        let bytes = fs::read(fixture(name)).unwrap();
        scene.write("model.toml", MODEL.replace("w.safetensors", "w.npz"));
        for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
            scene.write("w.npz", &bytes[..cut]);
            scene.refuses(&tables, &["w.npz"]);
        }
    }
    scene.write("model.toml", MODEL);
    scene.write("w.safetensors", &good);

    for Change { from, to, parts } in [
        Change { from: "\"ports\": 4", to: "\"ports\": 8", parts: &["8 × 4", "4 × 4", "phaseloom calibrate"][..] },
        Change {
            from: "\"input_scale\": 1.0",
            to: "\"input_scale\": 0.0",
            parts: &["layers[0].input_scale", "above 0"],
        },
        Change {
            from: "\"input_scale\": 1.0",
            to: "\"input_scale\": -1.0",
            parts: &["layers[0].input_scale", "above 0"],
        },
        Change { from: "[4.0]", to: "[4.0, 4.0]", parts: &["tiles of layer 0", "found 2", "expected 1"] },
        Change { from: "\"version\": 1", to: "\"version\": 9", parts: &["version 9"] },
        Change {
            from: "\"data_sha256\"",
            to: "\"model_sha256\": \"abc\", \"data_sha256\"",
            parts: &["weights have changed"],
        },
        Change { from: "\"layers\"", to: "\"leyers\"", parts: &["leyers", "line 1"] },
    ] {
        scene.write("calibration.json", scales(4).replacen(from, to, 1));
        scene.refuses(&tables, &[&["calibration.json"], parts].concat());
    }
    fs::remove_file(scene.path("calibration.json")).unwrap();
    scene.refuses(&tables, &["calibration.json does not exist", "phaseloom calibrate"]);
    let ended = wait(phaseloom().arg("calibrate").arg(scene.path("experiment.toml")));
    ended.refused(&["no table [calibration]", "data = {"]);
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
        (format!("{DATA}{CORE}[process]\nphase_eror = {{ sigma_rad = 1 }}\n"), &["line 9", "`phase_error`?"]),
        (format!("{DATA}{CORE}[process.phase_error]\nsigma = 1\n"), &["line 9", "`sigma_rad`?"]),
        (format!("{DATA}{CORE}{CORE}"), &["line 8", "duplicate key"]),
        (format!("{DATA}{CORE}["), &["line 8"]),
        (format!("process = 3\n{DATA}{CORE}"), &["line 3", "`process`", "a path, a preset or a table"]),
        (format!("process = 'none.toml'\n{DATA}{CORE}"), &["none.toml", "No such file"]),
        (DATA.replace("labels", "lables"), &["line 5", "did you mean `labels`?"]),
        (CORE.to_owned(), &["missing field `data`"]),
    ] {
        scene.refuses(&tables, parts);
    }
    scene.write("experiment.toml", "");
    scene.run(&[]).refused(&["experiment.toml", "missing field"]);
    scene.write("experiment.toml", b"name = 'a'\nmodel = '\xff'\n");
    scene.run(&[]).refused(&["experiment.toml", "line 2, byte 10", "UTF-8"]);
    run_to(&scene.path("none.toml"), &scene.path("out"), &[]).refused(&["none.toml", "No such file"]);
    run_to(scene.0.path(), &scene.path("out"), &[]).refused(&["it is a folder, expected a text file"]);
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
    scene.run(&["--trials", "0"]).refused(&["`trials` is 0"]);
    scene.run(&["--trials", "1000000000000"]).refused(&["`trials` is 1000000000000", "at most"]);
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
        ("['link.laser_power_w']", "[1979-05-27]", &["line 15", "cannot take the value 1979-05-27"]),
        ("['process.phase_error']", "[{ sigma_rad = -1 }]", &["line 15", "`process.phase_error.sigma_rad` -1"]),
        ("['link.adc.bits', 'link.adc.bits']", "[4]", &["line 15", "two axes"]),
        ("['link.adc.bits']", "[4, 6, 4]", &["line 15", "takes the value 4 twice", "once"]),
        ("['process.phase_error.sigma_rad']", "[0, 0.1, 0.0]", &["line 15", "takes the value 0.0 twice"]),
        ("['core.ports']", "[4, 8]", &["calibration.json", "4 × 4", "8 × 8"]),
        ("['model']", "['none.toml']", &["none.toml"]),
    ] {
        scene.refuses(&sweep(keys, values), parts);
    }
    scene.refuses(&format!("{DATA}{CORE}[[swep]]\nkeys = ['seed']\n"), &["did you mean `sweep`?"]);
    scene.refuses(
        &format!("{DATA}{CORE}[[sweep]]\nkey = ['seed']\nvalues = [1]\n"),
        &["line 9", "did you mean `keys`?"],
    );
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
    for Change { from, to, parts } in [
        Change { from: "weights =", to: "weihgts =", parts: &["line 4", "did you mean `weights`?"][..] },
        Change { from: "outputs = 4", to: "ouputs = 4", parts: &["line 10", "did you mean `outputs`?"] },
        Change { from: "'relu'", to: "'rellu'", parts: &["line 14", "did you mean `relu`?"] },
        Change { from: "version = 1", to: "version = 2", parts: &["line 2", "`version` is 2", "expected 1"] },
        Change { from: "phaseloom-model", to: "phaseloom-modle", parts: &["line 1", "is this a model file?"] },
        Change { from: "size = 3", to: "size = 0", parts: &["line 7", "`input.size` is 0"] },
        Change { from: "size = 3", to: "size = 4", parts: &["`w1`", "[4, 3]", "[4, 4]"] },
        Change { from: "size = 3", to: "size = 1000000000000", parts: &["line 7", "input.size", "at most"] },
        Change { from: "outputs = 2", to: "outputs = 1", parts: &["`w2`", "[2, 4]", "[1, 4]"] },
        Change { from: "size = 3", to: "size = 3\nscale = nan", parts: &["line 8", "`input.scale` is NaN"] },
        Change { from: "size = 3", to: "size = 3\nstd = 0", parts: &["input.std", "above 0"] },
        Change { from: "size = 3", to: "size = 3\nmean = 'm'", parts: &["`m`", "w1"] },
        Change { from: "'photonic'", to: "'dense'", parts: &["no photonic layer"] },
        Change { from: "version = 1", to: "version = 1\nversion = 1", parts: &["line 3", "duplicate key"] },
        Change { from: "w.safetensors", to: "w", parts: &["known endings", ".safetensors"] },
        Change { from: "w.safetensors", to: "none.npz", parts: &["none.npz", "No such file"] },
    ] {
        assert!(MODEL.contains(from));
        scene.write("model.toml", MODEL.replace(from, to));
        scene.refuses(&tables, parts);
    }
    scene.write("model.toml", MODEL.split("[[layer]]").next().unwrap().to_owned() + "layer = []\n");
    scene.refuses(&tables, &["layer"]);
    scene.write("model.toml", MODEL.replace("outputs = 2", "outputs = 1"));
    let one = super::support::safetensors(&[
        ("w1", &[4, 3], vec![1.0; 12]),
        ("b1", &[4], vec![0.0; 4]),
        ("w2", &[1, 4], vec![1.0; 4]),
    ]);
    scene.write("w.safetensors", one);
    scene.refuses(&tables, &["1 output", "at least 2"]);
}

#[test]
fn trainings() {
    let scene = Scene::new();
    let good = "format = 'phaseloom-training'\nversion = 1\nmodel = 'model.toml'\nepochs = 2\nbatch = 8\n\
                learning_rate = 1e-2\nseed = 1\n[train]\ninputs = 'x.npy'\nlabels = 'y.npy'\n[calibration]\nports = 4\n";
    let train = |text: &str| -> Ended { run([&"train".into(), &scene.write("train.toml", text)]) };
    let (weights, calibration) = (scene.path("w.safetensors"), scene.path("calibration.json"));
    let before = (fs::read(&weights).unwrap(), fs::read(&calibration).unwrap());
    for Change { from, to, parts } in [
        Change { from: "epochs = 2", to: "epoch = 2", parts: &["line 4", "did you mean `epochs`?"][..] },
        Change { from: "epochs = 2", to: "epochs = 0", parts: &["line 4", "`epochs` is 0"] },
        Change { from: "batch = 8", to: "batch = 0", parts: &["line 5", "`batch` is 0"] },
        Change { from: "1e-2", to: "nan", parts: &["line 6", "`learning_rate` is NaN"] },
        Change { from: "1e-2", to: "-1", parts: &["line 6", "`learning_rate` is -1"] },
        Change { from: "1e-2", to: "1e300", parts: &["training: found a loss of", "learning_rate"] },
        Change { from: "[train]", to: "[training]", parts: &["line 8", "did you mean `train`?"] },
        Change { from: "ports = 4", to: "ports = 0", parts: &["line 12", "`calibration.ports` is 0"] },
        Change { from: "ports = 4", to: "ports = 20000", parts: &["line 12", "`calibration.ports` is 20000", "16384"] },
        Change { from: "ports = 4", to: "ports = 4\nquantile = 0", parts: &["line 13", "`calibration.quantile` is 0"] },
        Change { from: "'x.npy'", to: "'none.npy'", parts: &["none.npy", "No such file"] },
        Change { from: "'model.toml'", to: "'none.toml'", parts: &["none.toml", "No such file"] },
    ] {
        assert!(good.contains(from));
        train(&good.replace(from, to)).refused(parts);
        assert!(before == (fs::read(&weights).unwrap(), fs::read(&calibration).unwrap()), "{to}");
    }
    // What would be noticed only at the end is said before the first epoch.
    for Change { from, to, parts } in [
        Change { from: "ports = 4", to: "ports = 4\nsamples = 41", parts: &["found 40 samples", "at least 41"][..] },
        Change { from: "'model.toml'", to: "'far.toml'", parts: &["no/such/w.safetensors", "No such file"] },
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
    let (process, out) = (scene.path("process.toml"), scene.path("chip.json"));
    let chip = |text: &str, core: &str| {
        fs::write(&process, text).unwrap();
        let mut command = phaseloom();
        command.arg("chip").arg(&process).args(["--core", core, "--seed", "1", "-o"]).arg(&out);
        let ended = wait(&mut command);
        assert!(ended.code == Some(0) || !out.exists());
        ended
    };
    chip("", "1000000").refused(&["1000000 ports", "GiB of memory"]);
    chip("", "18446744073709551615").refused(&["GiB of memory"]);
    chip("", "0").refused(&["0 ports", "at least 1"]);
    for (text, parts) in [
        ("[phase_errors]\nsigma_rad = 1", &["process.toml: line 1", "did you mean `phase_error`?"][..]),
        ("[phase_error]\nsigma_rads = 1", &["line 2", "did you mean `sigma_rad`?"]),
        ("[phase_error]\nsigma_rad = -1", &["line 2", "`phase_error.sigma_rad` is -1"]),
        ("[phase_error]\nsigma_rad = '1'", &["line 2", "expected a number"]),
        ("[phase_error]\nsigma_rad = 1\nsigma_rad = 1", &["line 3", "duplicate key"]),
        ("[phase_quantization]\nbits = 4.5", &["line 2"]),
        ("phase_error", &["line 1"]),
    ] {
        chip(text, "3").refused(parts);
    }
    chip("", "1").well();
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
