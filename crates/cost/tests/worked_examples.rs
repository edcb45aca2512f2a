//! The worked examples of the cost model, to a relative 1e-5.

mod common;

use common::{convolution, design, digital, near, perceptron, table};
use phaseloom_cost::{
    ArrayKind, Comparison, CoreSize, Design, DigitalCost, DigitalDesign, Layer, Library, Light, LossBits, Memory,
    Network, PhotonicCost, Precision, QUANTITIES, Quantity, ShifterKind, Values, intervals, ratio, turning_sizes,
};

const TOLERANCE: f64 = 1e-5;

struct Example {
    name: &'static str,
    network: Network,
    cores: usize,
    batch: f64,
    /// Parts of the energy (nJ).
    parts: &'static [(&'static str, f64)],
    /// Sum (J), latency and period (s).
    total_j: f64,
    latency_s: f64,
    period_s: f64,
    /// Area, and that of memory and logic alone (m²).
    area_m2: f64,
    electronics_m2: f64,
    /// Buffer, and its partial sums (bytes).
    buffer: [f64; 2],
    /// Parts of the digital energy (nJ); those of the systolic array.
    digital_parts: &'static [(&'static str, f64)],
    /// Ratio, latency (s) of the systolic array and of the tree.
    ratios: [f64; 2],
    digital_latency_s: [f64; 2],
    digital_m2: f64,
    /// Energy of a register bit (J) at which the systolic array equals light.
    register_j: f64,
    /// Energy (J) with the factor 6 on the photonic electronics.
    overhead_j: f64,
}

fn examples() -> [Example; 4] {
    [
        Example {
            name: "perceptron, 28 resident cores",
            network: perceptron(),
            cores: 28,
            batch: 1.0,
            parts: &[
                ("laser", 0.74956527),
                ("hold", 0.0),
                ("dac", 6.0571429),
                ("modulator", 0.7632),
                ("receiver", 1.86368),
                ("adc", 2.49232),
                ("digital", 0.1946875),
                ("sram", 1.948625),
                ("registers", 0.338574),
                ("io", 25.21744),
                ("program", 0.0),
                ("slow_dac", 4.6592),
                ("bias", 4.3008),
                ("idle", 0.16688764),
                ("between", 0.0),
                ("serialiser", 0.0),
            ],
            total_j: 4.875212227e-8,
            latency_s: 16.18435e-9,
            period_s: 0.2e-9,
            area_m2: 2.218911094e-3,
            electronics_m2: 3.165344000e-7,
            buffer: [0.0, 0.0],
            digital_parts: &[
                ("mac", 4.6072769),
                ("post", 0.036225),
                ("sram", 1.0174237),
                ("registers", 0.338574),
                ("weights", 0.0),
                ("io", 25.21744),
                ("mac_registers", 26.131116),
                ("idle", 0.17756004),
            ],
            ratios: [1.179961, 0.643962],
            digital_latency_s: [258e-9, 27e-9],
            digital_m2: 7.227701689e-6,
            register_j: 3.030645647e-15,
            overhead_j: 1.373577073e-7,
        },
        Example {
            name: "convolution, 5 resident cores",
            network: convolution(),
            cores: 5,
            batch: 1.0,
            parts: &[
                ("laser", 26.234784),
                ("hold", 0.0),
                ("dac", 201.6),
                ("modulator", 25.4016),
                ("receiver", 65.2288),
                ("adc", 92.8256),
                ("digital", 9.00032),
                ("sram", 73.304),
                ("registers", 10.988544),
                ("io", 11.17952),
                ("program", 0.0),
                ("slow_dac", 163.072),
                ("bias", 150.528),
                ("idle", 7.56672),
                ("between", 0.0),
            ],
            total_j: 8.369298884e-7,
            latency_s: 47.592175e-9,
            period_s: 39.2e-9,
            area_m2: 3.962460462e-4,
            electronics_m2: 6.844624000e-8,
            buffer: [0.0, 0.0],
            digital_parts: &[
                ("mac", 163.77303),
                ("post", 3.2928),
                ("sram", 38.27377),
                ("registers", 10.988544),
                ("weights", 0.0),
                ("io", 11.17952),
                ("mac_registers", 928.87232),
                ("idle", 5.4591009),
            ],
            ratios: [1.388216, 0.278359],
            digital_latency_s: [324e-9, 209e-9],
            digital_m2: 1.296933257e-6,
            register_j: 2.966588311e-15,
            overhead_j: 3.954859808e-6,
        },
        Example {
            name: "perceptron, 4 shared cores",
            network: perceptron(),
            cores: 4,
            batch: 1e4,
            parts: &[
                ("laser", 1.7141371),
                ("hold", 0.0),
                ("dac", 6.0571429),
                ("modulator", 0.7632),
                ("receiver", 4.2619412),
                ("adc", 2.49232),
                ("digital", 0.1946875),
                ("sram", 1.948625),
                ("registers", 0.254478),
                ("io", 25.21744),
                ("program", 0.071344),
                ("slow_dac", 10.654853),
                ("bias", 9.835249),
                ("idle", 4.0393959),
                ("between", 3.281),
            ],
            total_j: 7.078581363e-8,
            latency_s: 32015.784e-9,
            period_s: 3.2015784e-9,
            area_m2: 3.205845728e-4,
            electronics_m2: 3.642492800e-6,
            buffer: [11_040_000.0, 1_920_000.0],
            digital_parts: &[("weights", 0.0056381027), ("mac", 4.6072769)],
            ratios: [0.812751, 0.443594],
            digital_latency_s: [258e-9, 27e-9],
            digital_m2: 1.459405542e-6,
            register_j: 6.869325842e-15,
            overhead_j: 2.367080313e-7,
        },
        Example {
            name: "convolution, 4 shared cores",
            network: convolution(),
            cores: 4,
            batch: 1e4,
            parts: &[
                ("laser", 42.190266),
                ("dac", 201.6),
                ("receiver", 104.89968),
                ("registers", 8.241408),
                ("program", 0.01274),
                ("slow_dac", 262.24919),
                ("bias", 242.07618),
                ("idle", 71.623879),
                ("between", 86.632),
            ],
            total_j: 1.231236381e-6,
            latency_s: 788_008.39e-9,
            period_s: 78.800839e-9,
            area_m2: 4.574947078e-4,
            electronics_m2: 1.405526278e-4,
            buffer: [439_040_000.0, 376_320_000.0],
            digital_parts: &[("weights", 0.0010225274)],
            ratios: [0.943637, 0.189215],
            digital_latency_s: [324e-9, 209e-9],
            digital_m2: 6.498754497e-7,
            register_j: 4.902360350e-15,
            overhead_j: 5.783116768e-6,
        },
    ]
}

