//! Where a process comes from: a preset in place of a path, and measured spectra.

use super::support::{CORE, DATA, Scene, run};
use std::fs;

#[test]
fn a_preset_is_its_own_text() {
    let scene = Scene::new();
    let text = run(["preset", "mems-silicon"]).well().out;
    assert!(text.contains("[splitter_error]") && text.contains("doi:"), "{text}");
    scene.write("copy.toml", &text);
    let chip = |process: &str| {
        scene.call(&format!("chip {process} --core 4 --seed 3 -o chip.json")).well();
        scene.text("chip.json")
    };
    assert_eq!(chip("preset:mems-silicon"), chip("copy.toml"));
    let list = run(["list"]).well().out;
    assert!(list.contains("  mems-silicon ") && list.contains("  pessimistic "), "{list}");
}

/// What a run keeps are the values: the same values under another name go on with the same run.
#[test]
fn a_run_with_a_preset_is_a_run_with_its_values() {
    let scene = Scene::new();
    scene.experiment(&format!("process = 'preset:thermo-optic-silicon'\n{DATA}{CORE}"));
    scene.run(&[]).well();
    let kept = fs::read_to_string(scene.path("out/identity.json")).unwrap();
    assert!(kept.contains("power_pi_w") && kept.contains("0.02477"), "{kept}");
    scene.write("p.toml", run(["preset", "thermo-optic-silicon"]).well().out);
    scene.experiment(&format!("process = 'p.toml'\n{DATA}{CORE}"));
    assert!(scene.run(&[]).well().err.contains("nothing was computed"));
    scene.experiment(&format!("process = 'preset:ideal'\n{DATA}{CORE}"));
    scene.run(&[]).refused(&["process.phase_shifter.power_pi_w", "process.splitter_error"]);
}

#[test]
fn presets_that_are_not_there() {
    let scene = Scene::new();
    let near = ["did you mean `preset:mems-silicon`?", "thermo-optic-silicon", "pessimistic"];
    run(["preset", "mem-silicon"]).refused(&["did you mean `mems-silicon`?"]);
    scene.call("chip preset:mem-silicon --core 4 --seed 1 -o chip.json").refused(&near);
    let place = ["experiment.toml: line 3", "`process` is `preset:mem-silicon`", "did you mean `preset:mems-silicon`?"];
    scene.refuses(&format!("process = 'preset:mem-silicon'\n{DATA}{CORE}"), &place);
    // A value that the preset has is reported there, one that a sweep sets at the sweep.
    let sweep = "[[sweep]]\nkeys = ['process.phase_shifter.power_pi_w']\nvalues = [0.1, -0.1]\n";
    scene.refuses(&format!("process = 'preset:ideal'\n{DATA}{CORE}{sweep}"), &["experiment.toml", "-0.1", "to 1000"]);
}

/// Three couplers and three wavelengths, the largest share in the middle.
fn couplers() -> String {
    let mut text = "device,wavelength_nm,x,b\n".to_owned();
    for (device, best) in [("L1um", -10), ("L2um", -7), ("L3um", -4)] {
        for (nm, below) in [(1549, 5), (1550, 0), (1551, 5)] {
            text += &format!("{device},{nm},{},0\n", best - below);
        }
    }
    text
}

const COUPLERS: &str = "[couplers]\nfile = 's.csv'\ndevices = 'L'\nwindow_nm = [1540, 1560]\npower = ['x', 'b']\n";

#[test]
fn spectra_become_a_process() {
    let scene = Scene::new();
    scene.write("s.csv", couplers());
    scene.write("s.toml", COUPLERS);
    scene.call("spectra s.toml -o p.toml").well();
    let printed = scene.call("spectra s.toml").well().out;
    assert_eq!(scene.text("p.toml"), printed);
    assert!(printed.contains("# Made by: phaseloom spectra ") && printed.contains("[splitter_error]"), "{printed}");
    scene.call("chip p.toml --core 4 --seed 1 -o c.json").well();
    let derive = || scene.call("spectra s.toml -o q.toml");
    for (bad, parts) in [
        (couplers().replace("L2um,1550,-7", "L2um,1550,nan"), ["s.csv: line 6", "column `x`", "`nan`"]),
        (couplers().replace("x,b", "y,b"), ["s.csv: line 1", "no column `x`", "y, b"]),
        (couplers().replace("L2um", "M2um"), ["s.csv", "2 devices", "at least 3"]),
        (String::new(), ["s.csv", "line 1", "an empty file"]),
        ("\u{1f}\u{8b}".into(), ["s.csv", "line 1", "no column"]),
    ] {
        scene.write("s.csv", bad);
        derive().refused(&parts);
    }
    // What a file holds is not repeated whole, and bombs are not unpacked.
    scene.write("s.csv", vec![0; 100_000]);
    let said = derive().refused(&["s.csv: line 1", "no column `device`", "…"]).err;
    assert!(said.len() < 1000 && !said.contains('\0'), "{} characters", said.len());
    scene.write("s.csv", couplers().replace("L2um,1550,-7", &format!("L2um,1550,{}", "7".repeat(100_000))));
    let said = derive().refused(&["s.csv: line 6", "`7777", "…`"]).err;
    assert!(said.len() < 1000, "{} characters", said.len());
    for (name, what) in [("L1e2um", "an exponent"), ("L-2um", "a sign"), ("Lum", "no number")] {
        scene.write("s.csv", couplers().replace("L2um", name));
        derive().refused(&["s.csv: line 5", name, what, "such as 7, 1.5 or 1p50"]);
    }
    scene.write("s.csv", [0x1f, 0x8b, 8, 0, 0]);
    derive().refused(&["s.csv", "damaged gzip"]);
    fs::remove_file(scene.path("s.csv")).unwrap();
    derive().refused(&["s.csv", "No such file"]);
    scene.write("s.toml", COUPLERS.replace("window_nm", "windows_nm"));
    derive().refused(&["s.toml: line 4", "did you mean `window_nm`?"]);
    scene.write("s.toml", COUPLERS.replace("1560", "1530"));
    derive().refused(&["s.toml: line 4", "couplers.window_nm", "[1540, 1530]"]);
    assert!(!scene.path("q.toml").exists());
}

