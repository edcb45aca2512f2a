//! The networks of the worked examples. Expected values of the tests come from an independent program.

#![allow(dead_code, reason = "each test uses its part")]

use phaseloom_cost::{ArrayKind, CoreSize, Design, DigitalDesign, EqualBits, Layer, Light, Network, Precision};

/// 784-128-10 on cores of 64 ports.
pub fn perceptron() -> Network {
    Network::new(vec![Layer::new(128, 784, 1, 64), Layer::new(10, 128, 1, 64)])
}

/// A convolution of 32 → 64 channels, 3×3, 14×14 pixels. The worked example moves 352 values from and to the memory
/// outside; `io_values = None` counts all of them.
pub fn convolution() -> Network {
    let mut layer = Layer::new(64, 288, 196, 64);
    layer.distinct_inputs = Some(32 * 196);
    Network { io_values: Some(352.0), ..Network::new(vec![layer]) }
}

/// MEMS cores of 64 ports at 3.5 readout bits, with a chip of 4.4 bits.
pub fn design(cores: usize, batch: f64) -> Design {
    let design = Design::new(CoreSize::rectangular(64), cores);
    let light = Light { chip_bits: 4.4, ..Light::new(Precision::ReadoutBits(3.5)) };
    Design { batch, lights: vec![light], ..design }
}

/// Readout bits of digital products, measured on the first layer of a network trained on MNIST.
pub fn table() -> EqualBits {
    EqualBits::new(vec![(4.0, 3.30), (5.0, 4.43), (6.0, 5.51), (7.0, 6.43), (8.0, 7.55)]).unwrap()
}

/// The digital array of equal precision.
pub fn digital(kind: ArrayKind, network: &Network, batch: Option<f64>) -> DigitalDesign {
    let bits = table().bits(3.5).unwrap();
    DigitalDesign { batch, ..DigitalDesign::new(kind, vec![bits; network.layers.len()]) }
}

/// Fails if a value differs from the expected one by more than a relative tolerance.
#[track_caller]
pub fn near(value: f64, expected: f64, tolerance: f64, what: &str) {
    let scale = if expected == 0.0 { 1.0 } else { expected.abs() };
    assert!((value - expected).abs() <= tolerance * scale, "{what}: {value:e}, expected {expected:e}");
}