fn values() -> Values {
    Library::shipped().unwrap().values()
}

impl Example {
    fn photonic(&self, change: impl Fn(&mut Design)) -> PhotonicCost {
        let mut design = design(self.cores, self.batch);
        change(&mut design);
        PhotonicCost::new(&self.network, &design, &values()).unwrap()
    }

    fn digital_design(&self, kind: ArrayKind) -> DigitalDesign {
        let resident = self.network.counts().tiles <= self.cores;
        digital(kind, &self.network, (!resident).then_some(self.batch))
    }

    fn digital(&self, kind: ArrayKind, values: &Values) -> DigitalCost {
        DigitalCost::new(&self.network, &self.digital_design(kind), values, self.period_s).unwrap()
    }
}

#[test]
fn energy_time_and_area_of_the_photonic_side() {
    for example in examples() {
        let cost = example.photonic(|_| ());
        for (key, nanojoule) in example.parts {
            near(cost.energy.part(key) * 1e9, *nanojoule, TOLERANCE, &format!("{}, {key}", example.name));
        }
        let per_mac = example.total_j / cost.counts.macs;
        for (what, value, expected) in [
            ("total", cost.joule().unwrap(), example.total_j),
            ("a MAC", cost.joule_per_mac().unwrap(), per_mac),
            ("power", cost.watt().unwrap(), example.total_j / example.period_s),
            ("period", cost.timing.period_s, example.period_s),
            ("latency", cost.timing.latency_s, example.latency_s),
            ("area", cost.area.total_m2(), example.area_m2),
            ("memory and logic", cost.area.memory_m2 + cost.area.logic_m2, example.electronics_m2),
            ("buffer", cost.buffer.bytes, example.buffer[0]),
            ("partial sums", cost.buffer.partial_sum_bytes, example.buffer[1]),
            ("overhead", example.photonic(|design| design.overhead = 6.0).joule().unwrap(), example.overhead_j),
        ] {
            near(value, expected, TOLERANCE, &format!("{}, {what}", example.name));
        }
    }
}

