//! Settings of a design: what each changes, and by which key an impossible one is refused.

mod common;

use common::{design, digital, near, perceptron, table};
use phaseloom_cost::{
    ArrayKind, Comparison, Design, DigitalCost, DigitalDesign, LaserRule, Library, Light, Memory, Network,
    PhotonicCost, Precision, RateLimit, Values,
};

fn values() -> Values {
    Library::shipped().unwrap().values()
}

/// 784-128-10 on 64 ports: 2 row blocks of layer 1 share 784 inputs, layer 2 has one row block.
#[test]
fn shared_inputs_are_converted_once_and_pay_for_the_splitter() {
    let cost = |share_inputs| {
        PhotonicCost::new(&perceptron(), &Design { share_inputs, ..design(28, 1.0) }, &values()).unwrap()
    };
    let (own, shared) = (cost(false), cost(true));
    near(shared.counts.drives, 784.0 + 128.0, 1e-15, "drives");
    for key in ["dac", "modulator"] {
        near(shared.energy.part(key), own.energy.part(key) * 912.0 / 1696.0, 1e-12, key);
    }
    // 26 of 28 cores are in layer 1.
    let drivers = (26.0 / 2.0 + 2.0) / 28.0;
    near(shared.energy.part("bias"), own.energy.part("bias") * drivers, 1e-12, "bias");
    let more = |layer: usize| shared.lasers[layer].unwrap().optical_w / own.lasers[layer].unwrap().optical_w;
    near(more(0), 10f64.powf(0.01), 1e-9, "one stage of 0.1 dB");
    near(more(1), 1.0, 1e-12, "no stage");
}

/// Four cores take 26 tiles in passes of four, row block by row block: no pass has two tiles with the same inputs.
#[test]
fn shared_cores_share_no_inputs_that_they_take_in_turn() {
    let cost = |share_inputs| {
        PhotonicCost::new(&perceptron(), &Design { share_inputs, ..design(4, 100.0) }, &values()).unwrap()
    };
    let (own, shared) = (cost(false), cost(true));
    assert_eq!((shared.counts, shared.energy, shared.lasers), (own.counts, own.energy, own.lasers));
    // All 26 tiles at once, of 28: columns of two tiles, and in layer 2 columns of one.
    let core = |drivers: f64| drivers * (11000e-12 + 5200e-12) * 64.0;
    let area = |share_inputs| {
        let design = Design { share_inputs, ..design(28, 1.0) };
        PhotonicCost::new(&perceptron(), &design, &values()).unwrap().area.cores_m2
    };
    near(area(false) - area(true), 28.0 * (core(1.0) - core(15.0 / 28.0)), 1e-9, "area");
}

/// What lies in the memory outside goes through it: inputs and outputs of the network, weights of each load, and values between
/// passes with the inputs and outputs of all layers.
#[test]
fn the_memory_outside_limits_all_that_is_kept_there() {
    let seconds = |change: &dyn Fn(&mut Design)| {
        let mut design = Design { dram_bytes_per_s: Some(1e6), ..design(4, 100.0) };
        change(&mut design);
        let cost = PhotonicCost::new(&perceptron(), &design, &values()).unwrap();
        (cost.timing.period_s, cost.timing.latency_s / cost.timing.period_s, cost.timing.limit)
    };
    let of_io = 794.0 * 1e-6;
    let (period, batch, limit) = seconds(&|_| ());
    near(period, of_io, 1e-12, "io");
    near(batch, 100.0, 1e-12, "a batch");
    assert_eq!(limit, RateLimit::Memory);
    // A phase is a byte.
    let of_weights = 28.0 * 8320.0 / 100.0 * 1e-6;
    near(seconds(&|design| design.weights = Memory::Dram).0, of_io + of_weights, 1e-12, "weights");
    // 6 boundaries of 64 rows between passes of layer 1, written and read with 24 bits, its 784 inputs once; then 1696 inputs and 138
    // outputs of layers.
    let of_buffer = (6.0 * 64.0 * 2.0 * 3.0 + 784.0 + 1696.0 + 138.0) * 1e-6;
    near(seconds(&|design| design.sram_bytes = Some(0.0)).0, of_io + of_buffer, 1e-12, "buffer");
    let inside = seconds(&|design| design.io = Memory::Sram);
    assert!(inside.0 < 1e-6 && inside.2 != RateLimit::Memory, "{inside:?}");
}

