//! The model with its later corrections switched off, by a library file and settings: arithmetic, not a verdict.
//! Relative tolerance 1e-5.
//!
//! Then the light has half of the error power, all readings are positive for intensity noise, half of the power is in
//! the local oscillator, and the weights come from outside the chip.

mod common;

use common::{convolution, near, perceptron};
use phaseloom_cost::{
    ArrayKind, CoreSize, Design, DigitalCost, DigitalDesign, Library, Light, Memory, Network, PhotonicCost, Precision,
    RateLimit, ShifterKind, Values,
};
use std::path::Path;

const TOLERANCE: f64 = 1e-5;

fn values() -> Values {
    let text = include_str!("common/switched_off.toml");
    Library::with_text(Path::new("switched_off.toml"), text).unwrap().values()
}

fn design(cores: usize, batch: f64, readout_bits: f64) -> Design {
    let design = Design::new(CoreSize::rectangular(64), cores);
    let light = Light {
        precision: Precision::ReadoutBits(readout_bits),
        converter_bits: Some(readout_bits + 0.5),
        mean: design.lights[0].level,
        lo_fraction: Some(0.5),
        ..design.lights[0].clone()
    };
    Design { batch, lights: vec![light], weights: Memory::Dram, ..design }
}

fn cost(network: &Network, design: &Design) -> PhotonicCost {
    PhotonicCost::new(network, design, &values()).unwrap()
}

/// The sum (J) if partial sums never left the registers.
fn sum_in_registers(cost: &PhotonicCost) -> f64 {
    let registers = (cost.counts.readings - cost.counts.outputs) * 2.0 * 24.0 * values().register.j_per_bit;
    cost.joule().unwrap() - cost.energy.part("between") - cost.energy.part("registers") + registers
}

#[test]
fn laser_of_five_bits() {
    let cost = cost(&perceptron(), &design(28, 1.0, 5.0));
    let laser = cost.lasers[0].unwrap();
    for (what, value, expected) in [
        ("transmission", laser.transmission, 0.231739465),
        ("photons in a port", laser.photons_per_port, 3.198915484e5),
        ("photons of the local oscillator", laser.lo_photons, 4.216991893e5),
        ("optical power", laser.optical_w, 6.294015010e-2),
        ("electrical power", laser.wall_w, 0.3147007505),
        ("bits", laser.readout_bits, 5.0),
    ] {
        near(value, expected, TOLERANCE, what);
    }
    near(cost.counts.utilisation(64), 0.8861607, TOLERANCE, "utilisation");
    near(cost.timing.flight_s, 0.542175e-9, TOLERANCE, "flight");
}

#[test]
fn laser_power_by_loss_and_bits() {
    let expected: [(f64, [Option<f64>; 6]); 4] = [
        (
            0.05,
            [
                Some(9.609940903e-03),
                Some(2.532351139e-02),
                Some(8.042110744e-02),
                Some(3.127103120e-01),
                Some(1.738169009e+00),
                None,
            ],
        ),
        (
            0.1,
            [
                Some(2.667469739e-02),
                Some(8.450946989e-02),
                Some(3.147007505e-01),
                Some(1.354820541e+00),
                Some(9.440369446e+00),
                None,
            ],
        ),
        (0.25, [Some(1.515075058e+00), Some(6.429309699e+00), Some(3.514120375e+01), None, None, None]),
        (0.46, [None; 6]),
    ];
    for (loss_db, row) in expected {
        for (bits, expected) in (3..).zip(row) {
            let mut design = design(28, 1.0, f64::from(bits));
            design.lights[0].cell_loss_db = Some(loss_db);
            let cost = cost(&perceptron(), &design);
            match (cost.lasers[0], expected) {
                (Ok(laser), Some(wall_w)) => near(laser.wall_w, wall_w, TOLERANCE, "wall power"),
                (Err(none), None) => assert!(none.max_readout_bits < f64::from(bits), "{none:?}"),
                (found, expected) => panic!("{loss_db} dB, {bits} bits: {found:?}, expected {expected:?}"),
            }
            assert_eq!(cost.joule().is_some(), expected.is_some());
        }
    }
}

#[test]
fn layers_have_lasers_of_their_own() {
    let network = perceptron();
    let mut design = design(28, 1.0, 5.0);
    design.lights.extend(self::design(28, 1.0, 4.0).lights);
    let found = cost(&network, &design);
    // 26 cores of the first layer and 2 of the second, for 0.2 ns.
    near(found.energy.part("laser"), (26.0 * 0.3147007505 + 2.0 * 0.08450946989) * 0.2e-9, TOLERANCE, "resident");
    // 4 shared cores: 7 passes of the first layer and 1 of the second.
    design.cores = 4;
    let found = cost(&network, &design);
    let mean_w = (7.0 * 0.3147007505 + 0.08450946989) / 8.0;
    near(found.energy.part("laser"), 4.0 * mean_w * found.timing.period_s, TOLERANCE, "shared");
    // One layer without a laser leaves the network without one.
    design.lights[1].cell_loss_db = Some(0.46);
    let found = cost(&network, &design);
    assert!(found.lasers[0].is_ok() && found.lasers[1].is_err() && found.joule().is_none());
    assert!(found.energy.total_j() > 0.0 && found.energy.total_j().is_finite());
    design.lights.push(design.lights[0].clone());
    let error = PhotonicCost::new(&network, &design, &values()).unwrap_err().to_string();
    assert_eq!(error, "cost: `lights` is a list of 3: expected 1 or 2, one for each photonic layer");
}

