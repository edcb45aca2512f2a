//! Reader of laser sweeps: a table with one row per device and wavelength. Powers become decibels.

use super::spec::count;
use super::{SpectraError, SweepsSpec};
use phaseloom_files::read_bytes_up_to;

/// Maximum size of a table in bytes, decompressed. A larger one is refused, because a small gzip file can expand beyond
/// any memory.
const MAX_BYTES: u64 = 1 << 28;
/// Characters of a file that a message quotes; longer texts are cut.
const QUOTED_CHARACTERS: usize = 60;
/// What to do about powers of another unit than dBm.
pub(crate) const SAY_THE_UNIT: &str = "say the unit of the powers: `unit = \"dBm\"`, \"dB\", \"mW\", \"W\" or \"1\"";
/// Names of a header that a message lists.
const LISTED_NAMES: usize = 12;
/// Minimum number of devices for a line fit: two points fit any line without residuals.
pub(crate) const MIN_DEVICES: usize = 3;
/// Negative share of the largest power up to which powers look linear: noise around zero.
const NOISE: f64 = 0.05;
/// Maximum magnitude of a power (dBm). Larger values are refused: no laser or detector has them, and 10^(P/10) may
/// overflow.
const MAX_DBM: f64 = 300.0;
/// Maximum linear power, in any unit.
const MAX_LINEAR: f64 = 1e6;

/// The sweep of one device inside the window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sweep {
    /// Name of the device.
    pub device: String,
    /// The number in its name.
    pub number: f64,
    /// Wavelength (nm) of each sample.
    pub wavelength_nm: Vec<f64>,
    /// Power of each sample (dBm, or dB if the unit is relative), one list per column.
    pub power_db: Vec<Vec<f64>>,
}

/// The devices of a family, by their numbers; at least [`MIN_DEVICES`], each with at least one sample in the window.
pub(crate) fn read(spec: &SweepsSpec) -> Result<Vec<Sweep>, SpectraError> {
    let mut sweeps = parse(spec, &read_bytes_up_to(&spec.file, MAX_BYTES)?.bytes)?;
    sweeps.sort_by(|a, b| a.number.total_cmp(&b.number).then_with(|| a.device.cmp(&b.device)));
    let [first, last] = spec.window_nm;
    if let Some(empty) = sweeps.iter().find(|sweep| sweep.wavelength_nm.is_empty()) {
        let found = format!("no sample of `{}` from {first} to {last} nm", short(&empty.device));
        return Err(refuse(spec, found, "a window inside the sweep: change `window_nm`"));
    }
    if sweeps.len() < MIN_DEVICES {
        let expected = format!("at least {MIN_DEVICES}: change `devices`, with which their names start");
        return Err(refuse(spec, count(sweeps.len(), "device"), &expected));
    }
    check_unit(spec, &sweeps)?;
    Ok(sweeps)
}

/// Refuses powers without a unit that look linear. Powers in dBm are below 1 mW somewhere, hence negative.
fn check_unit(spec: &SweepsSpec, sweeps: &[Sweep]) -> Result<(), SpectraError> {
    let powers = || sweeps.iter().flat_map(|sweep| sweep.power_db.iter().flatten().copied());
    let (least, most) = powers().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (p.min(a), p.max(b)));
    if spec.unit.is_some() || least < -NOISE * most.max(0.0) {
        return Ok(());
    }
    let found = format!("powers from {least} to {most} without a unit");
    Err(refuse(spec, found, &format!("powers in dBm, some of them negative; {SAY_THE_UNIT}")))
}

/// The error of a family of devices.
pub(crate) fn refuse(spec: &SweepsSpec, found: String, expected: &str) -> SpectraError {
    SpectraError::Devices {
        path: spec.file.clone(),
        devices: spec.devices.clone(),
        found,
        expected: expected.to_owned(),
    }
}

/// The beginning of a text from a file, for a message.
pub(crate) fn short(text: &str) -> String {
    let mut shown: String =
        text.chars().take(QUOTED_CHARACTERS).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(QUOTED_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

fn parse(spec: &SweepsSpec, bytes: &[u8]) -> Result<Vec<Sweep>, SpectraError> {
    let wrong = |line, column: Option<&str>, found: String, expected: &str| SpectraError::Table {
        path: spec.file.clone(),
        line,
        column: column.map(str::to_owned),
        found,
        expected: expected.to_owned(),
    };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let mut next = |record: &mut csv::StringRecord| {
        reader.read_record(record).map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            wrong(line, None, e.to_string(), "separated values in UTF-8")
        })
    };
    let mut header = csv::StringRecord::new();
    if !next(&mut header)? {
        return Err(wrong(1, None, "an empty file".into(), "a header and one row a device and wavelength"));
    }
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
    let find = |name: &str| {
        let known = || {
            let first: Vec<String> = names.iter().take(LISTED_NAMES).map(|name| short(name)).collect();
            let more = if names.len() > LISTED_NAMES { ", …" } else { "" };
            format!("a name of the header: {}{more}", first.join(", "))
        };
        names.iter().position(|n| *n == name).ok_or_else(|| wrong(1, None, format!("no column `{name}`"), &known()))
    };
    let (device, wavelength) = (find(&spec.device)?, find(&spec.wavelength)?);
    let power = spec.power.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;

    let mut sweeps: Vec<Sweep> = Vec::new();
    let mut record = csv::StringRecord::new();
    while next(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != names.len() {
            let expected = format!("{} as in the header", names.len());
            return Err(wrong(line, None, format!("{} columns", record.len()), &expected));
        }
        let name = &record[device];
        let Some(number) = spec.number_of(name) else { continue };
        let expected =
            "a length or a count such as 7, 1.5 or 1p50; what separates name and number belongs to `devices`";
        let number = number
            .map_err(|what| wrong(line, Some(&spec.device), format!("`{}` with {what}", short(name)), expected))?;
        // Rows of a device are usually adjacent, so it is the last one.
        let at = match sweeps.iter().rposition(|sweep| sweep.device == name) {
            Some(at) => at,
            None => {
                let power_db = vec![Vec::new(); power.len()];
                sweeps.push(Sweep { device: name.to_owned(), number, wavelength_nm: Vec::new(), power_db });
                sweeps.len() - 1
            }
        };
        let value = |column: usize, expected: &str, possible: &dyn Fn(f64) -> bool| {
            let text = &record[column];
            let value = text.parse::<f64>().ok().filter(|v| possible(*v));
            value.ok_or_else(|| wrong(line, Some(names[column]), format!("`{}`", short(text)), expected))
        };
        let nm = value(wavelength, "a wavelength in nm", &|v| v.is_finite() && v > 0.0)?;
        let inside = (spec.window_nm[0]..=spec.window_nm[1]).contains(&nm);
        for (k, &column) in power.iter().enumerate() {
            let unit = spec.unit();
            let power = if unit.is_logarithmic() {
                value(column, "a power in dBm from -300 to 300", &|v| v.abs() <= MAX_DBM)?
            } else if power.len() == 1 {
                // The mean in decibels of a cut-back has no place for darkness.
                value(column, "a linear power above 0, at most 1e6", &|v| v > 0.0 && v <= MAX_LINEAR)?
            } else {
                value(column, "a linear power from 0 to 1e6", &|v| (0.0..=MAX_LINEAR).contains(&v))?
            };
            if inside {
                sweeps[at].power_db[k].push(unit.to_decibels(power));
            }
        }
        if inside {
            sweeps[at].wavelength_nm.push(nm);
        }
    }
    Ok(sweeps)
}
