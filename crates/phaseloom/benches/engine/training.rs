//! Training and calibration in the group "waits": memory, and the time of an epoch.

use crate::cpu_time::measure;
use crate::harness::seconds;
use nalgebra::DMatrix;
use phaseloom::network::data::DATA_VARIABLE;
use phaseloom::network::{TrainSpec, train::train};
use phaseloom::numerics::{StreamKey, standard_normal};
use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

/// Peak memory of `phaseloom train examples/mnist/train.toml` at 41ae654, and the largest allowed (MB).
const MEMORY_MB: [f64; 2] = [1220.0, 400.0];

/// The peak memory of this process while it trains MNIST for an epoch, with validation and calibration. It counts what the
/// process holds before, so it comes first. Linux only.
pub fn print_memory(folder: &Path) -> Result<(), Box<dyn Error>> {
    const NAME: &str = "memory of training on MNIST (55 000 images)";
    if std::env::var_os(DATA_VARIABLE).is_none() {
        println!("{NAME}: skipped, {DATA_VARIABLE} does not name the folder with the training files of MNIST");
        return Ok(());
    }
    let spec = TrainSpec { epochs: 1, ..TrainSpec::load(&folder.join("train.toml"))? };
    // A 5 sets the peak to the present memory (proc_pid_clear_refs(5)).
    let is_reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    let (trained, time_s) = measure(|| train(&spec, folder, &mut |_| ControlFlow::Continue(())));
    trained?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak: Option<u32> =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    match peak.filter(|_| is_reset) {
        Some(kib) => {
            let (now, [before, limit]) = (1.024e-3 * f64::from(kib), MEMORY_MB);
            let [before_text, now_text] = [before, now].map(|mb| format!("{mb:.0} MB"));
            let multiple = before / now;
            println!("{NAME:<54}{before_text:>12}{now_text:>12}{multiple:>10.2} (limit {limit:.0} MB; {time_s:.2} s)");
        }
        None => println!("{NAME}: skipped, this system does not report a peak"),
    }
    Ok(())
}

/// Processor time of one epoch of training the main job on the data of a TOML table: the difference of two numbers of
/// epochs, which leaves out reading the data.
pub fn epoch_s(folder: &Path, data: &str) -> Result<f64, Box<dyn Error>> {
    let spec = TrainSpec::load(&folder.join("train.toml"))?;
    let spec = TrainSpec { train: toml::from_str(data)?, validation: None, calibration: None, ..spec };
    let time_s = |epochs| -> Result<f64, Box<dyn Error>> {
        let spec = TrainSpec { epochs, ..spec.clone() };
        let (trained, time_s) = measure(|| train(&spec, folder, &mut |_| ControlFlow::Continue(())));
        trained?;
        Ok(time_s)
    };
    let one_and_four = (time_s(1)?, time_s(4)?);
    Ok((one_and_four.1 - one_and_four.0) / 3.0)
}

/// Complex vectors of an epoch, and the largest time of it that is allowed (s).
const COMPLEX: (usize, f64) = (55_000, 3.0);

const COMPLEX_MODEL: &str = "
format = 'phaseloom-model'
version = 1
name = 'two meshes'
weights = 'weights.safetensors'
programs = 'programs.safetensors'
input = { shape = [2, 64] }
layer = [
  { kind = 'complex_photonic', outputs = 64, weight = 'a', unitary = true },
  { kind = 'electro_optic' },
  { kind = 'complex_photonic', outputs = 64, weight = 'b', unitary = true },
  { kind = 'electro_optic' },
  { kind = 'intensity' },
  { kind = 'take', outputs = 10 },
  { kind = 'l2_normalise' },
]
";

const COMPLEX_TRAINING: &str = "
format = 'phaseloom-training'
version = 1
model = 'model.toml'
epochs = 1
batch = 512
learning_rate = 1e-3
seed = 1
loss = 'mse'
on = 'chip'
test_chips = 0
core = { ports = 64 }
train = { inputs = 'fields.npy', labels = 'labels.csv' }
process = { splitter_error = { sigma_rad = 0.01 }, phase_error = { sigma_rad = 0.01 } }
";

/// Prints the processor time of one epoch of random fields through two unitary meshes of 64 ports with electro-optic activations,
/// by the adjoint on one chip with errors.
pub fn print_complex_epoch() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (vectors, limit_s) = COMPLEX;
    let mut stream = StreamKey::new(7, "benchmark/fields").stream();
    let fields = DMatrix::from_fn(vectors, 128, |_, _| standard_normal(&mut stream));
    phaseloom::files::write_real_matrix(&folder.path().join("fields.npy"), &fields)?;
    let labels: String = (0..vectors).map(|i| format!("{}\n", i % 10)).collect();
    std::fs::write(folder.path().join("labels.csv"), labels)?;
    std::fs::write(folder.path().join("model.toml"), COMPLEX_MODEL)?;
    std::fs::write(folder.path().join("train.toml"), COMPLEX_TRAINING)?;
    let epoch_s = epoch_s(folder.path(), "inputs = 'fields.npy'\nlabels = 'labels.csv'")?;
    let name = "epoch of 55 000 fields, two meshes of 64 ports";
    println!("{name:<54}{:>24} (limit {limit_s} s)", seconds(epoch_s));
    Ok(())
}
