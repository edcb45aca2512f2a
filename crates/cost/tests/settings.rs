//! Settings of a design: what each changes, and by which key an impossible one is refused.

mod common;

use common::{design, digital, near, perceptron, table};
use phaseloom_cost::{
    ArrayKind, Comparison, Design, DigitalCost, DigitalDesign, LaserRule, Library, Light, Network, PhotonicCost,
    Precision, Values,
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
