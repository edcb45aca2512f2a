//! Tests of layers, and helpers for the tests of single ones.

use super::*;

/// A layer on an input of a shape, with given tensors.
pub(crate) fn layer_for_test(
    toml: &str,
    input: &[usize],
    tensors: &[(&str, &[usize], &[f64])],
) -> Result<Box<dyn Layer>> {
    let Listed { layer } = toml::from_str(&format!("[[layer]]\n{}", nested(toml))).unwrap();
    let mut map = Tensors::new();
    for (name, shape, values) in tensors {
        map.insert(*name, crate::weights::Tensor::new(shape.to_vec(), values.to_vec()));
    }
    let path = std::path::Path::new("model.toml");
    place::place_all(&layer, "layer", input, &mut Vec::new())
        .map_err(|invalid| crate::NetworkError::from_invalid(path, invalid))?;
    Ok(place::build_all(&layer, "", input, &map)?.remove(0))
}

/// A list of layers, as in a model file.
#[derive(serde::Deserialize)]
struct Listed {
    #[serde(deserialize_with = "phaseloom_files::list_of_tables")]
    layer: Vec<LayerSpec>,
}

/// The tables inside a layer with the keys that they have in a model file.
fn nested(toml: &str) -> String {
    toml.replace("\n[[", "\n[[layer.")
}

/// Varied numbers between −1 and 1.
pub(crate) fn varied(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 37 + seed * 101) as f64 * 0.7).sin()).collect()
}

/// Checks `backward` of a layer against central differences of the loss Σ c·y for fixed c, with step 1e-6.
///
/// The relative error of the differences is about 1e-10. The tolerance is 1e-7 of the largest gradient (at least 1e-7).
pub(crate) fn check_gradients(layer: &mut dyn Layer, input: &Batch) {
    const STEP: f64 = 1e-6;
    let trace = layer.record(input);
    let (rows, columns) = trace.output.shape();
    let weights = Batch::from_fn(rows, columns, |r, c| ((3 * r + 5 * c) % 7) as f64 - 2.5);
    let gradients = layer.backward(input, &trace, &weights, true);
    let by_input = gradients.input.unwrap();
    let tolerance = 1e-7 * by_input.amax().max(1.0);
    for at in 0..input.len() {
        let mut at_offset = |step: f64| {
            let mut shifted = input.clone();
            shifted[at] += step;
            layer.record(&shifted).output.dot(&weights)
        };
        let numeric = (at_offset(STEP) - at_offset(-STEP)) / (2.0 * STEP);
        assert!((numeric - by_input[at]).abs() < tolerance, "input {at}: {numeric} {}", by_input[at]);
    }
    assert_eq!(layer.parameters().len(), gradients.parameters.len());
    for (p, gradient) in gradients.parameters.iter().enumerate() {
        let tolerance = 1e-7 * gradient.iter().fold(1.0_f64, |m, g| m.max(g.abs()));
        assert_eq!(layer.parameters()[p].values.len(), gradient.len());
        for (at, &analytic) in gradient.iter().enumerate() {
            // A value that is fixed at zero, between the groups of a convolution.
            if analytic == 0.0 && layer.parameters()[p].values[at] == 0.0 {
                continue;
            }
            let mut at_offset = |step: f64| {
                let old = layer.parameters()[p].values[at];
                layer.parameters()[p].values[at] = old + step;
                let value = layer.record(input).output.dot(&weights);
                layer.parameters()[p].values[at] = old;
                value
            };
            let numeric = (at_offset(STEP) - at_offset(-STEP)) / (2.0 * STEP);
            assert!((numeric - analytic).abs() < tolerance, "parameter {p}, {at}: {numeric} {analytic}");
        }
    }
    assert!(layer.backward(input, &trace, &weights, false).input.is_none());
}

#[test]
fn the_list_and_the_enum_agree() {
    for &(key, about) in LAYERS {
        assert!(!about.is_empty());
        let settings = [
            "",
            "outputs = 2\nweight = 'w'",
            "outputs = 2\nkernel = 3\nweight = 'w'",
            "kernel = 2",
            "outputs = 2",
            "scale_rad = 1",
            "threshold = 1",
            "optical_depth = 1",
            "running_mean = 'm'\nrunning_var = 'v'",
            "layer = [{ kind = 'relu' }]",
            "times = 2\nlayer = [{ kind = 'relu' }]",
            "factor = 2",
        ];
        let spec = settings
            .iter()
            .find_map(|settings| toml::from_str::<LayerSpec>(&format!("kind = '{key}'\n{settings}")).ok());
        let spec = spec.unwrap_or_else(|| panic!("{key}"));
        assert_eq!(spec.kind().key(), key);
        assert_eq!(spec.kind().to_string(), key);
    }
}

#[test]
fn activations_are_those_of_their_formulas() {
    for (kind, input, expected) in [
        ("relu", [-1.5, 0.0, 2.0], [0.0, 0.0, 2.0]),
        ("sigmoid", [-1e4, 0.0, 1e4], [0.0, 0.5, 1.0]),
        ("softmax", [1e4, 1e4, -1e4], [0.5, 0.5, 0.0]),
        ("modulus", [-1.5, 0.0, 2.0], [1.5, 0.0, 2.0]),
        ("squared_modulus", [-1.5, 0.0, 2.0], [2.25, 0.0, 4.0]),
    ] {
        let layer = layer_for_test(&format!("kind = '{kind}'"), &[3], &[]).unwrap();
        let difference =
            layer.forward(&Batch::from_column_slice(3, 1, &input)) - Batch::from_column_slice(3, 1, &expected);
        assert!(difference.amax() < 1e-15, "{kind}: {difference}");
    }
}

