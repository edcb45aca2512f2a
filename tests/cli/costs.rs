//! `phaseloom cost`: options, formats, refusals, folders that are computed again, limits of all numbers.

use super::support::{CORE, DATA, LINK, Scene, cell, table, units};
use std::fs;
use std::path::Path;

/// The least work: one chip and few samples of the library.
const COST: &str = "[cost]\nshifter = 'mems'\nsamples = 40\nchips = 1\ndraws = 20\n";
/// What the command writes next to the files of a run.
const TABLES: [&str; 6] = ["cost.csv", "energy.csv", "electronics.csv", "tests.csv", "turning.csv", "break-even.csv"];

/// A scene whose experiment has a table [cost] with some more lines. Its network has two tiles.
fn scene(more: &str) -> Scene {
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}{CORE}{LINK}{COST}{more}"));
    scene
}

/// Every cell of the tables that reads as a number is finite, and no table is without rows.
#[track_caller]
fn expect_finite(folder: &Path) {
    for name in TABLES {
        let rows = table(&folder.join(name));
        assert!(!rows.is_empty(), "{name}");
        for (column, value) in rows.iter().flatten() {
            let finite = value.parse::<f64>().map_or(true, f64::is_finite);
            assert!(finite, "{name}, {column}: {value}");
        }
    }
}

fn number(row: &[(String, String)], column: &str) -> f64 {
    cell(row, column).parse().unwrap_or_else(|_| panic!("{column}: {}", cell(row, column)))
}

