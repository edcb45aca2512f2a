//! Labels: the words and the unit of a swept key, and numbers as digits.

/// What a swept key is called in a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quantity {
    pub name: String,
    key: String,
    pub unit: &'static str,
}

/// Names by the end of the key; the first match counts. A key without a match is its own name.
const NAMES: &[(&str, &str)] = &[
    ("energy_j", "energy of one inference"),
    ("run", "run"),
    ("cell_loss_db", "loss of a cell"),
    ("hold_pi_w", "power that holds π"),
    ("batch", "inputs per load"),
    ("register_j_per_bit", "energy of a register"),
    ("slow_dac_w", "power of a slow converter"),
    ("modulator_bias_w", "bias of a modulator"),
    ("readout_bits", "readout bits"),
    ("cost.shifter", "phase shifters"),
    ("cost.cores", "cores"),
    ("splitter_error.sigma_rad", "splitter error σ"),
    ("phase_error.sigma_rad", "phase error σ"),
    ("phase_jitter.sigma_rad", "phase jitter σ"),
    ("insertion_loss.loss_db", "insertion loss"),
    ("insertion_loss.imbalance_db", "loss imbalance"),
    ("insertion_loss.imbalance_sigma_db", "spread of loss imbalance"),
    ("insertion_loss.crossing_db", "loss of a crossing"),
    ("splitter_error.sigma_amplitude", "splitter error σ (bar amplitude)"),
    ("splitter_error.sigma_power", "splitter error σ (cross power)"),
    ("splitter_error.mean_rad", "common splitter error"),
    ("sigma_rad", "σ"),
    ("variation.wafer_rad", "σ between wafers"),
    ("variation.dies_per_wafer", "dies of a wafer"),
    ("variation.die_rad", "σ between dies"),
    ("variation.position_rad", "σ over a die"),
    ("variation.correlation_um", "correlation length"),
    ("heater_limits.max_rad", "largest phase of a heater"),
    ("heater_limits.heaters", "single heaters"),
    ("heaters.column", "column of the heater"),
    ("heaters.mode", "mode of the heater"),
    ("heaters.shifter", "phase of the heater"),
    ("heaters.stage", "stage of the heater"),
    ("heaters.fixed_rad", "phase of a stuck heater"),
    ("heaters.max_rad", "largest phase of one heater"),
    ("variation.columns_rad", "σ by column"),
    ("variation.uniform_rad", "uniform tolerance"),
    ("variation.truncated_rad", "σ before truncation"),
    ("variation.limit_rad", "limit of truncation"),
    ("phase_quantization", "phase quantisation"),
    ("phase_quantization.bits", "phase resolution"),
    ("phase_quantization.uniform_in", "codes uniform in"),
    ("thermal_crosstalk.coefficient", "thermal crosstalk"),
    ("thermal_crosstalk.distance_factor", "thermal crosstalk, factor on γ(d)"),
    ("thermal_crosstalk.matrix", "measured crosstalk"),
    ("heater_limits.max_rad", "largest phase of a heater"),
    ("heater_limits.heaters", "limits of single heaters"),
    ("phase_shifter.power_pi_w", "power of a phase of π"),
    ("coupling_loss_db", "coupling loss"),
    ("responsivity_a_per_w", "responsivity"),
    ("thermal_noise.feedback_ohm", "feedback resistor"),
    ("thermal_noise.noise_a_per_sqrt_hz", "amplifier noise"),
    ("shot_noise", "shot noise"),
    ("modulator.kind", "modulator"),
    ("modulator.loss_db", "modulator loss"),
    ("modulator.extinction_db", "modulator extinction"),
    ("adc.full_scale", "ADC full scale"),
    ("correction_noise", "noise of the correction"),
    ("correction_effort", "effort of the correction"),
    ("core.ports", "ports of a core"),
    ("core.topology", "topology"),
    ("core.cell", "cell"),
    ("core.cores", "cores"),
    ("core.normalise", "normalisation"),
    ("core.calibration", "gain calibration"),
    ("link.detection", "detection"),
    ("laser_power_w", "laser power"),
    ("symbol_rate_hz", "symbol rate"),
    ("bandwidth_hz", "bandwidth"),
    ("lo_fraction", "local-oscillator share"),
    ("extinction_ratio_db", "extinction ratio"),
    ("rin_db_per_hz", "relative intensity noise"),
    ("cmrr_db", "common-mode rejection"),
    ("dac.bits", "DAC resolution"),
    ("dac_bits", "DAC resolution"),
    ("dac", "DAC"),
    ("adc", "ADC"),
    ("adc.bits", "ADC resolution"),
    ("adc_bits", "ADC resolution"),
    ("correlation_s", "correlation time"),
    ("temperature_k", "temperature"),
    ("wavelength_m", "wavelength"),
    ("elapsed_s", "elapsed time"),
    ("time_s", "time"),
];

