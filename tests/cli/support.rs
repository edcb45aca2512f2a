//! Helpers of all modules: starting the binary, small files written by hand, waiting, reading results. No tests.

use phaseloom::files::{read_matrix, write_matrix};
use phaseloom_testing::{Matrix, haar};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The files whose bytes only the experiment may determine.
pub const RESULTS: [&str; 9] = [
    "table.csv",
    "summary.csv",
    "design.csv",
    "classes.csv",
    "confusion.csv",
    "run.json",
    "figure.svg",
    "figure.png",
    "report.json",
];

/// The binary, with a backtrace asked for, so that one that is printed would be seen.
pub fn phaseloom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phaseloom"));
    command.env("RUST_BACKTRACE", "1").stdin(Stdio::null());
    command
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// It ended well.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    /// What it printed on stdout, lines joined by spaces: where a sentence is broken does not count.
    pub fn joined(&self) -> String {
        self.out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// It was refused: exit code 2, nothing on stdout, one message with all `parts`, no panic.
    #[track_caller]
    pub fn refused(self, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(2), "{}\n{}", self.out, self.err);
        assert!(self.out.is_empty(), "{}", self.out);
        for word in ["panicked", "stack backtrace", "this is a bug"] {
            assert!(!self.err.contains(word), "{}", self.err);
        }
        assert_eq!(self.err.matches("error[E").count(), 1, "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in: {}", self.err);
        }
        // What a cause says is not said twice.
        let again = self
            .err
            .lines()
            .any(|line| line.split(": ").filter(|p| p.len() > 12).any(|p| line.matches(&format!(": {p}")).count() > 1));
        assert!(!again, "{}", self.err);
        self
    }
}

/// Starts a command and waits for its end.
pub fn wait(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// `phaseloom` with arguments.
pub fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    wait(phaseloom().args(arguments))
}

/// `phaseloom run EXPERIMENT -o FOLDER …`
pub fn run_to(experiment: &Path, folder: &Path, more: &[&str]) -> Ended {
    wait(phaseloom().arg("run").arg(experiment).arg("-o").arg(folder).args(more))
}

/// An experiment of the repository.
pub fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path)
}

/// A file of the fixtures that NumPy wrote.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/network/tests/data").join(name)
}

/// A process that works while the test looks on; killed at the latest when the test ends.
pub struct Working(pub Child);

impl Working {
    /// Starts `phaseloom run EXPERIMENT -o FOLDER …` and waits until `lines` units are written.
    pub fn until(experiment: &Path, folder: &Path, more: &[&str], lines: usize) -> Self {
        let mut command = phaseloom();
        command.arg("run").arg(experiment).arg("-o").arg(folder).args(more);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while units(folder) < lines {
            assert!(child.try_wait().unwrap().is_none(), "it ended before {lines} units were there");
            assert!(start.elapsed() < Duration::from_secs(120), "{lines} units take too long");
            std::thread::sleep(Duration::from_millis(2));
        }
        Self(child)
    }

    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits for the end: the exit code, and what it said if its stderr is a pipe.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_string(&mut said).unwrap();
        }
        (self.0.wait().unwrap().code(), said)
    }

    /// Sends a signal and waits for the end, which must come soon and with exit code 130. Returns what it said.
    #[cfg(unix)]
    #[track_caller]
    pub fn stop(self, signal: &str) -> String {
        let kill = Command::new("kill").args([&format!("-{signal}"), &self.0.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let start = Instant::now();
        let (code, said) = self.end();
        assert_eq!(code, Some(130), "{said}");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        said
    }

    /// Sends Ctrl-C and waits for the end as [`Working::stop`] does.
    #[cfg(unix)]
    #[track_caller]
    pub fn interrupt(self) {
        self.stop("INT");
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whole lines of `units.jsonl`.
pub fn units(folder: &Path) -> usize {
    fs::read(folder.join("units.jsonl")).map_or(0, |bytes| bytes.iter().filter(|&&b| b == b'\n').count())
}

/// The results of a folder.
#[track_caller]
pub fn results(folder: &Path) -> Vec<Vec<u8>> {
    RESULTS.iter().map(|name| fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))).collect()
}

/// Asserts equal bytes of all results.
#[track_caller]
pub fn assert_equal_results(a: &Path, b: &Path) {
    for ((name, a), b) in RESULTS.iter().zip(results(a)).zip(results(b)) {
        assert!(a == b, "{name} differs");
    }
}

/// The rows of a CSV result as (column, value).
pub fn table(path: &Path) -> Vec<Vec<(String, String)>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines.map(|line| names.iter().map(|n| (*n).to_owned()).zip(line.split(',').map(str::to_owned)).collect()).collect()
}

