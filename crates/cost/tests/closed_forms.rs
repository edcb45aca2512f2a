//! Closed forms, to a relative 1e-6.

mod common;

use common::near;
use phaseloom_cost::closed_forms::{
    best_ports, conversion_break_even_ports, conversion_j, haar_half_turns, half_used_vectors, hold_break_even_hz,
    lambert_w, shot_noise_light_j,
};
use phaseloom_cost::{Library, NAMED_CHIPS, Values, half_turns, load_s};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_3};

fn values() -> Values {
    Library::shipped().unwrap().values()
}

#[test]
fn best_number_of_ports() {
    let rows = [
        (
            4.0,
            2.191785714e-12,
            3.927681380e-15,
            [
                (215.0002717, 1.277481607e-14),
                (107.5001359, 2.554963214e-14),
                (43.00005435, 6.387408036e-14),
                (21.50002717, 1.277481607e-13),
                (10.75001359, 2.554963214e-13),
            ],
        ),
        (
            6.0,
            3.307959184e-12,
            6.284290208e-14,
            [
                (138.228447, 3.489445273e-14),
                (69.11422351, 6.978890546e-14),
                (27.6456894, 1.744722637e-13),
                (13.8228447, 3.489445273e-13),
                (6.911422351, 6.978890546e-13),
            ],
        ),
        (
            8.0,
            6.101428571e-12,
            1.005486433e-12,
            [
                (82.68920369, 1.554117822e-13),
                (41.34460185, 3.108235644e-13),
                (16.53784074, 7.77058911e-13),
                (8.268920369, 1.554117822e-12),
                (4.134460185, 3.108235644e-12),
            ],
        ),
    ];
    for (bits, conversion, light, rows) in rows {
        let conversion_j = conversion_j(&values(), bits, 5e9);
        let light_j = shot_noise_light_j(&values(), bits, 3.0);
        near(conversion_j, conversion, 1e-6, "conversion");
        near(light_j, light, 1e-6, "light");
        for (loss_db, (ports, joule)) in [0.05, 0.1, 0.25, 0.5, 1.0].into_iter().zip(rows) {
            let best = best_ports(conversion_j, light_j, loss_db);
            near(best.ports, ports, 1e-6, "ports");
            near(best.joule_per_mac, joule, 1e-6, "energy");
            // The minimum is one.
            let alpha = 2.0 * loss_db * 10f64.ln() / 10.0;
            let at = |k: f64| (conversion_j + light_j * (alpha * k).exp()) / k;
            assert!(at(best.ports * 1.01) > best.joule_per_mac && at(best.ports * 0.99) > best.joule_per_mac);
        }
    }
}

#[test]
fn lambert_inverts_its_definition() {
    for w in [0.0, 1e-6, 0.1, 1.0, 5.0, 50.0] {
        near(lambert_w(w * f64::exp(w)), w, 1e-12, "W");
    }
}

#[test]
fn break_even_against_a_named_chip() {
    let h100 = NAMED_CHIPS[0].joule_per_mac();
    near(h100, 0.70746e-12, 1e-5, "H100");
    near(hold_break_even_hz(24.77e-3, 1.0, h100), 70.02e9, 1e-3, "a mean of π");
    near(hold_break_even_hz(24.77e-3, 0.598, h100), 41.87e9, 1e-3, "as programmed");
    let port_j = conversion_j(&values(), 8.0, 5e9) + 2.0 * values().detector.power_w / 5e9;
    near(conversion_break_even_ports(port_j, h100), 9.247, 1e-3, "ports");
    for (device, vectors) in [(&values().heater, 38_187.0), (&values().mems, 10_000.0)] {
        near(half_used_vectors(load_s(device.settle_s, 8.0), 5e9), vectors, 1e-5, "vectors");
    }
    let expected = [0.707, 1.630, 0.870, 2.536, 2.431];
    for (chip, picojoule) in NAMED_CHIPS.iter().zip(expected) {
        near(chip.joule_per_mac() * 1e12, picojoule, 1e-3, chip.name);
    }
}

#[test]
fn power_that_holds_phases() {
    for (ports, mean) in [(2, 0.875), (4, 0.785156250000), (8, 0.715705871582), (64, 0.586768811353)] {
        near(haar_half_turns(ports) / (ports * ports) as f64, mean, 1e-9, "Haar");
    }
    // θ and φ of the six cells of the four-port Fourier transform on a rectangular mesh, and its output phases: 11.5 π.
    let cells = [
        [FRAC_PI_2, 4.712_388_980_4],
        [FRAC_PI_2, 0.0],
        [1.230_959_417_3, 2.356_194_490_2],
        [FRAC_PI_3, 2.971_674_198_9],
        [FRAC_PI_3, 2.526_112_944_9],
        [1.910_633_236_2, 2.526_112_944_9],
    ];
    let outputs = [5.929_504_99, 1.662_677_26, 2.448_075_42, 2.617_993_88];
    let held = half_turns(cells.into_iter().flatten().chain(outputs));
    near(held, 11.5, 1e-8, "half turns");
    near(held * values().heater.hold_pi_w, 284.855e-3, 1e-8, "power");
}
