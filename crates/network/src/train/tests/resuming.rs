//! Checkpoints: the same bytes after an interruption, and no file of an earlier training lost.

use super::*;

/// Stops after a number of batches or epochs, and keeps all notes.
struct Stop {
    calls: usize,
    after: usize,
    notes: Vec<String>,
}

impl Stop {
    fn after(after: usize) -> Self {
        Self { calls: 0, after, notes: Vec::new() }
    }

    fn call(&mut self) -> ControlFlow<()> {
        self.calls += 1;
        if self.calls == self.after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Observer for Stop {
    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    fn batch(&mut self, _progress: &Progress) -> ControlFlow<()> {
        self.call()
    }

    fn epoch(&mut self, _report: &EpochReport) -> ControlFlow<()> {
        self.call()
    }
}

fn session(folder: &Path, toml: &str, earlier: Earlier, after: usize) -> Result<(Trained, Vec<String>)> {
    let mut stop = Stop::after(after);
    let trained = train_resumable(&toml::from_str(toml).unwrap(), folder, earlier, &mut stop)?;
    Ok((trained, stop.notes))
}

fn bytes(folder: &Path) -> Vec<Vec<u8>> {
    let files = ["weights.safetensors", "programs.safetensors", "calibration.json"].map(|name| folder.join(name));
    files.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// Trains at once, and with interruptions after some batches or epochs: equal files, equal history.
fn resumes(folder: &Path, toml: &str, interruptions: &[usize]) {
    let (whole, _) = session(folder, toml, Earlier { restart: false, overwrite: true }, usize::MAX).unwrap();
    whole.save().unwrap();
    let expected = bytes(folder);
    let remove = || {
        for name in ["weights.safetensors", "programs.safetensors", "calibration.json"] {
            let _ = fs::remove_file(folder.join(name));
        }
    };
    remove();
    for &after in interruptions {
        let (part, _) = session(folder, toml, Earlier::default(), after).unwrap();
        assert!(!part.is_finished && part.history.len() < whole.history.len());
        // The weights so far, which the next session may replace.
        part.save().unwrap();
    }
    let (last, notes) = session(folder, toml, Earlier::default(), usize::MAX).unwrap();
    assert!(notes.iter().any(|note| note.starts_with("note: resumed after epoch")), "{notes:?}");
    assert!(last.is_finished && last.best_epoch == whole.best_epoch, "{toml}");
    assert_eq!(last.history, whole.history, "{toml}");
    last.save().unwrap();
    assert!(bytes(folder) == expected, "{toml}");
    assert!(!folder.join("weights-checkpoint.safetensors").exists());
    remove();
}

#[test]
fn an_interrupted_training_ends_with_the_same_bytes() {
    let folder = folder();
    let short = TRAINING.replace("epochs = 60", "epochs = 6");
    // 15 batches an epoch: within the first, within a later one, at an end.
    resumes(folder.path(), &short, &[4, 30, 2, 15]);
    let sgd = short.replace("seed = 4", "seed = 4\noptimizer = 'sgd'\nmomentum = 0.9\nstop = { patience = 6 }");
    resumes(folder.path(), &sgd, &[33]);
    let digits = digits();
    let toml = DIGITS
        .replace("epochs = 12", "epochs = 2")
        .replace("{ modulus = 5, except = [0] }", "{ modulus = 9, remainder = [0] }");
    resumes(digits.path(), &toml, &[2, 6]);
}

#[test]
fn a_training_on_chips_resumes_to_the_same_bytes() {
    let offset = "[link]\ndetection = 'offset'\nadc.bits = 8\nlaser_power_w = 1e-3\nsymbol_rate_hz = 1e9\n";
    for (on, parameters, link) in
        [("chip", "phases", ""), ("population", "phases", offset), ("population", "weights", offset)]
    {
        let folder = folder();
        let programs = if parameters == "phases" { "programs = 'programs.safetensors'\n" } else { "" };
        let model = format!(
            "format = 'phaseloom-model'\nversion = 1\nname = 'rings'\nweights = 'weights.safetensors'\n{programs}\
             input = {{ size = 2, mean = 'input.mean', std = 'input.std' }}\n\
             layer = [ {{ kind = 'photonic', outputs = 6, weight = 'a.weight', bias = 'a.bias' }}, {{ kind = 'relu' }},\n\
               {{ kind = 'photonic', outputs = 2, weight = 'b.weight' }} ]\n"
        );
        fs::write(folder.path().join("model.toml"), model).unwrap();
        let toml =
            TRAINING.replace("calibration = { ports = 4, samples = 50 }", "").replace("epochs = 60", "epochs = 3");
        let toml = format!(
            "{toml}\non = '{on}'\nparameters = '{parameters}'\ncore = {{ ports = 4 }}\ntest_chips = 1\n\
             stop = {{ patience = 3 }}\n[process]\nsplitter_error.sigma_rad = 0.05\n\
             insertion_loss.loss_db = 0.1\n{link}"
        );
        resumes(folder.path(), &toml, &[20, 4]);
    }
}

#[test]
fn nothing_of_an_earlier_training_is_lost() {
    let folder = folder();
    let path = folder.path();
    let toml = TRAINING.replace("epochs = 60", "epochs = 2");
    let run = |toml: &str, restart: bool, overwrite: bool, after: usize| {
        session(path, toml, Earlier { restart, overwrite }, after)
    };
    run(&toml, false, false, usize::MAX).unwrap().0.save().unwrap();
    // The finished result, which the same file would make again.
    for restart in [false, true] {
        let error = run(&toml, restart, false, usize::MAX).unwrap_err().to_string();
        assert!(error.contains("weights.safetensors: found a file") && error.contains("--overwrite"), "{error}");
    }
    let (interrupted, _) = run(&toml, false, true, 3).unwrap();
    // A checkpoint before the weights: those of before may still be replaced, because it had leave.
    assert!(run(&toml, false, false, 1).is_ok());
    interrupted.save().unwrap();
    let other = toml.replace("seed = 4", "seed = 5");
    let error = run(&other, false, true, usize::MAX).unwrap_err().to_string();
    assert!(error.contains("weights-checkpoint.safetensors") && error.contains("another training"), "{error}");
    // Discarding the checkpoint is no leave to replace the weights that the other settings gave.
    assert!(run(&other, true, false, usize::MAX).is_err());
    fs::write(path.join("weights.safetensors"), "of somebody else").unwrap();
    assert!(run(&toml, false, false, usize::MAX).is_err());
    let (started, notes) = run(&toml, true, true, usize::MAX).unwrap();
    assert!(notes.is_empty() && started.is_finished);
    // A damaged checkpoint is an error, until it is discarded.
    let checkpoint = path.join("weights-checkpoint.safetensors");
    fs::write(&checkpoint, "no tensors").unwrap();
    assert!(run(&toml, false, true, usize::MAX).is_err());
    assert!(run(&toml, true, true, usize::MAX).is_ok());
}