/// Rows of zeros have no tile, no measured value and no sum.
#[test]
fn rows_of_zeros_sum_nothing() {
    let mut network = perceptron();
    network.layers[0].tiles.retain(|tile| tile.row > 0);
    for cores in [1, 28] {
        let cost = PhotonicCost::new(&network, &design(cores, 1.0), &values()).unwrap();
        // 12 sums of 64 rows, and one of 10.
        near(cost.counts.sums, 12.0 * 64.0 + 10.0, 1e-15, "sums");
        assert!(cost.energy.parts.iter().all(|part| part.joule >= 0.0), "{:?}", cost.energy);
    }
}

/// 1 mW·10^((S + loss + 10·log₁₀k)/10)·2^b/efficiency.
#[test]
fn the_rule_of_sensitivity_doubles_with_each_bit() {
    let wall = |bits| {
        let mut design = design(28, 1.0);
        design.lights[0] = Light { rule: LaserRule::Sensitivity, ..Light::new(Precision::ReadoutBits(bits)) };
        PhotonicCost::new(&perceptron(), &design, &values()).unwrap().lasers[0].unwrap().wall_w
    };
    // Coupling 2 dB, splitters 0.6 dB, modulators 1.2 dB, 127 cells of 0.1 dB.
    let loss_db = 2.0 + 0.6 + 1.2 + 12.7;
    near(wall(4.0), 1e-3 * 10f64.powf((-25.0 + loss_db) / 10.0) * 64.0 * 16.0 / 0.2, 1e-9, "wall");
    near(wall(5.0) / wall(4.0), 2.0, 1e-12, "one bit");
}

#[test]
fn settings_are_refused_by_their_own_keys() {
    let network = perceptron();
    let refused = |change: fn(&mut DigitalDesign)| {
        let mut design = digital(ArrayKind::Tree, &network, None);
        change(&mut design);
        DigitalCost::new(&network, &design, &values(), 1e-9).unwrap_err().to_string()
    };
    assert!(refused(|design| design.sum_bits = 0.0).contains("digital.sum_bits"));
    assert!(refused(|design| design.io_bits = 65.0).contains("digital.io_bits"));
    assert!(refused(|design| design.bits[1] = 0.0).contains("digital.bits"));
    let mut comparison = Comparison {
        network: &network,
        design: design(28, 1.0),
        digital: digital(ArrayKind::Tree, &network, None),
        tables: vec![table()],
    };
    assert!(comparison.costs(&values()).unwrap_err().to_string().contains("tables (number of)"));
    // Fewer bits than the table has must not take its first bits, whose energy is too high.
    comparison.tables = vec![table(); 2];
    comparison.design.lights[0].precision = Precision::ReadoutBits(3.0);
    let costs = comparison.costs(&values()).unwrap();
    assert!(costs.digital.is_none() && costs.ratio() == 0.0);
    comparison.design.lights[0] = Light::new(Precision::ReadoutBits(7.6));
    // Beyond the table each bit adds one.
    comparison.design.lights[0].converter_bits = Some(f64::INFINITY);
    let expected = digital(ArrayKind::Tree, &network, None);
    let expected = DigitalDesign { bits: vec![8.05; 2], ..expected };
    let costs = comparison.costs(&values()).unwrap();
    let expected = DigitalCost::new(&network, &expected, &values(), costs.photonic.timing.period_s).unwrap();
    near(costs.digital.unwrap().joule(), expected.joule(), 1e-12, "8.05 bits");
}

/// Layers that stay electronic cost the same on both sides.
#[test]
fn electronic_layers_are_on_both_sides() {
    let network = Network { electronic_macs: 1e6, ..perceptron() };
    let one = 0.35 * (0.2e-12 + 0.1e-12 * 24.0 / 32.0);
    let light = PhotonicCost::new(&network, &design(28, 1.0), &values()).unwrap();
    let digital = DigitalCost::new(&network, &digital(ArrayKind::Tree, &network, None), &values(), 1e-9).unwrap();
    near(light.energy.part("electronic"), 1e6 * one, 1e-12, "light");
    near(digital.energy.part("electronic"), 1e6 * one, 1e-12, "electronics");
}