#[test]
fn all_formats_have_the_numbers_of_the_tables() {
    let scene = scene("");
    let text = scene.call("cost experiment.toml -o out").well().joined();
    assert!(
        text.contains("2 resident cores of 4 ports for 2 tiles") && text.contains("does photonics pay off?"),
        "{text}"
    );
    let out = scene.path("out");
    expect_finite(&out);
    for name in ["cost.toml", "figure-energy-split.svg", "figure-break-even.png", "summary.csv"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    // The second call computes nothing, and says the same.
    let (lines, tables) = (units(&out), TABLES.map(|name| fs::read(out.join(name)).unwrap()));
    let csv = scene.call("cost out --format csv").well().out;
    assert_eq!((units(&out), TABLES.map(|name| fs::read(out.join(name)).unwrap())), (lines, tables));
    assert_eq!(csv, scene.text("out/cost.csv"));
    let json: serde_json::Value = serde_json::from_str(&scene.call("cost out --format json").well().out).unwrap();
    let [row] = &table(&out.join("cost.csv"))[..] else { panic!("one point") };
    let energy_j = json["cost"][0]["energy_j"].as_f64().unwrap();
    assert_eq!(energy_j.to_bits(), number(row, "energy_j").to_bits());
    assert!(json["verdict"].as_str().unwrap().contains("readout bits"));
    // The parts are the whole.
    let energy = table(&out.join("energy.csv"));
    let light = energy.iter().filter(|row| cell(row, "side") == "light");
    let sum: f64 = light.map(|row| number(row, "joule")).sum();
    assert!((sum / number(row, "energy_j") - 1.0).abs() < 1e-12, "{sum}");
    assert!((number(row, "power_w") * number(row, "period_s") / sum - 1.0).abs() < 1e-12);
    // A run in the same folder is the same run.
    scene.call("run experiment.toml -o out").well();
    assert_eq!(units(&out), lines);
}

/// Interrupted before its end, a cost goes on where it stopped: here the units of a run with fewer chips are there.
#[test]
fn units_that_are_there_are_not_computed_again() {
    let scene = scene("");
    scene.call("run experiment.toml -o out --trials 1").well();
    let first: Vec<String> = scene.text("out/units.jsonl").lines().map(str::to_owned).collect();
    scene.call("cost experiment.toml -o out").well();
    let all = scene.text("out/units.jsonl");
    assert!(all.lines().count() == first.len() + 1 && first.iter().all(|line| all.contains(line)), "{all}");
    scene.call("cost experiment.toml -o whole").well();
    for name in TABLES {
        assert_eq!(scene.text(&format!("out/{name}")), scene.text(&format!("whole/{name}")), "{name}");
    }
}

/// Cores beyond the tiles take area, and nothing else. Area of a core of 4 ports: 16 cells, 40 shifters, 4 ports, a laser, and
/// 4·f/clock multipliers of 8.1 by 8 bits with adders of 24 bits.
#[test]
fn cores_without_a_tile_take_area_alone() {
    let scene = scene("");
    let text = scene.call("cost experiment.toml -o out --vary cost.cores=2,7").well();
    assert!(!text.err.contains("cost.cores"), "{}", text.err);
    let rows = table(&scene.path("out/cost.csv"));
    for column in ["energy_j", "period_s", "latency_s", "cores", "power_w"] {
        assert_eq!(cell(&rows[0], column), cell(&rows[1], column), "{column}");
    }
    let core = 16.0 * 18000.0 + 40.0 * 500.0 + 4.0 * (11000.0 + 5200.0 + 50.0 + 2850.0 + 80.0) + 120_000.0;
    let rate = scene.text("out/experiment.toml");
    let rate: f64 = rate.lines().find_map(|line| line.strip_prefix("symbol_rate_hz = ")).unwrap().parse().unwrap();
    let logic = 4.0 * rate / 1e9 * 0.07 * (282.0 * 8.1 / 8.0 + 137.0 * 24.0 / 32.0);
    let found = (number(&rows[1], "area_m2") - number(&rows[0], "area_m2")) / 5.0;
    assert!((found / ((core + logic) * 1e-12) - 1.0).abs() < 1e-9, "{found}");
    let text = scene.call("cost out --point 1").well().joined();
    assert!(text.contains("2 resident cores of 4 ports (5 more have no tile and no power, and take area)"), "{text}");
}

/// Keys of [cost] may move with others. The chips depend on the others alone.
#[test]
fn axes_of_cost_and_chips_move_together_or_alone() {
    let scene = scene("");
    let together = "--vary cost.array=process.phase_quantization.bits=4,8";
    scene.call(&format!("cost experiment.toml -o out {together} --vary cost.cores=1,2")).well();
    let rows = table(&scene.path("out/cost.csv"));
    let levels = |row: &Vec<_>| {
        ["cost.array", "process.phase_quantization.bits", "cost.cores"].map(|column| cell(row, column).to_owned())
    };
    assert_eq!(
        rows.iter().map(levels).collect::<Vec<_>>(),
        [["4", "4", "1"], ["4", "4", "2"], ["8", "8", "1"], ["8", "8", "2"]]
    );
    // One exact row; without chips, three more rows and a design at both points; two chips at both.
    let units_of = |text: &str| text.lines().filter(|line| line.contains("\"chips\"")).count();
    assert_eq!(units_of(&scene.text("out/units.jsonl")), 4);
    assert!(scene.text("out/experiment.toml").contains("keys = [\"process.phase_quantization.bits\"]"));
    // The folder has all axes. A new axis with the same keys takes the place of the old one.
    scene.call("cost out --vary cost.cores=2,3,4").well();
    let rows = table(&scene.path("out/cost.csv"));
    assert_eq!(rows.iter().map(|row| cell(row, "cost.cores")).collect::<Vec<_>>(), ["2", "3", "4", "2", "3", "4"]);
    // The run may grow.
    scene.call("run out --trials 3").well();
    assert!(scene.call("cost out").well().joined().contains("3 chips"));
}

#[test]
fn a_folder_remembers_the_library_wherever_it_lies() {
    let scene = scene("");
    let entry = |value: f64| {
        format!("[dram]\nj_per_bit = {{ value = {value:e}, unit = 'J/bit', status = 'found', source = 'mine' }}\n")
    };
    scene.write("mine.toml", entry(1e-11));
    scene.call("cost experiment.toml -o out --library mine.toml").well();
    // 3 inputs and 2 outputs of 8 bits.
    let io = |folder: &str| {
        let rows = table(&scene.path(&format!("{folder}/energy.csv")));
        number(rows.iter().find(|row| cell(row, "side") == "light" && cell(row, "key") == "io").unwrap(), "joule")
    };
    assert!((io("out") / 4e-10 - 1.0).abs() < 1e-12);
    fs::remove_file(scene.path("mine.toml")).unwrap();
    let before = scene.text("out/cost.csv");
    fs::rename(scene.path("out"), scene.path("moved")).unwrap();
    scene.call("cost moved").well();
    assert_eq!((before, scene.text("moved/device-library.toml")), (scene.text("moved/cost.csv"), entry(1e-11)));
    // Another library takes its place; the experiment itself has none.
    scene.write("other.toml", entry(2e-11));
    scene.call("cost moved --library other.toml").well();
    assert!((io("moved") / 8e-10 - 1.0).abs() < 1e-12 && scene.text("moved/device-library.toml") == entry(2e-11));
    scene.call("cost experiment.toml -o moved").well();
    assert!((io("moved") / (40.0 * 3.97e-12) - 1.0).abs() < 1e-12 && !scene.path("moved/device-library.toml").exists());
}

/// The scores of the run are those of its own bits. Points of fewer bits are on no front.
#[test]
fn a_score_of_more_bits_is_no_score_of_fewer() {
    let scene = scene("max_drop = 1.0\n");
    let text = scene.call("cost experiment.toml -o out --vary cost.readout_bits=0.1,20").well().joined();
    assert!(text.contains("Some points ask for fewer bits than the chips of the run have"), "{text}");
    let rows = table(&scene.path("out/cost.csv"));
    assert!(number(&rows[0], "score_bits") > 0.5, "{rows:?}");
    assert_eq!(rows.iter().map(|row| cell(row, "pareto")).collect::<Vec<_>>(), ["false", "false"]);
    // No laser reaches 20 bits.
    assert_eq!(cell(&rows[1], "energy_j"), "");
    let test = |folder: &str| table(&scene.path(&format!("{folder}/tests.csv")))[0].clone();
    assert_eq!((cell(&test("out"), "test"), cell(&test("out"), "answer")), ("correct", "open"));
    // The score of the same bits is one.
    scene.call("cost experiment.toml -o own").well();
    assert_eq!(cell(&test("own"), "answer"), "yes");
    assert_eq!(cell(&table(&scene.path("own/cost.csv"))[0], "pareto"), "true");
}

#[test]
fn keys_without_effect_are_named() {
    let scene =
        scene("batch = 5\ndouble_buffer = true\ncores = 4\nsram_bytes = 10\nio = 'sram'\ndram_bytes_per_s = 1e9\n");
    let ended = scene.call("cost experiment.toml -o out").well();
    let said = ended.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("of this experiment: cost.batch, cost.double_buffer, cost.dram_bytes_per_s, cost.sram_bytes"),
        "{said}"
    );
    // A shared core reads all of them: its inputs and outputs wait outside.
    let keys = "batch = 5\ncores = 1\nsram_bytes = 10\nio = 'sram'\ndram_bytes_per_s = 1e6\n";
    scene.experiment(&format!("{DATA}{CORE}{LINK}{COST}{keys}"));
    let said = scene.call("cost experiment.toml -o two").well().err;
    assert!(!said.contains("change no energy"), "{said}");
    // What the library replaces is said.
    scene.experiment(&format!("{DATA}{CORE}{COST}"));
    let said = scene.call("cost experiment.toml -o ideal").well().err;
    for part in ["has no link.dac", "has no link.adc", "the link has no noise"] {
        assert!(said.split_whitespace().collect::<Vec<_>>().join(" ").contains(part), "{part}: {said}");
    }
}

