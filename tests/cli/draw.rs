//! `draw`: the drawing has the parts of its program, is an image that others can read, and shows where the power goes.

use super::support::{Ended, npy_real, phaseloom, run, wait};
use phaseloom::mesh::{Form, MatrixProgram, topology};
use phaseloom::numerics::{StreamKey, haar_unitary};
use phaseloom::report::png;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with `program.json`.
struct Bench(TempDir);

impl Bench {
    /// The leading corner of a random unitary, as a program; of all of it that of a unitary.
    fn new(rows: usize, columns: usize, form: Form, key: &str) -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let n = rows.max(columns);
        let u = haar_unitary(n, &mut StreamKey::new(1, "draw").stream());
        let w = u.view((0, 0), (rows, columns)).into_owned();
        let program = MatrixProgram::new(&w, form, topology(key).unwrap()).unwrap();
        program.save(&bench.path("program.json")).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn draw(&self, out: &str, more: &[&str]) -> Ended {
        let mut command = phaseloom();
        wait(command.arg("draw").arg(self.path("program.json")).arg("-o").arg(self.path(out)).args(more))
    }

    /// The drawing as text; that it can be rasterised shows that it is XML.
    fn svg(&self, more: &[&str]) -> String {
        self.draw("mesh.svg", more).well();
        let svg = fs::read_to_string(self.path("mesh.svg")).unwrap();
        assert!(!png(&svg, 64).unwrap().is_empty());
        svg
    }

    /// Refused, and nothing written.
    #[track_caller]
    fn refuses(&self, out: &str, more: &[&str], parts: &[&str]) {
        let before = fs::read_dir(self.0.path()).unwrap().count();
        self.draw(out, more).refused(parts);
        assert_eq!(fs::read_dir(self.0.path()).unwrap().count(), before);
    }
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
            let bench = Bench::new(rows, columns, form, key);
            let program = MatrixProgram::load(&bench.path("program.json")).unwrap();
            let svg = bench.svg(&[]);
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
    let bench = Bench::new(4, 4, Form::Unitary, "rectangular");
    let program = MatrixProgram::load(&bench.path("program.json")).unwrap();
    let svg = bench.svg(&[]);
    let stage = &program.stages()[0];
    for (k, position) in stage.layout().positions.iter().enumerate() {
        for (name, phase) in [("θ", stage.phases().theta()[k]), ("φ", stage.phases().phi()[k])] {
            let place = format!(
                "<title>mesh, column {}, modes {} and {}: {name}: ",
                position.column,
                position.mode,
                position.mode + 1
            );
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
        let bench = Bench::new(5, 5, Form::Unitary, key);
        let shares = outputs(&bench.svg(&["--input", "4"]));
        assert!(shares.len() == 5 && (shares.iter().sum::<f64>() - 100.0).abs() < 0.03, "{shares:?}");
        let u = MatrixProgram::load(&bench.path("program.json")).unwrap().matrix();
        for (mode, share) in shares.iter().enumerate() {
            assert!((share - 100.0 * u[(mode, 4)].norm_sqr()).abs() < 0.006, "{mode}: {share}");
        }
        fs::write(bench.path("process.toml"), "[insertion_loss]\nloss_db = 1.0\n").unwrap();
        let chip = bench.path("chip.json");
        let mut command = phaseloom();
        command.arg("chip").arg(bench.path("process.toml")).arg("--program").arg(bench.path("program.json"));
        wait(command.args(["--seed", "1", "-o"]).arg(&chip)).well();
        let lossy: f64 = outputs(&bench.svg(&["--input", "4", "--chip", chip.to_str().unwrap()])).iter().sum();
        assert!(10.0 < lossy && lossy < 90.0, "{lossy}");
    }
}

#[test]
fn the_same_program_gives_the_same_bytes_also_as_png() {
    let bench = Bench::new(3, 2, Form::Svd, "rectangular");
    assert_eq!(bench.svg(&["--input", "1"]), bench.svg(&["--input", "1"]));
    bench.draw("mesh.png", &["--input", "1"]).well();
    assert!(fs::read(bench.path("mesh.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn bad_input_is_refused() {
    let bench = Bench::new(2, 3, Form::Svd, "rectangular");
    bench.refuses("mesh.svg", &["--input", "3"], &["program.json", "--input 3", "3 input ports", "0 to 2"]);
    bench.refuses("mesh.svg", &["--input=-1"], &["--input", "-1"]);
    bench.refuses("mesh.svg", &["--chip", "no.json"], &["no.json", "No such file"]);
    bench.refuses("mesh.pdf", &[], &["mesh.pdf", "`pdf`", ".svg or .png"]);
    bench.refuses("mesh", &[], &["mesh", ".svg or .png"]);
    bench.refuses("no/such/mesh.svg", &[], &["no/such/mesh.svg", "there is no folder"]);
    let other = Bench::new(4, 4, Form::Unitary, "rectangular");
    let process = bench.path("process.toml");
    fs::write(&process, "[splitter_error]\nsigma_rad = 0.1\n").unwrap();
    let chip = bench.path("chip.json");
    let mut command = phaseloom();
    command.arg("chip").arg(&process).arg("--program").arg(other.path("program.json"));
    wait(command.args(["--seed", "1", "-o"]).arg(&chip)).well();
    bench.refuses("mesh.svg", &["--chip", chip.to_str().unwrap()], &["4×4", "2×3"]);
    fs::write(bench.path("program.json"), "{}").unwrap();
    bench.refuses("mesh.svg", &[], &["program.json", "not a Phaseloom program"]);
    run(["draw", "no.json", "-o", "mesh.svg"]).refused(&["no.json", "No such file"]);
    assert!(!Path::new("mesh.svg").exists());

    // One row of 129 columns: its program is small enough to write here, and too large to draw.
    let row = [0.5; 129];
    fs::write(bench.path("row.npy"), npy_real(&[&row])).unwrap();
    let mut command = phaseloom();
    wait(command.arg("program").arg(bench.path("row.npy")).arg("-o").arg(bench.path("program.json"))).well();
    bench.refuses("mesh.svg", &[], &["1×129", "at most 128 rows and columns"]);
}