/// The value of a column.
pub fn cell<'a>(row: &'a [(String, String)], column: &str) -> &'a str {
    row.iter().find(|(name, _)| name == column).map_or_else(|| panic!("no column {column}"), |(_, value)| value)
}

/// A matrix of 3 rows and 4 columns without structure.
pub const GENERAL: [[f64; 4]; 3] = [[0.5, -1.0, 2.0, 0.25], [1.5, 0.0, -0.75, 1.0], [-2.0, 0.125, 0.5, 0.5]];

/// A `.npy` file: header of version 1 for a type and shape, then the bytes.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// A real matrix, row by row, as `.npy` of type f8.
pub fn npy_real<R: AsRef<[f64]>>(rows: &[R]) -> Vec<u8> {
    let data: Vec<u8> = rows.iter().flat_map(|row| row.as_ref()).flat_map(|x| x.to_le_bytes()).collect();
    npy("<f8", &format!("({}, {})", rows.len(), rows[0].as_ref().len()), &data)
}

/// A vector of integers as `.npy`.
pub fn integers(count: i64, value: impl Fn(i64) -> i64) -> Vec<u8> {
    npy("<i8", &format!("({count},)"), &(0..count).flat_map(|i| value(i).to_le_bytes()).collect::<Vec<u8>>())
}

/// The matrix in a `.npy` file.
pub fn read(path: &Path) -> Matrix {
    read_matrix(path).unwrap().0
}

/// A `.safetensors` file of f64 tensors.
pub fn safetensors(tensors: &[(&str, &[usize], Vec<f64>)]) -> Vec<u8> {
    let (mut entries, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|x| x.to_le_bytes()));
        let entry = serde_json::json!({ "dtype": "F64", "shape": shape, "data_offsets": [start, data.len()] });
        entries.insert((*name).to_owned(), entry);
    }
    let header = Value::Object(entries).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// A model of 3-4-2 with scales for cores of 4 ports, and 40 samples.
pub const DATA: &str = "[data]\ninputs = 'x.npy'\nlabels = 'y.npy'\n";
/// Cores that its scales are for.
pub const CORE: &str = "[core]\nports = 4\n";
/// A link with all that needs scales.
pub const LINK: &str = "[link]\nlaser_power_w = 1e-3\nshot_noise = true\nthermal_noise = { feedback_ohm = 5000 }\n\
                        dac = { bits = 6 }\nadc = { bits = 6 }\n";
/// Two points.
pub const SWEEP: &str = "[[sweep]]\nkeys = ['process.splitter_error.sigma_rad']\nvalues = [0.01, 0.1]\n";

/// A folder with a small model, its data and one experiment.
pub struct Scene(pub TempDir);

