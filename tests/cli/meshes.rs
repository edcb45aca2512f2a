//! Every topology and cell through the commands, and `phaseloom compare`.

use super::support::{CORE, DATA, Scene};
use phaseloom::files::write_matrix;
use phaseloom::mesh::{Capability, MeshDesign};
use phaseloom_testing::haar;

#[test]
fn every_mesh_is_programmed_made_corrected_and_multiplied_by() {
    let scene = Scene::new();
    let u = scene.unitary(4);
    write_matrix(&scene.path("row.npy"), &u.rows(0, 1).into_owned()).unwrap();
    for design in MeshDesign::all() {
        let (topology, cell) = (design.topology(), design.cell());
        let matrix = if topology.capability().max_rows().is_some() { "row.npy" } else { "u.npy" };
        let keys = format!("--topology {} --cell {}", topology.key(), cell.key());
        let said = scene.call(&format!("program {matrix} -o program.json {keys}")).well().out;
        assert!(said.contains(topology.key()), "{said}");
        assert_eq!(said.contains("fitted: each mesh"), topology.capability() == Capability::Fitted, "{said}");
        assert!(scene.text("program.json").contains(&format!("\"cell\": \"{}\"", cell.key())));
        scene.chip("[splitter_error]\nsigma_rad = 0.02\n");
        scene.call("matrix program.json --chip chip.json").well();
        scene.call("correct program.json --chip chip.json --method local -o out.json").well();
    }
    scene.call("program u.npy --topology tree -o no.json").refused(&["u.npy", "tree", "carries one row", "4×4"]);
    scene.call("program u.npy --cell mzy -o no.json").refused(&["`mzy`", "three_splitters"]);
    assert!(!scene.path("no.json").exists());
}

#[test]
fn a_program_whose_lines_cross_otherwise_is_refused() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy --topology fractal -o program.json").well();
    for (from, to, parts) in [
        ("\"topology\": \"fractal\"", "\"topology\": \"rectangular\"", &["right", "expected"][..]),
        ("\"cell\": \"mzi\"", "\"cell\": \"mzx\"", &["cell", "mzx", "three_splitters"]),
        ("\"wiring\": [", "\"wires\": [", &["wires"]),
        ("\"modes\": 4,", "\"modes\": 4,\n    \"lines\": 8,", &["right.lines", "8"]),
    ] {
        scene.refuses_change("program.json", (from, to), "matrix program.json", parts);
    }
}

#[test]
fn a_network_runs_on_other_meshes() {
    let scene = Scene::new();
    let sweep = "[[sweep]]\nkeys = ['core.topology']\nvalues = ['rectangular', 'masks']\n";
    scene.refuses(&format!("{DATA}{CORE}cell = 'mzy'"), &["core.cell", "`mzy`", "three_splitters"]);
    // A cell that is named is meant, whatever the topology.
    scene.refuses(&format!("{DATA}{sweep}{CORE}cell = 'mzi'"), &["core.cell", "mzi", "coupler"]);
    for core in ["topology = 'fractal'", "topology = 'direct'\ncell = 'crossing'", "cell = 'three_splitters'"] {
        let scene = Scene::new();
        scene.experiment(&format!("{DATA}{CORE}{core}"));
        scene.run(&[]).well();
        assert!(scene.path("out/summary.csv").exists());
    }
    // Topologies have no order in which one is the last that holds.
    scene.experiment(&format!("{DATA}{sweep}{CORE}"));
    let said = scene.run(&[]).well().joined();
    assert!(said.contains("loses at most one percentage point at every point (") && !said.contains("up to"), "{said}");
}

#[test]
fn a_correction_is_compared_with_its_target() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    scene.chip("[splitter_error]\nsigma_rad = 0.001\n[phase_error]\nsigma_rad = 0.3\n");
    scene.call("correct program.json --chip chip.json --method local -o corrected.json").well();
    let error = |target: &str| -> f64 {
        let said = scene.call(&format!("matrix corrected.json --chip chip.json{target}")).well().out;
        let line = said.lines().find(|line| line.contains("relative error")).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(error("") > 0.05 && error(" --target program.json") < 1e-3 && error(" --target u.npy") < 1e-3);
    write_matrix(&scene.path("v.npy"), &haar(3, 1)).unwrap();
    scene.call("matrix corrected.json --target v.npy").refused(&["v.npy", "3×3", "4×4"]);
    scene.call("program u.npy --topology direct --form svd -o no.json").refused(&["--form", "svd"]);
}

#[test]
fn a_coupler_has_no_second_splitter() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy --topology masks --form svd -o program.json").well();
    scene.chip("[splitter_error]\nsigma_rad = 0.02\n");
    let beta = ("\"beta_rad\": 0.0,", "\"beta_rad\": 0.1,");
    let parts = ["beta_rad", "0.1", "splitters"];
    scene.refuses_change("chip.json", beta, "matrix program.json --chip chip.json", &parts);
}

#[test]
fn meshes_side_by_side() {
    let scene = Scene::new();
    let said = scene.call("compare --modes 4 --trials 3 -o comparison").well().out;
    for design in MeshDesign::all() {
        let (topology, cell) = (design.topology(), design.cell());
        let line = said.lines().find(|l| l.starts_with(topology.key()) && l.contains(cell.key()));
        assert!(line.is_some(), "{} {}: {said}", topology.key(), cell.key());
    }
    assert!(said.trim_end().ends_with('.') && said.contains("Least infidelity"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let table = scene.text("comparison/table.csv");
    assert_eq!(table.lines().filter(|l| !l.starts_with('#')).count(), 1 + MeshDesign::all().count());
    assert!(scene.path("comparison/figure.svg").exists() && scene.path("comparison/figure.png").exists());
    // The same again, byte by byte.
    scene.call("compare --modes 4 --trials 3 -o again").well();
    assert_eq!(table, scene.text("again/table.csv"));
    scene.write("dark.toml", "[insertion_loss]\nloss_db = 5000\n");
    for (arguments, parts) in [
        ("--modes 1", &["--modes", "2 to 512"][..]),
        ("--modes 4 --trials 1", &["--trials"]),
        ("--process preset:none", &["none"]),
        ("--modes 4 --trials 2 --process dark.toml -o dark", &["dark.toml", "no light"]),
    ] {
        scene.call(&format!("compare {arguments}")).refused(parts);
    }
    assert!(!scene.path("dark").exists());
}

#[test]
fn matrices_of_any_size_are_compared() {
    let scene = Scene::new();
    let u = scene.unitary(3);
    scene.call("program u.npy -o program.json").well();
    for (size, says) in [(1e300, "1.000000"), (1e-200, "e200"), (0.0, "W is zero")] {
        write_matrix(&scene.path("t.npy"), &u.map(|z| z * size)).unwrap();
        let said = scene.call("matrix program.json --target t.npy").well().out;
        assert!(said.contains(says) && !said.contains("NaN"), "{said}");
    }
}