#[test]
fn what_cannot_be_computed_is_refused_before_anything_is_written() {
    let scene = scene("");
    let good = scene.text("experiment.toml");
    for (change, options, parts) in [
        ("", "--vary cost.samples=1,2", &["cost.samples", "belongs to the whole run"][..]),
        ("", "--vary cost.chips=1,2", &["cost.chips"]),
        ("", "--vary cost.bach=1,2", &["cost.bach", "did you mean `batch`?"]),
        ("", "--vary cost.batch=0,2", &["cost.batch", "1 to 1e12 inputs"]),
        ("", "--vary cost.cores=core.ports=4,0", &["core.ports", "at least 1"]),
        ("", "--vary cost.cores", &["found no values"]),
        ("", "--point 1", &["--point", "found 1, expected 0 to 0"]),
        ("", "--trials 0", &["--trials"]),
        ("", "--library none.toml", &["none.toml"]),
        ("", "--library model.toml", &["model.toml", "unknown field"]),
        ("rule = 'sensitivity'", "", &["cost.rule", "cost.readout_bits"]),
        (
            "double_buffer = true\n[core]\nports = 4\ncores = 'shared'",
            "",
            &["cost.cores", "at least 2 with `cost.double_buffer`"],
        ),
        ("library = 'none.toml'", "", &["none.toml"]),
        ("[process.insertion_loss]\nloss_db = 1e300", "", &["process.insertion_loss.loss_db", "0 to 200 dB"]),
    ] {
        let text = if change.contains("[core]") { good.replace(CORE, "") } else { good.clone() };
        scene.write("experiment.toml", format!("{text}{change}\n"));
        scene.call(format!("cost experiment.toml -o out {options}").trim()).refused(parts);
        assert!(!scene.path("out").exists(), "{change} {options}");
    }
    scene.write("experiment.toml", good);
    scene.call("cost none.toml -o out").refused(&["none.toml"]);
    scene.call("cost -o out").refused(&["EXPERIMENT"]);
    // A layer without a weight has no tile and no precision.
    let wave: Vec<f64> = (0..12).map(|i| f64::from(i).sin()).collect();
    scene.weights(wave, vec![0.0; 4], vec![0.0; 8]);
    scene.call("cost experiment.toml -o out").refused(&["layer 2", "only weights of 0", "remove it"]);
    scene.experiment(&format!("{DATA}{CORE}[link]\ndetection = 'direct'\n{COST}"));
    scene.call("cost experiment.toml -o out").refused(&["link.detection", "homodyne"]);
    scene.unitary(4);
    scene.write("matrix.toml", "matrix = 'u.npy'\n");
    scene.call("cost matrix.toml -o out").refused(&["model", "a network"]);
    assert!(!scene.path("out").exists());
}

