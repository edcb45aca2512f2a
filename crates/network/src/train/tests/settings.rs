//! Settings of a training: values at the start, frozen tensors, validation, early stopping, class weights, scales of inputs.

use super::*;

fn tensor(path: &Path, name: &str) -> Vec<f64> {
    Tensors::load(path).unwrap().get(name).unwrap().values().to_vec()
}

#[test]
fn training_starts_from_weights_and_leaves_frozen_ones() {
    let folder = folder();
    let path = folder.path();
    let short = TRAINING.replace("epochs = 60", "epochs = 3");
    train_in(path, &short).unwrap().save().unwrap();
    fs::rename(path.join("weights.safetensors"), path.join("first.safetensors")).unwrap();
    let after = |key: &str| {
        let trained =
            train_in(path, &short.replace("seed = 4", &format!("seed = 9\ninitial = 'first.safetensors'\n{key}")));
        trained.unwrap().tensors
    };
    let first = |name: &str| tensor(&path.join("first.safetensors"), name);
    for (key, kept) in
        [("freeze = ['a']", [true, true, false]), ("freeze = ['a.bias', 'b.weight']", [false, true, true])]
    {
        let tensors = after(&format!("{key}\nweight_decay = 0.1"));
        for (name, kept) in ["a.weight", "a.bias", "b.weight"].into_iter().zip(kept) {
            assert_eq!(tensors.get(name).unwrap().values() == first(name), kept, "{key} {name}");
        }
    }
    // It goes on where it was: better than the first epoch from random weights.
    let from = |key: &str| train_in(path, &short.replace("seed = 4", key)).unwrap().history[0].loss;
    assert!(from("seed = 9\ninitial = 'first.safetensors'") < from("seed = 9"));

    let fails =
        |key: &str| train_in(path, &short.replace("seed = 4", &format!("seed = 9\n{key}"))).unwrap_err().to_string();
    let error = fails("freeze = ['a', 'c']");
    assert!(error.contains("\"c\"") && error.contains("a.weight, a.bias, b.weight"), "{error}");
    assert!(fails("freeze = ['a', 'b']").contains("at least one tensor that is trained"));
    assert!(fails("initial = 'none.safetensors'").contains("none.safetensors"));
    let mut others = Tensors::new();
    others.insert("c", Tensor::new(vec![1], vec![1.0]));
    others.save(&path.join("others.safetensors")).unwrap();
    assert!(fails("initial = 'others.safetensors'").contains("needs the tensor `a.weight`, found only c"));
    others.insert("a.bias", Tensor::new(vec![3], vec![1.0; 3]));
    others.save(&path.join("others.safetensors")).unwrap();
    assert!(fails("initial = 'others.safetensors'").contains("has shape [3], expected [16]"));
}

/// Singular values after training: all 1 to rounding (1e-12), or at most 1; without a constraint far from it.
#[test]
fn training_keeps_what_a_passive_chip_can_be() {
    let folder = folder();
    let singular_values = |constraint: &str| {
        let model = MODEL.replace("transpose = true }", &format!("transpose = true{constraint} }}"));
        fs::write(folder.path().join("model.toml"), model).unwrap();
        let trained = train_in(folder.path(), &TRAINING.replace("epochs = 60", "epochs = 3")).unwrap();
        let values = trained.tensors.get("b.weight").unwrap().values().to_vec();
        nalgebra::DMatrix::from_vec(2, 16, values).svd(false, false).singular_values
    };
    assert!(singular_values(", constraint = 'orthogonal'").iter().all(|s| (s - 1.0).abs() < 1e-12));
    let contraction = singular_values(", constraint = 'contraction'");
    assert!(contraction.max() <= 1.0 + 1e-12 && contraction.max() > 0.9);
    assert!(singular_values("").max() > 1.1);
}

