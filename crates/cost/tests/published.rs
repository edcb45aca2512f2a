//! Another group's published program (Lightening-Transformer, DeiT-Tiny at 4 bits on MZI cores of 12 ports), to a
//! relative 1e-6.
//!
//! Its memory parts are not in the table. Its own total counts one layer twice.

mod common;

use common::near;
use phaseloom_cost::published::EventRules;
use phaseloom_cost::{CoreSize, Layer, Library};
use std::path::Path;

#[test]
fn computing_parts_of_every_layer() {
    let library = Library::with_text(Path::new("lightening.toml"), include_str!("lightening.toml")).unwrap();
    let rules = EventRules {
        core: CoreSize::rectangular(12),
        cores: 8,
        bits: 4.0,
        sum_bits: 24.0,
        symbol_rate_hz: 5e9,
        load_s: 2e-6,
    };
    let keys = ["laser", "adc", "receiver", "adder", "program_dac", "program_modulator", "dac", "modulator"];
    // Rows, columns, vectors; energies (pJ); time (ms).
    let rows = [
        (
            (192, 768, 196),
            [47957579.64, 1782251.52, 2504785.92, 21944.85649, 65828.57143, 66355.2, 1075200.0, 1083801.6],
            0.2610176,
        ),
        (
            (576, 192, 197),
            [36151695.88, 1343508.48, 1888174.08, 16542.61503, 49371.42857, 49766.4, 810514.2857, 816998.4],
            0.1957824,
        ),
        (
            (192, 192, 197),
            [12050565.29, 447836.16, 629391.36, 5514.205011, 16457.14286, 16588.8, 270171.4286, 272332.8],
            0.0652608,
        ),
        (
            (768, 192, 197),
            [48202261.17, 1791344.64, 2517565.44, 22056.82005, 65828.57143, 66355.2, 1080685.714, 1089331.2],
            0.2610432,
        ),
        (
            (192, 768, 197),
            [48202261.17, 1791344.64, 2517565.44, 22056.82005, 65828.57143, 66355.2, 1080685.714, 1089331.2],
            0.2610432,
        ),
        ((1000, 192, 1), [321144.5065, 11840.0, 16640.0, 145.785877, 86400.0, 87091.2, 7200.0, 7257.6], 0.3360336),
    ];
    for ((rows, columns, vectors), picojoules, milliseconds) in rows {
        let layer = Layer::new(rows, columns, vectors, 12);
        let energy = rules.energy(&layer, &library.values());
        for (key, picojoule) in keys.into_iter().zip(picojoules) {
            near(energy.part(key) * 1e12, picojoule, 1e-6, &format!("{rows}×{columns}, {key}"));
        }
        near(rules.time_s(&layer) * 1e3, milliseconds, 1e-9, "time");
    }
}
