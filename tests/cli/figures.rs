//! The options of figures: width, title, footer, PDF, and figures of few chips.

use super::support::Scene;
use std::fs;

/// A sweep of three chips at two points.
const SWEEP: &str = "sweep u.npy --vary splitter_error.sigma_rad=0.02:0.04:0.02 --trials 3 -o out";

#[test]
fn a_finished_run_is_drawn_again_for_a_column_of_a_paper() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call(SWEEP).well();
    let wide = scene.text("out/figure.svg");
    assert!(wide.contains("width=\"800\"") && wide.contains("u.npy") && wide.contains("seed 1"));
    assert!(wide.contains("prefers-color-scheme: dark") && wide.contains("mean of 3 chips, small: each chip"));
    assert!(!scene.path("out/figure.pdf").exists());

    let column = "run out --width 86mm --no-title --no-footer --pdf";
    assert!(scene.call(column).well().err.contains("nothing was computed"));
    let narrow = scene.text("out/figure.svg");
    assert!(narrow.contains("width=\"86mm\"") && !narrow.contains("u.npy") && !narrow.contains("seed 1"));
    let pdf = || fs::read(scene.path("out/figure.pdf")).unwrap();
    let first = pdf();
    // 86 mm are 243.8 pt.
    let text = String::from_utf8_lossy(&first);
    assert!(text.starts_with("%PDF-") && text.contains("/MediaBox [0 0 243.7"), "{text}");
    scene.call(column).well();
    assert!(pdf() == first && scene.text("out/figure.svg") == narrow, "the same bytes");

    // A later call draws the PDF, too, because it would show another run than its neighbours.
    scene.call("run out").well();
    assert!(scene.text("out/figure.svg") == wide && pdf() != first);
}

#[test]
fn a_comparison_names_its_size_and_process_and_is_sorted() {
    let scene = Scene::new();
    scene.call("compare --modes 4 --trials 2 --pdf -o out").well();
    let svg = scene.text("out/figure.svg");
    for text in
        ["Infidelity of meshes of N = 4 modes on preset:thermo-optic-silicon", "infidelity 1 − F", "transmission (dB)"]
    {
        assert!(svg.contains(text), "{text}");
    }
    assert!(fs::read(scene.path("out/figure.pdf")).unwrap().starts_with(b"%PDF-"));
    let end = svg.find("(not universal)").unwrap();
    assert!(svg.find("\nrectangular\n").unwrap() < end && svg.find("\ntriangular\n").unwrap() < end);
}

#[test]
fn a_mesh_is_drawn_as_pdf_and_without_its_title() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o p.json").well();
    scene.call("draw p.json --width 178mm --no-title -o mesh.pdf").well();
    assert!(fs::read(scene.path("mesh.pdf")).unwrap().starts_with(b"%PDF-"));
    scene.call("draw p.json --width 178mm --no-title -o mesh.svg").well();
    let svg = scene.text("mesh.svg");
    assert!(
        svg.contains("width=\"178mm\"") && !svg.contains("4×4 matrix") && svg.contains("φ external, θ internal phase")
    );
}

#[test]
fn a_sweep_of_two_numeric_keys_has_a_heat_map() {
    let scene = Scene::new();
    scene.unitary(3);
    let keys = "--vary splitter_error.sigma_rad=0.01,0.02 --vary phase_error.sigma_rad=0.01,0.03,0.05";
    scene.call(&format!("sweep u.npy {keys} --trials 6 -o out")).well();
    let map = scene.text("out/figure-infidelity-map.svg");
    for text in ["splitter error σ (rad)", "phase error σ (rad)", "infidelity 1 − F, median of 6 chips"] {
        assert!(map.contains(text), "{text}");
    }
    assert!(scene.path("out/figure-infidelity-map.png").exists());
    assert!(scene.text("out/figure.svg").contains("x in the split ratio 50 ± x %"));
    // One key has lines alone.
    scene.call("sweep u.npy --vary phase_error.sigma_rad=0.01,0.02 --trials 2 -o line").well();
    assert!(scene.path("line/figure.svg").exists() && !scene.path("line/figure-infidelity-map.svg").exists());
}

#[test]
fn a_drawing_names_foreign_phases_and_small_texts() {
    let scene = Scene::new();
    scene.unitary(6);
    scene.call("program u.npy -o p.json").well();
    scene.call("convert p.json --to clements -o c.json").well();
    assert!(!scene.call("draw c.json --width 300mm -o c.svg").well().err.contains("note"));
    let svg = scene.text("c.svg");
    assert!(svg.contains("converted from the convention clements") && svg.contains("θ and φ as in Phaseloom"), "{svg}");
    let narrow = scene.call("draw p.json --width 60mm -o p.svg").well();
    assert!(narrow.err.contains("note: at a width of 60mm") && narrow.err.contains("--width "), "{}", narrow.err);
    assert!(!scene.text("p.svg").contains("as in Phaseloom"));
}
