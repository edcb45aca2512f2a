//! Every topology and cell through the commands, and `phaseloom compare`.

use super::support::{DATA, Scene, phaseloom, run, table, wait};
use phaseloom::files::write_matrix;
use phaseloom::mesh::MeshDesign;
use phaseloom::numerics::{StreamKey, haar_unitary};
use std::fs;

#[test]
fn every_mesh_is_programmed_made_corrected_and_multiplied_by() {
    let scene = Scene::new();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let u = haar_unitary(4, &mut StreamKey::new(1, "test").stream());
    let (whole, row) = (scene.path("u.npy"), scene.path("row.npy"));
    write_matrix(&whole, &u).unwrap();
    write_matrix(&row, &u.rows(0, 1).into_owned()).unwrap();
    let process = scene.write("p.toml", "[splitter_error]\nsigma_rad = 0.02\n");
    for design in MeshDesign::all() {
        let (topology, cell) = (design.topology(), design.cell());
        let matrix = if topology.capability().max_rows().is_some() { &row } else { &whole };
        let (program, chip, out) = (path("program.json"), path("chip.json"), path("out.json"));
        let keys = ["--topology", topology.key(), "--cell", cell.key()];
        let said = wait(phaseloom().arg("program").arg(matrix).args(["-o", &program]).args(keys)).well().out;
        assert!(said.contains(topology.key()), "{said}");
        assert_eq!(
            said.contains("fitted: each mesh"),
            (topology.capability() == phaseloom::mesh::Capability::Fitted),
            "{said}"
        );
        let file = fs::read_to_string(&program).unwrap();
        assert!(file.contains(&format!("\"cell\": \"{}\"", cell.key())), "{file}");
        wait(phaseloom().arg("chip").arg(&process).args(["--program", &program, "--seed", "4", "-o", &chip])).well();
        run(["matrix", &program, "--chip", &chip]).well();
        run(["correct", &program, "--chip", &chip, "--method", "local", "-o", &out]).well();
    }
    wait(phaseloom().arg("program").arg(&whole).args(["--topology", "tree", "-o", &path("no.json")])).refused(&[
        "u.npy",
        "tree",
        "carries one row",
        "4×4",
    ]);
    wait(phaseloom().arg("program").arg(&whole).args(["--cell", "mzy", "-o", &path("no.json")]))
        .refused(&["`mzy`", "three_splitters"]);
    assert!(!scene.path("no.json").exists());
}

#[test]
fn a_program_whose_lines_cross_otherwise_is_refused() {
    let scene = Scene::new();
    let (matrix, program) = (scene.path("u.npy"), scene.path("program.json"));
    write_matrix(&matrix, &haar_unitary(4, &mut StreamKey::new(1, "test").stream())).unwrap();
    wait(phaseloom().arg("program").arg(&matrix).args(["--topology", "fractal", "-o"]).arg(&program)).well();
    let text = fs::read_to_string(&program).unwrap();
    let refused = |from: &str, to: &str, parts: &[&str]| {
        assert!(text.contains(from), "{from} in {text}");
        let bad = scene.write("bad.json", text.replacen(from, to, 1));
        wait(phaseloom().arg("matrix").arg(bad)).refused(parts);
    };
    refused("\"topology\": \"fractal\"", "\"topology\": \"rectangular\"", &["right", "expected"]);
    refused("\"cell\": \"mzi\"", "\"cell\": \"mzx\"", &["cell", "mzx", "three_splitters"]);
    refused("\"wiring\": [", "\"wires\": [", &["wires"]);
    refused("\"modes\": 4,", "\"modes\": 4,\n    \"lines\": 8,", &["right.lines", "8"]);
}