/// Units by the suffix of the key; a suffix comes after the longer ones that end with it.
const UNITS: &[(&str, &str)] = &[
    ("_db_per_hz", "dB/Hz"),
    ("_a_per_sqrt_hz", "A/√Hz"),
    ("_a_per_w", "A/W"),
    ("_db_per_cm", "dB/cm"),
    ("_rad", "rad"),
    ("_dbm", "dBm"),
    ("_db", "dB"),
    ("_hz", "Hz"),
    ("_nm", "nm"),
    ("_um", "µm"),
    ("_ohm", "Ω"),
    ("bits", "bits"),
    ("_w", "W"),
    ("_s", "s"),
    ("_m", "m"),
    ("_k", "K"),
    ("_j", "J"),
    ("_a", "A"),
    ("_v", "V"),
];

/// Names of words that are keys of the catalogue. A word without a name here is shown with spaces for underscores.
const WORDS: &[(&str, &str, &str)] = &[
    ("correction", "none", "uncorrected"),
    ("correction", "crosstalk", "crosstalk corrected"),
    ("correction", "loss", "loss corrected"),
    ("correction", "local", "local correction, errors known"),
    ("correction", "characterisation", "local correction, errors measured"),
    ("correction", "self_configuration", "self-configuration"),
    ("correction", "spsa", "SPSA"),
    ("correction", "adjoint", "in-situ gradient descent"),
    ("cell", "mzi", "MZI"),
    ("shot_noise", "true", "shot noise"),
    ("shot_noise", "false", "no shot noise"),
    ("detection", "homodyne", "homodyne detection"),
    ("detection", "direct", "direct detection"),
    ("detection", "offset", "offset detection"),
];

/// SI units that may take a prefix.
const PREFIXABLE: &[&str] = &["W", "Hz", "s", "m", "J", "A", "V", "Ω", "A/√Hz"];

/// Prefixes of engineering notation, from 10⁻¹⁸ up in steps of 10³.
const PREFIXES: [&str; 11] = ["a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T"];

/// The words and the unit of a key.
pub(crate) fn quantity(key: &str) -> Quantity {
    let unit = UNITS.iter().find(|(suffix, _)| key.ends_with(suffix));
    let unit = unit.map_or("", |&(_, unit)| unit);
    let name = NAMES.iter().find(|(end, _)| is_key(key, end));
    Quantity { name: name.map_or(key, |&(_, name)| name).to_owned(), key: key.to_owned(), unit }
}

/// Whether a key is this name, or ends with it after a point.
fn is_key(key: &str, name: &str) -> bool {
    key == name || key.strip_suffix(name).is_some_and(|head| head.ends_with('.'))
}

impl Quantity {
    /// `name (unit)`.
    pub(crate) fn title(&self, unit: &str) -> String {
        if unit.is_empty() { self.name.clone() } else { format!("{} ({unit})", self.name) }
    }

    /// Whether the unit is written with SI prefixes (milli, kilo, …).
    pub(crate) fn takes_prefix(&self) -> bool {
        PREFIXABLE.contains(&self.unit)
    }

    /// The factor that divides the numbers, so that the largest has one to three digits, and the unit after division.
    /// Numbers of units without prefixes are divided only if they would need an exponent.
    pub(crate) fn scaled(&self, largest: f64) -> (f64, String) {
        let exponent = if largest > 0.0 { ((largest.log10() + 1e-9) / 3.0).floor() as i32 * 3 } else { 0 };
        let factor = 10_f64.powi(exponent);
        if self.takes_prefix() {
            let prefix = usize::try_from(exponent / 3 + 6).ok().and_then(|index| PREFIXES.get(index));
            return prefix.map_or((1.0, self.unit.to_owned()), |prefix| (factor, format!("{prefix}{}", self.unit)));
        }
        if largest <= 0.0 || (1e-3..1e5).contains(&largest) {
            return (1.0, self.unit.to_owned());
        }
        let power = power_of_ten(exponent);
        (factor, if self.unit.is_empty() { format!("× {power}") } else { format!("{power} {}", self.unit) })
    }

    /// The name with a value, such as `phase error σ = 0.01 rad`; of a word with a name of its own, that name.
    pub(crate) fn named(&self, text: &str) -> String {
        let value = self.value(text);
        let is_name = text.parse::<f64>().is_err() && value != text.replace('_', " ");
        if is_name { value } else { format!("{} = {value}", self.name) }
    }

    /// One value with its unit, such as `10 mW` or `0.01 rad`, or the name of a word, such as `uncorrected`.
    pub(crate) fn value(&self, text: &str) -> String {
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                let prefixed = self.takes_prefix().then(|| self.scaled(number.abs()));
                let (factor, unit) = prefixed.unwrap_or((1.0, self.unit.to_owned()));
                format!("{} {unit}", decimal(number / factor)).trim_end().to_owned()
            }
            _ => {
                let named = WORDS.iter().find(|(key, word, _)| is_key(&self.key, key) && *word == text);
                named.map_or_else(|| text.replace('_', " "), |(.., name)| (*name).to_owned())
            }
        }
    }
}