#[test]
fn a_frozen_layer_on_chips_keeps_its_phases() {
    let folder = folder();
    let model = MODEL.replace("calibration = 'calibration.json'", "programs = 'programs.safetensors'");
    fs::write(folder.path().join("model.toml"), model.replace(", fold = true", "")).unwrap();
    let toml = TRAINING.replace("calibration = { ports = 4, samples = 50 }", "").replace("epochs = 60", "epochs = 1");
    let run = |freeze: &str| {
        let toml = format!("on = 'chip'\ncore = {{ ports = 4 }}\ntest_chips = 0\n{freeze}\n{toml}");
        train_in(folder.path(), &toml).unwrap().tensors
    };
    let (free, frozen) = (run(""), run("freeze = ['a.weight']"));
    let mut start = Tensors::new();
    let spec = ModelSpec::load(&folder.path().join("model.toml")).unwrap();
    start::insert_weights(&spec.place().unwrap().0, 4, &mut start);
    // The matrix of the programs: equal up to the rounding of their decomposition, 1e-12 of values near 1.
    let distance = |tensors: &Tensors, name: &str| {
        let pairs = tensors.get(name).unwrap().values().iter().zip(start.get(name).unwrap().values());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    assert!(distance(&frozen, "a.weight") < 1e-12 && distance(&free, "a.weight") > 1e-3);
    assert!(distance(&frozen, "b.weight") > 1e-3);

    let constrained = fs::read_to_string(folder.path().join("model.toml")).unwrap();
    let constrained = constrained.replace("transpose = true", "transpose = true, constraint = 'orthogonal'");
    fs::write(folder.path().join("model.toml"), constrained).unwrap();
    let error =
        train_in(folder.path(), &format!("on = 'chip'\ncore = {{ ports = 4 }}\n{toml}")).unwrap_err().to_string();
    assert!(error.contains("no such key with `parameters = \"phases\"`"), "{error}");
}

#[test]
fn a_share_of_the_samples_validates_and_does_not_train() {
    let folder = folder();
    let spec: TrainSpec = toml::from_str(TRAINING).unwrap();
    let data = spec.train.load(folder.path()).unwrap();
    let (train, validation) = inputs::split(&data, 0.25, 1).unwrap();
    assert_eq!((train.samples(), validation.samples()), (180, 60));
    let column = |data: &Dataset| -> Vec<(u64, u64, usize)> {
        let all = data.inputs.to_batch();
        all.column_iter().zip(data.labels()).map(|(x, label)| (x[0].to_bits(), x[1].to_bits(), *label)).collect()
    };
    let mut both = [column(&train), column(&validation)].concat();
    let mut all = column(&data);
    both.sort_unstable();
    all.sort_unstable();
    assert_eq!(both, all);
    assert!(train.sha256 != data.sha256 && train.sha256 != validation.sha256);
    assert_eq!(column(&inputs::split(&data, 0.25, 1).unwrap().1), column(&validation));
    assert_ne!(column(&inputs::split(&data, 0.25, 2).unwrap().1), column(&validation));
    let share = TRAINING.replace("validation = { inputs = 'rings.csv', every = { modulus = 5, remainder = [0] } }", "");
    let share = share.replace("epochs = 60", "epochs = 2").replace("seed = 4", "seed = 4\nvalidation_share = 0.25");
    assert!(train_in(folder.path(), &share).unwrap().history[1].validation_accuracy.is_some());
    let error = train_in(folder.path(), &share.replace("0.25", "0.001")).unwrap_err().to_string();
    assert!(error.contains("`validation_share`") && error.contains("240 samples give 0"), "{error}");
}

/// The best epoch is found again from the history, and its weights from a training that ends there.
#[test]
fn early_stopping_keeps_the_best_epoch() {
    let folder = folder();
    let constant =
        TRAINING.replace("schedule = 'cosine'\n", "").replace("calibration = { ports = 4, samples = 50 }", "");
    let no_validation =
        constant.replace("validation = { inputs = 'rings.csv', every = { modulus = 5, remainder = [0] } }", "");
    for toml in [constant, no_validation] {
        let stopped = train_in(folder.path(), &toml.replace("seed = 4", "seed = 4\nstop = { patience = 4 }")).unwrap();
        let scores: Vec<f64> =
            stopped.history.iter().map(|report| report.validation_accuracy.unwrap_or(-report.loss)).collect();
        let best = stopped.best_epoch.unwrap();
        assert!(scores[..best - 1].iter().all(|score| *score < scores[best - 1]));
        assert!(scores[best..].iter().all(|score| *score <= scores[best - 1]));
        assert!(stopped.history.len() == best + 4 || stopped.history.len() == 60);
        let short = train_in(folder.path(), &toml.replace("epochs = 60", &format!("epochs = {best}"))).unwrap();
        assert_eq!(stopped.model.sha256(), short.model.sha256());
    }
}

/// One class in ten samples: with balanced weights both classes are found alike often, without them the rare one less often.
#[test]
fn class_weights_favour_the_rare_class() {
    let folder = folder();
    let rows: String = (0..400)
        .map(|i| {
            let class = usize::from(i % 10 == 0);
            let at = |k: usize| (0.7 * (2 * i + k) as f64).sin() + (1.0 - 2.0 * class as f64) * 0.3;
            format!("{},{},{class}\n", at(0), at(1))
        })
        .collect();
    fs::write(folder.path().join("rings.csv"), rows).unwrap();
    let toml = TRAINING.replace(
        "train = { inputs = 'rings.csv', every = { modulus = 5, except = [0] } }",
        "train = { inputs = 'rings.csv' }",
    );
    let toml = toml.replace("epochs = 60", "epochs = 10");
    let found = |weights: &str| {
        let trained = train_in(folder.path(), &toml.replace("seed = 4", &format!("seed = 4\n{weights}"))).unwrap();
        let spec: TrainSpec = toml::from_str(&toml).unwrap();
        let data = spec.train.load(folder.path()).unwrap();
        let classes = predictions(&trained.model.forward_exact(&trained.model.prepare(&data.inputs.to_batch())));
        classes.iter().zip(data.labels()).filter(|(class, label)| class == label && **label == 1).count()
    };
    let (plain, balanced, listed) = (found(""), found("class_weights = 'balanced'"), found("class_weights = [1, 9]"));
    assert!(balanced > plain && listed > plain, "{plain} {balanced} {listed}");
    let error = train_in(folder.path(), &toml.replace("seed = 4", "seed = 4\nclass_weights = [1, 2, 3]")).unwrap_err();
    assert!(error.to_string().contains("found 3 weights, expected 2, one for each output"), "{error}");
}

#[test]
fn inputs_far_from_unit_scale_are_reported() {
    let folder = folder();
    let spec: TrainSpec = toml::from_str(TRAINING).unwrap();
    let data = spec.train.load(folder.path()).unwrap();
    let warning = |scale: f64, mean: f64| {
        let model = MODEL
            .replace("mean = 'input.mean', std = 'input.std', fold = true", &format!("scale = {scale}, mean = {mean}"));
        fs::write(folder.path().join("model.toml"), model).unwrap();
        let spec = ModelSpec::load(&folder.path().join("model.toml")).unwrap();
        let mut tensors = Tensors::new();
        start::insert_weights(&spec.place().unwrap().0, 1, &mut tensors);
        inputs::scale_warning(&Model::unfolded(spec, folder.path(), &tensors).unwrap(), &data)
    };
    // The first feature is near 10 ± 1.5, the second near −3 ± 1.5.
    assert!(warning(0.1, 0.0).is_none());
    let large = warning(2.0, 0.0).unwrap();
    assert!(
        large.contains("rings.csv") && large.contains("feature 0") && large.contains("standardize = true"),
        "{large}"
    );
    assert!(warning(1e-4, 0.0).unwrap().contains("in every feature"));
}

/// Gradient descent learns the rings as Adam does; its default momentum is none.
#[test]
fn gradient_descent_learns() {
    let folder = folder();
    let toml = TRAINING.replace("learning_rate = 0.02", "learning_rate = 0.2\noptimizer = 'sgd'\nmomentum = 0.9");
    let last = *train_in(folder.path(), &toml).unwrap().history.last().unwrap();
    assert!(last.validation_accuracy.unwrap() > 0.95, "{last:?}");
}