impl Scene {
    pub fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        let wave = |n: usize, f: f64| -> Vec<f64> { (0..n).map(|i| ((i as f64 + 1.0) * f).sin()).collect() };
        scene.weights(wave(12, 1.7), wave(4, 0.3), wave(8, 2.3));
        scene.write("model.toml", MODEL);
        scene.write("calibration.json", scales(4));
        scene.inputs(&wave(120, 0.7));
        scene.write("y.npy", integers(40, |i| i % 2));
        scene.experiment(&format!("{DATA}{CORE}{LINK}{SWEEP}"));
        scene
    }

    /// Replaces the weights.
    pub fn weights(&self, w1: Vec<f64>, b1: Vec<f64>, w2: Vec<f64>) {
        self.write("w.safetensors", safetensors(&[("w1", &[4, 3], w1), ("b1", &[4], b1), ("w2", &[2, 4], w2)]));
    }

    /// Replaces the 40 inputs of 3 features.
    pub fn inputs(&self, values: &[f64]) {
        let rows: Vec<&[f64]> = values.chunks(3).collect();
        self.write("x.npy", npy_real(&rows));
    }

    /// Writes `experiment.toml` (two trials) with these tables and returns its path.
    pub fn experiment(&self, tables: &str) -> PathBuf {
        self.write("experiment.toml", format!("model = 'model.toml'\ntrials = 2\n{tables}"))
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// `phaseloom` in this folder, with arguments that blanks separate.
    pub fn call(&self, arguments: &str) -> Ended {
        wait(phaseloom().current_dir(&self.0).args(arguments.split(' ')))
    }

    /// Writes a Haar-random unitary as `u.npy`.
    pub fn unitary(&self, modes: usize) -> Matrix {
        let u = haar(modes, 1);
        write_matrix(&self.path("u.npy"), &u).unwrap();
        u
    }

    /// Makes `chip.json` for `program.json` by a process.
    #[track_caller]
    pub fn chip(&self, process: &str) {
        self.write("process.toml", process);
        self.call("chip process.toml --program program.json --seed 4 -o chip.json").well();
    }

    /// The matrix that `phaseloom matrix` writes.
    #[track_caller]
    pub fn matrix(&self, arguments: &str) -> Matrix {
        self.call(&format!("matrix {arguments} -o matrix.npy")).well();
        let bytes = fs::read(self.path("matrix.npy")).unwrap();
        assert!(bytes.windows(6).any(|part| part == b"'<c16'"), "complex numbers in double precision");
        read(&self.path("matrix.npy"))
    }

    /// Runs a command with a changed file, which it must refuse; restores the file.
    #[track_caller]
    pub fn refuses_text(&self, name: &str, bad: &str, command: &str, parts: &[&str]) {
        let good = self.text(name);
        assert_ne!(bad, good);
        self.write(name, bad);
        self.call(command).refused(parts);
        self.write(name, good);
    }

    /// The same, with the first `from` replaced by `to`.
    #[track_caller]
    pub fn refuses_change(&self, name: &str, (from, to): (&str, &str), command: &str, parts: &[&str]) {
        self.refuses_text(name, &self.text(name).replacen(from, to, 1), command, parts);
    }

    /// The same, with another value at a JSON pointer.
    #[track_caller]
    pub fn refuses_value(&self, name: &str, (pointer, value): (&str, Value), command: &str, parts: &[&str]) {
        let mut json = self.json(name);
        *json.pointer_mut(pointer).unwrap() = value;
        self.refuses_text(name, &json.to_string(), command, parts);
    }

    /// Runs the experiment into `out`.
    pub fn run(&self, more: &[&str]) -> Ended {
        run_to(&self.path("experiment.toml"), &self.path("out"), more)
    }

    /// Runs an experiment with these tables, which must be refused with all parts and leave nothing.
    #[track_caller]
    pub fn refuses(&self, tables: &str, parts: &[&str]) {
        self.experiment(tables);
        self.run(&[]).refused(parts);
        assert!(!self.path("out").exists(), "a refused run left a folder: {tables}");
    }

    /// The same with other contents of one file, which the message must name; restores the file.
    #[track_caller]
    pub fn refuses_file(&self, name: &str, contents: impl AsRef<[u8]>, tables: &str, parts: &[&str]) {
        let good = fs::read(self.path(name));
        self.write(name, contents);
        self.refuses(tables, &[&[name], parts].concat());
        if let Ok(good) = good {
            self.write(name, good);
        }
    }
}

/// Scales for cores of 4 ports and tiles of some columns.
pub fn scales(columns: usize) -> String {
    let tiles = |inputs: usize| vec!["4.0"; inputs.div_ceil(columns)].join(", ");
    format!(
        "{{\"format\": \"phaseloom-calibration\", \"version\": 1, \"data_sha256\": \"\", \"samples\": 1, \
         \"quantile\": 1.0, \"ports\": 4, \"column_block\": {columns}, \"layers\": [\
         {{\"input_scale\": 1.0, \"full_scale\": [{}]}}, {{\"input_scale\": 3.0, \"full_scale\": [{}]}}]}}",
        tiles(3),
        tiles(4)
    )
}

pub const MODEL: &str = "format = 'phaseloom-model'\nversion = 1\nname = 'small'\nweights = 'w.safetensors'\n\
    calibration = 'calibration.json'\n[input]\nsize = 3\n\
    [[layer]]\nkind = 'photonic'\noutputs = 4\nweight = 'w1'\nbias = 'b1'\n[[layer]]\nkind = 'relu'\n\
    [[layer]]\nkind = 'photonic'\noutputs = 2\nweight = 'w2'\n";