/// Every number of [cost], of the link and of the process has limits with a unit, in which all tables are finite.
#[test]
fn all_numbers_have_limits_in_which_the_tables_are_finite() {
    let scene = scene("");
    for (key, min, max, unit) in [
        ("cost.readout_bits", "0.01", "24", "bits"),
        ("cost.light_share", "0.000001", "0.999999", "of the error power"),
        ("cost.batch", "1", "1e12", "inputs"),
        ("cost.io_bits", "1", "64", "bits"),
        ("cost.overhead", "1", "1000", "times"),
        ("cost.sram_bytes", "0", "1e18", "bytes"),
        ("cost.dram_bytes_per_s", "1", "1e18", "byte/s"),
        ("cost.request_rate_hz", "0.000001", "1e15", "Hz"),
        ("cost.cores", "1", "1000000000", ""),
        ("cost.array", "1", "16384", ""),
        ("link.symbol_rate_hz", "1", "1e15", "Hz"),
        ("link.laser_power_w", "1e-30", "1e6", ""),
        ("link.coupling_loss_db", "0", "200", "dB"),
        ("link.thermal_noise.feedback_ohm", "1e-3", "1e15", "Ω"),
        ("insertion_loss.loss_db", "0", "200", "dB"),
    ] {
        let _ = fs::remove_dir_all(scene.path("out"));
        // The run itself refuses negative numbers of the link and the process.
        let outside = if key.starts_with("cost.") { vec!["1e300", "-1e300"] } else { vec!["1e300"] };
        for value in outside {
            let parts = [key, "expected", unit];
            scene.call(&format!("cost experiment.toml -o out --vary {key}={value}")).refused(&parts);
            assert!(!scene.path("out").exists());
        }
        // One core: shared, where the batch counts.
        let cores = if key == "cost.cores" { "" } else { " --vary cost.cores=1,2" };
        scene.call(&format!("cost experiment.toml -o out --vary {key}={min},{max}{cores}")).well();
        expect_finite(&scene.path("out"));
    }
}
