//! `convert` and `draw`: the files made of a program. A converted program comes back as it was; a drawing has the parts of
//! its program, is an image that others can read, and shows where the power goes.

use super::support::{GENERAL, Scene, npy_real};
use phaseloom::mesh::convention::CONVENTIONS;
use phaseloom::mesh::{Form, MatrixProgram, topology};
use phaseloom::report::png;
use phaseloom_testing::haar;
use std::fs;

/// A folder with the programs of a general 3×4 matrix and of an orthogonal one.
fn programs() -> Scene {
    let scene = Scene::new();
    scene.write("general.npy", npy_real(&GENERAL));
    scene.write("rotation.npy", npy_real(&[[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]]));
    scene.call("program general.npy -o general.json").well();
    scene.call("program rotation.npy -o rotation.json --topology triangular").well();
    scene
}

#[test]
fn a_program_becomes_every_convention_and_comes_back() {
    let scene = programs();
    for program in ["general.json", "rotation.json"] {
        let (target, ours) = (scene.matrix(program), scene.json(program));
        let mut before = program.to_owned();
        for convention in CONVENTIONS {
            // From our program, and from the convention before.
            let key = convention.key();
            for from in [program, &before] {
                let said = scene.call(&format!("convert {from} --to {key} -o converted.json")).well().out;
                assert!(said.contains(key), "{said}");
                let file = scene.json("converted.json");
                assert_eq!((&file["format"], &file["convention"]), (&"phaseloom-converted".into(), &key.into()));
                assert_eq!(file["gain"], ours["gain"]);
                assert_eq!(file["attenuators"], ours["attenuators"]);
                assert!(file["right"]["cells"][0][convention.names()[0]].is_number());
                scene.call("convert converted.json --to phaseloom -o back.json").well();
                assert!((scene.matrix("back.json") - &target).camax() < 1e-12, "{key}");
            }
            before = format!("{key}.json");
            fs::copy(scene.path("converted.json"), scene.path(&before)).unwrap();
        }
    }
    scene.call("convert general.json --to phaseloom -o same.json").well();
    assert_eq!(scene.text("same.json"), scene.text("general.json"));
}

#[test]
fn what_is_no_program_or_no_convention_is_refused_and_leaves_no_file() {
    let scene = programs();
    scene.write("chip.json", "{\"format\": \"phaseloom-chip\"}");
    for (from, key, parts) in [
        ("general.json", "clement", &["clement", "mach_zehnder, clements, "][..]),
        ("absent.json", "clements", &["absent.json"]),
        ("general.npy", "clements", &["general.npy"]),
        ("chip.json", "clements", &["chip.json", "not a Phaseloom program"]),
    ] {
        scene.call(&format!("convert {from} --to {key} -o out.json")).refused(parts);
    }
    scene.call("convert general.json --to clements -o converted.json").well();
    for (from, to, parts) in [
        ("\"theta\": ", "\"theta\": 1e400, \"t\": ", &["number out of range"][..]),
        ("\"theta\": ", "\"angle\": ", &["unknown field `angle`", "theta"]),
        ("\"clements\"", "\"bell_walmsley\"", &["right.cells[0].theta", "bell_walmsley"]),
        ("\"clements\"", "\"clem\\u001bents\"", &["convention"]),
        ("\"modes\": 3", "\"modes\": 9000000000000000000", &["left.modes", "9000000000000000000"]),
        ("\"rows\": 3", "\"rows\": 0", &["rows", "at least 1"]),
        ("\"topology\": \"rectangular\"", "\"topology\": \"triangular\"", &["right.cells", "expected"]),
        ("\"topology\": \"rectangular\"", "\"topology\": \"square\"", &["topology"]),
    ] {
        let command = "convert converted.json --to phaseloom -o out.json";
        scene.refuses_change("converted.json", (from, to), command, &[&["converted.json"], parts].concat());
    }
    scene.call("convert rotation.json --to bloch -o rotated.json").well();
    let gain = ("\"gain\": 1.0", "\"gain\": 1e300");
    let command = "convert rotated.json --to phaseloom -o out.json";
    scene.refuses_change("rotated.json", gain, command, &["rotated.json", "1e153"]);
    scene.call("convert converted.json --to hadamard -o no/such/folder.json").refused(&["folder.json"]);
    assert!(!scene.path("out.json").exists());
    // Other commands read a converted program as they read ours.
    scene.call("matrix converted.json").well();
    scene.call("convert converted.json --to hadamard -o converted.json").refused(&["converted.json"]);
}

/// A program of the leading corner of a random unitary, also as `program.json`.
fn program(rows: usize, columns: usize, form: Form, key: &str) -> (Scene, MatrixProgram) {
    let scene = Scene::new();
    let w = haar(rows.max(columns), 1).view((0, 0), (rows, columns)).into_owned();
    let program = MatrixProgram::new(&w, form, topology(key).unwrap()).unwrap();
    program.save(&scene.path("program.json")).unwrap();
    (scene, program)
}

/// The drawing as text; that it can be rasterised shows that it is XML.
fn draw(scene: &Scene, more: &str) -> String {
    scene.call(&format!("draw program.json -o mesh.svg{more}")).well();
    let svg = scene.text("mesh.svg");
    assert!(!png(&svg, 64).unwrap().is_empty());
    svg
}

fn count(svg: &str, class: &str) -> usize {
    svg.matches(&format!("class=\"{class}\"")).count()
}