#[test]
fn energy_and_time_by_cores_and_batches() {
    let (perceptron, convolution) = (perceptron(), convolution());
    // period, latency (s), area (m²); laser, receiver, program, sum (J).
    let rows = [
        (
            &perceptron,
            28,
            1.0,
            [2e-10, 1.618435016e-8, 2.218594560e-3, 1.762324203e-9, 1.86368e-9, 0.0, 4.063799356e-8],
        ),
        (
            &perceptron,
            4,
            1.0,
            [
                1.601738435e-5,
                1.601738435e-5,
                3.169420800e-4,
                2.01627315e-5,
                2.132234205e-5,
                7.8647296e-6,
                4.938681514e-5,
            ],
        ),
        (
            &perceptron,
            4,
            100.0,
            [
                1.617578435e-7,
                1.617578435e-5,
                3.169420800e-4,
                2.03621259e-7,
                2.153320413e-7,
                7.8647296e-8,
                5.346125856e-7,
            ],
        ),
        (
            &perceptron,
            4,
            1e4,
            [
                3.201578435e-9,
                3.201578435e-5,
                3.169420800e-4,
                4.030156545e-9,
                4.261941213e-9,
                7.8647296e-10,
                4.609056007e-8,
            ],
        ),
        (&convolution, 5, 1.0, [3.92e-8, 4.759217508e-8, 3.961776e-4, 6.16813471e-8, 6.52288e-8, 0.0, 5.512097311e-7]),
        (
            &convolution,
            1,
            100.0,
            [2.960839218e-7, 2.960839218e-5, 7.923552e-5, 9.317783238e-8, 9.853672916e-8, 1.404416e-8, 6.300583055e-7],
        ),
    ];
    for (network, cores, batch, [period_s, latency_s, area_m2, laser, receiver, program, sum]) in rows {
        let cost = cost(network, &design(cores, batch, 5.0));
        for (what, value, expected) in [
            ("period", cost.timing.period_s, period_s),
            ("latency", cost.timing.latency_s, latency_s),
            ("area", cost.area.cores_m2, area_m2),
            ("laser", cost.energy.part("laser"), laser),
            ("receiver", cost.energy.part("receiver"), receiver),
            ("program", cost.energy.part("program"), program),
            ("sum", sum_in_registers(&cost), sum),
        ] {
            near(value, expected, TOLERANCE, &format!("{cores} cores, {batch} inputs a load, {what}"));
        }
        // At 10 000 inputs a load, loads of 2 µs and shots take the same time.
        if batch < 1e4 {
            let limit = if cores == 4 { RateLimit::Loads } else { RateLimit::Cores };
            assert_eq!(cost.timing.limit, limit, "{cores} cores, {batch}");
        }
    }
}

#[test]
fn heaters_a_memory_and_requests() {
    let network = perceptron();
    let mut heaters = design(28, 1.0, 5.0);
    heaters.shifter = ShifterKind::Heater;
    heaters.half_turns = vec![3448.78 / 24.77e-3 / 28.0];
    near(cost(&network, &heaters).joule_per_mac().unwrap(), 7.18665e-12, TOLERANCE, "as programmed");
    // A mean of π.
    heaters.half_turns = vec![8320.0];
    near(cost(&network, &heaters).energy.part("hold"), 1154.08384e-9, TOLERANCE, "mean of π");

    let mut with_memory = design(28, 1.0, 5.0);
    with_memory.dram_bytes_per_s = Some(1.024e12);
    let slow = cost(&network, &with_memory);
    near(slow.timing.period_s, 7.753906250e-10, TOLERANCE, "period");
    near(slow.joule().unwrap(), 5.106983768e-8, TOLERANCE, "memory");
    near(slow.operations_per_s(), 262.144e12, TOLERANCE, "operations");
    assert_eq!(slow.timing.limit, RateLimit::Memory);

    // Twice the period: laser and receivers are on for twice the time.
    let mut requests = design(28, 1.0, 5.0);
    requests.request_rate_hz = Some(2.5e9);
    let idle = cost(&network, &requests);
    near(idle.joule().unwrap(), 4.063799356e-8 + 1.762324203e-9 + 1.86368e-9, TOLERANCE, "requests");
    assert_eq!(idle.timing.limit, RateLimit::Requests);
}

#[test]
fn electronics() {
    let (perceptron, convolution) = (perceptron(), convolution());
    for (network, bits, batch, joule, bare) in [
        (&perceptron, vec![6.0, 7.0], 1.0, 1.149178359e-7, 6.580407746e-14),
        (&perceptron, vec![6.0, 7.0], 1e4, 3.376795167e-8, 6.580407746e-14),
        (&convolution, vec![6.0], 1.0, 3.322084640e-7, 6.5625e-14),
        (&convolution, vec![6.0], 1e4, 3.175219328e-7, 6.5625e-14),
    ] {
        // An adder tree has no registers at its multipliers.
        let design = DigitalDesign { batch: Some(batch), ..DigitalDesign::new(ArrayKind::Tree, bits) };
        let cost = DigitalCost::new(network, &design, &values(), 1e-9).unwrap();
        near(cost.joule(), joule, TOLERANCE, "sum");
        near(cost.bare_j / cost.macs, bare, TOLERANCE, "bare");
    }
}

#[test]
fn double_buffering_hides_loads() {
    // 28 tiles on 4 cores, where 2 cores compute while 2 load: 13 and 1 passes. A load of 2 µs covers 10 000 vectors at 5 GHz.
    let mut double = design(4, 20_000.0, 5.0);
    double.double_buffer = true;
    let cost = cost(&perceptron(), &double);
    near(cost.timing.latency_s, 14.0 * 4e-6, 1e-3, "shots are longer than loads");
    let mut short = double.clone();
    short.batch = 100.0;
    let cost = PhotonicCost::new(&perceptron(), &short, &values()).unwrap();
    near(cost.timing.latency_s, 14.0 * 2e-6, 1e-2, "loads are longer than shots");
}
