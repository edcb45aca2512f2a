//! Settings of `phaseloom spectra`: devices, files, wavelengths and columns.

use super::SpectraError;
use phaseloom_files::{InvalidValue, between, locate, positive, read_toml};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A file of settings for `phaseloom spectra`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpectraSpec {
    /// Origin of the spectra, for the head of the process file.
    #[serde(default)]
    pub source: String,
    /// Unbalanced Mach–Zehnder interferometers of two equal couplers, which give `splitter_error.sigma_rad`. At least 3
    /// devices of 2 lengths.
    pub couplers: Option<SweepsSpec>,
    /// Chains of splitters: a cut-back that gives `insertion_loss.loss_db`. At least 3 devices of 2 counts.
    pub splitter_loss: Option<SweepsSpec>,
    /// Waveguides: a cut-back that gives `insertion_loss.loss_db`. At least 3 devices of 2 lengths.
    pub waveguide_loss: Option<SweepsSpec>,
    /// Components that light passes in one interferometer of the mesh.
    #[serde(default)]
    pub interferometer: InterferometerSpec,
    /// Maximum distance of a device from the line of its cut-back (dB). A cut-back with a device farther off is
    /// refused, because its slope is no loss. Range: > 0.
    #[serde(default = "half")]
    pub largest_residual_db: f64,
}

/// Laser sweeps of a family of devices, in one CSV file with a header.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SweepsSpec {
    /// The file: CSV with a header, one row per device and wavelength, plain or gzip, at most 256 MiB unpacked.
    pub file: PathBuf,
    /// Prefix of the names of the devices. The number after it is the length of the coupler or waveguide (µm), or the
    /// count of splitters. In it `p` is a decimal point, as `.` is. Signs, exponents and numbers above 10⁹ are refused.
    pub devices: String,
    /// First and last wavelength that is used (nm); of `couplers` at least one fringe. Range: > 0, rising.
    pub window_nm: [f64; 2],
    /// Columns of power: of `couplers` the cross and the bar output, of a cut-back one. The fringes have at least 0.5
    /// dB.
    pub power: Vec<String>,
    /// Unit of the powers. Without it, powers without a negative value are refused, because they may be linear.
    /// Default: `"dBm"`.
    pub unit: Option<PowerUnit>,
    /// Column of the names.
    #[serde(default = "device")]
    pub device: String,
    /// Column of the wavelength in nm.
    #[serde(default = "wavelength")]
    pub wavelength: String,
}

/// Unit of the powers of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PowerUnit {
    /// Decibels relative to a milliwatt.
    #[serde(rename = "dBm")]
    Dbm,
    /// Decibels relative to any power that is the same for all devices.
    #[serde(rename = "dB")]
    Db,
    /// Milliwatts.
    #[serde(rename = "mW")]
    Milliwatt,
    /// Watts.
    #[serde(rename = "W")]
    Watt,
    /// A share of any power that is the same for all devices.
    #[serde(rename = "1")]
    Share,
}

impl PowerUnit {
    /// Whether powers are numbers of decibels.
    pub(crate) fn is_logarithmic(self) -> bool {
        matches!(self, Self::Dbm | Self::Db)
    }

    /// Name of the logarithmic unit to which powers are converted.
    pub(crate) fn decibels(self) -> &'static str {
        if matches!(self, Self::Db | Self::Share) { "dB" } else { "dBm" }
    }

    /// A power of this unit in decibels. A linear power of zero becomes −300 dB.
    pub(crate) fn to_decibels(self, value: f64) -> f64 {
        let decibels = |share: f64| 10.0 * share.max(1e-30).log10();
        match self {
            Self::Dbm | Self::Db => value,
            Self::Milliwatt | Self::Share => decibels(value),
            Self::Watt => decibels(1e3 * value),
        }
    }
}

/// Table `[interferometer]` of the settings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct InterferometerSpec {
    /// Number of splitters that light passes. Range: 0…10⁹.
    pub splitters: u32,
    /// Length of waveguide that light passes (µm). With `waveguide_loss` it is above 0. Range: 0…10⁹.
    pub waveguide_um: f64,
}

impl Default for InterferometerSpec {
    fn default() -> Self {
        Self { splitters: 2, waveguide_um: 0.0 }
    }
}