#[test]
fn electronics_at_equal_precision() {
    for example in examples() {
        let light = example.photonic(|_| ()).joule();
        for (index, kind) in [ArrayKind::Systolic, ArrayKind::Tree].into_iter().enumerate() {
            let cost = example.digital(kind, &values());
            for (key, nanojoule) in example.digital_parts {
                let nanojoule = if kind == ArrayKind::Tree && *key == "mac_registers" { 0.0 } else { *nanojoule };
                near(cost.energy.part(key) * 1e9, nanojoule, TOLERANCE, &format!("{}, {kind:?}, {key}", example.name));
            }
            near(cost.bare_j / cost.macs, 0.0453329e-12, TOLERANCE, "bare MAC");
            near(ratio(cost.joule(), light), example.ratios[index], TOLERANCE, example.name);
            near(cost.latency_s, example.digital_latency_s[index], 1e-12, example.name);
            near(cost.area.total_m2(), example.digital_m2, TOLERANCE, example.name);
        }
    }
}

#[test]
fn memory_outside_the_chip() {
    let [_, conv, _, shared_conv] = examples();
    let [_, _, shared, _] = examples();
    for (example, small_sram_j, weights_j, digital_weights_j) in [
        (&shared, 7.078581363e-8, 7.150094259e-8, [5.769414860e-8, 3.156303242e-8]),
        (&shared_conv, 5.852069661e-6, 1.231364083e-6, [1.161869647e-6, 2.329973257e-7]),
    ] {
        let small = example.photonic(|design| design.sram_bytes = Some(32.0 * 1024.0 * 1024.0));
        near(small.joule().unwrap(), small_sram_j, TOLERANCE, "buffer of 32 MiB");
        let weights = example.photonic(|design| design.weights = Memory::Dram);
        near(weights.joule().unwrap(), weights_j, TOLERANCE, "weights outside");
        for (kind, expected) in [ArrayKind::Systolic, ArrayKind::Tree].into_iter().zip(digital_weights_j) {
            let design = DigitalDesign { weights: Memory::Dram, ..example.digital_design(kind) };
            let cost = DigitalCost::new(&example.network, &design, &values(), example.period_s).unwrap();
            near(cost.joule(), expected, TOLERANCE, "digital weights outside");
        }
    }
    // All values of a convolution: 6272 inputs and 12 544 outputs.
    for (mut example, expected_j, digital_j) in [
        (conv, 1.423346528e-6, [1.748255722e-6, 8.193834006e-7]),
        (shared_conv, 1.817653021e-6, [1.748256744e-6, 8.193844231e-7]),
    ] {
        example.network.io_values = None;
        near(example.photonic(|_| ()).joule().unwrap(), expected_j, TOLERANCE, "all values");
        for (kind, expected) in [ArrayKind::Systolic, ArrayKind::Tree].into_iter().zip(digital_j) {
            near(example.digital(kind, &values()).joule(), expected, TOLERANCE, "all values, digital");
        }
    }
}

fn comparison(example: &Example) -> Comparison<'_> {
    Comparison {
        network: &example.network,
        design: design(example.cores, example.batch),
        digital: example.digital_design(ArrayKind::Systolic),
        tables: vec![table(); example.network.layers.len()],
    }
}

#[test]
fn the_verdict_turns_at_the_energy_of_registers() {
    for example in examples() {
        let points = comparison(&example).turning_points(Quantity::Register, [1e-16, 1e-13], &values()).unwrap();
        assert!(points.len() == 1 && points[0].light_wins_above, "{points:?}");
        near(points[0].value, example.register_j, 1e-8, example.name);
    }
}

