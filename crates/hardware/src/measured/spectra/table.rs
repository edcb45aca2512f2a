//! Reader of laser sweeps: a table with one row per device and wavelength, powers in dBm.

use super::{SpectraError, SweepsSpec};
use std::io::Read;
use std::path::Path;

/// Maximum size of a table in bytes, decompressed. A larger one is refused, because a small gzip file can expand beyond
/// any memory.
const MAX_BYTES: u64 = 1 << 28;
/// Characters of a file that a message quotes; longer texts are cut.
const QUOTED_CHARACTERS: usize = 60;
/// Names of a header that a message lists.
const LISTED_NAMES: usize = 12;
/// Minimum number of devices for a line fit: two points fit any line without residuals.
pub(crate) const MIN_DEVICES: usize = 3;
/// Maximum magnitude of a power (dBm). Larger values are refused: no laser or detector has them, and 10^(P/10) may
/// overflow.
const MAX_DBM: f64 = 300.0;

/// The sweep of one device inside the window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sweep {
    /// Name of the device.
    pub device: String,
    /// The number in its name.
    pub number: f64,
    /// Wavelength (nm) of each sample.
    pub wavelength_nm: Vec<f64>,
    /// Power (dBm) of each sample, one list per column.
    pub power_dbm: Vec<Vec<f64>>,
}

/// The devices of a family, by their numbers; at least [`MIN_DEVICES`], each with at least one sample in the window.
pub(crate) fn read(spec: &SweepsSpec) -> Result<Vec<Sweep>, SpectraError> {
    let mut sweeps = parse(spec, &contents(&spec.file)?)?;
    sweeps.sort_by(|a, b| a.number.total_cmp(&b.number).then_with(|| a.device.cmp(&b.device)));
    let [first, last] = spec.window_nm;
    if let Some(empty) = sweeps.iter().find(|sweep| sweep.wavelength_nm.is_empty()) {
        let found = format!("no sample of `{}` from {first} to {last} nm", short(&empty.device));
        return Err(refuse(spec, found, "a window inside the sweep: change `window_nm`"));
    }
    if sweeps.len() < MIN_DEVICES {
        let expected = format!("at least {MIN_DEVICES}: change `devices`, with which their names start");
        return Err(refuse(spec, format!("{} devices", sweeps.len()), &expected));
    }
    Ok(sweeps)
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

/// The contents of a plain file, decompressed if it starts like gzip.
fn contents(path: &Path) -> Result<Vec<u8>, SpectraError> {
    let io_error = |source| SpectraError::Io { path: path.to_owned(), source };
    let other = |what: String| io_error(std::io::Error::other(what));
    if !std::fs::metadata(path).map_err(io_error)?.is_file() {
        return Err(other("it is not a plain file".into()));
    }
    let too_large =
        || other(format!("found more than {MAX_BYTES} bytes of contents, expected less: leave out devices"));
    let mut stored = Vec::new();
    std::fs::File::open(path).and_then(|f| f.take(MAX_BYTES + 1).read_to_end(&mut stored)).map_err(io_error)?;
    if stored.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    if !stored.starts_with(&[0x1f, 0x8b]) {
        return Ok(stored);
    }
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(stored.as_slice())
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| other(format!("found damaged gzip data ({e}), expected a complete file: fetch it again")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
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
                let power_dbm = vec![Vec::new(); power.len()];
                sweeps.push(Sweep { device: name.to_owned(), number, wavelength_nm: Vec::new(), power_dbm });
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
            let dbm = value(column, "a power in dBm from -300 to 300", &|v| v.abs() <= MAX_DBM)?;
            if inside {
                sweeps[at].power_dbm[k].push(dbm);
            }
        }
        if inside {
            sweeps[at].wavelength_nm.push(nm);
        }
    }
    Ok(sweeps)
}