/// The shares next to the output ports (%).
fn outputs(svg: &str) -> Vec<f64> {
    let texts = svg.lines().filter_map(|line| line.strip_suffix(" %</text>"));
    texts.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn all_parts_of_the_program_are_drawn() {
    for key in ["rectangular", "triangular"] {
        for (rows, columns, form) in [
            (4, 4, Form::Unitary),
            (4, 4, Form::Svd),
            (1, 1, Form::Unitary),
            (1, 1, Form::Svd),
            (2, 5, Form::Svd),
            (5, 2, Form::Svd),
            (17, 17, Form::Unitary),
        ] {
            let (scene, program) = program(rows, columns, form, key);
            let svg = draw(&scene, "");
            let shifters: usize = program.stages().iter().map(|s| s.phases().values().len()).sum();
            assert_eq!(count(&svg, "shifter"), shifters, "{rows}×{columns} {key}");
            assert_eq!(count(&svg, "splitter"), 2 * program.interferometers(), "{rows}×{columns} {key}");
            // Of attenuators one port is dark and one dumped; modes of one mesh alone begin or end there.
            let (attenuators, alone) = if program.form() == Form::Svd {
                (rows.min(columns), (rows.saturating_sub(columns), columns.saturating_sub(rows)))
            } else {
                (0, (0, 0))
            };
            assert_eq!((count(&svg, "begin"), count(&svg, "end")), (attenuators + alone.0, attenuators + alone.1));
            assert!(svg.contains(&format!("{rows}×{columns} matrix, {key}")) && !svg.contains("power"), "{svg}");
        }
    }
}

#[test]
fn a_shifter_shows_its_phase() {
    let (scene, program) = program(4, 4, Form::Unitary, "rectangular");
    let svg = draw(&scene, "");
    let stage = &program.stages()[0];
    for (k, position) in stage.layout().positions.iter().enumerate() {
        for (name, phase) in [("θ", stage.phases().theta()[k]), ("φ", stage.phases().phi()[k])] {
            let (column, mode) = (position.column, position.mode);
            let place = format!("<title>mesh, column {column}, modes {mode} and {}: {name}: ", mode + 1);
            let (_, found) = svg.split_once(&place).unwrap_or_else(|| panic!("no {place}"));
            let found: f64 = found.split_once(" rad").unwrap().0.parse().unwrap();
            assert!((found - phase).abs() < 1e-5, "{found} for {phase}");
            assert!(svg.contains(&format!(">{phase:.2}</text>")));
        }
    }
}

#[test]
fn all_power_leaves_a_lossless_mesh_and_less_a_chip_with_loss() {
    for key in ["rectangular", "triangular"] {
        let (scene, program) = program(5, 5, Form::Unitary, key);
        let shares = outputs(&draw(&scene, " --input 4"));
        assert!(shares.len() == 5 && (shares.iter().sum::<f64>() - 100.0).abs() < 0.03, "{shares:?}");
        let u = program.matrix();
        for (mode, share) in shares.iter().enumerate() {
            assert!((share - 100.0 * u[(mode, 4)].norm_sqr()).abs() < 0.006, "{mode}: {share}");
        }
        scene.chip("[insertion_loss]\nloss_db = 1.0\n");
        let lossy: f64 = outputs(&draw(&scene, " --input 4 --chip chip.json")).iter().sum();
        assert!(10.0 < lossy && lossy < 90.0, "{lossy}");
    }
}

#[test]
fn the_same_program_gives_the_same_bytes_also_as_png() {
    let (scene, _) = program(3, 2, Form::Svd, "rectangular");
    assert_eq!(draw(&scene, " --input 1"), draw(&scene, " --input 1"));
    scene.call("draw program.json -o mesh.png --input 1").well();
    assert!(fs::read(scene.path("mesh.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn bad_input_is_refused() {
    let (scene, _) = program(4, 4, Form::Unitary, "rectangular");
    scene.chip("[splitter_error]\nsigma_rad = 0.1\n");
    // One row of 129 columns is too large to draw.
    scene.write("row.npy", npy_real(&[[0.5; 129]]));
    scene.call("program row.npy -o row.json").well();
    scene.write("m.npy", npy_real(&[[1.0, 0.5, 0.0], [0.0, 1.0, 0.0]]));
    scene.call("program m.npy -o program.json").well();
    scene.write("empty.json", "{}");
    let before = fs::read_dir(&scene.0).unwrap().count();
    for (arguments, parts) in [
        ("program.json -o mesh.svg --input 3", &["program.json", "--input 3", "3 input ports", "0 to 2"][..]),
        ("program.json -o mesh.svg --input=-1", &["--input", "-1"]),
        ("program.json -o mesh.svg --chip no.json", &["no.json", "No such file"]),
        ("program.json -o mesh.svg --chip chip.json", &["4×4", "2×3"]),
        ("program.json -o mesh.eps", &["mesh.eps", ".svg or .png or .pdf"]),
        ("program.json -o mesh.svg --width 1m", &["--width", "expected a length from 50mm to 1000mm"]),
        ("program.json -o mesh", &["mesh", ".svg or .png or .pdf"]),
        ("program.json -o no/such/mesh.svg", &["no/such/mesh.svg", "there is no folder"]),
        ("empty.json -o mesh.svg", &["empty.json", "not a Phaseloom program"]),
        ("no.json -o mesh.svg", &["no.json", "No such file"]),
        ("row.json -o mesh.svg", &["1×129", "at most 128 rows and columns"]),
    ] {
        scene.call(&format!("draw {arguments}")).refused(parts);
        assert_eq!(fs::read_dir(&scene.0).unwrap().count(), before, "{arguments}");
    }
}