#[test]
fn a_network_runs_on_other_meshes() {
    let accuracy = |core: &str| {
        let scene = Scene::new();
        scene.experiment(&format!("{DATA}[core]\nports = 4\n{core}"));
        scene.run(&[]).well();
        table(&scene.path("out/summary.csv"))
    };
    for core in ["topology = 'fractal'", "topology = 'direct'\ncell = 'crossing'", "cell = 'three_splitters'"] {
        assert!(!accuracy(core).is_empty());
    }
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}[core]\nports = 4\ncell = 'mzy'"));
    scene.run(&[]).refused(&["core.cell", "`mzy`", "three_splitters"]);
    // A cell that is named is meant, whatever the topology.
    let scene = Scene::new();
    let sweep = "[[sweep]]\nkeys = ['core.topology']\nvalues = ['rectangular', 'masks']\n";
    scene.experiment(&format!("{DATA}{sweep}[core]\nports = 4\ncell = 'mzi'"));
    scene.run(&[]).refused(&["core.cell", "mzi", "coupler"]);
    // Topologies have no order in which one is the last that holds.
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}{sweep}[core]\nports = 4"));
    let said = scene.run(&[]).well().out;
    assert!(said.contains("is best at") && said.contains("worst at"), "{said}");
}

#[test]
fn a_correction_is_compared_with_its_target() {
    let scene = Scene::new();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let (matrix, program, chip, corrected) =
        (path("u.npy"), path("program.json"), path("chip.json"), path("corrected.json"));
    write_matrix(&scene.path("u.npy"), &haar_unitary(4, &mut StreamKey::new(1, "test").stream())).unwrap();
    let process = scene.write("p.toml", "[splitter_error]\nsigma_rad = 0.001\n[phase_error]\nsigma_rad = 0.3\n");
    run(["program", &matrix, "-o", &program]).well();
    wait(phaseloom().arg("chip").arg(&process).args(["--program", &program, "--seed", "4", "-o", &chip])).well();
    run(["correct", &program, "--chip", &chip, "--method", "local", "-o", &corrected]).well();
    let error = |target: &[&str]| -> f64 {
        let said = wait(phaseloom().args(["matrix", &corrected, "--chip", &chip]).args(target)).well().out;
        let line = said.lines().find(|line| line.contains("relative error")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(error(&[]) > 0.05 && error(&["--target", &program]) < 1e-3 && error(&["--target", &matrix]) < 1e-3);
    write_matrix(&scene.path("v.npy"), &haar_unitary(3, &mut StreamKey::new(1, "test").stream())).unwrap();
    run(["matrix", &corrected, "--target", &path("v.npy")]).refused(&["v.npy", "3×3", "4×4"]);
    run(["program", &matrix, "--topology", "direct", "--form", "svd", "-o", &path("no.json")])
        .refused(&["--form", "svd"]);
}

#[test]
fn a_coupler_has_no_second_splitter() {
    let scene = Scene::new();
    let process = scene.write("p.toml", "[splitter_error]\nsigma_rad = 0.02\n");
    let chip = scene.path("chip.json");
    wait(
        phaseloom()
            .arg("chip")
            .arg(&process)
            .args(["--core", "4", "--topology", "masks", "--seed", "1", "-o"])
            .arg(&chip),
    )
    .well();
    let text = fs::read_to_string(&chip).unwrap();
    assert!(text.contains("\"beta_rad\": 0.0,"), "{text}");
    let bad = scene.write("bad.json", text.replacen("\"beta_rad\": 0.0,", "\"beta_rad\": 0.1,", 1));
    let (matrix, program) = (scene.path("u.npy"), scene.path("program.json"));
    write_matrix(&matrix, &haar_unitary(4, &mut StreamKey::new(1, "test").stream())).unwrap();
    wait(phaseloom().arg("program").arg(&matrix).args(["--topology", "masks", "--form", "svd", "-o"]).arg(&program))
        .well();
    wait(phaseloom().arg("matrix").arg(&program).arg("--chip").arg(&bad)).refused(&["beta_rad", "0.1", "splitters"]);
}

#[test]
fn meshes_side_by_side() {
    let scene = Scene::new();
    let folder = scene.path("comparison");
    let said = wait(phaseloom().args(["compare", "--modes", "4", "--trials", "3", "-o"]).arg(&folder)).well().out;
    for design in MeshDesign::all() {
        let (topology, cell) = (design.topology(), design.cell());
        let line = said.lines().find(|l| l.starts_with(topology.key()) && l.contains(cell.key()));
        assert!(line.is_some(), "{} {}: {said}", topology.key(), cell.key());
    }
    assert!(said.trim_end().ends_with('.') && said.contains("Least infidelity"), "{said}");
    let table = fs::read_to_string(folder.join("table.csv")).unwrap();
    assert_eq!(table.lines().filter(|l| !l.starts_with('#')).count(), 1 + MeshDesign::all().count());
    assert!(folder.join("figure.svg").exists() && folder.join("figure.png").exists());
    // The same again, byte by byte.
    let other = scene.path("again");
    wait(phaseloom().args(["compare", "--modes", "4", "--trials", "3", "-o"]).arg(&other)).well();
    assert_eq!(table, fs::read_to_string(other.join("table.csv")).unwrap());
    run(["compare", "--modes", "1"]).refused(&["--modes", "2 to 512"]);
    run(["compare", "--modes", "4", "--trials", "1"]).refused(&["--trials"]);
    run(["compare", "--process", "preset:none"]).refused(&["none"]);
    let dark = scene.write("dark.toml", "[insertion_loss]\nloss_db = 5000\n");
    let folder = scene.path("dark");
    wait(phaseloom().args(["compare", "--modes", "4", "--trials", "2", "--process"]).arg(dark).arg("-o").arg(&folder))
        .refused(&["dark.toml", "no light"]);
    assert!(!folder.exists());
}

#[test]
fn where_nothing_can_be_written_nothing_is_computed() {
    let scene = Scene::new();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    write_matrix(&scene.path("u.npy"), &haar_unitary(3, &mut StreamKey::new(1, "test").stream())).unwrap();
    run(["program", &path("u.npy"), "-o", &path("none/p.json")]).refused(&["-o", "none", "make it"]);
    run(["program", &path("u.npy"), "-o", scene.path("").to_str().unwrap()]).refused(&["-o", "folder"]);
}

#[test]
fn matrices_of_any_size_are_compared() {
    let scene = Scene::new();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let u = haar_unitary(3, &mut StreamKey::new(1, "test").stream());
    write_matrix(&scene.path("u.npy"), &u).unwrap();
    run(["program", &path("u.npy"), "-o", &path("p.json")]).well();
    for (size, says) in [(1e300, "1.000000"), (1e-200, "e200"), (0.0, "W is zero")] {
        write_matrix(&scene.path("t.npy"), &u.map(|z| z * size)).unwrap();
        let said = run(["matrix", &path("p.json"), "--target", &path("t.npy")]).well().out;
        assert!(said.contains(says) && !said.contains("NaN"), "{said}");
    }
}

#[test]
fn a_converted_file_is_refused_by_name_and_key() {
    let scene = Scene::new();
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    write_matrix(&scene.path("u.npy"), &haar_unitary(3, &mut StreamKey::new(1, "test").stream())).unwrap();
    run(["program", &path("u.npy"), "-o", &path("p.json")]).well();
    run(["convert", &path("p.json"), "--to", "bloch", "-o", &path("c.json")]).well();
    let text = std::fs::read_to_string(scene.path("c.json")).unwrap();
    for (from, to, says) in [
        ("\"bloch\"", "\"blo\\u001bch\"", "convention"),
        ("\"rectangular\"", "\"square\"", "topology"),
        ("\"gain\": 1.0", "\"gain\": 1e300", "1e153"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        scene.write("c.json", text.replacen(from, to, 1));
        let ended = run(["convert", &path("c.json"), "--to", "phaseloom", "-o", &path("d.json")]);
        ended.refused(&["c.json", says]);
    }
}
