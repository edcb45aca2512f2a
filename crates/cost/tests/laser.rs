//! Laser power and precision are inverse to each other, by the noise law of the receiver.

mod common;

use common::{design, near};
use phaseloom_cost::{
    Design, Library, Light, NoiseLaw, PhotonicCost, Precision, Values, laser, library_link, mean_transmission,
};
use phaseloom_hardware::{Detection, IntensityNoise, Link};

fn values() -> Values {
    Library::shipped().unwrap().values()
}

/// Variance of readings ±a of the receiver itself, mean over both signs.
fn variance(link: &Link, power_w: f64, lo_fraction: f64, a: f64) -> f64 {
    let receiver = Link { laser_power_w: Some(power_w), lo_fraction, ..link.clone() }.receiver(64).unwrap();
    0.5 * (receiver.variance(a, 0.0) + receiver.variance(-a, 0.0))
}

#[test]
fn power_to_noise_to_power() {
    let values = values();
    let link = library_link(&values, 5e9, 64);
    let a = mean_transmission(64, 0.1) * 0.2;
    let law = NoiseLaw::new(&link, 64, a, 0.0).unwrap();
    for power_w in [1e-6, 1e-4, 1e-2, 1.0, 100.0] {
        let noise = variance(&link, power_w, 0.5, a);
        near(law.variance(power_w), noise, 1e-12, "noise");
        near(law.power_w(noise).unwrap(), power_w, 1e-8, "power");
    }
    assert_eq!(law.power_w(law.intensity), None);
    assert_eq!(law.power_w(f64::NAN), None);
}

#[test]
fn the_laser_of_a_design_has_the_noise_that_is_left_for_it() {
    let (values, design) = (values(), design(28, 1.0));
    let found = laser(&design, 0, &values).unwrap().unwrap();
    let sigma2 = 0.25f64.powf(3.5) - 0.25f64.powf(4.4) - 0.25f64.powf(values.converter_bits());
    let t = found.transmission;
    let link = library_link(&values, 5e9, 64);
    near(variance(&link, found.optical_w, found.lo_fraction, 0.2 * t), sigma2 * (0.2 * t).powi(2), 1e-9, "noise");
    near(values.converter_bits(), 4.617969, 1e-6, "converters");
    near(found.wall_w, 0.1338509408, 1e-5, "power");
    near(found.lo_fraction, 0.43147, 1e-3, "share");
    near(found.readout_bits, 3.5, 1e-9, "bits");
    // No share of a grid needs less.
    let at = |lo| {
        let light = Light { lo_fraction: Some(lo), ..design.lights[0].clone() };
        laser(&Design { lights: vec![light], ..design.clone() }, 0, &values)
            .unwrap()
            .map_or(f64::INFINITY, |laser| laser.wall_w)
    };
    let best = (1..200).map(|i| at(f64::from(i) / 200.0)).fold(f64::INFINITY, f64::min);
    assert!(found.wall_w <= best * (1.0 + 1e-9) && best / found.wall_w < 1.0 + 1e-4, "{best}, {found:?}");
    near(at(0.5), 0.1352998, 1e-5, "half");
}

#[test]
fn precision_from_power_is_the_inverse() {
    let values = values();
    let mut design = design(28, 1.0);
    for bits in [2.0, 3.0, 3.5, 3.9] {
        design.lights[0].precision = Precision::ReadoutBits(bits);
        let power = laser(&design, 0, &values).unwrap().unwrap();
        design.lights[0].precision = Precision::LaserPower(power.optical_w);
        let back = laser(&design, 0, &values).unwrap().unwrap();
        near(back.readout_bits, bits, 1e-9, "bits");
        near(back.wall_w, power.wall_w, 1e-12, "power");
    }
}

#[test]
fn without_a_laser_the_bits_of_infinite_power_are_stated() {
    let values = values();
    let mut design = design(28, 1.0);
    design.lights[0].cell_loss_db = Some(0.99);
    let none = laser(&design, 0, &values).unwrap().unwrap_err();
    let bits = none.max_readout_bits;
    assert!(bits < 3.5);
    for (offset, suffices) in [(-0.01, true), (0.01, false)] {
        design.lights[0].precision = Precision::ReadoutBits(bits + offset);
        let found = laser(&design, 0, &values).unwrap();
        assert_eq!(found.is_ok(), suffices, "{bits}: {found:?}");
    }
}

#[test]
fn the_link_of_a_run_replaces_that_of_the_library() {
    let values = values();
    let mut design = design(28, 1.0);
    let quiet = Link { intensity_noise: None, ..library_link(&values, 5e9, 64) };
    design.lights[0].link = Some(quiet.clone());
    let without = laser(&design, 0, &values).unwrap().unwrap();
    let noise = IntensityNoise { rin_db_per_hz: -135.0, cmrr_db: Some(30.0) };
    design.lights[0].link = Some(Link { intensity_noise: Some(noise), ..quiet });
    let with = laser(&design, 0, &values).unwrap().unwrap();
    assert!(without.wall_w < 0.1338 && with.wall_w > 0.1339, "{without:?} {with:?}");
}

#[test]
fn impossible_links_are_refused() {
    let network = common::perceptron();
    let refused = |link: Link| {
        let mut design = design(28, 1.0);
        design.lights[0].link = Some(link);
        PhotonicCost::new(&network, &design, &values()).unwrap_err().to_string()
    };
    let link = library_link(&values(), 5e9, 64);
    let direct = refused(Link { detection: Detection::Direct, ..link.clone() });
    assert_eq!(direct, "cost: `lights[0].link.detection` is Direct: expected homodyne detection");
    assert!(refused(Link { shot_noise: false, ..link.clone() }).contains("`lights[0].link.shot_noise` is false"));
    let responsivity = refused(Link { responsivity_a_per_w: 2.0, ..link });
    assert!(responsivity.contains("one electron a photon"), "{responsivity}");
}

#[test]
fn the_mean_of_readings_enters_intensity_noise() {
    // Weights of both signs: (a² + δ²) + 2δ·mean, with δ the part of the local oscillator that balancing leaves.
    let values = values();
    let link = library_link(&values, 5e9, 64);
    let law = |mean| NoiseLaw::new(&link, 64, 0.05, mean).unwrap();
    let [down, none, up] = [-0.05, 0.0, 0.05].map(law);
    near(0.5 * (down.intensity + up.intensity), none.intensity, 1e-12, "mean over signs");
    near(law(0.02).intensity, none.intensity + 0.4 * (up.intensity - none.intensity), 1e-12, "linear in the mean");
    assert!(up.intensity > none.intensity);
}