/// A number of things: `1 device`, `2 devices`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Maximum length (µm): a kilometre. No device is longer.
const MAX_LENGTH_UM: f64 = 1e9;

fn half() -> f64 {
    0.5
}

fn device() -> String {
    "device".into()
}

fn wavelength() -> String {
    "wavelength_nm".into()
}

impl SpectraSpec {
    /// Reads and checks the settings. Paths in them are not resolved.
    ///
    /// # Errors
    ///
    /// An unreadable file, an unknown key, an impossible value.
    pub fn load(path: &Path) -> Result<Self, SpectraError> {
        let (spec, text): (Self, String) = read_toml(path, "spectra")?;
        spec.check().map_err(|invalid| locate(path, &text, invalid))?;
        Ok(spec)
    }

    /// Checks the values.
    ///
    /// # Errors
    ///
    /// The first impossible value.
    pub fn check(&self) -> Result<(), InvalidValue> {
        positive("largest_residual_db", self.largest_residual_db)?;
        between("interferometer.waveguide_um", self.interferometer.waveguide_um, 0.0, MAX_LENGTH_UM)?;
        if self.waveguide_loss.is_some() {
            positive("interferometer.waveguide_um", self.interferometer.waveguide_um)?;
        }
        let tables = [
            ("couplers", &self.couplers, 2),
            ("splitter_loss", &self.splitter_loss, 1),
            ("waveguide_loss", &self.waveguide_loss, 1),
        ];
        if tables.iter().all(|(_, sweeps, _)| sweeps.is_none()) {
            return Err(InvalidValue::new(
                "couplers",
                "absent",
                "at least one of couplers, splitter_loss, waveguide_loss",
            ));
        }
        for (table, sweeps, columns) in tables {
            if let Some(sweeps) = sweeps {
                sweeps.check(columns).map_err(|invalid| invalid.in_table(table))?;
            }
        }
        Ok(())
    }

    /// All families of devices, to resolve their paths.
    pub fn sweeps_mut(&mut self) -> impl Iterator<Item = &mut SweepsSpec> {
        self.couplers.iter_mut().chain(&mut self.splitter_loss).chain(&mut self.waveguide_loss)
    }
}

impl SweepsSpec {
    /// Unit of the powers, by default dBm.
    pub(crate) fn unit(&self) -> PowerUnit {
        self.unit.unwrap_or(PowerUnit::Dbm)
    }

    pub(super) fn check(&self, columns: usize) -> Result<(), InvalidValue> {
        let [first, last] = self.window_nm;
        if !(first.is_finite() && last.is_finite() && 0.0 < first && first < last) {
            return Err(InvalidValue::new(
                "window_nm",
                format!("[{first}, {last}]"),
                "two wavelengths, the shorter one first",
            ));
        }
        if self.power.len() != columns {
            let expected = if columns == 1 { "one column" } else { "two columns: the cross and the bar output" };
            return Err(InvalidValue::new("power", count(self.power.len(), "column"), expected));
        }
        Ok(())
    }

    /// The number in the name of a device. `None` if the name has another prefix, an error text if there is no number or an
    /// ambiguous one.
    pub(crate) fn number_of(&self, name: &str) -> Option<Result<f64, String>> {
        let rest = name.strip_prefix(&self.devices)?;
        if rest.strip_prefix(['+', '-']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            return Some(Err(format!("a sign right after `{}`", self.devices)));
        }
        let end = rest.find(|c: char| !(c.is_ascii_digit() || "p.".contains(c))).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        // `1e2` is ambiguous: 1 or 100.
        let exponent = after.strip_prefix(['e', 'E']).map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
        if exponent.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            return Some(Err(format!("an exponent right after `{}{digits}`", self.devices)));
        }
        // A `p` at the end belongs to the following text, as in `5ps`.
        let number = digits.trim_end_matches(['p', '.']).replace('p', ".").parse::<f64>();
        Some(match number {
            Ok(number) if number > MAX_LENGTH_UM => Err(format!("a number above {MAX_LENGTH_UM:e}")),
            Ok(number) => Ok(number),
            Err(_) => Err(format!("no number right after `{}`", self.devices)),
        })
    }
}