#[test]
fn the_verdict_turns_where_the_full_model_has_equal_energies() {
    let [example, ..] = examples();
    let comparison = comparison(&example);
    let turn = |quantity, range| comparison.turning_points(quantity, range, &values()).unwrap();
    // Both are linear: light is 57.525616 − 48.752122 = 8.773494 nJ below the systolic array.
    let slow_dac = turn(Quantity::SlowDac, [1e-8, 1e-1]);
    near(slow_dac[0].value, 100e-6 * (1.0 + 8.773494 / 4.6592), TOLERANCE, "slow converters");
    let bias = turn(Quantity::Bias, [1e-6, 10.0]);
    near(bias[0].value, 12e-3 * (1.0 + 8.773494 / 4.3008), TOLERANCE, "bias");
    assert!(!slow_dac[0].light_wins_above && !bias[0].light_wins_above);
    // The laser takes 0.75 + 8.77 nJ at this loss.
    let loss = turn(Quantity::CellLoss, [1e-3, 2.0]);
    let mut lossy = comparison.clone();
    lossy.design.lights[0].cell_loss_db = Some(loss[0].value);
    near(lossy.costs(&values()).unwrap().ratio(), 1.0, 1e-6, "loss");
    assert!(loss.len() == 1 && loss[0].value > 0.1 && loss[0].value < 0.33, "{loss:?}");
    // Chip and converters have 4.4 and 4.6 bits: the verdict turns below 4.
    let bits = turn(Quantity::ReadoutBits, [1.0, 12.0]);
    assert!(bits.iter().any(|point| !point.light_wins_above && point.value > 3.5 && point.value < 4.0), "{bits:?}");
    // Resident cores are loaded once.
    assert_eq!(turn(Quantity::Batch, [1.0, 1e8]), []);
    for (_, key, _, range) in QUANTITIES {
        assert!(range[0] < range[1], "{key}");
    }
}

#[test]
fn the_verdict_turns_at_the_size_of_a_core() {
    // 64 ports win against the systolic array, and few ports lose to conversion.
    let ratio = |ports| {
        let network = Network::new(vec![Layer::new(128, 784, 1, ports), Layer::new(10, 128, 1, ports)]);
        let cores = network.counts().tiles;
        let design = Design { core: CoreSize::rectangular(ports), cores, ..design(cores, 1.0) };
        let digital = digital(ArrayKind::Systolic, &network, None);
        let comparison = Comparison { network: &network, design, digital, tables: vec![table(); 2] };
        comparison.costs(&values()).map(|costs| costs.ratio())
    };
    let turns = turning_sizes(&[8, 16, 32, 64], ratio).unwrap();
    assert!(turns.len() == 1 && turns[0].2, "{turns:?}");
}

/// Quantiles of 20 000 samples of an independent program are quantiles of ours, within four standard errors of a
/// binomial share of 1000 samples.
#[test]
fn intervals_of_ratios() {
    let mut library = Library::shipped().unwrap();
    // That program has no serialisers.
    library.entries.converters.serialiser_j_per_bit.high = Some(0.0);
    let quantiles = [
        [[0.5385, 1.1349, 1.3364], [0.2952, 0.6198, 0.7343]],
        [[0.4054, 1.2853, 1.8201], [0.0818, 0.2564, 0.3948]],
        [[0.2836, 0.7707, 1.0083], [0.1550, 0.4209, 0.5532]],
        [[0.2594, 0.8743, 1.2919], [0.0523, 0.1747, 0.2782]],
    ];
    let draws = 1000;
    for (example, expected) in examples().iter().zip(quantiles) {
        let [systolic, tree] = [ArrayKind::Systolic, ArrayKind::Tree].map(|kind| {
            let mut comparison = comparison(example);
            comparison.digital.kind = kind;
            comparison
        });
        let samples = std::cell::RefCell::new(Vec::new());
        let found = intervals(&library, 1, draws, |values| {
            let ratios = vec![systolic.costs(values)?.ratio(), tree.costs(values)?.ratio()];
            samples.borrow_mut().push(ratios.clone());
            Ok(ratios)
        });
        let (samples, found) = (samples.into_inner(), found.unwrap());
        for (kind, expected) in expected.into_iter().enumerate() {
            for (p, quantile) in [0.05, 0.5, 0.95].into_iter().zip(expected) {
                let below = samples.iter().filter(|ratios| ratios[kind] < quantile).count() as f64 / draws as f64;
                let error = (p * (1.0 - p) / draws as f64).sqrt();
                assert!((below - p).abs() < 4.0 * error, "{}: {below} below {quantile}, expected {p}", example.name);
            }
            // No interval is wholly above 1.
            assert!(found[kind].low < 1.0 && found[kind].low <= found[kind].median, "{:?}", found[kind]);
            let above = samples.iter().filter(|ratios| ratios[kind] > 1.0).count() as f64 / draws as f64;
            near(found[kind].above_one, above, 1e-12, "share above 1");
        }
    }
}