/// The definitions of PyTorch 2, computed with forty decimals by mpmath.
#[test]
fn activations_are_those_of_pytorch() {
    let inputs = [-3.5, -0.75, 0.25, 8.0];
    for (kind, expected) in [
        ("tanh", [-0.9981778976111987, -0.6351489523872873, 0.2449186624037091, 0.9999997749296758]),
        ("gelu", [-0.0008142017766243, -0.1699705142826511, 0.1496765814207309, 7.999999999999995]),
        ("gelu_tanh", [-0.0006161976553736, -0.1700394448343797, 0.149675350701685, 8.0]),
        ("silu", [-0.1025928076297471, -0.2406159756184552, 0.1405441252214495, 7.997317198956268]),
        ("mish", [-0.1040957544863712, -0.2764947145054651, 0.1695724096638175, 7.999998200644843]),
        ("softplus", [0.0297504182726205, 0.3868710061148999, 0.8259394198788435, 8.000335406372896]),
        ("softsign", [-0.7777777777777777, -0.4285714285714285, 0.2, 0.8888888888888888]),
        ("relu6", [0.0, 0.0, 0.25, 6.0]),
        ("leaky_relu", [-0.035, -0.0075, 0.25, 8.0]),
        ("elu", [-0.9698026165776815, -0.5276334472589852, 0.25, 8.0]),
        ("selu", [-1.7050093409572833, -0.9276320158350512, 0.2626752468388701, 8.405607898843844]),
        ("hard_tanh", [-1.0, -0.75, 0.25, 1.0]),
        ("hard_sigmoid", [0.0, 0.375, 0.5416666666666666, 1.0]),
        ("hard_swish", [0.0, -0.28125, 0.1354166666666666, 8.0]),
    ] {
        let layer = layer_for_test(&format!("kind = '{kind}'"), &[4], &[]).unwrap();
        let output = layer.forward(&Batch::from_column_slice(4, 1, &inputs));
        let difference = (&output - Batch::from_column_slice(4, 1, &expected)).amax();
        assert!(difference < 4e-15, "{kind}: {output}");
    }
    for (toml, expected) in
        [("kind = 'leaky_relu'\nslope = 0.2", -0.7), ("kind = 'elu'\nalpha = 2.0", -1.939605233155363)]
    {
        let output = layer_for_test(toml, &[1], &[]).unwrap().forward(&Batch::from_element(1, 1, -3.5));
        assert!((output[0] - expected).abs() < 4e-15, "{toml}: {output}");
    }
}

#[test]
fn activations_and_their_slopes_do_not_overflow() {
    let bounded = |value: f64| value.is_finite() && value.abs() <= 2e200;
    for &(key, _) in LAYERS.iter().filter(|(key, _)| *key != "squared_modulus") {
        let softmax = (key == "softmax").then_some(LayerSpec::Softmax(Softmax {}));
        let Some(spec) = activation(key).or(softmax) else { continue };
        let mut layer = spec.build("layer", &[4], &Tensors::new()).unwrap();
        let input = Batch::from_column_slice(4, 1, &[-1e200, -1e4, 1e4, 1e200]);
        let trace = layer.record(&input);
        let output = &trace.output;
        let slope = layer.backward(&input, &trace, &Batch::from_element(4, 1, 1.0), true).input.unwrap();
        assert!(output.iter().all(|&y| bounded(y)), "{key}: {output}");
        assert!(slope.iter().all(|&y| y.is_finite() && y.abs() < 2.0), "{key}: {slope}");
    }
}

#[test]
fn gradients_of_activations_are_those_of_finite_differences() {
    let mut activations = 0;
    for &(key, _) in LAYERS {
        let Some(spec) = activation(key) else { continue };
        let mut layer = spec.build("layer", &[4], &Tensors::new()).unwrap();
        // On both sides of every kink (0, ±1, ±3 and 6), and at none.
        for factor in [1.0, 3.0] {
            let input = Batch::from_fn(4, 3, |r, c| factor * (0.7 * r as f64 - 0.9 * c as f64 + 0.15));
            check_gradients(layer.as_mut(), &input);
        }
        activations += 1;
    }
    assert_eq!(activations, 18);
    let mut softmax = layer_for_test("kind = 'softmax'", &[4], &[]).unwrap();
    check_gradients(softmax.as_mut(), &Batch::from_fn(4, 3, |r, c| 0.7 * r as f64 - 0.9 * c as f64));
}

/// The activation of a key, if it is one.
fn activation(key: &str) -> Option<LayerSpec> {
    toml::from_str::<LayerSpec>(&format!("kind = '{key}'")).ok().filter(LayerSpec::is_activation)
}

#[test]
fn unknown_kinds_and_keys_are_refused() {
    for toml in ["kind = 'tahn'", "kind = 'relu'\nslope = 0.1", "kind = 'dense'\noutputs = 2\nweight = 'w'\nbais = 'b'"]
    {
        assert!(toml::from_str::<LayerSpec>(toml).is_err(), "{toml}");
    }
}