/// A number with at most six digits and a true minus sign. It has an exponent only below 10⁻⁴ and from 10⁶ on.
pub(crate) fn decimal(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude > 0.0 && !(1e-4..1e6).contains(&magnitude) {
        let exponent = (magnitude.log10() + 1e-12).floor() as i32;
        let mantissa = decimal(value / 10_f64.powi(exponent));
        return if mantissa == "1" {
            power_of_ten(exponent)
        } else {
            format!("{mantissa}×{}", power_of_ten(exponent))
        };
    }
    let before = if magnitude > 0.0 { magnitude.log10().floor() as i32 } else { 0 };
    let digits = usize::try_from(5 - before).unwrap_or(0);
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "−")
}

/// A text without the characters that XML forbids.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !('\u{fffe}'..='\u{ffff}').contains(c)).collect()
}

/// `10⁻³`.
pub(crate) fn power_of_ten(exponent: i32) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let plain = exponent.to_string();
    let raised = plain.chars().map(|c| c.to_digit(10).map_or('⁻', |digit| RAISED[digit as usize]));
    format!("10{}", raised.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_words_and_units() {
        let title = |key: &str| quantity(key).title(quantity(key).unit);
        assert_eq!(title("process.splitter_error.sigma_rad"), "splitter error σ (rad)");
        assert_eq!(title("link.laser_power_w"), "laser power (W)");
        assert_eq!(title("process.phase_quantization.bits"), "phase resolution (bits)");
        assert_eq!(title("strange.key_db"), "strange.key_db (dB)");
        assert_eq!(title("not_laser_power_w"), "not_laser_power_w (W)");
        assert_eq!(title("correction"), "correction");
    }

    /// The keys are those of the reference, which is generated from the settings.
    #[test]
    fn every_key_of_a_process_and_a_link_has_a_name() {
        let pages = ["process", "link"].map(|page| {
            let path = format!("{}/../../docs/reference/keys/{page}.md", env!("CARGO_MANIFEST_DIR"));
            (page, std::fs::read_to_string(path).unwrap())
        });
        let (mut checked, mut table) = (0, String::new());
        for (of, line) in pages.iter().flat_map(|(of, text)| text.lines().map(move |line| (of, line))) {
            if line.starts_with("# ") {
                table.clear();
            }
            if let Some(heading) = line.strip_prefix("## ") {
                table = heading.trim_matches(['`', '[', ']']).to_owned();
            }
            let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
            let Some(own) = line.strip_prefix("| `").and_then(|rest| rest.split('`').next()) else { continue };
            if cells[1] == "table" {
                continue;
            }
            let key = format!("{of}.{table}.{own}").replace("..", ".");
            let Quantity { name, unit, .. } = quantity(&key);
            assert!(!name.contains(['_', '.']), "{key}: {name}");
            // Every unit of the table is one of the axis.
            let documented = cells[2].trim_end_matches(" of power");
            let expected = if matches!(documented, "1" | "") { "" } else { documented };
            assert!(unit == expected || unit == "bits" && expected.is_empty(), "{key}: {unit}, {expected}");
            checked += 1;
        }
        assert!(checked > 30, "{checked}");
    }

    #[test]
    fn every_unit_is_found_under_its_own_suffix() {
        for (suffix, unit) in UNITS {
            assert_eq!(quantity(&format!("key{suffix}")).unit, *unit, "{suffix}");
        }
    }

    #[test]
    fn numbers_read_well() {
        let cases = [
            (0.0, "0"),
            (0.002, "0.002"),
            (100.0, "100"),
            (-1.5, "−1.5"),
            (0.1 + 0.2, "0.3"),
            (1e-7, "10⁻⁷"),
            (2.5e9, "2.5×10⁹"),
        ];
        for (value, text) in cases {
            assert_eq!(decimal(value), text);
        }
        assert_eq!(decimal(999_999.6), "1000000");
    }

    #[test]
    fn values_carry_prefixes_where_the_unit_takes_them() {
        assert_eq!(quantity("laser_power_w").value("0.01"), "10 mW");
        assert_eq!(quantity("symbol_rate_hz").value("1e10"), "10 GHz");
        assert_eq!(quantity("x.sigma_rad").value("0.01"), "0.01 rad");
        assert_eq!(quantity("x.sigma_rad").value("1e-6"), "10⁻⁶ rad");
        assert_eq!(quantity("correction").value("spsa"), "SPSA");
        assert_eq!(quantity("process.correction").value("none"), "uncorrected");
        assert_eq!(quantity("core.topology").value("phase_masks"), "phase masks");
        assert_eq!(quantity("laser_power_w").value("0"), "0 W");
    }
}