/// Chains of splitters that lose `db` each.
fn chains(counts: [&str; 3], db: f64) -> String {
    let mut text = "device,wavelength_nm,p\n".to_owned();
    for count in counts {
        let number: f64 = count.parse().unwrap();
        text += &format!("N{count},1550,{}\n", -10.0 - db * number);
    }
    text
}

#[test]
fn a_small_loss_keeps_its_digits() {
    let scene = Scene::new();
    scene.write("s.toml", "[splitter_loss]\nfile = 's.csv'\ndevices = 'N'\nwindow_nm = [1540, 1560]\npower = ['p']\n");
    let derive = |last: &str, db: f64| {
        scene.write("s.csv", chains(["0", "50", last], db));
        scene.call("spectra s.toml")
    };
    let printed = derive("100", 1.23456e-5).well().out;
    assert!(printed.contains("loss_db = 2.47e-5 #") && printed.contains("# 1.23e-5 ± "), "{printed}");
    let printed = derive("100", 0.1).well().out;
    assert!(printed.contains("loss_db = 0.2000 #"), "{printed}");
    derive("99.5", 0.1).refused(&["s.csv", "99.5 splitters", "a whole number"]);
}

/// Linear powers give the process of decibels once their unit is said, and none without it.
#[test]
fn powers_without_a_unit_are_not_guessed() {
    let scene = Scene::new();
    scene.write("s.csv", couplers());
    scene.write("s.toml", COUPLERS);
    let process = |said: &str| said.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let expected = process(&scene.call("spectra s.toml").well().out);
    let decibels = couplers();
    let linear = decibels.lines().map(|line| {
        let cell = |(k, cell): (usize, &str)| match cell.parse::<f64>() {
            Ok(dbm) if k > 1 => format!("{:e}", 10f64.powf(dbm / 10.0)),
            _ => cell.to_owned(),
        };
        line.split(',').enumerate().map(cell).collect::<Vec<_>>().join(",") + "\n"
    });
    scene.write("s.csv", linear.collect::<String>());
    let refused = ["s.csv", "without a unit", "unit = \"dBm\"", "\"mW\""];
    scene.call("spectra s.toml").refused(&refused);
    scene.write("s.toml", format!("{COUPLERS}unit = 'mW'\n"));
    assert_eq!(process(&scene.call("spectra s.toml").well().out), expected);
    scene.write("s.toml", format!("{COUPLERS}unit = 'dbm'\n"));
    scene.call("spectra s.toml").refused(&["s.toml: line 6", "did you mean `dBm`?"]);
    scene.write("s.csv", couplers().replace("L2um", "L200000000000000000000000um"));
    scene.write("s.toml", COUPLERS);
    scene.call("spectra s.toml").refused(&["s.csv: line 5", "a number above 1e9"]);
}

#[test]
fn spectra_are_not_written_over() {
    let scene = Scene::new();
    scene.write("s.csv", couplers());
    scene.write("s.toml", COUPLERS);
    for (name, what) in [("s.csv", "a file of spectra"), ("./s.toml", "the settings")] {
        scene.call(&format!("spectra s.toml -o {name}")).refused(&["-o", what]);
    }
    assert_eq!((scene.text("s.csv"), scene.text("s.toml")), (couplers(), COUPLERS.to_owned()));
}

#[test]
fn messages_have_the_words_of_the_files() {
    let scene = Scene::new();
    for (tables, parts) in [
        (
            "[process]\nphase_error = { sigma_rad = 'f64' }\n",
            ["experiment.toml: line 9", "found string \"f64\"", "expected a number"],
        ),
        (
            "[[sweep]]\nkeys = ['process.phase_error']\nvalues = [3]\n",
            ["sweep key `process.phase_error`", "integer `3`", "expected a table"],
        ),
    ] {
        scene.refuses(&format!("{DATA}{CORE}{tables}"), &parts);
    }
    scene.refuses(&format!("shots = 1.5\n{DATA}{CORE}"), &["line 3", "number `1.5`", "expected a whole number from 0"]);
    scene.write("p.json", "{\"format\": 3}");
    scene.call("matrix p.json").refused(&["p.json", "integer `3`", "expected a string"]);
}