#[test]
fn chip_bits_that_follow_the_loss_end_precision() {
    let library = Library::shipped().unwrap();
    let network = perceptron();
    let mut design = design(28, 1.0);
    design.lights[0].loss_bits = Some(LossBits { bits: 5.25, at_db: 0.1 });
    let suffices = |loss_db: f64| {
        let light = Light { cell_loss_db: Some(loss_db), ..design.lights[0].clone() };
        PhotonicCost::new(&network, &Design { lights: vec![light], ..design.clone() }, &library.values())
            .unwrap()
            .lasers[0]
    };
    assert!(suffices(0.1).is_ok() && suffices(0.33).is_err());
    // Without that law the chip stays at its bits, and 0.33 dB costs 19 W a core.
    design.lights[0].loss_bits = None;
    let light = Light { cell_loss_db: Some(0.33), ..design.lights[0].clone() };
    let cost =
        PhotonicCost::new(&network, &Design { lights: vec![light], ..design.clone() }, &library.values()).unwrap();
    near(cost.lasers[0].unwrap().wall_w, 19.02925063, TOLERANCE, "0.33 dB");
    near(cost.joule_per_mac().unwrap(), 1.5208e-12, 1e-4, "0.33 dB");
}

#[test]
fn shares_that_rest_on_assumptions() {
    let library = Library::shipped().unwrap();
    let (network, design) = (perceptron(), design(28, 1.0));
    let share = library.assumed_share(|values| {
        let cost = PhotonicCost::new(&network, &design, values)?;
        Ok::<_, phaseloom_cost::CostError>(cost.energy.parts.iter().map(|part| part.joule).collect())
    });
    // Laser, slow DACs, bias and idle parts: (0.7496 + 4.6592 + 4.3008 + 0.1669)/48.7521. The idle part is linear in
    // its assumed share; the laser depends on loss and noise by more than its first power.
    near(share.unwrap(), (0.74956527 + 4.6592 + 4.3008 + 0.16688764) / 48.752122, 1e-3, "share");
}

/// Both sides pay for their idle parts while they wait for requests.
#[test]
fn rare_requests_cost_idle_power_on_both_sides() {
    let network = perceptron();
    let cost = |period_s| {
        let design = Design { request_rate_hz: Some(1.0 / period_s), ..design(28, 1.0) };
        let light = PhotonicCost::new(&network, &design, &values()).unwrap();
        near(light.timing.period_s, period_s, 1e-12, "period");
        let digital = digital(ArrayKind::Tree, &network, None);
        (light.joule().unwrap(), DigitalCost::new(&network, &digital, &values(), period_s).unwrap().joule())
    };
    let (once, twice) = (cost(1e-6), cost(2e-6));
    // 28 arrays of 64×64 multipliers at 1 GHz, 0.0453329 pJ a cycle and 30 % of it when idle.
    near(twice.1 - once.1, 28.0 * 4096.0 * 1e3 * 0.3 * 0.0453329e-12, TOLERANCE, "electronics");
    // Power of the photonic side with nothing to do: what does not depend on the inputs.
    let on = 0.74956527 + 1.86368 + 4.6592 + 4.3008;
    let per_slot = 0.3 * (28.0 * 64.0) * (3.5714286e-12 + 0.45e-12 + 1.48e-12 + 0.35 * (0.2e-12 + 0.075e-12));
    near(twice.0 - once.0, on * 1e-9 / 0.2e-9 * 1e-6 + per_slot * 5e3, TOLERANCE, "light");
}

#[test]
fn heaters_hold_as_programmed() {
    let mut design = design(28, 1.0);
    design.shifter = ShifterKind::Heater;
    design.half_turns = vec![3448.78 / 24.77e-3 / 28.0];
    design.lights[0].precision = Precision::ReadoutBits(3.5);
    let cost = PhotonicCost::new(&perceptron(), &design, &values()).unwrap();
    near(cost.energy.part("hold"), 689.756e-9, TOLERANCE, "hold");
}
